"""Six digits of an app (TOTP, RFC 6238): setting up, checking, each code once."""

import hmac

import pyotp
import segno
from sqlalchemy import select, update

from portal import clock
from portal.accounts.models import Authenticator, Person
from portal.extensions import db, new_public_id

SECONDS = 30
AROUND = 1
"""How many steps a phone's clock may be off, either way."""
DIGITS = 6


def of(person_id: int) -> Authenticator | None:
    """The person's app, confirmed or still being set up."""
    return db.session.scalar(select(Authenticator).where(Authenticator.person_id == person_id))


def begin(person: Person) -> Authenticator:
    """A new seed for the person's app, not yet confirmed, in the current transaction; an unconfirmed one is replaced."""
    row = of(person.id)
    if row is None:
        row = Authenticator(public_id=new_public_id(), person_id=person.id, created_at=clock.now())
        db.session.add(row)
    row.seed, row.last_step, row.created_at = pyotp.random_base32(), 0, clock.now()
    db.session.flush()
    return row


def key_in_groups(seed: str) -> str:
    """The key as one types it: ABCD EFGH …."""
    return " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))


def address(seed: str, account: str, issuer: str) -> str:
    """What the picture says to the app (otpauth://…)."""
    return pyotp.TOTP(seed).provisioning_uri(name=account, issuer_name=issuer)


def picture(text: str) -> str:
    """A QR code as SVG for the page, black on white in every theme."""
    made: str = segno.make(text, error="m").svg_inline(
        scale=4, border=2, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )
    return made


def step_of(seed: str, code: str, last_step: int) -> int | None:
    """The step whose code this is, now or one step around; None when it is none, or one of a step used before.

    Every step is compared, so that the time tells nothing.
    """
    now = int(clock.now().timestamp()) // SECONDS
    app = pyotp.TOTP(seed)
    found = None
    for step in range(now - AROUND, now + AROUND + 1):
        right = hmac.compare_digest(app.generate_otp(step).encode(), code.encode("utf-8", "surrogatepass"))
        if right and step > last_step:
            found = step
    return found


def use(row: Authenticator, code: str) -> bool:
    """Whether the code is right; it is then used up, in the current transaction, also against one sent at the same moment."""
    step = step_of(row.seed or "", code, row.last_step)
    if step is None:
        return False
    taken = db.session.execute(
        update(Authenticator)
        .where(Authenticator.id == row.id, Authenticator.last_step < step)
        .values(last_step=step)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(row)
    return int(taken.rowcount) == 1  # type: ignore[attr-defined]
