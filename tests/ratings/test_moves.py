"""The table of moves: who may make which move from which state, exactly; and the conditions that refuse in words."""

import csv
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.exceptions import Forbidden

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import conflicts, inspecting, running, states, teams
from portal.ratings.models import (
    Entry,
    EntryState,
    Mark,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    RubricState,
    RubricVersion,
    VetoEvent,
)
from portal.ratings.signatures import Signature
from portal.ratings.terms import ROTATION
from portal.schools.models import School
from portal.settings.models import SettingValue
from tests.ratings.building import appoint, person

TABLE = list(csv.DictReader((Path(__file__).parent / "moves.csv").read_text("utf-8").splitlines()))
"""Written by hand: each move that may happen, by whom; nothing else may, to anyone, ever. ``district_first`` is whoever gave
the first signature, ``district_staff`` somebody else of the office, ``inspector_elsewhere`` one without a sheet of the school."""
ALLOWED = {(line["verb"], line["kind"], line["from"], line["actor"]): line["to"] for line in TABLE}
ACTORS = (*(role.value for role in Role), "district_first", "inspector_elsewhere")
KINDS = {"rubric": RubricState, "round": RoundState, "entry": EntryState, "objection": ObjectionState}
TABLES = {"rubric": RubricVersion, "round": Round, "entry": Entry, "objection": Objection}
FIRST, SECOND = "罗敏", "苏敏"


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


def team(first, second, third="韩素云"):
    """Two who score and a third who leads."""
    return teams.Team((person(first).id, person(second).id), (person(third).id,), person(third).id)


def acting(name):
    """Who plays an actor of the table."""
    people = {"inspector": "吴正清", "inspector_elsewhere": "马兰", "district_first": FIRST}
    role = {"district_first": Role.DISTRICT_STAFF, "inspector_elsewhere": Role.INSPECTOR}.get(name) or Role(
        name
    )
    found = person(people.get(name, SECOND))
    place = db.session.scalar(
        select(Appointment.district_id).where(Appointment.person_id == person(SECOND).id)
    )
    return Actor(found.id, role, clock.today(), district_id=place)


def signature(row, verb, actor):
    """A signature that the first person gave, and the second, who is never the first."""
    first = person(FIRST)
    second = None if actor.person_id == first.id else actor.person_id
    return Signature(
        kind=row.__tablename__, row_id=row.id, verb=verb, district_id=1, address="a", about="b", given="{}", basis="0" * 64,
        first_id=first.id, signed_at=clock.now(), second_id=second, ended_at=second and clock.now(),
    )  # fmt: skip


def row_in(kind, state, verb):
    """A row of the kind in a state, with which every condition of a move is met."""
    entry = entry_in(RoundState.PUBLISHED)
    round_ = entry.round
    match kind:
        case "rubric":
            old = round_.rubric_version
            if state == RubricState.PUBLISHED:
                return old
            row = RubricVersion(
                district_id=old.district_id, rubric_id=old.rubric_id, name=old.name, version=9, yaml=old.yaml,
                canonical=old.canonical, sha256=old.sha256, stored_at=old.stored_at,
            )  # fmt: skip
        case "objection":
            row = Objection(
                entry_id=entry.id, tier=1, state=state, items="D4", text="有照片", filed_at=clock.now(),
                filed_by_id=person("孙立德").id, decision_by_id=entry.decided_by_id, heard_by_id=person(FIRST).id,
                answer_due_on=clock.today() - timedelta(days=verb == "lapse"), answer_text="核对过",
                answered_at=clock.now(), before_inputs="{}", before_result="{}",
            )  # fmt: skip
        case _:
            row = round_ if kind == "round" else entry
            entry.returned_at, entry.return_reason = None, "补齐总结"
            entry.defence_text, entry.reopened_at = "第三项有佐证", None
            entry.defence_due_on = clock.today() - timedelta(days=verb == "close")
            round_.publicity_ends_on = clock.today()
            round_.programme = "base" if verb == "decide_at_once" else "stars"
            round_.self_assessment_due_on = round_.scoring_due_on = clock.today() + timedelta(days=9)
            db.session.flush()
            db.session.execute(update(type(row)).where(type(row).id == row.id).values(state=state))
            db.session.refresh(row, ["state"])
            return row
    db.session.add(row)
    db.session.flush()
    return row


