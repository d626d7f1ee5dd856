"""Signs that the visits of a school in one term are worth a question: pure rules over plain facts, no database.

Each rule looks at all visits of the school together and names what it rests on. A sign says nothing about anybody; it is
asked as a question of the school (``fairness.py``). The patterns are those that districts know from paper (DOMAIN 2.3,
SECURITY T-03): a rush at the end of term, impossible evenings, copied notes, visits during lessons, silent families.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from portal.schools.calendar import is_working_day
from portal.visits.models import Form
from portal.visits.sketching import Sketch, likeness

LAST_WEEK = timedelta(days=7)
WRITTEN_LATE = timedelta(days=14)
"""A visit that is written down so long after it was held, and in the last week, belongs to the rush as well."""
TIME_TO_CONFIRM = timedelta(days=14)
"""So long a family may take before a visit counts as unconfirmed."""
EVENING = time(17)
OUTSIDE = frozenset({Form.IN_HOME, Form.PUBLIC_PLACE})
"""Ways of meeting that take a teacher out of the school and one after the other."""
ALIKE = 0.8
"""From this share of common pieces on two texts are called alike: names and some words may differ."""
LEAST_ALIKE = 5
"""Fewer alike notes than this are nobody's habit."""
FULL_EVENINGS = 2
"""One full evening may be a village visited in one go; a second one is asked about."""


class Rule(StrEnum):
    """What a sign is about."""

    LAST_WEEK = "last_week"
    EVENINGS = "evenings"
    ALIKE = "alike"
    LESSONS = "lessons"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True)
class Fact:
    """What the rules may know of a visit: no child, no word of what was said. Times are those of China."""

    visit_id: int
    author_id: int
    held_at: datetime
    written_on: date
    form: Form
    is_confirmed: bool = False
    can_be_confirmed: bool = True
    """Whether somebody of the family has ever signed in; without that nobody could confirm it."""
    sketches: tuple[Sketch, ...] = ()

    @property
    def held_on(self) -> date:
        """The day in China."""
        return self.held_at.date()


@dataclass(frozen=True)
class Limits:
    """Up to where nothing is asked; shares in percent. The defaults are argued in docs/district.md."""

    last_week: int = 40
    evening: int = 6
    alike: int = 20
    lessons: int = 30
    unconfirmed: int = 60
    least: int = 20
    """Visits from which shares are looked at."""
    lesson_hours: Sequence[tuple[time, time]] = ((time(8, 30), time(11, 30)), (time(14), time(16)))


@dataclass(frozen=True)
class Sign:
    """What a rule found: figures for everybody, and the visits it rests on for the school."""

    rule: Rule
    figures: dict[str, int]
    visit_ids: tuple[int, ...] = field(default=())


Finding = Callable[[Sequence[Fact], date, date, Limits], Sign | None]


def signs(facts: Sequence[Fact], ends_on: date, today: date, limits: Limits) -> list[Sign]:
    """All signs of a school's visits in the term that ended on ``ends_on``, looked at today."""
    found = (rule(facts, ends_on, today, limits) for rule in RULES)
    return [one for one in found if one is not None]


def _share(rule: Rule, of: Sequence[Fact], concerned: Iterable[Fact], limit: int, least: int) -> Sign | None:
    """A sign when more than ``limit`` percent of the visits are concerned, and there are enough to speak of a share."""
    found = list(concerned)
    if len(of) < least or len(found) * 100 <= limit * len(of):
        return None
    figures = {"found": len(found), "of": len(of), "limit": limit}
    return Sign(rule, figures, tuple(one.visit_id for one in found))


def last_week(facts: Sequence[Fact], ends_on: date, _today: date, limits: Limits) -> Sign | None:
    """Much of the term's work in its last seven days: held then, or written down then long after it was held."""
    begins = ends_on - LAST_WEEK + timedelta(days=1)

    def in_the_rush(one: Fact) -> bool:
        late = one.written_on - one.held_on > WRITTEN_LATE
        return one.held_on >= begins or (late and begins <= one.written_on <= ends_on)

    return _share(Rule.LAST_WEEK, facts, filter(in_the_rush, facts), limits.last_week, limits.least)


