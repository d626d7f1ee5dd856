"""The key under which a browser keeps what somebody is typing until the portal has it.

It comes with the page, which no browser stores, and is made anew for the same person and the same form: after a reload and
after signing in again the text opens, for anybody else and without a session it stays shut. The portal keeps neither.
"""

import base64
import hmac
from dataclasses import dataclass

from flask_login import current_user

from portal.keys.keyring import lasting_secret
from portal.keys.models import Branch

NAME_BYTES = 12


@dataclass(frozen=True)
class LocalCopy:
    """``name``: under which the browser keeps it, telling neither form nor person; ``key``: 32 bytes, base64."""

    name: str
    key: str


def local_copy(form: str) -> LocalCopy | None:
    """For what the person signed in types in a form (``visit-`` and a pupil's id, say); None where nobody is signed in."""
    if not current_user.is_authenticated:
        return None
    of = f"{current_user.person_id}\0{form}"
    name = base64.urlsafe_b64encode(_made("name", of)[:NAME_BYTES]).decode()
    return LocalCopy(name, base64.b64encode(_made("key", of)).decode())


def _made(what: str, of: str) -> bytes:
    return hmac.digest(lasting_secret(Branch.INDEX), f"local copy {what}\0{of}".encode(), "sha256")
