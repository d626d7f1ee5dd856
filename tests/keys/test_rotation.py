"""Rotation, moving to new keys, and the end of old ones: nothing is lost, and what was erased stays erased."""

import shutil
import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal import clock, create_app
from portal.accounts.models import Person
from portal.accounts.phones import phone_index
from portal.config import Settings
from portal.extensions import db
from portal.keys import ciphers, resealing
from portal.keys.keyring import ring, unwrap
from portal.keys.models import SEALING, FieldKey
from portal.keys.sealing import SEALED, SealBroken, key_of
from portal.rehearsal import town
from portal.schools.enrolling import add_person
from tests.support.database import migrate


def settings_in(folder):
    return Settings(
        instance=folder, database_url="", password_memory_kib=64, master_keys_file=folder / "master_keys"
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of a portal with its own master keys and a rehearsal town, to be copied."""
    folder = tmp_path_factory.mktemp("house")
    portal = create_app(settings_in(folder), TESTING=True)
    migrate(portal)
    with portal.app_context():
        town.build()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return folder


@pytest.fixture
def house(built, tmp_path):
    """A portal with its own master keys and a rehearsal town, at once at the newest revision."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    portal = create_app(settings_in(tmp_path), TESTING=True)
    with portal.app_context():
        yield portal
        db.session.remove()
        db.engine.dispose()


def flask(portal, *words):
    db.session.rollback()
    done = portal.test_cli_runner().invoke(args=["keys", *words])
    db.session.rollback()
    return done.exit_code, done.output


def newest():
    rows = db.session.scalars(select(FieldKey).where(FieldKey.retired_at.is_(None)))
    return {row.branch: row.id for row in rows}


def keys_named():
    """The field keys that the sealed values of each branch name."""
    return {
        (attribute.branch, key_of(value))
        for attribute in SEALED
        for value in db.session.scalars(select(attribute.owner.__table__.c[attribute.column]))
        if value is not None
    }


def test_after_a_rotation_old_values_open_and_new_ones_take_the_new_key(house):
    before = newest()
    person = add_person("新来的", phone="+8619900999999")
    db.session.commit()
    old = person.phone_sealed

    code, words = flask(house, "rotate")
    assert code == 0 and "reseal" in words
    ring().reload()
    assert person.phone == "+8619900999999"
    person.phone = "+8619900999998"
    db.session.commit()
    assert key_of(old) == before["personal"] != key_of(person.phone_sealed) == newest()["personal"]
    assert {branch for branch in before if before[branch] != newest()[branch]} == set(SEALING)
    assert len({row.master for row in db.session.scalars(select(FieldKey))}) == 1


def test_resealing_moves_everything_and_says_so(house):
    flask(house, "rotate")
    assert flask(house, "reseal", "--verify")[0] == 1
    count = resealing.verify(ring())
    assert count.old == count.values > 50 and count.unreadable == []

    code, _words = flask(house, "reseal", "--settle", "0", "--pause", "0")
    assert code == 0
    assert keys_named() <= set(newest().items())
    count = resealing.verify(ring())
    assert (count.old, count.unreadable, count.wrong_indexes) == (0, [], []) and count.values > 50
    assert flask(house, "reseal", "--settle", "0")[0] == 0


def test_the_other_cipher_is_taken_when_resealing(house):
    ring().algorithm = ciphers.SM4_GCM
    assert flask(house, "reseal", "--settle", "0", "--pause", "0")[0] == 0

    assert {value[1] for value in db.session.scalars(select(Person.phone_sealed)) if value} == {
        ciphers.SM4_GCM
    }
    assert resealing.verify(ring()).unreadable == []


def test_a_value_that_does_not_open_is_named_and_left_alone(house):
    one, other = db.session.scalars(select(Person).where(Person.phone_sealed.is_not(None)).limit(2))
    swapped = one.phone_sealed
    db.session.execute(update(Person).where(Person.id == other.id).values(phone_sealed=swapped))
    place = other.public_id
    db.session.commit()
    flask(house, "rotate")

    code, words = flask(house, "reseal", "--settle", "0", "--pause", "0")
    assert code == 1 and place in words
    assert db.session.scalar(select(Person.phone_sealed).where(Person.public_id == place)) == swapped
    with pytest.raises(SealBroken):
        _ = db.session.scalar(select(Person).where(Person.public_id == place)).phone


def test_an_index_that_does_not_fit_is_found(house):
    person = db.session.scalar(select(Person).where(Person.phone_sealed.is_not(None)).limit(1))
    person.phone_index = b"another number!"
    db.session.commit()

    assert flask(house, "reseal", "--verify")[0] == 1
    assert resealing.verify(ring()).wrong_indexes == [f"person phone {person.public_id}"]


def test_a_prepared_master_key_is_the_one_a_rotation_takes(house):
    first = ring().masters.all()
    assert flask(house, "rotate", "--prepare")[0] == 0
    prepared = ring().masters.all()
    assert len(prepared) == len(first) + 1
    assert {row.master for row in db.session.scalars(select(FieldKey))} == {first[0].name}

    flask(house, "rotate")
    assert ring().masters.all() == prepared
    assert {row.master for row in db.session.scalars(select(FieldKey))} == {prepared[-1].name}


def test_without_its_file_nothing_is_rotated(house):
    path = house.config["MASTER_KEYS_FILE"]
    kept = path.read_bytes()
    before = newest()
    for left in (b"", b"m00000000 2026-11-01 " + b"00" * 32 + b"\n"):
        path.write_bytes(left)
        code, words = flask(house, "rotate")
        assert code == 1 and str(path) in words
        assert path.read_bytes() == left and newest() == before
    path.write_bytes(kept)
    assert flask(house, "status")[0] == 0


def test_status_tells_no_key(house):
    flask(house, "rotate")
    code, words = flask(house, "status")

    assert code == 0
    for master in ring().masters.all():
        assert master.name in words
        assert master.secret.hex() not in words
    assert all(str(key) in words for key in newest().values())


def at(monkeypatch, days):
    """The clock so many days from now."""
    now, today = clock.now() + timedelta(days=days), clock.today() + timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: now)
    monkeypatch.setattr(clock, "today", lambda: today)


