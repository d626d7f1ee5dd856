"""How often stars are right, how often they are unfair and to whom, with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from bench.stars.rating import Rated
from bench.stars.schools import SCHOOLS_A_DISTRICT, School

QUOTAS = ((5, 0.10), (4, 0.30), (3, 0.70), (2, 0.90), (1, 1.0))
"""Stars by place in the district: the best tenth five stars, the next fifth four, and so on."""


@dataclass(frozen=True)
class Share:
    """A part of a whole, in percent, with its interval at 95 % (Wilson)."""

    part: int
    whole: int

    @property
    def percent(self) -> float:
        """In percent; 0 of 0 is 0."""
        return 100 * self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, in percent."""
        if not self.whole:
            return 0.0, 100.0
        z, n, p = 1.96, self.whole, self.part / self.whole
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(100 * (middle - half), 0.0), min(100 * (middle + half), 100.0)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.percent:.1f} ({low:.1f}–{high:.1f})"


@dataclass(frozen=True)
class Verdict:
    """How the stars of a variant compare with the true ones."""

    exact: Share
    within_one: Share
    honest_exact: Share
    up: Share
    """Honest schools that got a star too many."""
    down: Share
    """Honest schools that got too few, or were excluded."""
    paid: Share
    """Cheating schools that got more stars than they deserve."""
    excluded: Share
    """Cheating schools that were excluded."""


def verdict(schools: Sequence[School], true: Sequence[Rated], got: Sequence[Rated]) -> Verdict:
    """Compare, school by school. An excluded cheating school counts as rightly rated."""
    rows = list(zip(schools, true, got, strict=True))
    honest = [(one.star, other.star) for school, one, other in rows if not school.strategy]
    cheats = [(one.star, other) for school, one, other in rows if school.strategy]
    right = [star == other.star or other.excluded for star, other in cheats]
    near = [abs(star - other.star) <= 1 or other.excluded for star, other in cheats]
    equal, close = sum(a == b for a, b in honest), sum(abs(a - b) <= 1 for a, b in honest)
    return Verdict(
        exact=Share(equal + sum(right), len(rows)),
        within_one=Share(close + sum(near), len(rows)),
        honest_exact=Share(equal, len(honest)),
        up=Share(sum(b > a for a, b in honest), len(honest)),
        down=Share(sum(b < a for a, b in honest), len(honest)),
        paid=Share(sum(other.star > star for star, other in cheats), len(cheats)),
        excluded=Share(sum(other.excluded for _, other in cheats), len(cheats)),
    )


@dataclass(frozen=True)
class Difference:
    """A difference in percentage points between two variants over the same schools, with its interval at 95 %."""

    points: float
    half: float

    def __str__(self) -> str:
        return f"{self.points:+.1f} ± {self.half:.1f}"


def difference(with_it: Sequence[bool], without: Sequence[bool]) -> Difference:
    """How much oftener the first holds than the second, school by school (paired)."""
    n = len(with_it)
    gained = sum(a and not b for a, b in zip(with_it, without, strict=True))
    lost = sum(b and not a for a, b in zip(with_it, without, strict=True))
    if not n:
        return Difference(0, 0)
    spread = math.sqrt(max(gained + lost - (gained - lost) ** 2 / n, 0)) / n
    return Difference(100 * (gained - lost) / n, 196 * spread)


def by_quota(schools: Sequence[School], totals: Sequence[Fraction]) -> list[Rated]:
    """Stars by place within each district instead of by limits."""
    found: dict[int, Rated] = {}
    places = range(len(schools))
    for district in sorted({school.district for school in schools}):
        own = [place for place in places if schools[place].district == district]
        for rank, place in enumerate(sorted(own, key=lambda place: -totals[place])):
            share = (rank + 0.5) / max(len(own), 1)
            star = next(star for star, limit in QUOTAS if share <= limit)
            found[place] = Rated(star, totals[place])
    return [found[place] for place in places]


def districts(count: int) -> int:
    """How many districts a number of schools makes."""
    return math.ceil(count / SCHOOLS_A_DISTRICT)
