"""What is kept about consent. Rows about a family that is erased stay as numbers, without pupil and person."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.extensions import Base
from portal.i18n import lazy_gettext as _l
from portal.privacy.ages import Band


class Answer(StrEnum):
    """What a guardian says to one purpose. A withdrawal is a no that follows a yes."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Channel(StrEnum):
    """Where the answer was given: by the guardian on screen, or on paper and keyed in by the school."""

    SCREEN = "screen"
    PAPER = "paper"


ANSWER_NAMES = {
    Answer.GIVEN: _l("Agreed"),
    Answer.REFUSED: _l("Did not agree"),
    Answer.WITHDRAWN: _l("Withdrew the consent"),
}
CHANNEL_NAMES = {
    Channel.SCREEN: _l("on screen"),
    Channel.PAPER: _l("on paper, entered by the school"),
}


def one_of(kind: type[StrEnum]) -> str:
    """The values of a set of words, for a constraint."""
    return ", ".join(f"'{value.value}'" for value in kind)


class Consent(Base):
    """One answer of one guardian about one child to one version of one purpose. Never changed; the newest holds."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint(f"answer IN ({one_of(Answer)})", name="answer_known"),
        CheckConstraint(f"channel IN ({one_of(Channel)})", name="channel_known"),
        CheckConstraint(f"age_band IN ({one_of(Band)})", name="age_band_known"),
        CheckConstraint("(channel = 'paper') = (signed_on IS NOT NULL)", name="paper_has_day"),
        Index("ix_consent_pupil", "pupil_id", "purpose", "id"),
        Index("ix_consent_school", "school_id", "answered_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(30))
    version: Mapped[int]
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    pupil_id: Mapped[int | None] = mapped_column(ForeignKey("pupil.id", ondelete="SET NULL"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    age_band: Mapped[str] = mapped_column(String(10))
    answer: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(10))
    signed_on: Mapped[date | None]
    answered_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))

    person: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])

    @property
    def is_yes(self) -> bool:
        return self.answer == Answer.GIVEN


class ConsentReminder(Base):
    """The one time that a class is asked again for a version of a purpose; a second row cannot exist."""

    __tablename__ = "consent_reminder"
    __table_args__ = (UniqueConstraint("class_id", "purpose", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(30))
    version: Mapped[int]
    reminded_on: Mapped[date]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
