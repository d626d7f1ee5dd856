"""Whom one may begin a recovery for: people of the actor's school, found by their own or their child's name."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select

from portal.access import ROLE_NAMES, Actor, Role
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.recovery.models import Whose
from portal.schools.models import Guardianship, Pupil, School, SchoolClass
from portal.schools.policy import in_force, school_now, schools_of_district

MOST = 20


@dataclass(frozen=True)
class Candidate:
    """Somebody whose account may be recovered here: who, as what, through which school and child."""

    person_id: int
    key: str
    name: str
    about: str
    whose: Whose
    school_id: int
    pupil_id: int | None = None


def candidates(actor: Actor, wanted: str = "", key: str = "") -> list[Candidate]:
    """Those whose name, or whose child's name, holds ``wanted``; or the one of this ``key``. At most twenty."""
    if not wanted and not key:
        return []
    found: list[Candidate] = []
    if actor.role != Role.DISTRICT_STAFF:
        found += _parents(actor, wanted, key)
    if actor.role != Role.SCHOOL_OFFICE:
        found += _staff(actor, wanted, key)
    return [one for one in found if one.person_id != actor.person_id][:MOST]


def _parents(actor: Actor, wanted: str, key: str) -> Iterable[Candidate]:
    query = (
        select(
            Person.id,
            Person.public_id,
            Person.name,
            Pupil.id,
            Pupil.public_id,
            Pupil.name,
            Guardianship.relation,
        )
        .select_from(Guardianship)
        .join(Person, Person.id == Guardianship.person_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(in_force(Guardianship, actor), school_now(actor))
        .order_by(Pupil.name_pinyin, Guardianship.id)
        .limit(MOST)
    )
    if key:
        person, _dot, pupil = key.partition(".")
        query = query.where(Person.public_id == person, Pupil.public_id == pupil)
    else:
        query = query.where(
            or_(Person.name.contains(wanted, autoescape=True), Pupil.name.contains(wanted, autoescape=True))
        )
    assert actor.school_id is not None
    for person_id, person_key, name, pupil_id, pupil_key, child, relation in db.session.execute(query):
        yield Candidate(
            person_id,
            f"{person_key}.{pupil_key}",
            name,
            f"{child} · {relation}",
            Whose.GUARDIAN,
            actor.school_id,
            pupil_id,
        )


def _staff(actor: Actor, wanted: str, key: str) -> Iterable[Candidate]:
    school_id = SchoolClass.school_id
    query = (
        select(Person.id, Person.public_id, Person.name, Appointment.role, School.id, School.name)
        .select_from(Appointment)
        .join(Person, Person.id == Appointment.person_id)
        .outerjoin(SchoolClass, SchoolClass.id == Appointment.class_id)
        .join(School, or_(School.id == Appointment.school_id, School.id == school_id))
        .where(in_force(Appointment, actor))
        .order_by(Person.name_pinyin, Appointment.id)
        .limit(MOST)
    )
    if actor.role == Role.DISTRICT_STAFF:
        query = query.where(School.id.in_(schools_of_district(actor)), Appointment.role == Role.PRINCIPAL)
    else:
        query = query.where(School.id == actor.school_id, Appointment.role != Role.PRINCIPAL)
    if key:
        query = query.where(Person.public_id == key)
    else:
        query = query.where(
            or_(Person.name.contains(wanted, autoescape=True), School.name.contains(wanted, autoescape=True))
        )
    seen: set[int] = set()
    whose = Whose.PRINCIPAL if actor.role == Role.DISTRICT_STAFF else Whose.STAFF
    for person_id, person_key, name, role, school, place in db.session.execute(query):
        if person_id not in seen and not (whose == Whose.STAFF and _heads(actor, person_id)):
            seen.add(person_id)
            yield Candidate(person_id, person_key, name, f"{ROLE_NAMES[Role(role)]} · {place}", whose, school)


def _heads(actor: Actor, person_id: int) -> bool:
    """Whether the person holds an office above a school's staff today: those go through the district."""
    above = (Role.PRINCIPAL, Role.DISTRICT_STAFF, Role.INSPECTOR, Role.AUDITOR, Role.SYSTEM_ADMIN)
    wanted = select(Appointment.id).where(
        Appointment.person_id == person_id, Appointment.role.in_(above), in_force(Appointment, actor)
    )
    return db.session.execute(wanted.limit(1)).first() is not None
