"""A committee chair asks her class to confirm; parents answer; she reminds only the missing."""

from datetime import timedelta

from sqlalchemy import func, select

from portal import clock
from portal.extensions import db
from portal.notices.models import Notice, NoticeHousehold, NoticeReceipt, NoticeReminder
from tests.notices.conftest import numbers


def count(table):
    return db.session.scalar(select(func.count()).select_from(table))


def write(client, **fields):
    """A chair's draft, up to its preview."""
    due = (clock.today() + timedelta(days=2)).isoformat()
    form = client.page("/notices/outbox").client.page("/notices/new")
    given = {
        "title": "周六认树，请确认",
        "body": "周六上午九点在东门集合，自愿参加。",
        "act": "给孩子穿运动鞋",
        "due_on": due,
        "level": "confirm",
        **fields,
    }
    return form.press("保存，看看效果", **given)


def test_from_the_chair_to_the_parents_and_back(as_, empty):
    chair = as_("林悦", "committee_chair")
    preview = write(chair)
    assert preview.heading == "发布前请看一遍"
    assert "三(2)班" in preview.text
    assert "收不到" not in preview.text, "a chair sees numbers, not the names of families"

    report = preview.press("发布")
    assert "已发布" in report.text
    assert count(Notice) == 1
    assert count(NoticeReceipt) == count(NoticeHousehold) == 0

    mother = as_("李晚晴")
    home = mother.page("/")
    assert "请确认：周六认树，请确认" in home.text
    listed = mother.page("/notices/")
    assert "待确认" in listed.text and "陈一诺" in listed.text
    notice = mother.page(listed.links[next(text for text in listed.links if "周六认树" in text)])
    assert "给孩子穿运动鞋" in notice.text
    assert count(NoticeReceipt) == 0, "looking never writes by itself"
    done = notice.press("确认收到")
    assert "您已在" in done.text
    assert "确认收到" not in done.buttons

    father = as_("陈守川").page("/notices/")
    assert "家里已确认" in father.text
    grandmother = as_("周桂兰")
    page = grandmother.page(notice.path)
    grandmother.send(f"{notice.path}/openings", page.fields(page.all("form", data_module="opened")[0]))

    report = chair.page(report.path)
    assert numbers(db.session.scalar(select(Notice))) == (2, 2, 1, 1)
    confirmed = [words for words in report.text.split("已确认")][1][:8]
    assert confirmed.strip().startswith("1 /")
    assert "周桂兰" not in report.text and "赵小满" not in report.text

    reminded = report.press("只提醒还没回应的家长")
    assert "已提醒" in reminded.text
    assert count(NoticeReminder) == 1
    assert "只提醒还没回应的家长" not in reminded.buttons
    assert "提醒过" in as_("周桂兰").page("/").text
    assert "周六认树" not in as_("李晚晴").page("/").text


def test_the_class_teacher_sees_which_children_are_missing(as_, send):
    notice = send()
    as_("李晚晴").page(f"/notices/{notice.public_id}").press("确认收到")

    report = as_("王雪").page(f"/notices/{notice.public_id}/report")

    assert "赵小满" in report.text
    assert "陈一诺" not in report.text
    assert "只提醒还没回应的家长" not in report.buttons, "it is the chair's notice"


def test_a_second_reminder_waits_for_tomorrow(as_, send):
    notice = send()
    chair = as_("林悦", "committee_chair")
    page = chair.page(f"/notices/{notice.public_id}/report")
    form = page.fields(page.form_of("只提醒还没回应的家长"))
    chair.send(f"/notices/{notice.public_id}/reminders", form)

    again = chair.send(f"/notices/{notice.public_id}/reminders", {**form, "once": ["b" * 32]})

    assert again.status == 409
    assert "明天可以再提醒" in again.text
    assert count(NoticeReminder) == 1


def test_pressing_publish_twice_publishes_once(as_, empty):
    chair = as_("林悦", "committee_chair")
    preview = write(chair)
    path = preview.path.replace("/preview", "/publications")
    form = preview.fields(preview.form_of("发布"))

    first = chair.send(path, form)
    second = chair.send(path, form)
    another_tab = chair.send(path, {**form, "once": ["c" * 32]})

    assert first.status == second.status == 200
    assert first.path == second.path
    assert another_tab.status == 409
    assert count(Notice) == 1


def test_sending_the_draft_twice_keeps_one(as_, empty):
    chair = as_("林悦", "committee_chair")
    page = chair.page("/notices/new")
    form = {**page.fields(page.form_of("保存，看看效果")), "title": ["听课"], "body": ["周三听课"]}

    chair.send("/notices/", form)
    chair.send("/notices/", form)

    assert count(Notice) == 1


def test_confirming_twice_counts_once(as_, send):
    notice = send()
    mother = as_("李晚晴")
    page = mother.page(f"/notices/{notice.public_id}")
    form = page.fields(page.form_of("确认收到"))

    for key in ("d" * 32, "e" * 32, "d" * 32):
        mother.send(f"/notices/{notice.public_id}/confirmations", {**form, "once": [key]})

    assert numbers(notice) == (1, 1, 1, 1)


