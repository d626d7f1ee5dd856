"""Who sees how families are reached, who asks for a change of details, and who decides."""

from sqlalchemy import ColumnElement, and_

from portal.access import Actor, Permission, Role
from portal.contacts.models import ChangeRequest
from portal.row_security import wall
from portal.schools.models import Guardianship, SchoolClass
from portal.schools.policy import (
    classes_of_school,
    full_guardianship,
    guardians_of_class,
    guardians_of_school,
    own_class,
    pupils_acted_for,
    pupils_of_class,
)


def own_guardianships(actor: Actor) -> ColumnElement[bool]:
    """The actor's own ties to children: neither cut by a court order nor limited to seeing and confirming."""
    return full_guardianship(actor)


def asked_by_oneself(actor: Actor) -> ColumnElement[bool]:
    """Requests the guardian made about a child they care for today."""
    return and_(
        ChangeRequest.person_id == actor.person_id, ChangeRequest.pupil_id.in_(pupils_acted_for(actor))
    )


def asked_in_class(actor: Actor) -> ColumnElement[bool]:
    """Requests about pupils who are in the actor's class today, except the actor's own."""
    return and_(
        ChangeRequest.pupil_id.in_(pupils_of_class(actor)), ChangeRequest.person_id != actor.person_id
    )


def asked_in_school(actor: Actor) -> ColumnElement[bool]:
    """Requests made to the actor's school, except the actor's own."""
    return and_(ChangeRequest.school_id == actor.school_id, ChangeRequest.person_id != actor.person_id)


REACH_READ = Permission(
    "reach.read",
    SchoolClass,
    "F2",
    {
        Role.CLASS_TEACHER: own_class,
        Role.PRINCIPAL: classes_of_school,
        Role.SCHOOL_OFFICE: classes_of_school,
    },
)

REACH_SCHOOL = Permission(
    "reach.school",
    SchoolClass,
    "F1",
    {Role.PRINCIPAL: classes_of_school, Role.SCHOOL_OFFICE: classes_of_school},
)

NUMBER_NOTE = Permission(
    "number.note",
    Guardianship,
    "F3",
    {
        Role.CLASS_TEACHER: guardians_of_class,
        Role.PRINCIPAL: guardians_of_school,
        Role.SCHOOL_OFFICE: guardians_of_school,
    },
)

CHANGE_ASK = Permission("change.ask", Guardianship, "F3", {Role.GUARDIAN: own_guardianships})

CHANGE_OWN = Permission("change.own", ChangeRequest, "F3", {Role.GUARDIAN: asked_by_oneself})

CHANGE_DECIDE = Permission(
    "change.decide",
    ChangeRequest,
    "F3",
    {
        Role.CLASS_TEACHER: asked_in_class,
        Role.PRINCIPAL: asked_in_school,
        Role.SCHOOL_OFFICE: asked_in_school,
    },
)


wall(ChangeRequest)
