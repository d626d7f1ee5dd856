"""What devices send about visits: sent again, reordered, stale, hostile; parts merge and no text is thrown away."""

import json
import random
import re
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment, AuthSession
from portal.extensions import db
from portal.operations import MOST_BYTES
from portal.schools import enrolling
from portal.schools.models import Enrolment, SchoolClass
from portal.trail.models import TrailEntry
from portal.visits.drafts import DraftClash, DraftPart, VisitDraft
from portal.visits.models import SealedNote, Visit, VisitChange, VisitCompanion, VisitPart
from tests.visits.builders import person, pupil, third, yesterday

PHONE, PAD = str(uuid.uuid4()), str(uuid.uuid4())
SHORT = {"how": "phone", "met": ["child"], "held_on": "", "held_time": "18:00"}


class Device:
    """A device of one teacher: counts its changes, keeps the revisions it was told, sends one operation at a time."""

    def __init__(self, as_, name="王雪", key=None, about="林嘉树"):
        self.client = as_(name, "class_teacher")
        self.key = key or str(uuid.uuid4())
        self.child = pupil(about).public_id
        self.number = 0
        self.bases = {}
        self.token = self.client.get("/visits/offline/standing").json["token"]

    def operation(self, visit, finish=False, touched=None, **values):
        """An operation as the device makes it: the whole form, what was touched on its revision."""
        self.number += 1
        touched = values if touched is None else touched
        bases = self.bases.setdefault(visit, {})
        whole = {**SHORT, "held_on": yesterday(), **values}
        fields = {
            name: {"value": value, "base": bases.get(name, 0) if name in touched else None}
            for name, value in whole.items()
        }
        return {
            "format": 1, "op": str(uuid.uuid4()), "visit": visit, "device": self.key, "number": self.number,
            "at": clock.now().isoformat(), "finish": finish, "fields": fields,
        }  # fmt: skip

    def post(self, operation, **named):
        """Send it; what the answer says of revisions is kept."""
        body = operation if isinstance(operation, bytes | str) else json.dumps(operation, ensure_ascii=False)
        headers = {"X-CSRFToken": self.token, "Accept": "application/json", **named.pop("headers", {})}
        path = f"/visits/pupils/{named.pop('child', self.child)}/drafts"
        answer = self.client.post(
            path, data=body, headers=headers, content_type=named.pop("content_type", "application/json")
        )
        if answer.status_code in (200, 201, 409):
            self.bases[json.loads(body)["visit"]] |= answer.json.get("revisions", {})
        return answer

    def send(self, visit, finish=False, **values):
        return self.post(self.operation(visit, finish, **values))


@pytest.fixture
def phone(app, as_):
    return Device(as_, key=PHONE)


def visits(client_id):
    return list(db.session.scalars(select(Visit).where(Visit.client_id == client_id)))


def part_of(client_id, name="王雪"):
    found = select(VisitPart).join(Visit).where(Visit.client_id == client_id)
    return db.session.scalars(found.where(VisitPart.author_id == person(name).id)).one()


def test_a_draft_becomes_the_same_visit_as_on_the_page(phone):
    visit = str(uuid.uuid4())

    first = phone.send(visit, hopes="爱画画")
    assert (first.status_code, first.json["state"]) == (201, "draft")
    assert not visits(visit)
    last = phone.send(visit, True, hopes="爱画画，盼着上台", sealed="只给校长看", step_1_what="画插图",
                      step_1_owner="school", step_1_due_on=clock.today().isoformat())  # fmt: skip

    assert (last.status_code, last.json["state"]) == (201, "written")
    (written,) = visits(visit)
    assert last.json["address"] == f"/visits/{written.public_id}"
    assert part_of(visit).hopes == "爱画画，盼着上台"
    assert (
        db.session.scalars(select(SealedNote).where(SealedNote.visit_id == written.id)).one().body
        == "只给校长看"
    )
    noted = select(TrailEntry).where(TrailEntry.action == "visit.written", TrailEntry.object_id == written.id)
    assert len(list(db.session.scalars(noted))) == 1


