"""Questionnaires, whom they go to, and three places for what comes back that no household can be found from.

An answer lies sealed and padded in a *box* until the closing; its key is a keyed index of a token that stands nowhere in
clear, so whoever reads the database, its log or its backups minute by minute sees that a box changed, never what it says.
At the closing the boxes of a school are opened together and destroyed, and their contents go, shuffled, under random
names into tables without an order, a time or an author (SECURITY 5.6, tier 1).
"""

import json
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import NAME_LENGTH, Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import Sealed, SealedText
from portal.schools.models import School, SchoolClass, SchoolYear
from portal.surveys.instrument import Question, questions_of

KEY_LENGTH = 22
REASON_LENGTH = 300


class SurveyState(StrEnum):
    """A questionnaire: written, with the families, counted, released."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    RELEASED = "released"


STATE_NAMES = {
    SurveyState.DRAFT: _l("Being prepared"),
    SurveyState.OPEN: _l("Open to families"),
    SurveyState.CLOSED: _l("Closed, not released"),
    SurveyState.RELEASED: _l("Released"),
}
STATES = ", ".join(f"'{state.value}'" for state in SurveyState)


class Survey(PublicId, Base):
    """One questionnaire of a district to the families of some schools. ``instrument``: its questions as JSON, with their version;
    ``release``: what holds for the district and its groups of schools, frozen; ``blind``: passes are signed blindly (tier 2)."""

    __tablename__ = "survey"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state_known"),
        CheckConstraint("length(name) > 0", name="has_name"),
        CheckConstraint("state = 'draft' OR opened_at IS NOT NULL", name="opening_has_time"),
        CheckConstraint("state <> 'released' OR release IS NOT NULL", name="release_is_kept"),
        Index("ix_survey_district", "district_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    school_year_id: Mapped[int] = mapped_column(ForeignKey("school_year.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    instrument: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default=SurveyState.DRAFT)
    closes_on: Mapped[date]
    blind: Mapped[bool] = mapped_column(default=False, server_default=false())
    repeats_id: Mapped[int | None] = mapped_column(ForeignKey("survey.id"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    reminded_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    released_at: Mapped[datetime | None] = mapped_column(index=True)
    release: Mapped[str | None] = mapped_column(Text)

    school_year: Mapped[SchoolYear] = relationship(lazy="raise_on_sql")
    schools: Mapped[list["SurveySchool"]] = relationship(
        lazy="raise_on_sql", back_populates="survey", order_by="SurveySchool.id", cascade="all, delete-orphan"
    )

    @cached_property
    def questions(self) -> list[Question]:
        """The questions as they stand in this questionnaire."""
        return questions_of(self.instrument)

    @property
    def version(self) -> str:
        """The version of the questions it began with, and whether the district has changed them."""
        return str(json.loads(self.instrument)["version"])

    def refuse_unless(self, state: SurveyState) -> None:
        """RuleBroken when it does not stand there."""
        if self.state != state:
            raise RuleBroken(_("The questionnaire is at another stage now. Open its page again."))


class SurveySchool(PublicId, Base):
    """One school of a questionnaire. ``counted``: its numbers in groups that may be shown, as JSON, made at the closing;
    ``tables``: what was released of it, frozen. A voided school counts nowhere. ``modulus`` and ``signing_key`` belong to a blind
    questionnaire while it is open."""

    __tablename__ = "survey_school"
    __table_args__ = (
        UniqueConstraint("survey_id", "school_id"),
        CheckConstraint("voided_by_id IS NULL OR voided_by_id <> void_asked_by_id", name="two_people"),
        CheckConstraint("(void_asked_by_id IS NULL) = (length(void_reason) = 0)", name="void_has_reason"),
        CheckConstraint("(voided_at IS NULL) = (voided_by_id IS NULL)", name="void_has_time"),
        Index("ix_survey_school_school", "school_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    survey_id: Mapped[int] = mapped_column(ForeignKey("survey.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    peers: Mapped[str] = mapped_column(String(80), default="")
    invited: Mapped[int | None]
    answered: Mapped[int | None]
    counted: Mapped[str | None] = mapped_column(Text)
    tables: Mapped[str | None] = mapped_column(Text)
    modulus: Mapped[str | None] = mapped_column(Text)
    signing_key_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})
    signing_key = Sealed("secret")
    void_reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="", server_default="")
    void_asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    void_asked_at: Mapped[datetime | None]
    voided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    voided_at: Mapped[datetime | None]

    survey: Mapped[Survey] = relationship(lazy="raise_on_sql", back_populates="schools")
    school: Mapped[School] = relationship(lazy="raise_on_sql")
    flags: Mapped[list["SurveyFlag"]] = relationship(
        lazy="raise_on_sql", order_by="SurveyFlag.id", cascade="all, delete-orphan"
    )

    @property
    def is_void(self) -> bool:
        return self.voided_at is not None

    @property
    def shown(self) -> dict[str, Any] | None:
        """The released tables; None while there are none."""
        return json.loads(self.tables) if self.tables else None


class SurveyHousehold(PublicId, Base):
    """A household that is asked about a school, counted at one class. ``fetched``: it has opened its questionnaire or got it on paper;
    no time is kept. Its token is sealed; ``signature`` is the one over its blinded pass, which took the token's place. The whole
    row is gone at the closing."""

    __tablename__ = "survey_household"
    __table_args__ = (
        UniqueConstraint("survey_school_id", "household_id"),
        UniqueConstraint("token_index"),
        Index("ix_survey_household_household", "household_id", "survey_school_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    survey_school_id: Mapped[int] = mapped_column(ForeignKey("survey_school.id", ondelete="CASCADE"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id", ondelete="CASCADE"))
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id", ondelete="CASCADE"), index=True)
    token_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})
    token = Sealed("secret", index="token_index")
    token_index: Mapped[bytes | None] = mapped_column(LargeBinary(15), info={"class": "F6"})
    signature: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})
    fetched: Mapped[bool] = mapped_column(default=False)

    survey_school: Mapped[SurveySchool] = relationship(lazy="raise_on_sql")
    school_class: Mapped[SchoolClass] = relationship(lazy="raise_on_sql")


class SurveyBox(Base):
    """The sealed, padded answer of somebody while the questionnaire is open; the later one replaces the earlier one."""

    __tablename__ = "survey_box"
    __table_args__ = {"sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    survey_school_id: Mapped[int] = mapped_column(
        ForeignKey("survey_school.id", ondelete="CASCADE"), index=True
    )
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F5"})
    content = SealedText("narrative", row="key")


class SurveyAnswer(Base):
    """One answer after the closing, under a random name; the class only where ten answered in it."""

    __tablename__ = "survey_answer"
    __table_args__ = {"sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    survey_school_id: Mapped[int] = mapped_column(
        ForeignKey("survey_school.id", ondelete="CASCADE"), index=True
    )
    class_id: Mapped[int | None] = mapped_column(ForeignKey("school_class.id", ondelete="SET NULL"))
    choices: Mapped[str] = mapped_column(Text, info={"class": "F5"})


class SurveyRemark(Base):
    """Free text, masked, apart from the answer it came with and from its class."""

    __tablename__ = "survey_remark"
    __table_args__ = {"sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    survey_school_id: Mapped[int] = mapped_column(
        ForeignKey("survey_school.id", ondelete="CASCADE"), index=True
    )
    text_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    text = SealedText("narrative", row="key")


class SurveyPressure(Base):
    """Somebody was told what to answer; for the district alone. Gathered once a night from all boxes together, and kept when the
    answer is replaced."""

    __tablename__ = "survey_pressure"
    __table_args__ = {"sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    survey_school_id: Mapped[int] = mapped_column(
        ForeignKey("survey_school.id", ondelete="CASCADE"), index=True
    )
    text_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    text = SealedText("narrative", row="key")


class FlagKind(StrEnum):
    """What in the numbers of a school is worth a question (DOMAIN 7.4.6)."""

    IDENTICAL = "identical"
    ALL_TOP = "all_top"
    SAME_TEXT = "same_text"
    JUMP = "jump"
    CONTACTS = "contacts"


FLAG_KINDS = ", ".join(f"'{kind.value}'" for kind in FlagKind)


class SurveyFlag(PublicId, Base):
    """A question to a school about its numbers; the principal answers, the district says how it leaves it."""

    __tablename__ = "survey_flag"
    __table_args__ = (
        UniqueConstraint("survey_school_id", "kind"),
        CheckConstraint(f"kind IN ({FLAG_KINDS})", name="kind_known"),
        CheckConstraint("(answered_at IS NULL) = (length(answer) = 0)", name="answer_has_time"),
        CheckConstraint("(closed_at IS NULL) = (length(closing) = 0)", name="closing_has_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    survey_school_id: Mapped[int] = mapped_column(ForeignKey("survey_school.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    figures: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date]
    answer: Mapped[str] = mapped_column(Text, default="", server_default="", info={"class": "F1"})
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    answered_at: Mapped[datetime | None]
    closing: Mapped[str] = mapped_column(Text, default="", server_default="", info={"class": "F1"})
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    closed_at: Mapped[datetime | None]

    survey_school: Mapped[SurveySchool] = relationship(lazy="raise_on_sql", back_populates="flags")
    answered_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[answered_by_id])
    closed_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[closed_by_id])

    def is_with_school(self, on: date) -> bool:
        """Whether the school still has its say first."""
        return self.answered_at is None and self.closed_at is None and on <= self.due_on

    def waits_for_district(self, on: date) -> bool:
        """Whether the district is to look at it now."""
        return self.closed_at is None and not self.is_with_school(on)
