"""``flask backup``: a consistent copy of the SQLite database while the portal runs."""

import os
import sqlite3
import sys
from pathlib import Path
from typing import NoReturn

import click

from portal.extensions import db
from portal.i18n import gettext as _


def copy_database(database: Path, copy: Path) -> int:
    """Write one moment of a SQLite file to ``copy``, readable by its owner only; its size in bytes.

    The source is opened read-only, so that this can never checkpoint; writers go on meanwhile. The copy has its
    name only when it is whole and was checked. ValueError with SQLite's words when the check fails.
    """
    part = copy.with_name(copy.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        source = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
        try:
            source.execute("VACUUM INTO ?", (str(part),))
        finally:
            source.close()
        written = sqlite3.connect(part)
        try:
            damage = written.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            written.close()
        if damage != "ok":
            raise ValueError(damage)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
    return copy.stat().st_size


def _stop(words: str) -> NoReturn:
    click.echo(words, err=True)
    sys.exit(1)


@click.command("backup")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def backup(path: Path) -> None:
    """Write a consistent copy of the SQLite database to PATH while the portal runs; an existing file is kept."""
    if db.engine.dialect.name != "sqlite":
        _stop(_("This portal uses PostgreSQL. Use pg_dump."))
    if path.exists():
        _stop(_("%(path)s exists already. Choose another name.", path=path))
    try:
        size = copy_database(Path(db.engine.url.database or ""), path)
    except (OSError, sqlite3.Error, ValueError) as error:
        _stop(_("No backup was made: %(reason)s", reason=error))
    click.echo(_("Backup written: %(path)s, %(size)s KB.", path=path, size=-(-size // 1024)))
