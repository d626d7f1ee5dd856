"""A family's number: masked everywhere, shown once for a reason that is kept."""

import re

import pytest
from sqlalchemy import select

from portal.accounts.models import Person
from portal.extensions import db
from portal.schools.models import Guardianship, Pupil
from portal.trail.models import TrailEntry


def tie(child="林嘉树", adult="林悦"):
    return db.session.scalar(
        select(Guardianship).join(Pupil).join(Person).where(Pupil.name == child, Person.name == adult)
    )


def number_of(adult="林悦"):
    person = db.session.scalar(select(Person).where(Person.name == adult))
    return person.phone.removeprefix("+86")


def source(page):
    return page.response.get_data(as_text=True)


def reads():
    db.session.rollback()
    return db.session.scalars(select(TrailEntry).where(TrailEntry.category == "F3")).all()


@pytest.mark.parametrize("who", ["王雪", "何静", "孙立德"])
def test_the_number_is_shown_once_with_a_reason_that_is_kept(as_, who):
    found, number = tie(), number_of()
    client = as_(who)
    pupil = client.page(f"/schools/pupils/{_pupil_id()}")
    assert number not in source(pupil) and f"{number[:3]}****{number[-4:]}" in source(pupil)
    assert f"/schools/contacts/{found.public_id}" in source(pupil)

    page = client.page(f"/schools/contacts/{found.public_id}")
    assert number not in source(page) and reads() == []
    shown = page.press("显示号码", cause="absent", line="上午没有到校")
    assert shown.status == 200
    assert f'href="tel:{number}"' in source(shown)
    [entry] = reads()
    assert entry.purpose == "孩子没有到校 · 上午没有到校"
    assert (entry.pupil_id, entry.subject_id) == (found.pupil_id, found.person_id)
    assert number not in str(entry.facts)
    assert number not in source(client.page(f"/schools/contacts/{found.public_id}"))


def _pupil_id():
    return db.session.scalar(select(Pupil.public_id).where(Pupil.name == "林嘉树"))


@pytest.mark.parametrize(
    "typed", [{}, {"cause": "nonsense"}, {"cause": "other"}, {"cause": "visit", "line": "长" * 81}]
)
def test_without_a_reason_nothing_is_shown_and_nothing_logged(as_, typed):
    page = as_("王雪").page(f"/schools/contacts/{tie().public_id}").press("显示号码", **typed)

    assert page.status == 422
    assert number_of() not in source(page)
    assert reads() == []
    if "line" in typed:
        assert typed["line"] in source(page)


def test_no_list_shows_a_whole_number(as_):
    numbers = {
        person.phone.removeprefix("+86")
        for person in db.session.scalars(select(Person).where(Person.phone_sealed.is_not(None)))
    }
    shown = set()
    for who, pages in (
        ("王雪", ("/schools/class", f"/schools/pupils/{_pupil_id()}", "/visits/", "/account/")),
        ("何静", ("/schools/mine", f"/schools/pupils/{_pupil_id()}", "/account/")),
    ):
        for address in pages:
            shown |= numbers & set(re.findall(r"1\d{10}", source(as_(who).page(address))))
    assert numbers and shown == set()


def test_a_guardian_without_a_number_has_none_to_show(as_):
    found = tie()
    db.session.get_one(Person, found.person_id).phone = None
    db.session.commit()
    page = as_("王雪").page(f"/schools/contacts/{found.public_id}")

    assert "没有这位监护人的电话" in page.text
    assert "显示号码" not in page.text
