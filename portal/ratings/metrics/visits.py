"""Metrics over home visits. Every agreed form counts as a visit; attempts do not."""

from collections.abc import Callable, Sequence
from datetime import date

from sqlalchemy import func, or_, select

from portal import i18n
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.metrics.registry import Period, Record, metric, pupils_on
from portal.schools.models import Enrolment, Grade, Pupil, SchoolClass
from portal.visits.models import FollowUp, Outcome, Visit


def _pupils(school_id: int, period: Period, wanted: Callable[[bool, int, date], bool]) -> list[Record]:
    """Pupils of the day of counting with their first visit of the year.

    ``wanted`` sees whether the pupil is a priority pupil (not why, that is sealed), grade and arrival.
    """
    day = period.counted_on
    first_visit = (
        select(func.min(Visit.held_on))
        .where(
            Visit.pupil_id == Pupil.id,
            Visit.school_id == school_id,
            Visit.outcome == Outcome.MET,
            Visit.held_on >= period.starts_on,
            Visit.held_on <= period.until_on,
        )
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            Pupil.id,
            Pupil.name,
            Pupil.priority_sealed.is_not(None),
            Pupil.arrived_on,
            SchoolClass.name,
            Grade.level,
            first_visit,
        )
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(
            *pupils_on(school_id, day),
            Enrolment.started_on <= day,
            or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > day),
        )
        .order_by(Pupil.name_pinyin, Pupil.id)
    )
    return [
        Record(pupil_id, f"{name} · {school_class}", _when(visited_on), int(visited_on is not None))
        for pupil_id, name, priority, arrived_on, school_class, level, visited_on in rows
        if wanted(priority, level, arrived_on)
    ]


def _when(visited_on: date | None) -> str:
    if visited_on is None:
        return _("Not visited this year yet")
    return _("First visit of the year on %(day)s", day=i18n.long_date(visited_on))


@metric("visit_coverage", _l("Pupils visited in the school year, in any form the family agreed to."))
def visit_coverage(school_id: int, period: Period) -> Sequence[Record]:
    """Each pupil; counts when visited in the year."""
    return _pupils(school_id, period, lambda _priority, _level, _arrived_on: True)


@metric("priority_visits", _l("Priority pupils visited in the school year."))
def priority_visits(school_id: int, period: Period) -> Sequence[Record]:
    """Each priority pupil; counts when visited in the year."""
    return _pupils(school_id, period, lambda priority, _level, _arrived_on: priority)


@metric(
    "first_grade_visits", _l("Pupils of first grades and pupils who moved in, visited in the school year.")
)
def first_grade_visits(school_id: int, period: Period) -> Sequence[Record]:
    """Each pupil of the first grade of a stage or who arrived after the year began; counts when visited."""
    return _pupils(
        school_id, period, lambda _priority, level, arrived_on: level == 1 or arrived_on > period.starts_on
    )


@metric("follow_ups_in_time", _l("Agreed steps that were due in the school year and done in time."))
def follow_ups_in_time(school_id: int, period: Period) -> Sequence[Record]:
    """Each agreed step of the school's visits that was due; counts when done by its day. Says nothing of its contents."""
    rows = db.session.execute(
        select(FollowUp.id, Pupil.name, FollowUp.due_on, FollowUp.done_on)
        .join(Pupil, Pupil.id == FollowUp.pupil_id)
        .where(
            FollowUp.school_id == school_id,
            FollowUp.due_on >= period.starts_on,
            FollowUp.due_on <= period.until_on,
        )
        .order_by(FollowUp.due_on, FollowUp.id)
    )
    return [
        Record(
            step_id,
            name,
            _("Due on %(day)s", day=i18n.long_date(due_on)),
            int(done_on is not None and done_on <= due_on),
        )
        for step_id, name, due_on, done_on in rows
    ]
