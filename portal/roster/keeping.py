"""The files of an import, sealed on disk: they hold families' names and numbers."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.keys.sealing import seal_bytes, unseal_bytes

OPEN = "open-"
"""How the copies begin that stand open while a check reads them."""


def _place(path: Path) -> tuple[str, str, str]:
    return "roster_import", path.name, path.parent.name


def keep(source: Path, path: Path) -> None:
    """Seal a file into ``path``, in the folder named after its import."""
    path.write_bytes(seal_bytes("personal", source.read_bytes(), *_place(path)))


def read(path: Path) -> bytes:
    """What ``keep`` kept. SealBroken when it does not open."""
    return unseal_bytes("personal", path.read_bytes(), *_place(path))


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """A readable copy beside a kept file, gone at the end; those that a killed worker left go first."""
    for left in path.parent.glob(f"{OPEN}*"):
        left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=OPEN, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(read(path))
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
