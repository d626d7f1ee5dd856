"""Who may bring in rosters: district staff for the district, a school office for its school."""

from sqlalchemy import ColumnElement

from portal.access import Actor, Permission, Role
from portal.roster.models import RosterImport
from portal.schools.policy import districts_below


def imports_of_district(actor: Actor) -> ColumnElement[bool]:
    """Imports of the actor's district and of those below it, those of school offices among them."""
    return RosterImport.district_id.in_(districts_below(actor))


def imports_of_school(actor: Actor) -> ColumnElement[bool]:
    """Imports that the office of the actor's school made."""
    return RosterImport.school_id == actor.school_id


ROSTER_IMPORT = Permission(
    "roster.import",
    RosterImport,
    "F3",
    {Role.SCHOOL_OFFICE: imports_of_school, Role.DISTRICT_STAFF: imports_of_district},
)
