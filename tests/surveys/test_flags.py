"""Signs in the numbers of a school (DOMAIN 7.4.6): each is seen where it was sown, an honest school is asked nothing."""

import random

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.schools import summaries
from portal.surveys import answering, codes, flagging, releasing
from portal.surveys.answering import Given
from portal.surveys.models import FlagKind, Survey, SurveyFlag, SurveySchool
from portal.visits import counting as visits
from tests.surveys.test_unlinkable import finished, homes_of, opened

ANSWERS = 40
WORDS = (
    "家长会开在晚上好些",
    "食堂的菜热一点",
    "课程短一些",
    "多去校外",
    "通知来得太晚",
    "谢谢老师",
    "路口车多",
    "字大一点",
)


def honest(chance):
    """One family as families are: mostly content, each a little different."""
    facts = {f"q{number}": chance.choice(("yes", "yes", "yes", "no", "unsure")) for number in range(1, 9)}
    facts["q8"] = chance.choice(("answered", "unanswered", "none"))
    opinions = {f"q{number}": chance.choice("5544433") for number in range(9, 13)}
    remark = (
        f"{chance.choice(WORDS)}，{chance.randrange(100)} 户里不止我一家这么想"
        if chance.random() < 0.5
        else ""
    )
    return Given(facts | opinions, remark)


def release(row):
    """Release the counted questionnaire of a school."""
    wanted = select(Survey).where(Survey.id == row.survey_id).options(selectinload(Survey.schools))
    by_id = db.session.scalars(select(Person.id).where(Person.name == "张建平")).one()
    releasing.release(db.session.scalars(wanted.execution_options(populate_existing=True)).one(), by_id)
    db.session.commit()


def asked_about(answers, *, before=None, visited=0):
    """Which questions a released school is asked that got these answers; ``before``: its mean in the last questionnaire."""
    row = opened()
    home = homes_of(row)[0]
    for given in answers:
        answering.put(answering.admission_of(codes.new_token(), home), given)
    earlier = db.session.scalars(
        select(SurveySchool).where(SurveySchool.school_id == row.school_id, SurveySchool.tables.is_not(None))
    )
    for other in earlier:
        other.tables = None if before is None else f'{{"index": {{"mean": {before}}}}}'
    summaries.add(row.school_id, clock.today(), visits.PUPILS_VISITED, visited)
    finished(row)
    release(row)
    flags = db.session.scalars(select(SurveyFlag).where(SurveyFlag.survey_school_id == row.id)).all()
    assert all(flagging.in_words(flag) and flag.is_with_school(clock.today()) for flag in flags), (
        "school first"
    )
    assert row.voided_at is None and row.void_asked_at is None, "a sign does nothing by itself"
    return {flag.kind for flag in flags}


def families(seed=1, **changed):
    """Answers of honest families; ``changed`` alters the one of each: a function from an answer to another one."""
    chance = random.Random(seed)
    change = changed.get("by", lambda given, _chance: given)
    return [change(honest(chance), chance) for _number in range(ANSWERS)]


def alike(given, _chance):
    return Given(
        dict.fromkeys(given.choices, "4") | {f"q{number}": "yes" for number in range(1, 8)}, given.remark
    )


def all_best(given, _chance):
    return Given(given.choices | {f"q{number}": "5" for number in range(9, 13)}, given.remark)


def same_words(given, chance):
    return Given(given.choices, "学校工作很好，我们很满意。" if chance.random() < 0.7 else given.remark)


def no_talks(given, chance):
    return Given(given.choices | {"q1": "no" if chance.random() < 0.7 else "yes"}, given.remark)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_honest_school_is_asked_nothing(app, seed):
    assert asked_about(families(seed), before=72.0, visited=1_000) == set()


@pytest.mark.parametrize(
    ("change", "more", "kind"),
    [
        (alike, {}, FlagKind.IDENTICAL),
        (all_best, {}, FlagKind.ALL_TOP),
        (same_words, {}, FlagKind.SAME_TEXT),
        (lambda given, _chance: given, {"before": 40.0}, FlagKind.JUMP),
        (no_talks, {"visited": 1_000}, FlagKind.CONTACTS),
    ],
)
def test_a_sown_pattern_is_asked_about(app, change, more, kind):
    assert asked_about(families(5, by=change), **more) == {kind}


def test_few_answers_are_no_pattern(app):
    assert asked_about(families(5, by=all_best)[: flagging.LEAST_ANSWERS - 1]) == set()


def test_visits_that_families_remember_ask_nothing(app):
    assert asked_about(families(5), visited=1_000) == set()


def test_the_district_finds_it_on_its_first_page_once_the_school_has_had_its_say(as_, app):
    """The rehearsal's question is answered by its school and waits for the district."""
    district = as_("张建平")
    title = "看问卷数据的疑问"
    assert district.page("/").text.count(title) == 1
    flag = db.session.scalars(select(SurveyFlag)).one()
    row = db.session.get_one(SurveySchool, flag.survey_school_id)
    survey = db.session.get_one(Survey, row.survey_id)
    assert district.page(f"/surveys/{survey.public_id}").text.count("待查看") == 1
    district.page(f"/surveys/schools/{row.public_id}").press("了结这次询问", words="已了解，不再追问。")
    assert title not in district.page("/").text
    flag = db.session.scalars(select(SurveyFlag)).one()
    flag.answered_at = flag.closed_at = None
    flag.answer = flag.closing = ""
    flag.due_on = clock.today()
    db.session.commit()
    assert title not in district.page("/").text, "the school still has its day"
    assert title not in as_("孙立德").page("/").text
