"""What an import would add, change and end, found by comparing the file with the portal batch by batch.

Matching. A record is found again by the id the roster gave it (sourcedId; in a workbook the school's own pupil or
staff number); a school also by its code, a class by school, year and name, an adult by phone and name, a pupil
without a number by name within the school (the same class first), a guardian without a phone by name among the
pupil's guardians. A delta touches only what it names. A complete file also ends what it no longer names, but only
in schools it names and only kinds it brings: pupils and places of those schools, and those appointments and
guardians that came from a roster; what people entered by hand stays.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from portal import names
from portal.access import Role
from portal.accounts.models import Person
from portal.i18n import no_op
from portal.roster.absence import Absence, other_schools
from portal.roster.cleaning import UncleanError, clean_phone, name_key, plain
from portal.roster.existing import Existing, KnownClass, KnownSchool, Reach
from portal.roster.problems import Gravity, Problem
from portal.roster.rows import (
    AppointmentRow,
    ClassRow,
    EnrolmentRow,
    GuardianshipRow,
    Kind,
    PersonRow,
    PupilRow,
    Row,
    SchoolRow,
    SessionRow,
)
from portal.roster.staging import BATCH, Stage
from portal.schools.calendar import year_start
from portal.schools.identity import identity_index
from portal.schools.models import Flag, Pupil
from portal.schools.models import Stage as SchoolStage

OUTSIDE = 0
GRADE_PLACES = {
    **{f"K{level}": (SchoolStage.KINDERGARTEN, level) for level in (1, 2, 3)},
    **{f"{level:02}": (SchoolStage.PRIMARY, level) for level in range(1, 7)},
    **{f"{level + 6:02}": (SchoolStage.JUNIOR, level) for level in (1, 2, 3)},
    **{f"{level + 9:02}": (SchoolStage.SENIOR, level) for level in (1, 2, 3)},
}
RUNS_A_SCHOOL = frozenset({Role.PRINCIPAL, Role.SCHOOL_OFFICE})
FLAGS = (("lives_with", Flag.LIVES_WITH), ("picks_up", Flag.PICKS_UP), ("may_sign", Flag.MAY_SIGN))
UNKNOWN_RELATION = "监护人"
# Words that only repeat the role of a OneRoster user say less than what a school may have typed since.
ROLE_RELATIONS = frozenset({"监护人", "家长", "亲属"})


class Planner:
    """Takes rows, keeps those of one kind until a batch is full, and stages what differs from the portal."""

    def __init__(
        self, existing: Existing, stage: Stage, reach: Reach, is_workbook: bool, is_delta: bool
    ) -> None:
        self.existing = existing
        self.stage = stage
        self.reach = reach
        self.today = reach.today.isoformat()
        self.is_workbook = is_workbook
        self.is_delta = is_delta
        self.waiting: dict[Kind, list[Any]] = {kind: [] for kind in Kind}
        # The file's keys → ids in the portal (positive) or new rows (negative); OUTSIDE for offices above schools.
        self.refs: dict[Kind, dict[str, int]] = {kind: {} for kind in Kind}
        self.labels: dict[Kind, dict[int, str]] = {Kind.PUPIL: {}, Kind.PERSON: {}}
        self.named: dict[Kind, set[int]] = {kind: set() for kind in Kind}
        self.brought: set[Kind] = set()
        self.years: dict[str, date] = {}
        self.terms: dict[int, list[SessionRow]] = defaultdict(list)
        self.last_days: dict[int, date] = {}
        self.phones: dict[str, str] = {}
        self.placed: dict[int, int] = {}
        self.starts: dict[int, date] = {}
        self.by_class_name = {
            (known.school, known.year, name_key(known.name)): known for known in existing.classes.values()
        }
        self.by_class_id = {
            (known.school, known.sourced_id): known for known in existing.classes.values() if known.sourced_id
        }
        self.by_code = {known.code.upper(): known for known in existing.schools.values()}
        self.by_school_id = {
            str(known.values["sourced_id"]): known
            for known in existing.schools.values()
            if known.values.get("sourced_id")
        }
        self.numbers: dict[int, set[int]] = defaultdict(set)
        for known in existing.classes.values():
            self.numbers[known.grade].add(known.number)
        self.class_schools: dict[int, int] = {}
        self.is_nameless = False
        self.absence = Absence(existing, stage, reach, self.named, self.placed)
        self.place: dict[Kind, Callable[[list[Any]], None]] = {
            Kind.SCHOOL: self.place_schools,
            Kind.SESSION: self.place_sessions,
            Kind.CLASS: self.place_classes,
            Kind.PERSON: self.place_people,
            Kind.PUPIL: self.place_pupils,
            Kind.APPOINTMENT: self.place_appointments,
            Kind.ENROLMENT: self.place_enrolments,
            Kind.GUARDIANSHIP: self.place_ties,
        }

    # Taking rows

    def plan(self, rows: Iterable[Row | Problem]) -> None:
        """Stage everything the rows bring, then what a complete file leaves out."""
        for item in rows:
            if isinstance(item, Problem):
                self.stage.tell(item)
                continue
            self.stage.rows_read += 1
            waiting = self.waiting[item.kind]
            waiting.append(item)
            if not self.waits(item) and len(waiting) >= BATCH:
                self.settle(item.kind)
        for kind in Kind:
            self.settle(kind)
        if self.named[Kind.PERSON]:
            self.absence.end_people()
        if not self.is_delta and not self.stage.stopped:
            self.absence.end_missing(self.brought)
            self.tell_other_schools()
        self.stage.flush()

    def waits(self, row: Row) -> bool:
        """Schools and roles are few and seen together; pupils known only by name wait so that their class goes first."""
        if self.is_workbook and isinstance(row, PupilRow) and not row.number:
            self.is_nameless = True
        held = row.kind in (Kind.PUPIL, Kind.ENROLMENT) and self.is_nameless
        return held or row.kind in (Kind.SCHOOL, Kind.APPOINTMENT)

    def tell_other_schools(self) -> None:
        """Say that schools which the file does not name stay as they are."""
        others = other_schools(self.existing, self.named[Kind.SCHOOL]) if self.named[Kind.SCHOOL] else 0
        if others:
            reason = no_op("%(count)s schools are not in this file; nothing of theirs was ended.")
            self.stage.tell(Problem("", 0, "", reason, {"count": str(others)}, Gravity.NOTICE))

    def settle(self, kind: Kind) -> None:
        """Stage what waits of a kind, after all it may refer to."""
        for earlier in Kind:
            # Nothing refers to a role, and whether one counts shows only when all are seen.
            if self.waiting[earlier] and (earlier is not Kind.APPOINTMENT or kind is Kind.APPOINTMENT):
                rows, self.waiting[earlier] = self.waiting[earlier], []
                self.brought.add(earlier)
                self.place[earlier](rows)
            if earlier is kind:
                return

    def known(self, kind: Kind, key: str) -> bool:
        """Whether a reference that the file itself does not explain leads to a record of the portal."""
        return self.ref(kind, key) is not None

    def ref(self, kind: Kind, key: str) -> int | None:
        """The id or new number behind a key of the file, looked up in the portal if the file did not name it."""
        found = self.refs[kind].get(key)
        if found is None and self.waiting[kind]:
            self.settle(kind)
            found = self.refs[kind].get(key)
        if found is None:
            found = self.look_up(kind, key)
            if found is not None:
                self.refs[kind][key] = found
        return found

    def look_up(self, kind: Kind, key: str) -> int | None:
        """One record of the portal by a key of the file."""
        match kind:
            case Kind.SCHOOL:
                known = (
                    self.by_code.get(key.removeprefix("school:"))
                    if self.is_workbook
                    else self.by_school_id.get(key)
                )
                return known.ref if known else None
            case Kind.CLASS:
                return self.look_up_class(key)
            case Kind.PUPIL:
                return self.look_up_pupil(key)
            case Kind.PERSON if not self.is_workbook:
                person = self.existing.people_by_id([key]).get(key)
                return int(person.id) if person else None
        return None

    def look_up_class(self, key: str) -> int | None:
        """A class by the roster's id, or in a workbook by school and name, the latest year first."""
        if not self.is_workbook:
            return next(
                (known.ref for (_school, given), known in self.by_class_id.items() if given == key), None
            )
        code, _, name = key.removeprefix("class:").partition("/")
        school = self.by_code.get(code)
        if school is None:
            return None
        current = year_start(self.reach.today)
        candidates = [
            known
            for (ref, _year, said), known in self.by_class_name.items()
            if ref == school.ref and said == name and known.starts_on <= current
        ]
        found = max(candidates, key=lambda known: known.starts_on, default=None)
        return found.ref if found and found.starts_on == current else None

    def look_up_pupil(self, key: str) -> int | None:
        """A pupil by the roster's id or the school's number, or in a workbook by class and name."""
        if not self.is_workbook:
            found = self.existing.pupils_by_id([key]).get(key, [])
            return int(found[0].id) if found else None
        said = key.removeprefix("pupil:")
        code, _, number = said.partition("#")
        if number and code in self.by_code:
            pupils = self.existing.pupils_by_id([number]).get(number, [])
            return next((row.id for row in pupils if row.school_id == self.by_code[code].ref), None)
        parts = said.split("/")
        if len(parts) != 3 or parts[0] not in self.by_code:
            return None
        same = self.existing.pupils_of(self.by_code[parts[0]].ref).get(parts[2], [])
        here = [pupil for pupil, _id in same if self.existing.class_names.get(pupil) == parts[1]]
        return here[0] if len(here) == 1 else None

    def refuse(self, row: Row, reason: str, /, **params: object) -> None:
        """An error in a row."""
        self.tell(row, reason, Gravity.ERROR, params)

    def notice(self, row: Row, reason: str, /, **params: object) -> None:
        """Something that was mended in a row."""
        self.tell(row, reason, Gravity.NOTICE, params)

    def tell(self, row: Row, reason: str, gravity: Gravity, params: dict[str, object]) -> None:
        words = {name: str(value) for name, value in params.items()}
        self.stage.tell(Problem(row.origin.file, row.origin.line, "", reason, words, gravity))

    # Schools, years, classes

    def place_schools(self, rows: list[SchoolRow]) -> None:
        """Schools, their groups and stages; offices above schools stand for the district itself."""
        leading = {row.parent for row in rows if row.parent}
        for row in rows:
            if not row.is_school:
                self.refs[Kind.SCHOOL][row.key] = OUTSIDE
            elif self.reach.school_id is None:
                self.place_school(row, leads=row.key in leading)
            else:
                self.place_own_school(row)

    def school_known(self, row: SchoolRow) -> KnownSchool | None:
        """The school a line means: by the roster's id, else by its code."""
        by_id = None if self.is_workbook else self.by_school_id.get(row.key)
        return by_id or self.by_code.get((row.code or row.key).upper())

    def place_own_school(self, row: SchoolRow) -> None:
        """A school office may name its own school, whose record the district keeps."""
        known = self.school_known(row)
        if known is None or known.ref != self.reach.school_id:
            self.refuse(row, no_op("This row is about another school; you can only bring in your own."))
            return
        self.refs[Kind.SCHOOL][row.key] = known.ref
        self.named[Kind.SCHOOL].add(known.ref)

    def place_school(self, row: SchoolRow, leads: bool) -> None:
        """A school of the district."""
        known = self.school_known(row)
        code = (row.code or row.key)[:60]
        values: dict[str, Any] = {"name": row.name, "code": code}
        if not self.is_workbook:
            values["sourced_id"] = row.key
            if known is None and code.upper() in self.by_code:
                self.refuse(
                    row, no_op("The school code “%(code)s” is already used by another school."), code=code
                )
                return
            if known is not None and not row.code:
                del values["code"]
        if row.phone:
            values["phone"] = row.phone
        group = self.group_of(row, leads)
        if group is not None:
            values["group_id"] = group
        if row.ended:
            self.end_school(row, known)
            return
        if known is None:
            known = self.add_school(row, values)
        else:
            self.change_school(row, known, values)
        self.refs[Kind.SCHOOL][row.key] = known.ref
        self.named[Kind.SCHOOL].add(known.ref)
        self.by_code[known.code.upper()] = known
        for stage in row.stages:
            self.offer(known, stage)

    def add_school(self, row: SchoolRow, values: dict[str, Any]) -> KnownSchool:
        """A new school."""
        full, initials = names.reading(row.name)
        new = {
            "district_id": self.reach.district_id,
            "phone": "",
            "name_pinyin": full,
            "name_initials": initials,
        }
        ref = self.stage.add("school", new | values, row.origin, row.name)
        return KnownSchool(ref, self.reach.district_id, values["code"], row.name)

    def change_school(self, row: SchoolRow, known: KnownSchool, values: dict[str, Any]) -> None:
        """A school that is there."""
        if "phone" in values and same_phone(values["phone"], known.values.get("phone", "")):
            del values["phone"]
        if known.values.get("name") != row.name:
            values["name_pinyin"], values["name_initials"] = names.reading(row.name)
        if known.ref > 0:
            self.stage.change("school", known.ref, known.values, values, row.origin, row.name)

    def end_school(self, row: SchoolRow, known: KnownSchool | None) -> None:
        """A school that the roster closes."""
        if known is not None and known.ref > 0:
            self.refs[Kind.SCHOOL][row.key] = known.ref
            self.stage.end("school", known.ref, "closed_on", self.today, row.name, row.origin)

    def group_of(self, row: SchoolRow, leads: bool) -> int | None:
        """The group (集团校) of a main school and of its campuses, named after the main school."""
        main = row.parent if row.parent and self.refs[Kind.SCHOOL].get(row.parent) else None
        if main is None and not leads:
            return None
        if main is not None:
            main_ref = self.refs[Kind.SCHOOL][main]
            name = next((known.name for known in self.by_code.values() if known.ref == main_ref), row.name)
        else:
            name = row.name
        key = (self.reach.district_id, name)
        if key not in self.existing.groups:
            group = {"district_id": self.reach.district_id, "name": name}
            self.existing.groups[key] = self.stage.add("school_group", group, row.origin, name)
        group_ref: int = self.existing.groups[key]
        return group_ref

    def offer(self, school: KnownSchool, stage: str) -> None:
        """Let a school offer a stage, if it does not yet."""
        if stage not in school.stages:
            school.stages.add(stage)
            self.stage.add("school_stage", {"school_id": school.ref, "stage": stage})

    def place_sessions(self, rows: list[SessionRow]) -> None:
        """Remember years and terms; a year is added when a class needs it, for the district keeps its own calendar."""
        for row in rows:
            if row.is_year and row.starts_on:
                start = near_year_start(row.starts_on)
                self.years[row.key] = start
                if row.ends_on:
                    self.last_days[start.year] = row.ends_on
        for row in rows:
            if not row.is_year and row.starts_on:
                start = self.years.get(row.parent or "") or near_year_start(row.starts_on)
                self.years[row.key] = start
                if row.parent in self.years or row.parent is None:
                    self.terms[start.year].append(row)

    def year_ref(self, district_id: int, start: date) -> tuple[int, date]:
        """The school year of a district that begins in a calendar year; added with its terms if it is new."""
        key = (district_id, start.year)
        if key not in self.existing.years:
            first = date(start.year, 9, 1)
            last = self.last_days.get(start.year, date(start.year + 1, 8, 31))
            days = {
                "starts_on": first.isoformat(),
                "ends_on": max(last, date(start.year + 1, 7, 1)).isoformat(),
            }
            ref = self.stage.add(
                "school_year", {"district_id": district_id, **days}, label=f"{first.year}–{first.year + 1}"
            )
            for number, term in enumerate(
                sorted(self.terms[start.year], key=lambda term: term.starts_on or first)[:2], 1
            ):
                if term.starts_on and term.ends_on and term.ends_on > term.starts_on:
                    days = {"starts_on": term.starts_on.isoformat(), "ends_on": term.ends_on.isoformat()}
                    self.stage.add("term", {"school_year_id": ref, "number": number, **days})
            self.existing.years[key] = (ref, first)
        return self.existing.years[key]

    def place_classes(self, rows: list[ClassRow]) -> None:
        """Classes, with the grades and years they need."""
        schools = {known.ref: known for known in self.by_code.values()}
        for row in rows:
            school_ref = self.own_school(row, row.school)
            if school_ref is None:
                continue
            school = schools[school_ref]
            start = next((self.years[key] for key in row.sessions if key in self.years), None)
            start = start or (date(row.year, 9, 1) if row.year else year_start(self.reach.today))
            year, first = self.year_ref(school.district_id, start)
            known = self.by_class_id.get((school.ref, row.key)) if not self.is_workbook else None
            known = known or self.by_class_name.get((school.ref, year, name_key(row.name)))
            if known is None:
                if row.ended:
                    continue
                known = self.add_class(row, school, year, first)
            elif known.ref > 0:
                self.change_class(row, school, known)
            self.refs[Kind.CLASS][row.key] = known.ref
            self.starts[known.ref] = known.starts_on
            self.named[Kind.SCHOOL].add(school.ref)

    def own_school(self, row: Row, key: str) -> int | None:
        """The school a row belongs to, if this import may touch it."""
        ref = self.ref(Kind.SCHOOL, key)
        if ref is None or ref == OUTSIDE:
            if ref == OUTSIDE:
                self.refuse(
                    row, no_op("A class or pupil must belong to a school, not to an office above it.")
                )
            return None
        if self.reach.school_id is not None and ref != self.reach.school_id:
            self.refuse(row, no_op("This row is about another school; you can only bring in your own."))
            return None
        return ref

    def grade_ref(self, school: KnownSchool, year: int, code: str | None) -> int:
        """The grade of a school in a year; an unknown one is the first of the school's first stage."""
        stage, level = GRADE_PLACES.get(code or "", (None, 0))
        if stage is None:
            order = [known for known in SchoolStage if known in school.stages]
            stage, level = (order or [guessed_stage(school.name)])[0], 1
        elif stage is SchoolStage.SENIOR and SchoolStage.VOCATIONAL in school.stages - {SchoolStage.SENIOR}:
            stage = stage if SchoolStage.SENIOR in school.stages else SchoolStage.VOCATIONAL
        self.offer(school, stage.value)
        key = (school.ref, year, stage.value, level)
        if key not in self.existing.grades:
            grade = {"school_id": school.ref, "school_year_id": year, "stage": stage.value, "level": level}
            self.existing.grades[key] = self.stage.add("grade", grade)
        return self.existing.grades[key]

    def class_number(self, grade: int, name: str) -> int:
        """The class's number within its grade: the last number in its name, else the next that is free."""
        said = re.findall(r"\d+", plain(name))
        number = int(said[-1]) if said and len(said[-1]) <= 2 else 0
        taken = self.numbers[grade]
        if not 1 <= number <= 99 or number in taken:
            number = next(free for free in range(1, 1_000) if free not in taken)
        taken.add(number)
        return number

    def add_class(self, row: ClassRow, school: KnownSchool, year: int, first: date) -> KnownClass:
        """A new class."""
        grade = self.grade_ref(school, year, row.grade)
        number = self.class_number(grade, row.name)
        sourced_id = None if self.is_workbook else row.key
        if number > 99:
            self.refuse(row, no_op("A grade has at most 99 classes."))
        values = {
            "grade_id": grade,
            "school_id": school.ref,
            "number": number,
            "name": row.name,
            "sourced_id": sourced_id,
        }
        ref = self.stage.add("school_class", values, row.origin, f"{school.name} {row.name}")
        known = KnownClass(ref, school.ref, year, grade, number, row.name, sourced_id, first)
        self.by_class_name[school.ref, year, name_key(row.name)] = known
        if sourced_id:
            self.by_class_id[school.ref, sourced_id] = known
        return known

    def change_class(self, row: ClassRow, school: KnownSchool, known: KnownClass) -> None:
        """A class that is there."""
        old = {
            "name": known.name,
            "grade_id": known.grade,
            "number": known.number,
            "sourced_id": known.sourced_id,
        }
        new = dict(old, name=row.name)
        if not self.is_workbook:
            new["sourced_id"] = row.key
        if row.grade in GRADE_PLACES:
            grade = self.grade_ref(school, known.year, row.grade)
            if grade != known.grade:
                new |= {"grade_id": grade, "number": self.class_number(grade, row.name)}
        self.stage.change("school_class", known.ref, old, new, row.origin, f"{school.name} {row.name}")

    # People

    def place_people(self, rows: list[PersonRow]) -> None:
        """Adults, each found again by id, by phone and name, or by name where they belong."""
        by_id = self.existing.people_by_id(filter(None, (self.person_id(row) for row in rows)))
        by_phone = self.existing.people_by_phone(row.phone for row in rows if row.phone)
        by_place = self.people_in_place(rows) if self.is_workbook else {}
        for row in rows:
            found = by_id.get(self.person_id(row) or "")
            owner = by_phone.get(row.phone or "")
            if found is None and owner is not None and name_key(owner.name) == name_key(row.name):
                found = owner
            found = found or by_place.get(row.key)
            phone = self.free_phone(row, owner, found)
            if found is not None:
                self.change_person(row, found, phone)
                ref = found.id
            elif row.ended:
                continue
            else:
                ref = self.add_person(row, phone)
            self.refs[Kind.PERSON][row.key] = ref
            self.labels[Kind.PERSON][ref] = row.name
            if row.ended:
                self.named[Kind.PERSON].add(ref)

    def person_id(self, row: PersonRow) -> str | None:
        """The id by which rosters know a person: sourcedId, or school code and staff number."""
        if not self.is_workbook:
            return row.key
        if not row.number:
            return None
        return row.key.removeprefix("staff:") if row.key.startswith("staff:") else None

    def people_in_place(self, rows: list[PersonRow]) -> dict[str, Any]:
        """People without a phone: guardians by name among their pupil's, staff by name in their school."""
        wanted: dict[str, int] = {}
        pupils = {
            row.key: row.key.removeprefix("guardian:").rpartition("/")
            for row in rows
            if row.key.startswith("guardian:")
        }
        refs = {key: self.ref(Kind.PUPIL, parts[0]) for key, parts in pupils.items()}
        guardians = self.existing.guardians_of(ref for ref in refs.values() if ref and ref > 0)
        for key, ref in refs.items():
            person = guardians.get(ref or 0, {}).get(pupils[key][2])
            if person:
                wanted[key] = person
        staff: dict[str, dict[str, int]] = {}
        for row in rows:
            if row.key.startswith("staff:"):
                code = re.split("[#/]", row.key.removeprefix("staff:"))[0]
                school = self.by_code.get(code)
                if code not in staff:
                    staff[code] = self.existing.staff_named(school.ref) if school and school.ref > 0 else {}
                if name_key(row.name) in staff[code]:
                    wanted[row.key] = staff[code][name_key(row.name)]
        people = self.existing.people(wanted.values())
        return {key: people[person] for key, person in wanted.items()}

    def free_phone(self, row: PersonRow, owner: Any, found: Any) -> str | None:
        """The row's phone, unless another account or another row has it already."""
        if row.phone is None:
            return None
        first = self.phones.setdefault(row.phone, row.key)
        if first != row.key or (owner is not None and (found is None or owner.id != found.id)):
            self.notice(
                row,
                no_op("This phone already belongs to another account; this person was taken in without it."),
            )
            return None
        return row.phone

    def add_person(self, row: PersonRow, phone: str | None) -> int:
        """A new adult."""
        full, initials = names.reading(row.name)
        sourced_id = self.person_id(row)
        values = {
            "name": row.name,
            "name_pinyin": full,
            "name_initials": initials,
            "phone": phone,
            "sourced_id": sourced_id,
            "roster_district_id": self.reach.district_id if sourced_id else None,
        }
        return self.stage.add("person", values, row.origin, row.name)

    def change_person(self, row: PersonRow, found: Any, phone: str | None) -> None:
        """An adult who is there: name and phone follow the roster that knows them by id."""
        held = Person.phone.read(found.phone_sealed, found.public_id)
        old = {
            "name": found.name,
            "name_pinyin": found.name_pinyin,
            "name_initials": found.name_initials,
            "phone": held,
            "sourced_id": found.sourced_id,
            "roster_district_id": found.roster_district_id,
        }
        new = dict(old, phone=phone or held)
        if name_key(found.name) != name_key(row.name):
            new |= dict(zip(("name_pinyin", "name_initials"), names.reading(row.name), strict=True))
            new["name"] = row.name
        if found.sourced_id is None and self.person_id(row):
            new |= {"sourced_id": self.person_id(row), "roster_district_id": self.reach.district_id}
        self.stage.change("person", found.id, old, new, row.origin, row.name)

    # Pupils

    def place_pupils(self, rows: list[PupilRow]) -> None:
        """Pupils by their id; in a workbook those without one by name, the same class first."""
        by_id = self.existing.pupils_by_id(filter(None, (self.pupil_id(row) for row in rows)))
        by_number = self.existing.pupils_by_identity(row.identity for row in rows if row.identity)
        left: list[tuple[PupilRow, int]] = []
        for row in rows:
            school = self.school_of_pupil(row)
            if school is None:
                continue
            self.named[Kind.SCHOOL].add(school)
            known = by_id.get(self.pupil_id(row) or "", [])
            if self.is_workbook:
                known = [pupil for pupil in known if pupil.school_id == school]
            found = next((pupil for pupil in known if pupil.school_id == school), known[0] if known else None)
            found = self.numbered(row, found, by_number.get(row.identity or "", []), school)
            if found is not None:
                self.change_pupil(row, found, school)
            elif self.is_workbook and school > 0:
                left.append((row, school))
            elif not row.ended:
                self.add_pupil(row, school)
        self.place_by_name(left)

    def numbered(self, row: PupilRow, found: Any, same: list[Any], school: int) -> Any:
        """The pupil of the school who has the row's identity number, if no number of the school's own says otherwise."""
        here = next((pupil for pupil in same if pupil.school_id == school), None)
        if here is not None and (found is None or found.id == here.id):
            return here
        if here is not None:
            self.refuse(row, no_op("Another pupil of the school has this identity number."))
        elif same:
            self.notice(row, no_op("A pupil of another school in the district has this identity number."))
        return found

    def school_of_pupil(self, row: PupilRow) -> int | None:
        """The first school named for a pupil; a school office's own if it is among them."""
        refs = [self.ref(Kind.SCHOOL, key) for key in row.schools]
        if self.reach.school_id in refs:
            return self.reach.school_id
        named = next((key for key, ref in zip(row.schools, refs, strict=True) if ref), row.schools[0])
        return self.own_school(row, named)

    def pupil_id(self, row: PupilRow) -> str | None:
        """The id by which rosters know a pupil: sourcedId, or the school's own number."""
        return row.number if self.is_workbook else row.key

    def place_by_name(self, rows: list[tuple[PupilRow, int]]) -> None:
        """Match by name within the school: first those in the same class, then a name that only one pupil bears."""
        claimed: set[int] = set(self.refs[Kind.PUPIL].values())
        matched: dict[str, int] = {}
        for same_class in (True, False):
            for row, school in rows:
                if row.key in matched:
                    continue
                free = self.free_namesakes(row, school, claimed, same_class)
                if len(free) == 1:
                    matched[row.key] = free[0]
                    claimed.add(free[0])
                elif free and not same_class and not row.number:
                    reason = no_op(
                        "Several pupils of the school are named %(name)s. Fill in the 校内学号 to say which."
                    )
                    self.refuse(row, reason, name=row.name)
                    matched[row.key] = OUTSIDE
        pupils = self.existing.pupils(ref for ref in matched.values() if ref)
        for row, school in rows:
            if row.key not in matched:
                if not row.ended:
                    self.add_pupil(row, school)
            elif matched[row.key]:
                self.change_pupil(row, pupils[matched[row.key]], school)

    def free_namesakes(self, row: PupilRow, school: int, claimed: set[int], same_class: bool) -> list[int]:
        """Pupils of the school with the row's name whom no other row has claimed, in the row's class or anywhere."""
        parts = row.key.split("/")
        said = parts[1] if len(parts) == 3 else None
        return [
            pupil
            for pupil, given in self.existing.pupils_of(school).get(name_key(row.name), [])
            if pupil not in claimed
            and (given is None or not row.number)
            and (not same_class or (said is not None and self.existing.class_names.get(pupil) == said))
        ]

    def add_pupil(self, row: PupilRow, school: int) -> None:
        """A new pupil."""
        full, initials = names.reading(row.name)
        values = {
            "school_id": school,
            "name": row.name,
            "name_pinyin": full,
            "name_initials": initials,
            "priority": "",
            "arrived_on": self.today,
            "sourced_id": self.pupil_id(row),
            "identity": row.identity,
        }
        ref = self.stage.add("pupil", values, row.origin, row.name)
        self.refs[Kind.PUPIL][row.key] = ref
        self.labels[Kind.PUPIL][ref] = row.name

    def change_pupil(self, row: PupilRow, found: Any, school: int) -> None:
        """A pupil who is there: name, school, return and leaving."""
        self.refs[Kind.PUPIL][row.key] = found.id
        self.labels[Kind.PUPIL][found.id] = row.name
        self.named[Kind.PUPIL].add(found.id)
        left_on = found.left_on.isoformat() if found.left_on else None
        old = {
            "name": found.name,
            "name_pinyin": found.name_pinyin,
            "name_initials": found.name_initials,
            "school_id": found.school_id,
            "sourced_id": found.sourced_id,
            "left_on": left_on,
        }
        if row.ended:
            if left_on is None:
                self.stage.end("pupil", found.id, "left_on", self.today, row.name, row.origin)
                self.absence.end_places({found.id: row.name})
            return
        new = dict(old, name=row.name, school_id=school, left_on=None)
        if found.sourced_id is None:
            new["sourced_id"] = self.pupil_id(row)
        if row.identity and found.identity_index != identity_index(row.identity):
            old["identity"] = Pupil.identity.read(found.identity_sealed, found.public_id)
            new["identity"] = row.identity
        if found.name != row.name:
            new |= dict(zip(("name_pinyin", "name_initials"), names.reading(row.name), strict=True))
        self.stage.change("pupil", found.id, old, new, row.origin, row.name)

    # What joins them

    def place_enrolments(self, rows: list[EnrolmentRow]) -> None:
        """Places in classes; a pupil has one at a time."""
        refs = [(row, self.ref(Kind.PUPIL, row.pupil), self.ref(Kind.CLASS, row.class_key)) for row in rows]
        open_places = self.existing.places_of(pupil for _row, pupil, _class in refs if pupil and pupil > 0)
        for row, pupil, class_ref in refs:
            if not pupil or not class_ref:
                continue
            present = open_places.get(pupil)
            if row.ended or (row.ends_on and row.ends_on <= self.reach.today):
                if present is not None and present.class_id == class_ref:
                    on = max(row.ends_on or self.reach.today, present.started_on).isoformat()
                    self.stage.end(
                        "enrolment",
                        present.id,
                        "ended_on",
                        on,
                        self.labels[Kind.PUPIL].get(pupil, ""),
                        row.origin,
                    )
                continue
            first = self.placed.setdefault(pupil, class_ref)
            if first != class_ref:
                self.notice(row, no_op("A pupil has one class at a time; this second one was left out."))
                continue
            if present is None or present.class_id != class_ref:
                self.enrol(row, pupil, class_ref, present)

    def enrol(self, row: EnrolmentRow, pupil: int, class_ref: int, present: Any) -> None:
        """A new place, and the end of the one before it."""
        label = self.labels[Kind.PUPIL].get(pupil, "")
        begins = row.starts_on or self.starts.get(class_ref) or self.class_start(class_ref)
        if present is not None:
            begins = begins if begins > present.started_on else max(self.reach.today, present.started_on)
            self.stage.end("enrolment", present.id, "ended_on", begins.isoformat(), label, row.origin)
        school = self.school_of_class(class_ref)
        values: dict[str, Any] = {
            "pupil_id": pupil,
            "class_id": class_ref,
            "school_id": school,
            "started_on": begins.isoformat(),
            "sourced_id": row.key[:255],
        }
        self.stage.add("enrolment", values, row.origin, label)

    def class_start(self, class_ref: int) -> date:
        """The first day of a class's school year."""
        known = self.existing.classes.get(class_ref)
        return known.starts_on if known else year_start(self.reach.today)

    def school_of_class(self, class_ref: int) -> int:
        """The school of a class, known or new."""
        if class_ref not in self.class_schools:
            self.class_schools = {known.ref: known.school for known in self.by_class_name.values()}
            self.class_schools |= {known.ref: known.school for known in self.by_class_id.values()}
        return self.class_schools[class_ref]

    def place_appointments(self, rows: list[AppointmentRow]) -> None:
        """Roles. A teacher of classes needs no second role for the school as a whole."""
        of_classes = {row.person for row in rows if row.class_key}
        refs: list[tuple[AppointmentRow, int, int, int]] = []
        for row in rows:
            if row.role == Role.SUBJECT_TEACHER and not row.class_key and row.person in of_classes:
                continue
            person = self.ref(Kind.PERSON, row.person)
            if person is None or not self.may_appoint(row):
                continue
            class_ref = self.ref(Kind.CLASS, row.class_key) if row.class_key else None
            school = self.ref(Kind.SCHOOL, row.school)
            if class_ref:
                refs.append((row, person, 0, class_ref))
            elif school:
                refs.append((row, person, school, 0))
        present = self.existing.appointments_of(
            person for _row, person, _school, _class in refs if person > 0
        )
        for row, person, school, class_ref in refs:
            self.appoint(row, person, school, class_ref, present.get((person, row.role, school, class_ref)))

    def may_appoint(self, row: AppointmentRow) -> bool:
        """A school office may not name who runs a school."""
        if self.reach.school_id is None:
            return True
        school = self.own_school(row, row.school)
        if school is None:
            return False
        if row.role in RUNS_A_SCHOOL:
            self.refuse(
                row, no_op("Principals and school offices are appointed by the district; take this row out.")
            )
            return False
        return True

    def appoint(self, row: AppointmentRow, person: int, school: int, class_ref: int, present: Any) -> None:
        """One role of one person."""
        label = self.labels[Kind.PERSON].get(person, "")
        if present is not None:
            self.named[Kind.APPOINTMENT].add(present.id)
            if row.ended:
                on = max(self.reach.today, present.started_on).isoformat()
                self.stage.end("appointment", present.id, "ended_on", on, label, row.origin)
                return
            old = {
                "started_on": present.started_on.isoformat(),
                "ended_on": present.ended_on.isoformat() if present.ended_on else None,
            }
            new = dict(old)
            if row.starts_on:
                new["started_on"] = row.starts_on.isoformat()
            if row.ends_on:
                new["ended_on"] = (row.ends_on + timedelta(days=1)).isoformat()
            self.stage.change("appointment", present.id, old, new, row.origin, label)
            return
        if row.ended or (row.ends_on and row.ends_on < self.reach.today):
            return
        if person == self.reach.by_id:
            self.refuse(row, no_op("Nobody changes their own rights; take this row out."))
            return
        starts_on = row.starts_on or (
            self.class_start(class_ref) if class_ref > 0 else year_start(self.reach.today)
        )
        values = {
            "person_id": person,
            "role": str(row.role),
            "school_id": school or None,
            "class_id": class_ref or None,
            "title": "",
            "started_on": starts_on.isoformat(),
            "ended_on": (row.ends_on + timedelta(days=1)).isoformat() if row.ends_on else None,
            "sourced_id": row.key[:255],
        }
        self.stage.add("appointment", values, row.origin, label)

    def place_ties(self, rows: list[GuardianshipRow]) -> None:
        """Guardians of pupils; households are formed when the import is applied."""
        refs = [(row, self.ref(Kind.PUPIL, row.pupil), self.ref(Kind.PERSON, row.person)) for row in rows]
        present = self.existing.ties_of(pupil for _row, pupil, _person in refs if pupil and pupil > 0)
        flags = self.existing.flags_of(
            tie.id
            for row, pupil, person in refs
            if (tie := present.get((pupil or 0, person or 0))) is not None
        )
        for row, pupil, person in refs:
            if not pupil or not person:
                continue
            label = f"{self.labels[Kind.PERSON].get(person, '')} · {self.labels[Kind.PUPIL].get(pupil, '')}"
            tie = present.get((pupil, person))
            if tie is None and not row.ended:
                self.tie(row, pupil, person, label)
            elif tie is not None:
                self.named[Kind.GUARDIANSHIP].add(tie.id)
                self.change_tie(row, tie, flags, label)

    def tie(self, row: GuardianshipRow, pupil: int, person: int, label: str) -> None:
        """A new guardian of a pupil; a question left open is answered as the portal does for new guardians: yes."""
        values = {
            "pupil_id": pupil,
            "person_id": person,
            "relation": (row.relation or UNKNOWN_RELATION)[:40],
            "started_on": self.today,
            "sourced_id": row.key[:255],
        }
        ref = self.stage.add("guardianship", values, row.origin, label)
        for name, flag in FLAGS:
            if getattr(row, name) is not False:
                self.stage.add(
                    "guardianship_flag",
                    {"guardianship_id": ref, "kind": flag.value, "started_on": self.today, "basis": ""},
                )

    def change_tie(
        self, row: GuardianshipRow, tie: Any, flags: dict[tuple[int, str], int], label: str
    ) -> None:
        """A guardian who is there: the word for the relation and the answers that the file gives."""
        ended_on = tie.ended_on.isoformat() if tie.ended_on else None
        if row.ended:
            if ended_on is None:
                self.stage.end("guardianship", tie.id, "ended_on", self.today, label, row.origin)
            return
        old = {"relation": tie.relation, "ended_on": ended_on}
        new = {"relation": (row.relation or tie.relation)[:40], "ended_on": None}
        if row.relation in ROLE_RELATIONS:
            new["relation"] = tie.relation
        self.stage.change("guardianship", tie.id, old, new, row.origin, label)
        for name, flag in FLAGS:
            said, held = getattr(row, name), flags.get((tie.id, flag.value))
            if said is True and held is None:
                self.stage.add(
                    "guardianship_flag",
                    {"guardianship_id": tie.id, "kind": flag.value, "started_on": self.today, "basis": ""},
                )
            elif said is False and held is not None:
                self.stage.end("guardianship_flag", held, "ended_on", self.today)


def near_year_start(first: date) -> date:
    """The school year a day belongs to; years that begin in August count for the September after."""
    return date(first.year if first.month >= 8 else first.year - 1, 9, 1)


def guessed_stage(name: str) -> SchoolStage:
    """The stage a school's name tells, primary if it does not."""
    for word, stage in (
        ("幼儿园", SchoolStage.KINDERGARTEN),
        ("职", SchoolStage.VOCATIONAL),
        ("高中", SchoolStage.SENIOR),
    ):
        if word in name:
            return stage
    return SchoolStage.JUNIOR if "中学" in name or "初" in name else SchoolStage.PRIMARY


def same_phone(one: str, other: str) -> bool:
    """Whether two ways of writing mean the same number."""
    try:
        return clean_phone(one) == clean_phone(other)
    except UncleanError:
        return one == other
