"""Visits handed in late: by whom, for whom, and what becomes of them."""

import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.schools.models import Enrolment, Pupil
from portal.visits.drafts import DraftPart, LateVisit
from portal.visits.models import SealedNote, Visit
from tests.visits.builders import person, pupil, third
from tests.visits.test_drafts import Device, visits

HOPES = "嘉树想学修自行车"


class LateDevice(Device):
    """A device that hands in at the address of what comes late."""

    def post(self, operation, **named):
        answer = super().post(operation, **named)
        if answer.status_code not in (403, 404):
            return answer
        return self.client.post(
            f"/visits/late?pupil={self.child}",
            data=json.dumps(operation, ensure_ascii=False),
            headers={"X-CSRFToken": self.token, "Accept": "application/json"},
            content_type="application/json",
        )


def days_ago(days):
    return (clock.today() - timedelta(days=days)).isoformat()


@pytest.fixture
def former(app, as_):
    """The device of 邓宇, who had the class until a week ago and teaches a subject there now."""
    db.session.add(
        Appointment(
            person_id=person("邓宇").id,
            role=Role.CLASS_TEACHER,
            class_id=third().id,
            started_on=clock.today() - timedelta(days=20),
            ended_on=clock.today() - timedelta(days=7),
        )
    )
    db.session.commit()
    device = LateDevice.__new__(LateDevice)
    device.client = as_("邓宇", "subject_teacher")
    device.key, device.child, device.number, device.bases = (
        str(uuid.uuid4()),
        pupil("林嘉树").public_id,
        0,
        {},
    )
    device.token = device.client.get("/visits/offline/standing").json["token"]
    return device


def hand_in(device, held_on=None, **values):
    return device.send(str(uuid.uuid4()), True, hopes=HOPES, held_on=held_on or days_ago(9), **values)


def newest_late():
    return db.session.scalars(select(LateVisit).order_by(LateVisit.id.desc()).limit(1)).one()


def in_third():
    return select(Enrolment.pupil_id).where(Enrolment.class_id == third().id)


def counted():
    return db.session.scalar(select(func.count(LateVisit.id)))


def test_it_waits_sealed_and_becomes_the_authors_visit(former, as_):
    visit = str(uuid.uuid4())
    before = counted()
    operation = former.operation(visit, True, hopes=HOPES, sealed="只给校长看", held_on=days_ago(9))

    first, again = former.post(operation), former.post(operation)

    assert (first.status_code, first.json["state"], first.json["kept"]) == (403, "late", True)
    assert (again.status_code, again.json["state"]) == (200, "late")
    assert counted() == before + 1
    assert not visits(visit)
    sealed = db.session.scalars(select(DraftPart.value_sealed).where(DraftPart.value_sealed.is_not(None)))
    assert all(HOPES.encode() not in one for one in sealed)

    principal = as_("孙立德", "principal")
    assert "2 份离任教师补交的家访记录待您决定" in principal.page("/").text
    late = newest_late()
    shown = principal.page(f"/visits/late/{late.public_id}")
    assert HOPES in shown.text
    assert "只给校长看" not in shown.text
    shown.press("收下这次家访")

    (made,) = visits(visit)
    assert (made.author_id, made.class_id, made.held_on.isoformat()) == (
        person("邓宇").id,
        third().id,
        days_ago(9),
    )
    assert (
        db.session.scalars(select(SealedNote).where(SealedNote.visit_id == made.id)).one().body
        == "只给校长看"
    )
    told = select(Delivery).where(Delivery.kind == "visit.late", Delivery.person_id == person("邓宇").id)
    assert db.session.scalars(told).one()
    assert "1 份离任教师" in principal.page("/").text
    assert shown.press("不收下", reason="不收").status == 409
    assert "您补交的家访已收下" in former.client.page(f"/visits/late/{late.public_id}/answer").text


def test_a_refusal_says_why_and_the_author_reads_it(former, as_):
    hand_in(former)
    principal, late = as_("孙立德", "principal"), newest_late()

    page = principal.page(f"/visits/late/{late.public_id}")
    empty = page.press("不收下", reason="")
    assert (empty.status, "请写明原因" in empty.text) == (422, True)
    page.press("不收下", reason="当天您在外地学习")

    assert db.session.scalar(select(Visit).where(Visit.author_id == person("邓宇").id)) is None
    assert "您补交的家访没有收下" in former.client.page("/").text
    place = f"/visits/late/{late.public_id}/answer"
    told = former.client.page(place)
    assert "当天您在外地学习" in told.text
    told.press("我看过了")
    db.session.refresh(late)
    assert late.seen_at
    assert place not in former.client.page("/").links.values()


@pytest.mark.parametrize(
    ("held_on", "status"),
    [(7, 404), (8, 403), (20, 403), (21, 404), (-1, 404)],
    ids=["the first day after", "the last day", "the first day", "the day before", "tomorrow"],
)
def test_the_day_of_the_visit_lies_within_the_office(former, held_on, status):
    answer = hand_in(former, days_ago(held_on))
    assert answer.status_code == status
    assert bool(answer.json.get("kept")) is (status == 403)


def test_what_does_not_hold_comes_back_with_its_fields(former):
    before = counted()
    wrong = hand_in(former, met=[])
    assert (wrong.status_code, wrong.json["state"]) == (422, "wrong")
    assert "met" in wrong.json["fields"]
    assert counted() == before


def test_an_unfinished_draft_and_another_child_stay_on_the_device(former):
    assert former.send(str(uuid.uuid4()), False, hopes=HOPES, held_on=days_ago(9)).status_code == 404
    elsewhere = select(Pupil.public_id).where(Pupil.id.not_in(in_third()))
    former.child = db.session.scalars(elsewhere.limit(1)).one()
    assert hand_in(former).status_code == 404


def test_who_has_the_child_under_another_hat_is_sent_to_it(app, as_):
    """王雪 wears another hat for the moment; the principal is not asked."""
    db.session.add(
        Appointment(
            person_id=person("王雪").id,
            role=Role.SUBJECT_TEACHER,
            class_id=third().id,
            started_on=clock.today(),
        )
    )
    db.session.commit()
    device = LateDevice(as_)
    device.client = as_("王雪", "subject_teacher")
    device.token = device.client.get("/visits/offline/standing").json["token"]
    before = counted()

    answer = hand_in(device, days_ago(1))
    assert answer.status_code == 403
    assert "kept" not in answer.json
    assert counted() == before