def evenings(facts: Sequence[Fact], _ends_on: date, _today: date, limits: Limits) -> Sign | None:
    """Evenings on which one teacher was at more homes than an evening holds, at least twice in the term."""
    by_evening: dict[tuple[int, date], list[Fact]] = defaultdict(list)
    for one in facts:
        if one.form in OUTSIDE and one.held_at.time() >= EVENING:
            by_evening[one.author_id, one.held_on].append(one)
    full = [visits for visits in by_evening.values() if len(visits) > limits.evening]
    if len(full) < FULL_EVENINGS:
        return None
    figures = {"evenings": len(full), "most": max(map(len, full)), "limit": limits.evening}
    return Sign(Rule.EVENINGS, figures, tuple(one.visit_id for visits in full for one in visits))


def alike(facts: Sequence[Fact], _ends_on: date, _today: date, limits: Limits) -> Sign | None:
    """Notes that are nearly the same as the note of another visit; short ones have no sketch and are left out."""
    told = [one for one in facts if any(one.sketches)]
    groups = _like_groups(told)
    copied = set().union(*groups) if groups else set()
    if len(copied) < LEAST_ALIKE:
        return None
    concerned = (one for one in told if one.visit_id in copied)
    found = _share(Rule.ALIKE, told, concerned, limits.alike, limits.least)
    return found and Sign(found.rule, found.figures | {"groups": len(groups)}, found.visit_ids)


def _like_groups(facts: Sequence[Fact]) -> list[set[int]]:
    """Ids of visits with like notes, two or more in each group."""
    holders: dict[Sketch, set[int]] = defaultdict(set)
    for one in facts:
        for sketch in filter(None, one.sketches):
            holders[sketch].add(one.visit_id)
    leads = {sketch: sketch for sketch in holders}
    for one_sketch, other in _worth_comparing(list(holders)):
        if likeness(one_sketch, other) >= ALIKE:
            leads[_lead(leads, one_sketch)] = _lead(leads, other)
    groups: dict[Sketch, set[int]] = defaultdict(set)
    for sketch, visits in holders.items():
        groups[_lead(leads, sketch)] |= visits
    return [visits for visits in groups.values() if len(visits) > 1]


def _lead(leads: dict[Sketch, Sketch], sketch: Sketch) -> Sketch:
    while leads[sketch] != sketch:
        leads[sketch] = leads[leads[sketch]]
        sketch = leads[sketch]
    return sketch


def _worth_comparing(sketches: Sequence[Sketch]) -> Iterable[tuple[Sketch, Sketch]]:
    """Pairs that have a number in common among the smallest few: like sketches do, strangers hardly ever."""
    holding: dict[bytes, list[Sketch]] = defaultdict(list)
    for sketch in sketches:
        for number in sorted(sketch)[:6]:
            for other in holding[number][-40:]:
                yield sketch, other
            holding[number].append(sketch)


def lessons(facts: Sequence[Fact], _ends_on: date, _today: date, limits: Limits) -> Sign | None:
    """Visits outside the school on working days, begun while the classes have lessons."""
    outside = [one for one in facts if one.form in OUTSIDE]

    def during(one: Fact) -> bool:
        at = one.held_at.time()
        spans = limits.lesson_hours
        return is_working_day(one.held_on) and any(start <= at < end for start, end in spans)

    return _share(Rule.LESSONS, outside, filter(during, outside), limits.lessons, limits.least)


def unconfirmed(facts: Sequence[Fact], _ends_on: date, today: date, limits: Limits) -> Sign | None:
    """Visits that families who use the portal have not confirmed although they had time to."""
    ripe = [one for one in facts if one.can_be_confirmed and today - one.written_on >= TIME_TO_CONFIRM]
    silent = (one for one in ripe if not one.is_confirmed)
    return _share(Rule.UNCONFIRMED, ripe, silent, limits.unconfirmed, limits.least)


RULES: tuple[Finding, ...] = (last_week, evenings, alike, lessons, unconfirmed)
