"""Runs the revisions on SQLite and PostgreSQL alike.

SQLite rebuilds a table by copying it; with foreign keys on, dropping the old table would silently delete the rows that
refer to it. So foreign keys are off before the transaction begins, checked before it commits, and on again after.
"""

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import Connection, create_engine, event, pool
from sqlalchemy.engine import Engine

from portal import row_security
from portal.extensions import UtcDateTime

config = context.config
database = current_app.extensions["migrate"].db


def render_item(kind: str, thing: Any, _autogen_context: Any) -> str | Literal[False]:
    """Write our instant type by its short name, which the template imports."""
    return "UtcDateTime()" if kind == "type" and isinstance(thing, UtcDateTime) else False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Compare only our own tables: the queue keeps some of its own on PostgreSQL."""
    return kind != "table" or name in database.metadata.tables


def run_offline() -> None:
    context.configure(
        dialect_name=database.engine.dialect.name,
        target_metadata=database.metadata,
        literal_binds=True,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
        include_name=include_name,
    )
    with context.begin_transaction():
        context.run_migrations()


def begin_on_sqlite(connection: Connection) -> None:
    """Foreign keys off, which SQLite allows only outside a transaction, then one transaction for all revisions."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    for statement in (
        "PRAGMA synchronous=FULL",
        "PRAGMA secure_delete=ON",
        "PRAGMA foreign_keys=OFF",
        "BEGIN IMMEDIATE",
    ):
        driver.execute(statement)


def own_engine() -> Engine:
    """An engine of its own, without the rules of requests, so that foreign keys can be switched."""
    url = database.engine.url
    on_sqlite = url.get_backend_name() == "sqlite"
    arguments = {"isolation_level": None, "timeout": 60} if on_sqlite else {}
    engine = create_engine(url, poolclass=pool.NullPool, connect_args=arguments)
    if on_sqlite:
        event.listen(engine, "begin", begin_on_sqlite)
    return engine


def run_online() -> None:
    engine = own_engine()
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        row_security.lower(connection)
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render_item,
            include_name=include_name,
            transactional_ddl=True,
        )
        context.run_migrations()
        if set(context.get_context().get_current_heads()) == set(context.script.get_heads()):
            row_security.build(connection)
        if engine.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"rows that refer to nothing after the migration: {broken[:5]}")
    engine.dispose()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
