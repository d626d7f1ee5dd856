"""Guessing passwords: pauses that grow, the end after a hundred, the true person on a known device, nothing told of accounts."""

import itertools
import random
import statistics
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal import clock
from portal.accounts import guessing, passwords
from portal.accounts.models import Failures, Person
from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from tests.accounts.test_second_factor import set_up
from tests.accounts.test_sign_in import sign_in

WRONG = "不是这个密码不是这个密码"


def test_pauses_grow_from_nothing_to_an_hour():
    pauses = [guessing.pause_after(failures) for failures in range(guessing.MOST)]

    assert pauses[: guessing.FREE] == [timedelta()] * guessing.FREE
    assert pauses[guessing.FREE : guessing.FREE + 4] == [timedelta(minutes=one) for one in (1, 2, 4, 8)]
    assert pauses == sorted(pauses)
    assert max(pauses) == guessing.LONGEST_PAUSE
    assert sum(pauses, timedelta()) > timedelta(days=3)


@given(st.integers(0, 300), st.integers(0, 10_000))
def test_a_try_is_looked_at_only_after_its_pause(failures, seconds):
    now = clock.now()
    refused = guessing.judge(failures, now - timedelta(seconds=seconds), now)

    if failures >= guessing.MOST:
        assert refused == guessing.Refused(None)
    else:
        assert (refused is None) is (timedelta(seconds=seconds) >= guessing.pause_after(failures))


def attack(tries: int, accounts: int, seed: int) -> tuple[int, int, dict[int, int]]:
    """Guess a common list against many accounts, as fast as allowed, one try a second and account: (successes, looked at, most per account).

    One account has a password of that list; each other one has a password that is not on it.
    """
    chance = random.Random(seed)
    words = sorted(passwords.common())[:2_000]
    weak = chance.randrange(accounts)
    right = {account: chance.choice(words[:50]) if account == weak else None for account in range(accounts)}
    state: dict[int, tuple[int, object]] = {}
    now, found, looked_at = clock.now(), set(), dict.fromkeys(range(accounts), 0)
    guesses = itertools.cycle(words)
    for turn in range(tries):
        account = turn % accounts
        now += timedelta(seconds=1)
        failures, last_at = state.get(account, (0, now))
        if guessing.judge(failures, last_at, now) is not None:
            continue
        looked_at[account] += 1
        if right[account] is not None and right[account] == next(guesses):
            found.add(account)
        state[account] = (failures + 1, now)
    return len(found - {weak}), sum(looked_at.values()), looked_at


def test_five_thousand_guesses_find_nothing_but_a_weak_account():
    others, _total, per_account = attack(5_000, 20, 1)

    assert others == 0
    assert max(per_account.values()) <= guessing.MOST


@pytest.mark.soak
def test_a_hundred_thousand_guesses_find_nothing_but_a_weak_account(record_property):
    for accounts in (1, 50, 1_000):
        others, total, per_account = attack(100_000, accounts, accounts)
        record_property(
            f"of 100000 guesses at {accounts}", f"{total} looked at, at most {max(per_account.values())} each"
        )
        assert others == 0
        assert max(per_account.values()) <= guessing.MOST


def test_the_true_person_on_a_known_device_gets_in_while_strangers_guess(as_):
    mine = as_(None)
    sign_in(mine, "liwanqing", PASSWORD)
    mine.page("/account/").press("退出这台设备")
    for _turn in range(guessing.FREE + 3):
        last = sign_in(as_(None), "liwanqing", WRONG)
    assert last.status == 429
    assert sign_in(as_(None), "liwanqing", PASSWORD).status == 429

    assert sign_in(mine, "liwanqing", PASSWORD).path == "/"


def test_after_a_hundred_failures_only_another_way_leads_in(as_):
    mine = as_(None)
    sign_in(mine, "liwanqing", PASSWORD)
    mine.page("/account/").press("退出这台设备")
    sign_in(as_(None), "liwanqing", WRONG)
    row = db.session.scalars(select(Failures)).one()
    row.count = guessing.MOST
    db.session.commit()
    with time_machine.travel(clock.now() + timedelta(days=3), tick=False):
        page = sign_in(as_(None), "liwanqing", PASSWORD)
        assert page.status == 429
        assert "以前登录过的设备" in page.text
        assert sign_in(mine, "liwanqing", PASSWORD).path == "/"
        assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"


