"""People without a password: a code proves who holds the device, and they may set a password of their own."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from portal import clock
from portal.accounts import passwords
from portal.accounts.models import Appointment, AuthSession, Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.trail.models import TrailEntry
from tests.recovery.test_recovery import NEW

SEND = "发送验证码到"


def person(name="李晚晴"):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def without_password(as_, name="李晚晴", **facts):
    """Somebody signed in who has none and whose last proof is old."""
    client = as_(name)
    client.page("/account/")
    person(name).password_hash = None
    for key, value in facts.items():
        setattr(person(name), key, value)
    stale()
    return client


def stale():
    db.session.execute(update(AuthSession).values(proved_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()


def send(page):
    return page.press(next(words for words in page.buttons if words.startswith(SEND)))


def sent():
    newest = select(Delivery).where(Delivery.kind == "account.proof_code").order_by(Delivery.id.desc())
    return db.session.scalars(newest).first().values["code"]


def test_a_code_proves_and_then_a_password_is_set(as_):
    client = without_password(as_)
    assert "还没有密码" in client.page("/account/").text
    page = client.page("/account/password")
    assert page.path == "/account/proof?to=/account/password" and not page.all("input", type="password")
    page = send(page).press("确认", code=sent())
    assert (page.path, page.heading) == ("/account/password", "设置密码")

    page = page.press("保存密码", new="123456789012345")
    assert page.status == 422
    page = page.press("保存密码", new=NEW)

    assert page.path == "/account/" and "密码已设置" in page.html
    assert passwords.matches(person().password_hash, NEW)
    entries = db.session.scalars(select(TrailEntry).where(TrailEntry.action.startswith("account.p"))).all()
    assert [entry.action for entry in entries][-3:] == [
        "account.proof_by_message_asked",
        "account.proved",
        "account.password_changed",
    ]
    assert entries[-2].facts["how"] == "message"


def test_what_was_typed_waits_while_the_code_comes(as_):
    client = as_("李晚晴")
    page = client.page("/account/email")
    without_password(as_)
    asked = page.press(page.buttons[0], recipient="wanqing@example.com")
    assert asked.status == 401
    on_the_way = send(asked)
    wrong = on_the_way.press("确认", code="00000000")
    assert wrong.status == 422
    right = wrong.press("确认", code=sent())
    assert "wanqing@example.com" in right.html
    assert right.press("继续").path == "/account/email/entry"


@pytest.mark.parametrize("why", ["password", "unreachable", "staff_forbidden"])
def test_a_code_is_for_those_who_have_nothing_better(as_, why):
    who = "王雪" if why == "staff_forbidden" else "李晚晴"
    client = without_password(as_, who, **({"phone": None, "email": None} if why == "unreachable" else {}))
    if why == "password":
        person().password_hash = passwords.hashed(NEW)
    if why == "staff_forbidden":
        # A system administrator has no district that could allow it.
        held = db.session.scalars(select(Appointment).where(Appointment.person_id == person(who).id)).first()
        held.role, held.class_id, held.school_id, held.district_id = "system_admin", None, None, None
    db.session.commit()
    page = client.page("/account/proof")
    assert not any(words.startswith(SEND) for words in page.buttons)
    token = {"csrf_token": page.all("input", name="csrf_token")[0].get("value")}
    assert client.post("/account/proof/code", data=token).status_code == 403
    assert db.session.scalars(select(Delivery).where(Delivery.kind == "account.proof_code")).all() == []


def test_without_any_way_the_page_says_to_sign_in_again(as_):
    client = without_password(as_, phone=None, email=None)
    page = client.page("/account/proof")
    assert "退出后重新登录" in page.text and "退出这台设备" in page.text


def test_somebody_elses_code_proves_nothing(as_):
    other = without_password(as_, "陈守川")
    send(other.page("/account/proof"))
    code = sent()
    client = without_password(as_)
    page = send(client.page("/account/proof"))
    assert page.press("确认", code=code).status == 422


def test_a_code_is_over_after_ten_minutes(as_):
    page = send(without_password(as_).page("/account/proof"))
    code = sent()
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert page.press("确认", code=code).status == 422
