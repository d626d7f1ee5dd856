"""``flask keys``: what seals, new keys, moving to them, forgetting old ones. And what the doctor says of keys."""

import time
from collections.abc import Iterator
from typing import NoReturn

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from portal import clock
from portal.database import writing
from portal.doctor import CHECKS, Finding
from portal.extensions import db
from portal.i18n import gettext as _
from portal.keys import resealing, rotating
from portal.keys.keyring import REFRESH_SECONDS, KeyMissing, SealBroken, ring
from portal.keys.models import Branch, FieldKey

keys = AppGroup("keys", help="The keys of sealed fields.")
SETTLE_SECONDS = REFRESH_SECONDS + 5
SHOWN = 20
"""How many places that do not open are printed."""


def _stop(words: str) -> NoReturn:
    click.echo(words, err=True)
    raise SystemExit(1)


@keys.command("status")
def status() -> None:
    """Say which keys there are and what rests on them. No key is printed."""
    rows = db.session.scalars(select(FieldKey).order_by(FieldKey.branch, FieldKey.created_at)).all()
    click.echo(_("Master keys in %(path)s:", path=ring().masters.path))
    for master in ring().masters.all():
        wrapped = sum(row.master == master.name for row in rows)
        click.echo(
            _(
                "%(name)s of %(day)s wraps %(count)s field keys",
                name=master.name,
                day=master.made_on,
                count=wrapped,
            )
        )
    click.echo(_("Field keys:"))
    for row in rows:
        made = clock.local(row.created_at).date()
        if row.retired_at is None:
            click.echo(_("%(branch)s %(key)s of %(day)s, in use", branch=row.branch, key=row.id, day=made))
        else:
            until = clock.local(row.retired_at).date()
            click.echo(
                _(
                    "%(branch)s %(key)s of %(day)s, replaced on %(until)s",
                    branch=row.branch,
                    key=row.id,
                    day=made,
                    until=until,
                )
            )


@keys.command("rotate")
@click.option("--prepare", is_flag=True, help="Only write the new master key into the file.")
def rotate(prepare: bool) -> None:
    """Make a new master key and new field keys; what is sealed still opens. Then run reseal.

    With several machines: --prepare, copy the file to each of them, then rotate without it.
    """
    if prepare:
        try:
            known = bool(ring().masters.all())
            made = ring().masters.add(clock.today()) if known else None
        except (KeyMissing, OSError) as error:
            _stop(_("The keys were not changed: %(reason)s", reason=error))
        if made is None:
            _stop(_("The keys were not changed: %(reason)s", reason=ring().masters.path))
        click.echo(_("Master key %(name)s is prepared. Copy the file, then rotate.", name=made.name))
        return
    try:
        with writing() as connection:
            master = rotating.rotate(connection, ring().masters, ring().algorithm, clock.now(), clock.today())
    except (KeyMissing, SealBroken, OSError) as error:
        _stop(_("The keys were not changed: %(reason)s", reason=error))
    click.echo(
        _(
            "Master key %(name)s wraps all field keys now. Keep a copy of %(path)s apart from the backups, then run:"
            " flask keys reseal",
            name=master.name,
            path=ring().masters.path,
        )
    )


@keys.command("reseal")
@click.option("--pause", default=20, show_default=True, help="Milliseconds between batches.")
@click.option(
    "--settle",
    default=SETTLE_SECONDS,
    show_default=True,
    help="Seconds after a rotation until every process uses the new keys.",
)
@click.option("--verify", is_flag=True, help="Change nothing; open everything and count.")
def reseal(pause: int, settle: int, verify: bool) -> None:
    """Move whatever is sealed to the newest keys while the portal runs; may be stopped and started again."""
    if verify:
        ring().reload()
        _tell(resealing.verify(ring()))
        return
    began = time.monotonic()
    _wait_for_everyone(settle)
    moved = 0
    while True:
        count = resealing.reseal(ring(), pause / 1000)
        moved += count.moved
        if not count.moved:
            break
    seconds = round(time.monotonic() - began, 1)
    click.echo(_("%(count)s values were sealed anew in %(seconds)s seconds.", count=moved, seconds=seconds))
    _tell(resealing.verify(ring()))


