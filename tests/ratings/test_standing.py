"""After the decision: naming and certificate, the yearly light check, re-rating, downgrade and removal by two people."""

from datetime import timedelta
from itertools import product

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError
from werkzeug.exceptions import Forbidden

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import naming, rechecking, signing, standing
from portal.ratings.models import Entry, ObjectionState, Round, RoundState
from portal.ratings.standing import Appeal, CheckState, LightCheck, Measure, MeasureState, Naming
from portal.schools.models import School
from portal.trail.models import TrailEntry

WHY = "两次家长会记录系事后补写，经查属实。"


@pytest.fixture
def entry(app):
    """Last year's result of the town's school: four stars, all terms over."""
    return result_of("望溪小学")


def result_of(name):
    return db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(Round.state == RoundState.PUBLISHED, School.name == name)
    ).one()


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one().id


def round_of(entry):
    return db.session.get(Round, entry.round_id).public_id


def district(as_, entry, name="张建平"):
    return as_(name, "district_staff").page(f"/ratings/entries/{entry.public_id}/standing")


def own(as_, entry):
    return as_("孙立德").page(f"/ratings/assessments/{entry.public_id}/standing")


def public(as_, entry):
    return as_(None).page(f"/stars/{db.session.get(School, entry.school_id).public_id}")


def named(as_, entry):
    """All schools of last year's round are named."""
    if standing.present(entry) is None:
        as_("张建平").page(f"/ratings/rounds/{round_of(entry)}").press("命名学校")
    return standing.present(entry)


def checked(as_, entry):
    """The light check of this year is asked for."""
    named(as_, entry)
    page = as_("张建平").page(f"/ratings/rounds/{round_of(entry)}/checks")
    return page.press("请学校写复查报告", items=["C1", "D4"])


def reported(as_, entry, **said):
    typed = {"said_1": "家访照常。", "said_2": "每学期征求两次意见。", "clean": "yes"} | said
    return own(as_, entry).press("发出报告", **typed)


def newest(entry):
    return standing.measures_of(entry)[0]


def test_schools_are_named_when_nothing_can_change_their_result(as_, app, entry):
    assert "命名学校" in as_("张建平").page("/").text
    assert standing.present(entry) is None
    page = as_("张建平").page(f"/ratings/rounds/{round_of(entry)}").press("命名学校")
    assert "1 所学校已命名" in page.text and "命名学校" not in page.buttons, (
        "the other one holds its title already"
    )
    row, round_ = standing.present(entry), db.session.get(Round, entry.round_id)
    assert (row.star, row.kind, row.valid_until_on) == (4, "named", round_.valid_until_on)
    other = standing.present(result_of("东塔小学"))
    numbers = {row.number, other.number}
    assert len(numbers) == 2 and f"〔{clock.today().year}〕" in row.number
    assert "命名学校" not in as_("张建平").page("/").text


def test_the_certificate_is_signed_paper_with_a_square_that_leads_to_its_check(as_, entry):
    row = named(as_, entry)
    for who in (("孙立德", None), ("张建平", None)):
        answer = as_(*who).get(f"/ratings/entries/{entry.public_id}/certificate.pdf")
        assert answer.status_code == 200 and answer.mimetype == "application/pdf"
    assert as_("钱文博").get(f"/ratings/entries/{entry.public_id}/certificate.pdf").status_code == 404
    stamped = signing.read(answer.get_data())
    assert stamped.is_genuine() and stamped.content == row.content
    page = as_(None).page(f"/stars/certificates/{row.public_id}")
    for said in (row.number, "望溪小学", "家校共育四星学校", "核对无误", "有效"):
        assert said in page.text
    assert f"/stars/certificates/{row.public_id}" in public(as_, entry).links.values()
    assert as_(None).page("/stars/certificates/AAAAAAAAAAAAAAAAAAAAAA").status == 404
    assert as_(None).page("/stars/certificates/%F0%9F%98%80").status == 404


