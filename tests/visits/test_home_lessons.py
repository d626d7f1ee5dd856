"""Teaching at home: one log per child and year, lessons that the family confirms, counted against what is due."""

import io

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.schools.calendar import year_start
from portal.schools.models import School
from portal.settings import changing
from portal.trail.models import TrailEntry
from portal.visits.home_lessons import LESSONS_A_YEAR, HomeLesson, HomeTeaching
from tests.visits.builders import pupil

CONTENT = "讲了《秋天的雨》，嘉树能复述三段。"


def log(name="林嘉树"):
    """The log of a child this school year."""
    wanted = (HomeTeaching.pupil_id == pupil(name).id, HomeTeaching.year_on == year_start(clock.today()))
    return db.session.scalars(select(HomeTeaching).where(*wanted)).one()


@pytest.fixture
def page(as_):
    """The page of a log of 林嘉树, opened by 王雪 from the child's page."""
    teacher = as_("王雪")
    form = teacher.page(teacher.page(f"/visits/pupils/{pupil('林嘉树').public_id}").links["送教上门"])
    assert form.press("建立记录", plan=" ").status == 422
    made = form.press("建立记录", plan="每周两次，语文数学各一节。")
    assert made.status == 200
    return made


def give(page, **told):
    """Write a lesson down from the log's page; the page that follows."""
    form = page.client.page(page.links["记一次送教"])
    given = {"held_on": str(clock.today()), "lessons": "2", "minutes": "80", "content": CONTENT} | told
    return form.press("保存这次送教", **given)


def lessons():
    """The lessons of 林嘉树, oldest first."""
    wanted = select(HomeLesson).where(HomeLesson.log_id == log().id).order_by(HomeLesson.id)
    return db.session.scalars(wanted).all()


def test_a_log_counts_lessons_against_what_is_due(page):
    assert "0 / 30" in page.text
    shown = give(give(page), lessons="1", minutes="40")
    assert "3 / 30" in shown.text and CONTENT in shown.text
    assert all(CONTENT.encode() not in one.content_sealed for one in lessons())


def test_there_is_one_log_a_year_and_it_keeps_its_number(as_, page):
    district_id = db.session.get_one(School, log().school_id).district_id
    changing.change(LESSONS_A_YEAR, 60, clock.today(), "演练", person_id=None, district_id=district_id)
    db.session.commit()
    assert "0 / 30" in as_("王雪").page(page.path).text
    again = as_("王雪").page(f"/visits/home-teaching/new?pupil={pupil('林嘉树').public_id}")
    assert "本学年已经有送教记录" in again.text and again.links["查看送教记录"] == page.path


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"held_on": "2000-01-01"}, "请填写本学年的日期"),
        ({"held_on": "2999-01-01"}, "这一天"),
        ({"minutes": "5"}, "10 到 300"),
        ({"minutes": "很久"}, ""),
        ({"lessons": "9"}, ""),
        ({"content": " "}, ""),
        ({"with_whom": "AAAAAAAAAAAAAAAAAAAAAA"}, ""),
    ],
)
def test_what_cannot_be_comes_back_as_typed(page, told, says):
    refused = give(page, **told)
    assert refused.status == 422 and says in refused.text
    assert "content" in told or CONTENT in refused.html
    assert lessons() == []


def test_the_family_confirms_with_one_tap_and_a_confirmed_lesson_stays(as_, page):
    give(page)
    for name in ("林悦", "吴桂芳"):
        family = as_(name, "guardian")
        child = family.page(f"/visits/family/{pupil('林嘉树').public_id}")
        shown = family.page(next(one for one in child.links.values() if "home-teaching" in one))
        assert CONTENT in shown.text and "每周两次" in shown.text and "打印送教记录" not in shown.text
        if name == "林悦":
            before = as_("王雪").page(page.path)
            assert shown.press("确认，是这样").status == 200
            assert before.press("去掉").status == 409
        else:
            assert "确认，是这样" not in shown.buttons
    assert [one.confirmed_at is not None for one in lessons()] == [True]


def test_a_lesson_written_by_mistake_is_taken_out_and_the_plan_is_changed(as_, page):
    assert give(page).press("去掉").status == 200
    assert lessons() == []
    plan = page.client.page(page.links["修改计划"])
    assert "改为每周三次" in plan.press("保存计划", plan="改为每周三次。").text


def test_the_paper_asks_why_and_tells_all(as_, page):
    give(page)
    principal = as_("孙立德").page(page.path)
    assert principal.press("生成打印件", reason=" ").status == 422
    made = principal.press("生成打印件", reason="报教育局备案")
    text = "".join(one.extract_text() for one in PdfReader(io.BytesIO(made.response.data)).pages)
    for words in ("送教上门记录", "林嘉树", "已上 2 节，应上 30 节", "秋天的雨", "王雪"):
        assert words.replace(" ", "") in text.replace(" ", "").replace("\n", "")
    read = select(TrailEntry.purpose).where(
        TrailEntry.object_kind == "home_teaching", TrailEntry.purpose != ""
    )
    assert db.session.scalars(read).all() == ["报教育局备案"]


def test_the_other_home_and_other_teachers_have_no_page(as_, page):
    for name, role in (("李晚晴", "guardian"), ("刘明远", "class_teacher"), ("何志强", "guardian")):
        assert as_(name, role).page(page.path).status == 404
    apart = as_("何志强", "guardian").page(f"/visits/home-teaching/{log('何雨桐').public_id}")
    assert apart.status == 404
    assert as_("方晴", "guardian").page(f"/visits/home-teaching/{log('何雨桐').public_id}").status == 200
