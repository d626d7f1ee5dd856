"""Browsers in which a person has signed in before, remembered for a year by a signed cookie of random letters."""

import hashlib
import secrets

from flask import current_app
from itsdangerous import BadSignature, Signer
from sqlalchemy import delete, select
from werkzeug.wrappers import Response

from portal import clock, cookies
from portal.accounts.models import KnownDevice, Person
from portal.extensions import db

YEAR = 365 * 24 * 3600
PER_PERSON = 20
COOKIE = "gongyu-device"


def _signer() -> Signer:
    return Signer(current_app.config["SECRET_KEY"], salt="known device")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def token() -> str:
    """The letters in this browser's cookie; empty without one, or when it was tampered with."""
    try:
        return _signer().unsign(cookies.kept(COOKIE)).decode()
    except BadSignature:
        return ""


def hash_here() -> str:
    """What stands in the database for this browser; that of no letters for a browser without a cookie."""
    return _hash(token())


def here(person_id: int) -> KnownDevice | None:
    """This browser, if the person has signed in with it before. The same work whether it is known or not."""
    wanted = select(KnownDevice).where(
        KnownDevice.person_id == person_id, KnownDevice.token_hash == _hash(token())
    )
    return db.session.scalar(wanted)


def remember(person: Person) -> tuple[KnownDevice, str, bool]:
    """This browser as one of the person's, in the current transaction: (row, letters for the cookie, whether it is new)."""
    now, letters = clock.now(), token() or secrets.token_urlsafe(24)
    found = here(person.id)
    if found is not None:
        found.last_seen_at = now
        return found, letters, False
    row = KnownDevice(person_id=person.id, token_hash=_hash(letters), created_at=now, last_seen_at=now)
    db.session.add(row)
    db.session.flush()
    newest = select(KnownDevice.id).where(KnownDevice.person_id == person.id)
    newest = newest.order_by(KnownDevice.last_seen_at.desc(), KnownDevice.id.desc()).limit(PER_PERSON)
    db.session.execute(
        delete(KnownDevice).where(KnownDevice.person_id == person.id, KnownDevice.id.not_in(newest))
    )
    return row, letters, True


def set_cookie(answer: Response, letters: str) -> None:
    """Put the letters into this browser for a year."""
    cookies.keep(answer, COOKIE, _signer().sign(letters).decode(), YEAR)


def forget(person_id: int, *device_ids: int | None) -> None:
    """Forget some of a person's devices, in the current transaction."""
    wanted = [one for one in device_ids if one is not None]
    db.session.execute(
        delete(KnownDevice).where(KnownDevice.person_id == person_id, KnownDevice.id.in_(wanted))
    )


def forget_others(person_id: int, keep: int | None) -> None:
    """Forget all of a person's devices but one, in the current transaction."""
    condition = KnownDevice.id != keep if keep is not None else KnownDevice.id.is_not(None)
    db.session.execute(delete(KnownDevice).where(KnownDevice.person_id == person_id, condition))
