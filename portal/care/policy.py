"""Who reaches which records of care: those who work with the child, and nobody else.

A record stays with the school that wrote it. After a change of school the new one reads it only where the family lets
the story travel along (``PupilTransfer.shares_story``). Who stands in without being let at sealed notes reads no plan,
watch or referral either.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from portal.access import Actor, Permission, Role, Scope
from portal.care.models import (
    Absence,
    CareContact,
    CareMeasure,
    CarePerson,
    CarePlan,
    CareReview,
    CareVersion,
    LeftBehind,
    Opening,
    Partner,
    Referral,
    ReferralCopy,
    Watch,
    WatchStep,
)
from portal.row_security import wall
from portal.schools.models import Enrolment, Guardianship, Pupil, School
from portal.schools.modules import open_at
from portal.schools.policy import (
    class_now,
    districts_below,
    full_guardianship,
    in_force,
    pupils_of_class,
    school_now,
    schools_in_district,
    unrestricted_guardianship,
)
from portal.staffing.models import PupilTransfer, TransferState

Record = type[CarePlan | CareMeasure | LeftBehind | Watch | Referral]


def _stories_shared(actor: Actor) -> Select[int]:
    """Ids of pupils who came to the actor's school and whose family let the story come along."""
    return select(PupilTransfer.pupil_id).where(
        PupilTransfer.to_school_id == actor.school_id,
        PupilTransfer.state == TransferState.DONE,
        PupilTransfer.from_on <= actor.on,
        PupilTransfer.shares_story,
    )


def _of_class(record: Record, actor: Actor) -> ColumnElement[bool]:
    """Records about pupils of the actor's class today, written at this school or come along with the child."""
    here = or_(record.school_id == Enrolment.school_id, record.pupil_id.in_(_stories_shared(actor)))
    held = Enrolment.pupil_id == record.pupil_id, Enrolment.class_id == actor.class_id
    return exists().where(*held, in_force(Enrolment, actor), here)


def _of_school(record: Record, actor: Actor) -> ColumnElement[bool]:
    """Records of the actor's school, and those that came along with a child who is there."""
    came = and_(Pupil.id.in_(_stories_shared(actor)), school_now(actor))
    return exists().where(Pupil.id == record.pupil_id, or_(record.school_id == actor.school_id, came))


def _entrusted(actor: Actor) -> Select[int]:
    """Ids of pupils whom the principal of their school entrusted to this person."""
    return (
        select(CarePerson.pupil_id)
        .join(Pupil, Pupil.id == CarePerson.pupil_id)
        .where(
            CarePerson.person_id == actor.person_id,
            CarePerson.school_id == Pupil.school_id,
            in_force(CarePerson, actor),
        )
    )


def entrusted_pupils(actor: Actor) -> ColumnElement[bool]:
    """Pupils entrusted to the actor by name."""
    return Pupil.id.in_(_entrusted(actor))


def plans_of_class(actor: Actor) -> ColumnElement[bool]:
    """Plans of pupils of the actor's class."""
    return _of_class(CarePlan, actor) if actor.opens_sealed else false()


def plans_of_school(actor: Actor) -> ColumnElement[bool]:
    """Plans of the actor's school."""
    return _of_school(CarePlan, actor) if actor.opens_sealed else false()


def entrusted_plans(actor: Actor) -> ColumnElement[bool]:
    """Plans of pupils entrusted to the actor."""
    return CarePlan.pupil_id.in_(_entrusted(actor)) if actor.opens_sealed else false()


def measures_of_class(actor: Actor) -> ColumnElement[bool]:
    """Measures for pupils of the actor's class."""
    return _of_class(CareMeasure, actor) if actor.opens_sealed else false()


def measures_of_school(actor: Actor) -> ColumnElement[bool]:
    """Measures of the actor's school."""
    return _of_school(CareMeasure, actor) if actor.opens_sealed else false()


