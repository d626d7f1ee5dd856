"""Who opened a family's record: what a guardian is told of the trail, and the question for the reader's name.

Shown: day, role and school of the reader, kind of data, purpose. Left out: openings of sealed safeguarding notes
(SECURITY T-27: the suspected person may be the guardian), and openings of what another guardian wrote or of another
household's visit, for these would tell that it exists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.opinions.models import Opinion
from portal.opinions.policy import OPINION_READ
from portal.privacy.models import ReaderQuestion
from portal.schools.calendar import add_working_days
from portal.schools.models import Guardianship, Pupil, School
from portal.schools.policy import pupils_of_guardian
from portal.trail.models import TrailEntry
from portal.trail.reads import READ
from portal.visits.models import Visit
from portal.visits.policy import VISIT_FAMILY

ANSWER_WITHIN = 15
"""Working days in which the school answers a question (Personal Information Protection Law, art. 50: in good time)."""
SHOWN = ("F3", "F4")
CATEGORY_NAMES = {"F3": _l("Contacts"), "F4": _l("What was written about the family")}
KIND_NAMES = {
    "visit": _l("A home visit"),
    "opinion": _l("An opinion you sent"),
    "person": _l("A telephone number"),
    "guardianship": _l("A telephone number"),
    "file": _l("A picture or file"),
}


def of_own_family(actor: Actor) -> ColumnElement[bool]:
    """Openings of records of the guardian's children that concern the guardian's own household."""
    visits = select(Visit.id).where(VISIT_FAMILY.within(actor))
    opinions = select(Opinion.id).where(OPINION_READ.within(actor))
    own = or_(
        TrailEntry.subject_id == actor.person_id,
        and_(
            TrailEntry.subject_id.is_(None),
            or_(
                TrailEntry.object_kind.not_in(("visit", "opinion")),
                and_(TrailEntry.object_kind == "visit", TrailEntry.object_id.in_(visits)),
                and_(TrailEntry.object_kind == "opinion", TrailEntry.object_id.in_(opinions)),
            ),
        ),
    )
    return and_(
        TrailEntry.action == READ,
        TrailEntry.category.in_(SHOWN),
        TrailEntry.pupil_id.in_(pupils_of_guardian(actor)),
        own,
    )


@dataclass(frozen=True)
class Reading:
    """One opening, as the family reads it."""

    id: int
    at: datetime
    role: str
    place: str
    child: str
    category: str
    kind: str
    purpose: str
    question: ReaderQuestion | None


def told(entries: Sequence[TrailEntry], person_id: int) -> list[Reading]:
    """The entries in words, with the questions this guardian asked. Three queries, however many entries."""
    children = _names(Pupil, {entry.pupil_id for entry in entries})
    schools = _names(School, {entry.school_id for entry in entries})
    asked = {
        question.trail_entry_id: question
        for question in db.session.scalars(
            select(ReaderQuestion).where(
                ReaderQuestion.person_id == person_id,
                ReaderQuestion.trail_entry_id.in_([entry.id for entry in entries]),
            )
        )
    }
    return [
        Reading(
            id=entry.id,
            at=entry.happened_at,
            role=entry.role,
            place=schools.get(entry.school_id or 0, ""),
            child=children.get(entry.pupil_id or 0, ""),
            category=str(CATEGORY_NAMES[entry.category]),
            kind=str(KIND_NAMES.get(entry.object_kind, _l("Another record"))),
            purpose=entry.purpose,
            question=asked.get(entry.id),
        )
        for entry in entries
    ]


def _names(model: Any, ids: set[Any]) -> dict[int, str]:
    wanted = [one for one in ids if one is not None]
    return {
        key: name
        for key, name in db.session.execute(select(model.id, model.name).where(model.id.in_(wanted)))
    }


def ask(entry: TrailEntry, person_id: int, at: datetime, today: Any) -> ReaderQuestion:
    """Ask the school for the reader's name, once for each opening, in the current transaction."""
    before = select(ReaderQuestion.id).where(
        ReaderQuestion.trail_entry_id == entry.id, ReaderQuestion.person_id == person_id
    )
    if db.session.scalar(before) is not None:
        raise RuleBroken(_("You have asked about this already. The school answers you here."))
    if entry.pupil_id is None:
        raise RuleBroken(_("Ring the school about this one."))
    school_id = db.session.scalar(select(Pupil.school_id).where(Pupil.id == entry.pupil_id))
    made = ReaderQuestion(
        trail_entry_id=entry.id,
        person_id=person_id,
        pupil_id=entry.pupil_id,
        school_id=entry.school_id or school_id,
        reader_id=entry.person_id,
        asked_at=at,
        due_on=add_working_days(today, ANSWER_WITHIN),
    )
    db.session.add(made)
    db.session.flush()
    return made


def relation_of(question: ReaderQuestion) -> str:
    """What the one who asks is to the child: 妈妈; empty when no longer a guardian."""
    found = db.session.scalar(
        select(Guardianship.relation)
        .where(Guardianship.pupil_id == question.pupil_id, Guardianship.person_id == question.person_id)
        .order_by(Guardianship.id.desc())
        .limit(1)
    )
    return found or ""
