"""Open a stranger's workbook in a process of its own and print its cells as JSON lines.

Run as a script, so that it loads nothing of the portal. Arguments: path, memory in bytes, CPU seconds, rows, columns.
Lines: {"sheets": [...], "is_1904": bool} first; for each sheet asked for, {"sheet": name, "facts": {...}} and then
[line number, [cells]]; {"end": true} last. A day is {"day": "2026-09-01"}. Anything else in front of the end means
that the process died. Only values are read: formulas, macros and links are never followed.
"""

import json
import re
import resource
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree import ElementTree

import python_calamine

ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
ROW_NUMBER = re.compile(rb'\br="(\d+)"')
HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*ref="([A-Z0-9:]+)"')
DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
# A cell with something in it (not self-closed), for its column letters and row.
FILLED = re.compile(rb'<(?:\w+:)?c\s(?:[^>]*\s)?r="([A-Z]{1,4})(\d{1,8})"[^>]*[^/]>')
CHUNK = 1 << 22
OVERLAP = 2048
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class RefusedError(Exception):
    """The workbook is not read; carries a word the reader knows."""


def main(path: str, memory: str, seconds: str, most_rows: str, most_columns: str, *wanted: str) -> None:
    """Limit this process, then say what the workbook holds or why it is not read."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        tell_workbook(path, int(most_rows), int(most_columns), wanted)
    except RefusedError as refused:
        say({"refused": refused.args[0], "sheet": refused.args[1] if len(refused.args) > 1 else ""})
    except (
        python_calamine.CalamineError,
        zipfile.BadZipFile,
        ElementTree.ParseError,
        KeyError,
        OSError,
        ValueError,
    ):
        say({"refused": "damaged", "sheet": ""})
    except MemoryError:
        say({"refused": "memory", "sheet": ""})


def tell_workbook(path: str, most_rows: int, most_columns: int, wanted: tuple[str, ...]) -> None:
    """Say what the workbook holds, then the cells of the wanted sheets in the order wanted."""
    parts, is_1904 = sheet_parts(path)
    with python_calamine.CalamineWorkbook.from_path(path) as workbook:
        hidden = {
            sheet.name: sheet.visible != python_calamine.SheetVisibleEnum.Visible
            for sheet in workbook.sheets_metadata
        }
        say({"sheets": workbook.sheet_names, "is_1904": is_1904})
        by_key = {name.strip().casefold(): name for name in workbook.sheet_names}
        for name in [by_key[key] for key in wanted if key in by_key]:
            facts = look_over(path, parts.get(name), name, most_rows, most_columns)
            say({"sheet": name, "facts": facts | {"hidden": hidden.get(name, False)}})
            tell_sheet(workbook.get_sheet_by_name(name))
    say({"end": True})


def sheet_parts(path: str) -> tuple[dict[str, str], bool]:
    """The zip entry of each sheet by its name, and whether days count from 1904."""
    with zipfile.ZipFile(path) as archive:
        names = {entry.filename.lower() for entry in archive.infolist()}
        if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
            raise RefusedError("macros")
        if "encryptedpackage" in names:
            raise RefusedError("password")
        for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"):
            if DOCTYPE.search(archive.read(name)):
                raise RefusedError("entities")
        if b"macroEnabled" in archive.read("[Content_Types].xml"):
            raise RefusedError("macros")
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    parts: dict[str, str] = {}
    is_1904 = False
    for element in book.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "sheet":
            target = targets.get(element.get(RELATION, ""), "")
            parts[element.get("name", "")] = target.lstrip("/") if target.startswith("/") else "xl/" + target
        elif tag == "workbookPr":
            is_1904 = element.get("date1904") in {"1", "true"}
    return parts, is_1904


def look_over(path: str, part: str | None, sheet: str, most_rows: int, most_columns: int) -> dict[str, Any]:
    """Read a sheet's XML as bytes, without building it: refuse far-off cells, count what a reader should be told."""
    facts: dict[str, Any] = {"formulas": 0, "merged": [], "hidden_rows": 0, "first_hidden": 0}
    if part is None:
        return facts
    with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
        kept = b""
        while chunk := stream.read(CHUNK):
            window = kept + chunk
            # Cut behind the last whole tag, so that nothing is counted twice and no tag is cut in two.
            end = window.rfind(b">") + 1
            look_at(window[:end], facts, sheet, most_rows, most_columns)
            kept = window[end:]
            if len(kept) > CHUNK:
                raise RefusedError("damaged", sheet)
    return facts


def look_at(window: bytes, facts: dict[str, Any], sheet: str, most_rows: int, most_columns: int) -> None:
    """Count in one piece of a sheet's XML."""
    if DOCTYPE.search(window):
        raise RefusedError("entities", sheet)
    for cell in FILLED.finditer(window):
        if len(cell[1]) > 1 and column_number(cell[1]) > most_columns:
            raise RefusedError("columns", sheet)
        if len(cell[2]) > 5 and int(cell[2]) > most_rows:
            raise RefusedError("rows", sheet)
    facts["formulas"] += len(FORMULA.findall(window))
    room = 20 - len(facts["merged"])
    facts["merged"] += [found.decode() for found in MERGED.findall(window)[:room]]
    if b"hidden=" in window:
        for row in ROW.finditer(window):
            if HIDDEN.search(row[0]):
                number = ROW_NUMBER.search(row[0])
                facts["hidden_rows"] += 1
                facts["first_hidden"] = facts["first_hidden"] or (int(number[1]) if number else 0)


def column_number(letters: bytes) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def tell_sheet(sheet: Any) -> None:
    """Every row with something in it, under the line number the person sees."""
    if sheet.start is None:
        return
    # Rows are counted from the top of the sheet, columns only from the first filled one.
    blank = [""] * sheet.start[1]
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [plain(cell) for cell in row]
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            say([number, blank + cells])


def plain(cell: Any) -> Any:
    """A cell as JSON can hold it."""
    if isinstance(cell, datetime):
        return {"day": cell.isoformat(" ")}
    if isinstance(cell, date):
        return {"day": cell.isoformat()}
    if isinstance(cell, time | timedelta):
        return str(cell)
    return cell


def say(message: object) -> None:
    """One line out."""
    sys.stdout.write(json.dumps(message, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
