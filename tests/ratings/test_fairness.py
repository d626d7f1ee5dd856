"""Questions about ratings: the school is asked first, the district reads its answer, no point changes by itself."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.models import File
from portal.ratings import assessing, fairness
from portal.ratings.asking import RatingLook, RatingQuestion
from portal.ratings.canonical import canonical
from portal.ratings.evidence import Evidence
from portal.ratings.fair_signs import Rule, signs
from portal.ratings.fairness import Step, look_at, year_of
from portal.ratings.models import Entry, EntryState, Mark, Round, RoundState, Sheet
from portal.row_security import all_rows
from portal.schools.models import School
from portal.trail.models import TrailEntry
from portal.visits.models import Visit

SUMMARY = "本年度学校把家访和意见答复放在前面，老师走访了九成七的家庭，家长学校的课开到了晚上和线上，留守家庭单独约时间。"


@pytest.fixture
def entry(app):
    """This year's self-assessment of 望溪小学, submitted just now with last year's summary; 东塔小学 wrote the same before."""
    ours, theirs = (of_this_year(name) for name in ("望溪小学", "东塔小学"))
    first, second = sorted((ours, theirs), key=lambda one: one.id)
    for one in (first, second):
        one.claimed_star, one.claim_text = 4, SUMMARY
        one.submitted_at, one.state = clock.now() - timedelta(hours=1), EntryState.SUBMITTED
    db.session.flush()
    with all_rows():
        for one in (first, second):
            assessing.freeze(one)
    db.session.execute(RatingQuestion.__table__.delete())
    db.session.commit()
    return second


def of_this_year(name):
    return db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(Round.state == RoundState.OPEN, School.name == name)
        .options(*fairness.WITH_ROUND, joinedload(Entry.round).joinedload(Round.school_year))
    ).one()


def asked(entry):
    """The rules that a school was asked about."""
    wanted = select(RatingQuestion.rule).where(RatingQuestion.entry_id == entry.id)
    return sorted(db.session.scalars(wanted))


def head_of(entry):
    return {"望溪小学": "孙立德", "东塔小学": "钱文博"}[db.session.get_one(School, entry.school_id).name]


def test_the_job_asks_once_and_changes_no_score(entry):
    before = (entry.inputs, entry.result, entry.star, entry.state)

    fairness.look_at_entries()

    assert asked(entry) == [Rule.SUMMARY_ALIKE]
    noted = select(func.count(TrailEntry.id)).where(TrailEntry.action == "rating.question_asked")
    assert db.session.scalar(noted) == 1

    fairness.look_at_entries()
    look_at(entry, Step.SUBMITTED, clock.now())
    db.session.commit()

    assert asked(entry) == [Rule.SUMMARY_ALIKE]
    looks = select(func.count(RatingLook.entry_id)).where(RatingLook.step == Step.SUBMITTED)
    assert db.session.scalar(looks) == 2
    assert (entry.inputs, entry.result, entry.star, entry.state) == before


def test_a_school_that_hands_in_again_is_looked_at_again(entry):
    fairness.look_at_entries()
    entry.submitted_at = clock.now() + timedelta(minutes=1)
    db.session.commit()

    assert [key for key, _step in fairness._due()] == [entry.id]


def test_a_district_that_asks_nothing_is_left_alone(entry, as_):
    page = as_("张建平").page("/settings/change?name=ratings.fair_play")
    assert page.press("从这一天起这样定", value="off", from_on=str(clock.today())).status == 200

    fairness.look_at_entries()

    assert asked(entry) == []
    assert fairness._due() == []


def test_the_principal_answers_first_then_the_district_closes(entry, as_):
    fairness.look_at_entries()
    question = db.session.scalars(select(RatingQuestion).where(RatingQuestion.entry_id == entry.id)).one()
    where = f"/ratings/fair-play/{question.public_id}"
    head, district = as_(head_of(entry)), as_("张建平")

    assert district.get(where).status_code == 404
    assert "另有 1 项询问还在学校" in district.page("/ratings/fair-play").text
    assert "关于评星有一个问题" in head.page("/").text
    assert any("相近的总结" in words for words in head.page("/ratings/fair-play").links)
    page, other = head.page(where), as_({"孙立德": "钱文博", "钱文博": "孙立德"}[head_of(entry)])
    token = other.page("/account/").all("input", name="csrf_token")[0].get("value")
    typed = {"csrf_token": token, "words": "替他们答复。"}
    assert other.send(f"{where}/answer", typed).status == 404, "another school's question"
    assert page.press("发出答复", words="").status == 422
    assert page.press("发出答复", words="两校同属一个集团，总结是一起写的。").status == 200

    assert "了结一个评星询问" in district.page("/").text
    page = district.page(where)
    assert "两校同属一个集团" in page.text
    assert page.press("了结这次询问", words="已了解。").status == 200
    assert "已了解。" in head.page(where).text
    assert (entry.star, entry.state) == (None, EntryState.SUBMITTED)


def test_a_question_left_unanswered_goes_to_the_district(entry, as_):
    fairness.look_at_entries()
    question = db.session.scalars(select(RatingQuestion).where(RatingQuestion.entry_id == entry.id)).one()
    question.due_on = clock.today() - timedelta(days=1)
    db.session.commit()

    page = as_("张建平").page(f"/ratings/fair-play/{question.public_id}")

    assert page.press("了结这次询问", words="电话问过，已清楚。").status == 200
    db.session.refresh(question)
    for too_late in (question.say, question.close):
        with pytest.raises(RuleBroken):
            too_late("晚了", 1, clock.now())


def test_records_become_facts_of_the_year(entry):
    school = entry.school_id
    number = db.session.scalar(
        select(func.count(Visit.id)).where(Visit.school_id == school, Visit.outcome == "met")
    )
    (earlier,) = [one for one in [of_this_year("东塔小学"), of_this_year("望溪小学")] if one.id != entry.id]
    for place, (owner, item) in enumerate(((entry, "A1"), (entry, "D1"), (earlier, "A1"))):
        db.session.add(
            Evidence(
                entry_id=owner.id, item_id=item, name=f"{place}.pdf", size=1, sha256="a" * 64, shows="分工",
                added_at=clock.now(), file_public_id="",
            )
        )  # fmt: skip
    db.session.flush()

    year = year_of(entry, Step.SUBMITTED)

    assert len(year.visits) == number
    assert year.proofs == {"A1": ["a" * 64], "D1": ["a" * 64]}
    assert year.used_before == {"a" * 64}
    assert year.other_summaries.count(SUMMARY) == 1
    assert year.judged == {}
    assert db.session.scalar(select(func.count(File.id))) is not None


def test_praise_of_oneself_is_asked_about_once_both_sheets_are_locked(entry):
    """The school gave itself everything, both inspectors found nothing."""
    content = assessing.latest_snapshot(entry)
    full = {"A1": {"present": {"head": True, "duties": True, "plan": True}}, "A3": {"count": 2},
            "D1": {"present": {"levels": True, "charter": True, "election": True}}, "D3": {"met": True},
            "B6": {"level": "county"}}  # fmt: skip
    none = {"A1": {"present": {"head": False, "duties": False, "plan": False}}, "A3": {"count": 0},
            "D1": {"present": {"levels": False, "charter": False, "election": False}}, "D3": {"met": False},
            "B6": {"level": "none"}}  # fmt: skip
    kept = fairness.restored(content.content) | {
        "answers": {name: {"facts": facts, "evidence": ""} for name, facts in full.items()}
    }
    for sheet in db.session.scalars(select(Sheet).where(Sheet.entry_id == entry.id)):
        db.session.add_all(
            Mark(sheet_id=sheet.id, item_id=name, facts=canonical(facts), marked_at=clock.now())
            for name, facts in none.items()
        )
    db.session.flush()
    db.session.expire_all()
    loaded = db.session.get(Entry, entry.id, options=fairness.WITH_ROUND)

    judged = fairness._judged(loaded, kept)

    assert {name: one.own for name, one in judged.items()} == dict.fromkeys(full, 1.0)
    assert all(one.inspectors == (0.0, 0.0) for one in judged.values())
    assert [one.rule for one in signs(fairness.Year(clock.today(), judged=judged))] == [Rule.SELF_PRAISE]
