"""No page shows a sensitive value without its entry: every page staff can walk to, and a page that forgets is caught."""

import sys

import pytest
from sqlalchemy import select

from portal.accounts.models import Person
from portal.contacts.models import ChangeRequest
from portal.extensions import db
from portal.privacy.models import LegalHold
from portal.schools.models import Pupil
from portal.trail import reads
from portal.trail.models import TrailEntry
from tests.site.actors import PLAYERS
from tests.site.test_pages import look
from tests.support.watching import Unlogged
from tests.visits.builders import visited

STAFF = [player for player in PLAYERS if player.name and player.role not in (None, "guardian")]


def entries(action=reads.READ):
    wanted = select(TrailEntry).where(TrailEntry.action == action).order_by(TrailEntry.sequence)
    return db.session.scalars(wanted).all()


@pytest.mark.parametrize("player", STAFF, ids=lambda player: player.actor)
def test_whatever_a_page_shows_is_logged(app, as_, player):
    """The client itself refuses an answer that shows what no entry tells of; here it walks."""
    pages = [answer.status for answer in look(app, as_, player, "zh-Hans", elder=False, same_page=6)]

    assert pages.count(200) > 5


@pytest.mark.parametrize(
    "path", ["visit", "follow_ups", "invitation"], ids=["a story", "a list of steps", "an invitation"]
)
def test_a_page_that_forgets_is_caught(as_, monkeypatch, path):
    teacher = as_("王雪")
    pages = {
        "visit": f"/visits/{visited('林嘉树', hopes='想学游泳的金丝雀').public_id}",
        "follow_ups": "/visits/follow-ups",
        "invitation": next(
            link for link in teacher.page("/").links.values() if link.startswith("/visits/invitations/")
        ),
    }
    assert teacher.page(pages[path]).status == 200 and teacher.shown > 0

    for name in ("showing", "follow_ups", "invitations"):
        monkeypatch.setattr(
            sys.modules[f"portal.visits.views.{name}"], "opened", lambda *_given, **_named: None
        )
    with pytest.raises(Unlogged):
        teacher.page(pages[path])


def test_a_new_number_that_a_family_asks_for_is_shown_to_staff_with_an_entry(as_):
    """What a form shows again after a mistake counts as well."""
    asked = db.session.scalars(select(ChangeRequest).where(ChangeRequest.state == "open").limit(1)).one()
    asked.detail, asked.new = "phone", "+8613912340777"
    db.session.commit()
    office = as_("何静")
    page = office.page(f"/contacts/requests/{asked.public_id}")
    assert "13912340777" in page.text
    page.press("不更改", reason="")

    found = [entry for entry in entries() if entry.object_kind == "change_request"]
    assert [(entry.category, entry.subject_id) for entry in found] == [("F3", asked.person_id)] * 2


def test_a_hold_is_read_with_an_entry_that_no_family_sees(as_):
    child = db.session.scalars(select(Pupil).where(Pupil.name == "林嘉树")).one()
    db.session.add(LegalHold(pupil_id=child.id, reason="县公安(演练)第9号", started_on=child.arrived_on))
    db.session.commit()
    assert "第9号" in as_("孙立德").page(f"/privacy/pupils/{child.public_id}/hold").text
    assert [entry.object_kind for entry in entries()] == ["legal_hold"]

    assert "没有人打开过" in as_("林悦", "guardian").page("/privacy/readings").text


def test_the_care_category_stands_in_no_list_and_is_logged_on_the_childs_own_page(as_):
    child = db.session.scalars(select(Pupil).where(Pupil.name == "林嘉树")).one()
    child.priority = "left_behind"
    db.session.commit()
    teacher = as_("王雪")
    assert "留守" not in teacher.page("/visits/").text and not entries()

    assert "留守" in teacher.page(f"/visits/pupils/{child.public_id}").text
    assert ("pupil", child.id, "F4") in {(one.object_kind, one.object_id, one.category) for one in entries()}
    assert "关爱类别" in as_("林悦", "guardian").page("/privacy/readings").text


def test_ones_own_number_is_no_read(as_):
    principal = as_("孙立德")
    person = db.session.scalars(select(Person).where(Person.name == "孙立德")).one()
    person.email = "sun@example.com"
    db.session.commit()
    assert principal.page("/account/").status == 200

    assert entries() == []
