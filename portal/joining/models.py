"""Sheets of printed slips, what families ask with them, and what the other guardians are told."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import NAME_LENGTH, Person
from portal.extensions import Base, PublicId
from portal.i18n import lazy_gettext as _l
from portal.joining.codes import NUMBER_LENGTH
from portal.keys.sealing import Sealed, SealedData, SealedText
from portal.schools.models import Guardianship, Pupil, School, SchoolClass

WRONG_TRIES = 5
"""After so many wrong codes a slip is dead and a new one is printed."""
MOST_USES = 4
REASON_LENGTH = 200


class JoiningSheet(PublicId, Base):
    """Slips that a class teacher printed together. The codes are kept sealed for an hour, so that paper may jam."""

    __tablename__ = "joining_sheet"

    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id", ondelete="CASCADE"), index=True)
    printed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    printed_at: Mapped[datetime] = mapped_column(index=True)
    kept_until: Mapped[datetime]
    codes_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})
    codes = SealedData("secret")

    school_class: Mapped[SchoolClass] = relationship(lazy="raise_on_sql")
    slips: Mapped[list["JoiningSlip"]] = relationship(
        lazy="raise_on_sql", back_populates="sheet", order_by="JoiningSlip.id", cascade="all, delete-orphan"
    )

    def can_be_printed(self, now: datetime) -> bool:
        """Whether the codes are still kept."""
        return self.codes_sealed is not None and now < self.kept_until


class SlipState(StrEnum):
    """How a slip stands at a moment."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DEAD = "dead"


STATE_NAMES = {
    SlipState.OPEN: _l("open"),
    SlipState.USED: _l("used up"),
    SlipState.EXPIRED: _l("expired"),
    SlipState.REVOKED: _l("revoked"),
    SlipState.DEAD: _l("tried too often"),
}


class JoiningSlip(PublicId, Base):
    """One printed slip: for one child, for so many guardians, until an instant."""

    __tablename__ = "joining_slip"
    __table_args__ = (
        CheckConstraint(f"uses BETWEEN 1 AND {MOST_USES}", name="uses_known"),
        CheckConstraint("used BETWEEN 0 AND uses", name="used_within_uses"),
        CheckConstraint(f"wrong_tries BETWEEN 0 AND {WRONG_TRIES}", name="tries_counted"),
        Index("ix_joining_slip_pupil", "pupil_id", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("joining_sheet.id", ondelete="CASCADE"), index=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    number: Mapped[str] = mapped_column(String(NUMBER_LENGTH), unique=True)
    code_hash: Mapped[str | None] = mapped_column(String(200), info={"class": "F6"})
    uses: Mapped[int] = mapped_column(default=1)
    used: Mapped[int] = mapped_column(default=0)
    wrong_tries: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]

    sheet: Mapped[JoiningSheet] = relationship(lazy="raise_on_sql", back_populates="slips")
    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    school: Mapped[School] = relationship(lazy="raise_on_sql")

    def state(self, now: datetime) -> SlipState:
        """How it stands at an instant."""
        if self.revoked_at is not None:
            return SlipState.REVOKED
        if self.used >= self.uses:
            return SlipState.USED
        if self.wrong_tries >= WRONG_TRIES:
            return SlipState.DEAD
        return SlipState.OPEN if now < self.expires_at else SlipState.EXPIRED


class Way(StrEnum):
    """How somebody came to ask."""

    SLIP = "slip"
    PHONE = "phone"
    GUARDIAN = "guardian"


class RequestState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class JoiningRequest(PublicId, Base):
    """Somebody who asks to be let in as a guardian of a child; the class teacher decides.

    Without ``person_id`` an account is made only when the teacher confirms: until then its password waits here as a
    hash and nobody can sign in with it. ``tie_id`` is the guardian of the roster whose number was typed.
    ``asked_by_id``: a guardian who asks for a helper that sees and confirms only, until ``until_on`` (the first day after).
    """

    __tablename__ = "joining_request"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'confirmed', 'declined', 'withdrawn')", name="state_known"),
        CheckConstraint("way IN ('slip', 'phone', 'guardian')", name="way_known"),
        CheckConstraint("way <> 'guardian' OR password_hash IS NULL", name="helper_without_password"),
        CheckConstraint("length(name) > 0", name="has_name"),
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decision_has_time"),
        CheckConstraint("state <> 'declined' OR reason_sealed IS NOT NULL", name="refusal_has_reason"),
        CheckConstraint(
            "state <> 'waiting' OR way = 'guardian' OR person_id IS NOT NULL OR password_hash IS NOT NULL",
            name="can_be_let_in",
        ),
        UniqueConstraint("slip_id", "person_id"),
        Index("ix_joining_request_pupil", "pupil_id", "state"),
        Index("ix_joining_request_tie", "tie_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    way: Mapped[str] = mapped_column(String(10))
    slip_id: Mapped[int | None] = mapped_column(ForeignKey("joining_slip.id", ondelete="SET NULL"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    tie_id: Mapped[int | None] = mapped_column(ForeignKey("guardianship.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), info={"class": "F2"})
    relation: Mapped[str] = mapped_column(String(40))
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    phone = Sealed("personal")
    account_name: Mapped[str | None] = mapped_column(String(60))
    password_hash: Mapped[str | None] = mapped_column(String(200), info={"class": "F6"})
    state: Mapped[str] = mapped_column(String(10), default=RequestState.WAITING)
    asked_at: Mapped[datetime] = mapped_column(index=True)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    reason = SealedText("personal")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    until_on: Mapped[date | None]

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    person: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])
    tie: Mapped[Guardianship | None] = relationship(lazy="raise_on_sql")

    @property
    def is_waiting(self) -> bool:
        return self.state == RequestState.WAITING


class News(StrEnum):
    """What a guardian is told about the others who care for the child."""

    ADDED = "added"
    LIMITED = "limited"
    RESTRICTED = "restricted"
    RESTRICTION_ENDED = "restriction_ended"


class GuardianNews(PublicId, Base):
    """Told to one guardian: that another was added or limited. Only the relation is said, never names or contacts."""

    __tablename__ = "guardian_news"
    __table_args__ = (
        CheckConstraint("kind IN ('added', 'limited', 'restricted', 'restriction_ended')", name="kind_known"),
        Index("ix_guardian_news_person", "person_id", "seen_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    relation: Mapped[str] = mapped_column(String(40))
    happened_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
