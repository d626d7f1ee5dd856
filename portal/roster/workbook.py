"""From our own workbook to rows: sheets and columns found by name in either script or English, in any order."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from portal.access import Role
from portal.i18n import no_op
from portal.roster import columns
from portal.roster.cleaning import Value, name_key, plain
from portal.roster.columns import NATIONAL_NUMBERS, SHEETS, Sheet
from portal.roster.comma_files import heading_key
from portal.roster.grades import grade_code, stage_codes
from portal.roster.lines import Line
from portal.roster.problems import Gravity, Problem, unreadable
from portal.roster.rows import (
    AppointmentRow,
    ClassRow,
    EnrolmentRow,
    GuardianshipRow,
    Origin,
    PersonRow,
    PupilRow,
    Row,
    SchoolRow,
    Spoiled,
)
from portal.roster.sheet_process import cells_of

Found = Row | Problem | Spoiled

HEADING_LINES = 15
LONGEST_RELATION = 40


def read_workbook(path: Path, home_school: str | None = None, identity: bool = False) -> Iterator[Found]:
    """All records of a workbook. `home_school` is the code taken where the school column is empty; `identity` says
    whether the district keeps the identity numbers of pupils."""
    reader = WorkbookReader(home_school, identity)
    is_1904 = False
    current: SheetReader | None = None
    for message in cells_of(path, sheet_keys()):
        if isinstance(message, list):
            if current is not None:
                yield from current.take(*message)
        elif "sheets" in message:
            is_1904 = message["is_1904"]
            yield from strange_sheets(message["sheets"])
        else:
            if current is not None:
                yield from current.finish()
            current = reader.open_sheet(message["sheet"], is_1904)
            yield from facts_told(message["sheet"], message["facts"])
    if current is None:
        names = "、".join(sheet.name for sheet in SHEETS)
        raise unreadable(
            no_op("None of the sheets %(names)s is in this workbook. Use the template."), names=names
        )
    yield from current.finish()


def sheet_keys() -> list[str]:
    """Every name of every sheet, in the order in which they are read."""
    return [name.casefold() for sheet in SHEETS for name in (sheet.name, *sheet.others)]


def sheet_named(name: str, identity: bool = False) -> Sheet:
    """The sheet a name stands for."""
    key = name.strip().casefold()
    sheets = columns.sheets_with(identity)
    return next(sheet for sheet in sheets if key in {word.casefold() for word in (sheet.name, *sheet.others)})


def strange_sheets(names: list[str]) -> Iterator[Problem]:
    """A notice for sheets that are not ours."""
    ours = {word.casefold() for sheet in SHEETS for word in (sheet.name, *sheet.others)} | {"说明", "示例"}
    strangers = [name for name in names if name.strip().casefold() not in ours]
    if strangers:
        reason = no_op("Sheets that are not part of the template were left unread: %(names)s.")
        yield Problem("", 0, "", reason, {"names": "、".join(strangers)[:200]}, Gravity.NOTICE)


def facts_told(sheet: str, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """Notices about what a person may have forgotten in a sheet."""
    if facts["hidden"]:
        yield notice(sheet, 0, no_op("This sheet is hidden in the workbook; it was read all the same."))
    if facts["hidden_rows"]:
        reason = no_op("%(count)s rows are hidden, the first is row %(first)s; they were read all the same.")
        yield notice(
            sheet, facts["first_hidden"], reason, count=facts["hidden_rows"], first=facts["first_hidden"]
        )
    if facts["formulas"]:
        reason = no_op("%(count)s cells hold formulas; the value they last showed was read.")
        yield notice(sheet, 0, reason, count=facts["formulas"])
    if facts["merged"]:
        reason = no_op(
            "Cells are merged (%(where)s); only the first cell of each holds the value, fill in the others."
        )
        yield notice(sheet, 0, reason, where="、".join(facts["merged"][:5]))


def notice(sheet: str, line: int, reason: str, /, **params: object) -> Problem:
    """A notice about a sheet."""
    words = {name: str(value) for name, value in params.items()}
    return Problem(sheet, line, "", reason, words, Gravity.NOTICE)


class SheetReader:
    """Takes the rows of one sheet: finds the headings, then turns each row into records."""

    def __init__(
        self, title: str, sheet: Sheet, row_of: Callable[[Line], Iterator[Row]], is_1904: bool
    ) -> None:
        self.title = title
        self.sheet = sheet
        self.row_of = row_of
        self.is_1904 = is_1904
        self.places: dict[str, int] | None = None
        self.headings = {column.field: column.heading for column in sheet.columns}
        self.looked_at = 0
        self.count = 0

    def take(self, number: int, cells: list[Any]) -> Iterator[Found]:
        """One row of the sheet, by its number in it."""
        if self.places is None:
            yield from self.look_for_headings(number, cells)
            return
        self.count += 1
        values = {field: value_of(cells[place]) for field, place in self.places.items() if place < len(cells)}
        if not any(str(value).strip() for value in values.values()):
            return
        line = Line(Origin(self.title, number), values, self.headings, self.is_1904)
        rows = list(self.row_of(line))
        yield from line.problems.values()
        yield from rows if line.is_good else (Spoiled(row.kind, row.key) for row in rows)

    def look_for_headings(self, number: int, cells: list[Any]) -> Iterator[Problem]:
        """Take this row as the headings if it names two columns of the sheet (or its only required ones)."""
        found = [column_of(self.sheet, str(cell)) for cell in cells]
        fields = [field for field in found if field]
        if len(set(fields)) < 2:
            self.looked_at += 1
            if self.looked_at >= HEADING_LINES:
                raise self.no_headings()
            return
        doubled = next((field for field in fields if fields.count(field) > 1), None)
        if doubled:
            heading = next(str(cell) for cell, field in zip(cells, found, strict=True) if field == doubled)
            raise unreadable(
                no_op("The column “%(column)s” stands here twice."), self.title, number, column=heading
            )
        missing = [col.heading for col in self.sheet.columns if col.required and col.field not in fields]
        if missing:
            raise unreadable(
                no_op("These columns are missing: %(columns)s."),
                self.title,
                number,
                columns="、".join(missing),
            )
        self.places = {field: place for place, field in enumerate(found) if field}
        self.headings |= {field: str(cells[place]).strip().strip("*") for field, place in self.places.items()}
        yield from self.strange_columns(number, cells, found)

    def strange_columns(self, number: int, cells: list[Any], found: list[str | None]) -> Iterator[Problem]:
        """Notices for columns that are not read, national numbers by name."""
        strangers = [
            str(cell).strip()
            for cell, field in zip(cells, found, strict=True)
            if not field and str(cell).strip()
        ]
        national = [name for name in strangers if heading_key(name) in NATIONAL_NUMBERS]
        others = [name[:40] for name in strangers if heading_key(name) not in NATIONAL_NUMBERS]
        if national:
            reason = no_op(
                "National identity and register numbers are not kept here; the column %(columns)s was left unread."
            )
            yield notice(self.title, number, reason, columns="、".join(national))
        if others:
            shown = "、".join(others[:12]) + ("…" if len(others) > 12 else "")
            reason = no_op("These columns are not used here and were left unread: %(columns)s.")
            yield notice(self.title, number, reason, columns=shown)

    def no_headings(self) -> Exception:
        """The sentence for a sheet without headings."""
        names = "、".join(column.heading for column in self.sheet.columns if column.required)
        return unreadable(
            no_op("No heading row was found here. It must name at least: %(columns)s."),
            self.title,
            columns=names,
        )

    def finish(self) -> Iterator[Problem]:
        """What to say at the end of the sheet."""
        if self.places is None and self.looked_at:
            raise self.no_headings()
        if self.count == 0:
            yield notice(self.title, 0, no_op("This sheet has no rows; nothing of its kind is changed."))


def column_of(sheet: Sheet, heading: str) -> str | None:
    """The field of a heading, in any spelling we know, with or without a star or (必填) behind it."""
    key = re.sub(r"[(\[（【](?:必填|选填|選填|required|optional)[)\]）】]", "", heading_key(heading)).strip(
        "*"
    )
    for column in sheet.columns:
        if key == heading_key(column.heading):
            return column.field
    for column in sheet.columns:
        if key in {heading_key(other) for other in column.others}:
            return column.field
    return None


def value_of(cell: Any) -> Value:
    """A cell as the workbook process wrote it."""
    if isinstance(cell, dict):
        said = datetime.fromisoformat(cell["day"])
        return said if said.time() != datetime.min.time() else date(said.year, said.month, said.day)
    return cell  # type: ignore[no-any-return]


class WorkbookReader:
    """What must be remembered from sheet to sheet: schools, the school year, pupils by name, owners of phones."""

    def __init__(self, home_school: str | None, identity: bool = False) -> None:
        self.home_school = home_school
        self.identity = identity
        self.identities: dict[str, int] = {}
        self.schools: dict[str, str] = {}
        self.year: int | None = None
        self.pupils: dict[tuple[str, str, str], list[str]] = {}
        self.people: set[str] = set()
        self.phones: dict[str, tuple[str, str, int]] = {}
        self.guardianships: set[int] = set()

    def open_sheet(self, title: str, is_1904: bool) -> SheetReader:
        """A reader for the sheet of this name."""
        sheet = sheet_named(title, self.identity)
        row_of: dict[str, Callable[[Line], Iterator[Row]]] = {
            "schools": self.school_of,
            "classes": self.class_of,
            "staff": self.staff_of,
            "pupils": self.pupil_of,
            "guardians": self.guardian_of,
        }
        return SheetReader(title, sheet, row_of[sheet.field], is_1904)

    def school_of(self, line: Line) -> Iterator[Row]:
        """A line of the schools sheet."""
        code = line.code("code", required=True)
        stages = stage_codes(line.text("stages", required=True))
        if stages is None:
            line.refuse("stages", no_op("Write 幼儿园, 小学, 初中, 高中 or 中职 here, separated by 、."))
        parent = line.code("parent")
        name = line.name("name", required=True)
        self.schools[code.upper()] = code
        yield SchoolRow(
            origin=line.origin,
            key=school_key(code),
            name=name,
            code=code,
            parent=school_key(parent) if parent else None,
            stages=stages or (),
            phone=line.phone("phone"),
        )

    def school_code(self, line: Line) -> str:
        """The school a line belongs to: its own code, else the only school there is."""
        code = line.code("school")
        if code:
            return code
        if len(self.schools) == 1:
            return next(iter(self.schools.values()))
        if self.home_school and not self.schools:
            return self.home_school
        line.refuse(
            "school",
            no_op("Fill in the school code: there is more than one school, or none, in this workbook."),
        )
        return ""

    def class_of(self, line: Line) -> Iterator[Row]:
        """A line of the classes sheet."""
        school = self.school_code(line)
        name = line.name("name", required=True)
        grade = grade_code(line.text("grade", required=True))
        if grade is None and line.text("grade"):
            line.refuse(
                "grade",
                no_op("“%(text)s” is no grade we know; choose one from the list."),
                text=line.text("grade")[:40],
            )
        yield ClassRow(
            origin=line.origin,
            key=class_key(school, name),
            name=name,
            school=school_key(school),
            grade=grade,
            year=self.year_of(line),
        )

    def year_of(self, line: Line) -> int | None:
        """The calendar year in which the line's school year begins; one workbook holds one school year."""
        said = plain(line.text("year", required=True))
        found = re.fullmatch(r"(20\d{2})(?:\s*[-–—~/至到]\s*(20\d{2}|\d{2}))?\s*(?:学年|學年)?", said)
        if not found or (found[2] and int(found[2]) % 100 != (int(found[1]) + 1) % 100):
            if said:
                line.refuse(
                    "year", no_op("“%(text)s” is no school year. Write it like 2026-2027."), text=said[:40]
                )
            return None
        year = int(found[1])
        if self.year is None:
            self.year = year
        if year != self.year:
            line.refuse(
                "year",
                no_op("One workbook holds one school year; this one began with %(year)s."),
                year=self.year,
            )
        return year

    def staff_of(self, line: Line) -> Iterator[Row]:
        """A line of the staff sheet: a person and one appointment, or one per class named."""
        school = self.school_code(line)
        name = line.name("name", required=True)
        number = line.code("number")
        said = line.text("role", required=True)
        role = columns.ROLE_WORDS.get(plain(said)) or columns.OTHER_ROLE_WORDS.get(plain(said).lower())
        if role is None and said:
            line.refuse("role", no_op("Choose 校长, 学校办公室, 班主任, 任课教师, 讲师 or 家委会主任 here."))
        starts_on, ends_on = line.period("starts_on", "ends_on")
        named = [part.strip() for part in re.split("[、,，;；]", line.text("class")) if part.strip()]
        if role is Role.CLASS_TEACHER and not named:
            line.refuse("class", no_op("Say which class this class teacher leads."))
        if role is Role.COMMITTEE_CHAIR and not named:
            line.refuse("class", no_op("Say of which class this committee is."))
        fallback = (
            f"staff:{school.upper()}#{number}" if number else f"staff:{school.upper()}/{name_key(name)}"
        )
        person, phone = self.owner(line, name, fallback)
        yield from self.person(line, person, name, phone, number)
        in_classes = role in {Role.CLASS_TEACHER, Role.SUBJECT_TEACHER, Role.COMMITTEE_CHAIR}
        for class_name in named if in_classes and named else [""]:
            key = class_key(school, class_name) if class_name else None
            yield AppointmentRow(
                origin=line.origin,
                key=f"{person}@{key or school_key(school)}/{role}",
                person=person,
                role=role or Role.SUBJECT_TEACHER,
                school=school_key(school),
                class_key=key,
                starts_on=starts_on,
                ends_on=ends_on,
            )

    def owner(self, line: Line, name: str, fallback: str) -> tuple[str, str | None]:
        """The key of the person on this line, and the phone that is theirs.

        People are known by their phone. A phone that another name already has stays with the first; couples and
        grandparents do share one, but only one account can sign in with it.
        """
        phone = line.phone("phone")
        if phone is None:
            return fallback, None
        folded = name_key(name)
        key, owner, first_line = self.phones.setdefault(phone, (f"phone:{phone}", folded, line.origin.line))
        if owner == folded:
            return key, phone
        reason = no_op(
            "This phone already belongs to another name (row %(line)s); this person was taken in without a phone."
        )
        line.notice("phone", reason, line=first_line)
        return fallback, None

    def person(self, line: Line, key: str, name: str, phone: str | None, number: str) -> Iterator[Row]:
        """The person, the first time a line names them."""
        if key in self.people:
            return
        self.people.add(key)
        yield PersonRow(origin=line.origin, key=key, name=name, phone=phone, number=number or None)

    def pupil_of(self, line: Line) -> Iterator[Row]:
        """A line of the pupils sheet: a pupil and the place in a class."""
        school = self.school_code(line)
        class_name = line.name("class", required=True)
        name = line.name("name", required=True)
        number = line.code("number")
        left = line.flag("left") is True
        by_name = (school.upper(), name_key(class_name), name_key(name))
        key = pupil_key(school, class_name, name, number)
        others = self.pupils.setdefault(by_name, [])
        if key in others and not number:
            line.refuse(
                "name",
                no_op(
                    "There are two pupils named %(name)s in this class. Give both a 校内学号 so that they can be told apart."
                ),
                name=name,
            )
            return
        others.append(key)
        yield PupilRow(
            origin=line.origin,
            key=key,
            ended=left,
            name=name,
            schools=(school_key(school),),
            number=number or None,
            identity=self.identity_of(line),
        )
        yield EnrolmentRow(
            origin=line.origin,
            key=f"{key}@{class_key(school, class_name)}",
            ended=left,
            pupil=key,
            class_key=class_key(school, class_name),
            school=school_key(school),
        )

    def identity_of(self, line: Line) -> str | None:
        """The identity number of a line; one number belongs to one pupil."""
        said = line.identity("identity")
        if said and self.identities.setdefault(said, line.origin.line) != line.origin.line:
            line.refuse(
                "identity", no_op("Row %(line)s has the same identity number."), line=self.identities[said]
            )
        return said

    def guardian_of(self, line: Line) -> Iterator[Row]:
        """A line of the guardians sheet: a person and the tie to one pupil."""
        school = self.school_code(line)
        pupil = self.pupil_named(line, school)
        name = line.name("name", required=True)
        relation = line.text("relation", required=True)
        if len(relation) > LONGEST_RELATION:
            line.refuse(
                "relation",
                no_op("This text has %(count)s characters; at most %(most)s fit."),
                count=len(relation),
                most=LONGEST_RELATION,
            )
        person, phone = self.owner(line, name, f"guardian:{pupil}/{name_key(name)}")
        yield from self.person(line, person, name, phone, "")
        pair = hash((person, pupil))
        if pair in self.guardianships:
            line.notice("", no_op("This guardian is already named for this pupil; the row was left out."))
            return
        self.guardianships.add(pair)
        yield GuardianshipRow(
            origin=line.origin,
            key=f"{person}>{pupil}",
            person=person,
            pupil=pupil,
            relation=relation,
            lives_with=line.flag("lives_with"),
            picks_up=line.flag("picks_up"),
            may_sign=line.flag("may_sign"),
        )

    def pupil_named(self, line: Line, school: str) -> str:
        """The key of the pupil a guardian's line names."""
        class_name, name = line.name("class", required=True), line.name("pupil", required=True)
        number = line.code("number")
        candidates = self.pupils.get((school.upper(), name_key(class_name), name_key(name)), [])
        if number or not candidates:
            return pupil_key(school, class_name, name, number)
        if len(candidates) > 1:
            line.refuse(
                "number",
                no_op("There are two pupils named %(name)s in this class; say which by the 校内学号."),
                name=name,
            )
        return candidates[0]


def school_key(code: str) -> str:
    """The key of a school in a workbook."""
    return f"school:{code.upper()}"


def class_key(school: str, name: str) -> str:
    """The key of a class in a workbook."""
    return f"class:{school.upper()}/{name_key(name)}"


def pupil_key(school: str, class_name: str, name: str, number: str) -> str:
    """The key of a pupil in a workbook: by the school's number, else by class and name."""
    if number:
        return f"pupil:{school.upper()}#{number.upper()}"
    return f"pupil:{school.upper()}/{name_key(class_name)}/{name_key(name)}"
