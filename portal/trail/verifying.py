"""Whether the trail is as it was written: every entry in its place, unchanged, linked, and where the anchors say.

Reads the entries once, in order, a thousand at a time. Without anchors it finds what was done without the key of the
chain: entries changed, removed, added, put in another order. With anchors from outside it also finds a chain that was cut
or written anew with the key, up to the newest anchor.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from portal.trail.anchors import Anchor, of_row, public_key
from portal.trail.hashing import BEGINNING, chain_key, entry_hash
from portal.trail.models import ANCHORS, ENTRIES, HEAD

AT_ONCE = 1000
PRUNED = "trail.pruned"
FLOOR = timedelta(days=183)
"""No entry is removed earlier, whatever is set (网络安全法: logs at least six months)."""


class Wrong(StrEnum):
    """What can be wrong with an entry."""

    MISSING = "missing"
    CHANGED = "changed"
    OUT_OF_ORDER = "out of order"
    CUT_OFF = "cut off"
    REWRITTEN = "rewritten"
    ANCHOR = "anchor changed"


@dataclass(frozen=True)
class Fault:
    """The first bad entry: its place, what it now says of itself (if it is there), and what is wrong."""

    wrong: Wrong
    sequence: int
    happened_at: datetime | None = None
    action: str = ""
    since: int = 0
    """For a rewritten chain: the last entry an anchor still vouches for; what is bad begins after it."""


@dataclass(frozen=True)
class Report:
    """What was looked at and the first fault, if any. ``anchored`` is the newest entry that an anchor vouches for."""

    first: int
    last: int
    entries: int
    anchors: int
    anchored: int
    fault: Fault | None


class Walk:
    """One pass over the entries; remembers what the next entry must follow."""

    def __init__(self, connection: Connection, first: int, previous: bytes) -> None:
        self.connection = connection
        self.key = chain_key()
        self.first = first
        self.expected = first
        self.previous = previous
        self.entries = 0
        self.pruned: Any = None

    def rows(self) -> Iterator[Any]:
        """The entries from the first one on, in order."""
        wanted = select(ENTRIES).where(ENTRIES.c.sequence >= self.first).order_by(ENTRIES.c.sequence)
        yield from self.connection.execution_options(yield_per=AT_ONCE).execute(wanted).mappings()

    def fault_of(self, row: Any) -> Fault | None:
        """What is wrong with the next entry, if anything."""
        wrong, sequence = None, row["sequence"]
        if sequence != self.expected:
            return Fault(Wrong.MISSING, self.expected)
        own = entry_hash(self.key, bytes(row["previous_hash"]), sequence, row["happened_at"], row)
        if own != bytes(row["entry_hash"]):
            wrong = Wrong.OUT_OF_ORDER if self._belongs_elsewhere(row) else Wrong.CHANGED
        elif bytes(row["previous_hash"]) != self.previous:
            wrong = Wrong.CHANGED
        if wrong:
            return Fault(wrong, sequence, row["happened_at"], row["action"])
        if row["action"] == PRUNED:
            self.pruned = row
        self.entries += 1
        self.expected += 1
        self.previous = own
        return None

    def _belongs_elsewhere(self, row: Any) -> bool:
        """Whether the entry is a true one, after another entry than the one it stands behind."""
        before = bytes(row["previous_hash"])
        place = self.connection.scalar(
            select(ENTRIES.c.sequence).where(ENTRIES.c.entry_hash == before).limit(1)
        )
        places = [1] if before == BEGINNING else [] if place is None else [place + 1]
        # The predecessor may itself have been moved, so its neighbours' places are tried as well.
        nearby = range(max(1, row["sequence"] - AT_ONCE), row["sequence"] + AT_ONCE)
        stored = bytes(row["entry_hash"])
        return any(
            entry_hash(self.key, before, one, row["happened_at"], row) == stored for one in (*places, *nearby)
        )


class Anchors:
    """All anchors by their place: those of the database and those from outside, which count as much."""

    def __init__(self, connection: Connection, outside: Iterable[Anchor], first: int) -> None:
        self.key = public_key()
        self.connection = connection
        self.outside: dict[int, list[Anchor]] = {}
        for anchor in outside:
            kept = self.outside.setdefault(anchor.sequence, [])
            if anchor not in kept:
                kept.append(anchor)
        wanted = select(ANCHORS).where(ANCHORS.c.sequence >= first - 1).order_by(ANCHORS.c.sequence)
        self.inside = iter(connection.execution_options(yield_per=AT_ONCE).execute(wanted))
        self.next = next(self.inside, None)
        self.count = 0
        self.anchored = 0

    def at(self, sequence: int) -> list[Anchor]:
        """The anchors of an entry; called with rising sequences."""
        found = self.outside.pop(sequence, [])
        while self.next is not None and self.next.sequence <= sequence:
            if self.next.sequence == sequence:
                found = [*found, of_row(self.next)]
            self.next = next(self.inside, None)
        return found

    def fault_of(self, row: Any) -> Fault | None:
        """What the anchors say against an entry that fits the chain."""
        for anchor in self.at(row["sequence"]):
            self.count += 1
            if not anchor.is_signed_by(self.key):
                return Fault(Wrong.ANCHOR, anchor.sequence, anchor.made_at)
            if anchor.entry_hash != bytes(row["entry_hash"]):
                return Fault(
                    Wrong.REWRITTEN, row["sequence"], row["happened_at"], row["action"], self.anchored
                )
            self.anchored = row["sequence"]
        return None

    def beyond(self, last: int) -> Fault | None:
        """An anchor of an entry after the last one there is: the end of the trail is gone."""
        inside = [] if self.next is None else [of_row(self.next)]
        left = [anchor for anchors in self.outside.values() for anchor in anchors if anchor.sequence > last]
        for anchor in sorted([*inside, *left], key=lambda one: one.sequence):
            if not anchor.is_signed_by(self.key):
                return Fault(Wrong.ANCHOR, anchor.sequence, anchor.made_at)
            return Fault(Wrong.CUT_OFF, last + 1)
        return None


def verify(connection: Connection, outside: Iterable[Anchor] = (), after: int = 0) -> Report:
    """Check the whole trail, or the part behind the anchored entry ``after``, against itself and all anchors.

    ``outside``: anchors kept where the operator cannot reach them. An anchor is worth what its keeping is worth: the
    database's own ones are checked too, but whoever can rewrite the trail can rewrite them.
    """
    head = connection.execute(select(HEAD)).one()
    first = max(head.pruned_through, after) + 1
    walk = Walk(connection, first, _before(connection, first))
    anchors = Anchors(connection, outside, first)
    fault = None
    for row in walk.rows():
        fault = walk.fault_of(row) or anchors.fault_of(row)
        if fault:
            break
    fault = fault or anchors.beyond(walk.expected - 1) or _at_the_end(walk, head)
    if fault is None and head.pruned_through and not after:
        fault = _unaccounted(walk, head, connection)
    return Report(first, walk.expected - 1, walk.entries, anchors.count, anchors.anchored, fault)


def _before(connection: Connection, first: int) -> bytes:
    """The hash that the first entry looked at must follow: of the entry before; after pruning what it says itself."""
    if first == 1:
        return BEGINNING
    before = connection.scalar(select(ENTRIES.c.entry_hash).where(ENTRIES.c.sequence == first - 1))
    if before is None:
        before = connection.scalar(select(ENTRIES.c.previous_hash).where(ENTRIES.c.sequence == first))
    return bytes(before or BEGINNING)


def _at_the_end(walk: Walk, head: Any) -> Fault | None:
    """Whether the trail ends where its head says."""
    last = walk.expected - 1
    if last < head.sequence:
        return Fault(Wrong.CUT_OFF, last + 1)
    if last > head.sequence or walk.previous != bytes(head.entry_hash):
        return Fault(Wrong.REWRITTEN, max(last, 1))
    return None


def _unaccounted(walk: Walk, head: Any, connection: Connection) -> Fault | None:
    """Whether what is gone from the beginning was removed as the trail itself records, and old enough."""
    record = walk.pruned
    facts = record["facts"] if record else {}
    first = connection.scalar(
        select(ENTRIES.c.previous_hash).where(ENTRIES.c.sequence == head.pruned_through + 1)
    )
    recorded = (facts.get("through"), facts.get("hash")) == (head.pruned_through, bytes(first or b"").hex())
    if not recorded:
        return Fault(Wrong.MISSING, 1)
    if record["happened_at"] - datetime.fromisoformat(facts["newest"]) < FLOOR:
        return Fault(Wrong.MISSING, 1, record["happened_at"], PRUNED)
    return None


def last_anchored(connection: Connection) -> int:
    """The newest entry that the database has an anchor for; 0 when there is none."""
    return int(connection.scalar(select(func.max(ANCHORS.c.sequence))) or 0)
