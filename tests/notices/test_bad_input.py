"""What must not pass: hostile and careless input is answered in words, never with an error of the machine."""

from datetime import timedelta

import pytest

from portal import clock
from portal.extensions import db
from portal.notices.models import Notice
from tests.notices.conftest import person, select

BUTTON = "保存，看看效果"
GOOD = {"title": "周六认树", "body": "周六上午九点在东门集合。"}


@pytest.fixture
def form(as_, empty):
    return as_("林悦", "committee_chair").page("/notices/new")


def day(offset):
    return (clock.today() + timedelta(days=offset)).isoformat()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "用一句话写明"),
        ("title", "   ", "用一句话写明"),
        ("title", "字" * 61, "最多 60 个字"),
        ("body", "", "要告诉家长的内容"),
        ("body", "字" * 2001, "最多 2000 个字"),
        ("act", "字" * 301, "最多 300 个字"),
        ("who", "字" * 101, "最多 100 个字"),
        ("ask", "字" * 101, "最多 100 个字"),
        ("title", "周六\x00认树", "不能显示"),
        ("body", "\u202e反过来", "不能显示"),
        ("due_on", "明天", "年月日"),
        ("due_on", "2026-02-30", "年月日"),
        ("due_on", "99999-01-01", "年月日"),
        ("due_on", "0001-01-01", "已经过去"),
        ("due_on", "9999-12-31", "一年以内"),
        ("expires_on", "NaN", "年月日"),
        ("level", "sign", "有效"),
        ("counts", "1e308", "有效"),
        ("audience", "class:999999", "有效"),
        ("audience", "district:1", "有效"),
        ("audience", "' OR 1=1", "有效"),
    ],
)
def test_a_bad_field_comes_back_with_words_and_everything_typed(form, field, value, words):
    answer = form.press(BUTTON, **{**GOOD, "ask": "林悦", field: value})

    assert answer.status == 422
    assert words in answer.text or "选" in answer.text
    if field not in ("title", "body"):
        assert GOOD["body"] in answer.html
    assert db.session.scalar(select(Notice)) is None


def test_the_last_day_cannot_lie_before_the_day_to_answer_by(form):
    answer = form.press(BUTTON, **GOOD, due_on=day(5), expires_on=day(3))

    assert answer.status == 422
    assert "不能早于" in answer.text


@pytest.mark.parametrize(
    "typed", ["２０{0:%y}－{0:%m}－{0:%d}", "{0:%Y}/{0:%m}/{0:%d}", "{0:%Y}年{0:%m}月{0:%d}日"]
)
def test_a_day_may_be_typed_as_people_write_it(form, typed):
    answer = form.press(BUTTON, **GOOD, due_on=typed.format(clock.today()))

    assert answer.status == 200
    assert db.session.scalar(select(Notice.due_on)) == clock.today()


@pytest.mark.parametrize(
    "text",
    [
        "𠮷𠀀𪚥㛃",
        "葛󠄀",
        "\ufa19",
        "买买提·艾合买提 ・ • .",
        "=cmd()",
        "<script>alert(1)</script>",
        "{{7*7}}",
        "%s %(num)s",
        "' OR 1=1",
        "한글 Zoë",
        "a" + "\u0301" * 50,
    ],
)
def test_any_writing_is_kept_as_typed_and_shown_harmless(form, as_, text):
    page = form.press(BUTTON, title=text, body=text).press("发布")

    assert page.status == 200
    assert db.session.scalar(select(Notice.title)) == text
    shown = as_("李晚晴").page(f"/notices/{db.session.scalar(select(Notice.public_id))}")
    assert shown.heading == " ".join(text.split())
    assert "<script>alert" not in shown.html
    assert "49" not in shown.heading


def test_fields_that_are_not_on_the_form_change_nothing(form):
    client = form.client
    sent = {**form.fields(form.form_of(BUTTON)), "title": ["周六"], "body": ["集合"]}
    sent |= {"state": ["published"], "author_id": ["1"], "author_role": ["district_staff"], "round": ["7"]}

    client.send("/notices/", sent)

    notice = db.session.scalar(select(Notice))
    assert (notice.state, notice.author_role, notice.round) == ("draft", "committee_chair", 1)
    assert notice.author_id == person("林悦").id


def test_missing_and_doubled_fields_are_no_error_of_the_machine(form):
    client = form.client
    hidden = {
        name: value for name, value in form.fields(form.form_of(BUTTON)).items() if name in ("csrf_token",)
    }

    assert client.send("/notices/", hidden).status == 422
    doubled = {**hidden, "title": ["一", "二"], "level": ["read", "confirm"], "audience": ["x", "y"]}
    assert client.send("/notices/", doubled).status == 422
    assert client.post("/notices/", json={"title": "x"}).status_code in (400, 415, 422)
    assert client.post("/notices/", data=b"\xff\xfe", content_type="text/plain").status_code in (
        400,
        415,
        422,
    )


def test_without_the_forgery_token_nothing_is_confirmed(as_, send):
    notice = send()
    client = as_("李晚晴")

    assert client.post(f"/notices/{notice.public_id}/confirmations").status_code == 400


@pytest.mark.parametrize(
    "after", ["x", "1-2-3", "-1--1", "9" * 40 + "-1", "９-９", "0-0", "' OR 1=1", "NaN-1"]
)
def test_a_mangled_place_in_the_list_is_harmless(as_, send, after):
    send()

    page = as_("李晚晴").page("/notices/", query_string={"after": after, "child": after})

    assert page.status == 200


@pytest.mark.parametrize(
    "public_id", ["x", "0", "..", "%F0%A0%AE%B7", "a" * 300, "outboxx", "%27%20OR%201=1"]
)
def test_an_unknown_notice_is_not_found(as_, empty, public_id):
    assert as_("李晚晴").get(f"/notices/{public_id}").status_code == 404


def test_a_wrong_verb_is_refused(as_, send):
    notice = send()

    assert as_("李晚晴").get(f"/notices/{notice.public_id}/confirmations").status_code == 405
    assert as_("李晚晴").delete(f"/notices/{notice.public_id}").status_code == 405
