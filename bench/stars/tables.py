"""The tables of docs/simulation.md, each made from the same schools, so that rows differ by the rules alone."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain

from bench.stars import observing
from bench.stars.judging import Share, Verdict, by_quota, difference, verdict
from bench.stars.observing import Noise
from bench.stars.rating import Rated, Rules, World
from bench.stars.schools import STRATEGIES, School, clamped, generated

ALL = Rules()
RAW = Rules(
    discuss_above=None, shrink_k=0, minimum_n=1, minimum_rate=0, small_school=False, flags=False, veto=False
)  # fmt: skip
"""What an office does with a spreadsheet: the mean of what people wrote down. The same limits, so that it can be compared."""
ABLATIONS: dict[str, Rules] = {
    "one scorer instead of two": replace(ALL, scorers=1),
    "the second scorer sees the first sheet": replace(ALL, blind=False),
    "no talk about differences, the mean counts": replace(ALL, discuss_above=None),
    "a third scorer above 25 %, the median counts": replace(ALL, third_above=0.25),
    "sample of records: at least 10 instead of 20": replace(ALL, sample_least=10),
    "no shrinkage of the questionnaire": replace(ALL, shrink_k=0),
    "no minimum number of answers": replace(ALL, minimum_n=1, minimum_rate=0, small_school=False),
    "questionnaire 15 % of the points": replace(ALL, satisfaction=16),
    "questionnaire 30 % of the points": replace(ALL, satisfaction=40),
    "no domain minimums": replace(ALL, domain_minimums=False),
    "flags correct the figures, no veto": replace(ALL, veto=False),
    "no flags, no veto": replace(ALL, flags=False, veto=False),
}
Row = Sequence[str]


class Run:
    """One world and the verdicts over it."""

    def __init__(self, count: int, seed: int, noise: Noise | None = None) -> None:
        self.schools = list(generated(count, seed))
        self.world = World(self.schools, noise or Noise())
        self._true: dict[tuple[int, bool], list[Rated]] = {}
        self._got: dict[Rules, list[Rated]] = {}

    def true(self, rules: Rules) -> list[Rated]:
        """The stars the schools deserve by the yardstick of these rules."""
        key = (rules.satisfaction, rules.domain_minimums)
        if key not in self._true:
            self._true[key] = self.world.true_stars(rules)
        return self._true[key]

    def got(self, rules: Rules) -> list[Rated]:
        """The stars the schools get."""
        if rules not in self._got:
            self._got[rules] = self.world.stars(rules)
        return self._got[rules]

    def verdict(self, rules: Rules) -> Verdict:
        """How right they are; each variant is compared with the truth by its own yardstick."""
        return verdict(self.schools, self.true(rules), self.got(rules))

    @cached_property
    def quota_on_raw(self) -> Verdict:
        """Fixed quotas within each district, by raw totals."""
        got = by_quota(self.schools, [one.total for one in self.got(RAW)])
        return verdict(self.schools, self.true(ALL), got)

    @cached_property
    def quota_on_truth(self) -> Verdict:
        """Fixed quotas by the true totals: what a quota does wrong when nothing is measured wrongly."""
        got = by_quota(self.schools, [one.total for one in self.true(ALL)])
        return verdict(self.schools, self.true(ALL), got)


def markdown(headings: Row, rows: Iterable[Row]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---", *("---:" for _ in headings[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _verdict_row(name: str, found: Verdict) -> Row:
    return (
        name, str(found.exact), str(found.within_one), str(found.honest_exact), str(found.up), str(found.down),
        str(found.paid), str(found.excluded),
    )  # fmt: skip


def schemes(run: Run) -> str:
    """All safeguards against none, raw means, and quotas."""
    rows = [
        _verdict_row("all safeguards, absolute limits", run.verdict(ALL)),
        _verdict_row("the same without flags and veto", run.verdict(ABLATIONS["no flags, no veto"])),
        _verdict_row("raw means, absolute limits", verdict(run.schools, run.true(ALL), run.got(RAW))),
        _verdict_row("raw means, fixed quotas", run.quota_on_raw),
        _verdict_row("fixed quotas on the true points", run.quota_on_truth),
    ]
    headings = (
        "scheme", "right, %", "at most one star off, %", "honest: right, %", "honest: a star too many, %",
        "honest: too few, %", "cheats that gain, %", "cheats excluded, %",
    )  # fmt: skip
    return markdown(headings, rows)


def ablations(run: Run, names: Iterable[str] = ABLATIONS) -> str:
    """What each safeguard is worth: taken away or set otherwise, one at a time, all else as it is."""
    rows = []
    for name in names:
        rules = ABLATIONS[name]
        found = run.verdict(rules)
        rows.append(
            (name, str(_change(run, rules, _honest_right)), str(_change(run, rules, _gains)), str(found.honest_exact),
             str(found.down), str(found.paid))
        )  # fmt: skip
    headings = (
        "variant", "honest: right, against all safeguards", "cheats that gain, against all safeguards",
        "honest: right, %", "honest: too few, %", "cheats that gain, %",
    )  # fmt: skip
    return markdown(headings, rows)


def _honest_right(school: School, true: Rated, got: Rated) -> bool | None:
    return None if school.strategy else got.star == true.star


def _gains(school: School, true: Rated, got: Rated) -> bool | None:
    return got.star > true.star if school.strategy else None


def _change(run: Run, rules: Rules, what: Callable[[School, Rated, Rated], bool | None]) -> str:
    changed = map(what, run.schools, run.true(rules), run.got(rules))
    before = map(what, run.schools, run.true(ALL), run.got(ALL))
    pairs = [(a, b) for a, b in zip(changed, before, strict=True) if a is not None and b is not None]
    return str(difference([a for a, _ in pairs], [b for _, b in pairs]))


def strategies(run: Run) -> str:
    """For each way of cheating, how many of the schools that use it get a star too many."""
    variants = {
        "all safeguards": ALL,
        "no flags, no veto": ABLATIONS["no flags, no veto"],
        "one scorer, no flags": replace(ALL, scorers=1, flags=False, veto=False),
        "30 % questionnaire, no flags": replace(ALL, satisfaction=40, flags=False, veto=False),
        "raw means": RAW,
    }
    rows = []
    for strategy in STRATEGIES:
        row = [strategy.replace("_", " ")]
        for rules in variants.values():
            found = [
                got.star > true.star
                for school, true, got in zip(run.schools, run.true(rules), run.got(rules), strict=True)
                if school.strategy == strategy
            ]
            row.append(str(Share(sum(found), len(found))))
        rows.append(row)
    return markdown(("way of cheating: that gain a star, %", *variants), rows)


def gap_limits(run: Run) -> str:
    """From which difference on both scorers must agree, or a third one scores."""
    variants = {
        "every difference is talked about": ALL,
        "above 10 % of the item": replace(ALL, discuss_above=0.1001),
        "above 25 %": replace(ALL, discuss_above=0.2501),
        "above 50 %": replace(ALL, discuss_above=0.5001),
        "never, the mean counts": replace(ALL, discuss_above=None),
        "a third scorer above 25 %, the rest talked about": replace(ALL, third_above=0.25),
        "a third scorer above 50 %, the rest talked about": replace(ALL, third_above=0.5),
        "a third scorer at any difference, nobody talks": replace(ALL, third_above=0.0, discuss_above=None),
    }
    rows = []
    for name, rules in variants.items():
        found, got = run.verdict(rules), run.got(rules)
        rows.append(
            (name, str(_change(run, rules, _honest_right)), str(found.honest_exact), str(found.up), str(found.down),
             f"{sum(one.discussed for one in got) / len(got):.1f}")
        )  # fmt: skip
    return markdown(
        ("limit", "honest: right, against every difference", "honest: right, %", "a star too many, %",
         "too few, %", "items talked about per school"),
        rows,
    )  # fmt: skip


def samples(run: Run) -> str:
    """How large the sample check of records must be."""
    rows = []
    limits = ((0.95, 3), (0.80, 2), (0, 0))
    honest = [school for school in run.schools if school.strategy != "last_week"]
    invented = [school for school in run.schools if school.strategy == "last_week"]
    for share, least in ((0.1, 5), (0.1, 10), (0.1, 20), (0.1, 30), (0.1, 40), (0.2, 20), (0.1, 60)):

        def points(numerator: int, denominator: int) -> int:
            return next(worth for limit, worth in limits if numerator >= limit * denominator)

        errors, full, size = [], 0, 0
        for school in honest:
            true, found = school.truth["C4"], observing.sample(school, share, least)
            errors.append(
                points(found["passed"], found["checked"]) - points(true["numerator"], true["denominator"])
            )
            size += found["checked"]
        for school in invented:
            found = observing.sample(school, share, least)
            full += points(found["passed"], found["checked"]) > points(
                school.truth["C4"]["numerator"], school.truth["C1"]["denominator"]
            )
        rows.append(
            (f"{share:.0%}, at least {least}", f"{size / len(honest):.0f}", str(Share(errors.count(0), len(errors))),
             str(Share(sum(error < 0 for error in errors), len(errors))),
             f"{math.sqrt(sum(error**2 for error in errors) / len(errors)):.2f}", str(Share(full, len(invented))))
        )  # fmt: skip
    return markdown(
        ("sample", "records checked per school", "right band, %", "too low a band, %", "error in points (root mean square)",
         "invented visits: too high a band, %"),
        rows,
    )  # fmt: skip


SIZES = ((1, 29), (30, 99), (100, 10_000))


def _errors(
    run: Run, k: int, counted: Callable[[observing.Answers], bool]
) -> dict[tuple[int, int], list[float]]:
    """Error of the counted mean against what all families think, by how many answered; in points of 100."""
    found: dict[tuple[int, int], list[float]] = {size: [] for size in SIZES}
    by_district: dict[int, list[float]] = {}
    for school in run.schools:
        by_district.setdefault(school.district, []).append(run.world.answers(school, True).mean)
    for school in run.schools:
        asked = run.world.answers(school, True)
        if school.strategy == "coached" or not counted(asked):
            continue
        own = by_district[school.district]
        mean = (asked.n * asked.mean + k * sum(own) / len(own)) / (asked.n + k)
        size = next(one for one in SIZES if one[0] <= asked.n <= one[1])
        found[size].append(mean - school.contentment)
    return found


def _root(errors: Sequence[float]) -> str:
    return f"{math.sqrt(sum(error**2 for error in errors) / len(errors)):.2f}" if errors else "–"


def shrinkage(run: Run) -> str:
    """How far the mean of a questionnaire is drawn to the district's, and how far it is then from the truth."""
    rows = []
    for k in (0, 5, 10, 20, 40, 80):
        errors = _errors(run, k, lambda _asked: True)
        rows.append(
            (str(k), *(_root(errors[size]) for size in SIZES), _root([*chain.from_iterable(errors.values())]))
        )
    headings = (
        "k",
        *(f"{low} to {high} answers" if high < 10_000 else f"{low} and more" for low, high in SIZES),
    )
    return markdown((*headings, "all schools"), rows)


