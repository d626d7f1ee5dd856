"""The drill: everything moves to new keys while others write and the mover is killed again and again."""

import os
import random
import subprocess
import sys
import time

import pytest
from sqlalchemy import insert, select

from portal import clock, create_app
from portal.accounts.models import Person
from portal.config import ROOT, Settings
from portal.extensions import db, new_public_id
from portal.keys import resealing
from portal.keys.keyring import ring
from tests.support.database import migrate

SETTLE = "3"
"""The writer looks for new keys every second."""


def people(count):
    """So many people with a phone, sealed in bulk."""
    for number in range(count):
        public_id = new_public_id()
        yield {
            "public_id": public_id, "name": f"甲{number}", "name_pinyin": "", "name_initials": "", "elder": False,
            "theme": "auto", "created_at": clock.now(),
            **Person.phone.columns(f"+8619{number:09d}", public_id),
        }  # fmt: skip


def drill(folder, url, fields, kills):
    """Rotate and reseal so many fields with so many kills under a writer; the last count, writes, seconds of the move."""
    settings = Settings(instance=folder, database_url=url, master_keys_file=folder / "master_keys")
    portal = create_app(settings, TESTING=True)
    migrate(portal)
    with portal.app_context():
        with db.engine.begin() as connection:
            rows = list(people(fields))
            for start in range(0, fields, 5_000):
                connection.execute(insert(Person), rows[start : start + 5_000])
        db.engine.dispose()
        environment = {
            **os.environ, "INSTANCE_DIR": str(folder), "PORTAL_MASTER_KEYS_FILE": str(folder / "master_keys"),
            "DATABASE_URL": url, "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        flask = [sys.executable, "-m", "flask", "--app", "wsgi", "keys"]
        move = [*flask, "reseal", "--settle", SETTLE, "--pause", "1"]
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.keys.writer", str(folder)], cwd=ROOT, env=environment
        )
        try:
            _wait_for((folder / "written").exists)
            subprocess.run([*flask, "rotate"], cwd=ROOT, env=environment, check=True, capture_output=True)
            began = time.monotonic()
            ring().reload()
            for _turn in range(kills):
                _kill_in_the_middle(move, environment, fields // (kills + 1) // 2)
            done = subprocess.run(
                move, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
            )
            seconds = time.monotonic() - began
        finally:
            (folder / "stop").touch()
            writer.wait(20)
        assert done.returncode == 0, done.stdout + done.stderr
        written = dict(line.split() for line in (folder / "written").read_text().splitlines())
        count = resealing.verify(ring())
        held = {
            person.public_id: person.phone
            for person in db.session.scalars(select(Person).where(Person.public_id.in_(list(written)[:500])))
        }
        db.session.remove()
        db.engine.dispose()
    assert {name: written[name] for name in held} == held
    return count, len(written), seconds


def _wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _moved():
    with db.engine.connect() as connection:
        key = resealing.prefix(ring(), "personal")
        column = Person.__table__.c.phone_sealed
        return connection.scalar(
            select(resealing.func.count())
            .select_from(Person)
            .where(
                resealing.func.substr(column, 1, resealing.PREFIX)
                == resealing.literal(key, resealing.LargeBinary)
            )
        )


def _kill_in_the_middle(move, environment, least):
    """Start the mover and kill it after it moved at least so many values, while it is at work."""
    before = _moved()
    mover = subprocess.Popen(
        move, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while mover.poll() is None and time.monotonic() < end and _moved() - before < least:
        time.sleep(0.01)
    time.sleep(random.random() / 20)
    mover.kill()
    mover.wait()


def test_four_thousand_fields_killed_once(tmp_path):
    count, written, _seconds = drill(tmp_path, "", 4_000, 1)

    assert count.values >= 4_000 and written
    assert (count.old, count.unreadable, count.wrong_indexes) == (0, [], [])


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_hundred_thousand_fields_killed_twenty_times(tmp_path, engine, request):
    url = request.getfixturevalue("empty_postgres_url") if engine == "postgresql" else ""
    count, written, seconds = drill(tmp_path, url, 100_000, 20)

    sys.stdout.write(
        f"{engine}: {count.values} values, {written} written meanwhile, {seconds:.0f} s with 20 kills\n"
    )
    assert count.values >= 100_000
    assert (count.old, count.unreadable, count.wrong_indexes) == (0, [], [])
