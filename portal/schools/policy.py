"""Who reaches which pupils, classes and schools: the named scopes that every feature builds on."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from portal.access import Actor, Permission, Role
from portal.schools.models import (
    District,
    Enrolment,
    Flag,
    Guardianship,
    GuardianshipFlag,
    Pupil,
    School,
    SchoolClass,
)
from portal.schools.modules import open_at


def in_force(table: type, actor: Actor) -> ColumnElement[bool]:
    """The dated row holds on the actor's day (half-open period)."""
    return and_(table.started_on <= actor.on, or_(table.ended_on.is_(None), table.ended_on > actor.on))  # type: ignore[attr-defined]


def flagged(actor: Actor, *kinds: Flag) -> ColumnElement[bool]:
    """Condition on Guardianship: one of these flags holds on the actor's day."""
    return exists().where(
        GuardianshipFlag.guardianship_id == Guardianship.id,
        or_(*(GuardianshipFlag.kind == kind for kind in kinds)),
        in_force(GuardianshipFlag, actor),
    )


def unrestricted_guardianship(actor: Actor) -> ColumnElement[bool]:
    """A guardianship of the actor that holds today: no court order restricts it, and no class teacher has still to
    confirm it."""
    shut = flagged(actor, Flag.RESTRICTED, Flag.UNCONFIRMED)
    return and_(Guardianship.person_id == actor.person_id, in_force(Guardianship, actor), ~shut)


def full_guardianship(actor: Actor) -> ColumnElement[bool]:
    """An unrestricted guardianship that is not limited to seeing and confirming: it may answer, write, sign and change."""
    return and_(unrestricted_guardianship(actor), ~flagged(actor, Flag.LIMITED))


def own_tie(actor: Actor, pupil_id: Any, household_id: Any, *, full: bool = False) -> ColumnElement[bool]:
    """Condition on a row of one child and one household: the guardian belongs to that household for that child.

    Having the child through one household and the household through another child is not enough. ``full``: a limited
    guardian does not count.
    """
    tie = full_guardianship(actor) if full else unrestricted_guardianship(actor)
    return exists().where(tie, Guardianship.pupil_id == pupil_id, Guardianship.household_id == household_id)


def pupils_acted_for(actor: Actor, module: str = "") -> Select[int]:
    """Ids of the pupils for whom this guardian may answer, write and sign today; with a module, where it is on."""
    return pupils_of_guardian(actor, module).where(~flagged(actor, Flag.LIMITED))


def households_acted_for(actor: Actor) -> Select[int]:
    """Ids of the households for which this guardian may take seats and give them back today."""
    return select(Guardianship.household_id).where(full_guardianship(actor))


def pupils_of_guardian(actor: Actor, module: str = "") -> Select[int]:
    """Ids of the pupils this guardian cares for today, without those a court order keeps from them.

    With a module: only those whose school has it on.
    """
    found = select(Guardianship.pupil_id).where(unrestricted_guardianship(actor))
    if not module:
        return found
    school_id = (
        select(Pupil.school_id)
        .where(Pupil.id == Guardianship.pupil_id)
        .correlate(Guardianship)
        .scalar_subquery()
    )
    return found.where(open_at(module, school_id, actor))


def households_of_guardian(actor: Actor) -> Select[int]:
    """Ids of the households this guardian belongs to today."""
    return select(Guardianship.household_id).where(unrestricted_guardianship(actor))


def _places_of_children(actor: Actor, module: str) -> ColumnElement[bool]:
    """Places of the guardian's children today; with a module, only at schools that have it on."""
    held = and_(unrestricted_guardianship(actor), in_force(Enrolment, actor))
    return and_(held, open_at(module, Enrolment.school_id, actor)) if module else held


def classes_of_guardian(actor: Actor, module: str = "") -> Select[int]:
    """Ids of the classes of the guardian's children today; with a module, only at schools that have it on."""
    return (
        select(Enrolment.class_id)
        .join(Guardianship, Guardianship.pupil_id == Enrolment.pupil_id)
        .where(_places_of_children(actor, module))
    )


def schools_of_guardian(actor: Actor, module: str = "") -> Select[int]:
    """Ids of the schools of the guardian's children today; with a module, only those that have it on."""
    return (
        select(Enrolment.school_id)
        .join(Guardianship, Guardianship.pupil_id == Enrolment.pupil_id)
        .where(_places_of_children(actor, module))
    )


def pupils_of_class(actor: Actor) -> Select[int]:
    """Ids of the pupils who are in the actor's class today."""
    return select(Enrolment.pupil_id).where(Enrolment.class_id == actor.class_id, in_force(Enrolment, actor))


