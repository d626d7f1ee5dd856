"""The left-behind register (留守儿童登记): entering a child, the contact log, leaving the register."""

from datetime import date, datetime

from sqlalchemy import select

from portal.care.models import CareContact, LeftBehind
from portal.care.planning import hold
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import Pupil


def enter(
    pupil: Pupil, author_id: int, away: str, carer: str, whereabouts: str, agreed: str, on: date
) -> LeftBehind:
    """Put a child on the register, in the current transaction. RuleBroken when it stands there."""
    hold(pupil)
    if line_of(pupil) is not None:
        raise RuleBroken(_("This child is on the register already."))
    made = LeftBehind(
        pupil_id=pupil.id,
        school_id=pupil.school_id,
        author_id=author_id,
        away=away,
        started_on=on,
        contacted_on=on,
    )
    made.carer, made.whereabouts, made.agreed = carer, whereabouts, agreed
    db.session.add(made)
    db.session.flush()
    return made


def line_of(pupil: Pupil) -> LeftBehind | None:
    """The child's open line on the register."""
    return db.session.scalar(
        select(LeftBehind).where(LeftBehind.pupil_id == pupil.id, LeftBehind.ended_on.is_(None)).limit(1)
    )


def contact(
    entered: LeftBehind,
    author_id: int,
    held_on: date,
    means: str,
    with_whom: str,
    line: str,
    now: datetime,
) -> CareContact:
    """An entry of the contact log; the newest day counts."""
    entered.must_be_open()
    made = CareContact(
        left_behind_id=entered.id, author_id=author_id, held_on=held_on, means=means, written_at=now
    )
    made.with_whom, made.line = with_whom, line
    db.session.add(made)
    entered.contacted_on = max(entered.contacted_on, held_on)
    return made


def leave(entered: LeftBehind, on: date) -> None:
    """The parents are back, or the child is no longer left behind."""
    entered.must_be_open()
    entered.ended_on = on
