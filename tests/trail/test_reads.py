"""Each read of a sensitive record is one entry, written before the page goes out."""

import re

import pytest
from sqlalchemy import select

from portal.accounts.models import Person
from portal.extensions import db
from portal.trail import reads
from portal.trail.models import TrailEntry
from tests.visits.builders import visited


def read_entries():
    wanted = select(TrailEntry).where(TrailEntry.action == reads.READ).order_by(TrailEntry.sequence)
    return db.session.scalars(wanted).all()


def person_id(name):
    return db.session.scalar(select(Person.id).where(Person.name == name))


def test_staff_reading_a_story_leaves_one_entry_with_all_it_takes_to_account_for_it(as_):
    visit = visited("林嘉树")
    as_("孙立德").page(f"/visits/{visit.public_id}")

    (entry,) = read_entries()
    assert (entry.person_id, entry.role) == (person_id("孙立德"), "principal")
    assert (entry.object_kind, entry.object_id, entry.pupil_id) == ("visit", visit.id, visit.pupil_id)
    assert (entry.category, entry.school_id) == ("F4", visit.school_id)
    assert entry.appointment_id is not None
    assert entry.district_id is not None


def test_a_family_reading_about_itself_leaves_none(as_):
    visit = visited("林嘉树")
    assert as_("林悦", "guardian").page(f"/visits/{visit.public_id}").status == 200

    assert read_entries() == []


def test_facts_without_the_story_are_no_read(as_):
    visit = visited("林嘉树")
    assert as_("何静").page(f"/visits/{visit.public_id}").status == 200

    assert read_entries() == []


def test_a_refusal_is_no_read(as_):
    visit = visited("林嘉树")
    assert as_("邓宇").get(f"/visits/{visit.public_id}").status_code in (403, 404)

    assert read_entries() == []


def test_what_could_not_be_logged_is_not_shown(as_, monkeypatch):
    visit = visited("林嘉树", hopes="想学游泳的金丝雀")
    principal = as_("孙立德")
    assert "金丝雀" in principal.page(f"/visits/{visit.public_id}").html

    def broken(*_arguments):
        raise OSError("no space left")

    monkeypatch.setattr(reads, "append", broken)
    answer = principal.get(f"/visits/{visit.public_id}")
    assert answer.status_code == 503
    assert "金丝雀" not in answer.get_data(as_text=True)
    assert len(read_entries()) == 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize("reads", [200, pytest.param(1000, marks=pytest.mark.soak)])
def test_each_read_is_one_entry(as_, reads):
    visits = [visited("林嘉树").public_id for _number in range(4)]
    principal, teacher = as_("孙立德"), as_("王雪")
    for number in range(reads // 2):
        for reader in (principal, teacher):
            assert reader.get(f"/visits/{visits[number % 4]}").status_code == 200

    found = read_entries()
    assert len(found) == reads
    assert len({(entry.person_id, entry.object_id) for entry in found}) == 8
    assert all(entry.pupil_id and entry.school_id and entry.appointment_id for entry in found)


def test_no_entry_holds_what_was_written_or_typed(as_, app):
    told = "夜里睡不着的金丝雀"
    visit = visited("林嘉树", hopes=told, note=told, sealed=told)
    as_("孙立德").page(f"/visits/{visit.public_id}")
    as_(None).page("/account/sign-in").press("登录", name="谁的金丝雀", password="不对的密码金丝雀")

    entries = db.session.scalars(select(TrailEntry)).all()
    assert any(entry.action == "account.sign_in_failed" and entry.facts["tried"] for entry in entries)
    written = " ".join(f"{entry.facts} {entry.purpose}" for entry in entries)
    assert "金丝雀" not in written
    assert not re.search(r"(?<![0-9a-f])1[3-9]\d{9}(?![0-9a-f])", written), "no number, but in a fingerprint"
