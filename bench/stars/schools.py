"""Schools whose true quality is known, and what a year at such a school is really like, as facts of the default rubric."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

SCHOOLS_A_DISTRICT = 25
CHEATING_SHARE = 0.3
STRATEGIES = ("coached", "last_week", "reused", "padded", "lenient", "colluding")
"""Coached questionnaires; visits that never were, written down in the last week; old papers shown again; attendance ticked
for people who were not there; one scorer who is lenient to everybody; two scorers who agreed to be generous here."""
DOMAINS = "ABCDEF"
WITHIN_SCHOOL, BETWEEN_SCHOOLS = 18.0, 4.5
"""Spread of families' satisfaction (0 to 100) inside a school and between schools: families differ more inside a school than
schools do among each other (DOMAIN 7.3)."""

Facts = dict[str, Any]


@dataclass(frozen=True)
class School:
    """A school: its true year in ``truth`` (facts of the rubric), and the one way in which it cheats ("" for an honest one)."""

    seed: int
    number: int
    families: int
    pupils: int
    truth: dict[str, Facts]
    contentment: float
    strategy: str

    @property
    def district(self) -> int:
        """The number of its district."""
        return self.number // SCHOOLS_A_DISTRICT

    def chance(self, what: str) -> Random:
        """Randomness of its own for each purpose: the same in every variant, so that variants differ by their rules only."""
        return Random(f"{self.seed}/{self.number}/{what}")


def logistic(value: float) -> float:
    """A share between 0 and 1."""
    return 1 / (1 + math.exp(-value))


def clamped(value: float, low: float, high: float) -> float:
    """The value within limits."""
    return min(max(value, low), high)


def generated(count: int, seed: int) -> Iterator[School]:
    """That many schools, in districts of 25 that are better and worse on the whole."""
    for number in range(count):
        chance = Random(f"{seed}/{number}/school")
        district = Random(f"{seed}/{number // SCHOOLS_A_DISTRICT}/district").gauss(0, 0.4)
        quality = district + chance.gauss(0, 0.8)
        by_domain = {name: quality + chance.gauss(0, 0.5) for name in DOMAINS}
        families = int(clamped(math.exp(chance.gauss(5.4, 0.9)), 25, 2_500))
        cheats = chance.random() < CHEATING_SHARE
        strategy = chance.choice(STRATEGIES)
        contentment = clamped(79 + BETWEEN_SCHOOLS * (0.6 * by_domain["F"] + chance.gauss(0, 0.75)), 40, 98)
        yield School(
            seed,
            number,
            families,
            int(families * 1.12),
            _year(chance, by_domain, families),
            contentment,
            strategy if cheats else "",
        )


def _count(chance: Random, mean: float) -> int:
    """A number of things that happen now and then (Poisson)."""
    found, product, limit = 0, chance.random(), math.exp(-mean)
    while product > limit:
        found, product = found + 1, product * chance.random()
    return found


def _share(chance: Random, value: float, spread: float, of: int) -> Facts:
    part = clamped(logistic(value + chance.gauss(0, spread)), 0, 1)
    return {"numerator": round(part * of), "denominator": of}


def _year(chance: Random, quality: dict[str, float], families: int) -> dict[str, Facts]:
    """What really happened in the year, as facts; only the questionnaire is missing."""
    a, b, c, d, e, f = (quality[name] for name in DOMAINS)

    def there(level: float) -> bool:
        return chance.random() < logistic(2.2 + 1.3 * level)

    def each_term(mean: float) -> Facts:
        return {"counts": {term: _count(chance, mean) for term in ("term1", "term2")}}

    pupils, visited = int(families * 1.12), clamped(logistic(3.6 + 1.5 * c + chance.gauss(0, 0.6)), 0, 1)
    first = max(pupils // 6, 3)
    opinions, classes = 5 + _count(chance, families / 60), max(pupils // 42, 2)
    return {
        "A1": {"present": {name: there(a) for name in ("head", "duties", "plan")}},
        "A2": {"missing": [name for name in ("charter", "plan", "ledger", "summary") if not there(a)]},
        "A3": {"count": _count(chance, math.exp(1.0 + 0.35 * a))},
        "B1": each_term(math.exp(1.35 + 0.35 * b)),
        "B2": {"count": _count(chance, math.exp(2.4 + 0.3 * b))},
        "B3": _share(chance, 1.9 + 1.0 * b, 0.4, families),
        "B4": {"present": {name: there(b) for name in ("catalogue", "transition")}},
        "B5": each_term(math.exp(1.0 + 0.3 * b)),
        "B6": {
            "level": ("none", "school", "county")[int(clamped(1.5 + 0.6 * b + chance.gauss(0, 0.5), 0, 2))]
        },
        "C1": {"numerator": round(visited * pupils), "denominator": pupils},
        "C2": {"shortfall": sum(chance.random() > visited**0.4 for _ in range(max(pupils // 18, 1)))},
        "C3": {"numerator": first - (chance.random() > visited ** (first / 12)), "denominator": first},
        "C4": _share(chance, 3.0 + 0.9 * c, 0.5, round(visited * pupils) or 1),
        "C5": _share(chance, 2.6 + 1.0 * c, 0.4, max(pupils // 8, 5)),
        "D1": {"present": {name: there(d) for name in ("levels", "charter", "election")}},
        "D2": each_term(math.exp(1.1 + 0.3 * d)),
        "D3": {"met": there(d)},
        "D4": {"points": _judged(2.0 + 0.6 * d + chance.gauss(0, 0.5))},
        "E1": _share(chance, 4.2 + 1.2 * e, 0.5, classes * 2),
        "E2": {"count": _count(chance, math.exp(0.8 + 0.3 * e))},
        "E3": _share(chance, 3.4 + 1.1 * e, 0.5, opinions),
        "E4": _share(chance, 2.7 + 0.8 * e, 0.4, pupils),
        "F2": _share(chance, 3.2 + 1.2 * f, 0.5, 1 + _count(chance, 4)),
        "F3": {"points": _judged(1.9 + 0.7 * f + chance.gauss(0, 0.5))},
    }


def _judged(value: float) -> int:
    return round(clamped(value, 0, 3))
