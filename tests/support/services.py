"""Real servers that a portal may lean on: an S3-compatible storage (rclone) and a virus scanner (clamd).

Each is started for a test in a folder of its own and on a free port of this machine only, and can be stopped and started
again on the same port.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import machine
import processes

from tests.support.needs import missing

SECONDS_TO_START = 60
KEY_ID, KEY = "gongyu-files-id", "gongyu-files-secret-key"
SCANNER_SIGNATURE = "Local.Test.EICAR:0:*:58354f2150254041505b345c505a58353428505e2937434329377d2445494341522d5354414e44415244"
"""EICAR's test pattern as a signature of our own: no signatures come from the network."""
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Service:
    """A server of a test: started on entry, ended on exit, or at will in between."""

    def __init__(self, folder: Path, command: Sequence[str], port: int) -> None:
        self.folder, self.command, self.port = folder, list(command), port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)}, start_new_session=True,
                preexec_fn=processes.end_with_parent(signal.SIGKILL),
            )  # fmt: skip
        until = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "log").read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self) -> "Service":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def s3_storage(folder: Path) -> Service:
    """rclone's S3 server over a folder with the bucket ``gongyu``; it checks signatures."""
    (folder / "buckets" / "gongyu").mkdir(parents=True, exist_ok=True)
    port = free_port()
    program = Path(sys.executable).with_name("rclone")
    words = [str(program), "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY_ID},{KEY}"]
    return Service(folder, [*words, "--config", "", str(folder / "buckets")], port)


def scanner(folder: Path) -> Service:
    """clamd with one signature, EICAR's. Missing: named skip at home, failure in CI."""
    program = machine.find_clamd()
    if program is None:
        missing(machine.CLAMD)
    signatures = folder / "signatures"
    signatures.mkdir(parents=True, exist_ok=True)
    (signatures / "local.ndb").write_text(SCANNER_SIGNATURE + "\n", encoding="utf-8")
    port = free_port()
    settings = (
        f"DatabaseDirectory {signatures}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nForeground yes\n"
        f"TemporaryDirectory {folder}\nMaxThreads 4\nConcurrentDatabaseReload no\n"
    )
    if os.geteuid() == 0:
        settings += "User root\n"
    (folder / "clamd.conf").write_text(settings, encoding="utf-8")
    return Service(folder, [str(program), "--config-file", str(folder / "clamd.conf")], port)
