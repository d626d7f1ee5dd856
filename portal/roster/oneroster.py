"""From the files of a OneRoster package to rows.

Decisions where the standard leaves room or real packages break it: a blank status means active; a class is a
homeroom class if the package has any, otherwise every class counts; guardians are found through agentSourcedIds in
either direction; roles that run the district or the system are never taken from a file.
"""

import re
from collections.abc import Callable, Iterator
from sys import intern

from portal.access import Role
from portal.i18n import no_op
from portal.roster.cleaning import full_name, plain
from portal.roster.grades import grade_code, grade_in_title
from portal.roster.lines import Line
from portal.roster.package import Held, Package
from portal.roster.problems import Problem
from portal.roster.rows import (
    AppointmentRow,
    ClassRow,
    EnrolmentRow,
    GuardianshipRow,
    PersonRow,
    PupilRow,
    Row,
    SchoolRow,
    SessionRow,
    Spoiled,
)

Found = Row | Problem | Spoiled

GUARDIANS = frozenset({"guardian", "parent", "relative"})
ROLES = {
    "teacher": Role.SUBJECT_TEACHER,
    "aide": Role.SUBJECT_TEACHER,
    "counselor": Role.SUBJECT_TEACHER,
    "principal": Role.PRINCIPAL,
    "administrator": Role.SCHOOL_OFFICE,
    "siteadministrator": Role.SCHOOL_OFFICE,
}
GIVEN_BY_HAND = frozenset({"districtadministrator", "systemadministrator"})
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
RELATIONS = {"guardian": "监护人", "parent": "家长", "relative": "亲属"}


def read_package(package: Package) -> Iterator[Found]:
    """All records of a package in the order schools, years, classes, people, pupils, appointments, places, guardians."""
    yield from package.notices
    yield from read_file(package, "orgs", school_of)
    yield from read_file(package, "academicSessions", session_of)
    homerooms = has_homerooms(package)
    yield from read_file(package, "classes", ClassReader(homerooms))
    held: dict[str, tuple[Held, ...]] = {}
    if package.is_present("roles"):
        yield from collect_roles(package, held)
    yield from read_file(package, "users", UserReader(package, held))
    yield from read_enrolments(package)
    yield from read_agents(package, held)


def read_file(package: Package, name: str, row_of: Callable[[Line], Iterator[Row]]) -> Iterator[Found]:
    """Every line of one file turned into rows; a line that is not good gives its problems and no rows."""
    if not package.is_present(name):
        return
    blanks_count = package.modes.get(name) == "delta"
    for line in package.lines(name):
        if isinstance(line, Problem):
            yield line
            continue
        rows = list(row_of(line))
        blanks_count = look_at_status(line, blanks_count)
        yield from line.problems.values()
        if line.is_good:
            yield from rows
        else:
            yield from (Spoiled(row.kind, row.key) for row in rows)


def look_at_status(line: Line, blanks_count: bool) -> bool:
    """Tell of a blank status where the file fills others in, and of a time stamp not written as ISO 8601 asks.

    A complete file leaves both blank (OneRoster 1.1, section 3). Returns whether blanks are to be told from now on.
    """
    stamp = plain(line.text("dateLastModified"))
    if stamp and not STAMP.fullmatch(stamp):
        reason = no_op("“%(text)s” is not written like 2026-09-01T08:00:00Z; it was understood all the same.")
        if line.day("dateLastModified"):
            line.notice("dateLastModified", reason, text=stamp[:40])
    if line.text("status"):
        return True
    if blanks_count:
        line.notice("status", no_op("The status is blank; it was read as active."))
    return blanks_count


def is_ended(line: Line) -> bool:
    """Whether the line's status says that the record is to end. Blank means active."""
    status = plain(line.text("status")).casefold()
    if status in {"", "active"}:
        return False
    if status in {"tobedeleted", "inactive"}:
        return True
    line.refuse("status", no_op("“%(text)s” is neither active nor tobedeleted."), text=status[:40])
    return False


def many(line: Line, field: str) -> tuple[str, ...]:
    """The ids of a list field, as the standard parts them with commas."""
    pieces = plain(line.text(field)).split(",")
    return tuple(dict.fromkeys(intern(piece.strip()) for piece in pieces if piece.strip()))


def school_of(line: Line) -> Iterator[Row]:
    """A line of orgs.csv."""
    kind = plain(line.text("type")).casefold()
    if kind not in {"school", "district", "local", "state", "national", "department"}:
        line.notice(
            "type", no_op("“%(text)s” is no kind of organisation; it was read as a school."), text=kind[:40]
        )
        kind = "school"
    if kind == "department":
        return
    yield SchoolRow(
        origin=line.origin,
        key=line.code("sourcedId", required=True),
        ended=is_ended(line),
        name=line.name("name", required=True),
        code=line.code("identifier") or None,
        is_school=kind == "school",
        parent=line.code("parentSourcedId") or None,
    )


