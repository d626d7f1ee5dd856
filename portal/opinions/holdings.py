"""What opinions hold about families: that one was answered in time stays, the words go."""

from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.holdings import Act, Counted, Subject, empty, held
from portal.i18n import lazy_gettext as _l
from portal.opinions.models import Opinion, OpinionAnswer

BLANK = "—"
STAYS = _l("That an opinion was sent and answered in time counts in the numbers of the school; the words go.")


def _to_author(subject: Subject) -> Any:
    return OpinionAnswer.opinion_id.in_(select(Opinion.id).where(Opinion.author_id == subject.person_id))


def _about_child(subject: Subject) -> Any:
    return OpinionAnswer.opinion_id.in_(select(Opinion.id).where(Opinion.pupil_id == subject.pupil_id))


held(
    Opinion,
    Act.EMPTY,
    person="author_id",
    pupil="pupil_id",
    blanks={"text": BLANK, "reopening": ""},
    why=STAYS,
)
held(OpinionAnswer, Act.EMPTY, person=_to_author, pupil=_about_child, blanks={"text": BLANK}, why=STAYS)


def erase_words(condition: Any, done: Counted) -> None:
    """The words of opinions and of their answers; that they were sent and answered in time stays."""
    ids = list(db.session.scalars(select(Opinion.id).where(condition)))
    empty(Opinion, Opinion.id.in_(ids), {"text": BLANK, "reopening": ""}, done)
    empty(OpinionAnswer, OpinionAnswer.opinion_id.in_(ids), {"text": BLANK}, done)
