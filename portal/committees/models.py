"""A parent committee for one term of office, its members and its meetings. What it is about is public to its families."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.accounts.models import Person
from portal.extensions import Base, PublicId
from portal.i18n import lazy_gettext as _l

TEXT_LENGTH = 1000
REASON_LENGTH = 200


class Scope(StrEnum):
    """Whose committee it is."""

    SCHOOL = "school"
    GRADE = "grade"
    CLASS = "class"


class Way(StrEnum):
    """How the members came into office (guidance of the Ministry of Education on parent committees, 2012: by a democratic
    procedure)."""

    BALLOT = "ballot"
    HANDS = "hands"
    NAMED = "named"


WAY_NAMES = {
    Way.BALLOT: _l("Elected by secret ballot"),
    Way.HANDS: _l("Elected by show of hands"),
    Way.NAMED: _l("Named without a vote"),
}
VOTES = (Way.BALLOT, Way.HANDS)


class Office(StrEnum):
    """What a member is in the committee."""

    CHAIR = "chair"
    DEPUTY = "deputy"
    MEMBER = "member"


OFFICE_NAMES = {Office.CHAIR: _l("Chair"), Office.DEPUTY: _l("Deputy chair"), Office.MEMBER: _l("Member")}


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class Committee(PublicId, Base):
    """A committee for one term of office: from ``began_on`` until the day before ``until_on``, or before ``ended_on``.

    ``scope_id`` is a school, grade or class by ``scope_kind``; ``scope_name`` its name on the day of the election.
    """

    __tablename__ = "committee"
    __table_args__ = (
        CheckConstraint(_one_of("scope_kind", Scope), name="scope_known"),
        CheckConstraint(_one_of("way", Way), name="way_known"),
        CheckConstraint("until_on > began_on", name="ends_after_start"),
        CheckConstraint("ended_on IS NULL OR ended_on >= began_on", name="ended_after_start"),
        CheckConstraint(
            "eligible IS NULL OR (eligible > 0 AND voted BETWEEN 0 AND eligible)", name="votes_within"
        ),
        CheckConstraint("(way = 'named') = (eligible IS NULL)", name="vote_has_numbers"),
        UniqueConstraint("scope_kind", "scope_id", "began_on"),
        Index("ix_committee_school", "school_id", "scope_kind", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    scope_kind: Mapped[str] = mapped_column(String(10))
    scope_id: Mapped[int]
    scope_name: Mapped[str] = mapped_column(String(400))
    began_on: Mapped[date]
    until_on: Mapped[date]
    ended_on: Mapped[date | None]
    end_reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="", info={"class": "F1"})
    way: Mapped[str] = mapped_column(String(10))
    eligible: Mapped[int | None]
    voted: Mapped[int | None]
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    entered_at: Mapped[datetime] = mapped_column(default=clock.now)

    members: Mapped[list["CommitteeMember"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", order_by="CommitteeMember.id"
    )
    meetings: Mapped[list["CommitteeMeeting"]] = relationship(
        lazy="raise_on_sql",
        cascade="all, delete-orphan",
        order_by="CommitteeMeeting.held_on.desc(), CommitteeMeeting.id.desc()",
    )

    def in_office(self, on: date) -> bool:
        """Whether its term runs on a day."""
        return self.began_on <= on < (self.ended_on or self.until_on)

    @property
    def was_elected(self) -> bool:
        """Whether families voted."""
        return self.way in VOTES


class CommitteeMember(Base):
    """A guardian who is in a committee."""

    __tablename__ = "committee_member"
    __table_args__ = (
        CheckConstraint(_one_of("office", Office), name="office_known"),
        Index("ix_committee_member_person", "person_id"),
        UniqueConstraint("committee_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    committee_id: Mapped[int] = mapped_column(ForeignKey("committee.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), info={"class": "F1"})
    office: Mapped[str] = mapped_column(String(10))

    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class CommitteeMeeting(PublicId, Base):
    """A meeting that was held: what was talked about, what was agreed. Taken back, it stays visible as taken back."""

    __tablename__ = "committee_meeting"
    __table_args__ = (
        CheckConstraint("present > 0", name="somebody_came"),
        CheckConstraint("length(topics) > 0", name="has_topics"),
        CheckConstraint(
            "(taken_back_at IS NULL) = (length(taken_back_reason) = 0)", name="reason_when_taken_back"
        ),
        Index("ix_committee_meeting_committee", "committee_id", "held_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    committee_id: Mapped[int] = mapped_column(ForeignKey("committee.id", ondelete="CASCADE"))
    held_on: Mapped[date]
    present: Mapped[int]
    topics: Mapped[str] = mapped_column(Text, info={"class": "F1"})
    agreed: Mapped[str] = mapped_column(Text, default="", info={"class": "F1"})
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    entered_at: Mapped[datetime] = mapped_column(default=clock.now)
    taken_back_at: Mapped[datetime | None]
    taken_back_reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="", info={"class": "F1"})