def minimums(run: Run) -> str:
    """From how many answers on a questionnaire counts; k = 20."""
    rows = []
    gates = ((1, 0.0, False), (10, 0.2, False), (30, 0.0, False), (30, 0.2, True), (30, 0.5, True), (50, 0.2, False),
             (100, 0.2, False))  # fmt: skip
    for least, rate, small in gates:

        def counted(
            asked: observing.Answers, least: int = least, rate: float = rate, small: bool = small
        ) -> bool:
            if small and asked.invited < 60:
                return asked.n >= 10 and asked.n / asked.invited >= 0.5
            return asked.n >= least and asked.n / asked.invited >= rate

        errors = [*chain.from_iterable(_errors(run, 20, counted).values())]
        whole = sum(school.strategy != "coached" for school in run.schools)
        off = sum(abs(_points(error)) >= 1 for error in errors)
        name = f"{least} answers, {rate:.0%} of families" + (", own rule for small schools" if small else "")
        rows.append((name, str(Share(len(errors), whole)), _root(errors), str(Share(off, len(errors)))))
    return markdown(
        ("minimum", "schools whose questionnaire counts, %", "error of the mean (root mean square)",
         "of these, at least one of 6 points off, %"),
        rows,
    )  # fmt: skip


def _points(error: float) -> float:
    return clamped(error, -30, 30) * 6 / 30


