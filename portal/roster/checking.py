"""What only shows when records are seen together: twins, cycles, references to nothing.

What can be mended is mended with a notice (a parent organisation, a term or an agent that does not exist is left
out); what a record cannot be without (the school of a class, the class and pupil of a place) is an error.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from portal.i18n import no_op
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
    Spoiled,
)

Found = Row | Problem | Spoiled
# Does the portal already have a record of this kind under this key?
Known = Callable[[Kind, str], bool]


def nothing_known(kind: Kind, key: str) -> bool:
    """For a portal that is empty."""
    return False


@dataclass
class Seen:
    """What the file has shown so far: the line of every key, and of a few kinds what they refer to."""

    known: Known
    lines: dict[Kind, dict[str, int]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    spoiled: set[tuple[Kind, str]] = field(default_factory=set)
    parents: dict[str, SchoolRow] = field(default_factory=dict)
    school_of_class: dict[str, str] = field(default_factory=dict)
    schools_of_pupil: dict[str, tuple[str, ...]] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    guarded: set[int] = field(default_factory=set)

    def has(self, kind: Kind, key: str) -> bool:
        """Whether a reference leads somewhere; a spoiled record counts, for it has been told already."""
        return key in self.lines[kind] or (kind, key) in self.spoiled or self.known(kind, key)


def check(found: Iterable[Found], known: Known = nothing_known) -> Iterator[Row | Problem]:
    """The same sequence without the rows that cannot stand, each replaced by its problem."""
    seen = Seen(known)
    schools: list[SchoolRow] = []
    past_schools = False
    for item in found:
        if isinstance(item, Problem):
            yield item
        elif isinstance(item, Spoiled):
            seen.spoiled.add((item.kind, item.key))
        elif isinstance(item, SchoolRow) and not past_schools:
            if problem := twin(item, seen):
                yield problem
            else:
                schools.append(item)
        else:
            if not past_schools:
                past_schools = True
                yield from check_schools(schools, seen)
            yield from check_row(item, seen)
    if not past_schools:
        yield from check_schools(schools, seen)
    if alone := sum(hash(key) not in seen.guarded for key in seen.schools_of_pupil):
        reason = no_op("%(count)s pupils have no guardian in this file.")
        yield Problem("", 0, "", reason, {"count": str(alone)}, Gravity.NOTICE)


def twin(row: Row, seen: Seen) -> Problem | None:
    """Remember a row's key; if an earlier line has it, an error, or a notice where saying it twice does no harm."""
    lines = seen.lines[row.kind]
    if row.key not in lines:
        lines[row.key] = row.origin.line
        return None
    first = lines[row.key]
    if isinstance(row, AppointmentRow | GuardianshipRow):
        return notice(
            row, no_op("This was already said on line %(first)s; the row was left out."), first=first
        )
    seen.spoiled.add((row.kind, row.key))
    return error(
        row, no_op("This record stands in the file twice; it was first on line %(first)s."), first=first
    )


def check_row(row: Row, seen: Seen) -> Iterator[Row | Problem]:
    """One row behind the schools."""
    if problem := twin(row, seen):
        yield problem
        return
    match row:
        case SessionRow():
            yield from check_session(row, seen)
        case ClassRow():
            yield from check_class(row, seen)
        case PupilRow():
            yield from check_pupil(row, seen)
        case AppointmentRow():
            yield from check_appointment(row, seen)
        case EnrolmentRow():
            yield from check_enrolment(row, seen)
        case GuardianshipRow():
            yield from check_guardianship(row, seen)
        case PersonRow() | SchoolRow():
            yield row


def check_schools(schools: list[SchoolRow], seen: Seen) -> Iterator[Row | Problem]:
    """Schools in an order in which a parent comes first; cycles are errors, unknown parents are dropped."""
    by_key = {school.key: school for school in schools}
    for school in schools:
        if school.parent is None or school.parent in by_key or seen.has(Kind.SCHOOL, school.parent):
            continue
        by_key[school.key] = replace(school, parent=None)
        reason = no_op("The organisation above it, “%(key)s”, does not exist; it was left out.")
        yield notice(school, reason, key=school.parent)
    depth = {key: depth_of(key, by_key) for key in by_key}
    for key, school in by_key.items():
        if depth[key] is None:
            seen.spoiled.add((Kind.SCHOOL, key))
            yield error(school, no_op("These organisations stand above each other in a circle."))
    for key in sorted((key for key in by_key if depth[key] is not None), key=lambda key: depth[key] or 0):
        school = by_key[key]
        above = by_key.get(school.parent or "")
        if above and above.is_school and school.is_school:
            reason = no_op("It belongs to another school, “%(name)s”; it was read as a campus of it.")
            yield notice(school, reason, name=above.name)
        yield school


def depth_of(key: str, by_key: dict[str, SchoolRow]) -> int | None:
    """How many organisations stand above; None in a circle or under one."""
    above: set[str] = set()
    at: str | None = key
    while at is not None and at in by_key:
        if at in above:
            return None
        above.add(at)
        at = by_key[at].parent
    return len(above)


def check_session(row: SessionRow, seen: Seen) -> Iterator[Row | Problem]:
    """A term's year may be missing or stand below it in the file; that is settled by its days."""
    if row.parent == row.key:
        row = replace(row, parent=None)
    yield row