def test_sent_a_hundred_times_it_happens_once(phone):
    visit = str(uuid.uuid4())
    operation = phone.operation(visit, True, hopes="好")

    answers = [phone.post(operation) for _time in range(100)]

    assert [answer.status_code for answer in answers] == [201] + [200] * 99
    assert {answer.json["state"] for answer in answers} == {"written"}
    assert len(visits(visit)) == 1


def test_the_same_operation_with_other_contents_is_refused(phone):
    visit = str(uuid.uuid4())
    operation = phone.operation(visit, hopes="甲")
    phone.post(operation)
    operation["fields"]["hopes"]["value"] = "乙"

    assert phone.post(operation).status_code == 422
    assert db.session.scalars(select(DraftPart.field).where(DraftPart.field == "hopes")).all()


def test_an_older_text_that_comes_late_does_not_come_back(phone):
    visit = str(uuid.uuid4())
    older, newer = phone.operation(visit, hopes="旧"), phone.operation(visit, hopes="新")

    phone.post(newer)
    phone.post(older)
    phone.send(visit, True, touched=(), hopes="")

    assert part_of(visit).hopes == "新"


def test_a_gap_in_the_numbers_does_not_matter(phone):
    visit = str(uuid.uuid4())
    phone.number = 40
    assert phone.send(visit, True, hopes="好").status_code == 201


def test_two_devices_write_two_things_and_both_stay(as_, phone):
    visit, pad = str(uuid.uuid4()), Device(as_, key=PAD)
    phone.send(visit, hopes="手机写的", note="同一段")
    stale = pad.send(visit, hopes="平板写的", note="同一段")

    assert (stale.status_code, stale.json["kept"], stale.json["clashes"]) == (409, True, ["hopes"])
    done = phone.send(visit, True, hopes="手机写的", note="同一段")
    assert (done.status_code, done.json["state"]) == (409, "clash")
    assert len(visits(visit)) == 1
    page = as_("王雪", "class_teacher").page(done.json["address"])
    assert "手机写的" in page.text
    assert "平板写的" in page.text
    after = page.press("两段都留下")
    assert part_of(visit).hopes == "手机写的\n\n平板写的"
    assert "已按您选的保存" in after.text
    assert db.session.scalars(select(DraftClash)).all()[-1].value is None


@pytest.mark.parametrize(("button", "stands"), [("留现在的", "手机写的"), ("换成另一段", "平板写的")])
def test_the_author_chooses(as_, phone, button, stands):
    visit, pad = str(uuid.uuid4()), Device(as_, key=PAD)
    phone.send(visit, True, hopes="手机写的")
    came = pad.send(visit, True, hopes="平板写的")

    as_("王雪", "class_teacher").page(came.json["address"]).press(button)

    assert part_of(visit).hopes == stands
    assert len(visits(visit)) == 1


def test_a_device_whose_text_stands_beside_goes_on_typing_there(as_, phone):
    visit, pad = str(uuid.uuid4()), Device(as_, key=PAD)
    phone.send(visit, hopes="手机写的")
    for text in ("平", "平板", "平板写的"):
        pad.send(visit, hopes=text)

    clashes = db.session.scalars(select(DraftClash).where(DraftClash.device == PAD)).all()
    assert [one.value for one in clashes] == ["平板写的"]


def test_what_was_mended_on_the_page_is_newer_than_the_device(as_, phone):
    visit = str(uuid.uuid4())
    phone.send(visit, True, hopes="手机写的")
    as_("王雪", "class_teacher").page(f"/visits/{visits(visit)[0].public_id}/edit").press(
        "保存修改", hopes="网页改的"
    )

    late = phone.send(visit, True, hopes="手机又写的")

    assert late.status_code == 409
    assert part_of(visit).hopes == "网页改的"
    assert "手机又写的" in as_("王雪", "class_teacher").page(late.json["address"]).text


def test_the_device_is_newer_than_the_server(phone):
    visit = str(uuid.uuid4())
    phone.send(visit, True, hopes="手机写的")

    again = phone.send(visit, True, hopes="手机补写的")

    assert again.status_code == 201
    assert part_of(visit).hopes == "手机补写的"
    phone.bases[visit]["hopes"] = 40
    assert phone.send(visit, True, hopes="比服务器还新").status_code == 201
    assert part_of(visit).hopes == "比服务器还新"
    assert (
        len(db.session.scalars(select(VisitChange).where(VisitChange.visit_id == visits(visit)[0].id)).all())
        == 2
    )


