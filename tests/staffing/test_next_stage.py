"""The year's end across schools: lists for the next stage, the hand-over of all schools by the district, numbers of the
schools concerned and of no other."""

import pytest
from sqlalchemy import select, update

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.schools import summaries
from portal.schools.models import District, Grade, Pupil, School, SchoolClass
from portal.schools.summaries import SchoolTermSummary
from portal.settings.models import SettingValue
from portal.staffing import every_school, graduating, handing_over, jobs
from portal.staffing.models import HandOver, PupilTransfer
from portal.staffing.years import next_year
from portal.trail.models import TrailEntry
from tests.staffing.test_hand_over import enrolled, found_year, next_start, one, proved


def leaving_class(as_, name="三(2)班"):
    """The next year is founded, and this class of 望溪小学 leaves."""
    found_year(as_)
    school = one(School, "望溪小学")
    handing_over.change_step(school, clock.today(), one(SchoolClass, name), way="leave")
    db.session.commit()
    return school


def propose(as_, to="东塔小学", **more):
    return proved(as_("何静")).page("/hand-over/graduates").press("推送这些学生", school=to, **more)


def pupils_of(name="三(2)班"):
    return enrolled(one(SchoolClass, name).id, clock.today())


def graduates():
    """The pupils of 三(2)班 who are proposed somewhere, and how each stands."""
    rows = select(PupilTransfer.pupil_id, PupilTransfer.state).where(PupilTransfer.pupil_id.in_(pupils_of()))
    return dict(tuple(row) for row in db.session.execute(rows))


def accept(as_, **more):
    page = as_("罗敏").page("/transfers/arrivals")
    return page.press("接收到这个班", school_class=second().public_id, **more)


def second():
    """二(1)班 of 东塔小学."""
    wanted = select(SchoolClass).where(
        SchoolClass.name == "二(1)班", SchoolClass.school_id == one(School, "东塔小学").id
    )
    return db.session.scalars(wanted.order_by(SchoolClass.id)).first()


def test_a_list_is_proposed_once_accepted_into_a_class_and_starts_with_the_year(as_):
    leaving_class(as_)
    page = as_("何静").page("/hand-over")
    assert "毕业生升学名单" in page.links
    page = propose(as_)
    there = pupils_of()
    assert f"已向新学校推送 {len([key for key in there if key in graduates()])} 名学生" in page.text
    assert set(graduates()) == set(there)
    assert "有多名外校学生等待接收" in as_("罗敏").page("/").text

    assert accept(as_).status == 200
    accepted = [key for key, state in graduates().items() if state == "accepted"]
    assert len(accepted) == min(len(there), 25)
    assert set(accepted) <= set(enrolled(second().id, next_start()))
    assert enrolled(second().id, clock.today()) and summaries.differences() == {}


def test_families_see_it_and_the_new_school_gets_one_message_however_long_the_list(as_):
    leaving_class(as_)
    propose(as_)
    assert "陈一诺" in as_("李晚晴").page("/transfers").text
    told = db.session.scalars(
        select(Person.name)
        .join(Delivery, Delivery.person_id == Person.id)
        .where(Delivery.kind == "transfer.news")
    ).all()
    assert len(told) == len(set(told)) and "罗敏" in told
    assert "何静" not in told and "李晚晴" not in told


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"to": "无此学校"}, "没有这所学校"),
        ({"to": "望溪小学"}, "没有这所学校"),
        ({"to": ""}, "请填写升入的学校"),
        ({"pupils": []}, "请至少选一个学生"),
        ({"pupils": ["AAAAAAAAAAAAAAAAAAAAAA"]}, "有几处需要改一改"),
    ],
    ids=lambda value: str(value),
)
def test_a_list_that_cannot_be_is_refused_in_words(as_, values, told):
    leaving_class(as_)
    before = len(db.session.scalars(select(PupilTransfer.id)).all())
    page = propose(as_, **values)
    assert page.status == 422 and told in page.text
    assert len(db.session.scalars(select(PupilTransfer.id)).all()) == before


