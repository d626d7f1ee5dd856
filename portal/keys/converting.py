"""From clear columns to sealed ones and back, batch by batch: for migrations."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from portal.extensions import new_public_id
from portal.keys.keyring import over
from portal.keys.models import Branch
from portal.keys.sealing import blind_index, seal, unseal

BATCH = 1_000


def _batches(connection: Connection, table: Any, *columns: Any) -> Iterator[list[Any]]:
    """Rows with a value in the first of the columns, by id."""
    last = 0
    while True:
        query = sa.select(table.c.id, *columns).where(table.c.id > last, columns[0].is_not(None))
        batch = list(connection.execute(query.order_by(table.c.id).limit(BATCH)))
        if not batch:
            return
        yield batch
        last = batch[-1].id


def _update(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        names = [name for name in rows[0] if name != "of"]
        change = sa.update(table).where(table.c.id == sa.bindparam("of"))
        connection.execute(change.values({name: sa.bindparam(name) for name in names}), rows)


def name_rows(connection: Connection, name: str, column: str) -> None:
    """Give every row of a table a random name in ``column`` (``public_id``, ``sealed_as``)."""
    table = sa.table(name, sa.column("id", sa.Integer()), sa.column(column, sa.String()))
    for batch in _batches(connection, table, table.c.id.label("of")):
        _update(connection, table, [{"of": row.id, column: new_public_id()} for row in batch])


def _table(name: str, clear: str, kind: Any, row: str, index: str) -> Any:
    more = [sa.column(index, sa.LargeBinary())] if index else []
    return sa.table(
        name,
        sa.column("id", sa.Integer()),
        sa.column(clear, kind),
        sa.column(row, sa.String()),
        sa.column(f"{clear}_sealed", sa.LargeBinary()),
        *more,
    )


def seal_column(
    connection: Connection,
    name: str,
    clear: str,
    branch: str,
    kind: Any = None,
    row: str = "public_id",
    index: str = "",
) -> None:
    """Seal what stands in ``clear`` into ``<clear>_sealed`` (and its blind index); empty texts stay empty.

    ``kind`` is the type of the clear column, text unless said; ``row`` the column that names the row.
    """
    keys = over(connection)
    table = _table(name, clear, kind or sa.String(), row, index)
    for batch in _batches(connection, table, table.c[clear].label("value"), table.c[row].label("row")):
        changes = []
        for found in batch:
            if found.value in ("", {}):
                continue
            text = found.value if isinstance(found.value, str) else _json(found.value)
            change = {
                "of": found.id,
                f"{clear}_sealed": seal(branch, text, name, clear, found.row, keys=keys),
            }
            if index:
                change[index] = blind_index(f"{name}.{clear}", text, keys.lasting(Branch.INDEX).secret)
            changes.append(change)
        _update(connection, table, changes)


def unseal_column(
    connection: Connection, name: str, clear: str, branch: str, kind: Any = None, row: str = "public_id"
) -> None:
    """Undo ``seal_column``: the text, or the data, back into ``clear``."""
    keys = over(connection)
    table = _table(name, clear, kind or sa.String(), row, "")
    is_text = kind is None or isinstance(kind, sa.String)
    sealed = table.c[f"{clear}_sealed"].label("value")
    for batch in _batches(connection, table, sealed, table.c[row].label("row")):
        changes = []
        for found in batch:
            text = unseal(branch, found.value, name, clear, found.row, keys=keys)
            changes.append({"of": found.id, clear: text if is_text else json.loads(text)})
        _update(connection, table, changes)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
