"""Small words for visits in tests: the pupil's page, the fields of a short visit, the newest visit."""

import uuid
from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.extensions import db
from portal.schools.models import Guardianship, Pupil, SchoolClass
from portal.visits.models import Form, Visit
from portal.visits.recording import Account, record


def pupil(name):
    """The pupil of this name."""
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def person(name):
    """The person of this name."""
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def third():
    """三(2)班 of 望溪小学."""
    return db.session.scalars(select(SchoolClass).where(SchoolClass.name == "三(2)班")).one()


def ties(name):
    """The guardianships of a pupil, in the order of the roster."""
    found = select(Guardianship).where(Guardianship.pupil_id == pupil(name).id).order_by(Guardianship.id)
    return list(db.session.scalars(found))


def newest():
    """The visit written last."""
    return db.session.scalars(select(Visit).order_by(Visit.id.desc()).limit(1)).one()


def of(name):
    """The newest visit about a pupil."""
    found = select(Visit).where(Visit.pupil_id == pupil(name).id).order_by(Visit.id.desc())
    return db.session.scalars(found.limit(1)).one()


def teacher():
    """王雪 as class teacher of 三(2)班."""
    return Actor(person("王雪").id, Role.CLASS_TEACHER, clock.today(), class_id=third().id)


def visited(name, days_ago=1, form=Form.PHONE, household_id=None, **told):
    """A visit of 王雪, written down without the pages."""
    at = clock.now() - timedelta(days=days_ago)
    account = Account(
        household_id or ties(name)[0].household_id, form, clock.local(at).date(), at, child_met=True, **told
    )
    made = record(pupil(name), third(), teacher(), str(uuid.uuid4()), account, clock.now())
    db.session.commit()
    return made


def write_page(client, name):
    """The page on which a visit to this pupil is written down."""
    return client.page(f"/visits/new?pupil={pupil(name).public_id}")


def yesterday():
    """Yesterday as a form sends it."""
    return (clock.today() - timedelta(days=1)).isoformat()
