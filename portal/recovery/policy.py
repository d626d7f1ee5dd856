"""Who begins, approves and hands over which recoveries."""

from sqlalchemy import ColumnElement, and_, select

from portal.access import Actor, Permission, Role
from portal.recovery.models import Recovery, Whose
from portal.schools.models import Enrolment, School
from portal.schools.policy import in_force, own_school, schools_in_district, schools_of_district


def of_own_class(actor: Actor) -> ColumnElement[bool]:
    """Recoveries of parents with a child that is in the actor's class today."""
    pupils = select(Enrolment.pupil_id).where(
        Enrolment.class_id == actor.class_id, in_force(Enrolment, actor)
    )
    return and_(Recovery.whose == Whose.GUARDIAN, Recovery.pupil_id.in_(pupils))


def of_parents(actor: Actor) -> ColumnElement[bool]:
    """Recoveries of parents through the actor's school."""
    return and_(Recovery.whose == Whose.GUARDIAN, Recovery.school_id == actor.school_id)


def of_parents_and_staff(actor: Actor) -> ColumnElement[bool]:
    """Recoveries of parents and staff through the actor's school, without those of principals."""
    return and_(Recovery.whose != Whose.PRINCIPAL, Recovery.school_id == actor.school_id)


def of_staff_in_district(actor: Actor) -> ColumnElement[bool]:
    """Recoveries of staff and principals of the district's schools."""
    return and_(Recovery.whose != Whose.GUARDIAN, Recovery.school_id.in_(schools_of_district(actor)))


def of_principals_in_district(actor: Actor) -> ColumnElement[bool]:
    """Recoveries of principals of the district's schools."""
    return and_(Recovery.whose == Whose.PRINCIPAL, Recovery.school_id.in_(schools_of_district(actor)))


RECOVERY_READ = Permission(
    "recovery.read",
    Recovery,
    "F3",
    {
        Role.CLASS_TEACHER: of_own_class,
        Role.SCHOOL_OFFICE: of_parents,
        Role.PRINCIPAL: of_parents_and_staff,
        Role.DISTRICT_STAFF: of_staff_in_district,
    },
)

RECOVERY_NEW = Permission(
    "recovery.new",
    School,
    "F2",
    {
        Role.SCHOOL_OFFICE: own_school,
        Role.PRINCIPAL: own_school,
        Role.DISTRICT_STAFF: schools_in_district,
    },
)

RECOVERY_START = Permission(
    "recovery.start",
    Recovery,
    "F3",
    {
        Role.SCHOOL_OFFICE: of_parents,
        Role.PRINCIPAL: of_parents_and_staff,
        Role.DISTRICT_STAFF: of_principals_in_district,
    },
)

RECOVERY_DECIDE = Permission(
    "recovery.decide",
    Recovery,
    "F3",
    {
        Role.CLASS_TEACHER: of_own_class,
        Role.PRINCIPAL: of_parents,
        Role.DISTRICT_STAFF: of_staff_in_district,
    },
)
