"""Deletion on request: a clock, the school's decision with its ground, two people for a whole record, and nothing left."""

import contextlib
import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    func,
    select,
    update,
)
from sqlalchemy import Table as SqlTable

from portal import clock
from portal.access import Actor, Role
from portal.accounts.codes import CodeRequest
from portal.accounts.models import Appointment, AuthSession, KnownDevice, Passkey, Person
from portal.contacts.models import ChangeRequest
from portal.custody.models import Restriction
from portal.database import checkpoint
from portal.deliveries.models import Delivery
from portal.deliveries.sending import recipient_index
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.files import chunks, storage
from portal.files.intake import Taken, new_stored_key
from portal.files.jobs import remove_stored
from portal.files.models import File, State
from portal.files.storing import keep
from portal.holdings import HOLDINGS, Act, held
from portal.joining.models import JoiningRequest, JoiningSheet, JoiningSlip
from portal.opinions.models import Opinion, OpinionAnswer
from portal.privacy import blocks, erasing
from portal.privacy.models import Consent, ErasureRequest, Ground, LegalHold
from portal.ratings.models import Entry, Round
from portal.recovery.models import Recovery
from portal.schools import summaries
from portal.schools.calendar import add_working_days
from portal.schools.models import (
    Enrolment,
    Guardianship,
    GuardianshipFlag,
    Household,
    Pupil,
    School,
    SchoolClass,
)
from portal.staffing.models import PupilTransfer
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


def also_at(school, name="方晴"):
    """The guardian has a child at another school as well, from which a court keeps her."""
    other = db.session.scalars(
        select(Pupil).join(School).where(School.name == school).order_by(Pupil.id)
    ).first()
    home = db.session.scalars(select(Guardianship).where(Guardianship.person_id == person(name).id)).first()
    tie = Guardianship(
        pupil_id=other.id, person_id=person(name).id, household_id=home.household_id, relation="妈妈",
        started_on=home.started_on,
    )  # fmt: skip
    db.session.add(tie)
    db.session.flush()
    flag = GuardianshipFlag(
        guardianship_id=tie.id, kind="restricted_by_court_order", started_on=home.started_on
    )
    flag.basis = "某号"
    db.session.add(flag)
    db.session.commit()
    return tie


def answered(as_, request, people, decision="grant", **more):
    """The school's two people answer one request."""
    page = as_(people[0]).page(address(request))
    page.press(page.buttons[-1], decision=decision, reply="答复。", **more)
    if decision == "grant":
        second = as_(people[1])
        db.session.execute(update(AuthSession).values(proved_at=clock.now()))
        second.page(address(request)).press("确认，彻底删除")


WANGXI = ("何静", "孙立德")


def second_of_dongta():
    """东塔小学 has one head in the town; 何静 decides there as its office for this story."""
    school_id = db.session.scalar(select(School.id).where(School.name == "东塔小学"))
    office = db.session.scalars(
        select(Appointment).where(Appointment.person_id == person("邓宇").id).order_by(Appointment.id)
    ).first()
    office.role, office.school_id, office.class_id, office.delegated_from_id = (
        "school_office",
        school_id,
        None,
        None,
    )
    office.started_on, office.ended_on = clock.today(), None
    db.session.commit()
    return ("邓宇", "罗敏")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_account_goes_when_every_school_has_agreed(as_, order):
    no_blocks()
    also_at("东塔小学")
    pairs = [WANGXI, second_of_dongta()]
    ask(as_, who="方晴", what="account")
    found = db.session.scalars(
        select(ErasureRequest).where(ErasureRequest.kind == "account").order_by(ErasureRequest.id)
    ).all()
    assert {one.school_id for one in found} == {
        db.session.scalar(select(School.id).where(School.name == name)) for name in ("望溪小学", "东塔小学")
    }
    assert ask(as_, who="方晴", what="account").status == 409
    by_school = {db.session.get_one(School, one.school_id).name: one for one in found}
    todo = [(by_school["望溪小学"], pairs[0]), (by_school["东塔小学"], pairs[1])]
    first, last = todo[order[0]], todo[order[1]]
    answered(as_, *first)
    assert person("方晴").phone and first[0].waits_for_others
    assert "其他学校" in as_("方晴", "guardian").page("/privacy/erasure").text
    answered(as_, *last)
    db.session.expire_all()
    assert {one.state for one in found} == {"done"}
    assert db.session.scalar(select(func.count(Person.id)).where(Person.name == "方晴")) == 0


