"""Who scores a school: ties that keep people away, what they declare before papers are open, void sheets, the third scorer."""

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import conflicts, deciding, inspecting, reproducing, running, teams, thirds
from portal.ratings.canonical import canonical
from portal.ratings.drawing import Draw
from portal.ratings.interests import Interest
from portal.ratings.models import Consensus, Entry, EntryState, Mark, Round, RoundState, Seat, Sheet
from portal.ratings.terms import GROUPS
from portal.schools.models import School
from portal.settings.models import SettingValue
from portal.trail.models import TrailEntry
from tests.ratings.building import appoint, countersigned, entry_of, opened, person
from tests.ratings.test_journey import sheet_of

WU, FENG, HAN = "吴正清", "冯秀英", "韩素云"


def scoring():
    """A school of this year's round that is being scored; nobody has opened its papers."""
    return entry_of(RoundState.OPEN, state=EntryState.SCORING).public_id


def scored(**of_round):
    """Last year's school with both sheets as they were locked, before anything was agreed, and a third in the team."""
    rules = {"team_size": 3, "spread_limit": 40, **of_round}
    entry = entry_of(RoundState.PUBLISHED, state=EntryState.LOCKED, becomes=RoundState.OPEN, **rules)
    db.session.execute(delete(Consensus).where(Consensus.entry_id == entry.id))
    db.session.add(Sheet(entry_id=entry.id, person_id=person(HAN).id, seat=Seat.MEMBER, is_lead=True))
    db.session.commit()
    return entry.public_id


def differing(name, points, public_id):
    """What somebody's sheet says about D4."""
    entry = fresh(public_id)
    sheet = sheet_of(entry, name)
    mark = db.session.scalars(select(Mark).where(Mark.sheet_id == sheet.id, Mark.item_id == "D4")).one()
    mark.facts = canonical({"points": points})
    sheet.locked_at, sheet.declared_at = None, clock.now()
    entry.state = EntryState.SCORING
    db.session.commit()
    return sheet.public_id


def fresh(public_id):
    db.session.expire_all()
    return db.session.scalars(select(Entry).where(Entry.public_id == public_id)).one()


def works_at(name, school, role=Role.SCHOOL_OFFICE):
    place = db.session.scalars(select(School).where(School.name == school)).one()
    db.session.add(
        Appointment(person_id=person(name).id, role=role, school_id=place.id, started_on=clock.today())
    )
    db.session.commit()
    return place


def seats(public_id):
    rows = db.session.scalars(select(Sheet).where(Sheet.entry_id == fresh(public_id).id).order_by(Sheet.id))
    return {row.person_id: (row.seat, row.voided_at is not None) for row in rows}


# Ties


def test_people_of_the_same_group_step_aside(app):
    entry = entry_of(RoundState.OPEN, state=EntryState.CHOSEN, becomes=RoundState.DRAFT)
    works_at(WU, "东塔小学")
    assert (person(WU).id, entry.school_id) not in conflicts.conflicts([entry.school_id]), (
        "control: no group yet"
    )
    district_id = db.session.get(Round, entry.round_id).district_id
    lines = ["望溪小学、东塔小学", "没有的学校，望溪小学"]
    db.session.add(
        SettingValue(
            name=GROUPS.name, district_id=district_id, value=lines, from_on=clock.today(), document="云教〔2026〕3 号",
            set_at=clock.now(),
        )
    )  # fmt: skip
    db.session.commit()
    tied = conflicts.conflicts([entry.school_id])
    assert tied[person(WU).id, entry.school_id] == "在同一教育集团或联盟的学校工作。"
    assert conflicts.unknown_names(district_id) == ["没有的学校"]


def test_people_of_two_schools_do_not_rate_each_other(app):
    here = entry_of(RoundState.OPEN, state=EntryState.CHOSEN, becomes=RoundState.DRAFT)
    there = db.session.scalars(
        select(Entry).where(Entry.round_id == here.round_id, Entry.id != here.id)
    ).one()
    appoint("程远", role=Role.INSPECTOR)
    works_at("程远", "望溪小学")
    works_at(WU, "东塔小学")
    for sheet in db.session.scalars(select(Sheet).where(Sheet.entry_id.in_((here.id, there.id)))):
        db.session.delete(sheet)
    db.session.commit()
    assert (person(WU).id, here.school_id) not in conflicts.stepping_aside(loaded(here.id)), "control"
    db.session.add(Sheet(entry_id=there.id, person_id=person("程远").id))
    db.session.commit()
    why = conflicts.stepping_aside(loaded(here.id))[person(WU).id, here.school_id]
    assert "不得互评" in why
    with pytest.raises(RuleBroken, match="不得互评"):
        teams.assign(
            loaded(here.id),
            teams.Team((person(WU).id, person(FENG).id), (person(HAN).id,), person(HAN).id),
            person("张建平").id,
        )


