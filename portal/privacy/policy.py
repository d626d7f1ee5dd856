"""Who reaches which part of a family's data rights.

- A guardian sees what their own children's guardians allow, and answers where they may sign for the child.
- Class teachers see and enter answers of their class, school office and principal those of the school. The district
  sees numbers only, in the yearly pack.
- A guardian sees who opened records of their own household; principal and office tell the name when asked.
- An auditor sees who took out what and when in the district, never for what (that may name a family), and no file.
- Everybody has a copy of what is kept about them, and nobody has another's.
"""

from sqlalchemy import ColumnElement, and_, or_, select

from portal.access import EVERY_ROLE, Actor, Permission, Role
from portal.accounts.models import Appointment
from portal.privacy.models import AuditLine, DataCopy, ErasureRequest, ExportRequest, ReaderQuestion
from portal.privacy.readings import of_own_family
from portal.schools.models import Flag, Guardianship, Pupil, School, SchoolClass
from portal.schools.policy import (
    class_now,
    classes_of_school,
    districts_below,
    flagged,
    full_guardianship,
    own_children,
    own_class,
    own_school,
    school_now,
    schools_in_district,
    schools_of_district,
)
from portal.trail.models import TrailEntry


def children_one_signs_for(actor: Actor) -> ColumnElement[bool]:
    """Pupils for whom the guardian may sign today."""
    tied = select(Guardianship.pupil_id).where(full_guardianship(actor), flagged(actor, Flag.MAY_SIGN))
    return Pupil.id.in_(tied)


CONSENT_READ = Permission("consent.read", Pupil, "F2", {Role.GUARDIAN: own_children})

CONSENT_GIVE = Permission("consent.give", Pupil, "F2", {Role.GUARDIAN: children_one_signs_for})

CONSENT_COUNT = Permission(
    "consent.count",
    SchoolClass,
    "F2",
    {
        Role.CLASS_TEACHER: own_class,
        Role.PRINCIPAL: classes_of_school,
        Role.SCHOOL_OFFICE: classes_of_school,
    },
)

CONSENT_RECORD = Permission(
    "consent.record", Pupil, "F2", {Role.CLASS_TEACHER: class_now, Role.SCHOOL_OFFICE: school_now}
)


def questions_of_school(actor: Actor) -> ColumnElement[bool]:
    """Questions that families of the school asked about its readers."""
    return ReaderQuestion.school_id == actor.school_id


READING_SEE = Permission("reading.see", TrailEntry, "F2", {Role.GUARDIAN: of_own_family})

READER_NAME = Permission(
    "reader.name",
    ReaderQuestion,
    "F2",
    {Role.PRINCIPAL: questions_of_school, Role.SCHOOL_OFFICE: questions_of_school},
)


def own_copies(actor: Actor) -> ColumnElement[bool]:
    """Copies that the person asked for."""
    return DataCopy.person_id == actor.person_id


def copies_in_district(actor: Actor) -> ColumnElement[bool]:
    """Copies of those who are guardians or hold an office in the district, or did: their schools keep data about them."""
    schools = schools_of_district(actor)
    guardians = (
        select(Guardianship.person_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(Pupil.school_id.in_(schools))
    )
    classes = select(SchoolClass.id).where(SchoolClass.school_id.in_(schools))
    staff = select(Appointment.person_id).where(
        or_(
            Appointment.school_id.in_(schools),
            Appointment.class_id.in_(classes),
            Appointment.district_id.in_(districts_below(actor)),
        )
    )
    return or_(DataCopy.person_id.in_(guardians), DataCopy.person_id.in_(staff))


COPY_OWN = Permission("copy.own", DataCopy, "F4", dict.fromkeys(EVERY_ROLE, own_copies))


def own_requests(actor: Actor) -> ColumnElement[bool]:
    """Requests for deletion that the person made."""
    return ErasureRequest.person_id == actor.person_id


def requests_of_school(actor: Actor) -> ColumnElement[bool]:
    """Requests for deletion that the actor's school decides."""
    return ErasureRequest.school_id == actor.school_id


def overdue_in_district(actor: Actor) -> ColumnElement[bool]:
    """Requests of the district's schools that nobody decided in time."""
    return and_(
        ErasureRequest.school_id.in_(schools_of_district(actor)),
        ErasureRequest.waits_for_school(),
        ErasureRequest.due_on < actor.on,
    )


def pupils_of_school(actor: Actor) -> ColumnElement[bool]:
    """Pupils of the actor's school, also those who left."""
    return Pupil.school_id == actor.school_id


ERASURE_OWN = Permission("erasure.own", ErasureRequest, "F4", dict.fromkeys(EVERY_ROLE, own_requests))

ERASURE_LIST = Permission(
    "erasure.list",
    ErasureRequest,
    "F2",
    {
        Role.PRINCIPAL: requests_of_school,
        Role.SCHOOL_OFFICE: requests_of_school,
        Role.DISTRICT_STAFF: overdue_in_district,
    },
)

ERASURE_DECIDE = Permission(
    "erasure.decide",
    ErasureRequest,
    "F4",
    {Role.PRINCIPAL: requests_of_school, Role.SCHOOL_OFFICE: requests_of_school},
)

HOLD_SET = Permission("hold.set", Pupil, "F2", {Role.PRINCIPAL: pupils_of_school})

RETENTION_SEE = Permission(
    "retention.see",
    School,
    "F1",
    {
        Role.PRINCIPAL: own_school,
        Role.SCHOOL_OFFICE: own_school,
        Role.DISTRICT_STAFF: schools_in_district,
        Role.AUDITOR: schools_in_district,
    },
)


def own_exports(actor: Actor) -> ColumnElement[bool]:
    """Exports that the person asked for at the actor's own office."""
    return and_(ExportRequest.asked_by_id == actor.person_id, of_own_office(actor))


def of_own_office(actor: Actor) -> ColumnElement[bool]:
    """Exports of the actor's school, or of the district itself."""
    if actor.role in (Role.DISTRICT_STAFF, Role.AUDITOR):
        return and_(ExportRequest.district_id == actor.district_id, ExportRequest.school_id.is_(None))
    return ExportRequest.school_id == actor.school_id


def of_colleagues(actor: Actor) -> ColumnElement[bool]:
    """Exports that colleagues of the same office asked for."""
    return and_(ExportRequest.asked_by_id != actor.person_id, of_own_office(actor))


OFFICES = (Role.PRINCIPAL, Role.SCHOOL_OFFICE, Role.DISTRICT_STAFF)
EXPORT_ASK = Permission("export.ask", ExportRequest, "F2", dict.fromkeys(OFFICES, own_exports))
"""Lists of pupils and reports. An auditor takes out entries of the log only, from the page of the log."""
EXPORT_OWN = Permission(
    "export.own", ExportRequest, "F2", dict.fromkeys((*OFFICES, Role.AUDITOR), own_exports)
)
EXPORT_SECOND = Permission("export.second", ExportRequest, "F2", dict.fromkeys(OFFICES, of_colleagues))


def exports_of_district(actor: Actor) -> ColumnElement[bool]:
    """Exports of the district, of those below it and of their schools."""
    return ExportRequest.district_id.in_(districts_below(actor))


EXPORT_LOG = Permission("export.log", ExportRequest, "F2", {Role.AUDITOR: exports_of_district})


def lines_of_district(actor: Actor) -> ColumnElement[bool]:
    """Lines that the district wrote into its yearly report."""
    return AuditLine.district_id == actor.district_id


AUDIT_WRITE = Permission("audit.write", AuditLine, "F1", {Role.DISTRICT_STAFF: lines_of_district})
