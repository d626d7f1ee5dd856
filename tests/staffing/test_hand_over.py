"""The hand-over between school years, and pupils who change school."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from portal import clock
from portal.accounts.models import Appointment, AuthSession, Person
from portal.extensions import db
from portal.schools import enrolling, summaries
from portal.schools.calendar import year_start
from portal.schools.models import Enrolment, Pupil, School, SchoolClass, class_name
from portal.staffing import handing_over, jobs, transferring
from portal.staffing.handing_over import name_next_year
from portal.staffing.models import PupilTransfer
from portal.visits.models import Visit, VisitPart


def one(model, name):
    return db.session.scalars(select(model).where(model.name == name)).one()


def proved(client):
    db.session.execute(update(AuthSession).values(proved_at=clock.now(), last_seen_at=clock.now()))
    db.session.commit()
    return client


def found_year(as_):
    page = as_("张建平").page("/hand-overs")
    assert page.press("建立下一学年").status == 200


def planned(as_):
    found_year(as_)
    return as_("何静").page("/hand-over")


def next_start():
    return date(year_start(clock.today()).year + 1, 9, 1)


@pytest.mark.parametrize(
    ("name", "stage", "level", "number", "becomes"),
    [
        ("三(2)班", "primary", 3, 2, "四(2)班"),
        ("三年级2班", "primary", 3, 2, "四(2)班"),
        ("向日葵班", "kindergarten", 1, 1, "向日葵班"),
        ("小班(1)", "kindergarten", 1, 1, "中班(1)"),
        ("七(1)班", "junior", 1, 1, "八(1)班"),
        ("高一(3)班", "senior", 1, 3, "高二(3)班"),
        ("雏鹰三班", "primary", 2, 3, "雏鹰三班"),
    ],
)
def test_a_name_goes_up_with_its_grade_and_a_typed_one_stays_where_it_fits(
    name, stage, level, number, becomes
):
    assert name_next_year(name, stage, level, number) == becomes
    assert class_name("primary", 4, 2) == "四(2)班"


def test_without_a_next_year_nothing_can_be_applied(as_):
    page = as_("何静").page("/hand-over")

    assert "教育局还没有建立下一学年" in page.text
    assert "执行交接" not in page.buttons
    assert proved(as_("何静")).post("/hand-over/application").status_code == 400


def apply(as_, page=None):
    page = page or planned(as_)
    proved(page.client)
    page = page.client.page("/hand-over")
    return page.press("执行交接")


def test_classes_go_up_with_pupils_and_teachers_on_one_day(as_, monkeypatch):
    teacher, third = as_("王雪", "class_teacher"), one(SchoolClass, "三(2)班")
    pupils = set(enrolled(third.id, clock.today()))
    page = apply(as_)
    assert "交接已执行" in page.text
    fourth = one(SchoolClass, "四(2)班")
    assert set(enrolled(fourth.id, next_start())) == pupils
    assert enrolled(third.id, next_start()) == []
    assert teacher.page("/schools/class").heading == "三(2)班"
    chair = db.session.scalars(select(Appointment).where(Appointment.role == "committee_chair")).one()
    assert chair.ended_on == next_start()
    assert summaries.differences() == {}

    day_is(monkeypatch, next_start() - timedelta(days=1))
    assert as_("王雪", "class_teacher").page("/schools/class").heading == "三(2)班"
    day_is(monkeypatch, next_start())
    assert as_("王雪", "class_teacher").page("/schools/class").heading == "四(2)班"
    assert as_("王雪", "class_teacher").page(f"/schools/class?class={third.public_id}").status == 404
    assert "家委会主任" not in as_("林悦").page("/account/").text
    jobs.count_new_terms()
    assert summaries.differences() == {}


def enrolled(class_id, on):
    return list(
        db.session.scalars(
            select(Enrolment.pupil_id).where(
                Enrolment.class_id == class_id,
                Enrolment.started_on <= on,
                Enrolment.ended_on.is_(None) | (Enrolment.ended_on > on),
            )
        )
    )


def day_is(monkeypatch, day):
    """The portal's day; sessions and proofs follow it."""
    at = clock.instant_of(day, 9)
    monkeypatch.setattr(clock, "today", lambda: day)
    monkeypatch.setattr(clock, "now", lambda: at)
    db.session.execute(
        update(AuthSession).values(expires_at=at + timedelta(days=1), last_seen_at=at, proved_at=at)
    )
    db.session.commit()


def test_after_the_years_boundary_no_old_class_opens_a_thousand_times(as_, monkeypatch):
    """T-23: all grants of the old classes are closed at once."""
    teachers = [as_(name, "class_teacher") for name in ("王雪", "刘明远")]
    old = [one(SchoolClass, "三(2)班").public_id, one(Pupil, "陈一诺").public_id]
    before = [client.get(f"/schools/class?class={old[0]}").status_code for client in teachers]
    assert before == [200, 404]
    page = planned(as_)
    third = one(SchoolClass, "三(2)班")
    page = page.client.page(f"/hand-over/class?class={third.public_id}")
    assert page.press("保存", way="leave").status == 200
    apply(as_, page)
    day_is(monkeypatch, next_start())
    answers = [
        client.get(path).status_code
        for _round in range(125)
        for client in teachers
        for path in (f"/schools/class?class={old[0]}", f"/schools/pupils/{old[1]}", "/visits/new", "/visits/")
    ]
    assert len(answers) == 1_000
    allowed = [answer for answer in answers if answer == 200]
    assert len(allowed) == 125  # the list of 刘明远's class of the new year


