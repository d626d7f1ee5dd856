"""The uploaded file with a column that says what is wrong in each row: a workbook stays one, a package becomes CSV.

Texts are simplified Chinese, as the sheets are. Everything is written as text, and in CSV a cell that a spreadsheet
would take for a formula gets an apostrophe in front (OWASP, CSV injection).
"""

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import xlsxwriter

from portal import i18n
from portal.roster.archives import open_archive
from portal.roster.cleaning import as_typed
from portal.roster.package import open_package
from portal.roster.problems import Problem, UnreadableError
from portal.roster.reading import Format, open_roster
from portal.roster.sheet_process import cells_of
from portal.roster.workbook import sheet_keys, value_of

HEADING = "问题"
GENERAL = "整份文件"
RISKY = ("=", "+", "-", "@", "\t", "\r")
LONGEST = 32_000
Notes = dict[tuple[str, int], list[str]]


def annotate(path: Path, target: Path, problems: Iterable[Problem]) -> None:
    """Write the annotated file to `target`. A file that cannot be read again gives a list of its problems alone."""
    with i18n.speaking("zh-Hans"):
        notes = notes_by_row(problems, i18n.gettext)
    try:
        roster = open_roster(path)
        roster.close()
        if roster.format is Format.WORKBOOK:
            annotate_workbook(path, target, notes)
        else:
            annotate_package(path, target, notes)
    except UnreadableError:
        write_list(target, notes)


def notes_by_row(problems: Iterable[Problem], translate: Callable[[str], str]) -> Notes:
    """Sentences by (file, line), each with the heading it is about."""
    notes: Notes = defaultdict(list)
    for problem in problems:
        words = problem.words(translate)
        notes[problem.file, problem.line].append(f"{problem.field}：{words}" if problem.field else words)
    return notes


def annotate_workbook(path: Path, target: Path, notes: Notes) -> None:
    """The sheets of the template with their rows where they were, and the problems in front."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        mark = book.add_format({"bg_color": "#FCE8E5", "font_color": "#A8322A", "text_wrap": True})
        write_general(book, notes)
        page, name, column = None, "", 0
        try:
            for message in cells_of(path, sheet_keys()):
                if isinstance(message, dict):
                    if "sheet" in message:
                        name, column = message["sheet"], 0
                        page = book.add_worksheet(name[:31])
                        page.set_column(0, 0, 60)
                elif page is not None:
                    write_row(page, name, message[0], message[1], notes, mark, is_first=column == 0)
                    column = 1
        except UnreadableError:
            return


def write_row(
    page: xlsxwriter.worksheet.Worksheet,
    name: str,
    number: int,
    cells: list[Any],
    notes: Notes,
    mark: xlsxwriter.format.Format,
    is_first: bool,
) -> None:
    """One row under its old number; the problems stand in front, where a wide table does not hide them."""
    said = "\n".join(notes.get((name, number), ()))[:LONGEST]
    if said:
        page.write_string(number - 1, 0, said, mark)
    elif is_first:
        page.write_string(number - 1, 0, HEADING)
    for column, cell in enumerate(cells, start=1):
        if cell != "":
            page.write_string(number - 1, column, without_controls(as_typed(value_of(cell)))[:LONGEST])


def without_controls(text: str) -> str:
    """Text that a workbook can hold."""
    return "".join(letter if letter >= " " or letter in "\t\n" else "�" for letter in text)


def write_general(book: xlsxwriter.Workbook, notes: Notes) -> None:
    """A sheet of what is not about one row."""
    general = [(file, text) for (file, line), texts in notes.items() if line == 0 for text in texts]
    if general:
        page = book.add_worksheet(HEADING)
        page.set_column(0, 0, 18)
        page.set_column(1, 1, 90)
        for row, (file, text) in enumerate(general):
            page.write_string(row, 0, file or GENERAL)
            page.write_string(row, 1, text[:LONGEST])


def annotate_package(path: Path, target: Path, notes: Notes) -> None:
    """The CSV files as UTF-8 with a mark for spreadsheets, and the column at the right; a list of general remarks."""
    with open_archive(path) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        general = [
            (file or GENERAL, "", text)
            for (file, line), texts in notes.items()
            if line == 0
            for text in texts
        ]
        if general:
            made.writestr("问题.csv", "\ufeff" + as_csv([("文件", "行", HEADING), *general]))
        for file in open_package(archive).files.values():
            with made.open(file.name, "w") as stream:
                stream.write("\ufeff".encode())
                for text in annotated_lines(file.name, file.lines(), notes):
                    stream.write(text.encode())


def annotated_lines(name: str, lines: Iterator[tuple[int, list[str]]], notes: Notes) -> Iterator[str]:
    """Lines of one CSV file with the column at the right; reading ends where the file breaks off."""
    try:
        for at, (number, cells) in enumerate(lines):
            said = "；".join(notes.get((name, number), ()))
            yield as_csv([(*cells, HEADING if at == 0 and not said else said)])
    except UnreadableError as stopped:
        yield as_csv([(stopped.problem.words(i18n.gettext),)])


def write_list(target: Path, notes: Notes) -> None:
    """A workbook that only lists the problems."""
    with xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        page = book.add_worksheet(HEADING)
        page.set_column(2, 2, 90)
        rows = [
            (file or GENERAL, str(line or ""), text)
            for (file, line), texts in notes.items()
            for text in texts
        ]
        for row, cells in enumerate([("文件", "行", HEADING), *rows]):
            for column, text in enumerate(cells):
                page.write_string(row, column, without_controls(text)[:LONGEST])


def as_csv(rows: Iterable[Iterable[str]]) -> str:
    """Rows as CSV, harmless in a spreadsheet."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell.startswith(RISKY) else cell
