"""`test`, `soak` and `lint`: each step by its name, one table at the end."""

import dataclasses
import os
import tempfile
import time
import xml.etree.ElementTree
from collections.abc import Sequence
from pathlib import Path

import environment
import machine
from places import PYTHON, ROOT, TOOLS
from processes import end, start
from words import say

PASSED, FAILED = "passed", "FAILED"
REPORTS = TOOLS / "reports"
BYTECODE = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(TOOLS / "bytecode")}
"""The steps start some hundred portals, each of which would compile the same modules for seconds where images forbid it."""
Command = Sequence[str | Path]


@dataclasses.dataclass
class Step:
    """One step and what came of it: result, seconds, and the counts of a pytest run."""

    name: str
    result: str
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def test(wheels: Path | None, strict: bool) -> int:
    """Everything CI runs: 0 when all of it passed (or, at home, was skipped by name), else 1."""
    strict = strict or os.environ.get("CI", "").lower() in ("1", "true", "yes")
    began = time.monotonic()
    environment.prepare(environment.TEST_LOCK, wheels)
    missing = machine.install_missing()
    steps = [Step("environment", FAILED if strict and missing else PASSED, time.monotonic() - began)]
    settings = {"CI": "true"} if strict else {}
    steps += _static_steps()
    steps.append(_pytest("tests", "not soak", settings))
    steps.append(_migrations())
    return _report(steps, began)


def lint(wheels: Path | None) -> int:
    """Format, style, third-party files, types, translations: 0 when all of it passed, else 1."""
    began = time.monotonic()
    environment.prepare(environment.TEST_LOCK, wheels)
    return _report(_static_steps(), began)


def soak(wheels: Path | None) -> int:
    """The slow and long checks, nothing skipped: 0 when all of them passed, else 1."""
    began = time.monotonic()
    environment.prepare(environment.TEST_LOCK, wheels)
    machine.install_missing()
    return _report([_pytest("soak", "soak", {"CI": "true", "SOAK": "true"}, time_limit=3600)], began)


def _static_steps() -> list[Step]:
    python = (PYTHON, "-m")
    steps = [
        _run("format", (*python, "ruff", "format", "--check", ".")),
        _run("style", (*python, "ruff", "check", ".")),
        _run("third-party files", (PYTHON, "scripts/vendor.py", "check")),
        _run("types", (*python, "mypy")),
    ]
    if (ROOT / "translations").is_dir():
        steps.append(_run("translations", (PYTHON, "scripts/translations.py", "check")))
    return steps


def _migrations() -> Step:
    """All revisions on an empty database, and nothing in the models that no revision makes."""
    flask = (PYTHON, "-m", "flask", "--app", "wsgi", "db")
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "secret_key"
        key.write_text("for one check only, for one check only", encoding="utf-8")
        settings = {"INSTANCE_DIR": folder, "SECRET_KEY_FILE": str(key), "DATABASE_URL": ""}
        return _run("migrations", (*flask, "upgrade"), (*flask, "check"), settings=settings)


def _run(name: str, *commands: Command, settings: dict[str, str] | None = None) -> Step:
    print(f"\n── {name} ──", flush=True)
    began = time.monotonic()
    failed = any(_call(command, settings or {}) for command in commands)
    return Step(name, FAILED if failed else PASSED, time.monotonic() - began)


def _call(command: Command, settings: dict[str, str]) -> int:
    process = start(command, {**BYTECODE, **settings})
    try:
        return process.wait()
    finally:
        end(process, 5)


def _pytest(name: str, marks: str, settings: dict[str, str], time_limit: int | None = None) -> Step:
    print(f"\n── {name} ──", flush=True)
    began = time.monotonic()
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command: list[str | Path] = [PYTHON, "-m", "pytest", "-n", str(_workers()), "--dist=worksteal"]
    command += ["-m", marks, "-rfEs"]
    command += ["--durations=10", f"--junitxml={report}"]
    if time_limit:
        command.append(f"--timeout={time_limit}")
    code = _call(command, settings)
    step = Step(name, FAILED if code else PASSED, time.monotonic() - began)
    _count(step, report)
    return step


def _workers() -> int:
    return max(1, min(4, os.cpu_count() or 1))


def _count(step: Step, report: Path) -> None:
    if not report.is_file():
        return
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        number = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
        step.failed += number["failures"] + number["errors"]
        step.skipped += number["skipped"]
        step.passed += number["tests"] - number["failures"] - number["errors"] - number["skipped"]


def _report(steps: list[Step], began: float) -> int:
    width = max(len(step.name) for step in steps) + 2
    print(f"\n{'step':<{width}}{'result':<10}{'seconds':>8}{'tests':>8}{'skipped':>9}")
    for step in steps:
        counts = (
            f"{step.passed + step.failed:>8}{step.skipped:>9}"
            if step.passed + step.failed + step.skipped
            else ""
        )
        print(f"{step.name:<{width}}{step.result:<10}{step.seconds:>8.1f}{counts}")
    failed = [step.name for step in steps if step.result == FAILED]
    seconds = time.monotonic() - began
    if failed:
        say(f"没有通过：{'、'.join(failed)}", f"Not passed: {', '.join(failed)}")
    else:
        say("全部通过。", "All passed.")
    passed, broken, skipped = (
        sum(getattr(step, kind) for step in steps) for kind in ("passed", "failed", "skipped")
    )
    if passed or broken:
        words = (
            ([f"{broken} failed"] if broken else [])
            + [f"{passed} passed"]
            + ([f"{skipped} skipped"] if skipped else [])
        )
        print(f"{', '.join(words)} in {seconds:.2f}s", flush=True)
    return 1 if failed else 0
