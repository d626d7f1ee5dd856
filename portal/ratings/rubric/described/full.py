"""What it takes to get all the points of an item: facts for each kind of rule."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.described.words import is_number

Item = dict[str, Any]


def full_facts(item: Item) -> dict[str, Any]:
    """Facts that give an item all its points."""
    rule = item["rule"]
    return FULL_FACTS[rule["kind"]](rule, item)


def _full_checklist(rule: dict[str, Any], item: Item) -> dict[str, Any]:
    ids = [str(part.get("id", place)) for place, part in enumerate(rule["components"], 1)]
    judged = any("points" not in part for part in rule["components"])
    return {"present": dict.fromkeys(ids, True)} | ({"points": item["points"]} if judged else {})


def _full_level(rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    levels = [
        (exact(one.get("points", one.get("share_of_points"))), str(one.get("id", place)))
        for place, one in enumerate(rule["levels"], 1)
    ]
    return {"level": max(levels)[1]}


def _full_count(rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    if rule.get("all"):
        return {
            "metrics": {f"{one['metric']}.{one.get('period', 'round')}": one["min"] for one in rule["all"]}
        }
    limits = [
        rule.get("min"),
        rule.get("target"),
        *rule.get("by_stage", {}).values(),
        *(step.get("ge") for step in rule.get("steps", ())),
    ]
    return {"count": max((one for one in limits if one is not None), key=exact)}


def _full_units(rule: dict[str, Any], item: Item) -> dict[str, Any]:
    units = ceil(exact(item["points"]) / exact(rule["per"]))
    return {"count": ceil(units * exact(rule.get("unit_size", 1)) + exact(rule.get("above", 0)))}


def _full_ratio(rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    best = max(rule["bands"], key=lambda band: exact(band.get("points", band.get("share_of_points", 0))))
    for limit in ("ge", "le", "eq"):
        if limit in best:
            return {"ratio": best[limit] if limit != "ge" else max(1, best[limit])}
    return {"ratio": 1 if "gt" in best else 0}


def _full_size(rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    row = rule["table"][0]
    size = row["size"]
    return {"size": size[0] if isinstance(size, list) else size, "measures": row["targets"]}


def _full_awards(rule: dict[str, Any], item: Item) -> dict[str, Any]:
    best = max(rule["tiers"], key=lambda tier: exact(tier["points"]))
    many = (
        ceil(exact(item["points"]) / exact(best["points"]))
        if rule["combine"] == "sum" and is_number(item.get("points"))
        else 1
    )
    return {"awards": {best["id"]: max(1, many)}}


def _ids(named: list[Any]) -> list[str]:
    return [one["id"] if isinstance(one, dict) else str(place) for place, one in enumerate(named, 1)]


FULL_FACTS: dict[str, Callable[[dict[str, Any], Item], dict[str, Any]]] = {
    "binary": lambda rule, item: {"met": True},
    "gate": lambda rule, item: {"met": True},
    "judged": lambda rule, item: {"points": item["points"]},
    "checklist": _full_checklist,
    "level_scale": _full_level,
    "count_threshold": _full_count,
    "prorata": _full_count,
    "points_per_unit": _full_units,
    "ratio_bands": _full_ratio,
    "deduct_per_missing": lambda rule, item: {"missing": 0},
    "deduct_per_unit": lambda rule, item: {"shortfall": 0},
    "lookup_by_size": _full_size,
    "quota_by_role": lambda rule, item: {"rows": [{"target": one["id"], "base": 1, "done": max(1, one.get("number", 1))} for one in rule["targets"]]},
    "award_tiers": _full_awards,
    "all_of": lambda rule, item: {"met": dict.fromkeys(_ids(rule["conditions"]), True)},
    "block_abc": lambda rule, item: {"A": dict.fromkeys(_ids(rule["A"]), True), "C": dict.fromkeys(_ids(rule["C"]), False)},
    "survey_mean": lambda rule, item: {"n": 1000, "invited": 1000, "mean": 100, "district_mean": 100},
    "sample_check": lambda rule, item: {"population": 1000, "checked": 1000, "passed": 1000},
    "deadline": lambda rule, item: {"on": rule["due_on"]},
}  # fmt: skip
