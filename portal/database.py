"""How the portal talks to its database.

SQLite: WAL, full synchronisation, foreign keys on, deleted bytes overwritten. Requests that only read open a deferred transaction that cannot
write. Whoever writes takes one advisory file lock first, and automatic checkpoints are off everywhere: the one
checkpointer (in the job process) takes the same lock, so no checkpoint can meet a commit. That closes the WAL-reset
race of SQLite before 3.51.3 (https://sqlite.org/wal.html#walresetbug) and makes waiting writers wait in turn.
PostgreSQL: read-only transactions for reading requests, statement timeouts.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from flask import Flask, request
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry

from portal.extensions import db

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECONDS_FOR_READERS = 0.5
"""How long a checkpoint, and with it every writer, waits for reads to end."""
_reading: ContextVar[bool] = ContextVar("reading", default=False)


@contextmanager
def reading() -> Iterator[None]:
    """Within, new transactions can only read."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


@contextmanager
def writing() -> Iterator[Connection]:
    """One short write transaction of its own, apart from the request's (for notes such as "last seen")."""
    token = _reading.set(False)
    try:
        with db.engine.begin() as connection:
            yield connection
    finally:
        _reading.reset(token)


def engine_options(url: str, pooled: bool) -> dict[str, Any]:
    """Arguments for SQLAlchemy's create_engine, by kind of database. An error names no values, so none gets into a log."""
    if url.startswith("sqlite"):
        return {
            "connect_args": {"isolation_level": None, "timeout": 10},
            "pool_size": 8,
            "max_overflow": 4,
            "hide_parameters": True,
        }
    connect: dict[str, Any] = {
        "options": "-c statement_timeout=15000 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
    }
    if pooled:
        connect = {"prepare_threshold": None}
    return {
        "connect_args": connect,
        "pool_size": 8,
        "max_overflow": 4,
        "pool_pre_ping": True,
        "hide_parameters": True,
    }


def write_lock_path(database: str) -> Path:
    """The file whose advisory lock every writer of this SQLite database holds."""
    return Path(database + ".write-lock")


def _prepare_sqlite(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "wal_autocheckpoint=0",
        "mmap_size=268435456",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    database = connection.execute("PRAGMA database_list").fetchone()[2]
    entry.info["lock"] = (
        os.open(write_lock_path(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if database else None
    )
    entry.info["read_only"] = False
    entry.info["locked"] = False


def _begin_sqlite(connection: Connection) -> None:
    info = connection.connection.info
    driver = connection.connection.dbapi_connection
    assert driver is not None
    cursor = driver.cursor()
    read_only = _reading.get()
    if info["read_only"] != read_only:
        cursor.execute(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
        info["read_only"] = read_only
    if read_only:
        cursor.execute("BEGIN")
        return
    if info["lock"] is not None and not info["locked"]:
        fcntl.flock(info["lock"], fcntl.LOCK_EX)
        info["locked"] = True
    cursor.execute("BEGIN IMMEDIATE")


def _release_lock(entry: ConnectionPoolEntry) -> None:
    if entry.info.get("locked"):
        fcntl.flock(entry.info["lock"], fcntl.LOCK_UN)
        entry.info["locked"] = False


def _close_lock(entry: ConnectionPoolEntry) -> None:
    _release_lock(entry)
    if entry.info.get("lock") is not None:
        os.close(entry.info["lock"])
        entry.info["lock"] = None


def _begin_postgresql(connection: Connection) -> None:
    if _reading.get():
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def listen(engine: Engine) -> None:
    """Attach the rules above to an engine."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "checkin", lambda _connection, entry: _release_lock(entry))
        event.listen(engine, "close", lambda _connection, entry: _close_lock(entry))
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)


def checkpoint(database: str) -> tuple[int, int]:
    """Copy the log of the SQLite file ``database`` back into it while no writer is at work.

    Returns the pages in the log and the pages copied. The only caller in a running portal is the job process.
    Pages that a long read (a backup, an export) still needs wait for the next turn: writers are not held up for them.
    """
    lock = os.open(write_lock_path(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = sqlite3.connect(database, isolation_level=None, timeout=SECONDS_FOR_READERS)
        try:
            connection.execute("PRAGMA wal_autocheckpoint=0")
            _busy, pages, copied = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return int(pages), int(copied)
        finally:
            connection.close()
    finally:
        os.close(lock)


def init_app(app: Flask) -> None:
    """Bind the database to the app and let GET, HEAD and OPTIONS only read."""
    db.init_app(app)
    with app.app_context():
        listen(db.engine)

    @app.before_request
    def choose_transaction() -> None:
        _reading.set(request.method in SAFE_METHODS)

    @app.teardown_request
    def forget_choice(_error: BaseException | None) -> None:
        _reading.set(False)


def is_alive() -> bool:
    """Whether the database answers."""
    return db.session.execute(text("SELECT 1")).scalar() == 1
