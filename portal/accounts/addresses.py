"""E-mail addresses: checked for form, kept in one form, found by a keyed index."""

import re
import unicodedata

from portal.keys.sealing import blind_index

LONGEST = 254
_FORM = re.compile(
    r"(?!\.)(?!.*\.\.)[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}(?<!\.)@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


def normalised(text: str) -> str | None:
    """An e-mail address in small letters (RFC 5321, without quotes and comments), or None when it is none."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    return plain if len(plain) <= LONGEST and _FORM.fullmatch(plain) else None


def email_index(address: str) -> bytes:
    """What to look a person up by: ``Person.email_index == email_index(address)``."""
    return blind_index("person.email", address)
