"""A backup is one moment of the portal's data, made while others write."""

import sqlite3
import stat
import threading

import pytest
from sqlalchemy import insert

from portal import clock
from portal.accounts.models import Attempts
from portal.extensions import db


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(app.cli, list(words))


def rows(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_backup_made_while_others_write_is_whole(app, flask, tmp_path):
    stop = threading.Event()
    started = threading.Event()

    def write():
        with app.app_context():
            number = 0
            while not stop.is_set():
                # Two rows at a time: a copy of one moment never holds half of a pair.
                pair = [
                    {"key": f"pair:{number}:{half}", "count": 1, "window_ends_at": clock.now()}
                    for half in "ab"
                ]
                db.session.execute(insert(Attempts), pair)
                db.session.commit()
                number += 1
                started.set()
            db.session.remove()

    writer = threading.Thread(target=write)
    writer.start()
    assert started.wait(20)
    copies = [tmp_path / f"{number}.db" for number in range(3)]
    answers = [flask("backup", str(copy)) for copy in copies]
    stop.set()
    writer.join()

    for copy, answer in zip(copies, answers, strict=True):
        assert answer.exit_code == 0, answer.output
        assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
        assert rows(copy, "SELECT count(*) > 100 FROM person") == [(1,)]
        assert rows(copy, "SELECT count(*) > 0, count(*) % 2 FROM attempts WHERE key LIKE 'pair:%'") == [
            (1, 0)
        ]
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_backup_replaces_nothing(flask, tmp_path):
    kept = tmp_path / "kept.db"
    kept.write_text("yesterday's")
    answer = flask("backup", str(kept))

    assert answer.exit_code == 1
    assert str(kept) in answer.output
    assert kept.read_text() == "yesterday's"


def test_a_backup_that_cannot_be_written_says_so_and_leaves_nothing(flask, tmp_path):
    answer = flask("backup", str(tmp_path / "nowhere" / "copy.db"))

    assert answer.exit_code == 1
    assert "没有备份成功" in answer.output
    assert "Traceback" not in answer.output
    assert list(tmp_path.iterdir()) == []
