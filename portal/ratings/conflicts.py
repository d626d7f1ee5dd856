"""Who must step aside for a school, and why, in words: asked when people are named or drawn, and again before each lock.

Work there within the years of the district, an own child, work at a school of the same group or alliance, a tie that the
person declared; within a round, the people of two schools do not rate each other; and where the district rotates, the team of the
last round rests.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, func, or_, select

from portal import clock
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings.interests import INTEREST_NAMES, Interest, InterestKind
from portal.ratings.models import Entry, Round, RoundState, Sheet
from portal.ratings.terms import GROUPS, ROTATION, YEARS_APART
from portal.schools.models import Guardianship, Pupil, School, SchoolClass

Tied = dict[tuple[int, int], str]
"""(person, school) → why that person cannot inspect that school."""


def years_of(school_ids: Collection[int]) -> int:
    """For how many years former staff of these schools of one district step aside."""
    return YEARS_APART.on(clock.today(), school_id=min(school_ids)) if school_ids else 1


def workplaces(school_ids: Collection[int], years: int) -> set[tuple[int, int]]:
    """(person, school) of everybody who works at these schools or did so within so many years. Two queries."""
    since = clock.today() - timedelta(days=365 * years)
    recent = or_(Appointment.ended_on.is_(None), Appointment.ended_on > since)
    in_school = select(Appointment.person_id, Appointment.school_id).where(
        Appointment.school_id.in_(school_ids), recent
    )
    in_class = (
        select(Appointment.person_id, SchoolClass.school_id)
        .join(SchoolClass, SchoolClass.id == Appointment.class_id)
        .where(SchoolClass.school_id.in_(school_ids), recent)
    )
    rows = [row for query in (in_school, in_class) for row in db.session.execute(query)]
    return {(person_id, school_id) for person_id, school_id in rows if school_id is not None}


def conflicts(school_ids: Collection[int]) -> Tied:
    """Why people cannot inspect these schools, whatever the round. A constant number of queries, however many schools."""
    years, groups = years_of(school_ids), groups_of(school_ids)
    near = {other for others in groups.values() for other in others}
    worked = workplaces({*school_ids, *near}, years)
    found: Tied = {}
    for school_id in school_ids:
        for person_id, place in worked:
            if place in groups.get(school_id, ()):
                found[person_id, school_id] = _("works at a school of the same group or alliance.")
    for person_id, place in worked:
        if place in set(school_ids):
            found[person_id, place] = _("works there or did so within %(years)s years.", years=years)
    for row in _declared(school_ids, years):
        found.setdefault(
            (row.person_id, row.school_id),
            _("declared a tie: %(what)s", what=str(INTEREST_NAMES[InterestKind(row.kind)])),
        )
    families = (
        select(Guardianship.person_id, Pupil.school_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(
            Pupil.school_id.in_(school_ids),
            or_(Pupil.left_on.is_(None), Pupil.left_on > clock.today()),
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > clock.today()),
        )
    )
    for person_id, school_id in db.session.execute(families):
        found[person_id, school_id] = _("has a child there.")
    return found


def _declared(school_ids: Collection[int], years: int) -> Iterable[Interest]:
    since = clock.now() - timedelta(days=365 * years)
    wanted = select(Interest).where(Interest.school_id.in_(school_ids), Interest.declared_at > since)
    return db.session.scalars(wanted).all()


def groups_of(school_ids: Collection[int]) -> dict[int, set[int]]:
    """School → the other schools of its groups, by what the district has written down. At most one query of its own."""
    lines = GROUPS.on(clock.today(), school_id=min(school_ids)) if school_ids else []
    if not lines:
        return {}
    names = {name for line in lines for name in _names(line)}
    districts = select(School.district_id).where(School.id.in_(school_ids))
    rows = db.session.execute(
        select(School.name, School.id).where(School.name.in_(names), School.district_id.in_(districts))
    )
    known = {name: school_id for name, school_id in rows}
    found: dict[int, set[int]] = defaultdict(set)
    for line in lines:
        members = {known[name] for name in _names(line) if name in known}
        for school_id in members & set(school_ids):
            found[school_id] |= members - {school_id}
    return found


def _names(line: str) -> list[str]:
    spaced = line.replace("、", " ").replace("，", " ").replace(",", " ").replace("；", " ")
    return spaced.split()


def unknown_names(district_id: int) -> list[str]:
    """Names in the district's groups that no school of it has: they keep nobody apart."""
    lines = GROUPS.on(clock.today(), district_id=district_id)
    names = list(dict.fromkeys(name for line in lines for name in _names(line)))
    known = set(db.session.scalars(select(School.name).where(School.district_id == district_id)))
    return [name for name in names if name not in known] if names else []


def stepping_aside(entry: Entry) -> Tied:
    """Who cannot be named for a school in its round: ties, mutual ratings, and the team of the last round where it rotates."""
    found = conflicts([entry.school_id])
    for person_id in _rated_by(entry):
        found.setdefault(
            (person_id, entry.school_id),
            _("works at a school that people of this school rate in the same round."),
        )
    if ROTATION.on(clock.today(), district_id=entry.round.district_id):
        for person_id in last_team(entry):
            found.setdefault((person_id, entry.school_id), _("inspected this school in the last round."))
    return found


def last_team(entry: Entry) -> list[int]:
    """Who inspected a school in the newest published round before this one."""
    last = (
        select(func.max(Entry.id))
        .join(Round, Round.id == Entry.round_id)
        .where(Entry.school_id == entry.school_id, Entry.id != entry.id, Round.state == RoundState.PUBLISHED)
        .scalar_subquery()
    )
    return list(db.session.scalars(select(Sheet.person_id).where(Sheet.entry_id == last)))


def _rated_by(entry: Entry) -> set[int]:
    """People of the schools that somebody of this school already rates in the same round."""
    years = years_of([entry.school_id])
    own = {person_id for person_id, _school in workplaces([entry.school_id], years)}
    theirs = (
        select(Entry.school_id)
        .join(Sheet, Sheet.entry_id == Entry.id)
        .where(
            Entry.round_id == entry.round_id,
            Entry.id != entry.id,
            Sheet.person_id.in_(own),
            Sheet.voided_at.is_(None),
        )
    )
    schools = set(db.session.scalars(theirs)) if own else set()
    return {person_id for person_id, _school in workplaces(schools, years)} if schools else set()


def first_conflict(which: ColumnElement[bool]) -> dict[str, str] | None:
    """The first inspector among these entries who must step aside: person, school, why. None when there is none."""
    rows = db.session.execute(
        select(Person.id, Person.name, School.id, School.name)
        .join(Sheet, Sheet.person_id == Person.id)
        .join(Entry, Entry.id == Sheet.entry_id)
        .join(School, School.id == Entry.school_id)
        .where(which, Sheet.voided_at.is_(None))
        .order_by(Entry.id, Sheet.id)
    ).all()
    tied = conflicts({school_id for _person, _name, school_id, _school in rows}) if rows else {}
    for person_id, person, school_id, school in rows:
        if (person_id, school_id) in tied:
            return {"person": person, "school": school, "why": tied[person_id, school_id]}
    return None
