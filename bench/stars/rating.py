"""Rating a simulated school with the portal's own engine, under a set of safeguards that can be taken away one by one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from bench.stars import observing
from bench.stars.observing import RECORDED, SCORED, Answers, Eye, Noise
from bench.stars.schools import Facts, School
from portal.ratings import rubric
from portal.ratings.rubric import Result, Rubric, as_yaml, load, read_json, read_yaml, score

DEFAULT = Path(rubric.__file__).parent / "examples" / "default.yaml"
OTHER_POINTS = 94
"""Points of the default rubric without the questionnaire."""
NOTICED, BELIEVED_WRONGLY, FALSE_ALARM = 0.9, 0.1, 0.02
"""Of cheating schools, found out by a question; of honest ones, asked by mistake, and of these, not believed."""
FALSIFIED = ("coached", "last_week", "reused", "padded")
"""What the school itself does: veto V1 when two people of the district hold it for proven."""


@dataclass(frozen=True)
class Rules:
    """The safeguards, as the portal has them; a variant takes one away or sets it otherwise."""

    scorers: int = 2
    blind: bool = True
    discuss_above: float | None = 0.0
    """Differences above this share of an item's points go to both scorers; None: the mean counts, nobody talks."""
    third_above: float | None = None
    """Differences above this share go to a third blind scorer, and the median counts."""
    sample_share: float = 0.1
    sample_least: int = 20
    shrink_k: int = 20
    minimum_n: int = 30
    minimum_rate: float = 0.2
    small_school: bool = True
    satisfaction: int = 6
    domain_minimums: bool = True
    flags: bool = True
    veto: bool = True


@cache
def rubric_for(rules: Rules) -> Rubric:
    """The default rubric with the settings of these rules."""
    values: Any = read_yaml(DEFAULT.read_text("utf-8")).data
    values.pop("cases")
    items = {item["id"]: item for top in values["indicators"] for item in top["children"]}
    full = OTHER_POINTS + rules.satisfaction
    values["total"] = {"points": full, "ceiling": full}
    values["indicators"][-1]["points"] += rules.satisfaction - items["F1"]["points"]
    survey = items["F1"] | {"points": rules.satisfaction}
    survey["rule"] |= {
        "gate": {"minimum_n": rules.minimum_n, "minimum_rate": rules.minimum_rate},
        "shrink_k": rules.shrink_k,
    }
    if not rules.small_school:
        survey["rule"].pop("small_school")
    items["F1"].update(survey)
    items["C4"]["rule"]["sample"] = {"share": rules.sample_share, "at_least": rules.sample_least}
    for rank in values["result"]["ranks"]:
        rank["min_total"] = Fraction(rank["min_total"]) * full / 100
        rank["min_total"] = (
            str(rank["min_total"]) if rank["min_total"].denominator > 1 else int(rank["min_total"])
        )
        if not rules.domain_minimums:
            rank.pop("min_share_each_domain", None)
    if rules.third_above is not None:
        values["scorers"] = {"combine": "median"}
    return load(as_yaml(values))


@dataclass
class Rated:
    """What came out for a school: its star (0: below the lowest), its points of 100, whether a veto excluded it."""

    star: int
    total: Fraction
    excluded: bool = False
    discussed: int = 0


