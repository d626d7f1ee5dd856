"""The districts the pages are measured over, kept in bench/.data until the generator or the models change."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from portal import clock

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "bench" / ".data"
SIZES = {"1×": 10, "100×": 1_000}
"""Schools of a hundred pupils beside those of the rehearsal district."""
SOURCES = ("portal/*/models.py", "migrations/versions/*.py", "portal/rehearsal/*.py", "bench/county.py")


def settings_for(folder: Path) -> dict[str, str]:
    """The environment in which the portal uses the database in this folder."""
    return {"INSTANCE_DIR": str(folder), "SECRET_KEY_FILE": str(folder / "secret_key"), "DATABASE_URL": ""}


def run(folder: Path, *words: str) -> None:
    """Run a Python module on the database in a folder."""
    command = [sys.executable, "-m", *words]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings_for(folder)}, check=True)


def key() -> str:
    """Changes with whatever shapes the data, and with the day, because the records are dated back from today."""
    digest = hashlib.sha256(clock.today().isoformat().encode())
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def filled(schools: int) -> Path:
    """The folder with a database of so many schools; made at first use, and older ones thrown away."""
    folder = KEPT / f"{schools}-{key()}"
    if folder.exists():
        return folder
    KEPT.mkdir(exist_ok=True)
    for older in KEPT.glob(f"{schools}-*"):
        shutil.rmtree(older)
    making = Path(tempfile.mkdtemp(dir=KEPT))
    try:
        run(making, "flask", "--app", "wsgi", "db", "upgrade")
        run(making, "flask", "--app", "wsgi", "rehearsal", "load")
        run(making, "bench.filling", str(schools))
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder
