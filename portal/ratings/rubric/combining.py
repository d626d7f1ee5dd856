"""How children become a group and groups a total, with items that do not apply left out fairly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from portal.ratings.rubric.amounts import exact, rounded
from portal.ratings.rubric.conditions import holds
from portal.ratings.rubric.inputs import Inputs, Known
from portal.ratings.rubric.model import Item, Rubric, Settings
from portal.ratings.rubric.problems import Message, Title, phrase
from portal.ratings.rubric.results import ItemResult, State

ZERO = Fraction(0)


@dataclass(frozen=True)
class Effect:
    """What vetoes do to one item: a factor on its points (0 zeroes it), and why."""

    factor: Fraction
    reasons: tuple[Message, ...]


Effects = Mapping[str, Effect]


def applies(rubric: Rubric, inputs: Inputs, item: Item) -> bool | Message:
    """True; False when it cannot be known yet; or the reason why the item does not apply."""
    facts = inputs.item(item.id) or {}
    if "not_applicable" in facts:
        return phrase("Declared not applicable: %(reason)s.", reason=facts["not_applicable"])
    if "applies_when" not in item.settings:
        return True
    answer = holds(item.settings["applies_when"], Known(rubric, inputs))
    if answer is None:
        return False
    return True if answer else phrase("The item is not meant for such schools.")


def combined(
    rubric: Rubric, inputs: Inputs, leaves: Mapping[str, ItemResult], effects: Effects
) -> tuple[ItemResult, ...]:
    """The results of the whole tree from the results of its leaves, with the effects of vetoes."""
    mode = rubric.settings["not_applicable"]
    tree = _Tree(rubric, inputs, leaves, effects, mode)
    rounding = rubric.settings["rounding"]
    results = []
    for item in rubric.items:
        result = tree.result(item, top=True)
        if "domains" in rounding["when"] and result.points is not None:
            result = replace(result, points=rounded(result.points, rounding["decimals"], rounding["mode"]))
        results.append(result)
    return tuple(results)


@dataclass(frozen=True)
class _Tree:
    rubric: Rubric
    inputs: Inputs
    leaves: Mapping[str, ItemResult]
    effects: Effects
    mode: str

    def result(self, item: Item, top: bool, outside: Message | None = None) -> ItemResult:
        """The result of an item; ``outside`` is the reason why a group above does not apply."""
        answer = applies(self.rubric, self.inputs, item)
        reason = outside or (answer if isinstance(answer, Message) else None)
        if item.children:
            children = tuple(self.result(child, False, reason) for child in item.children)
            result = self.group(item, children, top, reason)
        elif outside:
            result = ItemResult(item, "not_applicable", *self.outside(item), (outside,))
        else:
            result = self.leaves[item.id]
        return graded(self.struck(result))

    def outside(self, item: Item) -> tuple[Fraction | None, Fraction]:
        """Points and reach of an item that does not apply."""
        if self.mode in ("full_points", "no_points"):
            return (item.points if self.mode == "full_points" else ZERO), item.points or ZERO
        return None, ZERO

    def group(
        self, item: Item, children: tuple[ItemResult, ...], top: bool, reason: Message | None
    ) -> ItemResult:
        """A group from its children."""
        if reason is not None:
            return ItemResult(item, "not_applicable", *self.outside(item), (reason,), children=children)
        left_out = self.rubric.settings["missing_input"] == "leave_out"
        counted = [child for child in children if _counts(child, left_out)]
        state = _state(children)
        if not counted:
            return ItemResult(
                item, state, None, ZERO, (phrase("Nothing in this group counts."),), children=children
            )
        scale = self.mode == "rescale_parent" or (self.mode == "rescale_domain" and top)
        points, reach, reasons = COMBINE[item.settings["combine"]](item.points, item.settings, counted, scale)
        if points is not None and item.floor is not None and points < item.floor:
            points, reasons = item.floor, (*reasons, phrase("Not below %(floor)s points.", floor=item.floor))
        missing = tuple(name for child in children for name in child.missing)
        return ItemResult(item, state, points, reach, reasons, children=children, missing=missing)

    def struck(self, result: ItemResult) -> ItemResult:
        """The result under the vetoes that strike it."""
        effect = self.effects.get(result.item.id)
        if effect is None:
            return result
        points = (
            None
            if result.points is None
            else result.points * effect.factor
            if result.points > 0
            else result.points
        )
        return replace(result, points=points, reasons=(*result.reasons, *effect.reasons))


def _counts(child: ItemResult, left_out: bool) -> bool:
    if child.state == "not_applicable":
        return child.points is not None
    return not (left_out and child.state == "not_given")


def _state(children: Sequence[ItemResult]) -> State:
    states = {child.state for child in children if child.state != "not_applicable"}
    if not states:
        return "not_applicable"
    if states == {"not_given"}:
        return "not_given"
    return "partly_given" if states & {"not_given", "partly_given"} else "scored"


def graded(result: ItemResult) -> ItemResult:
    """The result with the grade or star its own bands give."""
    bands = result.item.settings.get("grades", ())
    if not bands or result.points is None:
        return result
    for band in bands:
        share_fits = "min_share" not in band or (
            result.share is not None and result.share >= exact(band["min_share"])
        )
        if share_fits and ("min_points" not in band or result.points >= exact(band["min_points"])):
            words: Title | None = band.get("grade")
            return replace(result, grade=words, star=band.get("star"))
    return result


Combined = tuple[Fraction | None, Fraction, tuple[Message, ...]]
Combine = Callable[[Fraction | None, Settings, Sequence[ItemResult], bool], Combined]


def _sum(full: Fraction | None, settings: Settings, children: Sequence[ItemResult], scale: bool) -> Combined:
    """Points add up; where items do not apply, the others may be scaled to the full points of the group."""
    earning = [child for child in children if child.reach > 0]
    earned = sum((child.points for child in earning if child.points is not None), ZERO)
    # Items that only take points away are not scaled: their fault costs the same everywhere.
    taken = sum((child.points for child in children if child.reach <= 0 and child.points is not None), ZERO)
    reach = sum((child.reach for child in earning), ZERO)
    if not earning and all(child.points is None for child in children):
        return (None if full is None else ZERO), ZERO, ()
    if scale and full is not None and 0 < reach < full:
        reason = phrase(
            "%(reach)s of %(full)s points apply; scaled to the full points.", reach=reach, full=full
        )
        return earned * full / reach + taken, full, (reason,)
    return earned + taken, reach, ()


def _sum_capped(
    full: Fraction | None, settings: Settings, children: Sequence[ItemResult], scale: bool
) -> Combined:
    """Points add up, but never above the points of the group."""
    points, reach, _ = _sum(None, settings, children, False)
    if full is None or points is None:
        return points, reach, ()
    if points > full:
        return full, full, (phrase("Not above %(full)s points.", full=full),)
    return points, min(full, reach), ()


def _scaled(
    full: Fraction | None, settings: Settings, children: Sequence[ItemResult], scale: bool
) -> Combined:
    """The children's points, whatever they add up to, scaled to the points of the group."""
    points, reach, _ = _sum(None, settings, children, False)
    if full is None or points is None or reach == 0:
        return points, reach, ()
    reason = phrase(
        "%(points)s of %(reach)s points, scaled to %(full)s.", points=points, reach=reach, full=full
    )
    return points * full / reach, full, (reason,)


