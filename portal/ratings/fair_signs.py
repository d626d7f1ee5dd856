"""Signs that a school's year, as it is to be rated, is worth a question: pure rules over plain facts, no database.

Each rule names what it rests on. A sign says nothing about anybody: it is asked as a question of the school
(``fairness.py``), a person reads the answer, no point changes by it. The patterns are those of SECURITY T-03: work that appears just before the
submission, the same papers and people again, hours no day holds, answers nobody can have thought about, praise of oneself.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

LAST_DAYS = timedelta(days=14)
"""What falls into these last days before the submission may be a rush."""
WRITTEN_LATE = timedelta(days=30)
"""So long after it happened, a visit or an attendance is written down late."""
AT_ONCE = timedelta(minutes=10)
"""An opinion answered within this time was hardly looked into."""
LIKE = 0.8
PIECE = 8
LEAST_LETTERS = 40
"""Letters below which two summaries may be alike by chance (「本年度家校共育工作扎实推进」)."""
LONGEST_DAY = 8
"""Lesson hours of the parent school that one day holds."""
FEW = 10
"""Days or indicators named in a question, at most."""


class Rule(StrEnum):
    """What a sign is about."""

    LATE_VISITS = "late_visits"
    RUSHED_VISITS = "rushed_visits"
    RUSHED_SESSIONS = "rushed_sessions"
    SAME_FACES = "same_faces"
    TICKED_LATE = "ticked_late"
    LONG_DAYS = "long_days"
    QUICK_ANSWERS = "quick_answers"
    SUMMARY_ALIKE = "summary_alike"
    PROOF_AGAIN = "proof_again"
    SELF_PRAISE = "self_praise"
    LATE_MINUTES = "late_minutes"
    SAME_MINUTES = "same_minutes"


@dataclass(frozen=True)
class Held:
    """A session of the parent school: its day in China, its lesson hours, who was there, and when that was written down."""

    on: date
    hours: int
    households: frozenset[int]
    ticked_at: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class Judged:
    """The points of an indicator as shares of its full points: by the school, and by each inspector."""

    own: float
    inspectors: tuple[float, ...]


@dataclass(frozen=True)
class Year:
    """What the rules may know of a school's year: numbers, days and texts the school wrote for the district; no child."""

    submitted_on: date
    visits: Sequence[tuple[date, date]] = ()
    """When each was held and when it was written down."""
    sessions: Sequence[Held] = ()
    answered_after: Sequence[timedelta] = ()
    """How long after it was sent each opinion was answered."""
    committees: Sequence[tuple[date, date]] = ()
    """When each election and meeting of a committee was, and when it was written down."""
    minutes: Sequence[str] = ()
    """What was talked about and agreed in each meeting."""
    summary: str = ""
    other_summaries: Sequence[str] = ()
    """Of other schools of the round, and of this school in earlier rounds."""
    proofs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Hashes of the files by indicator."""
    used_before: frozenset[str] = frozenset()
    """Hashes that stand for another school or another year."""
    judged: Mapping[str, Judged] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """Up to where nothing is asked; shares in percent. Chosen so that honest schools are hardly ever asked (docs/district.md)."""

    late_visits: int = 30
    rushed_visits: int = 40
    rushed_sessions: int = 60
    same_faces: int = 40
    ticked_late: int = 50
    quick_answers: int = 50
    proof_again: int = 30
    self_praise: int = 40
    late_minutes: int = 50
    same_minutes: int = 50
    least_visits: int = 20
    least: int = 4
    """Sessions, opinions, files or indicators from which shares are looked at."""
    fewest: int = 3
    """Fewer of them concerned than this are nobody's habit."""


@dataclass(frozen=True)
class Sign:
    """What a rule found: numbers, and the days, indicators or sheets it rests on."""

    rule: StrEnum
    figures: dict[str, Any]


Finding = Callable[[Year, Limits], Sign | None]


def signs(year: Year, limits: Limits | None = None) -> list[Sign]:
    """All signs of a school's year."""
    found = (rule(year, limits or Limits()) for rule in RULES)
    return [one for one in found if one is not None]


def _share(rule: Rule, found: int, of: int, limit: int, least: int, **more: Any) -> Sign | None:
    """A sign when more than ``limit`` percent are concerned and there are enough to speak of a share."""
    if of < least or found * 100 <= limit * of:
        return None
    return Sign(rule, {"found": found, "of": of, "limit": limit, **more})


def _in_the_last_days(year: Year, on: date) -> bool:
    return year.submitted_on - LAST_DAYS <= on <= year.submitted_on


def late_visits(year: Year, limits: Limits) -> Sign | None:
    """Visits of long ago that were written down in the last days before the submission."""
    late = [
        1
        for held, written in year.visits
        if written - held > WRITTEN_LATE and _in_the_last_days(year, written)
    ]
    return _share(Rule.LATE_VISITS, len(late), len(year.visits), limits.late_visits, limits.least_visits)


def rushed_visits(year: Year, limits: Limits) -> Sign | None:
    """Much of the year's visits held in the last days before the submission."""
    late = [1 for held, _written in year.visits if _in_the_last_days(year, held)]
    return _share(Rule.RUSHED_VISITS, len(late), len(year.visits), limits.rushed_visits, limits.least_visits)


def rushed_sessions(year: Year, limits: Limits) -> Sign | None:
    """Most sessions of the year held in the last days before the submission."""
    late = [one for one in year.sessions if _in_the_last_days(year, one.on)]
    if len({one.on for one in late}) < limits.fewest:
        return None
    return _share(
        Rule.RUSHED_SESSIONS, len(late), len(year.sessions), limits.rushed_sessions, limits.least,
        days=_days(late),
    )  # fmt: skip


