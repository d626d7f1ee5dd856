"""A code by text message where nothing better is at hand, with an alarm in the trail: for the second step of staff, and
for the proof of people who have no password.

A number can be taken over (SIM swap), so a district may switch it off, it is never a second message after a first one,
and the owner reads of it among the activity of the account.
"""

from sqlalchemy import select

from portal import clock
from portal.accounts import factors, sessions
from portal.accounts.models import Appointment, HalfSession, Person
from portal.extensions import Base, db
from portal.i18n import lazy_gettext as _l
from portal.settings import Setting, Switch

SECOND_BY_MESSAGE = Setting(
    "accounts.second_by_message",
    Switch(),
    True,
    label=_l("A text message helps out for the second step"),
    help=_l("When app and passkey are not at hand. Each time is marked in the log. Safer without."),
)
BY_CODE = "code"


def reach(half: HalfSession, person: Person) -> str:
    """The number a second code may go to for this half session; empty where it may not."""
    return "" if half.how == BY_CODE else _number(person)


def proof_reach(person: Person) -> str:
    """Where a code may go that proves who holds the device; empty for whoever has a password or a second factor."""
    if person.password_hash or factors.is_set_up(person.id):
        return ""
    return _number(person) or ("" if sessions.appointments_today(person) else person.email or "")


def _number(person: Person) -> str:
    """The person's telephone, where every district and school they work for lets a text message help out."""
    if not person.phone:
        return ""
    day = clock.today()
    places = [_place(appointment) for appointment in sessions.appointments_today(person)]
    allowed = all(
        SECOND_BY_MESSAGE.on(day, district_id=district_id, school_id=school_id)
        for district_id, school_id in places
        if district_id or school_id
    )
    # A system administrator has no district that could answer for it.
    return person.phone if allowed and all(district or school for district, school in places) else ""


def _place(appointment: Appointment) -> tuple[int | None, int | None]:
    school_id = appointment.school_id
    if appointment.class_id is not None:
        school_class = Base.metadata.tables["school_class"]
        wanted = select(school_class.c.school_id).where(school_class.c.id == appointment.class_id)
        school_id = db.session.scalar(wanted)
    return appointment.district_id, school_id
