"""Appointments that need a second person before they hold."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.extensions import Base, PublicId
from portal.schools.models import District


class RequestState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


REQUEST_STATES = ", ".join(f"'{state.value}'" for state in RequestState)


class AppointmentRequest(PublicId, Base):
    """One person asks that another become district staff or system administrator; a third one confirms."""

    __tablename__ = "appointment_request"
    __table_args__ = (
        CheckConstraint("role IN ('district_staff', 'system_admin')", name="role_known"),
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
