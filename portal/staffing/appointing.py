"""Who appoints whom, from when until when; ending an appointment at once or on a day.

Rules (SECURITY contract, row "Users, roles"): nobody changes their own rights; a school office appoints teachers,
lecturers and committees of its school; a principal also the office and deputies; district staff principals, offices,
inspectors and lecturers of the district; district staff, auditors and system administrators need a second person. An
auditor looks at what the district's office does, so nobody is both.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.accounts.phones import normalised, phone_index
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import no_op
from portal.names import reading
from portal.schools import enrolling
from portal.schools.models import District, School, SchoolClass
from portal.staffing.models import AppointmentRequest, RequestState
from portal.trail.models import note

CLASS, SCHOOL, DISTRICT, PORTAL = "class", "school", "district", "portal"
DEPUTY_TITLE = no_op("Deputy principal")


@dataclass(frozen=True)
class Office:
    """Something a person can be appointed to: its role, the kind of place it lies in, and its name."""

    role: Role
    place: str
    name: Any
    title: str = ""


OFFICES: dict[str, Office] = {
    "class_teacher": Office(Role.CLASS_TEACHER, CLASS, _l("Class teacher")),
    "subject_teacher": Office(Role.SUBJECT_TEACHER, CLASS, _l("Subject teacher")),
    "committee_chair": Office(Role.COMMITTEE_CHAIR, CLASS, _l("Parent committee chair")),
    "lecturer": Office(Role.LECTURER, SCHOOL, _l("Lecturer")),
    "school_office": Office(Role.SCHOOL_OFFICE, SCHOOL, _l("School office")),
    "deputy": Office(Role.PRINCIPAL, SCHOOL, _l("Deputy principal"), DEPUTY_TITLE),
    "principal": Office(Role.PRINCIPAL, SCHOOL, _l("Principal")),
    "inspector": Office(Role.INSPECTOR, DISTRICT, _l("Inspector")),
    "district_lecturer": Office(Role.LECTURER, DISTRICT, _l("Lecturer of the district")),
    "district_staff": Office(Role.DISTRICT_STAFF, DISTRICT, _l("District staff")),
    "auditor": Office(Role.AUDITOR, DISTRICT, _l("Auditor of data protection")),
    "system_admin": Office(Role.SYSTEM_ADMIN, PORTAL, _l("System administrator")),
}
_OF_SCHOOL = ("class_teacher", "subject_teacher", "committee_chair", "lecturer")
APPOINTS: dict[Role, tuple[str, ...]] = {
    Role.SCHOOL_OFFICE: _OF_SCHOOL,
    Role.PRINCIPAL: (*_OF_SCHOOL, "school_office", "deputy"),
    Role.DISTRICT_STAFF: (
        "principal",
        "school_office",
        "inspector",
        "district_lecturer",
        "district_staff",
        "auditor",
    ),
    Role.SYSTEM_ADMIN: ("district_staff", "system_admin"),
}
"""What each role may appoint to; a deputy appoints like the office."""
WATCHED = (Role.DISTRICT_STAFF, Role.SYSTEM_ADMIN)
"""Whose work an auditor looks into."""
NEEDS_SECOND = frozenset({"district_staff", "auditor", "system_admin"})


def appoints(actor: Actor) -> tuple[str, ...]:
    """What this person may appoint to under the hat they wear. Who only stands in, or deputises, makes no heads."""
    if actor.role == Role.PRINCIPAL and not actor.opens_sealed:
        return _OF_SCHOOL
    return APPOINTS.get(actor.role, ())


def find_person(name: str, who: str) -> Person | None:
    """The person with this exact phone or account name, whose name is the one given.

    None when nobody has it. RuleBroken (422) when somebody of another name does: a number is never told a name.
    """
    phone = normalised(who)
    conditions = [Person.account_name == who.strip().lower()]
    if phone:
        conditions.append(Person.phone_index == phone_index(phone))
    person = db.session.scalar(select(Person).where(or_(*conditions)).limit(1))
    if person is not None and reading(person.name)[0] != reading(name.strip())[0]:
        raise RuleBroken(_("Name and number do not belong together. Check both."), 422)
    return person


def person_for(name: str, who: str) -> Person:
    """That person, or a new one with this phone, in the current transaction. RuleBroken (422) without a phone."""
    found = find_person(name, who)
    if found is not None:
        return found
    phone = normalised(who)
    if phone is None:
        raise RuleBroken(_("Nobody has this account. Enter a mobile number for a new person."), 422)
    made = enrolling.add_person(name.strip(), phone=phone)
    db.session.flush()
    return made


def place_for(actor: Actor, office: Office, text: str) -> dict[str, Any]:
    """The scope of an appointment, from what was chosen or typed: a class's public id, a school's code or full name, a
    district's name. RuleBroken (422) when there is none in reach."""
    if office.place == PORTAL:
        return {}
    if actor.school_id is not None:
        return _in_school(actor.school_id, office, text)
    below = _districts(actor)
    if office.place == DISTRICT:
        wanted = select(District.id).where(District.id.in_(below))
        named = wanted.where(District.name == text.strip()) if text.strip() else None
        if named is None and actor.district_id is not None:
            return {"district_id": actor.district_id}
        found = db.session.scalars(named.limit(2)).all() if named is not None else []
        if len(found) != 1:
            raise RuleBroken(_("There is no such district here. Enter its full name."), 422)
        return {"district_id": found[0]}
    schools = db.session.scalars(
        select(School.id)
        .where(School.district_id.in_(below), or_(School.code == text.strip(), School.name == text.strip()))
        .limit(2)
    ).all()
    if len(schools) != 1:
        raise RuleBroken(_("There is no such school here. Enter its code or its full name."), 422)
    return {"school_id": schools[0]}


