"""What all workers of a run need is built by the one that asks first; the others take a copy of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import places


def built_once(run: Path, name: str, build: Callable[[Path], None]) -> Path:
    """The folder ``name`` in the folder of the run, whole: what ``build(folder)`` puts there happens once."""
    folder, half = run / name, run / f"{name}.half"
    with places.locked(run / f"{name}.lock"):
        if not folder.exists():
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            build(half)
            half.rename(folder)
    return folder
