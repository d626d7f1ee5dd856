"""The outbox: once each, on the right way, in fixed words, forgotten in time."""

import email
import email.policy
from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal import clock, i18n
from portal.accounts.models import Person
from portal.config import Settings
from portal.deliveries import jobs
from portal.deliveries.channels import Dry, Message
from portal.deliveries.configuring import channels
from portal.deliveries.gateway import Gateway
from portal.deliveries.kinds import KINDS, Kind, Unfit, fit
from portal.deliveries.mail import Mail
from portal.deliveries.models import Delivery, State, masked
from portal.deliveries.sending import CAPS, send
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from tests.deliveries.gateways import mail_server, sms_server

CODE = Kind(
    "tests.code",
    subject=_l("Sign in"),
    text="%(place)s %(code)s",
    takes=("place", "code"),
    secret=("code",),
    lasts=timedelta(minutes=10),
    capped=True,
    path="/messages/",
)
VALUES = {"place": "云溪县教育局", "code": "48213907"}


@pytest.fixture
def mother(app):
    person = db.session.scalars(select(Person).where(Person.name == "李晚晴")).one()
    if not hasattr(Person, "email"):
        person.email = None
    return person


@pytest.fixture
def through(app):
    """``through(sms=Gateway(…))`` sends on these ways for one test."""
    kept = dict(app.extensions["portal.channels"])

    def use(**named):
        app.extensions["portal.channels"] = {"dry": Dry(), **named}

    yield use
    app.extensions["portal.channels"] = kept


def sent(person, values=VALUES, **named):
    row = send(person, "tests.code", values, **named)
    db.session.commit()
    jobs.deliver_waiting()
    return db.session.get_one(Delivery, row.id)


def again(row, minutes=1):
    with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=False):
        jobs.sweep()
    db.session.expire_all()
    return db.session.get_one(Delivery, row.id)


def test_without_a_channel_the_message_is_kept_for_the_operator_and_in_no_log(app, mother, caplog):
    row = sent(mother)
    listed = app.test_cli_runner().invoke(args=["deliveries", "list"]).output

    assert (row.state, row.channel) == (State.SENT, "dry")
    assert "云溪县教育局 48213907" in listed
    assert "48213907" not in caplog.text


def test_nothing_is_written_when_the_change_is_undone(app, mother):
    send(mother, "tests.code", VALUES)
    db.session.rollback()

    assert db.session.scalar(select(Delivery.id)) is None


def test_one_occasion_gives_one_message(app, mother):
    first, second = sent(mother, key="a"), sent(mother, key="a")

    assert first.id == second.id
    assert sent(mother, key="b").id != first.id


def test_the_gateway_gets_number_text_and_key(app, mother, through):
    with sms_server() as server:
        through(sms=Gateway(server.url, "the key of the gateway"))
        row = sent(mother)

    (body,) = server.taken
    assert body == {"to": mother.phone, "text": "云溪县教育局 48213907", "key": row.public_id}
    assert server.headers[0]["Idempotency-Key"] == row.public_id
    assert server.headers[0]["Authorization"] == "Bearer the key of the gateway"
    assert (row.state, row.provider_id, row.attempts) == (State.SENT, "n1", 1)
    assert row.values == {"place": "云溪县教育局", "code": "•"}


def test_the_mail_server_gets_a_letter_with_a_link_to_the_portal_only(app, mother, through, monkeypatch):
    monkeypatch.setitem(app.config, "ADDRESS", "https://jiaxiao.example.cn/")
    with mail_server() as (letters, url):
        through(email=Mail(url, "共育 <no-reply@example.cn>"))
        row = sent(mother, recipient="liwanqing@example.com")

    sender, to, content = letters.taken[0]
    letter = email.message_from_bytes(content, policy=email.policy.SMTP)
    assert (sender, to) == ("no-reply@example.cn", ["liwanqing@example.com"])
    assert letter["Subject"] == "登录"
    assert "48213907" in letter.get_content()
    assert letter.get_content().strip().endswith("https://jiaxiao.example.cn/messages/")
    assert row.state == State.SENT


def test_a_text_message_carries_no_link(app, mother, through, monkeypatch):
    monkeypatch.setitem(app.config, "ADDRESS", "https://jiaxiao.example.cn")
    with sms_server() as server:
        through(sms=Gateway(server.url))
        sent(mother)

    assert "http" not in server.taken[0]["text"]


def test_no_value_adds_a_header_to_a_letter():
    mail = Mail("smtp://localhost", "no-reply@example.cn")

    with pytest.raises(ValueError):
        mail.written(Message("k", "a@example.com\r\nBcc: b@example.com", "s", "t"))
    with pytest.raises(ValueError):
        mail.written(Message("k", "a@example.com", "s\r\nBcc: b@example.com", "t"))


