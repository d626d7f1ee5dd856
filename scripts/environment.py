"""The environment in `.venv`: built from a hash-pinned lock beside the old one, then put in its place in one move."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import downloads
import uv
from places import ENVIRONMENT, NEW_ENVIRONMENT, OLD_ENVIRONMENT, ROOT, TOOLS, locked
from processes import disk_is_full, run_quietly
from words import say

RUN_LOCK = ROOT / "requirements.txt"
TEST_LOCK = ROOT / "requirements-dev.txt"
ROOM_NEEDED = 400 * 1024 * 1024


def lock_hashes() -> dict[str, str]:
    """The hash of each lock, by its name."""
    return {lock.name: downloads.sha256(lock.read_bytes()) for lock in (RUN_LOCK, TEST_LOCK)}


def is_ready(environment: Path, lock: Path) -> bool:
    """Whether an environment was finished, holds what the lock asks for now, and its Python starts.

    An environment with the test packages also serves to run: its lock contains the other.
    """
    try:
        mark = json.loads((environment / "ready.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    hashes = lock_hashes()
    if not isinstance(mark, dict) or any(hashes.get(name) != value for name, value in mark.items()):
        return False
    if lock.name not in mark:
        return False
    try:
        return subprocess.call([environment / "bin/python", "-c", ""], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def prepare(lock: Path, wheels: Path | None = None) -> None:
    """Make `.venv` hold what the lock asks for; a finished one with the same hash is left as it is.

    `wheels` is a folder made by `wheelhouse`: with it nothing is asked of the network.
    """
    if is_ready(ENVIRONMENT, lock):
        return
    with locked(TOOLS / "environment.lock"):
        _finish_interrupted_move(lock)
        if is_ready(ENVIRONMENT, lock):
            return
        if shutil.disk_usage(ROOT).free < ROOM_NEEDED:
            raise disk_is_full()
        say(
            "正在准备运行环境，只有第一次需要一两分钟。",
            "Preparing the environment; only the first time takes a minute or two.",
        )
        _remove(NEW_ENVIRONMENT)
        try:
            _build(lock, wheels)
        except BaseException:
            _remove(NEW_ENVIRONMENT)
            raise
        _put_in_place()


def _build(lock: Path, wheels: Path | None) -> None:
    program = uv.find_uv(wheels)
    if program:
        _build_with_uv(program, lock, wheels)
    else:
        _build_with_pip(lock, wheels)
    # Written last: without this mark an environment counts as half-built and is made anew.
    hashes = lock_hashes()
    mark = {name: hashes[name] for name in {lock.name, RUN_LOCK.name}}
    downloads.write_whole(NEW_ENVIRONMENT / "ready.json", json.dumps(mark).encode())


def _build_with_uv(program: Path, lock: Path, wheels: Path | None) -> None:
    words = (
        "运行环境没有装好，请检查网络后重试",
        "The environment could not be built; check the network and try again",
    )
    make: list[str | Path] = [
        program,
        "venv",
        "--quiet",
        "--relocatable",
        "--python",
        sys.executable,
        NEW_ENVIRONMENT,
    ]
    run_quietly(make, *words, uv.settings_for_uv())
    fill: list[str | Path] = [
        program,
        "pip",
        "sync",
        "--quiet",
        "--require-hashes",
        "--no-build",
        "--python",
        NEW_ENVIRONMENT / "bin/python",
    ]
    if wheels:
        fill += ["--offline", "--no-index", "--find-links", wheels]
    run_quietly([*fill, lock], *words, uv.settings_for_uv())


def _build_with_pip(lock: Path, wheels: Path | None) -> None:
    run_quietly(
        [sys.executable, "-m", "venv", NEW_ENVIRONMENT],
        "取不到安装工具 uv，本机的 Python 也没有 venv。请检查网络，或先安装 python3-venv",
        "The installer uv cannot be had and this Python has no venv; check the network or install python3-venv",
    )
    fill: list[str | Path] = [NEW_ENVIRONMENT / "bin/python", "-m", "pip", "install", "--quiet"]
    fill += ["--disable-pip-version-check", "--require-hashes", "--only-binary=:all:"]
    if wheels:
        fill += ["--no-index", "--find-links", wheels]
    run_quietly(
        [*fill, "-r", lock],
        "运行环境没有装好，请检查网络后重试",
        "The environment could not be built; check the network and try again",
        {"PIP_INDEX_URL": uv.index()},
    )
    _point_scripts_to(ENVIRONMENT)


def _point_scripts_to(home: Path) -> None:
    """Rewrite the first line of pip's scripts, which names the folder they were installed in."""
    for script in (NEW_ENVIRONMENT / "bin").iterdir():
        content = script.read_bytes() if script.is_file() and not script.is_symlink() else b""
        if content.startswith(b"#!"):
            script.write_bytes(content.replace(os.fsencode(NEW_ENVIRONMENT), os.fsencode(home)))


def _finish_interrupted_move(lock: Path) -> None:
    if not is_ready(ENVIRONMENT, lock) and is_ready(NEW_ENVIRONMENT, lock):
        _put_in_place()


def _put_in_place() -> None:
    _remove(OLD_ENVIRONMENT)
    if ENVIRONMENT.is_symlink() or ENVIRONMENT.exists():
        ENVIRONMENT.rename(OLD_ENVIRONMENT)
    NEW_ENVIRONMENT.rename(ENVIRONMENT)
    _remove(OLD_ENVIRONMENT)


def _remove(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
