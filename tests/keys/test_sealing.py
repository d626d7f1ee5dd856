"""Sealing: known answers, nothing opens in the wrong place, nothing is ever answered with empty text."""

import json
import os
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from portal import clock, create_app
from portal.config import Settings
from portal.extensions import db
from portal.keys import ciphers, keyring
from portal.keys.keyring import HEADER, Keyring, Master, Masters, new_field_key
from portal.keys.models import FieldKey
from portal.keys.sealing import (
    SEALED,
    KeyMissing,
    SealBroken,
    Sealed,
    SealedData,
    SealedText,
    blind_index,
    key_of,
    seal,
    unseal,
)

PLACE = ("person", "phone", "row-one")
AAD = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
NIST = {
    "key": "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    "nonce": "cafebabefacedbaddecaf888",
    "text": "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
    "b16aedf5aa0de657ba637b39",
    "locked": "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
    "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
}
"""Test case 16 of McGrew and Viega, The Galois/Counter Mode of Operation."""
RFC_8998 = {
    "key": "0123456789abcdeffedcba9876543210",
    "nonce": "00001234567800000000abcd",
    "text": "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffff"
    "eeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
    "locked": "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15"
    "a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec",
}
"""RFC 8998, appendix A.1."""


def in_memory(
    folder: Path, algorithm: int = ciphers.AES_256_GCM, branches: tuple[str, ...] = ("personal",)
) -> Keyring:
    """A keyring over a file of its own and field keys that stand in no database."""
    masters = Masters(folder / "master_keys")
    master = masters.add(clock.today(), only_first=True)
    rows = [new_field_key(master, algorithm, branch) for branch in branches]
    return Keyring(
        masters,
        algorithm,
        lambda: [(row["id"], row["branch"], row["master"], row["wrapped"]) for row in rows],
    )


@pytest.fixture(params=sorted(ciphers.CIPHERS))
def keys(request, tmp_path):
    """A keyring for each of the two ciphers."""
    return in_memory(tmp_path, ciphers.CIPHERS[request.param], ("personal", "narrative"))


@pytest.mark.parametrize(
    ("known", "lock", "unlock", "ready"),
    [
        (NIST, ciphers.aes_lock, ciphers.aes_unlock, AESGCM),
        (RFC_8998, ciphers.sm4_lock, ciphers.sm4_unlock, bytes),
    ],
)
def test_the_ciphers_give_the_published_answers(known, lock, unlock, ready):
    key, nonce, text, locked = (bytes.fromhex(known[name]) for name in ("key", "nonce", "text", "locked"))

    assert lock(ready(key), nonce, text, AAD) == locked
    assert unlock(ready(key), nonce, locked, AAD) == text
    with pytest.raises(InvalidTag):
        unlock(ready(key), nonce, locked[:-1] + b"\0", AAD)


def test_a_key_for_one_purpose_is_hkdf():
    """RFC 5869, A.1: the first block of its output."""
    secret = bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    purpose = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")

    assert ciphers.derived(secret, purpose, 32).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    )


def test_a_value_opens_in_its_place_only(keys):
    stored = seal("personal", "+8613800005678", *PLACE, keys=keys)

    assert unseal("personal", stored, *PLACE, keys=keys) == "+8613800005678"
    assert b"13800005678" not in stored
    for elsewhere in (
        ("person", "phone", "row-two"),
        ("person", "other", "row-one"),
        ("pupil", "phone", "row-one"),
    ):
        with pytest.raises(SealBroken, match=elsewhere[2]):
            unseal("personal", stored, *elsewhere, keys=keys)
    with pytest.raises(SealBroken, match="branch personal"):
        unseal("narrative", stored, *PLACE, keys=keys)


def test_whatever_is_changed_or_cut_does_not_open(keys):
    stored = seal("personal", "奶奶的电话", *PLACE, keys=keys)
    changed = [
        stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :] for place in range(len(stored))
    ]
    cut = [stored[:length] for length in range(len(stored))]

    for broken in [*changed, *cut, stored + b"\0"]:
        with pytest.raises(SealBroken):
            unseal("personal", broken, *PLACE, keys=keys)


def test_a_refusal_does_not_tell_what_was_sealed(keys):
    stored = seal("personal", "+8613800005678", *PLACE, keys=keys)
    with pytest.raises(SealBroken) as refused:
        unseal("personal", stored, "person", "phone", "row-two", keys=keys)

    assert "138" not in str(refused.value)


def test_without_its_master_key_nothing_opens(keys, tmp_path):
    stored = seal("personal", "+8613800005678", *PLACE, keys=keys)
    keys.masters.path.unlink()
    keys.reload()

    with pytest.raises(SealBroken, match="master key"):
        unseal("personal", stored, *PLACE, keys=keys)
    with pytest.raises(KeyMissing, match="flask doctor"):
        seal("personal", "x", *PLACE, keys=keys)
    assert not keys.masters.path.exists()


