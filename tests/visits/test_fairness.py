"""Fair play of visits: the school is asked first, the district reads figures and words, nothing is doubled."""

import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.access import Actor, Role
from portal.errors import RuleBroken
from portal.extensions import db
from portal.schools.models import School, SchoolYear, Term
from portal.trail.models import TrailEntry
from portal.visits import fairness, sketching
from portal.visits.fair_signs import Rule
from portal.visits.fairness import FairPlayCheck, FairPlayQuestion, FairPlayRecord, facts_of
from portal.visits.models import Form, VisitPart
from portal.visits.recording import Account, record
from tests.visits.builders import newest, person, pupil, third, ties, visited, write_page, yesterday

WORDS = "一诺在家里主动收拾碗筷，还给爷爷读故事。妈妈说这学期孩子愿意讲学校的事了，希望多认几个新朋友。"


def school():
    return db.session.scalars(select(School).where(School.name == "望溪小学")).one()


def question(rule):
    """The question of 望溪小学 on a rule."""
    wanted = (FairPlayQuestion.rule == rule, FairPlayQuestion.school_id == school().id)
    return db.session.scalars(select(FairPlayQuestion).where(*wanted)).one()


def past_term(days=20):
    """The second term of last year, moved so that it ended so many days ago."""
    found = db.session.scalars(
        select(Term)
        .join(SchoolYear)
        .where(SchoolYear.district_id == school().district_id, Term.number == 2)
        .order_by(Term.starts_on)
        .limit(1)
    ).one()
    found.ends_on = clock.today() - timedelta(days=days)
    found.starts_on = found.ends_on - timedelta(days=130)
    db.session.execute(FairPlayQuestion.__table__.delete())
    db.session.commit()
    return found


def visits_of_term(term, number=24, note=WORDS, day=30):
    """So many calls with the same note, from the given day of the term on."""
    acting = Actor(person("王雪").id, Role.CLASS_TEACHER, clock.today(), class_id=third().id)
    home = ties("陈一诺")[0].household_id
    for one in range(number):
        on = term.starts_on + timedelta(days=day + one * 2)
        at = clock.instant_of(on, 18, 30)
        told = Account(home, Form.PHONE, on, at, child_met=True, note=note.format(one))
        record(pupil("陈一诺"), third(), acting, str(uuid.uuid4()), told, at + timedelta(hours=1))
    db.session.commit()


def asked():
    """(school id, rule) of every question."""
    return sorted(db.session.execute(select(FairPlayQuestion.school_id, FairPlayQuestion.rule)).all())


def test_the_job_asks_once_about_what_it_finds(app):
    term = past_term()
    visits_of_term(term)

    fairness.look_at_terms()

    found = asked()
    assert found == [(school().id, Rule.ALIKE), (school().id, Rule.UNCONFIRMED)]
    one = question(Rule.ALIKE)
    assert one.figures == {"found": 24, "of": 24, "limit": 20, "groups": 1}
    assert db.session.scalar(select(func.count()).where(FairPlayRecord.question_id == one.id)) == 24
    checks = select(func.count(FairPlayCheck.school_id)).where(FairPlayCheck.term_id == term.id)
    number = db.session.scalar(checks)

    fairness.look_at_terms()
    fairness.look_at(school().id, term, clock.now())
    db.session.commit()

    assert asked() == found
    assert db.session.scalar(checks) == number == 4
    noted = select(func.count(TrailEntry.id)).where(TrailEntry.action == "fair_play.asked")
    assert db.session.scalar(noted) == 2


def test_honest_notes_are_not_asked_about(app):
    term = past_term()
    visits_of_term(term, note="第{0}次来访，这家的情况各不相同：" + "{0}" * 3 + "孩子最近在学新的本领。")
    for at, part in enumerate(db.session.scalars(select(VisitPart).order_by(VisitPart.id.desc()).limit(24))):
        letters = "".join(chr(0x4E00 + (at * 977 + place * 31) % 20_000) for place in range(60))
        part.note = letters
        sketching.keep(part, pupil("陈一诺").id, school().id)
    db.session.commit()

    fairness.look_at(school().id, term, clock.now())

    assert [rule for _school, rule in asked()] == [Rule.UNCONFIRMED]


def test_a_school_that_is_not_asked_stays_silent(app, as_):
    term = past_term()
    visits_of_term(term)
    page = as_("张建平").page("/settings/change?name=visits.fair_play")
    assert page.press("从这一天起这样定", value="off", from_on=str(clock.today())).status == 200

    fairness.look_at_terms()

    assert asked() == []
    assert db.session.scalar(select(func.count(FairPlayCheck.school_id))) == 4


def test_terms_long_over_or_just_over_are_left_alone(app):
    for days in (5, 200):
        visits_of_term(past_term(days))
        fairness.look_at_terms()
        assert asked() == []


def test_the_school_answers_first_and_the_district_closes(as_):
    waiting = question(Rule.UNCONFIRMED)
    address = f"/visits/fair-play/{waiting.public_id}"
    district = as_("张建平")
    assert district.page(address).status == 404
    assert "另有 1 项询问还在学校" in district.page("/visits/fair-play").text
    assert "家长未确认的家访" not in district.page("/visits/fair-play").text

    principal = as_("孙立德")
    assert "家长未确认的家访" in principal.page("/").text
    asks = principal.page(address)
    assert "62 次家访，其中 41 次家长没有确认" in asks.text
    assert asks.press("发出答复", words=" ").status == 422
    assert asks.press("发出答复", words="外婆们不会点确认，开学时在家长会上教过一次。").status == 200

    told = district.page(address)
    assert "外婆们不会点确认" in told.text and "学校答复了家访情况询问" in district.page("/").text
    closed = told.press("了结这次询问", words="明白，建议下学期发一张图解。")
    assert closed.status == 200
    assert "建议下学期发一张图解" in principal.page(address).text
    assert waiting.public_id not in district.page("/visits/fair-play").html
    assert waiting.public_id in district.page("/visits/fair-play?state=closed").html