@pytest.mark.parametrize(
    "status, state", [(400, "failed"), (302, "failed"), (429, "waiting"), (503, "unknown")]
)
def test_what_the_gateway_says_decides(app, mother, through, status, state):
    with sms_server() as server:
        server.before = lambda: status
        through(sms=Gateway(server.url))
        row = sent(mother)

    assert row.state == state
    assert server.taken == []


def test_a_gateway_that_is_down_gets_it_later(app, mother, through):
    with sms_server() as server:
        url = server.url
    through(sms=Gateway(url))
    row = sent(mother)
    assert (row.state, row.attempts) == (State.WAITING, 1)

    with sms_server() as server:
        through(sms=Gateway(server.url))
        row = again(row)
    assert (row.state, len(server.taken)) == (State.SENT, 1)


def test_tries_end_and_the_text_goes(app, mother, through):
    with sms_server() as server:
        url = server.url
    through(sms=Gateway(url))
    row = sent(mother)
    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        jobs.sweep()
    db.session.expire_all()

    assert (row.state, row.problem, row.values) == (State.FAILED, "expired", None)


@pytest.mark.parametrize(
    "refusal, state", [("550 no such user", State.FAILED), ("451 later please", State.WAITING)]
)
@pytest.mark.parametrize("where", ["refuse", "refuse_recipient"])
def test_what_the_mail_server_says_decides(app, mother, through, refusal, state, where):
    with mail_server() as (letters, url):
        setattr(letters, where, refusal)
        through(email=Mail(url, "no-reply@example.cn"))
        row = sent(mother, recipient="liwanqing@example.com")

    assert row.state == state


def test_silence_after_the_text_is_doubt_and_is_not_sent_again(app, mother, through):
    with mail_server() as (letters, url):
        letters.silent = True
        through(email=Mail(url, "no-reply@example.cn"))
        row = sent(mother, recipient="liwanqing@example.com")
        assert row.state == State.UNKNOWN
        row = again(row, minutes=9)

    assert (row.state, len(letters.taken)) == (State.UNKNOWN, 1)


def left_sending(person):
    """A delivery whose process died after claiming it."""
    row = send(person, "tests.code", VALUES)
    db.session.commit()
    assert jobs._claim(row.id) is not None
    return db.session.get_one(Delivery, row.id)


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize(
    "keyed, asked, expected",
    [(True, False, (State.SENT, 1)), (False, True, (State.SENT, 1)), (False, False, (State.UNKNOWN, None))],
)
def test_after_a_crash_nothing_is_sent_on_a_guess(app, mother, through, arrived, keyed, asked, expected):
    with sms_server(knows_keys=keyed) as server:
        status = server.url.replace("messages", "status") if asked else ""
        through(sms=Gateway(server.url, repeatable=keyed, status_url=status))
        row = left_sending(mother)
        if arrived:
            server.take({"key": row.public_id})
        row = again(row, minutes=4)
        row = again(row, minutes=5)

    state, count = expected
    assert row.state == state
    assert len(server.taken) == (int(arrived) if count is None else count)


def test_the_operator_settles_what_is_in_doubt(app, mother, through):
    through(sms=Gateway("http://127.0.0.1:9/"))
    row = left_sending(mother)
    row = again(row, minutes=4)
    run = app.test_cli_runner().invoke
    listed = run(args=["deliveries", "list", "--state", "unknown"]).output
    assert row.public_id in listed
    assert "48213907" not in listed

    assert run(args=["deliveries", "settle", row.public_id, "sent"]).exit_code == 0
    db.session.expire_all()
    assert row.state == State.SENT
    assert run(args=["deliveries", "settle", row.public_id, "sent"]).exit_code == 1


def test_a_second_run_claims_nothing(app, mother, through):
    with sms_server() as server:
        through(sms=Gateway(server.url))
        row = sent(mother)
        jobs.deliver(delivery_id=row.id)
        jobs.sweep()

    assert len(server.taken) == 1


def test_who_lost_the_lease_writes_nothing(app, mother):
    row = left_sending(mother)
    held = jobs.Delivery(id=row.id, attempts=0)
    jobs._note(held, jobs.Answer(jobs.Fate.TAKEN))

    assert row.state == State.SENDING


def test_no_more_codes_to_one_number_than_providers_allow(app, mother, through):
    with sms_server() as server:
        through(sms=Gateway(server.url))
        start = clock.now()
        for minute in range(0, 26 * 60, 3):
            with time_machine.travel(start + timedelta(minutes=minute), tick=False):
                sent(mother)
                row = sent(mother)
                assert (row.state, row.problem) == (State.FAILED, "capped")

    at = db.session.scalars(select(Delivery.created_at).where(Delivery.problem != "capped")).all()
    assert len(server.taken) == len(at)
    for span, most in CAPS:
        for first in at:
            assert sum(first <= other < first + span for other in at) <= most
    assert len(at) > 10


