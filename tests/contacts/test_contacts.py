"""Reaching families and putting details right, through the front door."""

import time_machine
from sqlalchemy import func, select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import AuthSession, Person
from portal.accounts.phones import phone_index
from portal.contacts import reach
from portal.contacts.models import ChangeRequest, WrongNumber
from portal.contacts.reach import Reach
from portal.extensions import db
from portal.schools.models import Guardianship, Pupil, SchoolClass

NEW_NUMBER = "13900000001"


def tie_of(name, child):
    return db.session.scalars(
        select(Guardianship)
        .join(Person, Person.id == Guardianship.person_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(Person.name == name, Pupil.name == child)
    ).one()


def form_of(as_, name="李晚晴", child="陈一诺"):
    return as_(name, "guardian").page(f"/contacts/mine/{tie_of(name, child).public_id}")


def last():
    return db.session.scalars(select(ChangeRequest).order_by(ChangeRequest.id.desc()).limit(1)).one()


# Details


def test_a_new_number_holds_once_the_school_says_yes(as_):
    page = form_of(as_).press("发给学校", phone=" １３９ ０００００００１ ")

    assert "已发给学校" in page.html
    asked = last()
    assert (asked.detail, asked.state) == ("phone", "open")
    old = db.session.scalars(select(Person).where(Person.name == "李晚晴")).one().phone
    assert old != "+8613900000001"

    teacher = as_("王雪")
    assert "2 项家庭信息更正" in teacher.page("/").text
    decided = teacher.page(f"/contacts/requests/{asked.public_id}")
    assert NEW_NUMBER in decided.text
    decided.press("同意更改")

    person = db.session.scalars(
        select(Person).where(Person.phone_index == phone_index("+8613900000001"))
    ).one()
    assert person.name == "李晚晴"
    assert "已更改" in as_("李晚晴").page("/contacts/mine").text


def test_each_detail_is_decided_by_itself(as_):
    form_of(as_).press("发给学校", relation="母亲", child_name="陈一诺诺")
    asked = db.session.scalars(select(ChangeRequest).where(ChangeRequest.state == "open")).all()
    mine = {one.detail: one for one in asked if one.person_id == tie_of("李晚晴", "陈一诺").person_id}
    assert set(mine) == {"relation", "child_name"}

    office = as_("何静")
    office.page(f"/contacts/requests/{mine['relation'].public_id}").press("同意更改")
    page = office.page(f"/contacts/requests/{mine['child_name'].public_id}")
    page.press("不更改", reason="请带户口簿到学校办公室核对。")

    assert tie_of("李晚晴", "陈一诺").relation == "母亲"
    mine_page = as_("李晚晴").page("/contacts/mine").text
    assert "请带户口簿到学校办公室核对。" in mine_page


def test_a_refusal_needs_its_reason(as_):
    form_of(as_).press("发给学校", relation="母亲")
    page = as_("何静").page(f"/contacts/requests/{last().public_id}").press("不更改", reason=" ")

    assert page.status == 422
    assert last().state == "open"


def test_what_is_asked_again_takes_the_place_of_the_first_wish_and_can_be_taken_back(as_):
    form_of(as_).press("发给学校", relation="母亲")
    form_of(as_).press("发给学校", relation="娘")
    mine = ChangeRequest.person_id == tie_of("李晚晴", "陈一诺").person_id
    assert db.session.scalar(select(func.count(ChangeRequest.id)).where(mine)) == 1
    assert last().new == "娘"

    as_("李晚晴").page("/contacts/mine").press("收回")
    assert last().state == "withdrawn"


def test_nothing_is_asked_when_nothing_differs(as_):
    before = db.session.scalar(select(func.count(ChangeRequest.id)))
    page = form_of(as_).press("发给学校")

    assert "与学校登记的一致" in page.html
    assert db.session.scalar(select(func.count(ChangeRequest.id))) == before


def test_a_number_that_is_none_comes_back_with_everything_typed(as_):
    page = form_of(as_).press("发给学校", phone="139000", relation="母亲")

    assert page.status == 422
    assert "您输入了 6 位" in page.text
    assert 'value="母亲"' in page.html


def test_a_number_of_another_account_is_not_taken(as_):
    taken = db.session.scalars(select(Person).where(Person.name == "周桂兰")).one().phone
    form_of(as_).press("发给学校", phone=taken)
    page = as_("何静").page(f"/contacts/requests/{last().public_id}").press("同意更改")

    assert page.status == 409
    assert last().state == "open"


def test_nobody_decides_about_their_own_details(as_):
    as_("王雪", "guardian").page(f"/contacts/mine/{tie_of('王雪', '沈知夏').public_id}").press(
        "发给学校", relation="母亲"
    )
    asked = last()
    asked.school_id = db.session.scalars(select(Pupil).where(Pupil.name == "陈一诺")).one().school_id
    asked.pupil_id = db.session.scalars(select(Pupil).where(Pupil.name == "陈一诺")).one().id
    db.session.commit()

    assert as_("王雪", "class_teacher").page(f"/contacts/requests/{asked.public_id}").status == 404
    assert as_("何静").page(f"/contacts/requests/{asked.public_id}").status == 200


# The reach board


def lines_of(as_, app):
    school_class = db.session.scalars(select(SchoolClass).where(SchoolClass.name == "三(2)班").limit(1)).one()
    acting = Actor(0, Role.CLASS_TEACHER, clock.today(), class_id=school_class.id)
    return reach.of_class(school_class.id, acting, clock.now()), school_class, acting


def test_the_board_tells_who_was_never_here_and_who_is_silent(as_, app):
    as_("李晚晴")
    with time_machine.travel(clock.now(), tick=False):
        lines, _class, _acting = lines_of(as_, app)
    by_name = {line.name: line for line in lines}

    assert by_name["李晚晴"].reach == Reach.REACHED
    assert by_name["陈守川"].reach == Reach.SILENT
    assert {line.reach for line in lines} >= {Reach.NEVER, Reach.REACHED}
    assert "何志强" not in by_name
    page = as_("王雪").page("/contacts/reach").text
    assert "从未登录" in page
    assert "199****" in page


def wrong_numbers():
    return db.session.scalar(select(func.count(WrongNumber.id)).where(WrongNumber.ended_at.is_(None)))


def test_a_wrong_number_is_noted_and_ends(as_):
    before = wrong_numbers()
    page = as_("王雪").page("/contacts/reach").press("号码不对")
    assert "已记下：这个号码联系不上人" in page.html
    assert wrong_numbers() == before + 1

    page.press("号码能打通")
    assert wrong_numbers() == before


def test_the_numbers_of_the_school_are_those_of_its_boards(as_, app):
    as_("李晚晴")
    lines, school_class, acting = lines_of(as_, app)
    counts = reach.of_school(school_class.school_id, acting, clock.now())[school_class.id]

    assert counts.guardians == len(lines)
    assert counts.never == sum(line.reach == Reach.NEVER for line in lines)
    assert counts.silent == sum(line.reach == Reach.SILENT for line in lines)
    assert counts.wrong_number == sum(line.reach == Reach.WRONG_NUMBER for line in lines)
    reached = {line.pupil for line in lines if line.reach == Reach.REACHED}
    assert counts.unreached == len({line.pupil for line in lines} - reached)
    assert as_("孙立德").page("/contacts/reach/school").status == 200


def test_a_larger_class_costs_the_board_no_more_queries(as_, queries):
    teacher = as_("王雪")
    teacher.page("/contacts/reach")
    with queries() as few:
        teacher.page("/contacts/reach")
    db.session.execute(
        AuthSession.__table__.insert(),
        [
            {
                "token_hash": f"x{serial}",
                "person_id": person_id,
                "device": "",
                "created_at": clock.now(),
                "last_seen_at": clock.now(),
                "expires_at": clock.now(),
            }
            for serial, person_id in enumerate(db.session.scalars(select(Guardianship.person_id)).all())
        ],
    )
    db.session.commit()
    with queries() as many:
        teacher.page("/contacts/reach")

    assert len(many) == len(few)