def test_records_are_for_the_school_alone(as_):
    one = question(Rule.EVENINGS)
    address = f"/visits/fair-play/{one.public_id}"
    mine, theirs = as_("孙立德").page(address), as_("张建平").page(address)
    children = ["赵小满", "王雪"]
    assert any(child in mine.text for child in children) and "涉及的家访" in mine.text
    assert not any(child in theirs.text for child in children) and "涉及的家访" not in theirs.text
    assert any("/visits/" in link and "fair-play" not in link for link in mine.links.values())


def test_a_silent_school_is_seen_after_its_day(as_):
    waiting = question(Rule.UNCONFIRMED)
    waiting.due_on = clock.today() - timedelta(days=1)
    db.session.commit()
    district = as_("张建平")
    assert "学校没有按时答复家访情况询问" in district.page("/").text
    assert district.page(f"/visits/fair-play/{waiting.public_id}").status == 200


def test_answers_and_closing_words_are_given_once_and_in_turn(app):
    done, waiting = question(Rule.LAST_WEEK), question(Rule.UNCONFIRMED)
    for refused in (
        lambda: done.say("再说一次", 1, clock.now()),
        lambda: done.close("再说一次", 1, clock.now()),
        lambda: question(Rule.EVENINGS).say("再说一次", 1, clock.now()),
        lambda: waiting.close("太早", 1, clock.now()),
    ):
        with pytest.raises(RuleBroken):
            refused()


def test_the_list_costs_the_same_for_many(as_, queries):
    principal = as_("孙立德")
    principal.page("/visits/fair-play")
    with queries() as few:
        principal.page("/visits/fair-play")
    here, terms = school(), db.session.scalars(select(Term)).all()
    for term in terms[:4]:
        for rule in Rule:
            there = db.session.scalar(
                select(FairPlayQuestion.id).where(
                    FairPlayQuestion.school_id == here.id,
                    FairPlayQuestion.term_id == term.id,
                    FairPlayQuestion.rule == rule,
                )
            )
            if there is None:
                db.session.add(
                    FairPlayQuestion(
                        school_id=here.id,
                        term_id=term.id,
                        rule=rule,
                        figures={},
                        asked_at=clock.now(),
                        due_on=clock.today() + timedelta(days=3),
                    )
                )
    db.session.commit()
    with queries() as many:
        principal.page("/visits/fair-play")
    assert len(many) == len(few)


def test_a_note_is_sketched_when_it_is_saved_and_mended(as_):
    page = write_page(as_("王雪"), "林嘉树")
    page.press("提交家访记录", how="phone", met=["child"], held_on=yesterday(), held_time="19:00", note=WORDS)
    part = db.session.scalars(select(VisitPart).where(VisitPart.visit_id == newest().id)).one()
    first = part.sketch
    assert first and len(first) == sketching.NUMBERS * sketching.NUMBER_BYTES
    assert not any(WORDS[at : at + 2].encode() in first for at in range(len(WORDS)))

    edit = as_("王雪").page(f"/visits/{newest().public_id}/edit")
    edit.press("保存修改", note=WORDS[:30])
    db.session.refresh(part)
    assert part.sketch and part.sketch != first


def test_older_parts_are_sketched_in_lots(app, monkeypatch):
    visited("林嘉树", note=WORDS)
    db.session.execute(VisitPart.__table__.update().values(sketch=None))
    db.session.commit()
    monkeypatch.setattr(sketching, "AT_ONCE", 2)

    sketching.sketch_older()

    assert db.session.scalar(select(func.count(VisitPart.id)).where(VisitPart.sketch.is_(None))) == 0
    assert db.session.scalar(select(func.count(VisitPart.id)).where(VisitPart.sketch != b"")) >= 1


def test_hours_of_lessons_are_spans_of_a_day(as_):
    client = as_("孙立德")
    address = "/settings/change?name=visits.lesson_hours"
    for wrong in ("8点到11点", "11:30-08:30", "08:30-25:00"):
        refused = client.page(address).press("从这一天起这样定", value=wrong, from_on=str(clock.today()))
        assert refused.status == 422 and wrong in refused.html and "每行写一段时间" in refused.text
    kept = client.page(address).press("从这一天起这样定", value="09:00-11:00", from_on=str(clock.today()))
    assert kept.status == 200
    limits = fairness.limits_on(clock.today(), school().id)
    assert [f"{start:%H:%M}-{end:%H:%M}" for start, end in limits.lesson_hours] == ["09:00-11:00"]


@pytest.mark.parametrize("signs_in", [True, False])
def test_families_who_never_signed_in_cannot_confirm(app, signs_in):
    made = visited("林嘉树")
    for tie in ties("林嘉树"):
        person_of = db.session.get_one(type(person("林悦")), tie.person_id)
        if not signs_in:
            person_of.password_hash = None
    db.session.commit()
    facts = facts_of(school().id, date(2000, 1, 1), clock.today())
    assert next(one for one in facts if one.visit_id == made.id).can_be_confirmed is signs_in
