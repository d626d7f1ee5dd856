"""The on-site kit through HTTP: taken along, scored without a network, merged by indicator; notes as pages."""

import json
import uuid

import pytest
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.ratings.canonical import restored
from portal.ratings.models import Entry, EntryState, Mark, Sheet
from portal.ratings.onsite import SheetClash, SheetNote, SheetPart
from portal.trail.models import TrailEntry

NAME = "吴正清"
TEXT = "访谈了两位数学老师，都说清楚了家访的安排。"


def scoring():
    """The sheet of the inspector that is open for scoring."""
    wanted = (
        select(Sheet)
        .join(Entry, Entry.id == Sheet.entry_id)
        .join(Person, Person.id == Sheet.person_id)
        .where(Person.name == NAME, Sheet.locked_at.is_(None))
    )
    sheet = db.session.scalars(wanted.order_by(Sheet.id.desc())).first()
    entry = db.session.get(Entry, sheet.entry_id)
    entry.state, sheet.declared_at = EntryState.SCORING, clock.now()
    db.session.commit()
    return sheet


class Kit:
    """A device of the inspector."""

    def __init__(self, as_, sheet):
        self.client, self.sheet = as_(NAME, "inspector"), sheet
        self.key, self.number = str(uuid.uuid4()), 0
        self.token = self.client.get("/ratings/kit/standing").json["token"]

    def package(self):
        return self.client.get(f"/ratings/kit/package?sheet={self.sheet.public_id}").json["sheets"][0]

    def operation(self, key, fields, base=0, visit=None):
        self.number += 1
        kind, _colon, name = key.partition(":")
        told = {field: {"value": value, "base": base} for field, value in fields.items()}
        if kind == "item":
            told["item"] = {"value": name, "base": None}
        return {
            "format": 1, "op": str(uuid.uuid4()), "visit": name if kind == "note" else visit or str(uuid.uuid4()),
            "device": self.key, "number": self.number, "at": clock.now().isoformat(), "finish": True, "fields": told,
        }  # fmt: skip

    def post(self, operation):
        body = operation if isinstance(operation, bytes | str) else json.dumps(operation)
        return self.client.post(
            f"/ratings/sheets/{self.sheet.public_id}/operations",
            data=body,
            headers={"X-CSRFToken": self.token, "Accept": "application/json"},
            content_type="application/json",
        )

    def send(self, key, fields, base=0):
        return self.post(self.operation(key, fields, base))


@pytest.fixture
def sheet(app):
    return scoring()


def mark_of(sheet, name):
    db.session.expire_all()
    return db.session.scalars(select(Mark).where(Mark.sheet_id == sheet.id, Mark.item_id == name)).first()


def judged(kit):
    """An indicator that takes points, and its key."""
    row = next(
        one for one in kit.package()["rows"] if "points" in one["fields"] and "reason" in one["fields"]
    )
    return row["key"], row["key"].partition(":")[2]


def note(**more):
    told = {
        "kind": "interview",
        "held_on": clock.today().isoformat(),
        "with_whom": "数学老师两位",
        "items": [],
        "text": TEXT,
    }
    return {**told, **more}


def test_what_is_scored_on_site_stands_on_the_sheet_and_replays_change_nothing(as_, sheet):
    kit = Kit(as_, sheet)
    key, name = judged(kit)
    operation = kit.operation(key, {"points": "1", "reason": "现场看过记录"})
    answers = [kit.post(operation) for _time in range(5)]
    assert [one.status_code for one in answers] == [201, 200, 200, 200, 200]
    mark = mark_of(sheet, name)
    assert (restored(mark.facts)["points"], mark.reason) == (1, "现场看过记录")
    noted = db.session.scalars(select(TrailEntry).where(TrailEntry.action == "rating.marked")).all()
    assert sum(entry.object_id == sheet.id for entry in noted) == 1
    operation["fields"]["reason"]["value"] = "别的"
    assert kit.post(operation).status_code == 422


@pytest.mark.parametrize(("button", "stands"), [("留现在的", "手机写的"), ("换成另一段", "平板写的")])
def test_the_same_indicator_on_two_devices_shows_both_texts(as_, sheet, button, stands):
    phone, pad = Kit(as_, sheet), Kit(as_, sheet)
    key, name = judged(phone)
    assert phone.send(key, {"points": "1", "reason": "手机写的"}).status_code == 201
    met = pad.send(key, {"points": "0", "reason": "平板写的"})
    assert (met.status_code, met.json["kept"], met.json["state"]) == (409, True, "clash")
    assert pad.send(key, {"points": "0", "reason": "平板写的"}).status_code == 409
    assert mark_of(sheet, name).reason == "手机写的"
    assert len(db.session.scalars(select(SheetClash)).all()) == 1
    page = as_(NAME, "inspector").page(met.json["address"])
    assert "手机写的" in page.text and "平板写的" in page.text
    locked = as_(NAME, "inspector").page(f"/ratings/sheets/{sheet.public_id}")
    assert "两段" in locked.text
    page.press(button)
    assert mark_of(sheet, name).reason == stands
    assert "没有要选的" in as_(NAME, "inspector").page(met.json["address"]).text


