"""kill -9 while messages are handed over: none is lost, none is sent twice, and what nobody can know is marked so (R6)."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from flask import current_app
from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.config import ROOT
from portal.deliveries.gateway import Gateway
from portal.deliveries.kinds import KINDS, Kind
from portal.deliveries.mail import Mail
from portal.deliveries.models import Delivery, State
from portal.deliveries.sending import send
from portal.extensions import db
from tests.deliveries.gateways import mail_server, sms_server
from tests.deliveries.sender import KIND

ROUNDS = 20
ROUNDS_OF_SOAK = 200
MESSAGES = 4
SECONDS_TO_SETTLE = 240

pytestmark = pytest.mark.timeout(900)


class Sender:
    """The process that sends, killed and started again."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        surroundings = {**os.environ, "INSTANCE_DIR": str(folder), "PYTHONPATH": str(ROOT), **settings}
        surroundings.pop("DATABASE_URL", None)
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.deliveries.sender"],
            cwd=ROOT, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.child = 0

    def start(self) -> None:
        assert self.nursery.stdin and self.nursery.stdout
        self.nursery.stdin.write("\n")
        self.nursery.stdin.flush()
        self.child = int(self.nursery.stdout.readline())

    def kill(self) -> None:
        child, self.child = self.child, 0
        if child:
            os.kill(child, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        self.nursery.kill()
        self.nursery.communicate()


@pytest.fixture
def writes(app):
    """``writes(3)`` puts three messages into the outbox, as a request would."""
    kind = Kind(KIND, subject="x", text="%(number)s", takes=("number",))
    person = db.session.scalars(select(Person).where(Person.name == "李晚晴")).one()
    person.email = "liwanqing@example.com"
    written = iter(range(10**6))

    def write(count: int, **named: str) -> None:
        for _message in range(count):
            send(person, KIND, {"number": next(written)}, **named)
            db.session.commit()

    yield write
    del KINDS[kind.name]


@contextmanager
def sender(home: Path, **settings: str) -> Iterator[Sender]:
    found = Sender(home, settings)
    try:
        yield found
    finally:
        found.close()


def rehearse(found, gateway, write, rounds, random, **named):
    """Kill at a random moment, and every other time after the provider has taken a message but before it answers."""
    for turn in range(rounds):
        if turn % 2:
            left = random.randrange(MESSAGES)
            gateway.after = killing(found, left)
        write(MESSAGES, **named)
        found.start()
        time.sleep(random.uniform(0, 0.25) if not turn % 2 else 0.25)
        found.kill()
        gateway.after = lambda: None
    found.start()
    end = time.monotonic() + SECONDS_TO_SETTLE
    open_states = (State.WAITING, State.SENDING)
    while db.session.scalar(select(func.count(Delivery.id)).where(Delivery.state.in_(open_states))):
        db.session.rollback()
        assert time.monotonic() < end, "the outbox does not empty"
        time.sleep(0.05)
    found.kill()


def killing(found, left):
    """What a provider does after taking a message: nothing, until it is time for the kill."""
    counter = iter(range(left, -1, -1))

    def after():
        if next(counter, None) == 0:
            found.kill()

    return after


def states():
    """Key → state of every message the rehearsal wrote."""
    rows = db.session.execute(select(Delivery.public_id, Delivery.state).where(Delivery.kind == KIND))
    return {key: state for key, state in rows}


def compare(taken: Counter[str], kept: dict[str, str]) -> dict[str, list[str]]:
    """What must not be: sent twice, marked as sent and never taken, left out, taken and marked as failed."""
    return {
        "doubled": sorted(key for key, times in taken.items() if times > 1),
        "lost": sorted(key for key, state in kept.items() if state == State.SENT and not taken[key]),
        "given up": sorted(key for key, state in kept.items() if state not in (State.SENT, State.UNKNOWN)),
    }


def nothing(found: dict[str, list[str]]) -> bool:
    return not any(found.values())


def with_keys(home, write, rounds, record):
    with (
        sms_server() as server,
        sender(home, PORTAL_SMS_URL=server.url, PORTAL_SMS_REPEATABLE="true") as found,
    ):
        as_the_sender_sends(server)
        rehearse(found, server, write, rounds, Random(6), channel="sms")
    kept = states()
    assert nothing(compare(server.times(), kept))
    assert set(kept.values()) == {State.SENT}
    record("sent", len(kept))
    record("handed over again", len(server.headers) - len(server.taken))
    assert len(kept) == rounds * MESSAGES
    assert len(server.headers) > len(server.taken), "no kill met a message on its way"


def as_the_sender_sends(server):
    """The outbox of this process writes for the channels the sending process has."""
    channels = current_app.extensions["portal.channels"]
    channels["sms"] = Gateway(getattr(server, "url", "http://127.0.0.1:9/"))
    channels["email"] = Mail("smtp://127.0.0.1:9", "no-reply@example.cn")


@pytest.fixture(autouse=True)
def channels_as_before(app):
    kept = dict(app.extensions["portal.channels"])
    yield
    app.extensions["portal.channels"] = kept


def test_with_a_key_at_the_provider_each_message_arrives_once(home, writes, record_property):
    with_keys(home, writes, ROUNDS, record_property)


def without_keys(home, write, rounds, record):
    with sms_server(knows_keys=False) as server, sender(home, PORTAL_SMS_URL=server.url) as found:
        as_the_sender_sends(server)
        rehearse(found, server, write, rounds, Random(7), channel="sms")
    kept = states()
    assert nothing(compare(server.times(), kept))
    unknown = sum(state == State.UNKNOWN for state in kept.values())
    record("sent", len(kept) - unknown)
    record("unknown", unknown)
    assert unknown, "no kill met a message on its way"


def test_without_a_key_what_is_in_doubt_is_never_sent_again(home, writes, record_property):
    without_keys(home, writes, ROUNDS, record_property)


def by_mail(home, write, rounds, record):
    with (
        mail_server() as (letters, url),
        sender(home, PORTAL_SMTP_URL=url, PORTAL_MAIL_FROM="no-reply@example.cn") as found,
    ):
        as_the_sender_sends(letters)
        rehearse(found, letters, write, rounds, Random(8), channel="email")
    keys = Counter(
        line.split(b"<")[1].split(b"@")[0].decode()
        for _sender, _to, content in letters.taken
        for line in content.splitlines()
        if line.startswith(b"Message-ID")
    )
    kept = states()
    assert nothing(compare(keys, kept))
    unknown = sum(state == State.UNKNOWN for state in kept.values())
    record("sent", len(kept) - unknown)
    record("unknown", unknown)
    assert unknown, "no kill met a letter on its way"


def test_letters_in_doubt_are_never_sent_again(home, writes, record_property):
    by_mail(home, writes, ROUNDS, record_property)


def test_a_provider_that_forgets_keys_is_found_out(home, writes):
    """The control: told that keys are known where they are not, the same harness finds doubled messages."""
    with (
        sms_server(knows_keys=False) as server,
        sender(home, PORTAL_SMS_URL=server.url, PORTAL_SMS_REPEATABLE="true") as found,
    ):
        as_the_sender_sends(server)
        rehearse(found, server, writes, ROUNDS // 2, Random(9), channel="sms")
    assert compare(server.times(), states())["doubled"]


def test_the_comparison_finds_what_is_seeded():
    kept = {"a": State.SENT, "b": State.SENT, "c": State.FAILED, "d": State.UNKNOWN}
    assert compare(Counter(a=2, d=1), kept) == {"doubled": ["a"], "lost": ["b"], "given up": ["c"]}


@pytest.mark.soak
def test_with_a_key_for_long(home, writes, record_property):
    with_keys(home, writes, ROUNDS_OF_SOAK, record_property)


@pytest.mark.soak
def test_without_a_key_for_long(home, writes, record_property):
    without_keys(home, writes, ROUNDS_OF_SOAK, record_property)


@pytest.mark.soak
def test_letters_for_long(home, writes, record_property):
    by_mail(home, writes, ROUNDS_OF_SOAK, record_property)
