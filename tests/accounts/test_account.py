"""One's own account: password, hats, devices, language and modes; the limits on guessing."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from portal import clock
from portal.accounts import passwords, phones
from portal.accounts.models import Appointment, AuthSession, Person
from portal.extensions import db
from portal.links import local
from portal.rehearsal.town import PASSWORD
from tests.accounts.test_sign_in import sign_in

NEW = "小满最爱吃西红柿炒鸡蛋不爱吃葱"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def change(client, present=PASSWORD, new=NEW):
    return client.page("/account/password").press("修改密码", present=present, new=new)


def test_a_new_password_works_and_signs_other_devices_out(as_):
    old_phone, new_phone = as_("李晚晴"), as_("李晚晴")
    page = change(new_phone)

    assert "密码已修改" in page.html
    assert old_phone.get("/").status_code == 302
    assert sign_in(as_(None), "liwanqing", PASSWORD).status == 422
    assert sign_in(as_(None), "liwanqing", NEW).path == "/"


@pytest.mark.parametrize(
    "present, new, said",
    [
        ("不是这个", NEW, "现在的密码不正确"),
        (PASSWORD, "短", "至少 15 个字符"),
        (PASSWORD, "1234567890123456", "用的人太多"),
        (PASSWORD, "liwanqing-2026-9", "不要用自己或孩子的姓名"),
        (PASSWORD, "长" * 201, "最多 200 个字符"),
        (PASSWORD, "", "请输入新密码"),
    ],
)
def test_a_password_that_will_not_do_is_refused_in_words(as_, present, new, said):
    page = change(as_("李晚晴"), present, new)

    assert page.status == 422
    assert said in page.text
    assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"


def test_one_account_wears_many_hats(as_):
    client = as_("王雪")
    page = client.page("/")
    assert "班主任 · 三(2)班" in page.html

    family = client.page("/account/")
    page = client.send("/account/hat", {**tokens(family), "hat": "family"})

    assert page.path == "/"
    assert client.get("/visits/").status_code == 403
    first = db.session.scalar(select(Appointment.public_id).where(Appointment.person_id == person("王雪").id))
    client.send("/account/hat", {**tokens(client.page("/account/")), "hat": first})
    assert client.get("/visits/").status_code == 200


def tokens(page):
    return {
        name: values[0]
        for name, values in page.fields(page.all("form")[0]).items()
        if name in ("csrf_token", "once")
    }


def test_nobody_puts_on_a_hat_they_do_not_have(as_):
    client = as_("李晚晴")
    foreign = db.session.scalar(select(Appointment.public_id).limit(1))

    assert client.send("/account/hat", {**tokens(client.page("/account/")), "hat": foreign}).status == 409


def test_an_appointment_that_ended_is_over_from_that_day(as_):
    client = as_("王雪")
    assert client.get("/visits/").status_code == 200
    db.session.execute(
        update(Appointment).where(Appointment.person_id == person("王雪").id).values(ended_on=clock.today())
    )
    db.session.commit()

    assert client.get("/visits/").status_code == 403


def test_a_session_ends_by_itself(as_):
    client = as_("王雪")
    with time_machine.travel(clock.now() + timedelta(hours=13), tick=False):
        assert client.get("/").status_code == 302


def test_a_revoked_device_is_out_at_once(as_):
    lost, kept = as_("李晚晴"), as_("李晚晴")
    device = db.session.scalar(
        select(AuthSession.id)
        .where(AuthSession.person_id == person("李晚晴").id)
        .order_by(AuthSession.id)
        .limit(1)
    )
    page = kept.page("/account/")
    page = kept.send(f"/account/devices/{device}/revocation", tokens(page))

    assert "已退出登录" in page.html
    assert lost.get("/").status_code == 302
    assert kept.get("/").status_code == 200


def test_nobody_signs_out_the_device_of_another(as_):
    other = as_("王雪")
    device = db.session.scalar(select(AuthSession.id).where(AuthSession.person_id == person("王雪").id))
    client = as_("李晚晴")

    assert (
        client.send(f"/account/devices/{device}/revocation", tokens(client.page("/account/"))).status == 404
    )
    assert other.get("/").status_code == 200


def test_guessing_one_account_stops_after_ten_and_does_not_lock_others_out(as_):
    for _turn in range(10):
        assert sign_in(as_(None), "liwanqing", "不是这个密码").status == 422
    page = sign_in(as_(None), "liwanqing", PASSWORD)

    assert page.status == 429
    assert "过 1 分钟" in page.text
    assert sign_in(as_(None), "wangxue", PASSWORD).path == "/"
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"


def test_language_and_elder_mode_are_remembered_with_the_person(as_):
    client = as_("李晚晴")
    page = client.page("/account/")
    client.send("/account/language", {**tokens(page), "language": "en", "to": "/account/"})
    client.send("/account/elder", {**tokens(page), "elder": "1", "to": "/account/"})
    elsewhere = as_("李晚晴").page("/account/")

    assert elsewhere.heading == "My account"
    assert "data-elder" in elsewhere.html


def test_a_visitor_reads_in_the_language_of_the_browser(as_):
    for header, heading in (
        ("zh-TW,zh;q=0.8", "登錄"),
        ("en-GB", "Sign in"),
        ("fr,zh-CN;q=0.5", "登录"),
        ("", "登录"),
    ):
        assert as_(None).page("/account/sign-in", headers={"Accept-Language": header}).heading == heading


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nb",
        "",
        None,
    ],
)
def test_only_addresses_of_the_portal_are_followed(address):
    assert local(address, "/home") == "/home"


def test_after_signing_in_one_arrives_where_one_wanted_to_go(as_):
    client = as_(None)
    page = client.page("/account/password")
    assert page.path.startswith("/account/sign-in")

    assert page.press("登录", name="liwanqing", password=PASSWORD).path == "/account/password"


def test_the_same_work_is_done_for_an_unknown_account(app):
    assert passwords.matches(None, "anything") is False


def test_numbers_are_stored_in_one_form_and_shown_in_part():
    assert phones.normalised("138 1234-5678") == phones.normalised("+8613812345678") == "+8613812345678"
    assert phones.normalised("abc") is None
    assert phones.masked("+8613812345678") == "138****5678"
