"""Who names, approves and ends restrictions: the school's office and principal; the second person is the principal."""

from sqlalchemy import ColumnElement

from portal.access import Actor, Permission, Role
from portal.custody.models import Restriction
from portal.schools.models import Pupil
from portal.schools.policy import school_now


def restrictions_of_school(actor: Actor) -> ColumnElement[bool]:
    """Restrictions named by the actor's school."""
    return Restriction.school_id == actor.school_id


CUSTODY_PROPOSE = Permission(
    "custody.propose", Pupil, "F4", {Role.SCHOOL_OFFICE: school_now, Role.PRINCIPAL: school_now}
)

CUSTODY_READ = Permission(
    "custody.read",
    Restriction,
    "F4",
    {Role.SCHOOL_OFFICE: restrictions_of_school, Role.PRINCIPAL: restrictions_of_school},
)

CUSTODY_DECIDE = Permission("custody.decide", Restriction, "F4", {Role.PRINCIPAL: restrictions_of_school})
