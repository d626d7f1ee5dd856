"""The second step by text message: a fallback for staff without app or passkey at hand, with an alarm in the trail.

A number can be taken over (SIM swap), so a district may switch it off, it is never a second message after a first one,
and the owner reads of it among the activity of the account.
"""

from sqlalchemy import select

from portal import clock
from portal.accounts import sessions
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
    if half.how == BY_CODE or not person.phone:
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
