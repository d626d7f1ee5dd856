"""One-time codes: who gets one, where it works, what a stranger can learn, use up or send to others."""

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from flask import session
from sqlalchemy import select

from portal import clock
from portal.accounts import codes, limits
from portal.accounts.addresses import normalised
from portal.accounts.codes import CodeRequest
from portal.accounts.models import AuthSession, Person
from portal.accounts.views import coding
from portal.deliveries.models import Delivery, State
from portal.extensions import db
from portal.trail.models import TrailEntry

UNKNOWN = "13900001111"


def person(name="李晚晴"):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def number(name="李晚晴"):
    return person(name).phone.removeprefix("+86")


def ask(client, recipient):
    return client.page("/account/code").press("发送验证码", recipient=recipient)


def newest():
    return db.session.scalars(select(Delivery).order_by(Delivery.id.desc()).limit(1)).one()


def sent():
    """The code of the newest message, as the person reads it on the phone."""
    return newest().values["code"]


def enter(page, code):
    return page.press("登录", code=code)


def minutes_later(minutes):
    return time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=False)


def test_a_parent_signs_in_with_a_code(as_):
    client = as_(None)
    page = ask(client, number())
    assert page.path == "/account/code/entry"
    code = sent()
    page = enter(page, code)

    assert page.path == "/"
    assert "李晚晴" in page.heading
    assert re.fullmatch(r"\d{8}", code)
    entry = db.session.scalars(select(TrailEntry).where(TrailEntry.action == "account.signed_in")).all()[-1]
    assert (entry.person_id, entry.facts["how"]) == (person().id, "code")


def test_one_arrives_where_one_wanted_to_go(as_):
    client = as_(None)
    page = client.page("/account/password")
    page = client.page(page.links["用验证码登录"]).press("发送验证码", recipient=number())

    assert enter(page, sent()).path == "/account/password"


def test_the_sign_in_gives_a_new_session(as_):
    client = as_(None)
    page = ask(client, number())
    with client.session_transaction() as before:
        before["planted"] = "by a stranger"
    enter(page, sent())

    with client.session_transaction() as after:
        assert "planted" not in after
        assert after["_user_id"]


@pytest.mark.parametrize("written", ["{0} {1}", "{0}-{1}", " {0}{1} ", "{0}·{1}"])
def test_a_code_may_be_written_in_any_way(as_, written):
    page = ask(as_(None), number())
    code = sent()
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    look_alike = str.maketrans("01", "OI")

    assert enter(page, written.format(code[:4], code[4:].translate(wide)).translate(look_alike)).path == "/"


def test_a_known_and_an_unknown_number_read_the_same(as_):
    known, unknown = ask(as_(None), number()), ask(as_(None), UNKNOWN)
    hide = re.compile(r"\d{3}\*{4}\d{4}")

    assert known.status == unknown.status == 200
    assert hide.sub("", known.text) == hide.sub("", unknown.text)
    wrong_known, wrong_unknown = enter(known, "00000000"), enter(unknown, "00000000")
    assert wrong_known.status == wrong_unknown.status == 422
    assert hide.sub("", wrong_known.text) == hide.sub("", wrong_unknown.text)
    assert db.session.scalars(select(Delivery)).all() == [newest()]


def test_the_request_itself_writes_the_same_rows_for_both(as_, queries, monkeypatch):
    monkeypatch.setitem(codes.prepare.__globals__, "_prepared", lambda asked: None)
    counts = []
    for recipient in (number(), UNKNOWN):
        client = as_(None)
        page = client.page("/account/code")
        with queries() as count:
            page.press("发送验证码", recipient=recipient)
        counts.append([re.sub(r"\s+", " ", str(statement))[:60] for statement in count.statements])

    assert counts[0] == counts[1]


def test_a_code_of_another_browser_opens_nothing(as_):
    mine, theirs = as_(None), as_(None)
    ask(mine, number())
    code = sent()
    page = ask(theirs, UNKNOWN)

    assert enter(page, code).status == 422
    assert theirs.get("/").status_code == 302


def test_two_who_ask_at_once_do_not_disturb_each_other(as_):
    first, second = as_(None), as_(None)
    one, code_one = ask(first, number()), sent()
    with minutes_later(2):
        two, code_two = ask(second, number()), sent()
        assert enter(one, code_two).status == 422 or code_one == code_two
        assert enter(one, code_one).path == "/"
        assert enter(two, code_two).path == "/"