def test_whom_no_way_reaches_is_said(app, mother, through):
    through(sms=Gateway("http://127.0.0.1:9/"))
    mother.phone = None
    row = sent(mother)

    assert (row.state, row.problem) == (State.FAILED, "unreachable")


def test_after_thirty_days_only_history_is_left(app, mother):
    row = sent(mother)
    with time_machine.travel(clock.now() + timedelta(minutes=30), tick=False):
        jobs.forget_old()
    assert (row.values, row.recipient) == (None, mother.phone)
    with time_machine.travel(clock.now() + timedelta(days=31), tick=False):
        jobs.forget_old()

    assert (row.recipient, row.recipient_index, row.values, row.person_id) == (None, None, None, None)
    assert (row.kind, row.state) == ("tests.code", State.SENT)


def test_recipient_and_text_stand_sealed_in_the_database(app, home, mother):
    sent(mother, {"place": "云溪县教育局", "code": "48213907"}, recipient="liwanqing@example.com")
    db.session.remove()
    bytes_kept = b"".join((home / name).read_bytes() for name in ("portal.db", "portal.db-wal"))

    assert b"tests.code" in bytes_kept
    for secret in ("48213907", "liwanqing@example.com"):
        assert secret.encode() not in bytes_kept


HOSTILE = [
    "https://evil.example/a", "http://1.2.3.4", "www.evil.example", "evil.example", "evil.cn/x", "登录evil.com领取",
    "访问 evil.top", "点击t.cn", "例子.中国", "某某.公司", "1.2.3.4", "a@evil.example", "javascript:alert(1)",
    "data:text/html,x", "weixin://dl", "alipay:pay", "tel:110", "mailto:a", "xn--fiqs8s.xn--fiqs8s", "EVIL.COM",
    "a\nb", "a\r\nBcc: x", "a\tb", "a\x00b", "a\u202eb", "a\u200bb", "", "x" * 61, "ｅｖｉｌ．ｃｏｍ", "evil。com",
    "留守儿童", "单亲", "您的孩子", "学生陈一诺", "残疾证", "抑郁", "家暴", "离婚", "心理辅导", "your child", "Pupil",
]  # fmt: skip


@pytest.mark.parametrize("word", HOSTILE)
def test_what_no_message_may_carry_is_refused(app, mother, word):
    with pytest.raises(Unfit):
        send(mother, "tests.code", {**VALUES, "place": word})


@pytest.mark.parametrize(
    "word", ["云溪县教育局", "望溪小学", "48213907", "10", "Yunxi County", "南桥中学（东区）"]
)
def test_plain_names_pass(word):
    assert fit(word)


def test_a_value_too_many_or_too_few_is_refused(app, mother):
    for values in ({}, {"code": "1"}, {**VALUES, "more": "x"}):
        with pytest.raises(Unfit):
            send(mother, "tests.code", values)


@given(st.text(max_size=80))
def test_any_text_is_fit_or_refused_and_never_an_error(word):
    assert fit(word) in (True, False)


def test_settings_that_contradict_each_other_keep_the_portal_from_starting(tmp_path):
    with pytest.raises(ValueError):
        channels(Settings(instance=tmp_path, smtp_url="smtp://localhost"))
    assert set(channels(Settings(instance=tmp_path))) == {"dry"}


def test_one_sees_what_the_portal_sent_and_only_to_oneself(as_, mother):
    sent(mother)
    page = as_("李晚晴").page("/account/").links["门户发给我的消息"]

    assert masked(mother.phone) in as_("李晚晴").page(page).text
    assert masked(mother.phone) not in as_("王雪").page(page).text
    assert masked("li@example.com") == "l***@example.com"


FORBIDDEN_IN_TEXTS = ("http", "://", "www.", "孩子", "学生", "儿童", "家访", "child", "pupil", "student")


def texts(kind):
    for tag in ("zh-Hans", "zh-Hant", "en"):
        with i18n.speaking(tag):
            yield from kind.worded({name: "2026-11-27" if name in kind.days else "1" for name in kind.takes})


def faults(kind):
    """What is wrong with the fixed words of a kind."""
    return [word for text in texts(kind) for word in FORBIDDEN_IN_TEXTS if word in text.lower()]


def test_no_fixed_text_speaks_of_children_or_carries_a_link(app):
    assert {name: faults(kind) for name, kind in KINDS.items() if faults(kind)} == {}


def test_a_text_with_a_link_or_a_child_is_found(app):
    try:
        seeded = Kind("tests.seed", subject="x", text="点击 https://evil.example 查看孩子")
        assert faults(seeded) == ["http", "://", "孩子"] * 3
    finally:
        del KINDS["tests.seed"]
