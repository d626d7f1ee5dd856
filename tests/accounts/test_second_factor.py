"""The second step of signing in: app, paper, who owes it, what a half session opens, replays and clocks."""

import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import select, update

from portal import clock
from portal.accounts import arriving, guessing, recovery_codes, telling, totp
from portal.accounts.factors import SECOND_FACTOR_ROLES
from portal.accounts.models import Authenticator, AuthSession, HalfSession, Passkey, Person, RecoveryCode
from portal.config import ROOT
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from portal.schools.models import District
from portal.settings import changing
from portal.trail.models import TrailEntry
from tests.accounts.test_sign_in import sign_in
from tests.site.test_access_answers import leads_away

STEP = timedelta(seconds=30)


def person(name: str) -> Person:
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def app_of(name: str) -> pyotp.TOTP:
    """The app on the person's phone."""
    seed = totp.of(person(name).id).seed
    assert seed is not None
    return pyotp.TOTP(seed)


def set_up(client) -> list[str]:
    """Set the app up as a person does; the recovery codes on the page."""
    page = client.page("/account/authenticator").press("设置")
    key = re.sub(r"[^A-Z2-7]", "", page.html.split("<code", 1)[1].split("</code", 1)[0].split(">", 1)[1])
    page = page.press("确认", code=pyotp.TOTP(key).at(clock.now()))
    assert page.status == 200
    return re.findall(r"<code>([0-9a-z-]+)</code>", page.html)


def code(name: str, steps: int = 0) -> str:
    return app_of(name).at(clock.now() + steps * STEP)


def require(*roles: str) -> None:
    """Let the city ask these roles for a second factor."""
    city = db.session.scalars(select(District).where(District.parent_id.is_(None))).first()
    changing.change(SECOND_FACTOR_ROLES, list(roles), clock.today(), "", person_id=None, district_id=city.id)
    db.session.commit()


def noted(action: str) -> int:
    return len(db.session.scalars(select(TrailEntry).where(TrailEntry.action == action)).all())


def test_an_app_is_set_up_with_a_code_and_asked_for_from_then_on(as_):
    codes = set_up(as_("李晚晴"))
    assert len(codes) == len(set(codes)) == 10
    page = sign_in(as_(None), "liwanqing", PASSWORD)
    assert page.heading == "还差一步"

    with time_machine.travel(clock.now() + STEP, tick=False):
        assert page.press("继续", code=code("李晚晴")).path == "/"
    assert noted("account.app_set_up") == noted("account.totp_used") == 1


def test_a_seed_counts_only_after_a_code_of_it(as_):
    client = as_("李晚晴")
    page = client.page("/account/authenticator").press("设置")
    assert page.press("确认", code="000000").status == 422

    assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"
    assert "svg" in client.page("/account/authenticator").html


def test_the_database_holds_no_seed_and_no_code(as_):
    codes = set_up(as_("李晚晴"))
    row = db.session.scalars(select(Authenticator)).one()
    seed = row.seed
    stored = db.session.scalars(select(RecoveryCode.code_hash)).all()

    assert seed.encode() not in row.seed_sealed
    assert all(one.startswith("$argon2id$") for one in stored)
    assert not any(one.split("-")[1] in text for one in codes for text in stored)


