"""Sessions: how long they last, when they fall asleep, new names for them, devices, and what a cookie may not do."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from portal import clock
from portal.access import Role
from portal.accounts import sessions
from portal.accounts.models import Appointment, AuthSession, KnownDevice, Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from portal.trail.models import TrailEntry
from tests.accounts.test_account import tokens
from tests.accounts.test_sign_in import sign_in
from tests.accounts.test_stepping import REASON, grow_stale, opened, sealed
from tests.support.client import words

LATER = timedelta(minutes=31)


def person(name: str) -> Person:
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def cookie(app, client) -> str:
    return client.get_cookie(app.config["SESSION_COOKIE_NAME"]).value


def test_who_reads_narratives_is_asked_again_after_half_an_hour_and_loses_nothing(as_):
    client = as_("王雪")
    asked = client.page(sealed())
    with time_machine.travel(clock.now() + LATER, tick=False):
        page = asked.press("查看记录", reason=REASON)
        assert (page.status, page.heading, opened()) == (401, "请确认是您本人", 0)
        assert client.get("/visits/").headers["Location"].startswith("/account/proof?to=")
        done = page.press("确认", password=PASSWORD).press("继续")
        assert (done.status, opened()) == (200, 1)
        assert client.get("/visits/").status_code == 200


def test_a_sleeping_session_is_not_woken_by_looking(as_):
    client = as_("王雪")
    with time_machine.travel(clock.now() + LATER, tick=False):
        for _turn in range(3):
            assert client.get("/visits/").status_code == 303
        assert client.get("/visits/", headers={"Accept": "application/json"}).status_code == 401


def test_a_session_in_use_does_not_fall_asleep(as_):
    client = as_("王雪")
    for minutes in (20, 45, 70):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=False):
            assert client.get("/visits/").status_code == 200, minutes


def test_families_are_not_asked_again(as_):
    client = as_("李晚晴")
    with time_machine.travel(clock.now() + timedelta(days=29), tick=False):
        assert client.get("/notices/").status_code == 200
    with time_machine.travel(clock.now() + timedelta(days=30, minutes=1), tick=False):
        assert client.get("/notices/").status_code == 302


def test_the_roles_that_fall_asleep_are_those_that_read_narratives(app):
    assert Role.CLASS_TEACHER in sessions.guarded_roles()
    assert Role.PRINCIPAL in sessions.guarded_roles()
    assert Role.GUARDIAN not in sessions.guarded_roles()


def test_another_hat_gives_the_session_a_new_name_and_the_old_one_is_over(app, as_):
    client = as_("王雪", "guardian")
    before = cookie(app, client)
    hat = db.session.scalar(select(Appointment.public_id).where(Appointment.person_id == person("王雪").id))
    client.send("/account/hat", {**tokens(client.page("/account/")), "hat": hat})
    assert client.get("/visits/").status_code == 200
    after = cookie(app, client)
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], before)

    assert client.get("/visits/").status_code == 302
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], after)
    assert client.get("/visits/").status_code == 200


def test_signing_out_clears_what_the_browser_keeps(as_):
    client = as_("李晚晴")
    answer = client.post("/account/sign-out", data=tokens(client.page("/account/")))

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


def test_signing_out_everywhere_leaves_this_device_only(as_):
    here, there, elsewhere = as_("李晚晴"), as_("李晚晴"), as_("王雪")
    page = here.page("/account/").press("退出其他所有设备")

    assert "其他设备都已退出" in page.html
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    assert elsewhere.get("/").status_code == 200


@pytest.mark.parametrize("button", ["退出其他所有设备", "退出登录"])
def test_ending_a_device_asks_for_a_fresh_proof(as_, button):
    lost, mine = as_("李晚晴"), as_("李晚晴")
    page = mine.page("/account/")
    grow_stale()
    asked = page.press(button)
    assert asked.status == 401
    assert lost.get("/").status_code == 200

    asked.press("确认", password=PASSWORD).press("继续")
    assert lost.get("/").status_code == 302
    assert mine.get("/").status_code == 200


def test_a_new_device_is_told_of_and_an_old_one_is_not(as_):
    mine = as_(None)
    sign_in(mine, "liwanqing", PASSWORD)
    person("李晚晴").email = "liwanqing@example.com"
    db.session.commit()
    mine.page("/account/").press("退出这台设备")
    sign_in(mine, "liwanqing", PASSWORD)
    assert db.session.scalars(select(Delivery).where(Delivery.kind == "new_device")).all() == []

    sign_in(as_(None), "liwanqing", PASSWORD)
    page = mine.page("/account/activity")
    assert "在新设备上登录" in page.text
    assert len(db.session.scalars(select(Delivery).where(Delivery.kind == "new_device")).all()) == 1


def test_a_revoked_device_is_strange_again(as_):
    lost, mine = as_(None), as_(None)
    sign_in(lost, "liwanqing", PASSWORD)
    sign_in(mine, "liwanqing", PASSWORD)
    row = db.session.scalars(select(AuthSession).order_by(AuthSession.id)).first()
    page = mine.page("/account/")
    mine.send(f"/account/devices/{row.id}/revocation", tokens(page))

    assert lost.get("/").status_code == 302
    assert db.session.get(KnownDevice, 1) is None


def test_sign_ins_failures_and_revocations_are_in_the_trail(as_):
    client = as_(None)
    sign_in(client, "liwanqing", "不是这个密码不是这个密码")
    sign_in(client, "nobody-here", "不是这个密码不是这个密码")
    sign_in(client, "liwanqing", PASSWORD)
    client.page("/account/").press("退出这台设备")
    noted = [
        (entry.action, entry.subject_id == person("李晚晴").id)
        for entry in db.session.scalars(select(TrailEntry).order_by(TrailEntry.id))
        if entry.action.startswith("account.")
    ]

    assert noted == [
        ("account.sign_in_failed", True),
        ("account.sign_in_failed", False),
        ("account.signed_in", True),
        ("account.signed_out", True),
    ]


@pytest.mark.parametrize("change", ["long", "twice", "unsigned", "foreign key"])
def test_a_cookie_that_is_not_ours_is_nobody(app, as_, change):
    client = as_("李晚晴")
    name, whole = app.config["SESSION_COOKIE_NAME"], cookie(app, client)
    header = {
        "long": f"{name}={'x' * 8000}",
        "twice": f"{name}=aaaa.bbbb.cccc; {name}={whole[:-3]}xyz",
        "unsigned": f"{name}={whole.split('.')[0]}",
        "foreign key": f"{name}={whole.rpartition('.')[0]}.{'A' * 27}",
    }[change]
    visitor = app.test_client(use_cookies=False)

    assert visitor.get("/account/", headers={"Cookie": header}).status_code == 302
    assert visitor.get("/account/", headers={"Cookie": f"{name}={whole}"}).status_code == 200


def test_a_device_cookie_that_was_made_up_is_no_known_device(app, as_):
    client = as_(None)
    sign_in(client, "liwanqing", PASSWORD)
    own = client.get_cookie("gongyu-device").value
    for made_up in ("x", ("a" if own[0] != "a" else "b") + own[1:], own.partition(".")[0], "y" * 3000):
        stranger = as_(None)
        stranger.set_cookie("gongyu-device", made_up)
        assert sign_in(stranger, "liwanqing", PASSWORD).path == "/"
    assert len(db.session.scalars(select(KnownDevice)).all()) == 5


def test_last_seen_is_written_at_most_every_few_minutes(as_):
    client = as_("王雪")
    before = db.session.scalars(select(AuthSession.last_seen_at)).one()
    with time_machine.travel(clock.now() + timedelta(minutes=4), tick=False):
        client.get("/visits/")
        assert db.session.scalars(select(AuthSession.last_seen_at)).one() == before
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=False):
        client.get("/visits/")
        assert db.session.scalars(select(AuthSession.last_seen_at)).one() > before


@pytest.mark.parametrize("elder", [False, True])
@pytest.mark.parametrize(
    ("who", "paths"),
    [
        ("李晚晴", ["/", "/account/", "/notices/", "/privacy/erasure/new", "/account/password", "/stars/"]),
        ("王雪", ["/", "/visits/", "/schools/class", "/notices/new"]),
        ("张建平", ["/", "/privacy/retention", "/appointments/new", "/audit/"]),
    ],
)
def test_every_page_has_a_way_to_sign_out_that_ends_the_session(as_, who, paths, elder):
    """In the menu at the top, which every layout has: pages in the frame, forms on their own, public pages read while signed in; in elder mode as well (ASVS 7.4.4)."""
    for path in paths:
        client = as_(who)
        db.session.execute(update(Person).where(Person.name == who).values(elder=elder))
        db.session.execute(update(AuthSession).values(proved_at=clock.now()))
        db.session.commit()
        page = client.page(path)
        out = [one for one in page.all("button", form="switches") if words(one) == "退出登录"]
        assert (page.status, len(out)) == (200, 1), path
        switches = next(form for form in page.all("form") if form.get("id") == "switches")
        client.send(out[0].get("formaction"), page.fields(switches))
        assert client.get("/").status_code == 302, path
