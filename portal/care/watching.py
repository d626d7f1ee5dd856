"""Dropout watch (控辍保学): school days of absence, the steps taken and those that are due, the report to the district."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from portal.care.models import Absence, StepKind, Watch, WatchStep
from portal.care.planning import hold
from portal.care.settings import STEP_DAYS
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.calendar import is_working_day
from portal.schools.models import Pupil, School

SPAN = 60
"""Most days that are noted at once."""


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: when it is due, and when it was first taken."""

    kind: StepKind
    due_on: date
    taken_on: date | None


def ladder(watch: Watch, on: date) -> list[Rung]:
    """The steps in their order with their days, by the settings of the day the watch began. Steps must be loaded."""
    first: dict[str, date] = {}
    for step in watch.steps:
        first[step.kind] = min(first.get(step.kind, step.taken_on), step.taken_on)
    return [
        Rung(
            kind,
            watch.absent_from
            + timedelta(
                days=days.on(watch.absent_from, district_id=watch.district_id, school_id=watch.school_id)
            ),
            first.get(kind),
        )
        for kind, days in STEP_DAYS.items()
    ]


def next_rung(watch: Watch, on: date) -> Rung | None:
    """The first step that was not taken; a later step makes up for the ones before it."""
    rungs = ladder(watch, on)
    taken = [place for place, rung in enumerate(rungs) if rung.taken_on is not None]
    rest = rungs[(max(taken) + 1 if taken else 0) :]
    return rest[0] if rest and watch.ended_on is None else None


def begin(pupil: Pupil, school: School, author_id: int, from_on: date, until_on: date, reason: str) -> Watch:
    """Watch over a child, with the first days of absence, in the current transaction. RuleBroken while one is open."""
    hold(pupil)
    open_one = select(Watch.id).where(Watch.pupil_id == pupil.id, Watch.ended_on.is_(None)).limit(1)
    if db.session.scalar(open_one) is not None:
        raise RuleBroken(_("This child is watched over already. Note the days there."))
    made = Watch(
        pupil_id=pupil.id,
        school_id=school.id,
        district_id=school.district_id,
        author_id=author_id,
        absent_from=from_on,
    )
    db.session.add(made)
    db.session.flush()
    note_absence(made, author_id, from_on, until_on, reason)
    return made


def note_absence(watch: Watch, author_id: int, from_on: date, until_on: date, reason: str) -> int:
    """Note the school days from one day to another, both included; days noted before stay as they are. How many are new."""
    watch.must_be_open()
    known = set(db.session.scalars(select(Absence.day_on).where(Absence.watch_id == watch.id)))
    days = [from_on + timedelta(days=count) for count in range((until_on - from_on).days + 1)]
    fresh = [day for day in days if is_working_day(day) and day not in known]
    if not fresh and not known:
        raise RuleBroken(_("There is no school on these days."), status=422)
    for day in fresh:
        made = Absence(watch_id=watch.id, day_on=day, author_id=author_id)
        made.reason = reason
        db.session.add(made)
    watch.absent_from = min(watch.absent_from, from_on)
    return len(fresh)


def take_step(
    watch: Watch, author_id: int, kind: str, taken_on: date, with_whom: str, line: str
) -> WatchStep:
    """Write down a step; the report lifts the case to the district from that day on."""
    watch.must_be_open()
    same = WatchStep.watch_id == watch.id, WatchStep.kind == kind, WatchStep.taken_on == taken_on
    if db.session.scalar(select(WatchStep.id).where(*same)) is not None:
        raise RuleBroken(_("This step of that day is written down already."))
    made = WatchStep(watch_id=watch.id, kind=kind, taken_on=taken_on, author_id=author_id)
    made.with_whom, made.line = with_whom, line
    db.session.add(made)
    if kind == StepKind.REPORT and watch.escalated_on is None:
        watch.escalated_on = taken_on
    return made


def end(watch: Watch, ending: str, line: str, on: date) -> None:
    """The watch is over: how, and a line."""
    watch.must_be_open()
    watch.ended_on, watch.ending, watch.closing = on, ending, line
