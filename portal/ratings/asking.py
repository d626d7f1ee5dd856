"""Questions about what a school hands in for its rating, and that it was looked at (see ``fairness.py``)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.extensions import Base
from portal.ratings.fair_signs import Rule
from portal.ratings.models import Entry
from portal.schools.asking import Question, constraints


class RatingQuestion(Question):
    """One question about one school in a round. ``figures`` are numbers, days and ids of indicators (see ``fair_signs``)."""

    __tablename__ = "rating_question"
    __table_args__ = (UniqueConstraint("entry_id", "rule"), *constraints("rating_question", Rule))
    NOTED = "rating.question_"

    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"))
    rule: Mapped[str] = mapped_column(String(20))

    entry: Mapped[Entry] = relationship(lazy="raise_on_sql")


class RatingLook(Base):
    """That a school was looked at in a step of its rating, and when; also where nothing was found."""

    __tablename__ = "rating_look"
    __table_args__ = (CheckConstraint("step IN ('submitted', 'scored')", name="step_known"),)

    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(String(10), primary_key=True)
    looked_at: Mapped[datetime]
