"""The trail: its entries, its head, and ``note``, the one way to log a change.

Entries wait with the session until it commits. Then everything is flushed, the head is taken (its row is the lock: held
from there to the end of the commit, and always the last lock a transaction takes), each entry gets the next sequence
and its hash, and all of it is committed or rolled back with the change it tells of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import has_request_context
from flask_login import current_user
from sqlalchemy import JSON, CheckConstraint, Connection, Index, LargeBinary, String, Table, event, select
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from portal import clock
from portal.access import Actor
from portal.extensions import Base, db
from portal.trail.hashing import chain_key, entry_hash, plain

PURPOSE_LENGTH = 200
WAITING = "trail"
"""Under this name entries wait in a session's ``info``."""
SUBJECTS = {"person": "id", "appointment": "person_id", "guardianship": "person_id"}
"""Kind of row → the column that names the person concerned."""


class TrailEntry(Base):
    """One change or one read: by whom, under which hat, of what, about whom, with which facts.

    ``sequence`` has no gaps. ``school_id`` and ``district_id`` say whose metadata it is. ``category`` is the class of
    the data of a read (F3 contacts, F4 narratives, F4S safeguarding), empty for a change.
    """

    __tablename__ = "trail_entry"
    __table_args__ = (
        CheckConstraint("category IN ('', 'F3', 'F4', 'F4S')", name="category_known"),
        Index("ix_trail_entry_object", "object_kind", "object_id", "id"),
        Index("ix_trail_entry_pupil", "pupil_id", "sequence"),
        Index("ix_trail_entry_subject", "subject_id", "sequence"),
        Index("ix_trail_entry_school", "school_id", "sequence"),
        Index("ix_trail_entry_district", "district_id", "sequence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(unique=True)
    happened_at: Mapped[datetime] = mapped_column(index=True)
    person_id: Mapped[int | None] = mapped_column(index=True)
    role: Mapped[str] = mapped_column(String(30))
    appointment_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(60))
    object_kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[int | None]
    pupil_id: Mapped[int | None]
    subject_id: Mapped[int | None]
    school_id: Mapped[int | None]
    district_id: Mapped[int | None]
    purpose: Mapped[str] = mapped_column(String(PURPOSE_LENGTH))
    category: Mapped[str] = mapped_column(String(3))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    entry_hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class TrailHead(Base):
    """The end of the chain: the newest entry's sequence and hash, in the one row there is.

    Entries up to ``pruned_through`` have been removed after their time of keeping.
    """

    __tablename__ = "trail_head"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    entry_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    pruned_through: Mapped[int] = mapped_column(default=0)


class TrailAnchor(Base):
    """The end of the chain at one instant, signed. Its copies outside the operator's reach are what makes it hold:
    ``filed_at`` and ``mailed_at`` say when a copy left for the anchor folder and the mailboxes."""

    __tablename__ = "trail_anchor"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_at: Mapped[datetime]
    entry_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    filed_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]


ENTRIES = cast(Table, TrailEntry.__table__)
HEAD = cast(Table, TrailHead.__table__)
ANCHORS = cast(Table, TrailAnchor.__table__)


@dataclass
class Draft:
    """An entry without its place in the chain; ``row`` is asked for its ids once it has been flushed."""

    values: dict[str, Any]
    row: Base | None = None
    savepoint: SessionTransaction | None = None

    def complete(self) -> dict[str, Any]:
        """The values with what only a flushed row can tell."""
        row = self.row
        if row is None:
            return self.values
        values, kind = self.values, row.__tablename__
        if values["object_id"] is None:
            values["object_id"] = getattr(row, "id", None)
        for name in ("pupil", "school", "district"):
            column = f"{name}_id"
            if values[column] is None:
                values[column] = getattr(row, "id" if kind == name else column, None)
        if values["subject_id"] is None and kind in SUBJECTS:
            values["subject_id"] = getattr(row, SUBJECTS[kind])
        return values