def _weighted(
    full: Fraction | None, settings: Settings, children: Sequence[ItemResult], scale: bool
) -> Combined:
    """The children's shares by their weights, times the points of the group."""
    shares = [
        (child.share or ZERO, exact(child.item.settings.get("weight", 1)))
        for child in children
        if child.reach > 0
    ]
    weights = sum((weight for _, weight in shares), ZERO)
    if full is None or weights == 0:
        return None, ZERO, ()
    share = sum((share * weight for share, weight in shares), ZERO) / weights
    return share * full, full, (phrase("%(percent)s %% by weights.", percent=share * 100),)


def _mean(full: Fraction | None, settings: Settings, children: Sequence[ItemResult], scale: bool) -> Combined:
    """The mean of the children's shares, times the points of the group."""
    shares = [child.share or ZERO for child in children if child.reach > 0]
    if full is None or not shares:
        return None, ZERO, ()
    share = sum(shares, ZERO) / len(shares)
    return share * full, full, (phrase("%(percent)s %% on average.", percent=share * 100),)


def _extreme(choose: Callable[[list[tuple[Fraction, ItemResult]]], tuple[Fraction, ItemResult]]) -> Combine:
    def combine(
        full: Fraction | None, settings: Settings, children: Sequence[ItemResult], scale: bool
    ) -> Combined:
        shares = [(child.share or ZERO, child) for child in children if child.reach > 0]
        if full is None or not shares:
            return None, ZERO, ()
        share, child = choose(shares)
        return share * full, full, (phrase("“%(title)s” decides.", title=child.item.title),)

    return combine


def _best(full: Fraction | None, settings: Settings, children: Sequence[ItemResult], scale: bool) -> Combined:
    """The best ``take`` children add up."""
    points = sorted((child.points or ZERO for child in children), reverse=True)[: settings["take"]]
    found = sum(points, ZERO)
    if full is None:
        return found, sum((child.reach for child in children), ZERO), ()
    return min(found, full), full, (phrase("The best %(count)s count.", count=settings["take"]),)


COMBINE: dict[str, Combine] = {
    "sum": _sum,
    "sum_capped": _sum_capped,
    "scaled": _scaled,
    "weighted": _weighted,
    "mean": _mean,
    "highest": _extreme(lambda shares: max(shares, key=lambda pair: pair[0])),
    "lowest": _extreme(lambda shares: min(shares, key=lambda pair: pair[0])),
    "best": _best,
}


def total(rubric: Rubric, items: Sequence[ItemResult]) -> Combined:
    """The total of the top indicators, its reach, and why; None when nothing counts."""
    left_out = rubric.settings["missing_input"] == "leave_out"
    counted = [item for item in items if _counts(item, left_out)]
    if not counted or all(item.points is None and item.reach == 0 for item in counted):
        return None, ZERO, (phrase("Nothing counts, so there is no total."),)
    scale = rubric.settings["not_applicable"].startswith("rescale")
    combine = COMBINE[rubric.settings["total"]["combine"]]
    return combine(rubric.points, rubric.settings["total"], counted, scale)


def of_scorers(how: str, given: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Several scorers' points (each with a weight) made one."""
    points = sorted(value for value, _ in given)
    if how == "lowest":
        return points[0]
    if how == "highest":
        return points[-1]
    if how == "median":
        middle = len(points) // 2
        return points[middle] if len(points) % 2 else (points[middle - 1] + points[middle]) / 2
    if how == "trimmed_mean" and len(points) > 2:
        points = points[1:-1]
    if how == "weighted":
        return sum((value * weight for value, weight in given), ZERO) / sum(
            (weight for _, weight in given), ZERO
        )
    return sum(points, ZERO) / len(points)
