"""Two versions of a rubric in words: which indicators came, went or moved, and what changed in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.ratings.rubric.editing import EXTRAS, entries
from portal.ratings.rubric.notation import lines_of, text_of
from portal.ratings.rubric.problems import Message, Title, phrase
from portal.ratings.rubric.tables import EXTRAS as SHEETS
from portal.ratings.rubric.words import SETTINGS

WHOLE = ""
"""The id under which changes of the whole rubric stand."""


@dataclass(frozen=True)
class Change:
    """What changed: in which indicator (nothing: the whole rubric), in words, and how it read before and after."""

    item: str
    title: Title
    what: Message
    before: str = ""
    after: str = ""


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Everything that differs, in the order of the newer version; nothing when both mean the same."""
    return [*_whole(before, after), *_items(before, after)]


def _whole(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    own = ("indicators", "vetoes")
    for name in dict.fromkeys((*after, *before)):
        old, new = _without_items(name, before.get(name)), _without_items(name, after.get(name))
        if name not in own and old != new:
            yield _change(WHOLE, "", name, old, new)
    yield from _listed("vetoes", before, after)


def _without_items(name: str, value: Any) -> Any:
    if name not in EXTRAS or value is None:
        return value
    return {key: inner for key, inner in value.items() if key != "items"} or None


def _listed(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old = {str(entry.get("id", "")): entry for entry in before.get(name, ())}
    new = {str(entry.get("id", "")): entry for entry in after.get(name, ())}
    for key in dict.fromkeys((*new, *old)):
        if old.get(key) != new.get(key):
            title = (new.get(key) or old[key]).get("title", "")
            yield Change(
                str(key),
                title,
                _verb(old.get(key), new.get(key), phrase("Veto item")),
                text_of(name, [old[key]]).removesuffix("；") if key in old else "",
                text_of(name, [new[key]]).removesuffix("；") if key in new else "",
            )


def _verb(old: object, new: object, what: Message) -> Message:
    if old is None:
        return phrase("%(what)s: new", what=what)
    return phrase("%(what)s: removed", what=what) if new is None else phrase("%(what)s: changed", what=what)


def _items(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = _placed(before), _placed(after)
    for key, (parent, entry) in new.items():
        if key not in old:
            yield Change(key, entry.get("title", key), phrase("New"), "", _written(entry))
            continue
        was, earlier = old[key]
        if was != parent:
            yield Change(key, entry.get("title", key), phrase("Moved to another group"), was, parent)
        for name in dict.fromkeys((*entry, *earlier)):
            if name != "children" and entry.get(name) != earlier.get(name):
                yield _change(key, entry.get("title", key), name, earlier.get(name), entry.get(name))
    for key, (_parent, entry) in old.items():
        if key not in new:
            yield Change(key, entry.get("title", key), phrase("Removed"), _written(entry), "")
    stayed = [key for key in old if key in new and old[key][0] == new[key][0]]
    now = [key for key in new if key in set(stayed)]
    if stayed != now:
        places = [place for place, key in enumerate(stayed) if key != now[place]]
        earlier_order, order = ("、".join(ids[place] for place in places) for ids in (stayed, now))
        yield Change(WHOLE, "", phrase("The order of the indicators: changed"), earlier_order, order)


def _placed(values: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Id → (id of the group or name of the part, entry)."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    at: dict[tuple[Any, ...], str] = {}
    for path, entry in entries(values):
        at[path] = str(entry.get("id"))
        found[str(entry.get("id"))] = (at.get(path[:-2], SHEETS.get(str(path[0]), "")), entry)
    return found


def _written(entry: Mapping[str, Any]) -> str:
    return lines_of({name: value for name, value in entry.items() if name not in ("id", "title", "children")})


def _change(item: str, title: Title, name: str, old: Any, new: Any) -> Change:
    word = SETTINGS.get(name, name)
    return Change(item, title, phrase("%(what)s: changed", what=word), _said(name, old), _said(name, new))


def _said(name: str, value: Any) -> str:
    if value is None:
        return ""
    return (
        lines_of(value) if name in ("rule", "result") and isinstance(value, Mapping) else text_of(name, value)
    )
