"""Keeping, reading and letting go of files, in the transaction of the row they belong to."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.access import Actor
from portal.extensions import Base, db
from portal.files import chunks, scanning, storage
from portal.files.intake import Taken, suffix_of, take, take_anew
from portal.files.models import File, State
from portal.files.owners import owner_of
from portal.trail.models import note

__all__ = ["covered", "files_of", "keep", "let_go", "open_file", "rescan", "take"]


def keep(taken: Taken, row: Base, actor: Actor, *, slot: str, holds: str = "F1") -> File:
    """A file of a row, in the current transaction. The same content in the same slot is the file that is there already.

    ``row`` must be flushed and its kind registered with ``owned``. ``holds`` is the class of what the file shows.
    """
    owner_kind, owner_id = owner_of(row).kind, row.__mapper__.primary_key_from_instance(row)[0]
    wanted = select(File).where(
        File.owner_kind == owner_kind,
        File.owner_id == owner_id,
        File.slot == slot,
        File.sha256 == taken.sha256,
    )
    if (there := db.session.scalar(wanted)) is not None:
        return there
    file = File(
        owner_kind=owner_kind,
        owner_id=owner_id,
        slot=slot,
        by_id=actor.person_id,
        name=taken.name,
        kind=taken.kind,
        media_type=taken.media_type,
        size=taken.size,
        sha256=taken.sha256,
        stored_key=taken.stored_key,
        holds=holds,
        state=taken.state,
        scanned_at=clock.now() if taken.state == State.CLEAN and scanning.is_set() else None,
    )
    file.data_key = taken.data_key
    try:
        with db.session.begin_nested():
            db.session.add(file)
    except IntegrityError:
        # Another request kept the same content a moment ago.
        return db.session.scalars(wanted).one()
    note("file.kept", file, person_id=actor.person_id, role=actor.role, kind=file.kind, size=file.size)
    return file


def covered(file: File, cover: Sequence[float]) -> Taken:
    """A kept picture with a disc of it hidden for good (``Decoder.decode`` says how it is given), not yet kept.

    As ``take``: ends the transaction that is open, and opens none. Raises NotTaken, and what ``open_file`` raises.
    """
    content, name, suffix = open_file(file), file.name, suffix_of(file.name)
    return take_anew(content, name, suffix, cover)


def files_of(row: Base, slot: str) -> list[File]:
    """The files of a row in one slot, in the order they came."""
    key = row.__mapper__.primary_key_from_instance(row)[0]
    wanted = select(File).where(
        File.owner_kind == owner_of(row).kind, File.owner_id == key, File.slot == slot
    )
    return list(db.session.scalars(wanted.order_by(File.id)))


def let_go(files: Iterable[File], actor: Actor) -> None:
    """Delete files whose owner's rules allow it, in the current transaction.

    With the row goes the key: no copy of the object opens any more. The object itself is swept away later.
    """
    for file in files:
        note("file.deleted", file, person_id=actor.person_id, role=actor.role, kind=file.kind)
        db.session.delete(file)


def open_file(file: File, start: int = 0, stop: int | None = None) -> bytes:
    """The bytes ``start`` to ``stop`` (exclusive; None: to the end) of a file that may be served.

    Raises RuleBroken while it is quarantined or when it was refused, StorageDown when the storage does not answer,
    ObjectMissing or ChunkBroken when what lies there is not what was kept.
    """
    file.must_be_served()
    return bytes_of(file, start, file.size if stop is None else stop)


def bytes_of(file: File, start: int, stop: int) -> bytes:
    """As ``open_file``, whatever the state: for the scanner and for ``flask files check``."""
    return chunks.unseal(_reader(file, stop - start), file.size, file.data_key, file.stored_key, start, stop)


def _reader(file: File, wanted: int) -> Callable[[int, int], bytes]:
    """How to read the object: at once when all of it is wanted, else by its parts."""
    if wanted < file.size:
        return partial(storage.read, file.stored_key)
    whole = storage.read_all(file.stored_key)
    return lambda begin, end: whole[begin:end]


def rescan(file: File) -> None:
    """Have the scanner look at a kept file, and move its state, in the current transaction.

    Raises ScannerDown, StorageDown, ObjectMissing or ChunkBroken, and then nothing has changed.
    """
    found = scanning.scan(bytes_of(file, 0, file.size))
    settle(file, found)


def settle(file: File, found: str) -> None:
    """Write down what the scanner said."""
    file.scanned_at = clock.now()
    file.state = State.REFUSED if found else State.CLEAN
    if found:
        note("file.refused", file, person_id=None, found=found)