def colleague(name="刘明远"):
    """A second class teacher of 三(2)班."""
    db.session.add(
        Appointment(
            person_id=person(name).id, role=Role.CLASS_TEACHER, class_id=third().id, started_on=clock.today()
        )
    )
    db.session.commit()
    return name


def sign_in_for_third(device, name):
    appointment = select(Appointment.id).where(
        Appointment.person_id == person(name).id, Appointment.class_id == third().id
    )
    worn = db.session.scalar(appointment)
    newest = (
        select(AuthSession).where(AuthSession.person_id == person(name).id).order_by(AuthSession.id.desc())
    )
    db.session.scalars(newest.limit(1)).one().appointment_id = worn
    db.session.commit()
    return device


def test_two_teachers_tell_of_one_visit(as_, phone):
    visit, name = str(uuid.uuid4()), colleague()
    other = sign_in_for_third(Device(as_, name, key=PAD), name)
    phone.send(visit, True, how="in_home", hopes="王老师的话", step_1_what="借书", step_1_owner="school",
               step_1_due_on=clock.today().isoformat())  # fmt: skip
    came = other.send(visit, True, how="phone", others_met="外婆", note="刘老师的话", sealed="刘老师的密记",
                      step_1_what="周末视频", step_1_owner="family", step_1_due_on=clock.today().isoformat())  # fmt: skip

    assert (came.status_code, came.json["clashes"]) == (409, ["how"])
    (written,) = visits(visit)
    assert (written.form, written.others_met) == ("in_home", "外婆")
    assert part_of(visit).hopes == "王老师的话"
    assert part_of(visit, name).note == "刘老师的话"
    page = other.client.page(came.json["address"])
    assert "在家里" in page.text or "入户" in page.text
    page.press("换成另一段")
    db.session.expire_all()
    assert visits(visit)[0].form == "phone"
    shown = as_("王雪", "class_teacher").page(f"/visits/{written.public_id}").text
    for text in ("王老师的话", "刘老师的话", "借书", "周末视频"):
        assert text in shown


def test_a_deleted_visit_is_gone(phone):
    visit = str(uuid.uuid4())
    phone.send(visit, True, hopes="好")
    db.session.delete(visits(visit)[0])
    db.session.commit()

    assert phone.send(visit, True, hopes="好").status_code == 410
    assert not visits(visit)


def test_an_unfinished_text_does_not_reopen_a_visit(phone, as_):
    visit, pad = str(uuid.uuid4()), Device(as_, key=PAD)
    phone.send(visit, True, hopes="手机写的")

    closed = pad.send(visit, hopes="平板写的")

    assert (closed.status_code, closed.json["kept"]) == (409, False)
    assert part_of(visit).hopes == "手机写的"


def test_sealed_texts_of_two_devices_come_together_unseen(as_, phone):
    visit, pad = str(uuid.uuid4()), Device(as_, key=PAD)
    phone.send(visit, sealed="第一段")
    pad.send(visit, sealed="第二段")
    phone.send(visit, True, sealed="第一段")

    note = db.session.scalars(select(SealedNote).join(Visit).where(Visit.client_id == visit)).one()
    assert note.body == "第一段\n\n第二段"
    parts = db.session.scalars(select(DraftPart).where(DraftPart.field == "sealed")).all()
    assert [part.guarded for part in parts] == [""]
    assert all(part.value is None for part in parts)