@pytest.mark.parametrize(
    "change",
    [
        "star = 5",
        "number = '〔2020〕9号'",
        "valid_until_on = '2099-01-01'",
        "content = '{}'",
        "because = 'x'",
    ],
)
def test_a_record_cannot_be_changed_and_a_changed_one_is_told(as_, entry, change):
    row = named(as_, entry)
    assert naming.is_genuine(row)
    with pytest.raises(DatabaseError, match="never changed"):
        db.session.connection().exec_driver_sql(f"UPDATE rating_naming SET {change} WHERE id = {row.id}")
    db.session.rollback()
    with pytest.raises(DatabaseError, match="never changed"):
        db.session.connection().exec_driver_sql(f"DELETE FROM rating_naming WHERE id = {row.id}")
    db.session.rollback()
    db.session.connection().exec_driver_sql("DROP TRIGGER tr_rating_naming_update")
    db.session.connection().exec_driver_sql(f"UPDATE rating_naming SET {change} WHERE id = {row.id}")
    db.session.commit()
    assert "对不上" in as_(None).page(f"/stars/certificates/{row.public_id}").text


def test_a_light_check_from_the_question_to_the_finding(as_, entry):
    page = checked(as_, entry)
    assert "已请 2 所学校" in page.text and "本年度复查" not in page.links
    assert "请写复查报告" in as_("孙立德").page("/").text
    assert reported(as_, entry, said_2="").status == 422
    assert reported(as_, entry, clean="").status == 422
    assert reported(as_, entry, said_1="欧阳慧敏同学家访了三次 13812345678").status == 422
    assert "家访照常。" in reported(as_, entry).text
    assert "请看复查报告" in as_("张建平").page("/").text
    page = district(as_, entry)
    assert "每学期征求两次意见。" in page.text
    assert page.press("保存结论", **{"finding-outcome": "keep"}).status == 422
    page.press("保存结论", **{"finding-outcome": "ask", "finding-text": "第二次什么时候公示的？"})
    page = own(as_, entry)
    assert "第二次什么时候公示的？" in page.text
    assert page.fields(page.form_of("发出报告"))["said_1"] == ["家访照常。"], (
        "what was reported is there to add to"
    )
    reported(as_, entry, said_2="五月十日公示。")
    page = district(as_, entry)
    assert "再问学校一次" not in page.text, "once"
    page.press("保存结论", **{"finding-outcome": "keep", "finding-text": "情况属实，保持四星。"})
    assert "情况属实，保持四星。" in own(as_, entry).text
    text = public(as_, entry).text
    assert "情况属实，保持四星。" in text and "五月十日公示。" not in text, (
        "the finding is public, the report is not"
    )
    assert "请看复查报告" not in as_("张建平").page("/").text
    acts = set(db.session.scalars(select(TrailEntry.action)))
    assert {"rating.checks_started", "rating.report", "rating.ask_again", "rating.keep"} <= acts


def test_a_check_needs_few_indicators_a_day_to_come_and_a_named_school(as_, entry):
    named(as_, entry)
    where = f"/ratings/rounds/{round_of(entry)}/checks"
    page = as_("张建平").page(where)
    assert page.press("请学校写复查报告", items=[]).status == 422
    past = (clock.today() - timedelta(days=1)).isoformat()
    assert page.press("请学校写复查报告", items=["C1"], due_on=past).status == 422
    many = ["A1", "A2", "A3", "B1", "B2", "B3", "B4", "C1", "C2"]
    assert page.press("请学校写复查报告", items=many).status == 422
    assert page.press("请学校写复查报告", items=["Z9"]).status == 422
    page.press("请学校写复查报告", items=["C1"])
    assert (
        as_("张建平").page(where).buttons == [] or "请学校写复查报告" not in as_("张建平").page(where).buttons
    )


def test_no_report_in_time_leads_to_a_new_rating_only_through_two_people(as_, entry):
    checked(as_, entry)
    assert "保存结论" not in district(as_, entry).buttons, "its time runs"
    check = standing.checks_of(entry)[0]
    with time_machine.travel(clock.instant_of(check.due_on + timedelta(days=1), 9), tick=False):
        assert "请看复查报告" in as_("张建平").page("/").text
        district(as_, entry).press("保存结论", **{"finding-outcome": "doubt", "finding-text": "没有报告。"})
        measure = newest(entry)
        assert (measure.kind, measure.state) == ("re_rating", "proposed")
        assert "没有报告。" in own(as_, entry).text
        own(as_, entry).press("发出答复", **{"respond-text": "停电两周，报告已补交。"})
        assert "作出决定" not in district(as_, entry).buttons, "the proposer"
        page = district(as_, entry, "苏敏")
        assert "停电两周，报告已补交。" in page.text
        assert page.press("作出决定", **{"settle-outcome": "settle"}).status == 422
        page.press("作出决定", **{"settle-outcome": "settle", "settle-text": "下一轮重新评定。"})
        assert "已决定重新评定" in public(as_, entry).text
        assert standing.present(entry).kind == "named", "the title stands until the new rating"