def test_a_half_session_opens_nothing_but_the_second_step(as_):
    set_up(as_("李晚晴"))
    client = as_(None)
    sign_in(client, "liwanqing", PASSWORD)

    for path in ("/", "/notices/", "/account/", "/account/authenticator", "/account/passkeys", "/account/recovery-codes",
                 "/account/second-step/setting-up", "/account/second-step/password", "/account/proof"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code in (302, 303), path
        assert "/account/" in answer.headers["Location"], path
    page = client.page("/account/second-step")
    fields = page.fields(page.form_of("继续"))
    for path in (
        "/account/authenticator",
        "/account/passkeys",
        "/account/second-step/password",
        "/account/password",
    ):
        assert client.post(path, data={**fields, "new": ["x" * 20]}).status_code in (302, 303), path
    assert (
        client.post("/account/second-step/arrival", data=fields).headers["Location"] == "/account/second-step"
    )
    assert client.get("/").status_code == 302


def test_a_half_session_is_over_after_a_while_and_can_be_given_up(as_):
    set_up(as_("李晚晴"))
    first, second = as_(None), as_(None)
    page = sign_in(first, "liwanqing", PASSWORD)
    with time_machine.travel(clock.now() + arriving.LASTS + STEP, tick=False):
        assert page.press("继续", code=code("李晚晴")).path.startswith("/account/sign-in")
        assert arriving.forget_old() == 1
    sign_in(second, "liwanqing", PASSWORD).press("不登录了，返回")
    assert db.session.scalars(select(HalfSession)).all() == []


@pytest.mark.parametrize(
    "seconds, works",
    [(0, True), (-30, True), (30, True), (-61, False), (61, False), (-600, False), (600, False)],
)
def test_the_phones_clock_may_be_off_by_a_step_and_no_more(as_, seconds, works):
    set_up(as_("李晚晴"))
    with time_machine.travel(clock.now() + timedelta(minutes=20), tick=False):
        page = sign_in(as_(None), "liwanqing", PASSWORD)
        shown = app_of("李晚晴").at(clock.now() + timedelta(seconds=seconds))

        assert (page.press("继续", code=shown).path == "/") is works


def test_a_code_works_once(as_):
    set_up(as_("李晚晴"))
    with time_machine.travel(clock.now() + STEP, tick=False):
        shown = code("李晚晴")
        assert sign_in(as_(None), "liwanqing", PASSWORD).press("继续", code=shown).path == "/"
        page = sign_in(as_(None), "liwanqing", PASSWORD).press("继续", code=shown)

        assert page.status == 422
        assert "只能用一次" in page.text


def test_the_code_of_another_is_not_right(as_):
    set_up(as_("李晚晴"))
    set_up(as_("王雪"))
    with time_machine.travel(clock.now() + STEP, tick=False):
        page = sign_in(as_(None), "liwanqing", PASSWORD)

        assert page.press("继续", code=code("王雪")).status == 422
        assert page.press("继续", code=f"{code('李晚晴')[:3]} {code('李晚晴')[3:]}").path == "/"


@pytest.mark.parametrize("write", [str.upper, lambda text: text.replace("-", " "), lambda text: text.replace("0", "o").replace("1", "l"),
                                   lambda text: text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})])  # fmt: skip
def test_a_code_on_paper_may_be_written_in_any_way_and_works_once(as_, write):
    codes = set_up(as_("李晚晴"))
    page = sign_in(as_(None), "liwanqing", PASSWORD)
    assert page.press("继续", code=write(codes[2])).path == "/"
    page = sign_in(as_(None), "liwanqing", PASSWORD)

    assert page.press("继续", code=write(codes[2])).status == 422
    assert page.press("继续", code=codes[3]).path == "/"
    assert recovery_codes.left(person("李晚晴").id) == 8


def test_new_codes_make_the_old_ones_void(as_):
    client = as_("李晚晴")
    old = set_up(client)
    page = client.page("/account/recovery-codes").press("换十个新的恢复码")
    new = re.findall(r"<code>([0-9a-z-]+)</code>", page.html)
    page = sign_in(as_(None), "liwanqing", PASSWORD)

    assert page.press("继续", code=old[0]).status == 422
    assert page.press("继续", code=new[0]).path == "/"
    assert old[0] not in client.page("/account/recovery-codes").html


def test_guessing_codes_gets_slow_and_other_people_are_not_touched(as_):
    set_up(as_("李晚晴"))
    page = sign_in(as_(None), "liwanqing", PASSWORD)
    for _turn in range(guessing.FREE):
        assert page.press("继续", code="000000").status == 422
    with time_machine.travel(clock.now() + timedelta(seconds=40), tick=False):
        assert page.press("继续", code=code("李晚晴")).status == 429
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        assert page.press("继续", code=code("李晚晴")).path == "/"


