"""Opinions and their answers."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import SealedText, SealPlace
from portal.opinions.deadlines import deadlines
from portal.schools.calendar import is_provisional
from portal.schools.models import Pupil, School

TEXT_LENGTH = 2_000


class Category(StrEnum):
    """What an opinion is about. It decides who reads it."""

    TEACHING = "teaching"
    HOMEWORK = "homework"
    CANTEEN = "canteen"
    FEES = "fees"
    FACILITIES = "facilities"
    COMMUNICATION = "communication"
    OTHER = "other"
    BULLYING = "bullying"
    SAFETY = "safety"
    PRINCIPAL = "principal"
    PRESSURE = "pressure"


CATEGORY_NAMES = {
    Category.TEACHING: _l("Teaching"),
    Category.HOMEWORK: _l("Homework"),
    Category.CANTEEN: _l("Canteen"),
    Category.FEES: _l("Fees"),
    Category.FACILITIES: _l("Buildings and equipment"),
    Category.COMMUNICATION: _l("Talking with the school"),
    Category.OTHER: _l("Something else"),
    Category.BULLYING: _l("Bullying"),
    Category.SAFETY: _l("Safety"),
    Category.PRINCIPAL: _l("About the principal"),
    Category.PRESSURE: _l("Pressure or gifts at home visits"),
}


class Addressee(StrEnum):
    """Who has to answer: the school's office (or its principal), the principal alone, or the district."""

    OFFICE = "office"
    PRINCIPAL = "principal"
    DISTRICT = "district"


ADDRESSEE_NAMES = {
    Addressee.OFFICE: _l("The school office"),
    Addressee.PRINCIPAL: _l("The principal"),
    Addressee.DISTRICT: _l("The district's education office"),
}
STRAIGHT_TO = {
    Category.BULLYING: Addressee.PRINCIPAL,
    Category.SAFETY: Addressee.PRINCIPAL,
    Category.PRINCIPAL: Addressee.DISTRICT,
    Category.PRESSURE: Addressee.DISTRICT,
}
PAST_THE_SCHOOL = tuple(category for category, reader in STRAIGHT_TO.items() if reader == Addressee.DISTRICT)
"""What nobody at the school reads or counts: it may be about whoever would read it."""
NEXT_READER = {
    Addressee.OFFICE: Addressee.PRINCIPAL,
    Addressee.PRINCIPAL: Addressee.DISTRICT,
    Addressee.DISTRICT: Addressee.DISTRICT,
}


def _one_of(kind: type[StrEnum]) -> str:
    return ", ".join(f"'{value.value}'" for value in kind)


class OpinionSeries(Base):
    """The last number given in a series, such as YX01-2026 of one school."""

    __tablename__ = "opinion_series"

    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    last: Mapped[int]


