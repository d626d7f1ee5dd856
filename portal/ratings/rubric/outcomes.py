"""What a rule answers about one item, and the ways in which it cannot answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.model import Item, Settings
from portal.ratings.rubric.problems import Message, Title, phrase

Facts = Mapping[str, Any]
Figure = Fraction | str


@dataclass(frozen=True)
class Outcome:
    """The points a rule gives before floor and ceiling of the item (None: the rule gives none), and why.

    ``band`` names the band, level or tier that fitted; ``figures`` the numbers worked out on the way.
    """

    points: Fraction | None
    reasons: tuple[Message, ...]
    band: Title | None = None
    met: bool | None = None
    grade: Title | None = None
    star: int | None = None
    ratio: Fraction | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    eligible: bool = True
    partly: tuple[str, ...] = ()


class NotGivenError(Exception):
    """A fact the rule needs was not given; ``name`` is the field."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class UnusableError(Exception):
    """A fact cannot be right: ``name`` is the field, ``message`` says why."""

    def __init__(self, name: str, message: Message) -> None:
        super().__init__(message.msgid)
        self.name = name
        self.message = message


class TooFewError(Exception):
    """There is too little to judge by; ``treatment`` is what the rule says then."""

    def __init__(
        self, treatment: Literal["not_applicable", "full_points", "no_points"], reason: Message
    ) -> None:
        super().__init__(treatment)
        self.treatment = treatment
        self.reason = reason


@dataclass(frozen=True)
class Case:
    """One item to be scored: its settings, the facts given about it, and the facts of the school."""

    item: Item
    facts: Facts
    school: Facts

    @property
    def rule(self) -> Settings:
        """The settings of the item's rule."""
        return self.item.rule or {}

    @property
    def full(self) -> Fraction:
        """The full points; 0 where none are stated, so that deductions count from there."""
        return self.item.points if self.item.points is not None else Fraction(0)

    def number(self, name: str) -> Fraction:
        """A number among the facts. Raises NotGivenError."""
        if self.facts.get(name) is None:
            raise NotGivenError(name)
        return exact(self.facts[name])

    def given(self, name: str) -> Any:
        """A fact. Raises NotGivenError."""
        if name not in self.facts:
            raise NotGivenError(name)
        return self.facts[name]

    def all_or_nothing(self, met: bool, reason: Message, **figures: Figure) -> Outcome:
        """Full points when met, none otherwise; no points at all where the item states none."""
        points = None if self.item.points is None else self.full if met else Fraction(0)
        return Outcome(points, (reason,), met=met, figures=figures)

    def target(self) -> tuple[Fraction | None, str]:
        """The target of the rule for this school and the stage it was chosen by. Raises NotGivenError without the stage."""
        by_stage = self.rule.get("by_stage")
        if not by_stage:
            value = self.rule.get("target", self.rule.get("min"))
            return (None if value is None else exact(value)), ""
        if "stage" not in self.school:
            raise NotGivenError("school.stage")
        stages = self.school["stage"] if isinstance(self.school["stage"], list) else [self.school["stage"]]
        known = [(exact(by_stage[stage]), str(stage)) for stage in stages if stage in by_stage]
        if not known:
            raise TooFewError("not_applicable", phrase("There is no target for this stage."))
        return max(known) if self.rule["several_stages"] == "strictest" else min(known)


def flags(case: Case, name: str, known: list[str]) -> dict[str, bool | None]:
    """True, False or None (not given) for each known id; an id nobody knows is UnusableError."""
    given = case.given(name)
    for key in given:
        if key not in known:
            raise UnusableError(
                f"{name}.{key}",
                phrase("“%(id)s” is not known here. Known: %(known)s.", id=key, known=", ".join(known)),
            )
    return {key: given.get(key) for key in known}


def named(entries: list[Any]) -> dict[str, Title]:
    """The ids and words of a list whose entries are words or {id, what}; words alone are numbered from 1."""
    found: dict[str, Title] = {}
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, str):
            found[str(number)] = entry
        else:
            found[str(entry.get("id", number))] = entry["what"]
    return found
