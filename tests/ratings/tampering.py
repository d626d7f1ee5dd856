"""Eight ways to tamper with the tables of a closed round, done as somebody would who holds the database, and the keys where
it says so. Each answers the places (table and row) of which one must be named first."""

import json
from datetime import datetime

from sqlalchemy import Boolean, Date, DateTime, LargeBinary, UniqueConstraint

from portal.database import reading
from portal.extensions import Base, db
from portal.ratings import fingerprints, signing
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.deciding import result_of
from portal.ratings.fingerprints import ACT, ENTRY, ROUND
from portal.ratings.reproducing import _some
from portal.ratings.rubric import as_json
from portal.rehearsal.ratings import FAIR_YEAR, GOOD_YEAR
from tests.trail.tampering import Tamperer

OWNERS = {"entry_id", "sheet_id", "window_id", "objection_id", "round_id", "rubric_version_id"}
SCORED = ("A3", "B4", "D2", "F3")
"""Indicators that two inspectors score and that differ between the good and the fair year."""


class Holder(Tamperer):
    """Holds the file with all its triggers and checks taken away; ``places``: (kind of owner, table, row) of a round."""

    def __init__(self, key, round_id, chance):
        entry_ids = [row.id for row in _some(round_id, 0)]
        self.places = [
            (kind, table, int(row))
            for kind, ids in ((ENTRY.name, entry_ids), (ROUND.name, [round_id]))
            for owner, found in fingerprints.prints(kind, ids).items()
            for table, rows in found.items()
            for row in rows
            if (kind, table) != (ROUND.name, ENTRY.name)
        ]
        self.entry_ids, self.chance, self.round_id = entry_ids, chance, round_id
        super().__init__(key)
        self.connection.execute("PRAGMA ignore_check_constraints = ON")
        for (name,) in self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            self.connection.execute(f"DROP TRIGGER {name}")

    def place(self, most=None):
        """A row by chance, each table as likely as the next, so that few windows weigh as much as many scores."""
        tables = sorted({table for _kind, table, _row in self.places})
        if most:
            tables = [table for table in tables if sum(one[1] == table for one in self.places) >= most]
        table = self.chance.choice(tables)
        return self.chance.choice([one for one in self.places if one[1] == table])

    def values(self, table, row):
        return dict(self.connection.execute(f"SELECT * FROM {table} WHERE id = ?", (row,)).fetchone())

    def put(self, table, row, **values):
        names = ", ".join(f'"{name}" = ?' for name in values)
        self.connection.execute(f"UPDATE {table} SET {names} WHERE id = ?", (*values.values(), row))

    def add(self, table, values):
        names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" for _name in values)
        self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))

    def other(self, column, value):
        """Another value that the portal can read from this column."""
        kind = getattr(column.type, "impl", column.type)
        if isinstance(kind, DateTime | Date):
            shown = datetime.fromisoformat(value)
            changed = shown.replace(year=shown.year - 1 - self.chance.randrange(3))
            return (
                changed.strftime("%Y-%m-%d") if len(value) == 10 else changed.isoformat(" ", "microseconds")
            )
        if isinstance(kind, LargeBinary):
            return bytes([value[0] ^ 1]) + value[1:]
        if isinstance(kind, Boolean):
            return 1 - value
        return value + self.chance.choice("改换假") if isinstance(value, str) else value + 100_000

    def table(self, name):
        return Base.metadata.tables[name]


def edit(holder):
    _kind, table, row = holder.place()
    values = holder.values(table, row)
    columns = [
        column
        for column in holder.table(table).c
        if values[column.name] not in (None, "")
        and column.name not in OWNERS | {"id", "school_id", "row_id", "kind"}
    ]
    column = holder.chance.choice(columns)
    holder.put(table, row, **{column.name: holder.other(column, values[column.name])})
    return [(table, row)]


def delete(holder):
    _kind, table, row = holder.place()
    while table in ("rubric_version", "rating_round"):
        _kind, table, row = holder.place()
    holder.connection.execute(f"DELETE FROM {table} WHERE id = ?", (row,))
    return [(table, row)]


def insert(holder):
    _kind, table, row = holder.place()
    while table in ("rubric_version", "rating_round"):
        _kind, table, row = holder.place()
    return [(table, _copy(holder, table, row))]


def _copy(holder, table, row, as_id=None):
    values, found = holder.values(table, row), holder.table(table)
    unique = {
        column.name
        for rule in (*found.constraints, *found.indexes)
        if isinstance(rule, UniqueConstraint) or getattr(rule, "unique", False)
        for column in rule.columns
    } | {column.name for column in found.c if column.unique}
    for name in unique - OWNERS - {"school_id", "id"}:
        if values[name] is not None:
            values[name] = holder.other(found.c[name], values[name])
    if table == ENTRY.name:
        (values["school_id"],) = holder.connection.execute(
            "SELECT id FROM school WHERE id NOT IN (SELECT school_id FROM rating_entry WHERE round_id = ?)",
            (values["round_id"],),
        ).fetchone()
    (highest,) = holder.connection.execute(f"SELECT max(id) FROM {table}").fetchone()
    values["id"] = as_id or highest + 1
    holder.add(table, values)
    return values["id"]


