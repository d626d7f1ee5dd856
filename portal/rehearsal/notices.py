"""Notices of 云溪县 and 望溪小学: one of each kind, with the answers of a few families."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from portal import clock
from portal.access import Actor, Role
from portal.extensions import db
from portal.notices import answering, audience, counting, writing
from portal.notices.models import Counts, Level, Notice, NoticeHousehold, NoticeReceipt, NoticeText
from portal.rehearsal.cast import Town


def build(town: Town) -> None:
    """Add the notices in the current transaction."""
    _open_day(town)
    _safety_letter(town)
    _reading_hour(town)
    _picnic(town)
    _dental_check(town)


def _author(town: Town, name: str, role: Role, **scope: Any) -> Actor:
    return Actor(person_id=town.people[name].id, role=role, on=town.today, **scope)


def _publish(actor: Actor, scope: str, days_ago: int, **words: Any) -> Notice:
    """A notice of this actor, published so many days ago."""
    chosen = next(one for one in audience.choices(actor) if one.kind == scope)
    given = {"who": "", "act": "", "ask": "", "due_on": None, "expires_on": None, **words}
    notice = writing.draft(actor, chosen, **given)
    writing.publish(notice, actor)
    notice.published_at = clock.instant_of(actor.on - timedelta(days=days_ago), 17, 30)
    counting.keep_size(notice.id, audience.size(notice))
    db.session.flush()
    return notice


def _picnic(town: Town) -> None:
    third = town.classes["望溪小学 三(2)班"]
    chair = _author(
        town,
        "林悦",
        Role.COMMITTEE_CHAIR,
        class_id=third.id,
        school_id=third.school_id,
        district_id=town.districts["云溪县"].id,
    )
    notice = _publish(
        chair,
        "class",
        2,
        title="周六上午去云溪河边认树",
        body="三(2)班家委会和王老师一起组织认树活动。孩子由家长陪同，自愿参加，不收费。下雨就改到下周六。",
        act="周六 9:00 在学校东门集合。\n请给孩子穿运动鞋，带水。",
        who="三(2)班所有家庭",
        ask="林悦(家委会)，或王雪老师",
        due_on=town.today + timedelta(days=3),
        level=Level.CONFIRM,
        counts=Counts.HOUSEHOLD,
    )
    answering.confirm_notice(notice, town.people["林悦"].id)
    answering.confirm_notice(notice, town.people["阿依古丽·吐尔逊"].id)
    answering.open_notice(notice, town.people["方晴"].id)
    _that_evening(notice)


def _that_evening(notice: Notice) -> None:
    """Move the answers to the evening of publication, as they would have come."""
    db.session.flush()
    assert notice.published_at is not None
    answered_at = notice.published_at + timedelta(hours=2)
    for table in (NoticeReceipt, NoticeHousehold):
        of_notice = update(table).where(table.notice_id == notice.id)
        db.session.execute(of_notice.values(opened_at=answered_at))
        confirmed = of_notice.where(table.confirmed_at.is_not(None))
        db.session.execute(confirmed.values(confirmed_at=answered_at))


def _office(town: Town) -> Actor:
    school = town.schools["望溪小学"]
    return _author(town, "何静", Role.SCHOOL_OFFICE, school_id=school.id, district_id=school.district_id)


def _dental_check(town: Town) -> None:
    notice = _publish(
        _office(town),
        "school",
        1,
        title="下周二口腔检查，当天早上请刷牙",
        body="县妇幼保健院的医生下周二到学校给孩子检查牙齿。检查免费，结果由班主任单独告诉您。",
        act="当天早上请让孩子刷牙。",
        ask="学校卫生室",
        level=Level.READ,
        counts=Counts.HOUSEHOLD,
    )
    answering.open_notice(notice, town.people["李晚晴"].id)
    _that_evening(notice)


def _safety_letter(town: Town) -> None:
    district = town.districts["云溪县"]
    staff = _author(town, "张建平", Role.DISTRICT_STAFF, district_id=district.id)
    _publish(
        staff,
        "district",
        6,
        title="冬季用火用电安全提醒",
        body="天冷了，取暖请注意通风，睡前关好电热毯和炉子。孩子独自在家时，请把打火机收好。",
        who="全县所有家庭",
        act="今晚请和孩子一起看一遍家里的插座和炉子。",
        level=Level.READ,
        counts=Counts.HOUSEHOLD,
    )


def _open_day(town: Town) -> None:
    notice = _publish(
        _office(town),
        "school",
        20,
        title="家长开放日的安排",
        body="开放日上午可以随班听两节课，请从东门进校。",
        level=Level.CONFIRM,
        counts=Counts.HOUSEHOLD,
    )
    answering.confirm_notice(notice, town.people["周桂兰"].id)
    notice.due_on = town.today - timedelta(days=14)
    notice.expires_on = town.today - timedelta(days=12)
    _that_evening(notice)


def _reading_hour(town: Town) -> None:
    third = town.classes["望溪小学 三(2)班"]
    teacher = _author(
        town,
        "王雪",
        Role.CLASS_TEACHER,
        class_id=third.id,
        school_id=third.school_id,
        district_id=town.districts["云溪县"].id,
    )
    words = {
        "title": "每周三早读改在图书角",
        "body": "从下周起，每周三早读改在二楼图书角，请孩子带一本喜欢的书。7:40 开始。",
        "act": "周三早上请让孩子带一本书。",
        "level": Level.READ,
        "counts": Counts.HOUSEHOLD,
    }
    notice = _publish(teacher, "class", 4, **words)
    words.pop("level")
    words.pop("counts")
    words["body"] = words["body"].replace("7:40", "7:50")
    writing.correct(notice, teacher, "开始时间是 7:50，不是 7:40", False, **words)
    assert notice.published_at is not None
    notice.corrected_at = notice.published_at + timedelta(days=1)
    db.session.flush()
    former = update(NoticeText).where(NoticeText.notice_id == notice.id)
    db.session.execute(former.values(replaced_at=notice.corrected_at))
