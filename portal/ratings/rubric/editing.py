"""Changing a rubric's values one indicator at a time: what a form shows of an entry, and the entry from what was typed.

All functions take values as ``read_yaml`` gives them and answer new ones; nothing given is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from portal.ratings.rubric import columns as c
from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.notation import NotationError, lines_of, read_lines, read_value, text_of
from portal.ratings.rubric.problems import Message, RubricError, title_text
from portal.ratings.rubric.reading import Document, Path
from portal.ratings.rubric.rulechecking import POINTLESS
from portal.ratings.rubric.shape import coerced, rubric_schema
from portal.ratings.rubric.tables import item_rest, leaf
from portal.ratings.rubric.takingin import evidence_in, overlaid, rule_in
from portal.ratings.rubric.words import EXAMPLES, SETTINGS

EXTRAS = ("bonus", "deductions")
# Settings with places of their own in the editor; everything else of a rubric stands in its settings.
OWN_PLACES = ("schema", "id", "title", "indicators", *EXTRAS)
OWN_FIELDS = ("total", "result", "vetoes")
FIELDS = (*OWN_FIELDS, "rest")


@dataclass(frozen=True)
class Recorder(Document):
    """Values that remember which paths were spoken of."""

    spoken: list[Path] = field(default_factory=list)

    def written(self, path: Path) -> str:
        """The number of the path, so that a problem can be led back to it."""
        self.spoken.append(path)
        return str(len(self.spoken) - 1)


def findings(values: Mapping[str, Any]) -> list[tuple[Path, Message]]:
    """Everything that is wrong with values, with its path; nothing when they are a right rubric."""
    document = Recorder(dict(values), {})
    try:
        checked(document)
    except RubricError as error:
        return [
            (document.spoken[int(problem.path)] if problem.path else (), problem.message)
            for problem in error.problems
        ]
    return []


def entries(values: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every indicator with its path, parents first; then bonus items and deductions."""
    yield from _below(values.get("indicators", ()), ("indicators",))
    for name in EXTRAS:
        yield from _below(values.get(name, {}).get("items", ()), (name, "items"))