def test_another_master_key_under_the_same_name_is_noticed(keys):
    seal("personal", "x", *PLACE, keys=keys)
    [old] = keys.masters.all()
    keys.masters.path.write_text(Master(old.name, old.made_on, os.urandom(32)).line())

    with pytest.raises(SealBroken, match="does not open"):
        keys.reload()


def test_a_wrapped_key_belongs_to_its_branch_and_id(tmp_path):
    keys = in_memory(tmp_path)
    [master] = keys.masters.all()
    [(key_id, branch, _name, wrapped)] = keys._load()

    assert len(keyring.unwrap(master, key_id, branch, wrapped)) == 32
    for other in (
        (key_id, "safeguarding", wrapped),
        (key_id + 1, branch, wrapped),
        (key_id, branch, wrapped[:13]),
    ):
        with pytest.raises(SealBroken):
            keyring.unwrap(master, *other)


def test_what_either_cipher_sealed_opens_under_the_other_setting(tmp_path):
    keys = in_memory(tmp_path)
    stored = {}
    for algorithm in ciphers.CIPHERS.values():
        keys.algorithm = algorithm
        stored[algorithm] = seal("personal", "王雪", *PLACE, keys=keys)

    assert {value[1] for value in stored.values()} == set(ciphers.CIPHERS.values())
    assert {unseal("personal", value, *PLACE, keys=keys) for value in stored.values()} == {"王雪"}


def headers(count: int, keys: Keyring) -> list[bytes]:
    """What stands before so many sealed values: version, algorithm, key, nonce."""
    return [seal("personal", "", *PLACE, keys=keys)[: HEADER.size] for _turn in range(count)]


def uneven(nonces: list[bytes]) -> float:
    """How far the most uneven of the 24 columns is from even: the bytes of the nonces, and of what changes from one to the next.

    Chi square over the 256 values of a byte, in standard deviations from its mean.
    """
    whole = b"".join(nonces)
    number = int.from_bytes(whole, "big")
    changes = (number ^ (number >> 8 * ciphers.NONCE_BYTES)).to_bytes(len(whole), "big")
    worst = 0.0
    for text in (whole, changes[ciphers.NONCE_BYTES :]):
        for place in range(ciphers.NONCE_BYTES):
            column = text[place :: ciphers.NONCE_BYTES]
            even = len(column) / 256
            chi = sum((column.count(value) - even) ** 2 / even for value in range(256))
            worst = max(worst, abs(chi - 255) / (2 * 255) ** 0.5)
    return worst


def no_collision_and_no_pattern(count: int, keys: Keyring) -> None:
    found = headers(count, keys)

    assert len(set(found)) == count
    assert uneven([one[-ciphers.NONCE_BYTES :] for one in found]) < EVEN


EVEN = 7.0
"""Standard deviations: 24 honest columns come this far about once in a hundred million runs."""


def test_no_nonce_comes_twice(tmp_path):
    no_collision_and_no_pattern(100_000, in_memory(tmp_path))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_nonce_comes_twice_in_ten_million(tmp_path):
    no_collision_and_no_pattern(10_000_000, in_memory(tmp_path))


def test_a_repeated_nonce_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(keyring.os, "urandom", lambda length: b"\7" * length)

    assert len(set(headers(5, in_memory(tmp_path)))) == 1


def test_a_pattern_would_be_seen():
    """The control: a counter, and random bytes of which one bit always changes."""
    counted = [number.to_bytes(12, "big") for number in range(20_000)]
    flipping = [
        bytes([os.urandom(1)[0] & 0x7F | (number & 1) << 7]) + os.urandom(11) for number in range(20_000)
    ]

    assert uneven(counted) > 100
    assert uneven(flipping) > 100
    assert uneven([os.urandom(12) for _number in range(20_000)]) < EVEN


TEXTS = [
    "𠮷野家", "𠀀𪚥", "㛃", "\ue001", "葛\U000e0100", "神", "买买提·艾合买提", "买买提・艾合买提", "赵" * 160, "李",
    "O'Brien", "김민준", "👩‍👩‍👧‍👦", "\u202egnp.exe", "a\u200bb", "e" + "\u0301" * 500, "制表\t换行\n", "=1+1", "<script>",
    "{{7*7}}", "%s", "' OR 1=1", "\0", "", " ",
]  # fmt: skip
"""The texts of the names that go wrong elsewhere: four bytes, private use, variation, compatibility, direction, combining."""


@pytest.mark.parametrize("text", TEXTS)
def test_difficult_texts_come_back_as_they_were(keys, text):
    assert unseal("personal", seal("personal", text, *PLACE, keys=keys), *PLACE, keys=keys) == text


@given(text=st.text(max_size=300), row=st.text(min_size=1, max_size=22))
def test_any_text_comes_back_as_it_was(tmp_path_factory, text, row):
    keys = _shared(tmp_path_factory)

    assert (
        unseal("personal", seal("personal", text, "t", "c", row, keys=keys), "t", "c", row, keys=keys) == text
    )


