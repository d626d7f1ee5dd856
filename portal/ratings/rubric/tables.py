"""A rubric as the sheets of a workbook: rows of cells. Writing loses nothing; reading is in ``takingin``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.ratings.rubric import columns as c
from portal.ratings.rubric.notation import lines_of, text_of
from portal.ratings.rubric.problems import title_text
from portal.ratings.rubric.words import SETTINGS

Cell = str | int | float | None
# The other languages of a title stand beside the cell that holds the Chinese one.
LANGUAGES = {"英文名称": "en", "繁体名称": "zh-Hant"}
OWN_SHEETS = ("indicators", "vetoes")
EXTRAS = {"bonus": c.BONUS, "deductions": c.DEDUCTIONS}
VETO_COLUMNS = (c.ID, "名称", "后果", c.NOTES, c.OTHER)


@dataclass(frozen=True)
class Row:
    """One row: its cells, and for how many rows from here each column's cell reaches (1 where nothing is merged)."""

    cells: list[Cell]
    spans: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """One sheet: its name, headings and rows."""

    name: str
    headings: tuple[str, ...]
    rows: list[Row]


def pages(values: Mapping[str, Any]) -> list[Page]:
    """The sheets of a rubric's values, as ``read_yaml`` gives them."""
    found = [_indicators(values)]
    for name, title in EXTRAS.items():
        if values.get(name, {}).get("items"):
            found.append(_extras(title, values[name]["items"], values))
    if values.get("vetoes"):
        found.append(Page(c.VETOES, VETO_COLUMNS, [_veto(entry) for entry in values["vetoes"]]))
    return [*found, _settings(values)]


def _item_columns(values: Mapping[str, Any], depth: int) -> tuple[str, ...]:
    scored = [title_text(column["title"]) for column in values.get("scorers", {}).get("columns", ())]
    own = scored if len(scored) == 2 and all(c.HEADINGS.get(c.heading(name)) for name in scored) else []
    first, second = own or (c.SELF, c.REVIEW)
    return (
        c.ID, *c.LEVELS[:depth], c.POINTS, c.STANDARD, c.RULE, c.EVIDENCE, c.SOURCE, first, second, c.NOTES, c.OTHER,
    )  # fmt: skip


def _depth(entries: list[Any]) -> int:
    return 1 + max((_depth(entry["children"]) for entry in entries if entry.get("children")), default=0)


def _indicators(values: Mapping[str, Any]) -> Page:
    entries = values.get("indicators", [])
    depth = max(3, _depth(entries)) if entries else 3
    rows = [row for entry in entries for row in _item_rows(entry, 0, depth)]
    return Page(c.INDICATORS, _item_columns(values, depth), rows)


def _extras(name: str, entries: list[Any], values: Mapping[str, Any]) -> Page:
    return Page(name, _item_columns(values, 1), [leaf(entry, 0, 1) for entry in entries])


def _item_rows(entry: Mapping[str, Any], level: int, depth: int) -> Iterator[Row]:
    if "children" not in entry:
        yield leaf(entry, level, depth)
        return
    below = [row for child in entry["children"] for row in _item_rows(child, level + 1, depth)]
    first = below[0]
    first.cells[1 + level] = c.group_cell(entry, _shown(entry))
    first.spans[1 + level] = len(below)
    yield from below


def _shown(entry: Mapping[str, Any]) -> str:
    """The title as it stands in a cell; empty where none is stated."""
    return " ".join(title_text(entry["title"]).split()) if "title" in entry else ""


def leaf(entry: Mapping[str, Any], level: int, depth: int) -> Row:
    """The row of an item, ``level`` deep (from 0) in a table of ``depth`` levels."""
    cells: list[Cell] = [entry["id"], *[None] * depth]
    # A row needs a word in the column of its level: that tells how deep it lies.
    cells[1 + level] = _shown(entry) or entry["id"]
    points = c.number_cell(entry["points"]) if "points" in entry else None
    standard, notes = entry.get("standard", ""), entry.get("notes", "")
    rule = lines_of(entry["rule"]) if "rule" in entry else None
    evidence = text_of("evidence", entry["evidence"]) if "evidence" in entry else None
    cells += [points, standard, rule, evidence, entry.get("source", ""), None, None, notes]
    held = {"id", "points", "rule", "evidence", "children"}
    return Row([*cells, item_rest(entry, held, c.words_in(cells[1 + level]))])


def item_rest(entry: Mapping[str, Any], held: set[str], shown: str) -> str:
    """The settings of an entry that no column holds, one a line; ``held``: what columns hold exactly."""
    rest = {name: value for name, value in entry.items() if name not in held}
    for name in ("standard", "notes", "source"):
        if rest.get(name) and rest[name] == rest[name].strip() and "\r" not in rest[name]:
            del rest[name]
    title = rest.get("title")
    extra = ""
    if title == shown:
        del rest["title"]
    elif isinstance(title, Mapping) and title.get("zh-Hans") == shown:
        del rest["title"]
        extra = "\n".join(
            f"{word}：{text_of('note', title[tag])}" for word, tag in LANGUAGES.items() if tag in title
        )
        if not extra:
            rest["title"] = title
    elif title is None:
        extra = f"{SETTINGS['title']}：{c.NOT_STATED}"
    return "\n".join(part for part in (lines_of(rest), extra) if part)


def _veto(entry: Mapping[str, Any]) -> Row:
    shown = _shown(entry)
    held = {"id", "effect"}
    return Row(
        [
            entry["id"],
            shown,
            text_of("effect", entry["effect"]),
            entry.get("notes", ""),
            item_rest(entry, held, shown),
        ]
    )


def _settings(values: Mapping[str, Any]) -> Page:
    rows = []
    for name, value in values.items():
        if name in OWN_SHEETS and value:
            continue
        word = SETTINGS.get(name, name)
        if name in EXTRAS:
            rest = {key: inner for key, inner in value.items() if key != "items"}
            if rest:
                rows.append(Row([word, text_of(name, rest)]))
        elif isinstance(value, list) and value:
            rows += [Row([word, _entry_text(name, entry)]) for entry in value]
        else:
            rows.append(Row([word, text_of(name, value)]))
    for entry in values.get("indicators", []):
        rows += _groups(entry)
    return Page(c.SETTINGS, ("设置", "内容"), rows)


def _entry_text(name: str, entry: Any) -> str:
    """An entry of a list by itself: the reader puts the entries of several rows together again."""
    return text_of(name, [entry]).removesuffix("；")


def _groups(entry: Mapping[str, Any]) -> Iterator[Row]:
    if "children" not in entry:
        return
    cell = c.group_in(c.group_cell(entry, _shown(entry)))
    held = {"id", "children"} | (
        {"points"} if "points" in cell and entry.get("points") == cell["points"] else set()
    )
    rest = item_rest(entry, held, cell.get("title", ""))
    if "title" not in entry and "title" not in cell:
        rest = rest.removesuffix(f"{SETTINGS['title']}：{c.NOT_STATED}").strip()
    if rest:
        yield Row([f"{c.INDICATORS} {entry['id']}", rest])
    for child in entry["children"]:
        yield from _groups(child)