def _districts(actor: Actor) -> Any:
    if actor.role == Role.SYSTEM_ADMIN:
        return select(District.id)
    own = select(District.path).where(District.id == actor.district_id).scalar_subquery()
    return select(District.id).where(District.path.startswith(own))


def _in_school(school_id: int, office: Office, text: str) -> dict[str, int]:
    if office.place == SCHOOL:
        return {"school_id": school_id}
    found = db.session.scalar(
        select(SchoolClass.id).where(SchoolClass.public_id == text, SchoolClass.school_id == school_id)
    )
    if found is None:
        raise RuleBroken(_("Choose the class."), 422)
    return {"class_id": found}


def appoint(
    actor: Actor,
    key: str,
    person: Person,
    place: dict[str, Any],
    started_on: date,
    ended_on: date | None = None,
    document: str = "",
) -> Appointment | AppointmentRequest:
    """Appoint a person, or ask for the second person where one is needed, in the current transaction.

    ``ended_on`` is the first day after. RuleBroken when the actor may not, when it is the actor's own person, or when the
    person holds the same already.
    """
    if key not in appoints(actor):
        raise RuleBroken(_("You do not appoint to this office."), 403)
    if person.id == actor.person_id:
        raise RuleBroken(_("Nobody changes their own rights. Ask somebody else who may."))
    office = OFFICES[key]
    if _holds(person, office, place, started_on, ended_on):
        raise RuleBroken(_("%(name)s holds this office in that time already.", name=person.name))
    refuse_both(person, office.role, started_on, ended_on)
    if key in NEEDS_SECOND:
        return _ask(actor, office, person, place, started_on, ended_on, document)
    made = _make(office, person, place, started_on, ended_on, document, actor.person_id)
    note("appointment.made", made, person_id=actor.person_id, role=actor.role, office=key, **place)
    return made


def refuse_both(person: Person, role: str, started_on: date, ended_on: date | None) -> None:
    """RuleBroken when the person would look into their own work: as auditor and at the district's or the portal's office."""
    others = WATCHED if role == Role.AUDITOR else (Role.AUDITOR,) if role in WATCHED else ()
    held = select(Appointment.id).where(
        Appointment.person_id == person.id,
        Appointment.role.in_(others),
        or_(Appointment.ended_on.is_(None), Appointment.ended_on > started_on),
    )
    if ended_on is not None:
        held = held.where(Appointment.started_on < ended_on)
    if others and db.session.scalar(held.limit(1)):
        raise RuleBroken(_("An auditor looks into the work of this office, so nobody holds both."))


def _make(
    office: Office,
    person: Person,
    place: dict[str, Any],
    started_on: date,
    ended_on: date | None,
    document: str,
    by_id: int,
) -> Appointment:
    made = enrolling.appoint(
        person,
        office.role,
        started_on,
        ended_on=ended_on,
        title=office.title,
        opens_sealed=not office.title,
        document=document,
        appointed_by_id=by_id,
        **place,
    )
    db.session.flush()
    return made


