"""What the worker does for files: ask the scanner again, sweep away objects that no row names."""

import logging
from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.database import reading
from portal.extensions import db
from portal.files import scanning, storage
from portal.files.models import File, State
from portal.files.storing import bytes_of, settle
from portal.jobs.queue import every, task

BATCH = 50
ORPHAN_AFTER = timedelta(hours=2)
"""An upload in progress has its object for a moment before its row."""
log = logging.getLogger(__name__)


@every(60)
def scan_waiting() -> None:
    """Have the scanner look at quarantined files, oldest first, if it is set and answers."""
    if not scanning.is_set() or not _scanner_answers():
        return
    with reading():
        waiting = db.session.scalars(
            select(File.id).where(File.state == State.QUARANTINED).order_by(File.id).limit(BATCH)
        ).all()
        db.session.rollback()
    for file_id in waiting:
        scan_one(file_id)


def _scanner_answers() -> bool:
    try:
        scanning.scan(b"is anybody there")
    except scanning.ScannerDown:
        return False
    return True


def scan_one(file_id: int) -> bool:
    """Scan one kept file; whether the scanner spoke. The scan runs outside any transaction."""
    with reading():
        file = db.session.get(File, file_id)
        db.session.expunge_all()
        db.session.rollback()
    if file is None:
        return False
    try:
        found = scanning.scan(bytes_of(file, 0, file.size))
    except Exception as error:
        log.error("file %s was not scanned: %s", file.public_id, error)
        return False
    kept = db.session.get(File, file_id)
    if kept is not None:
        settle(kept, found)
        db.session.commit()
    return True


@every(6 * 3600)
def sweep_orphans() -> None:
    """Remove objects whose row never came or has gone."""
    before = clock.now() - ORPHAN_AFTER
    for batch in storage.objects():
        old = [found.name for found in batch if found.written_at < before]
        with reading():
            known = set(db.session.scalars(select(File.stored_key).where(File.stored_key.in_(old))))
            db.session.rollback()
        for name in set(old) - known:
            storage.remove(name)


@task
def remove_stored(names: list[str]) -> None:
    """Remove the objects of erased files at once; one that still has a row stays, one that is gone is gone already."""
    with reading():
        known = set(db.session.scalars(select(File.stored_key).where(File.stored_key.in_(names))))
        db.session.rollback()
    for name in set(names) - known:
        storage.remove(name)
