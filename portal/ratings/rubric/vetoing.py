"""Veto items: which of them struck, and what each effect does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.combining import Effect
from portal.ratings.rubric.conditions import holds
from portal.ratings.rubric.inputs import Inputs, Known
from portal.ratings.rubric.model import Rubric
from portal.ratings.rubric.problems import Message, phrase
from portal.ratings.rubric.results import ItemResult, VetoResult

Struck = Mapping[str, bool | None]
Veto = Mapping[str, Any]

# Each effect in words. A new effect is an entry here, its deed below or in standing.py, one in the schema and one in the docs.
EFFECTS: dict[str, Callable[[Veto], Message]] = {
    "exclude": lambda veto: phrase("Not eligible in this round."),
    "zero_item": lambda veto: phrase(
        "These items get no points: %(items)s.", items=", ".join(veto.get("items", ()))
    ),
    "multiply": lambda veto: phrase("The points are multiplied by %(factor)s.", factor=exact(veto["factor"])),
    "deduct": lambda veto: phrase(
        "%(points)s points are taken from the total.", points=veto.get("points", 0)
    ),
    "cap_total": lambda veto: phrase("The total is at most %(max)s.", max=veto.get("max", 0)),
    "cap_star": lambda veto: phrase("At most %(max)s stars.", max=veto.get("max", 0)),
    "cap_grade": lambda veto: phrase("At best “%(grade)s”.", grade=veto.get("grade", "")),
    "lower_star": lambda veto: phrase("Lower by %(by)s stars.", by=veto["by"]),
    "cap_rating": lambda veto: phrase(
        "“%(rating)s” is at most %(max)s stars.", rating=veto.get("rating", ""), max=veto.get("max", 0)
    ),
}


def struck(rubric: Rubric, inputs: Inputs, items: Sequence[ItemResult]) -> dict[str, bool | None]:
    """For each veto whether it struck; None when its condition lacks facts. An event nobody reports did not happen."""
    known = Known(rubric, inputs, items)
    events = inputs.part("events")
    found: dict[str, bool | None] = {}
    for veto in rubric.settings["vetoes"]:
        if "when" in veto:
            found[veto["id"]] = holds(veto["when"], known)
        else:
            found[veto["id"]] = int(events.get(veto["id"], 0)) >= veto["from_count"]
    return found


def active(rubric: Rubric, struck: Struck, *effects: str) -> list[Veto]:
    """The vetoes of these effects that struck, in the order of the rubric."""
    return [veto for veto in rubric.settings["vetoes"] if veto["effect"] in effects and struck[veto["id"]]]


def reason(veto: Veto) -> Message:
    """Which veto struck and what it does, in one sentence."""
    return phrase("Veto “%(title)s”: %(effect)s", title=veto["title"], effect=EFFECTS[veto["effect"]](veto))


def item_effects(rubric: Rubric, struck: Struck) -> dict[str, Effect]:
    """The effects on single items."""
    effects: dict[str, Effect] = {}
    for veto in active(rubric, struck, "zero_item", "multiply"):
        factor = Fraction(0) if veto["effect"] == "zero_item" else exact(veto["factor"])
        for item_id in veto.get("items", ()):
            before = effects.get(item_id, Effect(Fraction(1), ()))
            effects[item_id] = Effect(before.factor * factor, (*before.reasons, reason(veto)))
    return effects


def on_total(
    rubric: Rubric, inputs: Inputs, struck: Struck, total: Fraction | None
) -> tuple[Fraction | None, tuple[Message, ...]]:
    """The total under vetoes: first factors, then deductions, then caps, so that their order in the file changes nothing."""
    if total is None:
        return None, ()
    reasons: list[Message] = []
    for veto in active(rubric, struck, "multiply"):
        if not veto.get("items"):
            total *= exact(veto["factor"]) if total > 0 else 1
            reasons.append(reason(veto))
    for veto in active(rubric, struck, "deduct"):
        times = int(inputs.part("events").get(veto["id"], 1)) if veto["each"] else 1
        total -= exact(veto["points"]) * times
        reasons.append(reason(veto))
    for veto in active(rubric, struck, "cap_total"):
        total = min(total, exact(veto["max"]))
        reasons.append(reason(veto))
    return total, tuple(reasons)


def shown(rubric: Rubric, struck: Struck) -> tuple[VetoResult, ...]:
    """Every veto with its answer."""
    found = []
    for veto in rubric.settings["vetoes"]:
        answer = struck[veto["id"]]
        reasons = (EFFECTS[veto["effect"]](veto),) if answer else ()
        found.append(VetoResult(veto["id"], veto["title"], veto["effect"], answer, reasons))
    return tuple(found)
