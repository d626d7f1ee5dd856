"""Whom an answer names: one person the roster knows, in a role the district lets in this way."""

from typing import Any

from sqlalchemy import ColumnElement, and_, select

from portal import clock
from portal.access import Actor, Role
from portal.accounts import phones, sessions
from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.i18n import gettext as _
from portal.schools.models import District
from portal.schools.policy import pupils_of_guardian, schools_of_district
from portal.signon.models import SignOnProvider


def matched(provider: SignOnProvider, claims: dict[str, Any]) -> Person:
    """The person named by a true answer. Raises RuleBroken in words: nobody, two people, or a role not let in this way."""
    found = {person.id: person for person in _named(provider, claims)}
    if not found:
        raise RuleBroken(
            _(
                "The portal knows nobody by this answer. Ask your school office or the district whether you are on the roster."
            ),
            403,
        )
    if len(found) > 1:
        raise RuleBroken(
            _("This answer fits two different people, so nobody is signed in. Tell the district office."), 403
        )
    person = next(iter(found.values()))
    if not _is_let_in(provider, person):
        raise RuleBroken(
            _("Your role does not sign in this way. Use your password, or ask the district office."), 403
        )
    return person


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name) if name else None
    return value.strip() if isinstance(value, str) and len(value) <= 255 else ""


def _named(provider: SignOnProvider, claims: dict[str, Any]) -> list[Person]:
    """Everybody that one of the claims names."""
    conditions: list[ColumnElement[bool]] = []
    if number := _text(claims, provider.roster_claim):
        conditions.append(
            and_(Person.roster_district_id == provider.district_id, Person.sourced_id == number)
        )
    phone = phones.normalised(_text(claims, provider.phone_claim))
    if phone and claims.get("phone_number_verified") is True:
        conditions.append(Person.phone_index == phones.phone_index(phone))
    if account := _text(claims, provider.account_claim):
        conditions.append(Person.account_name == account.lower())
    return [
        person for condition in conditions for person in db.session.scalars(select(Person).where(condition))
    ]


def _is_let_in(provider: SignOnProvider, person: Person) -> bool:
    """Whether the person holds a role that signs in this way, and no appointment outside this district.

    A provider speaks for its own district: it must not open what another district has given to the same person.
    """
    appointments = sessions.appointments_today(person)
    if any(not _lies_within(appointment, provider.district_id) for appointment in appointments):
        return False
    if any(appointment.role in provider.roles for appointment in appointments):
        return True
    return Role.GUARDIAN.value in provider.roles and not appointments and _is_guardian_in(provider, person)


def _lies_within(appointment: Appointment, district_id: int) -> bool:
    tables = Base.metadata.tables
    school_class, school = tables["school_class"], tables["school"]
    wanted = appointment.district_id
    if appointment.class_id is not None or appointment.school_id is not None:
        query = select(school.c.district_id)
        if appointment.class_id is not None:
            query = query.join(school_class, school_class.c.school_id == school.c.id)
            query = query.where(school_class.c.id == appointment.class_id)
        else:
            query = query.where(school.c.id == appointment.school_id)
        wanted = db.session.scalar(query)
    if wanted is None:
        return False
    own = db.session.scalar(select(District.path).where(District.id == district_id)) or "-"
    return (db.session.scalar(select(District.path).where(District.id == wanted)) or "").startswith(own)


def _is_guardian_in(provider: SignOnProvider, person: Person) -> bool:
    day = clock.today()
    guardian = Actor(person_id=person.id, role=Role.GUARDIAN, on=day)
    office = Actor(person_id=0, role=Role.DISTRICT_STAFF, on=day, district_id=provider.district_id)
    pupil = Base.metadata.tables["pupil"]
    wanted = select(pupil.c.id).where(
        pupil.c.id.in_(pupils_of_guardian(guardian)), pupil.c.school_id.in_(schools_of_district(office))
    )
    return db.session.execute(wanted.limit(1)).first() is not None
