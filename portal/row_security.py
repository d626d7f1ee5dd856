"""The second wall: on PostgreSQL the database itself keeps rows from whoever may not reach them.

The first wall is ``Permission`` in the portal. A query that forgets it still finds nothing here: for every table that
``wall`` names, row-level security lets through only what one of the table's permissions grants to the person and role of
the transaction. The conditions are the permissions' own scopes, rendered with the transaction's settings in place of an
actor, so the two walls cannot say different things. Work that looks at all rows by right (counts kept beside records, a
family's place held across classes) says so with ``all_rows``; commands and jobs always do.

The policies are raised after each migration (``migrations/env.py``). A superuser of the database is above them:
``flask doctor`` says so. SQLite has nothing of the kind.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask import Flask
from sqlalchemy import (
    Connection,
    Date,
    Integer,
    Select,
    String,
    cast,
    column,
    event,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects import postgresql

from portal.access import PERMISSIONS, Actor, Role, Scope
from portal.extensions import Base, db

SYSTEM = "system"
NOBODY = "nobody"
POLICY = "second_wall"
SETTINGS = ("role", "person_id", "on", "appointment_id", "district_id", "school_id", "class_id")

Who = tuple[str, ...]
WHOLE: Who = (SYSTEM, *("",) * 6)
VISITOR: Who = (NOBODY, *("",) * 6)
_who: ContextVar[Who] = ContextVar("who", default=WHOLE)

WALLS: dict[type[Base], Mapping[Role, Scope] | None] = {}


def wall(model: type[Base], grants: Mapping[Role, Scope] | None = None) -> None:
    """Put a table behind the second wall.

    Without ``grants`` a row is let through to whomever any permission on the model grants it; rows that have no
    permission of their own (the parts of a visit) say to whom.
    """
    WALLS[model] = grants


def _settings() -> Any:
    names = [literal(f"portal.{name}") for name in SETTINGS]
    values = [literal(value) for value in _who.get()]
    return select(*(func.set_config(name, value, True) for name, value in zip(names, values, strict=True)))


def announce(connection: Connection) -> None:
    """Tell a transaction that has just begun on PostgreSQL who acts in it; silence means a visitor."""
    if _who.get() != VISITOR:
        connection.execute(_settings())


def _change(who: Who) -> None:
    if who == _who.get():
        return
    _who.set(who)
    session = db.session()
    if session.in_transaction() and session.get_bind().dialect.name == "postgresql":
        session.flush()
        session.connection().execute(_settings())


def acts(actor: Actor) -> None:
    """From here on this request acts as this person under this hat."""
    values = [getattr(actor, name) for name in SETTINGS]
    _change(tuple("" if value is None else str(value) for value in values))


@contextmanager
def all_rows() -> Iterator[None]:
    """Within, the second wall is open: for rules and counts that look at rows the actor may not read."""
    before = _who.get()
    _change(WHOLE)
    try:
        yield
    finally:
        _change(before)


def _setting(name: str, kind: Any) -> Any:
    return cast(func.nullif(func.current_setting(literal(f"portal.{name}"), True), ""), kind)


def actor_of_transaction(role: Role) -> Any:
    """An actor whose facts are the settings of the transaction, for rendering scopes into policies."""
    whole = {name: _setting(name, Integer()) for name in SETTINGS if name.endswith("_id")}
    return Actor(role=role, on=_setting("on", Date()), **whole)


def condition(model: type[Base]) -> str:
    """The SQL by which a row of a table is let through."""
    role = _setting("role", String())
    grants = WALLS[model]
    pairs: list[tuple[Role, Scope]] = []
    for granted in (
        [grants] if grants is not None else [one.grants for one in PERMISSIONS.values() if one.model is model]
    ):
        pairs += [pair for pair in granted.items() if pair not in pairs]
    lets = or_(
        role == SYSTEM,
        *((role == of.value) & scope(actor_of_transaction(of)) for of, scope in pairs),
    )
    # Within a select of the table, so that what a scope asks about the row means this row and not any.
    whole: Select[Any] = select(literal_column("1")).select_from(model).where(lets)
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    _select, _where, found = str(
        whole.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    ).partition("WHERE ")
    return found


def lower(connection: Connection) -> None:
    """Take the walls down, so that a migration may change what they are built on."""
    if connection.dialect.name != "postgresql":
        return
    policies = table("pg_policies", column("tablename"), column("policyname"), column("schemaname"))
    ours = (policies.c.policyname == POLICY) & (policies.c.schemaname == func.current_schema())
    for name in connection.scalars(select(policies.c.tablename).where(ours)).all():
        connection.exec_driver_sql(f'DROP POLICY {POLICY} ON "{name}"')


def build(connection: Connection) -> None:
    """Raise the walls anew as the permissions are now."""
    if connection.dialect.name != "postgresql":
        return
    lower(connection)
    for model in WALLS:
        name = f'"{model.__tablename__}"'
        policy = f"CREATE POLICY {POLICY} ON {name} USING ({condition(model)}) WITH CHECK (true)"
        for statement in (
            f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
            policy.replace("%", "%%"),
        ):
            connection.exec_driver_sql(statement)


def is_above(connection: Connection) -> bool:
    """Whether the account the portal uses is above the second wall: a superuser, or one that bypasses it."""
    roles = table("pg_roles", column("rolname"), column("rolsuper"), column("rolbypassrls"))
    wanted = select(roles.c.rolsuper | roles.c.rolbypassrls).where(roles.c.rolname == func.current_user())
    return bool(connection.scalar(wanted))


def init_app(app: Flask) -> None:
    """Tell each transaction on PostgreSQL who acts. A request begins as a visitor; its session makes it somebody."""

    with app.app_context():
        if db.engine.dialect.name == "postgresql":
            event.listen(db.engine, "begin", announce)

    @app.before_request
    def begin() -> None:
        _who.set(VISITOR)

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        _who.set(WHOLE)
