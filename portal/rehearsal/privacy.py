"""Rehearsal data rights: a few consents, one refused, one withdrawn, one on paper."""

from datetime import timedelta

from portal import clock
from portal.consent import Purpose
from portal.extensions import db
from portal.privacy import consents
from portal.privacy.purposes import PURPOSES
from portal.rehearsal.cast import Town


def build(town: Town) -> None:
    """Answers of the families of 三(2)班."""
    _answer(town, "李晚晴", "陈一诺", Purpose.SCHOOL_PHOTO, True, 20)
    _answer(town, "陈守川", "陈一诺", Purpose.SCHOOL_PHOTO, True, 19)
    _answer(town, "李晚晴", "陈一诺", Purpose.CASE_PUBLICATION, True, 18)
    _answer(town, "陈守川", "陈一诺", Purpose.CASE_PUBLICATION, False, 17)
    _answer(town, "林悦", "林嘉树", Purpose.SCHOOL_PHOTO, True, 16)
    _answer(town, "林悦", "林嘉树", Purpose.SCHOOL_PHOTO, False, 5)
    _answer(town, "方晴", "何雨桐", Purpose.PARTNER_REFERRAL, True, 9)
    _answer(town, "周桂兰", "赵小满", Purpose.READING_AUDIO, True, 8, paper=True)
    db.session.flush()


def _answer(
    town: Town,
    guardian: str,
    child: str,
    purpose: Purpose,
    agrees: bool,
    days_ago: int,
    *,
    paper: bool = False,
) -> None:
    on = town.today - timedelta(days=days_ago)
    consents.answer(
        town.pupils[child],
        town.people[guardian].id,
        purpose,
        PURPOSES[purpose].on(on).number,
        agrees,
        at=clock.instant_of(on, 20, 30),
        recorded_by_id=town.people["王雪"].id if paper else None,
        signed_on=on if paper else None,
    )