def test_who_repeats_and_who_leaves(as_):
    page = planned(as_)
    third = one(SchoolClass, "三(2)班")
    page = page.client.page(f"/hand-over/class?class={third.public_id}")
    stays, leaves = one(Pupil, "赵小满"), one(Pupil, "林嘉树")
    wrong = page.press("保存", staying=[stays.public_id], leaving=[stays.public_id])
    assert wrong.status == 422
    page = wrong.press(
        "保存", staying=[stays.public_id], leaving=[leaves.public_id], name="四(2)班", teacher=""
    )
    assert "1 人留级" in page.text
    assert "1 人离校" in page.text
    apply(as_, page)
    place = db.session.scalars(
        select(SchoolClass)
        .join(Enrolment, Enrolment.class_id == SchoolClass.id)
        .where(Enrolment.pupil_id == stays.id, Enrolment.ended_on.is_(None))
    ).one()
    assert place.name == "三(2)班"
    assert place.id != third.id
    assert one(Pupil, "林嘉树").left_on == next_start()
    new = one(SchoolClass, "四(2)班")
    held = db.session.scalars(select(Appointment).where(Appointment.class_id == new.id)).all()
    assert [one.role for one in held] == ["subject_teacher"]


def everything():
    return {
        model.__tablename__: sorted(
            repr(sorted((key, str(value)) for key, value in row.items()))
            for row in db.session.execute(select(model.__table__)).mappings()
        )
        for model in (SchoolClass, Enrolment, Appointment, Pupil)
    }


def test_an_undone_hand_over_leaves_everything_as_it_was(as_):
    page = planned(as_)
    before = everything()
    apply(as_, page)
    assert everything() != before
    page = proved(as_("何静")).page("/hand-over")
    page = page.press("撤销交接")
    assert "已撤销" in page.text
    assert everything() == before
    assert summaries.differences() == {}
    assert "交接已执行" in apply(as_, page).text


def test_it_cannot_be_undone_once_something_rests_on_it_or_the_year_has_begun(as_, monkeypatch):
    apply(as_)
    new = one(SchoolClass, "四(2)班")
    enrolling.appoint(one(Person, "高洁"), "subject_teacher", next_start(), class_id=new.id)
    db.session.commit()
    page = proved(as_("何静")).page("/hand-over")
    refused = page.press("撤销交接")
    assert refused.status == 409
    day_is(monkeypatch, next_start())
    assert "撤销交接" not in as_("何静").page("/hand-over").buttons


def test_a_hand_over_twice_happens_once(as_):
    page = planned(as_)
    proved(page.client)
    page = page.client.page("/hand-over")
    form = page.fields(page.form_of("执行交接"))
    assert page.client.send("/hand-over/application", form).status == 200
    count = len(db.session.scalars(select(Enrolment.id)).all())
    again = {**form, "once": "another"}
    assert page.client.send("/hand-over/application", again).status == 409
    assert len(db.session.scalars(select(Enrolment.id)).all()) == count


def test_the_plan_costs_the_same_for_few_and_many_classes(as_, app, queries):
    found_year(as_)
    few, many = one(School, "石桥县第一小学"), one(School, "望溪小学")
    costs = []
    for school in (few, many):
        with queries() as count:
            handing_over.plan_of(school, clock.today())
        costs.append(len(count))
    assert costs[1] - costs[0] <= 2


# Pupils who change school


def propose(as_, name="陈一诺", school="东塔小学", **values):
    page = as_("何静").page(f"/pupils/{one(Pupil, name).public_id}/transfer")
    return page.press("登记转学", school=school, **values)


def transfer_of(name):
    return db.session.scalars(
        select(PupilTransfer).where(PupilTransfer.pupil_id == one(Pupil, name).id)
    ).one()


def accept(as_, name="陈一诺"):
    page = as_("罗敏").page(f"/transfers/{transfer_of(name).public_id}")
    return page.press("接收到这个班", school_class=one(SchoolClass, "二(1)班").public_id)


def test_the_old_school_proposes_the_new_one_accepts_and_the_family_knows(as_):
    child, visit = one(Pupil, "陈一诺"), a_visit("陈一诺")
    assert "等新学校答复" in propose(as_).text
    assert "陈一诺" in as_("李晚晴").page("/transfers").text
    assert as_("罗敏").page("/").text.count("陈一诺")
    assert as_("钱文博").page(f"/schools/pupils/{child.public_id}").status == 404
    assert "已接收" in accept(as_).text

    assert as_("何静").page(f"/schools/pupils/{child.public_id}").status == 404
    assert as_("王雪", "class_teacher").page(f"/schools/pupils/{child.public_id}").status == 404
    assert as_("钱文博").page(f"/schools/pupils/{child.public_id}").status == 200
    assert as_("高洁").page(f"/schools/pupils/{child.public_id}").status == 200
    assert as_("孙立德").page(f"/visits/{visit}").status == 200
    assert as_("李晚晴").page(f"/schools/pupils/{child.public_id}").status == 200
    assert summaries.differences() == {}


