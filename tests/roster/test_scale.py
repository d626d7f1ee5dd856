"""Large rosters, in a process of their own so that its memory can be measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.roster.county import county
from tests.support.postgres import migrate

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, resource, sys, time
from sqlalchemy import func, select
from portal import create_app
from portal.extensions import db
from portal.schools.models import District, Household, Pupil
app = create_app()
with app.app_context():
    if not db.session.scalar(select(District.id)):
        db.session.add(District(name="云溪县", path="/1/"))
        db.session.commit()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
done = app.test_cli_runner().invoke(args=["roster", *sys.argv[1:]])
with app.app_context():
    pupils, homes = db.session.scalar(select(func.count(Pupil.id))), db.session.scalar(select(func.count(Household.id)))
print(json.dumps({"exit": done.exit_code, "said": done.output[-400:], "pupils": pupils, "homes": homes,
    "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
    "seconds": time.process_time() - started}))
"""


@pytest.fixture
def run(tmp_path):
    """Run a roster command over an empty portal; gives what it said, and the memory and time it took."""
    migrate("", tmp_path)

    def roster(*arguments):
        settings = {
            "INSTANCE_DIR": str(tmp_path),
            "PORTAL_INSTANCE": str(tmp_path),
            "DATABASE_URL": "",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", RUN, *map(str, arguments)],
            cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return roster


@pytest.mark.timeout(600)
def test_two_thousand_pupils_take_little_memory(run, tmp_path):
    path = county(tmp_path / "county.zip", 2_000)

    first = run("import", path)
    assert first["exit"] == 0, first["said"]
    assert (first["pupils"], first["homes"]) == (2_000, 2_000)
    assert first["megabytes"] < 80

    again = run("import", path)
    assert "没有要改的内容" in again["said"]

    undone = run("undo")
    assert (undone["exit"], undone["pupils"], undone["homes"]) == (0, 0, 0)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_a_hundred_thousand_pupils_fit_into_half_a_gigabyte(run, tmp_path, record_property):
    path = county(tmp_path / "county.zip", 100_000)

    first = run("import", path)
    record_property("import", f"{first['seconds']:.0f} s of processor, {first['megabytes']} MB")
    assert first["exit"] == 0, first["said"]
    assert first["pupils"] == 100_000
    assert first["megabytes"] < 512

    again = run("import", path)
    record_property("repeat", f"{again['seconds']:.0f} s of processor, {again['megabytes']} MB")
    assert "没有要改的内容" in again["said"]
    assert again["megabytes"] < 512
