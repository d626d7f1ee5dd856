"""Exports by staff: a purpose, a second person where many or sensitive data go out, one download within a day.

Rule (SECURITY T-07): more than 200 children, or anything of class F4, leaves only when a second person of the same
office agrees. Every file names who asked for it on each page, and lists of people hold one invented person whom nobody
else knows: found somewhere else, it tells which export leaked.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select

from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.privacy.models import ExportRequest, ParcelState

MOST_ALONE = 200
"""Children whose data one person may take out without a second person."""
A_DAY = 10
"""Most exports one person asks for within 24 hours; more is an alarm."""
SENSITIVE = ("F4", "F4S", "F5", "F6")
SURNAMES, GIVEN = "司端欧令濮闻", "沐泽柚宁砚舟禾苒屿澄"


@dataclass(frozen=True)
class Made:
    """A finished file."""

    data: bytes
    name: str
    mimetype: str


@dataclass(frozen=True)
class Export:
    """One kind of export: its words, the most sensitive class it holds, how many children, and who makes it."""

    kind: str
    label: Any
    holds: str
    people: Callable[[ExportRequest], int]
    make: Callable[[ExportRequest], Made]


EXPORTS: dict[str, Export] = {}


def export(
    kind: str, label: Any, holds: str, people: Callable[[ExportRequest], int] = lambda _request: 0
) -> Callable[[Callable[[ExportRequest], Made]], Callable[[ExportRequest], Made]]:
    """Declare a kind of export over the function that makes its file."""

    def register(make: Callable[[ExportRequest], Made]) -> Callable[[ExportRequest], Made]:
        EXPORTS[kind] = Export(kind, label, holds, people, make)
        return make

    return register


def ask(request: ExportRequest, at: datetime) -> None:
    """Add a request with what it will hold; RuleBroken for a kind nobody knows or too many in a day."""
    declared = EXPORTS.get(request.kind)
    if declared is None:
        raise RuleBroken(_("There is no such export."), status=422)
    lately = db.session.scalar(
        select(func.count(ExportRequest.id)).where(
            ExportRequest.asked_by_id == request.asked_by_id, ExportRequest.asked_at > at - ExportRequest.DAY
        )
    )
    if (lately or 0) >= A_DAY:
        raise RuleBroken(_("You have asked for many exports today. Ask again tomorrow."), status=429)
    request.holds, request.people = declared.holds, declared.people(request)
    request.needs_second = request.people > MOST_ALONE or declared.holds in SENSITIVE
    request.state, request.asked_at = ParcelState.WAITING, at
    db.session.add(request)
    db.session.flush()


def made(request: ExportRequest) -> Made:
    """The file of a request that may be made. RuleBroken while a second person has not agreed."""
    if not request.may_be_made:
        raise RuleBroken(_("A second person has to agree first."))
    return EXPORTS[request.kind].make(request)


def still_in_office(request: ExportRequest, on: date) -> bool:
    """Whether whoever asked still holds an office, on this day, where they asked (ASVS 8.3.3)."""
    place = Appointment.district_id == request.district_id
    if request.school_id is not None:
        place = Appointment.school_id == request.school_id
    held = select(Appointment.id).where(
        Appointment.person_id == request.asked_by_id,
        place,
        Appointment.started_on <= on,
        or_(Appointment.ended_on.is_(None), Appointment.ended_on > on),
    )
    return db.session.execute(held.limit(1)).first() is not None


def watermark(request: ExportRequest) -> str:
    """The line on every page: who took it out, when, for what, under which number."""
    name = db.session.scalar(select(Person.name).where(Person.id == request.asked_by_id)) or "—"
    return f"{name} · {request.asked_at:%Y-%m-%d} · {request.purpose} · {request.public_id}"


def canary(request: ExportRequest) -> str:
    """The name of a person who does not exist, in this export alone; made from its number, so it can be told again."""
    digest = hashlib.sha256(request.public_id.encode()).digest()
    return SURNAMES[digest[0] % len(SURNAMES)] + "".join(GIVEN[byte % len(GIVEN)] for byte in digest[1:3])
