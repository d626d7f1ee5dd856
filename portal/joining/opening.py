"""Trying a number and a code that were handed over on paper or sent by message: counted, compared, used up once."""

from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, update

from portal import clock
from portal.accounts import passwords
from portal.extensions import db
from portal.joining import codes

TRIES = 5


class Opens(Protocol):
    """A row found by a number and opened by a code: the code's hash, the tries, and when it was used."""

    id: Any
    number: Any
    code_hash: Any
    code_sealed: Any
    tries: Any
    used_at: Any
    expires_at: Any


Opened = TypeVar("Opened", bound=Opens)


def taken(table: type[Opened], number: str, code: str, *is_open: ColumnElement[bool]) -> Opened | None:
    """The row that number and code open; it is used up in the current transaction. Else None.

    Commits the try before it looks, so that tries at once cannot slip through together. The same work is done for a
    number that does not exist. ``is_open`` are the table's own conditions besides tries, use and time.
    """
    now = clock.now()
    found = db.session.scalar(
        update(table)
        .where(*_usable(table, codes.plain(number), now), *is_open)
        .values(tries=table.tries + 1)
        .returning(table)
    )
    key, stored = (found.id, found.code_hash) if found is not None else (None, None)
    db.session.commit()
    if not passwords.matches(stored, codes.plain(code)) or found is None:
        return None
    used = db.session.scalar(
        update(table)
        .where(table.id == key, table.used_at.is_(None))
        .values(used_at=now, code_hash=None, code_sealed=None)
        .returning(table.id)
    )
    return found if used is not None else None


def _usable(table: type[Opens], number: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        table.number == (number or "-"),
        table.tries < TRIES,
        table.used_at.is_(None),
        table.expires_at > now,
    )
