"""Entries as a file for those who inspect: CSV (UTF-8 with mark, as spreadsheets open it) or XLSX, no cell a formula.

From the page it leaves as every export does (SECURITY T-07): purpose, a second person where it tells of many, one
download within a day. It holds no invented person: what proves something to an inspector is told exactly as it was.
"""

import csv
import json
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter
from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from portal import clock, i18n
from portal.access import ROLE_NAMES, Actor, Role
from portal.accounts.models import Person
from portal.audit.policy import AUDIT_EXPORT
from portal.audit.wording import act_in_words
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.privacy.exporting import Made, watermark
from portal.privacy.exporting import export as export_kind
from portal.privacy.models import ExportRequest
from portal.schools.models import School
from portal.trail.models import ENTRIES, TrailEntry

AT_ONCE = 1000
MIMES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
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
    for row in connection.execute(wanted(condition), execution_options={"yield_per": AT_ONCE}):
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


def write(
    path: Path, connection: Connection, condition: ColumnElement[bool], *, facts: bool, mark: str = ""
) -> int:
    """Write the file, of the kind that the path's ending names (.csv, .xlsx); returns how many entries it holds.

    ``mark`` says who took it out: on each printed page of a workbook, and as the last line of either.
    """
    rows = lines(connection, condition, facts=facts)
    if path.suffix.lower() == ".xlsx":
        return _as_workbook(path, rows, facts, mark)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(headings(facts=facts))
        written = sum(1 for row in rows if out.writerow([harmless(cell) for cell in row]))
        if mark:
            out.writerow([harmless(mark), *[""] * (len(headings(facts=facts)) - 1)])
        return written


def _as_workbook(path: Path, rows: Iterator[list[str]], facts: bool, mark: str) -> int:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    written = 0
    with xlsxwriter.Workbook(path, options) as book:
        page = book.add_worksheet()
        page.freeze_panes(1, 0)
        page.set_column(1, 5, 20)
        page.set_footer(f"&C{mark.replace('&', '&&')}"[:255])
        for column, heading in enumerate(headings(facts=facts)):
            page.write_string(0, column, heading)
        for written, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                page.write_string(written, column, cell)
        if mark:
            page.write_string(written + 1, 0, mark)
    return written


def asked_for(request: ExportRequest) -> ColumnElement[bool]:
    """The entries of a request: its days, as far as the office that asks may take them out."""
    assert request.first_on is not None and request.last_on is not None
    role = Role.DISTRICT_STAFF if request.school_id is None else Role.PRINCIPAL
    asking = Actor(
        request.asked_by_id,
        role,
        clock.today(),
        district_id=request.district_id,
        school_id=request.school_id,
    )
    return and_(between(request.first_on, request.last_on), AUDIT_EXPORT.within(asking))


def concerned(request: ExportRequest) -> int:
    """How many children and adults the entries tell of."""
    counted = (
        select(func.count(TrailEntry.pupil_id.distinct()) + func.count(TrailEntry.subject_id.distinct()))
    ).where(asked_for(request))
    return db.session.scalar(counted) or 0


@export_kind("log", _l("Entries of the log"), "F2", concerned)
def log(request: ExportRequest) -> Made:
    """The file, in the language of whoever asked."""
    language = db.session.scalar(select(Person.language).where(Person.id == request.asked_by_id))
    with tempfile.TemporaryDirectory() as folder, i18n.speaking(language or i18n.DEFAULT.tag):
        path = Path(folder) / f"log-{request.first_on}-{request.last_on}.{request.file_kind}"
        condition = asked_for(request)
        write(path, db.session.connection(), condition, facts=False, mark=watermark(request))
        return Made(path.read_bytes(), path.name, MIMES[request.file_kind])
