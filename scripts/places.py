"""Where things lie in the project's folder, and locks that keep two commands from building the same thing."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from words import say

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
NEW_ENVIRONMENT = ROOT / ".venv.new"
OLD_ENVIRONMENT = ROOT / ".venv.old"
TOOLS = ROOT / ".tools"
PYTHON = ENVIRONMENT / "bin" / "python"


def instance() -> Path:
    """The folder of the database, the secrets and the logs: INSTANCE_DIR, else `instance/`."""
    return Path(os.environ.get("INSTANCE_DIR") or ROOT / "instance").resolve()


def try_lock(path: Path) -> IO[str] | None:
    """Take a lock that ends with this process, however it ends; None when another process holds it.

    The file is created 0600 and stays behind: its presence means nothing, only the lock on it does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, waiting for whoever has it and saying so."""
    file = try_lock(path)
    if file is None:
        say("另一个命令正在准备运行环境，稍候。", "Another command is preparing the environment; waiting.")
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX)
    with file:
        yield