def _wait_for_everyone(settle: int) -> None:
    """Until the newest key is known to every process."""
    newest = db.session.scalar(select(FieldKey.created_at).order_by(FieldKey.created_at.desc()).limit(1))
    db.session.rollback()
    if newest is None:
        _stop(_("There are no field keys. Run: flask db upgrade"))
    left = settle - (clock.now() - newest).total_seconds()
    if left > 0:
        time.sleep(left)
    ring().reload()


def _tell(count: resealing.Count) -> None:
    click.echo(
        _(
            "%(values)s sealed values; under an older key: %(old)s; that do not open: %(broken)s; wrong indexes:"
            " %(wrong)s",
            values=count.values,
            old=count.old,
            broken=len(count.unreadable),
            wrong=len(count.wrong_indexes),
        )
    )
    for place in [*count.unreadable, *count.wrong_indexes][:SHOWN]:
        click.echo(f"✗ {place}", err=True)
    if count.old or count.unreadable or count.wrong_indexes:
        raise SystemExit(1)


@keys.command("reindex")
@click.option("--stopped", is_flag=True, help="Say that the portal and its job process are stopped.")
def reindex(stopped: bool) -> None:
    """Make the indexes by which phones are found with a new key; old backups then tell nothing of numbers either.

    Only while the portal and its job process are stopped.
    """
    if not stopped:
        _stop(_("Stop the portal and its job process first, then say so with --stopped."))
    try:
        with writing() as connection:
            made = rotating.reindex(connection, ring().masters, ring().algorithm, clock.now())
    except (KeyMissing, SealBroken, OSError) as error:
        _stop(_("The keys were not changed: %(reason)s", reason=error))
    ring().reload()
    click.echo(_("%(count)s indexes were made anew. Start the portal.", count=made))


@keys.command("retire")
def retire() -> None:
    """Forget keys that were replaced 35 days ago and on which nothing rests; older backups cannot be opened any more."""
    with writing() as connection:
        gone = rotating.retire(connection, ring().masters, clock.now(), clock.today())
    ring().masters.drop(gone.masters)
    ring().reload()
    click.echo(
        _(
            "Forgotten: %(masters)s master keys, %(keys)s field keys.",
            masters=len(gone.masters),
            keys=len(gone.field_keys),
        )
    )


def findings() -> Iterator[Finding]:
    """What the doctor says of keys: the file, who can read it, and that every branch opens."""
    path = current_app.config["MASTER_KEYS_FILE"]
    if not path.exists():
        yield Finding(
            False,
            _("The file of master keys is missing: %(path)s. Bring it back from its copy.", path=path),
        )
        return
    private = path.stat().st_mode & 0o077 == 0
    yield Finding(
        private,
        _("Only the owner can read the master keys.")
        if private
        else _("Others can read the master keys: chmod 600 %(path)s", path=path),
    )
    try:
        ring().reload()
        closed = [branch.value for branch in Branch if not ring().has(branch)]
    except (KeyMissing, SealBroken, DatabaseError) as error:
        yield Finding(False, _("The field keys do not open: %(reason)s", reason=str(error).splitlines()[0]))
        return
    if closed:
        sentence = _(
            "No field key opens for: %(branches)s. Run flask db upgrade, or bring back the file of master keys.",
            branches=", ".join(closed),
        )
        yield Finding(False, sentence)
        return
    yield Finding(True, _("The field keys open."))
    yield _last_rotation()


def _last_rotation() -> Finding:
    """How old the newest field key is. What was deleted stays in older backups until the keys they need are gone."""
    newest = db.session.scalars(select(func.max(FieldKey.created_at))).one()
    days = (clock.now() - newest).days
    if days <= rotating.KEPT_FOR.days:
        return Finding(True, _("The keys were last changed %(days)s days ago.", days=days))
    return Finding(
        False,
        _("The keys were last changed %(days)s days ago. Run: flask keys rotate, reseal, retire", days=days),
    )


CHECKS.append(findings)
