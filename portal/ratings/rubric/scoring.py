"""From facts to points: items one by one, then groups, then the total and what stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from portal.ratings.rubric import combining, standing, vetoing
from portal.ratings.rubric.amounts import exact, plain, rounded
from portal.ratings.rubric.conditions import asked, conditions_in, holds
from portal.ratings.rubric.inputs import COMMON, Inputs, Known, accepted
from portal.ratings.rubric.model import Item, Rubric, optional
from portal.ratings.rubric.outcomes import Case, Facts, NotGivenError, Outcome, TooFewError, UnusableError
from portal.ratings.rubric.problems import Message, Problem, RubricError, phrase
from portal.ratings.rubric.results import Extra, GateResult, ItemResult, Result
from portal.ratings.rubric.rules import RULES

ZERO = Fraction(0)


def score(rubric: Rubric, values: object) -> Result:
    """The result of a rubric for inputs as read by ``read_json`` (docs/rubrics.md describes both).

    The same rubric and inputs give the same result to the last digit. Raises RubricError with every fault of the inputs.
    """
    inputs = accepted(rubric, values)
    leaves = _leaves(rubric, inputs)
    plain_items = combining.combined(rubric, inputs, leaves, {})
    struck = vetoing.struck(rubric, inputs, plain_items)
    items = combining.combined(rubric, inputs, leaves, vetoing.item_effects(rubric, struck))
    return _whole(rubric, inputs, items, leaves, struck)


def _leaves(rubric: Rubric, inputs: Inputs) -> dict[str, ItemResult]:
    """The result of every item with a rule. Raises RubricError with all facts that cannot be right."""
    leaves, faults = {}, []
    for item in rubric.rated():
        try:
            leaves[item.id] = _leaf(rubric, inputs, item)
        except UnusableError as unusable:
            faults.append(Problem(None, f"items.{item.id}.{unusable.name}", unusable.message))
    if faults:
        raise RubricError(faults)
    return leaves


def _leaf(rubric: Rubric, inputs: Inputs, item: Item) -> ItemResult:
    applies = combining.applies(rubric, inputs, item)
    if applies is not True:
        return (
            not_applicable(rubric, item, applies)
            if isinstance(applies, Message)
            else not_given(rubric, item, ("school",))
        )
    facts = inputs.item(item.id)
    if facts is None or not {key for key in facts if key not in ("evidence", "note")}:
        return not_given(rubric, item, ("",))
    try:
        result = _by_scorers(rubric, inputs, item, facts) if "by" in facts else _ruled(inputs, item, facts)
    except NotGivenError as missing:
        return not_given(rubric, item, (missing.name,))
    except TooFewError as few:
        if few.treatment == "not_applicable":
            return not_applicable(rubric, item, few.reason)
        points = item.points if few.treatment == "full_points" else ZERO
        return ItemResult(item, "scored", points, item.points or ZERO, (few.reason, _treated(few.treatment)))
    return _evidenced(rubric, _rounded(rubric, _special(result, facts)), facts)


def _ruled(inputs: Inputs, item: Item, facts: Facts) -> ItemResult:
    own = {key: value for key, value in facts.items() if key not in COMMON}
    outcome = RULES[item.kind](Case(item, own, inputs.school))
    return _limited(item, outcome)


def _limited(item: Item, outcome: Outcome) -> ItemResult:
    """The outcome within the floor and the full points of its item."""
    points, reasons = outcome.points, outcome.reasons
    if points is not None and item.floor is not None and points < item.floor:
        points = item.floor
        reasons = (*reasons, phrase("Not below %(floor)s points.", floor=item.floor))
    if points is not None and item.points is not None and points > item.points:
        points = item.points
        reasons = (*reasons, phrase("Not above %(full)s points.", full=item.points))
    return ItemResult(
        item=item,
        state="partly_given" if outcome.partly else "scored",
        points=points,
        reach=item.points or ZERO,
        reasons=reasons,
        band=outcome.band,
        met=outcome.met,
        grade=outcome.grade,
        star=outcome.star,
        ratio=outcome.ratio,
        figures=outcome.figures,
        eligible=outcome.eligible,
        missing=tuple(f"{item.id}.{name}" for name in outcome.partly),
    )


def _by_scorers(rubric: Rubric, inputs: Inputs, item: Item, facts: Facts) -> ItemResult:
    """The item scored once for each scorer, and their points made one. Scorers whose column does not count are shown only."""
    columns = {column["id"]: column for column in rubric.settings["scorers"]["columns"]}
    found: dict[str, ItemResult] = {}
    missing: list[str] = []
    for name in sorted(facts["by"]):
        try:
            found[name] = _ruled(inputs, item, facts["by"][name])
        except NotGivenError as gap:
            missing.append(f"{item.id}.by.{name}.{gap.name}")
        except UnusableError as unusable:
            raise UnusableError(f"by.{name}.{unusable.name}", unusable.message) from None
    counting = [name for name in found if columns.get(name, {}).get("counts", True)]
    if not counting:
        raise NotGivenError("by")
    first = found[counting[0]]
    given = {name: result.points for name, result in found.items()}
    points = [(found[name].points, columns.get(name, {}).get("weight", 1)) for name in counting]
    stated = [(value, exact(weight)) for value, weight in points if value is not None]
    combined = combining.of_scorers(rubric.settings["scorers"]["combine"], stated) if stated else None
    reasons = first.reasons if len(counting) == 1 else _scorer_reasons(rubric, item, stated, combined)
    return replace(
        first,
        points=combined,
        reasons=reasons,
        scorers=given,
        band=first.band if len(counting) == 1 else None,
        met=all(found[name].met for name in counting) if first.met is not None else None,
        eligible=all(found[name].eligible for name in counting),
        state="partly_given" if missing or any(found[name].missing for name in counting) else "scored",
        missing=(*missing, *(gap for name in counting for gap in found[name].missing)),
    )


def _scorer_reasons(
    rubric: Rubric, item: Item, stated: list[tuple[Fraction, Fraction]], combined: Fraction | None
) -> tuple[Message, ...]:
    if not stated or combined is None:
        return (phrase("%(count)s scorers.", count=len(stated)),)
    words = ", ".join(plain(value) for value, _ in stated)
    reasons = [
        phrase(
            "%(count)s scorers gave %(points)s; together %(combined)s.",
            count=len(stated),
            points=words,
            combined=combined,
        )
    ]
    spread = max(value for value, _ in stated) - min(value for value, _ in stated)
    limit = exact(rubric.settings["scorers"]["discuss_above"])
    if item.points and spread > limit * item.points:
        reasons.append(
            phrase("The scorers differ by %(spread)s points: this should be discussed.", spread=spread)
        )
    return tuple(reasons)


def _special(result: ItemResult, facts: Facts) -> ItemResult:
    given = facts.get("special", {})
    lost, reasons = ZERO, list(result.reasons)
    for entry in result.item.settings.get("special", ()):
        times = int(given.get(entry["id"], 0))
        if times and result.points is not None:
            cost = exact(entry["deduct"]) * (times if entry["each"] else 1)
            lost += cost
            reasons.append(phrase("%(what)s: %(points)s points less.", what=entry["what"], points=cost))
    if not lost or result.points is None:
        return result
    points = result.points - lost
    if result.item.floor is not None:
        points = max(points, result.item.floor)
    return replace(result, points=points, reasons=tuple(reasons))


def _rounded(rubric: Rubric, result: ItemResult) -> ItemResult:
    rounding = rubric.settings["rounding"]
    if "items" not in rounding["when"] or result.points is None:
        return result
    return replace(result, points=rounded(result.points, rounding["decimals"], rounding["mode"]))


def _evidenced(rubric: Rubric, result: ItemResult, facts: Facts) -> ItemResult:
    required = result.item.settings.get("evidence_required", rubric.settings["evidence_required"])
    if not required:
        return result
    if "evidence" not in facts:
        return not_given(rubric, result.item, ("evidence",))
    if facts["evidence"] or result.points is None:
        return result
    return replace(
        result,
        points=min(result.points, ZERO),
        met=False,
        reasons=(*result.reasons, phrase("No evidence, no points.")),
    )


def not_given(rubric: Rubric, item: Item, names: tuple[str, ...]) -> ItemResult:
    """The result of an item whose facts are not (all) there: no points yet, marked as not given."""
    left_out = rubric.settings["missing_input"] == "leave_out"
    reach = ZERO if left_out else item.points or ZERO
    treatment = (
        phrase("Not given: left out until it is given.")
        if left_out
        else phrase("Not given: counts no points until it is given.")
    )
    missing = tuple(f"{item.id}.{name}" if name else item.id for name in names)
    return ItemResult(item, "not_given", None, reach, (treatment,), missing=missing)


def not_applicable(rubric: Rubric, item: Item, reason: Message) -> ItemResult:
    """The result of an item that does not apply to this school, treated as the rubric says."""
    treatment = rubric.settings["not_applicable"]
    if treatment in ("full_points", "no_points"):
        points = item.points if treatment == "full_points" else ZERO
        return ItemResult(item, "not_applicable", points, item.points or ZERO, (reason, _treated(treatment)))
    return ItemResult(item, "not_applicable", None, ZERO, (reason, phrase("Does not apply: not counted.")))


def _treated(treatment: str) -> Message:
    return (
        phrase("Counted with full points.")
        if treatment == "full_points"
        else phrase("Counted with 0 points.")
    )


def _extra(items: tuple[Item, ...], leaves: Mapping[str, ItemResult], settings: Mapping[str, Any]) -> Extra:
    results = tuple(leaves[item.id] for item in items)
    found = sum((result.points for result in results if result.points is not None), ZERO)
    cap = optional(settings.get("cap"))
    return Extra(results, found, found if cap is None else min(found, cap), cap)


def _whole(
    rubric: Rubric,
    inputs: Inputs,
    items: tuple[ItemResult, ...],
    leaves: Mapping[str, ItemResult],
    struck: dict[str, bool | None],
) -> Result:
    base, reach, reasons = combining.total(rubric, items)
    bonus = _extra(rubric.bonus, leaves, rubric.settings.get("bonus", {}))
    deductions = _extra(rubric.deductions, leaves, rubric.settings.get("deductions", {}))
    before = None if base is None else base + bonus.counted - deductions.counted
    before, veto_reasons = vetoing.on_total(rubric, inputs, struck, before)
    before, limit_reasons = _within(rubric, before, base)
    rounding = rubric.settings["rounding"]
    total = before
    if before is not None and "total" in rounding["when"]:
        total = rounded(before, rounding["decimals"], rounding["mode"])
    gates = _gates(rubric, inputs, items)
    eligible = _eligible(rubric, items, gates, struck)
    missing = _missing(rubric, inputs, items, gates, struck)
    return Result(
        rubric=rubric,
        items=items,
        bonus=bonus,
        deductions=deductions,
        gates=gates,
        vetoes=vetoing.shown(rubric, struck),
        base=base,
        exact_total=before,
        total=total,
        reach=reach,
        total_reasons=(*reasons, *veto_reasons, *limit_reasons),
        eligible=eligible,
        standing=standing.standing(rubric, inputs, items, before, total, struck, eligible),
        missing=missing,
    )


def _within(
    rubric: Rubric, value: Fraction | None, base: Fraction | None
) -> tuple[Fraction | None, tuple[Message, ...]]:
    """The total within its floor and ceiling."""
    settings = rubric.settings["total"]
    ceiling = optional(settings["ceiling"]) if "ceiling" in settings else rubric.points
    floor = optional(settings["floor"]) if "floor" in settings else None if rubric.points is None else ZERO
    if value is None or base is None:
        return value, ()
    if ceiling is not None and value > ceiling:
        return ceiling, (phrase("The total never goes above %(ceiling)s.", ceiling=ceiling),)
    if floor is not None and value < floor:
        return floor, (phrase("The total never goes below %(floor)s.", floor=floor),)
    return value, ()


def _gates(rubric: Rubric, inputs: Inputs, items: tuple[ItemResult, ...]) -> tuple[GateResult, ...]:
    known = Known(rubric, inputs, items)
    answers = inputs.part("gates")
    found = []
    for gate in rubric.settings["gates"]:
        answer = holds(gate["when"], known) if "when" in gate else answers.get(gate["id"])
        found.append(GateResult(gate["id"], gate["title"], answer))
    for result in (found_item for item in items for found_item in item.walk()):
        if result.state != "not_applicable":
            for gate in result.item.settings.get("gates", ()):
                found.append(GateResult(gate["id"], gate["what"], answers.get(gate["id"])))
    return tuple(found)


def _eligible(
    rubric: Rubric,
    items: tuple[ItemResult, ...],
    gates: tuple[GateResult, ...],
    struck: Mapping[str, bool | None],
) -> bool | None:
    results = [result for item in items for result in item.walk()]
    excluded = any(struck[veto["id"]] and veto["effect"] == "exclude" for veto in rubric.settings["vetoes"])
    if (
        excluded
        or any(gate.holds is False for gate in gates)
        or not all(result.eligible for result in results)
    ):
        return False
    open_items = any(result.state == "not_given" and _is_gate(result.item) for result in results)
    return None if open_items or any(gate.holds is None for gate in gates) else True


def _is_gate(item: Item) -> bool:
    return item.kind == "gate" or bool(item.rule and item.kind == "all_of" and item.rule["gate"])


def _missing(
    rubric: Rubric,
    inputs: Inputs,
    items: tuple[ItemResult, ...],
    gates: tuple[GateResult, ...],
    struck: Mapping[str, bool | None],
) -> tuple[str, ...]:
    """What was not given, in the order of the rubric. Bonus and deductions that nobody claims are not missing."""
    missing = [
        name for item in items for result in item.walk() if not result.children for name in result.missing
    ]
    missing += [f"gates.{gate.id}" for gate in gates if gate.holds is None]
    missing += [f"vetoes.{name}" for name, answer in struck.items() if answer is None]
    missing += [
        f"ratings.{name}"
        for name, stars in standing.ratings(rubric, inputs, items, {}).items()
        if stars is None
    ]
    for _path, condition in conditions_in(rubric.settings):
        for name in asked(condition):
            part, _, key = name.partition(".")
            if key not in inputs.part(part):
                missing.append(name)
    return tuple(dict.fromkeys(missing))
