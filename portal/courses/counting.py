"""What a school's parent school did in a term: sessions held, lesson hours, households present and reached."""

from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import exists, func, select

from portal import clock
from portal.courses.models import Course, CourseSession, Seat
from portal.extensions import db
from portal.schools.calendar import term_on
from portal.schools.models import School, SchoolYear, Term
from portal.schools.summaries import Count, Terms, measure

HELD = "course_sessions_held"
HOURS = "course_lesson_hours"
PRESENT = "course_households_present"
REACHED = "course_households_reached"


def _held_sessions() -> list[tuple[int, date, int]]:
    """(school id, day, lesson hours) of each session of a school at which somebody was present."""
    somebody = exists().where(Seat.session_id == CourseSession.id, Seat.present_at.is_not(None))
    rows = db.session.execute(
        select(Course.school_id, CourseSession.starts_at, CourseSession.lesson_hours)
        .join(Course, Course.id == CourseSession.course_id)
        .where(Course.school_id.is_not(None), somebody)
    )
    return [(school_id, clock.local(at).date(), hours) for school_id, at, hours in rows if school_id]


@measure(HELD)
def count_held(terms: Terms) -> Iterable[Count]:
    """Sessions at which at least one household was present."""
    for school_id, on, _hours in _held_sessions():
        yield school_id, terms.of(school_id, on), 1


@measure(HOURS)
def count_hours(terms: Terms) -> Iterable[Count]:
    """Lesson hours of the sessions held."""
    for school_id, on, hours in _held_sessions():
        yield school_id, terms.of(school_id, on), hours


@measure(PRESENT)
def count_present(terms: Terms) -> Iterable[Count]:
    """Households present, added up over sessions."""
    rows = db.session.execute(
        select(Course.school_id, CourseSession.starts_at, func.count(Seat.id))
        .join(Course, Course.id == CourseSession.course_id)
        .join(Seat, Seat.session_id == CourseSession.id)
        .where(Course.school_id.is_not(None), Seat.present_at.is_not(None))
        .group_by(CourseSession.id, Course.school_id, CourseSession.starts_at)
    )
    for school_id, at, number in rows:
        if school_id is not None:
            yield school_id, terms.of(school_id, clock.local(at).date()), number


@measure(REACHED)
def count_reached(terms: Terms) -> Iterable[Count]:
    """Different households present at least once in the term."""
    rows = db.session.execute(
        select(Course.school_id, CourseSession.starts_at, Seat.household_id)
        .join(Course, Course.id == CourseSession.course_id)
        .join(Seat, Seat.session_id == CourseSession.id)
        .where(Course.school_id.is_not(None), Seat.present_at.is_not(None))
    )
    reached = set()
    for school_id, at, household_id in rows:
        if school_id is not None:
            reached.add((school_id, terms.of(school_id, clock.local(at).date()), household_id))
    for school_id, term_id, _household_id in reached:
        yield school_id, term_id, 1


def reached_before(school_id: int, on: date, but: int, households: Collection[int]) -> set[int]:
    """Those of the households that were present at another session of the school in the same term."""
    school = db.session.get_one(School, school_id)
    term = term_on(school.district_id, on)
    if term is None or not households:
        return set()
    next_start = db.session.scalar(
        select(func.min(Term.starts_on))
        .join(SchoolYear, SchoolYear.id == Term.school_year_id)
        .where(SchoolYear.district_id == school.district_id, Term.starts_on > term.starts_on)
    )
    present = (
        select(Seat.household_id)
        .join(CourseSession, CourseSession.id == Seat.session_id)
        .join(Course, Course.id == CourseSession.course_id)
        .where(
            Course.school_id == school_id,
            CourseSession.id != but,
            CourseSession.starts_at >= clock.instant_of(term.starts_on),
            Seat.present_at.is_not(None),
            Seat.household_id.in_(households),
        )
    )
    if next_start is not None:
        present = present.where(CourseSession.starts_at < clock.instant_of(next_start))
    return set(db.session.scalars(present))
