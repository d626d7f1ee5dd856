"""Starting other programs so that none is left behind and a failure is one line, not a page of output."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from places import ROOT
from words import StopError, stop

ROOM_NEEDED = 20 * 1024 * 1024
PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """On Linux, what a child calls to be sent a signal when its parent is killed; elsewhere None."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    parent = os.getpid()

    def ask() -> None:
        # Our own handler, inherited until the program starts, would swallow the signal.
        if number is not signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        library.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return ask


def start(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    output: int | None = None,
    handed_over: Sequence[int] = (),
    ends_by: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[str]:
    """Start a program in a process group of its own, without standard input, that ends when we are killed.

    `output` is a file descriptor (or subprocess.PIPE) for what it prints, `handed_over` are descriptors it keeps.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        pass_fds=tuple(handed_over),
        start_new_session=True,
        preexec_fn=end_with_parent(ends_by),
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def end(process: subprocess.Popen[str], seconds: float = 10) -> None:
    """End a program and all it started: politely, and after some seconds by force."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_quietly(
    command: Sequence[str | Path], chinese: str, english: str, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program and return what it printed; when it fails, raise StopError with the words given and its last line."""
    code, output = run_to_the_end(command, environment)
    if code:
        raise failure(output, chinese, english)
    return output


def run_to_the_end(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a program: its exit code and what it printed. It is ended when we are interrupted."""
    process = start(command, environment, subprocess.PIPE)
    try:
        output, _ = process.communicate()
    except BaseException:
        end(process, 1)
        raise
    return process.returncode, output


def failure(output: str, chinese: str, english: str) -> StopError:
    """The one line for a program that failed: a full disk by its name, else the words given and its last line."""
    if "No space left" in output or "disk is full" in output or has_no_room(ROOT):
        return disk_is_full()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = lines[-1][:300] if lines else "?"
    return stop(f"{chinese}（{reason}）", f"{english} ({reason})")


def has_no_room(folder: Path) -> bool:
    """Whether the disk under a folder is as good as full."""
    return shutil.disk_usage(folder).free < ROOM_NEEDED


def disk_is_full() -> StopError:
    """The line for a full disk."""
    return stop("磁盘空间不足，请腾出空间后再启动。", "The disk is full; make room and start again.")
