"""Referrals (转介): the ticked parts frozen, the link for one recipient, opening it, recall and expiry.

The link names the referral and is signed; it opens only with the code that the school tells the recipient by another
way. It rests on the guardian's consent, asked anew at each opening, or on the principal's word for the child's safety.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from portal import consent, i18n
from portal.access import Actor
from portal.care.filing import Entry, groups_in_words, this_year
from portal.care.models import PART_NAMES, Basis, Opening, Partner, Referral
from portal.extensions import db
from portal.schools import modules
from portal.schools.models import Enrolment, Pupil, SchoolClass
from portal.trail.models import note

MOST = 90
"""Longest time in days that a partner may read."""
WHOLE = joinedload(Referral.school), joinedload(Referral.pupil), joinedload(Referral.partner)
PURPOSE = consent.Purpose.PARTNER_REFERRAL


def allowed(pupil: Pupil, on: date) -> bool:
    """Whether the guardians allow passing on today."""
    return consent.allows(PURPOSE, pupil.id, on)


def partners(school_id: int) -> list[Partner]:
    """The partners a school works with now."""
    found = select(Partner).where(Partner.school_id == school_id, Partner.ended_on.is_(None))
    return list(db.session.scalars(found.order_by(Partner.name, Partner.id)))


def _line(entry: Entry) -> str:
    return f"{i18n.long_date(entry.on)} · {entry.title}"


def content(acting: Actor, pupil: Pupil, plan: Any, parts: Sequence[str], message: str) -> list[list[Any]]:
    """What the partner will read: [heading, [lines]] of the ticked parts alone, in the school's language."""
    told: dict[str, list[str]] = {"message": [message] if message else []}
    if plan is not None:
        told["groups"] = [groups_in_words(plan.groups or ())]
        told["aims"] = [plan.aims]
        told["measures"] = [f"{one.what} · {i18n.long_date(one.due_on)}" for one in plan.measures]
        told["reviews"] = [f"{i18n.long_date(one.held_on)} · {one.text}" for one in plan.reviews]
    if {"visits", "contacts"} & set(parts):
        entries = this_year(acting, pupil)
        for part in ("visits", "contacts"):
            told[part] = [_line(entry) for entry in entries if entry.part == part]
    return [[part, told.get(part, [])] for part in PART_NAMES if part in parts and told.get(part)]


def new_code() -> str:
    """Six digits, told to the recipient by voice."""
    return f"{secrets.randbelow(1_000_000):06d}"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="care-referral")


def token_of(referral: Referral) -> str:
    """The end of the address that the recipient gets."""
    return str(_signer().dumps(referral.public_id))


def behind(token: str, *, changing: bool = False) -> Referral | None:
    """The referral a link names; None for a link the portal never signed. Before a change its row is held."""
    try:
        public_id = _signer().loads(token)
    except (BadData, ValueError, TypeError):
        return None
    if not isinstance(public_id, str):
        return None
    found = select(Referral).where(Referral.public_id == public_id)
    if changing:
        found = found.with_for_update(of=Referral)
    return db.session.scalar(found.options(*WHOLE))


def readable(referral: Referral, on: date) -> bool:
    """Whether the recipient may read it today: open, in time, allowed by the family or decided for its safety."""
    in_use = modules.is_on("care", on, school_id=referral.school_id)
    agreed = referral.basis == Basis.SAFETY or consent.allows(PURPOSE, referral.pupil_id, on)
    return in_use and agreed and referral.is_open(on) and referral.content is not None


def class_of(referral: Referral, on: date) -> str:
    """The class of the child at the school on a day, as the consent says the partner may know; empty without one."""
    wanted = (
        select(SchoolClass.name)
        .join(Enrolment, Enrolment.class_id == SchoolClass.id)
        .where(
            Enrolment.pupil_id == referral.pupil_id,
            Enrolment.school_id == referral.school_id,
            Enrolment.started_on <= on,
            or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > on),
        )
    )
    return db.session.scalar(wanted.limit(1)) or ""


def right_code(referral: Referral, typed: str) -> bool:
    """Whether the code is right; a wrong one is counted, and after five the link is shut."""
    right = hmac.compare_digest(referral.code.encode(), typed.encode())
    if not right:
        referral.tries += 1
    return right


def open_once(referral: Referral, now: datetime, copy_id: int | None = None) -> None:
    """Write down that the recipient opens it, in the current transaction; ``copy_id`` names the message it came by."""
    db.session.add(Opening(referral_id=referral.id, copy_id=copy_id, opened_at=now))
    referral.tries = 0
    note("referral.opened", referral, person_id=None, role="partner", pupil_id=referral.pupil_id)


def expire(on: date) -> int:
    """Forget what partners read of referrals that are over; how many."""
    over = db.session.scalars(
        select(Referral).where(Referral.expires_on <= on, Referral.content_sealed.is_not(None)).limit(500)
    ).all()
    for referral in over:
        referral.content = None
    db.session.commit()
    return len(over)
