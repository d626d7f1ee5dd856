"""Worked examples inside a rubric: inputs, and what must come out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.explaining import as_json
from portal.ratings.rubric.model import Rubric
from portal.ratings.rubric.problems import Message, Problem, RubricError, listed, phrase
from portal.ratings.rubric.scoring import score

WHOLE = ("total", "star", "grade", "eligible", "base", "complete")
OF_ITEM = ("points", "state", "grade", "star", "met", "band", "reach")


def failed_cases(rubric: Rubric) -> list[Problem]:
    """What the rubric's own cases expect and do not get, in words; nothing when every case holds."""
    faults: list[Problem] = []
    for number, case in enumerate(rubric.settings["cases"]):
        faults.extend(
            Problem(None, f"cases[{number + 1}]", message) for message in _differences(rubric, case)
        )
    return faults


def _differences(rubric: Rubric, case: Mapping[str, Any]) -> Iterator[Message]:
    try:
        found = as_json(score(rubric, case["inputs"]))
    except RubricError as error:
        for problem in error.problems:
            yield phrase("%(path)s: %(what)s", path=problem.path, what=problem.message)
        return
    items = {item["id"]: item for top in found["items"] for item in _walk(top)}
    items |= {item["id"]: item for name in ("bonus", "deductions") for item in found[name]["items"]}
    for name, wanted in case["expect"].items():
        if name == "items" and isinstance(wanted, dict):
            for item_id, expected in wanted.items():
                yield from _item_differences(item_id, items.get(item_id), expected)
        elif name in WHOLE:
            yield from _different(name, found[name], wanted)
        else:
            yield phrase(
                "Not known here: %(keys)s. Possible: %(known)s.", keys=name, known=listed(("items", *WHOLE))
            )


def _walk(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield item
    for child in item.get("children", ()):
        yield from _walk(child)


def _item_differences(item_id: str, item: Mapping[str, Any] | None, expected: object) -> Iterator[Message]:
    if item is None:
        yield phrase("There is no item “%(id)s”.", id=item_id)
        return
    wanted = expected if isinstance(expected, dict) else {"points": expected}
    for name, value in wanted.items():
        if name in OF_ITEM:
            yield from _different(f"{item_id}.{name}", item[name], value)
        else:
            yield from _different(f"{item_id}.{name}", item["figures"].get(name), value)


def _different(name: str, found: object, wanted: object) -> Iterator[Message]:
    if not _same(found, wanted):
        yield phrase("%(name)s is %(found)s, expected was %(wanted)s.", name=name, found=found, wanted=wanted)


def _same(found: object, wanted: object) -> bool:
    if isinstance(found, str) and not isinstance(wanted, bool):
        try:
            return Fraction(found) == exact(wanted)
        except ValueError:
            return found == wanted
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
