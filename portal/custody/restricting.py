"""The life of a restriction: named, approved by a second person, held, ended by its date or by a second decision.

Default (民法典 art. 1084; SECURITY T-02): both parents see school information. Only a legal document changes that.
"""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal import clock
from portal.custody.models import Restriction
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.joining.deciding import circle
from portal.joining.models import News
from portal.joining.telling import tell, tell_class_teachers
from portal.schools import summaries
from portal.schools.models import Enrolment, Flag, Guardianship, GuardianshipFlag, Pupil


def propose(tie: Guardianship, pupil: Pupil, by_id: int, **facts: Any) -> Restriction:
    """A restriction that waits for the second person, in the current transaction; it holds nothing back yet.

    ``facts``: document, number, court, issued_on, from_on, until_on (first day after, or None), is_quiet.
    """
    made = Restriction(
        guardianship_id=tie.id,
        pupil_id=pupil.id,
        school_id=pupil.school_id,
        proposed_by_id=by_id,
        proposed_at=clock.now(),
    )
    for name, value in facts.items():
        setattr(made, name, value)
    db.session.add(made)
    db.session.flush()
    return made


def _refuse_same(first_id: int | None, by_id: int) -> None:
    if first_id == by_id:
        raise RuleBroken(_("Two people decide this. Somebody else has to confirm what you entered."))


def approve(found: Restriction, by_id: int) -> None:
    """The second person's word: from its first day on every query leaves the guardian out. Others are told."""
    if found.decided_at is not None:
        raise RuleBroken(_("This restriction is decided already."))
    _refuse_same(found.proposed_by_id, by_id)
    flag = GuardianshipFlag(
        guardianship_id=found.guardianship_id,
        kind=Flag.RESTRICTED,
        started_on=found.from_on,
        ended_on=found.until_on,
        basis=f"{found.court} {found.number}"[:REASON],
    )
    db.session.add(flag)
    db.session.flush()
    found.flag_id, found.decided_by_id, found.decided_at = flag.id, by_id, clock.now()
    _follow(found, News.RESTRICTED)


REASON = 200


def refuse(found: Restriction, by_id: int, reason: str) -> None:
    """The second person does not agree; nothing was ever held back."""
    if found.decided_at is not None:
        raise RuleBroken(_("This restriction is decided already."))
    _refuse_same(found.proposed_by_id, by_id)
    found.refusal, found.decided_by_id, found.decided_at = reason, by_id, clock.now()


def ask_end(found: Restriction, by_id: int, reason: str, on: date) -> None:
    """One person says that the document no longer holds; it goes on holding until a second person agrees."""
    if found.flag_id is None or found.standing(on) in ("over", "ending"):
        raise RuleBroken(_("This restriction does not hold, or its end waits already."))
    found.end_asked_by_id, found.end_asked_at, found.end_reason = by_id, clock.now(), reason


def end(found: Restriction, by_id: int, on: date) -> None:
    """The second person agrees: from today on the guardian sees the child again. Others are told."""
    if found.end_asked_at is None or found.ended_at is not None:
        raise RuleBroken(_("Nobody has asked to end this restriction."))
    _refuse_same(found.end_asked_by_id, by_id)
    flag = db.session.get(GuardianshipFlag, found.flag_id)
    if flag is not None:
        flag.ended_on = max(on, flag.started_on)
    found.ended_by_id, found.ended_at = by_id, clock.now()
    _follow(found, News.RESTRICTION_ENDED)


def _follow(found: Restriction, kind: News) -> None:
    """Keep the numbers true, tell the class teacher and, unless somebody's safety forbids it, the other full guardians.

    Whoever is restricted is told nothing by the portal: that is for the court, and for the school in person.
    """
    db.session.flush()
    schools = select(Enrolment.school_id).where(Enrolment.pupil_id == found.pupil_id).distinct()
    summaries.rebuild_roster(db.session.scalars(schools).all())
    around = circle(found.pupil_id)
    about = next((tie for tie in around.ties if tie.id == found.guardianship_id), None)
    if about is None:
        return
    tell_class_teachers(about, kind)
    if not found.is_quiet:
        tell(around.full, about, kind)


def ties_of(pupil: Pupil) -> list[Guardianship]:
    """The child's guardians of today whom no restriction holds back or waits for."""
    waiting = set(
        db.session.scalars(
            select(Restriction.guardianship_id).where(
                Restriction.pupil_id == pupil.id, Restriction.decided_at.is_(None)
            )
        )
    )
    around = circle(pupil.id)
    return [tie for tie in around.ties if tie not in around.restricted and tie.id not in waiting]


WHOLE = (
    selectinload(Restriction.guardianship).joinedload(Guardianship.person),
    selectinload(Restriction.pupil),
    selectinload(Restriction.proposed_by),
    selectinload(Restriction.decided_by),
)
"""What a page of restrictions loads."""
