"""On PostgreSQL: writers at the same time chain without a deadlock, and the database refuses what SQLite refuses."""

import threading
import time

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import SQLAlchemyError

from portal import clock, create_app
from portal.accounts.models import Attempts
from portal.config import Settings
from portal.extensions import db
from portal.trail.models import TrailEntry, note
from portal.trail.verifying import verify

pytestmark = pytest.mark.postgres


@pytest.fixture
def portal(postgres_url, tmp_path):
    app = create_app(
        Settings(instance=tmp_path, database_url=postgres_url, password_memory_kib=64), TESTING=True
    )
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def write(app, writer, until, chained, done, errors):
    """Commit small changes until the time is over, each with its entry or without."""
    count = 0
    while time.perf_counter() < until:
        with app.app_context():
            try:
                db.session.add(
                    Attempts(key=f"{chained}-{writer}-{count}", count=1, window_ends_at=clock.now())
                )
                if chained:
                    note("bench.done", None, person_id=writer, number=count)
                db.session.commit()
                count += 1
            except SQLAlchemyError as error:
                errors.append(error)
    done[writer] = count


def rate(app, seconds, chained):
    """Commits a second of four writers at once, and what went wrong."""
    done, errors = {}, []
    until = time.perf_counter() + seconds
    writers = [
        threading.Thread(target=write, args=(app, number, until, chained, done, errors))
        for number in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return sum(done.values()) / seconds, errors


def test_four_writers_at_once_chain_without_a_deadlock(portal, record_property):
    with_chain, errors = rate(portal, 2, chained=True)
    without, _errors = rate(portal, 2, chained=False)
    record_property("commits_a_second", f"{with_chain:.0f} chained, {without:.0f} not")

    assert errors == []
    with db.engine.connect() as connection:
        report = verify(connection)
    assert report.fault is None
    assert report.entries > 20


@pytest.mark.parametrize(
    "statement", [update(TrailEntry).values(action="x"), delete(TrailEntry), text("TRUNCATE trail_entry")]
)
def test_the_database_itself_refuses_to_change_or_delete_an_entry(portal, statement):
    note("kept", None, person_id=None)
    db.session.commit()
    with pytest.raises(SQLAlchemyError, match="append-only"):
        db.session.execute(statement)
    db.session.rollback()
