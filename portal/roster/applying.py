"""Applying a checked import and undoing an applied one: each in one transaction, all or nothing."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete

from portal.roster.households import give_households
from portal.roster.journal import (
    TABLES,
    NewIds,
    as_stored,
    changes_of,
    count_new,
    delete_rows,
    insert_rows,
    refuse_if_needed,
    remember_ids,
    set_values,
    table,
)
from portal.roster.models import Action


def apply_changes(connection: Connection, import_id: int, now: datetime, today: Any) -> None:
    """Write everything an import planned. Raises `ChangedSinceError` if the portal is no longer what the plan saw."""
    ids = NewIds(connection)
    for name, count in count_new(connection, import_id).items():
        if "id" in table(name).c:
            ids.reserve(name, count)
    homes: dict[int, int] = {}
    for name in TABLES:
        if name == "household":
            homes = give_households(connection, import_id, ids, today)
            continue
        change_rows(connection, import_id, name, ids)
        add_rows(connection, import_id, name, ids, homes, now)


def change_rows(connection: Connection, import_id: int, name: str, ids: NewIds) -> None:
    """Change and end rows of one table."""
    for batch in changes_of(connection, import_id, name, Action.CHANGE, Action.END):
        wanted = [
            (
                change.record_id,
                as_stored(name, ids.resolved(change.before)),
                as_stored(name, ids.resolved(change.after)),
            )
            for change in batch
        ]
        set_values(connection, name, wanted)


def add_rows(
    connection: Connection, import_id: int, name: str, ids: NewIds, homes: dict[int, int], now: datetime
) -> None:
    """Add rows to one table and note the ids they got."""
    for batch in changes_of(connection, import_id, name, Action.ADD):
        rows = []
        for change in batch:
            row = as_stored(name, ids.resolved(change.after))
            if "id" in table(name).c:
                row["id"] = ids.of(name, -change.ordinal)
            if name == "person":
                row |= {"created_at": now, "elder": False, "theme": "auto"}
            elif name == "guardianship":
                row["household_id"] = homes[change.ordinal]
            rows.append(row)
        insert_rows(connection, name, rows)
        if "id" in table(name).c:
            remember_ids(
                connection,
                [(change.id, row["id"]) for change, row in zip(batch, rows, strict=True)],
            )


def take_back(connection: Connection, import_id: int) -> None:
    """Restore exactly what an import found.

    Raises `DependsError` if something entered later needs a row it added, `ChangedSinceError` if a row it changed was
    changed again.
    """
    for name in TABLES:
        if name != "school_stage":
            refuse_if_needed(connection, import_id, name)
    for name in reversed(TABLES):
        if name == "school_stage":
            withdraw_stages(connection, import_id)
            continue
        for batch in changes_of(connection, import_id, name, Action.ADD):
            delete_rows(connection, name, [change.record_id for change in batch])
        for batch in changes_of(connection, import_id, name, Action.CHANGE, Action.END):
            undone = [
                (
                    change.record_id,
                    as_stored(name, without_new(change.after)),
                    as_stored(name, without_new(change.before, change.after)),
                )
                for change in batch
            ]
            set_values(connection, name, [item for item in undone if item[2]])


def without_new(values: dict[str, Any], by: dict[str, Any] | None = None) -> dict[str, Any]:
    """Values without references to rows that were new; those fall away with the rows themselves."""
    decisive = by if by is not None else values
    return {
        key: value
        for key, value in values.items()
        if not (key.endswith("_id") and isinstance(decisive[key], int) and decisive[key] < 0)
    }


def withdraw_stages(connection: Connection, import_id: int) -> None:
    """Take back stages that known schools were given; those of new schools go with the school."""
    stages = table("school_stage")
    for batch in changes_of(connection, import_id, "school_stage", Action.ADD):
        for change in batch:
            if change.after["school_id"] > 0:
                connection.execute(
                    delete(stages).where(
                        and_(
                            stages.c.school_id == change.after["school_id"],
                            stages.c.stage == change.after["stage"],
                        )
                    )
                )
