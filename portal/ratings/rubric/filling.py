"""An indicator, and the settings of a whole rubric, filled in field by field: the texts of the fields, and the values of texts.

All functions take values as ``read_yaml`` gives them and answer new ones; nothing given is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.ratings.rubric.columns import points_in
from portal.ratings.rubric.editing import EXTRAS, OWN_PLACES, at, fields_of, findings, there, with_entry
from portal.ratings.rubric.fields import (
    ABSENT,
    Found,
    Group,
    Part,
    Texts,
    Title,
    item_shape,
    rule_shape,
    whole_shape,
)
from portal.ratings.rubric.notation import NotationError, lines_of, read_lines
from portal.ratings.rubric.problems import Message, phrase
from portal.ratings.rubric.reading import Path
from portal.ratings.rubric.shape import coerced, rubric_schema
from portal.ratings.rubric.takingin import evidence_in

RULE, OTHER, TITLE, WHOLE = "rule", "other", "title", "whole"
MAIN = ("total", "result", "gates", "vetoes", *EXTRAS)
"""The settings of a rubric that stand first on their page."""


def is_group(entry: Mapping[str, Any]) -> bool:
    """Whether an indicator holds others."""
    return "children" in entry


def _settings(entry: Mapping[str, Any], path: Path) -> Group:
    return item_shape(is_group(entry), path[0] in EXTRAS)


def item_texts(entry: Mapping[str, Any], path: Path) -> dict[str, str]:
    """The texts of the fields of an indicator."""
    fields = fields_of(entry)
    texts = {name: fields[name] for name in ("number", "points", "standard", "evidence", "source", "notes")}
    if TITLE in entry:
        texts |= Title(TITLE).write(entry[TITLE], TITLE)
    if "rule" in entry:
        texts |= rule_shape().write(entry["rule"], RULE)
    shape = _settings(entry, path)
    return texts | shape.write({name: entry[name] for name in shape.shapes if name in entry}, OTHER)


def item_parts(entry: Mapping[str, Any], path: Path, texts: Texts) -> dict[str, Part]:
    """The fields there are for these texts: of the title, of the rule (not of a group), of the other settings."""
    parts = {TITLE: Title(TITLE).part(texts, TITLE), OTHER: _settings(entry, path).part(texts, OTHER)}
    return parts if is_group(entry) else parts | {RULE: rule_shape().part(texts, RULE)}


def with_item(
    values: Mapping[str, Any], path: Path, texts: Texts
) -> tuple[dict[str, Any], dict[str, Message]]:
    """The values with an indicator as its fields say, and what is wrong with which field; not whether a group adds up."""
    before = at(values, path)
    found = Found({("id",): "number", ("points",): "points", ("evidence",): "evidence"})
    entry: dict[str, Any] = {"id": texts.get("number", "")}
    entry |= {name: texts[name] for name in ("standard", "source", "notes") if texts.get(name)}
    for name, reader in (("points", points_in), ("evidence", evidence_in)):
        try:
            entry |= {name: reader(texts[name])} if texts.get(name) else {}
        except NotationError as error:
            found.wrong[name] = error.message
    title = Title(TITLE).read(texts, TITLE, (TITLE,), found)
    entry |= {} if title is ABSENT else {TITLE: title}
    if is_group(before):
        entry["children"] = list(before["children"])
    else:
        rule = rule_shape().read(texts, RULE, (RULE,), found)
        entry |= {} if rule is ABSENT else {RULE: rule}
        if rule is ABSENT:
            found.wrong[f"{RULE}-kind"] = phrase("Choose how it is scored.")
    settings = _settings(before, path)
    whole = Group(OTHER, settings.shapes, whole=True).read(texts, OTHER, (), found)
    changed = with_entry(values, path, coerced(entry | whole, {"$ref": "#/$defs/item"}))
    return changed, found.wrong or _wrong_item(changed, path, found)


def _wrong_item(values: Mapping[str, Any], path: Path, found: Found) -> dict[str, Message]:
    wrong: dict[str, Message] = {}
    entry = at(values, path)
    for where, message in findings(values):
        rest = where[len(path) :]
        twice = where[-1:] == ("id",) and there(values, where) == entry.get("id")
        if twice:
            wrong.setdefault("number", message)
        sums = is_group(entry) and rest[:1] in ((), ("points",))
        if where[: len(path)] == path and rest[:1] != ("children",) and not sums:
            own = "number" if is_group(entry) else f"{RULE}-kind"
            wrong.setdefault((found.at(rest) if rest else None) or own, message)
    return wrong


# ---- the settings of a whole rubric


def whole_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """The texts of the fields of a rubric's settings; what has no field stands in ``rest``, one setting a line."""
    shape = whole_shape()
    shown = {name: values[name] for name in shape.shapes if name in values and name not in EXTRAS}
    caps = {name: {"cap": values[name]["cap"]} for name in EXTRAS if "cap" in values.get(name, {})}
    rest = {name: inner for name, inner in values.items() if name not in (*OWN_PLACES, *shape.shapes)}
    return shape.write(shown | caps, WHOLE) | {"rest": lines_of(rest)}


def whole_part(texts: Texts) -> Part:
    """The fields there are for these texts."""
    return whole_shape().part(texts, WHOLE)


def with_whole(values: Mapping[str, Any], texts: Texts) -> tuple[dict[str, Any], dict[str, Message]]:
    """The values with the settings as the fields say, and what is wrong with which field; what concerns indicators is left out."""
    found = Found()
    given = whole_shape().read(texts, WHOLE, (), found)
    try:
        rest = coerced(read_lines(texts.get("rest", "")), rubric_schema())
    except NotationError as error:
        found.wrong["rest"], rest = error.message, {}
    twice = [name for name in rest if name in whole_shape().shapes or name in OWN_PLACES]
    if twice:
        found.wrong["rest"] = phrase("“%(key)s” has fields of its own.", key=twice[0])
    caps = {
        name: {**given.pop(name, {}), "items": values[name]["items"]} for name in EXTRAS if name in values
    }
    for name in EXTRAS:
        if name in given:
            found.wrong[f"{WHOLE}-{name}-cap"] = phrase("There are no items of this kind.")
            del given[name]
    kept = {name: values[name] for name in OWN_PLACES if name in values}
    changed = coerced(given | rest, rubric_schema()) | kept | caps
    ordered = {name: changed[name] for name in (*values, *changed) if name in changed}
    return ordered, found.wrong or _wrong_whole(ordered, found)


def _wrong_whole(values: Mapping[str, Any], found: Found) -> dict[str, Message]:
    wrong: dict[str, Message] = {}
    for where, message in findings(values):
        name = str(where[0]) if where else ""
        elsewhere = name in ("", "indicators", "id", "title") or (name in EXTRAS and "items" in where)
        adds_up = name == "total" and where[1:] in ((), ("points",))
        if not elsewhere and not adds_up:
            known = name in whole_shape().shapes
            wrong.setdefault((found.at(where) if known else None) or "rest", message)
    return wrong