def test_sent_twice_a_list_proposes_once_and_without_a_next_year_nothing(as_):
    school = leaving_class(as_)
    office = db.session.scalars(select(Person).where(Person.name == "何静")).one()
    actor = Actor(office.id, Role.SCHOOL_OFFICE, clock.today(), school_id=school.id)
    plan = handing_over.plan_of(school, clock.today())
    chosen = {graduate.pupil.public_id for graduate in graduating.graduates(plan)}
    to = one(School, "东塔小学")
    assert graduating.propose(plan, chosen, to, actor, shares_story=True) > 0
    assert graduating.propose(plan, chosen, to, actor, shares_story=True) == 0


def test_the_hand_over_and_the_list_go_together_in_either_order(as_):
    leaving_class(as_)
    propose(as_)
    proved(as_("何静")).page("/hand-over").press("执行交接")
    accept(as_)
    accepted = [key for key, state in graduates().items() if state == "accepted"]
    assert accepted and summaries.differences() == {}
    page = proved(as_("何静")).page("/hand-over").press("撤销交接")
    assert page.status == 200
    for key in accepted:
        places = [
            enrolment
            for enrolment in db.session.scalars(
                select(handing_over.Enrolment).where(handing_over.Enrolment.pupil_id == key)
            )
            if enrolment.ended_on is None
        ]
        assert len(places) == 1, "no pupil has two places from the same day on"
    assert summaries.differences() == {}


# All schools of a district.


def order(as_):
    page = proved(as_("张建平")).page("/hand-overs")
    button = next(words for words in page.buttons if words.startswith("为 "))
    return page.press(button)


def states():
    rows = select(School.name, HandOver.state).join(School, School.id == HandOver.school_id)
    return dict(tuple(row) for row in db.session.execute(rows.where(HandOver.state != "undone")))


def test_the_district_hands_every_school_over_by_its_own_plan_or_the_usual_rules(as_):
    leaving_class(as_)
    page = as_("张建平").page("/hand-overs")
    assert "3 个班" in page.text and "安排中" in page.text
    page = order(as_)
    assert page.status == 200
    jobs.apply_ordered()
    found = states()
    assert found and set(found.values()) == {"applied"}
    assert {"望溪小学", "东塔小学"} <= set(found)
    fourth = [name for name in db.session.scalars(select(SchoolClass.name)) if name == "四(2)班"]
    assert fourth == [], "the school's own plan held: 三(2)班 leaves"
    assert summaries.differences() == {}
    actions = db.session.scalars(select(TrailEntry.action)).all()
    assert actions.count("hand_over.ordered") == 1 and actions.count("hand_over.applied") == len(found)


def test_ordered_again_or_broken_off_nothing_happens_twice(as_):
    found_year(as_)
    order(as_)
    waiting = db.session.scalars(
        select(HandOver.id).where(HandOver.state == "ordered").order_by(HandOver.id)
    ).all()
    if waiting:
        every_school.carry_out(waiting[0])
        assert every_school.carry_out(waiting[0]) is False
    every_school.carry_out_all()
    classes = len(db.session.scalars(select(SchoolClass.id)).all())
    assert every_school.carry_out_all() == 0
    page = as_("张建平").page("/hand-overs")
    assert not any(words.startswith("为 ") for words in page.buttons)
    clerk = db.session.scalars(select(Person).where(Person.name == "张建平")).one()
    district = one(District, "云溪县")
    actor = Actor(clerk.id, Role.DISTRICT_STAFF, clock.today(), district_id=district.id)
    assert every_school.order(actor, next_year(district.id, clock.today())) == 0
    jobs.apply_what_was_ordered()
    assert len(db.session.scalars(select(SchoolClass.id)).all()) == classes


def test_a_school_with_something_against_it_is_told_and_the_others_go_on(as_):
    school = leaving_class(as_)
    classes = {
        step.school_class.public_id: step
        for step in handing_over.plan_of(school, clock.today()).steps
        if step.way == "up"
    }
    for step in list(classes.values())[:2]:
        handing_over.change_step(school, clock.today(), step.school_class, way="up", name="同名班")
    db.session.commit()
    order(as_)
    jobs.apply_ordered()
    found = states()
    assert found["望溪小学"] == "planned" and found["东塔小学"] == "applied"
    page = as_("张建平").page("/hand-overs")
    assert "同名班" in page.text and "没有成功" in page.text