def test_what_the_page_wrote_meanwhile_is_not_overwritten_and_a_late_text_does_not_come_back(as_, sheet):
    kit = Kit(as_, sheet)
    key, name = judged(kit)
    older, newer = (kit.operation(key, {"points": "1", "reason": text}) for text in ("旧", "新"))
    assert kit.post(newer).status_code == 201
    assert kit.post(older).status_code == 201
    assert mark_of(sheet, name).reason == "新"
    page = as_(NAME, "inspector").page(f"/ratings/sheets/{sheet.public_id}/items/{name}")
    page.press("保存评分", points="0", reason="网页写的")
    assert kit.send(key, {"points": "1", "reason": "又写"}, base=1).status_code == 409
    assert mark_of(sheet, name).reason == "网页写的"


def test_notes_come_from_devices_and_from_the_page(as_, sheet):
    kit, client_id = Kit(as_, sheet), str(uuid.uuid4())
    assert kit.send(f"note:{client_id}", note()).status_code == 201
    client = as_(NAME, "inspector")
    page = client.page(f"/ratings/sheets/{sheet.public_id}/notes")
    assert TEXT in page.text and "访谈" in page.text
    done = client.page(page.links["添加记录"]).press(
        "保存记录",
        kind="meeting",
        held_on=clock.today().isoformat(),
        with_whom="家长八位",
        text="都收到过家访预约",
    )
    assert "都收到过家访预约" in done.text and "家长座谈会" in done.text
    assert len(db.session.scalars(select(SheetNote)).all()) == 2
    assert any(row["key"] == f"note:{client_id}" for row in kit.package()["rows"])
    other = as_("唐芸", None)
    assert other.get(f"/ratings/sheets/{sheet.public_id}/notes").status_code in (403, 404)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"text": ""}, "text"), ({"text": "长" * 5_001}, "text"), ({"with_whom": ""}, "with_whom"), ({"kind": "gossip"}, "kind"),
        ({"kind": ""}, "kind"), ({"held_on": "2999-01-01"}, "held_on"), ({"held_on": "x"}, "held_on"), ({"items": ["NOPE"]}, "items"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_named(as_, sheet, wrong, field):
    answer = Kit(as_, sheet).send(f"note:{uuid.uuid4()}", note(**wrong))
    assert answer.status_code == 422 and field in answer.json["fields"]
    assert not db.session.scalars(select(SheetNote)).all()


def test_hostile_operations_change_nothing(as_, sheet):
    kit = Kit(as_, sheet)
    key, name = judged(kit)
    good = kit.operation(key, {"points": "1", "reason": ""})

    def but(**fields):
        return {**good, "op": str(uuid.uuid4()), "fields": {**good["fields"], **fields}}

    hostile = [
        "", "[]", "null", b"\xff", {**good, "format": 2}, {**good, "sheet": 1}, but(points={"value": "1e308", "base": 0}),
        but(points={"value": "-1", "base": 0}), but(item={"value": "__proto__", "base": None}), but(item={"value": ["A"], "base": None}),
        but(role={"value": "x", "base": 0}), but(reason={"value": "长" * 2_001, "base": 0}), but(points={"value": "NaN", "base": 0}),
    ]  # fmt: skip
    assert {kit.post(one).status_code for one in hostile} == {422}
    assert kit.post(b" " * 200_001).status_code == 413
    assert mark_of(sheet, name) is None and not db.session.scalars(select(SheetPart)).all()


def test_a_locked_sheet_takes_nothing_and_says_so(as_, sheet):
    kit = Kit(as_, sheet)
    key, name = judged(kit)
    held = db.session.get(Sheet, sheet.id)
    held.locked_at = clock.now()
    db.session.commit()
    late = kit.send(key, {"points": "1", "reason": "晚到"})
    assert (late.status_code, late.json["state"], late.json["kept"]) == (409, "closed", False)
    assert mark_of(sheet, name) is None
    assert kit.client.get(f"/ratings/kit/package?sheet={sheet.public_id}").status_code == 409


def test_notes_stay_with_their_author_until_both_sheets_are_locked(as_, sheet):
    Kit(as_, sheet).send(f"note:{uuid.uuid4()}", note())
    both = db.session.scalars(select(Sheet).where(Sheet.entry_id == sheet.entry_id)).all()
    other = next(one for one in both if one.id != sheet.id)
    client = as_("冯秀英", "inspector")
    for path in ("", "/notes", "/gaps"):
        page = client.page(f"/ratings/sheets/{other.public_id}{path}")
        assert TEXT not in page.html
        assert client.get(f"/ratings/sheets/{sheet.public_id}{path}").status_code == 404
    db.session.get(Entry, sheet.entry_id).state = EntryState.LOCKED
    for one in both:
        one.locked_at = clock.now()
    db.session.commit()
    assert TEXT in client.page(f"/ratings/sheets/{other.public_id}/gaps").text
