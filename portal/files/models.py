"""Files people brought: what they are, whose they are, where their sealed bytes lie, whether they may be served."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import SealedText

NAME_LENGTH = 200


class Kind(StrEnum):
    """What a file is, found by decoding it."""

    IMAGE = "image"
    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    PPTX = "pptx"
    TEXT = "text"


KIND_NAMES = {
    Kind.IMAGE: _l("Picture"),
    Kind.PDF: _l("PDF"),
    Kind.DOCX: _l("Word document"),
    Kind.XLSX: _l("Excel workbook"),
    Kind.PPTX: _l("PowerPoint slides"),
    Kind.TEXT: _l("Plain text"),
}


class State(StrEnum):
    """A quarantined file waits for the virus scanner and is shown to nobody; a refused one never will be."""

    QUARANTINED = "quarantined"
    CLEAN = "clean"
    REFUSED = "refused"


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class File(PublicId, Base):
    """One accepted file. It never changes; only its state moves on once, when the scanner has spoken.

    ``owner_kind`` and ``owner_id`` name the row it belongs to (``portal/files/owners.py`` says whose permission decides),
    ``slot`` what it is to that row. ``sha256`` and ``size`` (bytes) are of what is served, ``stored_key`` names the sealed object.
    ``holds`` is the class of what it shows (F1 a notice's attachment, F4 a photo). The data key opens the object; when the
    row goes, the object can no longer be read, wherever a copy of it lies.
    """

    __tablename__ = "file"
    __table_args__ = (
        CheckConstraint(_one_of("kind", Kind), name="kind_known"),
        CheckConstraint(_one_of("state", State), name="state_known"),
        CheckConstraint("holds IN ('F0', 'F1', 'F2', 'F3', 'F4', 'F4S')", name="holds_known"),
        CheckConstraint("size > 0", name="has_bytes"),
        CheckConstraint("length(name) > 0", name="has_name"),
        UniqueConstraint("owner_kind", "owner_id", "slot", "sha256", name="uq_file_owner"),
        UniqueConstraint("stored_key", name="uq_file_stored_key"),
        Index("ix_file_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(30))
    owner_id: Mapped[int]
    slot: Mapped[str] = mapped_column(String(30))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), info={"class": "F2"})
    kind: Mapped[str] = mapped_column(String(10))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    stored_key: Mapped[str] = mapped_column(String(40))
    data_key_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F6"})
    holds: Mapped[str] = mapped_column(String(4))
    state: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    scanned_at: Mapped[datetime | None]

    data_key = SealedText("narrative")
    by: Mapped[Person | None] = relationship(lazy="raise_on_sql")

    @property
    def kind_name(self) -> str:
        """照片, PDF, Word 文档 …"""
        return str(KIND_NAMES[Kind(self.kind)])

    @property
    def size_words(self) -> str:
        """The size as people read it: 340 KB, 1.2 MB."""
        kilobytes = -(-self.size // 1024)
        return f"{kilobytes} KB" if kilobytes < 1000 else f"{self.size / 1024 / 1024:.1f} MB"

    @property
    def is_clean(self) -> bool:
        return self.state == State.CLEAN

    @property
    def is_quarantined(self) -> bool:
        return self.state == State.QUARANTINED

    def must_be_served(self) -> None:
        """Refuse what the scanner has not passed, in words."""
        if self.is_quarantined:
            raise RuleBroken(_("This file is still being checked for viruses. Try again in a few minutes."))
        if not self.is_clean:
            raise RuleBroken(_("The virus check refused this file. It is shown to nobody."))
