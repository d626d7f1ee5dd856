"""What scoring answers: one result for each item, and the result of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from portal.ratings.rubric.model import Item, Rubric
from portal.ratings.rubric.outcomes import Figure
from portal.ratings.rubric.problems import Message, Title

State = Literal["scored", "partly_given", "not_given", "not_applicable"]


@dataclass(frozen=True)
class ItemResult:
    """The points of one item or group, and why.

    ``points`` is None where the item has none; ``reach`` is how many points could be had by this school: the full points,
    less those of items that do not apply. ``missing`` names the facts that were not given.
    """

    item: Item
    state: State
    points: Fraction | None
    reach: Fraction
    reasons: tuple[Message, ...] = ()
    band: Title | None = None
    met: bool | None = None
    grade: Title | None = None
    star: int | None = None
    ratio: Fraction | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    scorers: Mapping[str, Fraction | None] = field(default_factory=dict)
    eligible: bool = True
    missing: tuple[str, ...] = ()
    children: tuple[ItemResult, ...] = ()

    @property
    def share(self) -> Fraction | None:
        """The points as a share of what could be reached."""
        return self.points / self.reach if self.points is not None and self.reach > 0 else None

    def walk(self) -> Iterator[ItemResult]:
        """This result and everything below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Extra:
    """Bonus or deductions: what the items add up to and what counts of it under the cap."""

    items: tuple[ItemResult, ...]
    found: Fraction
    counted: Fraction
    cap: Fraction | None


@dataclass(frozen=True)
class VetoResult:
    """A veto item: whether it struck (None: facts are missing), and what it did in words."""

    id: str
    title: Title
    effect: str
    struck: bool | None
    reasons: tuple[Message, ...]


@dataclass(frozen=True)
class GateResult:
    """A gate: whether it holds (None: not given)."""

    id: str
    title: Title
    holds: bool | None


@dataclass(frozen=True)
class Standing:
    """The star or grade, why it is this one (``reasons``) and what the next better one still needs (``next``)."""

    star: int | None
    grade: Title | None
    reasons: tuple[Message, ...] = ()
    next: tuple[Message, ...] = ()
    ratings: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The whole result. ``complete`` is False while facts are missing: then every figure is provisional.

    ``eligible`` is None while a gate has no answer. ``exact_total`` is the total before rounding.
    """

    rubric: Rubric
    items: tuple[ItemResult, ...]
    bonus: Extra
    deductions: Extra
    gates: tuple[GateResult, ...]
    vetoes: tuple[VetoResult, ...]
    base: Fraction | None
    exact_total: Fraction | None
    total: Fraction | None
    reach: Fraction
    total_reasons: tuple[Message, ...]
    eligible: bool | None
    standing: Standing
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every fact that counts was given."""
        return not self.missing

    def walk(self) -> Iterator[ItemResult]:
        """Every item result: indicators parents first, then bonus, then deductions."""
        for item in self.items:
            yield from item.walk()
        yield from self.bonus.items
        yield from self.deductions.items

    def of(self, item_id: str) -> ItemResult:
        """The result of one item. Raises KeyError."""
        for item in self.walk():
            if item.item.id == item_id:
                return item
        raise KeyError(item_id)