def a_visit(name):
    return db.session.scalars(
        select(Visit.public_id).where(Visit.pupil_id == one(Pupil, name).id, Visit.outcome == "met")
    ).first() or _made_visit(name)


def _made_visit(name):
    other = db.session.scalars(select(Visit).where(Visit.outcome == "met")).first()
    other.pupil_id = one(Pupil, name).id
    db.session.commit()
    return other.public_id


def story_of(client, visit):
    page = client.page(f"/visits/{visit}")
    return page.status, page.text


def test_what_the_family_may_read_goes_along_and_the_schools_own_note_and_sealed_notes_do_not(as_):
    visit = a_visit("陈一诺")
    part = db.session.scalars(
        select(VisitPart).join(Visit, Visit.id == VisitPart.visit_id).where(Visit.public_id == visit)
    ).first()
    part.hopes, part.note, part.school_only = "盼望甲", "校内乙", True
    db.session.commit()
    assert "校内乙" in story_of(as_("孙立德"), visit)[1]
    propose(as_)
    accept(as_)
    for name in ("钱文博", "高洁"):
        status, text = story_of(as_(name), visit)
        assert status == 200
        assert "盼望甲" in text
        assert "校内乙" not in text
    assert "校内乙" in story_of(as_("孙立德"), visit)[1]
    assert as_("钱文博").page("/visits/sealed/AAAAAAAAAAAAAAAAAAAAAA").status in (303, 404, 200)


def test_a_family_that_objects_takes_facts_only_along(as_):
    visit = a_visit("陈一诺")
    part = db.session.scalars(
        select(VisitPart).join(Visit, Visit.id == VisitPart.visit_id).where(Visit.public_id == visit)
    ).first()
    part.hopes = "盼望甲"
    db.session.commit()
    propose(as_)
    page = as_("李晚晴").page(f"/transfers/{transfer_of('陈一诺').public_id}")
    page = page.press("不要转交")
    assert "只有基本情况和约定事项" in page.text
    accept(as_)
    status, text = story_of(as_("钱文博"), visit)
    assert status == 200
    assert "盼望甲" not in text


def test_a_transfer_on_a_later_day_changes_everything_on_that_day(as_, monkeypatch):
    child, day = one(Pupil, "陈一诺"), clock.today() + timedelta(days=5)
    propose(as_, from_on=str(day))
    accept(as_)
    path = f"/schools/pupils/{child.public_id}"
    assert as_("何静").page(path).status == 200
    assert as_("钱文博").page(path).status == 404
    day_is(monkeypatch, day)
    assert as_("何静").page(path).status == 404
    assert transferring.complete_due() == 1
    assert transferring.complete_due() == 0
    assert as_("何静").page(path).status == 404
    assert as_("钱文博").page(path).status == 200


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"school": "没有的学校"}, "没有这所学校"),
        ({"school": "望溪小学"}, "没有这所学校"),
        ({"school": ""}, "请填写新学校"),
        ({"school": "东塔小学", "from_on": "2020-01-01"}, "今天或以后"),
        ({"school": "东塔小学", "from_on": "2025-02-29"}, "日期"),
        ({"school": "学" * 300}, "200"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_transfer_that_cannot_be_is_refused_in_words(as_, values, told):
    page = propose(as_, **values)

    assert page.status == 422
    assert told in page.text
    assert (
        db.session.scalars(
            select(PupilTransfer).where(PupilTransfer.pupil_id == one(Pupil, "陈一诺").id)
        ).all()
        == []
    )


def test_a_transfer_is_decided_once_and_by_the_right_school(as_):
    propose(as_)
    public_id = transfer_of("陈一诺").public_id
    assert propose(as_).status == 422
    token = as_("罗敏").page(f"/transfers/{public_id}")
    sent = token.fields(token.form_of("接收到这个班")) | {
        "school_class": one(SchoolClass, "二(1)班").public_id
    }
    assert as_("何静").post(f"/transfers/{public_id}/acceptance", data=sent).status_code in (400, 404)
    assert accept(as_).status == 200
    assert token.client.send(f"/transfers/{public_id}/refusal", {**sent, "once": "x"}).status == 409


def test_a_child_that_leaves_the_portal_is_noted_and_seen_no_more(as_):
    child = one(Pupil, "陈一诺")
    page = propose(as_, where="elsewhere", school="省城某小学")
    assert "省城某小学" in page.text
    assert as_("何静").page(f"/schools/pupils/{child.public_id}").status == 404
    assert one(Pupil, "陈一诺").left_on == clock.today()
    assert summaries.differences() == {}
