"""New keys, and the end of old ones.

A rotation wraps every field key with the newest master key and gives each sealing branch a new field key; what is sealed
already still opens. ``portal/keys/resealing.py`` then moves it to the new key. Keys go for good 35 days after they were
replaced and when nothing rests on them: a backup older than that cannot be opened with the keys that are left.
"""

import itertools
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from portal.keys import resealing
from portal.keys.keyring import KeyMissing, Master, Masters, new_field_key, unwrap, wrap
from portal.keys.models import SEALING, Branch, FieldKey
from portal.keys.resealing import keys_in_use

KEPT_FOR = timedelta(days=35)
"""How long a replaced key is kept for the backups that need it; backups are kept no longer."""


@dataclass(frozen=True)
class Gone:
    """What was forgotten for good."""

    masters: tuple[str, ...]
    field_keys: tuple[int, ...]


def master_for_rotation(masters: Masters, wrapping: set[str], day: date) -> Master:
    """The newest master key if it wraps nothing yet (it was prepared), else a new one. KeyMissing without a file."""
    known = masters.all()
    if not known:
        raise KeyMissing(f"{masters.path} is missing")
    return known[-1] if known[-1].name not in wrapping else masters.add(day)


def rotate(connection: Connection, masters: Masters, algorithm: int, now: datetime, day: date) -> Master:
    """Wrap all field keys with a new master key and give each sealing branch a new one; the master key that wraps now.

    The master key is on disk before anything in the database rests on it. KeyMissing or SealBroken when a key does not
    open: then nothing is changed.
    """
    table = FieldKey.__table__
    rows = connection.execute(select(FieldKey.id, FieldKey.branch, FieldKey.master, FieldKey.wrapped)).all()
    known = {master.name: master for master in masters.all()}
    missing = sorted({row.master for row in rows} - known.keys())
    if missing:
        raise KeyMissing(f"{masters.path} does not hold {', '.join(missing)}")
    secrets = {row.id: unwrap(known[row.master], row.id, row.branch, row.wrapped) for row in rows}
    master = master_for_rotation(masters, {row.master for row in rows}, day)
    for row in rows:
        wrapped = wrap(master, algorithm, row.id, row.branch, secrets[row.id])
        change = update(FieldKey).where(FieldKey.id == row.id)
        connection.execute(change.values(wrapped=wrapped, master=master.name))
    connection.execute(
        update(FieldKey)
        .where(FieldKey.branch.in_(SEALING), FieldKey.retired_at.is_(None))
        .values(retired_at=now)
    )
    fresh = [new_field_key(master, algorithm, branch) | {"created_at": now} for branch in SEALING]
    connection.execute(insert(table), fresh)  # type: ignore[arg-type]
    return master


def reindex(connection: Connection, masters: Masters, algorithm: int, now: datetime) -> int:
    """A new key for indexes, every index made anew, the old key gone at once; how many indexes. For a portal at rest."""
    known = masters.all()
    if not known:
        raise KeyMissing(f"{masters.path} is missing")
    connection.execute(delete(FieldKey).where(FieldKey.branch == Branch.INDEX))
    fresh = new_field_key(known[-1], algorithm, Branch.INDEX)
    connection.execute(insert(FieldKey).values(**fresh, created_at=now))
    return resealing.reindex(connection, unwrap(known[-1], fresh["id"], fresh["branch"], fresh["wrapped"]))


def retire(connection: Connection, masters: Masters, now: datetime, day: date) -> Gone:
    """Forget field keys replaced 35 days ago that seal nothing, and master keys replaced 35 days ago that wrap nothing."""
    old = connection.scalars(select(FieldKey.id).where(FieldKey.retired_at <= now - KEPT_FOR)).all()
    used = keys_in_use(connection) if old else set()
    field_keys = tuple(key for key in old if key not in used)
    connection.execute(delete(FieldKey).where(FieldKey.id.in_(field_keys)))
    wrapping = set(connection.scalars(select(FieldKey.master)))
    known = masters.all()
    unneeded = tuple(
        master.name
        for master, successor in itertools.pairwise(known)
        if master.name not in wrapping and successor.made_on <= day - KEPT_FOR
    )
    return Gone(unneeded, field_keys)
