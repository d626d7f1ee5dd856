"""A notice of the chair to her class, and ways to give files to it."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.notices import audience, writing
from portal.notices.models import Notice


def chair():
    person_id = db.session.scalar(select(Person.id).where(Person.name == "林悦"))
    held = db.session.scalars(
        select(Appointment).where(
            Appointment.person_id == person_id, Appointment.role == Role.COMMITTEE_CHAIR
        )
    ).one()
    return Actor(person_id, Role.COMMITTEE_CHAIR, clock.today(), held.id, class_id=held.class_id)


@pytest.fixture
def draft(app):
    """A draft of 林悦 to the families of 三(2)班."""
    actor = chair()
    chosen = next(one for one in audience.choices(actor) if one.kind == "class")
    words = {"who": "", "act": "", "ask": "", "due_on": clock.today() + timedelta(days=3), "expires_on": None}
    made = writing.draft(
        actor, chosen, title="周六认树", body="见附件。", level="read", counts="household", **words
    )
    db.session.commit()
    return made


def publish(notice: Notice) -> Notice:
    writing.publish(notice, chair())
    db.session.commit()
    return notice


def sent(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    """A file as the test client sends it."""
    return io.BytesIO(content), name


def add(client, notice, *files, button="添加文件"):
    """Give files to a draft on its preview page; the page that follows."""
    page = client.page(f"/notices/{notice.public_id}/preview")
    fields = page.fields(page.form_of(button))
    return client.send(
        f"/notices/{notice.public_id}/files", {**fields, "files": [sent(*file) for file in files]}, files=True
    )
