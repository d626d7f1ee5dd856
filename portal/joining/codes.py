"""The two things printed on a slip: its number, by which it is found, and its code, which admits.

Both are written in Crockford's base 32 (no I, L, O, U), so that they can be read aloud and typed by anybody. The number
has 6 characters (30 bits): sparse, so that nobody can try other families' slips to death by counting upwards. The code
has 8 characters (40 bits) and is kept as a password hash only (ASVS 6.5.2); because a slip is found by its number, five
wrong tries are counted against one slip, and a guess is never tried against all slips at once.
"""

import secrets
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_LENGTH = 6
CODE_LENGTH = 8
_MEANT = str.maketrans({"O": "0", "I": "1", "L": "1"})


def new_number() -> str:
    """A fresh slip number, 30 random bits."""
    return "".join(secrets.choice(ALPHABET) for _place in range(NUMBER_LENGTH))


def new_code() -> str:
    """A fresh code, 40 random bits."""
    return "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))


def plain(typed: str | None) -> str:
    """What was typed as it is stored: capitals, O as 0, I and L as 1, full-width as half-width, no spaces or dashes.

    Anything that is no such character stays in place and will not match.
    """
    folded = unicodedata.normalize("NFKC", typed or "")[:64].upper().translate(_MEANT)
    return "".join(
        letter
        for letter in folded
        if not letter.isspace() and unicodedata.category(letter) not in ("Pd", "Cf")
    )


def shown(text: str) -> str:
    """A number or code as printed, in two halves: 7K4-QM2, 4F8K-2MNP."""
    half = len(text) // 2
    return f"{text[:half]}-{text[half:]}"