def sensitivity(count: int, seed: int) -> str:
    """The same with people who see better and worse than assumed."""
    usual = Noise()
    worlds = {
        "as assumed": usual,
        "scorers see twice as well": replace(usual, certainty=3.2, spread=0.3, leniency=0.25),
        "scorers see half again as badly": replace(usual, certainty=1.07, spread=0.9, leniency=0.75),
        "both scorers err together (0.8 instead of 0.3)": replace(usual, shared=0.8),
        "talking sharpens nothing": replace(usual, together=1.0),
        "5 % of the work is not written down": replace(usual, written_down=0.95),
        "those who answer differ twice as much": replace(usual, response_bias=5.0),
    }
    rows = []
    for name, noise in worlds.items():
        run = Run(count, seed, noise)
        rows.append(
            (name, str(run.verdict(ALL).honest_exact), str(run.verdict(ALL).down),
             *(str(_change(run, ABLATIONS[variant], _honest_right)) for variant in (
                 "one scorer instead of two", "no talk about differences, the mean counts",
                 "a third scorer above 25 %, the median counts", "no shrinkage of the questionnaire")))
        )  # fmt: skip
    return markdown(
        (
            "world",
            "honest: right, %",
            "honest: too few, %",
            "one scorer",
            "no talk",
            "third scorer",
            "no shrinkage",
        ),
        rows,
    )


def small(count: int, seed: int) -> str:
    """A small edition of the first two tables, which a test makes again."""
    run = Run(count, seed)
    names = ("one scorer instead of two", "no shrinkage of the questionnaire", "no flags, no veto")
    return schemes(run) + "\n\n" + ablations(run, names)
