"""The queue (huey), the tasks it knows by name, and the sweeps that run on a clock.

A task is a doorbell, never the record: what has to be done stands in a feature's own table, and a sweep finds it again
if a ring was lost. So every task may run twice and must then do nothing more.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app
from huey import MemoryHuey, PostgresHuey, SqliteHuey
from huey.serializer import SignedSerializer

from portal.extensions import db

Task = TypeVar("Task", bound=Callable[..., None])
TASKS: dict[str, Callable[..., None]] = {}
SWEEPS: list[tuple[int, Callable[[], None]]] = []


def task(function: Task) -> Task:
    """Make a function known to the worker under its module and name; it takes plain values by keyword."""
    TASKS[f"{function.__module__}.{function.__name__}"] = function
    return function


def every(seconds: int) -> Callable[[Task], Task]:
    """Run a function without arguments in the worker about every so many seconds."""

    def register(function: Task) -> Task:
        SWEEPS.append((seconds, function))
        return function

    return register


def ring(function: Callable[..., None], **payload: Any) -> None:
    """Ask the worker to run a task soon. Call after the commit that recorded the work."""
    name = f"{function.__module__}.{function.__name__}"
    if name not in TASKS:
        raise LookupError(f"{name} is not a task")
    current_app.extensions["portal.ring"](name, payload)


def run(app: Flask, name: str, payload: dict[str, Any]) -> None:
    """Run one task inside the app, with a session of its own."""
    with app.app_context():
        try:
            TASKS[name](**payload)
        finally:
            db.session.remove()


def init_app(app: Flask) -> None:
    """Make the queue beside the database: SQLite by default, PostgreSQL with it; immediate in tests."""
    serializer = SignedSerializer(secret=app.config["SECRET_KEY"], salt="jobs")
    url: str = app.config["SQLALCHEMY_DATABASE_URI"]
    if app.testing:
        huey: Any = MemoryHuey("portal", immediate=True, serializer=serializer)
    elif url.startswith("sqlite"):
        app.config["INSTANCE"].mkdir(parents=True, exist_ok=True)
        huey = SqliteHuey(
            "portal", filename=str(app.config["INSTANCE"] / "jobs.db"), fsync=True, serializer=serializer
        )
    else:
        huey = PostgresHuey("portal", dsn=url.replace("+psycopg", ""), serializer=serializer)

    @huey.task(name="portal.run", retries=2, retry_delay=5)  # type: ignore[untyped-decorator]
    def ring_once(name: str, payload: dict[str, Any]) -> None:
        if app.testing:
            TASKS[name](**payload)
        else:
            run(app, name, payload)

    app.extensions["portal.huey"] = huey
    app.extensions["portal.ring"] = ring_once
