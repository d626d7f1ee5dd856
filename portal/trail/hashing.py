"""How an entry of the trail is hashed: a keyed hash over the entry before it and its own canonical text.

The formula is part of every database there is: a change of it would make all older entries look forged.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portal.keys.keyring import lasting_secret
from portal.keys.models import Branch

BEGINNING = bytes(32)
"""What stands before the first entry."""
HASHED = (
    "person_id",
    "role",
    "appointment_id",
    "action",
    "object_kind",
    "object_id",
    "pupil_id",
    "subject_id",
    "school_id",
    "district_id",
    "purpose",
    "category",
    "facts",
)
"""The columns that the hash covers, in this order, after the sequence and the instant."""


def plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON gives them back: dates and the like as text."""
    given: dict[str, Any] = json.loads(json.dumps(facts, default=str, sort_keys=True))
    return given


def canonical(sequence: int, happened_at: datetime, values: Mapping[str, Any]) -> bytes:
    """One entry as bytes: a JSON list without spaces, the instant in UTC to the microsecond, keys of facts sorted."""
    instant = happened_at.astimezone(UTC).isoformat(timespec="microseconds")
    written = json.dumps(
        [sequence, instant, *(values[name] for name in HASHED)],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return written.encode("utf-8", "surrogatepass")


def entry_hash(
    key: bytes, previous: bytes, sequence: int, happened_at: datetime, values: Mapping[str, Any]
) -> bytes:
    """HMAC-SHA-256 over the hash of the entry before and the canonical text of this one; 32 bytes."""
    return hmac.digest(key, previous + canonical(sequence, happened_at, values), "sha256")


def chain_key() -> bytes:
    """The key of the chain, 32 bytes: of the branch "trail" of the field keys, open only in memory. KeyMissing."""
    return lasting_secret(Branch.TRAIL)


def told_apart(typed: str) -> str:
    """A keyed hash of what somebody typed, 16 hexadecimal digits: equal tries can be counted, none can be read."""
    return hmac.digest(chain_key(), b"typed\0" + typed.encode("utf-8", "surrogatepass"), "sha256")[:8].hex()
