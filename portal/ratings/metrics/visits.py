"""Metrics over home visits. Every agreed form counts as a visit; attempts do not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select

from portal import i18n
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.metrics.registry import PUPILS_OF_THE_DAY, Period, Record, metric, pupils_on
from portal.schools.models import Enrolment, Grade, Pupil, SchoolClass
from portal.visits.models import FollowUp, Form, Outcome, Visit


@dataclass(frozen=True)
class _Pupil:
    """A pupil of the day of counting. ``priority``: whether, not why, that is sealed; ``level``: of the grade in its stage."""

    id: int
    name: str
    priority: bool
    arrived_on: date
    class_id: int
    class_name: str
    level: int
    visited_on: date | None
    at_home_on: date | None

    def seen_on(self, at_home: bool) -> date | None:
        """The first visit of the year: at home, or anywhere."""
        return self.at_home_on if at_home else self.visited_on


def _visited(school_id: int, period: Period) -> list[_Pupil]:
    """Pupils of the day of counting with their first visit of the year, of any form and at home; asked for once."""
    if school_id not in period.looked_up:
        period.looked_up.clear()
        period.looked_up[school_id] = _look_up(school_id, period)
    found: list[_Pupil] = period.looked_up[school_id]
    return found


def _look_up(school_id: int, period: Period) -> list[_Pupil]:
    day = period.counted_on
    first_visit = select(func.min(Visit.held_on)).where(
        Visit.pupil_id == Pupil.id,
        Visit.school_id == school_id,
        Visit.outcome == Outcome.MET,
        Visit.held_on >= period.starts_on,
        Visit.held_on <= period.until_on,
    )
    rows = db.session.execute(
        select(
            Pupil.id,
            Pupil.name,
            Pupil.priority_sealed.is_not(None),
            Pupil.arrived_on,
            SchoolClass.id,
            SchoolClass.name,
            Grade.level,
            first_visit.scalar_subquery(),
            first_visit.where(Visit.form == Form.IN_HOME).scalar_subquery(),
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
    return [_Pupil(*row) for row in rows]


def _pupils(
    school_id: int, period: Period, wanted: Callable[[bool, int, date], bool], at_home: bool = False
) -> list[Record]:
    """One record a pupil; ``wanted`` sees whether it is a priority pupil, its grade and its arrival."""
    return [
        Record(
            pupil.id,
            f"{pupil.name} · {pupil.class_name}",
            _when(pupil.seen_on(at_home)),
            int(pupil.seen_on(at_home) is not None),
        )
        for pupil in _visited(school_id, period)
        if wanted(pupil.priority, pupil.level, pupil.arrived_on)
    ]


def _when(visited_on: date | None) -> str:
    if visited_on is None:
        return _("Not visited this year yet")
    return _("First visit of the year on %(day)s", day=i18n.long_date(visited_on))


@metric(
    "visit_coverage",
    _l("Pupils visited in the school year, in any form the family agreed to."),
    counts=_l("Pupils with at least one visit that took place"),
    out_of=_l("All pupils"),
    population=PUPILS_OF_THE_DAY,
)
def visit_coverage(school_id: int, period: Period) -> Sequence[Record]:
    """Each pupil; counts when visited in the year."""
    return _pupils(school_id, period, lambda _priority, _level, _arrived_on: True)


@metric(
    "priority_visits",
    _l("Priority pupils visited in the school year."),
    counts=_l("Priority pupils with at least one visit that took place"),
    out_of=_l("All priority pupils, whatever the reason"),
    population=PUPILS_OF_THE_DAY,
)
def priority_visits(school_id: int, period: Period) -> Sequence[Record]:
    """Each priority pupil; counts when visited in the year."""
    return _pupils(school_id, period, lambda priority, _level, _arrived_on: priority)


@metric(
    "first_grade_visits",
    _l("Pupils of first grades and pupils who moved in, visited in the school year."),
    counts=_l("Those with at least one visit that took place"),
    out_of=_l("All pupils of first grades and all who came after the year began"),
    population=PUPILS_OF_THE_DAY,
)
def first_grade_visits(school_id: int, period: Period) -> Sequence[Record]:
    """Each pupil of the first grade of a stage or who arrived after the year began; counts when visited."""
    return _pupils(
        school_id, period, lambda _priority, level, arrived_on: level == 1 or arrived_on > period.starts_on
    )


@metric(
    "in_home_visits",
    _l(
        "Pupils visited at home in the school year; shown beside the coverage, because families choose the form."
    ),
    counts=_l("Pupils with at least one visit at their home"),
    out_of=_l("All pupils"),
    population=PUPILS_OF_THE_DAY,
)
def in_home_visits(school_id: int, period: Period) -> Sequence[Record]:
    """Each pupil; counts when visited at home in the year."""
    return _pupils(school_id, period, lambda _priority, _level, _arrived_on: True, at_home=True)


@metric(
    "classes_visited",
    _l("Classes in which every pupil was visited in the school year."),
    counts=_l("Classes without a pupil who was not visited"),
    out_of=_l("All classes with pupils"),
    population=PUPILS_OF_THE_DAY,
)
def classes_visited(school_id: int, period: Period) -> Sequence[Record]:
    """Each class; counts when no pupil of it is left out."""
    found: dict[tuple[int, str], list[bool]] = {}
    for pupil in _visited(school_id, period):
        found.setdefault((pupil.class_id, pupil.class_name), []).append(pupil.visited_on is not None)
    return [
        Record(
            class_id,
            name,
            _("%(visited)s of %(all)s pupils visited", visited=sum(visited), all=len(visited)),
            int(all(visited)),
        )
        for (class_id, name), visited in sorted(found.items(), key=lambda entry: entry[0])
    ]


@metric(
    "follow_ups_in_time",
    _l("Agreed steps that were due in the school year and done in time."),
    counts=_l("Steps done by their day"),
    out_of=_l("All steps whose day has come"),
)
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
