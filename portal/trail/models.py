"""The trail of changes."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.extensions import Base, db


class TrailEntry(Base):
    """One change: by whom, under which hat, to what, with which facts. Written in the change's own transaction."""

    __tablename__ = "trail_entry"
    __table_args__ = (Index("ix_trail_entry_object", "object_kind", "object_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    happened_at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(index=True)
    role: Mapped[str] = mapped_column(String(30))
    action: Mapped[str] = mapped_column(String(60))
    object_kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[int | None]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


def note(
    action: str,
    row: Base | None,
    *,
    person_id: int | None,
    role: str = "",
    object_kind: str = "",
    **facts: Any,
) -> None:
    """Add an entry to the current transaction; ``facts`` are plain values, never narratives or contacts."""
    kind = object_kind or (row.__tablename__ if row is not None else "")
    identity = getattr(row, "id", None) if row is not None else None
    db.session.add(
        TrailEntry(
            happened_at=clock.now(),
            person_id=person_id,
            role=role,
            action=action,
            object_kind=kind,
            object_id=identity,
            facts=facts,
        )
    )