def loaded(entry_id):
    return db.session.scalars(
        select(Entry)
        .where(Entry.id == entry_id)
        .options(joinedload(Entry.round).joinedload(Round.rubric_version), selectinload(Entry.vetoes))
        .execution_options(populate_existing=True)
    ).one()


def test_a_team_needs_three_people_and_a_lead(as_, app):
    entry = entry_of(RoundState.OPEN, state=EntryState.CHOSEN, becomes=RoundState.DRAFT)
    where = f"/ratings/entries/{entry.public_id}/inspectors"
    page = as_("张建平").page(where)
    people = {"".join(one.itertext()): one.get("value") for one in page.all("option")}
    two = {"first": people[WU], "second": people[FENG]}
    refused = page.press("确定评审", **two, third="", lead="first")
    assert refused.status == 422 and "评审组至少三人" in refused.text
    refused = page.press("确定评审", **two, third=people[HAN], lead="fourth")
    assert refused.status == 422 and "请指定组长" in refused.text
    refused = page.press("确定评审", **two, third=people[WU], lead="first")
    assert refused.status == 422
    page = page.press("确定评审", **two, third=people[HAN], lead="third")
    assert page.status == 200
    short = teams.Team((person(WU).id, person(FENG).id))
    with pytest.raises(RuleBroken, match="至少需要 3 人"):
        teams.assign(loaded(entry.id), short, person("张建平").id)
    sheets = {
        one.person_id: one for one in db.session.scalars(select(Sheet).where(Sheet.entry_id == entry.id))
    }
    assert sheets[person(HAN).id].seat == Seat.MEMBER and sheets[person(HAN).id].is_lead


# What is declared


def test_papers_stay_closed_until_something_is_said_about_ties(as_, app):
    entry = scoring()
    sheet = sheet_of(fresh(entry), WU).public_id
    wu = as_(WU)
    page = wu.page(f"/ratings/sheets/{sheet}")
    assert "查阅材料之前" in page.text
    assert wu.page(f"/ratings/sheets/{sheet}/items/D4").text == page.text
    assert wu.get(f"/ratings/kit/package?sheet={sheet}").status_code == 409
    refused = page.press("继续", tie="teaching", reason="")
    assert refused.status == 422 and "请写明是什么关系" in refused.text
    page = opened(wu, sheet)
    assert "独立打分" in page.text or "还有" in page.text
    assert wu.get(f"/ratings/kit/package?sheet={sheet}").status_code == 200, "control"
    again = wu.page(f"/ratings/sheets/{sheet}/interest")
    assert "没有，可以评审" not in again.text


def test_rounds_from_before_go_on_as_they_were(as_, app):
    """A round prepared before ties were asked: two inspectors, no third, no panel, and papers that are open as before."""
    entry = entry_of(
        RoundState.OPEN, state=EntryState.SCORING, spread_limit=None, team_size=2, has_panel=False
    )
    db.session.delete(sheet_of(entry, HAN))
    db.session.commit()
    sheet = sheet_of(fresh(entry.public_id), WU).public_id
    assert "查阅材料之前" not in as_(WU).page(f"/ratings/sheets/{sheet}").text
    assert as_(WU).get(f"/ratings/kit/package?sheet={sheet}").status_code == 200
    assert sheet in as_(WU).page("/ratings/kit/take").html
    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}")
    assert "评审组现有" not in page.text and "评审会" not in page.text


def test_a_tie_declared_before_opening_means_stepping_aside(as_, app):
    entry = scoring()
    sheet = sheet_of(fresh(entry), WU).public_id
    page = as_(WU).page(f"/ratings/sheets/{sheet}").press("继续", tie="relative", reason="侄女在二年级。")
    assert "已回避" in page.text
    assert as_(WU).get(f"/ratings/sheets/{sheet}").status_code == 404
    assert seats(entry)[person(WU).id] == ("scorer", True)
    assert seats(entry)[person(HAN).id] == ("scorer", False), "the third of the team scores in that place"
    page = as_("张建平").page(f"/ratings/entries/{entry}")
    assert "查阅材料前主动回避" in page.text and "侄女在二年级" in page.text
    assert (person(WU).id, fresh(entry).school_id) in conflicts.conflicts([fresh(entry).school_id])
    assert "评审组现有 2 人" in page.text
    appoint("程远", role=Role.INSPECTOR)
    page = as_("张建平").page(f"/ratings/entries/{entry}")
    offered = {"".join(one.itertext()): one.get("value") for one in page.all("option")}
    assert WU not in offered
    page = page.press("加入评审组", **{"join-person": offered["程远"], "join-reason": "只有他有空。"})
    assert page.status == 200 and "评审组现有" not in page.text
    assert seats(entry)[person("程远").id] == ("member", False)


