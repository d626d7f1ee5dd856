"""What is open in home visits: agreed steps past their day, and families nobody reached."""

from typing import Any

from flask import request
from sqlalchemy import and_, func, select
from sqlalchemy.orm import joinedload, load_only

from portal.access import Actor, actor, requires
from portal.extensions import db
from portal.paging import Listing, page_of
from portal.row_security import all_rows
from portal.schools.calendar import year_start
from portal.schools.models import Enrolment, Pupil, School, SchoolClass
from portal.schools.policy import SCHOOL_READ, in_force
from portal.templating import render
from portal.visits.models import ATTEMPTS_UNTIL_NOT_REACHED, FollowUp, Outcome, Visit
from portal.visits.policy import VISIT_SCHOOL
from portal.visits.views.blueprint import WORDS, bp


@bp.get("/open")
@requires(VISIT_SCHOOL)
def open_ends() -> str:
    """What a school has open: agreed steps past their day, and families that nobody reached; ``?what=families``."""
    acting = actor()
    families = request.args.get("what") == "families"
    listing: Listing[Any] = _not_reached(acting) if families else _steps_due(acting)
    pupil_ids = [one.id if families else one.pupil_id for one in listing.rows]
    return render(
        "visits/open_ends.html",
        what="families" if families else "steps",
        listing=listing,
        classes=_classes(acting, pupil_ids),
        attempts=_attempts(acting, pupil_ids) if families else {},
        today=acting.on,
        **WORDS,
    )


def _here(acting: Actor, pupil_id: Any) -> Any:
    """Whether a pupil is at the actor's school today."""
    place = and_(Enrolment.school_id == acting.school_id, in_force(Enrolment, acting))
    return pupil_id.in_(select(Enrolment.pupil_id).where(place))


def _classes(acting: Actor, pupil_ids: list[int]) -> dict[int, str]:
    """Pupil's id → the name of the class today."""
    rows = db.session.execute(
        select(Enrolment.pupil_id, SchoolClass.name)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(Enrolment.pupil_id.in_(pupil_ids), in_force(Enrolment, acting))
    )
    return {pupil_id: name for pupil_id, name in rows}


def _is_due(acting: Actor) -> Any:
    """A step that is due by today and not done, of a pupil who is still at the school with which it was agreed."""
    still = select(Enrolment.id).where(
        Enrolment.pupil_id == FollowUp.pupil_id,
        Enrolment.school_id == FollowUp.school_id,
        in_force(Enrolment, acting),
    )
    return and_(FollowUp.done_on.is_(None), FollowUp.due_on <= acting.on, still.exists())


def overdue_by_school(acting: Actor) -> dict[int, int]:
    """School id → agreed steps that are due by today and not done, in the schools within reach. What was agreed and with
    whom stays where it is: only the numbers leave a school. One query over open steps."""
    with all_rows():
        rows = db.session.execute(
            select(FollowUp.school_id, func.count())
            .where(
                FollowUp.school_id.in_(select(School.id).where(SCHOOL_READ.within(acting))), _is_due(acting)
            )
            .group_by(FollowUp.school_id)
        ).all()
    return {school_id: count for school_id, count in rows}


def _steps_due(acting: Actor) -> Listing[FollowUp]:
    """Steps that are due by today and not done. What was agreed is not in the list; it stands in the visit."""
    query = (
        select(FollowUp)
        .join(Visit, Visit.id == FollowUp.visit_id)
        .where(VISIT_SCHOOL.within(acting), FollowUp.school_id == acting.school_id, _is_due(acting))
        .options(
            load_only(FollowUp.due_on, FollowUp.owner, FollowUp.pupil_id),
            joinedload(FollowUp.pupil),
            joinedload(FollowUp.visit).load_only(Visit.public_id),
        )
    )
    return page_of(query, [(FollowUp.due_on, False), (FollowUp.id, False)])


def _year(acting: Actor) -> Any:
    return and_(VISIT_SCHOOL.within(acting), Visit.year_on == year_start(acting.on))


def _not_reached(acting: Actor) -> Listing[Pupil]:
    """Families tried twice or more this school year and never met, by the child's name."""
    met = select(Visit.pupil_id).where(_year(acting), Visit.outcome == Outcome.MET)
    tried = (
        select(Visit.pupil_id)
        .where(_year(acting), Visit.outcome == Outcome.NO_ANSWER, Visit.pupil_id.not_in(met))
        .group_by(Visit.pupil_id)
        .having(func.count(Visit.id) >= ATTEMPTS_UNTIL_NOT_REACHED)
    )
    query = select(Pupil).where(Pupil.id.in_(tried), _here(acting, Pupil.id))
    return page_of(query, [(Pupil.name_pinyin, False), (Pupil.id, False)])


def _attempts(acting: Actor, pupil_ids: list[int]) -> dict[int, tuple[int, Any]]:
    """Pupil's id → (attempts of this school year, the last one)."""
    rows = db.session.execute(
        select(Visit.pupil_id, func.count(), func.max(Visit.held_at))
        .where(_year(acting), Visit.outcome == Outcome.NO_ANSWER, Visit.pupil_id.in_(pupil_ids))
        .group_by(Visit.pupil_id)
    )
    return {pupil_id: (count, last_at) for pupil_id, count, last_at in rows}
