"""Rehearsal opinions: one answered, one being dealt with, one gone up to the district, one for the principal alone."""

from datetime import date, timedelta

from portal import clock
from portal.extensions import db
from portal.opinions import counting
from portal.opinions.models import Category, Opinion
from portal.opinions.sending import send
from portal.rehearsal.cast import Town


def build(town: Town) -> None:
    """A handful of opinions of 望溪小学 in every state."""
    office = town.people["何静"]
    asked = _send(town, "李晚晴", "陈一诺", Category.CANTEEN, 12, "孩子说午饭有时是凉的，能不能晚一点打饭？")
    asked.acknowledge(office.id, _day(town, 11))
    _answer(
        town,
        asked,
        office.id,
        9,
        "谢谢您提醒。食堂从本周起分两批打饭，三年级第二批，饭菜出锅到桌上不超过十分钟。下周我们再问问孩子们。",
    )

    open_one = _send(
        town, "周桂兰", "赵小满", Category.COMMUNICATION, 1, "通知能不能也发一份大字的？我眼睛看不清。"
    )
    open_one.acknowledge(office.id, town.today)

    _send(town, "林悦", "林嘉树", Category.HOMEWORK, 24, "三年级的手工作业要家长做两个晚上，能不能少一点？")
    _send(
        town,
        "方晴",
        "何雨桐",
        Category.BULLYING,
        0,
        "孩子说课间有人抢她的文具，已经三次了，她不敢讲。",
        confidential=True,
    )
    _send(
        town,
        "阿依古丽·吐尔逊",
        "买买提·艾合买提",
        Category.PRINCIPAL,
        2,
        "约校长谈了两次都没有回音。",
        confidential=True,
    )
    db.session.flush()


def _day(town: Town, days_ago: int) -> date:
    return town.today - timedelta(days=days_ago)


def _send(
    town: Town,
    author: str,
    child: str,
    category: Category,
    days_ago: int,
    text: str,
    *,
    confidential: bool = False,
) -> Opinion:
    at = clock.now() if days_ago == 0 else clock.instant_of(_day(town, days_ago), 20, 15)
    pupil, person = town.pupils[child], town.people[author]
    return send(pupil, person.id, category, text, confidential=confidential, at=at)


def _answer(town: Town, opinion: Opinion, person_id: int, days_ago: int, text: str) -> None:
    on = _day(town, days_ago)
    counting.answered(opinion, opinion.answer(person_id, clock.instant_of(on, 16), on, text))
