"""The one secret of a household in one questionnaire: the same in the account, in a message and on paper.

Sixteen characters of Crockford's base 32, 80 random bits: more than anybody can try. They stand nowhere in clear. What finds
them in the database is a keyed index whose key lies outside of it, one for the invitation and another one, which cannot be
laid beside it, for the box of the answer.
"""

import base64
import secrets

from portal.joining.codes import ALPHABET, plain
from portal.keys.sealing import blind_index

LENGTH = 16


def new_token() -> str:
    """A fresh token, 80 random bits."""
    return "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))


def read(typed: str | None) -> str | None:
    """What was typed or followed as a token; None when it cannot be one."""
    found = plain(typed)
    return found if len(found) == LENGTH and set(found) <= set(ALPHABET) else None


def shown(token: str) -> str:
    """As printed: 7K4Q-M2TX-90AB-CDEF."""
    return "-".join(token[start : start + 4] for start in range(0, LENGTH, 4))


def box_key(token: str) -> str:
    """The name of the box of a token. Without the keys nobody finds the one from the other, or from the invitation."""
    return base64.urlsafe_b64encode(blind_index("survey_box.key", token)).decode()