def test_who_must_have_a_second_factor_sets_one_up_at_sign_in_and_does_nothing_before(as_):
    require("class_teacher")
    client = as_(None)
    page = sign_in(client, "wangxue", PASSWORD)
    assert page.heading == "请设置第二步验证"
    assert client.get("/visits/").status_code == 302

    codes = set_up(client)
    assert len(codes) == 10
    assert client.get("/visits/").status_code == 302
    answer = client.page("/account/second-step/setting-up")
    assert answer.path.startswith("/account/sign-in")


def test_setting_up_on_the_way_leads_in(as_):
    require("class_teacher")
    client = as_(None)
    sign_in(client, "wangxue", PASSWORD)
    page = client.page("/account/authenticator").press("设置")
    page = page.press("确认", code=code("王雪"))
    page = page.press("已经保存好，继续")

    assert page.path == "/"
    assert client.get("/visits/").status_code == 200


def test_only_the_roles_of_the_setting_owe_a_second_factor(as_):
    require("principal")

    assert sign_in(as_(None), "wangxue", PASSWORD).path == "/"
    assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"
    assert sign_in(as_(None), "sunlide", PASSWORD).heading == "请设置第二步验证"


def test_system_administrators_owe_one_outside_a_rehearsal(as_, app):
    name = db.session.scalars(select(Person.account_name).where(Person.name == "系统管理员")).one()
    assert sign_in(as_(None), name, PASSWORD).path == "/"
    db.session.execute(update(District).where(District.name == "石桥县").values(is_rehearsal=False))
    db.session.commit()

    assert sign_in(as_(None), name, PASSWORD).heading == "请设置第二步验证"


def test_without_the_setting_nobody_of_the_district_gets_round_it():
    assert set(SECOND_FACTOR_ROLES.default) == {"principal", "inspector", "district_staff", "auditor"}


def test_removing_the_app_asks_for_a_proof_and_takes_the_paper_along(as_):
    client, _other = as_("李晚晴"), as_("李晚晴")
    set_up(client)
    page = client.page("/account/authenticator")
    db.session.execute(update(AuthSession).values(proved_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()
    asked = page.press("移除验证器")
    assert asked.status == 401
    with time_machine.travel(clock.now() + STEP, tick=False):
        done = asked.press("确认", code=code("李晚晴")).press("继续")

    assert "验证器已移除" in done.html
    assert "退出其他所有设备" in done.buttons
    assert db.session.scalars(select(RecoveryCode)).all() == []
    assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"


def test_setting_up_gives_the_session_a_new_token(app, as_):
    client = as_("李晚晴")
    before = client.get_cookie(app.config["SESSION_COOKIE_NAME"]).value
    set_up(client)
    assert client.get("/account/").status_code == 200
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], before)

    assert client.get("/account/").status_code == 302


def recover(client, name, digits, paper):
    return client.page("/account/recovery").press("继续", name=name, digits=digits, code=paper)


NEW = "柳树底下有一只会唱歌的小青蛙呱呱"


def test_app_and_paper_together_lead_to_a_new_password(as_):
    other = as_("李晚晴")
    codes = set_up(other)
    with time_machine.travel(clock.now() + STEP, tick=False):
        page = recover(as_(None), "liwanqing", code("李晚晴"), codes[0])
        assert page.heading == "请设一个新密码"
        assert page.press("保存并登录", new=PASSWORD).status == 422
        assert page.press("保存并登录", new=NEW).path == "/"
    assert other.get("/").status_code == 302
    assert sign_in(as_(None), "liwanqing", PASSWORD).status == 422
    assert sign_in(as_(None), "liwanqing", NEW).heading == "还差一步"


