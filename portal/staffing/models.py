"""Appointments that need a second person, first access, hand-overs between school years, pupils who change school."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.extensions import Base, PublicId
from portal.joining.codes import NUMBER_LENGTH
from portal.keys.sealing import Sealed
from portal.schools.models import District, Pupil, School, SchoolClass


class RequestState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


REQUEST_STATES = ", ".join(f"'{state.value}'" for state in RequestState)


class AppointmentRequest(PublicId, Base):
    """One person asks that another become district staff, auditor or system administrator; a third one confirms."""

    __tablename__ = "appointment_request"
    __table_args__ = (
        CheckConstraint("role IN ('district_staff', 'auditor', 'system_admin')", name="role_known"),
        CheckConstraint(f"state IN ({REQUEST_STATES})", name="state_known"),
        CheckConstraint("(role = 'system_admin') = (district_id IS NULL)", name="scope_fits"),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> asked_by_id", name="two_people"),
        CheckConstraint("person_id <> asked_by_id", name="not_for_oneself"),
        Index("ix_appointment_request_district", "district_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(30))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    document: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default=RequestState.WAITING)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])
    asked_by: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[asked_by_id])
    district: Mapped[District | None] = relationship(lazy="raise_on_sql")


class AccessSlip(PublicId, Base):
    """The first way in for somebody who was appointed and has never signed in: ``number`` finds it, the code opens, once.

    A new slip for the same person takes the old one's place. The code is kept sealed for an hour, to be printed.
    """

    __tablename__ = "access_slip"
    __table_args__ = (
        CheckConstraint("made_by_id IS NULL OR made_by_id <> person_id", name="not_for_oneself"),
        CheckConstraint("tries >= 0", name="tries_counted"),
        Index("ix_access_slip_made", "made_by_id", "code_kept_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), unique=True)
    number: Mapped[str] = mapped_column(String(NUMBER_LENGTH), unique=True)
    code_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})
    code_hash: Mapped[str | None] = mapped_column(String(200), info={"class": "F6"})
    code_kept_until: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    code = Sealed("secret")
    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be used."""
        return self.used_at is None and now < self.expires_at


class HandOverState(StrEnum):
    """Where a school's hand-over to the next school year stands; ``ordered`` by the district until it is carried out."""

    PLANNED = "planned"
    ORDERED = "ordered"
    APPLIED = "applied"
    UNDONE = "undone"


class TransferState(StrEnum):
    """Where a transfer stands; ``accepted`` until its day, then ``done``."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


def _one_of(kind: type[StrEnum]) -> str:
    return ", ".join(f"'{one.value}'" for one in kind)


class HandOver(PublicId, Base):
    """A school's hand-over to a school year: what is planned for each class (by its public id), and what was done.

    ``plan`` holds only what differs from the usual: ``{class: {way, name, teacher, staying, leaving}}``. ``journal`` holds the
    ids of rows made and the ends set, for the way back.
    """

    __tablename__ = "hand_over"
    __table_args__ = (
        CheckConstraint(f"state IN ({_one_of(HandOverState)})", name="state_known"),
        Index(
            "uq_hand_over_current",
            "school_id",
            "to_year_id",
            unique=True,
            sqlite_where=text("state <> 'undone'"),
            postgresql_where=text("state <> 'undone'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    to_year_id: Mapped[int] = mapped_column(ForeignKey("school_year.id"))
    state: Mapped[str] = mapped_column(String(10), default=HandOverState.PLANNED)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    journal: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    applied_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    applied_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]


class PupilTransfer(PublicId, Base):
    """A pupil goes from one school of the portal to another, or leaves them all (``to_school_id`` empty).

    The old school proposes, the new one accepts with a class. ``shares_story``: what was said at visits goes along, unless
    the family objected. Sealed notes never do.
    """

    __tablename__ = "pupil_transfer"
    __table_args__ = (
        CheckConstraint(f"state IN ({_one_of(TransferState)})", name="state_known"),
        CheckConstraint("to_school_id IS NULL OR to_school_id <> from_school_id", name="two_schools"),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> proposed_by_id", name="two_people"),
        Index(
            "uq_pupil_transfer_open",
            "pupil_id",
            unique=True,
            sqlite_where=text("state IN ('proposed', 'accepted')"),
            postgresql_where=text("state IN ('proposed', 'accepted')"),
        ),
        Index("ix_pupil_transfer_from", "from_school_id", "id"),
        Index("ix_pupil_transfer_to", "to_school_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    from_school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    to_school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id"))
    to_class_id: Mapped[int | None] = mapped_column(ForeignKey("school_class.id"))
    from_on: Mapped[date]
    destination: Mapped[str] = mapped_column(String(200), default="")
    shares_story: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(10), default=TransferState.PROPOSED)
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    objected_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    from_school: Mapped[School] = relationship(lazy="raise_on_sql", foreign_keys=[from_school_id])
    to_school: Mapped[School | None] = relationship(lazy="raise_on_sql", foreign_keys=[to_school_id])
    to_class: Mapped[SchoolClass | None] = relationship(lazy="raise_on_sql")

    @property
    def is_open(self) -> bool:
        """Whether it waits for the new school."""
        return self.state == TransferState.PROPOSED
