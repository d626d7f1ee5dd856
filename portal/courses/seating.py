"""Taking, waiting for, offering and giving back household seats; marking those present."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, or_, select

from portal import clock
from portal.access import Actor
from portal.courses.counting import HELD, HOURS, PRESENT, REACHED, reached_before
from portal.courses.models import Audience, Course, CourseSession, Seat
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools import summaries
from portal.schools.models import (
    District,
    Enrolment,
    Guardianship,
    Household,
    Pupil,
    School,
    SchoolClass,
)
from portal.schools.modules import open_at
from portal.schools.policy import full_guardianship, in_force


@dataclass(frozen=True)
class Family:
    """A household as the guardian who acts for it knows it: by the names of the children it shares."""

    household_id: int
    public_id: str
    children: tuple[str, ...]


def _in_audience(course: Course) -> list[object]:
    """The conditions on enrolments of children whose families the course is for."""
    match Audience(course.audience_kind):
        case Audience.CLASS:
            return [Enrolment.class_id == course.audience_id]
        case Audience.GRADE:
            classes = select(SchoolClass.id).where(SchoolClass.grade_id == course.audience_id)
            return [Enrolment.class_id.in_(classes)]
        case Audience.SCHOOL:
            return [Enrolment.school_id == course.audience_id]
        case Audience.DISTRICT:
            root = select(District.path).where(District.id == course.audience_id).scalar_subquery()
            schools = select(School.id).join(School.district).where(District.path.startswith(root))
            return [Enrolment.school_id.in_(schools)]


def families_for(actor: Actor, course: Course) -> list[Family]:
    """The guardian's households that may take a seat: with a child in the audience; all of them when it is public.

    None while the school that runs it has its parent school switched off.
    """
    conditions = [] if course.is_public else _in_audience(course)
    rows = db.session.execute(
        select(Household.id, Household.public_id, Pupil.name)
        .join(Guardianship, Guardianship.household_id == Household.id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .where(
            full_guardianship(actor),
            in_force(Enrolment, actor),
            open_at("courses", course.school_id, actor),
            *conditions,  # type: ignore[arg-type]
        )
        .order_by(Household.id, Pupil.id)
    ).all()
    children: dict[tuple[int, str], list[str]] = {}
    for household_id, public_id, name in rows:
        children.setdefault((household_id, public_id), []).append(name)
    return [Family(key[0], key[1], tuple(dict.fromkeys(found))) for key, found in children.items()]


def locked(session: CourseSession) -> CourseSession:
    """The session as it stands now, held until the end of the transaction, so that seats are given one by one."""
    return db.session.execute(
        select(CourseSession)
        .where(CourseSession.id == session.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def seat_of(session: CourseSession, household_id: int) -> Seat | None:
    """The household's seat in a session, in whatever state."""
    return db.session.scalar(
        select(Seat).where(Seat.session_id == session.id, Seat.household_id == household_id)
    )


def take(session: CourseSession, household_id: int, person_id: int) -> Seat:
    """Give the household a seat, or the last place on the waiting list. Twice changes nothing."""
    session = locked(session)
    now = clock.now()
    if session.has_begun(now):
        raise RuleBroken(_("This session has begun. Seats can no longer be taken."))
    seat = seat_of(session, household_id)
    if seat is not None and seat.given_back_at is None:
        return seat
    if seat is None:
        seat = Seat(session_id=session.id, household_id=household_id)
        db.session.add(seat)
    seat.taken_by_id = person_id
    seat.queued_at, seat.walked_in = now, False
    seat.seated_at = seat.offered_at = seat.offer_seen_at = seat.given_back_at = None
    if session.seats_left > 0:
        seat.seated_at = now
        session.seats_taken += 1
    db.session.flush()
    return seat


def give_back(session: CourseSession, household_id: int) -> None:
    """Free the household's place; a freed seat goes to the household that has waited longest, at once."""
    session = locked(session)
    now = clock.now()
    seat = seat_of(session, household_id)
    if seat is None or seat.given_back_at is not None:
        return
    if session.has_begun(now):
        raise RuleBroken(_("This session has begun. The seat can no longer be given back."))
    if seat.present_at is not None:
        raise RuleBroken(_("Your household is on record as present. The seat can no longer be given back."))
    if seat.is_held and not seat.walked_in:
        session.seats_taken -= 1
    seat.given_back_at = now
    db.session.flush()
    offer_free_seats(session, now)


