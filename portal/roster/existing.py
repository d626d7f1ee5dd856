"""What the portal already knows, looked up in bulk: small tables whole, large ones batch by batch."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from portal.accounts.models import Appointment, Person
from portal.accounts.phones import phone_index
from portal.roster.cleaning import name_key
from portal.schools.identity import identity_index
from portal.schools.models import (
    District,
    Enrolment,
    Grade,
    Guardianship,
    GuardianshipFlag,
    Pupil,
    School,
    SchoolClass,
    SchoolGroup,
    SchoolStage,
    SchoolYear,
)

AT_ONCE = 500
Found = Row[*tuple[Any, ...]]
Query = Select[*tuple[Any, ...]]


def pieces(keys: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """The keys in pieces of a size that every database takes in one question."""
    rest = iter(keys)
    while piece := tuple(islice(rest, AT_ONCE)):
        yield piece


def sort_keys(table: type[School] | type[Person] | type[Pupil]) -> tuple[Any, Any]:
    """What is stored beside a name for sorting and searching."""
    return table.name_pinyin, table.name_initials


PUPIL = (
    Pupil.id,
    Pupil.school_id,
    Pupil.name,
    *sort_keys(Pupil),
    Pupil.left_on,
    Pupil.sourced_id,
    Pupil.public_id,
    Pupil.identity_sealed,
    Pupil.identity_index,
)
PERSON = (
    Person.id,
    Person.name,
    *sort_keys(Person),
    Person.public_id,
    Person.phone_sealed,
    Person.phone_index,
    Person.sourced_id,
    Person.roster_district_id,
)


@dataclass(frozen=True)
class Reach:
    """Where an import may work: a district with those below it, or one school of it; and on which day."""

    district_id: int
    school_id: int | None
    today: date
    by_id: int | None = None
    """Who brings the roster in: nobody gives themselves an office by it."""


@dataclass
class KnownSchool:
    """A school, known or about to be added (`ref` negative)."""

    ref: int
    district_id: int
    code: str
    name: str
    values: dict[str, Any] = field(default_factory=dict)
    stages: set[str] = field(default_factory=set)


@dataclass
class KnownClass:
    """A class, known or about to be added."""

    ref: int
    school: int
    year: int
    grade: int
    number: int
    name: str
    sourced_id: str | None
    starts_on: date


class Existing:
    """Look-ups in the tables of the world, within reach of the import."""

    def __init__(self, connection: Connection, reach: Reach) -> None:
        self.connection = connection
        self.reach = reach
        self.district_ids = self._district_ids()
        self.schools = {known.ref: known for known in self._schools()}
        self.school_ids = [ref for ref in self.schools if reach.school_id in (None, ref)]
        self.groups = {
            (row.district_id, row.name): row.id
            for row in self.rows(
                select(SchoolGroup.id, SchoolGroup.district_id, SchoolGroup.name).where(
                    SchoolGroup.district_id.in_(self.district_ids)
                )
            )
        }
        self.years = {
            (row.district_id, row.starts_on.year): (row.id, row.starts_on)
            for row in self.rows(
                select(SchoolYear.id, SchoolYear.district_id, SchoolYear.starts_on).where(
                    SchoolYear.district_id.in_(self.district_ids)
                )
            )
        }
        self.grades: dict[tuple[int, int, str, int], int] = {}
        self.grade_facts: dict[int, tuple[str, int]] = {}
        self.classes: dict[int, KnownClass] = {}
        self._load_classes()
        self.by_name: dict[int, dict[str, list[tuple[int, str | None]]]] = {}
        self.class_names: dict[int, str] = {}

    def rows(self, query: Query) -> Sequence[Found]:
        """The rows of a query."""
        return self.connection.execute(query).all()

    def in_batches(self, query: Query, column: Any, keys: Iterable[Any]) -> Iterator[Found]:
        """The rows whose column is one of many keys, asked for in pieces."""
        for piece in pieces(dict.fromkeys(keys)):
            yield from self.connection.execute(query.where(column.in_(piece)))

    def _district_ids(self) -> list[int]:
        path = self.connection.scalar(select(District.path).where(District.id == self.reach.district_id))
        return list(self.connection.scalars(select(District.id).where(District.path.startswith(path or "-"))))

    def _schools(self) -> Iterator[KnownSchool]:
        stages: dict[int, set[str]] = defaultdict(set)
        for row in self.rows(select(SchoolStage.school_id, SchoolStage.stage)):
            stages[row.school_id].add(row.stage)
        columns = (School.id, School.district_id, School.code, School.name, *sort_keys(School))
        query = select(*columns, School.phone, School.group_id, School.sourced_id).where(
            School.district_id.in_(self.district_ids)
        )
        for row in self.rows(query):
            values = {
                "code": row.code,
                "name": row.name,
                "name_pinyin": row.name_pinyin,
                "name_initials": row.name_initials,
                "phone": row.phone,
                "group_id": row.group_id,
                "sourced_id": row.sourced_id,
            }
            yield KnownSchool(row.id, row.district_id, row.code, row.name, values, stages[row.id])

    def _load_classes(self) -> None:
        grades = select(Grade.id, Grade.school_id, Grade.school_year_id, Grade.stage, Grade.level)
        for row in self.in_batches(grades, Grade.school_id, self.school_ids):
            self.grades[row.school_id, row.school_year_id, row.stage, row.level] = row.id
            self.grade_facts[row.id] = (row.stage, row.level)
        query = select(
            SchoolClass.id,
            SchoolClass.school_id,
            SchoolClass.grade_id,
            SchoolClass.number,
            SchoolClass.name,
            SchoolClass.sourced_id,
            Grade.school_year_id,
            SchoolYear.starts_on,
        )
        query = query.join(Grade, Grade.id == SchoolClass.grade_id)
        query = query.join(SchoolYear, SchoolYear.id == Grade.school_year_id).order_by(SchoolYear.starts_on)
        for row in self.in_batches(query, SchoolClass.school_id, self.school_ids):
            self.classes[row.id] = KnownClass(
                row.id,
                row.school_id,
                row.school_year_id,
                row.grade_id,
                row.number,
                row.name,
                row.sourced_id,
                row.starts_on,
            )

    def pupils_by_id(self, sourced_ids: Iterable[str]) -> dict[str, list[Found]]:
        """Pupils of the schools in reach by the id a roster gave them."""
        found: dict[str, list[Found]] = defaultdict(list)
        query = select(*PUPIL)
        query = query.join(School, School.id == Pupil.school_id)
        query = query.where(School.district_id.in_(self.district_ids))
        for row in self.in_batches(query, Pupil.sourced_id, sourced_ids):
            found[row.sourced_id].append(row)
        return found

    def pupils_by_identity(self, numbers: Iterable[str]) -> dict[str, list[Found]]:
        """Pupils of the district who have not left, by their identity number."""
        found: dict[str, list[Found]] = defaultdict(list)
        query = select(*PUPIL).join(School, School.id == Pupil.school_id)
        query = query.where(School.district_id == self.reach.district_id, Pupil.left_on.is_(None))
        wanted = {identity_index(number): number for number in numbers}
        for row in self.in_batches(query, Pupil.identity_index, wanted):
            found[wanted[row.identity_index]].append(row)
        return found

    def pupils_of(self, school_id: int) -> dict[str, list[tuple[int, str | None]]]:
        """Pupils of a school who have not left, by name key: (id, id in rosters)."""
        if school_id not in self.by_name:
            by_name: dict[str, list[tuple[int, str | None]]] = defaultdict(list)
            query = select(Pupil.id, Pupil.name, Pupil.sourced_id)
            for row in self.rows(query.where(Pupil.school_id == school_id, Pupil.left_on.is_(None))):
                by_name[name_key(row.name)].append((row.id, row.sourced_id))
            places = select(Enrolment.pupil_id, SchoolClass.name).join(
                SchoolClass, SchoolClass.id == Enrolment.class_id
            )
            places = places.where(Enrolment.school_id == school_id, Enrolment.ended_on.is_(None))
            self.class_names |= {row.pupil_id: name_key(row.name) for row in self.rows(places)}
            self.by_name[school_id] = by_name
        return self.by_name[school_id]

    def pupils(self, ids: Iterable[int]) -> dict[int, Found]:
        """Pupils by their own ids."""
        query = select(*PUPIL)
        return {row.id: row for row in self.in_batches(query, Pupil.id, ids)}

    def people_by_id(self, sourced_ids: Iterable[str]) -> dict[str, Found]:
        """People by the id a roster of these districts gave them."""
        query = select(*PERSON).where(Person.roster_district_id.in_(self.district_ids))
        return {row.sourced_id: row for row in self.in_batches(query, Person.sourced_id, sourced_ids)}

    def people_by_phone(self, phones: Iterable[str]) -> dict[str, Found]:
        """People anywhere in the portal by their phone: an account has one phone, a phone one account."""
        query = select(*PERSON)
        wanted = {phone_index(phone): phone for phone in phones}
        return {wanted[row.phone_index]: row for row in self.in_batches(query, Person.phone_index, wanted)}

    def people(self, ids: Iterable[int]) -> dict[int, Found]:
        """People by their own ids."""
        query = select(*PERSON)
        return {row.id: row for row in self.in_batches(query, Person.id, ids)}

    def guardians_of(self, pupil_ids: Iterable[int]) -> dict[int, dict[str, int]]:
        """The guardians of pupils today: pupil → name key → person."""
        found: dict[int, dict[str, int]] = defaultdict(dict)
        query = select(Guardianship.pupil_id, Person.id, Person.name).join(Person)
        query = query.where(Guardianship.ended_on.is_(None))
        for row in self.in_batches(query, Guardianship.pupil_id, pupil_ids):
            found[row.pupil_id][name_key(row.name)] = row.id
        return found

    def staff_named(self, school_id: int) -> dict[str, int]:
        """People with an appointment in a school or its classes, by name key."""
        query = (
            select(Person.id, Person.name)
            .join(Appointment, Appointment.person_id == Person.id)
            .outerjoin(SchoolClass, SchoolClass.id == Appointment.class_id)
            .where((Appointment.school_id == school_id) | (SchoolClass.school_id == school_id))
        )
        return {name_key(row.name): row.id for row in self.rows(query)}

    def places_of(self, pupil_ids: Iterable[int]) -> dict[int, Found]:
        """The open place of each pupil."""
        query = select(Enrolment.id, Enrolment.pupil_id, Enrolment.class_id, Enrolment.started_on)
        query = query.where(Enrolment.ended_on.is_(None))
        return {row.pupil_id: row for row in self.in_batches(query, Enrolment.pupil_id, pupil_ids)}

    def appointments_of(self, person_ids: Iterable[int]) -> dict[tuple[int, str, int, int], Found]:
        """Appointments that have not ended, by (person, role, school or 0, class or 0)."""
        query = select(
            Appointment.id,
            Appointment.person_id,
            Appointment.role,
            Appointment.school_id,
            Appointment.class_id,
            Appointment.started_on,
            Appointment.ended_on,
        ).where(Appointment.ended_on.is_(None) | (Appointment.ended_on > self.reach.today))
        return {
            (row.person_id, row.role, row.school_id or 0, row.class_id or 0): row
            for row in self.in_batches(query, Appointment.person_id, person_ids)
        }

    def ties_of(self, pupil_ids: Iterable[int]) -> dict[tuple[int, int], Found]:
        """Guardianships that have not ended, or began today and may come back to life, by (pupil, person)."""
        query = select(
            Guardianship.id,
            Guardianship.pupil_id,
            Guardianship.person_id,
            Guardianship.relation,
            Guardianship.ended_on,
        ).where(Guardianship.ended_on.is_(None) | (Guardianship.started_on == self.reach.today))
        return {
            (row.pupil_id, row.person_id): row
            for row in self.in_batches(query, Guardianship.pupil_id, pupil_ids)
        }

    def flags_of(self, tie_ids: Iterable[int]) -> dict[tuple[int, str], int]:
        """Flags that have not ended, by (guardianship, kind)."""
        query = select(GuardianshipFlag.id, GuardianshipFlag.guardianship_id, GuardianshipFlag.kind)
        query = query.where(GuardianshipFlag.ended_on.is_(None))
        return {
            (row.guardianship_id, row.kind): row.id
            for row in self.in_batches(query, GuardianshipFlag.guardianship_id, tie_ids)
        }