def test_an_account_stays_where_one_school_refuses_and_all_are_told(as_):
    no_blocks()
    also_at("东塔小学")
    pair = second_of_dongta()
    ask(as_, who="方晴", what="account")
    found = db.session.scalars(select(ErasureRequest).where(ErasureRequest.kind == "account")).all()
    by_school = {db.session.get_one(School, one.school_id).name: one for one in found}
    answered(as_, by_school["望溪小学"], WANGXI)
    answered(as_, by_school["东塔小学"], pair, "refuse", ground="duty")

    db.session.expire_all()
    assert {one.state for one in found} == {"refused"} and person("方晴").phone
    told = as_("方晴", "guardian").page("/privacy/erasure").text
    assert "另一所学校还需要" in told


def test_a_part_reaches_every_school_that_keeps_it_and_each_decides_its_own(as_):
    """What 方晴 wrote to two schools: both are asked, and what the one deletes stays at the other until that decides."""
    no_blocks()
    also_at("东塔小学")
    pair = second_of_dongta()
    mine = db.session.scalars(select(Opinion).where(Opinion.author_id == person("林悦").id)).first()
    other = db.session.scalar(select(School.id).where(School.name == "东塔小学"))
    home = db.session.scalars(select(Opinion).where(Opinion.author_id != person("方晴").id).limit(2)).all()
    for opinion, school_id in zip(home, (mine.school_id, other), strict=True):
        opinion.author_id, opinion.school_id, opinion.text = person("方晴").id, school_id, "写给学校的话"
    db.session.commit()
    page = ask(as_, who="方晴")
    assert "2 所学校" in page.text and "各自" in page.text
    found = db.session.scalars(select(ErasureRequest).where(ErasureRequest.part == "opinions")).all()
    by_school = {one.school_id: one for one in found if one.person_id == person("方晴").id}
    assert set(by_school) == {mine.school_id, other}

    office = as_("何静").page(address(by_school[mine.school_id]))
    assert office.press(office.buttons[-1], decision="grant", reply="已删。").status == 200
    db.session.expire_all()
    assert [opinion.text for opinion in home] == ["—", "写给学校的话"]
    assert by_school[other].state == "open" and by_school[mine.school_id].state == "done"
    office = as_(pair[0]).page(address(by_school[other]))
    office.press(office.buttons[-1], decision="refuse", ground="period", reply="还要保存。")
    db.session.expire_all()
    assert (home[1].text, by_school[other].state) == ("写给学校的话", "refused")


def test_an_opinion_waiting_at_another_school_does_not_stand_against_this_one(as_):
    """The control: moved to this school, the same opinion does."""
    no_blocks()
    also_at("东塔小学")
    other = db.session.scalar(select(School.id).where(School.name == "东塔小学"))
    here, there = db.session.scalars(select(Opinion).limit(2)).all()
    here.author_id = there.author_id = person("方晴").id
    home_id = child("何雨桐").school_id
    here.school_id, there.school_id, there.answered_on = home_id, other, None
    db.session.commit()
    ask(as_, who="方晴")
    request = db.session.scalars(
        select(ErasureRequest).where(ErasureRequest.part == "opinions", ErasureRequest.school_id == home_id)
    ).one()
    assert erasing.blocked(request, clock.today()) == []
    there.school_id = home_id
    db.session.commit()

    assert [block.kind for block in erasing.blocked(request, clock.today())] == ["opinion"]


def test_a_number_that_schools_share_goes_when_all_agree(as_):
    no_blocks()
    also_at("东塔小学")
    pair = second_of_dongta()
    page = ask(as_, who="方晴", what="part:phone")
    assert "全部同意后" in page.text
    found = db.session.scalars(select(ErasureRequest).where(ErasureRequest.part == "phone")).all()
    first, last = found
    people = {child("何雨桐").school_id: "何静"}
    office = as_(people.get(first.school_id, pair[0])).page(address(first))
    office.press(office.buttons[-1], decision="grant", reply="同意。")
    db.session.expire_all()
    assert person("方晴").phone and first.waits_for_others and first.state == "proposed"
    again = as_(people.get(first.school_id, pair[0])).page(address(first))
    assert "确认，彻底删除" not in again.buttons and "其他学校" in again.text
    assert address(first) not in as_(people.get(first.school_id, pair[0])).page("/privacy/requests").html
    office = as_(people.get(last.school_id, pair[0])).page(address(last))
    office.press(office.buttons[-1], decision="grant", reply="同意。")
    db.session.expire_all()

    assert {one.state for one in found} == {"done"} and person("方晴").phone is None


