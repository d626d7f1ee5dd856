"""People, their appointments and their sessions."""

from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.access import Role
from portal.extensions import Base, PublicId
from portal.keys.sealing import Sealed

NAME_LENGTH = 160
ROLES = ", ".join(f"'{role.value}'" for role in Role)


class Person(PublicId, Base):
    """An adult known to the portal: parent, teacher, principal, district staff; often several at once."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("roster_district_id", "sourced_id"),
        CheckConstraint("length(name) > 0", name="has_name"),
        CheckConstraint("theme IN ('auto', 'light', 'dark')", name="theme_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), info={"class": "F2"})
    name_pinyin: Mapped[str] = mapped_column(String(800), default="", index=True)
    name_initials: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    account_name: Mapped[str | None] = mapped_column(String(60), unique=True)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True, info={"class": "F3"})
    phone = Sealed("personal", index="phone_index")
    email_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    email_index: Mapped[bytes | None] = mapped_column(LargeBinary(15), unique=True, info={"class": "F3"})
    email = Sealed("personal", index="email_index")
    password_hash: Mapped[str | None] = mapped_column(String(200), info={"class": "F6"})
    password_changed_at: Mapped[datetime | None]
    password_until: Mapped[datetime | None]
    """Of a password that a command printed: until when it opens the way to one's own; empty for one's own."""
    language: Mapped[str | None] = mapped_column(String(10))
    elder: Mapped[bool] = mapped_column(default=False)
    theme: Mapped[str] = mapped_column(String(5), default="auto")
    roster_district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]

    def keep_password(self, hashed: str | None, at: datetime, until: datetime | None = None) -> None:
        """A new password from now on; ``until``: one that somebody else has seen, and that is no lasting one (ASVS 6.4.1)."""
        self.password_hash, self.password_changed_at, self.password_until = hashed, at, until

    appointments: Mapped[list["Appointment"]] = relationship(
        back_populates="person", lazy="raise_on_sql", foreign_keys="Appointment.person_id"
    )


class Appointment(PublicId, Base):
    """A role in one scope for a period: class teacher of 三(2)班 from 1 September; open-ended when ``ended_on`` is empty.

    ``ended_on`` is the first day on which it no longer holds; ended at once it is the day itself, and ``ended_at`` the
    minute. Exactly one scope is set; a system administrator has none. ``delegated_from_id`` is the appointment that lends
    its hat for a while (代理); such a one opens sealed notes only if it was said (``opens_sealed``).
    """

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint(f"role IN ({ROLES}) AND role <> 'guardian'", name="role_known"),
        CheckConstraint(
            "(CASE WHEN district_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN school_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN class_id IS NULL THEN 0 ELSE 1 END)"
            " = (CASE WHEN role = 'system_admin' THEN 0 ELSE 1 END)",
            name="one_scope",
        ),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        CheckConstraint("delegated_from_id IS NULL OR ended_on IS NOT NULL", name="delegation_ends"),
        CheckConstraint("ended_at IS NULL OR ended_on IS NOT NULL", name="ended_at_has_day"),
        Index("ix_appointment_class", "class_id", "role"),
        Index("ix_appointment_school", "school_id", "role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(30))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id"))
    class_id: Mapped[int | None] = mapped_column(ForeignKey("school_class.id"))
    title: Mapped[str] = mapped_column(String(60), default="")
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    ended_at: Mapped[datetime | None]
    delegated_from_id: Mapped[int | None] = mapped_column(
        ForeignKey("appointment.id", ondelete="CASCADE"), index=True
    )
    opens_sealed: Mapped[bool] = mapped_column(default=True)
    document: Mapped[str] = mapped_column(String(200), default="")
    appointed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))

    person: Mapped[Person] = relationship(
        back_populates="appointments", lazy="raise_on_sql", foreign_keys=[person_id]
    )

    @property
    def last_on(self) -> date | None:
        """The last day on which it holds; the first day at least, None while it is open."""
        return max(self.ended_on - timedelta(days=1), self.started_on) if self.ended_on else None

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.started_on <= day and (self.ended_on is None or day < self.ended_on)


class AuthSession(Base):
    """One device that is signed in. The token itself is only in the browser's cookie; here stands its hash."""

    __tablename__ = "auth_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info={"class": "F6"})
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id", ondelete="SET NULL"))
    device: Mapped[str] = mapped_column(String(200), default="")
    known_device_id: Mapped[int | None] = mapped_column(ForeignKey("known_device.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    proved_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class HalfSession(Base):
    """A person whose first factor was right and who is not signed in yet: it admits the pages of the second step only."""

    __tablename__ = "half_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, info={"class": "F6"})
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    how: Mapped[str] = mapped_column(String(20))
    to: Mapped[str] = mapped_column(String(2000), default="")
    has_second: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class KnownDevice(Base):
    """A browser in which a person has signed in before; guessing elsewhere does not lock it out."""

    __tablename__ = "known_device"
    __table_args__ = (UniqueConstraint("person_id", "token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64), index=True, info={"class": "F6"})
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)


class Authenticator(PublicId, Base):
    """An app that shows six digits (TOTP, RFC 6238); it counts once a code of it was confirmed."""

    __tablename__ = "authenticator"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), unique=True)
    seed_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]

    seed = Sealed("secret")


class RecoveryCode(Base):
    """One of ten codes on paper, each good once."""

    __tablename__ = "recovery_code"
    __table_args__ = (
        UniqueConstraint("person_id", "place"),
        CheckConstraint("place BETWEEN 1 AND 10", name="place_within"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    place: Mapped[int]
    code_hash: Mapped[str] = mapped_column(String(200), info={"class": "F6"})
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Passkey(PublicId, Base):
    """A key kept by a phone, computer or stick (WebAuthn); here stands only its public half."""

    __tablename__ = "passkey"
    __table_args__ = (CheckConstraint("length(name) > 0", name="has_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(2000))
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class Failures(Base):
    """How often in a row something secret was guessed wrongly: for one account from strange devices, from one known device,
    or at one person's second factor."""

    __tablename__ = "failures"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(index=True)


class Attempts(Base):
    """How often something was tried from one place or for one account within a window; the sign-in limits."""

    __tablename__ = "attempts"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    window_ends_at: Mapped[datetime] = mapped_column(index=True)
