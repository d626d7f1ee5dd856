"""A copy of the scripts in a folder of its own, and `run` started there as a person at a terminal starts it."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import downloads

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("Makefile", "gunicorn.conf.py", "requirements.txt", "requirements-dev.txt", "scripts")
TRACEBACK = "Traceback (most recent call last)"


def copy_scripts(folder: Path) -> Path:
    """The scripts with the stand-in portal, without an environment."""
    folder.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    shutil.copy(ROOT / "tests/setup/stand_in/wsgi.py", folder / "wsgi.py")
    return folder


def lend_environment(folder: Path) -> None:
    """A finished environment that borrows the packages of the one the tests run in."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    home = folder / ".venv"
    (home / "bin").mkdir(parents=True)
    (home / "lib" / version).mkdir(parents=True)
    (home / "bin/python").symlink_to(Path(sys.executable).resolve())
    (home / "bin/ruff").symlink_to(Path(sysconfig.get_path("scripts")) / "ruff")
    (home / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n", encoding="utf-8")
    (home / "lib" / version / "site-packages").symlink_to(sysconfig.get_paths()["purelib"])
    hashes = {
        name: downloads.sha256((folder / name).read_bytes())
        for name in ("requirements.txt", "requirements-dev.txt")
    }
    (home / "ready.json").write_text(json.dumps(hashes), encoding="utf-8")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Start:
    """One `run`, started in a session of its own; what it printed so far, and the ways to end it."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        command: tuple[str, ...] = (sys.executable, "scripts/dev.py", "run"),
    ) -> None:
        self.folder = folder
        kept = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "SSL_CERT_FILE", "UV_CACHE_DIR")
            if name in os.environ
        }
        self.output = folder.parent / f"{folder.name}.{time.monotonic_ns()}.out"
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={
                    **kept,
                    "PORT": str(free_port()),
                    "LANG": "C.UTF-8",
                    "WEB_CONCURRENCY": "1",
                    **(settings or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return self.output.read_text(encoding="utf-8")

    @property
    def lines(self) -> list[str]:
        """The lines printed so far, make's own words left out."""
        return [line for line in self.text.splitlines() if not line.startswith("make")]

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """Wait until something is printed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(pattern, self.text)
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} was not printed:\n{self.text}")

    def address(self) -> str:
        """Wait until it serves; the address it prints."""
        return self.wait_for(r"Open (http://\S+)")[1]

    def page(self) -> str:
        """The body of the front page at the address printed."""
        with urllib.request.urlopen(self.address(), timeout=20) as answer:
            body: bytes = answer.read()
        return body.decode()

    def interrupt(self) -> int:
        """Ctrl-C: the terminal sends it to every process of the session's group. Returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)

    def ended(self, seconds: float = 60) -> int:
        """Wait for it to end by itself; its exit code."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """kill -9 of the script alone, as when a machine runs out of memory."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def working_in(folder: Path) -> list[int]:
    """The processes, other than this one, whose working folder this is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == folder and entry.name != str(os.getpid()):
                found.append(int(entry.name))
    return found


def left_in(folder: Path) -> list[str]:
    """The command lines of the processes still working in a folder."""
    left = []
    for process in working_in(folder):
        with contextlib.suppress(OSError):
            left.append(Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return left


def wait_until_empty(folder: Path, seconds: float = 15) -> None:
    """Wait until no process works in a folder."""
    end = time.monotonic() + seconds
    while left_in(folder):
        assert time.monotonic() < end, left_in(folder)
        time.sleep(0.05)