def test_a_child_that_changed_school_is_asked_for_at_both(as_):
    no_blocks()
    pupil = child("林嘉树")
    place = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == pupil.id)).one()
    other = db.session.scalars(
        select(SchoolClass).join(School, School.id == SchoolClass.school_id).where(School.name == "东塔小学")
    ).first()
    db.session.add(
        Enrolment(
            pupil_id=pupil.id, class_id=other.id, school_id=other.school_id,
            started_on=place.started_on - timedelta(days=200), ended_on=place.started_on - timedelta(days=20),
        )
    )  # fmt: skip
    place.ended_on = pupil.left_on = clock.today()
    db.session.commit()
    ask(as_, who="林悦", what=f"child:{pupil.public_id}")
    found = db.session.scalars(select(ErasureRequest).where(ErasureRequest.kind == "child")).all()
    assert {one.school_id for one in found} == {place.school_id, other.school_id}
    by_school = {one.school_id: one for one in found}
    answered(as_, by_school[place.school_id], WANGXI)
    assert child("林嘉树").name == "林嘉树"
    answered(as_, by_school[other.school_id], second_of_dongta())
    db.session.expire_all()

    assert {one.state for one in found} == {"done"}
    assert db.session.scalar(select(func.count(Pupil.id)).where(Pupil.name == "林嘉树")) == 0


def test_a_guardian_whom_a_court_keeps_away_asks_the_school_of_that_child(as_):
    tie = also_at("东塔小学")
    db.session.execute(
        update(Guardianship)
        .where(Guardianship.person_id == tie.person_id, Guardianship.id != tie.id)
        .values(ended_on=clock.today())
    )
    db.session.commit()
    ask(as_, who="方晴", what="part:phone")

    assert db.session.get_one(School, newest().school_id).name == "东塔小学"


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


# Every table is spoken for.

NAMES_SOMEBODY = ("F3", "F4", "F4S", "F6")


class OpinionNote:
    """Something that no feature declares."""

    __tablename__ = "opinion_note"


def unspoken_for(metadata, holdings):
    """Tables with contacts, narratives or secrets, or that hang on a person or a child, of which no feature says what to do."""
    found = set()
    for table in metadata.tables.values():
        sensitive = any(column.info.get("class") in NAMES_SOMEBODY for column in table.columns)
        hangs = any(
            key.column.table.name in ("person", "pupil") and key.ondelete == "CASCADE"
            for column in table.columns
            for key in column.foreign_keys
        )
        if (sensitive or hangs) and table.name not in holdings:
            found.add(table.name)
    return found


def test_every_table_that_holds_something_about_somebody_says_what_becomes_of_it(app):
    assert unspoken_for(Base.metadata, HOLDINGS) == set()


def test_a_table_without_a_word_is_found(app):
    metadata = MetaData()
    SqlTable("person", metadata, Column("id", Integer, primary_key=True))
    SqlTable("diary", metadata, Column("body_sealed", LargeBinary, info={"class": "F4"}))
    SqlTable("badge", metadata, Column("owner", Integer, ForeignKey("person.id", ondelete="CASCADE")))
    SqlTable("weather", metadata, Column("sky", String))

    assert unspoken_for(metadata, HOLDINGS) == {"diary", "badge"}
    some = {name: held for name, held in HOLDINGS.items() if name != "recovery"}
    assert unspoken_for(Base.metadata, some) == {"recovery"}


def test_whatever_is_kept_says_why(app):
    assert [name for name, held in HOLDINGS.items() if held.act == Act.KEEP and not str(held.why)] == []
    with pytest.raises(ValueError, match="without a reason"):
        held(OpinionNote, Act.KEEP)


def everywhere(pupil, guardian):
    """A canary for the two in what joining, custody, contacts, recovery, outbox, codes, devices and keys keep."""
    now, today = clock.now(), clock.today()
    tie = db.session.scalars(
        select(Guardianship).where(Guardianship.pupil_id == pupil.id, Guardianship.person_id == guardian.id)
    ).one()
    sheet = db.session.scalars(select(JoiningSheet).limit(1)).one()
    common = {"pupil_id": pupil.id, "school_id": pupil.school_id}
    db.session.add_all(
        [
            JoiningSlip(sheet_id=sheet.id, number="ZZZZZ", code_hash=f"{CANARY}码", expires_at=now, **common),
            JoiningRequest(
                pupil_id=pupil.id, way="phone", tie_id=tie.id, name=f"{CANARY}申请人", relation="妈妈", asked_at=now,
                phone=guardian.phone, password_hash="x",
            ),
            ChangeRequest(
                guardianship_id=tie.id, person_id=guardian.id, detail="phone", asked_at=now, old=guardian.phone,
                new="+8613912340888", **common,
            ),
            Recovery(
                person_id=guardian.id, whose="guardian", reason=f"{CANARY}换号", expires_at=now, tries=0,
                lost_second=False, **common,
            ),
            Restriction(
                guardianship_id=tie.id, document="judgment", number=f"{CANARY}号", court=f"{CANARY}法院", issued_on=today,
                from_on=today, until_on=today + timedelta(days=1), proposed_at=now, decided_at=now, ended_at=now,
                end_reason=f"{CANARY}撤销", **common,
            ),
            PupilTransfer(
                pupil_id=pupil.id, from_school_id=pupil.school_id, from_on=today, destination=f"{CANARY}市",
                state="withdrawn", proposed_by_id=person("何静").id, proposed_at=now,
            ),
            KnownDevice(person_id=guardian.id, token_hash="canary", created_at=now, last_seen_at=now),
            Passkey(
                person_id=guardian.id, name=f"{CANARY}手机", credential_id=b"x", public_key=b"y", created_at=now
            ),
        ]
    )  # fmt: skip
    sent = Delivery(
        kind="x",
        key="canary",
        channel="dry",
        language="zh-Hans",
        created_at=now,
        not_before=now,
        not_after=now,
    )
    sent.recipient, sent.recipient_index = guardian.phone, recipient_index(guardian.phone)
    code = CodeRequest(
        purpose="sign_in", recipient_index=recipient_index(guardian.phone), device_hash="x", was_known=True, tries=0,
        asked_at=now, expires_at=now,
    )  # fmt: skip
    code.recipient = guardian.phone
    home = db.session.get_one(Household, tie.household_id)
    home.reason = f"{CANARY}分开住"
    db.session.add_all([sent, code])
    db.session.commit()
    return tie


