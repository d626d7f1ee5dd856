"""Opinions through the front door: sent, acknowledged, answered in time, rated, reopened once; who reads what."""

from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.opinions.deadlines import deadlines
from portal.opinions.models import Category, Opinion
from portal.opinions.sending import send
from portal.schools import summaries
from portal.schools.models import Pupil

WORDS = "操场的灯晚上不亮，孩子们看不清路。"


def tell(as_, name="李晚晴", category="facilities", text=WORDS, naming="named", child="陈一诺"):
    page = as_(name, "guardian").page("/opinions/new")
    pupil = db.session.scalar(select(Pupil).where(Pupil.name == child))
    return page.press("提交意见", child=pupil.public_id, category=category, text=text, naming=naming)


def latest():
    return db.session.scalar(select(Opinion).order_by(Opinion.id.desc()).limit(1))


def address(opinion):
    return f"/opinions/{opinion.public_id}"


def older(opinion, days):
    """Let an opinion lie for some days."""
    on = clock.today() - timedelta(days=days)
    opinion.sent_at = clock.instant_of(on, 12)
    opinion.set_clock(on)
    db.session.commit()


def test_a_parent_sends_an_opinion_and_sees_number_and_clock(as_):
    page = tell(as_)

    assert page.heading == "意见已提交"
    opinion = latest()
    assert opinion.number in page.text
    assert opinion.number.startswith(f"YX01-{clock.today().year}-")
    dates = deadlines(clock.today())
    assert (opinion.acknowledge_by, opinion.answer_by) == (dates.acknowledge_by, dates.answer_by)
    assert WORDS in as_("李晚晴").page(address(opinion)).text


def test_the_same_form_sent_twice_makes_one_opinion(as_):
    client = as_("周桂兰")
    form = client.page("/opinions/new")
    before = db.session.scalar(select(func.count(Opinion.id)))
    sent = {"category": "other", "text": "谢谢老师。", "naming": "named"}

    first, second = form.press("提交意见", **sent), form.press("提交意见", **sent)

    assert first.path == second.path
    assert db.session.scalar(select(func.count(Opinion.id))) == before + 1


def test_what_was_typed_stays_when_something_is_missing(as_):
    page = as_("周桂兰").page("/opinions/new").press("提交意见", text="写了很多很多。")

    assert page.status == 422
    assert "请选择类别" in page.text
    assert "写了很多很多。" in page.html


@pytest.mark.parametrize(
    "field, value",
    [
        ("text", ""),
        ("text", "   \n "),
        ("text", "字" * 2001),
        ("text", "a\x00b"),
        ("text", "\u202e反过来"),
        ("category", "nothing"),
        ("category", "__proto__"),
        ("naming", "anonymous"),
        ("child", "0"),
        ("child", "../../etc"),
    ],
)
def test_bad_input_is_refused_at_its_field(as_, field, value):
    before = db.session.scalar(select(func.count(Opinion.id)))
    good = {"category": "other", "text": "好", "naming": "named"}
    page = as_("周桂兰").page("/opinions/new").press("提交意见", **{**good, field: value})

    assert page.status == 422
    assert db.session.scalar(select(func.count(Opinion.id))) == before


@pytest.mark.parametrize(
    "text", ["𠮷𠀀葛󠄀神", "{{7*7}} <script>alert(1)</script>", "=1+1 %s ' OR 1=1 --", "第一行\n第二行"]
)
def test_words_are_kept_as_typed(as_, text):
    tell(as_, text=text)

    assert latest().text == text
    for line in text.split("\n"):
        assert line in as_("何静").page(address(latest())).text


def test_another_familys_child_cannot_be_named(as_):
    before = db.session.scalar(select(func.count(Opinion.id)))

    assert tell(as_, child="赵小满").status == 422
    assert db.session.scalar(select(func.count(Opinion.id))) == before


def test_a_restricted_guardian_can_send_nothing(as_):
    page = as_("何志强").page("/opinions/new")

    assert page.buttons == []
    assert as_("何志强").page("/opinions/").text.count("YX01") == 0


def test_the_school_acknowledges_and_answers_and_the_family_rates(as_):
    tell(as_)
    opinion = latest()
    page = as_("何静").page(address(opinion)).press("受理")
    assert "处理中" in page.text
    assert "处理中" in as_("李晚晴").page(address(opinion)).text

    as_("何静").page(address(opinion) + "/answer").press("发出答复", text="灯周五前修好。")
    family = as_("李晚晴").page(address(opinion))
    assert "灯周五前修好。" in family.text
    assert "您的意见有答复了" in as_("李晚晴").page("/").text

    rated = family.press("有帮助")
    assert "您的评价：有帮助" in rated.text
    assert "家长评价：有帮助" in as_("何静").page(address(opinion)).text
    assert family.press("没帮助").status == 409
    assert opinion.is_helpful is True