def test_the_database_holds_no_plain_text(phone):
    phone.send(str(uuid.uuid4()), hopes="谁也看不见的话", sealed="更看不见的话")

    stored = db.session.execute(select(DraftPart.value_sealed, DraftPart.guarded_sealed)).all()
    together = b"".join(value for row in stored for value in row if value)
    assert together
    assert "看不见".encode() not in together


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"held_on": "1970-01-01"}, "held_on"),
        ({"held_on": "2099-01-01"}, "held_on"),
        ({"held_on": "before"}, "held_on"),
        ({"held_on": "2025-02-29"}, "held_on"),
        ({"how": "by_spaceship"}, "how"),
        ({"how": ""}, "how"),
        ({"met": ["nobody-at-home"]}, "met"),
        ({"hopes": "长" * 10_001}, "hopes"),
        ({"hopes": "a\u0000b"}, "hopes"),
        ({"hopes": "\u202eb"}, "hopes"),
        ({"step_1_what": "借书"}, "step_1_due_on"),
    ],
)
def test_what_does_not_hold_is_named_and_nothing_is_stored(phone, values, field):
    visit = str(uuid.uuid4())
    if values.get("held_on") == "before":
        values = {"held_on": (clock.today() - timedelta(days=400)).isoformat()}

    answer = phone.send(visit, True, **values)

    assert answer.status_code == 422
    assert field in answer.json["fields"]
    assert not visits(visit)
    assert not db.session.scalars(select(VisitDraft).where(VisitDraft.client_id == visit)).all()


@pytest.mark.parametrize("days", [-3, -1, 1, 3])
def test_a_wrong_clock_is_only_a_claim(phone, days):
    visit = str(uuid.uuid4())
    operation = phone.operation(visit, True, hopes="好")
    operation["at"] = (clock.now() + timedelta(days=days)).isoformat()

    assert phone.post(operation).status_code == 201
    assert visits(visit)[0].held_on == clock.today() - timedelta(days=1)


def deep(levels):
    return "[" * levels + "]" * levels


def test_hostile_bodies_are_refused_in_words(phone):
    good = phone.operation(str(uuid.uuid4()), hopes="好")

    def but(**changes):
        return {**good, **changes}

    hostile = [
        "", "null", "[]", "[[]]", "7", '"text"', "NaN", "{", "\ufeff{}", deep(10_000), [good] * 2, [good] * 5_000,
        b"\xff\xfe{\x00}\x00", b"\xc3\x28", b"\x00", but(format=0), but(format=2), but(format="1"), but(op="1"), but(op=None),
        but(op=["x"]), but(visit="../../etc"), but(visit=None), but(device=7), but(number=-1), but(number=1.5),
        but(number=True), but(number=2**63), but(number="1"), but(at="yesterday"), but(at=None), but(at="0001-01-01T00:00:00+14:00"),
        but(at="2026-01-01T00:00:00"), but(finish="yes"), but(finish=1), but(finish=None), but(fields=[]), but(fields=None),
        but(fields={"hopes": "好"}), but(fields={"hopes": {"value": "好"}}), but(fields={"hopes": {"value": 1, "base": 0}}),
        but(fields={"hopes": {"value": {"a": 1}, "base": 0}}), but(fields={"hopes": {"value": "好", "base": -1}}),
        but(fields={"hopes": {"value": "好", "base": 1e308}}), but(fields={"met": {"value": [1], "base": 0}}),
        but(fields={"met": {"value": ["x"] * 101, "base": 0}}), but(fields={"role": {"value": "principal", "base": 0}}),
        but(fields={"__proto__": {"value": "x", "base": 0}}), but(role="principal"), but(school_id=1),
        json.dumps(good)[:-1], json.dumps(good).replace('"number"', '"op": "x", "number"'),
        json.dumps(good).replace("\\u597d", "\\ud800"), json.dumps(good).replace('"base": 0', '"base": NaN'),
        json.dumps(good).replace('"base": 0', '"base": -Infinity'),
    ]  # fmt: skip

    answers = {repr(body)[:60]: phone.post(body).status_code for body in hostile}

    assert {body for body, status in answers.items() if status not in (413, 422)} == set()
    assert not visits(good["visit"])
    assert phone.post(good).status_code == 201


def test_what_is_no_json_or_too_much_or_without_token_is_refused(phone):
    operation = phone.operation(str(uuid.uuid4()), hopes="好")

    assert phone.post(operation, content_type="text/plain").status_code == 415
    assert phone.post(operation, content_type="application/x-www-form-urlencoded").status_code in (400, 415)
    assert phone.post(b" " * (MOST_BYTES + 1)).status_code == 413
    assert phone.post(operation, headers={"X-CSRFToken": "forged"}).status_code == 400
    assert phone.client.get(f"/visits/pupils/{phone.child}/drafts").status_code == 405
    assert phone.post(operation).status_code == 201


