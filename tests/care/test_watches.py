"""Dropout watch and referrals, through the front door."""

import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.care import referring
from portal.care.models import Absence, Opening, Referral, Watch
from portal.consent import Purpose
from portal.extensions import db
from portal.schools.calendar import is_working_day
from portal.schools.models import Pupil
from portal.trail.models import TrailEntry


def pupil(name="陈一诺"):
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def newest(model):
    return db.session.scalars(select(model).order_by(model.id.desc())).first()


def school_days(count):
    """The first of so many school days back from today, and how many days lie between."""
    day, left = clock.today(), count
    while left:
        left -= is_working_day(day)
        day -= timedelta(days=1)
    return day + timedelta(days=1)


def begin(as_, **more):
    values = {
        "from_on": str(school_days(3)),
        "until_on": str(clock.today()),
        "reason": "说不想上学",
        **more,
    }
    return as_("王雪").page(f"/care/pupils/{pupil().public_id}/watch").press("开始关注", **values)


def step(as_, watch, kind, **more):
    values = {
        "kind": kind,
        "taken_on": str(clock.today()),
        "with_whom": "妈妈",
        "line": "约好明天到校",
        **more,
    }
    return as_("王雪").page(f"/care/watches/{watch.public_id}/steps").press("保存这一步", **values)


def test_the_whole_life_of_a_watch(as_):
    page = begin(as_)
    assert page.status == 200 and "缺课" in page.heading
    watch = newest(Watch)
    noted = db.session.scalars(select(Absence).where(Absence.watch_id == watch.id)).all()
    assert len(noted) == 3 and all(is_working_day(one.day_on) for one in noted)
    assert "说不想上学".encode() not in noted[0].reason_sealed
    assert as_("张建平").get(f"/care/watches/{watch.public_id}").status_code == 404
    assert "控辍保学：电话联系家庭" in as_("王雪").page("/").text

    again = as_("王雪").page(f"/care/watches/{watch.public_id}/absences")
    again.press("登记", from_on=str(school_days(3)), until_on=str(clock.today()), reason="仍未到校")
    assert len(db.session.scalars(select(Absence).where(Absence.watch_id == watch.id)).all()) == 3

    step(as_, watch, "call")
    assert step(as_, watch, "call").status == 409
    page = step(as_, watch, "report")
    assert "上报" in page.text
    page = as_("张建平").page(f"/care/watches/{watch.public_id}")
    assert "约好明天到校" in page.text and "记一步" not in page.links
    assert as_("唐芸").get(f"/care/watches/{watch.public_id}").status_code == 404
    end = as_("孙立德").page(f"/care/watches/{watch.public_id}/end")
    assert "孩子已返校上课" in end.press("结束关注", ending="back", line="周一到校").text
    assert step(as_, watch, "visit").status == 409
    assert "缺课 3 天" in as_("王雪").page(f"/care/pupils/{pupil().public_id}").text


def test_deadlines_follow_the_settings(as_):
    begin(as_)
    with time_machine.travel(clock.now() + timedelta(days=9)):
        assert "控辍保学：电话联系家庭" in as_("孙立德").page("/").text


def test_the_district_sees_numbers_and_no_names(as_):
    page = as_("张建平").page("/care/district")
    assert "望溪小学" in page.text
    for name in ("赵小满", "何雨桐", "陈一诺"):
        assert name not in page.html


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"from_on": "2999-01-01"},
        {"until_on": "gestern"},
        {"from_on": "2020-01-01"},
        {"until_on": str(clock.today() - timedelta(days=30))},
    ],
    ids=lambda wrong: str(wrong)[:30],
)
def test_wrong_days_come_back(as_, wrong):
    before = len(db.session.scalars(select(Watch)).all())
    assert begin(as_, **wrong).status == 422
    assert len(db.session.scalars(select(Watch)).all()) == before


def refer(as_, name="赵小满", **more):
    page = as_("王雪").page(f"/care/pupils/{pupil(name).public_id}/referral")
    partner = page.all("input", name="partner")[0].get("value")
    values = {
        "partner": partner,
        "recipient": "辅导员沈老师",
        "parts": ["message"],
        "message": "想请您和孩子谈谈",
        "expires_on": str(clock.today() + timedelta(days=20)),
        **({} if name == "何雨桐" else {"reason": "孩子说不想活了，一刻不能等"}),
        **more,
    }
    return page.press("转介", **values)


def opened_by_partner(as_, path, code):
    return as_(None).page(path).press("打开转介", code=code)


def approved(as_):
    refer(as_)
    row = newest(Referral)
    page = as_("孙立德").page(f"/care/referrals/{row.public_id}").press("同意：孩子的安全优先")
    found = re.search(r"/care/shared/[\w.-]+", page.html)
    assert found
    db.session.refresh(row)
    return row, found[0]


def test_without_consent_a_second_person_decides(as_):
    assert "监护人还没有同意转介" in refer(as_, reason="").text
    page = refer(as_)
    row = newest(Referral)
    assert (row.basis, row.state) == ("safety", "waiting")
    assert "/care/shared/" not in page.html and "同意：孩子的安全优先" not in page.buttons
    assert "审批一份未经家长同意的转介" in as_("孙立德").page("/").text
    row.decided_by_id = row.author_id
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_the_partner_reads_the_ticked_parts_alone_and_each_opening_is_kept(as_):
    row, path = approved(as_)
    blank = as_(None).page(path)
    assert blank.status == 200 and "小满" not in blank.html
    assert opened_by_partner(as_, path, "000000" if row.code != "000000" else "111111").status == 422
    page = opened_by_partner(as_, path, row.code)
    assert "想请您和孩子谈谈" in page.text and "辅导员沈老师" in page.text
    assert "睡得安稳" not in page.html and "不想活" not in page.html and "留守" not in page.html
    assert len(db.session.scalars(select(Opening).where(Opening.referral_id == row.id)).all()) == 1
    assert db.session.scalars(select(TrailEntry).where(TrailEntry.action == "referral.opened")).one()
    assert as_(None).get(path + "x").status_code == 404


def test_after_recall_expiry_or_five_wrong_codes_it_is_gone(as_):
    row, path = approved(as_)
    with time_machine.travel(clock.now() + timedelta(days=20)):
        assert as_(None).get(path).status_code == 410
        referring.expire(clock.today())
    db.session.refresh(row)
    assert row.content_sealed is None
    row, path = approved(as_)
    for _try in range(5):
        opened_by_partner(as_, path, "wrong")
    assert as_(None).get(path).status_code == 410
    row, path = approved(as_)
    as_("王雪").page(f"/care/referrals/{row.public_id}").press("撤回")
    gone = as_(None).page(path)
    assert gone.status == 410 and "撤回这份转介" in gone.text


def test_consent_opens_and_its_withdrawal_shuts(as_, monkeypatch):
    given = {"yes": True}
    monkeypatch.setattr(
        "portal.consent._answers",
        [lambda purpose, _pupil, _on: given["yes"] and purpose == Purpose.PARTNER_REFERRAL],
    )
    page = refer(as_, "何雨桐")
    row = newest(Referral)
    assert (row.basis, row.state, row.reason) == ("consent", "open", "")
    path = re.search(r"/care/shared/[\w.-]+", page.html)[0]
    shown = opened_by_partner(as_, path, row.code)
    assert shown.status == 200 and "三(2)班" in shown.text
    given["yes"] = False
    assert as_(None).get(path).status_code == 410
