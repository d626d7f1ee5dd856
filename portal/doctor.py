"""``flask doctor``: in words, what holds on this machine and what an operator should mend."""

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text

from portal import database, row_security
from portal.extensions import db
from portal.i18n import compile_catalogues, speaking
from portal.i18n import gettext as _

SOUND = (3, 51, 3)
BACKPORTS = ((3, 44, 6, 3, 45), (3, 50, 7, 3, 51))
LEAST_FREE = 1024**3
LONG_LOG = 64 * 1024**2


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, and a sentence about it."""

    well: bool
    sentence: str


CHECKS: list[Callable[[], Iterator[Finding]]] = []
"""What features add to the look around."""


def has_reset_race(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite may lose committed pages when a checkpoint meets a commit (before 3.51.3, see portal.database)."""
    if version >= SOUND:
        return False
    return not any(
        (major, minor, patch) <= version < (next_major, next_minor, 0)
        for major, minor, patch, next_major, next_minor in BACKPORTS
    )


def _sqlite() -> Iterator[Finding]:
    version = sqlite3.sqlite_version
    if has_reset_race(sqlite3.sqlite_version_info):
        yield Finding(
            True,
            _(
                "SQLite %(version)s has the WAL-reset race. The portal keeps it from happening: no automatic"
                " checkpoints, writers and the one checkpointer share a lock.",
                version=version,
            ),
        )
    else:
        yield Finding(True, _("SQLite %(version)s does not have the WAL-reset race.", version=version))
    connection = db.session.connection()
    wanted = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "wal_autocheckpoint": "0"}
    for name, value in wanted.items():
        found = str(connection.execute(text(f"PRAGMA {name}")).scalar())
        yield Finding(found == value, _("%(name)s is %(found)s.", name=name, found=found))
    damage = connection.execute(text("PRAGMA quick_check")).scalar()
    sentence = (
        _("The database file is intact.")
        if damage == "ok"
        else _("The database file is damaged: %(what)s", what=damage)
    )
    yield Finding(damage == "ok", sentence)
    path = Path(db.engine.url.database or "")
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > LONG_LOG:
        yield Finding(
            False, _("The log is %(size)s MB long. Is the job process running?", size=size // 1024**2)
        )
    yield Finding(
        database.write_lock_path(str(path)).exists(),
        _("Writers take turns at %(path)s.", path=database.write_lock_path(str(path))),
    )


def _postgresql() -> Iterator[Finding]:
    connection = db.session.connection()
    yield Finding(True, f"PostgreSQL {connection.execute(text('SHOW server_version')).scalar()}")
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        found = connection.execute(text(f"SHOW {name}")).scalar()
        yield Finding(found != "off", _("%(name)s is %(found)s.", name=name, found=found))
    above = row_security.is_above(connection)
    yield Finding(
        not above,
        _("The portal's database account is above row-level security. Give it one without superuser rights.")
        if above
        else _("Row-level security holds for the portal's database account."),
    )


def _revision() -> Finding:
    script = ScriptDirectory(current_app.extensions["migrate"].directory)
    wanted = script.get_current_head()
    found = MigrationContext.configure(db.session.connection()).get_current_revision()
    if found == wanted:
        return Finding(True, _("The database is at the newest revision, %(revision)s.", revision=found))
    return Finding(
        False,
        _(
            "The database is at %(found)s, not at %(wanted)s. Run: flask db upgrade",
            found=found,
            wanted=wanted,
        ),
    )


def _machine() -> Iterator[Finding]:
    yield Finding(sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}")
    folder: Path = current_app.config["INSTANCE"]
    free = shutil.disk_usage(folder).free
    yield Finding(free > LEAST_FREE, _("%(free)s MB free for %(path)s.", free=free // 1024**2, path=folder))
    for name in current_app.config["CLEAR_CONNECTIONS"]:
        yield Finding(False, _("%(name)s leads to another machine without TLS.", name=name))
    yield from _secrets(path for path in current_app.config["SECRET_FILES"] if path.exists())


def _secrets(files: Iterable[Path]) -> Iterator[Finding]:
    """Who can read the files that hold a secret: the key of the cookies, passwords and keys of gateways and storage."""
    for path in files:
        private = path.stat().st_mode & 0o077 == 0
        sentence = (
            _("Only the owner can read %(path)s.", path=path)
            if private
            else _("Others can read %(path)s, which holds a secret: chmod 600 it.", path=path)
        )
        yield Finding(private, sentence)


def findings() -> Iterator[Finding]:
    """Everything the doctor looks at, one after the other."""
    yield from _machine()
    yield _revision()
    if db.engine.dialect.name == "sqlite":
        yield from _sqlite()
    else:
        yield from _postgresql()
    for check in CHECKS:
        yield from check()


@click.command("doctor")
@click.option("--language", default="zh-Hans", show_default=True, help="zh-Hans, zh-Hant or en.")
def doctor(language: str) -> None:
    """Say in words what holds on this machine; exit 1 when something should be mended."""
    compile_catalogues()
    ill = False
    with speaking(language):
        for finding in findings():
            click.echo(f"{'✓' if finding.well else '✗'} {finding.sentence}")
            ill = ill or not finding.well
    if ill:
        raise SystemExit(1)
