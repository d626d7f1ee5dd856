"""Which passwords will do, and what happens to those that are strange, long or written in another form."""

import unicodedata
from datetime import timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import clock
from portal.accounts import passwords
from portal.accounts.knowing import own_words
from portal.accounts.models import Person
from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from scripts import common_passwords
from tests.accounts.test_sign_in import sign_in

GOOD = ("溪边有一棵很老很老的柳树会唱歌", "correct staple horse battery", "xibian-liushu-qing", "7 geese fly north at dawn", "éàü ñandú über café olé")  # fmt: skip


def person(name: str) -> Person:
    return db.session.query(Person).filter_by(name=name).one()


def test_the_list_of_common_passwords_is_long_and_made_by_its_script():
    kept = common_passwords.TARGET.read_text(encoding="utf-8").split()

    assert kept == common_passwords.passwords()
    assert len(kept) >= 10_000


@pytest.mark.parametrize("password", GOOD)
def test_long_sentences_in_any_script_will_do(app, password):
    assert passwords.objection(password) is None


@pytest.mark.parametrize(
    "password",
    ["123456789012345", "1qaz2wsx3edc4rfv", "qwertyuiopqwertyuiop", "aaaaaaaaaaaaaaaaaa", "password12345678", "Woaini1314!!!!!!",
     "abcabcabcabcabcabc", "passwordpassword", "ｐａｓｓｗｏｒｄ１２３４５６７８", "zhangsan20262026", "qwertyuiop123456", "19880808198808081"],
)  # fmt: skip
def test_what_everybody_tries_will_not_do(app, password):
    assert "用的人太多" in (passwords.objection(password) or "") or "Many people" in (
        passwords.objection(password) or ""
    )


def test_length_is_fifteen_alone_and_eight_with_a_second_factor(app):
    short, long = "柳树会唱歌呀呀喂喂", "溪边有一棵很老很老的柳树会唱歌"

    assert passwords.objection(short) is not None
    assert passwords.objection(short, alone=False) is None
    assert passwords.objection("柳树会唱歌呀呀", alone=False) is not None
    assert passwords.objection(long) is None
    assert passwords.objection("柳树" * 40 + "会唱歌") is None
    assert passwords.objection("a1b!" * 51) is not None


@pytest.mark.parametrize("word", ["李晚晴", "liwanqing", "望溪小学", "陈小满"])
def test_own_names_and_those_of_child_and_school_make_no_password(app, word):
    words = own_words(person("李晚晴"))
    if word not in words:
        word = next(one for one in words if one.startswith(word[0]))

    assert passwords.objection(word + "-2026-09", *words, alone=False) is not None
    assert passwords.objection(f"{word} 每天七点起床去河边跑步", *words) is None


def test_the_profile_for_assessors_asks_staff_for_kinds_and_changes(app, monkeypatch):
    plain = "xibian liushu qing qing"
    assert passwords.objection(plain, staff=True) is None
    assert not passwords.needs_change(clock.now() - timedelta(days=181), staff=True)
    monkeypatch.setitem(app.config, "PASSWORD_PROFILE", "djbh")

    assert passwords.objection(plain, staff=True) is not None
    assert passwords.objection(plain, staff=False) is None
    assert passwords.objection("Xibian liushu 7", staff=True) is None
    assert passwords.needs_change(clock.now() - timedelta(days=181), staff=True)
    assert not passwords.needs_change(clock.now() - timedelta(days=181), staff=False)
    assert not passwords.needs_change(clock.now() - timedelta(days=179), staff=True)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=60))
def test_any_characters_work_in_any_form(app, password):
    stored = passwords.hashed(password)

    for form in ("NFC", "NFD"):
        assert passwords.matches(stored, unicodedata.normalize(form, password))
    assert not passwords.matches(stored, password + "x")


@pytest.mark.parametrize("password", ["", " ", "a", "\x00", "a\x00b", "x" * 64, "x" * 65, "x" * 4096])
def test_strange_passwords_are_simply_wrong(as_, password):
    page = sign_in(as_(None), "liwanqing", password)

    assert page.status == 422
    assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"


def test_sixty_four_characters_are_kept_whole(app):
    stored = passwords.hashed("x" * 64)

    assert passwords.matches(stored, "x" * 64)
    assert not passwords.matches(stored, "x" * 65)


def test_what_is_too_long_is_refused_before_it_is_hashed(as_, app, monkeypatch):
    hashed = []
    whole = PasswordHasher.verify
    monkeypatch.setattr(PasswordHasher, "verify", lambda *given: hashed.append(1) or whole(*given))
    assert sign_in(as_(None), "liwanqing", "x" * 4096).status == 422
    assert sign_in(as_(None), "liwanqing", "x" * 10_000_000).status == 413
    assert hashed == []
    sign_in(as_(None), "liwanqing", "x")
    assert hashed == [1]


def test_a_full_width_password_is_another_one(as_):
    wide = PASSWORD.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})

    assert sign_in(as_(None), "liwanqing", wide).status == 422


def test_hashes_with_old_parameters_are_made_anew_at_sign_in(as_):
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    person("李晚晴").password_hash = old
    db.session.commit()
    assert sign_in(as_(None), "liwanqing", PASSWORD).path == "/"
    new = person("李晚晴").password_hash

    assert new != old
    assert passwords.matches(new, PASSWORD)
    assert not passwords.is_outdated(new)


def test_the_clock_is_not_asked_for_passwords_that_need_no_change(app):
    with time_machine.travel(clock.now() + timedelta(days=4000), tick=False):
        assert not passwords.needs_change(None, staff=True)