class Opinion(PublicId, Base):
    """What a parent tells the school. ``round`` is 2 once it was reopened, and the dates then
    are those of the second round. ``due_on`` is the next day by which somebody must act."""

    __tablename__ = "opinion"
    __table_args__ = (
        UniqueConstraint("district_id", "number"),
        CheckConstraint(f"category IN ({_one_of(Category)})", name="category_known"),
        CheckConstraint(f"addressee IN ({_one_of(Addressee)})", name="addressee_known"),
        CheckConstraint(
            "category NOT IN ('principal', 'pressure') OR addressee = 'district'",
            name="not_to_the_one_it_is_about",
        ),
        CheckConstraint("round IN (1, 2)", name="reopened_once"),
        CheckConstraint("answered_on IS NULL OR acknowledged_on IS NOT NULL", name="answer_acknowledges"),
        CheckConstraint(
            "(is_helpful IS NULL AND rated_at IS NULL) OR (is_helpful IS NOT NULL AND rated_at IS NOT NULL)",
            name="rating_has_time",
        ),
        Index("ix_opinion_school_due", "school_id", "answered_on", "due_on", "id"),
        Index("ix_opinion_author", "author_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(String(90))
    category: Mapped[str] = mapped_column(String(20))
    addressee: Mapped[str] = mapped_column(String(10))
    text_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    text = SealedText("narrative")
    is_confidential: Mapped[bool] = mapped_column(default=False)
    round: Mapped[int] = mapped_column(default=1)
    sent_at: Mapped[datetime]
    acknowledge_by: Mapped[date]
    answer_by: Mapped[date]
    lifts_on: Mapped[date]
    due_on: Mapped[date]
    acknowledged_on: Mapped[date | None]
    answered_on: Mapped[date | None]
    is_helpful: Mapped[bool | None]
    rated_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]
    reopening_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    reopening = SealedText("narrative")

    school: Mapped[School] = relationship(lazy="raise_on_sql")
    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    author: Mapped[Person] = relationship(lazy="raise_on_sql")
    answers: Mapped[list["OpinionAnswer"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", order_by="OpinionAnswer.round"
    )

    @property
    def is_answered(self) -> bool:
        return self.answered_on is not None

    @property
    def acknowledgement_is_provisional(self) -> bool:
        """Whether the holidays of the year of the acknowledgement are not published yet."""
        return is_provisional(self.acknowledge_by)

    @property
    def answer_is_provisional(self) -> bool:
        """Whether the holidays of the year of the answer are not published yet."""
        return is_provisional(self.answer_by)

    def is_late(self, today: date) -> bool:
        """Whether a deadline has passed without the act."""
        return not self.is_answered and today > self.due_on

    def is_lifted(self, today: date) -> bool:
        """Whether the district sees it because the school let it lie."""
        return self.lifts_on <= (self.answered_on or today)

    def set_clock(self, on: date) -> None:
        """Start the clock on a day."""
        dates = deadlines(on)
        self.acknowledge_by, self.answer_by = dates.acknowledge_by, dates.answer_by
        self.lifts_on = dates.lifts_on
        self.due_on = self.acknowledge_by

    def refuse_own(self, person_id: int) -> None:
        """Nobody deals with an opinion they sent themselves."""
        if self.author_id == person_id:
            raise RuleBroken(_("This opinion is your own. Somebody else has to deal with it."))

    def acknowledge(self, person_id: int, on: date) -> None:
        """Say that it has arrived and is being dealt with."""
        self.refuse_own(person_id)
        if self.is_answered:
            raise RuleBroken(_("This opinion is answered already."))
        if self.acknowledged_on is None:
            self.acknowledged_on = on
            self.due_on = self.answer_by

    def answer(self, person_id: int, at: datetime, on: date, text: str) -> "OpinionAnswer":
        """Answer it once in each round."""
        self.refuse_own(person_id)
        if self.is_answered:
            raise RuleBroken(_("This opinion is answered already."))
        given = OpinionAnswer(
            round=self.round,
            text=text,
            answered_by_id=person_id,
            answered_at=at,
            answered_on=on,
            due_on=self.answer_by,
        )
        self.answers.append(given)
        self.acknowledged_on = self.acknowledged_on or on
        self.answered_on = on
        return given

    def rate(self, *, helpful: bool, at: datetime) -> None:
        """The family says whether the answer helped; once for each answer."""
        if not self.is_answered:
            raise RuleBroken(_("There is no answer to rate yet."))
        if self.is_helpful is not None:
            raise RuleBroken(_("You have rated this answer already. Thank you."))
        self.is_helpful, self.rated_at = helpful, at

    @property
    def may_be_reopened(self) -> bool:
        return self.is_answered and self.round == 1

    def reopen(self, at: datetime, on: date, text: str) -> None:
        """Ask once more; another reader answers, with a clock of its own."""
        if not self.may_be_reopened:
            raise RuleBroken(_("An opinion can be reopened once, after it was answered."))
        self.round = 2
        self.reopened_at, self.reopening = at, text
        self.addressee = NEXT_READER[Addressee(self.addressee)]
        self.acknowledged_on = self.answered_on = self.is_helpful = self.rated_at = None
        self.set_clock(on)


class OpinionAnswer(SealPlace, Base):
    """The answer of one round, with the day by which it was due."""

    __tablename__ = "opinion_answer"
    __table_args__ = (
        UniqueConstraint("opinion_id", "round"),
        CheckConstraint("round IN (1, 2)", name="round_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    opinion_id: Mapped[int] = mapped_column(ForeignKey("opinion.id", ondelete="CASCADE"))
    round: Mapped[int]
    text_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    text = SealedText("narrative", row="sealed_as")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    answered_at: Mapped[datetime]
    answered_on: Mapped[date] = mapped_column(index=True)
    due_on: Mapped[date]

    @property
    def in_time(self) -> bool:
        return self.answered_on <= self.due_on
