"""One plan for one pupil and the file it stands in, through the front door."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.accounts.models import Person
from portal.care.models import CareMeasure, CarePlan, CareVersion
from portal.extensions import db
from portal.schools.models import Pupil
from portal.schools.modules import MODULES
from portal.settings import changing
from portal.trail.models import TrailEntry

AIMS = "一诺敢在课上举手发言"


def pupil(name="陈一诺"):
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def plan_of(name="陈一诺"):
    return db.session.scalars(
        select(CarePlan).where(CarePlan.pupil_id == pupil(name).id).order_by(CarePlan.id.desc())
    ).first()


def person_id(name):
    return str(db.session.scalars(select(Person).where(Person.name == name)).one().id)


def begin(as_, **more):
    values = {
        "groups": "hardship",
        "aims": AIMS,
        "responsible": person_id("王雪"),
        "review_due_on": str(clock.today() + timedelta(days=20)),
        **more,
    }
    return as_("王雪").page(f"/care/pupils/{pupil().public_id}/plan").press("建立专案", **values)


def test_the_whole_life_of_a_plan(as_):
    page = begin(as_)
    assert page.status == 200 and AIMS in page.text
    plan = plan_of()
    assert AIMS.encode() not in plan.aims_sealed

    address = f"/care/plans/{plan.public_id}"
    form = as_("王雪").page(f"{address}/measures")
    home = next(
        field.get("value") for field in form.all("input", name="household") if field.get("value") != "nobody"
    )
    page = form.press(
        "添加这项措施",
        what="每天一个举手的机会",
        owner=person_id("王雪"),
        due_on=str(clock.today() + timedelta(days=9)),
        household=home,
    )
    assert "每天一个举手的机会" in page.text and "家庭可见" in page.text

    page = as_("王雪").page(f"{address}/edit").press("保存为新版本", aims="一诺每周举手三次")
    assert "一诺每周举手三次" in page.text and AIMS in page.text and "第 1 版" in page.text
    assert len(db.session.scalars(select(CareVersion).where(CareVersion.plan_id == plan.id)).all()) == 2

    page = (
        as_("王雪")
        .page(f"{address}/reviews")
        .press(
            "保存复查记录",
            held_on=str(clock.today()),
            outcome="on_track",
            text="这两周举手五次",
            next_on=str(clock.today() + timedelta(days=60)),
        )
    )
    assert "这两周举手五次" in page.text
    page = as_("孙立德").page(f"{address}/closing").press("方案结案", reason="目标已达成")
    assert "已结案" in page.text and "目标已达成" in page.text
    again = as_("王雪").page(f"{address}/closing").press("方案结案", reason="再结一次")
    assert again.status == 409
    actions = set(db.session.scalars(select(TrailEntry.action)))
    assert {"care.plan_opened", "care.plan_changed", "care.plan_reviewed", "care.plan_closed"} <= actions


def test_the_family_reads_its_measure_and_nothing_else(as_):
    page = as_("周桂兰").page("/care/family")
    assert "周日晚上七点和爸爸视频" in page.text and "课间邀小满参加跳绳小组" in page.text
    assert "与心理老师商量睡眠的事" not in page.html and "夜里睡得安稳" not in page.html
    row = db.session.scalars(select(CareMeasure).where(CareMeasure.owner_id.is_(None))).one()
    done = as_("周桂兰").page(f"/care/measures/{row.public_id}").press("我们做到了", line="聊了半小时")
    assert done.status == 200
    db.session.refresh(row)
    assert row.done_line == "聊了半小时"
    assert as_("周桂兰").get(f"/care/plans/{plan_of('赵小满').public_id}").status_code == 403


def test_who_is_restricted_or_not_of_the_house_reads_nothing(as_):
    child = pupil("何雨桐")
    plan = plan_of("何雨桐")
    assert as_("何志强").page("/care/family").text.count("雨桐") == 0
    assert as_("刘明远").get(f"/care/pupils/{child.public_id}").status_code == 404
    assert as_("何静").get(f"/care/plans/{plan.public_id}").status_code == 403
    assert as_("邓宇").get(f"/care/plans/{plan.public_id}").status_code == 200
    assert as_("邓宇").get(f"/care/pupils/{pupil('赵小满').public_id}").status_code == 404
    as_("孙立德").page(f"/care/pupils/{child.public_id}/persons").press("保存", persons=[])
    assert as_("邓宇").get(f"/care/plans/{plan.public_id}").status_code == 404


def test_the_file_shows_what_its_reader_may_see(as_):
    child = pupil("赵小满")
    page = as_("王雪").page(f"/care/pupils/{child.public_id}")
    for words in ("小满最近自己整理书包", "有一份密封记录", "爸爸说年底能回来十天", "夜里睡得安稳"):
        assert words in page.text
    assert "夜里有时想爸爸睡不着" not in page.html
    paper = as_("孙立德").page(f"/care/pupils/{child.public_id}/paper")
    assert "一生一档" in paper.text and "签字" in paper.html
    reads = db.session.scalars(
        select(TrailEntry).where(TrailEntry.action == "record.read", TrailEntry.pupil_id == child.id)
    ).all()
    assert {entry.object_kind for entry in reads} >= {"visit", "care_plan", "left_behind"}
    register = as_("何静").page("/care/register")
    assert "赵小满" in register.text and "跑鞋" not in register.html


def test_a_review_that_is_due_stands_on_the_first_page(as_):
    assert "复查专案" in as_("王雪").page("/").text
    with time_machine.travel(clock.now() + timedelta(days=31)):
        assert "联系在外的父母" in as_("王雪").page("/").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"groups": "rich"},
        {"aims": "  "},
        {"aims": "一" * 5_001},
        {"aims": "a\x00b"},
        {"responsible": "0"},
        {"responsible": "one"},
        {"review_due_on": "2020-01-01"},
        {"review_due_on": "yesterday"},
    ],
    ids=lambda wrong: str(wrong)[:30],
)
def test_a_wrong_field_comes_back_with_what_was_typed(as_, wrong):
    page = begin(as_, **wrong)
    assert page.status == 422
    assert plan_of() is None
    if "aims" not in wrong:
        assert AIMS in page.html


def test_one_plan_per_pupil_and_a_double_tap_is_one(as_):
    begin(as_)
    assert begin(as_).status == 409
    plan = plan_of()
    db.session.add(
        CarePlan(
            pupil_id=plan.pupil_id,
            school_id=plan.school_id,
            author_id=plan.author_id,
            responsible_id=plan.author_id,
            opened_on=plan.opened_on,
            review_due_on=plan.review_due_on,
            groups=["hardship"],
            aims="x",
        )
    )
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()
    form = as_("王雪").page(f"/care/plans/{plan.public_id}/edit")
    as_("王雪").page(f"/care/plans/{plan.public_id}/edit").press("保存为新版本", aims="新的目标")
    assert form.press("保存为新版本", aims="旧页面上的目标").status == 409


def test_the_module_can_be_switched_off(as_):
    switched = {"told": "本校暂不使用", "person_id": None, "school_id": pupil().school_id}
    changing.change(MODULES["care"], False, clock.today(), "校务会议纪要", **switched)
    db.session.commit()
    assert as_("王雪").get("/care/").status_code == 404
    assert "/care/" not in as_("王雪").page("/").links.values()
    assert "关爱档案" not in as_("王雪").page(f"/schools/pupils/{pupil().public_id}").links
