"""Passwords: Argon2id at OWASP's floor, one hash at a time per process, the same work for unknown accounts.

Rules of NIST SP 800-63B-4: length and a list of common passwords, no composition rules, paste allowed.
"""

import threading
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from portal.i18n import gettext as _

SHORTEST = 8
LONGEST = 200
_one_at_a_time = threading.Lock()


@cache
def _hasher(memory_kib: int) -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=memory_kib, parallelism=1)


def _hasher_here() -> PasswordHasher:
    return _hasher(current_app.config["PASSWORD_MEMORY_KIB"])


@cache
def _stand_in(memory_kib: int) -> str:
    return _hasher(memory_kib).hash("nobody's password")


@cache
def common() -> frozenset[str]:
    """Passwords that everybody tries first."""
    text = (Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line.strip().lower() for line in text.splitlines() if line.strip())


def hashed(password: str) -> str:
    """The stored form of a password."""
    with _one_at_a_time:
        return _hasher_here().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Without a stored one the same work is done and the answer is no."""
    if len(password) > LONGEST:
        return False
    subject = stored or _stand_in(current_app.config["PASSWORD_MEMORY_KIB"])
    with _one_at_a_time:
        try:
            _hasher_here().verify(subject, password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def objection(password: str, *personal: str | None) -> str | None:
    """Why this password will not do, in words; None when it will. ``personal``: names and numbers it must not be."""
    if len(password) < SHORTEST:
        return _("Use at least %(count)s characters. A short sentence is easy to remember.", count=SHORTEST)
    if len(password) > LONGEST:
        return _("Use at most %(count)s characters.", count=LONGEST)
    if password.lower() in common() or len(set(password)) < 3:
        return _("Many people use this password. Choose one that only you would think of.")
    if any(own and own.lower() in password.lower() for own in personal if own and len(own) >= 4):
        return _("Do not use your name, account name or phone number in the password.")
    return None