def test_an_answer_is_given_once(as_):
    tell(as_)
    form = as_("何静").page(address(latest()) + "/answer")
    other = as_("孙立德").page(address(latest()) + "/answer")
    form.press("发出答复", text="第一份。")

    assert other.press("发出答复", text="第二份。").status == 409
    assert as_("何静").page(address(latest()) + "/answer").status == 409


def test_a_reopened_opinion_goes_to_another_reader_once(as_):
    tell(as_)
    opinion = latest()
    as_("何静").page(address(opinion) + "/answer").press("发出答复", text="会看的。")
    as_("李晚晴").page(address(opinion) + "/reopening").press("再次提交", text="灯还是不亮。")

    assert opinion.addressee == "principal"
    assert as_("何静").page(address(opinion)).buttons == []
    assert as_("何静").page(address(opinion) + "/answer").status == 404
    assert "灯还是不亮。" in as_("孙立德").page(address(opinion)).text
    as_("孙立德").page(address(opinion) + "/answer").press("发出答复", text="今天换好了。")
    family = as_("李晚晴").page(address(opinion))
    assert "会看的。" in family.text and "今天换好了。" in family.text
    assert as_("李晚晴").page(address(opinion) + "/reopening").status == 409


@pytest.mark.parametrize("category", ["bullying", "safety"])
def test_bullying_and_safety_go_straight_to_the_principal(as_, category):
    tell(as_, category=category, naming="confidential")
    opinion = latest()

    assert as_("何静").page(address(opinion)).status == 404
    assert opinion.number not in as_("何静").page("/opinions/").text
    seen = as_("孙立德").page(address(opinion))
    assert "李晚晴" in seen.text
    assert opinion.number in as_("孙立德").page("/").text


def test_a_complaint_about_the_principal_is_hidden_from_the_principal(as_):
    before = counted()
    tell(as_, category="principal")
    opinion = latest()

    assert as_("孙立德").page(address(opinion)).status == 404
    assert as_("何静").page(address(opinion)).status == 404
    assert opinion.number not in as_("孙立德").page("/opinions/").text
    assert WORDS in as_("张建平").page(address(opinion)).text
    assert opinion.number.startswith("QX-")
    assert counted() == before


def test_pressure_and_gifts_at_visits_go_to_the_district_and_nobody_at_the_school_sees_them(as_):
    before = counted()
    form = as_("李晚晴").page("/opinions/new?about=pressure")
    chosen = [one.get("value") for one in form.all("input", type="radio") if one.get("checked") is not None]
    assert "pressure" in chosen and "confidential" in chosen
    tell(as_, category="pressure", naming="confidential")
    opinion = latest()

    assert (opinion.addressee, opinion.number[:3]) == ("district", "QX-")
    for name in ("孙立德", "何静"):
        assert as_(name).page(address(opinion)).status == 404
        assert opinion.number not in as_(name).page("/opinions/").text
    assert opinion.number not in as_("孙立德").page("/").text
    assert WORDS in as_("张建平").page(address(opinion)).text
    assert counted() == before
    opinion.addressee = "principal"
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_numbers_leave_no_gap_that_tells_of_hidden_opinions(as_):
    tell(as_)
    first = latest().number
    tell(as_, category="principal")
    tell(as_, category="bullying")
    tell(as_)

    assert int(latest().number[-4:]) == int(first[-4:]) + 1


def test_in_confidence_the_office_sees_neither_name_nor_child(as_):
    tell(as_, naming="confidential")
    office = as_("何静").page(address(latest()))

    assert WORDS in office.text
    assert "李晚晴" not in office.text
    assert "陈一诺" not in office.text
    assert "李晚晴" in as_("孙立德").page(address(latest())).text


@pytest.mark.parametrize("name", ["王雪", "邓宇", "郑雅琴", "吴正清", "系统管理员"])
def test_other_roles_may_not_knock(as_, name):
    tell(as_)

    assert as_(name).page("/opinions/").status == 403
    assert as_(name).page(address(latest())).status == 403


@pytest.mark.parametrize("name", ["罗敏", "钱文博", "唐芸", "张建平"])
def test_it_does_not_exist_for_other_schools_and_districts(as_, name):
    tell(as_)
    absent = as_(name).page("/opinions/nothing-here-at-all-xx")
    hidden = as_(name).page(address(latest()))

    assert hidden.status == absent.status == 404
    assert hidden.text == absent.text