def test_even_a_known_device_gets_slow(as_):
    mine = as_(None)
    sign_in(mine, "liwanqing", PASSWORD)
    mine.page("/account/").press("退出这台设备")
    for _turn in range(guessing.FREE):
        assert sign_in(mine, "liwanqing", WRONG).status == 422

    assert sign_in(mine, "liwanqing", PASSWORD).status == 429
    assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"


def answers(as_, names, password, times=1):
    return [
        (page.status, page.text)
        for name in names
        for page in [sign_in(as_(None), name, password) for _turn in range(times)][-1:]
    ]


def test_nothing_tells_an_account_from_none(as_):
    number = db.session.scalars(select(Person).where(Person.name == "李晚晴")).one().phone.removeprefix("+86")
    set_up(as_("王雪"))
    names = ["liwanqing", number, "wangxue", "nobody-here", "19900099999", "1", "x" * 100]

    assert len(set(answers(as_, names, WRONG))) == 1
    assert len(set(answers(as_, names, WRONG, guessing.FREE + 1))) == 1


@pytest.mark.parametrize("write", ["+86 {}", "{} ", "٠", "full width"])
def test_a_number_is_one_account_however_it_is_written(as_, write):
    number = db.session.scalars(select(Person).where(Person.name == "李晚晴")).one().phone.removeprefix("+86")
    written = {
        "٠": number.translate({ord("0") + one: 0x660 + one for one in range(10)}),
        "full width": number.translate({ord("0") + one: 0xFF10 + one for one in range(10)}),
    }.get(write) or write.format(number)
    sign_in(as_(None), "liwanqing", WRONG)
    page = sign_in(as_(None), written, WRONG)

    assert page.status == 422
    assert [row.count for row in db.session.scalars(select(Failures))] == [2]


def test_a_thousand_at_once_are_hashed_one_by_one(app, monkeypatch):
    """The real hash, counted: never two at work in one process."""
    at_work, most = [0], [0]
    lock = threading.Lock()
    whole = PasswordHasher.verify

    def counted(*given):
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        try:
            return whole(*given)
        finally:
            with lock:
                at_work[0] -= 1

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    stored = passwords.hashed(PASSWORD)

    def check(context):
        with context:
            assert passwords.matches(stored, PASSWORD)

    threads = [threading.Thread(target=check, args=(app.app_context(),)) for _one in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most[0] == 1


def test_tries_at_the_same_moment_do_not_slip_through(app):
    name = guessing.key("account", "person 1")
    taken, barrier = [], threading.Barrier(8)

    def knock():
        with app.app_context():
            barrier.wait()
            for _turn in range(5):
                if guessing.count(name) is None:
                    taken.append(1)
                db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=knock) for _one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == guessing.FREE


def gaps(as_, pairs: int) -> tuple[float, float, float]:
    """Milliseconds at the median for a known account, an unknown one, and between the two of each pair."""
    browser, measured = as_(None), []
    page = browser.page("/account/sign-in")
    fields = page.fields(page.form_of("登录"))
    for turn in range(pairs):
        pair = {}
        names = [("known", "liwanqing"), ("unknown", f"nobody-{turn}")]
        random.Random(turn).shuffle(names)
        for kind, name in names:
            guessing.forget_person(
                db.session.scalar(select(Person.id).where(Person.account_name == "liwanqing"))
            )
            db.session.commit()
            started = time.perf_counter()
            answer = browser.post(
                "/account/sign-in",
                data={**fields, "name": [name], "password": [WRONG]},
                environ_overrides={"REMOTE_ADDR": f"10.{turn // 250 % 250}.{turn % 250}.{len(pair)}"},
            )
            pair[kind] = (time.perf_counter() - started) * 1000
            assert answer.status_code == 422
        measured.append(pair)
    known = statistics.median(pair["known"] for pair in measured)
    unknown = statistics.median(pair["unknown"] for pair in measured)
    return known, unknown, statistics.median(pair["known"] - pair["unknown"] for pair in measured)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_known_and_unknown_accounts_take_the_same_time(app, as_, monkeypatch, record_property):
    monkeypatch.setitem(app.config, "PASSWORD_MEMORY_KIB", 19_456)
    person = db.session.scalars(select(Person).where(Person.account_name == "liwanqing")).one()
    person.password_hash = passwords.hashed(PASSWORD)
    db.session.commit()
    gaps(as_, 20)
    known, unknown, gap = gaps(as_, 2_000)
    record_property("milliseconds", f"known {known:.2f}, unknown {unknown:.2f}, median gap {gap:+.2f}")

    assert abs(gap) < 2
