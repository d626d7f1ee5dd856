"""What the portal promises about its SQLite file: writers take turns, nobody checkpoints without the lock, readers read."""

import fcntl
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import func, insert, select, text

from portal import database
from portal.accounts.models import Attempts
from portal.clock import now
from portal.doctor import findings, has_reset_race
from portal.extensions import db


def pragma(name):
    return db.session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()


def test_every_connection_is_set_up_the_same(app):
    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1
    assert pragma("wal_autocheckpoint") == 0


def path(app):
    return str(app.config["INSTANCE"] / "portal.db")


def held_by_another(lock_path):
    """Whether somebody holds the write lock."""
    with lock_path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def write(number):
    db.session.execute(insert(Attempts).values(key=f"test:{number}", count=1, window_ends_at=now()))


def test_a_writer_holds_the_lock_until_its_transaction_ends(app):
    lock = database.write_lock_path(path(app))
    write(1)
    assert held_by_another(lock)
    db.session.commit()
    assert not held_by_another(lock)
    write(2)
    db.session.rollback()
    assert not held_by_another(lock)


def test_a_reader_takes_no_lock_and_cannot_write(app):
    with database.reading():
        db.session.execute(select(func.count(Attempts.key)))
        assert not held_by_another(database.write_lock_path(path(app)))
        with pytest.raises(Exception, match="readonly"):
            write(3)
        db.session.rollback()


HOLD = """
import fcntl, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(1)
"""


def test_no_checkpoint_runs_while_a_writer_is_at_work(app):
    write(4)
    db.session.commit()
    lock = str(database.write_lock_path(path(app)))
    with subprocess.Popen([sys.executable, "-c", HOLD, lock], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "held\n"
        began = time.monotonic()
        pages, copied = database.checkpoint(path(app))

    assert time.monotonic() - began > 0.5
    assert pages == copied


def test_without_the_lock_a_checkpoint_would_not_wait(app):
    """The control of the test above: a bare checkpoint runs straight into a waiting writer."""
    write(5)
    db.session.commit()
    with database.write_lock_path(path(app)).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        bare = sqlite3.connect(path(app), isolation_level=None)
        bare.execute("PRAGMA wal_checkpoint(PASSIVE)")
        bare.close()

    assert time.monotonic() - began < 0.5


def test_a_long_read_holds_up_neither_checkpoint_nor_writers(app):
    """A backup may read for minutes; what it still needs is copied at a later turn, and the backup sees one moment."""
    write(6)
    db.session.commit()
    backup = sqlite3.connect(f"file:{path(app)}?mode=ro", uri=True, isolation_level=None)
    backup.execute("BEGIN")
    seen = backup.execute("SELECT count(*) FROM attempts").fetchone()
    write(7)
    db.session.commit()
    began = time.monotonic()
    pages, copied = database.checkpoint(path(app))

    assert time.monotonic() - began < 3
    assert copied < pages
    assert backup.execute("SELECT count(*) FROM attempts").fetchone() == seen
    backup.close()
    pages, copied = database.checkpoint(path(app))
    assert pages == copied


def test_the_log_does_not_shrink_by_itself(app):
    """Two thousand pages and more stay in the log until the checkpointer comes: nothing checkpoints automatically."""
    log = app.config["INSTANCE"] / "portal.db-wal"
    for number in range(40):
        db.session.execute(
            insert(Attempts),
            [
                {"key": f"bulk:{number}:{n}" + "x" * 60, "count": 1, "window_ends_at": now()}
                for n in range(500)
            ],
        )
        db.session.commit()
    before = log.stat().st_size
    assert before > 1000 * 4096
    db.session.remove()
    database.checkpoint(path(app))

    assert log.stat().st_size == 0
    assert db.session.scalar(select(func.count(Attempts.key)).where(Attempts.key.like("bulk:%"))) == 20_000


def test_writers_in_threads_take_turns_and_lose_nothing(app):
    failures = []

    def work(number):
        with app.app_context():
            for turn in range(25):
                try:
                    write(f"{number}-{turn}")
                    db.session.commit()
                except Exception as error:
                    failures.append(error)
            db.session.remove()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert db.session.scalar(select(func.count(Attempts.key)).where(Attempts.key.like("test:%-%"))) == 150


def test_a_row_that_refers_to_nothing_is_refused_by_the_database(app):
    with pytest.raises(Exception, match="FOREIGN KEY"):
        db.session.execute(
            text(
                "INSERT INTO enrolment (pupil_id, class_id, school_id, started_on) VALUES (0,0,0,'2026-09-01')"
            )
        )
    db.session.rollback()


@pytest.mark.parametrize(
    "version, race",
    [
        ((3, 40, 1), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
    ],
)
def test_the_doctor_knows_which_sqlite_has_the_race(version, race):
    assert has_reset_race(version) is race


def test_the_doctor_finds_a_healthy_portal_healthy_and_a_loose_key_loose(app):
    assert [finding.sentence for finding in findings() if not finding.well] == []
    key = app.config["INSTANCE"] / "secret_key"
    key.chmod(0o644)
    try:
        assert any("密钥" in finding.sentence for finding in findings() if not finding.well)
    finally:
        key.chmod(0o600)