def test_the_other_parent_does_not_read_it(as_):
    tell(as_)

    assert as_("陈守川").page(address(latest())).status == 404


def test_what_lies_too_long_is_lifted_to_principal_then_district(as_):
    tell(as_)
    opinion = latest()
    older(opinion, 0)
    assert opinion.number not in as_("孙立德").page("/").text

    older(opinion, 7)
    assert opinion.number in as_("孙立德").page("/").text
    assert "已转校长" in as_("孙立德").page(address(opinion)).text
    assert as_("张建平").page(address(opinion)).status == 404

    older(opinion, 30)
    assert "已转教育局" in as_("何静").page(address(opinion)).text
    assert WORDS in as_("张建平").page(address(opinion)).text
    assert opinion.number in as_("张建平").page("/opinions/").text


def test_district_staff_see_numbers_of_schools_and_no_words(as_):
    tell(as_)
    page = as_("张建平").page("/opinions/")

    assert "望溪小学" in page.text and "青石乡中心学校" in page.text
    assert "石桥县第一小学" not in page.text
    assert WORDS not in page.text
    assert latest().number not in page.text


def counted():
    rows = db.session.scalars(
        select(summaries.SchoolTermSummary).where(summaries.SchoolTermSummary.measure.like("opinions_%"))
    )
    return {(row.school_id, row.measure.removeprefix("opinions_")): row.value for row in rows}


def test_numbers_of_the_term_follow_the_records(as_):
    before = counted()
    tell(as_)
    in_time = latest()
    tell(as_)
    late = latest()
    older(late, 20)
    for opinion in (in_time, late):
        as_("何静").page(address(opinion) + "/answer").press("发出答复", text="好的。")

    school = in_time.school_id
    assert counted()[school, "received"] == before[school, "received"] + 2
    assert counted()[school, "answered"] == before[school, "answered"] + 2
    assert counted()[school, "answered_in_time"] == before[school, "answered_in_time"] + 1
    assert summaries.differences() == {}


def test_the_clock_knows_holidays_and_make_up_days():
    dates = deadlines(date(2026, 9, 29))

    assert dates.acknowledge_by == date(2026, 10, 8)
    assert dates.answer_by == date(2026, 10, 12)


def test_beyond_the_published_calendar_a_day_is_provisional(as_):
    with time_machine.travel(clock.instant_of(date(2026, 12, 31), 10), tick=False):
        page = tell(as_)

    assert "暂定" in page.text


def test_nobody_deals_with_their_own(as_):
    office = db.session.scalar(select(Person).where(Person.name == "何静"))
    pupil = db.session.scalar(select(Pupil).where(Pupil.name == "陈一诺"))
    opinion = send(pupil, office.id, Category.OTHER, "我也是家长。", confidential=False, at=clock.now())
    db.session.commit()

    assert as_("何静").page(address(opinion)).press("受理").status == 409
    assert opinion.acknowledged_on is None


@pytest.mark.parametrize(
    "name, role", [("何静", None), ("孙立德", None), ("李晚晴", "guardian"), ("张建平", None)]
)
def test_lists_cost_the_same_with_many_rows(as_, queries, name, role):
    client = as_(name, role)
    client.page("/opinions/")
    with queries() as few:
        client.page("/opinions/")
    parent = db.session.scalar(select(Person).where(Person.name == "李晚晴"))
    pupil = db.session.scalar(select(Pupil).where(Pupil.name == "陈一诺"))
    for _round in range(10):
        send(pupil, parent.id, Category.OTHER, "一条。", confidential=False, at=clock.now())
        send(pupil, parent.id, Category.PRINCIPAL, "一条。", confidential=False, at=clock.now())
    db.session.commit()
    with queries() as many:
        assert "其他" in client.page("/opinions/").text or name == "张建平"

    assert len(many) == len(few)


def test_open_opinions_stand_by_due_date_and_go_on(as_):
    parent = db.session.scalar(select(Person).where(Person.name == "李晚晴"))
    pupil = db.session.scalar(select(Pupil).where(Pupil.name == "陈一诺"))
    for _round in range(30):
        send(pupil, parent.id, Category.OTHER, "一条。", confidential=False, at=clock.now())
    older(latest(), 60)
    first = as_("何静").page("/opinions/")
    second = as_("何静").page(first.links["看更多"])

    assert latest().number in first.text
    assert latest().number not in second.text
    assert second.text.count("YX01-") >= 5
    assert as_("何静").page("/opinions/?after=mangled").status == 200
    assert as_("何静").page("/opinions/?after=WyJ4Iiwid3JvbmciXQ").status == 200
