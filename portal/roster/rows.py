"""What a roster file says, one record at a time, whatever kind of file it came from.

Every record has a `key`, its identity inside the file: the sourcedId of a OneRoster package, or one we build from
what a person would go by in a workbook (school code, class, name, number). Other records refer to it by that key.
Readers give the records in an order in which schools come before years, classes, people, pupils and what joins them.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in the file a record stands: the sheet or CSV file, and its line counted from 1 as people count."""

    file: str
    line: int


class Kind(StrEnum):
    """What a record is about, in the order in which an import must put them in place."""

    SCHOOL = "school"
    SESSION = "session"
    CLASS = "class"
    PERSON = "person"
    PUPIL = "pupil"
    APPOINTMENT = "appointment"
    ENROLMENT = "enrolment"
    GUARDIANSHIP = "guardianship"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolRow:
    """A school, campus or office. `parent` is the key of the district, group or main school it belongs to."""

    kind = Kind.SCHOOL
    origin: Origin
    key: str
    ended: bool = False
    name: str
    code: str | None = None
    is_school: bool = True
    parent: str | None = None
    stages: tuple[str, ...] = ()
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A school year (`is_year`) or a part of one. Both days belong to it."""

    kind = Kind.SESSION
    origin: Origin
    key: str
    ended: bool = False
    title: str
    is_year: bool
    starts_on: date | None = None
    ends_on: date | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """A class of a school. `grade` is a code of `grades.GRADES`; `sessions` are keys of years or terms.

    `year` is the calendar year in which its school year begins, where the file says so directly.
    """

    kind = Kind.CLASS
    origin: Origin
    key: str
    ended: bool = False
    name: str
    school: str
    grade: str | None = None
    year: int | None = None
    sessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """An adult: staff, guardian or both. `phone` is E.164. `login` is the account name, where the file has one."""

    kind = Kind.PERSON
    origin: Origin
    key: str
    ended: bool = False
    name: str
    phone: str | None = None
    number: str | None = None
    login: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PupilRow:
    """A pupil. `number` is the school's own number, never a national one; that is `identity`, where the district keeps
    it. `schools` are keys."""

    kind = Kind.PUPIL
    origin: Origin
    key: str
    ended: bool = False
    name: str
    schools: tuple[str, ...]
    number: str | None = None
    grade: str | None = None
    identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentRow:
    """A person's role (a code of `Role`) in a school, or in one class of it, from and until the days given."""

    kind = Kind.APPOINTMENT
    origin: Origin
    key: str
    ended: bool = False
    person: str
    role: str
    school: str
    class_key: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRow:
    """A pupil's place in a class. `school` is the school the line itself names, to be compared with the class's."""

    kind = Kind.ENROLMENT
    origin: Origin
    key: str
    ended: bool = False
    pupil: str
    class_key: str
    school: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianshipRow:
    """A guardian of a pupil. `relation` is the label as typed (妈妈, 爷爷, 姑姑); None means the file does not say.

    A flag that is None was not answered in the file.
    """

    kind = Kind.GUARDIANSHIP
    origin: Origin
    key: str
    ended: bool = False
    person: str
    pupil: str
    relation: str | None = None
    lives_with: bool | None = None
    picks_up: bool | None = None
    may_sign: bool | None = None


Row = (
    SchoolRow | SessionRow | ClassRow | PersonRow | PupilRow | AppointmentRow | EnrolmentRow | GuardianshipRow
)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A record that is there but cannot be used; what refers to it need not be blamed once more."""

    kind: Kind
    key: str
