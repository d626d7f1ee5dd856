"""Who sees and ends which appointments, who lends a hat, who decides as the second person; who sets what."""

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from portal.access import Actor, Permission, Role, everything
from portal.accounts.models import Appointment
from portal.schools.models import District, Pupil, School, SchoolClass
from portal.schools.policy import (
    districts_below,
    in_force,
    own_district,
    own_school,
    pupils_acted_for,
    pupils_of_guardian,
    school_now,
    schools_of_district,
)
from portal.settings.models import SettingValue
from portal.staffing.models import AppointmentRequest, PupilTransfer, RequestState

SCHOOL_ROLES = (Role.CLASS_TEACHER, Role.SUBJECT_TEACHER, Role.COMMITTEE_CHAIR, Role.LECTURER)
HEADS = (Role.PRINCIPAL, Role.SCHOOL_OFFICE)


def set_by_district(actor: Actor) -> ColumnElement[bool]:
    """What the actor's district set."""
    return SettingValue.district_id == actor.district_id


def set_by_school(actor: Actor) -> ColumnElement[bool]:
    """What the actor's school set."""
    return SettingValue.school_id == actor.school_id


SETTING_SET = Permission(
    "setting.set",
    SettingValue,
    "F1",
    {
        Role.DISTRICT_STAFF: set_by_district,
        Role.PRINCIPAL: set_by_school,
        Role.SCHOOL_OFFICE: set_by_school,
    },
)


def of_own_school(actor: Actor) -> ColumnElement[bool]:
    """Appointments in the actor's school and its classes, of all years."""
    classes = select(SchoolClass.id).where(SchoolClass.school_id == actor.school_id)
    return or_(Appointment.school_id == actor.school_id, Appointment.class_id.in_(classes))


def of_own_district(actor: Actor) -> ColumnElement[bool]:
    """Appointments in the actor's district tree, and of those who lead its schools."""
    heads = and_(Appointment.school_id.in_(schools_of_district(actor)), Appointment.role.in_(HEADS))
    return or_(Appointment.district_id.in_(districts_below(actor)), heads)


def of_administration(_actor: Actor) -> ColumnElement[bool]:
    """District staff and system administrators, everywhere."""
    return Appointment.role.in_((Role.DISTRICT_STAFF, Role.SYSTEM_ADMIN))


def ended_by_office(actor: Actor) -> ColumnElement[bool]:
    """Teachers, lecturers and committees of the school."""
    return and_(of_own_school(actor), Appointment.role.in_(SCHOOL_ROLES))


def ended_by_principal(actor: Actor) -> ColumnElement[bool]:
    """What a principal appoints: teachers, committees, the office, deputies. Who only stands in: as the office."""
    if not actor.opens_sealed:
        return ended_by_office(actor)
    deputies = and_(Appointment.role == Role.PRINCIPAL, Appointment.title != "")
    return and_(
        of_own_school(actor),
        or_(Appointment.role.in_((*SCHOOL_ROLES, Role.SCHOOL_OFFICE)), deputies),
    )


APPOINTMENT_READ = Permission(
    "appointment.read",
    Appointment,
    "F2",
    {
        Role.PRINCIPAL: of_own_school,
        Role.SCHOOL_OFFICE: of_own_school,
        Role.DISTRICT_STAFF: of_own_district,
        Role.SYSTEM_ADMIN: of_administration,
    },
)

APPOINTMENT_END = Permission(
    "appointment.end",
    Appointment,
    "F2",
    {
        Role.PRINCIPAL: ended_by_principal,
        Role.SCHOOL_OFFICE: ended_by_office,
        Role.DISTRICT_STAFF: of_own_district,
        Role.SYSTEM_ADMIN: of_administration,
    },
)


def own_hat(actor: Actor) -> ColumnElement[bool]:
    """The appointment whose hat the actor wears, if it is the actor's own and not lent."""
    return and_(Appointment.id == actor.appointment_id, Appointment.delegated_from_id.is_(None))


