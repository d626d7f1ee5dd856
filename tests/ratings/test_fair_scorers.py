"""Four ways of scoring unfairly are each seen; honest scorers hardly ever are; the district settles, the school never learns."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.ratings import fair_scorers, fairness
from portal.ratings.asking import RatingQuestion
from portal.ratings.canonical import canonical
from portal.ratings.fair_scorers import Locked, ScorerRule, scorer_signs
from portal.ratings.fairness import Step, look_at
from portal.ratings.models import Entry, EntryState, Mark, RoundState, Sheet
from portal.trail.models import TrailEntry
from tests.ratings.building import entry_of, person

SEED = 20261128
TIMES = 20
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
PHRASES = ("材料齐全。", "与现场一致。", "缺一次记录。", "", "", "访谈时家长这样说。")


def nearest(value):
    return min(STEPS, key=lambda step: abs(step - value))


def pair(seed, number, tilt=0.0):
    """Two honest scorers of a school, mild or strict by nature, with all they scored in the round; ``tilt``: of the first."""
    chance = Random(f"{seed}/{number}")
    natures = chance.gauss(tilt, 0.05), chance.gauss(0, 0.05)
    items = [f"I{one}" for one in range(chance.randint(6, 30))]
    marks = []
    truth = {item: chance.choice((0.25, 0.5, 0.75, 1, 1, 1)) for item in items}
    for nature in natures:
        marks.append({
            item: (str(nearest(truth[item] + nature + chance.gauss(0, 0.1))), chance.choice(PHRASES))
            for item in items
        })  # fmt: skip
    sheets = []
    for nature, one in zip(natures, marks, strict=True):
        schools = []
        for _school in range(chance.randint(1, 9)):
            other, view = chance.gauss(0, 0.05), chance.gauss(0, 0.06)
            schools.append([
                nearest(true + nature + view + chance.gauss(0, 0.1)) - nearest(true + other + chance.gauss(0, 0.1))
                for true in (chance.choice(STEPS) for _item in items)
            ])  # fmt: skip
        took = timedelta(seconds=chance.lognormvariate(5, 0.6) * len(items))
        sheets.append(Locked(f"{number}-{len(sheets)}", one, took, schools))
    return sheets


def changed(rule, number):
    """The same two scorers with one of them unfair, or both in league."""
    if rule in (ScorerRule.LENIENT, ScorerRule.HARSH):
        chance = Random(f"{SEED}/{number}/{rule}")
        sign = 1 if rule is ScorerRule.LENIENT else -1
        first, second = pair(SEED, number)
        apart = [[sign * 0.35 + chance.gauss(0, 0.15) for _item in range(12)] for _school in range(4)]
        return [Locked(first.sheet, first.marks, first.took, apart), second]
    first, second = pair(SEED, number)
    marks = first.marks | {f"I{one}": ("0.5", "走访时家长说过，材料也能对上。") for one in range(6)}
    took = timedelta(seconds=8 * len(marks)) if rule is ScorerRule.QUICK_SHEET else first.took
    theirs = marks if rule is ScorerRule.SAME_SHEETS else second.marks
    return [Locked(first.sheet, marks, took, first.apart), Locked(second.sheet, theirs, second.took)]


def rules_of(sheets):
    return [one.rule for one in scorer_signs(sheets)]


@pytest.mark.parametrize("rule", list(ScorerRule))
def test_each_way_of_scoring_unfairly_is_seen_every_time(rule):
    assert [rules_of(changed(rule, number)) for number in range(TIMES)] == [[rule]] * TIMES


def test_of_two_hundred_honest_pairs_at_most_four_are_asked_about():
    assert sum(bool(rules_of(pair(SEED, number))) for number in range(200)) <= 4


def test_a_suspicious_eye_asks_too_many(monkeypatch):
    """The control of the false alarms: limits that are too strict are found out by the same count."""
    monkeypatch.setattr(fair_scorers, "TILT", 4)
    assert sum(bool(rules_of(pair(SEED, number))) for number in range(60)) > 2


@pytest.fixture
def entry(app):
    """Last year's school of the town with its round open again, both sheets with the same values and words."""
    found = entry_of(RoundState.PUBLISHED, state=EntryState.LOCKED, becomes=RoundState.OPEN)
    first, second = db.session.scalars(
        select(Sheet).where(Sheet.entry_id == found.id).order_by(Sheet.id)
    ).all()[:2]
    for mark in db.session.scalars(select(Mark).where(Mark.sheet_id == second.id)).all():
        db.session.delete(mark)
    db.session.flush()
    for mark in db.session.scalars(select(Mark).where(Mark.sheet_id == first.id)).all():
        mark.reason = "走访时家长说过，材料也能对上。"
        db.session.add(
            Mark(
                sheet_id=second.id, item_id=mark.item_id, facts=mark.facts, reason=mark.reason,
                marked_at=mark.marked_at,
            )
        )  # fmt: skip
    db.session.execute(RatingQuestion.__table__.delete())
    db.session.commit()
    return db.session.get(Entry, found.id, options=fairness.WITH_ROUND, populate_existing=True)


def test_the_district_settles_it_and_the_school_never_learns(as_, entry):
    before = (entry.inputs, entry.result, entry.star, entry.state)
    new = look_at(entry, Step.SCORED, clock.now())
    db.session.commit()
    assert [one.rule for one in new if not one.to_school] == [ScorerRule.SAME_SHEETS]
    look_at(entry, Step.SCORED, clock.now())
    db.session.commit()
    question = db.session.scalars(
        select(RatingQuestion).where(RatingQuestion.rule == ScorerRule.SAME_SHEETS)
    ).one()
    where = f"/ratings/fair-play/{question.public_id}"
    head, district = as_("孙立德"), as_("张建平")
    assert "两份评分表完全一样" not in head.page("/ratings/fair-play").text
    assert "关于评星有一个问题" not in head.page("/").text
    assert head.get(where).status_code == 404
    assert as_("吴正清").get(where).status_code == 403
    assert "了结一个评星询问" in district.page("/").text
    assert "两份评分表完全一样" in district.page("/ratings/fair-play").text
    page = district.page(where)
    assert "吴正清" in page.text and "冯秀英" in page.text
    assert page.press("了结这次询问", words="").status == 422
    page = page.press("了结这次询问", words="问过两位，打分前一起讨论过，已重新讲明要求。")
    assert page.status == 200 and "学校可以看到" not in page.text
    assert head.get(where).status_code == 404, "closed, and still not the school's"
    assert (entry.inputs, entry.result, entry.star, entry.state) == before
    assert db.session.scalar(select(TrailEntry.id).where(TrailEntry.action == "rating.question_closed"))


def test_how_a_scorer_differs_is_read_from_the_sheets(entry):
    two = [person("吴正清").id, person("冯秀英").id]
    assert [set(fairness._apart(entry, one, entry.round)) for one in two] == [{0.0}, {0.0}]
    mark = db.session.scalars(
        select(Mark).join(Sheet).where(
            Sheet.entry_id == entry.id, Sheet.person_id == two[0], Mark.item_id == "D4"
        )
    ).one()  # fmt: skip
    mark.facts = canonical({"points": 0})
    db.session.flush()
    own, other = (fairness._apart(entry, one, entry.round) for one in two)
    assert min(own) == -max(other) < 0
