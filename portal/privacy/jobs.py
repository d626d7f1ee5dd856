"""What the worker does for data rights; every ring may be lost or come twice."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.database import reading
from portal.extensions import db
from portal.jobs.queue import every, task
from portal.privacy import copies, parcels, retention
from portal.privacy.models import PARCEL_KEPT, DataCopy, ParcelState
from portal.trail.models import note

AT_ONCE = 20
NIGHT = range(1, 5)
"""Hours in China in which data whose time is over go."""


@task
def make_copy(copy_id: int) -> None:
    """Make a copy that was asked for. It is read first; only the sealed file is written."""
    with reading():
        wanted = db.session.get(DataCopy, copy_id)
        if wanted is None or wanted.state != ParcelState.WAITING:
            db.session.rollback()
            return
        data = copies.zipped(db.session.get_one(Person, wanted.person_id), clock.now())
        db.session.rollback()
    wanted = db.session.scalar(
        select(DataCopy)
        .where(DataCopy.id == copy_id, DataCopy.state == ParcelState.WAITING)
        .with_for_update()
    )
    if wanted is None:
        db.session.rollback()
        return
    parcels.put(wanted, data, clock.now())
    note("copy.made", wanted, person_id=None, subject_id=wanted.person_id, bytes=len(data))
    db.session.commit()


@every(60)
def make_waiting_copies() -> None:
    """Make copies whose ring was lost."""
    with reading():
        waiting = db.session.scalars(
            select(DataCopy.id)
            .where(
                DataCopy.state == ParcelState.WAITING, DataCopy.asked_at < clock.now() - timedelta(minutes=1)
            )
            .order_by(DataCopy.id)
            .limit(AT_ONCE)
        ).all()
        db.session.rollback()
    for copy_id in waiting:
        make_copy(copy_id=copy_id)


@every(300)
def forget_unfetched() -> None:
    """Forget files and keys that nobody fetched within a day."""
    now = clock.now()
    for row in db.session.scalars(
        select(DataCopy).where(DataCopy.state == ParcelState.READY, DataCopy.ready_at <= now - PARCEL_KEPT)
    ):
        parcels.drop(row, now)
        note("copy.expired", row, person_id=None, subject_id=row.person_id)
    db.session.commit()


@every(1800)
def end_what_is_due() -> None:
    """In the night: end everything whose time is over, in small batches. What a lost night left goes in the next one."""
    now = clock.local(clock.now())
    if now.hour in NIGHT:
        retention.run(now.date())