def lent_or_borrowed(actor: Actor) -> ColumnElement[bool]:
    """Delegations the actor gave or holds."""
    origin = aliased(Appointment)
    lent = select(origin.id).where(origin.person_id == actor.person_id)
    return and_(
        Appointment.delegated_from_id.is_not(None),
        or_(Appointment.person_id == actor.person_id, Appointment.delegated_from_id.in_(lent)),
    )


DELEGATE = Permission(
    "delegation.give", Appointment, "F2", {Role.CLASS_TEACHER: own_hat, Role.PRINCIPAL: own_hat}
)

DELEGATION_END = Permission(
    "delegation.end",
    Appointment,
    "F2",
    {
        Role.CLASS_TEACHER: lent_or_borrowed,
        Role.SUBJECT_TEACHER: lent_or_borrowed,
        Role.PRINCIPAL: lent_or_borrowed,
        Role.SCHOOL_OFFICE: lent_or_borrowed,
        Role.LECTURER: lent_or_borrowed,
    },
)


def asked_in_district(actor: Actor) -> ColumnElement[bool]:
    """Requests for staff of the actor's district tree."""
    return AppointmentRequest.district_id.in_(districts_below(actor))


REQUEST_DECIDE = Permission(
    "appointment.decide",
    AppointmentRequest,
    "F2",
    {Role.DISTRICT_STAFF: asked_in_district, Role.SYSTEM_ADMIN: everything},
)


def waiting(actor: Actor) -> ColumnElement[bool]:
    """Requests that wait for a second person."""
    return and_(REQUEST_DECIDE.within(actor), AppointmentRequest.state == RequestState.WAITING)


def in_force_or_coming(actor: Actor) -> ColumnElement[bool]:
    """Appointments that are not over."""
    return or_(Appointment.ended_on.is_(None), Appointment.ended_on > actor.on)


def in_force_now(actor: Actor) -> ColumnElement[bool]:
    """Appointments that hold today."""
    return in_force(Appointment, actor)


HAND_OVER = Permission(
    "hand_over", School, "F2", {Role.PRINCIPAL: own_school, Role.SCHOOL_OFFICE: own_school}
)

YEAR_FOUND = Permission("school_year.found", District, "F1", {Role.DISTRICT_STAFF: own_district})

TRANSFER_PROPOSE = Permission(
    "transfer.propose", Pupil, "F2", {Role.PRINCIPAL: school_now, Role.SCHOOL_OFFICE: school_now}
)


def from_own_school(actor: Actor) -> ColumnElement[bool]:
    """Transfers that the actor's school proposed."""
    return PupilTransfer.from_school_id == actor.school_id


def to_own_school(actor: Actor) -> ColumnElement[bool]:
    """Transfers to the actor's school."""
    return PupilTransfer.to_school_id == actor.school_id


def of_either_school(actor: Actor) -> ColumnElement[bool]:
    """Transfers from or to the actor's school."""
    return or_(from_own_school(actor), to_own_school(actor))


def of_own_children(actor: Actor) -> ColumnElement[bool]:
    """Transfers of the guardian's children."""
    return PupilTransfer.pupil_id.in_(pupils_of_guardian(actor))


TRANSFER_READ = Permission(
    "transfer.read",
    PupilTransfer,
    "F2",
    {
        Role.GUARDIAN: of_own_children,
        Role.PRINCIPAL: of_either_school,
        Role.SCHOOL_OFFICE: of_either_school,
    },
)

TRANSFER_DECIDE = Permission(
    "transfer.decide",
    PupilTransfer,
    "F2",
    {Role.PRINCIPAL: to_own_school, Role.SCHOOL_OFFICE: to_own_school},
)

TRANSFER_WITHDRAW = Permission(
    "transfer.withdraw",
    PupilTransfer,
    "F2",
    {Role.PRINCIPAL: from_own_school, Role.SCHOOL_OFFICE: from_own_school},
)


def of_children_acted_for(actor: Actor) -> ColumnElement[bool]:
    """Transfers of children for whom the guardian may do more than see and confirm."""
    return PupilTransfer.pupil_id.in_(pupils_acted_for(actor))


TRANSFER_OBJECT = Permission("transfer.object", PupilTransfer, "F2", {Role.GUARDIAN: of_children_acted_for})
