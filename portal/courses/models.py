"""Courses of the parent school, their lessons and sessions, and the seats of households."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.accounts.models import NAME_LENGTH, Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.schools.models import District, School

TITLE_LENGTH = 80
TEXT_LENGTH = 4_000
PLACE_LENGTH = 200
REASON_LENGTH = 200


class Topic(StrEnum):
    """What a course is about: the stages, transitions and special chapters of the national family-education outline (2019)."""

    EARLY_YEARS = "early_years"
    PRIMARY = "primary"
    JUNIOR = "junior"
    SENIOR = "senior"
    TO_PRIMARY = "to_primary"
    TO_JUNIOR = "to_junior"
    TO_SENIOR = "to_senior"
    SPECIAL_FAMILIES = "special_families"
    SPECIAL_CHILDREN = "special_children"
    EVERY_AGE = "every_age"


TOPIC_NAMES = {
    Topic.EARLY_YEARS: _l("Children before school"),
    Topic.PRIMARY: _l("Primary-school years"),
    Topic.JUNIOR: _l("Junior secondary years"),
    Topic.SENIOR: _l("Senior secondary years"),
    Topic.TO_PRIMARY: _l("Moving from kindergarten to primary school"),
    Topic.TO_JUNIOR: _l("Moving from primary to junior secondary school"),
    Topic.TO_SENIOR: _l("Moving from junior to senior secondary school"),
    Topic.SPECIAL_FAMILIES: _l("Grandparents' care, parents working away, single parents"),
    Topic.SPECIAL_CHILDREN: _l("Children with special needs"),
    Topic.EVERY_AGE: _l("For every age"),
}


class Form(StrEnum):
    """How a course is held."""

    PLACE = "place"
    ONLINE = "online"


FORM_NAMES = {Form.PLACE: _l("At a place"), Form.ONLINE: _l("Online")}


class Audience(StrEnum):
    """The kind of circle whose families a course is for; with an id it is the rule itself."""

    DISTRICT = "district"
    SCHOOL = "school"
    GRADE = "grade"
    CLASS = "class"


def _one_of(kind: type[StrEnum]) -> str:
    return ", ".join(f"'{value.value}'" for value in kind)


class Course(PublicId, Base):
    """One course of a parent school. A school runs it, or the district itself (then without a school)."""

    __tablename__ = "course"
    __table_args__ = (
        CheckConstraint("length(title) > 0", name="has_title"),
        CheckConstraint(f"topic IN ({_one_of(Topic)})", name="topic_known"),
        CheckConstraint(f"form IN ({_one_of(Form)})", name="form_known"),
        CheckConstraint(f"audience_kind IN ({_one_of(Audience)})", name="audience_known"),
        CheckConstraint("withdrawn_at IS NULL OR published_at IS NOT NULL", name="withdrawal_follows"),
        CheckConstraint(
            "withdrawn_at IS NULL OR length(withdrawal_reason) > 0", name="withdrawal_has_reason"
        ),
        Index("ix_course_school", "school_id", "id"),
        Index("ix_course_audience", "audience_kind", "audience_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), index=True)
    school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id"))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    title_pinyin: Mapped[str] = mapped_column(String(800), default="")
    title_initials: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    topic: Mapped[str] = mapped_column(String(20))
    form: Mapped[str] = mapped_column(String(10))
    description: Mapped[str] = mapped_column(String(TEXT_LENGTH), default="")
    lecturer_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    lecturer_name: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    audience_kind: Mapped[str] = mapped_column(String(10))
    audience_id: Mapped[int]
    is_public: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="")

    school: Mapped[School | None] = relationship(lazy="raise_on_sql")
    district: Mapped[District] = relationship(lazy="raise_on_sql")
    lecturer: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[lecturer_id])
    lessons: Mapped[list["Lesson"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", order_by="Lesson.position"
    )
    sessions: Mapped[list["CourseSession"]] = relationship(
        lazy="raise_on_sql", order_by="CourseSession.starts_at", back_populates="course"
    )

    @property
    def is_draft(self) -> bool:
        return self.published_at is None

    @property
    def is_live(self) -> bool:
        return self.published_at is not None and self.withdrawn_at is None

    @property
    def host_name(self) -> str:
        """The school, or the district that runs it itself."""
        return self.school.name if self.school else self.district.name

    @property
    def speaker(self) -> str:
        """Who teaches it; empty when not given."""
        return self.lecturer.name if self.lecturer else self.lecturer_name

    def publish(self, at: datetime) -> None:
        """Show it in the catalogue. Needs a lesson and a session to come; refuses what is not a draft."""
        if not self.is_draft:
            raise RuleBroken(_("This course is published already."))
        if not self.lessons:
            raise RuleBroken(_("Add at least one lesson before you publish."))
        if not any(session.starts_at > at for session in self.sessions):
            raise RuleBroken(_("Add a session that is still to come before you publish."))
        self.published_at = at

    def withdraw(self, at: datetime, reason: str) -> None:
        """Take it out of the catalogue with a reason; what was held stays on record."""
        if not self.is_live:
            raise RuleBroken(_("Only a published course can be withdrawn."))
        if not reason.strip():
            raise RuleBroken(_("Say why the course is withdrawn."))
        self.withdrawn_at = at
        self.withdrawal_reason = reason


class Lesson(Base):
    """One part of a course with its text, to be read before, after or instead of a session."""

    __tablename__ = "course_lesson"
    __table_args__ = (
        UniqueConstraint("course_id", "position"),
        CheckConstraint("position >= 1", name="position_counts_from_one"),
        CheckConstraint("length(title) > 0 AND length(text) > 0", name="has_text"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    text: Mapped[str] = mapped_column(String(TEXT_LENGTH))


class CourseSession(PublicId, Base):
    """One meeting of a course. ``seats_taken`` counts households with a seat, not those waiting or walking in."""

    __tablename__ = "course_session"
    __table_args__ = (
        CheckConstraint("capacity BETWEEN 1 AND 5000", name="capacity_sensible"),
        CheckConstraint("lesson_hours BETWEEN 1 AND 8", name="hours_sensible"),
        CheckConstraint("seats_taken >= 0 AND seats_taken <= capacity", name="seats_within_capacity"),
        CheckConstraint("length(place) > 0", name="has_place"),
        Index("ix_course_session_course", "course_id", "starts_at"),
        Index("ix_course_session_starts", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    starts_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(String(PLACE_LENGTH))
    capacity: Mapped[int]
    lesson_hours: Mapped[int]
    seats_taken: Mapped[int] = mapped_column(default=0)
    signed_in_at: Mapped[datetime | None]

    course: Mapped[Course] = relationship(lazy="raise_on_sql", back_populates="sessions")

    @property
    def seats_left(self) -> int:
        return self.capacity - self.seats_taken

    @property
    def starts_on(self) -> date:
        """The day in China on which it takes place."""
        return clock.local(self.starts_at).date()

    def has_begun(self, at: datetime) -> bool:
        """Whether seats can no longer be taken or given back."""
        return self.starts_at <= at

    def sign_in_is_open(self, today: date) -> bool:
        """Those present are marked from the day itself on, never before."""
        return self.starts_on <= today

    def refuse_change_after_sign_in(self) -> None:
        """What was held and counted stays as it was."""
        if self.signed_in_at is not None:
            raise RuleBroken(_("Those present are on record. This session can no longer be changed."))


class Seat(Base):
    """A household's place in a session: with a seat, on the waiting list, given back, or walked in. One per household."""

    __tablename__ = "course_seat"
    __table_args__ = (
        UniqueConstraint("session_id", "household_id"),
        CheckConstraint("present_at IS NULL OR seated_at IS NOT NULL", name="present_has_seat"),
        CheckConstraint("given_back_at IS NULL OR present_at IS NULL", name="given_back_is_absent"),
        Index("ix_course_seat_household", "household_id", "session_id"),
        Index("ix_course_seat_queue", "session_id", "queued_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("course_session.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    queued_at: Mapped[datetime]
    seated_at: Mapped[datetime | None]
    offered_at: Mapped[datetime | None]
    offer_seen_at: Mapped[datetime | None]
    given_back_at: Mapped[datetime | None]
    walked_in: Mapped[bool] = mapped_column(default=False)
    present_at: Mapped[datetime | None]

    session: Mapped[CourseSession] = relationship(lazy="raise_on_sql")
    taken_by: Mapped[Person | None] = relationship(lazy="raise_on_sql")

    @property
    def is_held(self) -> bool:
        return self.seated_at is not None and self.given_back_at is None

    @property
    def is_waiting(self) -> bool:
        return self.seated_at is None and self.given_back_at is None

    @property
    def is_new_offer(self) -> bool:
        """A seat became free for this household and nobody of it has answered yet."""
        return self.is_held and self.offered_at is not None and self.offer_seen_at is None
