"""Eight ways to tamper with a log, done as somebody would who holds the database, and the key where it says so."""

import json
import sqlite3
from datetime import UTC, datetime

from portal.database import reading
from portal.extensions import db
from portal.trail.hashing import HASHED, entry_hash
from portal.trail.verifying import Wrong, verify


def stored(row):
    """The values of a raw row as the portal reads them."""
    return {name: json.loads(row[name]) if name == "facts" else row[name] for name in HASHED}


class Tamperer:
    """Holds the file of the database and takes the triggers away first; ``key`` is the key of the chain."""

    def __init__(self, key):
        db.session.remove()
        db.engine.dispose()
        self.key = key
        self.connection = sqlite3.connect(db.engine.url.database, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("BEGIN IMMEDIATE")
        for (name,) in self.connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'tr_trail_%'"):
            self.connection.execute(f"DROP TRIGGER {name}")

    def close(self):
        self.connection.execute("COMMIT")
        self.connection.close()

    def undo(self):
        self.connection.execute("ROLLBACK")
        self.connection.close()

    def row(self, sequence):
        return self.connection.execute("SELECT * FROM trail_entry WHERE sequence = ?", (sequence,)).fetchone()

    def last(self):
        return self.connection.execute("SELECT max(sequence) FROM trail_entry").fetchone()[0]

    def set(self, sequence, /, **values):
        names = ", ".join(f"{name} = ?" for name in values)
        self.connection.execute(
            f"UPDATE trail_entry SET {names} WHERE sequence = ?", (*values.values(), sequence)
        )

    def chain_from(self, sequence):
        """Compute everything from an entry to the end anew, head included: what only the holder of the key can do."""
        before = self.row(sequence - 1)
        previous = before["entry_hash"] if before else bytes(32)
        linked = []
        for row in self.connection.execute(
            "SELECT * FROM trail_entry WHERE sequence >= ? ORDER BY sequence", (sequence,)
        ):
            at = datetime.fromisoformat(row["happened_at"]).replace(tzinfo=UTC)
            own = entry_hash(self.key, previous, row["sequence"], at, stored(row))
            linked.append((previous, own, row["sequence"]))
            previous = own
        self.connection.executemany(
            "UPDATE trail_entry SET previous_hash = ?, entry_hash = ? WHERE sequence = ?", linked
        )
        self.set_head()

    def set_head(self):
        last = self.row(self.last())
        self.connection.execute(
            "UPDATE trail_head SET sequence = ?, entry_hash = ?", (last["sequence"], last["entry_hash"])
        )

    def shift(self, sequence, by):
        """Make room for one entry, or close the gap of one."""
        order = "DESC" if by > 0 else "ASC"
        places = self.connection.execute(
            f"SELECT sequence FROM trail_entry WHERE sequence >= ? ORDER BY sequence {order}", (sequence,)
        ).fetchall()
        self.connection.executemany(
            "UPDATE trail_entry SET sequence = ? WHERE sequence = ?", [(one + by, one) for (one,) in places]
        )


def edit(tamperer, at):
    tamperer.set(at, action="something.else")
    return at


def delete(tamperer, at):
    tamperer.connection.execute("DELETE FROM trail_entry WHERE sequence = ?", (at,))
    return at


def insert(tamperer, at):
    row = dict(tamperer.row(at))
    tamperer.shift(at, 1)
    row.pop("id")
    row["action"] = "never.happened"
    names = ", ".join(row)
    marks = ", ".join("?" for _name in row)
    tamperer.connection.execute(f"INSERT INTO trail_entry ({names}) VALUES ({marks})", tuple(row.values()))
    tamperer.connection.execute("UPDATE trail_head SET sequence = sequence + 1")
    return at


def swap(tamperer, at):
    other = at + 3
    tamperer.set(at, sequence=-1)
    tamperer.set(other, sequence=at)
    tamperer.set(-1, sequence=other)
    return at


def edit_and_compute_anew(tamperer, at):
    tamperer.set(at, action="something.else")
    tamperer.chain_from(at)
    return at


def truncate(tamperer, at):
    tamperer.connection.execute("DELETE FROM trail_entry WHERE sequence >= ?", (at,))
    tamperer.set_head()
    return at


def truncate_and_append(tamperer, at):
    last = tamperer.last()
    row = dict(tamperer.row(at))
    truncate(tamperer, at)
    row.pop("id")
    for sequence in range(at, last + 1):
        row |= {"sequence": sequence, "action": "never.happened"}
        names, marks = ", ".join(row), ", ".join("?" for _name in row)
        tamperer.connection.execute(
            f"INSERT INTO trail_entry ({names}) VALUES ({marks})", tuple(row.values())
        )
    tamperer.chain_from(at)
    return at


def rewrite(tamperer, _at):
    tamperer.connection.execute("UPDATE trail_entry SET action = 'all.is.well'")
    tamperer.chain_from(1)
    return 1


WITHOUT_KEY = (edit, delete, insert, swap)
WITH_KEY = (edit_and_compute_anew, truncate, truncate_and_append, rewrite)


def checked(outside=()):
    """What verification says of the log as it stands."""
    with reading(), db.engine.connect() as connection:
        return verify(connection, outside)


def named_rightly(kind, fault, first_bad):
    """The first bad entry itself; where the chain was computed anew, the stretch between two anchors it lies in."""
    if kind in WITHOUT_KEY or kind is truncate:
        assert fault.sequence == first_bad, kind
    else:
        assert fault.wrong in (Wrong.REWRITTEN, Wrong.CUT_OFF), kind
        assert fault.since < first_bad <= fault.sequence, kind
