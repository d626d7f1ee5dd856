"""Carrying out the changes of an import on the tables of the world, and taking them back; set by set, in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Connection,
    Date,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from portal.accounts.models import Person
from portal.extensions import Base, new_public_id
from portal.roster.existing import pieces
from portal.roster.models import Action, RosterChange
from portal.schools.models import Pupil

BATCH = 1_000
# In the order in which new rows can refer to those before them.
TABLES = (
    "school_group",
    "school",
    "school_stage",
    "school_year",
    "term",
    "grade",
    "school_class",
    "person",
    "pupil",
    "household",
    "enrolment",
    "appointment",
    "guardianship",
    "guardianship_flag",
)
# Tables that never stand against an undo: imports themselves, and numbers that are counted again after it.
NO_REASON = frozenset({"roster_import", "school_stage", "school_term_summary"})
REFERS = {
    "school_id": "school",
    "class_id": "school_class",
    "pupil_id": "pupil",
    "person_id": "person",
    "grade_id": "grade",
    "school_year_id": "school_year",
    "household_id": "household",
    "group_id": "school_group",
    "guardianship_id": "guardianship",
}


SEALED: dict[str, dict[str, Any]] = {
    "person": {"phone": Person.phone},
    "pupil": {"priority": Pupil.priority, "identity": Pupil.identity},
}
"""Sealed attributes of these tables that rosters bring; in a change they stand by their own name."""


@dataclass(frozen=True)
class Change:
    """One row of the plan, opened."""

    id: int
    record_id: int
    ordinal: int
    before: dict[str, Any]
    after: dict[str, Any]


class ChangedSinceError(Exception):
    """What the portal holds is no longer what the plan saw; it must be made again."""


class DependsError(Exception):
    """Something entered later depends on what would be taken back; carries the table's name."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


def table(name: str) -> Table:
    """A table of the world by its name."""
    return Base.metadata.tables[name]


def changes_of(connection: Connection, import_id: int, name: str, *actions: Action) -> Iterator[list[Change]]:
    """The changes of one table in the order planned, in batches, without holding a cursor open."""
    last = 0
    while True:
        query = (
            select(
                RosterChange.id,
                RosterChange.record_id,
                RosterChange.ordinal,
                RosterChange.sealed_as,
                RosterChange.before_sealed,
                RosterChange.after_sealed,
            )
            .where(RosterChange.import_id == import_id, RosterChange.table_name == name)
            .where(RosterChange.action.in_([action.value for action in actions]), RosterChange.id > last)
            .order_by(RosterChange.id)
            .limit(BATCH)
        )
        batch = list(connection.execute(query))
        if not batch:
            return
        yield [
            Change(
                row.id,
                row.record_id,
                row.ordinal,
                RosterChange.before.read(row.before_sealed, row.sealed_as) or {},
                RosterChange.after.read(row.after_sealed, row.sealed_as) or {},
            )
            for row in batch
        ]
        last = batch[-1].id


