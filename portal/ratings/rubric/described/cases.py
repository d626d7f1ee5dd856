"""Worked cases of described schemes: what they give and expect, in the facts and results of our own form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact, plain
from portal.ratings.rubric.described.full import full_facts
from portal.ratings.rubric.described.rules import LEAST_PERCENT
from portal.ratings.rubric.described.words import as_share, identifier, is_all, is_number, meant, number, text
from portal.ratings.rubric.shape import inputs_faults

TOTALS = ("total", "points", "score", "sum")
YES, NO = ("yes", "是", "有"), ("no", "否", "无")
NOT_ELIGIBLE = ("not_eligible", "not eligible", "excluded", "exclude", "ineligible", "不参评")
SAME = {"stars": "star", "score": "points", "state": "state"}
NOT_APPLICABLE = ("not_applicable", "not applicable", "n/a", "不适用")
Item = dict[str, Any]


class UnreadableCase(Exception):
    """The words of a case do not say exactly what is given or expected."""


def cases_of(told: list[dict[str, Any]], values: dict[str, Any]) -> tuple[list[dict[str, Any]], list[int]]:
    """The cases in our own form, and the places (from 0) of those that could not be read."""
    cases, unread = [], []
    for place, case in enumerate(told):
        try:
            made = {"inputs": _inputs(case, values), "expect": _expected(case, values)}
        except (UnreadableCase, KeyError, ValueError, TypeError, AttributeError, IndexError):
            unread.append(place)
            continue
        note = text(case.get("note"))[:4000]
        cases.append(({"note": note} if note else {}) | made)
    return cases, unread


def _walk(items: list[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _walk(item.get("children", []))


def _items(values: dict[str, Any]) -> dict[str, Item]:
    extras = [one for name in ("bonus", "deductions") for one in values.get(name, {}).get("items", [])]
    return {item["id"]: item for item in _walk([*values["indicators"], *extras])}


def _node(case: dict[str, Any], values: dict[str, Any]) -> Item | None:
    if case.get("node") is None:
        return None
    return _items(values).get(identifier(case["node"], ""))


def _inputs(case: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    told = case.get("input", case.get("inputs"))
    item = _node(case, values)
    if item is None:
        return _of_veto(told, case, values) or _of_scheme(told, values)
    if item.get("children"):
        return _of_group(told, item, values)
    inputs: dict[str, Any] = {}
    told = _without_gates(told, item, values, inputs)
    facts = _facts(told, item)
    if facts:
        inputs["items"] = {item["id"]: facts}
    if not inputs:
        raise UnreadableCase
    return inputs


def _of_veto(told: object, case: dict[str, Any], values: dict[str, Any]) -> dict[str, Any] | None:
    """A case of a veto itself: whether, or how often, its event happened."""
    vetoes = [veto["id"] for veto in values.get("vetoes", ())]
    name = identifier(case.get("node"), "")
    if name not in vetoes:
        return None
    given = next(iter(told.values())) if isinstance(told, dict) and len(told) == 1 else told
    return {"events": {name: _yes_or_no(given) if not is_number(given) else given}}


def _yes_or_no(given: object) -> bool:
    if isinstance(given, bool):
        return given
    if text(given) in (*YES, *NO):
        return text(given) in YES
    raise UnreadableCase


def _of_group(told: object, item: Item, values: dict[str, Any]) -> dict[str, Any]:
    """All parts in full; or the facts of each part by its id."""
    leaves = [one for one in _walk(item["children"]) if "rule" in one]
    if isinstance(told, str) and is_all(told):
        gates = {gate["id"]: True for one in leaves for gate in one.get("gates", ())}
        return {"items": {one["id"]: full_facts(one) for one in leaves}} | ({"gates": gates} if gates else {})
    if isinstance(told, dict) and len(told) == 1 and set(told) <= set(TOTALS):
        return {"items": _adding_up_to(exact(next(iter(told.values()))), item["children"])}
    return _by_item(told, values)


def _by_item(told: object, values: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise UnreadableCase
    items = _items(values)
    made = {}
    for name, given in told.items():
        item = items[identifier(name, "")]
        if isinstance(given, dict) or (isinstance(given, str) and is_all(given)):
            made[item["id"]] = _facts(given, item)
        else:
            made[item["id"]] = _single(given, item)
    return {"items": made}


def _single(given: object, item: Item) -> dict[str, Any]:
    """One value for an item: what its rule asks first."""
    asked = {
        "binary": "met", "gate": "met", "ratio_bands": "ratio", "count_threshold": "count", "prorata": "count", "judged": "points",
        "points_per_unit": "count", "deduct_per_missing": "missing", "deduct_per_unit": "shortfall", "level_scale": "level",
    }  # fmt: skip
    return _facts({asked[item["rule"]["kind"]]: given}, item)


def _of_scheme(told: object, values: dict[str, Any]) -> dict[str, Any]:
    """Ratings, facts and events by name; or the facts of every item."""
    if isinstance(told, str) and is_all(told):
        leaves = [one for one in _walk(values["indicators"]) if "rule" in one]
        return {"items": {one["id"]: full_facts(one) for one in leaves}}
    if not isinstance(told, dict):
        raise UnreadableCase
    result = values.get("result", {})
    ratings = [one["id"] for one in result.get("ratings", ())]
    events = {veto["id"]: veto["id"] for veto in values.get("vetoes", ())}
    events |= {text(veto["title"]): veto["id"] for veto in values.get("vetoes", ())}
    inputs: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    if len(told) == 1 and set(told) <= set(TOTALS) and "ranks" in result:
        return {"items": _adding_up_to(exact(next(iter(told.values()))), values["indicators"])}
    for name, given in told.items():
        if (rating := meant(name, ratings)) and is_number(given):
            inputs.setdefault("ratings", {})[rating] = given
        elif (event := meant(name, list(events))) and isinstance(given, bool | int):
            inputs.setdefault("events", {})[events[event]] = given
        elif isinstance(given, bool) and identifier(name, "") not in _items(values):
            inputs.setdefault("facts", {})[identifier(name, "")] = given
        else:
            rest[name] = given
    inputs |= _by_item(rest, values) if rest else {}
    if not inputs:
        raise UnreadableCase
    return inputs


def _adding_up_to(total: Fraction, items_of: list[Item]) -> dict[str, Any]:
    """Facts whose points are so many: items in full, and what is left as judgement."""
    leaves = [one for one in _walk(items_of) if "rule" in one and is_number(one.get("points"))]
    judged = [one for one in leaves if one["rule"]["kind"] == "judged"]
    left, room = total, sum((exact(one["points"]) for one in judged), Fraction(0))
    items: dict[str, Any] = {}
    for one in (one for one in leaves if one not in judged):
        if left - room > 0:
            items[one["id"]] = full_facts(one)
            left -= exact(one["points"])
    if not 0 <= left <= room:
        raise UnreadableCase
    for one in judged:
        given = min(left, exact(one["points"]))
        items[one["id"]] = {"points": Decimal(plain(given))}
        left -= given
    return items


def _without_gates(told: object, item: Item, values: dict[str, Any], inputs: dict[str, Any]) -> object:
    """A yes or no that the rule does not ask is about the gate of the item, or about a veto that names it."""
    gates = [gate["id"] for gate in item.get("gates", ())]
    vetoes = [one for one in values.get("vetoes", ()) if item["id"] in one.get("items", ())]
    if (
        not isinstance(told, dict)
        or not (gates or vetoes)
        or item["rule"]["kind"] in ("binary", "gate", "all_of")
    ):
        return told
    said = {name: given for name, given in told.items() if isinstance(given, bool)}
    if len(said) != 1:
        return told
    name, given = next(iter(said.items()))
    named = [one["id"] for one in vetoes if len(vetoes) == 1 or _speaks_of(one, name)]
    if len(gates) == 1 and not (named and given):
        inputs["gates"] = {gates[0]: given}
    elif len(named) == 1:
        inputs["events"] = {named[0]: given}
    else:
        return told
    return {name: one for name, one in told.items() if name not in said} or None


def _speaks_of(veto: dict[str, Any], name: str) -> bool:
    """Whether a veto's event has all the words of a name such as ``low_share``."""
    said = f"{text(veto['title'])} {veto.get('notes', '')}".lower()
    return all(word in said for word in name.lower().split("_"))


