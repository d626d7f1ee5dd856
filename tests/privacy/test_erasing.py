"""Deletion on request: a clock, the school's decision with its ground, two people for a whole record, and nothing left."""

import contextlib
import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import LargeBinary, String, Text, func, select, update

from portal import clock
from portal.accounts.models import AuthSession, Person
from portal.database import checkpoint
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.opinions.models import Opinion, OpinionAnswer
from portal.privacy import blocks, erasing
from portal.privacy.models import Consent, ErasureRequest, LegalHold
from portal.ratings.models import Entry, Round
from portal.schools import summaries
from portal.schools.calendar import add_working_days
from portal.schools.models import Pupil
from portal.visits.models import FollowUp, SealedNote, Visit, VisitPart, VisitRemark

CANARY = "金丝雀"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def child(name):
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def newest():
    return db.session.scalars(select(ErasureRequest).order_by(ErasureRequest.id.desc()).limit(1)).one()


def ask(as_, who="林悦", what="part:opinions", words="请删除。"):
    client = as_(who, "guardian")
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    return client.page("/privacy/erasure/new").press("提交申请", what=what, words=words)


def address(request):
    return f"/privacy/requests/{request.public_id}"


def no_blocks():
    """Everything that would stand against a deletion is out of the way."""
    db.session.execute(update(Opinion).values(acknowledged_on=clock.today(), answered_on=clock.today()))
    for entry in db.session.scalars(select(Entry)):
        entry.state = "chosen"
    db.session.commit()


def test_a_request_has_a_clock_and_the_school_decides(as_):
    no_blocks()
    page = ask(as_)
    assert "学校办理中" in page.text
    request = newest()
    assert request.due_on == add_working_days(clock.today(), 15)
    assert ask(as_).status == 409

    office = as_("何静").page(address(request))
    assert "请删除。" in office.text and "林悦" in office.text
    assert office.press(office.buttons[-1], decision="refuse").status == 422
    done = office.press(office.buttons[-1], decision="grant", reply="已按您的要求删除。")
    assert done.status == 200
    assert newest().state == "done" and newest().words == ""
    family = as_("林悦", "guardian").page("/privacy/erasure")
    assert "已删除" in family.text and "已按您的要求删除。" in family.text
    sent = db.session.scalars(select(Opinion).where(Opinion.author_id == person("林悦").id)).all()
    assert {opinion.text for opinion in sent} == {"—"}


def test_a_refusal_names_its_ground_and_the_way_on(as_):
    request = db.session.scalars(select(ErasureRequest)).first()
    office = as_("何静").page(address(request))
    office.press(office.buttons[-1], decision="refuse", ground="period", reply="学籍材料要保存到毕业后。")

    family = as_("林悦", "guardian").page("/privacy/erasure")
    assert "第四十七条" in family.text and "人民法院" in family.text
    assert as_("何静").page(address(request)).buttons.count("确认，彻底删除") == 0


def test_a_request_can_be_taken_back(as_):
    page = as_("林悦", "guardian").page("/privacy/erasure").press("撤回申请")

    assert "申请已撤回" in page.text
    assert newest().state == "withdrawn"


def test_a_whole_record_takes_two_people_and_nobody_decides_alone(as_):
    no_blocks()
    ask(as_, who="方晴", what="account")
    request = newest()
    office = as_("何静").page(address(request))
    office.press(office.buttons[-1], decision="grant", reply="同意。")

    assert newest().state == "proposed" and person("方晴").phone is not None
    assert "确认，彻底删除" not in as_("何静").page(address(request)).buttons
    with pytest.raises(RuleBroken):
        newest().second(person("何静").id)
    db.session.rollback()
    principal = as_("孙立德")
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    principal.page(address(request)).press("确认，彻底删除")
    assert newest().state == "done"
    assert db.session.scalar(select(func.count(Person.id)).where(Person.name == "方晴")) == 0
    assert newest().effect["person"] == 1