def entrusted_measures(actor: Actor) -> ColumnElement[bool]:
    """Measures for pupils entrusted to the actor."""
    return CareMeasure.pupil_id.in_(_entrusted(actor)) if actor.opens_sealed else false()


def _of_home(actor: Actor, tie: ColumnElement[bool], *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Measures agreed with a household to which the actor is tied for that child, where the school uses the module."""
    return exists().where(
        tie,
        Guardianship.pupil_id == CareMeasure.pupil_id,
        Guardianship.household_id == CareMeasure.household_id,
        open_at("care", CareMeasure.school_id, actor),
        *more,
    )


def measures_of_family(actor: Actor) -> ColumnElement[bool]:
    """Measures agreed with the guardian's own household."""
    return _of_home(actor, unrestricted_guardianship(actor))


def measures_one_ticks(actor: Actor) -> ColumnElement[bool]:
    """Measures that the guardian's household does itself, for a guardian who may say that they are done."""
    return _of_home(actor, full_guardianship(actor), CareMeasure.owner_id.is_(None))


def register_of_class(actor: Actor) -> ColumnElement[bool]:
    """Left-behind children of the actor's class."""
    return _of_class(LeftBehind, actor)


def register_of_school(actor: Actor) -> ColumnElement[bool]:
    """Left-behind children on the register of the actor's school."""
    return _of_school(LeftBehind, actor)


def watches_of_class(actor: Actor) -> ColumnElement[bool]:
    """Dropout watches over pupils of the actor's class."""
    return _of_class(Watch, actor) if actor.opens_sealed else false()


def watches_of_school(actor: Actor) -> ColumnElement[bool]:
    """Dropout watches of the actor's school."""
    return _of_school(Watch, actor) if actor.opens_sealed else false()


def watches_lifted(actor: Actor) -> ColumnElement[bool]:
    """Dropout watches that a school of the district reported."""
    return and_(Watch.escalated_on.is_not(None), Watch.district_id.in_(districts_below(actor)))


def referrals_of_class(actor: Actor) -> ColumnElement[bool]:
    """Referrals of pupils of the actor's class."""
    return _of_class(Referral, actor) if actor.opens_sealed else false()


def referrals_of_school(actor: Actor) -> ColumnElement[bool]:
    """Referrals of the actor's school."""
    return _of_school(Referral, actor) if actor.opens_sealed else false()


def partners_of_school(actor: Actor) -> ColumnElement[bool]:
    """Partners of the actor's school."""
    return Partner.school_id == actor.school_id


CARE_READ = Permission(
    "care.read",
    Pupil,
    "F4",
    {
        Role.CLASS_TEACHER: class_now,
        Role.SUBJECT_TEACHER: entrusted_pupils,
        Role.PRINCIPAL: school_now,
    },
)

CARE_OPEN = Permission("care.open", Pupil, "F4", {Role.CLASS_TEACHER: class_now, Role.PRINCIPAL: school_now})

CARE_ENTRUST = Permission("care.entrust", Pupil, "F2", {Role.PRINCIPAL: school_now})

CARE_PLAN = Permission(
    "care.plan",
    CarePlan,
    "F4",
    {
        Role.CLASS_TEACHER: plans_of_class,
        Role.SUBJECT_TEACHER: entrusted_plans,
        Role.PRINCIPAL: plans_of_school,
    },
)

CARE_WRITE = Permission(
    "care.write",
    CarePlan,
    "F4",
    {Role.CLASS_TEACHER: plans_of_class, Role.PRINCIPAL: plans_of_school},
)

CARE_MEASURE = Permission(
    "care.measure",
    CareMeasure,
    "F4",
    {
        Role.GUARDIAN: measures_one_ticks,
        Role.CLASS_TEACHER: measures_of_class,
        Role.SUBJECT_TEACHER: entrusted_measures,
        Role.PRINCIPAL: measures_of_school,
    },
)

CARE_FAMILY = Permission("care.family", CareMeasure, "F4", {Role.GUARDIAN: measures_of_family})

CARE_REGISTER = Permission(
    "care.register",
    LeftBehind,
    "F3",
    {
        Role.CLASS_TEACHER: register_of_class,
        Role.PRINCIPAL: register_of_school,
        Role.SCHOOL_OFFICE: register_of_school,
    },
)

CARE_CONTACT = Permission(
    "care.contact",
    LeftBehind,
    "F4",
    {Role.CLASS_TEACHER: register_of_class, Role.PRINCIPAL: register_of_school},
)

CARE_WATCH = Permission(
    "care.watch",
    Watch,
    "F4",
    {
        Role.CLASS_TEACHER: watches_of_class,
        Role.PRINCIPAL: watches_of_school,
        Role.DISTRICT_STAFF: watches_lifted,
    },
)

CARE_PURSUE = Permission(
    "care.pursue",
    Watch,
    "F4",
    {Role.CLASS_TEACHER: watches_of_class, Role.PRINCIPAL: watches_of_school},
)

CARE_REFER = Permission(
    "care.refer",
    Referral,
    "F4",
    {Role.CLASS_TEACHER: referrals_of_class, Role.PRINCIPAL: referrals_of_school},
)

CARE_OVERRIDE = Permission("care.override", Referral, "F4", {Role.PRINCIPAL: referrals_of_school})

CARE_PARTNER = Permission(
    "care.partner",
    Partner,
    "F1",
    {Role.PRINCIPAL: partners_of_school, Role.SCHOOL_OFFICE: partners_of_school},
)

CARE_COUNTS = Permission("care.counts", School, "F1", {Role.DISTRICT_STAFF: schools_in_district})


def _through(owner: Any, key: Any, permission: Permission[Any]) -> Mapping[Role, Scope]:
    """Parts of a record are let through to whoever reads the record."""

    def of(role: Role) -> Scope:
        def read(actor: Actor) -> ColumnElement[bool]:
            condition: ColumnElement[bool] = key.in_(select(owner.id).where(permission.grants[role](actor)))
            return condition

        return read

    return {role: of(role) for role in permission.grants}


def own_entrusting(actor: Actor) -> ColumnElement[bool]:
    """That somebody was entrusted to the actor."""
    return CarePerson.person_id == actor.person_id


def entrusted_in_class(actor: Actor) -> ColumnElement[bool]:
    """Who is entrusted with pupils of the actor's class."""
    return CarePerson.pupil_id.in_(pupils_of_class(actor))


def entrusted_in_school(actor: Actor) -> ColumnElement[bool]:
    """Who is entrusted with pupils of the actor's school."""
    return CarePerson.school_id == actor.school_id


wall(
    CarePerson,
    {
        Role.CLASS_TEACHER: entrusted_in_class,
        Role.SUBJECT_TEACHER: own_entrusting,
        Role.PRINCIPAL: entrusted_in_school,
    },
)
wall(CarePlan)
wall(CareMeasure)
wall(LeftBehind)
wall(CareVersion, _through(CarePlan, CareVersion.plan_id, CARE_PLAN))
wall(CareReview, _through(CarePlan, CareReview.plan_id, CARE_PLAN))
wall(CareContact, _through(LeftBehind, CareContact.left_behind_id, CARE_CONTACT))
wall(Watch)
wall(Referral)
wall(
    Partner,
    dict.fromkeys((Role.CLASS_TEACHER, Role.PRINCIPAL, Role.SCHOOL_OFFICE), partners_of_school),
)
wall(Absence, _through(Watch, Absence.watch_id, CARE_WATCH))
wall(WatchStep, _through(Watch, WatchStep.watch_id, CARE_WATCH))
wall(ReferralCopy, _through(Referral, ReferralCopy.referral_id, CARE_REFER))
wall(Opening, _through(Referral, Opening.referral_id, CARE_REFER))