def swap(holder):
    """Two rows of one table change places: each says of itself what the other one said."""
    _kind, table, row = holder.place(most=2)
    own = [one for one in holder.places if one[1] == table and one[2] != row]
    _kind, _table, other = holder.chance.choice(own)
    for before, after in ((row, -1), (other, row), (-1, other)):
        holder.connection.execute(f"UPDATE {table} SET id = ? WHERE id = ?", (after, before))
    return [(table, row), (table, other)]


def edit_and_compute_anew(holder):
    """Another score on both sheets of a school, and everything that follows from it: inputs, result, star, signed records."""
    school = holder.chance.choice(holder.entry_ids)
    _scored_anew(holder, school, [holder.chance.choice(SCORED)])
    return [(ENTRY.name, school)]


def _scored_anew(holder, entry_id, items):
    with reading():
        loaded = next(one for one in _some(holder.round_id, entry_id - 1) if one.id == entry_id)
    inputs = restored(loaded.inputs)
    for item in items:
        for row in holder.connection.execute(
            "SELECT m.id, m.facts FROM rating_mark m JOIN rating_sheet s ON s.id = m.sheet_id"
            " WHERE s.entry_id = ? AND m.item_id = ? ORDER BY m.id", (entry_id, item),
        ).fetchall():  # fmt: skip
            good, fair = canonical(GOOD_YEAR[item]), canonical(FAIR_YEAR[item])
            other = fair if row["facts"] == good else good
            holder.put("rating_mark", row["id"], facts=other)
            proof = {"evidence": inputs["items"][item]["evidence"]}
            inputs["items"][item] = {**restored(other), **proof}
    values = as_json(result_of(loaded, inputs))
    written = {
        "inputs": canonical(inputs),
        "result": canonical(values),
        "star": values["star"],
        "total": values["total"],
    }
    db.session.remove()
    holder.put("rating_entry", entry_id, **written)
    _signed_anew(holder, entry_id, written)


def _signed_anew(holder, entry_id, written):
    for table in ("rating_record", "rating_naming"):
        for row in holder.connection.execute(
            f"SELECT * FROM {table} WHERE entry_id = ?", (entry_id,)
        ).fetchall():
            said = json.loads(row["content"])
            if table == "rating_record":
                said["result"] |= {
                    "star": written["star"], "total": written["total"], "inputs": digest(written["inputs"]),
                    "result": digest(written["result"]),
                }  # fmt: skip
            else:
                said |= {"star": written["star"], "result": digest(written["result"])}
            content = canonical(said)
            signature = signing.sign(content)
            if table == "rating_record":
                holder.put(table, row["id"], content=content, sha256=digest(content), signature=signature)
            else:
                holder.put(table, row["id"], content=content, star=written["star"], signature=signature.hex())


def truncate(holder):
    """The newest rows of a table are cut off."""
    table, rows = _tail(holder)
    holder.connection.execute(f"DELETE FROM {table} WHERE id IN ({', '.join(map(str, rows))})")
    return [(table, row) for row in rows]


def _tail(holder):
    _kind, table, _row = holder.place(most=2)
    own = sorted(row for _kind, name, row in holder.places if name == table)
    return table, own[-holder.chance.randrange(1, min(len(own), 6)) :]


def truncate_and_append(holder):
    """The newest rows of a table are cut off and as many others put in their place, under the same numbers."""
    table, rows = _tail(holder)
    kept = {number: holder.values(table, number) for number in rows}
    holder.connection.execute(f"DELETE FROM {table} WHERE id IN ({', '.join(map(str, rows))})")
    for _number, values in kept.items():
        columns = [
            column
            for column in holder.table(table).c
            if values[column.name] not in (None, "")
            and column.name not in OWNERS | {"id", "school_id", "row_id", "kind"}
        ]
        column = holder.chance.choice(columns)
        holder.add(table, values | {column.name: holder.other(column, values[column.name])})
    return [(table, row) for row in rows]


def rewrite(holder):
    """A school's result and everything it rests on, written anew and signed anew: what only the holder of all keys can do."""
    entry = holder.chance.choice(holder.entry_ids)
    _scored_anew(holder, entry, SCORED)
    return [(ENTRY.name, entry)]


def rewrite_log_too(holder, entry_id):
    """The fingerprints of a rewritten school in the log as well, and the chain computed anew; the first entry changed."""
    holder.connection.execute("COMMIT")
    told = fingerprints.prints(ENTRY.name, [entry_id])[entry_id]
    db.session.remove()
    holder.connection.execute("BEGIN IMMEDIATE")
    rows = holder.connection.execute(
        "SELECT sequence, facts FROM trail_entry WHERE object_kind = 'rating_entry' AND object_id = ? AND action = ?"
        " ORDER BY sequence", (entry_id, ACT),
    ).fetchall()  # fmt: skip
    for row in rows:
        known = json.loads(row["facts"])["rows"]
        said = {table: {one: told[table][one] for one in kept} for table, kept in known.items()}
        holder.set(row["sequence"], facts=json.dumps({"rows": said}))
    holder.chain_from(rows[0]["sequence"])
    return rows[0]["sequence"]


KINDS = (edit, delete, insert, swap, edit_and_compute_anew, truncate, truncate_and_append, rewrite)
