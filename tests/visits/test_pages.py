"""Pages of visits: what is typed wrongly comes back, what is sent twice happens once, lists cost the same."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.extensions import db
from portal.visits import loading
from portal.visits.models import FollowUp, Visit
from portal.visits.recording import Step
from tests.visits.builders import newest, of, person, pupil, ties, visited, write_page, yesterday

GOOD = {"how": "phone", "met": ["child"], "held_time": "18:30"}
SAVE = "提交家访记录"


def visits():
    """How many visits there are."""
    return db.session.scalar(select(func.count(Visit.id)))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("held_on", "1970-01-01", "还不在您的班上"),
        ("held_on", "0001-01-01", "还不在您的班上"),
        ("held_on", "2099-12-31", "还没到"),
        ("held_on", "9999-12-31", "还没到"),
        ("held_on", "next term", "日期"),
        ("held_on", "", "请选日期"),
        ("held_time", "", "请填时间"),
        ("held_time", "25:99", "时间"),
        ("until", "18:30", "结束时间要晚于开始时间"),
        ("until", "08:00", "结束时间要晚于开始时间"),
        ("how", "telepathy", "请"),
        ("met", [], "请选择和谁聊的"),
        ("met", ["nobody"], "请从列出的人里选"),
        ("others_met", "长" * 201, "200"),
        ("hopes", "长" * 10_001, "10000"),
        ("note", "坏\u202e字", "无法显示"),
        ("step_1_due_on", "2099-01-01", "学年"),
        ("step_1_due_on", "1970-01-01", "学年"),
    ],
)
def test_bad_input_says_what_to_do_and_keeps_what_was_typed(as_, field, value, says):
    before = visits()
    told = {**GOOD, "held_on": yesterday(), "hopes": "一诺爱讲故事。", "step_1_what": "共读"}
    if not field.startswith("step"):
        told["step_1_due_on"] = (clock.today() + timedelta(days=1)).isoformat()

    page = write_page(as_("王雪"), "陈一诺").press(SAVE, **{**told, field: value})

    assert page.status == 422
    assert visits() == before
    assert says in page.text
    if field != "hopes":
        assert "一诺爱讲故事。" in page.html
    assert "共读" in page.html


def test_nothing_but_how_is_missing_on_an_untouched_page_after_one_person_is_chosen(as_):
    page = write_page(as_("王雪"), "陈一诺").press(SAVE)

    assert page.status == 422
    assert "请选择家访形式" in page.text


@pytest.mark.parametrize(
    "text",
    ["𠮷田家的孩子很好", "ئەكرەم ياخشى بالا", "字" * 10_000, "<script>alert(1)</script>", "第一行\n第二行"],
)
def test_every_script_and_length_is_kept_as_it_was_typed(as_, text):
    page = write_page(as_("王雪"), "陈一诺").press(SAVE, **GOOD, held_on=yesterday(), hopes=text)

    assert page.status == 200
    db.session.expire_all()
    visit = db.session.scalars(select(Visit).order_by(Visit.id.desc()).options(*loading.STORY)).first()
    assert visit.parts[0].hopes == text
    assert "<script>alert" not in page.html


def test_a_child_with_a_very_long_name_fits(as_):
    child = pupil("陈一诺")
    child.name = "阿" * 160
    db.session.commit()

    for path in (f"/visits/new?pupil={child.public_id}", f"/visits/pupils/{child.public_id}", "/visits/"):
        page = as_("王雪").page(path)
        assert page.status == 200
        assert "阿" * 160 in page.html


def test_a_note_sent_twice_is_one_visit(as_):
    client = as_("王雪")
    page = write_page(client, "陈一诺")
    before = visits()
    first = page.press(SAVE, **GOOD, held_on=yesterday(), hopes="好")
    again = page.press(SAVE, **GOOD, held_on=yesterday(), hopes="好")

    assert first.path == again.path
    assert visits() == before + 1


def test_a_device_that_sends_again_with_a_fresh_page_makes_no_second_visit(as_):
    client = as_("王雪")
    client_id = str(uuid.uuid4())
    before = visits()
    paths = {
        write_page(client, "陈一诺").press(SAVE, **GOOD, held_on=yesterday(), client_id=client_id).path
        for _attempt in range(3)
    }

    assert len(paths) == 1
    assert visits() == before + 1


def test_a_device_id_of_another_teacher_opens_nothing(as_):
    visit = visited("林嘉树")
    assert visit.author_id == person("王雪").id
    other = as_("刘明远")
    page = other.page("/visits/")
    neighbour = next(
        address for text, address in page.links.items() if "待家访" in text and "pupils" in address
    )
    key = neighbour.rpartition("/")[2]

    written = other.page(f"/visits/new?pupil={key}").press(
        SAVE, **GOOD, held_on=yesterday(), client_id=visit.client_id
    )

    assert written.path != f"/visits/{visit.public_id}"
    assert newest().author_id == person("刘明远").id


@pytest.mark.parametrize("client_id", ["", "x", "'; DROP TABLE visit; --", "𠮷" * 36])
def test_an_odd_device_id_loses_nothing(as_, client_id):
    page = write_page(as_("王雪"), "陈一诺").press(SAVE, **GOOD, held_on=yesterday(), client_id=client_id)

    assert page.status == 200
    uuid.UUID(newest().client_id)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"time_1": ""}, "请至少提出一个时间"),
        ({"time_1": "1970-01-01T10:00"}, "已经过了"),
        ({"time_1": "0001-01-01T10:00"}, "已经过了"),
        ({"time_1": "2099-01-01T10:00"}, "三个月以内"),
        ({"forms": []}, "请至少选一种"),
        ({"forms": ["telepathy"]}, "请至少选一种"),
        ({"purpose": " "}, "想聊什么"),
        ({"purpose": "长" * 201}, "200"),
    ],
)
def test_a_bad_invitation_comes_back_with_its_words(as_, told, says):
    when = clock.local(clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT18:30")
    page = as_("王雪").page(f"/visits/invitations/new?pupil={pupil('林嘉树').public_id}")

    back = page.press("发出邀请", **{"purpose": "聊聊画画", "forms": ["phone"], "time_1": when, **told})

    assert back.status == 422
    assert says in back.text


def test_a_family_that_is_invited_is_not_invited_again(as_):
    when = clock.local(clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT18:30")
    page = as_("王雪").page(f"/visits/invitations/new?pupil={pupil('陈一诺').public_id}")

    refused = page.press("发出邀请", purpose="再聊聊", time_1=when)

    assert refused.status == 409
    assert "已经有一份" in refused.text


@pytest.mark.parametrize("query", ["zxm", "ZXM", "赵小满", "趙小滿", "zhaoxiao", "小满"])
def test_a_pupil_is_found_in_both_scripts_by_pinyin_and_by_initials(as_, query):
    page = as_("王雪").page("/visits/", query_string={"q": query})

    assert "赵小满" in page.text
    assert "陈一诺" not in page.text


def test_the_numbers_above_the_list_open_the_lists_behind_them(as_):
    client = as_("王雪")
    page = client.page("/visits/")
    tabs = {text: address for text, address in page.links.items() if "group=" in address}
    assert len(tabs) == 5

    for text, address in tabs.items():
        rows = [link for link in client.page(address).links.values() if "/visits/pupils/" in link]
        assert len(rows) == int(text.split()[-1]), text


def test_only_one_correction_is_open_and_confirming_waits_for_it(as_):
    visit = visited("林嘉树")
    mother = as_("林悦", "guardian")
    form = mother.page(f"/visits/{visit.public_id}/correction")
    shown = mother.page(f"/visits/{visit.public_id}")
    form.press("发给老师", body="时间不对")

    second = mother.page(f"/visits/{visit.public_id}/correction").press("发给老师", body="还有一处")
    confirmed = shown.press("确认，是这样")

    assert second.status == 409
    assert confirmed.status == 409
    assert of("林嘉树").confirmed_at is None


def test_confirming_twice_counts_once(as_):
    visit = visited("陈一诺")
    for name in ("李晚晴", "陈守川"):
        client = as_(name)
        token = client.page("/account/").all("input", name="csrf_token")[0].get("value")
        assert (
            client.post(f"/visits/{visit.public_id}/confirmation", data={"csrf_token": token}).status_code
            == 303
        )
    assert of("陈一诺").confirmed_by_id == person("李晚晴").id


def test_a_step_is_ticked_off_once(as_):
    visit = visited("林嘉树", steps=[Step("共读", "family", clock.today())])
    step = db.session.scalars(select(FollowUp).where(FollowUp.visit_id == visit.id)).one()
    mother = as_("林悦", "guardian")
    page = mother.page(f"/visits/follow-ups/{step.public_id}")
    page.press("我们做到了", line="做到了")

    other = as_("王雪").page(f"/visits/follow-ups/{step.public_id}")
    assert "完成了" not in other.buttons


def test_a_visit_confirmed_can_no_longer_be_changed(as_):
    visit = visited("陈一诺")
    teacher = as_("王雪")
    form = teacher.page(f"/visits/{visit.public_id}/edit")
    as_("李晚晴").page(f"/visits/{visit.public_id}").press("确认，是这样")

    assert form.press("保存修改", hopes="改了").status == 409


def test_a_change_keeps_steps_that_are_done(as_):
    soon = clock.today() + timedelta(days=3)
    visit = visited("林嘉树", steps=[Step("第一件", "school", soon), Step("第二件", "family", soon)])
    teacher = as_("王雪")
    step = next(step for step in db.session.scalars(select(FollowUp)) if step.what == "第一件")
    teacher.page(f"/visits/follow-ups/{step.public_id}").press("完成了")

    shown = teacher.page(f"/visits/{visit.public_id}/edit").press(
        "保存修改", step_1_what="第二件改了", step_2_what="第三件", step_2_due_on=soon.isoformat()
    )

    for what in ("第一件", "第二件改了", "第三件", "改动记录"):
        assert what in shown.text


def pages_that_list(name):
    """Addresses of lists and who reads them."""
    return {
        "/visits/": "王雪",
        f"/visits/pupils/{pupil(name).public_id}": "王雪",
        "/visits/follow-ups": "王雪",
        "/visits/family": "李晚晴",
        "/visits/school": "孙立德",
    }


def test_ten_visits_cost_as_many_queries_as_one(as_, queries):
    def cost(path, who):
        client = as_(who)
        client.get(path)
        with queries() as count:
            assert client.get(path).status_code == 200
        return len(count)

    soon = Step("共读", "family", clock.today())
    visited("陈一诺", guardians=ties("陈一诺"), steps=[soon])
    one = {path: cost(path, who) for path, who in pages_that_list("陈一诺").items()}
    for days_ago in range(2, 11):
        visited("陈一诺", days_ago, guardians=ties("陈一诺"), steps=[soon])

    assert {path: cost(path, who) for path, who in pages_that_list("陈一诺").items()} == one
    assert max(one.values()) <= 13


def test_long_histories_come_in_pages(as_):
    for days_ago in range(loading.PAGE_LENGTH + 3):
        visited("陈一诺", days_ago)
    client = as_("李晚晴")
    first = client.page("/visits/family")
    assert len(rows_of(first)) == loading.PAGE_LENGTH

    rest = client.page(first.links["看更多"])

    assert len(rows_of(rest) - rows_of(first)) == 3
    assert not rows_of(rest) & rows_of(first)


def rows_of(page):
    """The addresses of the rows in the lists of a page."""
    return {link.get("href") for link in page.all("a", class_="row")} - {
        link
        for link in page.links.values()
        if "invitations" in link or "neighbourhood" in link or "/family/" in link
    }


def test_the_school_filters_its_visits(as_):
    visited("陈一诺")
    client = as_("孙立德")
    page = client.page("/visits/school")
    phone = page.press("显示", form="phone")
    home = page.press("显示", form="in_home")

    assert "陈一诺" in phone.text
    assert "赵小满" not in phone.text
    assert "赵小满" in home.text
    assert "林嘉树" not in page.press("显示", state="unconfirmed").text
