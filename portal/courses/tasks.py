"""What the parent school puts on the first page of families and of those who run courses."""

from datetime import timedelta

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock, i18n
from portal.access import Actor, Role
from portal.courses.models import Course, CourseSession, Seat
from portal.courses.policy import COURSE_MANAGE, SEAT_READ, SESSION_MANAGE
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import Household
from portal.tasks import Task

SOON = timedelta(days=7)
LOOK_BACK = timedelta(days=14)
MOST = 5


def tasks(actor: Actor) -> list[Task]:
    """The parent school's part of the first page, for whichever role."""
    match actor.role:
        case Role.GUARDIAN:
            return _for_family(actor)
        case Role.SCHOOL_OFFICE | Role.DISTRICT_STAFF:
            return [*_sign_ins(actor), *_drafts(actor)]
        case _:
            return []


def _for_family(actor: Actor) -> list[Task]:
    """Seats offered from the waiting list, and sessions of the coming week with a seat."""
    now = clock.now()
    rows = db.session.execute(
        select(Seat, Household.public_id)
        .join(CourseSession, CourseSession.id == Seat.session_id)
        .join(Course, Course.id == CourseSession.course_id)
        .join(Household, Household.id == Seat.household_id)
        .where(
            SEAT_READ.within(actor),
            Seat.seated_at.is_not(None),
            Seat.given_back_at.is_(None),
            Course.withdrawn_at.is_(None),
            CourseSession.starts_at > now,
        )
        .options(
            joinedload(Seat.session).joinedload(CourseSession.course).joinedload(Course.school),
            joinedload(Seat.session).joinedload(CourseSession.course).joinedload(Course.district),
        )
        .order_by(CourseSession.starts_at, Seat.id)
        .limit(MOST)
    ).all()
    cards = []
    for seat, household in rows:
        if seat.is_new_offer:
            cards.append(_offer(seat, household))
        elif seat.session.starts_at <= now + SOON:
            cards.append(_reminder(seat))
    return cards


def _offer(seat: Seat, household: str) -> Task:
    session = seat.session
    course = session.course
    page = url_for("courses.show", public_id=course.public_id)
    return Task(
        about=course.host_name,
        title=_("A seat is free for you: %(title)s", title=course.title),
        body=_when_and_where(session),
        url=page,
        button=_("We will come"),
        due_on=session.starts_on,
        post_to=url_for("courses.acknowledge", public_id=session.public_id, household=household),
        others=((_("Look at the course, or give the seat back"), page),),
    )


def _reminder(seat: Seat) -> Task:
    session = seat.session
    return Task(
        about=session.course.host_name,
        title=_("Go to the course: %(title)s", title=session.course.title),
        body=_when_and_where(session),
        url=url_for("courses.show", public_id=session.course.public_id),
        button=_("Open the course"),
        due_on=session.starts_on,
    )


def _when_and_where(session: CourseSession) -> str:
    return _("%(when)s · %(place)s", when=i18n.moment(session.starts_at), place=session.place)


def _sign_ins(actor: Actor) -> list[Task]:
    """Sessions of today and of the last two weeks whose list of those present nobody has kept yet."""
    tomorrow = clock.instant_of(actor.on + timedelta(days=1))
    sessions = db.session.scalars(
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
        .order_by(CourseSession.starts_at)
        .limit(MOST)
    )
    return [
        Task(
            about=session.course.host_name,
            title=_("Mark who is present: %(title)s", title=session.course.title),
            body=_when_and_where(session),
            url=url_for("courses.attendance", public_id=session.public_id),
            button=_("Open the sign-in list"),
            due_on=session.starts_on,
        )
        for session in sessions
    ]


def _drafts(actor: Actor) -> list[Task]:
    """Courses begun and not yet published."""
    courses = db.session.scalars(
        COURSE_MANAGE.rows(actor)
        .where(Course.published_at.is_(None))
        .options(joinedload(Course.school), joinedload(Course.district))
        .order_by(Course.id.desc())
        .limit(MOST)
    )
    return [
        Task(
            about=course.host_name,
            title=_("Finish and publish the course: %(title)s", title=course.title),
            url=url_for("courses.plan", public_id=course.public_id),
            button=_("Open the draft"),
        )
        for course in courses
    ]