def as_stored(name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Values of a change as the columns take them: days from their ISO form."""
    columns = table(name).c
    return {
        key: date.fromisoformat(value)
        if value is not None and key in columns and isinstance(columns[key].type, Date)
        else value
        for key, value in values.items()
    }


def written(name: str, values: dict[str, Any], identity: str) -> dict[str, Any]:
    """The columns that hold these values in the row with this public id: sealed attributes as ciphertext and index."""
    held: dict[str, Any] = {}
    for key, value in values.items():
        seal = SEALED.get(name, {}).get(key)
        held |= seal.columns(value, identity) if seal else {key: value}
    return held


def compared(name: str, key: str) -> str:
    """The column by which a value is compared with what a row holds: a sealed one by its index."""
    seal = SEALED.get(name, {}).get(key)
    return seal.index if seal else key


def comparable(name: str, key: str, value: Any) -> Any:
    """A value as ``compared`` shows it."""
    seal = SEALED.get(name, {}).get(key)
    return seal.indexed(value) if seal and value is not None else value


class NewIds:
    """Ids for new rows, taken from the database's own counters before the rows are written."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.ids: dict[str, range | list[int]] = {}

    def reserve(self, name: str, count: int) -> None:
        """Take as many ids as there are new rows in a table."""
        if self.connection.dialect.name == "postgresql":
            sequence = func.pg_get_serial_sequence(name, "id")
            drawn = select(func.nextval(sequence)).select_from(func.generate_series(1, count).alias())
            self.ids[name] = list(self.connection.scalars(drawn)) if count else []
        else:
            # One writer at a time: nobody else can take these before the transaction ends.
            last = self.connection.scalar(select(func.coalesce(func.max(table(name).c.id), 0))) or 0
            self.ids[name] = range(last + 1, last + 1 + count)

    def of(self, name: str, reference: int) -> int:
        """An id for a reference: itself if positive, that of the new row with this number if negative."""
        return reference if reference > 0 else self.ids[name][-reference - 1]

    def resolved(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values with every reference to a new row replaced by its id."""
        return {
            key: self.of(REFERS[key], value) if key in REFERS and isinstance(value, int) else value
            for key, value in values.items()
        }


def count_new(connection: Connection, import_id: int) -> dict[str, int]:
    """How many rows an import adds, by table."""
    query = (
        select(RosterChange.table_name, func.count(RosterChange.id))
        .where(RosterChange.import_id == import_id, RosterChange.action == Action.ADD)
        .group_by(RosterChange.table_name)
    )
    return {name: count for name, count in connection.execute(query)}


def insert_rows(connection: Connection, name: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows in batches of the same columns."""
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if name in SEALED:
            row["public_id"] = new_public_id()
            row = written(name, row, row["public_id"])
        by_columns[tuple(sorted(row))].append(row)
    for batch in by_columns.values():
        connection.execute(insert(table(name)), batch)


def remember_ids(connection: Connection, pairs: list[tuple[int, int]]) -> None:
    """Note the ids that new rows got, for the way back."""
    statement = (
        update(RosterChange.__table__)  # type: ignore[arg-type]
        .where(RosterChange.__table__.c.id == bindparam("change"))
        .values(record_id=bindparam("record"))
    )
    connection.execute(statement, [{"change": change, "record": record} for change, record in pairs])


def set_values(
    connection: Connection, name: str, wanted: list[tuple[int, dict[str, Any], dict[str, Any]]]
) -> None:
    """Set columns of rows from one set of values to another; raises `ChangedSinceError` if a row holds neither start."""
    target = table(name)
    keys = [target.c.id, *([target.c.public_id] if name in SEALED else [])]
    ordered = sorted(wanted, key=lambda item: (tuple(sorted(item[2])), item[0]))
    for columns, group in groupby(ordered, key=lambda item: tuple(sorted(item[2]))):
        items = list(group)
        held = {
            row.id: row
            for piece in pieces([item[0] for item in items])
            for row in connection.execute(
                select(*keys, *[target.c[compared(name, column)] for column in columns]).where(
                    target.c.id.in_(piece)
                )
            )
        }
        for record, before, _after in items:
            row = held.get(record)
            if row is None or any(
                getattr(row, compared(name, column)) != comparable(name, column, before[column])
                for column in columns
            ):
                raise ChangedSinceError
        news = [
            {"record": record, **written(name, after, held[record].public_id if name in SEALED else "")}
            for record, _before, after in items
        ]
        statement = (
            update(target)
            .where(target.c.id == bindparam("record"))
            .values({column: bindparam(f"new_{column}") for column in news[0] if column != "record"})
        )
        connection.execute(
            statement,
            [{key if key == "record" else f"new_{key}": value for key, value in new.items()} for new in news],
        )


def refuse_if_needed(connection: Connection, import_id: int, name: str) -> None:
    """Raise `DependsError` if a row of another origin refers to one that the import added to this table."""

    def added(to: str) -> Any:
        return select(RosterChange.record_id).where(
            RosterChange.import_id == import_id,
            RosterChange.table_name == to,
            RosterChange.action == Action.ADD,
            RosterChange.record_id.is_not(None),
        )

    for other in Base.metadata.sorted_tables:
        for constraint in other.foreign_key_constraints:
            if constraint.referred_table.name != name:
                continue
            for key in constraint.elements:
                if key.column.name != "id" or other.name in NO_REASON:
                    continue
                condition: Any = key.parent.in_(added(name))
                if other.name in TABLES and "id" in other.c:
                    condition = and_(condition, ~other.c.id.in_(added(other.name)))
                if connection.scalar(select(exists().where(condition))):
                    raise DependsError(other.name)


def delete_rows(connection: Connection, name: str, ids: list[int]) -> None:
    """Delete rows by id."""
    for piece in pieces(ids):
        connection.execute(delete(table(name)).where(table(name).c.id.in_(piece)))
