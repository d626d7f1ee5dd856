"""A proof of who is holding the device, asked before sealed notes: what lets through, what is kept, where it leads."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from werkzeug.datastructures import MultiDict

from portal import clock
from portal.accounts import guessing, stepping
from portal.accounts.models import AuthSession
from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from portal.trail.models import TrailEntry
from portal.visits.models import SealedNote

REASON = "校长复查：是否需要上门"


def sealed() -> str:
    return f"/visits/sealed/{db.session.scalars(select(SealedNote.public_id)).first()}"


def grow_stale():
    """Let the last proof of every session be eleven minutes old."""
    db.session.execute(update(AuthSession).values(proved_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()


def opened() -> int:
    return len(db.session.scalars(select(TrailEntry).where(TrailEntry.category == "F4S")).all())


def test_a_fresh_proof_lets_through(as_):
    page = as_("王雪").page(sealed()).press("查看记录", reason=REASON)

    assert page.status == 200
    assert opened() == 1


def test_what_was_typed_waits_for_the_proof_and_goes_on_with_one_tap(as_):
    asked = as_("王雪").page(sealed())
    grow_stale()
    page = asked.press("查看记录", reason=REASON)
    assert (page.status, page.heading, opened()) == (401, "请确认是您本人", 0)

    wrong = page.press("确认", password="不是这个密码")
    assert (wrong.status, opened()) == (422, 0)
    right = wrong.press("确认", password=PASSWORD)
    assert (right.status, opened()) == (200, 0)
    last = right.press("继续")

    assert (last.status, opened()) == (200, 1)
    entry = db.session.scalars(select(TrailEntry).where(TrailEntry.category == "F4S")).one()
    assert entry.purpose == REASON


def test_a_page_that_asks_leads_back_after_the_proof(as_):
    client = as_("王雪")
    page = client.page("/account/proof?to=/visits/")

    assert page.press("确认", password=PASSWORD).path == "/visits/"


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example/", "\\\\evil", "javascript:alert(1)", "/" + "a" * 8192]
)
def test_the_proof_leads_nowhere_else(as_, to):
    client = as_("王雪")
    page = client.page("/account/proof")

    assert page.press("确认", password=PASSWORD, to=to).path == "/"


def test_programs_are_told_why(as_):
    client = as_("王雪")
    page = client.page(sealed())
    grow_stale()
    fields = page.fields(page.form_of("查看记录"))
    answer = client.post(
        page.form_of("查看记录").get("action"), data=fields, headers={"Accept": "application/json"}
    )

    assert answer.status_code == 401
    assert answer.json["reason"] == "proof"


def test_guessing_at_the_proof_ends(as_):
    page = as_("王雪").page("/account/proof")
    for _turn in range(guessing.FREE):
        assert page.press("确认", password="不是这个密码").status == 422

    assert page.press("确认", password=PASSWORD).status == 429


def test_the_proof_of_one_device_is_not_that_of_another(as_):
    here, there = as_("王雪"), as_("王雪")
    asked = there.page(sealed())
    grow_stale()
    here.page("/account/proof").press("确认", password=PASSWORD)

    assert here.page(sealed()).press("查看记录", reason=REASON).status == 200
    assert asked.press("查看记录", reason=REASON).status == 401


def test_the_token_of_a_page_does_not_wait_with_what_was_typed():
    sent = MultiDict([("csrf_token", "x"), ("once", "k"), ("a", "1"), ("a", "2")])
    waiting = MultiDict([(stepping.KEPT + name, value) for name, value in stepping.typed(sent)])

    assert stepping.kept(waiting) == [("once", "k"), ("a", "1"), ("a", "2")]