def test_where_each_guardian_answers_the_other_is_still_asked(as_, send):
    notice = send(counts="guardian")
    as_("李晚晴").page(f"/notices/{notice.public_id}").press("确认收到")

    father = as_("陈守川").page("/")

    assert "请确认" in father.text
    as_("陈守川").page(f"/notices/{notice.public_id}").press("确认收到")
    assert numbers(notice) == (2, 1, 2, 1)


def test_a_notice_to_read_is_noted_by_a_button_without_scripts(as_, send):
    notice = send("何静", "school", level="read", due_on=None)
    mother = as_("李晚晴")

    page = mother.page(f"/notices/{notice.public_id}").press("我看过了")

    assert "您在" in page.text and "打开过" in page.text
    assert numbers(notice) == (1, 1, 0, 0)
    assert "我看过了" not in page.buttons


def test_a_correction_is_visible_and_asks_again_only_when_told(as_, send):
    notice = send()
    as_("李晚晴").page(f"/notices/{notice.public_id}").press("确认收到")
    chair = as_("林悦", "committee_chair")
    form = chair.page(f"/notices/{notice.public_id}/correction")

    report = form.press("发布更正", change="时间改为十点", body="周六上午十点在东门集合。")

    assert "更正已发布" in report.text
    family = as_("李晚晴").page(f"/notices/{notice.public_id}")
    assert "时间改为十点" in family.text
    assert "九点" in family.text, "what it said before stays readable"
    assert numbers(notice) == (1, 1, 1, 1)

    again = chair.page(f"/notices/{notice.public_id}/correction")
    again.press("发布更正", change="改到周日", body="周日上午十点。", ask_again="y")
    assert numbers(notice) == (0, 0, 0, 0)
    assert "请确认" in as_("李晚晴").page("/").text
    as_("李晚晴").page(f"/notices/{notice.public_id}").press("确认收到")
    assert numbers(notice) == (1, 1, 1, 1)


def test_a_withdrawn_notice_stays_visible_with_its_reason(as_, send):
    notice = send()
    chair = as_("林悦", "committee_chair")

    chair.page(f"/notices/{notice.public_id}/withdrawal").press("撤回通知", reason="日期写错，另发一条")

    family = as_("李晚晴")
    assert "已撤回" in family.page("/notices/").text
    page = family.page(f"/notices/{notice.public_id}")
    assert "日期写错，另发一条" in page.text
    assert "确认收到" not in page.buttons
    assert "周六认树" not in family.page("/").text


def test_a_withdrawal_needs_a_reason(as_, send):
    notice = send()

    page = as_("林悦", "committee_chair").page(f"/notices/{notice.public_id}/withdrawal").press("撤回通知")

    assert page.status == 422
    assert "请写明原因" in page.text


def test_a_confirmation_that_comes_too_late_is_refused_in_words(as_, send):
    notice = send()
    mother = as_("李晚晴")
    page = mother.page(f"/notices/{notice.public_id}")
    form = page.fields(page.form_of("确认收到"))
    notice.due_on = None
    notice.expires_on = clock.today() - timedelta(days=1)

    late = mother.send(f"/notices/{notice.public_id}/confirmations", form)
    assert late.status == 409
    assert "不能再确认" in late.text
    assert "确认收到" not in mother.page(f"/notices/{notice.public_id}").buttons

    chair = as_("林悦", "committee_chair")
    chair.page(f"/notices/{notice.public_id}/withdrawal").press("撤回通知", reason="写错了")
    gone = mother.send(f"/notices/{notice.public_id}/confirmations", form)
    assert gone.status == 409
    assert "已撤回" in gone.text
    assert numbers(notice) == (0, 0, 0, 0)


def test_a_notice_to_read_cannot_be_confirmed(as_, send):
    notice = send(level="read")
    mother = as_("李晚晴")
    page = mother.page(f"/notices/{notice.public_id}")

    answer = mother.send(f"/notices/{notice.public_id}/confirmations", page.fields(page.form_of("我看过了")))

    assert answer.status == 409
    assert "不用确认" in answer.text


def test_a_draft_can_be_changed_and_deleted(as_, empty):
    chair = as_("林悦", "committee_chair")
    preview = write(chair)
    edited = chair.page(preview.links["修改草稿"]).press("保存，看看效果", title="周日认树")
    assert "周日认树" in edited.text
    assert "周日认树" not in as_("李晚晴").page("/notices/").text

    gone = edited.press("删除草稿")

    assert "草稿已删除" in gone.text
    assert count(Notice) == 0


def test_two_people_changing_one_draft_do_not_overwrite_each_other(as_, empty):
    chair = as_("林悦", "committee_chair")
    preview = write(chair)
    first = chair.page(preview.links["修改草稿"])
    second = chair.page(preview.links["修改草稿"])
    first.press("保存，看看效果", title="第一个改")

    clash = second.press("保存，看看效果", title="第二个改")

    assert clash.status == 412
    assert "有人也改了" in clash.text
    assert db.session.scalar(select(Notice.title)) == "第一个改"


def test_the_author_is_told_when_a_notice_is_nearly_due(as_, send):
    send()

    home = as_("林悦", "committee_chair").page("/")

    assert "通知快到期" in home.text
    assert "没有确认" in home.text
