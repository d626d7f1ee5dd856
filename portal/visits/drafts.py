"""Drafts of visits that devices keep here too: one per author and client-made id, field by field, nothing thrown away.

A field has a revision; whoever sends a newer text says on which revision it stands. Two texts on the same revision are a
clash: both stay, and the author chooses.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    and_,
    exists,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.access import Actor, Permission, Role
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.keys.sealing import SealedData, SealedText, SealPlace
from portal.schools.models import Pupil, SchoolClass
from portal.schools.policy import pupils_of_class
from portal.visits.models import Invitation, Visit

GUARDED = "sealed"
"""The field of the sealed note: under a key of its own, and never shown beside another text."""


def client_id_of(invitation: Invitation) -> str:
    """The id under which every device writes about the meeting that was agreed on: it makes their texts one visit."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"visit-invitation:{invitation.public_id}"))


class VisitDraft(PublicId, Base):
    """What one author has written about one visit so far. ``client_id`` is made by a device; another author who
    writes about the same visit uses the same. ``finished_at`` without a visit: the visit was deleted since."""

    __tablename__ = "visit_draft"
    __table_args__ = (
        UniqueConstraint("author_id", "client_id"),
        CheckConstraint("visit_id IS NULL OR finished_at IS NOT NULL", name="visit_is_finished"),
        Index("ix_visit_draft_pupil", "pupil_id", "client_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(36))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id", ondelete="SET NULL"), index=True)
    begun_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]

    author: Mapped[Person] = relationship(lazy="raise_on_sql")
    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    visit: Mapped[Visit | None] = relationship(lazy="raise_on_sql")
    parts: Mapped[list["DraftPart"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", passive_deletes=True
    )
    clashes: Mapped[list["DraftClash"]] = relationship(
        lazy="raise_on_sql", order_by="DraftClash.id", cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def values(self) -> dict[str, Any]:
        """Field → text (or list of texts) as it stands."""
        return {part.field: part.content for part in self.parts}

    @property
    def open_clashes(self) -> list["DraftClash"]:
        """Texts that wait for the author's choice."""
        return [one for one in self.clashes if one.settled_at is None]


class _Content(SealPlace):
    """A text (or list of texts) of one field; the sealed note's under the key of sealed notes."""

    field: Mapped[str] = mapped_column(String(40))
    value_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    guarded_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4S"})
    device: Mapped[str] = mapped_column(String(36))
    number: Mapped[int]
    device_at: Mapped[datetime]
    received_at: Mapped[datetime]


class DraftPart(_Content, Base):
    """One field. Revision 0 is what the page proposed and nobody touched. ``device_at`` is what the device claims,
    ``number`` counts the device's own changes."""

    __tablename__ = "visit_draft_part"
    __table_args__ = (
        UniqueConstraint("draft_id", "field"),
        CheckConstraint("revision >= 0", name="revision_counts"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("visit_draft.id", ondelete="CASCADE"))
    revision: Mapped[int]
    value = SealedData("narrative", row="sealed_as")
    guarded = SealedText("safeguarding", row="sealed_as")

    @property
    def content(self) -> Any:
        """The text, "" when there is none."""
        return self.guarded if self.field == GUARDED else self.value or ""

    @content.setter
    def content(self, content: Any) -> None:
        if self.field == GUARDED:
            self.guarded = content
        else:
            self.value = content or None


class DraftClash(PublicId, _Content, Base):
    """A text that came for a field which had another by then."""

    __tablename__ = "visit_draft_clash"

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("visit_draft.id", ondelete="CASCADE"), index=True)
    value = SealedData("narrative", row="sealed_as")
    guarded = SealedText("safeguarding", row="sealed_as")
    settled_at: Mapped[datetime | None]

    @property
    def content(self) -> Any:
        """The text."""
        return self.guarded if self.field == GUARDED else self.value or ""

    @content.setter
    def content(self, content: Any) -> None:
        if self.field == GUARDED:
            self.guarded = content
        else:
            self.value = content or None

    def settle(self, now: datetime) -> None:
        """The choice is made; the text itself is gone."""
        self.settled_at, self.value, self.guarded = now, None, ""


class LateVisit(PublicId, Base):
    """That a draft came when its author no longer had the child, and what the principal of the school made of it (``late.py``).

    ``held_on`` is the day of the visit, ``seen_at`` when the author took note of the decision.
    """

    __tablename__ = "late_visit"
    __table_args__ = (
        CheckConstraint("(decided_at IS NULL) = (is_accepted IS NULL)", name="decided_one_way"),
        CheckConstraint("seen_at IS NULL OR decided_at IS NOT NULL", name="seen_once_decided"),
        Index("ix_late_visit_school", "school_id", "decided_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("visit_draft.id", ondelete="CASCADE"), unique=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id"))
    held_on: Mapped[date]
    came_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    is_accepted: Mapped[bool | None]
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    reason = SealedText("narrative")
    seen_at: Mapped[datetime | None]

    draft: Mapped[VisitDraft] = relationship(lazy="raise_on_sql")
    school_class: Mapped[SchoolClass] = relationship(lazy="raise_on_sql")
    decided_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[decided_by_id])

    def decide(self, is_accepted: bool, by: Actor, now: datetime, reason: str = "") -> None:
        """The principal's word; RuleBroken when it was given before."""
        if self.decided_at is not None:
            raise RuleBroken(_("This was decided already."))
        self.decided_at, self.decided_by_id, self.is_accepted = now, by.person_id, is_accepted
        self.reason = reason


def own_drafts_in_class(actor: Actor) -> ColumnElement[bool]:
    """Drafts that the teacher wrote about pupils of the class today."""
    return and_(VisitDraft.author_id == actor.person_id, VisitDraft.pupil_id.in_(pupils_of_class(actor)))


def awaits_author() -> ColumnElement[bool]:
    """Drafts that are unfinished, or hold a text that waits for a choice."""
    waiting = exists().where(DraftClash.draft_id == VisitDraft.id, DraftClash.settled_at.is_(None))
    return or_(VisitDraft.finished_at.is_(None), waiting)


DRAFT = Permission("visit.draft", VisitDraft, "F4", {Role.CLASS_TEACHER: own_drafts_in_class})
