"""Lending a hat for a while: a class teacher or a principal who is away lets a colleague of the school stand in.

A delegation is an appointment with a mark: at most ninety days, ends by itself and with the one it comes from, cannot be
passed on, opens no sealed notes unless that was said. Both people see it and either may end it.
"""

from datetime import date, timedelta

from sqlalchemy import or_, select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.deliveries.kinds import Kind
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.schools import enrolling
from portal.schools.models import SchoolClass
from portal.schools.policy import in_force
from portal.staffing.appointing import finish
from portal.trail.models import note

ENDED = Kind(
    "delegation.ended",
    subject=_l("A delegation has ended"),
    text=_l("A delegation that you gave or took over has been ended by the other person. Sign in to see it."),
    path="/appointments/mine",
)
LONGEST = timedelta(days=90)
LENDABLE = frozenset({Role.CLASS_TEACHER, Role.PRINCIPAL})


def colleagues(actor: Actor) -> dict[str, str]:
    """Public id → name of the people who hold an office of the actor's school today, by name; not the actor."""
    inside = select(SchoolClass.id).where(SchoolClass.school_id == actor.school_id)
    rows = db.session.execute(
        select(Person.public_id, Person.name, Person.name_pinyin)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(
            or_(Appointment.school_id == actor.school_id, Appointment.class_id.in_(inside)),
            Appointment.role != Role.COMMITTEE_CHAIR,
            Appointment.delegated_from_id.is_(None),
            in_force(Appointment, actor),
            Person.id != actor.person_id,
        )
        .distinct()
        .order_by(Person.name_pinyin, Person.public_id)
    )
    return {public_id: name for public_id, name, _pinyin in rows}


def lend(
    origin: Appointment,
    colleague: Person,
    started_on: date,
    last_on: date,
    *,
    opens_sealed: bool,
    actor: Actor,
) -> Appointment:
    """Let a colleague stand in from ``started_on`` to ``last_on``, both included, in the current transaction."""
    if origin.delegated_from_id is not None or origin.title:
        raise RuleBroken(_("Who stands in cannot pass it on."))
    if origin.role not in LENDABLE or colleague.public_id not in colleagues(actor):
        raise RuleBroken(_("Choose a colleague of your school."), 422)
    if started_on < clock.today() or last_on < started_on:
        raise RuleBroken(_("Choose days from today on, the last not before the first."), 422)
    if last_on - started_on >= LONGEST:
        raise RuleBroken(_("Someone may stand in for at most 90 days."), 422)
    ended_on = last_on + timedelta(days=1)
    if origin.ended_on is not None and ended_on > origin.ended_on:
        raise RuleBroken(_("Your own appointment ends before that."), 422)
    same = select(Appointment.id).where(
        Appointment.delegated_from_id == origin.id,
        Appointment.person_id == colleague.id,
        Appointment.started_on < ended_on,
        Appointment.ended_on > started_on,
    )
    if db.session.scalar(same.limit(1)):
        raise RuleBroken(_("%(name)s stands in for you in that time already.", name=colleague.name))
    made = enrolling.appoint(
        colleague,
        Role(origin.role),
        started_on,
        ended_on=ended_on,
        school_id=origin.school_id,
        class_id=origin.class_id,
        delegated_from_id=origin.id,
        opens_sealed=opens_sealed,
        appointed_by_id=actor.person_id,
    )
    db.session.flush()
    note(
        "delegation.made",
        made,
        person_id=actor.person_id,
        role=actor.role,
        ended_on=str(ended_on),
        opens_sealed=opens_sealed,
    )
    return made


def give_back(delegation: Appointment, *, person_id: int, role: str = "") -> None:
    """End a delegation at once, by who lent or who stands in, and tell the other; RuleBroken once it is over."""
    if delegation.ended_on is not None and delegation.ended_on <= clock.today():
        raise RuleBroken(_("This is over already."))
    finish(delegation, None)
    note("delegation.ended", delegation, person_id=person_id, role=role)
    origin = db.session.get_one(Appointment, delegation.delegated_from_id)
    for other_id in {delegation.person_id, origin.person_id} - {person_id}:
        send(db.session.get_one(Person, other_id), ENDED.name, {}, key=delegation.public_id)
