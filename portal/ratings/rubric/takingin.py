"""A rubric from the sheets of a workbook: our own form without loss, and tables as offices keep them.

Nothing is guessed. What a sheet cannot say exactly is a problem with the address of its cell; what was left out, such as
scores already filled in, is a remark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.ratings.rubric import columns as c
from portal.ratings.rubric.amounts import exact, plain
from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.model import Rubric
from portal.ratings.rubric.notation import NotationError, read_lines, read_value
from portal.ratings.rubric.problems import Message, Problem, RubricError, phrase
from portal.ratings.rubric.reading import Document, Path, written
from portal.ratings.rubric.shape import coerced, rubric_schema
from portal.ratings.rubric.tables import EXTRAS, LANGUAGES
from portal.ratings.rubric.words import KINDS, SETTING_OF, SETTINGS, simplified

Line = tuple[int, list[Any]]
Sheets = Mapping[str, Sequence[Line]]
JUDGED = {"kind": "judged"}


@dataclass
class Taken:
    """What a workbook says: the values, the cell of each, what is wrong, and what was not read."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Message] = field(default_factory=list)

    def wrong(self, place: str, message: Message) -> None:
        """Keep a problem with its cell."""
        self.problems.append(Problem(None, place, message))

    def rubric(self) -> Rubric:
        """The checked rubric. Raises RubricError with every problem, each with the address of its cell."""
        if self.problems:
            raise RubricError(self.problems)
        return checked(SheetDocument(self.values, {}, self.places))


