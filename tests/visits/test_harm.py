"""Reports of harm: stamped at once, sealed, told without a word of what it is about, never deleted."""

import pytest
from sqlalchemy import select

from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.trail.models import TrailEntry
from portal.visits.harm import NUMBERS, HarmEntry, HarmReport
from tests.visits.builders import person, pupil

CANARY = "孩子说手臂是被打的"


def new_page(client, name="林嘉树"):
    """Where this person reports harm to the pupil."""
    return client.page(f"/visits/harm/new?pupil={pupil(name).public_id}")


def newest():
    """The report made last."""
    return db.session.scalars(select(HarmReport).order_by(HarmReport.id.desc()).limit(1)).one()


def test_the_stamp_is_one_press_and_the_principal_is_told_neutrally(as_):
    page = as_("王雪").page(f"/visits/pupils/{pupil('林嘉树').public_id}")
    guidance = as_("王雪").page(page.links["报告侵害情况"])
    assert 'href="tel:110"' in guidance.html

    kept = guidance.press("立即留存报告")

    assert kept.status == 200
    assert newest().author_id == person("王雪").id
    told = db.session.scalars(select(Delivery).where(Delivery.kind == "visits.urgent")).all()
    assert [one.person_id for one in told] == [person("孙立德").id]
    assert told[0].values == {}
    assert "有一件保密的事等您处理" in as_("孙立德").page("/").text


def test_the_text_is_sealed_and_opens_with_a_reason_only(as_):
    kept = new_page(as_("王雪")).press("立即留存报告", body=CANARY)
    assert CANARY not in kept.html
    entry = db.session.scalars(select(HarmEntry).order_by(HarmEntry.id.desc()).limit(1)).one()
    assert CANARY.encode() not in entry.body_sealed

    principal = as_("孙立德").page(kept.path)
    assert CANARY not in principal.html
    assert principal.press("查看报告", reason=" ").status == 422
    opened = principal.press("查看报告", reason="安排保护")

    assert CANARY in opened.text
    read = select(TrailEntry).where(TrailEntry.object_kind == "harm_report", TrailEntry.category == "F4S")
    assert [one.purpose for one in db.session.scalars(read)] == ["安排保护"]


def test_named_people_receive_it_and_nobody_else_does(as_):
    as_("孙立德").page("/visits/safeguarding").press("确定名单", people=[person("何静").public_id])
    kept = new_page(as_("邓宇", "subject_teacher")).press("立即留存报告", body=CANARY)

    told = db.session.scalars(select(Delivery.person_id).where(Delivery.kind == "visits.urgent"))
    assert set(told) == {person("孙立德").id, person("何静").id}
    assert CANARY in as_("何静").page(kept.path).press("查看报告", reason="值班").text
    assert as_("刘明远").get(kept.path).status_code == 404
    assert as_("王雪").get(kept.path).status_code == 404

    as_("孙立德").page("/visits/safeguarding").press("确定名单", people=[])
    assert as_("何静").get(kept.path).status_code == 404


def test_who_reported_reads_the_own_entries_and_does_not_close_it_alone(as_):
    teacher = as_("王雪")
    kept = new_page(teacher).press("立即留存报告", body=CANARY)
    as_("孙立德").page(kept.path).press("封存这一条", act="police", body="民警已到校")

    own = teacher.page(kept.path).press("查看报告", reason="补充")
    assert CANARY in own.text
    assert "民警已到校" not in own.text
    assert teacher.page(kept.path).press("封存这一条", act="closed", body="没事了").status == 422
    assert newest().closed_at is None

    as_("孙立德").page(kept.path).press("封存这一条", act="closed", body="已处理")
    db.session.refresh(newest())
    assert newest().closed_at is not None
    assert "有一件保密的事" not in as_("孙立德").page("/").text


@pytest.mark.parametrize("verb", ["delete", "put", "patch"])
def test_nothing_deletes_a_report(as_, verb):
    kept = new_page(as_("王雪")).press("立即留存报告", body=CANARY)

    answer = getattr(as_("王雪"), verb)(kept.path)

    assert answer.status_code in (400, 405)
    assert newest().public_id in kept.path


def test_every_number_of_the_ordinary_setting_is_a_number():
    assert all(line.rsplit(" ", 1)[1].isdigit() for line in NUMBERS.default)


def test_the_family_learns_nothing_of_it(as_):
    kept = new_page(as_("王雪")).press("立即留存报告", body=CANARY)
    as_("孙立德").page(kept.path).press("查看报告", reason="安排保护")

    family = as_("林悦", "guardian")

    assert family.get(kept.path).status_code == 403
    assert "侵害" not in family.page("/privacy/readings").text


def test_an_office_reads_its_own_report_and_a_named_teacher_every_one(as_):
    kept = new_page(as_("何静")).press("立即留存报告", body=CANARY)
    theirs = new_page(as_("王雪")).press("立即留存报告", body=CANARY)
    assert as_("何静").get(kept.path).status_code == 200
    assert as_("何静").get(theirs.path).status_code == 404
    teachers = [as_("刘明远", "class_teacher"), as_("邓宇", "subject_teacher")]
    assert {client.get(kept.path).status_code for client in teachers} == {404}

    named = [person("刘明远").public_id, person("邓宇").public_id]
    as_("孙立德").page("/visits/safeguarding").press("确定名单", people=named)

    assert {client.get(kept.path).status_code for client in teachers} == {200}
