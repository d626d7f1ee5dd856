"""The table of moves: who may make which move from which state, exactly; and the conditions that refuse in words."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.exceptions import Forbidden

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import inspecting, running, states
from portal.ratings.models import (
    Entry,
    EntryState,
    Mark,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    VetoEvent,
)
from portal.ratings.terms import ROTATION
from portal.schools.models import School
from portal.settings.models import SettingValue

ALLOWED = {
    ("open", RoundState.DRAFT, Role.DISTRICT_STAFF),
    ("publish", RoundState.OPEN, Role.DISTRICT_STAFF),
    ("begin", EntryState.CHOSEN, Role.DISTRICT_STAFF),
    ("submit", EntryState.SELF_ASSESSING, Role.PRINCIPAL),
    ("return", EntryState.SUBMITTED, Role.DISTRICT_STAFF),
    ("accept", EntryState.SUBMITTED, Role.DISTRICT_STAFF),
    ("lock", EntryState.SCORING, Role.INSPECTOR),
    ("agree", EntryState.LOCKED, Role.INSPECTOR),
    ("opine", EntryState.AGREED, Role.DISTRICT_STAFF),
    ("decide_at_once", EntryState.AGREED, Role.DISTRICT_STAFF),
    ("answer", EntryState.OPINED, Role.PRINCIPAL),
    ("close", EntryState.OPINED, Role.DISTRICT_STAFF),
    ("reopen", EntryState.HEARD, Role.DISTRICT_STAFF),
    ("decide", EntryState.HEARD, Role.DISTRICT_STAFF),
    ("object", EntryState.DECIDED, Role.PRINCIPAL),
    ("uphold", ObjectionState.OPEN, Role.DISTRICT_STAFF),
    ("change", ObjectionState.OPEN, Role.DISTRICT_STAFF),
    ("lapse", ObjectionState.OPEN, Role.PRINCIPAL),
    ("withdraw", ObjectionState.OPEN, Role.PRINCIPAL),
}
"""Written by hand: nothing else may happen, to anyone, ever."""
LEADS_TO = {
    "open": RoundState.OPEN,
    "publish": RoundState.PUBLISHED,
    "begin": EntryState.SELF_ASSESSING,
    "submit": EntryState.SUBMITTED,
    "return": EntryState.SELF_ASSESSING,
    "accept": EntryState.SCORING,
    "lock": EntryState.LOCKED,
    "agree": EntryState.AGREED,
    "opine": EntryState.OPINED,
    "decide_at_once": EntryState.DECIDED,
    "answer": EntryState.HEARD,
    "close": EntryState.HEARD,
    "reopen": EntryState.LOCKED,
    "decide": EntryState.DECIDED,
    "object": EntryState.DECIDED,
    "uphold": ObjectionState.UPHELD,
    "change": ObjectionState.CHANGED,
    "withdraw": ObjectionState.WITHDRAWN,
    "lapse": ObjectionState.LAPSED,
}


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def actor(name, role):
    return Actor(person(name).id, role, clock.today())


def entry_in(state, school="望溪小学"):
    """An entry with all that moves look at."""
    return db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(School.name == school, Round.state == state)
        .options(
            joinedload(Entry.school),
            joinedload(Entry.round).joinedload(Round.rubric_version),
            joinedload(Entry.round).joinedload(Round.school_year),
            selectinload(Entry.vetoes),
            selectinload(Entry.sheets),
        )
        .execution_options(populate_existing=True)
    ).one()


@pytest.mark.parametrize("verb", [move.verb for move in states.MOVES if move.kind is not Objection])
def test_every_verb_state_and_role(app, verb):
    entry = entry_in(RoundState.PUBLISHED)
    round_ = entry.round
    db.session.execute(
        update(Entry).where(Entry.id != entry.id, Entry.round_id == round_.id).values(state="decided")
    )
    about_round = verb in ("open", "publish")
    row = round_ if about_round else entry
    kinds = RoundState if about_round else EntryState
    entry.returned_at, entry.return_reason = None, "补齐总结"
    entry.defence_text, entry.reopened_at = "第三项有佐证", None
    entry.defence_due_on = clock.today() - timedelta(days=verb == "close")
    round_.publicity_ends_on = clock.today()
    round_.programme = "base" if verb == "decide_at_once" else "stars"
    round_.self_assessment_due_on = round_.scoring_due_on = clock.today() + timedelta(days=9)
    db.session.flush()
    inspector = person("吴正清").id
    for state, role in itertools.product(kinds, Role):
        db.session.execute(update(type(row)).where(type(row).id == row.id).values(state=state))
        db.session.refresh(row, ["state"])
        who = Actor(inspector if role is Role.INSPECTOR else person("苏敏").id, role, clock.today())
        if (verb, state, role) in ALLOWED:
            states.move(row, verb, who)
            assert row.state == LEADS_TO[verb]
        else:
            with pytest.raises((RuleBroken, Forbidden)):
                states.move(row, verb, who)
            assert row.state == state
    db.session.rollback()


@pytest.mark.parametrize("verb", ["uphold", "change", "lapse", "withdraw"])
def test_every_verb_state_and_role_of_an_objection(app, verb):
    entry = entry_in(RoundState.PUBLISHED)
    su = person("苏敏").id
    for state, role in itertools.product(ObjectionState, Role):
        row = Objection(
            entry_id=entry.id, tier=1, state=state, items="D4", text="有照片", filed_at=clock.now(),
            filed_by_id=person("孙立德").id, decision_by_id=entry.decided_by_id, heard_by_id=su,
            answer_due_on=clock.today() - timedelta(days=1), answer_text="核对过", answered_at=clock.now(),
            before_inputs="{}", before_result="{}",
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        who = Actor(su, role, clock.today(), district_id=entry.round.district_id)
        if (verb, state, role) in ALLOWED:
            states.move(row, verb, who)
            assert row.state == LEADS_TO[verb]
        else:
            with pytest.raises((RuleBroken, Forbidden)):
                states.move(row, verb, who)
            assert row.state == state
        db.session.rollback()
        entry = entry_in(RoundState.PUBLISHED)


def test_there_are_no_moves_but_these():
    assert {(move.verb, move.start, role) for move in states.MOVES for role in move.roles} == ALLOWED
    assert {move.verb: move.to for move in states.MOVES} == LEADS_TO
    order = list(EntryState)
    back = [
        move.verb
        for move in states.MOVES
        if move.kind is Entry and order.index(EntryState(move.to)) < order.index(EntryState(move.start))
    ]
    assert back == ["return", "reopen"]


def test_a_round_cannot_open_without_two_inspectors_for_each_school(as_, app):
    page = as_("张建平").page("/ratings/rounds/new")
    schools = [found.get("value") for found in page.all("input", name="schools")]
    later = clock.today() + timedelta(days=30)
    page = page.press(
        "新建这一轮",
        schools=schools,
        self_assessment_due_on=later.isoformat(),
        scoring_due_on=later.isoformat(),
    )
    assert "还缺评审" in page.text
    assert "开启本轮" not in page.buttons

    round_ = db.session.scalars(select(Round).where(Round.state == RoundState.DRAFT)).one()
    with pytest.raises(RuleBroken, match="还缺评审"):
        running.open_round(running.loaded(round_.id), actor("张建平", Role.DISTRICT_STAFF))


def test_who_has_a_child_or_works_at_a_school_cannot_inspect_it(as_, app):
    district = db.session.scalars(
        select(Appointment.district_id).where(Appointment.person_id == person("吴正清").id)
    ).one()
    for name in ("李晚晴", "马兰"):
        db.session.add(
            Appointment(
                person_id=person(name).id, role=Role.INSPECTOR, district_id=district, started_on=clock.today()
            )
        )
    entry = entry_in(RoundState.OPEN)
    entry.state = EntryState.CHOSEN
    entry.round.state = RoundState.DRAFT
    db.session.commit()

    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}/inspectors")
    assert "李晚晴：有孩子在该校就读" in page.text.replace(" ", "")
    assert "马兰" in page.text, "left two months ago: still within three years"
    offered = "".join("".join(found.itertext()) for found in page.all("select"))
    assert "李晚晴" not in offered
    assert "马兰" not in offered
    assert "吴正清" in offered

    with pytest.raises(RuleBroken, match="有孩子在该校就读"):
        inspecting.assign(
            entry_in(RoundState.DRAFT), [person("吴正清").id, person("李晚晴").id], person("张建平").id
        )
    with pytest.raises(RuleBroken, match="两位不同"):
        inspecting.assign(
            entry_in(RoundState.DRAFT), [person("吴正清").id, person("吴正清").id], person("张建平").id
        )


def test_where_the_district_rotates_the_last_rounds_inspectors_rest(as_, app):
    entry = entry_in(RoundState.OPEN)
    entry.state, entry.round.state = EntryState.CHOSEN, RoundState.DRAFT
    wu = person("吴正清").id
    key = (wu, entry.school_id)
    assert key not in inspecting.stepping_aside(entry), "off by itself"
    db.session.add(
        SettingValue(
            name=ROTATION.name,
            district_id=entry.round.district_id,
            value=True,
            from_on=clock.today(),
            document="云教督〔2026〕12 号",
            set_at=clock.now(),
        )
    )
    db.session.commit()
    page = as_("张建平").page(f"/ratings/entries/{entry_in(RoundState.DRAFT).public_id}/inspectors")
    assert "上一轮评审过这所学校" in page.text
    with pytest.raises(RuleBroken, match="上一轮"):
        inspecting.assign(entry_in(RoundState.DRAFT), [wu, person("冯秀英").id], person("张建平").id)


def test_a_tie_found_late_keeps_the_sheet_from_being_locked(app):
    entry = entry_in(RoundState.OPEN)
    entry.state = EntryState.SCORING
    db.session.flush()
    sheet = entry.sheets[0]
    db.session.execute(delete(Mark).where(Mark.sheet_id == sheet.id))
    school_class = db.session.scalars(select(School).where(School.name == "望溪小学")).one()
    db.session.add(
        Appointment(
            person_id=sheet.person_id,
            role=Role.SCHOOL_OFFICE,
            school_id=school_class.id,
            started_on=clock.today(),
        )
    )
    db.session.flush()
    for item in inspecting.to_score(entry):
        db.session.add(Mark(sheet_id=sheet.id, item_id=item.id, facts="{}", marked_at=clock.now()))
    db.session.flush()
    with pytest.raises(RuleBroken, match="您不能评审这所学校"):
        inspecting.lock(sheet)
    db.session.rollback()


def test_the_self_assessment_is_refused_after_its_day(as_, app):
    entry = entry_in(RoundState.OPEN)
    entry.round.self_assessment_due_on = clock.today() - timedelta(days=1)
    db.session.commit()
    page = as_("孙立德").page(f"/ratings/assessments/{entry_in(RoundState.OPEN).public_id}/check")
    assert "截止日" in page.text
    assert "提交自评" not in page.buttons


def test_it_is_returned_once_and_no_more(as_, app):
    entry = entry_in(RoundState.OPEN)
    entry.state = EntryState.SUBMITTED
    entry.claimed_star = 4
    db.session.commit()
    district = as_("张建平")
    page = district.page(f"/ratings/entries/{entry.public_id}")
    assert page.press("退回学校", reason=" ").status == 422
    page = page.press("退回学校", reason="请补上学期总结。")
    assert "自评进行中" in page.text
    assert "请补上学期总结" in as_("孙立德").page("/").text

    again = entry_in(RoundState.OPEN)
    again.state = EntryState.SUBMITTED
    db.session.commit()
    page = district.page(f"/ratings/entries/{entry.public_id}")
    assert "退回学校" not in page.buttons
    with pytest.raises(RuleBroken, match="只能退回一次"):
        running.send_back(entry_in(RoundState.OPEN), "再补", actor("张建平", Role.DISTRICT_STAFF))


def test_a_veto_needs_a_second_person_and_blocks_the_decision_until_then(as_, app):
    entry = entry_in(RoundState.OPEN)
    entry.state = EntryState.SUBMITTED
    db.session.commit()
    address = f"/ratings/entries/{entry.public_id}"
    first, second = as_("张建平"), as_("苏敏")
    page = first.page(address).press(
        "记录否决", **{"veto-veto": "V3", "veto-reason": "两位家长书面说明，教师已承认。"}
    )
    assert "等第二人确认" in page.text
    assert "确认否决" not in page.buttons
    event = db.session.scalars(select(VetoEvent)).one()
    own = first.send(f"{address}/vetoes/{event.public_id}/confirmation", tokens(page))
    assert own.status == 409
    assert "另一位" in own.text
    assert "核对一条否决记录" in second.page("/").text
    page = second.page(address).press("确认否决")
    assert "生效" in page.text
    page = first.page(address).press("记录否决", **{"veto-veto": "V3", "veto-reason": "再记一次"})
    assert page.status == 409


def tokens(page):
    form = page.form_of("记录否决")
    return {name: values for name, values in page.fields(form).items() if name == "csrf_token"}