def session_of(line: Line) -> Iterator[Row]:
    """A line of academicSessions.csv."""
    kind = plain(line.text("type")).casefold()
    if kind == "gradingperiod":
        return
    starts_on, ends_on = line.period("startDate", "endDate")
    for field, day in (("startDate", starts_on), ("endDate", ends_on)):
        if day is None:
            line.text(field, required=True)
    if kind not in {"schoolyear", "term", "semester"}:
        line.refuse("type", no_op("“%(text)s” is neither schoolYear, semester nor term."), text=kind[:40])
    yield SessionRow(
        origin=line.origin,
        key=line.code("sourcedId", required=True),
        ended=is_ended(line),
        title=line.name("title", required=True),
        is_year=kind == "schoolyear",
        starts_on=starts_on,
        ends_on=ends_on,
        parent=line.code("parentSourcedId") or None,
    )


def has_homerooms(package: Package) -> bool:
    """Whether the package tells homeroom classes (行政班) from timetabled ones."""
    if not package.is_present("classes"):
        return False
    return any(
        isinstance(line, Line) and plain(line.text("classType")).casefold() == "homeroom"
        for line in package.lines("classes", tell=False)
    )


class ClassReader:
    """Reads lines of classes.csv, leaving out timetabled classes where there are homeroom classes."""

    def __init__(self, homerooms: bool) -> None:
        self.homerooms = homerooms
        self.skipped: set[str] = set()

    def __call__(self, line: Line) -> Iterator[Row]:
        if self.homerooms and plain(line.text("classType")).casefold() != "homeroom":
            line.notice(
                "classType", no_op("Only homeroom classes are taken in; this timetabled class was left out.")
            )
            return
        title = line.name("title", required=True)
        grade = grade_of(line) or grade_in_title(title)
        if grade is None:
            line.notice(
                "grades", no_op("The grade of this class is not given and cannot be told from its name.")
            )
        yield ClassRow(
            origin=line.origin,
            key=line.code("sourcedId", required=True),
            ended=is_ended(line),
            name=title,
            school=line.code("schoolSourcedId", required=True),
            grade=grade,
            sessions=many(line, "termSourcedIds"),
        )


def grade_of(line: Line) -> str | None:
    """The first grade of a grades field; more than one or an unknown one is told."""
    said = many(line, "grades")
    if not said:
        return None
    if len(said) > 1:
        line.notice("grades", no_op("Several grades are named; the first was taken."))
    grade = grade_code(said[0])
    if grade is None:
        line.notice("grades", no_op("“%(text)s” is no grade we know; it was left out."), text=said[0][:40])
    return grade


def collect_roles(package: Package, held: dict[str, tuple[Held, ...]]) -> Iterator[Found]:
    """Take the roles of 1.2 into `held`, by user; only problems are given on."""
    for line in package.lines("roles"):
        if isinstance(line, Problem):
            yield line
            continue
        user = line.code("userSourcedId", required=True)
        role = plain(line.text("role", required=True)).casefold()
        org = line.code("orgSourcedId", required=True)
        ended = is_ended(line)
        yield from line.problems.values()
        if line.is_good and not ended:
            held[user] = package.share((*held.get(user, ()), (intern(role), intern(org))))


class UserReader:
    """Reads lines of users.csv into people, pupils and appointments."""

    def __init__(self, package: Package, held: dict[str, tuple[Held, ...]]) -> None:
        self.package = package
        self.held = held

    def __call__(self, line: Line) -> Iterator[Row]:
        key = line.code("sourcedId", required=True)
        name = full_name(line.name("familyName"), line.name("givenName"), line.name("middleName"))
        if not name:
            line.refuse("familyName", no_op("This must be filled in."))
        ended = is_ended(line)
        roles = roles_of(line, key, self.package, self.held)
        words = {role for role, _org in roles}
        if "student" in words:
            schools = tuple(dict.fromkeys(org for role, org in roles if role == "student" and org))
            if not schools:
                line.refuse("orgSourcedIds", no_op("This must be filled in."))
            yield PupilRow(
                origin=line.origin,
                key=key,
                ended=ended,
                name=name,
                schools=schools,
                number=line.code("identifier") or None,
                grade=grade_of(line),
            )
        if words - {"student"}:
            yield from self.adult(line, key, name, ended, roles)

    def adult(self, line: Line, key: str, name: str, ended: bool, roles: tuple[Held, ...]) -> Iterator[Row]:
        """The person, and an appointment for each role in a school."""
        told = set()
        appointments: list[AppointmentRow] = []
        for role, org in roles:
            if role in ROLES:
                code = ROLES[role]
                row_key = f"{key}@{org}/{code}"
                appointments.append(
                    AppointmentRow(
                        origin=line.origin, key=row_key, ended=ended, person=key, role=code, school=org
                    )
                )
            elif role in GIVEN_BY_HAND:
                line.notice(
                    "role", no_op("The role “%(role)s” is only given by hand; it was left out."), role=role
                )
            elif role not in GUARDIANS and role != "student":
                line.notice(
                    "role", no_op("The role “%(role)s” is not used here; it was left out."), role=role[:40]
                )
            else:
                told.add(role)
        if not appointments and not told & GUARDIANS:
            return
        yield PersonRow(
            origin=line.origin,
            key=key,
            ended=ended,
            name=name,
            phone=phone_of(line),
            number=line.code("identifier") or None,
            login=line.code("username") or None,
        )
        yield from appointments