def test_what_other_protocols_would_send_is_refused_in_words(phone):
    """Pieces, hashes, sealed bodies and other keys are not spoken here: nothing is taken for what it is not."""
    good = phone.operation(str(uuid.uuid4()), hopes="好")
    text = json.dumps(good)
    pieces = [
        {**good, "chunk": 2, "chunks": 5}, {**good, "sha256": "0" * 64}, {**good, "key": "unknown"}, {"sealed": text[:40]},
        {**good, "fields": {}, "photos": ["A" * 1_000]}, text[: len(text) // 2], text + text, text.encode()[::-1],
    ]  # fmt: skip

    answers = [phone.post(piece) for piece in pieces]

    assert {answer.status_code for answer in answers} == {422}
    assert all(answer.json["message"] for answer in answers)
    assert phone.post(b'{"photos": "' + b"A" * 33_000_000 + b'"}').status_code == 413
    assert not visits(good["visit"])


@pytest.mark.parametrize("age", [-1, 0, 2, 3])
def test_an_app_of_another_age_is_told_which_the_portal_takes(phone, age):
    operation = {**phone.operation(str(uuid.uuid4()), True, hopes="好"), "format": age}
    told = phone.post(operation)
    assert (told.status_code, told.json["state"], told.json["format"]) == (422, "format", 1)
    assert phone.post({**operation, "format": 1}).status_code == 201


def test_a_form_that_changed_meanwhile_says_which_field_is_gone_and_forgives_one_that_lacks(phone):
    visit = str(uuid.uuid4())
    old = phone.operation(visit, True, hopes="好", weather="晴")
    assert "weather" in phone.post(old).json["message"]
    del old["fields"]["weather"]
    assert phone.post({**old, "op": str(uuid.uuid4())}).status_code == 201


def test_a_visit_of_next_term_or_before_the_child_came_is_named(phone):
    for days in (120, -3_000):
        day = (clock.today() + timedelta(days=days)).isoformat()
        answer = phone.send(str(uuid.uuid4()), True, held_on=day)
        assert answer.status_code == 422 and "held_on" in answer.json["fields"]


def test_a_child_that_left_the_class_is_not_there_any_more(phone):
    visit, child = str(uuid.uuid4()), pupil("林嘉树")
    assert phone.send(visit, hopes="好").status_code == 201
    sister = db.session.query(SchoolClass).filter_by(school_id=third().school_id, name="三(1)班").one()
    db.session.query(Enrolment).filter_by(pupil_id=child.id, ended_on=None).one().ended_on = clock.today()
    db.session.flush()
    enrolling.enrol(child, sister, clock.today())
    db.session.commit()
    assert phone.send(visit, True, hopes="好").status_code == 404
    assert not visits(visit)


def test_signed_out_between_two_operations_the_first_stays_and_the_second_waits(phone):
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    assert phone.send(first, True, hopes="好").status_code == 201
    db.session.query(AuthSession).update({"revoked_at": clock.now()})
    db.session.commit()
    assert phone.send(second, True, hopes="好").status_code == 401
    assert (len(visits(first)), len(visits(second))) == (1, 0)


def test_cut_off_anywhere_nothing_happens(phone):
    body = json.dumps(phone.operation(str(uuid.uuid4()), True, hopes="好"), ensure_ascii=False).encode()

    statuses = {phone.post(body[:length]).status_code for length in range(0, len(body), 23)}

    assert statuses == {422}
    assert phone.post(body).status_code == 201


def test_another_teachers_child_is_not_there(as_, phone):
    operation = phone.operation(str(uuid.uuid4()), hopes="好")
    elsewhere = Device(as_, "刘明远", about="林嘉树")

    assert elsewhere.post(operation).status_code == 404
    assert phone.post(operation, child="A" * 22).status_code == 404


def test_the_id_of_another_childs_visit_is_refused(as_, phone):
    visit = str(uuid.uuid4())
    phone.send(visit, True, hopes="好")

    answer = Device(as_, key=PAD, about="陈一诺").send(visit, True, hopes="好")

    assert answer.status_code == 422
    assert len(visits(visit)) == 1


def test_a_revoked_device_and_an_ended_appointment_are_told_apart(phone):
    visit = str(uuid.uuid4())
    phone.send(visit, hopes="好")
    held = select(Appointment).where(
        Appointment.person_id == person("王雪").id, Appointment.role == Role.CLASS_TEACHER
    )
    appointment = db.session.scalars(held).first()
    appointment.ended_on = clock.today()
    db.session.commit()
    assert phone.send(visit, True, hopes="好").status_code == 403

    appointment.ended_on = None
    db.session.query(AuthSession).update({"revoked_at": clock.now()})
    db.session.commit()
    assert phone.send(visit, True, hopes="好").status_code == 401
    assert not visits(visit)


def test_the_package_holds_no_numbers_and_each_reading_is_logged(as_, phone):
    child, other = pupil("林嘉树"), pupil("买买提·艾合买提")
    path = f"/visits/take-along/package?pupil={child.public_id}&pupil={other.public_id}"

    answer = phone.client.get(path)

    families = answer.json["families"]
    assert [one["name"] for one in families] == ["林嘉树", "买买提·艾合买提"]
    assert families[0]["last"]["hopes"]
    assert families[1]["meeting"]["purpose"] == "聊聊孩子交朋友的事。"
    assert not re.search(r"1\d{10}", answer.text)
    read = select(TrailEntry).where(TrailEntry.action == "record.read", TrailEntry.object_kind == "visit")
    assert db.session.scalars(read).first() is not None
    assert phone.client.get("/visits/take-along/package").status_code == 404
    many = "&".join(f"pupil={child.public_id[:-2]}{number}" for number in range(10, 40))
    assert phone.client.get(f"/visits/take-along/package?{many}").status_code == 404


def test_a_draft_goes_on_on_the_page(as_, phone):
    visit = str(uuid.uuid4())
    phone.send(visit, hopes="手机上写了一半")
    client = as_("王雪", "class_teacher")
    page = client.page(f"/visits/pupils/{phone.child}")
    assert "家访草稿" in page.text
    draft = db.session.scalars(select(VisitDraft).where(VisitDraft.client_id == visit)).one()

    form = client.page(f"/visits/new?pupil={phone.child}&draft={draft.public_id}")
    form.press("提交家访记录", hopes="写完了")

    assert part_of(visit).hopes == "写完了"
    assert phone.send(visit, hopes="手机上又写").status_code == 409
    assert len(visits(visit)) == 1


@pytest.mark.parametrize("rounds", [60, pytest.param(2_000, marks=pytest.mark.soak)])
def test_whatever_the_order_nothing_is_lost_and_nothing_doubled(as_, rounds):
    """Two devices of one person write into the same visits in any order, with copies and late arrivals."""
    chance = random.Random(7)
    devices = [Device(as_, key=PHONE), Device(as_, key=PAD)]
    ids = [str(uuid.uuid4()) for _visit in range(max(4, rounds // 20))]
    sent, last = [], {}
    for number in range(rounds):
        device, visit = chance.choice(devices), chance.choice(ids)
        text = f"第{number}段"
        operation = device.operation(visit, chance.random() < 0.2, hopes=text)
        sent.append((device, operation))
        answer = device.post(operation)
        if answer.status_code in (201, 409) and answer.json["kept"]:
            last[visit, device.key] = text
        if chance.random() < 0.3:
            late_device, late = chance.choice(sent)
            late_device.post(late)
    for visit in ids:
        assert len(visits(visit)) <= 1
        kept = texts_kept(visit)
        for key in (PHONE, PAD):
            assert last.get((visit, key), "") in kept or not last.get((visit, key))


def texts_kept(client_id):
    """Everything that stands somewhere for a visit: its part, the draft, texts beside it."""
    draft = db.session.scalars(select(VisitDraft).where(VisitDraft.client_id == client_id)).first()
    if draft is None:
        return set()
    parts = db.session.scalars(select(DraftPart).where(DraftPart.draft_id == draft.id)).all()
    beside = db.session.scalars(select(DraftClash).where(DraftClash.draft_id == draft.id)).all()
    return {str(one.content) for one in [*parts, *beside]}


def went_along(client_id):
    (written,) = visits(client_id)
    found = select(VisitCompanion).where(VisitCompanion.visit_id == written.id)
    rows = db.session.scalars(found.options(joinedload(VisitCompanion.person)).order_by(VisitCompanion.id))
    return [one.name for one in rows]


def test_who_went_along_is_told_by_the_device_once(phone):
    visit, name = str(uuid.uuid4()), "刘明远"
    along = {"company_1": person(name).public_id, "partner": "村医老周"}
    phone.send(visit, True, hopes="好", **along)
    again = phone.send(visit, True, hopes="好", **along)

    assert again.status_code == 201
    assert went_along(visit) == [name, "村医老周"]
    assert not db.session.scalars(select(VisitChange).join(Visit).where(Visit.client_id == visit)).all()
    phone.send(visit, True, hopes="好", company_1="", partner="")
    assert went_along(visit) == []


def test_somebody_of_another_school_does_not_go_along(phone):
    visit, stranger = str(uuid.uuid4()), person("钱文博").public_id
    answer = phone.send(visit, True, hopes="好", company_1=stranger)

    assert (answer.status_code, list(answer.json["fields"])) == (422, ["company_1"])


def test_a_second_author_adds_who_went_along_and_takes_nobody_off(as_, phone):
    visit, name = str(uuid.uuid4()), colleague()
    other = sign_in_for_third(Device(as_, name, key=PAD), name)
    phone.send(visit, True, hopes="王老师的话", partner="村医老周")
    came = other.send(
        visit, True, note="刘老师的话", company_1=person("王雪").public_id, partner="网格员小何"
    )

    assert (came.status_code, went_along(visit)) == (201, ["村医老周", "网格员小何"])
    assert other.send(visit, True, note="刘老师的话", partner="网格员小何").status_code == 201
    assert went_along(visit) == ["村医老周", "网格员小何"]


def test_an_author_throws_a_draft_away_and_a_device_keeps_its_own_text(as_, phone):
    visit = str(uuid.uuid4())
    phone.post(phone.operation(visit, hopes="爱讲故事"))
    draft = db.session.scalars(select(VisitDraft).where(VisitDraft.client_id == visit)).one()
    child, teacher = pupil("林嘉树"), as_("王雪", "class_teacher")
    path, number = f"/visits/drafts/{draft.public_id}", draft.id
    assert as_("刘明远").page(path).status in (403, 404)
    writing = teacher.page(f"/visits/new?pupil={child.public_id}&draft={draft.public_id}")
    asked = teacher.page(writing.links["不要这份草稿"])
    gone = asked.press("删除草稿")

    assert gone.status == 200 and "草稿已删除" in gone.html
    assert db.session.scalars(select(VisitDraft.id).where(VisitDraft.client_id == visit)).all() == []
    assert db.session.scalars(select(DraftPart.id).where(DraftPart.draft_id == number)).all() == []
    assert teacher.get(path).status_code == 404
    assert db.session.scalars(select(TrailEntry).where(TrailEntry.action == "visit.draft_discarded")).one()
    told = phone.post(phone.operation(visit, finish=True, hopes="爱讲故事", note="在家帮忙"))
    assert told.status_code == 201
    written = (
        db.session.scalars(select(Visit).where(Visit.client_id == visit).options(joinedload(Visit.parts)))
        .unique()
        .one()
    )
    assert [part.hopes for part in written.parts] == ["爱讲故事"]


def test_a_draft_that_became_a_visit_is_not_thrown_away(as_, phone):
    visit = str(uuid.uuid4())
    phone.post(phone.operation(visit, hopes="爱讲故事"))
    draft = db.session.scalars(select(VisitDraft).where(VisitDraft.client_id == visit)).one()
    teacher = as_("王雪", "class_teacher")
    before = teacher.page(f"/visits/drafts/{draft.public_id}")
    phone.post(phone.operation(visit, finish=True, hopes="爱讲故事"))
    refused = before.press("删除草稿")

    assert "删除草稿" not in teacher.page(f"/visits/drafts/{draft.public_id}").buttons
    assert refused.status == 409
    assert db.session.get(VisitDraft, draft.id) is not None
