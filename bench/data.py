"""The districts the pages are measured over: each a function that fills a folder with a database."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def settings_for(folder: Path) -> dict[str, str]:
    """The environment in which the portal uses the database in this folder."""
    return {"INSTANCE_DIR": str(folder), "SECRET_KEY_FILE": str(folder / "secret_key"), "DATABASE_URL": ""}


def flask(folder: Path, *words: str) -> None:
    """Run one of the portal's commands on the database in a folder."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings_for(folder)}, check=True, capture_output=True
    )


def one_town(folder: Path) -> None:
    """The rehearsal district as it comes."""
    flask(folder, "db", "upgrade")
    flask(folder, "rehearsal", "load")


Fill = Callable[[Path], None]
SIZES: dict[str, Fill] = {"1×": one_town}
