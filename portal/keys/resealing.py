"""Moving what is sealed to the newest field key of its branch, batch by batch, while the portal runs.

What is left to do is read from the values themselves (each names its key), so work that was killed goes on where it
stopped. A value that somebody changes meanwhile is left alone: it was sealed with the new key.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, LargeBinary, func, literal, select, update

from portal.database import reading, writing
from portal.extensions import db
from portal.keys.keyring import HEADER, LEAST, Keyring, SealBroken
from portal.keys.sealing import SEALED, blind_index, key_of

BATCH = 500
PREFIX = HEADER.size - 12
"""How many bytes of a sealed value tell version, algorithm and field key."""


@dataclass
class Count:
    """What was found: values, those under an older key or cipher, those that do not open, indexes that are wrong."""

    values: int = 0
    old: int = 0
    moved: int = 0
    unreadable: list[str] = field(default_factory=list)
    wrong_indexes: list[str] = field(default_factory=list)


def prefix(keys: Keyring, branch: str) -> bytes:
    """How a value of a branch begins that is sealed as it would be today."""
    key = keys.newest(branch)
    return HEADER.pack(1, keys.algorithm, key.id, b"")[:PREFIX]


def _key(attribute: Any) -> Any:
    """The column that numbers or names the rows of a sealed attribute."""
    return next(iter(attribute.owner.__table__.primary_key))


def _rows(connection: Connection, attribute: Any, last: Any, *conditions: Any) -> list[Any]:
    table, key = attribute.owner.__table__, _key(attribute)
    columns = [key.label("id"), table.c[attribute.row].label("row"), table.c[attribute.column].label("value")]
    if attribute.index:
        columns.append(table.c[attribute.index].label("index"))
    begin = [key > last] if last else []
    query = select(*columns).where(table.c[attribute.column].is_not(None), *begin, *conditions)
    return list(connection.execute(query.order_by(key).limit(BATCH)))


def reseal(keys: Keyring, pause: float = 0.0) -> Count:
    """Seal anew whatever is not under its branch's newest key; ``pause`` seconds between batches. One pass over all tables.

    Each batch is a short write transaction. Values that do not open stay as they are and are counted.
    """
    count = Count()
    for attribute in SEALED:
        last: Any = 0
        while True:
            with writing() as connection:
                last = _move(connection, attribute, last, keys, count)
            if not last:
                break
            time.sleep(pause)
    return count


def _move(connection: Connection, attribute: Any, last: Any, keys: Keyring, count: Count) -> Any:
    """Move one batch; the key of its last row, 0 when there is none."""
    table = attribute.owner.__table__
    column = table.c[attribute.column]
    now = literal(prefix(keys, attribute.branch), LargeBinary)
    batch = _rows(connection, attribute, last, func.substr(column, 1, PREFIX) != now)
    for row in batch:
        try:
            value = attribute.read(row.value, row.row)
        except SealBroken as broken:
            count.unreadable.append(str(broken))
            continue
        sealed = attribute.columns(value, row.row)[attribute.column]
        changed = connection.execute(
            update(table)
            .where(_key(attribute) == row.id, column == row.value)
            .values({attribute.column: sealed})
        )
        count.moved += changed.rowcount
    return batch[-1].id if batch else 0


def _values(attribute: Any) -> Iterator[list[Any]]:
    last: Any = 0
    while True:
        with reading(), db.engine.connect() as connection:
            batch = _rows(connection, attribute, last)
        if not batch:
            return
        yield batch
        last = batch[-1].id


def verify(keys: Keyring) -> Count:
    """Open every sealed value and compare every index, writing nothing."""
    count = Count()
    for attribute in SEALED:
        for batch in _values(attribute):
            expected = prefix(keys, attribute.branch)
            for row in batch:
                count.values += 1
                count.old += row.value[:PREFIX] != expected
                try:
                    value = attribute.read(row.value, row.row)
                except SealBroken as broken:
                    count.unreadable.append(str(broken))
                    continue
                if attribute.index and row.index != attribute.indexed(value):
                    count.wrong_indexes.append(" ".join(attribute.place(row.row)))
    return count


def reindex(connection: Connection, secret: bytes) -> int:
    """Make every blind index anew with another secret, in the transaction of ``connection``; how many were made.

    Nobody else may be at work: a process that still holds the old secret would look people up by it. SealBroken when a
    value does not open.
    """
    made = 0
    for attribute in (one for one in SEALED if one.index):
        table = attribute.owner.__table__
        name = f"{table.name}.{attribute.name}"
        last: Any = 0
        while batch := _rows(connection, attribute, last):
            for row in batch:
                index = blind_index(name, attribute.read(row.value, row.row), secret)
                change = update(table).where(_key(attribute) == row.id)
                connection.execute(change.values({attribute.index: index}))
            made += len(batch)
            last = batch[-1].id
    return made


def keys_in_use(connection: Connection) -> set[int]:
    """The ids of the field keys that some sealed value names."""
    found: set[int] = set()
    for attribute in SEALED:
        column = attribute.owner.__table__.c[attribute.column]
        names = select(func.substr(column, 1, PREFIX)).where(column.is_not(None)).distinct()
        found |= {key_of(bytes(head) + bytes(LEAST)) for head in connection.scalars(names)}
    return found
