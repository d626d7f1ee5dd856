"""``flask audit …``: check the trail, anchor it, export it."""

import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import and_, func, select

from portal import clock
from portal.audit import copies, exporting
from portal.audit.jobs import anchor_now
from portal.audit.wording import fault_in_words
from portal.database import reading
from portal.doctor import CHECKS, Finding
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import School
from portal.trail import anchors
from portal.trail.models import TrailAnchor, TrailEntry, note
from portal.trail.verifying import verify as verified

audit = AppGroup("audit", help="The log of changes and reads: check it, anchor it, export it.")
DAY = click.DateTime(["%Y-%m-%d"])


@audit.command("verify")
@click.option(
    "--anchors",
    "kept",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Anchors kept outside: a file of lines, a saved mail (.eml, .mbox) or a folder.",
)
def verify(kept: tuple[Path, ...]) -> None:
    """Check every entry and every anchor; exit 1 and name the first bad entry."""
    folder = copies.folder()
    places = [*kept, *([folder] if folder is not None and folder.is_dir() else [])]
    started = time.monotonic()
    with reading(), db.engine.connect() as connection:
        outside = [anchor for place in places for anchor in copies.read(place)]
        report = verified(connection, outside)
    if report.fault:
        click.echo(fault_in_words(report.fault), err=True)
        sys.exit(1)
    click.echo(
        _(
            "%(count)s entries (%(first)s to %(last)s) are whole and in their places, checked in %(seconds)s seconds.",
            count=report.entries,
            first=report.first,
            last=report.last,
            seconds=f"{time.monotonic() - started:.1f}",
        )
    )
    click.echo(
        _("%(count)s anchors agree, the last at entry %(last)s.", count=report.anchors, last=report.anchored)
    )
    if not places:
        click.echo(
            _(
                "Only anchors of the database were looked at. Give those kept outside with --anchors: they prove more."
            )
        )


@audit.command("anchor")
def anchor() -> None:
    """Anchor the end of the log now, and copy the anchor to the folder and the mailboxes."""
    made = anchor_now()
    if made is None:
        click.echo(_("Nothing to anchor: the last anchor stands at the last entry, or the log is not whole."))
        return
    row = db.session.get_one(TrailAnchor, made)
    click.echo(anchors.of_row(row).line())


@audit.command("public-key")
def public_key() -> None:
    """Print the key that anybody checks anchors with (Ed25519, PEM)."""
    pem = anchors.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    click.echo(pem.decode().strip())


@audit.command("export")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "first", type=DAY, required=True, help="First day.")
@click.option("--to", "last", type=DAY, required=True, help="Last day, included.")
@click.option("--school", "code", help="Only one school: its code.")
def export(path: Path, first: datetime, last: datetime, code: str | None) -> None:
    """Write entries to PATH (.csv or .xlsx), for those who inspect. The export is itself logged."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        click.echo(_("The file must end in .csv or .xlsx."), err=True)
        sys.exit(1)
    condition = exporting.between(first.date(), last.date())
    school_id = None
    if code:
        school_id = db.session.scalar(select(School.id).where(School.code == code))
        if school_id is None:
            click.echo(_("There is no school with the code %(code)s.", code=code), err=True)
            sys.exit(1)
        condition = and_(condition, TrailEntry.school_id == school_id)
    note(
        "audit.exported",
        None,
        person_id=None,
        role="operator",
        object_kind="trail_entry",
        school_id=school_id,
        first=str(first.date()),
        last=str(last.date()),
    )
    db.session.commit()
    with reading(), db.engine.connect() as connection:
        written = exporting.write(path, connection, condition, facts=True)
    click.echo(_("%(count)s entries are in %(path)s.", count=written, path=str(path)))


LATE = timedelta(hours=1)


def findings() -> Iterator[Finding]:
    """What the doctor says of anchors: whether they are made in time, and whether each has left the machine."""
    if anchors.is_late(LATE):
        yield Finding(False, _("No anchor of the log was made for an hour. Is the job process running?"))
        return
    yield Finding(True, _("The log is anchored."))
    ways = [
        (column, name)
        for column, given, name in (
            (TrailAnchor.filed_at, copies.folder(), "PORTAL_ANCHOR_DIR"),
            (TrailAnchor.mailed_at, copies.addresses(), "PORTAL_ANCHOR_MAILS"),
        )
        if given
    ]
    if not ways:
        sentence = _("Anchors stay on this machine. Set PORTAL_ANCHOR_DIR or PORTAL_ANCHOR_MAILS.")
        yield Finding(current_app.config["DEVELOPMENT"], sentence)
    overdue = TrailAnchor.made_at < clock.now() - LATE
    for column, name in ways:
        waiting = db.session.scalar(select(func.count()).where(column.is_(None), overdue)) or 0
        sentence = _("%(count)s anchors have not left by %(way)s.", count=waiting, way=name)
        yield Finding(waiting == 0, sentence)


CHECKS.append(findings)
