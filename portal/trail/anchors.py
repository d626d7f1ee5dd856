"""Anchors: signed lines that say where the chain ended at an instant.

A chain alone does not stop someone who holds its key: he can rewrite it whole, or cut it. What was anchored, and copied
to where he cannot reach, can no longer be changed unnoticed. A line reads ``sequence time hash signature``; the signature
(Ed25519, RFC 8032) is over the first three, and its key comes from the key of the chain.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import func, select

from portal import clock
from portal.extensions import db
from portal.trail.hashing import chain_key
from portal.trail.models import ANCHORS, ENTRIES, HEAD, TrailAnchor

EVERY_ENTRIES = 1000
EVERY = timedelta(minutes=15)
LINE = re.compile(r"(\d{1,18}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ([0-9a-f]{64}) ([0-9a-f]{128})")


@dataclass(frozen=True)
class Anchor:
    """One anchor as its line says it."""

    sequence: int
    made_at: datetime
    entry_hash: bytes
    signature: bytes

    @property
    def signed(self) -> str:
        """The part of the line that the signature is over."""
        return f"{self.sequence} {self.made_at:%Y-%m-%dT%H:%M:%SZ} {self.entry_hash.hex()}"

    def line(self) -> str:
        return f"{self.signed} {self.signature.hex()}"

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether the signature is of this key."""
        try:
            key.verify(self.signature, self.signed.encode())
        except InvalidSignature:
            return False
        return True


def of_row(row: Any) -> Anchor:
    """The anchor of a row of the database."""
    return Anchor(row.sequence, row.made_at.astimezone(UTC), bytes(row.entry_hash), bytes(row.signature))


def read_lines(lines: Iterable[str]) -> Iterator[Anchor]:
    """The anchors in a text (a file, a mailbox): other lines are skipped, also what mail programs put before a line."""
    for line in lines:
        found = LINE.search(line)
        if found:
            made_at = datetime.strptime(found[2], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            yield Anchor(int(found[1]), made_at, bytes.fromhex(found[3]), bytes.fromhex(found[4]))


def signing_key() -> Ed25519PrivateKey:
    """The key that signs anchors, made from the key of the chain."""
    return Ed25519PrivateKey.from_private_bytes(hmac.digest(chain_key(), b"anchors", "sha256"))


def public_key() -> Ed25519PublicKey:
    """What anybody checks anchors with."""
    return signing_key().public_key()


def is_due() -> bool:
    """Whether a thousand entries, or any entry a quarter of an hour later, wait for an anchor."""
    head = db.session.execute(select(HEAD.c.sequence)).scalar_one()
    last = db.session.execute(
        select(ANCHORS.c.sequence, ANCHORS.c.made_at).order_by(ANCHORS.c.sequence.desc()).limit(1)
    ).first()
    if last is None:
        return bool(head)
    waiting: int = head - last.sequence
    return waiting >= EVERY_ENTRIES or (waiting > 0 and clock.now() - last.made_at >= EVERY)


def is_late(limit: timedelta) -> bool:
    """Whether an entry waits for an anchor although the last one, or the trail itself, is older than the limit."""
    head = db.session.execute(select(HEAD.c.sequence)).scalar_one()
    last, made_at = db.session.execute(
        select(ANCHORS.c.sequence, ANCHORS.c.made_at).order_by(ANCHORS.c.sequence.desc()).limit(1)
    ).first() or (0, None)
    if head <= last:
        return False
    since = made_at or db.session.execute(select(func.min(ENTRIES.c.happened_at))).scalar_one()
    return since is not None and clock.now() - since >= limit


def make() -> TrailAnchor | None:
    """Add an anchor of the present end of the chain to the transaction; None when there is nothing new to anchor."""
    head = db.session.execute(select(HEAD.c.sequence, HEAD.c.entry_hash)).one()
    if head.sequence == 0 or db.session.get(TrailAnchor, head.sequence) is not None:
        return None
    unsigned = Anchor(head.sequence, clock.now().replace(microsecond=0), bytes(head.entry_hash), b"")
    made = TrailAnchor(
        sequence=unsigned.sequence,
        made_at=unsigned.made_at,
        entry_hash=unsigned.entry_hash,
        signature=signing_key().sign(unsigned.signed.encode()),
    )
    db.session.add(made)
    return made