def test_neither_app_nor_paper_alone_is_enough_and_everybody_reads_the_same(as_):
    codes = set_up(as_("李晚晴"))
    with time_machine.travel(clock.now() + STEP, tick=False):
        pages = [
            recover(as_(None), "liwanqing", code("李晚晴"), "01-22222-22222"),
            recover(as_(None), "liwanqing", "000000", codes[0]),
            recover(as_(None), "zhouguilan", code("李晚晴"), codes[0]),
            recover(as_(None), "nobody-here", code("李晚晴"), codes[0]),
        ]
        assert {page.status for page in pages} == {422}
        assert len({page.text for page in pages}) == 1
        assert recover(as_(None), "liwanqing", code("李晚晴"), codes[0]).heading == "请设一个新密码"


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "%0d%0aSet-Cookie:a=b",
        "/" + "a" * 8192,
        "/notices/",
    ],
)
def test_after_the_second_step_one_arrives_within_the_portal(as_, to):
    set_up(as_("李晚晴"))
    page = as_(None).page("/account/sign-in")
    page = page.press("登录", name="liwanqing", password=PASSWORD, to=to)
    with time_machine.travel(clock.now() + STEP, tick=False):
        sent = page.fields(page.form_of("继续"))
        answer = page.client.post("/account/second-step", data={**sent, "code": code("李晚晴")})

    assert answer.status_code == 303
    assert not leads_away(answer.headers["Location"])
    assert (answer.headers["Location"] == "/notices/") is (to == "/notices/")


def test_a_lost_passkey_is_taken_out_by_its_owner_with_a_fresh_proof_only(as_):
    client = as_("孙立德")
    for number, name in enumerate(("我的手机", "丢了的平板")):
        made = Passkey(
            person_id=person("孙立德").id,
            name=name,
            credential_id=bytes([number]) * 16,
            public_key=b"p",
            created_at=clock.now(),
        )
        db.session.add(made)
    db.session.commit()
    lost = db.session.scalars(select(Passkey).where(Passkey.name == "丢了的平板")).one()
    page = client.page("/account/passkeys")
    assert "丢了的平板" in page.text
    removal = f"/account/passkeys/{lost.public_id}/removal"
    token = next(element.get("value") for element in page.all("input", name="csrf_token"))
    db.session.execute(update(AuthSession).values(proved_at=None))
    db.session.commit()
    client.post(removal, data={"csrf_token": token})
    assert db.session.scalars(select(Passkey.name)).all().count("丢了的平板") == 1
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    db.session.commit()
    other = as_("王雪")
    foreign = next(
        element.get("value") for element in other.page("/account/").all("input", name="csrf_token")
    )
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    db.session.commit()
    assert other.send(removal, {"csrf_token": foreign}).status == 404
    gone = client.send(removal, {"csrf_token": token})

    assert gone.status == 200 and "已移除" in gone.text
    assert [key.name for key in db.session.scalars(select(Passkey))] == ["我的手机"]
    assert noted("account.passkey_removed") == 1


def told(name: str) -> int:
    wanted = select(Delivery.id).where(
        Delivery.kind == "account.changed", Delivery.person_id == person(name).id
    )
    return len(db.session.scalars(wanted).all())


def test_the_owner_is_told_by_message_of_every_change_of_a_way_in(as_):
    """ASVS 6.3.7: app, codes on paper, password and app again; the control: looking at all of it tells nothing."""
    client = as_("孙立德")
    for path in (
        "/account/authenticator",
        "/account/passkeys",
        "/account/recovery-codes",
        "/account/password",
    ):
        client.page(path)
    assert told("孙立德") == 0
    set_up(client)
    assert told("孙立德") == 1
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    db.session.commit()
    client.page("/account/recovery-codes").press("换十个新的恢复码")
    assert told("孙立德") == 2
    client.page("/account/password").press("修改密码", present=PASSWORD, new="一串谁也想不到的新口令和晚饭")
    assert told("孙立德") == 3
    client.page("/account/authenticator").press("移除验证器")
    assert told("孙立德") == 4
    assert "登录方式有改动" in client.page("/messages/").text


def test_no_change_of_a_way_in_is_logged_without_a_message():
    """Whoever logs one of these actions does it through ``way_changed``; only codes that come with an app, and the password
    that ends a recovery, are told by the message of that."""
    logged = {}
    for path in (ROOT / "portal").rglob("*.py"):
        for action in telling.CHANGES:
            if f'note("{action}"' in path.read_text(encoding="utf-8"):
                logged[action] = path.name

    assert logged == {
        "account.recovery_codes_made": "second_factors.py",
        "account.password_changed": "second_step.py",
    }
