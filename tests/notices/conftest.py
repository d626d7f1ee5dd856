"""The people who write and read notices in these tests."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.notices import audience, counting, writing
from portal.notices.models import Notice, NoticeReceipt, NoticeSummary
from portal.schools.models import School, SchoolClass


def person(name):
    return db.session.scalar(select(Person).where(Person.name == name))


def acting(name, role=None):
    """The person as an actor under an appointment of theirs, or as a guardian."""
    who = person(name)
    wanted = select(Appointment).where(Appointment.person_id == who.id)
    held = None
    if role != Role.GUARDIAN:
        held = db.session.scalar(wanted.where(Appointment.role == role) if role else wanted.limit(1))
    if held is None:
        return Actor(person_id=who.id, role=Role.GUARDIAN, on=clock.today())
    school_class = db.session.get(SchoolClass, held.class_id) if held.class_id else None
    school_id = held.school_id or (school_class.school_id if school_class else None)
    school = db.session.get(School, school_id) if school_id else None
    return Actor(
        person_id=who.id,
        role=Role(held.role),
        on=clock.today(),
        appointment_id=held.id,
        district_id=held.district_id or (school.district_id if school else None),
        school_id=school_id,
        class_id=held.class_id,
    )


@pytest.fixture
def empty(app):
    """The town before anybody wrote a notice."""
    db.session.execute(delete(Notice))
    db.session.commit()


@pytest.fixture
def send(app, empty):
    """``send("林悦", "class")`` publishes a notice as that person and gives it back."""

    def publish(name="林悦", kind="class", role=None, place=None, **words):
        actor = acting(name, role)
        chosen = next(
            one for one in audience.choices(actor) if one.kind == kind and place in (None, one.name)
        )
        given = {
            "title": "周六认树，请确认",
            "body": "周六上午九点在东门集合，自愿参加。",
            "who": "",
            "act": "",
            "ask": "",
            "due_on": clock.today() + timedelta(days=2),
            "expires_on": None,
            "level": "confirm",
            "counts": "household",
            **words,
        }
        notice = writing.draft(actor, chosen, **given)
        writing.publish(notice, actor)
        counting.keep_size(notice.id, audience.size(notice))
        db.session.commit()
        return notice

    return publish


def receipts(notice):
    return db.session.scalars(select(NoticeReceipt).where(NoticeReceipt.notice_id == notice.id)).all()


def numbers(notice):
    """(opened guardians, opened households, confirmed guardians, confirmed households)."""
    row = db.session.get(NoticeSummary, notice.id)
    db.session.refresh(row)
    return tuple(getattr(row, name) for name in counting.NUMBERS)
