"""`make test`: one table at the end, and what is missing is a failure in CI and a named skip at home."""

import subprocess
import sys
from pathlib import Path

import machine
import pytest

from tests.setup.starting import TRACEBACK, copy_scripts, lend_environment

SETTINGS = """
[tool.ruff]
line-length = 110
exclude = ["scripts", ".venv"]

[tool.mypy]
files = ["wsgi.py"]

[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["scripts"]
addopts = "-q"
markers = ["soak", "browser", "postgres"]
"""
SMALL = """
import machine
import pytest


def test_two() -> None:
    assert 1 + 1 == {two}


@pytest.mark.postgres
def test_database() -> None:
    assert True


@pytest.mark.browser
def test_browser() -> None:
    if machine.find_chromium() is None:
        pytest.skip("Chromium is missing")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small project under the real scripts, all of whose checks pass."""
    place = copy_scripts(tmp_path / "gongyu")
    lend_environment(place)
    (place / "pyproject.toml").write_text(SETTINGS)
    (place / "tests").mkdir()
    (place / "tests/test_small.py").write_text(SMALL.format(two=2).lstrip())
    (tmp_path / "bin").mkdir()
    (tmp_path / "chromium").write_text("")
    return place


def run(folder: Path, *words: str, **settings: str) -> tuple[int, str]:
    """`dev.py test` on a path without apt-get; its exit code and what it printed."""
    kept = {
        "PATH": str(folder.parent / "bin"),
        "HOME": str(folder.parent),
        "CHROMIUM": str(folder.parent / "chromium"),
    }
    done = subprocess.run(
        [sys.executable, "scripts/dev.py", *(words or ("test",))],
        cwd=folder, env={**kept, **settings}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", timeout=100, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def results(output: str) -> dict[str, str]:
    """The table at the end: step → result."""
    lines = output.splitlines()
    head = next(position for position, line in enumerate(lines) if line.startswith("step "))
    width = lines[head].index("result")
    rows = [
        line
        for line in lines[head + 1 :]
        if line[width:].split() and line[width:].split()[0] in ("passed", "FAILED")
    ]
    return {row[:width].strip(): row[width:].split()[0] for row in rows}


def test_a_sound_project_passes(folder: Path) -> None:
    code, output = run(folder, CI="true")
    table = results(output)
    assert code == 0, output
    assert set(table.values()) == {"passed"}, output
    assert {"format", "style", "types", "tests", "migrations"} <= set(table)
    assert output.splitlines()[-1].startswith("3 passed in ")


def test_one_broken_thing_of_each_kind_is_found(folder: Path) -> None:
    (folder / "tests/test_small.py").write_text(SMALL.format(two=3).lstrip())
    (folder / "wsgi.py").write_text("import os\nnumber: int = 'one'\n")
    code, output = run(folder, CHROMIUM="/nowhere")
    table = results(output)
    assert code == 1
    broken = ["format", "style", "types", "tests", "migrations"]
    assert [step for step, result in table.items() if result == "FAILED"] == broken, output
    assert "[1] tests/test_small.py" in output
    assert "Chromium is missing; install it" in output
    assert output.splitlines()[-1].startswith("1 failed, 1 passed, 1 skipped in ")


@pytest.mark.soak
@pytest.mark.parametrize(("words", "settings"), [(("test", "--strict"), {}), (("test",), {"CI": "1"})])
def test_a_missing_browser_is_a_failure_in_ci(
    folder: Path, words: tuple[str, ...], settings: dict[str, str]
) -> None:
    code, output = run(folder, *words, CHROMIUM="/nowhere", **settings)
    assert code == 1
    assert results(output)["environment"] == "FAILED"
    assert TRACEBACK not in output


def test_lint_leaves_the_tests_out(folder: Path) -> None:
    code, output = run(folder, "lint")
    assert code == 0, output
    assert "tests" not in results(output)


def test_a_chosen_browser_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "mine"))
    assert machine.find_chromium() == tmp_path / "mine"
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "gone"))
    assert machine.find_chromium() is None


def test_a_browser_that_only_asks_for_a_snap_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stub = tmp_path / "chromium-browser"
    stub.write_text('#!/bin/sh\necho "run snap install chromium"\nexit 1\n')
    stub.chmod(0o755)
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.find_chromium() != stub