def check_class(row: ClassRow, seen: Seen) -> Iterator[Row | Problem]:
    """A class needs its school; a term that does not exist is dropped."""
    if not seen.has(Kind.SCHOOL, row.school):
        seen.spoiled.add((row.kind, row.key))
        yield error(row, no_op("The school “%(key)s” does not exist."), key=shown(row.school))
        return
    if (Kind.SCHOOL, row.school) in seen.spoiled:
        seen.spoiled.add((row.kind, row.key))
        return
    dangling = [key for key in row.sessions if not seen.has(Kind.SESSION, key)]
    if dangling:
        row = replace(row, sessions=tuple(key for key in row.sessions if key not in dangling))
        reason = no_op("The term “%(key)s” does not exist; the class was put into the current school year.")
        yield notice(row, reason, key="、".join(dangling))
    seen.school_of_class[row.key] = row.school
    yield row


def check_pupil(row: PupilRow, seen: Seen) -> Iterator[Row | Problem]:
    """A pupil needs a school that exists."""
    dangling = [key for key in row.schools if not seen.has(Kind.SCHOOL, key)]
    if dangling:
        seen.spoiled.add((row.kind, row.key))
        yield error(row, no_op("The school “%(key)s” does not exist."), key=shown(dangling[0]))
        return
    seen.schools_of_pupil[row.key] = row.schools
    yield row


def check_appointment(row: AppointmentRow, seen: Seen) -> Iterator[Row | Problem]:
    """An appointment needs its person, and its school or class."""
    if not seen.has(Kind.PERSON, row.person):
        yield error(row, no_op("The person “%(key)s” does not exist."), key=shown(row.person))
    elif row.class_key and not seen.has(Kind.CLASS, row.class_key):
        yield error(row, no_op("The class “%(key)s” does not exist."), key=shown(row.class_key))
    elif row.class_key and not row.school:
        yield replace(row, school=seen.school_of_class.get(row.class_key, ""))
    elif not seen.has(Kind.SCHOOL, row.school):
        yield error(row, no_op("The school “%(key)s” does not exist."), key=shown(row.school))
    elif elsewhere := other_school(row.class_key, row.school, seen):
        yield error(row, no_op("The class belongs to another school, “%(key)s”."), key=shown(elsewhere))
    elif not is_spoiled(row, seen):
        yield row


def check_enrolment(row: EnrolmentRow, seen: Seen) -> Iterator[Row | Problem]:
    """A place needs its pupil and its class, in one school; a pupil is once in a class."""
    if not seen.has(Kind.PUPIL, row.pupil):
        yield error(row, no_op("The pupil “%(key)s” does not exist."), key=shown(row.pupil))
        return
    if not seen.has(Kind.CLASS, row.class_key):
        yield error(row, no_op("The class “%(key)s” does not exist."), key=shown(row.class_key))
        return
    if elsewhere := other_school(row.class_key, row.school, seen):
        yield error(row, no_op("The class belongs to another school, “%(key)s”."), key=shown(elsewhere))
        return
    if is_spoiled(row, seen):
        return
    school = seen.school_of_class.get(row.class_key)
    own = seen.schools_of_pupil.get(row.pupil, ())
    if school and own and school not in own:
        yield notice(
            row, no_op("The class is in another school than the pupil's; the pupil was counted there too.")
        )
    first = seen.places.setdefault(hash((row.pupil, row.class_key)), row.origin.line)
    if first != row.origin.line:
        yield notice(
            row,
            no_op("The pupil is already in this class (line %(first)s); the row was left out."),
            first=first,
        )
        return
    yield row


def check_guardianship(row: GuardianshipRow, seen: Seen) -> Iterator[Row | Problem]:
    """An agent that does not exist is left out: packages often bring pupils without their parents."""
    if not seen.has(Kind.PERSON, row.person):
        yield notice(
            row, no_op("The guardian “%(key)s” does not exist and was left out."), key=shown(row.person)
        )
    elif not seen.has(Kind.PUPIL, row.pupil):
        yield error(row, no_op("The pupil “%(key)s” does not exist."), key=shown(row.pupil))
    elif not is_spoiled(row, seen):
        seen.guarded.add(hash(row.pupil))
        yield row


def is_spoiled(row: AppointmentRow | EnrolmentRow | GuardianshipRow, seen: Seen) -> bool:
    """Whether something the row needs was told to be wrong already."""
    needs: list[tuple[Kind, str | None]] = []
    match row:
        case AppointmentRow():
            needs = [(Kind.PERSON, row.person), (Kind.CLASS, row.class_key), (Kind.SCHOOL, row.school)]
        case EnrolmentRow():
            needs = [(Kind.PUPIL, row.pupil), (Kind.CLASS, row.class_key)]
        case GuardianshipRow():
            needs = [(Kind.PERSON, row.person), (Kind.PUPIL, row.pupil)]
    return any((kind, key) in seen.spoiled for kind, key in needs if key)


def other_school(class_key: str | None, school: str | None, seen: Seen) -> str | None:
    """The school of the class, if it is not the one the row names."""
    actual = seen.school_of_class.get(class_key or "")
    return actual if actual and school and actual != school else None


def shown(key: str) -> str:
    """A key as the person knows it: what we built around it taken off."""
    for prefix in ("school:", "class:", "pupil:", "staff:", "guardian:", "phone:"):
        if key.startswith(prefix):
            return key.removeprefix(prefix).replace("#", " ").replace("/", " ")
    return key


def error(row: Row, reason: str, /, **params: object) -> Problem:
    """A row that cannot stand."""
    return Problem(row.origin.file, row.origin.line, "", reason, {k: str(v) for k, v in params.items()})


def notice(row: Row, reason: str, /, **params: object) -> Problem:
    """A row that was mended."""
    words = {name: str(value) for name, value in params.items()}
    return Problem(row.origin.file, row.origin.line, "", reason, words, Gravity.NOTICE)
