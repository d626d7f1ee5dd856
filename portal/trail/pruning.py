"""Removing entries after their time of keeping: whole, from the beginning, anchored, and recorded in the trail itself."""

from datetime import timedelta

from sqlalchemy import delete, func, select, update

from portal import clock
from portal.extensions import db
from portal.trail.models import TrailAnchor, TrailEntry, TrailHead, note
from portal.trail.verifying import FLOOR, PRUNED

AT_ONCE = 5000


def prune(kept_for: timedelta) -> int:
    """Remove entries older than ``kept_for`` (never younger than six months); commits, and returns how many went.

    Only what lies before an anchor goes, at most five thousand at a time. Entry and removal are one transaction: what is
    missing from the beginning without the entry ``trail.pruned`` was removed by somebody else.
    """
    before = clock.now() - max(kept_for, FLOOR)
    head = db.session.scalars(select(TrailHead).with_for_update()).one()
    first_kept = db.session.scalar(
        select(func.min(TrailEntry.sequence)).where(TrailEntry.happened_at >= before)
    )
    last_old = (head.sequence if first_kept is None else first_kept) - 1
    through = db.session.scalar(
        select(func.max(TrailAnchor.sequence)).where(
            TrailAnchor.sequence <= min(last_old, head.pruned_through + AT_ONCE),
            TrailAnchor.sequence > head.pruned_through,
        )
    )
    if through is None:
        db.session.rollback()
        return 0
    last = db.session.scalars(select(TrailEntry).where(TrailEntry.sequence == through)).one()
    newest = db.session.scalar(select(func.max(TrailEntry.happened_at)).where(TrailEntry.sequence <= through))
    count = through - head.pruned_through
    db.session.execute(update(TrailHead).values(pruned_through=through))
    db.session.execute(
        delete(TrailEntry).where(TrailEntry.sequence <= through).execution_options(synchronize_session=False)
    )
    note(
        PRUNED,
        None,
        person_id=None,
        object_kind="trail_entry",
        count=count,
        through=through,
        hash=last.entry_hash.hex(),
        newest=newest.isoformat() if newest else "",
    )
    db.session.commit()
    return int(count)
