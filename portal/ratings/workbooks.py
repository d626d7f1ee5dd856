"""Rubrics in and out as the workbook that offices use."""

import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from portal import archives
from portal.ratings.rubric import Problem, RubricError
from portal.ratings.rubric import columns as c
from portal.ratings.rubric.problems import Message, phrase
from portal.ratings.rubric.tables import Page, pages
from portal.ratings.rubric.takingin import Line, Taken, take
from portal.ratings.rubric.words import EXAMPLES
from portal.roster.problems import UnreadableError
from portal.roster.sheet_process import cells_of

LARGEST_WORKBOOK = 1024 * 1024
LIMITS = archives.Limits(entries=200, unpacked_bytes=32 * 1024 * 1024)
MOST_SHEETS = 20
MOST_ROWS = 5_000
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GUIDE = "怎样填写"
WIDTHS = {
    c.ID: 8, c.POINTS: 7, c.STANDARD: 36, c.RULE: 44, c.EVIDENCE: 18, c.SOURCE: 20, c.SELF: 8, c.REVIEW: 8,
    c.NOTES: 24, c.OTHER: 24, "设置": 16, "内容": 90, "名称": 40, "后果": 14,
}  # fmt: skip
LINES = (
    "1. “指标”表一行一个要打分的指标；上级指标写在它第一行的格子里，例如“B 家长学校（24分）”，下面的行空着或合并。",
    "2. “规则”一格第一行写规则名称，以后每行一个设置，写法见下。没有这一格，就说不清怎样计分。",
    "3. “评分标准”写本局的原话，给人看；计分只按“规则”。",
    "4. 加分项、扣分项、否决项、星级标准各在自己的表里。“自评”“复核”打印出来填写，读入时不看。",
    "5. “；”分开一条一条，“，”连着同一条里的几个设置，（ ）里是一组，［ ］里是一串。有歧义的文字加“引号”。",
)  # fmt: skip


def is_workbook(raw: bytes) -> bool:
    """Whether a file is a package such as XLSX, or an old workbook."""
    return raw.startswith((archives.ZIP_MAGIC, archives.OLE_MAGIC))


def taken_from(raw: bytes, judge_without_rule: bool = False) -> Taken:
    """What a workbook says. Raises RubricError in words when it cannot be opened safely."""
    try:
        with archives.opened(io.BytesIO(raw), LIMITS):
            pass
        with tempfile.TemporaryDirectory(prefix="rubric-") as folder:
            path = Path(folder) / "rubric.xlsx"
            path.write_bytes(raw)
            sheets, remarks = _sheets(path)
            taken = take(sheets, judge_without_rule)
            taken.remarks += remarks
            return taken
    except (archives.ArchiveRefused, UnreadableError):
        raise RubricError(
            [
                Problem(
                    None,
                    "",
                    phrase(
                        "This workbook cannot be opened: it is damaged, locked, has macros or is far too large. Save it as .xlsx and try again."
                    ),
                )
            ]
        ) from None


def _sheets(path: Path) -> tuple[dict[str, Sequence[Line]], list[Message]]:
    """The rows of every visible sheet, by its name, and what nobody sees of them in a spreadsheet program."""
    names = next(iter(cells_of(path, [])))["sheets"][:MOST_SHEETS]
    found: dict[str, list[Line]] = {}
    remarks: list[Message] = []
    hidden: set[str] = set()
    name = ""
    for message in cells_of(path, [name.strip().casefold() for name in names]):
        if isinstance(message, dict):
            name = str(message.get("sheet", "")).strip()
            if name:
                found[name] = []
                facts = message["facts"]
                hidden |= {name} if facts["hidden"] else set()
                if facts["hidden_rows"] and not facts["hidden"]:
                    line = facts["first_hidden"]
                    remarks.append(
                        phrase(
                            "Sheet “%(name)s” has hidden rows, line %(line)s first. They were read too.",
                            name=name,
                            line=line,
                        )
                    )
        elif len(found[name]) < MOST_ROWS:
            found[name].append((message[0], message[1]))
    return {name: rows for name, rows in found.items() if name not in hidden and name != GUIDE}, remarks


def workbook(values: Mapping[str, Any], title: str) -> bytes:
    """A rubric's values as XLSX: the table, its extras, the settings, and how to fill it in."""
    packed = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(packed, options) as book:
        book.set_properties({"title": title})
        formats = _formats(book)
        for page in pages(values):
            _write(book.add_worksheet(page.name), page, title, formats)
        _guide(book.add_worksheet(GUIDE), formats)
    return packed.getvalue()


def _formats(book: xlsxwriter.Workbook) -> dict[str, Format]:
    cell = {"text_wrap": True, "valign": "vcenter", "border": 1, "font_size": 10}
    return {
        "title": book.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"}),
        "heading": book.add_format(cell | {"bold": True, "align": "center", "bg_color": "#E3F1EC"}),
        "cell": book.add_format(cell),
        "middle": book.add_format(cell | {"align": "center"}),
        "text": book.add_format({"text_wrap": True, "valign": "top", "font_size": 11}),
    }


def _write(sheet: Worksheet, page: Page, title: str, formats: Mapping[str, Format]) -> None:
    """One sheet; on sheets of indicators the title of the rubric stands above the headings."""
    top = 0
    if page.name == c.INDICATORS:
        sheet.merge_range(0, 0, 0, len(page.headings) - 1, title, formats["title"])
        sheet.set_row(0, 30)
        top = 1
    for place, name in enumerate(page.headings):
        sheet.set_column(place, place, WIDTHS.get(name, 18))
        sheet.write_string(top, place, name, formats["heading"])
    merged: dict[int, int] = {}
    for line, row in enumerate(page.rows, top + 1):
        for place, cell in enumerate(row.cells):
            span = row.spans.get(place, 1)
            if span > 1:
                sheet.merge_range(line, place, line + span - 1, place, "", formats["cell"])
                merged[place] = line + span
            if line >= merged.get(place, 0) or span > 1:
                _cell(sheet, line, place, cell, formats)
    sheet.freeze_panes(top + 1, 0)
    sheet.repeat_rows(top)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _cell(sheet: Worksheet, line: int, place: int, cell: Any, formats: Mapping[str, Format]) -> None:
    if cell is None or cell == "":
        sheet.write_blank(line, place, None, formats["cell"])
    elif isinstance(cell, str):
        sheet.write_string(line, place, cell, formats["cell"])
    else:
        sheet.write_number(line, place, cell, formats["middle"])


def _guide(sheet: Worksheet, formats: Mapping[str, Format]) -> None:
    sheet.set_column(0, 0, 110)
    line = 0
    for text in LINES:
        sheet.write_string(line, 0, text, formats["text"])
        line += 1
    sheet.write_string(line + 1, 0, "每种规则的例子（照样写进“规则”一格）：", formats["heading"])
    for place, text in enumerate(EXAMPLES.values(), line + 2):
        sheet.write_string(place, 0, text, formats["cell"])
