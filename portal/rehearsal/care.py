"""Rehearsal care: plan, register and a referral for 赵小满, a plan entrusted to 邓宇 for 何雨桐, two dropout watches."""

from datetime import timedelta

from portal import clock
from portal.care import planning, registering, watching
from portal.care.models import CareMeasure, CarePlan, Partner, Referral
from portal.extensions import db
from portal.rehearsal.cast import Town
from portal.schools import enrolling
from portal.schools.models import Guardianship


def build(town: Town) -> None:
    """Add the records, in the current transaction."""
    _grandmother(town)
    _entrusted(town)
    _watches(town)
    _referral(town)


def _measure(
    town: Town, plan: CarePlan, what: str, owner: str | None, days: int, home: int | None = None
) -> CareMeasure:
    made = CareMeasure(
        plan_id=plan.id,
        pupil_id=plan.pupil_id,
        school_id=plan.school_id,
        household_id=home,
        owner_id=town.people[owner].id if owner else None,
        due_on=town.today + timedelta(days=days),
    )
    made.what = what
    db.session.add(made)
    db.session.flush()
    return made


def _home(town: Town, name: str) -> int:
    ties = db.session.query(Guardianship).filter_by(pupil_id=town.pupils[name].id)
    return ties.order_by(Guardianship.id).first().household_id  # type: ignore[union-attr]


def _grandmother(town: Town) -> None:
    child, teacher = town.pupils["赵小满"], town.people["王雪"]
    begun = max(town.start, town.today - timedelta(days=40))
    plan = planning.open_plan(
        child,
        teacher.id,
        teacher.id,
        ["left_behind"],
        "小满每周能和爸爸说上话；夜里睡得安稳；课间愿意和同学一起玩。",
        town.today + timedelta(days=4),
        clock.instant_of(begun, 17),
        begun,
    )
    home = _home(town, "赵小满")
    _measure(town, plan, "周日晚上七点和爸爸视频", None, 3, home)
    _measure(town, plan, "课间邀小满参加跳绳小组", "王雪", 6, home)
    _measure(town, plan, "与心理老师商量睡眠的事", "王雪", 10)
    if begun < town.today - timedelta(days=7):
        planning.review(
            plan,
            teacher.id,
            town.today - timedelta(days=7),
            "on_track",
            "小满和爸爸通了三次视频，课间开始和同桌跳绳。",
            town.today + timedelta(days=4),
        )
    entered = registering.enter(
        child,
        teacher.id,
        "both",
        "外婆周桂兰",
        "爸爸在外省建筑工地，妈妈在省城做家政",
        "每周日晚上七点视频；有急事随时打爸爸的电话，白天上工不便接，可留言。",
        begun,
    )
    registering.contact(
        entered,
        teacher.id,
        max(begun, town.today - timedelta(days=34)),
        "phone",
        "爸爸赵大江",
        "爸爸说年底能回来十天，想给小满买一双跑鞋。",
        clock.now(),
    )


def _entrusted(town: Town) -> None:
    child = town.pupils["何雨桐"]
    planning.entrust(child, {town.people["邓宇"].id}, town.people["孙立德"].id, town.start)
    plan = planning.open_plan(
        child,
        town.people["孙立德"].id,
        town.people["邓宇"].id,
        ["single_parent"],
        "雨桐在班里有一位可以说心里话的老师。",
        town.today + timedelta(days=30),
        clock.instant_of(town.start, 17),
        town.start,
    )
    _measure(town, plan, "每周和雨桐单独聊十分钟", "邓宇", 5)


def _watches(town: Town) -> None:
    """A neighbour who stays away, and one whose case was reported to the district."""
    teacher, school = town.people["王雪"], town.schools["望溪小学"]
    told = {"赵小满", "林嘉树", "陈一诺", "买买提·艾合买提", "何雨桐"}
    away = [
        one for name, one in sorted(town.pupils.items()) if one.school_id == school.id and name not in told
    ]
    room = town.classes["望溪小学 三(2)班"]
    mine = [one for one in away if enrolling.class_of(one, town.today) is room][:2]
    for child, days, steps in zip(mine, (4, 34), (("call",), ("call", "visit", "report")), strict=True):
        first = town.today - timedelta(days=days)
        watch = watching.begin(child, school, teacher.id, first, town.today, "家里说去外地帮亲戚收果子")
        for count, kind in enumerate(steps, 1):
            taken = first + timedelta(days=count)
            watching.take_step(watch, teacher.id, kind, taken, "孩子的家长", "说好尽快送孩子回来上课。")


def _referral(town: Town) -> None:
    """A referral for a child's safety that waits for the principal."""
    school = town.schools["望溪小学"]
    partner = Partner(
        school_id=school.id, kind="psychology", name="云溪县心晴辅导站（演练）", started_on=town.start
    )
    db.session.add(partner)
    db.session.flush()
    child = town.pupils["赵小满"]
    made = Referral(
        pupil_id=child.id,
        school_id=school.id,
        partner_id=partner.id,
        author_id=town.people["王雪"].id,
        basis="safety",
        state="waiting",
        made_at=clock.now(),
        expires_on=town.today + timedelta(days=30),
    )
    made.recipient, made.parts, made.code = "辅导员沈老师", ["message"], "204816"
    made.content = [["message", ["小满夜里常睡不着，想请您先和外婆谈一谈。"]]]
    made.reason = "家长一时联系不上，孩子连续几晚睡不着。"
    db.session.add(made)
    db.session.flush()
