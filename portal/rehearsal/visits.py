"""Visits of 王雪's class in every state: to confirm, invited, settled, declined, done, tried without an answer."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.access import Actor, Role
from portal.extensions import db
from portal.operations import Operation, Sent
from portal.rehearsal.cast import Town
from portal.schools.calendar import term_on
from portal.schools.models import Enrolment, Guardianship, Pupil, SchoolClass, SchoolYear, Term
from portal.visits import counting, covering, home_lessons, planning
from portal.visits.drafts import LateVisit
from portal.visits.fair_signs import Rule
from portal.visits.fairness import FairPlayQuestion, FairPlayRecord
from portal.visits.harm import Act, HarmEntry, HarmReport
from portal.visits.home_lessons import Given
from portal.visits.inviting import invite
from portal.visits.merging import Telling, take_in
from portal.visits.models import FORM_NAMES, Form, HomePlace, Invitation, Outcome, Visit
from portal.visits.recording import Account, Step, record

THIRD = "望溪小学 三(2)班"


def build(town: Town) -> None:
    """Add the records, in the current transaction."""
    _to_confirm(town)
    _done(town)
    _invitations(town)
    _tried(town)
    _drafts(town)
    _late(town)
    _plan(town)
    _harm(town)
    _fair_play(town)
    _taught_at_home(town)
    covering.keep_all()


def _harm(town: Town) -> None:
    """A report of harm that is closed; told to nobody again."""
    at = _at(town, -40, 16, 30)
    made = HarmReport(
        pupil_id=town.pupils["何雨桐"].id,
        school_id=_third(town).school_id,
        author_id=town.people["王雪"].id,
        noted_at=at,
        closed_at=at + timedelta(days=20),
    )
    db.session.add(made)
    db.session.flush()
    for days, act, body in (
        (0, Act.SEEN, "雨桐放学时不肯回家，说有人在路上拦她。手腕有一道红印，孩子说是被拽的。"),
        (0, Act.POLICE, "16:40 已打 110，民警到校，由女民警和心理老师陪着了解情况。"),
        (20, Act.CLOSED, "派出所已处理，放学由妈妈接送，心理老师每周陪伴一次。"),
    ):
        db.session.add(
            HarmEntry(
                report_id=made.id,
                author_id=town.people["王雪"].id,
                act=act,
                body=body,
                written_at=at + timedelta(days=days),
            )
        )


def _taught_at_home(town: Town) -> None:
    """A child who broke a leg and is taught at home for some weeks; the last lesson waits for the mother."""
    child, author = town.pupils["何雨桐"], _author(town)
    author = replace(author, school_id=_third(town).school_id)
    household_id = _ties(town, "何雨桐")[0].household_id
    plan = "雨桐小腿骨折，在家休养约八周。每周两次，每次两节：语文、数学各一节，跟上单元进度；美术由邓老师带材料上门。"
    log = home_lessons.start(child, household_id, author, plan, _at(town, -12, 17))
    for days, content, along in (
        (-9, "语文：读《搭船的鸟》，说出三处写得好的地方。数学：两位数乘一位数，错一题，已讲清。", None),
        (-4, "数学：口算和应用题。美术：用树叶拼贴，雨桐拼了一只鸟。", town.people["邓宇"].id),
    ):
        on = clock.local(_at(town, days, 16)).date()
        lesson = home_lessons.give(log, author, Given(on, 2, 80, content, along), _at(town, days, 18))
        if along is None:
            home_lessons.confirm(
                lesson, log, Actor(town.people["方晴"].id, Role.GUARDIAN, on), _at(town, days, 20)
            )


def _fair_play(town: Town) -> None:
    """Questions about the visits of the last term: one that waits for the school, one that was answered, one closed."""
    last = db.session.scalars(
        select(Term)
        .join(SchoolYear, SchoolYear.id == Term.school_year_id)
        .where(
            SchoolYear.district_id == town.districts["云溪县"].id,
            SchoolYear.starts_on < town.start,
            Term.number == 2,
        )
    ).one()
    asked_at = _at(town, -5, 6)
    waiting = FairPlayQuestion(
        rule=Rule.UNCONFIRMED,
        figures={"found": 41, "of": 62, "limit": 60},
        due_on=town.today + timedelta(days=9),
    )
    answered = FairPlayQuestion(
        rule=Rule.EVENINGS,
        figures={"evenings": 2, "most": 8, "limit": 6},
        due_on=town.today + timedelta(days=9),
        answer="柳湾村八户挨着住，两位老师一起走了两个晚上，每户十五分钟左右。家长都确认了。",
        answered_at=_at(town, -2, 9),
        answered_by_id=town.people["孙立德"].id,
    )
    closed = FairPlayQuestion(
        rule=Rule.LAST_WEEK,
        figures={"found": 27, "of": 60, "limit": 40},
        due_on=town.today - timedelta(days=20),
        answer="期末前一周是全校家访周，安排在学校工作计划里。",
        answered_at=_at(town, -25, 9),
        answered_by_id=town.people["孙立德"].id,
        closing="已了解，是计划内的家访周，不需要再做什么。",
        closed_at=_at(town, -22, 15),
        closed_by_id=town.people["张建平"].id,
    )
    met = select(Visit.id).where(Visit.school_id == _third(town).school_id, Visit.outcome == Outcome.MET)
    visits = list(db.session.scalars(met.order_by(Visit.id)))
    for one in (waiting, answered, closed):
        one.school_id, one.term_id, one.asked_at = _third(town).school_id, last.id, asked_at
        db.session.add(one)
        db.session.flush()
        db.session.add_all(FairPlayRecord(question_id=one.id, visit_id=key) for key in visits[:3])


def _author(town: Town) -> Actor:
    return Actor(town.people["王雪"].id, Role.CLASS_TEACHER, town.today, class_id=_third(town).id)


def _third(town: Town) -> SchoolClass:
    return town.classes[THIRD]


def _ties(town: Town, name: str) -> list[Guardianship]:
    return list(db.session.query(Guardianship).filter_by(pupil_id=town.pupils[name].id))


def _at(town: Town, days: int, hour: int, minute: int = 0) -> datetime:
    """A time of day so many days from today, but not before the school year."""
    return clock.instant_of(max(town.start, town.today + timedelta(days=days)), hour, minute)


def _visit(town: Town, name: str, account: Account) -> Visit:
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {account.held_at.isoformat()}"))
    written_at = min(account.held_at + timedelta(hours=2), clock.now())
    return record(town.pupils[name], _third(town), _author(town), key, account, written_at)


def _told(town: Town, name: str, form: Form | None, days: int, hour: int, minute: int = 0) -> Account:
    at = _at(town, days, hour, minute)
    return Account(_ties(town, name)[0].household_id, form, clock.local(at).date(), at)


def _to_confirm(town: Town) -> None:
    account = _told(town, "赵小满", Form.IN_HOME, -2, 18, 30)
    account.minutes, account.child_met = 40, True
    account.guardians = _ties(town, "赵小满")[:1]
    account.hopes = "小满最近自己整理书包，外婆很高兴。外婆盼着小满周末能和爸爸视频，听他讲讲学校的事。"
    account.note = "放学后在外婆家写作业，桌灯有点暗，外婆说想换一盏。"
    account.sealed = "小满说夜里有时想爸爸睡不着。先多陪伴、多观察，下周请心理老师一起看看。"
    account.steps = [
        Step("借一盏护眼灯给小满", "school", town.today + timedelta(days=3)),
        Step("周日晚上七点和爸爸视频一次", "family", town.today + timedelta(days=5)),
    ]
    account.company, account.partner = [town.people["邓宇"].public_id], "村医 周大夫"
    _visit(town, "赵小满", account)


def _done(town: Town) -> None:
    account = _told(town, "林嘉树", Form.AT_SCHOOL, -9, 16, 20)
    account.minutes, account.child_met = 25, True
    account.guardians = _ties(town, "林嘉树")
    account.hopes = "嘉树喜欢画画，家里把他的画贴了一面墙。妈妈希望他能大胆举手。"
    account.gift_refused = True
    account.steps = [Step("请嘉树给板报画插图", "school", town.today - timedelta(days=1))]
    visit = _visit(town, "林嘉树", account)
    before = counting.tally(visit.pupil_id)
    visit.confirmed_by_id = town.people["林悦"].id
    visit.confirmed_at = _at(town, -8, 21, 30)
    counting.keep(before, counting.tally(visit.pupil_id))


def _invitations(town: Town) -> None:
    forms = [form.value for form in FORM_NAMES]
    _invite(
        town,
        "陈一诺",
        [_at(town, 3, 18, 30), _at(town, 4, 19)],
        forms,
        "聊聊一诺最近的阅读，想听听家里的想法。",
    )
    settled = _invite(town, "买买提·艾合买提", [_at(town, 1, 19)], forms, "聊聊孩子交朋友的事。")
    settled.accept(settled.proposed[0], Form.IN_HOME, town.people["阿依古丽·吐尔逊"].id, _at(town, -1, 20))
    declined = _invite(town, "何雨桐", [_at(town, 2, 18)], forms, "认识一下，听听家里的期盼。")
    declined.decline(town.people["方晴"].id, _at(town, -1, 21))


def _invite(town: Town, name: str, times: list[datetime], forms: list[str], purpose: str) -> Invitation:
    household_id = _ties(town, name)[0].household_id
    return invite(
        town.pupils[name], _third(town), household_id, _author(town), times, forms, purpose, _at(town, -2, 17)
    )


def _neighbours(town: Town, first: int, count: int) -> list[str]:
    """Pupils of the class of whom nothing else is told, from the first on."""
    told = ("赵小满", "林嘉树", "陈一诺", "买买提·艾合买提", "何雨桐")
    found = db.session.scalars(
        select(Pupil.name)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .where(Enrolment.class_id == _third(town).id, Pupil.name.not_in(told))
        .order_by(Pupil.id)
        .offset(first)
        .limit(count)
    )
    return list(found)


def _plan(town: Town) -> None:
    """Two neighbours of one village on the plan of the next days, with a colleague; a third one of the same village waits."""
    names = _neighbours(town, 1, 3)
    for name in names:
        place = HomePlace(
            pupil_id=town.pupils[name].id,
            household_id=_ties(town, name)[0].household_id,
            set_by_id=town.people["王雪"].id,
            set_at=_at(town, -7, 17),
        )
        place.place = "桥头村三组"
        db.session.add(place)
    author = replace(_author(town), school_id=_third(town).school_id, district_id=town.districts["云溪县"].id)
    term = term_on(town.districts["云溪县"].id, town.today)
    if term is None or term.ends_on < town.today + timedelta(days=2):
        return
    pupils = [town.pupils[name] for name in names[:2]]
    planning.put(author, pupils, town.today + timedelta(days=2), town.people["邓宇"].id)


def _tried(town: Town) -> None:
    """A neighbour who did not answer twice."""
    (neighbour,) = _neighbours(town, 0, 1)
    for days in (-6, -3):
        _visit(town, neighbour, _told(town, neighbour, None, days, 18))


def _late(town: Town) -> None:
    """Two visits of 邓宇, who had the class for two weeks: one waits for the principal, one was not accepted."""
    stood_in = replace(_author(town), person_id=town.people["邓宇"].id, school_id=_third(town).school_id)
    for name, days, hopes, reason in (
        ("林嘉树", -30, "嘉树最近迷上修旧收音机，爸爸答应陪他一起拆一台。", ""),
        ("陈一诺", -31, "一诺想参加合唱团。", "这次家访王老师已经记过，请看同一天的记录。"),
    ):
        at = _at(town, days, 19)
        telling = Telling(town.pupils[name], _third(town), town.start, stood_in, at)
        told: dict[str, Any] = {
            "how": "in_home",
            "met": ["child"],
            "held_on": clock.local(at).date().isoformat(),
            "held_time": "19:00",
            "hopes": hopes,
        }
        key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"late {name}"))
        fields = {field: Sent(value, 0) for field, value in told.items()}
        draft = take_in(telling, Operation(key, str(uuid.UUID(int=9)), 1, at, False, fields)).draft
        came_at = _at(town, -2, 8)
        late = LateVisit(
            draft=draft,
            author_id=draft.author_id,
            school_id=_third(town).school_id,
            class_id=_third(town).id,
            came_at=came_at,
        )
        late.held_on = clock.local(at).date()
        db.session.add(late)
        db.session.flush()
        if reason:
            principal = Actor(town.people["孙立德"].id, Role.PRINCIPAL, town.today)
            late.decide(False, principal, _at(town, -1, 9), reason)


def _drafts(town: Town) -> None:
    """A draft begun on a phone, and one on which the phone and a PC wrote two things."""
    for name, texts in (
        ("陈一诺", ("一诺爱讲故事，妈妈盼着她多认几个新朋友。",)),
        ("何雨桐", ("雨桐会自己做早饭了。", "雨桐会自己做早饭，还教弟弟系鞋带。")),
    ):
        telling = Telling(town.pupils[name], _third(town), town.start, _author(town), _at(town, -1, 20))
        for device, text in enumerate(texts):
            key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"draft {name}"))
            sent = Operation(
                key, str(uuid.UUID(int=device + 1)), 1, telling.now, False, {"hopes": Sent(text, 0)}
            )
            take_in(telling, sent)
