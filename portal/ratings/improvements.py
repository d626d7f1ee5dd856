"""What a school does after a result: what it means to do better by itself, and what the district found and asks to be mended."""

from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from portal.extensions import Base, PublicId
from portal.i18n import gettext as _


class Improvement(PublicId, Base):
    """One thing a school means to do better after a result, and what came of it. The school writes, anybody reads.

    A finding (``is_finding``) is written by the district instead; the school says how it was mended and where that can be
    seen, and the district confirms it on a day, or gives it back.
    """

    __tablename__ = "rating_improvement"
    __table_args__ = (
        CheckConstraint("length(text) > 0", name="has_text"),
        CheckConstraint("done_on IS NULL OR length(done_text) > 0", name="done_says_what"),
        CheckConstraint(
            "confirmed_on IS NULL OR (confirmed_by_id IS NOT NULL AND done_on IS NOT NULL AND is_finding)",
            name="confirmed_when_done",
        ),
        Index("ix_rating_improvement_entry", "entry_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    item_id: Mapped[str] = mapped_column(String(80), default="")
    text: Mapped[str] = mapped_column(Text, info={"class": "F0"})
    due_on: Mapped[date]
    done_text: Mapped[str] = mapped_column(Text, default="", server_default="", info={"class": "F0"})
    done_on: Mapped[date | None]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[datetime]
    is_finding: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    confirmed_on: Mapped[date | None]

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to do: the school has done it and, of a finding, the district has confirmed it."""
        return self.done_on is not None and (self.confirmed_on is not None or not self.is_finding)

    @property
    def stands(self) -> tuple[str, str]:
        """(where it stands in words, the kind of its chip)."""
        if self.is_closed:
            return (_("Mended and confirmed") if self.is_finding else _("Done")), "good"
        if self.done_on is not None:
            return _("Waits for the district office"), "wait"
        return (_("To be mended") if self.is_finding else _("Under way")), "wait"
