"""The real gunicorn on a free port, for browsers and for faults.

with Portal(folder, database_url) as portal:
    portal.address          # http://127.0.0.1:…
    portal.kill_worker()    # kill -9 of one worker, gunicorn starts another
    portal.kill_all()       # kill -9 of everything; portal.start() brings it back
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import TracebackType

import processes

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 60


class Portal:
    """A served portal: its address, its folder (database, secret key, log), and ways to kill it."""

    def __init__(
        self,
        folder: Path,
        database_url: str | None = None,
        app: str = "wsgi:app",
        workers: int = 2,
        jobs: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        key = folder / "secret_key"
        if not key.exists():
            key.write_text("0" * 64, encoding="utf-8")
        self.folder = folder
        self.app = app
        self.log = folder / "server.log"
        self.settings = {
            "INSTANCE_DIR": str(folder),
            "SECRET_KEY_FILE": str(key),
            "WEB_CONCURRENCY": str(workers),
            **({"DATABASE_URL": database_url} if database_url else {}),
            **(settings or {}),
        }
        # Held for the portal's whole life, so that the port stays ours while gunicorn is dead.
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.with_jobs = jobs
        self.first_start = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.jobs: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Portal":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and give the port back."""
        self.stop()
        self._listener.close()

    def command(self, *words: str) -> str:
        """Run `flask --app wsgi …` against the same database and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", self.app.partition(":")[0], *words],
            cwd=ROOT, env={**os.environ, **self.settings}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> float:
        """Start gunicorn and wait until it answers; returns the seconds that took."""
        began = time.monotonic()
        descriptor = self._listener.fileno()
        self.process = self._start("gunicorn", "--bind", f"fd://{descriptor}", self.app)
        if self.with_jobs:
            self.jobs = self._start("flask", "--app", self.app.partition(":")[0], "jobs", "work")
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - began > SECONDS_TO_START:
                text = self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
                self.stop()
                raise AssertionError(f"gunicorn did not start:\n{text}")
            time.sleep(0.05)
        seconds = time.monotonic() - began
        assert not self.shared_files(), "gunicorn parted with a database open"
        self.first_start = self.first_start or seconds
        return seconds

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT, env={**os.environ, **self.settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, pass_fds=[self._listener.fileno()],
                preexec_fn=processes.end_with_parent(signal.SIGKILL),
            )  # fmt: skip

    def answers(self) -> bool:
        """Whether the portal answers any request at all."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthz", headers={"Connection": "close"})
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def shared_files(self) -> list[str]:
        """Files of the instance that gunicorn itself holds open and its workers would inherit: databases and locks."""
        assert self.process
        files = Path("/proc", str(self.process.pid), "fd")
        opened = [str(file.readlink()) for file in files.iterdir()] if files.is_dir() else []
        return [name for name in opened if name.startswith(str(self.folder)) and name != str(self.log)]

    def workers(self) -> list[int]:
        """The process ids of gunicorn's workers."""
        assert self.process
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        ).stdout
        pairs = (line.split() for line in listed.splitlines())
        return [int(process) for process, parent in pairs if int(parent) == self.process.pid]

    def kill_worker(self, random: Random | None = None) -> int:
        """kill -9 of one worker, chosen at random; returns its process id."""
        victim = (random or Random()).choice(self.workers())
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        return victim

    def kill_all(self) -> None:
        """kill -9 of gunicorn, every worker and the job process at once."""
        running = [process for process in (self.process, self.jobs) if process]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in running:
            process.wait()
        self.process = self.jobs = None

    def stop(self) -> None:
        """End everything politely, then by force."""
        running = [process for process in (self.process, self.jobs) if process]
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
        self.kill_all()
