"""Appeals of a school against a settled measure: in their term, twice, each time before other people; what was wrong is given back."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from portal import clock
from portal.access import Actor, Role
from portal.deliveries.models import Delivery
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import fingerprints, jobs, naming, rechecking, standing
from portal.ratings.models import Entry, Round, RoundState
from portal.ratings.standing import Appeal, Measure
from portal.ratings.terms import TERMS
from tests.ratings.building import appoint, countersigned, entry_of, person
from tests.ratings.test_standing import district, own, public

SAID = "家长会记录当天就写了，签到表在档案盒第五格。"
ANSWER = "核对了签到表，日期属实。"


@pytest.fixture
def entry(app):
    """Last year's result of the town's school; three more people in the office."""
    for name in ("罗敏", "高洁", "郑雅琴"):
        appoint(name)
    return entry_of(RoundState.PUBLISHED)


def settled(as_, entry, kind="removal", **typed):
    """A measure that 张建平 proposed and 苏敏 settled after the school was heard."""
    round_id = db.session.get(Round, entry.round_id).public_id
    if standing.present(entry) is None:
        as_("张建平").page(f"/ratings/rounds/{round_id}").press("命名学校")
    reason = {"measure-kind": kind, "measure-reason": "记录系事后补写。"}
    district(as_, entry).press("提出", **reason, **typed)
    own(as_, entry).press("发出答复", **{"respond-text": "不是这样。"})
    page = district(as_, entry, "苏敏").press(
        "作出决定", **{"settle-outcome": "settle", "settle-text": "属实。"}
    )
    assert page.status == 200


def appealed(as_, entry):
    return own(as_, entry).press("对处理提出申诉", **{"appeal-text": SAID})


def hearing(as_, entry, name):
    return as_(name, "district_staff").page(f"/ratings/entries/{entry.public_id}/appeal")


def answered(as_, entry, first, second, outcome):
    page = hearing(as_, entry, first).press("答复学校", outcome=outcome, text=ANSWER)
    assert "等待会签" in page.text and "会签" not in page.buttons
    return countersigned(as_, f"/ratings/entries/{entry.public_id}/appeal", second)


def appeals(entry):
    wanted = select(Appeal).where(Appeal.entry_id == entry.id).order_by(Appeal.tier)
    return db.session.scalars(wanted.execution_options(populate_existing=True)).all()


def test_a_school_is_given_back_what_a_wrong_removal_took(as_, entry):
    assert "提出申诉" not in own(as_, entry).text
    settled(as_, entry)
    removed = standing.present(entry)
    assert removed.kind == "removed"
    assert "可以申诉" in as_("孙立德").page("/").text
    page = own(as_, entry).press("对处理提出申诉", **{"appeal-text": " "})
    assert page.status == 422
    page = appealed(as_, entry)
    due = TERMS["standard"].review.after(clock.today())
    assert f"{due.month}月{due.day}日" in page.text and "对处理提出申诉" not in page.buttons
    assert "正在复核" in public(as_, entry).text and SAID not in public(as_, entry).text
    assert "正在复核" in as_(None).page(f"/stars/certificates/{removed.public_id}").text
    for name in ("张建平", "苏敏"):
        assert hearing(as_, entry, name).status == 404, "who proposed or settled it"
    assert "请答复对处理的申诉" in as_("罗敏", "district_staff").page("/").text
    page = hearing(as_, entry, "罗敏")
    assert SAID in page.text and "记录系事后补写。" in page.text
    assert page.press("答复学校", outcome="annul", text="").status == 422
    with pytest.raises(RuleBroken, match="正在核查"):
        rechecking.propose(
            rechecking.school_of(entry.id), standing.MeasureKind.RE_RATING, None, "x", acting("张建平")
        )
    answered(as_, entry, "罗敏", "高洁", "annul")
    now = standing.present(entry)
    assert (now.kind, now.star, now.replaces_id) == ("named", 4, removed.id)
    assert naming.is_genuine(now) and "申诉成立" in now.because
    assert standing.measures_of(entry)[0].state == "annulled"
    text = own(as_, entry).text
    assert ANSWER in text and "已撤销" in text and "对处理提出申诉" not in own(as_, entry).buttons
    assert (
        ANSWER not in public(as_, entry).text
        and "申诉成立" in as_(None).page(f"/stars/certificates/{now.public_id}").text
    )
    with pytest.raises(DatabaseError, match="frozen"):
        db.session.execute(update(Appeal).values(answer_text="y"))
    db.session.rollback()
    assert not fingerprints.differences(Entry.__tablename__, [entry.id])


def acting(name):
    return Actor(person(name).id, Role.DISTRICT_STAFF, clock.today(), district_id=1)


def test_two_appeals_each_by_others_and_then_the_measure_stands(as_, entry):
    settled(as_, entry, "downgrade", **{"measure-to_star": "3"})
    appealed(as_, entry)
    answered(as_, entry, "罗敏", "高洁", "uphold")
    page = own(as_, entry)
    assert (
        ANSWER in page.text
        and "对处理提出申诉" in page.buttons
        and "可以申诉" in as_("孙立德").page("/").text
    )
    appealed(as_, entry)
    assert hearing(as_, entry, "罗敏").status == 404 == hearing(as_, entry, "高洁").status, "answered before"
    assert hearing(as_, entry, "郑雅琴").status == 200, "nobody of the office above is here"
    appoint("段青", "云岭市")
    assert hearing(as_, entry, "郑雅琴").status == 404
    assert hearing(as_, entry, "段青").status == 200, "the office above has people"
    appoint("阮宁", "云岭市")
    answered(as_, entry, "段青", "阮宁", "uphold")
    page = own(as_, entry)
    assert "对处理提出申诉" not in page.buttons
    assert [one.state for one in appeals(entry)] == ["upheld", "upheld"]
    assert standing.present(entry).kind == "lowered" and standing.present(entry).star == 3


def test_the_term_is_kept_and_an_answer_that_does_not_come_opens_the_next_step(as_, entry):
    settled(as_, entry, "re_rating")
    measure = standing.measures_of(entry)[0]
    assert measure.appeal_due_on == TERMS["standard"].appeal.after(clock.today())
    measure.appeal_due_on = clock.today() - timedelta(days=1)
    db.session.commit()
    assert "对处理提出申诉" not in own(as_, entry).buttons, "the last day was yesterday"
    db.session.get_one(Measure, measure.id).appeal_due_on = clock.today()
    db.session.commit()
    jobs.remind_on(clock.today())
    assert told("standing") == 1
    appealed(as_, entry)
    first = appeals(entry)[0]
    first.answer_due_on = clock.today()
    db.session.commit()
    jobs.remind_on(clock.today())
    assert told("objection") >= 2, "whoever may answer, and not who took part"
    assert "对处理提出申诉" not in own(as_, entry).buttons
    appeals(entry)[0].answer_due_on = clock.today() - timedelta(days=1)
    db.session.commit()
    appealed(as_, entry)
    assert [one.state for one in appeals(entry)] == ["lapsed", "open"]
    own(as_, entry).press("收回申诉")
    assert appeals(entry)[1].state == "withdrawn"
    assert "对处理提出申诉" not in own(as_, entry).buttons
    assert standing.measures_of(entry)[0].state == "settled"


def told(step):
    return len([one for one in db.session.scalars(select(Delivery)) if step in (one.key or "")])
