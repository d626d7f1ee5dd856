"""Rules that start at full points and take some away, and quotas that must be filled."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact, whole_units
from portal.ratings.rubric.counting import in_band, ratio_of
from portal.ratings.rubric.outcomes import Case, NotGivenError, Outcome, UnusableError, named
from portal.ratings.rubric.problems import Message, phrase

ZERO = Fraction(0)


def _less(case: Case, lost: Fraction, reasons: tuple[Message, ...], **figures: Fraction) -> Outcome:
    return Outcome(case.full - lost, reasons, met=lost == 0, figures={**figures, "deduction": lost})


def deduct_per_missing(case: Case) -> Outcome:
    """Full points less the deduction of each missing thing."""
    per, missing = exact(case.rule["per"]), case.given("missing")
    words = named(case.rule["items"])
    own = [entry.get("deduct") if isinstance(entry, dict) else None for entry in case.rule["items"]]
    deductions = {key: per if value is None else exact(value) for key, value in zip(words, own, strict=True)}
    if isinstance(missing, int):
        if words and missing > len(words):
            raise UnusableError(
                "missing", phrase("Only %(most)s things are looked for here.", most=len(words))
            )
        if len(set(deductions.values()) | {per}) > 1:
            raise UnusableError(
                "missing", phrase("The things cost different points here: list the missing ones by id.")
            )
        reason = (
            phrase("Missing: %(count)s, %(per)s points each.", count=missing, per=per)
            if missing
            else phrase("Nothing is missing.")
        )
        return _less(case, per * missing, (reason,), missing=Fraction(missing))
    for key in missing:
        if key not in words:
            raise UnusableError(
                "missing",
                phrase("“%(id)s” is not known here. Known: %(known)s.", id=key, known=", ".join(words)),
            )
    lost = sum((deductions[key] for key in missing), ZERO)
    reasons = tuple(
        phrase("%(what)s: missing, %(points)s points less.", what=words[key], points=deductions[key])
        for key in words
        if key in missing
    )
    return _less(case, lost, reasons or (phrase("Nothing is missing."),), missing=Fraction(len(missing)))


def deduct_per_unit(case: Case) -> Outcome:
    """Full points less an amount for each unit of shortfall (or excess) against the target."""
    target, _ = case.target()
    if "shortfall" in case.facts:
        shortfall = case.number("shortfall")
    else:
        value = case.number("value") if "value" in case.facts else _ratio_or_value(case)
        if target is None:
            raise NotGivenError("shortfall")
        shortfall = _shortfall(case.rule["side"], value, target)
    units = whole_units(shortfall / exact(case.rule["unit_size"]), case.rule["part_units"])
    lost = units * exact(case.rule["per"])
    reason = phrase(
        "Shortfall %(shortfall)s: %(units)s units, %(lost)s points less.",
        shortfall=shortfall,
        units=units,
        lost=lost,
    )
    return _less(case, lost, (reason,), shortfall=shortfall, units=units)


def _ratio_or_value(case: Case) -> Fraction:
    if not {"ratio", "numerator", "denominator"} & set(case.facts):
        raise NotGivenError("shortfall" if case.target()[0] is None else "value")
    return ratio_of(case)


def _shortfall(side: str, value: Fraction, target: Fraction) -> Fraction:
    return max(target - value if side == "below" else value - target, ZERO)


def lookup_by_size(case: Case) -> Outcome:
    """Targets by the size (or stage, or grade) of the school; deductions or bands on what was measured."""
    name = case.rule["size"]
    size = case.facts.get("size", case.school.get(name))
    if size is None:
        raise NotGivenError("size")
    if isinstance(size, bool):
        raise UnusableError("size", phrase("The table has no row for %(size)s.", size=size))
    row = _row(case, size if isinstance(size, str | list) else exact(size))
    measures = case.given("measures")
    known = {measure for entry in case.rule["table"] for measure in entry["targets"]}
    for key in measures:
        if key not in known:
            raise UnusableError(
                f"measures.{key}",
                phrase(
                    "“%(id)s” is not known here. Known: %(known)s.", id=key, known=", ".join(sorted(known))
                ),
            )
    if case.rule["bands"]:
        return _banded(case, row, measures)
    lost, reasons = ZERO, []
    figures: dict[str, Fraction] = {}
    for entry in case.rule["deduct"]:
        measure = entry["measure"]
        if measure not in row["targets"]:
            continue
        value, target = _measured(measures, measure), exact(row["targets"][measure])
        shortfall = _shortfall(case.rule["side"], value, target)
        cost = _cost(entry, shortfall)
        lost += cost
        figures |= {f"{measure}.target": target, f"{measure}.shortfall": shortfall}
        reasons.append(
            phrase(
                "%(what)s: %(value)s, target %(target)s, %(lost)s points less.",
                what=measure,
                value=value,
                target=target,
                lost=cost,
            )
        )
    return _less(case, lost, tuple(reasons), **figures)


def _measured(measures: Mapping[str, Any], name: str) -> Fraction:
    if name not in measures:
        raise NotGivenError(f"measures.{name}")
    return exact(measures[name])


def _cost(entry: Mapping[str, Any], shortfall: Fraction) -> Fraction:
    if entry["how"] == "once":
        return exact(entry["deduct"]) if shortfall else ZERO
    units = whole_units(shortfall / exact(entry["unit_size"]), entry["part_units"])
    return units * exact(entry["deduct"])


def _banded(case: Case, row: Mapping[str, Any], measures: Mapping[str, Any]) -> Outcome:
    measure = case.rule["measure"] or next(iter(row["targets"]))
    if measure not in row["targets"]:
        raise NotGivenError(f"measures.{measure}")
    value, target = _measured(measures, measure), exact(row["targets"][measure])
    if target == 0:
        raise UnusableError(
            f"measures.{measure}", phrase("The target of this row is 0, so there is no share of it.")
        )
    reason = phrase("%(what)s: %(value)s, target %(target)s.", what=measure, value=value, target=target)
    return in_band(case, value / target, case.rule["bands"], reason)


def row_span(size: Any) -> tuple[Fraction, Fraction] | None:
    """The lowest and highest size of a row given as a number or as [from, to]; None for words and intervals."""
    if isinstance(size, list) and all(not isinstance(end, str) for end in size):
        return exact(size[0]), exact(size[-1])
    return None if isinstance(size, str | list | dict) else (exact(size), exact(size))


def _fits(size: Any, value: object) -> bool:
    if isinstance(value, str):
        return value in size if isinstance(size, list) else value == size
    if isinstance(value, list):
        return any(_fits(size, entry) for entry in value)
    if isinstance(size, dict):
        low, high = (
            exact(size.get("ge", size.get("gt", -(10**9)))),
            exact(size.get("le", size.get("lt", 10**9))),
        )
        inside = bool(value > low if "gt" in size else value >= low)  # type: ignore[operator]
        return inside and bool(value < high if "lt" in size else value <= high)  # type: ignore[operator]
    span = row_span(size)
    return span is not None and span[0] <= value <= span[1]  # type: ignore[operator]


def _row(case: Case, size: Fraction | str | list[str]) -> Mapping[str, Any]:
    for row in case.rule["table"]:
        if _fits(row["size"], size):
            found: Mapping[str, Any] = row
            return found
    if isinstance(size, Fraction):
        spans = sorted(
            (span, number) for number, row in enumerate(case.rule["table"]) if (span := row_span(row["size"]))
        )
        smaller = [number for span, number in spans if span[1] < size]
        larger = [number for span, number in spans if span[0] > size]
        number = _nearest_row(case.rule, smaller, larger)
        if number is not None:
            nearest: Mapping[str, Any] = case.rule["table"][number]
            return nearest
    raise UnusableError(
        "size",
        phrase(
            "The table has no row for %(size)s.", size=", ".join(size) if isinstance(size, list) else size
        ),
    )


def _nearest_row(rule: Mapping[str, Any], smaller: list[int], larger: list[int]) -> int | None:
    if smaller and larger:
        how = rule["between_rows"]
        return smaller[-1] if how == "smaller" else larger[0] if how == "larger" else None
    if rule["outside_table"] == "nearest" and (smaller or larger):
        return smaller[-1] if smaller else larger[0]
    return None


def quota_by_role(case: Case) -> Outcome:
    """Each target's share of the group (rounded as the rule says) or number; an amount less for each one short."""
    targets = {entry["id"]: entry for entry in case.rule["targets"]}
    short: dict[str, Fraction] = {}
    wanted, reasons = ZERO, []
    for number, row in enumerate(case.given("rows")):
        if row["target"] not in targets:
            raise UnusableError(
                f"rows[{number + 1}].target",
                phrase(
                    "“%(id)s” is not known here. Known: %(known)s.",
                    id=row["target"],
                    known=", ".join(targets),
                ),
            )
        entry = targets[row["target"]]
        target = _quota(case, entry, row, number)
        shortfall = max(target - exact(row["done"]), ZERO)
        short[entry["id"]] = short.get(entry["id"], ZERO) + shortfall
        wanted += target
        words = phrase(
            "%(what)s: %(done)s of %(target)s, %(shortfall)s short.",
            what=entry.get("what", entry["id"]),
            done=exact(row["done"]),
            target=target,
            shortfall=shortfall,
        )
        reasons.append(
            phrase("%(name)s – %(what)s", name=row["name"], what=words) if "name" in row else words
        )
    counted = max(short.values()) if case.rule["several_targets"] == "largest" else sum(short.values(), ZERO)
    lost = counted * exact(case.rule["per"])
    partly = tuple(f"rows.{key}" for key in targets if key not in short)
    figures: dict[str, Fraction | str] = {"target": wanted, "shortfall": counted, "deduction": lost}
    return Outcome(
        case.full - lost, tuple(reasons), met=not partly and counted == 0, figures=figures, partly=partly
    )


def _quota(case: Case, entry: Mapping[str, Any], row: Mapping[str, Any], number: int) -> Fraction:
    if "done" not in row:
        raise NotGivenError(f"rows[{number + 1}].done")
    if "number" in entry:
        base = exact(entry["number"])
    elif "base" not in row:
        raise NotGivenError(f"rows[{number + 1}].base")
    else:
        base = whole_units(exact(entry["share"]) * exact(row["base"]), case.rule["rounding"])
    return base * int(entry["at_least_times"])