def _facts(told: object, item: Item) -> dict[str, Any]:
    """The facts of an item; empty when nothing is told of it."""
    if told is None:
        return {}
    kind = item["rule"]["kind"]
    if isinstance(told, str) and is_all(told):
        return full_facts(item)
    if not isinstance(told, dict):
        return _conditions({"met": told}, item["rule"], item) if kind == "all_of" else _single(told, item)
    common: dict[str, Any] = {}
    rest = dict(told)
    for name in ("evidence", "special", "not_applicable", "by"):
        if name in rest:
            common[name] = rest.pop(name)
    if not rest:
        return common
    if "shortfall" not in rest and not inputs_faults(rest, f"facts_{kind}"):
        return common | rest
    return common | FACTS[kind](rest, item["rule"], item)


def _first(told: dict[str, Any], *names: str) -> Any:
    """The value under the first of these names; the only value there is when none of them is."""
    for name in names:
        if name in told:
            return told[name]
    if len(told) != 1:
        raise UnreadableCase
    return next(iter(told.values()))


def _counted(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    if rule.get("all"):
        return {"metrics": _metrics(told, rule)}
    numbers = {name: given for name, given in told.items() if is_number(given)}
    if len(numbers) > 1 and len(numbers) == len(told):
        return {"counts": numbers}
    given = _first(told, "count", "times", "number", "n", "value")
    return {"count": _must(given)}


def _metrics(told: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    names = {f"{one['metric']}.{one.get('period', 'round')}": one for one in rule["all"]}
    made = {}
    for name, given in told.items():
        ways = {way: full for full, one in names.items() for way in _ways(full, one, rule["all"])}
        found = {full for way, full in ways.items() if name == way} or {
            full for way, full in ways.items() if name in way
        }
        if len(found) != 1:
            raise UnreadableCase
        made[found.pop()] = given
    return made


def _ways(full: str, one: dict[str, Any], several: list[dict[str, Any]]) -> list[str]:
    """How a count among several is called: by its metric where only one has it, by metric and period otherwise."""
    shared = sum(other["metric"] == one["metric"] for other in several) > 1
    long = [full, full.replace(".", "_"), full.replace(".", "_per_")]
    return [*long, str(one.get("period"))] if shared else [*long, one["metric"]]


def _must(given: object) -> Any:
    told = number(given)
    if told is None:
        raise UnreadableCase
    return told


def _ratio(told: dict[str, Any], _rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    pairs = (
        ("numerator", "denominator"),
        ("done", "total"),
        ("yes", "of"),
        ("part", "whole"),
        ("attended", "invited"),
        ("n", "of"),
    )
    for part, whole in pairs:
        if part in told and whole in told:
            return {"numerator": told[part], "denominator": told[whole]}
    numbers = [given for given in told.values() if is_number(given)]
    if len(told) == len(numbers) == 2 and 0 <= numbers[0] <= numbers[1]:
        return {"numerator": numbers[0], "denominator": numbers[1]}
    given = _must(_first(told, "ratio", "rate", "share", "value", "percent"))
    if exact(given) >= LEAST_PERCENT:
        return {"ratio": as_share(given)}
    return {"ratio": given if "percent" not in told else Decimal(given) / 100}


def _present(told: dict[str, Any], rule: dict[str, Any], item: Item) -> dict[str, Any]:
    parts = rule["components"]
    ids = [str(part.get("id", place)) for place, part in enumerate(parts, 1)]
    names = {part["what"]: one for part, one in zip(parts, ids, strict=True)} | {one: one for one in ids}
    given = told.get("present", told.get("missing", told))
    if isinstance(given, dict):
        present = {
            one: bool(given[name])
            for name in given
            if name != "points"
            for one in [names[_must_mean(name, names)]]
        }
        return {"present": {one: present.get(one, False) for one in ids}} | _judged_part(
            told, rule, item, present
        )
    if isinstance(given, str) and is_all(given):
        return full_facts(item)
    listed = _chosen(given, ids, names, parts)
    found = {one: (one in listed) != ("missing" in told) for one in ids}
    return {"present": found} | _judged_part(told, rule, item, found)


def _chosen(given: object, ids: list[str], names: dict[str, str], parts: list[dict[str, Any]]) -> list[str]:
    """The parts that are told: by name, or how many of equal ones."""
    if is_number(given) and len({part.get("points") for part in parts}) == 1:
        return ids[: int(str(given))]
    if not isinstance(given, list):
        raise UnreadableCase
    return [names[_must_mean(one, names)] for one in given]


def _must_mean(name: object, names: dict[str, str]) -> str:
    found = meant(name, list(names))
    if found is None:
        raise UnreadableCase
    return found


def _judged_part(
    told: dict[str, Any], rule: dict[str, Any], item: Item, present: dict[str, bool]
) -> dict[str, Any]:
    """Parts without points of their own are judged together."""
    if all("points" in part for part in rule["components"]):
        return {}
    if "points" in told:
        return {"points": told["points"]}
    if all(present.values()):
        return {"points": item["points"]}
    if not any(present.values()):
        return {"points": 0}
    raise UnreadableCase


def _missing(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    given = _first(told, "missing", "failed", "lacking", "count")
    if is_number(given):
        return {"missing": given}
    things = rule.get("items") or []
    names = {
        (one["what"] if isinstance(one, dict) else one): (one["id"] if isinstance(one, dict) else str(place))
        for place, one in enumerate(things, 1)
    }
    if not names:
        return {"missing": len(given)}
    return {"missing": [names[_must_mean(one, names)] for one in given]}


def _shortfall(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    short = _must(_first(told, "shortfall", "short", "missing", "units"))
    # Percentage points are told as whole numbers; the rule counts shares.
    return {"shortfall": as_share(short) if exact(rule.get("unit_size", 1)) < 1 <= exact(short) else short}


def _by_size(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    rest = dict(told)
    made: dict[str, Any] = {}
    name = meant(rule["size"], list(rest)) or meant("size", list(rest))
    if name:
        made["size"] = rest.pop(name)
    measures = sorted({one for row in rule["table"] for one in row["targets"]})
    found = {}
    for one, given in rest.items():
        measure = meant(one, measures) or (measures[0] if len(measures) == len(rest) == 1 else None)
        if measure is None:
            raise UnreadableCase
        found[measure] = given
    return made | {"measures": found}


def _rows(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    """How many are in the group and how many were reached; a name such as ``visited_term1`` says for which target."""
    targets = [one["id"] for one in rule["targets"]]
    sizes = [name for name in told if "size" in name or name in ("base", "pupils", "of", "total")]
    done = [name for name in told if name not in sizes]
    fixed = {one["id"] for one in rule["targets"] if "number" in one}
    if len(sizes) > 1 or not done:
        raise UnreadableCase
    rows = []
    for name in done:
        named = [one for one in targets if name.endswith(f"_{one}")]
        target = named[0] if named else targets[0] if len(targets) == 1 else None
        if target is None or not (sizes or target in fixed):
            raise UnreadableCase
        rows.append({"target": target, "done": told[name]} | ({"base": told[sizes[0]]} if sizes else {}))
    return {"rows": rows}


def _awards(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    tiers = [tier["id"] for tier in rule["tiers"]]
    given = (
        _first(told, "awards", "highest_award", "highest", "award", "level")
        if not set(told) <= set(tiers)
        else told
    )
    if isinstance(given, dict):
        return {"awards": {identifier(name, ""): count for name, count in given.items()}}
    awards: dict[str, int] = {}
    for one in given if isinstance(given, list) else [given]:
        if text(one) in ("none", "无", ""):
            continue
        tier = meant(one, tiers)
        if tier is None:
            raise UnreadableCase
        awards[tier] = awards.get(tier, 0) + 1
    return {"awards": awards}


def _level(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    names = {level["what"]: str(level.get("id", place)) for place, level in enumerate(rule["levels"], 1)}
    names |= {one: one for one in names.values()}
    return {"level": names[_must_mean(_first(told, "level", "grade", "scale"), names)]}


def _yes(told: dict[str, Any], _rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    return {"met": _yes_or_no(_first(told, "met", "present", "done", "holds"))}


def _judged(told: dict[str, Any], _rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    return {"points": _must(_first(told, "points", "judged", "score", "given"))}


def _criteria(given: object, criteria: list[Any]) -> dict[str, bool]:
    """``all``, ``none``, ``all but …``, or the ones that hold."""
    names = {
        (one["what"] if isinstance(one, dict) else one): (one["id"] if isinstance(one, dict) else str(place))
        for place, one in enumerate(criteria, 1)
    }
    if isinstance(given, dict):
        return {names[_must_mean(name, names)]: bool(holds) for name, holds in given.items()}
    said = text(given)
    if said.startswith(("all but", "all except")):
        return {
            one: one != names[_nearest(said.split(maxsplit=2)[-1], list(names))] for one in names.values()
        }
    if said in ("all", "none", "[]", "", "全部", "无"):
        return dict.fromkeys(names.values(), said in ("all", "全部"))
    listed = given if isinstance(given, list) else [given]
    held = {names[_nearest(text(one), list(names))] for one in listed}
    return {one: one in held for one in names.values()}


def _nearest(said: str, known: list[str]) -> str:
    """The criterion that shares the most words with what is said; raises UnreadableCase when two do."""
    if found := meant(said, known):
        return found
    words = set(re.findall(r"[a-z]+|[一-鿿]", said.lower()))
    shared = {one: len(words & set(re.findall(r"[a-z]+|[一-鿿]", one.lower()))) for one in known}
    best = [one for one in known if shared[one] == max(shared.values())]
    if len(best) != 1 or not shared[best[0]]:
        raise UnreadableCase
    return best[0]


def _blocks(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    return {
        "A": _criteria(told.get("A", "none"), rule["A"]),
        "C": _criteria(told.get("C", "none"), rule["C"]),
    }


def _conditions(told: dict[str, Any], rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    given = told.get("met", told)
    return {"met": _criteria(given, rule["conditions"])}


def _native(_told: dict[str, Any], _rule: dict[str, Any], _item: Item) -> dict[str, Any]:
    raise UnreadableCase


FACTS: dict[str, Callable[[dict[str, Any], dict[str, Any], Item], dict[str, Any]]] = {
    "binary": _yes, "gate": _yes, "judged": _judged, "checklist": _present, "level_scale": _level, "count_threshold": _counted,
    "prorata": _counted, "points_per_unit": _counted, "ratio_bands": _ratio, "deduct_per_missing": _missing,
    "deduct_per_unit": _shortfall, "lookup_by_size": _by_size, "quota_by_role": _rows, "award_tiers": _awards, "all_of": _conditions,
    "block_abc": _blocks, "survey_mean": _native, "sample_check": _native, "deadline": _native,
}  # fmt: skip


def _expected(case: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    told = case["expect"]
    item = _node(case, values)
    said = text(told).lower()
    if said in NOT_ELIGIBLE:
        return {"eligible": False}
    if item is None:
        return _of_whole(told, values)
    return {"items": {item["id"]: _of_item(told, item)}}


def _of_item(told: object, item: Item) -> object:
    if isinstance(told, dict):
        return {str(SAME.get(name, name)): value for name, value in told.items()}
    if isinstance(told, bool):
        return {"met": told}
    if is_number(told):
        return told
    said = text(told)
    if said.lower() in NOT_APPLICABLE:
        return {"state": "not_applicable"}
    if item.get("rule", {}).get("kind") in ("gate", "all_of") and said.lower() in (
        "met",
        "not_met",
        "not met",
    ):
        return {"met": said.lower() == "met"}
    if item.get("grades") or item.get("rule", {}).get("kind") == "block_abc":
        return {"grade": said}
    raise UnreadableCase


def _of_whole(told: object, values: dict[str, Any]) -> dict[str, Any]:
    kind = values.get("result", {}).get("kind", "none")
    if isinstance(told, dict):
        return {str(SAME.get(name, name)): value for name, value in told.items()}
    if is_number(told):
        return (
            {"star": told}
            if kind == "star_adjust" or (kind != "none" and isinstance(told, int) and told <= 10)
            else {"total": told}
        )
    if text(told) in ("none", "无"):
        return {"star": None, "grade": None}
    if not text(told):
        raise UnreadableCase
    return {"grade": text(told)}
