"""Signing in and out, and what must not work."""

from sqlalchemy import select

from portal.accounts.models import AuthSession, Person
from portal.extensions import db
from portal.rehearsal.town import PASSWORD


def sign_in(client, name, password, to=""):
    page = client.page(f"/account/sign-in{'?to=' + to if to else ''}")
    return page.press("登录", name=name, password=password)


def test_a_parent_signs_in_with_the_account_name(as_):
    page = sign_in(as_(None), "liwanqing", PASSWORD)

    assert page.status == 200
    assert page.path == "/"
    assert "李晚晴" in page.heading


def test_a_phone_may_be_written_in_any_way(as_, app):
    number = db.session.scalar(select(Person).where(Person.account_name == "liwanqing")).phone.removeprefix(
        "+86"
    )
    full_width = number.translate(str.maketrans("0123456789", "０１２３４５６７８９"))

    for written in (number, f"+86{number}", f"{number[:3]} {number[3:7]}-{number[7:]}", full_width):
        assert sign_in(as_(None), written, PASSWORD).path == "/", written


def test_a_wrong_password_and_an_unknown_name_read_the_same(as_):
    wrong = sign_in(as_(None), "liwanqing", "不是这个密码")
    unknown = sign_in(as_(None), "nobody-here", "不是这个密码")

    assert wrong.status == unknown.status == 422
    assert "不正确" in wrong.text
    assert wrong.text == unknown.text


def test_signing_out_ends_the_session_in_the_database(as_):
    client = as_("李晚晴")
    client.page("/account/").press("退出这台设备")

    assert client.get("/").status_code == 302
    assert (
        db.session.scalar(select(AuthSession.revoked_at).order_by(AuthSession.id.desc()).limit(1)) is not None
    )