@pytest.mark.parametrize(("kind", "star", "says"), [("downgrade", "3", "为三星"), ("removal", "", "摘牌")])
def test_a_downgrade_and_a_removal_are_new_records_and_the_old_one_stays(as_, entry, kind, star, says):
    old = named(as_, entry)
    old_id, old_page = old.id, f"/stars/certificates/{old.public_id}"
    page = district(as_, entry)
    assert page.press("提出", **{"measure-kind": kind}).status == 422
    if kind == "downgrade":
        empty = {"measure-kind": kind, "measure-reason": WHY}
        assert page.press("提出", **empty).status == 422, "no star chosen"
        assert page.press("提出", **empty, **{"measure-to_star": "5"}).status == 422
    page.press("提出", **{"measure-kind": kind, "measure-to_star": star, "measure-reason": WHY})
    assert "提出处理意见" not in district(as_, entry).text, "one at a time"
    assert "请答复拟作的处理" in as_("孙立德").page("/").text
    assert own(as_, entry).press("发出答复", **{"respond-text": ""}).status == 422
    own(as_, entry).press("发出答复", **{"respond-text": "我们已经整改。"})
    assert "请决定一项拟作的处理" in as_("苏敏").page("/").text
    assert "请决定一项拟作的处理" not in as_("张建平").page("/").text
    district(as_, entry, "苏敏").press("作出决定", **{"settle-outcome": "settle", "settle-text": "属实。"})
    now = standing.present(entry)
    assert (now.replaces_id, now.because, now.star) == (old_id, WHY, int(star or 0))
    assert {now.by_id, now.second_by_id} == {person("张建平"), person("苏敏")}
    text = public(as_, entry).text
    assert says in text and WHY in text and "我们已经整改。" not in text
    old_check = as_(None).page(old_page)
    assert "已有新的记录" in old_check.text and "核对无误" in old_check.text and now.number in old_check.text
    status = as_("孙立德").get(f"/ratings/entries/{entry.public_id}/certificate.pdf").status_code
    assert status == (200 if star else 404)


def test_a_measure_may_be_taken_back_by_who_proposed_it_or_dropped_by_another(as_, entry):
    named(as_, entry)
    typed = {"measure-kind": "removal", "measure-reason": WHY}
    district(as_, entry).press("提出", **typed)
    assert "收回我提出的处理" not in district(as_, entry, "苏敏").buttons
    district(as_, entry).press("收回我提出的处理")
    assert newest(entry).state == "dropped"
    district(as_, entry).press("提出", **typed)
    with time_machine.travel(
        clock.instant_of(newest(entry).hearing_due_on + timedelta(days=1), 9), tick=False
    ):
        assert "发出答复" not in own(as_, entry).buttons, "its time is over"
        district(as_, entry, "苏敏").press("学校未答复，继续")
        district(as_, entry, "苏敏").press(
            "作出决定", **{"settle-outcome": "drop", "settle-text": "查无实据。"}
        )
    assert newest(entry).state == "dropped" and standing.present(entry).kind == "named"
    assert "查无实据。" in own(as_, entry).text


def test_nobody_is_named_while_something_can_still_change(as_, entry):
    round_ = db.session.get(Round, entry.round_id)
    round_.publicity_ends_on = clock.today()
    db.session.commit()
    assert "命名学校" not in as_("张建平").page(f"/ratings/rounds/{round_of(entry)}").buttons
    actor = Actor(person("张建平"), Role.DISTRICT_STAFF, clock.today(), district_id=round_.district_id)
    with pytest.raises(RuleBroken):
        naming.name_schools(round_, actor)