def districts_below(actor: Actor) -> Select[int]:
    """Ids of the actor's district and all districts under it."""
    own = select(District.path).where(District.id == actor.district_id).scalar_subquery()
    return select(District.id).where(District.path.startswith(own))


def schools_of_district(actor: Actor) -> Select[int]:
    """Ids of the schools in the actor's district tree."""
    return select(School.id).where(School.district_id.in_(districts_below(actor)))


def own_children(actor: Actor) -> ColumnElement[bool]:
    """Pupils the guardian cares for."""
    return Pupil.id.in_(pupils_of_guardian(actor))


def class_now(actor: Actor) -> ColumnElement[bool]:
    """Pupils who are in the actor's class today."""
    return Pupil.id.in_(pupils_of_class(actor))


def school_now(actor: Actor) -> ColumnElement[bool]:
    """Pupils of the actor's school who have not left, and who have no place at another school today."""
    elsewhere = exists().where(
        Enrolment.pupil_id == Pupil.id, Enrolment.school_id != actor.school_id, in_force(Enrolment, actor)
    )
    here = and_(Pupil.school_id == actor.school_id, or_(Pupil.left_on.is_(None), Pupil.left_on > actor.on))
    return and_(here, ~elsewhere)


def guardians_of_class(actor: Actor) -> ColumnElement[bool]:
    """Guardianships of today over pupils of the actor's class."""
    return and_(Guardianship.pupil_id.in_(pupils_of_class(actor)), in_force(Guardianship, actor))


def guardians_of_school(actor: Actor) -> ColumnElement[bool]:
    """Guardianships of today over pupils of the actor's school."""
    pupils = select(Pupil.id).where(school_now(actor))
    return and_(Guardianship.pupil_id.in_(pupils), in_force(Guardianship, actor))


def own_class(actor: Actor) -> ColumnElement[bool]:
    """The actor's class."""
    return SchoolClass.id == actor.class_id


def classes_of_school(actor: Actor) -> ColumnElement[bool]:
    """Classes of the actor's school."""
    return SchoolClass.school_id == actor.school_id


def own_school(actor: Actor) -> ColumnElement[bool]:
    """The actor's school."""
    return School.id == actor.school_id


def schools_in_district(actor: Actor) -> ColumnElement[bool]:
    """Schools of the actor's district and of those under it."""
    return School.district_id.in_(districts_below(actor))


def own_district(actor: Actor) -> ColumnElement[bool]:
    """The actor's district."""
    return District.id == actor.district_id


CLASS_READ = Permission(
    "class.read",
    SchoolClass,
    "F2",
    {
        Role.CLASS_TEACHER: own_class,
        Role.SUBJECT_TEACHER: own_class,
        Role.PRINCIPAL: classes_of_school,
        Role.SCHOOL_OFFICE: classes_of_school,
    },
)

PUPIL_READ = Permission(
    "pupil.read",
    Pupil,
    "F2",
    {
        Role.GUARDIAN: own_children,
        Role.CLASS_TEACHER: class_now,
        Role.PRINCIPAL: school_now,
        Role.SCHOOL_OFFICE: school_now,
    },
)

SCHOOL_READ = Permission(
    "school.read",
    School,
    "F1",
    {
        Role.PRINCIPAL: own_school,
        Role.SCHOOL_OFFICE: own_school,
        Role.DISTRICT_STAFF: schools_in_district,
    },
)

OWN_SCHOOL_SET = Permission(
    "school.set",
    School,
    "F1",
    {Role.PRINCIPAL: own_school, Role.SCHOOL_OFFICE: own_school},
)

CONTACT_SHOW = Permission(
    "contact.show",
    Guardianship,
    "F3",
    {
        Role.CLASS_TEACHER: guardians_of_class,
        Role.PRINCIPAL: guardians_of_school,
        Role.SCHOOL_OFFICE: guardians_of_school,
    },
)

HOUSEHOLD_SPLIT = Permission(
    "household.split",
    Pupil,
    "F4",
    {Role.PRINCIPAL: school_now, Role.SCHOOL_OFFICE: school_now},
)

PUPIL_IDENTITY = Permission(
    "pupil.identity",
    Pupil,
    "F3",
    {Role.CLASS_TEACHER: class_now, Role.PRINCIPAL: school_now, Role.SCHOOL_OFFICE: school_now},
)

DISTRICT_SET = Permission("district.set", District, "F1", {Role.DISTRICT_STAFF: own_district})