def test_the_district_reads_which_classes_leave_and_how_many_pupils_but_no_name(as_):
    """By the usual rules the last grade of a stage leaves; a school's own plan goes before them."""
    found_year(as_)
    page = as_("张建平").page("/hand-overs")
    assert page.text.count("离校：") == 1 and "离校：大班(1)（8 人）" in page.text
    assert "三(2)班" not in page.text
    school = one(School, "望溪小学")
    handing_over.change_step(school, clock.today(), one(SchoolClass, "三(2)班"), way="leave")
    other = db.session.scalars(
        select(SchoolClass).where(SchoolClass.name == "三(1)班", SchoolClass.school_id == school.id)
    ).one()
    kept = enrolled(one(SchoolClass, "三(2)班").id, clock.today())
    alone = db.session.scalar(
        select(Pupil.public_id).where(Pupil.id.in_(enrolled(other.id, clock.today()))).limit(1)
    )
    handing_over.change_step(school, clock.today(), other, leaving=[alone])
    db.session.commit()
    page = as_("张建平").page("/hand-overs")
    assert f"三(2)班（{len(kept)} 人）" in page.text and "其他班 1 人" in page.text
    assert "三(1)班" not in page.text
    names = db.session.scalars(select(Pupil.name).where(Pupil.id.in_(kept))).all()
    assert not [name for name in names if name in page.text]


def test_a_primary_school_of_five_grades_has_its_fifth_leave(as_):
    """The control: with six grades, as everywhere else, the same class stays."""
    found_year(as_)
    school = one(School, "东塔小学")
    assert "五(1)班" not in as_("张建平").page("/hand-overs").text
    db.session.add(
        SettingValue(
            name="staffing.primary_years", school_id=school.id, value=5, from_on=clock.today(),
            document="五四学制（演练）", set_at=clock.now(),
        )
    )  # fmt: skip
    db.session.commit()

    assert "五(1)班" in as_("张建平").page("/hand-overs").text
    levels = handing_over.last_levels([school], clock.today())
    assert levels[school.id, "primary"] == handing_over.last_level("primary", school, clock.today()) == 5


def test_the_list_of_schools_costs_the_same_for_few_and_many(as_, queries):
    found_year(as_)
    clerk = as_("张建平")
    clerk.page("/hand-overs")
    with queries() as few:
        clerk.page("/hand-overs")
    district = one(District, "云溪县")
    for number in range(10):
        made = School(
            name=f"新校{number:02}",
            name_pinyin=f"xin{number:02}",
            district_id=district.id,
            code=f"X{number:02}",
        )
        db.session.add(made)
    db.session.commit()
    with queries() as many:
        clerk.page("/hand-overs")
    assert len(many) == len(few)


# Rolled-up numbers.


def test_only_the_numbers_of_the_schools_concerned_are_written(app, queries):
    school, other = one(School, "望溪小学"), one(School, "东塔小学")
    db.session.execute(update(SchoolTermSummary).values(value=SchoolTermSummary.value + 1000))
    db.session.commit()
    with queries() as few:
        summaries.rebuild_roster([school.id])
    db.session.commit()
    values = {
        key: set(
            db.session.scalars(
                select(SchoolTermSummary.value).where(
                    SchoolTermSummary.school_id == key, SchoolTermSummary.measure.in_(summaries.FROM_ROSTER)
                )
            )
        )
        for key in (school.id, other.id)
    }
    assert all(value < 1000 for value in values[school.id]) and values[school.id]
    assert all(value >= 1000 for value in values[other.id]) and values[other.id]

    district = one(District, "云溪县")
    year = db.session.scalars(select(Grade.school_year_id).where(Grade.school_id == school.id)).first()
    for number in range(10):
        made = School(
            name=f"新校{number:02}",
            name_pinyin=f"xin{number:02}",
            district_id=district.id,
            code=f"X{number:02}",
        )
        db.session.add(made)
        db.session.flush()
        db.session.add(Grade(school_id=made.id, school_year_id=year, stage="primary", level=1))
    db.session.commit()
    with queries() as many:
        summaries.rebuild_roster([school.id])
    assert len(many) == len(few)
    summaries.rebuild()
    assert summaries.differences() == {}