@dataclass
class World:
    """All schools of a run, with what does not depend on the rules remembered."""

    schools: Sequence[School]
    noise: Noise = field(default_factory=Noise)
    _scored: dict[tuple[int, str], Rated] = field(default_factory=dict)
    _looks: dict[tuple[int, int], dict[str, Facts]] = field(default_factory=dict)
    _points: dict[tuple[int, int], dict[str, Fraction]] = field(default_factory=dict)
    _answers: dict[tuple[int, bool], Answers] = field(default_factory=dict)
    _means: dict[int, float] = field(default_factory=dict)

    def true_stars(self, rules: Rules) -> list[Rated]:
        """What each school deserves by its true year and what all its families think; no error, no cheating."""
        yardstick = Rules(satisfaction=rules.satisfaction, domain_minimums=rules.domain_minimums)
        return [self._result(yardstick, school, self._true_items(school)) for school in self.schools]

    def stars(self, rules: Rules) -> list[Rated]:
        """What each school gets under these rules."""
        return [self._rated(rules, school) for school in self.schools]

    def _true_items(self, school: School) -> dict[str, Facts]:
        mean = round(school.contentment, 2)
        asked = {"n": school.families, "invited": school.families, "mean": mean, "district_mean": mean}
        true = school.truth["C4"]
        sample = {
            "population": true["denominator"],
            "checked": true["denominator"],
            "passed": true["numerator"],
        }
        return {**school.truth, "C4": sample, "F1": asked}

    def _rated(self, rules: Rules, school: School) -> Rated:
        caught = rules.flags and self._caught(school)
        if rules.veto and caught and (school.strategy in FALSIFIED or not school.strategy):
            return Rated(0, Fraction(0), excluded=True)
        judged = _honest(school) if caught and school.strategy in FALSIFIED else school
        first = 11 if caught and school.strategy in ("lenient", "colluding") else 1
        second = 12 if caught and school.strategy == "colluding" else 2
        items = {name: observing.records(judged, name, self.noise) for name in RECORDED}
        items["C4"] = observing.sample(judged, rules.sample_share, rules.sample_least)
        asked = self.answers(school, coached=not (caught and school.strategy == "coached"))
        items["F1"] = asked.facts(round(self._district_mean(school.district), 2))
        scored, discussed = self._scored_items(rules, judged, first, second)
        found = self._result(rules, school, items | scored)
        return Rated(found.star, found.total, False, discussed)

    def _caught(self, school: School) -> bool:
        chance = school.chance("question").random()
        return chance < (NOTICED if school.strategy else FALSE_ALARM * BELIEVED_WRONGLY)

    def answers(self, school: School, coached: bool) -> Answers:
        """The questionnaire of a school, as it was answered."""
        key = (school.number, coached)
        if key not in self._answers:
            self._answers[key] = observing.answers(school, self.noise, coached)
        return self._answers[key]

    def _district_mean(self, district: int) -> float:
        if district not in self._means:
            found = [self.answers(one, True).mean for one in self.schools if one.district == district]
            self._means[district] = sum(found) / len(found)
        return self._means[district]

    def _eye(self, school: School, number: int) -> Eye:
        return observing.scorer(school, number, self.noise)

    def _look(self, school: School, number: int) -> dict[str, Facts]:
        key = (school.number * 2 + bool(school.strategy), number)
        if key not in self._looks:
            eye = self._eye(school, number)
            self._looks[key] = {
                item: observing.seen(school, item, eye, self.noise, observing.papers(school, item))
                for item in SCORED
            }
        return self._looks[key]

    def _points_of(self, school: School, number: int) -> dict[str, Fraction]:
        key = (school.number * 2 + bool(school.strategy), number)
        if key not in self._points:
            found = _score(rubric_for(Rules()), school, self._look(school, number))
            self._points[key] = {name: found.of(name).points or Fraction(0) for name in SCORED}
        return self._points[key]

    def _scored_items(
        self, rules: Rules, school: School, first: int, second: int
    ) -> tuple[dict[str, Facts], int]:
        """What counts of the scorers' sheets, and how many items had to be talked about."""
        one = self._look(school, first)
        if rules.scorers == 1:
            return one, 0
        two = self._look(school, second)
        if not rules.blind:
            two = {
                item: one[item] if school.chance(f"copied {item}").random() < 0.8 else two[item]
                for item in SCORED
            }
        found: dict[str, Facts] = {}
        discussed = 0
        for item in SCORED:
            gap = self._gap(school, item, first, second) if one[item] != two[item] else Fraction(0)
            if one[item] == two[item]:
                found[item] = one[item]
            elif rules.third_above is not None and gap > rules.third_above:
                found[item] = {"by": {"s1": one[item], "s2": two[item], "s3": self._look(school, 3)[item]}}
            elif rules.discuss_above is not None and gap >= rules.discuss_above:
                found[item] = self._agreed(school, item, first, second)
                discussed += 1
            else:
                found[item] = {"by": {"s1": one[item], "s2": two[item]}}
        return found, discussed

    def _gap(self, school: School, item: str, first: int, second: int) -> Fraction:
        full = rubric_for(Rules()).rated()
        points = next(found.points for found in full if found.id == item) or Fraction(1)
        return abs(self._points_of(school, first)[item] - self._points_of(school, second)[item]) / points

    def _agreed(self, school: School, item: str, first: int, second: int) -> Facts:
        """What both hold after looking at the papers once more together: less blurred, half as strict or lenient."""
        strictness = (self._eye(school, first).leniency + self._eye(school, second).leniency) / 4
        eye = Eye("together", strictness, self.noise.together)
        return observing.seen(school, item, eye, self.noise, observing.papers(school, item))

    def _result(self, rules: Rules, school: School, items: Mapping[str, Facts]) -> Rated:
        found = rubric_for(rules)
        key = (id(found), json.dumps({"families": school.families, "items": items}, sort_keys=True))
        if key not in self._scored:
            result = _score(found, school, items)
            total = Fraction(result.total or 0) * 100 / (OTHER_POINTS + rules.satisfaction)
            self._scored[key] = Rated(result.standing.star or 0, total)
        return self._scored[key]


def _honest(school: School) -> School:
    """The same school as its records and papers look once what was invented is struck out."""
    return School(
        school.seed, school.number, school.families, school.pupils, school.truth, school.contentment, ""
    )


def _score(found: Rubric, school: School, items: Mapping[str, Facts]) -> Result:
    inputs = {
        "school": {"stage": ["primary"], "families": school.families, "pupils": school.pupils},
        "items": {name: facts for name, facts in items.items()},
    }
    return score(found, read_json(json.dumps(inputs)))