def _below(found: Sequence[Mapping[str, Any]], path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for number, entry in enumerate(found):
        yield (*path, number), entry
        yield from _below(entry.get("children", ()), (*path, number, "children"))


def path_of(values: Mapping[str, Any], item_id: str) -> Path | None:
    """Where an indicator stands."""
    return next((path for path, entry in entries(values) if entry.get("id") == item_id), None)


def at(values: Mapping[str, Any], path: Path) -> Any:
    """What stands at a path."""
    found: Any = values
    for step in path:
        found = found[step]
    return found


def fields_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """What a form shows of an entry."""
    cells = leaf(entry, 0, 1).cells
    shown = title_text(entry["title"]) if "title" in entry else ""
    held = {"id", "points", "rule", "evidence", "children"}
    return {
        "number": str(entry["id"]),
        "title": " ".join(shown.split()),
        "points": ""
        if cells[2] is None
        else f"{entry['points']}"
        if entry.get("points") is not None
        else c.NOT_STATED,
        "standard": str(cells[3] or ""),
        "rule": str(cells[4] or ""),
        "evidence": str(cells[5] or ""),
        "source": str(cells[6] or ""),
        "notes": str(cells[9] or ""),
        "other": item_rest(entry, held, " ".join(shown.split())),
    }


def entry_of(
    fields: Mapping[str, str], children: Sequence[Mapping[str, Any]] | None
) -> tuple[dict[str, Any], dict[str, Message]]:
    """The entry from what was typed, and what of it cannot be read, by field."""
    wrong: dict[str, Message] = {}
    entry: dict[str, Any] = {"id": fields["number"]}
    entry |= {name: fields[name] for name in ("title", "standard", "source", "notes") if fields.get(name)}
    readers: dict[str, Callable[[str], Any]] = {"points": c.points_in, "evidence": evidence_in}
    if children is None:
        readers["rule"] = rule_in
    for name, reader in readers.items():
        try:
            if fields.get(name) or name == "rule":
                entry[name] = reader(fields[name])
        except NotationError as error:
            wrong[name] = error.message
    try:
        overlaid(entry, fields["other"])
    except NotationError as error:
        wrong["other"] = error.message
    if children is not None:
        entry["children"] = list(children)
    return entry, wrong


def with_entry(values: Mapping[str, Any], path: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The values with another entry at a path."""
    changed = deepcopy(dict(values))
    at(changed, path[:-1])[path[-1]] = dict(entry)
    return changed


def wrong_with(values: Mapping[str, Any], path: Path) -> dict[str, Message]:
    """What is wrong with the entry at a path, by the field of its form; not whether a group adds up."""
    found: dict[str, Message] = {}
    group = "children" in at(values, path)
    names = {"id": "number", "points": "points", "title": "title", "rule": "rule", "evidence": "evidence"}
    own = at(values, path).get("id")
    for where, message in findings(values):
        rest = where[len(path) :]
        if where[-1:] == ("id",) and there(values, where) == own:
            found.setdefault("number", message)
        if (
            where[: len(path)] != path
            or rest[:1] == ("children",)
            or (group and rest[:1] in ((), ("points",)))
        ):
            continue
        found.setdefault(names.get(str(rest[0]), "other") if rest else "rule", message)
    return found


def added(values: Mapping[str, Any], parent: str, kind: str) -> tuple[dict[str, Any], str]:
    """The values with a new entry at the end of a group (its id, a name of EXTRAS, or nothing for the top), and its id.

    ``kind``: a kind of rule, or ``group`` for a group with one item to be judged.
    """
    changed = deepcopy(dict(values))
    used = {str(entry.get("id")) for _path, entry in entries(changed)}
    if parent in EXTRAS:
        place = changed.setdefault(parent, {}).setdefault("items", [])
        stem = "P" if parent == "bonus" else "N"
    elif parent:
        path = path_of(changed, parent)
        place = at(changed, path)["children"] if path else []
        stem = parent
    else:
        place = changed.setdefault("indicators", [])
        stem = ""
    name = new_id(stem, used)
    place.append(_new(name, kind, used | {name}))
    return changed, name


def new_id(stem: str, used: set[str]) -> str:
    """The next free id under a stem: A1, A2; A, B, C for the top."""
    numbers = range(1, len(used) + 2)
    tops = (chr(64 + number) if number <= 26 else f"A{number}" for number in numbers)
    below = (f"{stem}-{number}" if stem[-1:].isdigit() else f"{stem}{number}" for number in numbers)
    return next(name for name in (below if stem else tops) if name not in used)


def _new(name: str, kind: str, used: set[str]) -> dict[str, Any]:
    if kind == "group":
        return {"id": name, "title": "新的分组", "children": [_new(new_id(name, used), "judged", used)]}
    entry: dict[str, Any] = {"id": name, "title": "新的指标", "rule": rule_in(EXAMPLES[kind])}
    return (
        entry if kind in POINTLESS else {"id": name, "title": "新的指标", "points": 4, "rule": entry["rule"]}
    )


def removed(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The values without the entry at a path, and without groups that are empty then."""
    changed = deepcopy(dict(values))
    place = at(changed, path[:-1])
    del place[path[-1]]
    if not place and path[0] in EXTRAS:
        del changed[str(path[0])]
    elif not place and len(path) > 2:
        return removed(changed, path[:-2])
    return changed


def moved(values: Mapping[str, Any], path: Path, by: int) -> dict[str, Any]:
    """The values with an entry one place up (-1) or down (1) among its neighbours; at the ends nothing changes."""
    changed = deepcopy(dict(values))
    place, here = at(changed, path[:-1]), int(path[-1])
    there = here + by
    if 0 <= there < len(place):
        place[here], place[there] = place[there], place[here]
    return changed


def settings_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The settings of the whole rubric as a form shows them: total, result, vetoes one a line, and all others."""
    rest = {name: value for name, value in values.items() if name not in (*OWN_PLACES, *OWN_FIELDS)}
    for name in EXTRAS:
        own = {key: inner for key, inner in values.get(name, {}).items() if key != "items"}
        rest |= {name: own} if own else {}
    vetoes = [text_of("vetoes", [veto]).removesuffix("；") for veto in values.get("vetoes", ())]
    return {
        "total": text_of("total", values["total"]) if "total" in values else "",
        "result": lines_of(values.get("result", {})),
        "vetoes": "\n".join(vetoes),
        "rest": lines_of(rest),
    }


def with_settings(
    values: Mapping[str, Any], typed: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Message]]:
    """The values with the settings that were typed, and what of them cannot be read, by field."""
    wrong: dict[str, Message] = {}
    given: dict[str, Any] = {}
    readers: dict[str, Callable[[str], dict[str, Any]]] = {
        "total": lambda text: {"total": read_value("total", text)},
        "result": lambda text: {"result": read_lines(text)},
        "vetoes": lambda text: {
            "vetoes": [read_value("vetoes", line) for line in text.splitlines() if line.strip()]
        },
        "rest": read_lines,
    }
    for name, reader in readers.items():
        try:
            if typed.get(name, "").strip():
                given |= coerced(reader(typed[name]), rubric_schema())
        except NotationError as error:
            wrong[name] = error.message
    extras = {
        name: {**_group(given.get(name)), "items": values[name]["items"]} for name in EXTRAS if name in values
    }
    kept = {name: values[name] for name in OWN_PLACES if name in values}
    changed = {**{name: value for name, value in given.items() if name not in EXTRAS}, **kept, **extras}
    return {name: changed[name] for name in (*values, *changed) if name in changed}, wrong


def wrong_settings(values: Mapping[str, Any]) -> dict[str, Message]:
    """What is wrong with the settings by themselves, by the field of their form; what concerns indicators is left out."""
    found: dict[str, Message] = {}
    for where, message in findings(values):
        name = str(where[0]) if where else ""
        if name in ("", "indicators") or (name in EXTRAS and "items" in where):
            continue
        if name == "total" and where[1:] in ((), ("points",)) and isinstance(values["total"], Mapping):
            continue
        place = {"id": "number", "title": "title"}.get(name, name if name in OWN_FIELDS else "rest")
        found.setdefault(place, message)
    return found


def _group(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def place_in_words(values: Mapping[str, Any], path: Path) -> tuple[str, str]:
    """(id of the indicator or nothing, what of it in the words of offices) for a path of a problem."""
    item, inside = "", path
    for end in range(len(path), 0, -1):
        found = there(values, path[:end])
        if isinstance(found, dict) and "id" in found and path[0] in ("indicators", *EXTRAS):
            item, inside = str(found["id"]), path[end:]
            break
    words = [str(step + 1) if isinstance(step, int) else SETTINGS.get(step, step) for step in inside]
    return item, " ".join(words)


def there(values: Mapping[str, Any], path: Path) -> Any:
    """What stands at a path, or None."""
    try:
        return at(values, path)
    except (KeyError, IndexError, TypeError):
        return None
