"""Roster files for tests: packages and workbooks, well-formed and otherwise."""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import xlsxwriter

from portal.roster.problems import Problem
from portal.roster.reading import read_roster
from portal.roster.rows import Row
from portal.roster.template import write_workbook

FAULTS = Path(__file__).parent / "data" / "faults-1.1"

MANIFEST = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"
ORGS = (
    "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
    "yunxi,,,云溪县,district,YX,\n"
    "wangxi,,,望溪小学,school,YX001,yunxi\n"
    "dongta,,,东塔学校,school,YX002,yunxi\n"
)
SESSIONS = (
    "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\n"
    "y2026,,,2026-2027 学年,schoolYear,2026-09-01,2027-07-10,,2027\n"
    "t1,,,第一学期,term,2026-09-01,2027-01-20,y2026,2027\n"
)
CLASSES = (
    "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,"
    "termSourcedIds,subjects,subjectCodes,periods\n"
    "c32,,,三(2)班,03,,,homeroom,,wangxi,t1,,,\n"
    "c71,,,七(1)班,07,,,homeroom,,dongta,t1,,,\n"
)
USERS_HEADING = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n"
)
USERS = (
    USERS_HEADING + "zhou,,,true,wangxi,teacher,zhoumy,,明月,周,,T0012,,13800001111,,,,\n"
    "lin,,,true,wangxi,student,,,小禾,林,,20240217,,,,dashu,03,\n"
    "dashu,,,true,wangxi,parent,,,大树,林,,,,13800002222,,,,\n"
)
ENROLMENTS = (
    "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
    "e1,,,c32,wangxi,zhou,teacher,true,2026-09-01,\n"
    "e2,,,c32,wangxi,lin,student,,,\n"
)
TOWN = {
    "manifest.csv": MANIFEST,
    "orgs.csv": ORGS,
    "academicSessions.csv": SESSIONS,
    "classes.csv": CLASSES,
    "users.csv": USERS,
    "enrollments.csv": ENROLMENTS,
}

SHEETS: dict[str, list[tuple[object, ...]]] = {
    "学校": [("学校代码", "学校名称", "学段"), ("YX001", "望溪小学", "小学")],
    "年级班级": [("学校代码", "学年", "年级", "班级"), ("YX001", "2026-2027", "三年级", "三(2)班")],
    "教职工": [("姓名", "手机号", "岗位", "班级"), ("周明月", "13800001111", "班主任", "三(2)班")],
    "学生": [("班级", "姓名", "校内学号"), ("三(2)班", "林小禾", "20240217")],
    "监护人": [
        ("班级", "学生姓名", "监护人姓名", "关系", "手机号"),
        ("三(2)班", "林小禾", "林大树", "爸爸", "13800002222"),
    ],
}


def package(path: Path, changed: Mapping[str, str | bytes | None] | None = None, folder: str = "") -> Path:
    """The town as a OneRoster 1.1 zip, with files changed, added or (None) left out."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**TOWN, **(changed or {})}.items():
            if text is not None:
                archive.writestr(folder + name, text)
    return path


def zipped(path: Path, folder: Path) -> Path:
    """The files of a folder as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.glob("*.csv")):
            archive.write(file, file.name)
    return path


def workbook(
    path: Path,
    changed: Mapping[str, Iterable[Sequence[object]] | None] | None = None,
    **options: object,
) -> Path:
    """The town as a workbook, cells written as what they are, with sheets changed, added or (None) left out."""
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False, **options}) as book:
        for name, lines in {**SHEETS, **(changed or {})}.items():
            if lines is None:
                continue
            page = book.add_worksheet(name)
            for row, line in enumerate(lines):
                for column, cell in enumerate(line):
                    if isinstance(cell, str):
                        page.write_string(row, column, cell)
                    elif cell is not None:
                        page.write(row, column, cell)
    return path


def template(path: Path, **lines: Iterable[Sequence[str]]) -> Path:
    """Our template filled with lines."""
    with path.open("wb") as stream:
        write_workbook(stream, dict(lines))
    return path


def read(path: Path, home_school: str | None = None) -> tuple[list[Row], list[Problem]]:
    """All rows and all problems of a file."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for item in read_roster(path, home_school=home_school):
        (problems if isinstance(item, Problem) else rows).append(item)  # type: ignore[arg-type]
    return rows, problems


def blocking(problems: Iterable[Problem]) -> list[tuple[str, int, str, str]]:
    """What stands against an import, as (file, line, field, words)."""
    return [(p.file, p.line, p.field, p.words()) for p in problems if p.blocks]


def told(problems: Iterable[Problem]) -> list[str]:
    """The words of all notices."""
    return [p.words() for p in problems if not p.blocks]
