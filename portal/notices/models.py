"""Notices, what guardians did with them, and the numbers kept beside them.

The audience is a rule (scope kind, scope id, role): a notice to a whole district is one row. Rows per guardian and per
household exist only once somebody opened or confirmed.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.access import Role
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l

TITLE_LENGTH = 60
BODY_LENGTH = 2000
ACT_LENGTH = 300
LINE_LENGTH = 100
REASON_LENGTH = 200


class Scope(StrEnum):
    """Whose families a notice is for."""

    DISTRICT = "district"
    SCHOOL = "school"
    GRADE = "grade"
    CLASS = "class"


class State(StrEnum):
    """A draft is seen by its authors only; a withdrawn notice stays visible as withdrawn."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Level(StrEnum):
    """What a guardian is asked for."""

    READ = "read"
    CONFIRM = "confirm"


class Counts(StrEnum):
    """Whose answer is enough: one guardian of a household, or each guardian's own."""

    HOUSEHOLD = "household"
    GUARDIAN = "guardian"


LEVEL_NAMES = {Level.READ: _l("Reading it is enough"), Level.CONFIRM: _l("Please confirm")}


def from_whom(author_role: str, place: str) -> str:
    """Who speaks: 三(2)班家委会, 三(2)班班主任, 望溪小学, 云溪县教育局."""
    match author_role:
        case Role.COMMITTEE_CHAIR:
            return _("%(place)s parent committee", place=place)
        case Role.CLASS_TEACHER:
            return _("%(place)s class teacher", place=place)
        case Role.DISTRICT_STAFF:
            return _("%(place)s education bureau", place=place)
        case _:
            return place


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class Notice(PublicId, Base):
    """A notice. ``due_on`` and ``expires_on`` are the last days that count; ``round`` grows when a correction asks again.

    ``school_id`` is empty for a notice of a district to all its schools. ``money_words`` holds what looked like a
    request for money when the author published all the same.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint(_one_of("scope_kind", Scope), name="scope_known"),
        CheckConstraint(_one_of("state", State), name="state_known"),
        CheckConstraint(_one_of("level", Level), name="level_known"),
        CheckConstraint(_one_of("counts", Counts), name="counts_known"),
        CheckConstraint("audience_role IN ('guardian')", name="audience_role_known"),
        CheckConstraint("length(title) > 0", name="has_title"),
        CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published_has_instant"),
        CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL AND length(withdrawal_reason) > 0)",
            name="withdrawal_has_reason",
        ),
        CheckConstraint(
            "expires_on IS NULL OR due_on IS NULL OR expires_on >= due_on", name="expires_after_due"
        ),
        Index("ix_notice_audience", "scope_kind", "scope_id", "published_at", "id"),
        Index("ix_notice_school", "school_id", "id"),
        Index("ix_notice_district", "district_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    author_role: Mapped[str] = mapped_column(String(30))
    sender: Mapped[str] = mapped_column(String(400))
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id"))
    scope_kind: Mapped[str] = mapped_column(String(10))
    scope_id: Mapped[int]
    scope_name: Mapped[str] = mapped_column(String(400))
    audience_role: Mapped[str] = mapped_column(String(30), default="guardian")
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    body: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(LINE_LENGTH), default="")
    act: Mapped[str] = mapped_column(String(ACT_LENGTH), default="")
    ask: Mapped[str] = mapped_column(String(LINE_LENGTH), default="")
    level: Mapped[str] = mapped_column(String(10))
    counts: Mapped[str] = mapped_column(String(10), default=Counts.HOUSEHOLD)
    due_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(10), default=State.DRAFT)
    revision: Mapped[int] = mapped_column(default=1)
    round: Mapped[int] = mapped_column(default=1)
    money_words: Mapped[str] = mapped_column(String(400), default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now)
    published_at: Mapped[datetime | None]
    corrected_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="")

    author: Mapped[Person] = relationship(lazy="raise_on_sql")
    summary: Mapped["NoticeSummary"] = relationship(
        lazy="raise_on_sql", back_populates="notice", cascade="all, delete-orphan"
    )
    texts: Mapped[list["NoticeText"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", order_by="NoticeText.revision.desc()"
    )

    @property
    def from_whom(self) -> str:
        """Who speaks, as families read it."""
        return from_whom(self.author_role, self.sender)

    @property
    def is_draft(self) -> bool:
        return self.state == State.DRAFT

    @property
    def is_published(self) -> bool:
        return self.state == State.PUBLISHED

    @property
    def is_withdrawn(self) -> bool:
        return self.state == State.WITHDRAWN

    @property
    def asks_to_confirm(self) -> bool:
        return self.level == Level.CONFIRM

    def has_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires_on is not None and self.expires_on < today

    def must_be_draft(self) -> None:
        """Refuse to change or discard what has been published."""
        if not self.is_draft:
            raise RuleBroken(_("This notice is published. Correct it or withdraw it instead."))

    def must_be_published(self) -> None:
        """Refuse to correct, withdraw or remind about a notice that families do not have."""
        if self.is_withdrawn:
            raise RuleBroken(_("This notice has been withdrawn."))
        if self.is_draft:
            raise RuleBroken(_("This notice has not been published yet."))

    def must_take_openings(self) -> None:
        """Refuse to count readers of a withdrawn notice."""
        if self.is_withdrawn:
            raise RuleBroken(_("This notice has been withdrawn. There is nothing more to do."))

    def must_take_confirmations(self, today: date) -> None:
        """Refuse a confirmation that nobody asks for or that comes too late, in words."""
        self.must_take_openings()
        if not self.asks_to_confirm:
            raise RuleBroken(_("This notice needs no confirmation. Reading it is enough."))
        if self.has_expired(today):
            raise RuleBroken(
                _(
                    "This notice has expired and can no longer be confirmed. Ring the school if it still matters."
                )
            )


class NoticeText(Base):
    """What a notice said before a correction, and what the author said about the change."""

    __tablename__ = "notice_text"

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    body: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(LINE_LENGTH))
    act: Mapped[str] = mapped_column(String(ACT_LENGTH))
    ask: Mapped[str] = mapped_column(String(LINE_LENGTH))
    due_on: Mapped[date | None]
    replaced_at: Mapped[datetime]
    change: Mapped[str] = mapped_column(String(REASON_LENGTH))
    asked_again: Mapped[bool]


class NoticeFile(Base):
    """A file that a notice has from one revision of its text until another, which has it no more."""

    __tablename__ = "notice_file"
    __table_args__ = (
        CheckConstraint("until_revision IS NULL OR until_revision > from_revision", name="until_after_from"),
        CheckConstraint("position > 0", name="position_counts_from_one"),
        UniqueConstraint("notice_id", "position", name="uq_notice_file_position"),
    )

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True)
    file_id: Mapped[int] = mapped_column(
        ForeignKey("file.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    from_revision: Mapped[int] = mapped_column(primary_key=True)
    until_revision: Mapped[int | None]
    position: Mapped[int]

    def holds_at(self, revision: int) -> bool:
        """Whether the text of that revision had the file."""
        return self.from_revision <= revision and (
            self.until_revision is None or revision < self.until_revision
        )


class NoticeReceipt(Base):
    """One guardian opened, perhaps confirmed, one round of a notice."""

    __tablename__ = "notice_receipt"
    __table_args__ = (
        CheckConstraint("confirmed_at IS NULL OR opened_at <= confirmed_at", name="confirmed_after_opened"),
        Index("ix_notice_receipt_person", "person_id", "notice_id"),
    )

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    opened_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class NoticeHousehold(Base):
    """The household of a guardian who opened or confirmed, as it was on that day; ``confirmed_by_id`` came first."""

    __tablename__ = "notice_household"

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    household_id: Mapped[int] = mapped_column(
        ForeignKey("household.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    opened_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))


class NoticeSummary(Base):
    """The numbers of a notice's present round, changed in the same transaction as the receipts.

    The audience's size is counted by a job after publication and once a day while the notice runs; a whole district is
    too many families to count while somebody waits.
    """

    __tablename__ = "notice_summary"

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True)
    opened_guardians: Mapped[int] = mapped_column(default=0)
    opened_households: Mapped[int] = mapped_column(default=0)
    confirmed_guardians: Mapped[int] = mapped_column(default=0)
    confirmed_households: Mapped[int] = mapped_column(default=0)
    guardians: Mapped[int] = mapped_column(default=0)
    households: Mapped[int] = mapped_column(default=0)
    reachable_guardians: Mapped[int] = mapped_column(default=0)
    reachable_households: Mapped[int] = mapped_column(default=0)
    counted_at: Mapped[datetime | None]

    notice: Mapped[Notice] = relationship(lazy="raise_on_sql", back_populates="summary")


class NoticeReminder(Base):
    """A reminder to whoever is missing: one row, whoever it reaches; at most one a day."""

    __tablename__ = "notice_reminder"
    __table_args__ = (UniqueConstraint("notice_id", "reminded_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"))
    reminded_on: Mapped[date]
    reminded_at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    missing: Mapped[int]
