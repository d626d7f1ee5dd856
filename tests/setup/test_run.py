"""`make run`: what a person meets at the first start, the second, and when something is in the way."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.setup.starting import (
    TRACEBACK,
    Start,
    copy_scripts,
    left_in,
    lend_environment,
    wait_until_empty,
    working_in,
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The scripts with a stand-in portal and a finished environment; nothing may be left running in it."""
    place = copy_scripts(tmp_path / "gongyu")
    lend_environment(place)
    yield place
    for process in working_in(place):
        os.kill(process, signal.SIGKILL)


def stopped_with_one_line(start: Start) -> str:
    """The one line a start ended with; fails when there are more, or a traceback."""
    assert start.ended() == 1, start.text
    assert TRACEBACK not in start.text
    assert len(start.lines) == 1, start.text
    chinese, _, english = start.lines[0].partition(" | ")
    assert english and not chinese.isascii()
    return english


def test_it_serves_and_ctrl_c_leaves_nothing(folder: Path) -> None:
    start = Start(folder, command=("make", "run"))
    assert start.page() == "共育"
    start.wait_for("Ctrl-C")
    start.wait_for("mark [0-9a-f]{32}")
    start.interrupt()
    assert left_in(folder) == []
    assert "Stopped." in start.text
    assert TRACEBACK not in start.text


def test_the_second_start_takes_seconds_and_keeps_the_data(folder: Path) -> None:
    first = Start(folder)
    mark = first.wait_for("mark (.*)")[1]
    first.address()
    assert first.interrupt() == 0
    began = time.monotonic()
    second = Start(folder)
    assert second.wait_for("mark (.*)")[1] == mark
    second.address()
    assert time.monotonic() - began < 20
    assert second.interrupt() == 0


def test_secrets_and_data_are_closed_to_other_users(folder: Path) -> None:
    start = Start(folder)
    start.address()
    start.interrupt()
    instance = folder / "instance"
    assert instance.stat().st_mode & 0o777 == 0o700
    for name in ("secret_key", "stand_in.db", "log/server.log"):
        assert (instance / name).stat().st_mode & 0o077 == 0, name
    assert len((instance / "secret_key").read_text()) == 64


