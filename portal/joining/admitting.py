"""Trying a code: counted before it is checked, the same work and the same answer for slips that are not there.

Guessing: a slip takes five wrong codes (5 × 2⁻⁴⁰ a slip), then it is dead. Whoever wants to try other families' slips
to death must first find their numbers, one in 2³⁰ / open slips, and learns from no answer that one was found; a number
one knows stands on paper beside its code. An address is asked to wait after sixty wrong tries in fifteen minutes, and the
portal as a whole only raises an alarm: a limit for everybody would be a lock that strangers could shut.
"""

import ipaddress
import logging
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock, cookies
from portal.accounts import limits, passwords
from portal.extensions import db
from portal.joining.codes import CODE_LENGTH, NUMBER_LENGTH
from portal.joining.models import WRONG_TRIES, JoiningRequest, JoiningSlip
from portal.trail.models import note

PER_ADDRESS = 60
ALARM = 300
"""Wrong codes in the whole portal within a quarter of an hour that are no longer families mistyping."""
COOKIE, COOKIE_PATH = "joining", "/join"
STAYS_OPEN = timedelta(hours=2)
STATUS_STAYS = timedelta(days=30)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """The slip when the code is its own, else None; and whether this address has tried too often."""

    slip: JoiningSlip | None = None
    too_often: bool = False


def place(address: str | None) -> str:
    """What counts as one address: an IPv4 address, or the 64 bits of an IPv6 network that one subscriber is given."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def check(number: str, code: str, address: str | None) -> Answer:
    """Try a code against the slip of this number. Commits: a try is counted before it is checked.

    ``number`` and ``code`` as ``codes.plain`` gives them. A slip that is dead, or not there, answers like a wrong code.
    """
    here = place(address)
    if limits.count("joining", here) > PER_ADDRESS:
        db.session.commit()
        return Answer(too_often=True)
    wrong = limits.count("joining", "everywhere")
    row = db.session.execute(
        update(JoiningSlip)
        .where(JoiningSlip.number == number[:NUMBER_LENGTH], JoiningSlip.wrong_tries < WRONG_TRIES)
        .values(wrong_tries=JoiningSlip.wrong_tries + 1)
        .returning(JoiningSlip.id, JoiningSlip.code_hash, JoiningSlip.wrong_tries)
    ).first()
    db.session.commit()
    fits = len(code) == CODE_LENGTH and len(number) == NUMBER_LENGTH
    if passwords.matches(row.code_hash if row else None, code if fits else "") and row is not None:
        return Answer(_take_back(row.id, here))
    if wrong == ALARM or (row is not None and row.wrong_tries == WRONG_TRIES):
        _note_trouble(wrong, row.id if row else None)
    return Answer()


def _take_back(slip_id: int, here: str) -> JoiningSlip | None:
    """The try was right after all."""
    db.session.execute(
        update(JoiningSlip)
        .where(JoiningSlip.id == slip_id, JoiningSlip.wrong_tries > 0)
        .values(wrong_tries=JoiningSlip.wrong_tries - 1)
    )
    limits.uncount("joining", here)
    limits.uncount("joining", "everywhere")
    db.session.commit()
    return _loaded(JoiningSlip.id == slip_id)


def _note_trouble(wrong: int, slip_id: int | None) -> None:
    """Note that the whole portal is being tried, or that a slip died."""
    if wrong == ALARM:
        log.warning("joining: %s wrong codes within 15 minutes", wrong)
        note("joining.alarm", None, person_id=None, object_kind="joining_slip", wrong=wrong)
    slip = db.session.get(JoiningSlip, slip_id) if slip_id is not None else None
    if slip is not None and slip.wrong_tries == WRONG_TRIES:
        note("joining.slip_died", slip, person_id=None)
    db.session.commit()


def _loaded(condition: object) -> JoiningSlip | None:
    return db.session.scalar(
        select(JoiningSlip)
        .where(condition)  # type: ignore[arg-type]
        .options(joinedload(JoiningSlip.pupil), joinedload(JoiningSlip.school))
    )


def use(slip: JoiningSlip) -> bool:
    """Use a slip up by one, in the current transaction; False when somebody was faster or its time is over."""
    done = db.session.scalar(
        update(JoiningSlip)
        .where(
            JoiningSlip.id == slip.id,
            JoiningSlip.used < JoiningSlip.uses,
            JoiningSlip.revoked_at.is_(None),
            JoiningSlip.wrong_tries < WRONG_TRIES,
            JoiningSlip.expires_at > clock.now(),
        )
        .values(used=JoiningSlip.used + 1)
        .returning(JoiningSlip.id)
    )
    return done is not None


# The browser that showed the right code carries a signed note of it; nothing is used up by that.


def _signed() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="joining")


def _remember(answer: Response, what: str, public_id: str, stays: timedelta) -> None:
    cookies.keep(
        answer, COOKIE, str(_signed().dumps([what, public_id])), int(stays.total_seconds()), COOKIE_PATH
    )


def _remembered(what: str, stays: timedelta) -> str | None:
    try:
        note_kept = cookies.kept(COOKIE, COOKIE_PATH)
        kind, public_id = _signed().loads(note_kept, max_age=int(stays.total_seconds()))
    except (BadSignature, ValueError, TypeError):
        return None
    return str(public_id) if kind == what else None


def remember_slip(answer: Response, slip: JoiningSlip) -> None:
    """Let this browser go on with a slip for two hours."""
    _remember(answer, "slip", slip.public_id, STAYS_OPEN)


def remember_request(answer: Response, public_id: str) -> None:
    """Let this browser see for thirty days how its request stands."""
    _remember(answer, "request", public_id, STATUS_STAYS)


def slip_in_hand() -> JoiningSlip | None:
    """The slip whose code this browser has shown, whether or not it can still be used."""
    public_id = _remembered("slip", STAYS_OPEN)
    return _loaded(JoiningSlip.public_id == public_id) if public_id else None


def request_in_hand() -> JoiningRequest | None:
    """The request that this browser sent."""
    public_id = _remembered("request", STATUS_STAYS)
    if public_id is None:
        return None
    return db.session.scalar(select(JoiningRequest).where(JoiningRequest.public_id == public_id))