def roles_of(line: Line, key: str, package: Package, held: dict[str, tuple[Held, ...]]) -> tuple[Held, ...]:
    """A user's roles: from roles.csv where there is one, otherwise from the line itself (1.1)."""
    if package.is_present("roles"):
        roles = held.get(key, ())
        if not roles:
            line.notice("", no_op("This user has no role in roles.csv and was left out."))
        return roles
    role = intern(plain(line.text("role", required=True)).casefold())
    orgs = many(line, "orgSourcedIds")
    return package.share(tuple((role, org) for org in orgs) or ((role, ""),))


def phone_of(line: Line) -> str | None:
    """The mobile number (sms) or the phone; one that cannot be read is left out with a notice, as it is no key here."""
    for field in ("sms", "phone"):
        if not line.text(field):
            continue
        probe = Line(line.origin, line.cells, line.headings)
        phone = probe.phone(field)
        if phone:
            return phone
        for problem in probe.problems.values():
            line.notice(field, problem.reason, **problem.params)
    return None


def read_enrolments(package: Package) -> Iterator[Found]:
    """Places of pupils, and the classes of teachers: a primary teacher of a class is its class teacher (班主任)."""
    yield from read_file(package, "enrollments", enrolment_of)


def enrolment_of(line: Line) -> Iterator[Row]:
    """A line of enrollments.csv."""
    role = plain(line.text("role", required=True)).casefold()
    key = line.code("sourcedId", required=True)
    class_key = line.code("classSourcedId", required=True)
    user = line.code("userSourcedId", required=True)
    school = line.code("schoolSourcedId") or None
    starts_on, ends_on = line.period("beginDate", "endDate")
    ended = is_ended(line)
    if role == "student":
        yield EnrolmentRow(
            origin=line.origin,
            key=key,
            ended=ended,
            pupil=user,
            class_key=class_key,
            school=school,
            starts_on=starts_on,
            ends_on=ends_on,
        )
    elif role == "teacher":
        is_primary = line.flag("primary")
        yield AppointmentRow(
            origin=line.origin,
            key=key,
            ended=ended,
            person=user,
            role=Role.CLASS_TEACHER if is_primary else Role.SUBJECT_TEACHER,
            school=school or "",
            class_key=class_key,
            starts_on=starts_on,
            ends_on=ends_on,
        )
    else:
        line.notice("role", no_op("The role “%(role)s” is not used here; it was left out."), role=role[:40])


def read_agents(package: Package, held: dict[str, tuple[Held, ...]]) -> Iterator[Found]:
    """Guardians, from agentSourcedIds of pupils or of the guardians themselves; users.csv is read once more for it."""
    if not package.is_present("users"):
        return
    seen: set[int] = set()
    relations = dict(guardian_relations(package, held))
    for line in package.lines("users", tell=False):
        if isinstance(line, Problem) or not line.text("agentSourcedIds"):
            continue
        user = line.code("sourcedId")
        is_guardian = user in relations
        for agent in many(line, "agentSourcedIds"):
            person, pupil = (user, agent) if is_guardian and agent not in relations else (agent, user)
            if is_guardian and agent in relations:
                continue
            pair = hash((person, pupil))
            if pair in seen:
                continue
            seen.add(pair)
            yield GuardianshipRow(
                origin=line.origin,
                key=f"{person}>{pupil}",
                person=person,
                pupil=pupil,
                relation=relations.get(person),
            )


def guardian_relations(package: Package, held: dict[str, tuple[Held, ...]]) -> Iterator[tuple[str, str]]:
    """Each guardian's id with the word for the relation: the file's own if it has one, else that of the role."""
    for line in package.lines("users", tell=False):
        if isinstance(line, Problem):
            continue
        key = line.code("sourcedId")
        words = [role for role, _org in roles_of(line, key, package, held) if role in GUARDIANS]
        if words:
            yield key, intern(line.name("relation") or RELATIONS[words[0]])
