"""Metrics over the parent school's sessions. A session counts once somebody was marked present."""

from collections.abc import Sequence

from sqlalchemy import func, select

from portal import clock, i18n
from portal.courses.models import Course, CourseSession, Seat
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import ngettext
from portal.ratings.metrics.registry import PUPILS_OF_THE_DAY, Period, Record, cared_for_on, metric, pupils_on
from portal.schools.models import Guardianship, Pupil


def _held(school_id: int, period: Period) -> list[tuple[CourseSession, str, int]]:
    """(session, title of its course, households present) of the sessions of a school in a period."""
    present = (
        select(func.count(Seat.id))
        .where(Seat.session_id == CourseSession.id, Seat.present_at.is_not(None))
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(CourseSession, Course.title, present)
        .join(Course, Course.id == CourseSession.course_id)
        .where(
            Course.school_id == school_id,
            CourseSession.starts_at >= clock.instant_of(period.starts_on),
            CourseSession.starts_at < clock.instant_of(period.after_on),
        )
        .order_by(CourseSession.starts_at, CourseSession.id)
    )
    return [(session, title, households) for session, title, households in rows]


def _detail(session: CourseSession, households: int) -> str:
    came = ngettext("%(num)s household present", "%(num)s households present", households)
    return f"{i18n.long_date(session.starts_at)} · {came}"


@metric(
    "course_sessions",
    _l("Sessions of the parent school with households present, by term."),
    counts=_l("Sessions at which at least one household was present"),
    share=False,
    by_term=True,
)
def course_sessions(school_id: int, period: Period) -> Sequence[Record]:
    """Each session of the year; counts when somebody was present."""
    return [
        Record(
            session.id,
            title,
            _detail(session, households),
            int(households > 0),
            0,
            period.term_of(session.starts_on),
        )
        for session, title, households in _held(school_id, period)
    ]


@metric(
    "lesson_hours",
    _l("Lesson hours of the sessions with households present."),
    counts=_l("Lesson hours of sessions at which at least one household was present"),
    share=False,
)
def lesson_hours(school_id: int, period: Period) -> Sequence[Record]:
    """Each session of the year with its lesson hours; counts when somebody was present."""
    return [
        Record(
            session.id,
            title,
            _detail(session, households)
            + " · "
            + ngettext("%(num)s lesson hour", "%(num)s lesson hours", session.lesson_hours),
            session.lesson_hours if households else 0,
            0,
        )
        for session, title, households in _held(school_id, period)
    ]


@metric(
    "household_participation",
    _l("Households that took part in at least one session of the year."),
    counts=_l("Households that were present at least once"),
    out_of=_l("All households with a child at the school"),
    population=PUPILS_OF_THE_DAY,
)
def household_participation(school_id: int, period: Period) -> Sequence[Record]:
    """Each household with a child at the school on the day of counting; named by its children."""
    day = period.counted_on
    rows = db.session.execute(
        select(Guardianship.household_id, Pupil.id, Pupil.name)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(
            *pupils_on(school_id, day),
            cared_for_on(day),
        )
        .distinct()
        .order_by(Guardianship.household_id, Pupil.id)
    )
    children: dict[int, list[str]] = {}
    for household_id, _pupil_id, name in rows:
        children.setdefault(household_id, []).append(name)
    present = set(
        db.session.scalars(
            select(Seat.household_id)
            .join(CourseSession, CourseSession.id == Seat.session_id)
            .join(Course, Course.id == CourseSession.course_id)
            .where(
                Course.school_id == school_id,
                Seat.present_at.is_not(None),
                CourseSession.starts_at >= clock.instant_of(period.starts_on),
                CourseSession.starts_at < clock.instant_of(period.after_on),
            )
        )
    )
    return [
        Record(
            household_id,
            _("Family of %(children)s", children=i18n.listing(names)),
            _("Took part") if household_id in present else _("Not yet this year"),
            int(household_id in present),
        )
        for household_id, names in children.items()
    ]
