"""Whether the settings of one rule fit together and fit the points of their item."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.conditions import COMPARE
from portal.ratings.rubric.deducting import row_span
from portal.ratings.rubric.model import Settings
from portal.ratings.rubric.problems import Message, phrase
from portal.ratings.rubric.reading import Path

Finding = tuple[Path, Message]
Points = Fraction | None
ZERO = Fraction(0)
# Kinds that may stand without a word about points.
POINTLESS = frozenset({"gate", "all_of", "block_abc"})


def repeated(ids: Iterable[tuple[Path, str]]) -> Iterator[Finding]:
    """A finding for each id that an earlier entry has already."""
    seen: set[str] = set()
    for path, name in ids:
        if name in seen:
            yield path, phrase("The id “%(id)s” stands twice.", id=name)
        seen.add(name)


def _within(
    entries: Sequence[tuple[Path, Fraction]], full: Points, reached: bool = True
) -> Iterator[Finding]:
    """Points above the item's, and (``reached``) items whose full points nobody can get."""
    if full is None:
        return
    for path, points in entries:
        if points > full:
            yield (
                path,
                phrase("%(points)s points are more than the item's %(full)s.", points=points, full=full),
            )
    if reached and entries and max(points for _, points in entries) < full:
        best = max(points for _, points in entries)
        yield (
            entries[0][0][:1],
            phrase("At most %(best)s of the item's %(full)s points can be reached.", best=best, full=full),
        )


def _exactly_one(path: Path, entry: Mapping[str, Any], *names: str) -> Iterator[Finding]:
    if sum(name in entry for name in names) != 1:
        yield path, phrase("Give exactly one of: %(names)s.", names=", ".join(names))


def _points_of(name: str, entries: Sequence[Mapping[str, Any]], full: Points) -> list[tuple[Path, Fraction]]:
    found: list[tuple[Path, Fraction]] = []
    for number, entry in enumerate(entries):
        if entry.get("points") is not None:
            found.append(((name, number, "points"), exact(entry["points"])))
        elif "share_of_points" in entry and full is not None:
            found.append(((name, number), exact(entry["share_of_points"]) * full))
    return found


def _nothing(rule: Settings, full: Points) -> Iterator[Finding]:
    return iter(())


def _unique_names(rule: Settings, name: str) -> Iterator[Finding]:
    ids = [
        ((name, number), str(entry.get("id", number + 1)) if isinstance(entry, Mapping) else str(number + 1))
        for number, entry in enumerate(rule[name])
    ]
    yield from repeated(ids)


