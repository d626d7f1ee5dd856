"""Questionnaires of 云溪县: last year's, released, and this term's, open, which some families have answered."""

import random
from datetime import date, timedelta

from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.rehearsal.cast import Town
from portal.schools.models import SchoolYear
from portal.surveys import answering, closing, inviting, releasing
from portal.surveys.answering import Given
from portal.surveys.models import FlagKind, Survey, SurveyFlag, SurveyHousehold, SurveySchool, SurveyState

SCHOOLS = ("望溪小学", "东塔小学", "南桥中学", "青石乡中心学校")
REMARKS = (
    "希望家长会多开在晚上。", "老师上门那次聊了很久，很感谢。", "食堂的菜再热一点就好了。", "课程视频能不能短一些。",
    "希望多组织孩子到校外去。", "通知有时候来得太晚。", "王老师很有耐心。", "爷爷奶奶看不懂的字能不能大一点。",
    "放学路口车太多。", "意见提了，第二天就有人回。", "多开一些手工课。", "谢谢学校。",
)  # fmt: skip


def build(town: Town) -> None:
    """Add both, in the current transaction."""
    chance = random.Random(7)
    _last_year(town, chance)
    _this_term(town, chance)
    db.session.flush()


def _year(town: Town, starts_on: date) -> int:
    found = select(SchoolYear.id).where(
        SchoolYear.district_id == town.districts["云溪县"].id, SchoolYear.starts_on == starts_on
    )
    return db.session.scalars(found).one()


def _prepared(town: Town, year_id: int, name: str, closes_on: date, opened_on: date) -> Survey:
    survey = inviting.prepare(
        town.districts["云溪县"].id,
        year_id,
        [town.schools[school] for school in SCHOOLS],
        name,
        closes_on,
        town.people["张建平"].id,
    )
    survey.created_at = survey.opened_at = clock.instant_of(opened_on, 9)
    survey.state = SurveyState.OPEN
    for row in survey.schools:
        inviting.issue(row)
    db.session.flush()
    return survey


def _homes(row: SurveySchool) -> list[SurveyHousehold]:
    wanted = select(SurveyHousehold).where(SurveyHousehold.survey_school_id == row.id)
    return list(db.session.scalars(wanted.order_by(SurveyHousehold.id)))


def _answer(chance: random.Random, good: float, remark: str = "", told: str = "") -> Given:
    choices = {f"q{number}": "yes" if chance.random() < good else "no" for number in range(1, 7)}
    choices["q7"] = "yes" if chance.random() > 0.97 else "no"
    choices["q8"] = chance.choice(("answered", "answered", "unanswered", "none"))
    for number in range(9, 13):
        steps = ("5", "5", "4", "4", "3", "unsure") if chance.random() < good else ("3", "2", "4")
        choices[f"q{number}"] = chance.choice(steps)
    return Given(choices, remark, bool(told), told)


def _last_year(town: Town, chance: random.Random) -> None:
    closes_on = date(town.start.year, 6, 19)
    survey = _prepared(
        town,
        _year(town, date(town.start.year - 1, 9, 1)),
        "上学年家校共育家长问卷",
        closes_on,
        closes_on - timedelta(days=14),
    )
    for row, good in zip(survey.schools, (0.9, 0.75, 0.7, 0.85), strict=True):
        for number, home in enumerate(_homes(row)):
            if number % 8 < 7:
                words = REMARKS[number % len(REMARKS)] if number % 2 else ""
                answering.put(answering.admission_of(home.token or "", home), _answer(chance, good, words))
    survey.state, survey.closed_at = SurveyState.CLOSED, clock.instant_of(closes_on + timedelta(days=1), 3)
    for row in survey.schools:
        closing.count(row)
    releasing.release(survey, town.people["张建平"].id)
    survey.released_at = clock.instant_of(closes_on + timedelta(days=4), 10)
    first = survey.schools[0]
    db.session.add(
        SurveyFlag(
            survey_school_id=first.id,
            kind=FlagKind.JUMP,
            figures='{"before": 63.5, "now": 82.1}',
            due_on=closes_on + timedelta(days=11),
            answer="这一年换了三位班主任，家访做得更勤；去年问卷发得晚，作答的多是有意见的家长。",
            answered_by_id=town.people["孙立德"].id,
            answered_at=clock.instant_of(closes_on + timedelta(days=7), 16),
            closing="",
        )
    )


def _this_term(town: Town, chance: random.Random) -> None:
    today = clock.today()
    survey = _prepared(
        town,
        _year(town, town.start),
        "本学期家校共育家长问卷",
        today + timedelta(days=10),
        today - timedelta(days=4),
    )
    first = survey.schools[0]
    for number, home in enumerate(_homes(first)[12:24]):
        home.fetched = True
        told = "班级群里有人发了选项截图，让照着选。" if number == 5 else ""
        answering.put(answering.admission_of(home.token or "", home), _answer(chance, 0.85, told=told))
    answering.gather_pressure(first)