@pytest.mark.parametrize("kind", ["hold", "opinion", "rating"])
def test_what_stands_against_it_is_said_and_blocks(as_, kind):
    no_blocks()
    ask(as_, who="方晴", what="account")
    if kind == "hold":
        db.session.add(
            LegalHold(pupil_id=child("何雨桐").id, reason="县公安(演练)第1号", started_on=clock.today())
        )
    elif kind == "opinion":
        db.session.execute(
            update(Opinion).where(Opinion.author_id == person("方晴").id).values(answered_on=None)
        )
    else:
        entry = db.session.scalars(select(Entry).where(Entry.school_id == child("何雨桐").school_id)).first()
        entry.state = "scoring"
        db.session.get_one(Round, entry.round_id).state = "open"
    db.session.commit()
    page = as_("何静").page(address(newest()))
    said = {"hold": "因调查保留", "opinion": "还没有答复", "rating": "正在参加评星"}[kind]

    assert said in page.text
    assert page.press(page.buttons[-1], decision="grant", reply="好。").status == 409
    assert newest().state == "open"


def test_a_hold_of_another_school_tells_neither_child_nor_reason(app):
    pupil = child("何雨桐")
    db.session.add(LegalHold(pupil_id=pupil.id, reason="县公安(演练)第1号", started_on=clock.today()))
    db.session.commit()
    own = [block.words for block in blocks.of([pupil.id], None, pupil.school_id, clock.today())]
    other = [block for block in blocks.of([pupil.id], None, pupil.school_id + 1, clock.today())]

    assert any("县公安" in words and "何雨桐" in words for words in own)
    assert [block.kind for block in other if block.kind == "hold"] == ["hold"]
    assert not any("县公安" in block.words or "何雨桐" in block.words for block in other)


def test_somebody_in_office_is_not_deleted(as_):
    no_blocks()
    request = ErasureRequest(
        person_id=person("王雪").id,
        school_id=child("陈一诺").school_id,
        kind="account",
        asked_at=clock.now(),
        due_on=clock.today(),
        parts=[],
    )
    db.session.add(request)
    db.session.flush()

    assert [block.kind for block in erasing.blocked(request, clock.today())] == ["appointment"]


def test_only_a_child_that_left_can_be_asked_for(as_):
    page = as_("李晚晴", "guardian").page("/privacy/erasure/new")
    assert "陈一帆" not in page.text
    child("陈一帆").left_on = clock.today()
    db.session.commit()
    assert "陈一帆 的全部信息" in as_("李晚晴", "guardian").page("/privacy/erasure/new").text
    assert ask(as_, "李晚晴", what=f"child:{child('赵小满').public_id}").status == 422


@pytest.mark.parametrize("what", ["", "part:", "part:everything", "child:", "account:1", "__class__"])
def test_a_mangled_request_is_refused(as_, what):
    before = newest().id

    assert ask(as_, what=what).status == 422
    assert newest().id == before


# Nothing is left.


def canary_family():
    """赵小满 and 周桂兰 with a canary in every text that tells of them; 林嘉树 keeps one as the control."""
    pupil, guardian = child("赵小满"), person("周桂兰")
    now = clock.now()
    pupil.name, pupil.name_pinyin, pupil.name_initials = f"{CANARY}学生", "jinsique-p", "jsqp"
    guardian.name, guardian.name_pinyin = f"{CANARY}家长", "jinsique-g"
    guardian.phone, guardian.account_name = "+8613912340999", "jinsique"
    visits = db.session.scalars(select(Visit).where(Visit.pupil_id == pupil.id)).all()
    for visit in visits:
        visit.others_met = f"{CANARY}邻居"
        db.session.add(
            VisitRemark(visit_id=visit.id, person_id=guardian.id, body=f"{CANARY}补充", written_at=now)
        )
        for part in db.session.scalars(select(VisitPart).where(VisitPart.visit_id == visit.id)):
            part.hopes, part.note = f"{CANARY}期望", f"{CANARY}记录"
        for step in db.session.scalars(select(FollowUp).where(FollowUp.visit_id == visit.id)):
            step.what, step.done_line = f"{CANARY}约定", f"{CANARY}完成"
        for sealed in db.session.scalars(select(SealedNote).where(SealedNote.visit_id == visit.id)):
            sealed.body = f"{CANARY}保密"
    for opinion in db.session.scalars(select(Opinion).where(Opinion.author_id == guardian.id)):
        opinion.text = f"{CANARY}意见"
        for answer in db.session.scalars(select(OpinionAnswer).where(OpinionAnswer.opinion_id == opinion.id)):
            answer.text = f"{CANARY}答复"
    db.session.commit()
    return pupil, guardian


