"""The rules of described schemes, one function for each kind: settings of our own rule from what the words say exactly."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from portal.ratings.rubric.described.words import as_share, identifier, is_number, number, simple_share, text

JUDGED = {"kind": "judged"}
SAME = ("gt", "ge", "lt", "le", "eq", "else", "points", "share_of_points", "title")
COMPARISONS = ("gt", "ge", "lt", "le", "eq")
LEAST_PERCENT, MOST_PERCENT = 10, 100
IF_EMPTY = ("minimum_n", "if_below", "if_empty", "may_exceed_one", "against", "ratio_decimals")
COMPARED = re.compile(r"(>=|<=|==|=|>|<|≥|≤)")
OPERATORS = {">=": "ge", "≥": "ge", "<=": "le", "≤": "le", "==": "eq", "=": "eq", ">": "gt", "<": "lt"}
AT = re.compile(r"(?:at|to|below|超过|为)\s*([0-9]+)")
WORD = re.compile(r"\w+")
NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
PERCENT_POINT = re.compile(r"percent|百分点|个点|%")
ONE, HALF = 1, "1/2"


class UnreadableRule(Exception):
    """The words do not say exactly what counts."""


class Words:
    """A group of settings that remembers which of them were taken."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.taken: set[str] = set()

    def take(self, *names: str) -> Any:
        """The first of these settings that is there, None without any; all of them count as taken."""
        found = [self.values[name] for name in names if self.values.get(name) is not None]
        self.taken |= set(names)
        return found[0] if found else None

    def must(self, *names: str) -> Any:
        """The same; raises UnreadableRule without any."""
        value = self.take(*names)
        if value is None:
            raise UnreadableRule
        return value

    def left(self) -> list[str]:
        """The settings nobody took, by name."""
        return sorted(
            name for name, value in self.values.items() if name not in self.taken and value is not None
        )


def _each(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UnreadableRule
    return value


def _number(value: object) -> Any:
    told = number(value)
    if told is None:
        raise UnreadableRule
    return told


def _with(words: Words, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := words.take(name)) is not None}


def _named(told: object) -> list[Any]:
    """Criteria, conditions or things to have: words, or groups with the words in them."""
    if not isinstance(told, list):
        raise UnreadableRule
    made: list[Any] = []
    for one in told:
        if isinstance(one, dict):
            what = one.get("what") or one.get("title_zh") or one.get("title")
            named = {"id": identifier(one.get("id"), str(len(made) + 1)), "what": text(what)[:600]}
            made.append(named | ({"deduct": one["deduct"]} if is_number(one.get("deduct")) else {}))
        else:
            made.append(text(one)[:600])
    return made


def _bands(told: object) -> list[dict[str, Any]]:
    bands = []
    for one in _each(told):
        if set(one) - set(SAME):
            raise UnreadableRule
        limits = {name: value if name in ("else", "title") else _number(value) for name, value in one.items()}
        bands.append(limits)
    return bands


