"""The facts a rating is scored from: read, checked against the rubric, and asked for by the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.model import Item, Rubric
from portal.ratings.rubric.outcomes import Facts
from portal.ratings.rubric.problems import Problem, RubricError, Title, listed, phrase
from portal.ratings.rubric.reading import Path, written
from portal.ratings.rubric.results import ItemResult
from portal.ratings.rubric.shape import inputs_faults, inputs_schema

COMMON = ("not_applicable", "evidence", "special", "note", "by")


@dataclass(frozen=True)
class Inputs:
    """Checked inputs: every name in them is known to the rubric and every value has the right shape."""

    values: Mapping[str, Any]

    @property
    def school(self) -> Facts:
        """Facts of the school."""
        found: Facts = self.values.get("school", {})
        return found

    def item(self, item_id: str) -> Facts | None:
        """The facts of an item; None when nothing was given."""
        found: Facts | None = self.values.get("items", {}).get(item_id)
        return found

    def part(self, name: str) -> Mapping[str, Any]:
        """``gates``, ``events``, ``facts``, ``ratings`` or ``school``."""
        found: Mapping[str, Any] = self.values.get(name, {})
        return found


def accepted(rubric: Rubric, values: object) -> Inputs:
    """Inputs that fit the rubric. Raises RubricError with every fault in words: unknown names, wrong shapes."""
    if not isinstance(values, dict):
        raise RubricError([Problem(None, "", phrase("The inputs must be one JSON object."))])
    faults = inputs_faults(values)
    if not faults:
        faults = _strange_names(rubric, values)
        items = {item.id: item for item in rubric.rated()} | {item.id: item for item in rubric.walk()}
        for item_id, facts in values.get("items", {}).items():
            if item_id in items:
                faults.extend(_item_faults(rubric, items[item_id], facts))
    if faults:
        raise RubricError(faults)
    return Inputs(values)


def known_names(rubric: Rubric) -> dict[str, list[str]]:
    """The ids that may stand in each part of the inputs."""
    settings = rubric.settings
    gates = [gate["id"] for gate in settings["gates"] if "when" not in gate]
    gates += [gate["id"] for item in rubric.walk() for gate in item.settings.get("gates", ())]
    return {
        "items": [item.id for item in rubric.walk()]
        + [item.id for item in (*rubric.bonus, *rubric.deductions)],
        "gates": gates,
        "events": [veto["id"] for veto in settings["vetoes"] if "when" not in veto],
        "ratings": [
            rating["id"] for rating in settings["result"].get("ratings", ()) if "from_item" not in rating
        ],
    }


def _strange_names(rubric: Rubric, values: Mapping[str, Any]) -> list[Problem]:
    faults = []
    if "rubric" in values and values["rubric"] != rubric.id:
        message = phrase(
            "These inputs belong to the rubric “%(theirs)s”, not to “%(ours)s”.",
            theirs=values["rubric"],
            ours=rubric.id,
        )
        faults.append(Problem(None, "rubric", message))
    for part, known in known_names(rubric).items():
        for name in values.get(part, {}):
            if name not in known:
                message = phrase(
                    "“%(id)s” is not known here. Known: %(known)s.", id=name, known=listed(known)
                )
                faults.append(Problem(None, f"{part}.{name}", message))
    return faults


def _item_faults(rubric: Rubric, item: Item, facts: Facts) -> list[Problem]:
    at: Path = ("items", item.id)
    common = {key: value for key, value in facts.items() if key in COMMON}
    faults = inputs_faults(common, "common", at)
    if item.settings.get("always_applies") and "not_applicable" in facts:
        faults.append(
            Problem(None, written((*at, "not_applicable")), phrase("This item applies to every school."))
        )
    special = {entry["id"] for entry in item.settings.get("special", ())}
    for name in common.get("special", {}) if not faults else ():
        if name not in special:
            message = phrase(
                "“%(id)s” is not known here. Known: %(known)s.", id=name, known=listed(sorted(special))
            )
            faults.append(Problem(None, written((*at, "special", name)), message))
    own = {key: value for key, value in facts.items() if key not in COMMON}
    if item.rule is None:
        return faults + [
            Problem(None, written((*at, key)), phrase("A group takes no facts of its own."))
            for key in sorted({*own, *common} - {"not_applicable", "note"})
        ]
    if "by" in common and own:
        faults.append(Problem(None, written(at), phrase("Give facts once, or by scorer, not both.")))
    if faults or "by" not in common:
        return faults + inputs_faults(own, f"facts_{item.kind}", at)
    return faults + _scorer_faults(rubric, item, common["by"], (*at, "by"))


def _scorer_faults(rubric: Rubric, item: Item, by: Mapping[str, Facts], at: Path) -> list[Problem]:
    columns = [column["id"] for column in rubric.settings["scorers"]["columns"]]
    faults = []
    for name, facts in by.items():
        if columns and name not in columns:
            message = phrase("“%(id)s” is not known here. Known: %(known)s.", id=name, known=listed(columns))
            faults.append(Problem(None, written((*at, name)), message))
        faults.extend(inputs_faults(facts, f"facts_{item.kind}", (*at, name)))
    return faults


def facts_of_kind(kind: str) -> dict[str, Any]:
    """The JSON Schema of the facts a rule kind takes."""
    found: dict[str, Any] = inputs_schema()["$defs"][f"facts_{kind}"]
    return found


class Known:
    """Answers the conditions of a rubric from inputs and, once there are any, from item results and ratings."""

    def __init__(
        self,
        rubric: Rubric,
        inputs: Inputs,
        results: Sequence[ItemResult] = (),
        ratings: Mapping[str, int | None] | None = None,
    ) -> None:
        self.inputs = inputs
        self.results = {found.item.id: found for result in results for found in result.walk()}
        self.ratings = dict(ratings or {})
        self.titles: dict[str, Title] = {item.id: item.title for item in rubric.walk()}
        for rating in rubric.settings["result"].get("ratings", ()):
            self.titles[rating["id"]] = rating.get("title", rating["id"])

    def fact(self, name: str) -> bool | None:
        """A fact given as true or false."""
        found: bool | None = self.inputs.part("facts").get(name)
        return found

    def school(self, name: str) -> object:
        """A fact of the school."""
        return self.inputs.school.get(name)

    def met(self, name: str) -> bool | None:
        """Whether an item is met."""
        return self.results[name].met if name in self.results else None

    def grade(self, name: str) -> Title | None:
        """The grade of an item."""
        return self.results[name].grade if name in self.results else None

    def measure(self, name: str, measure: str) -> Fraction | None:
        """The points, share, star or ratio of an item, or the stars of a rating."""
        if name in self.ratings:
            stars = self.ratings[name]
            return None if stars is None else Fraction(stars)
        if name not in self.results:
            return None
        value = getattr(self.results[name], measure)
        return None if value is None else Fraction(value)

    def grades(self, among: Sequence[str] | None) -> list[Title] | None:
        """The grades of the items that have one; None while one of them is not given yet."""
        wanted = [self.results[name] for name in among or self.results if name in self.results]
        graded = [
            result
            for result in wanted
            if result.item.kind == "block_abc" or result.item.settings.get("grades")
        ]
        if any(result.state == "not_given" for result in graded):
            return None
        return [result.grade for result in graded if result.grade is not None]

    def named(self, name: str) -> Title:
        """The title behind an id."""
        return self.titles.get(name, name)