def outcome(verb, kind, state, actor):
    """What becomes of one try: the state it leads to, or None where it is refused and nothing has changed."""
    row = row_in(kind, state, verb)
    move = states.of(verb)
    given = signature(row, verb, actor) if move.second else None
    if given is not None:
        db.session.add(given)
        db.session.flush()
    try:
        states.move(row, verb, actor, given)
    except (RuleBroken, Forbidden, TypeError):
        db.session.refresh(row, ["state"])
        assert row.state == state
        return None
    return row.state


def test_every_state_move_and_actor(app):
    """Each of the triples, once: what the table allows leads where it says, all else is refused and changes nothing."""
    appoint(FIRST)
    entry = entry_in(RoundState.PUBLISHED)
    db.session.execute(
        update(Entry).where(Entry.id != entry.id, Entry.round_id == entry.round_id).values(state="decided")
    )
    db.session.commit()
    actors = {name: acting(name) for name in ACTORS}
    own = {
        move.verb: next(kind for kind, table in TABLES.items() if move.kind is table) for move in states.MOVES
    }
    tried, wrong = 0, []
    for kind, known in KINDS.items():
        for state, move, name in itertools.product(known, states.MOVES, ACTORS):
            tried += 1
            wanted = ALLOWED.get((move.verb, kind, state.value, name))
            # A move of another kind of row, and a role that never moves: refused before anything is looked at.
            cheap = wanted is None and (own[move.verb] != kind or actors[name].role not in move.roles)
            with db.session.begin_nested() as nested:
                if cheap:
                    found = refused_at_once(TABLES[kind], move, actors[name])
                else:
                    found = outcome(move.verb, kind, state, actors[name])
                nested.rollback()
            db.session.expire_all()
            if found != wanted:
                wrong.append((kind, state.value, move.verb, name, found, wanted))
    assert not wrong
    assert tried == sum(len(known) for known in KINDS.values()) * len(states.MOVES) * len(ACTORS) >= 4680


def refused_at_once(table, move, actor):
    """A row that is nowhere stored is enough: neither kind nor role fits, so nothing may be asked of it."""
    with pytest.raises((Forbidden, TypeError)):
        states.move(table(state=move.starts[0]), move.verb, actor)


def test_a_wrong_line_of_the_table_is_found(app):
    """The control: a move that the table does not know, and one that it would give to somebody else."""
    appoint(FIRST)
    assert outcome("accept", "entry", EntryState.SUBMITTED, acting("district_staff")) == "scoring"
    db.session.rollback()
    assert outcome("accept", "entry", EntryState.SUBMITTED, acting("principal")) is None
    db.session.rollback()
    assert outcome("decide", "entry", EntryState.HEARD, acting("district_first")) is None, "one person alone"
    db.session.rollback()


def test_there_are_no_moves_but_these():
    named = {(verb, start, to) for (verb, _kind, start, _actor), to in ALLOWED.items()}
    assert {(move.verb, str(one), str(move.to)) for move in states.MOVES for one in move.starts} == named
    assert {move.verb for move in states.MOVES if move.second} == {
        "publish_rubric", "publish", "rerun", "decide", "decide_at_once", "uphold", "change"
    }  # fmt: skip
    order = list(EntryState)
    back = [
        move.verb
        for move in states.MOVES
        if move.kind is Entry and order.index(EntryState(move.to)) < order.index(EntryState(move.starts[0]))
    ]
    assert back == ["return", "reopen", "rerun"]


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
        teams.assign(entry_in(RoundState.DRAFT), team("吴正清", "李晚晴"), person("张建平").id)
    with pytest.raises(RuleBroken, match="两位不同"):
        teams.assign(entry_in(RoundState.DRAFT), team("吴正清", "吴正清"), person("张建平").id)


def test_where_the_district_rotates_the_last_rounds_inspectors_rest(as_, app):
    entry = entry_in(RoundState.OPEN)
    entry.state, entry.round.state = EntryState.CHOSEN, RoundState.DRAFT
    wu = person("吴正清").id
    key = (wu, entry.school_id)
    assert key not in conflicts.stepping_aside(entry), "off by itself"
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
        teams.assign(entry_in(RoundState.DRAFT), team("吴正清", "冯秀英"), person("张建平").id)


def test_a_tie_found_late_keeps_the_sheet_from_being_locked(app):
    entry = entry_in(RoundState.OPEN)
    entry.state = EntryState.SCORING
    db.session.flush()
    sheet = entry.sheets[0]
    sheet.declared_at = clock.now()
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
