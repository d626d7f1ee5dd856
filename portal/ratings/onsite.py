"""What an inspector brings back from a school: scores and notes written without a network, merged indicator by indicator;
interviews, documents seen and the parents' meeting as notes of the sheet.

A device sends one operation for each indicator or note, with the revision it took along. Where something else stands by
then, both texts are kept until the inspector has chosen; a sheet with such a choice open is not locked. Nobody but its
inspector reads a sheet or its notes before both sheets are locked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.operations import Operation
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.models import EntryState, Sheet
from portal.trail.models import note

LINE = 200
ITEM, NOTE = "item", "note"
PAGE = ""
"""The device of what was written on the page and not on a device."""


class NoteKind(StrEnum):
    """What a note tells of."""

    INTERVIEW = "interview"
    DOCUMENTS = "documents"
    MEETING = "meeting"


NOTE_NAMES = {
    NoteKind.INTERVIEW: _l("Interview"),
    NoteKind.DOCUMENTS: _l("Check of documents"),
    NoteKind.MEETING: _l("Meeting with parents"),
}
_KINDS = ", ".join(f"'{kind.value}'" for kind in NoteKind)


class SheetNote(Base):
    """A note of one sheet. ``client_id`` is made by the device or the page; ``items`` are the indicators it is about."""

    __tablename__ = "rating_sheet_note"
    __table_args__ = (
        UniqueConstraint("sheet_id", "client_id"),
        CheckConstraint(f"kind IN ({_KINDS})", name="kind_known"),
        CheckConstraint("length(text) > 0", name="has_text"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("rating_sheet.id", ondelete="CASCADE"))
    client_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(10))
    held_on: Mapped[date]
    with_whom: Mapped[str] = mapped_column(String(LINE))
    items: Mapped[str] = mapped_column(Text, default="[]")
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]

    @property
    def kind_name(self) -> str:
        """访谈, 资料核查, 家长座谈会."""
        return str(NOTE_NAMES[NoteKind(self.kind)])

    @property
    def item_ids(self) -> list[str]:
        """Ids of the indicators it is about."""
        return [str(one) for one in restored(self.items)["items"]]


class SheetPart(Base):
    """Where an indicator or a note of a sheet stands: how often it was written, and by which device last."""

    __tablename__ = "rating_sheet_part"
    __table_args__ = (UniqueConstraint("sheet_id", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("rating_sheet.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(90))
    revision: Mapped[int] = mapped_column(default=0)
    device: Mapped[str] = mapped_column(String(36), default=PAGE)
    number: Mapped[int] = mapped_column(default=0)


class SheetClash(PublicId, Base):
    """What a device wrote about something that had been written otherwise meanwhile; kept until its author has chosen."""

    __tablename__ = "rating_sheet_clash"
    __table_args__ = (
        UniqueConstraint("sheet_id", "subject", "device"),
        Index("ix_rating_sheet_clash_open", "sheet_id", "settled_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("rating_sheet.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(90))
    device: Mapped[str] = mapped_column(String(36))
    number: Mapped[int]
    content: Mapped[str] = mapped_column(Text)
    came_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Verdict:
    """What to do with an operation: ``apply`` it, keep it beside (``clash``), or neither (what stands is the same or newer)."""

    apply: bool
    clash: bool


def subject_of(kind: str, name: str) -> str:
    """The name of an indicator or a note within its sheet."""
    return f"{kind}:{name}"


def part_of(sheet: Sheet, subject: str) -> SheetPart:
    """Where something stands, held until the transaction ends; new where nothing was written."""
    wanted = select(SheetPart).where(SheetPart.sheet_id == sheet.id, SheetPart.subject == subject)
    found = db.session.scalar(wanted.with_for_update())
    if found is None:
        found = SheetPart(sheet_id=sheet.id, subject=subject, revision=0, device=PAGE, number=0)
        db.session.add(found)
        db.session.flush()
    return found


def revisions_of(sheet: Sheet) -> dict[str, int]:
    """Revision by subject, of what was written."""
    rows = select(SheetPart.subject, SheetPart.revision).where(SheetPart.sheet_id == sheet.id)
    return {subject: revision for subject, revision in db.session.execute(rows)}


def written_here(sheet: Sheet, subject: str) -> None:
    """Something was written on the page: devices that took the text before are older than this."""
    part = part_of(sheet, subject)
    part.revision, part.device, part.number = part.revision + 1, PAGE, 0


def must_be_open(sheet: Sheet) -> None:
    """RuleBroken once the sheet is locked, or before and after scoring."""
    if sheet.entry.state != EntryState.SCORING or sheet.locked_at is not None:
        raise RuleBroken(_("This sheet is locked. Nobody can change it now."))


def weigh(part: SheetPart, sent: Operation, *, same: bool) -> Verdict:
    """What becomes of an operation about ``part``; ``same``: it says what stands already.

    A device goes on with its own text. What it wrote earlier and arrives late changes nothing. Where somebody wrote
    after the device had taken the text along, its text stands beside.
    """
    own = part.device == sent.device
    if own and sent.number <= part.number:
        return Verdict(False, False)
    base = max((one.base or 0 for one in sent.fields.values()), default=0)
    if same or own or base >= part.revision:
        return Verdict(not same, False)
    return Verdict(False, True)


def taken_over(part: SheetPart, sent: Operation) -> None:
    """The text of a device stands now."""
    part.revision, part.device, part.number = part.revision + 1, sent.device, sent.number


def keep_beside(sheet: Sheet, part: SheetPart, sent: Operation, content: Mapping[str, Any]) -> None:
    """Keep the text of a device beside the one that stands, in the current transaction; its newest one only."""
    wanted = select(SheetClash).where(
        SheetClash.sheet_id == sheet.id,
        SheetClash.subject == part.subject,
        SheetClash.device == sent.device,
    )
    row = db.session.scalar(wanted)
    if row is None:
        row = SheetClash(sheet_id=sheet.id, subject=part.subject, device=sent.device, number=-1)
        db.session.add(row)
    if sent.number <= row.number:
        return
    row.content, row.number, row.came_at, row.settled_at = canonical(content), sent.number, clock.now(), None
    note(
        "rating.kept_beside",
        sheet,
        person_id=sheet.person_id,
        subject=part.subject,
        content=digest(row.content),
    )


def open_clashes(sheet: Sheet) -> list[SheetClash]:
    """The texts that wait for a choice, the oldest first."""
    wanted = select(SheetClash).where(SheetClash.sheet_id == sheet.id, SheetClash.settled_at.is_(None))
    return list(db.session.scalars(wanted.order_by(SheetClash.id)))


def must_be_settled(sheet: Sheet) -> None:
    """RuleBroken while two texts wait for a choice."""
    if open_clashes(sheet):
        raise RuleBroken(_("Two texts met. Choose first which one stays."))


def notes_of(sheet: Sheet) -> list[SheetNote]:
    """The notes of a sheet, by day."""
    wanted = select(SheetNote).where(SheetNote.sheet_id == sheet.id)
    return list(db.session.scalars(wanted.order_by(SheetNote.held_on, SheetNote.id)))


def notes_of_both(sheet: Sheet) -> list[tuple[str, SheetNote]]:
    """(inspector, note) of every sheet of the school, by day; for when both sheets are locked."""
    wanted = (
        select(Person.name, SheetNote)
        .join(Sheet, Sheet.id == SheetNote.sheet_id)
        .join(Person, Person.id == Sheet.person_id)
        .where(Sheet.entry_id == sheet.entry_id)
        .order_by(SheetNote.held_on, SheetNote.id)
    )
    return [(name, row) for name, row in db.session.execute(wanted)]


def note_named(sheet: Sheet, client_id: str) -> SheetNote | None:
    """A note of a sheet by the id its device or page made."""
    return db.session.scalar(
        select(SheetNote).where(SheetNote.sheet_id == sheet.id, SheetNote.client_id == client_id)
    )


def write_note(sheet: Sheet, client_id: str, said: Mapping[str, Any]) -> SheetNote:
    """Keep a note, new or changed, in the current transaction. ``said``: kind, held_on, with_whom, items, text."""
    must_be_open(sheet)
    row = note_named(sheet, client_id)
    if row is None:
        row = SheetNote(sheet_id=sheet.id, client_id=client_id)
        db.session.add(row)
    row.kind, row.held_on, row.with_whom, row.text = (
        said["kind"],
        said["held_on"],
        said["with_whom"],
        said["text"],
    )
    row.items, row.written_at = canonical({"items": sorted(said["items"])}), clock.now()
    note("rating.noted", sheet, person_id=sheet.person_id, kind=row.kind, content=digest(row.text))
    return row
