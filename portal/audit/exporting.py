"""Entries as a file for those who inspect: CSV (UTF-8 with mark, as spreadsheets open it) or XLSX, no cell a formula."""

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter
from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from portal import clock
from portal.access import ROLE_NAMES, Role
from portal.accounts.models import Person
from portal.audit.wording import act_in_words
from portal.i18n import gettext as _
from portal.schools.models import School
from portal.trail.models import ENTRIES, TrailEntry

AT_ONCE = 1000
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
COMMON = (
    TrailEntry.sequence,
    TrailEntry.happened_at,
    TrailEntry.person_id,
    TrailEntry.role,
    TrailEntry.action,
    TrailEntry.object_kind,
    TrailEntry.object_id,
    TrailEntry.category,
    TrailEntry.entry_hash,
)


def between(first: date, last: date) -> ColumnElement[bool]:
    """Entries of the days ``first`` to ``last`` in China, both included."""
    return and_(
        TrailEntry.happened_at >= clock.instant_of(first),
        TrailEntry.happened_at < clock.instant_of(last + timedelta(days=1)),
    )


def wanted(condition: ColumnElement[bool]) -> Select[Any]:
    """The entries with the names of people and schools, in order."""
    return (
        select(*COMMON, TrailEntry.facts, Person.name, School.name.label("school"))
        .outerjoin(Person, Person.id == TrailEntry.person_id)
        .outerjoin(School, School.id == TrailEntry.school_id)
        .where(condition)
        .order_by(TrailEntry.sequence)
    )


def count(connection: Connection, condition: ColumnElement[bool]) -> int:
    """How many entries would be in the file."""
    return int(connection.scalar(select(func.count()).select_from(ENTRIES).where(condition)) or 0)


def headings(*, facts: bool) -> list[str]:
    """The first row."""
    return [
        _("No."),
        _("Time (China)"),
        _("Person"),
        _("Role"),
        _("What was done"),
        _("Action"),
        _("Kind of record"),
        _("Record no."),
        _("Class of data"),
        _("School"),
        _("Hash"),
        *([_("Facts")] if facts else []),
    ]


def who(name: str | None, role: str) -> str:
    """The name of staff; families stay unnamed in what others read of the log."""
    return "" if role == Role.GUARDIAN or name is None else name


def role_in_words(role: str) -> str:
    """The role's name; who works at the server has none among the roles."""
    return str(ROLE_NAMES[Role(role)]) if role in ROLE_NAMES else _("Operator") if role == "operator" else ""


def lines(connection: Connection, condition: ColumnElement[bool], *, facts: bool) -> Iterator[list[str]]:
    """The rows of the file, one entry each."""
    for row in connection.execution_options(yield_per=AT_ONCE).execute(wanted(condition)):
        yield [
            str(row.sequence),
            f"{clock.local(row.happened_at):%Y-%m-%d %H:%M:%S}",
            who(row.name, row.role),
            role_in_words(row.role),
            act_in_words(row.action, row.category, row.object_kind),
            row.action,
            row.object_kind,
            "" if row.object_id is None else str(row.object_id),
            row.category,
            row.school or "",
            bytes(row.entry_hash).hex(),
            *([json.dumps(row.facts, ensure_ascii=False, sort_keys=True)] if facts else []),
        ]


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + cell if cell.startswith(RISKY) else cell


def write(path: Path, connection: Connection, condition: ColumnElement[bool], *, facts: bool) -> int:
    """Write the file, of the kind that the path's ending names (.csv, .xlsx); returns how many entries it holds."""
    rows = lines(connection, condition, facts=facts)
    if path.suffix.lower() == ".xlsx":
        return _as_workbook(path, rows, facts)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(headings(facts=facts))
        return sum(1 for row in rows if out.writerow([harmless(cell) for cell in row]))


def _as_workbook(path: Path, rows: Iterator[list[str]], facts: bool) -> int:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    written = 0
    with xlsxwriter.Workbook(path, options) as book:
        page = book.add_worksheet()
        page.freeze_panes(1, 0)
        page.set_column(1, 5, 20)
        for column, heading in enumerate(headings(facts=facts)):
            page.write_string(0, column, heading)
        for written, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                page.write_string(written, column, cell)
    return written