def test_a_code_works_once(as_):
    client = as_(None)
    page = ask(client, number())
    code = sent()
    request = db.session.scalars(select(CodeRequest)).one()
    assert enter(page, code).path == "/"
    other = as_(None)
    with other.session_transaction() as planted:
        planted[codes.COOKIE] = request.public_id

    page = other.page("/account/code/entry")
    assert "重新获取" in page.text
    assert other.send("/account/code/entry", {**other.page("/account/code").fields(
        other.page("/account/code").form_of("发送验证码")), "code": code}).status == 422  # fmt: skip


def test_of_two_requests_with_one_right_code_one_gets_in(app, as_):
    ask(as_(None), number())
    code, request = sent(), db.session.scalars(select(CodeRequest)).one()
    db.session.commit()
    found, start = [], threading.Barrier(2)

    def knock():
        with app.test_request_context(), app.app_context():
            session[codes.COOKIE] = request_id
            start.wait()
            found.append(codes.check(codes.Purpose.SIGN_IN, code).request is not None)
            db.session.commit()
            db.session.remove()

    request_id = request.public_id
    db.session.rollback()
    threads = [threading.Thread(target=knock) for _thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [False, True]


def test_after_ten_minutes_a_code_is_over(as_):
    page = ask(as_(None), number())
    code = sent()
    with minutes_later(10):
        page = enter(page, code)

    assert page.status == 422
    assert "重新获取" in page.text


def test_five_tries_then_a_new_code(as_):
    client = as_(None)
    page = ask(client, number())
    code = sent()
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    for left in (4, 3, 2, 1):
        page = enter(page, wrong)
        assert f"还可以再试 {left} 次" in page.text or left == 1
    page = enter(page, wrong)
    assert page.status == 422
    assert client.send("/account/code/entry", {**tokens(client), "code": code}).status == 422
    with minutes_later(2):
        assert enter(ask(client, number()), sent()).path == "/"


def tokens(client):
    page = client.page("/account/code")
    return page.fields(page.form_of("发送验证码"))


def test_another_code_ends_the_first(as_):
    client = as_(None)
    page = ask(client, number())
    first = sent()
    with minutes_later(2):
        page = page.press("再发一个")
        second = sent()
        assert enter(page, first).status == 422 or first == second
        assert enter(page, second).path == "/"


@pytest.mark.parametrize(
    "typed", ["", "1", "1234567", "123456789", "abcdefgh", "１２３４", "1" * 4096, "٤" * 8, "1\x002345678"]
)
def test_what_is_no_code_costs_no_try(as_, typed):
    page = ask(as_(None), number())
    code = sent()
    for _time in range(6):
        refused = enter(page, typed)
        assert refused.status == 422

    assert enter(page, code).path == "/"


@pytest.mark.parametrize(
    "typed",
    ["", " ", "a", "abc", "1" * 64, "1" * 4096, "a@b", "a@@b.cn", "a@b..cn", "@b.cn", "a@b.cn\nBcc: c@d.cn", "٣٨",
     "138\x0012345678", "<script>", "' OR 1=1", "+1", "a" * 65 + "@b.cn", "a@" + "b" * 300 + ".cn", "..a@b.cn"],
)  # fmt: skip
def test_what_is_neither_a_number_nor_an_address_is_refused_in_words(as_, typed):
    page = ask(as_(None), typed)

    assert page.status == 422
    assert page.all("p", class_="error")


@pytest.mark.parametrize("prefix", ["", "+86", "+86 ", "0086 "])
def test_a_number_may_be_written_in_any_way(as_, prefix):
    wide = number().translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    ask(as_(None), prefix + wide)

    assert newest().recipient == person().phone


def test_staff_do_not_get_in_with_a_text_message(as_):
    client = as_(None)
    page = enter(ask(client, number("王雪")), sent())

    assert page.status == 403
    assert client.get("/").status_code == 302


def test_strangers_cannot_flood_a_phone(as_):
    start = clock.now()
    for minute in range(0, 24 * 60, 20):
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            assert ask(as_(None), number()).path == "/account/code/entry"

    assert db.session.query(Delivery).filter(Delivery.state == State.SENT).count() == 5


def test_a_browser_known_to_the_person_still_gets_a_code(as_, monkeypatch):
    start = clock.now()
    for minute in range(0, 110, 10):
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            ask(as_(None), number())
    strangers = db.session.query(Delivery).count()
    monkeypatch.setattr(codes, "knows_device", lambda _person, _device: True)
    with minutes_later(110):
        page = ask(as_(None), number())
        assert db.session.query(Delivery).count() == strangers + 1
        assert enter(page, sent()).path == "/"


def test_one_address_cannot_ask_without_end(as_, monkeypatch):
    monkeypatch.setattr(limits, "PER_ADDRESS", 3)
    client = as_(None)
    for _time in range(3):
        ask(client, UNKNOWN)

    assert ask(client, UNKNOWN).status == 429


def test_a_lost_ring_is_found_by_the_sweep(app, as_, monkeypatch):
    monkeypatch.setattr(coding, "ring", lambda *_arguments, **_named: None)
    page = ask(as_(None), number())
    assert db.session.scalars(select(Delivery)).all() == []
    codes.prepare_waiting()
    codes.prepare_waiting()

    assert enter(page, sent()).path == "/"
    assert db.session.query(Delivery).count() == 1


def test_after_a_day_nothing_is_left_of_a_request(app, as_):
    ask(as_(None), UNKNOWN)
    with minutes_later(24 * 60 + 1):
        codes.forget_old()

    assert db.session.scalars(select(CodeRequest)).all() == []


def test_neither_number_nor_code_stands_in_the_database(app, home, as_):
    ask(as_(None), UNKNOWN)
    with minutes_later(2):
        ask(as_(None), number())
    code = sent()
    db.session.remove()
    kept = b"".join((home / name).read_bytes() for name in ("portal.db", "portal.db-wal"))

    assert b"code_request" in kept
    assert UNKNOWN.encode() not in kept
    assert code.encode() not in kept


# An e-mail address of one's own


def give_address(client, address):
    return client.page("/account/email").press("发送验证码", recipient=address)


def confirm(client, address):
    return give_address(client, address).press("确认这个邮箱", code=sent())


def test_an_address_is_confirmed_by_a_code_and_then_signs_in(as_):
    client = as_("李晚晴")
    page = confirm(client, " LiWanqing@Example.com ")
    assert "邮箱已确认" in page.html
    assert person().email == "liwanqing@example.com"

    with minutes_later(2):
        assert enter(ask(as_(None), "liwanqing@EXAMPLE.com"), sent()).path == "/"


def test_an_unconfirmed_address_is_nobodys(as_):
    give_address(as_("李晚晴"), "liwanqing@example.com")
    before = db.session.query(Delivery).count()
    with minutes_later(2):
        ask(as_(None), "liwanqing@example.com")

    assert person().email is None
    assert db.session.query(Delivery).count() == before


def test_an_address_belongs_to_one_account(as_):
    confirm(as_("李晚晴"), "home@example.com")
    with minutes_later(2):
        page = confirm(as_("周桂兰"), "home@example.com")

    assert page.status == 409
    assert person("周桂兰").email is None


def test_a_code_for_signing_in_confirms_no_address(as_):
    client = as_("李晚晴")
    page = give_address(client, "liwanqing@example.com")
    page.press("确认这个邮箱", code="00000000")
    other = as_(None)
    ask(other, number())

    assert other.send("/account/email/entry", {**tokens(other), "code": sent()}).path.startswith(
        "/account/sign-in"
    )


def test_an_address_can_be_taken_out(as_):
    client = as_("李晚晴")
    confirm(client, "liwanqing@example.com")
    page = client.page("/account/email").press("删除这个邮箱")

    assert "邮箱已删除" in page.html
    assert person().email is None


def test_a_stale_session_proves_itself_first(as_):
    client = as_("李晚晴")
    db.session.query(AuthSession).update({AuthSession.proved_at: None})
    db.session.commit()

    assert client.page("/account/email").path.startswith("/account/proof")


def test_addresses_are_kept_in_one_form():
    assert normalised(" A.b+c@Ex-ample.COM ") == "a.b+c@ex-ample.com"
    assert normalised("ａ@ｂ.cn") == "a@b.cn"
    for wrong in ("a@b", "a b@c.cn", "a@-b.cn", "a@b.cn.", "a@b.1", "张三@example.com", '"a"@b.cn'):
        assert normalised(wrong) is None, wrong
