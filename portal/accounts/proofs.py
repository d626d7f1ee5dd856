"""Proofs that somebody is who they say: a password, an app's six digits, a code on paper, a passkey."""

import re

from portal.accounts import guessing, known_devices, passkeys, recovery_codes, totp
from portal.accounts.guessing import Refused
from portal.accounts.models import Person

SIX_DIGITS = re.compile(r"\d{6}")
NOBODYS_SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def plain(typed: str) -> str:
    """Six digits without the gap that apps show."""
    return typed.replace(" ", "").replace("-", "")


def by_code(person_id: int, typed: str) -> str | None:
    """ "totp" or "recovery_code" when the code is right; it is then used up, in the current transaction."""
    digits = plain(typed)
    if SIX_DIGITS.fullmatch(digits):
        row = totp.of(person_id)
        is_right = row is not None and row.confirmed_at is not None and totp.use(row, digits)
        return "totp" if is_right else None
    return "recovery_code" if recovery_codes.use(person_id, typed) else None


def second(person_id: int, typed: str, answer: str = "") -> str | None:
    """How the second factor was proved: by a code, or by a passkey's ``answer``; None when it was not."""
    if answer:
        return "passkey" if passkeys.used(passkeys.SECOND, answer, person_id) else None
    return by_code(person_id, typed)


def count_second(person_id: int) -> Refused | None:
    """Count one more try at a person's second factor, in the current transaction, or refuse it; strangers apart."""
    device = known_devices.here(person_id)
    return guessing.count(guessing.key("second", f"{person_id} {device.id}" if device else str(person_id)))


def recovered(person: Person | None, digits: str, code: str) -> bool:
    """Whether both an app's code and a code on paper are right; both are then used up, in the current transaction.

    The same work is done for everybody: one step of the app, one password hash.
    """
    row = totp.of(person.id if person else 0)
    is_ready = row is not None and row.confirmed_at is not None
    seed = (row.seed if row is not None and is_ready else None) or NOBODYS_SEED
    step = totp.step_of(seed, plain(digits), row.last_step if row is not None else 0)
    known = person if is_ready and step is not None else None
    right = recovery_codes.use(known.id if known else 0, code)
    return right and row is not None and totp.use(row, plain(digits))
