"""The rating rounds of 云溪县: last year's published one, and this year's in which 望溪小学 assesses itself."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.access import Actor, Role
from portal.extensions import db
from portal.ratings import (
    assessing,
    deciding,
    findings,
    improving,
    inspecting,
    naming,
    records,
    rubric,
    rubrics,
    running,
    teams,
)
from portal.ratings.asking import RatingQuestion
from portal.ratings.canonical import canonical
from portal.ratings.fair_signs import Rule
from portal.ratings.metrics import Period
from portal.ratings.models import (
    OBJECTION,
    Answer,
    Consensus,
    Entry,
    EntryState,
    Mark,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    RubricVersion,
    Sheet,
)
from portal.ratings.rubric import Item
from portal.ratings.standing import NamingKind
from portal.ratings.terms import STANDARD, TERMS
from portal.rehearsal.cast import Town
from portal.schools.models import SchoolYear
from portal.trail.models import note

DEFAULT = Path(rubric.__file__).parent / "examples" / "default.yaml"
INSPECTORS = ("吴正清", "冯秀英")
BY_HAND = "本区只有这三位评审与两所学校都没有关系。"
THIRD = "韩素云"
PRIORITY_PUPILS = 31
GOOD_YEAR: dict[str, dict[str, Any]] = {
    "A1": {"present": {"head": True, "duties": True, "plan": True}},
    "A2": {"missing": ["summary"]},
    "A3": {"count": 2},
    "B1": {"counts": {"term1": 3, "term2": 2}},
    "B2": {"count": 9},
    "B3": {"numerator": 390, "denominator": 500},
    "B4": {"present": {"catalogue": True, "transition": True}},
    "B5": {"counts": {"term1": 1, "term2": 1}},
    "B6": {"level": "school"},
    "C1": {"numerator": 545, "denominator": 560},
    "C2": {"shortfall": 0},
    "C3": {"numerator": 96, "denominator": 96},
    "C4": {"population": 610, "checked": 61, "passed": 59},
    "C5": {"numerator": 46, "denominator": 50},
    "D1": {"present": {"levels": True, "charter": True, "election": True}},
    "D2": {"counts": {"term1": 2, "term2": 2}},
    "D3": {"met": True},
    "D4": {"points": 2},
    "E1": {"numerator": 24, "denominator": 24},
    "E2": {"count": 1},
    "E3": {"numerator": 24, "denominator": 25},
    "E4": {"numerator": 528, "denominator": 560},
    "F2": {"numerator": 9, "denominator": 10},
    "F3": {"points": 3},
}
FAIR_YEAR: dict[str, dict[str, Any]] = GOOD_YEAR | {
    "A3": {"count": 1},
    "B3": {"numerator": 205, "denominator": 330},
    "B4": {"present": {"catalogue": True, "transition": False}},
    "C1": {"numerator": 340, "denominator": 370},
    "C5": {"numerator": 30, "denominator": 40},
    "D2": {"counts": {"term1": 1, "term2": 1}},
    "E3": {"numerator": 18, "denominator": 21},
    "F3": {"points": 2},
}
SUMMARY = (
    "这一年我们把家访和意见答复放在前面，老师走访了九成七的家庭。"
    "家长学校的课有口碑，不过在外务工的家长来得少，参训率还不够，下一年打算多开晚间和线上的场次。"
)
ABROAD = "家长会改到晚间后，到场的人多了；外出务工家庭的参训和家访还要补。"
NO_PUBLICATION = "两次征求意见后没有公示结果。请补公示，并把公示的照片和日期放进档案盒。"
NO_TRANSITION = "家长学校课程目录里没有幼小衔接的课。请补上，并排进下学期的课表。"
MENDED = "已补两节幼小衔接课，课表贴在一年级家长公告栏，教案在档案盒第四册。"


def build(town: Town) -> None:
    """Add the rubric, last year's published round and this year's open one, in the current transaction."""
    staff = town.people["张建平"]
    version, _new, _remarks = rubrics.store(DEFAULT.read_bytes(), town.districts["云溪县"], staff.id)
    rubrics.publish(version, staff.id)
    _last_year(town, version)
    _this_year(town, version)
    db.session.flush()


def _year(town: Town, starts_on: date) -> SchoolYear:
    return db.session.scalars(
        select(SchoolYear).where(
            SchoolYear.district_id == town.districts["云溪县"].id, SchoolYear.starts_on == starts_on
        )
    ).one()


def _last_year(town: Town, version: RubricVersion) -> None:
    year = _year(town, date(town.start.year - 1, 9, 1))
    published = date(town.start.year, 7, 3)
    round_ = Round(
        district=town.districts["云溪县"],
        name=running.name_of(year),
        rubric_version=version,
        school_year=year,
        state=RoundState.PUBLISHED,
        self_assessment_due_on=date(town.start.year, 5, 29),
        scoring_due_on=date(town.start.year, 6, 19),
        created_by_id=town.people["张建平"].id,
        created_at=_instant(date(town.start.year, 5, 6)),
        published_on=published,
        published_by_id=town.people["苏敏"].id,
        publicity_ends_on=TERMS[STANDARD].publicity.after(published),
        valid_until_on=published.replace(year=published.year + 3),
    )
    db.session.add(round_)
    db.session.flush()
    period = Period(year.starts_on, year.ends_on, date(town.start.year, 5, 28), ())
    for school, principal, facts, star, summary in (
        ("望溪小学", "孙立德", GOOD_YEAR, 4, SUMMARY),
        ("东塔小学", "钱文博", FAIR_YEAR, 4, ABROAD),
    ):
        entry = Entry(
            round=round_,
            school=town.schools[school],
            state=EntryState.SELF_ASSESSING,
            claimed_star=star,
            claim_text=summary,
            submitted_at=_instant(date(town.start.year, 5, 28)),
            submitted_by_id=town.people[principal].id,
            sheets=[Sheet(person=town.people[name], marks=[]) for name in INSPECTORS],
            vetoes=[],
        )
        db.session.add(entry)
        db.session.flush()
        rated(town, entry, principal, facts, period)
        if school == "东塔小学":
            _objection(town, entry, principal)
        _question(town, entry, principal)
        closed(entry, date(town.start.year, 6, 26))
        if school == "东塔小学":
            _named(town, entry, published)
            _findings(town, entry, principal)
    note("rating.publish", round_, person_id=town.people["苏敏"].id, on=published.isoformat())


def _findings(town: Town, entry: Entry, principal: str) -> None:
    """What the district found at the school: one to be mended, one that waits for the word of the district."""
    district = Actor(
        town.people["张建平"].id, Role.DISTRICT_STAFF, town.today, district_id=entry.round.district_id
    )
    school = Actor(town.people[principal].id, Role.PRINCIPAL, town.today, school_id=entry.school_id)
    for item, text, days in (("D4", NO_PUBLICATION, 20), ("B4", NO_TRANSITION, 10)):
        findings.raise_finding(entry, item, text, town.today + timedelta(days=days), district)
    db.session.flush()
    improving.finish(entry, improving.improvements_of(entry)[1].public_id, MENDED, school)


def _named(town: Town, entry: Entry, published: date) -> None:
    """One school is named once its terms are over; the other one is left for whoever tries the portal."""
    assert entry.round.valid_until_on is not None
    naming.record(
        entry,
        NamingKind.NAMED,
        entry.star or 0,
        entry.round.valid_until_on,
        town.people["苏敏"].id,
        on=published + timedelta(days=31),
    )


def rated(town: Town, entry: Entry, principal: str, facts: dict[str, dict[str, Any]], period: Period) -> None:
    """Everything between the self-assessment and the result of last year, as it would have been entered; ``closed`` follows."""
    found = rubrics.rubric_of(entry.round.rubric_version)
    measured = {item.id: _measured(item, facts[item.id]) for item in rubrics.computed(found)}
    for item in rubrics.school_answers(found):
        if item.id in facts:
            answer = Answer(
                entry_id=entry.id,
                item_id=item.id,
                facts=canonical(facts[item.id]),
                evidence="家校共育档案盒，按指标编号装订",
                answered_by_id=town.people[principal].id,
                answered_at=entry.submitted_at,
            )
            db.session.add(answer)
    db.session.flush()
    school = {"stage": ["primary"], "classes": 12, "pupils": 560, "families": 500}
    assessing.keep_snapshot(entry, period, measured, school, facts.keys(), entry.submitted_at)
    for number, sheet in enumerate(entry.sheets):
        for item in inspecting.to_score(entry):
            own = {"points": 3} if item.id == "D4" and number else facts[item.id]
            sheet.marks.append(
                Mark(item_id=item.id, facts=canonical(own), marked_at=_instant(period.counted_on))
            )
        sheet.locked_at = _instant(entry.round.scoring_due_on)
    agreed = Consensus(
        entry_id=entry.id,
        item_id="D4",
        facts=canonical({"points": 2}),
        reason="两次征求意见都有记录，其中一次没有公示结果，按 2 分。",
        proposed_by_id=town.people["吴正清"].id,
        proposed_at=_instant(entry.round.scoring_due_on),
        agreed_by_id=town.people["冯秀英"].id,
        agreed_at=_instant(entry.round.scoring_due_on),
    )
    db.session.add(agreed)
    db.session.flush()
    deciding.settle(entry, town.people["张建平"].id, "")


def closed(entry: Entry, on: date) -> None:
    """The decision of a day, with its signed record."""
    entry.decided_at = _instant(on)
    entry.state = EntryState.DECIDED
    records.keep(entry, records.DECIDED)


def _question(town: Town, entry: Entry, principal: str) -> None:
    """What the portal asked about the files that were handed in, and how it was left."""
    db.session.add(
        RatingQuestion(
            entry_id=entry.id,
            rule=Rule.LATE_VISITS,
            figures={"found": 31, "of": 88, "limit": 30},
            asked_at=_instant(date(town.start.year, 5, 29)),
            due_on=date(town.start.year, 6, 5),
            answer="春季学期有三位老师先记在纸上，五月集中录入。纸质记录在各班档案盒里，可以随时来看。",
            answered_at=_instant(date(town.start.year, 6, 2)),
            answered_by_id=town.people[principal].id,
            closing="抽看了两个班的纸质记录，日期和内容对得上。请老师下学期随访随记。",
            closed_at=_instant(date(town.start.year, 6, 4)),
            closed_by_id=town.people["张建平"].id,
        )
    )


def _objection(town: Town, entry: Entry, principal: str) -> None:
    """What the school said in the days of public notice, and the answer of somebody who took no part."""
    answered = date(town.start.year, 7, 16)
    db.session.add(
        Objection(
            entry_id=entry.id,
            tier=OBJECTION,
            state=ObjectionState.UPHELD,
            items="D4",
            text="两次征求意见都公示了结果，第二次的公示照片在档案盒里。",
            filed_at=_instant(date(town.start.year, 7, 8)),
            filed_by_id=town.people[principal].id,
            decision_by_id=town.people["张建平"].id,
            answer_due_on=TERMS[STANDARD].reply.after(date(town.start.year, 7, 8)),
            heard_by_id=town.people["苏敏"].id,
            answer_text="查看了档案盒：照片拍的是会场，看不出公示的内容和日期，也没有其他记录。维持 2 分。",
            answered_at=_instant(answered),
            appeal_due_on=TERMS[STANDARD].appeal.after(answered),
        )
    )


def _measured(item: Item, facts: dict[str, Any]) -> dict[str, Any]:
    given = facts
    if "shortfall" in facts:
        whole = PRIORITY_PUPILS
        facts = {**facts, "numerator": whole - facts["shortfall"], "denominator": whole}
    counts = facts.get("counts", {})
    numerator = facts.get("numerator", facts.get("count", sum(counts.values())))
    return {
        "metric": rubrics.metric_of(item),
        "facts": given,
        "numerator": numerator,
        "denominator": facts.get("denominator"),
        "counts": counts,
        "records": [],
    }


def _this_year(town: Town, version: RubricVersion) -> None:
    staff = town.people["张建平"]
    made = running.prepare(
        version,
        _year(town, town.start),
        [town.schools["望溪小学"], town.schools["东塔小学"]],
        running.name_of(_year(town, town.start)),
        (town.today + timedelta(days=12), town.today + timedelta(days=40)),
        staff.id,
    )
    round_ = running.loaded(made.id)
    for entry in round_.entries:
        two, third = [town.people[name].id for name in INSPECTORS], town.people[THIRD].id
        teams.assign(entry, teams.Team((two[0], two[1]), (third,), third), staff.id, reason=BY_HAND)
    db.session.flush()
    acting = Actor(staff.id, Role.DISTRICT_STAFF, town.today, district_id=town.districts["云溪县"].id)
    running.open_round(round_, acting)
    own = next(entry for entry in round_.entries if entry.school_id == town.schools["望溪小学"].id)
    items = rubrics.items_of(rubrics.rubric_of(version))
    for name in ("A1", "A2", "D3"):
        principal = town.people["孙立德"].id
        assessing.answer(own, items[name], GOOD_YEAR[name], "家校共育档案盒，按指标编号装订", principal)


def _instant(day: date) -> datetime:
    return clock.instant_of(day, 16)
