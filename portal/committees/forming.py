"""How a committee comes into office: the place it is for, who may be chosen, the term before it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, func, or_, select

from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.committees.models import (
    OFFICE_NAMES,
    Committee,
    CommitteeMember,
    Office,
    Scope,
    Way,
)
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import (
    Enrolment,
    Flag,
    Grade,
    Guardianship,
    Pupil,
    School,
    SchoolClass,
    SchoolYear,
)
from portal.schools.policy import flagged, in_force
from portal.trail.models import note


@dataclass(frozen=True)
class Place:
    """Where a committee can be: a class, a grade of this year, or the school."""

    scope_kind: Scope
    scope_id: int
    school_id: int
    name: str

    @property
    def key(self) -> str:
        """What it is called in an address: ``class-12``."""
        return f"{self.scope_kind}-{self.scope_id}"


def places(actor: Actor) -> list[Place]:
    """Where the actor may enter a committee today: the school, its grades and classes of this school year, in order."""
    school = db.session.get_one(School, actor.school_id)
    this_year = (
        select(SchoolYear.id)
        .where(SchoolYear.district_id == school.district_id, SchoolYear.starts_on <= actor.on)
        .order_by(SchoolYear.starts_on.desc())
        .limit(1)
        .scalar_subquery()
    )
    classes = db.session.execute(
        select(SchoolClass, Grade)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(Grade.school_id == school.id, Grade.school_year_id == this_year)
        .order_by(Grade.stage, Grade.level, SchoolClass.number)
    ).all()
    if actor.role == Role.CLASS_TEACHER:
        return [
            Place(Scope.CLASS, found.id, school.id, found.name)
            for found, _grade in classes
            if found.id == actor.class_id
        ]
    grades = {grade.id: grade for _class, grade in classes}
    return [
        Place(Scope.SCHOOL, school.id, school.id, school.name),
        *(Place(Scope.GRADE, grade.id, school.id, grade.name) for grade in grades.values()),
        *(Place(Scope.CLASS, found.id, school.id, found.name) for found, _grade in classes),
    ]


def _in_office(actor: Actor, scope_kind: Scope, scopes: Sequence[int]) -> list[tuple[Person, str]]:
    rows = db.session.execute(
        select(Person, Committee.scope_name)
        .join(CommitteeMember, CommitteeMember.person_id == Person.id)
        .join(Committee, Committee.id == CommitteeMember.committee_id)
        .where(
            Committee.scope_kind == scope_kind,
            Committee.scope_id.in_(scopes),
            Committee.began_on <= actor.on,
            func.coalesce(Committee.ended_on, Committee.until_on) > actor.on,
        )
        .order_by(Committee.scope_id, CommitteeMember.id)
    )
    return [(person, name) for person, name in rows]


def candidates(place: Place, actor: Actor) -> dict[str, str]:
    """Who may be chosen, public id → name with child or class: guardians of the class today; for a grade the members of
    its classes' committees; for a school those of its classes and grades."""
    if place.scope_kind == Scope.CLASS:
        rows = db.session.execute(
            select(Person.public_id, Person.name, Pupil.name, Guardianship.relation)
            .join(Guardianship, Guardianship.person_id == Person.id)
            .join(Pupil, Pupil.id == Guardianship.pupil_id)
            .join(Enrolment, Enrolment.pupil_id == Pupil.id)
            .where(
                Enrolment.class_id == place.scope_id,
                in_force(Enrolment, actor),
                in_force(Guardianship, actor),
                ~flagged(actor, Flag.RESTRICTED, Flag.UNCONFIRMED, Flag.LIMITED),
            )
            .order_by(Pupil.name_pinyin, Guardianship.id)
        )
        return {
            key: _("%(name)s, %(child)s's %(relation)s", name=name, child=child, relation=relation)
            for key, name, child, relation in rows
        }
    inside = select(SchoolClass.id).where(
        SchoolClass.grade_id == place.scope_id
        if place.scope_kind == Scope.GRADE
        else SchoolClass.school_id == place.school_id
    )
    found = _in_office(actor, Scope.CLASS, db.session.scalars(inside).all())
    if place.scope_kind == Scope.SCHOOL:
        grades = select(Grade.id).where(Grade.school_id == place.school_id)
        found = [*_in_office(actor, Scope.GRADE, db.session.scalars(grades).all()), *found]
    return {
        person.public_id: _("%(name)s, %(place)s", name=person.name, place=name)
        for person, name in reversed(found)
    }


@dataclass(frozen=True)
class Election:
    """What is entered of an election: the days of the term, how, the numbers of a vote, and who was chosen."""

    began_on: date
    until_on: date
    way: Way
    eligible: int | None
    voted: int | None
    chair: str
    deputy: str
    members: Sequence[str]

    def offices(self) -> dict[str, Office]:
        """Public id → office; who is named twice holds the higher one."""
        named = dict.fromkeys(self.members, Office.MEMBER)
        if self.deputy:
            named[self.deputy] = Office.DEPUTY
        return {**named, self.chair: Office.CHAIR}


def enter(place: Place, election: Election, actor: Actor) -> Committee:
    """Enter a committee; the one in office before it ends on the day the new one begins. In the current transaction.

    RuleBroken when one began on that day or later.
    """
    before = db.session.scalars(
        select(Committee)
        .where(Committee.scope_kind == place.scope_kind, Committee.scope_id == place.scope_id)
        .order_by(Committee.began_on.desc())
        .with_for_update()
    ).all()
    if before and before[0].began_on >= election.began_on:
        raise RuleBroken(_("A committee that came into office on that day or later is entered already."))
    for other in before:
        if other.in_office(election.began_on):
            other.ended_on = election.began_on
    offices = election.offices()
    people = db.session.scalars(
        select(Person).where(Person.public_id.in_(offices)).order_by(Person.name_pinyin, Person.id)
    ).all()
    rank = list(OFFICE_NAMES)
    made = Committee(
        school_id=place.school_id,
        scope_kind=place.scope_kind,
        scope_id=place.scope_id,
        scope_name=place.name,
        began_on=election.began_on,
        until_on=election.until_on,
        way=election.way,
        eligible=election.eligible,
        voted=election.voted,
        entered_by_id=actor.person_id,
        members=[
            CommitteeMember(person_id=person.id, office=offices[person.public_id])
            for person in sorted(people, key=lambda one: rank.index(offices[one.public_id]))
        ],
    )
    db.session.add(made)
    db.session.flush()
    note("committee.entered", made, person_id=actor.person_id, role=actor.role, members=len(people))
    return made


def end(committee: Committee, reason: str, actor: Actor) -> None:
    """End a committee before its term is over, today."""
    if not committee.in_office(actor.on):
        raise RuleBroken(_("This committee is no longer in office."))
    committee.ended_on, committee.end_reason = actor.on, reason
    note("committee.ended", committee, person_id=actor.person_id, role=actor.role)


def newest(actor: Actor, found: Sequence[Place]) -> dict[str, Committee]:
    """Key of a place → its committee that came into office last. One query."""
    wanted = [
        and_(
            Committee.scope_kind == scope_kind,
            Committee.scope_id.in_([one.scope_id for one in found if one.scope_kind == scope_kind]),
        )
        for scope_kind in Scope
    ]
    rows = db.session.scalars(
        select(Committee)
        .where(Committee.school_id == actor.school_id, or_(*wanted), Committee.began_on <= actor.on)
        .order_by(Committee.began_on)
    )
    return {f"{row.scope_kind}-{row.scope_id}": row for row in rows}
