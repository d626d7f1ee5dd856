"""Passwords: Argon2id at OWASP's floor, one hash at a time per process, the same work for unknown accounts.

Rules of NIST SP 800-63B-4 (3.1.1): length and a list of common passwords, no composition rules, no change without cause,
paste allowed. The profile ``djbh`` adds what assessors of 等保 ask of staff: three of four kinds of characters, a change
every 180 days.
"""

import re
import threading
import unicodedata
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from portal import clock
from portal.i18n import gettext as _

ALONE = 15
"""Characters at least, where the password is all there is."""
WITH_SECOND_FACTOR = 8
LONGEST = 200
LETTERS_BESIDES = 5
"""How many letters or characters of writing a password needs besides a name of one's own."""
CHANGED_EVERY = timedelta(days=180)
PRINTED_LASTS = timedelta(hours=72)
"""How long a password that a command printed opens the way to one's own."""
KINDS = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"\d"), re.compile(r"[^A-Za-z\d]"))
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
    """Passwords that everybody tries first; made by ``scripts/common_passwords.py``."""
    text = (Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def _bytes(password: str) -> bytes:
    """One form for what looks the same: é is é, however the keyboard makes it."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def hashed(password: str) -> str:
    """The stored form of a password."""
    with _one_at_a_time:
        return _hasher_here().hash(_bytes(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one. Without a stored one the same work is done and the answer is no.

    What is longer than any password may be is refused before it is hashed.
    """
    if len(password) > LONGEST:
        return False
    subject = stored or _stand_in(current_app.config["PASSWORD_MEMORY_KIB"])
    with _one_at_a_time:
        try:
            _hasher_here().verify(subject, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's and ought to be made anew."""
    return _hasher_here().check_needs_rehash(stored)


def needs_change(changed_at: datetime | None, *, staff: bool) -> bool:
    """Whether the profile asks for a new password: under ``djbh`` for staff whose password is older than 180 days."""
    if current_app.config["PASSWORD_PROFILE"] != "djbh" or not staff:
        return False
    return changed_at is None or clock.now() - changed_at > CHANGED_EVERY


def is_common(password: str) -> bool:
    """Whether everybody tries it: on the list, one of the list with digits or signs around it, two of the list in a row, or
    the same few characters again and again."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    core = plain.strip("0123456789 !@#$%^&*()_+-=.,?~")
    known = common()
    return (
        plain in known
        or len(core) < 3
        or core in known
        or len(set(plain)) < 4
        or _is_repeated(plain)
        or any(plain[:cut] in known and plain[cut:] in known for cut in range(4, len(plain) - 3))
    )


def _is_repeated(text: str) -> bool:
    """Whether it is a piece of at most half its length, again and again."""
    place = (text + text).find(text, 1)
    return place < len(text) and (place <= 4 or text[:place] in common())


def _is_own(password: str, personal: tuple[str | None, ...]) -> bool:
    """Whether hardly a letter is left of it without a name or number of the person's own."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    for own in personal:
        word = (own or "").casefold()
        squeezed = word.replace(" ", "")
        for form in {word, squeezed}:
            rest = plain.replace(form, "") if len(form) >= 2 else plain
            if rest != plain and sum(letter.isalpha() for letter in rest) < LETTERS_BESIDES:
                return True
    return False


def objection(password: str, *personal: str | None, alone: bool = True, staff: bool = False) -> str | None:
    """Why this password will not do, in words; None when it will.

    ``personal``: names and numbers it must not be made of (see ``portal.accounts.knowing``); ``alone``: the person has no
    second factor; ``staff``: the person holds an appointment.
    """
    shortest = ALONE if alone else WITH_SECOND_FACTOR
    length = len(unicodedata.normalize("NFC", password)) if len(password) <= 2 * LONGEST else len(password)
    if length < shortest:
        return _("Use at least %(count)s characters. A short sentence is easy to remember.", count=shortest)
    if length > LONGEST:
        return _("Use at most %(count)s characters.", count=LONGEST)
    if is_common(password):
        return _("Many people use this password. Choose one that only you would think of.")
    if _is_own(password, personal):
        return _("Do not use your name, account name, phone number or school as the password.")
    if staff and current_app.config["PASSWORD_PROFILE"] == "djbh":
        return _kinds_objection(password)
    return None


def _kinds_objection(password: str) -> str | None:
    if sum(bool(kind.search(password)) for kind in KINDS) >= 3:
        return None
    return _("Use three of these four: small letters, capital letters, digits, other signs.")