def test_a_secret_key_opened_to_others_is_closed_and_kept(folder: Path) -> None:
    (folder / "instance").mkdir()
    key = folder / "instance/secret_key"
    key.write_text("k" * 64)
    key.chmod(0o644)
    start = Start(folder)
    start.address()
    start.interrupt()
    assert key.read_text() == "k" * 64
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_busy_port_is_named_and_another_proposed(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        line = stopped_with_one_line(Start(folder, {"PORT": str(port)}))
    assert f"Port {port} is taken" in line
    assert f"PORT={port + 1} make run" in line
    again = Start(folder, {"PORT": str(port)})
    assert again.address().endswith(f":{port}")
    again.interrupt()


@pytest.mark.parametrize("port", ["eighty", "0", "65536", "８０００", "-1"])
def test_a_port_that_is_none_is_refused(folder: Path, port: str) -> None:
    assert "is not a port" in stopped_with_one_line(Start(folder, {"PORT": port}))


def test_a_host_that_is_not_ours_is_refused(folder: Path) -> None:
    assert "not an address of this machine" in stopped_with_one_line(Start(folder, {"HOST": "192.0.2.1"}))


def test_opening_it_to_other_machines_is_warned_of(folder: Path) -> None:
    start = Start(folder, {"HOST": "0.0.0.0"})
    start.wait_for("for practice only")
    assert start.page() == "共育"
    start.interrupt()


def test_at_home_nothing_is_warned_of(folder: Path) -> None:
    start = Start(folder)
    start.wait_for("Ctrl-C")
    start.interrupt()
    assert "practice" not in start.text


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    # Not even root can make a folder in /proc.
    closed = "/proc/gongyu" if os.geteuid() == 0 else str(folder / "instance")
    folder.chmod(0o555)
    line = stopped_with_one_line(Start(folder, {"INSTANCE_DIR": closed}))
    folder.chmod(0o755)
    assert f"The folder {closed} cannot be written" in line


def test_an_instance_folder_that_is_a_file_is_named(folder: Path) -> None:
    (folder / "instance").write_text("")
    assert str(folder / "instance") in stopped_with_one_line(Start(folder))


def test_two_starts_at_once_give_one_portal(folder: Path) -> None:
    first = Start(folder)
    address = first.address()
    line = stopped_with_one_line(Start(folder))
    assert "already running" in line
    assert address in line
    assert first.page() == "共育"
    first.interrupt()


def test_the_next_start_works_after_the_script_is_killed(folder: Path) -> None:
    first = Start(folder)
    mark = first.wait_for("mark (.*)")[1]
    port = first.address().rpartition(":")[2]
    first.kill()
    wait_until_empty(folder)
    second = Start(folder, {"PORT": port})
    assert second.wait_for("mark (.*)")[1] == mark
    assert second.page() == "共育"
    second.interrupt()


@pytest.mark.parametrize("seconds", [0.05, 0.4, 0.8, 1.2, 1.6])
def test_the_next_start_works_after_a_kill_at_any_moment(folder: Path, seconds: float) -> None:
    first = Start(folder)
    time.sleep(seconds)
    first.kill()
    wait_until_empty(folder)
    second = Start(folder)
    assert second.page() == "共育"
    assert second.interrupt() == 0


def test_a_dead_web_server_is_started_again(folder: Path) -> None:
    start = Start(folder)
    start.wait_for("Ctrl-C")
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    servers = [
        int(line.split()[0]) for line in listed.splitlines() if line.split()[1] == str(start.process.pid)
    ]
    assert len(servers) == 2
    for server in servers:
        os.kill(server, signal.SIGKILL)
    start.wait_for("The web server ended")
    start.wait_for("The job worker ended")
    assert start.page() == "共育"
    assert start.interrupt() == 0
    assert left_in(folder) == []


def test_a_portal_that_does_not_come_up_is_one_line(folder: Path) -> None:
    start = Start(folder, {"STAND_IN": "broken"})
    line = stopped_with_one_line(start)
    assert "The web server did not start" in line
    assert "server.log" in line
    assert left_in(folder) == []
    assert "望溪小学停电了" in (folder / "instance/log/server.log").read_text(encoding="utf-8")


def test_a_database_that_cannot_be_upgraded_is_one_line(folder: Path) -> None:
    line = stopped_with_one_line(Start(folder, {"STAND_IN": "refused"}))
    assert "The database could not be upgraded" in line
    assert "revision 0007 is unknown" in line


def test_a_full_disk_is_one_line(folder: Path) -> None:
    small = folder / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True
    ).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        (small / "filler").write_bytes(b"0" * 60 * 1024)
        start = Start(folder, {"INSTANCE_DIR": str(small / "instance")})
        assert "disk is full" in stopped_with_one_line(start)
    finally:
        subprocess.run(["umount", small], check=True)


def too_old(path: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """dev.py as a Python 3.9 would run it."""
    code = "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); sys.argv = ['dev.py', '--help']; "
    return subprocess.run(
        [sys.executable, "-c", code + "runpy.run_path('scripts/dev.py', run_name='__main__')"],
        cwd=folder, env={"PATH": path, "LANG": "C"}, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


def test_a_python_too_old_is_one_line(folder: Path, tmp_path: Path) -> None:
    done = too_old(str(tmp_path), folder)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Python 3.11 or newer is needed, this is 3.9.2" in done.stderr


def test_a_newer_python_on_the_path_is_found(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3.13").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/python3.13").chmod(0o755)
    (tmp_path / "bin/python3.12").symlink_to(sys.executable)
    done = too_old(str(tmp_path / "bin"), folder)
    assert done.returncode == 0, done.stderr
    assert "wheelhouse" in done.stdout


def test_the_log_does_not_grow_for_ever(folder: Path) -> None:
    log = folder / "instance/log"
    log.mkdir(parents=True)
    (log / "server.log").write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    start = Start(folder)
    start.address()
    start.interrupt()
    assert (log / "server.log").stat().st_size < 100_000
    assert (log / "server.old.log").stat().st_size > 5_000_000