def _as_shares(bands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Bands whose limits are told as percents, such as 90, with shares."""
    limits = [band[name] for band in bands for name in COMPARISONS if is_number(band.get(name))]
    if (
        not limits
        or not all(limit == 0 or 1 < limit <= MOST_PERCENT for limit in limits)
        or max(limits) < LEAST_PERCENT
    ):
        return bands
    return [
        {
            name: as_share(value) if name in COMPARISONS and is_number(value) else value
            for name, value in band.items()
        }
        for band in bands
    ]


def binary(_words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    return {}


def judged(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    return _with(words, "anchors", "only_anchors", "step")


def checklist(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    each = number(words.take("each", "points_each"))
    for one in words.must("components", "items", "parts"):
        group = one if isinstance(one, dict) else {"what": one}
        part: dict[str, Any] = {"what": text(group.get("what") or group.get("title_zh"))[:600]}
        if "id" in group:
            part["id"] = identifier(group["id"], str(len(parts) + 1))
        if is_number(group.get("points", each)):
            part["points"] = group.get("points", each)
        parts.append(part)
    return {"components": parts} | _with(words, "unstated_split")


def level_scale(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    levels: list[dict[str, Any]] = []
    told = words.must("levels", "scale")
    if isinstance(told, dict):
        told = [{"level": name, "what": name, "points": points} for name, points in told.items()]
    for one in _each(told):
        what = text(one.get("what") or one.get("level") or one.get("title_zh") or one.get("id"))
        level: dict[str, Any] = {"what": what[:600]}
        if "id" in one or "level" in one:
            level["id"] = identifier(one.get("id") or one.get("level"), str(len(levels) + 1))
        share = number(one.get("share_of_points", one.get("share")))
        level |= {"points": _number(one["points"])} if "points" in one else {"share_of_points": share}
        levels.append(level)
    return {"levels": levels}


def count_threshold(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    rule = _with(words, "period", "unit", "by_stage", "several_periods", "several_stages")
    if (least := words.take("min", "at_least", "ge")) is not None:
        rule["min"] = _number(least)
    if (steps := words.take("steps")) is not None:
        rule["steps"] = [
            {"share": number(one["share"])} | {"points": one["points"]}
            if "share" in one
            else {"ge": _number(one.get("ge", one.get("min", one.get("count"))))} | {"points": one["points"]}
            for one in _each(steps)
        ]
    if (several := words.take("all")) is not None:
        period = {"period": rule["period"]} if "period" in rule else {}
        rule["all"] = [
            period | {name: one[name] for name in ("metric", "min", "period", "what") if name in one}
            for one in _each(several)
        ]
    if not rule.keys() & {"min", "steps", "all", "by_stage"}:
        raise UnreadableRule
    return rule


def prorata(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    same = (
        "target",
        "by_stage",
        "of",
        "zero_at",
        "nothing_below",
        "unit",
        "period",
        "part_units",
        "several_periods",
        "several_stages",
    )
    rule = _with(words, *same)
    if "target" in rule:
        rule["target"] = _number(rule["target"])
    return rule


def points_per_unit(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    return {"per": _number(words.must("per"))} | _with(
        words, "unit", "unit_size", "above", "period", "part_units", "several_periods"
    )


def ratio_bands(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    parts = {name: text(words.take(name))[:600] for name in ("numerator", "denominator")}
    rule = {"bands": _as_shares(_bands(words.must("bands")))} | _with(words, *IF_EMPTY)
    return {name: value for name, value in parts.items() if value} | rule


def deduct_per_missing(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"per": _number(words.must("per"))}
    if (things := words.take("items", "components")) is not None:
        rule["items"] = _named(things)
    return rule


def grades_of(told: object) -> list[dict[str, Any]]:
    """Grades of one item, best first. Raises UnreadableRule when a limit or a name is not said exactly."""
    made: list[dict[str, Any]] = []
    for one in _each(told):
        words = Words(one)
        name = words.take("grade", "name", "level", "title_zh")
        star = words.take("star", "stars")
        share = number(words.take("min_share", "share", "ratio"))
        limit = (
            {"min_share": share}
            if share is not None
            else {"min_points": _number(words.take("min_points", "min", "ge", "points"))}
        )
        made.append(limit | ({"star": star} if isinstance(star, int) else {"grade": text(name)}))
    return made


def beside(words: Words, item: dict[str, Any]) -> None:
    """What stands in a rule of any kind and belongs to its item: a gate, further deductions, the lowest points."""
    if isinstance(words.values.get("gate"), str):
        item["gates"] = [{"id": f"{item['id']}-gate", "what": text(words.take("gate"))[:600]}]
    if (special := words.take("special")) is not None:
        item["special"] = [
            {"id": identifier(one.get("id"), f"{item['id']}-{place}"), "what": text(one.get("what"))[:600]}
            | {"deduct": _number(one.get("deduct"))}
            for place, one in enumerate(_each(special), 1)
        ]
    if (floor := words.take("floor")) is not None:
        item["floor"] = _number(floor)


def deduct_per_unit(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"per": _number(words.must("per"))}
    rule |= _with(words, "unit_size", "by_stage", "side", "part_units", "several_stages")
    if unit := text(words.take("unit"))[:120]:
        rule["unit"] = unit
    if number(words.values.get("target")) is not None:
        rule["target"] = _number(words.take("target"))
        if is_number(rule["target"]) and rule["target"] <= 1 and PERCENT_POINT.search(rule.get("unit", "")):
            rule.setdefault("unit_size", Decimal("0.01"))
    return rule


def _measure(told: str, measures: list[str]) -> str:
    """The measure whose name shares the most words with what is told."""
    if len(measures) == 1:
        return measures[0]
    said = set(re.split(r"[^0-9a-z一-鿿]+", told.lower()))
    shared = {name: len(said & set(name.lower().split("_"))) for name in measures}
    best = [name for name in measures if shared[name] == max(shared.values())]
    if len(best) != 1 or not shared[best[0]]:
        raise UnreadableRule
    return best[0]


def _lack(one: dict[str, Any], measures: list[str]) -> dict[str, Any]:
    words = Words(one)
    lost = _number(words.must("deduct"))
    if (unit := words.take("per_unit")) is not None:
        size = NUMBERS.match(text(unit))
        measure = words.take("measure") or _measure(text(unit), measures)
        return {
            "measure": measure,
            "deduct": lost,
            "how": "per_unit",
            "unit_size": Decimal(size[0]) if size else ONE,
            "part_units": "down",
        }
    if words.take("how") is not None:
        return dict(one)
    return {
        "measure": words.take("measure") or _measure(text(words.must("if", "when")), measures),
        "deduct": lost,
        "how": "once",
    }


def lookup_by_size(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    said = text(words.must("size", "by"))
    told = words.must("table", "rows")
    if isinstance(told, dict):
        told = [{said: size, "target": target} for size, target in told.items()]
    rows = _each(told)
    if not rows:
        raise UnreadableRule
    names = [name for name in rows[0] if name not in ("targets", "target")]
    size = next((name for name in names if name in said or said in name), names[0] if names else "size")
    table = []
    for row in rows:
        targets = row.get("targets", row.get("target", {name: row[name] for name in row if name != size}))
        targets = targets if isinstance(targets, dict) else {"target": targets}
        table.append(
            {
                "size": row[size],
                "targets": {identifier(name, "target"): _number(value) for name, value in targets.items()},
            }
        )
    measures = sorted({name for row in table for name in row["targets"]})
    rule: dict[str, Any] = {"size": identifier(size, "size"), "table": table}
    rule |= _with(words, "between_rows", "outside_table", "side", "measure")
    if (deduct := words.take("deduct")) is not None:
        rule["deduct"] = [_lack(one, measures) for one in _each(deduct)]
    if (bands := words.take("bands")) is not None:
        rule["bands"] = _bands(bands)
    if not rule.keys() & {"deduct", "bands"}:
        # A target and not a word about what part of it is worth: reached, or not.
        rule["bands"] = [{"ge": 1, "share_of_points": 1}, {"else": True, "points": 0}]
    return rule


def quota_by_role(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    targets: list[dict[str, Any]] = []
    for one in _each(words.must("targets", "roles", "quotas")):
        inner = Words(one)
        share = simple_share(inner.take("share_of_class", "share", "share_of_group"))
        fixed = number(inner.take("number", "count", "min"))
        if share is None and fixed is None:
            raise UnreadableRule
        period = text(inner.take("period", "per"))[:60] or "round"
        name = identifier(inner.take("id"), period)
        name = name if all(other["id"] != name for other in targets) else f"{name}-{len(targets) + 1}"
        target = {"id": name, "what": text(inner.take("what", "title_zh")) or name, "period": period}
        target |= {"share": share} if share is not None else {"number": fixed}
        targets.append(target | _with(inner, "role", "at_least_times"))
    # A part of a pupil cannot be visited: without a word about rounding the whole pupil counts.
    rule = {
        "targets": targets,
        "rounding": words.take("rounding") or "up",
        "several_targets": words.take("several_targets") or "largest",
    }
    return rule | _with(words, "role", "per")


def award_tiers(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    told = words.must("tiers", "levels")
    if isinstance(told, dict):
        tiers = [{"id": identifier(name, "tier"), "points": _number(points)} for name, points in told.items()]
    else:
        tiers = [
            {
                "id": identifier(one.get("id") or one.get("level") or one.get("what"), "tier"),
                "points": _number(one.get("points")),
            }
            for one in _each(told)
        ]
    combine = text(words.take("combine"))
    rule: dict[str, Any] = {"tiers": tiers, "combine": combine if combine in ("max", "sum") else "max"}
    return rule | ({"combine_status": "unclear"} if combine not in ("max", "sum") else {})


def gate(words: Words, item: dict[str, Any]) -> dict[str, Any]:
    item.pop("points", None)
    item.pop("points_status", None)
    return {"what": (text(words.take("what", "condition", "must")) or text(item["title"]))[:600]}


def all_of(words: Words, item: dict[str, Any]) -> dict[str, Any]:
    if item.get("points", 0) is None:
        item.pop("points")
        item.pop("points_status", None)
    return {"conditions": _named(words.must("conditions", "all", "items"))} | _with(words, "gate")


def block_abc(words: Words, item: dict[str, Any]) -> dict[str, Any]:
    if item.get("points", 0) is None:
        item.pop("points")
        item.pop("points_status", None)
    words.take("B")
    return {"A": _named(words.must("A")), "C": _named(words.take("C") or [])} | _with(words, "grade_points")


def survey_mean(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    told = words.take("gate")
    inner = Words(told if isinstance(told, dict) else {})
    rule: dict[str, Any] = {}
    small = inner.take("small_school") or words.take("small_school")
    limits = _limits(inner)
    if limits:
        rule["gate"] = limits
    if isinstance(small, dict):
        rule["small_school"] = {"families_below": small.get("families_below")} | _limits(Words(small))
    said = text(words.take("map"))
    ends = NUMBERS.findall(said)
    if said.startswith("linear") and len(ends) == 4:
        rule |= {"zero_at": Decimal(ends[0]), "full_at": Decimal(ends[1])}
    return rule | _with(words, "shrink_k", "zero_at", "full_at", "bands", "scale", "if_gate_fails")


def _limits(words: Words) -> dict[str, Any]:
    found = {
        "minimum_n": words.take("min_n", "minimum_n"),
        "minimum_rate": words.take("min_rate", "minimum_rate"),
    }
    return {name: value for name, value in found.items() if value is not None}


def sample_check(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    rule = {"bands": _bands(words.must("bands"))} | _with(words, "if_empty")
    sample = words.take("sample")
    if isinstance(sample, dict):
        rule["sample"] = sample
    elif "%" in text(sample) and (told := NUMBERS.findall(text(sample))):
        rule["sample"] = {"share": Decimal(told[0]) / 100}
        rule["sample"] |= {"at_least": int(told[1])} if len(told) > 1 and told[1].isdecimal() else {}
    return rule


def deadline(words: Words, _item: dict[str, Any]) -> dict[str, Any]:
    return _with(words, "due_on", "date_that_counts", "late", "later", "never")


RULES: dict[str, Callable[[Words, dict[str, Any]], dict[str, Any]]] = {
    rule.__name__: rule
    for rule in (
        binary, checklist, judged, level_scale, count_threshold, prorata, points_per_unit, ratio_bands, deduct_per_missing,
        deduct_per_unit, lookup_by_size, quota_by_role, award_tiers, gate, all_of, block_abc, survey_mean, sample_check, deadline,
    )
}  # fmt: skip


# What an event does to the result: a word of it, and the effect.
EFFECTS = (
    (("not_eligible", "not eligible", "exclude", "remove", "不参评", "取消", "一票否决"), "exclude"),
    (("zero", "零分", "0分"), "zero_item"),
    (("cap_star", "cap star", "star", "星"), "cap_star"),
    (("halve", "half", "multiply", "减半", "折半"), "multiply"),
    (("cap_total", "cap total", "cap the total", "total at most"), "cap_total"),
    (("lower", "downgrade", "降"), "lower_star"),
    (("deduct", "minus", "扣"), "deduct"),
    (("cap",), "cap_rating"),
)


def effect_of(words: Words, item: dict[str, Any]) -> dict[str, Any]:
    """What follows from a veto; ``item`` is where it stands, empty when it is one of the whole scheme.

    Raises UnreadableRule when the words do not say it.
    """
    said = text(words.must("effect")).lower()
    effect = next((effect for marks, effect in EFFECTS if any(mark in said for mark in marks)), None)
    if effect == "cap_star" and ("lower" in said or "降" in said):
        effect = "lower_star"
    if effect is None:
        raise UnreadableRule
    limit = number(words.take("max", "limit"))
    if limit is None and (found := AT.search(said)):
        limit = int(found[1])
    made: dict[str, Any] = {"effect": effect}
    named = words.take("items", "item", "nodes", "node")
    if effect in ("zero_item", "multiply"):
        items = [
            identifier(one, "") for one in (named if isinstance(named, list) else [named]) if one is not None
        ]
        items = items or [item["id"]] if item or items else []
        if effect == "zero_item" and not items:
            raise UnreadableRule
        made |= {"items": items} if items else {}
        made |= {"factor": words.take("factor") or HALF} if effect == "multiply" else {}
    elif effect in ("cap_star", "cap_total", "cap_rating"):
        if limit is None:
            raise UnreadableRule
        made["max"] = limit
        made |= {"rating": WORD.findall(said)[1]} if effect == "cap_rating" else {}
    elif effect == "deduct":
        made["points"] = _number(words.must("points", "deduct"))
    elif effect == "lower_star":
        by = words.take("by")
        made |= {"by": by} if isinstance(by, int) else {}
    return made | _with(words, "from_count")


def _condition(told: object, ratings: dict[str, None]) -> dict[str, Any]:
    """Comparisons of ratings joined by ``and`` or ``or``, or the name of a fact."""
    said = text(told)
    for joint, name in ((" or ", "any"), (" and ", "all")):
        if joint in said:
            return {name: [_condition(part, ratings) for part in said.split(joint)]}
    if said.startswith("not "):
        return {"not": _condition(said[4:], ratings)}
    left, *rest = (part.strip() for part in COMPARED.split(said))
    if not left.replace("_", "").isalnum() or len(rest) not in (0, 2):
        raise UnreadableRule
    if not rest:
        return {"fact": left}
    operator, right = rest
    ratings[left] = None
    if number(right) is None:
        ratings[right] = None
        return {"of": left, OPERATORS[operator]: {"of": right}}
    return {"of": left, OPERATORS[operator]: _whole(number(right))}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) and value == int(value) else value


def star_adjust(words: Words) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result by added and taken stars, and the vetoes that stand with it. Raises UnreadableRule."""
    words.take("kind")
    start = text(words.must("start"))
    ratings: dict[str, None] = {start: None}
    steps = [
        {"when": _condition(one.get("if", one.get("when")), ratings), "add": one.get("add")}
        for one in _each(words.must("steps"))
    ]
    limits = []
    for one in _each(words.take("limits") or []):
        when = one.get("if", one.get("when"))
        limit = {name: one[name] for name in ("max_upgrade", "max_downgrade", "max", "min") if name in one}
        limits.append(limit | ({"when": _condition(when, ratings)} if when is not None else {}))
    vetoes = words.take("veto", "vetoes") or []
    result = {
        "kind": "star_adjust",
        "ratings": [{"id": one} for one in ratings],
        "start": start,
        "steps": steps,
        "limits": limits,
    }
    return result, vetoes if isinstance(vetoes, list) else [vetoes]