def same_faces(year: Year, limits: Limits) -> Sign | None:
    """Sessions with exactly the families of another one; small rounds of the same few are left out."""
    large = [one for one in year.sessions if len(one.households) >= 2 * limits.least]
    seen = Counter(one.households for one in large)
    again = [one for one in large if seen[one.households] > 1]
    if len(again) < limits.fewest:
        return None
    return _share(Rule.SAME_FACES, len(again), len(large), limits.same_faces, limits.least, days=_days(again))


def ticked_late(year: Year, limits: Limits) -> Sign | None:
    """Sessions whose families were marked present more than a month later."""

    def late(one: Held) -> bool:
        after = [at for at in one.ticked_at if at.date() - one.on > WRITTEN_LATE]
        return len(after) * 2 > len(one.ticked_at)

    told = [one for one in year.sessions if one.ticked_at]
    found = [one for one in told if late(one)]
    if len(found) < limits.fewest:
        return None
    return _share(
        Rule.TICKED_LATE, len(found), len(told), limits.ticked_late, limits.least, days=_days(found)
    )


def long_days(year: Year, _limits: Limits) -> Sign | None:
    """Days with more lesson hours than a day holds, at least twice in the year; a day of one talk for each class is one family's evening."""
    hours: dict[date, int] = defaultdict(int)
    people: dict[date, list[frozenset[int]]] = defaultdict(list)
    for one in year.sessions:
        hours[one.on] += one.hours
        people[one.on].append(one.households)
    long = sorted(day for day, sum_ in hours.items() if sum_ > LONGEST_DAY and _overlap(people[day]))
    if len(long) < 2:
        return None
    figures = {"found": len(long), "most": max(hours[day] for day in long), "limit": LONGEST_DAY}
    return Sign(Rule.LONG_DAYS, {**figures, "days": [day.isoformat() for day in long[:FEW]]})


def _overlap(sessions: Sequence[frozenset[int]]) -> bool:
    """Whether the same families sat in the sessions of a day; sessions side by side for other families fill no day."""
    everybody = frozenset[int]().union(*sessions)
    return sum(map(len, sessions)) >= 2 * len(everybody) > 0


def quick_answers(year: Year, limits: Limits) -> Sign | None:
    """Opinions answered within minutes."""
    quick = [after for after in year.answered_after if after < AT_ONCE]
    if len(quick) < limits.fewest:
        return None
    return _share(
        Rule.QUICK_ANSWERS, len(quick), len(year.answered_after), limits.quick_answers, 2 * limits.least
    )


def _pieces(text: str) -> frozenset[str]:
    letters = "".join(letter for letter in text if letter.isalpha())
    if len(letters) < LEAST_LETTERS:
        return frozenset()
    return frozenset(letters[at : at + PIECE] for at in range(len(letters) - PIECE + 1))


def summary_alike(year: Year, _limits: Limits) -> Sign | None:
    """A summary that is nearly the one of another school, or this school's of an earlier year."""
    own = _pieces(year.summary)
    if not own:
        return None
    alike = 0
    for other in map(_pieces, year.other_summaries):
        alike += len(own & other) >= LIKE * min(len(own), len(other) or 1) > 0
    return Sign(Rule.SUMMARY_ALIKE, {"found": alike}) if alike else None


def proof_again(year: Year, limits: Limits) -> Sign | None:
    """Files that stand for several indicators, or stood for another school or year."""
    seen = Counter(one for files in year.proofs.values() for one in set(files))
    items = sorted(
        item
        for item, files in year.proofs.items()
        if any(seen[one] > 1 or one in year.used_before for one in files)
    )
    whole = len(seen)
    again = sum(count > 1 or one in year.used_before for one, count in seen.items())
    if again < limits.fewest:
        return None
    return _share(Rule.PROOF_AGAIN, again, whole, limits.proof_again, limits.least, items=items[:FEW])


def self_praise(year: Year, limits: Limits) -> Sign | None:
    """Indicators where the school gives itself half of the points more than each of both inspectors."""
    high = sorted(
        item for item, one in year.judged.items() if one.inspectors and one.own - max(one.inspectors) >= 0.5
    )
    if len(high) < limits.fewest:
        return None
    return _share(
        Rule.SELF_PRAISE, len(high), len(year.judged), limits.self_praise, limits.least, items=high[:FEW]
    )


def late_minutes(year: Year, limits: Limits) -> Sign | None:
    """Elections and meetings of long ago that were written down in the last days before the submission."""
    late = [
        1
        for held, written in year.committees
        if written - held > WRITTEN_LATE and _in_the_last_days(year, written)
    ]
    if len(late) < limits.fewest:
        return None
    return _share(Rule.LATE_MINUTES, len(late), len(year.committees), limits.late_minutes, limits.least)


def same_minutes(year: Year, limits: Limits) -> Sign | None:
    """Meetings with the same words as another one; notes of a line or two are left out."""
    long = ["".join(letter for letter in text if letter.isalpha()) for text in year.minutes]
    long = [text for text in long if len(text) >= LEAST_LETTERS]
    seen = Counter(long)
    again = [text for text in long if seen[text] > 1]
    if len(again) < limits.fewest:
        return None
    return _share(Rule.SAME_MINUTES, len(again), len(long), limits.same_minutes, limits.least)


def _days(sessions: Sequence[Held]) -> list[str]:
    return [day.isoformat() for day in sorted({one.on for one in sessions})[:FEW]]


RULES: tuple[Finding, ...] = (
    late_visits, rushed_visits, rushed_sessions, same_faces, ticked_late, long_days, quick_answers, summary_alike,
    proof_again, self_praise, late_minutes, same_minutes,
)  # fmt: skip
