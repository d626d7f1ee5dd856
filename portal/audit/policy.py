"""Who sees which entries of the trail: everybody their own, a principal what staff did in the school, district staff
and the auditor the district's. Entries say who, when and what kind of record; never what stands in it.

A principal does not see entries of families, inspectors or the district: a confidential opinion, one about the principal,
or an inspector's sheet would show through. A system administrator sees none.
"""

from sqlalchemy import ColumnElement, and_, or_

from portal.access import Actor, Permission, Role
from portal.schools.policy import districts_below
from portal.trail.models import TrailEntry

SCHOOL_STAFF = (
    Role.CLASS_TEACHER,
    Role.SUBJECT_TEACHER,
    Role.PRINCIPAL,
    Role.SCHOOL_OFFICE,
    Role.COMMITTEE_CHAIR,
    Role.LECTURER,
)


def own_entries(actor: Actor) -> ColumnElement[bool]:
    """What the person did."""
    return TrailEntry.person_id == actor.person_id


def entries_of_school(actor: Actor) -> ColumnElement[bool]:
    """What the school's staff did, and what the person did."""
    staff = and_(TrailEntry.school_id == actor.school_id, TrailEntry.role.in_(SCHOOL_STAFF))
    return or_(staff, own_entries(actor))


def entries_of_district(actor: Actor) -> ColumnElement[bool]:
    """What was done in the district and those below it, and what the person did."""
    return or_(TrailEntry.district_id.in_(districts_below(actor)), own_entries(actor))


AUDIT_READ = Permission(
    "audit.read",
    TrailEntry,
    "F2",
    {
        Role.GUARDIAN: own_entries,
        Role.CLASS_TEACHER: own_entries,
        Role.SUBJECT_TEACHER: own_entries,
        Role.PRINCIPAL: entries_of_school,
        Role.SCHOOL_OFFICE: own_entries,
        Role.COMMITTEE_CHAIR: own_entries,
        Role.LECTURER: own_entries,
        Role.INSPECTOR: own_entries,
        Role.DISTRICT_STAFF: entries_of_district,
        Role.AUDITOR: entries_of_district,
    },
)

AUDIT_EXPORT = Permission(
    "audit.export",
    TrailEntry,
    "F2",
    {
        Role.PRINCIPAL: entries_of_school,
        Role.DISTRICT_STAFF: entries_of_district,
        Role.AUDITOR: entries_of_district,
    },
)