def _shared(factory: pytest.TempPathFactory, made: list[Keyring] = []) -> Keyring:  # noqa: B006 - made once
    if not made:
        made.append(in_memory(factory.mktemp("keys")))
    return made[0]


def test_an_index_tells_equal_values_and_nothing_else():
    secret = b"k" * 32
    one = blind_index("person.phone", "+8613800005678", secret)

    assert len(one) == 15
    assert one == blind_index("person.phone", "+8613800005678", secret)
    assert one != blind_index("person.phone", "+8613800005679", secret)
    assert one != blind_index("pupil.identity_number", "+8613800005678", secret)
    assert one != blind_index("person.phone", "+8613800005678", b"other key" * 4)


def test_the_first_migration_makes_a_key_for_every_branch(app):
    rows = db.session.query(FieldKey).all()
    path = app.config["MASTER_KEYS_FILE"]

    assert sorted(row.branch for row in rows) == sorted(
        ["personal", "narrative", "safeguarding", "secret", "index", "trail"]
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert len({row.master for row in rows}) == 1
    stored = seal("safeguarding", "她说爸爸打人", "sealed_note", "body", "x")
    assert key_of(stored) in {row.id for row in rows}
    assert unseal("safeguarding", stored, "sealed_note", "body", "x") == "她说爸爸打人"


def test_a_lost_key_file_is_not_replaced_by_a_new_one(app):
    stored = seal("personal", "x", *PLACE)
    path: Path = app.config["MASTER_KEYS_FILE"]
    kept = path.read_bytes()
    path.unlink()
    try:
        keyring.ring().reload()
        with pytest.raises(SealBroken):
            unseal("personal", stored, *PLACE)
        with pytest.raises(KeyMissing):
            seal("personal", "x", *PLACE)
        assert not path.exists()
    finally:
        path.write_bytes(kept)
        path.chmod(0o600)
        keyring.ring().reload()
    assert unseal("personal", stored, *PLACE) == "x"


@pytest.mark.parametrize(
    "line", ["m1 2026-11-01", "m1 heute 00", "m1 2026-11-01 zz", "m1 2026-11-01 00ff", json.dumps({"a": 1})]
)
def test_a_key_file_that_is_not_one_is_refused_in_words(tmp_path, line):
    path = tmp_path / "master_keys"
    path.write_text(f"# a comment\n\n{line}\n")

    with pytest.raises(KeyMissing, match="line 3"):
        Masters(path).all()


def test_master_keys_are_added_at_the_end_and_dropped_by_name(tmp_path):
    masters = Masters(tmp_path / "deep" / "master_keys")
    day = clock.today()
    first = masters.add(day)

    assert masters.add(day, only_first=True) == first
    second = masters.add(day)
    assert masters.all() == [first, second]
    masters.drop([first.name])
    assert masters.all() == [second]
    assert masters.path.stat().st_mode & 0o777 == 0o600


def test_the_settings_name_file_and_cipher(tmp_path):
    settings = Settings(
        instance=tmp_path, database_url="", master_keys_file=tmp_path / "apart", cipher="sm4-gcm"
    )
    portal = create_app(settings, TESTING=True)

    assert portal.extensions["portal.keys"].masters.path == tmp_path / "apart"
    assert portal.extensions["portal.keys"].algorithm == ciphers.SM4_GCM


class Card:
    """A row as the descriptors need it."""

    __tablename__ = "card"
    public_id: str | None = None
    phone_sealed: bytes | None = None
    phone_index: bytes | None = None
    body_sealed: bytes | None = None
    facts_sealed: bytes | None = None

    phone = Sealed("personal", index="phone_index")
    body = SealedText("narrative")
    facts = SealedData("personal")


for own in (Card.phone, Card.body, Card.facts):
    SEALED.remove(own)


def test_a_sealed_attribute_reads_and_writes_text(app):
    card = Card()
    card.phone, card.body, card.facts = "+8613800005678", "孩子很安静", {"旧": [1, None]}

    assert (card.phone, card.body, card.facts) == ("+8613800005678", "孩子很安静", {"旧": [1, None]})
    assert len(card.public_id) == 22
    assert card.phone_index == Card.phone.indexed("+8613800005678")
    assert Card.body.read(card.body_sealed, card.public_id) == "孩子很安静"
    card.phone = card.facts = None
    card.body = ""
    assert (card.phone_sealed, card.phone_index, card.body_sealed, card.facts_sealed) == (None,) * 4
    assert (card.phone, card.body, card.facts) == (None, "", None)


def test_the_values_of_two_rows_cannot_be_swapped(app):
    one, other = Card(), Card()
    one.body, other.body = "甲家", "乙家"
    one.body_sealed, other.body_sealed = other.body_sealed, one.body_sealed

    for card in (one, other):
        with pytest.raises(SealBroken, match="card body"):
            _ = card.body


def test_a_sealed_attribute_cannot_be_asked_for_in_a_query():
    with pytest.raises(TypeError, match="phone is sealed"):
        _ = Card.phone == "+8613800005678"
    with pytest.raises(ValueError, match="not a branch that seals"):
        Sealed("index")
