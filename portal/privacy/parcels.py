"""Files made for one person: sealed under a key of their own, fetched once within a day, then gone with the key."""

import secrets
from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.errors import RuleBroken
from portal.i18n import gettext as _
from portal.privacy.models import ParcelState

NONCE = bytes(12)
"""One key seals one file, so the nonce never repeats under a key."""


class Sealable(Protocol):
    """A row with the columns of ``Parcel`` and a sealed key."""

    public_id: str
    state: str
    content: bytes | None
    key: str | None
    size: int
    ready_at: datetime | None
    ended_at: datetime | None

    def is_there(self, now: datetime) -> bool:
        """Whether it can be fetched now."""


def put(row: Sealable, data: bytes, at: datetime) -> None:
    """Seal the file onto its row; from now on it waits a day."""
    key = secrets.token_bytes(32)
    row.key = key.hex()
    row.content = AESGCM(key).encrypt(NONCE, data, row.public_id.encode())
    row.size, row.state, row.ready_at = len(data), ParcelState.READY, at


def take(row: Sealable, at: datetime) -> bytes:
    """The file, for the first and only time, in the current transaction. RuleBroken when it is not there any more."""
    if not row.is_there(at) or row.content is None or row.key is None:
        raise RuleBroken(_("This file is gone: it can be fetched once, within a day. Ask for a new one."))
    data = AESGCM(bytes.fromhex(row.key)).decrypt(NONCE, row.content, row.public_id.encode())
    drop(row, at, ParcelState.FETCHED)
    return data


def drop(row: Sealable, at: datetime, state: ParcelState = ParcelState.GONE) -> None:
    """Forget file and key."""
    row.content = row.key = None
    row.state, row.ended_at = state, at
