"""The stars of a round on their way into the year-end target assessment: one sheet in a fixed form, and its check.

Only schools stand in it whose result nothing can change any more: decided, published, every term over, nothing being
examined. Each row is scored again from the stored inputs when it is written, and again when a file is checked. The form is
described in docs/district.md; it does not change with the language of whoever takes it out.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock, i18n
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings import concerns, remedies, windows
from portal.ratings.deciding import stored_result
from portal.ratings.models import Entry, EntryState, Objection, Round, RoundState
from portal.ratings.reading import points
from portal.ratings.rubric import Result, Rubric
from portal.ratings.rubrics import rubric_of, words
from portal.ratings.standing import Naming, NamingKind
from portal.roster.annotating import harmless
from portal.roster.sheet_process import cells_of
from portal.settings import Lines, Setting
from portal.settings.declaring import held
from portal.trail.models import TrailEntry, TrailHead

PAIR = re.compile(r"([0-9]|10):(\d{1,4}(?:\.\d{1,2})?)")
MOST_ROWS = 10_000
LARGEST = 8 * 1024 * 1024


@dataclass(frozen=True)
class StarPoints(Lines):
    """What each star is worth in the target assessment, one a line: ``5:10``; no star twice."""

    longest: int = 10
    most: int = 11

    def fits(self, value: object) -> bool:
        """Whether every line is a star and its points, and no star stands twice."""
        if not isinstance(value, list) or not super().fits(value):
            return False
        found = [PAIR.fullmatch(line) for line in value]
        return all(found) and len({one[1] for one in found if one}) == len(value)

    def wanted(self) -> str:
        """What to write, for whoever wrote something else."""
        return _("Write one star a line with its points, such as 5:10. No star twice.")


STAR_POINTS: Setting[Any] = Setting(
    "ratings.target_points",
    StarPoints(),
    [],
    label=_l("Year-end target assessment: points of each star"),
    help=_l(
        "One star a line with its points, such as 5:10; 0 is a school without a star. Name the document it rests on."
    ),
)
"""No default: what a star is worth is decided by the paper of the district, not by us."""

FIXED = (
    "学校", "学校代码", "轮次", "轮次编号", "细则", "细则版本", "细则指纹", "星级", "总分", "参评条件", "一票否决", "决定日期", "公布日期",
    "有效期至", "命名文号", "目标考核折算分", "折算依据",
)  # fmt: skip
"""The first columns, in this order; then one for each first-level indicator, then these:"""
LAST = ("导出日期", "日志链首")
ROUND, DAY, HEAD, SCHOOL, CODE = "轮次编号", "导出日期", "日志链首", "学校", "学校代码"
SHEET_NAME = "年终目标考核"
MIMES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
Row = dict[str, str]


def final(round_: Round, on: date) -> list[Entry]:
    """The schools of a round whose result stands for good, by name. Four queries."""
    wanted = (
        select(Entry)
        .where(Entry.round_id == round_.id)
        .options(
            joinedload(Entry.school),
            joinedload(Entry.round).joinedload(Round.rubric_version),
        )
    )
    entries = list(db.session.scalars(wanted))
    if round_.state != RoundState.PUBLISHED:
        return []
    ids = [entry.id for entry in entries]
    cases: dict[int, list[Objection]] = {}
    for case in db.session.scalars(
        select(Objection).where(Objection.entry_id.in_(ids)).order_by(Objection.tier)
    ):
        cases.setdefault(case.entry_id, []).append(case)
    examined, known = concerns.waiting(ids), windows.of_round(round_.id)
    found = [
        entry
        for entry in entries
        if entry.state == EntryState.DECIDED
        and entry.id not in examined
        and remedies.is_final(entry, cases.get(entry.id, []), on, known)
    ]
    found.sort(key=lambda entry: (entry.school.name_pinyin, entry.school.code, entry.id))
    return found


def domains(rubric: Rubric) -> list[tuple[str, str]]:
    """(id, heading of its column) of each first-level indicator, in the order of the rubric."""
    return [(item.id, f"{item.id} {words(item.title)}") for item in rubric.items]


def headings(rubric: Rubric) -> list[str]:
    """All headings of the sheet of a rubric."""
    return [*FIXED, *(heading for _id, heading in domains(rubric)), *LAST]


def mapping(district_id: int, on: date) -> tuple[dict[str, str], str]:
    """What each star is worth on a day, and the document that says so."""
    row = STAR_POINTS.row(held(district_id, None), on)
    if row is None:
        return {}, ""
    return dict(line.split(":") for line in row.value), row.document


def rows(round_: Round, on: date, head: str) -> list[Row]:
    """The lines of the sheet as it is on a day, every result scored again; ``round_`` comes with its rubric version."""
    entries = final(round_, on)
    worth, document = mapping(round_.district_id, on)
    numbers = _numbers([entry.id for entry in entries], on)
    with i18n.speaking(i18n.DEFAULT.tag):
        return [
            found
            | {
                "目标考核折算分": worth.get(found["星级"], ""),
                "折算依据": document,
                DAY: on.isoformat(),
                HEAD: head,
            }
            for found in (_row(entry, stored_result(entry), numbers.get(entry.id, "")) for entry in entries)
        ]


def _numbers(entry_ids: Sequence[int], on: date) -> dict[int, str]:
    """The number under which each school was named after the round, as far as it was named by that day."""
    wanted = select(Naming.entry_id, Naming.number).where(
        Naming.entry_id.in_(entry_ids), Naming.kind == NamingKind.NAMED, Naming.named_on <= on
    )
    return {entry_id: number for entry_id, number in db.session.execute(wanted)}


def _row(entry: Entry, result: Result, number: str) -> Row:
    version, rubric = entry.round.rubric_version, rubric_of(entry.round.rubric_version)
    struck = [words(veto.title) for veto in result.vetoes if veto.struck]
    missed = [words(gate.title) for gate in result.gates if gate.holds is False]
    found = {top.item.id: points(top.points) for top in result.items}
    return {
        SCHOOL: entry.school.name,
        "学校代码": entry.school.code,
        "轮次": entry.round.name,
        ROUND: entry.round.public_id,
        "细则": version.name,
        "细则版本": str(version.version),
        "细则指纹": version.sha256,
        "星级": str(result.standing.star or 0),
        "总分": points(result.total),
        "参评条件": "；".join(missed) or "符合",
        "一票否决": "；".join(struck) or "无",
        "决定日期": clock.local(entry.decided_at).date().isoformat() if entry.decided_at else "",
        "公布日期": _iso(entry.round.published_on),
        "有效期至": _iso(entry.round.valid_until_on),
        "命名文号": number,
        **{heading: found[name] for name, heading in domains(rubric)},
    }


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def chain_head() -> str:
    """Where the log stands now: the number of its newest entry and the beginning of its hash."""
    head = db.session.execute(select(TrailHead.sequence, TrailHead.entry_hash)).one_or_none()
    return f"{head.sequence}:{bytes(head.entry_hash).hex()[:32]}" if head else ""


def written(found: Sequence[Row], round_: Round, ending: str) -> bytes:
    """The lines of a sheet as a file, XLSX or CSV; ``round_`` comes with its rubric version."""
    with i18n.speaking(i18n.DEFAULT.tag):
        names = headings(rubric_of(round_.rubric_version))
    table = [names, *([row[name] for name in names] for row in found)]
    return _csv(table) if ending == "csv" else _xlsx(table)


def _csv(table: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([harmless(cell) for cell in line] for line in table)
    return text.getvalue().encode("utf-8-sig")


def _xlsx(table: Sequence[Sequence[str]]) -> bytes:
    packed = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(packed, options) as book:
        page = book.add_worksheet(SHEET_NAME)
        page.freeze_panes(1, 1)
        page.set_landscape()
        page.set_column(0, len(table[0]) - 1, 14)
        for number, line in enumerate(table):
            for column, cell in enumerate(line):
                page.write_string(number, column, cell)
    return packed.getvalue()


def taken(path: Path) -> list[Row]:
    """The lines of a file that was taken out before. Raises ValueError when it is none, UnreadableError when it is broken."""
    if path.stat().st_size > LARGEST:
        raise ValueError
    with path.open("rb") as file:
        packed = file.read(4) == b"PK\x03\x04"
    try:
        table = _cells(path) if packed else _lines(path)
    except csv.Error as error:
        raise ValueError from error
    if len(table) < 2 or not {SCHOOL, CODE, ROUND, DAY, HEAD} <= set(table[0]) or len(table) > MOST_ROWS:
        raise ValueError
    names = table[0]
    found = [
        {
            name: cell.removeprefix("'") if cell[1:2] in "=+-@" else cell
            for name, cell in zip(names, [*line, *[""] * len(names)], strict=False)
        }
        for line in table[1:]
        if any(line)
    ]
    if not found:
        raise ValueError
    return found


def _lines(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def _cells(path: Path) -> list[list[str]]:
    found: list[list[str]] = []
    for message in cells_of(path, [SHEET_NAME]):
        if not isinstance(message, dict) and len(found) <= MOST_ROWS:
            found.append(["" if cell is None else str(cell) for cell in message[1]])
    return found


def differences(found: Sequence[Row]) -> list[str]:
    """Where a file is not what the portal would have written on its day, line by line, in words; empty when it is."""
    wrong = (
        [_("Lines of different rounds or days.")]
        if len({(row[ROUND], row[DAY]) for row in found}) > 1
        else []
    )
    first = found[0]
    round_ = db.session.scalar(
        select(Round).where(Round.public_id == first[ROUND]).options(joinedload(Round.rubric_version))
    )
    if round_ is None:
        return [*wrong, _("There is no such round.")]
    try:
        on = date.fromisoformat(first[DAY])
    except ValueError:
        return [*wrong, _("The day of the export cannot be read.")]
    wrong += _head_faults({row[HEAD] for row in found})
    ours = {row[CODE]: row for row in rows(round_, on, first[HEAD])}
    theirs = {row[CODE]: row for row in found}
    wrong += [
        _("Twice in the file: %(code)s", code=code)
        for code in theirs
        if sum(r[CODE] == code for r in found) > 1
    ]
    wrong += [
        _("Missing in the file: %(school)s", school=ours[code][SCHOOL]) for code in ours if code not in theirs
    ]
    wrong += [
        _("Not in the round: %(school)s", school=row[SCHOOL])
        for code, row in theirs.items()
        if code not in ours
    ]
    for code, row in theirs.items():
        for name, value in ours.get(code, {}).items():
            if row.get(name, "") != value:
                wrong.append(
                    _(
                        "%(school)s, %(column)s: the file says “%(told)s”, the portal “%(found)s”.",
                        school=ours[code][SCHOOL],
                        column=name,
                        told=row.get(name, ""),
                        found=value,
                    )
                )
    return wrong


def _head_faults(heads: set[str]) -> list[str]:
    """Whether the entry of the log that a file names is there with this hash; one that was removed after its time is not asked."""
    wrong = []
    for head in sorted(heads):
        sequence, _colon, begun = head.partition(":")
        if not sequence.isdigit() or len(begun) != 32:
            wrong.append(_("The head of the log in the file cannot be read."))
            continue
        ours = db.session.scalar(select(TrailEntry.entry_hash).where(TrailEntry.sequence == int(sequence)))
        pruned = db.session.scalar(select(TrailHead.pruned_through)) or 0
        if int(sequence) > pruned and (ours is None or bytes(ours).hex()[:32] != begun):
            wrong.append(_("The log has no entry %(number)s with this hash.", number=sequence))
    return wrong
