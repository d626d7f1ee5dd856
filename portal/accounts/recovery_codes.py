"""Ten codes on paper for the day on which the phone is lost: each good once, kept as password hashes.

A code is a number from 01 to 10, which says where to look, and ten letters of fifty bits (ASVS 6.5.2: what has fewer than
112 bits is stored with a password hash).
"""

import re
import secrets
import unicodedata

from sqlalchemy import delete, func, select, update

from portal import clock
from portal.accounts import passwords
from portal.accounts.models import Person, RecoveryCode
from portal.extensions import db

LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's: no i, l, o, u."""
COUNT = 10
LENGTH = 10
_LOOKS_LIKE = str.maketrans("oil", "011")
_SHAPE = re.compile(rf"(\d\d)([{LETTERS}]{{{LENGTH}}})")


def make(person: Person) -> list[str]:
    """Ten new codes in the current transaction, instead of any before; shown once and never again."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    now, shown = clock.now(), []
    for place in range(1, COUNT + 1):
        letters = "".join(secrets.choice(LETTERS) for _letter in range(LENGTH))
        stored = passwords.hashed(letters)
        db.session.add(RecoveryCode(person_id=person.id, place=place, code_hash=stored, made_at=now))
        shown.append(f"{place:02d}-{letters[:5]}-{letters[5:]}")
    db.session.flush()
    return shown


def left(person_id: int) -> int:
    """How many codes are not used yet."""
    wanted = select(func.count(RecoveryCode.id)).where(
        RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None)
    )
    return db.session.scalar(wanted) or 0


def read(typed: str) -> tuple[int, str] | None:
    """(place, letters) of a code however it is written: capitals, spaces, o for 0, i and l for 1, full-width."""
    plain = unicodedata.normalize("NFKC", typed).lower().translate(_LOOKS_LIKE)
    found = _SHAPE.fullmatch(re.sub(r"[^0-9a-z]", "", plain))
    return (int(found[1]), found[2]) if found else None


def use(person_id: int, typed: str) -> bool:
    """Whether this is an unused code of the person; it is then used up, in the current transaction.

    One password hash is computed for every code of the right shape, whether the person has codes or not.
    """
    place, letters = read(typed) or (0, "")
    row = db.session.scalar(
        select(RecoveryCode).where(
            RecoveryCode.person_id == person_id, RecoveryCode.place == place, RecoveryCode.used_at.is_(None)
        )
    )
    if not passwords.matches(row.code_hash if row else None, letters) or row is None:
        return False
    taken = db.session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.id == row.id, RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now())
    )
    return int(taken.rowcount) == 1  # type: ignore[attr-defined]