def _checklist(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from _unique_names(rule, "components")
    stated = [exact(entry["points"]) for entry in rule["components"] if entry["points"] is not None]
    found = sum(stated, ZERO)
    if full is None:
        return
    if found > full or (len(stated) == len(rule["components"]) and found != full):
        yield (
            ("components",),
            phrase("The parts add up to %(found)s points, not to %(full)s.", found=found, full=full),
        )


def _judged(rule: Settings, full: Points) -> Iterator[Finding]:
    anchors = [exact(entry["points"] if isinstance(entry, Mapping) else entry) for entry in rule["anchors"]]
    yield from _within(
        [(("anchors", number), points) for number, points in enumerate(anchors)],
        full,
        reached=rule["only_anchors"],
    )
    if len(set(anchors)) != len(anchors):
        yield ("anchors",), phrase("Something stands here twice. Keep one.")
    if rule["only_anchors"] and not anchors:
        yield ("only_anchors",), phrase("There are no anchors to choose from.")
    if rule["step"] is not None and full is not None and (full / exact(rule["step"])).denominator != 1:
        yield ("step",), phrase("The full points are not a whole number of steps.")


def _level_scale(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from _unique_names(rule, "levels")
    for number, level in enumerate(rule["levels"]):
        yield from _exactly_one(("levels", number), level, "points", "share_of_points")
    yield from _within(_points_of("levels", rule["levels"], full), full)


def _count_threshold(rule: Settings, full: Points) -> Iterator[Finding]:
    target = rule["min"] is not None or rule["by_stage"]
    if rule["all"]:
        if target or rule["steps"]:
            yield ("all",), phrase("“all” stands alone: no min, by_stage or steps beside it.")
        return
    if rule["min"] is not None and rule["by_stage"]:
        yield ("min",), phrase("Give exactly one of: %(names)s.", names="min, by_stage")
    if not rule["steps"]:
        if not target:
            yield (), phrase("Give exactly one of: %(names)s.", names="min, by_stage, steps, all")
        return
    if not target and any("share" in step for step in rule["steps"]):
        yield ("steps",), phrase("Steps by share need a target: min or by_stage.")
    yield from _steps(rule["steps"], full)


def _steps(steps: Sequence[Mapping[str, Any]], full: Points) -> Iterator[Finding]:
    before: dict[str, Fraction] = {}
    points_before: Fraction | None = None
    for number, step in enumerate(steps):
        yield from _exactly_one(("steps", number), step, "ge", "share")
        for name in ("ge", "share"):
            if name in step:
                limit = exact(step[name])
                if name in before and limit >= before[name]:
                    yield ("steps", number), phrase("The limits must fall from the best to the lowest.")
                before[name] = limit
        points = exact(step["points"])
        if points_before is not None and points > points_before:
            yield ("steps", number, "points"), phrase("A lower step must not give more points.")
        points_before = points
    yield from _within(_points_of("steps", steps, full), full)


def _one_target(rule: Settings, full: Points) -> Iterator[Finding]:
    if (rule["target"] is None) == (not rule["by_stage"]):
        yield (), phrase("Give exactly one of: %(names)s.", names="target, by_stage")


def _prorata(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from _one_target(rule, full)
    targets = [
        exact(value) for value in (rule["target"], *(rule["by_stage"] or {}).values()) if value is not None
    ]
    if targets and exact(rule["zero_at"]) >= min(targets):
        yield ("zero_at",), phrase("This must lie below the target.")


def _not_two_targets(rule: Settings, full: Points) -> Iterator[Finding]:
    if rule["target"] is not None and rule["by_stage"]:
        yield ("target",), phrase("Give exactly one of: %(names)s.", names="target, by_stage")


def _bands(bands: Sequence[Mapping[str, Any]], full: Points, most: Fraction | None) -> Iterator[Finding]:
    """Bands: one kind of points each, sensible limits up to ``most``, none unreachable, no hole between two."""
    for number, band in enumerate(bands):
        path: Path = ("bands", number)
        yield from _exactly_one(path, band, "points", "share_of_points")
        yield from _band_limits(path, band, most)
        if band.get("else") and number != len(bands) - 1:
            yield path, phrase("“else” must come last.")
    yield from _within(_points_of("bands", bands, full), full)
    yield from _reach(bands)


def _band_limits(path: Path, band: Mapping[str, Any], most: Fraction | None) -> Iterator[Finding]:
    limits = [name for name in COMPARE if name in band]
    if bool(limits) == bool(band.get("else")):
        yield path, phrase("A band needs a limit (gt, ge, lt, le, eq) or “else: true”.")
    if {"gt", "ge"} <= set(limits) or {"lt", "le"} <= set(limits) or ("eq" in limits and len(limits) > 1):
        yield path, phrase("These limits contradict each other or say the same twice.")
    for name in limits:
        if most is not None and exact(band[name]) > most:
            yield (
                (*path, name),
                phrase(
                    "%(limit)s can never be reached: the highest value is %(most)s. 80 %% is written 0.8.",
                    limit=exact(band[name]),
                    most=most,
                ),
            )


def _reach(bands: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    limits = sorted({exact(band[name]) for band in bands for name in COMPARE if name in band})
    if not limits:
        return
    samples = [limits[0] - 1]
    for low, high in itertools.pairwise(limits):
        samples += [low, (low + high) / 2]
    samples += [limits[-1], limits[-1] + 1]
    found = [_taken(bands, sample) for sample in samples]
    for number in range(len(bands)):
        if number not in found:
            yield ("bands", number), phrase("This band can never fit: earlier bands take everything.")
    first, last = _ends(found)
    for place in range(first, last):
        if found[place] is None:
            yield ("bands",), phrase("No band covers %(value)s.", value=samples[place])
            return


def _ends(found: list[int | None]) -> tuple[int, int]:
    covered = [place for place, band in enumerate(found) if band is not None]
    return (covered[0], covered[-1]) if covered else (0, 0)


def _taken(bands: Sequence[Mapping[str, Any]], value: Fraction) -> int | None:
    for number, band in enumerate(bands):
        if band.get("else") or all(
            compare(value, exact(band[name])) for name, compare in COMPARE.items() if name in band
        ):
            return number
    return None


def _ratio_bands(rule: Settings, full: Points) -> Iterator[Finding]:
    most = None if rule["may_exceed_one"] or rule["against"] else Fraction(1)
    yield from _bands(rule["bands"], full, most)


def _sample_check(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from _bands(rule["bands"], full, Fraction(1))


def _deduct_per_missing(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from _unique_names(rule, "items")


def _lookup_by_size(rule: Settings, full: Points) -> Iterator[Finding]:
    if bool(rule["deduct"]) == bool(rule["bands"]):
        yield (), phrase("Give exactly one of: %(names)s.", names="deduct, bands")
    yield from _rows(rule["table"])
    measures = {name for row in rule["table"] for name in row["targets"]}
    for number, entry in enumerate(rule["deduct"]):
        if entry["measure"] not in measures:
            yield (
                ("deduct", number, "measure"),
                phrase("No row of the table has a target “%(id)s”.", id=entry["measure"]),
            )
    if rule["measure"] is not None and rule["measure"] not in measures:
        yield ("measure",), phrase("No row of the table has a target “%(id)s”.", id=rule["measure"])
    if rule["bands"]:
        if rule["measure"] is None and len(measures) > 1:
            yield (), phrase("Missing here: %(keys)s.", keys="measure")
        yield from _bands(rule["bands"], full, None)


def _rows(table: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Rows by number must rise and not overlap."""
    before: Fraction | None = None
    for number, row in enumerate(table):
        size = row["size"]
        if (
            isinstance(size, list)
            and not all(isinstance(end, str) for end in size)
            and (len(size) != 2 or any(isinstance(end, str) for end in size))
        ):
            yield ("table", number, "size"), phrase("A range is written [from, to] with two numbers.")
            return
        span = row_span(size)
        if span is None:
            continue
        if span[0] > span[1]:
            yield ("table", number, "size"), phrase("The smallest lies above the largest.")
        if before is not None and span[0] <= before:
            yield ("table", number, "size"), phrase("The rows must rise and must not overlap.")
        before = span[1]


def _quota_by_role(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from repeated(
        (("targets", number, "id"), entry["id"]) for number, entry in enumerate(rule["targets"])
    )
    for number, entry in enumerate(rule["targets"]):
        yield from _exactly_one(("targets", number), entry, "share", "number")


def _award_tiers(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from repeated((("tiers", number, "id"), entry["id"]) for number, entry in enumerate(rule["tiers"]))
    yield from _within(_points_of("tiers", rule["tiers"], full), full, reached=rule["combine"] == "max")


def _all_of(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from _unique_names(rule, "conditions")


def _block_abc(rule: Settings, full: Points) -> Iterator[Finding]:
    yield from _unique_names(rule, "A")
    yield from _unique_names(rule, "C")
    points = rule["grade_points"]
    if points is None:
        if full:
            yield (), phrase("The item has points, so say which grade gives how many: grade_points.")
        return
    if not exact(points["A"]) >= exact(points["B"]) >= exact(points["C"]):
        yield ("grade_points",), phrase("A lower step must not give more points.")
    yield from _within([(("grade_points",), exact(value)) for value in points.values()], full)


def _survey_mean(rule: Settings, full: Points) -> Iterator[Finding]:
    line = rule["zero_at"] is not None, rule["full_at"] is not None
    low, high = (exact(limit) for limit in rule["scale"])
    if low >= high:
        yield ("scale",), phrase("The smallest lies above the largest.")
    if line[0] != line[1] or line[0] == bool(rule["bands"]):
        yield (), phrase("Give either bands, or zero_at and full_at.")
        return
    if rule["bands"]:
        yield from _bands(rule["bands"], full, high)
    elif not low <= exact(rule["zero_at"]) < exact(rule["full_at"]) <= high:
        yield ("zero_at",), phrase("zero_at must lie below full_at, both within the scale.")


def _relative(rule: Settings, full: Points) -> Iterator[Finding]:
    before = ZERO
    for number, cut in enumerate(rule["cuts"]):
        yield from _exactly_one(("cuts", number), cut, "points", "star")
        if exact(cut["top_share"]) <= before:
            yield ("cuts", number, "top_share"), phrase("The shares must rise from the best to the lowest.")
        before = exact(cut["top_share"])
    yield from _within(_points_of("cuts", rule["cuts"], full), full)


def _deadline(rule: Settings, full: Points) -> Iterator[Finding]:
    if rule["due_on"] is not None:
        try:
            date.fromisoformat(rule["due_on"])
        except ValueError:
            yield ("due_on",), phrase("“%(value)s” is not a day of the calendar.", value=rule["due_on"])
    points = [*(exact(step["points"]) for step in rule["late"]), exact(rule["later"])]
    days = [step["days"] for step in rule["late"]]
    if sorted(set(days)) != days:
        yield ("late",), phrase("The days must rise.")
    if sorted(points, reverse=True) != points:
        yield ("late",), phrase("Coming later must not give more points.")
    yield from _within([(("late",), value) for value in (*points, exact(rule["never"]))], full, reached=False)


CHECKS: dict[str, Callable[[Settings, Points], Iterator[Finding]]] = {
    "binary": _nothing,
    "checklist": _checklist,
    "judged": _judged,
    "level_scale": _level_scale,
    "count_threshold": _count_threshold,
    "prorata": _prorata,
    "points_per_unit": _nothing,
    "ratio_bands": _ratio_bands,
    "deduct_per_missing": _deduct_per_missing,
    "deduct_per_unit": _not_two_targets,
    "lookup_by_size": _lookup_by_size,
    "quota_by_role": _quota_by_role,
    "award_tiers": _award_tiers,
    "gate": _nothing,
    "all_of": _all_of,
    "block_abc": _block_abc,
    "survey_mean": _survey_mean,
    "sample_check": _sample_check,
    "relative_cut_points": _relative,
    "deadline": _deadline,
}