def texts_with(word):
    """table.column → how many rows hold a word, over every table, sealed columns read through their models."""
    found = {}
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        for column in table.columns:
            if isinstance(column.type, String | Text):
                count = db.session.scalar(
                    select(func.count()).select_from(table).where(column.contains(word))
                )
                if count:
                    found[f"{table.name}.{column.name}"] = count
        names = [
            column.name.removesuffix("_sealed")
            for column in table.columns
            if isinstance(column.type, LargeBinary) and column.name.endswith("_sealed")
        ]
        for name in names:
            rows = db.session.scalars(select(mapper.class_)).all()
            count = sum(word in str(getattr(row, name, None)) for row in rows)
            if count:
                found[f"{table.name}.{name}"] = count
    return found


def raw(home):
    db.session.remove()
    db.engine.dispose()
    checkpoint(str(home / "portal.db"))
    return b"".join(path.read_bytes() for path in home.glob("portal.db*") if path.suffix != ".write-lock")


def test_nothing_of_an_erased_family_is_left_in_any_table_or_byte(app, home):
    pupil, guardian = canary_family()
    phone, pupil_id, guardian_id = guardian.phone, pupil.id, guardian.id
    index = guardian.phone_index
    before = texts_with(CANARY)
    assert {"pupil.name", "person.name", "follow_up.what", "visit.others_met"} <= set(before)
    assert len(before) >= 8
    assert CANARY.encode() in raw(home) and index in raw(home)

    today = clock.today()
    child_of, adult = db.session.get_one(Pupil, pupil_id), db.session.get_one(Person, guardian_id)
    child_of.left_on = today
    lost = erasing.erase_pupil(child_of, today) + erasing.erase_person(adult, today)
    db.session.commit()

    assert texts_with(CANARY) == {}
    assert texts_with(phone[3:]) == {} and texts_with("jinsique") == {}
    whole = raw(home)
    for word in (CANARY, phone[3:], "jinsique"):
        assert word.encode() not in whole
    assert index not in whole
    assert lost["visit_part"] and lost["guardianship"]
    with contextlib.closing(sqlite3.connect(home / "portal.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_numbers_stay_as_they_were(app):
    pupil, guardian = canary_family()
    summaries.rebuild()
    db.session.flush()
    erasing.erase_pupil(pupil, clock.today())
    erasing.erase_person(guardian, clock.today())
    db.session.flush()

    assert summaries.differences() == {}


def test_consents_stay_as_numbers_without_anybody(app):
    before = db.session.scalar(select(func.count(Consent.id)))
    pupil = child("陈一诺")
    erasing.erase_pupil(pupil, clock.today())
    db.session.commit()

    assert db.session.scalar(select(func.count(Consent.id))) == before
    assert db.session.scalar(select(func.count(Consent.id)).where(Consent.pupil_id == pupil.id)) == 0


def test_the_other_family_keeps_every_word(app):
    part = db.session.scalars(
        select(VisitPart)
        .join(Visit, Visit.id == VisitPart.visit_id)
        .where(Visit.pupil_id == child("林嘉树").id)
    ).first()
    part.hopes = f"{CANARY}别家"
    db.session.commit()
    erasing.erase_pupil(child("赵小满"), clock.today())
    erasing.erase_person(person("周桂兰"), clock.today())
    db.session.commit()

    assert sum(texts_with(f"{CANARY}别家").values()) == 1


def test_a_deleted_person_cannot_sign_in_any_more(as_):
    client = as_("周桂兰")
    assert client.get("/").status_code == 200
    erasing.erase_person(person("周桂兰"), clock.today())
    db.session.commit()

    assert client.get("/").status_code == 302


def test_a_request_that_lies_too_long_is_seen_by_the_district_without_words(as_):
    request = newest()
    request.due_on = clock.today() - timedelta(days=1)
    db.session.commit()
    page = as_("张建平").page("/privacy/requests")

    assert "望溪小学" in page.text
    assert "林悦" not in page.text and "用不上" not in page.text
    assert as_("张建平").page(address(request)).status == 403
