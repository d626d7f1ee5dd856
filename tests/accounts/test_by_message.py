"""The second step by text message: a fallback with an alarm, never a second message after a first."""

from datetime import timedelta

import time_machine
from sqlalchemy import select

from portal import clock
from portal.accounts import known_devices
from portal.accounts.by_message import SECOND_BY_MESSAGE
from portal.accounts.models import Passkey, Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from portal.schools.models import District
from portal.settings.changing import change
from portal.trail.models import TrailEntry
from tests.accounts.test_codes import ask, newest, number


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def with_a_passkey(name):
    row = Passkey(
        person_id=person(name).id, name="电脑", credential_id=b"k", public_key=b"p", created_at=clock.now()
    )
    db.session.add(row)
    db.session.commit()
    return person(name)


def first_factor(client, name):
    page = client.page("/account/sign-in")
    return page.press("登录", name=person(name).account_name, password=PASSWORD)


def button(page):
    return next((words for words in page.buttons if words.startswith("改用短信")), None)


def alarms(name):
    wanted = select(TrailEntry).where(
        TrailEntry.subject_id == person(name).id, TrailEntry.action.like("account.second_by_message%")
    )
    return [(entry.action, entry.facts.get("alarm")) for entry in db.session.scalars(wanted)]


def test_a_teacher_without_the_key_at_hand_gets_in_and_the_trail_says_so(as_):
    with_a_passkey("王雪")
    client = as_(None)
    page = first_factor(client, "王雪")
    assert page.path == "/account/second-step"
    page = page.press(button(page))
    page = page.press("继续", code=newest().values["code"])

    assert page.path == "/"
    assert newest().kind == "account.second_code"
    assert alarms("王雪") == [
        ("account.second_by_message_asked", True),
        ("account.second_by_message_used", True),
    ]
    assert "第二步" in client.page("/account/activity").text


def test_a_wrong_code_does_not_get_in_and_five_end_it(as_):
    with_a_passkey("王雪")
    client = as_(None)
    page = first_factor(client, "王雪")
    page = page.press(button(page))
    code = newest().values["code"]
    for _try in range(5):
        page = page.press("继续", code=f"{(int(code) + 1) % 10**8:08d}")
        assert page.status in (422, 429)
    assert page.press("继续", code=code).status in (422, 429)
    assert client.get("/").status_code == 302


def test_the_code_of_another_purpose_does_not_open_the_second_step(as_):
    with_a_passkey("王雪")
    client = as_(None)
    page = first_factor(client, "王雪")
    page.press(button(page))
    other = as_(None)
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        ask(other, number("王雪"))
        code = newest().values["code"]
        page = client.page("/account/second-step/message/entry")

        assert page.press("继续", code=code).status == 422


def test_a_message_is_no_second_factor_after_a_message(as_):
    with_a_passkey("李晚晴")
    client = as_(None)
    page = ask(client, number())
    page = page.press("登录", code=newest().values["code"])

    assert page.path == "/account/second-step"
    assert button(page) is None
    sent = db.session.query(Delivery).count()
    form = page.fields(page.all("form")[-1])
    assert client.send("/account/second-step/message", {"csrf_token": form["csrf_token"][0]}).status == 403
    assert db.session.query(Delivery).count() == sent


def test_a_district_may_switch_it_off(as_):
    with_a_passkey("王雪")
    district = db.session.scalar(select(District.id).where(District.name.contains("云溪县")))
    change(SECOND_BY_MESSAGE, False, clock.today(), "", person_id=None, district_id=district)
    db.session.commit()

    assert button(first_factor(as_(None), "王雪")) is None


def test_without_a_first_factor_nothing_is_sent(as_):
    client = as_(None)
    form = client.page("/account/code")
    token = form.fields(form.form_of("发送验证码"))["csrf_token"][0]

    assert client.send("/account/second-step/message", {"csrf_token": token}).path.startswith(
        "/account/sign-in"
    )
    assert db.session.query(Delivery).count() == 0


def test_the_owners_browser_is_no_stranger(as_):
    mother, client = person("李晚晴"), as_(None)
    start = clock.now()
    for minute in range(0, 110, 10):
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            ask(as_(None), number())
    strangers = db.session.query(Delivery).count()
    with time_machine.travel(start + timedelta(minutes=112), tick=False):
        ask(client, number())
        assert db.session.query(Delivery).count() == strangers
        page = client.page("/account/sign-in").press("登录", name="liwanqing", password=PASSWORD)
        assert page.path == "/"
        client.page("/account/").press("退出这台设备")
        ask(client, number())

    assert db.session.query(Delivery).count() == strangers + 1
    assert known_devices.KnownDevice is not None
    assert mother.id


def test_whoever_asks_for_a_code_reads_that_a_passkey_is_safer(as_):
    """ASVS 6.6.1: at the second step by message, and where families ask for a code; nothing of it without a message."""
    with_a_passkey("王雪")
    page = first_factor(as_(None), "王雪")
    assert "短信可能被别人看到或截走" in page.text
    assert "不要告诉任何人，包括学校" in as_(None).page("/account/code").text
    assert "短信可能被别人看到" not in as_(None).page("/account/sign-in").text