def test_where_the_draw_names_people_a_replacement_is_drawn_or_needs_a_reason(as_, app):
    """Whose turn it is follows from list and seed of the draw; anybody else is named with a reason that everybody reads."""
    entry = scoring()
    for name in ("程远", "陆青禾"):
        appoint(name, role=Role.INSPECTOR)
    found = fresh(entry)
    round_ = db.session.get(Round, found.round_id)
    round_.by_draw, found.chosen_reason = True, ""
    given = {"schools": [{"entry": entry, "eligible": [person("程远").public_id]}]}
    draw = Draw(
        round_id=round_.id, number=1, source="双色球", given=canonical(given), announced_at=clock.now(),
        announced_by_id=person("张建平").id, seed="081117", result=canonical({"teams": []}), drawn_at=clock.now(),
        drawn_by_id=person("苏敏").id,
    )  # fmt: skip
    db.session.add(draw)
    db.session.commit()
    sheet = sheet_of(fresh(entry), WU).public_id
    as_(WU).page(f"/ratings/sheets/{sheet}").press("继续", tie="relative", reason="侄女在二年级。")
    page = as_("张建平").page(f"/ratings/entries/{entry}")
    assert "轮到程远" in page.text
    offered = {"".join(one.itertext()): one.get("value") for one in page.all("option")}
    refused = page.press("加入评审组", **{"join-person": offered["陆青禾"], "join-reason": " "})
    assert refused.status == 422 and "请写明理由" in refused.text
    assert page.press("加入评审组", **{"join-person": offered["程远"]}).status == 200
    assert seats(entry)[person("程远").id] == ("member", False)
    assert fresh(entry).chosen_reason == ""

    teams._make_void(sheet_of(fresh(entry), "程远"), "事后发现")
    db.session.commit()
    page = as_("张建平").page(f"/ratings/entries/{entry}")
    assert "轮到陆青禾" in page.text
    db.session.delete(db.session.get(Draw, draw.id))
    db.session.commit()
    page = as_("张建平").page(f"/ratings/entries/{entry}")
    page = page.press("加入评审组", **{"join-person": offered["陆青禾"], "join-reason": "只有她熟悉特教。"})
    assert page.status == 200 and "只有她熟悉特教。" in page.text
    assert "只有她熟悉特教。" in as_(None).page("/stars/draws").text


# Void


def test_a_sheet_is_made_void_by_two_people_and_scored_again(as_, app):
    entry = scored()
    assert fresh(entry).state == EntryState.LOCKED
    sheet = sheet_of(fresh(entry), WU).public_id
    page = (
        as_(WU)
        .page(f"/ratings/sheets/{sheet}/interest")
        .press("申报这项关系", tie="other", reason="合办过公司。")
    )
    assert "由教育局决定" in page.text
    assert seats(entry)[person(WU).id] == ("scorer", False), "not by oneself once papers were seen"
    assert "处理评审组的变动" in as_("张建平").page("/").text

    where = f"/ratings/entries/{entry}"
    page = as_("张建平").page(where)
    refused = page.press("签署作废", **{"void-sheet": sheet, "void-reason": ""})
    assert refused.status == 422
    page = page.press("签署作废", **{"void-sheet": sheet, "void-reason": "与校长合办过公司，未事先申报。"})
    assert "等待会签" in page.text and "会签" not in page.buttons
    assert fresh(entry).state == EntryState.LOCKED
    page = countersigned(as_, where)
    assert "作废" in page.text and "与校长合办过公司" in page.text, "the void sheet stays visible"
    assert fresh(entry).state == EntryState.SCORING
    assert seats(entry)[person(WU).id] == ("scorer", True)
    assert seats(entry)[person(HAN).id] == ("scorer", False)
    acts = set(db.session.scalars(select(TrailEntry.action)))
    assert {"rating.voided", "rating.rerun", "rating.seat_taken", "rating.interest_declared"} <= acts

    own, old = sheet_of(fresh(entry), HAN), sheet_of(fresh(entry), WU)
    for mark in db.session.scalars(select(Mark).where(Mark.sheet_id == old.id)).all():
        db.session.add(Mark(sheet_id=own.id, item_id=mark.item_id, facts=mark.facts, marked_at=clock.now()))
    db.session.commit()
    opened(as_(HAN), own).press("锁定评分表")
    assert fresh(entry).state == EntryState.LOCKED
    found = running.loaded(fresh(entry).round_id)
    told = teams.voided_in(found)
    assert len(told) == 1 and WU in told[0] and "与校长合办过公司" in told[0]
    assert {
        name for rows in inspecting.facts_by_sheet(loaded(fresh(entry).id)).values() for name in rows
    } == {sheet_of(fresh(entry), name).id for name in (FENG, HAN)}