STATES = [
    *((LightCheck, state) for state in CheckState),
    *((Measure, state) for state in MeasureState),
    *((Appeal, state) for state in ObjectionState),
]
ALLOWED = {
    (LightCheck, "asked"): {("report", Role.PRINCIPAL), ("doubt_silence", Role.DISTRICT_STAFF)},
    (LightCheck, "reported"): {(verb, Role.DISTRICT_STAFF) for verb in ("ask_again", "keep", "doubt")},
    (Measure, "proposed"): {
        ("respond", Role.PRINCIPAL), ("go_on", Role.DISTRICT_STAFF), ("take_back", Role.DISTRICT_STAFF),
    },
    (Measure, "heard"): {("settle", Role.DISTRICT_STAFF), ("drop", Role.DISTRICT_STAFF)},
    (Measure, "settled"): {("appeal", Role.PRINCIPAL), ("annul", Role.DISTRICT_STAFF)},
    (Appeal, "open"): {
        ("uphold_appeal", Role.DISTRICT_STAFF), ("grant_appeal", Role.DISTRICT_STAFF),
        ("withdraw_appeal", Role.PRINCIPAL), ("lapse_appeal", Role.PRINCIPAL),
    },
}  # fmt: skip


def test_every_state_lets_exactly_these_moves_through_by_exactly_these_roles(app, entry, monkeypatch):
    """State × verb × role, the conditions held open: they have tests of their own."""
    tried = allowed = 0
    today = clock.today()
    monkeypatch.setattr(
        standing,
        "MOVES",
        tuple(standing.Move(m.verb, m.kind, m.start, m.to, m.roles) for m in standing.MOVES),
    )
    ids = {"entry_id": entry.id}
    check = LightCheck(
        **ids, year=2020, items="C1", due_on=today, asked_by_id=person("张建平"), asked_at=clock.now(), finding="x",
        found_by_id=person("张建平"),
    )  # fmt: skip
    measure = Measure(
        **ids, kind="removal", reason="x", proposed_by_id=person("张建平"), proposed_at=clock.now(),
        hearing_due_on=today, settled_by_id=person("苏敏"),
    )  # fmt: skip
    db.session.add_all([check, measure])
    db.session.flush()
    appeal = Appeal(
        **ids, measure_id=measure.id, tier=1, text="x", filed_at=clock.now(), filed_by_id=person("孙立德"),
        answer_due_on=today, heard_by_id=person("苏敏"), answered_at=clock.now(), answer_text="x",
    )  # fmt: skip
    db.session.add(appeal)
    db.session.flush()
    rows = {LightCheck: check, Measure: measure, Appeal: appeal}
    for (kind, state), move, role in product(STATES, standing.MOVES, Role):
        row = rows[kind]
        if not isinstance(row, move.kind):
            continue
        with db.session.begin_nested() as savepoint:
            row.state = state
            db.session.flush()
            try:
                standing.move(row, move.verb, Actor(person("张建平"), role, today))
                passed = True
            except (Forbidden, RuleBroken):
                passed = False
            savepoint.rollback()
        db.session.refresh(row)
        tried += 1
        allowed += passed
        assert passed == ((move.verb, role) in ALLOWED.get((kind, state), set())), (state, move.verb, role)
    of = {kind: sum(move.kind is kind for move in standing.MOVES) for kind in rows}
    assert tried == len(Role) * (4 * of[LightCheck] + 5 * of[Measure] + 5 * of[Appeal])
    assert allowed == sum(map(len, ALLOWED.values())) == len(standing.MOVES)


def test_a_school_is_named_anew_after_the_next_round_and_only_the_newest_record_is_checked(as_, entry):
    old = named(as_, entry)
    row = rechecking.school_of(entry.id)
    made = naming.record(
        row, standing.NamingKind.NAMED, 5, clock.today() + timedelta(days=9), person("张建平"), replaces=old
    )
    db.session.commit()
    assert naming.state_of(old, clock.today()) == "replaced"
    assert naming.state_of(made, clock.today()) == "valid"
    assert naming.state_of(made, clock.today() + timedelta(days=10)) == "expired"
    assert db.session.scalars(select(Naming).where(Naming.school_id == entry.school_id)).all() == [old, made]
