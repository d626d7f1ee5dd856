"""The portal's database made again what a file kept of it."""

import shutil
from pathlib import Path

from portal.extensions import db


def put_back(home: Path, kept: Path) -> None:
    """Lay a kept file in the place of the database of the portal at ``home``; nobody holds a connection."""
    db.session.remove()
    db.engine.dispose()
    for leftover in ("portal.db-wal", "portal.db-shm"):
        (home / leftover).unlink(missing_ok=True)
    shutil.copyfile(kept, home / "portal.db")
