"""The parent school through the front door: planning, the catalogue, seats, sign-in, the record."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.courses.models import Course, CourseSession, Seat
from portal.extensions import db
from portal.rehearsal import courses as rehearsal
from portal.schools import summaries
from portal.schools.enrolling import split_household
from portal.schools.models import Guardianship, Pupil

READING = "陪孩子读书的三件小事"
HABITS = "放学后的半小时：习惯从这里开始"


def course(title):
    return db.session.scalar(select(Course).where(Course.title == title))


def session_of(title, *, held=False):
    """The session to come of a course, or the one that was held."""
    order = CourseSession.starts_at.asc() if held else CourseSession.starts_at.desc()
    return db.session.scalar(
        select(CourseSession).where(CourseSession.course_id == course(title).id).order_by(order).limit(1)
    )


def page_of(title):
    return f"/courses/{course(title).public_id}"


def move(session, days, hour=19):
    session.starts_at = clock.instant_of(clock.today() + timedelta(days=days), hour)
    db.session.commit()


def move_to_tonight(session):
    """Today and still to come, at whatever hour the tests run."""
    session.starts_at = clock.instant_of(clock.today() + timedelta(days=1), 0) - timedelta(seconds=1)
    db.session.commit()


def seats_at(session):
    return {
        name: seat
        for name, seat in db.session.execute(
            select(Person.name, Seat)
            .join(Person, Person.id == Seat.taken_by_id)
            .where(Seat.session_id == session.id)
        )
    }


def households_of(name):
    person = db.session.scalar(select(Person).where(Person.name == name))
    return db.session.scalars(
        select(Guardianship.household_id).where(Guardianship.person_id == person.id)
    ).all()


def test_the_office_plans_and_publishes_a_course(as_):
    office = as_("何静")
    plan = office.page("/courses/new").press(
        "保存草稿",
        title="隔代教育：爷爷奶奶怎么说",
        topic="special_families",
        form="place",
        description="一起商量，不互相埋怨。",
        audience=f"school:{course(READING).school_id}",
        is_public="y",
    )
    assert plan.heading == "隔代教育：爷爷奶奶怎么说"
    assert "发布课程" in plan.buttons

    plan = office.page(plan.path).press("发布课程")
    assert plan.status == 409
    assert "至少添加一讲" in plan.text

    base = plan.path.removesuffix("/publication")
    office.page(base + "/lessons/new").press("保存这一讲", title="第一讲", text="先说谢谢。")
    day = clock.today() + timedelta(days=5)
    office.page(base + "/sessions/new").press(
        "保存场次", day=day.isoformat(), begins="１９:00", place="报告厅", capacity="３０", lesson_hours="2"
    )
    done = office.page(base + "/plan").press("发布课程")
    assert "已发布" in done.text
    assert "隔代教育" in as_(None).page("/courses/?q=隔代").text


def test_what_was_typed_stays_when_something_is_wrong(as_):
    page = as_("何静").page("/courses/new").press("保存草稿", title="", description="很长的介绍。")

    assert page.status == 422
    assert "请填写课程名称" in page.text
    assert "很长的介绍。" in page.html
    assert db.session.scalar(select(Course).where(Course.description == "很长的介绍。")) is None


@pytest.mark.parametrize(
    "field, value",
    [
        ("day", "2025-02-29"),
        ("day", "0001-01-01"),
        ("day", "9999-12-31"),
        ("day", "二〇二六"),
        ("begins", "25:61"),
        ("capacity", "0"),
        ("capacity", "9" * 6000),
        ("capacity", "1e308"),
        ("lesson_hours", "NaN"),
        ("place", "报告厅\u202e"),
        ("place", "厅" * 201),
        ("place", "厅\x00"),
    ],
)
def test_a_session_that_cannot_be_is_refused_at_its_field(as_, field, value):
    good = {
        "day": (clock.today() + timedelta(days=3)).isoformat(),
        "begins": "19:00",
        "place": "报告厅",
        "capacity": "30",
        "lesson_hours": "2",
    }
    before = db.session.query(CourseSession).count()
    page = as_("何静").page(page_of(READING) + "/sessions/new").press("保存场次", **{**good, field: value})

    assert page.status == 422
    assert page.all("p", class_="error")
    assert db.session.query(CourseSession).count() == before


@pytest.mark.parametrize(
    "title", ["𠮷𠀀葛󠄀神", "买买提·艾合买提的课", "{{7*7}}<script>", "%s' OR 1=1", "=1+1"]
)
def test_titles_are_kept_as_typed(as_, title):
    as_("何静").page("/courses/new").press(
        "保存草稿",
        title=title,
        topic="primary",
        form="online",
        description="介绍",
        audience=f"school:{course(READING).school_id}",
    )

    assert course(title) is not None
    assert title in as_("何静").page("/courses/manage").text


def test_an_audience_of_another_school_is_refused(as_):
    page = (
        as_("何静")
        .page("/courses/new")
        .press("保存草稿", title="越权", topic="primary", form="place", description="x", audience="school:2")
    )

    assert page.status == 422
    assert course("越权") is None


def test_a_visitor_sees_public_courses_only(as_):
    visitor = as_(None)

    catalogue = visitor.page("/courses/").text
    assert READING in catalogue
    assert HABITS not in catalogue
    assert visitor.page(page_of(READING)).status == 200
    assert visitor.page(page_of(HABITS)).status == 404
    assert "登录后报名" in visitor.page(page_of(READING)).links


def test_the_catalogue_holds_what_is_meant_for_ones_children(as_):
    def titles(name, role=None):
        return as_(name, role).page("/courses/").text

    assert HABITS in titles("李晚晴")
    assert HABITS not in titles("许诚")
    assert HABITS not in titles("刘明远")
    assert HABITS in titles("王雪")
    assert "青春期，怎样好好说话" in titles("李晚晴")
    assert "青春期，怎样好好说话" not in titles("许诚")


@pytest.mark.parametrize(
    "query, found",
    [
        ("读书", 1),
        ("peihaizi", 1),
        ("phz", 1),
        ("小学阶段", 1),
        ("%", 0),
        ("_", 0),
        ("\\", 0),
        ("x" * 10_000, 0),
    ],
)
def test_search(as_, query, found):
    page = as_(None).page("/courses/", query_string={"q": query})

    assert page.status == 200
    assert (READING in page.text) == bool(found)


def test_a_withdrawn_course_leaves_the_catalogue_and_tells_why(as_):
    as_("李晚晴").page(page_of(READING)).press("为全家报名")
    plan = as_("何静").page(page_of(READING) + "/withdrawal").press("撤回课程", reason="讲师生病")

    assert "讲师生病" in plan.text
    assert READING not in as_(None).page("/courses/").text
    assert "讲师生病" in as_("李晚晴").page("/courses/mine").text


def test_a_household_has_one_seat_and_either_parent_gives_it_back(as_):
    session = session_of(READING)
    before = session.seats_taken

    as_("李晚晴").page(page_of(READING)).press("为全家报名")
    father = as_("陈守川").page(page_of(READING))
    assert "已由妈妈报名" in father.text
    assert "为全家报名" not in father.buttons
    assert session.seats_taken == before + 1

    father.press("退出报名")
    assert session.seats_taken == before
    assert "为全家报名" in as_("李晚晴").page(page_of(READING)).buttons


def test_both_parents_press_at_the_same_time(as_):
    session = session_of(READING)
    before = session.seats_taken
    mother, father = as_("李晚晴").page(page_of(READING)), as_("陈守川").page(page_of(READING))

    mother.press("为全家报名")
    father.press("为全家报名")

    assert session.seats_taken == before + 1


def test_separated_parents_have_a_seat_each(as_):
    tie = db.session.scalar(
        select(Guardianship)
        .join(Person, Person.id == Guardianship.person_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(Person.name == "陈守川", Pupil.name == "陈一诺")
    )
    tie.pupil = db.session.get(Pupil, tie.pupil_id)
    split_household(tie, clock.today(), None, "分开居住")
    session = session_of(READING)
    before = session.seats_taken

    as_("李晚晴").page(page_of(READING)).press("为全家报名")
    as_("陈守川").page(page_of(READING)).press("为全家报名")

    assert session.seats_taken == before + 2


def test_the_full_session_has_a_waiting_list_and_a_freed_seat_goes_on(as_):
    session = session_of(HABITS)
    for name in ("李晚晴", "周桂兰", "林悦", "方晴"):
        as_(name, "guardian").page(page_of(HABITS)).press(
            "为全家报名" if name in ("李晚晴", "周桂兰") else "排候补"
        )
    assert "排第 1 位" in as_("林悦", "guardian").page(page_of(HABITS)).text
    assert "排第 2 位" in as_("方晴").page(page_of(HABITS)).text

    as_("李晚晴").page(page_of(HABITS)).press("退出报名")

    seats = seats_at(session)
    assert seats["林悦"].is_held and seats["林悦"].is_new_offer
    assert seats["方晴"].is_waiting
    assert session.seats_taken == 2
    assert "排第 1 位" in as_("方晴").page(page_of(HABITS)).text

    home = as_("林悦", "guardian").page("/")
    assert f"您家排到名额了：《{HABITS}》" in home.text
    kept = home.press("我们会来")
    assert "留好" in kept.text
    assert not seats_at(session)["林悦"].is_new_offer


def test_more_seats_go_to_those_who_wait(as_):
    for name, button in (("李晚晴", "为全家报名"), ("周桂兰", "为全家报名"), ("方晴", "排候补")):
        as_(name).page(page_of(HABITS)).press(button)
    edit = f"/courses/sessions/{session_of(HABITS).public_id}/edit"

    assert as_("何静").page(edit).press("保存修改", capacity="1").status == 422
    as_("何静").page(edit).press("保存修改", capacity="3")

    assert seats_at(session_of(HABITS))["方晴"].is_held


def test_a_restricted_guardian_gets_nothing(as_):
    father = as_("何志强")

    assert HABITS not in father.page("/courses/").text
    assert father.page(page_of(HABITS)).status == 404
    assert father.page(page_of(READING)).buttons == []
    (own,) = households_of("何志强")
    answer = father.send(
        f"/courses/sessions/{session_of(READING).public_id}/seat", {"household": own, "once": "k" * 20}
    )
    assert answer.status in (400, 404)
    assert (
        as_("何静")
        .page(f"/courses/sessions/{session_of(HABITS, held=True).public_id}/attendance?q=何雨桐")
        .text.count("何志强")
        == 0
    )


def test_nobody_takes_a_seat_for_another_household(as_):
    page = as_("李晚晴").page(page_of(READING))
    foreign = db.session.scalar(
        select(Guardianship.household_id)
        .where(Guardianship.household_id != households_of("李晚晴")[0])
        .limit(1)
    )
    before = session_of(READING).seats_taken

    refused = page.press("为全家报名", household=str(foreign))

    assert refused.status == 404
    assert session_of(READING).seats_taken == before


def test_seats_are_closed_once_the_session_has_begun(as_):
    page = as_("李晚晴").page(page_of(READING))
    move(session_of(READING), -1)

    assert page.press("为全家报名").status == 409


def measures():
    school_id = course(READING).school_id
    rows = db.session.scalars(
        select(summaries.SchoolTermSummary).where(
            summaries.SchoolTermSummary.school_id == school_id,
            summaries.SchoolTermSummary.measure.like("course_%"),
        )
    )
    return {row.measure.removeprefix("course_"): row.value for row in rows}


def test_those_present_are_marked_from_the_day_on_and_counted(as_):
    session = session_of(READING)
    list_of = f"/courses/sessions/{session.public_id}/attendance"
    early = as_("何静").page(list_of)
    assert "起可以签到" in early.text
    assert "保存签到" not in early.buttons
    assert as_("何静").send(list_of, {}).status in (400, 409)

    before = measures()
    move_to_tonight(session)
    page = as_("何静").page(list_of)
    ids = [box.get("value") for box in page.all("input", name="present")]
    page = page.press("保存签到", present=ids)
    assert "已到 2 户" in page.text
    after = measures()
    assert after["sessions_held"] == before["sessions_held"] + 1
    assert after["lesson_hours"] == before["lesson_hours"] + 2
    assert after["households_present"] == before["households_present"] + 2
    assert after["households_reached"] == before["households_reached"] + 1
    assert summaries.differences() == {}

    page.press("保存签到", present=[])
    assert measures() == before
    assert summaries.differences() == {}


def test_two_people_tick_at_once_and_lose_nothing(as_):
    session = session_of(READING)
    move_to_tonight(session)
    list_of = f"/courses/sessions/{session.public_id}/attendance"
    office, lecturer = as_("何静").page(list_of), as_("郑雅琴").page(list_of)
    first, second = (box.get("value") for box in office.all("input", name="present"))

    office.press("保存签到", present=[first])
    both = lecturer.press("保存签到", present=[second])

    assert "已到 2 户" in both.text


def test_a_family_without_a_seat_walks_in(as_):
    session = session_of(READING)
    move_to_tonight(session)
    list_of = f"/courses/sessions/{session.public_id}/attendance"

    page = as_("何静").page(list_of + "?q=hyt").press("为这家签到")

    assert "何雨桐" in page.text
    assert "未报名到场" in page.text
    assert summaries.differences() == {}
    assert "陪孩子读书" in as_("方晴").page("/courses/mine").text
    assert "退出报名" not in as_("方晴").page(page_of(READING)).buttons


def test_who_is_present_keeps_the_seat(as_):
    as_("方晴").page(page_of(READING)).press("为全家报名")
    session = session_of(READING)
    move_to_tonight(session)
    opened_before = as_("方晴").page(page_of(READING))
    sheet = as_("何静").page(f"/courses/sessions/{session.public_id}/attendance")
    sheet.press("保存签到", present=[one.get("value") for one in sheet.all("input", name="present")])

    assert "退出报名" not in as_("方晴").page(page_of(READING)).buttons
    assert "退出报名" not in as_("方晴").page("/courses/mine").buttons
    assert opened_before.press("退出报名").status == 409


def test_what_is_near_stands_on_the_first_page(as_):
    as_("李晚晴").page(page_of(READING)).press("为全家报名")
    assert f"去听课：《{READING}》" in as_("李晚晴").page("/").text
    assert "办理签到" not in as_("何静").page("/").text

    move_to_tonight(session_of(READING))
    assert f"办理签到：《{READING}》" in as_("何静").page("/").text
    assert "完成并发布《幼小衔接" in as_("何静").page("/").text

    as_("何静").page(f"/courses/sessions/{session_of(READING).public_id}/attendance").press(
        "保存签到", present=[]
    )
    assert "办理签到" not in as_("何静").page("/").text


def test_the_learning_record_adds_up(as_):
    page = as_("李晚晴").page("/courses/mine")

    assert HABITS in page.text
    assert "2 课时" in page.text
    assert as_("林悦", "guardian").page("/courses/mine").text.count(HABITS) == 0


def test_what_was_held_stays_as_it_was(as_):
    held = session_of(HABITS, held=True)

    assert as_("何静").page(f"/courses/sessions/{held.public_id}/edit").status == 409


def test_the_catalogue_costs_the_same_with_many_courses(as_, queries):
    client = as_("李晚晴")
    client.page("/courses/")
    with queries() as few:
        client.page("/courses/")
    sample = course(READING)
    for number in range(15):
        copy = Course(
            **{
                column.key: getattr(sample, column.key)
                for column in Course.__table__.columns
                if column.key not in ("id", "public_id", "title")
            },
            title=f"第{number}课",
        )
        db.session.add(copy)
        db.session.flush()
        rehearsal._session(copy, 3, "厅", 10)
    db.session.commit()
    with queries() as many:
        assert "第14课" in client.page("/courses/").text

    assert len(many) == len(few)


def test_more_courses_stand_behind_the_link(as_):
    sample = course(READING)
    for number in range(25):
        db.session.add(
            Course(
                **{
                    column.key: getattr(sample, column.key)
                    for column in Course.__table__.columns
                    if column.key not in ("id", "public_id", "title")
                },
                title=f"第{number}课",
            )
        )
    db.session.commit()

    first = as_(None).page("/courses/")
    second = as_(None).page(first.links["看更多"])

    assert "第24课" in first.text and "第24课" not in second.text
    assert READING not in first.text and READING in second.text


def test_rehearsal_numbers_agree_with_their_records(app):
    assert summaries.differences() == {}
