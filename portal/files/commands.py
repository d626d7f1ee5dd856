"""``flask files …``: compare rows and objects, have the scanner look at everything again."""

import hashlib

import click
from flask.cli import AppGroup
from sqlalchemy import select

from portal.database import reading
from portal.extensions import db
from portal.files import scanning, storage
from portal.files.chunks import ChunkBroken, sealed_size
from portal.files.jobs import ORPHAN_AFTER, scan_one
from portal.files.models import File, State
from portal.files.storing import bytes_of
from portal.i18n import gettext as _

files = AppGroup("files", help="Files people brought: what is there, what is not.")
BATCH = 500


@files.command("check")
@click.option("--deep", is_flag=True, help="Also open every file and compare its content.")
def check(deep: bool) -> None:
    """Compare rows and objects both ways. Exit 1 when a file is missing or damaged."""
    with reading():
        try:
            sizes = {found.name: found for batch in storage.objects() for found in batch}
        except storage.StorageDown as error:
            raise click.ClickException(_("The storage does not answer: %(reason)s", reason=error)) from None
        ill = 0
        known: set[str] = set()
        count = 0
        last = 0
        while batch := _rows_after(last):
            for file in batch:
                count += 1
                known.add(file.stored_key)
                problem = _problem(file, sizes.get(file.stored_key), deep)
                if problem:
                    click.echo(f"✗ {file.public_id}  {problem}")
                    ill += 1
            last = batch[-1].id
            db.session.rollback()
        waiting = len(db.session.scalars(select(File.id).where(File.state == State.QUARANTINED)).all())
    orphans = len(set(sizes) - known)
    click.echo(_("%(count)s files, %(ill)s missing or damaged.", count=count, ill=ill))
    click.echo(
        _(
            "%(count)s objects belong to no file; those older than %(hours)s hours are swept away.",
            count=orphans,
            hours=ORPHAN_AFTER.seconds // 3600,
        )
    )
    click.echo(_("%(count)s files wait for the virus scanner.", count=waiting))
    if ill:
        raise SystemExit(1)


def _rows_after(last: int) -> list[File]:
    return list(db.session.scalars(select(File).where(File.id > last).order_by(File.id).limit(BATCH)))


def _problem(file: File, found: storage.Object | None, deep: bool) -> str:
    """What is wrong with a file, in words; nothing when it is well."""
    if found is None:
        return _("its object is missing")
    if found.size != sealed_size(file.size):
        return _("its object has another size")
    if not deep:
        return ""
    try:
        content = bytes_of(file, 0, file.size)
    except (ChunkBroken, storage.ObjectMissing, storage.StorageDown) as error:
        return _("its object does not open: %(reason)s", reason=error)
    return "" if hashlib.sha256(content).hexdigest() == file.sha256 else _("its content is another")


@files.command("scan")
def scan() -> None:
    """Have the virus scanner look at every kept file again, after it learned new signatures."""
    if not scanning.is_set():
        raise click.ClickException(_("No scanner is set; see PORTAL_CLAMD_ADDRESS."))
    with reading():
        wanted = db.session.scalars(
            select(File.id).where(File.state != State.REFUSED).order_by(File.id)
        ).all()
        db.session.rollback()
    spoken = sum(scan_one(file_id) for file_id in wanted)
    refused = len(db.session.scalars(select(File.id).where(File.state == State.REFUSED)).all())
    db.session.rollback()
    click.echo(
        _(
            "%(spoken)s of %(count)s files scanned; %(refused)s are refused.",
            spoken=spoken,
            count=len(wanted),
            refused=refused,
        )
    )
    if spoken < len(wanted):
        raise SystemExit(1)
