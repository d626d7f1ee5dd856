"""Appointments of one's school or district: the list, a person's, appointing, ending, the second person's word."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import names
from portal.access import ROLE_NAMES, Actor, Permission, Role, actor, find, requires
from portal.accounts.models import Appointment, Person
from portal.accounts.phones import masked
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.models import District, Grade, School, SchoolClass, SchoolYear
from portal.staffing import appointing, newcomers
from portal.staffing.forms import AT_ONCE, AppointmentForm, EndForm
from portal.staffing.models import AppointmentRequest
from portal.staffing.policy import (
    APPOINTMENT_END,
    APPOINTMENT_READ,
    REQUEST_DECIDE,
    in_force_or_coming,
    waiting,
)
from portal.staffing.views.blueprint import Answer, bp, form_page
from portal.templating import render

SHOWN_PER_PERSON = 30


def places_of(appointments: Any) -> dict[int, str]:
    """Appointment id → the name of its class, school or district. One query."""
    ids = [one.id for one in appointments]
    rows = db.session.execute(
        select(Appointment.id, SchoolClass.name, School.name, District.name)
        .outerjoin(SchoolClass, SchoolClass.id == Appointment.class_id)
        .outerjoin(School, School.id == Appointment.school_id)
        .outerjoin(District, District.id == Appointment.district_id)
        .where(Appointment.id.in_(ids))
    )
    return {key: in_class or in_school or in_district or "" for key, in_class, in_school, in_district in rows}


def office_name(appointment: Appointment) -> str:
    """班主任, 副校长, 班主任（代理）."""
    name = _(appointment.title) if appointment.title else str(ROLE_NAMES[Role(appointment.role)])
    return _("%(role)s (standing in)", role=name) if appointment.delegated_from_id else name


@bp.get("/appointments")
@requires(APPOINTMENT_READ)
def appointments() -> str:
    """The people with an office in reach, by name; ``role`` and ``q`` narrow the list, ``past`` shows who held one."""
    acting = actor()
    query, role = request.args.get("q", "").strip(), request.args.get("role", "")
    past = request.args.get("past") == "1"
    within = APPOINTMENT_READ.within(acting)
    condition = ~in_force_or_coming(acting) if past else in_force_or_coming(acting)
    held = select(Appointment.person_id).where(within, condition)
    if role in set(Role):
        held = held.where(Appointment.role == role)
    people = select(Person).where(Person.id.in_(held))
    if query:
        people = people.where(names.matching(Person, query))
    listing = page_of(people, [(Person.name_pinyin, False), (Person.id, False)])
    found = db.session.scalars(
        select(Appointment)
        .where(within, condition, Appointment.person_id.in_([person.id for person in listing.rows]))
        .order_by(Appointment.started_on.desc(), Appointment.id)
    ).all()
    by_person: dict[int, list[Appointment]] = {}
    for one in found:
        by_person.setdefault(one.person_id, []).append(one)
    return render(
        "staffing/appointments.html",
        listing=listing,
        by_person=by_person,
        places=places_of(found),
        office_name=office_name,
        query=query,
        role=role,
        roles=_roles(acting.role),
        past=past,
        today=acting.on,
        requests=_waiting(),
        role_names=ROLE_NAMES,
    )


def _waiting() -> Sequence[AppointmentRequest]:
    """Requests that wait for a second person in reach."""
    acting = actor()
    if not REQUEST_DECIDE.admits(acting.role):
        return []
    return db.session.scalars(
        select(AppointmentRequest)
        .where(waiting(acting))
        .options(
            joinedload(AppointmentRequest.person),
            joinedload(AppointmentRequest.asked_by),
            joinedload(AppointmentRequest.district),
        )
        .order_by(AppointmentRequest.id)
        .limit(20)
    ).all()


def _roles(role: Role) -> list[tuple[str, str]]:
    """The roles a list may be narrowed to."""
    seen = {
        Role.DISTRICT_STAFF: (
            Role.PRINCIPAL,
            Role.SCHOOL_OFFICE,
            Role.INSPECTOR,
            Role.LECTURER,
            Role.DISTRICT_STAFF,
            Role.AUDITOR,
        ),
        Role.SYSTEM_ADMIN: (Role.DISTRICT_STAFF, Role.SYSTEM_ADMIN),
    }.get(
        role,
        (
            Role.CLASS_TEACHER,
            Role.SUBJECT_TEACHER,
            Role.PRINCIPAL,
            Role.SCHOOL_OFFICE,
            Role.COMMITTEE_CHAIR,
            Role.LECTURER,
        ),
    )
    return [("", _("All offices")), *((one.value, str(ROLE_NAMES[one])) for one in seen)]


def classes_of_school(acting: Actor) -> dict[str, str]:
    """Public id → name of the classes of this school year and the next, in the order of grades."""
    rows = db.session.execute(
        select(SchoolClass.public_id, SchoolClass.name, SchoolYear.starts_on)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .join(SchoolYear, SchoolYear.id == Grade.school_year_id)
        .where(SchoolClass.school_id == acting.school_id, SchoolYear.ends_on >= acting.on)
        .order_by(SchoolYear.starts_on, Grade.stage, Grade.level, SchoolClass.number)
    )
    return {
        public_id: name
        if starts_on <= acting.on
        else _("%(name)s (from %(year)s)", name=name, year=starts_on.year)
        for public_id, name, starts_on in rows
    }


@bp.route("/appointments/new", methods=["GET", "POST"])
@requires(APPOINTMENT_READ)
@step_up_required
def new_appointment() -> Answer:
    """Appoint a person found by exact phone or account, or a new one."""
    acting = actor()
    offices = {key: str(appointing.OFFICES[key].name) for key in appointing.appoints(acting)}
    classes = classes_of_school(acting) if acting.school_id else {}
    form = AppointmentForm(offices, classes, data={"started_on": acting.on})
    if form.sent_and_valid():
        try:
            office = appointing.OFFICES[form.office.data]
            typed = form.school_class.data if acting.school_id else form.place.data
            place = appointing.place_for(acting, office, typed or "")
            person = appointing.person_for(form.name.data, form.who.data)
            ended_on = form.last_on.data + timedelta(days=1) if form.last_on.data else None
            made = appointing.appoint(
                acting,
                form.office.data,
                person,
                place,
                form.started_on.data,
                ended_on,
                form.document.data or "",
            )
        except RuleBroken as broken:
            db.session.rollback()
            form.form_errors.append(broken.message)
        else:
            if isinstance(made, AppointmentRequest):
                return commit_and_go(
                    url_for(".appointments"), _("Asked for. It holds once a second person has confirmed it.")
                )
            return commit_and_go(
                url_for(".appointment", public_id=made.public_id), _("The appointment is made.")
            )
    return form_page("staffing/new_appointment.html", form=form, of_school=bool(acting.school_id))


@bp.get("/appointments/<public_id>")
@requires(APPOINTMENT_READ)
def appointment(public_id: str) -> str:
    """One appointment and the others of the same person in reach."""
    acting = actor()
    shown = find(APPOINTMENT_READ, public_id, joinedload(Appointment.person))
    others = db.session.scalars(
        APPOINTMENT_READ.rows(acting)
        .where(Appointment.person_id == shown.person_id)
        .order_by(Appointment.started_on.desc(), Appointment.id.desc())
        .limit(SHOWN_PER_PERSON)
    ).all()
    over = shown.ended_on is not None and shown.ended_on <= acting.on
    return render(
        "staffing/appointment.html",
        shown=shown,
        others=[one for one in others if one.id != shown.id],
        places=places_of([shown, *others]),
        office_name=office_name,
        phone=masked(shown.person.phone) if shown.person.phone and acting.role != Role.SYSTEM_ADMIN else "",
        may_end=not over and shown.person_id != acting.person_id and APPOINTMENT_END.holds_for(acting, shown),
        over=over,
        is_newcomer=not over and _is_newcomer(shown.person_id),
        today=acting.on,
    )


def _is_newcomer(person_id: int) -> bool:
    """Whether the person has never signed in and the actor may give them a first access."""
    acting = actor()
    if not APPOINTMENT_END.admits(acting.role):
        return False
    return db.session.scalar(newcomers.newcomers(acting).where(Person.id == person_id)) is not None


@bp.route("/appointments/<public_id>/end", methods=["GET", "POST"])
@requires(APPOINTMENT_END)
@step_up_required
def end_appointment(public_id: str) -> Answer:
    """End an appointment: at once, or after a day."""
    ending = _locked(APPOINTMENT_END, public_id)
    form = EndForm(data={"when": AT_ONCE})
    if not form.sent_and_valid():
        return form_page(
            "staffing/end_appointment.html",
            form=form,
            shown=ending,
            office=office_name(ending),
            place=places_of([ending]).get(ending.id, ""),
        )
    at_once = form.when.data == AT_ONCE
    appointing.end(
        ending,
        None if at_once else form.last_on.data,
        person_id=actor().person_id,
        role=actor().role,
    )
    message = _("It is over from this minute on.") if at_once else _("The end is set.")
    return commit_and_go(url_for(".appointments"), message)


def _locked(permission: Permission[Appointment], public_id: str) -> Appointment:
    if request.method == "POST":
        db.session.execute(select(Appointment.id).where(Appointment.public_id == public_id).with_for_update())
    return find(permission, public_id, joinedload(Appointment.person))


@bp.post("/appointments/requests/<public_id>/confirmation")
@requires(REQUEST_DECIDE)
@step_up_required
def confirm_request(public_id: str) -> Response:
    """The second person agrees."""
    appointing.decide(actor(), _request(public_id), confirmed=True)
    return commit_and_go(url_for(".appointments"), _("Confirmed. The appointment holds."))


@bp.post("/appointments/requests/<public_id>/refusal")
@requires(REQUEST_DECIDE)
@step_up_required
def refuse_request(public_id: str) -> Response:
    """The second person does not agree."""
    appointing.decide(actor(), _request(public_id), confirmed=False)
    return commit_and_go(url_for(".appointments"), _("Refused. Nothing changes."))


def _request(public_id: str) -> AppointmentRequest:
    db.session.execute(
        select(AppointmentRequest.id).where(AppointmentRequest.public_id == public_id).with_for_update()
    )
    return find(REQUEST_DECIDE, public_id)
