"""What the parent school puts on the first page of families and of those who run courses."""

from datetime import timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Select, and_, bindparam, func, select
from sqlalchemy.orm import joinedload

from portal import clock, i18n
from portal.access import Actor, Role
from portal.courses.models import Course, CourseSession, Seat
from portal.courses.policy import COURSE_MANAGE, SESSION_MANAGE, seats_one_answers_for
from portal.extensions import UtcDateTime, db
from portal.i18n import gettext as _
from portal.prepared import Prepared, whoever
from portal.schools.models import District, Household, School
from portal.tasks import AT_MOST, Task, cards

SOON = timedelta(days=7)
LOOK_BACK = timedelta(days=14)


def tasks(actor: Actor) -> list[Task]:
    """The parent school's part of the first page, for whichever role."""
    match actor.role:
        case Role.GUARDIAN:
            return _for_family(actor)
        case Role.SCHOOL_OFFICE | Role.DISTRICT_STAFF:
            return [*_sign_ins(actor), *_drafts(actor)]
        case _:
            return []


def _seats() -> Select[*tuple[Any, ...]]:
    """The guardian's seats in sessions to come, those first that begin first."""
    return (
        select(
            CourseSession.public_id,
            CourseSession.starts_at,
            CourseSession.place,
            Course.public_id.label("course"),
            Course.title,
            func.coalesce(School.name, District.name).label("host"),
            Household.public_id.label("household"),
            and_(Seat.offered_at.is_not(None), Seat.offer_seen_at.is_(None)).label("is_new_offer"),
        )
        .select_from(Seat)
        .join(CourseSession, CourseSession.id == Seat.session_id)
        .join(Course, Course.id == CourseSession.course_id)
        .join(Household, Household.id == Seat.household_id)
        .join(District, District.id == Course.district_id)
        .outerjoin(School, School.id == Course.school_id)
        .where(
            seats_one_answers_for(whoever(Role.GUARDIAN)),
            Seat.seated_at.is_not(None),
            Seat.given_back_at.is_(None),
            Seat.present_at.is_(None),
            Course.withdrawn_at.is_(None),
            CourseSession.starts_at > bindparam("now", type_=UtcDateTime()),
        )
        .order_by(CourseSession.starts_at, Seat.id)
        .limit(AT_MOST)
    )


SEATS = Prepared(_seats)


def _for_family(actor: Actor) -> list[Task]:
    """Seats offered from the waiting list, and sessions of the coming week with a seat."""
    now = clock.now()
    made = []
    for seat in SEATS.all(db.session(), person=actor.person_id, day=actor.on, now=now):
        if seat.is_new_offer:
            made.append(_offer(seat))
        elif seat.starts_at <= now + SOON:
            made.append(_reminder(seat))
    return made


def _offer(seat: Any) -> Task:
    page = url_for("courses.show", public_id=seat.course)
    return Task(
        about=seat.host,
        title=_("A seat is free for you: %(title)s", title=seat.title),
        body=_when_and_where(seat),
        url=page,
        button=_("We will come"),
        due_on=clock.local(seat.starts_at).date(),
        post_to=url_for("courses.acknowledge", public_id=seat.public_id, household=seat.household),
        others=((_("Look at the course, or give the seat back"), page),),
    )


def _reminder(seat: Any) -> Task:
    return Task(
        about=seat.host,
        title=_("Go to the course: %(title)s", title=seat.title),
        body=_when_and_where(seat),
        url=url_for("courses.show", public_id=seat.course),
        button=_("Open the course"),
        due_on=clock.local(seat.starts_at).date(),
    )


def _when_and_where(session: Any) -> str:
    return _("%(when)s · %(place)s", when=i18n.moment(session.starts_at), place=session.place)


def _sign_ins(actor: Actor) -> list[Task]:
    """Sessions of today and of the last two weeks whose list of those present nobody has kept yet."""
    tomorrow = clock.instant_of(actor.on + timedelta(days=1))
    query = (
        SESSION_MANAGE.rows(actor)
        .join(Course, Course.id == CourseSession.course_id)
        .where(
            CourseSession.signed_in_at.is_(None),
            CourseSession.starts_at < tomorrow,
            CourseSession.starts_at >= clock.instant_of(actor.on - LOOK_BACK),
            Course.published_at.is_not(None),
            Course.withdrawn_at.is_(None),
        )
        .options(
            joinedload(CourseSession.course).joinedload(Course.school),
            joinedload(CourseSession.course).joinedload(Course.district),
        )
    )
    return cards(
        query,
        (CourseSession.starts_at,),
        lambda session: Task(
            about=session.course.host_name,
            title=_("Mark who is present: %(title)s", title=session.course.title),
            body=_when_and_where(session),
            url=url_for("courses.attendance", public_id=session.public_id),
            button=_("Open the sign-in list"),
            due_on=session.starts_on,
        ),
    )


def _drafts(actor: Actor) -> list[Task]:
    """Courses begun and not yet published."""
    query = (
        COURSE_MANAGE.rows(actor)
        .where(Course.published_at.is_(None))
        .options(joinedload(Course.school), joinedload(Course.district))
    )
    return cards(
        query,
        (Course.id.desc(),),
        lambda course: Task(
            about=course.host_name,
            title=_("Finish and publish the course: %(title)s", title=course.title),
            url=url_for("courses.plan", public_id=course.public_id),
            button=_("Open the draft"),
        ),
    )