def _holds(
    person: Person, office: Office, place: dict[str, int], started_on: date, ended_on: date | None
) -> bool:
    wanted = (
        select(Appointment.id)
        .filter_by(person_id=person.id, role=office.role, delegated_from_id=None, **place)
        .where(or_(Appointment.ended_on.is_(None), Appointment.ended_on > started_on))
        .where(Appointment.ended_on.is_distinct_from(Appointment.started_on))
    )
    if ended_on is not None:
        wanted = wanted.where(Appointment.started_on < ended_on)
    return db.session.execute(wanted.limit(1)).first() is not None


def _ask(
    actor: Actor,
    office: Office,
    person: Person,
    place: dict[str, Any],
    started_on: date,
    ended_on: date | None,
    document: str,
) -> AppointmentRequest:
    same = select(AppointmentRequest.id).filter_by(
        person_id=person.id,
        role=office.role,
        state=RequestState.WAITING,
        district_id=place.get("district_id"),
    )
    if db.session.scalar(same.limit(1)):
        raise RuleBroken(_("This is asked for already and waits for the second person."))
    asked = AppointmentRequest(
        person_id=person.id,
        role=office.role,
        district_id=place.get("district_id"),
        started_on=started_on,
        ended_on=ended_on,
        document=document,
        asked_by_id=actor.person_id,
        asked_at=clock.now(),
    )
    db.session.add(asked)
    db.session.flush()
    note(
        "appointment.asked",
        asked,
        person_id=actor.person_id,
        role=actor.role,
        subject_id=person.id,
        office=str(office.role),
    )
    return asked


def decide(actor: Actor, asked: AppointmentRequest, *, confirmed: bool) -> None:
    """The second person's word. RuleBroken for whoever asked, for the person concerned, and once it is decided."""
    if asked.state != RequestState.WAITING:
        raise RuleBroken(_("This was decided already."))
    if actor.person_id in (asked.asked_by_id, asked.person_id):
        raise RuleBroken(
            _("A second person decides this, who did not ask for it and whom it does not concern.")
        )
    started_on = max(asked.started_on, clock.today())
    person = db.session.get_one(Person, asked.person_id)
    if confirmed:
        refuse_both(person, asked.role, started_on, asked.ended_on)
    asked.state = RequestState.CONFIRMED if confirmed else RequestState.REFUSED
    asked.decided_by_id, asked.decided_at = actor.person_id, clock.now()
    if confirmed:
        place = {"district_id": asked.district_id} if asked.district_id else {}
        _make(
            OFFICES[asked.role],
            person,
            place,
            started_on,
            asked.ended_on,
            asked.document,
            asked.asked_by_id,
        )
    note(
        "appointment.confirmed" if confirmed else "appointment.refused",
        asked,
        person_id=actor.person_id,
        role=actor.role,
        subject_id=asked.person_id,
    )


def end(appointment: Appointment, last_on: date | None, *, person_id: int, role: str = "") -> None:
    """End an appointment: after ``last_on``, or at once when that is None; in the current transaction.

    What it lent to others ends with it. RuleBroken for one's own, one that is over, and a day before today.
    """
    today = clock.today()
    if appointment.person_id == person_id:
        raise RuleBroken(_("Nobody changes their own rights. Ask somebody else who may."))
    if appointment.ended_on is not None and appointment.ended_on <= today:
        raise RuleBroken(_("This appointment is over already."))
    if last_on is not None and last_on < today:
        raise RuleBroken(_("Choose today or a later day."), 422)
    finish(appointment, None if last_on is None else last_on + timedelta(days=1))
    note(
        "appointment.ended",
        appointment,
        person_id=person_id,
        role=role,
        ended_on=str(appointment.ended_on),
        at_once=last_on is None,
    )


def finish(appointment: Appointment, ended_on: date | None) -> None:
    """Set the first day after an appointment and after all it lent; None: this very minute."""
    first_free = max(ended_on or clock.today(), appointment.started_on)
    lent = db.session.scalars(
        select(Appointment).where(
            Appointment.delegated_from_id == appointment.id, Appointment.ended_on > first_free
        )
    ).all()
    for one in (appointment, *lent):
        one.ended_on = max(first_free, one.started_on)
        one.ended_at = clock.now() if ended_on is None else None
    db.session.flush()