def opened_with(path, keys_file, live):
    """Every sealed text of a copy of the database that opens with these master keys, and with the field keys of the
    live database, which whoever stole both would try."""
    thief = create_app(
        Settings(instance=path.parent, database_url=f"sqlite:///{path}", master_keys_file=keys_file)
    )
    found = []
    with thief.app_context():
        masters = {master.name: master for master in ring().masters.all()}
        rows = sqlite3.connect(live).execute("SELECT id, branch, master, wrapped FROM field_key").fetchall()
        for key_id, branch, master, wrapped in rows:
            unwrap(masters[master], key_id, branch, wrapped)
        own = ring()._load
        ring()._load = lambda: [*own(), *rows]
        for attribute in SEALED:
            for row in db.session.scalars(select(attribute.owner)):
                try:
                    found.append(str(attribute.__get__(row, attribute.owner)))
                except SealBroken:
                    continue
        db.session.remove()
        db.engine.dispose()
    return "\n".join(found)


def test_what_was_erased_cannot_be_opened_in_a_backup_older_than_35_days(house, monkeypatch, tmp_path):
    canary = "+8619900777777"
    person = add_person("要删除的人", phone=canary)
    db.session.commit()
    database, keys_file = tmp_path / "portal.db", tmp_path / "master_keys"
    backup = tmp_path / "backup" / "day0.db"
    backup.parent.mkdir()
    assert house.test_cli_runner().invoke(args=["backup", str(backup)]).exit_code == 0
    assert canary in opened_with(backup, keys_file, database), (
        "the control: it opens while the keys are there"
    )

    db.session.delete(person)
    db.session.commit()
    flask(house, "rotate")
    flask(house, "reseal", "--settle", "0", "--pause", "0")
    flask(house, "retire")
    assert canary in opened_with(backup, keys_file, database), "a backup of yesterday can still be restored"

    at(monkeypatch, 36)
    code, _words = flask(house, "retire")
    assert code == 0
    found = opened_with(backup, keys_file, database)
    assert canary not in found
    assert "+86199" not in found
    copy = shutil.copy(database, tmp_path / "copy.db")
    assert resealing.verify(ring()).unreadable == []
    del copy


def test_indexes_are_made_with_a_new_key_and_people_are_found_by_it(house):
    person = db.session.scalar(select(Person).where(Person.phone_sealed.is_not(None)).limit(1))
    number, before, identity = person.phone, person.phone_index, person.id
    key = newest()["index"]
    code, words = flask(house, "reindex")
    assert code == 1 and "--stopped" in words
    assert flask(house, "reindex", "--stopped")[0] == 0

    assert newest()["index"] != key
    assert phone_index(number) != before, "the index in an old backup fits no key that is left"
    assert db.session.scalar(select(Person.id).where(Person.phone_index == phone_index(number))) == identity
    assert resealing.verify(ring()).wrong_indexes == []


def test_keys_that_something_rests_on_are_kept(house, monkeypatch):
    flask(house, "rotate")
    at(monkeypatch, 36)
    flask(house, "retire")

    assert resealing.verify(ring()).unreadable == []
    assert len(db.session.scalars(select(FieldKey).where(FieldKey.branch == "personal")).all()) == 2
    assert len(ring().masters.all()) == 1, "the old master key wraps nothing any more"


def test_the_doctor_says_what_is_wrong_with_keys(house):
    path = house.config["MASTER_KEYS_FILE"]

    def doctor():
        db.session.rollback()
        return house.test_cli_runner().invoke(args=["doctor", "--language", "en"]).output

    assert "✓ The field keys open." in doctor()
    assert "✓ The keys were last changed 0 days ago." in doctor()
    path.chmod(0o644)
    assert "✗ Others can read the master keys" in doctor()
    path.chmod(0o600)
    sms = path.with_name("sms_key")
    sms.write_text("secret", encoding="utf-8")
    house.config["SECRET_FILES"] = (sms,)
    sms.chmod(0o640)
    assert "✗ Others can read" in doctor() and "sms_key" in doctor()
    sms.chmod(0o600)
    assert f"✓ Only the owner can read {sms}." in doctor()
    kept = path.read_bytes()
    path.write_bytes(b"")
    assert "✗ No field key opens for: personal" in doctor()
    path.unlink()
    assert "✗ The file of master keys is missing" in doctor()
    path.write_bytes(kept)
    path.chmod(0o600)
    assert "✓ The field keys open." in doctor()


def test_the_doctor_asks_for_new_keys_after_35_days(house, monkeypatch):
    """Until then nothing that was deleted is out of reach of an old backup."""
    at(monkeypatch, 36)

    said = house.test_cli_runner().invoke(args=["doctor", "--language", "en"])

    assert "✗ The keys were last changed 36 days ago." in said.output
    assert said.exit_code == 1
