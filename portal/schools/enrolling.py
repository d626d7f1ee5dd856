"""Verbs of the world: people, pupils, places in classes, guardians, households."""

from datetime import date
from typing import Any

from sqlalchemy import and_, or_, select

from portal import clock, names
from portal.access import Role
from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import (
    Enrolment,
    Flag,
    Guardianship,
    GuardianshipFlag,
    Household,
    HouseholdSplit,
    Pupil,
    School,
    SchoolClass,
)


def add_person(name: str, **facts: Any) -> Person:
    """A person with the sort key and initials of the name, in the current transaction."""
    full, initials = names.reading(name)
    person = Person(name=name, name_pinyin=full, name_initials=initials, created_at=clock.now(), **facts)
    db.session.add(person)
    return person


def add_pupil(name: str, school: School, arrived_on: date, **facts: Any) -> Pupil:
    """A pupil of a school, in the current transaction."""
    full, initials = names.reading(name)
    pupil = Pupil(
        name=name,
        name_pinyin=full,
        name_initials=initials,
        school_id=school.id,
        arrived_on=arrived_on,
        priority=facts.pop("priority", ""),
        **facts,
    )
    db.session.add(pupil)
    return pupil


def enrol(
    pupil: Pupil, school_class: SchoolClass, started_on: date, ended_on: date | None = None
) -> Enrolment:
    """Give the pupil a place in a class of the same school."""
    place = Enrolment(
        pupil=pupil,
        class_id=school_class.id,
        school_id=school_class.school_id,
        started_on=started_on,
        ended_on=ended_on,
    )
    db.session.add(place)
    return place


def add_guardian(
    pupil: Pupil,
    person: Person,
    relation: str,
    household: Household,
    started_on: date,
    flags: tuple[Flag, ...] = (Flag.LIVES_WITH, Flag.PICKS_UP, Flag.MAY_SIGN),
) -> Guardianship:
    """Tie an adult to a pupil, with what holds between them from the start."""
    tie = Guardianship(
        pupil=pupil, person=person, household_id=household.id, relation=relation, started_on=started_on
    )
    tie.flags = [GuardianshipFlag(kind=flag, started_on=started_on) for flag in flags]
    db.session.add(tie)
    return tie


def restrict(tie: Guardianship, from_on: date, document: str, until_on: date | None = None) -> None:
    """Restrict a guardian by a legal document (protection order, revoked guardianship) from a day on."""
    if not document.strip():
        raise RuleBroken(_("A restriction needs the legal document it rests on."))
    db.session.add(
        GuardianshipFlag(
            guardianship_id=tie.id,
            kind=Flag.RESTRICTED,
            started_on=from_on,
            ended_on=until_on,
            basis=document,
        )
    )


def limit(tie: Guardianship, from_on: date, until_on: date | None = None) -> None:
    """From a day on this guardian sees and confirms only, until a day (the first on which it no longer holds)."""
    db.session.add(
        GuardianshipFlag(guardianship_id=tie.id, kind=Flag.LIMITED, started_on=from_on, ended_on=until_on)
    )


def appoint(person: Person, role: Role, started_on: date, **scope: Any) -> Appointment:
    """Appoint a person; ``scope`` is one of district_id, school_id, class_id."""
    appointment = Appointment(person=person, role=role, started_on=started_on, **scope)
    db.session.add(appointment)
    return appointment


def form_household(formed_on: date, school_id: int | None = None, reason: str = "") -> Household:
    """A new household, with its id."""
    household = Household(formed_on=formed_on, school_id=school_id, reason=reason)
    db.session.add(household)
    db.session.flush()
    return household


def split_household(tie: Guardianship, from_on: date, decided_by_id: int | None, reason: str) -> Household:
    """From a day on, this guardian counts as a household of their own for this child (separated parents).

    Takes along the guardian's ties to siblings of the same household. Raises RuleBroken when they already stand alone.
    """
    together = db.session.scalars(
        select(Guardianship).where(
            Guardianship.household_id == tie.household_id,
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > from_on),
        )
    ).all()
    moving = [other for other in together if other.person_id == tie.person_id]
    if len(moving) == len(together):
        raise RuleBroken(_("This guardian is a household of their own already."))
    old_id = tie.household_id
    new = form_household(from_on, tie.pupil.school_id, reason)
    for other in moving:
        other.household_id = new.id
        db.session.add(
            HouseholdSplit(
                guardianship_id=other.id,
                from_household_id=old_id,
                to_household_id=new.id,
                from_on=from_on,
                decided_by_id=decided_by_id,
                decided_at=clock.now(),
            )
        )
    return new


def class_of(pupil: Pupil, on: date) -> SchoolClass | None:
    """The class a pupil is in on a day."""
    return db.session.scalar(
        select(SchoolClass)
        .join(Enrolment, Enrolment.class_id == SchoolClass.id)
        .where(
            Enrolment.pupil_id == pupil.id,
            and_(Enrolment.started_on <= on, or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > on)),
        )
        .limit(1)
    )
