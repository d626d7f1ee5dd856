"""Questions about what a school hands in for its rating, and that it was looked at (see ``fairness.py``)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.i18n import gettext as _
from portal.ratings.fair_scorers import ScorerRule
from portal.ratings.fair_signs import Rule
from portal.ratings.models import Entry, Sheet
from portal.schools.asking import Question, constraints

OF_SCORERS = frozenset(ScorerRule)


class RatingQuestion(Question):
    """One question about one school in a round. ``figures`` are numbers, days and ids of indicators (see ``fair_signs``)."""

    __tablename__ = "rating_question"
    __table_args__ = (
        UniqueConstraint("entry_id", "rule"),
        *constraints("rating_question", [*Rule, *ScorerRule]),
    )
    NOTED = "rating.question_"

    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"))
    rule: Mapped[str] = mapped_column(String(20))

    entry: Mapped[Entry] = relationship(lazy="raise_on_sql")

    @property
    def to_school(self) -> bool:
        """Questions about scorers are the district's own."""
        return self.rule not in OF_SCORERS

    def close(self, words: str, by: Actor, now: datetime) -> None:
        """The district's closing words; nobody closes a question about a sheet of their own."""
        if not self.to_school and self._about(by):
            raise RuleBroken(_("Somebody else settles a question about your own sheet."))
        super().close(words, by, now)

    def _about(self, by: Actor) -> bool:
        own = Sheet.public_id.in_(self.figures["sheets"]), Sheet.person_id == by.person_id
        return db.session.scalar(select(Sheet.id).where(*own)) is not None


class RatingLook(Base):
    """That a school was looked at in a step of its rating, and when; also where nothing was found."""

    __tablename__ = "rating_look"
    __table_args__ = (CheckConstraint("step IN ('submitted', 'scored')", name="step_known"),)

    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[str] = mapped_column(String(10), primary_key=True)
    looked_at: Mapped[datetime]
