"""What the worker does for data rights; every ring may be lost or come twice."""

from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select

from portal import clock
from portal.accounts.models import Person
from portal.database import reading
from portal.extensions import db
from portal.jobs.queue import every, task
from portal.privacy import copies, exporting, parcels, retention
from portal.privacy.models import PARCEL_KEPT, DataCopy, ExportRequest, ParcelState
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
def make_waiting() -> None:
    """Make copies and exports whose ring was lost."""
    with reading():
        before = clock.now() - timedelta(minutes=1)
        copies_waiting = db.session.scalars(
            select(DataCopy.id)
            .where(DataCopy.state == ParcelState.WAITING, DataCopy.asked_at < before)
            .order_by(DataCopy.id)
            .limit(AT_ONCE)
        ).all()
        exports_waiting = db.session.scalars(
            select(ExportRequest.id)
            .where(
                ExportRequest.state == ParcelState.WAITING,
                ExportRequest.asked_at < before,
                or_(ExportRequest.needs_second.is_(False), ExportRequest.approved_by_id.is_not(None)),
            )
            .order_by(ExportRequest.id)
            .limit(AT_ONCE)
        ).all()
        db.session.rollback()
    for copy_id in copies_waiting:
        make_copy(copy_id=copy_id)
    for export_id in exports_waiting:
        make_export(export_id=export_id)


@every(300)
def forget_unfetched() -> None:
    """Forget files and keys that nobody fetched within a day."""
    now = clock.now()
    for owner, word in ((DataCopy, "copy.expired"), (ExportRequest, "export.expired")):
        old: Any = select(owner).where(
            owner.state == ParcelState.READY,
            owner.ready_at <= now - PARCEL_KEPT,
        )
        for row in db.session.scalars(old):
            parcels.drop(row, now)
            note(word, row, person_id=None, subject_id=getattr(row, "person_id", None))
    db.session.commit()


@every(1800)
def end_what_is_due() -> None:
    """In the night: end everything whose time is over, in small batches. What a lost night left goes in the next one."""
    now = clock.local(clock.now())
    if now.hour in NIGHT:
        retention.run(now.date())


@task
def make_export(export_id: int) -> None:
    """Make the file of an export that may be made; whoever asked must still be in the same office."""
    with reading():
        wanted = db.session.get(ExportRequest, export_id)
        if wanted is None or not wanted.may_be_made or not exporting.still_in_office(wanted, clock.today()):
            db.session.rollback()
            return
        made = exporting.made(wanted)
        db.session.rollback()
    wanted = db.session.scalar(select(ExportRequest).where(ExportRequest.id == export_id).with_for_update())
    if wanted is None or not wanted.may_be_made:
        db.session.rollback()
        return
    wanted.file_name = made.name
    parcels.put(wanted, made.data, clock.now())
    note("export.made", wanted, person_id=None, kind=wanted.kind, bytes=len(made.data))
    db.session.commit()
