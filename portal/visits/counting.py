"""Rolled-up numbers of visits: kept beside each change, and counted again from the records for comparison."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, select

from portal.extensions import db
from portal.row_security import all_rows
from portal.schools import summaries
from portal.schools.models import Pupil
from portal.schools.summaries import Count, Terms, measure
from portal.visits.models import FollowUp, Form, Outcome, Visit

VISITS = "visits"
VISITS_IN_HOME = "visits_in_home"
VISITS_CONFIRMED = "visits_confirmed"
PUPILS_VISITED = "pupils_visited"
PRIORITY_VISITED = "priority_pupils_visited"
STEPS_DUE = "follow_ups_due"
STEPS_IN_TIME = "follow_ups_in_time"

Tally = Counter[tuple[int, date, str]]

_MET = Visit.outcome == Outcome.MET
_IN_TIME = FollowUp.done_on <= FollowUp.due_on


def tally(pupil_id: int) -> Tally:
    """What one pupil's records add to the numbers of schools: (school id, day, measure) → number."""
    db.session.flush()
    with all_rows():
        return _tally(pupil_id)


def _tally(pupil_id: int) -> Tally:
    found: Tally = Counter()
    first: dict[tuple[int, date, str], date] = {}
    visits = select(
        Visit.school_id, Visit.held_on, Visit.year_on, Visit.form, Visit.confirmed_at, Visit.was_priority
    )
    for school_id, held_on, year_on, form, confirmed_at, priority in db.session.execute(
        visits.where(Visit.pupil_id == pupil_id, _MET)
    ):
        found[school_id, held_on, VISITS] += 1
        found[school_id, held_on, VISITS_IN_HOME] += form == Form.IN_HOME
        found[school_id, held_on, VISITS_CONFIRMED] += confirmed_at is not None
        for name, holds in ((PUPILS_VISITED, True), (PRIORITY_VISITED, priority)):
            if holds:
                key = (school_id, year_on, name)
                first[key] = min(first.get(key, held_on), held_on)
    for (school_id, _year, name), day in first.items():
        found[school_id, day, name] += 1
    steps = select(FollowUp.school_id, FollowUp.due_on, FollowUp.done_on)
    for school_id, due_on, done_on in db.session.execute(steps.where(FollowUp.pupil_id == pupil_id)):
        found[school_id, due_on, STEPS_DUE] += 1
        found[school_id, due_on, STEPS_IN_TIME] += done_on is not None and done_on <= due_on
    return found


def hold(pupil_id: int) -> None:
    """Let no one else change this pupil's records until the transaction ends, so that nothing is counted twice.

    PostgreSQL locks the pupil's row; on SQLite whoever writes is alone already.
    """
    db.session.execute(select(Pupil.id).where(Pupil.id == pupil_id).with_for_update())


def keep(before: Tally, after: Tally) -> None:
    """Add the difference between two tallies to the summaries, in the current transaction."""
    for key in sorted(before.keys() | after.keys()):
        delta = after[key] - before[key]
        if delta:
            summaries.add(key[0], key[1], key[2], delta)


def _by_day(terms: Terms, day: Any, school: Any, *conditions: ColumnElement[bool]) -> Iterable[Count]:
    grouped = select(school, day, func.count()).where(*conditions).group_by(school, day)
    for school_id, on, number in db.session.execute(grouped):
        yield school_id, terms.of(school_id, on), number


def _by_first_of_year(terms: Terms, *conditions: Any) -> Iterable[Count]:
    first = (
        select(Visit.school_id, func.min(Visit.held_on))
        .where(_MET, *conditions)
        .group_by(Visit.school_id, Visit.pupil_id, Visit.year_on)
    )
    for school_id, on in db.session.execute(first):
        yield school_id, terms.of(school_id, on), 1


@measure(VISITS)
def count_visits(terms: Terms) -> Iterable[Count]:
    """Visits in every agreed form, by the day they were held."""
    yield from _by_day(terms, Visit.held_on, Visit.school_id, _MET)


@measure(VISITS_IN_HOME)
def count_visits_in_home(terms: Terms) -> Iterable[Count]:
    """Visits in the family's home."""
    yield from _by_day(terms, Visit.held_on, Visit.school_id, _MET, Visit.form == Form.IN_HOME)


@measure(VISITS_CONFIRMED)
def count_visits_confirmed(terms: Terms) -> Iterable[Count]:
    """Visits that the family confirmed."""
    yield from _by_day(terms, Visit.held_on, Visit.school_id, _MET, Visit.confirmed_at.is_not(None))


@measure(PUPILS_VISITED)
def count_pupils_visited(terms: Terms) -> Iterable[Count]:
    """Pupils, by the day of their first visit in a school year."""
    yield from _by_first_of_year(terms)


@measure(PRIORITY_VISITED)
def count_priority_pupils_visited(terms: Terms) -> Iterable[Count]:
    """Pupils who were priority pupils when visited, by the day of the first such visit in a school year."""
    yield from _by_first_of_year(terms, Visit.was_priority)


@measure(STEPS_DUE)
def count_follow_ups_due(terms: Terms) -> Iterable[Count]:
    """Agreed steps by the day they are due."""
    yield from _by_day(terms, FollowUp.due_on, FollowUp.school_id)


@measure(STEPS_IN_TIME)
def count_follow_ups_in_time(terms: Terms) -> Iterable[Count]:
    """Agreed steps done no later than their day."""
    yield from _by_day(terms, FollowUp.due_on, FollowUp.school_id, _IN_TIME)
