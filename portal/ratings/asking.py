"""Questions about what a school hands in for its rating, and that it was looked at (see ``fairness.py``)."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.ratings.fair_signs import Rule
from portal.ratings.models import Entry

RULES = ", ".join(f"'{rule.value}'" for rule in Rule)


class RatingQuestion(PublicId, Base):
    """One question about one school in a round. ``figures`` are numbers, days and ids of indicators (see ``fair_signs``)."""

    __tablename__ = "rating_question"
    __table_args__ = (
        UniqueConstraint("entry_id", "rule"),
        CheckConstraint(f"rule IN ({RULES})", name="rule_known"),
        CheckConstraint("(answered_at IS NULL) = (answer = '')", name="answered_in_words"),
        CheckConstraint("(closed_at IS NULL) = (closing = '')", name="closed_in_words"),
        Index("ix_rating_question_due", "due_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"))
    rule: Mapped[str] = mapped_column(String(20))
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    answer: Mapped[str] = mapped_column(Text, default="", info={"class": "F1"})
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    closing: Mapped[str] = mapped_column(Text, default="", info={"class": "F1"})
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))

    entry: Mapped[Entry] = relationship(lazy="raise_on_sql")
    answered_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[answered_by_id])
    closed_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[closed_by_id])

    def say(self, words: str, by: int, now: datetime) -> None:
        """The school's answer. It is given once and stays; RuleBroken after that, or when the district has closed."""
        if self.closed_at is not None:
            raise RuleBroken(_("The district has closed this question already."))
        if self.answered_at is not None:
            raise RuleBroken(_("This question has been answered already."))
        self.answer, self.answered_at, self.answered_by_id = words, now, by

    def close(self, words: str, by: int, now: datetime) -> None:
        """The district's closing words, after the school has had its say or its time is over."""
        if self.closed_at is not None:
            raise RuleBroken(_("This question is closed already."))
        self.closing, self.closed_at, self.closed_by_id = words, now, by


class RatingLook(Base):
    """That a school was looked at in a step of its rating, and when; also where nothing was found."""

    __tablename__ = "rating_look"
    __table_args__ = (CheckConstraint("step IN ('submitted', 'scored')", name="step_known"),)

    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(String(10), primary_key=True)
    looked_at: Mapped[datetime]
