"""Who sees and keeps parent committees. Families see those of their children's class, grade and school; a chair keeps the
meetings of the own committee, a class teacher the committee of the class, the office all of the school."""

from sqlalchemy import ColumnElement, and_, or_, select

from portal.access import Actor, Permission, Role
from portal.committees.models import Committee, Scope
from portal.schools.models import SchoolClass
from portal.schools.policy import classes_of_guardian, schools_of_district, schools_of_guardian


def of_children(actor: Actor) -> ColumnElement[bool]:
    """Committees of the classes, grades and schools of the guardian's children today."""
    classes = classes_of_guardian(actor)
    grades = select(SchoolClass.grade_id).where(SchoolClass.id.in_(classes))
    return or_(
        and_(Committee.scope_kind == Scope.CLASS, Committee.scope_id.in_(classes)),
        and_(Committee.scope_kind == Scope.GRADE, Committee.scope_id.in_(grades)),
        and_(Committee.scope_kind == Scope.SCHOOL, Committee.scope_id.in_(schools_of_guardian(actor))),
    )


def of_class(actor: Actor) -> ColumnElement[bool]:
    """Committees of the actor's class."""
    return and_(Committee.scope_kind == Scope.CLASS, Committee.scope_id == actor.class_id)


def of_chair(actor: Actor) -> ColumnElement[bool]:
    """The committee that the chair leads: of the class, or of the school."""
    if actor.class_id is not None:
        return of_class(actor)
    return and_(Committee.scope_kind == Scope.SCHOOL, Committee.scope_id == actor.school_id)


def of_school(actor: Actor) -> ColumnElement[bool]:
    """All committees of the actor's school."""
    return Committee.school_id == actor.school_id


def of_district(actor: Actor) -> ColumnElement[bool]:
    """Committees of the schools of the district."""
    return Committee.school_id.in_(schools_of_district(actor))


KEEPERS = {Role.CLASS_TEACHER: of_class, Role.PRINCIPAL: of_school, Role.SCHOOL_OFFICE: of_school}

COMMITTEE_READ = Permission(
    "committee.read",
    Committee,
    "F1",
    {
        **KEEPERS,
        Role.GUARDIAN: of_children,
        Role.COMMITTEE_CHAIR: of_chair,
        Role.DISTRICT_STAFF: of_district,
    },
)

COMMITTEE_KEEP = Permission("committee.keep", Committee, "F1", KEEPERS)

COMMITTEE_MEET = Permission("committee.meet", Committee, "F1", {**KEEPERS, Role.COMMITTEE_CHAIR: of_chair})
