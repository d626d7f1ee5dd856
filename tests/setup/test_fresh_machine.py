"""A fresh clone in an empty home, with nothing in place: the first start, the second, and kills in between."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.setup.starting import ROOT, TRACEBACK, Start, left_in, wait_until_empty, working_in

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
Record = Callable[[str, object], None]
SECONDS_OF_SECOND_START = 20


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """The project as git has it, beside an empty home."""
    place = tmp_path / "gongyu"
    subprocess.run(["git", "clone", "--quiet", ROOT, place], check=True)
    (tmp_path / "home").mkdir()
    yield place
    for process in working_in(place):
        os.kill(process, 9)
    shutil.rmtree(place)


def start(clone: Path, *command: str) -> Start:
    """`make run` with the empty home."""
    settings = {"HOME": str(clone.parent / "home")}
    return Start(clone, settings, command or ("make", "run"))


def seconds_to_serve(started: Start) -> float:
    """Wait until it serves the sign-in page; the seconds that took."""
    began = time.monotonic()
    started.wait_for("Ctrl-C", 900)
    seconds = time.monotonic() - began
    assert "共育" in started.page()
    assert "liwanqing" in started.text
    return seconds


def test_two_starts_on_a_fresh_machine(clone: Path, record_property: Record) -> None:
    first = start(clone)
    record_property("seconds of the first start", round(seconds_to_serve(first), 1))
    first.interrupt()
    assert left_in(clone) == []
    second = start(clone)
    seconds = seconds_to_serve(second)
    record_property("seconds of the second start", round(seconds, 1))
    second.interrupt()
    assert seconds < SECONDS_OF_SECOND_START
    dirty = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert dirty.stdout == ""


def test_a_first_start_killed_again_and_again_still_works(clone: Path) -> None:
    for tenths in (1, 3, 6, 10, 15, 20, 25, 30, 35, 40, 50, 60):
        killed = start(clone, sys.executable, "scripts/dev.py", "run")
        time.sleep(tenths / 10)
        killed.kill()
        wait_until_empty(clone)
        assert TRACEBACK not in killed.text
    last = start(clone)
    seconds_to_serve(last)
    last.interrupt()
    assert TRACEBACK not in last.text


def test_a_machine_without_a_network_uses_a_wheelhouse(clone: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "scripts/dev.py", "wheelhouse", tmp_path / "wheels"], cwd=clone, check=True
    )
    shutil.rmtree(clone / ".tools", ignore_errors=True)
    closed = {name: "http://127.0.0.1:9/simple" for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX")}
    settings = {"HOME": str(tmp_path / "home"), "WHEELS": str(tmp_path / "wheels"), **closed}
    started = Start(clone, settings, ("make", "run"))
    seconds_to_serve(started)
    started.interrupt()
