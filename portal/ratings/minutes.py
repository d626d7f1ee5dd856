"""The tables of a panel's minutes: one meeting about one school, and who was there. The rules stand in ``panels.py``."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l


class Presence(StrEnum):
    """Whether a member of the panel was there."""

    PRESENT = "present"
    ABSENT = "absent"
    RECUSED = "recused"


PRESENCE_NAMES = {
    Presence.PRESENT: _l("At the meeting"),
    Presence.ABSENT: _l("Absent"),
    Presence.RECUSED: _l("Stepped aside"),
}
_KINDS = ", ".join(f"'{kind.value}'" for kind in Presence)


class Meeting(Base):
    """The minutes of one meeting about one school, with what was proposed. Never changed."""

    __tablename__ = "rating_meeting"
    __table_args__ = (
        UniqueConstraint("entry_id", "number"),
        CheckConstraint("length(text) > 0", name="has_text"),
        CheckConstraint("length(basis) = 64", name="hash_complete"),
        CheckConstraint("in_favour > 0", name="somebody_for_it"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    number: Mapped[int]
    held_on: Mapped[date]
    chair_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    in_favour: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    why_aside: Mapped[str] = mapped_column(Text, default="", server_default="")
    star: Mapped[int | None]
    total: Mapped[str | None] = mapped_column(String(40))
    basis: Mapped[str] = mapped_column(String(64))
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]

    chair: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[chair_id])
    members: Mapped[list["Attendance"]] = relationship(lazy="raise_on_sql", order_by="Attendance.id")

    def names(self, presence: str) -> list[str]:
        """Who was present, absent, or stepped aside."""
        return [one.person.name for one in self.members if one.presence == presence]


class Attendance(Base):
    """One member of the panel at one meeting."""

    __tablename__ = "rating_attendance"
    __table_args__ = (
        UniqueConstraint("meeting_id", "person_id"),
        CheckConstraint(f"presence IN ({_KINDS})", name="presence_known"),
        Index("ix_rating_attendance_person", "person_id", "presence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("rating_meeting.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    presence: Mapped[str] = mapped_column(String(10))

    person: Mapped[Person] = relationship(lazy="raise_on_sql")


@event.listens_for(Meeting, "before_update")
@event.listens_for(Meeting, "before_delete")
@event.listens_for(Attendance, "before_update")
@event.listens_for(Attendance, "before_delete")
def _keep_minutes(_mapper: Any, _connection: Any, _row: Any) -> None:
    raise RuleBroken(_("Minutes cannot be changed. Write down another meeting."))