def test_a_void_sheet_cannot_be_changed_unseen(as_, app):
    entry = entry_of(RoundState.PUBLISHED)
    sheet = db.session.scalars(select(Sheet).where(Sheet.entry_id == entry.id)).first()
    db.session.add(Sheet(entry_id=entry.id, person_id=person(HAN).id, locked_at=clock.now()))
    for mark in db.session.scalars(select(Mark).where(Mark.sheet_id == sheet.id)).all():
        new = db.session.scalars(
            select(Sheet).where(Sheet.person_id == person(HAN).id, Sheet.entry_id == entry.id)
        ).one()
        db.session.add(
            Mark(sheet_id=new.id, item_id=mark.item_id, facts=mark.facts, marked_at=mark.marked_at)
        )
    sheet.voided_at, sheet.void_reason, sheet.voided_sha256 = (
        clock.now(),
        "事后发现",
        teams.fingerprint(sheet),
    )
    db.session.commit()
    found = loaded(entry.id)
    assert canonical(deciding.inputs_of(found)) == found.inputs, "the same marks by another person: the same"
    assert not any("作废" in line for line in reproducing.differences(running.loaded(entry.round_id)))
    mark = db.session.scalars(select(Mark).where(Mark.sheet_id == sheet.id)).first()
    mark.reason = "后来添的话"
    db.session.commit()
    assert any(
        "已作废的评分表被改动" in line for line in reproducing.differences(running.loaded(entry.round_id))
    )
    with pytest.raises(RuleBroken, match="作废"):
        sheet.void_reason = "换个理由"
        db.session.flush()
    db.session.rollback()


# The third scorer


def far_apart(as_, third):
    """Two scores of D4 far apart (0 and 3 of 3), and what the third finds; the entry as it stands then."""
    entry = scored()
    sheets = [differing(name, points, entry) for name, points in ((WU, 0), (FENG, 3))]
    for name, sheet in zip((WU, FENG), sheets, strict=True):
        as_(name).page(f"/ratings/sheets/{sheet}").press("锁定评分表")
    assert fresh(entry).state == EntryState.SCORING, "the third has still to score"
    assert as_(WU).get(f"/ratings/sheets/{sheets[0]}/gaps").status_code == 404
    han = as_(HAN)
    assert "给学校打分" in han.page("/").text
    own = sheet_of(fresh(entry), HAN)
    assert own.seat == Seat.THIRD
    page = opened(han, own)
    assert "作为第三人独立打分" in page.text
    where = f"/ratings/sheets/{own.public_id}/items"
    assert "保存评分" not in han.page(f"{where}/A1").buttons, "only what lies far apart"
    assert han.page(f"{where}/D4").press("保存评分", points=third).status == 200
    assert han.page(f"/ratings/sheets/{own.public_id}").press("锁定评分表").status == 200
    assert fresh(entry).state == EntryState.LOCKED
    return loaded(fresh(entry).id)


def test_the_middle_one_of_three_counts(as_, app):
    entry = far_apart(as_, "2")
    assert [item.id for item in thirds.far_apart(entry, inspecting.facts_by_sheet(entry))] == ["D4"]
    assert inspecting.gaps(entry) == []
    assert inspecting.counted(entry)["D4"] == canonical({"points": 2})


def test_a_third_who_is_far_from_both_leaves_it_to_the_three(as_, app):
    entry = far_apart(as_, "2")
    entry.round.spread_limit = 20
    db.session.flush()
    assert [item.id for item in inspecting.gaps(entry)] == ["D4"], "2 is a third of the points away from 3"
    db.session.rollback()


def test_within_the_limit_nobody_is_called(as_, app):
    entry = scored()
    sheet = differing(WU, 2, entry)
    as_(WU).page(f"/ratings/sheets/{sheet}").press("锁定评分表")
    assert fresh(entry).state == EntryState.LOCKED
    assert seats(entry)[person(HAN).id] == ("member", False)
    assert db.session.scalar(select(Interest.id)) is None
