"""A rubric as the engine works with it: items in a tree, every setting present, every number exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.problems import Message, Title, phrase
from portal.ratings.rubric.shape import filled, rubric_schema

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """An indicator: a group with children or an item with a rule. ``points`` is None where none are stated."""

    id: str
    title: Title
    points: Fraction | None
    floor: Fraction | None
    settings: Settings
    rule: Settings | None
    children: tuple[Item, ...] = field(default=())

    @property
    def kind(self) -> str:
        """The kind of the rule, empty for a group."""
        return str(self.rule["kind"]) if self.rule else ""

    def walk(self) -> Iterator[Item]:
        """This item and everything below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Rubric:
    """A checked rubric. ``settings`` are the values of its file with every default filled in."""

    id: str
    title: Title
    points: Fraction | None
    items: tuple[Item, ...]
    bonus: tuple[Item, ...]
    deductions: tuple[Item, ...]
    settings: Settings

    def walk(self) -> Iterator[Item]:
        """Every indicator, parents first, without bonus and deductions."""
        for item in self.items:
            yield from item.walk()

    def rated(self) -> Iterator[Item]:
        """Every item with a rule: indicators, then bonus, then deductions."""
        yield from (item for item in self.walk() if item.rule)
        yield from self.bonus
        yield from self.deductions

    def summary(self) -> list[Message]:
        """What the rubric holds, in a few lines of words."""
        titled = phrase("“%(title)s” is in order.", title=self.title)
        groups, leaves = len(self.items), sum(1 for item in self.walk() if item.rule)
        counted = phrase("%(groups)s top indicators, %(items)s items to score.", groups=groups, items=leaves)
        total = (
            phrase("The full total is not stated.")
            if self.points is None
            else phrase("Full total: %(points)s points.", points=self.points)
        )
        extras = phrase(
            "Bonus items: %(bonus)s; gates: %(gates)s; vetoes: %(vetoes)s; worked cases: %(cases)s.",
            bonus=len(self.bonus),
            gates=len(self.settings["gates"]),
            vetoes=len(self.settings["vetoes"]),
            cases=len(self.settings["cases"]),
        )
        return [titled, counted, total, extras]


def optional(value: object) -> Fraction | None:
    """An exact number, or None."""
    return None if value is None else exact(value)


def built(data: Mapping[str, Any]) -> Rubric:
    """The rubric behind the values of a file that the schema accepts."""
    settings = filled(dict(data), rubric_schema())
    items = tuple(_item(entry) for entry in settings["indicators"])
    return Rubric(
        id=settings["id"],
        title=settings["title"],
        points=optional(settings["total"]["points"]),
        items=items,
        bonus=tuple(_extra(entry) for entry in settings.get("bonus", {}).get("items", ())),
        deductions=tuple(_extra(entry) for entry in settings.get("deductions", {}).get("items", ())),
        settings=settings,
    )


def _item(entry: Settings) -> Item:
    children = tuple(_item(child) for child in entry.get("children", ()))
    points = optional(entry["points"]) if "points" in entry else _sum(children)
    return Item(
        id=entry["id"],
        title=entry.get("title", entry["id"]),
        points=points,
        floor=_floor(entry, points, bool(children)),
        settings=entry,
        rule=entry.get("rule"),
        children=children,
    )


def _sum(children: tuple[Item, ...]) -> Fraction | None:
    """The points of the children; None when one says that its points are not known, or none has any.

    An item without a word about points (a gate, a list of conditions) adds nothing and hides nothing.
    """
    unknown = any(
        child.points is None and ("points" in child.settings or child.children) for child in children
    )
    stated = [child.points for child in children if child.points is not None]
    return None if unknown or not stated else sum(stated, Fraction(0))


def _floor(entry: Settings, points: Fraction | None, group: bool) -> Fraction | None:
    if "floor" in entry:
        return optional(entry["floor"])
    return None if points is None or group else Fraction(0)


def _extra(entry: Settings) -> Item:
    rule = entry["rule"]
    points = optional(entry["points"]) if "points" in entry else _best(rule)
    return Item(entry["id"], entry["title"], points, Fraction(0), entry, rule)


def _best(rule: Settings) -> Fraction | None:
    """The most points a rule names itself; None where it names none or they add up without limit."""
    if rule.get("combine") == "sum":
        return None
    for name in ("tiers", "levels", "bands", "steps", "components", "anchors", "cuts"):
        named = [point for entry in rule.get(name) or () if (point := _named_points(entry)) is not None]
        if named:
            return sum(named, Fraction(0)) if name == "components" else max(named)
    return None


def _named_points(entry: object) -> Fraction | None:
    value = entry.get("points") if isinstance(entry, Mapping) else entry
    return None if value is None else exact(value)