def test_erasure_reaches_every_feature(app):
    pupil, guardian = canary_family()
    everywhere(pupil, guardian)
    phone = guardian.phone[3:]
    before = texts_with(CANARY) | texts_with(phone)
    assert {
        "joining_slip.code_hash", "joining_request.name", "change_request.old", "recovery.reason", "restriction.number",
        "pupil_transfer.destination", "passkey.name", "delivery.recipient", "code_request.recipient", "household.reason",
    } <= set(before)  # fmt: skip
    pupil.left_on = clock.today()
    erasing.erase_pupil(pupil, clock.today())
    erasing.erase_person(guardian, clock.today())
    db.session.commit()

    assert texts_with(CANARY) == {} and texts_with(phone) == {} and texts_with("13912340888") == {}
    assert db.session.scalar(select(func.count(Restriction.id)).where(Restriction.court_sealed.is_not(None)))
    for model in (KnownDevice, Passkey):
        assert not db.session.scalar(select(func.count(model.id)).where(model.person_id == guardian.id))


def test_the_stored_objects_of_an_erased_child_go_with_rows_and_keys(app):
    restriction = db.session.scalars(select(Restriction).order_by(Restriction.id).limit(1)).one()
    keys = [(chunks.new_key(), new_stored_key()) for _number in range(2)]
    for key, name in keys:
        storage.put(name, chunks.seal(b"paper", key, name))
    (key, name), (_other, kept) = keys
    taken = Taken("文书.txt", "text", "text/plain", 5, "0" * 64, name, key, State.CLEAN)
    acting = Actor(person("何静").id, Role.SCHOOL_OFFICE, clock.today())
    keep(taken, restriction, acting, slot="paper", holds="F4S")
    db.session.commit()

    erasing.erase_pupil(db.session.get_one(Pupil, restriction.pupil_id), clock.today())
    assert name in db.session.info[erasing.OBJECTS]
    db.session.info[erasing.OBJECTS] = []
    db.session.commit()
    remove_stored(names=[name])

    assert db.session.scalar(select(File.id).where(File.stored_key == name)) is None
    left = {one.name for batch in storage.objects() for one in batch}
    assert name not in left and kept in left
    storage.remove(kept)


def test_a_restriction_that_holds_keeps_the_child_and_the_restricted_and_nobody_else(app):
    def kinds(who, pupil_id=None):
        asked = ErasureRequest(
            person_id=person(who).id, pupil_id=pupil_id, school_id=child("何雨桐").school_id, parts=[],
            kind="child" if pupil_id else "account", asked_at=clock.now(), due_on=clock.today(),
        )  # fmt: skip
        return [block.kind for block in erasing.blocked(asked, clock.today())]

    assert "custody" in kinds("何志强")
    assert "custody" not in kinds("方晴")
    assert "custody" in kinds("方晴", child("何雨桐").id)


def test_every_block_comes_under_a_ground_of_the_law(as_):
    no_blocks()
    ask(as_, who="方晴", what="account")
    db.session.add(LegalHold(pupil_id=child("何雨桐").id, reason="第4号", started_on=clock.today()))
    db.session.commit()
    page = as_("何静").page(address(newest()))
    form = page.form_of(page.buttons[-1])

    assert page.fields(form)["ground"] == ["investigation"]
    assert set(blocks.GROUNDS.values()) <= set(Ground)
