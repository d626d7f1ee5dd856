"""``flask jobs work``: the job process."""

import threading
import time
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from portal import database
from portal.extensions import db
from portal.jobs import queue

jobs = AppGroup("jobs", help="The job process.")
CHECKPOINT_SECONDS = 5


def _every(app: Flask, seconds: int, work: Any, stop: threading.Event) -> None:
    while not stop.wait(seconds):
        with app.app_context():
            try:
                work()
            except Exception:
                app.logger.exception("sweep %s failed", getattr(work, "__name__", work))
            finally:
                db.session.remove()


def _checkpointer(path: str) -> Any:
    def checkpoint() -> None:
        database.checkpoint(path)

    return checkpoint


def start_clockwork(app: Flask, stop: threading.Event) -> list[threading.Thread]:
    """Start the sweeps and, on SQLite, the one checkpointer; they end when ``stop`` is set."""
    work = list(queue.SWEEPS)
    with app.app_context():
        if db.engine.dialect.name == "sqlite" and db.engine.url.database:
            work.append((CHECKPOINT_SECONDS, _checkpointer(db.engine.url.database)))
    threads = [
        threading.Thread(target=_every, args=(app, seconds, function, stop), daemon=True)
        for seconds, function in work
    ]
    for thread in threads:
        thread.start()
    return threads


@jobs.command("work")
@click.option("--workers", default=2, show_default=True, help="Threads that run tasks.")
def work(workers: int) -> None:
    """Run tasks, sweeps and the checkpointer until told to stop."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    stop = threading.Event()
    start_clockwork(app, stop)
    consumer = app.extensions["portal.huey"].create_consumer(
        workers=workers, worker_type="thread", periodic=False, initial_delay=0.2, max_delay=1.0
    )
    started = time.monotonic()
    try:
        consumer.run()
    finally:
        stop.set()
        app.logger.info("the job process worked for %.0f s", time.monotonic() - started)
