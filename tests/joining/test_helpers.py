"""A guardian asks for a helper who sees and confirms only; the class teacher decides; the guardian takes it back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.joining.models import GuardianNews, JoiningRequest
from portal.schools import enrolling, summaries
from portal.schools.models import Flag, Guardianship, GuardianshipFlag, Pupil
from portal.trail.models import TrailEntry

PHONE = "19900991234"


def one(model, name):
    return db.session.scalars(select(model).where(model.name == name)).one()


def tie(name, child="陈一诺"):
    return db.session.scalars(
        select(Guardianship)
        .where(Guardianship.person_id == one(Person, name).id, Guardianship.pupil_id == one(Pupil, child).id)
        .order_by(Guardianship.id.desc())
    ).first()


def ask(as_, who="李晚晴", **more):
    page = as_(who).page("/join/helpers/new")
    values = {"child": one(Pupil, "陈一诺").public_id, "name": "李秀兰", "relation": "外婆", "phone": PHONE}
    return page.press("请班主任确认", **{**values, **more})


def newest():
    return db.session.scalars(select(JoiningRequest).order_by(JoiningRequest.id.desc())).first()


def confirm(as_, **more):
    page = as_("王雪", "class_teacher").page(f"/join/requests/{newest().public_id}")
    return page.press(next(words for words in page.buttons if "确认" in words), **more)


def flags(found):
    kinds = select(GuardianshipFlag.kind).where(
        GuardianshipFlag.guardianship_id == found.id, GuardianshipFlag.ended_on.is_(None)
    )
    return set(db.session.scalars(kinds))


def test_asked_confirmed_and_taken_back(as_):
    page = ask(as_)
    assert page.path == "/join/helpers" and "等班主任确认" in page.text
    assert tie_of("李秀兰") is None
    teacher = as_("王雪", "class_teacher").page("/")
    assert "李秀兰" in teacher.text
    asked = as_("王雪", "class_teacher").page(f"/join/requests/{newest().public_id}")
    assert "由妈妈李晚晴申请" in asked.text and "只查看和确认" not in asked.buttons
    assert confirm(as_).status == 200

    held = tie("李秀兰")
    assert held.household_id == tie("李晚晴").household_id
    assert Flag.LIMITED in flags(held)
    grandmother = as_("李秀兰")
    assert grandmother.get(f"/schools/pupils/{one(Pupil, '陈一诺').public_id}").status_code == 200
    assert grandmother.page("/join/helpers/new").all("input", name="child") == []
    told = set(
        db.session.scalars(
            select(Person.name)
            .join(GuardianNews, GuardianNews.person_id == Person.id)
            .where(GuardianNews.pupil_id == held.pupil_id, GuardianNews.kind == "limited")
        )
    )
    assert {"李晚晴", "陈守川"} <= told and "李秀兰" not in told
    assert summaries.differences() == {}

    page = as_("李晚晴").page("/join/helpers").press("收回")
    assert "已收回" in page.html
    assert "不再是帮手" in as_("李秀兰").page("/messages/").text
    assert as_("李秀兰").get(f"/schools/pupils/{one(Pupil, '陈一诺').public_id}").status_code == 404
    actions = set(db.session.scalars(select(TrailEntry.action)))
    assert {"joining.helper_asked", "joining.confirmed", "joining.helper_ended"} <= actions
    assert summaries.differences() == {}


def tie_of(name):
    person = db.session.scalar(select(Person).where(Person.name == name))
    return person and tie(name)


def test_taken_back_before_the_teacher_decided_nothing_comes_of_it(as_):
    ask(as_)
    as_("李晚晴").page("/join/helpers").press("收回")
    assert newest().state == "withdrawn" and newest().phone is None
    page = as_("王雪", "class_teacher").page(f"/join/requests/{newest().public_id}")
    assert "家长已收回" in page.text and page.buttons == []


def test_the_class_teacher_may_decline_with_a_reason_the_family_reads(as_):
    ask(as_)
    page = as_("王雪", "class_teacher").page(f"/join/requests/{newest().public_id}/refusal")
    page.press(page.buttons[0], reason="请先来校说明")
    assert "请先来校说明" in as_("李晚晴").page("/join/helpers").text
    assert tie_of("李秀兰") is None


def test_only_for_a_time(as_):
    until = clock.today() + timedelta(days=30)
    ask(as_, limited_until=str(until))
    assert newest().until_on == until + timedelta(days=1)
    confirm(as_)
    limited = db.session.scalars(
        select(GuardianshipFlag).where(
            GuardianshipFlag.guardianship_id == tie("李秀兰").id, GuardianshipFlag.kind == Flag.LIMITED
        )
    ).one()
    assert limited.ended_on is not None


@pytest.mark.parametrize("kind", [Flag.LIMITED, Flag.RESTRICTED, Flag.UNCONFIRMED])
def test_who_does_not_answer_for_the_child_asks_for_nobody(as_, kind):
    flag = GuardianshipFlag(guardianship_id=tie("陈守川").id, kind=kind, started_on=clock.today())
    flag.basis = "文书" if kind == Flag.RESTRICTED else ""
    db.session.add(flag)
    db.session.commit()
    father = as_("陈守川")
    page = father.page("/join/helpers/new")
    assert "陈一诺" not in page.text
    answer = father.post(
        "/join/helpers/new",
        data={"csrf_token": page.all("input", name="csrf_token")[0].get("value"), "child": "x"},
    )
    assert answer.status_code == 422


def test_nobody_ends_what_another_asked_for(as_):
    ask(as_)
    father = as_("陈守川")
    page = father.page("/join/helpers")
    assert "李秀兰" not in page.text
    token = {"csrf_token": page.all("input", name="csrf_token")[0].get("value")}
    assert father.post(f"/join/helpers/{newest().public_id}/end", data=token).status_code == 404
    assert newest().state == "waiting"


def test_once_the_teacher_let_them_sign_the_family_asks_the_teacher(as_):
    ask(as_)
    confirm(as_)
    page = as_("李晚晴").page("/join/helpers")
    for flag in db.session.scalars(
        select(GuardianshipFlag).where(
            GuardianshipFlag.guardianship_id == tie("李秀兰").id, GuardianshipFlag.kind == Flag.LIMITED
        )
    ):
        db.session.delete(flag)
    db.session.commit()
    assert page.press("收回").status == 409
    assert tie("李秀兰").ended_on is None


def test_somebody_known_by_the_same_name_and_number_keeps_the_account(as_):
    known = enrolling.add_person("李秀兰", phone="+86" + PHONE, account_name="lixiulan", password_hash="x")
    db.session.commit()
    ask(as_)
    confirm(as_)
    assert tie("李秀兰").person_id == known.id


def test_a_number_of_somebody_else_is_not_taken_over(as_):
    ask(as_, phone=one(Person, "陈守川").phone.removeprefix("+86"))
    confirm(as_)
    assert one(Person, "李秀兰").phone is None and tie("李秀兰").person_id != one(Person, "陈守川").id


def test_at_most_three_wait_for_one_child(as_):
    for number in range(3):
        assert ask(as_, name=f"亲人{number}").path == "/join/helpers"
    assert ask(as_, name="亲人四").status == 409


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": ""}, "请填写对方姓名"),
        ({"phone": "123"}, "11"),
        ({"relation": "other"}, "姑姑"),
        ({"limited_until": "2020-01-01"}, "以后"),
        ({"child": "AAAAAAAAAAAAAAAAAAAAAA"}, "请从列表中选一项"),
    ],
    ids=lambda value: str(value),
)
def test_bad_input_is_refused_at_its_field_and_nothing_is_lost(as_, values, told):
    before = newest().id if newest() else 0
    page = ask(as_, **values)
    assert page.status == 422 and told in page.text
    assert "李秀兰" in page.html or "name" in values
    assert (newest().id if newest() else 0) == before


def test_the_message_to_others_says_nothing(as_):
    ask(as_)
    confirm(as_)
    assert {
        row.person_id for row in db.session.scalars(select(Delivery).where(Delivery.kind == "guardian.news"))
    } == {one(Person, "李晚晴").id, one(Person, "陈守川").id}


@pytest.mark.parametrize("loses", [Flag.LIMITED, Flag.RESTRICTED, "tie"])
def test_who_answers_for_the_child_no_more_ends_no_helper(as_, loses):
    ask(as_)
    client = as_("李晚晴", "guardian")
    token = {"csrf_token": client.page("/join/helpers").all("input", name="csrf_token")[0].get("value")}
    mother = tie("李晚晴")
    if loses == "tie":
        mother.ended_on = clock.today()
    else:
        basis = "文书" if loses == Flag.RESTRICTED else ""
        db.session.add(
            GuardianshipFlag(guardianship_id=mother.id, kind=loses, started_on=clock.today(), basis=basis)
        )
    db.session.commit()

    assert client.post(f"/join/helpers/{newest().public_id}/end", data=token).status_code == 404
    assert newest().state == "waiting"