def offer_free_seats(session: CourseSession, now: datetime) -> int:
    """Give free seats of a locked session to those who wait, in their order; returns how many got one."""
    if session.seats_left <= 0 or session.has_begun(now):
        return 0
    waiting = db.session.scalars(
        select(Seat)
        .where(Seat.session_id == session.id, Seat.seated_at.is_(None), Seat.given_back_at.is_(None))
        .order_by(Seat.queued_at, Seat.id)
        .limit(session.seats_left)
    ).all()
    for seat in waiting:
        seat.seated_at = seat.offered_at = now
    session.seats_taken += len(waiting)
    db.session.flush()
    return len(waiting)


def acknowledge(session: CourseSession, household_id: int) -> None:
    """The household has seen that a seat became free for it and keeps it."""
    seat = seat_of(session, household_id)
    if seat is None or not seat.is_held:
        raise RuleBroken(_("Your household has no seat in this session any more."))
    if seat.is_new_offer:
        seat.offer_seen_at = clock.now()


def place_in_queue(seat: Seat) -> int:
    """How many households wait before this one, plus one."""
    before = or_(Seat.queued_at < seat.queued_at, and_(Seat.queued_at == seat.queued_at, Seat.id < seat.id))
    ahead = db.session.scalar(
        select(func.count(Seat.id)).where(
            Seat.session_id == seat.session_id,
            Seat.seated_at.is_(None),
            Seat.given_back_at.is_(None),
            before,
        )
    )
    return (ahead or 0) + 1


def refuse_early_sign_in(session: CourseSession, today: date) -> None:
    """Nobody is present before the day has come."""
    if not session.sign_in_is_open(today):
        raise RuleBroken(_("Those present can be marked from the day of the session on."))


def mark(session: CourseSession, course: Course, arrived: Collection[int], left_out: Collection[int]) -> None:
    """Mark households present and take marks back, and change the school's numbers of the term with it.

    ``arrived`` and ``left_out`` are household ids; only those with a seat count. Repeating changes nothing.
    """
    refuse_early_sign_in(session, clock.today())
    session = locked(session)
    now = clock.now()
    seats = db.session.scalars(
        select(Seat).where(
            Seat.session_id == session.id, Seat.seated_at.is_not(None), Seat.given_back_at.is_(None)
        )
    ).all()
    present_before = sum(seat.present_at is not None for seat in seats)
    come = [seat for seat in seats if seat.household_id in arrived and seat.present_at is None]
    gone = [seat for seat in seats if seat.household_id in left_out and seat.present_at is not None]
    for seat in come:
        seat.present_at = now
    for seat in gone:
        seat.present_at = None
    session.signed_in_at = session.signed_in_at or now
    db.session.flush()
    _count(session, course, present_before, come, gone)


def _count(
    session: CourseSession, course: Course, present_before: int, come: list[Seat], gone: list[Seat]
) -> None:
    """Change the running numbers of a school's course by what this marking changed."""
    if course.school_id is None:
        return
    school_id, on = course.school_id, session.starts_on
    present = present_before + len(come) - len(gone)
    held = (present > 0) - (present_before > 0)
    changed = {seat.household_id for seat in [*come, *gone]}
    known = reached_before(school_id, on, session.id, changed)
    new = sum(seat.household_id not in known for seat in come)
    lost = sum(seat.household_id not in known for seat in gone)
    summaries.add(school_id, on, HELD, held)
    summaries.add(school_id, on, HOURS, held * session.lesson_hours)
    summaries.add(school_id, on, PRESENT, len(come) - len(gone))
    summaries.add(school_id, on, REACHED, new - lost)


def walk_in(session: CourseSession, course: Course, household_id: int) -> None:
    """Mark a household present that came without a seat; the number of places does not bind who stands in the room."""
    refuse_early_sign_in(session, clock.today())
    session = locked(session)
    now = clock.now()
    seat = seat_of(session, household_id)
    if seat is None:
        seat = Seat(session_id=session.id, household_id=household_id, queued_at=now)
        db.session.add(seat)
    if not seat.is_held:
        seat.seated_at, seat.given_back_at, seat.walked_in = now, None, True
    db.session.flush()
    mark(session, course, {household_id}, ())
