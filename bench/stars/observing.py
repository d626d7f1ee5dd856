"""What a rating sees of a school: records with gaps, scorers who err, samples, a questionnaire some families answer, and what
a school that cheats makes look better than it is."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.stars.schools import WITHIN_SCHOOL, Facts, School, clamped

RECORDED = ("B1", "B2", "B3", "C1", "C2", "C3", "C5", "E3", "E4")
"""Indicators the portal computes."""
SCORED = ("A1", "A2", "A3", "B4", "B5", "B6", "D1", "D2", "D3", "D4", "E1", "E2", "F2", "F3")
"""Indicators that inspectors score, on papers the school shows."""
PARTS = {
    "A1": ("head", "duties", "plan"), "A2": ("charter", "plan", "ledger", "summary"), "B4": ("catalogue", "transition"),
    "D1": ("levels", "charter", "election"),
}  # fmt: skip
LEVELS = ("none", "school", "county")


@dataclass(frozen=True)
class Noise:
    """How well people see. ``certainty``: distance of "there" from "not there" in spreads of a scorer's eye; ``spread`` in
    points of a 0 to 3 scale; ``leniency``: spread of the scorers' strictness; ``shared``: part of the error that both scorers
    make together, because the papers are unclear; ``written_down``: share of what was done that is in the records."""

    certainty: float = 1.6
    spread: float = 0.6
    leniency: float = 0.5
    shared: float = 0.3
    written_down: float = 0.985
    response_bias: float = 2.5
    """Spread, in points of 100, by which those who answer differ from all families of a school."""
    together: float = 0.5
    """How blurred the second look is that both scorers take together; 1: talking sharpens nothing."""


@dataclass(frozen=True)
class Eye:
    """One look at a school's papers: whose, how strict (above 0: lenient), how blurred."""

    name: str
    leniency: float
    blur: float = 1.0


def scorer(school: School, number: int, noise: Noise) -> Eye:
    """The school's first, second or third scorer. Where the strategy says so, a lenient or a bought one."""
    leniency = school.chance(f"scorer {number}").gauss(0, noise.leniency)
    if school.strategy == "lenient" and number == 1:
        leniency = abs(leniency) + 1.5
    if school.strategy == "colluding" and number < 3:
        leniency = abs(leniency) + 2.5
    return Eye(f"scorer {number}", leniency)


def seen(school: School, item: str, eye: Eye, noise: Noise, shown: Facts) -> Facts:
    """What a scorer writes down about an item when ``shown`` is what the papers really hold."""
    together, own = school.chance(f"papers {item}"), school.chance(f"{eye.name} {item}")
    near, far = math.sqrt(noise.shared), math.sqrt(1 - noise.shared)

    def error() -> float:
        return (near * together.gauss(0, 1) + far * own.gauss(0, 1)) * eye.blur

    def found(true: bool) -> bool:
        return (noise.certainty if true else -noise.certainty) + 0.5 * eye.leniency + error() > 0

    def number(true: float, blur: float = 1.0) -> float:
        return true + blur * noise.spread * error() + 0.4 * blur * eye.leniency

    if item in ("A1", "B4", "D1"):
        return {"present": {part: found(shown["present"][part]) for part in PARTS[item]}}
    if item == "A2":
        return {"missing": [part for part in PARTS[item] if not found(part not in shown["missing"])]}
    if item == "D3":
        return {"met": found(shown["met"])}
    return _numbers(item, shown, number)


def _numbers(item: str, shown: Facts, number: Callable[..., float]) -> Facts:
    if item == "B6":
        return {"level": LEVELS[round(clamped(number(LEVELS.index(shown["level"]), 0.6), 0, 2))]}
    if "counts" in shown:
        return {
            "counts": {term: max(round(number(count, 0.5)), 0) for term, count in shown["counts"].items()}
        }
    if "count" in shown:
        return {"count": max(round(number(shown["count"], 0.5)), 0)}
    if "points" in shown:
        return {"points": round(clamped(number(shown["points"]), 0, 3))}
    part = number(shown["numerator"], 0.5)
    return {"numerator": round(clamped(part, 0, shown["denominator"])), "denominator": shown["denominator"]}


def papers(school: School, item: str) -> Facts:
    """What the papers show: the truth, or old papers for what is missing where the school uses them again."""
    true = school.truth[item]
    if school.strategy != "reused":
        return true
    if "present" in true:
        return {"present": dict.fromkeys(true["present"], True)}
    if "missing" in true:
        return {"missing": []}
    if "counts" in true:
        return {"counts": {term: max(count, 2) for term, count in true["counts"].items()}}
    if "points" in true:
        return {"points": min(true["points"] + 1, 3)}
    return {"met": True} if "met" in true else true


def records(school: School, item: str, noise: Noise) -> Facts:
    """What the portal computes: the truth less what nobody wrote down, and more where records are invented."""
    true, chance = school.truth[item], school.chance(f"records {item}")
    if school.strategy == "last_week" and item in ("C1", "C2", "C3"):
        return {"shortfall": 0} if item == "C2" else {**true, "numerator": true["denominator"]}
    if school.strategy == "padded" and item in ("B1", "B2", "B3"):
        return _padded(item, true)
    if "numerator" in true and item not in ("E3", "E4", "C3"):
        kept = sum(chance.random() < noise.written_down for _ in range(true["numerator"]))
        return {**true, "numerator": kept}
    return true


def _padded(item: str, true: Facts) -> Facts:
    if item == "B3":
        return {**true, "numerator": max(true["numerator"], math.ceil(0.93 * true["denominator"]))}
    if item == "B1":
        return {"counts": {term: max(count, 2) for term, count in true["counts"].items()}}
    return {"count": max(true["count"], 8)}


def sample(school: School, share: float, at_least: int) -> Facts:
    """A sample check of visit records; a visit that never was does not pass, the family is asked."""
    true, chance = school.truth["C4"], school.chance("sample")
    good, population = true["numerator"], true["denominator"]
    if school.strategy == "last_week":
        population = max(population, school.truth["C1"]["denominator"])
    size = min(max(math.ceil(share * population), at_least), population)
    passed = sum(chance.random() < good / population for _ in range(size))
    return {"population": population, "checked": size, "passed": passed}


@dataclass(frozen=True)
class Answers:
    """A school's questionnaire: families asked, answers, their mean (0 to 100)."""

    invited: int
    n: int
    mean: float

    def facts(self, district_mean: float) -> Facts:
        """As the rubric takes them."""
        return {
            "n": self.n,
            "invited": self.invited,
            "mean": _plain(self.mean),
            "district_mean": _plain(district_mean),
        }


def answers(school: School, noise: Noise, coached: bool = True) -> Answers:
    """Who answered and what they said; ``coached``: as the school's teachers made families answer, where it does so."""
    chance: Random = school.chance("questionnaire")
    rate = clamped(chance.betavariate(3, 3.5), 0.05, 0.98)
    n = max(sum(chance.random() < rate for _ in range(school.families)), 1)
    left = math.sqrt(max(1 - n / school.families, 0))
    bias = chance.gauss(0, noise.response_bias) * (1 - n / school.families) / 0.54
    mean = school.contentment + bias + chance.gauss(0, WITHIN_SCHOOL) / math.sqrt(n) * left
    if coached and school.strategy == "coached":
        n, mean = max(n, round(0.92 * school.families)), mean + 0.65 * (98 - mean)
    return Answers(school.families, n, clamped(mean, 0, 100))


def _plain(value: float) -> Any:
    return round(value, 2)