@dataclass(frozen=True)
class SheetDocument(Document):
    """Values that came from cells: their places are cells."""

    cells: dict[Path, str] = field(default_factory=dict)

    def written(self, path: Path) -> str:
        """The cell a path came from, and what inside of it is meant."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.cells:
                rest = written(path[end:])
                return self.cells[path[:end]] + (f" {rest}" if rest else "")
        return written(path, self.data)


@dataclass
class Node:
    """An indicator while its rows are still being read."""

    entry: dict[str, Any]
    level: int
    place: str
    text: str = ""
    cells: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    filled: frozenset[str] = frozenset()
    """The columns with something in its row."""
    bare: bool = False
    """Nothing but a title stands in its row."""
    elsewhere: bool = False
    """Bonus, deduction or veto: told already that its place is another sheet."""


def take(sheets: Sheets, judge_without_rule: bool = False) -> Taken:
    """Read the sheets of a workbook, by their names: (line number, cells) of each row with something in it.

    ``judge_without_rule``: items whose row has no rule are judged by the inspectors between 0 and their points.
    """
    taken = Taken()
    name = _table_of(sheets)
    if name is None:
        taken.wrong(
            "",
            phrase(
                "No table of indicators was found: a row of headings with “一级指标” and “分值” is needed."
            ),
        )
        return taken
    settings = _Settings(taken, sheets.get(c.SETTINGS, ()) if name != c.SETTINGS else ())
    table = _Table(taken, name, sheets[name], judge_without_rule)
    nodes = table.nodes()
    taken.values.update(settings.values)
    if nodes or (settings.values.get("indicators") is None and not settings.values):
        taken.values["indicators"] = _placed(taken, nodes, ("indicators",), settings.groups)
    settings.unused_groups()
    for extra, title in EXTRAS.items():
        if title in sheets and title != name:
            _extra(taken, extra, title, sheets[title], judge_without_rule)
    if c.VETOES in sheets:
        _vetoes(taken, sheets[c.VETOES])
    for other in sheets:
        if other not in {name, c.SETTINGS, c.VETOES, *EXTRAS.values()} and _header(sheets[other]) is not None:
            taken.remarks.append(
                phrase(
                    "Sheet “%(name)s” holds indicators too and was not read: a rubric has one table.",
                    name=other,
                )
            )
    _complete(taken, table, has_settings=bool(settings.values))
    if table.judged:
        taken.remarks.append(
            phrase("%(num)s indicators have no rule: the inspectors judge them.", num=table.judged)
        )
    return taken


def _table_of(sheets: Sheets) -> str | None:
    """The sheet with the indicators: ours by its name, otherwise the first whose headings fit."""
    if c.INDICATORS in sheets and _header(sheets[c.INDICATORS]) is not None:
        return c.INDICATORS
    own = {c.SETTINGS, c.BONUS, c.DEDUCTIONS, c.VETOES}
    return next(
        (name for name, rows in sheets.items() if name not in own and _header(rows) is not None), None
    )


def _header(rows: Sequence[Line]) -> int | None:
    """Which row holds the headings: one of the first thirty; or the upper one of two that do so together."""
    known = [c.columns_of(cells) for _n, cells in rows[:31]]
    for place, found in enumerate(known[:30]):
        below = known[place + 1] if place + 1 < len(known) else {}
        whole = below and len(below) == sum(1 for cell in rows[place + 1][1] if c.words_in(cell))
        if c.is_header(found) or (found and whole and not c.is_header(below) and c.is_header(found | below)):
            return place
    return None


class _Table:
    """Reads one sheet of indicators."""

    def __init__(self, taken: Taken, name: str, rows: Sequence[Line], judge: bool) -> None:
        self.taken, self.name, self.judge, self.judged = taken, name, judge, 0
        self.rows = rows
        head = _header(rows) or 0
        self.columns = c.columns_of(rows[head][1]) if rows else {}
        self.body = rows[head + 1 :]
        self.head_line = rows[head][0] if rows else 0
        above = [c.words_in(cell) for _n, cells in rows[:head] for cell in cells if c.words_in(cell)]
        self.title = next((words for words in above if not c.ABOVE.match(words)), "")
        self._second_head()
        self.more_words = c.more_words(rows[head][1] if rows else [], self.columns)
        self._strange(rows[head] if rows else (0, []))
        self.levels = sorted(c.LEVELS.index(column) for column in self.columns.values() if column in c.LEVELS)
        self.roots: list[Node] = []
        self.path: list[Node] = []
        self.leaves: list[Node] = []
        self.since_sum: list[Node] = []
        self.last = max((line for line, cells in self.body if self.has_points(cells)), default=0)
        self.is_over = False
        self.scores_seen = False

    def _second_head(self) -> None:
        """A second row of headings under a merged one, such as 自评 and 复核 under 评分."""
        if not self.body:
            return
        below = c.columns_of(self.body[0][1])
        texts = [cell for cell in self.body[0][1] if c.words_in(cell)]
        if below and len(below) == len(texts):
            # “指标” above “一级指标、二级指标”: what stands nearer to the rows is meant.
            levels = set(below.values()) & set(c.LEVELS)
            self.columns = {place: name for place, name in self.columns.items() if name not in levels}
            self.columns |= {
                place: name for place, name in below.items() if name not in self.columns.values()
            }
            self.body = self.body[1:]

    def _strange(self, head: Line) -> None:
        for place, cell in enumerate(head[1]):
            filled = any(place < len(cells) and c.words_in(cells[place]) for _n, cells in self.body)
            if not c.words_in(cell) or not filled or place in self.columns or place in self.more_words:
                continue
            twin = c.columns_of([cell]).get(0) if isinstance(cell, str) else None
            if twin in {c.POINTS, c.RULE, *c.LEVELS} and twin in self.columns.values():
                self.taken.wrong(
                    f"{self.name} {c.letters(place)}{head[0]}",
                    phrase(
                        "“%(name)s” stands above two columns. Leave one; the points of a group stand in its own cell: “组织管理（20分）”.",
                        name=twin,
                    ),
                )
            else:
                self.taken.remarks.append(c.unread(c.words_in(cell)[:40]))

    def address(self, line: int, column: str) -> str:
        place = next((place for place, name in self.columns.items() if name == column), 0)
        return f"{self.name} {c.letters(place)}{line}"

    def nodes(self) -> list[Node]:
        for line, cells in self.body:
            row = self.named(cells)
            if row and not c.is_header(c.columns_of(cells)):
                self.row(line, row)
        for node in _all(self.roots):
            self.looked_over(node)
        if self.scores_seen:
            self.taken.remarks.append(phrase("Scores that were filled in already were not read."))
        return self.roots

    def named(self, cells: list[Any]) -> dict[str, Any]:
        """Column → cell, of the cells with something in them; a second column of standards or notes is added to the first."""
        row = {
            name: cells[place]
            for place, name in self.columns.items()
            if place < len(cells) and cells[place] not in ("", None) and str(cells[place]).strip()
        }
        for place, name in self.more_words.items():
            if more := c.words_in(cells[place]) if place < len(cells) else "":
                row[name] = f"{c.words_in(row[name])}\n{more}" if name in row else more
        return row

    def has_points(self, cells: list[Any]) -> bool:
        """Whether a row has something in the column of points that is no line to sign on."""
        cell = self.named(cells).get(c.POINTS)
        return cell is not None and not c.SIGNED.search(c.words_in(cell))

    def looked_over(self, node: Node) -> None:
        """What only shows once all rows are read: a row of its own that heads a group, or what an indicator lacks."""
        if "no points" not in node.cells or node.children or node.elsewhere:
            return
        if node.bare:
            self.taken.wrong(
                node.place,
                phrase(
                    "Only a title stands in this row. An indicator needs its points; a group needs indicators below it, in columns further right."
                ),
            )
            return
        own = c.RULE in node.filled or self.name in EXTRAS.values()
        if not own and c.POINTS not in node.filled and "points" not in node.entry:
            self.taken.wrong(
                node.cells["no points"],
                phrase(
                    "This indicator has no points. Where a merged cell gives points to several rows, write them row by row; what nobody stated is “未写明”."
                ),
            )
        if c.RULE not in node.filled and self.judge:
            node.entry["rule"] = dict(JUDGED)
            self.judged += 1
        elif c.RULE not in node.filled:
            self.taken.wrong(
                node.cells["rule"],
                phrase(
                    "This indicator has no rule. Write one in the column “规则”, or let the inspectors judge what has none."
                ),
            )

    def row(self, line: int, row: dict[str, Any]) -> None:
        self.scores_seen = self.scores_seen or c.SELF in row or c.REVIEW in row
        named = [level for level in self.levels if c.LEVELS[level] in row]
        first = c.words_in(row.get(c.ID) or row.get(c.LEVELS[named[0]] if named else c.STANDARD, ""))
        first = first or c.words_in(next(iter(row.values())))
        said = [c.words_in(row[name]) for name in row if name in (c.ID, *c.LEVELS)]
        word = next(
            (word for word in (re.sub(r"\s", "", text) for text in said) if self.is_sum(word, row)), ""
        )
        if word:
            self.sum(line, word, row)
            self.is_over = line >= self.last and not word.startswith("小计")
        elif self.is_remark(first, row):
            self.is_over = line >= self.last
            self.taken.remarks.append(
                phrase(
                    "Line %(line)s was taken for a remark and not read: %(text)s", line=line, text=first[:40]
                )
            )
        elif not named:
            self.more(line, row)
        else:
            self.indicators(line, row, named)

    def is_sum(self, word: str, row: dict[str, Any]) -> bool:
        """Whether a row is one of sums: it says so alone, or it has no rule and no standard."""
        return bool(
            c.SUM_ALONE.fullmatch(word) or (c.SUMS.fullmatch(word) and not {c.RULE, c.STANDARD} & set(row))
        )

    def is_remark(self, first: str, row: dict[str, Any]) -> bool:
        """Whether a row is a remark, a line to sign on, or what goes on below the total or the first remark at the end."""
        filled = set(row) - {c.SELF, c.REVIEW}
        if filled & {c.ID, *c.LEVELS} and all(c.SIGNED.search(c.words_in(row[name])) for name in filled):
            return True
        if len(filled) != 1 or filled & {c.POINTS, c.RULE}:
            return False
        return bool(c.REMARKS.match(re.sub(r"\s", "", first))) or self.is_over

    def indicators(self, line: int, row: dict[str, Any], named: list[int]) -> None:
        """The groups that begin in this row, and the item it holds."""
        *groups, leaf = named
        for level in groups:
            said = c.words_in(row[c.LEVELS[level]])
            if not self.is_open(level, said):
                group = Node(c.group_in(said), level, self.address(line, c.LEVELS[level]), said)
                group.cells = dict.fromkeys({"id", "points"} & set(group.entry), group.place)
                self.put(group)
                self.elsewhere(group)
        node = self.leaf(line, row, leaf, c.words_in(row[c.LEVELS[leaf]]))
        node.bare = not set(row) - {c.ID, c.LEVELS[leaf]}
        node.text = node.text if node.bare else ""
        self.put(node)
        self.elsewhere(node)

    def elsewhere(self, node: Node) -> None:
        """Tell, once, that what is no basic indicator has a sheet of its own; it must not count among the basic points."""
        node.elsewhere = any(above.elsewhere for above in self.path[:-1])
        title = re.sub(r"\s", "", str(node.entry.get("title", "")))
        if node.elsewhere or c.OTHER in self.columns.values():
            return
        if c.EXTRAS.fullmatch(title):
            node.elsewhere = True
            self.taken.wrong(
                node.place,
                phrase(
                    "Bonus items and deductions stand on sheets of their own, “加分项” and “扣分项”. Move these rows there."
                ),
            )
        elif c.VETO_HEAD.fullmatch(title):
            node.elsewhere = True
            self.taken.wrong(
                node.place,
                phrase("Veto items stand on a sheet of their own, “否决项”. Move these rows there."),
            )

    def is_open(self, level: int, said: str) -> bool:
        """Whether this group goes on: some offices repeat its cell in every row instead of merging."""
        return any(node.level == level and node.text == said for node in self.path)

    def leaf(self, line: int, row: dict[str, Any], level: int, text: str) -> Node:
        # In our own form the id has a column; elsewhere it may stand in front of the title.
        own = (c.ID in row and not c.is_number(c.words_in(row[c.ID]))) or c.OTHER in self.columns.values()
        entry: dict[str, Any] = {"id": c.words_in(row[c.ID]), "title": text} if own and c.ID in row else {}
        place = self.address(line, c.LEVELS[level])
        id_place = self.address(line, c.ID) if entry else place
        if not entry:
            entry = c.group_in(text)
            if "points" in entry and c.POINTS in row:
                del entry["points"]
        node = Node(entry, level, place, text)
        node.cells = {"no points": self.address(line, c.POINTS)} | dict.fromkeys(
            {"points"} & set(entry), place
        )
        node.filled = frozenset(row)
        if "id" in entry:
            node.cells["id"] = id_place
        self.points(line, row, node)
        self.texts(line, row, node)
        self.rule(line, row, node)
        self.others(line, row, node)
        self.leaves.append(node)
        self.since_sum.append(node)
        return node

    def cell(self, node: Node, line: int, column: str, name: str) -> None:
        node.cells[name] = self.address(line, column)

    def points(self, line: int, row: dict[str, Any], node: Node) -> None:
        if c.POINTS not in row:
            return
        self.cell(node, line, c.POINTS, "points")
        try:
            node.entry["points"] = c.points_in(row[c.POINTS])
        except NotationError as error:
            self.taken.wrong(node.cells["points"], error.message)

    def texts(self, line: int, row: dict[str, Any], node: Node) -> None:
        for column, name in ((c.STANDARD, "standard"), (c.NOTES, "notes"), (c.SOURCE, "source")):
            if column in row:
                node.entry[name] = c.words_in(row[column]).replace("\r\n", "\n")
                self.cell(node, line, column, name)
        if c.EVIDENCE in row:
            self.cell(node, line, c.EVIDENCE, "evidence")
            node.entry["evidence"] = evidence_in(c.words_in(row[c.EVIDENCE]))

    def rule(self, line: int, row: dict[str, Any], node: Node) -> None:
        self.cell(node, line, c.RULE if c.RULE in self.columns.values() else c.STANDARD, "rule")
        if c.RULE not in row:
            return
        try:
            node.entry["rule"] = rule_in(c.words_in(row[c.RULE]))
        except NotationError as error:
            self.taken.wrong(node.cells["rule"], error.message)

    def others(self, line: int, row: dict[str, Any], node: Node) -> None:
        if c.OTHER not in row:
            return
        place = self.address(line, c.OTHER)
        node.cells["other"] = place
        _overlaid(self.taken, node.entry, c.words_in(row[c.OTHER]), place)

    def put(self, node: Node) -> None:
        while self.path and self.path[-1].level >= node.level:
            self.path.pop()
        (self.path[-1].children if self.path else self.roots).append(node)
        self.path.append(node)

    def more(self, line: int, row: dict[str, Any]) -> None:
        """A row without an indicator: more words about the one above."""
        node = self.leaves[-1] if self.leaves else None
        unfit = next((name for name in (c.POINTS, c.RULE, c.ID, c.OTHER) if name in row), None)
        if node is None or unfit:
            self.taken.wrong(
                self.address(line, unfit or c.LEVELS[0]),
                phrase("This row has no indicator. Name one, or put the cells into the row above."),
            )
            return
        for column, name in ((c.STANDARD, "standard"), (c.NOTES, "notes")):
            if column in row:
                node.entry[name] = "\n".join(
                    filter(None, (node.entry.get(name, ""), c.words_in(row[column])))
                )
        if c.EVIDENCE in row:
            node.entry["evidence"] = [*node.entry.get("evidence", []), c.words_in(row[c.EVIDENCE])]

    def sum(self, line: int, word: str, row: dict[str, Any]) -> None:
        """A row of sums is not an indicator; it is only compared."""
        inside = c.SUM_INSIDE.search(word)
        if c.POINTS not in row and not inside:
            return
        try:
            stated = exact(c.points_in(row[c.POINTS] if c.POINTS in row else inside[1] if inside else ""))
        except (NotationError, ValueError):
            return
        top = self.roots[-1] if self.roots else None
        under = [leaf for leaf in self.leaves if top is not None and _is_below(top, leaf)]
        whole = [self.leaves] if not word.startswith("小计") else [self.since_sum, under]
        found = [_sum(leaf for leaf in leaves if not leaf.children) for leaves in whole]
        self.since_sum = []
        if None in found or stated in found:
            return
        said = next((name for name in (c.POINTS, c.ID, *c.LEVELS) if name in row), c.POINTS)
        self.taken.wrong(
            self.address(line, said),
            phrase(
                "This sum says %(stated)s, the rows come to %(found)s.",
                stated=stated,
                found=plain(found[0] or Fraction(0)),
            ),
        )


def _is_below(top: Node, leaf: Node) -> bool:
    return leaf is top or any(_is_below(child, leaf) for child in top.children)


def _pointed(nodes: Iterable[Node]) -> Iterable[Node]:
    """The uppermost nodes that say their points, or items."""
    for node in nodes:
        if node.children and "points" not in node.entry:
            yield from _pointed(node.children)
        else:
            yield node


def _sum(leaves: Iterable[Node]) -> Fraction | None:
    total = Fraction(0)
    for leaf in leaves:
        if leaf.entry.get("points") is None:
            return None
        total += exact(leaf.entry["points"])
    return total


def rule_in(text: str) -> dict[str, Any]:
    """The rule of a cell: its kind in the first line, then one setting a line. Raises NotationError in words."""
    first, _break, rest = text.strip().partition("\n")
    if not re.match(r"(类型|類型|kind)\s*[:：]", first):
        text = f"{SETTINGS['kind']}：{first}\n{rest}"
    given = read_lines(text)
    if given.get("kind") not in KINDS:
        raise NotationError(
            phrase(
                "“%(text)s” is no kind of rule. There are: %(known)s.",
                text=str(given.get("kind"))[:40],
                known="、".join(KINDS.values()),
            )
        )
    found: dict[str, Any] = coerced(given, {"$ref": "#/$defs/rule"})
    return found


def _overlaid(taken: Taken, entry: dict[str, Any], text: str, place: str) -> None:
    try:
        overlaid(entry, text)
    except NotationError as error:
        taken.wrong(place, error.message)


def overlaid(entry: dict[str, Any], text: str) -> None:
    """Put settings, one a line, over what an entry says already. Raises NotationError in words."""
    given = read_lines(text)
    titles = {LANGUAGES[word]: given.pop(word) for word in LANGUAGES if word in given}
    if titles and isinstance(entry.get("title"), str):
        entry["title"] = {"zh-Hans": entry["title"], **titles}
    if given.get("title") == c.NOT_STATED:
        del given["title"]
        entry.pop("title", None)
    entry.update(coerced(given, {"$ref": "#/$defs/item"}))


def evidence_in(text: str) -> list[str]:
    """The kinds of evidence of a cell; what is no list is one kind."""
    try:
        value = read_value("evidence", text)
    except NotationError:
        return [text]
    found = value if isinstance(value, list) else [value]
    return found if all(isinstance(entry, str) for entry in found) else [text]


def _placed(
    taken: Taken, nodes: list[Node], path: Path, groups: dict[str, tuple[str, str]]
) -> list[dict[str, Any]]:
    """The entries of nodes with ids, and where each came from."""
    used = {node.entry["id"] for node in _all(nodes) if "id" in node.entry}
    return [_entry(taken, node, (*path, place), "", place, used, groups) for place, node in enumerate(nodes)]


def _all(nodes: Iterable[Node]) -> Iterable[Node]:
    for node in nodes:
        yield node
        yield from _all(node.children)


def _entry(
    taken: Taken,
    node: Node,
    path: Path,
    parent: str,
    place: int,
    used: set[str],
    groups: dict[str, tuple[str, str]],
) -> dict[str, Any]:
    entry = node.entry
    if not entry.get("id"):
        entry["id"] = _new_id(parent, place, used)
    taken.places[path] = node.place
    for name, cell in node.cells.items():
        taken.places[(*path, name)] = cell
    if node.children:
        if entry["id"] in groups:
            cell, text = groups.pop(str(entry["id"]))
            _overlaid(taken, entry, text, cell)
        entry["children"] = [
            _entry(taken, child, (*path, "children", number), str(entry["id"]), number, used, groups)
            for number, child in enumerate(node.children)
        ]
    return entry


def _new_id(parent: str, place: int, used: set[str]) -> str:
    """A, B, C for what stands on top; A1, A1-2 below."""
    number = place
    while True:
        name = (
            (chr(65 + number) if number < 26 else f"A{number}")
            if not parent
            else (f"{parent}{number + 1}" if not parent[-1:].isdigit() else f"{parent}-{number + 1}")
        )
        if name not in used:
            used.add(name)
            return name
        number += 1


class _Settings:
    """Reads the sheet of settings: a name and a value a row."""

    def __init__(self, taken: Taken, rows: Sequence[Line]) -> None:
        self.taken = taken
        self.values: dict[str, Any] = {}
        self.groups: dict[str, tuple[str, str]] = {}
        for line, cells in rows:
            name, text = [*(c.words_in(cell) for cell in cells[:2]), "", ""][:2]
            if name and name != "设置":
                self.row(line, name, text)

    def row(self, line: int, name: str, text: str) -> None:
        place = f"{c.SETTINGS} B{line}"
        if name.startswith(c.INDICATORS + " "):
            self.groups[name.partition(" ")[2].strip()] = (place, text)
            return
        setting = SETTING_OF.get(simplified(name), name)
        self.taken.places[(setting,)] = place
        try:
            value = coerced({setting: read_value(setting, text)}, rubric_schema())[setting]
        except NotationError as error:
            self.taken.wrong(place, error.message)
            return
        if isinstance(value, list):
            value = [*self.values.get(setting, []), *value]
        self.values[setting] = value

    def unused_groups(self) -> None:
        for name, (place, _text) in self.groups.items():
            self.taken.wrong(place, phrase("There is no item “%(id)s”.", id=name))


def _extra(taken: Taken, name: str, title: str, rows: Sequence[Line], judge: bool) -> None:
    table = _Table(taken, title, rows, judge)
    if not table.columns:
        return
    entries = _placed(taken, table.nodes(), (name, "items"), {})
    if entries:
        taken.values[name] = {**taken.values.get(name, {}), "items": entries}


def _vetoes(taken: Taken, rows: Sequence[Line]) -> None:
    found: list[dict[str, Any]] = []
    for line, cells in rows:
        number, title, effect, notes, more = [*(c.words_in(cell) for cell in cells[:5]), *[""] * 5][:5]
        if number == c.ID:
            continue
        place = f"{c.VETOES} A{line}"
        path: Path = ("vetoes", len(found))
        taken.places |= {
            path: place,
            (*path, "effect"): f"{c.VETOES} C{line}",
            (*path, "title"): f"{c.VETOES} B{line}",
        }
        entry: dict[str, Any] = {"id": number, "title": title}
        try:
            entry["effect"] = read_value("effect", effect)
        except NotationError as error:
            taken.wrong(f"{c.VETOES} C{line}", error.message)
        if notes:
            entry["notes"] = notes
        _overlaid(taken, entry, more, f"{c.VETOES} E{line}")
        found.append(coerced(entry, {"$ref": "#/$defs/veto"}))
    if found:
        taken.values["vetoes"] = found


def _complete(taken: Taken, table: _Table, has_settings: bool) -> None:
    """What a sheet without settings leaves open: format, name, total."""
    if has_settings:
        return
    title = table.title or table.name
    taken.values |= {
        "schema": 1,
        "title": title,
        "id": re.sub(r"[\s\[\].,:{}\"'（）()《》]", "", title)[:80] or "rubric",
    }
    # A group's own points stand before the sum of its rows, which is checked against them.
    total = _sum(_pointed(table.roots))
    points: Any = None if total is None else int(total) if total.denominator == 1 else Decimal(plain(total))
    taken.values["total"] = (
        {"points": points} if points is not None else {"points": None, "status": "unknown"}
    )