def draft(
    action: str,
    row: Base | None,
    *,
    person_id: int | None,
    role: str = "",
    object_kind: str = "",
    pupil_id: int | None = None,
    subject_id: int | None = None,
    school_id: int | None = None,
    purpose: str = "",
    category: str = "",
    facts: dict[str, Any],
) -> Draft:
    """An entry to be chained; what the caller left out is taken from the row and from who is acting."""
    acting = _acting(person_id)
    made = Draft(
        {
            "happened_at": clock.now(),
            "person_id": person_id,
            "role": role or (acting.role if acting else ""),
            "appointment_id": acting.appointment_id if acting else None,
            "action": action,
            "object_kind": object_kind or (row.__tablename__ if row is not None else ""),
            "object_id": None,
            "pupil_id": pupil_id,
            "subject_id": subject_id,
            "school_id": school_id,
            "district_id": None,
            "purpose": purpose[:PURPOSE_LENGTH],
            "category": category,
            "facts": plain(facts),
        },
        row,
    )
    if getattr(row, "id", None) is not None:
        made.complete()
    if acting and made.values["school_id"] is None and made.values["pupil_id"] is None:
        made.values["school_id"] = acting.school_id
        made.values["district_id"] = made.values["district_id"] or acting.district_id
    return made


def _acting(person_id: int | None) -> Actor | None:
    """The signed-in person of this request, if it is the one the entry names."""
    if person_id is None or not has_request_context() or not current_user.is_authenticated:
        return None
    actor: Actor = current_user.actor
    return actor if actor.person_id == person_id else None


def note(
    action: str,
    row: Base | None,
    *,
    person_id: int | None,
    role: str = "",
    object_kind: str = "",
    pupil_id: int | None = None,
    subject_id: int | None = None,
    school_id: int | None = None,
    purpose: str = "",
    **facts: Any,
) -> None:
    """Log a change in the current transaction: it is kept if, and only if, the change is.

    ``subject_id`` is the person concerned, ``purpose`` why it was done (at most 200 characters); ``facts`` are plain
    values, never narratives or contacts. Pupil, school and person concerned are taken from the row when it has them.
    """
    session = db.session()
    made = draft(
        action,
        row,
        person_id=person_id,
        role=role,
        object_kind=object_kind,
        pupil_id=pupil_id,
        subject_id=subject_id,
        school_id=school_id,
        purpose=purpose,
        facts=facts,
    )
    made.savepoint = session.get_nested_transaction()
    session.info.setdefault(WAITING, []).append(made)


def append(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Chain entries at the end of the trail, in the connection's transaction; for changes made without a session.

    Call it last: it takes the lock on the head, which every other writer of entries waits for.
    """
    values, key = [made.complete() for made in drafts], chain_key()
    _place(connection, values)
    taken = connection.execute(
        HEAD.update()
        .values(sequence=HEAD.c.sequence + len(values))
        .returning(HEAD.c.sequence, HEAD.c.entry_hash)
    ).one()
    previous = bytes(taken.entry_hash)
    for sequence, entry in enumerate(values, start=taken.sequence - len(values) + 1):
        entry["sequence"] = sequence
        entry["previous_hash"] = previous
        entry["entry_hash"] = previous = entry_hash(key, previous, sequence, entry["happened_at"], entry)
    connection.execute(HEAD.update().values(entry_hash=previous))
    connection.execute(ENTRIES.insert(), values)


def _place(connection: Connection, entries: Sequence[dict[str, Any]]) -> None:
    """Add the school of each entry's pupil and the district of its school, where they are not known yet. Two queries."""
    for told, wanted, table in (("pupil_id", "school_id", "pupil"), ("school_id", "district_id", "school")):
        place = Base.metadata.tables.get(table)
        lacking = [one for one in entries if one[wanted] is None and one[told] is not None]
        if place is None or not lacking:
            continue
        asked = select(place.c.id, place.c[wanted]).where(place.c.id.in_({one[told] for one in lacking}))
        known = {row.id: row[1] for row in connection.execute(asked)}
        for one in lacking:
            one[wanted] = known.get(one[told])


@event.listens_for(db.session, "before_commit")
def chain(session: Session) -> None:
    """Chain what waits, as the last act before the commit."""
    if not session.info.get(WAITING) or session.in_nested_transaction():
        return
    session.flush()
    append(session.connection(), session.info.pop(WAITING))


@event.listens_for(db.session, "after_soft_rollback")
def forget(session: Session, ended: SessionTransaction) -> None:
    """What is rolled back did not happen: drop its entries, those of a savepoint with the savepoint."""
    waiting = session.info.get(WAITING)
    if waiting:
        session.info[WAITING] = [made for made in waiting if ended.nested and made.savepoint is not ended]
