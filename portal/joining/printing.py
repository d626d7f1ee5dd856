"""Printing slips: fresh numbers and codes, the sheet that keeps them for an hour, and the paper."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import segno
from flask import url_for
from sqlalchemy import or_, select, update

from portal import clock, documents, i18n
from portal.accounts import passwords
from portal.accounts.models import Person
from portal.extensions import db
from portal.i18n import gettext as _
from portal.joining import codes
from portal.joining.models import WRONG_TRIES, JoiningSheet, JoiningSlip
from portal.schools.models import Guardianship, Pupil, SchoolClass

KEPT_FOR = timedelta(hours=1)
HAND_WRITTEN = "＿"
DAYS = (3, 7, 14)
"""For how many days a slip may hold: 72 hours unless the class teacher hands it out before a week-end or a meeting."""


@dataclass(frozen=True)
class Place:
    """A pupil's line when slips are chosen: how many guardians the roster has, how many can sign in, open slips."""

    pupil: Pupil
    guardians: int
    bound: int
    open_slips: int


def print_sheet(
    school_class: SchoolClass, pupils: Sequence[Pupil], *, uses: int, days: int, printed_by_id: int
) -> JoiningSheet:
    """A sheet with one slip for each pupil, in the current transaction. Hashing comes first, writing after.

    ``uses``: how many guardians may use one slip; ``days``: how long it holds, from this instant.
    """
    now = clock.now()
    fresh = [(pupil, codes.new_number(), codes.new_code()) for pupil in pupils]
    hashes = [passwords.hashed(code) for _pupil, _number, code in fresh]
    kept = {number: code for _pupil, number, code in fresh}
    sheet = JoiningSheet(
        class_id=school_class.id,
        printed_by_id=printed_by_id,
        printed_at=now,
        kept_until=now + KEPT_FOR,
    )
    sheet.codes = kept
    sheet.slips = [
        JoiningSlip(
            pupil_id=pupil.id,
            school_id=pupil.school_id,
            number=number,
            code_hash=code_hash,
            uses=uses,
            used=0,
            wrong_tries=0,
            expires_at=now + timedelta(days=days),
        )
        for (pupil, number, _code), code_hash in zip(fresh, hashes, strict=True)
    ]
    db.session.add(sheet)
    db.session.flush()
    return sheet


def kept_codes(sheet: JoiningSheet) -> dict[str, str]:
    """Slip number → code, while the sheet still keeps them; empty afterwards."""
    kept: dict[str, str] | None = sheet.codes if sheet.can_be_printed(clock.now()) else None
    return kept or {}


def qr(address: str) -> str:
    """The QR code of an address as SVG."""
    drawn = io.BytesIO()
    segno.make(address, error="m", boost_error=False).save(
        drawn, kind="svg", border=0, xmldecl=False, svgns=True, nl=False
    )
    return drawn.getvalue().decode()


def printable(name: str) -> str:
    """A name as the paper's fonts can write it: in place of a character they lack stands a line to write it on."""
    lacking = documents.lacking(name)
    return "".join(HAND_WRITTEN if letter in lacking else letter for letter in name)


def paper(sheet: JoiningSheet) -> bytes:
    """The sheet as PDF: A4, eight slips a page with lines to cut along. The sheet has its slips, pupils and schools."""
    kept = kept_codes(sheet)
    class_name = sheet.school_class.name
    start = url_for("joining.start", _external=True)
    return documents.pdf(
        "joining_slips",
        {
            "title": _("Slips to join %(name)s", name=class_name),
            "slips": [
                _drawn(slip, kept[slip.number], class_name, start)
                for slip in sheet.slips
                if slip.number in kept
            ],
            "words": {
                "number": _("Slip number"),
                "code": _("Code"),
                "scan": _("Scan in WeChat, or open the address below"),
                "keep": _("This slip lets somebody ask to join. Do not post a photo of it."),
            },
        },
    )


def _drawn(slip: JoiningSlip, code: str, class_name: str, start: str) -> dict[str, Any]:
    return {
        "school": slip.school.name,
        "class": class_name,
        "child": printable(slip.pupil.name),
        "number": codes.shown(slip.number),
        "code": codes.shown(code),
        "address": start.split("://", 1)[-1].rstrip("/"),
        "qr": qr(url_for("joining.start", slip=slip.number, _external=True)),
        "sentences": [
            _("Scan the square, or open the address and type the slip number. Then type the code."),
            _("Give your name and mobile number, and choose a password."),
            _("The class teacher confirms that you belong to the child. Then you can see everything."),
        ],
        "until": _("Use it before %(moment)s", moment=i18n.moment(slip.expires_at)),
        "phone": _("Lost or expired? Ring the school: %(phone)s", phone=slip.school.phone)
        if slip.school.phone
        else _("Lost or expired? Ask the class teacher."),
        "uses": _("For %(count)s guardians of this child", count=slip.uses) if slip.uses > 1 else "",
    }


def places(pupils: Sequence[Pupil], now: datetime) -> list[Place]:
    """How each pupil stands: guardians of the roster, those with an account, slips that are still open. Two queries."""
    ids = [pupil.id for pupil in pupils]
    today = clock.today()
    guardians: dict[int, list[bool]] = {}
    for pupil_id, has_account in db.session.execute(
        select(Guardianship.pupil_id, Person.password_hash.is_not(None))
        .join(Person, Person.id == Guardianship.person_id)
        .where(
            Guardianship.pupil_id.in_(ids),
            Guardianship.started_on <= today,
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > today),
        )
    ):
        guardians.setdefault(pupil_id, []).append(bool(has_account))
    slips: dict[int, int] = {}
    for slip in open_slips(ids, now):
        slips[slip.pupil_id] = slips.get(slip.pupil_id, 0) + 1
    return [
        Place(
            pupil,
            len(guardians.get(pupil.id, ())),
            sum(guardians.get(pupil.id, ())),
            slips.get(pupil.id, 0),
        )
        for pupil in pupils
    ]


def open_slips(pupil_ids: Sequence[int], now: datetime) -> Sequence[JoiningSlip]:
    """The slips of these pupils that can still be used."""
    return db.session.scalars(
        select(JoiningSlip)
        .where(
            JoiningSlip.pupil_id.in_(pupil_ids),
            JoiningSlip.expires_at > now,
            JoiningSlip.revoked_at.is_(None),
            JoiningSlip.used < JoiningSlip.uses,
            JoiningSlip.wrong_tries < WRONG_TRIES,
        )
        .order_by(JoiningSlip.id)
    ).all()


def revoke(slips: Sequence[JoiningSlip]) -> int:
    """Make slips worthless at once, in the current transaction; returns how many were still open."""
    now = clock.now()
    ids = [slip.id for slip in slips]
    done = db.session.execute(
        update(JoiningSlip)
        .where(JoiningSlip.id.in_(ids), JoiningSlip.revoked_at.is_(None))
        .values(revoked_at=now, code_hash=None)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
