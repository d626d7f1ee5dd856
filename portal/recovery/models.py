"""Recoveries, and what people who cannot sign in have asked for."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import Sealed, SealedText
from portal.schools.models import Pupil, School

LASTS = timedelta(hours=24)
ASKED_LASTS = timedelta(days=7)
REASON_LENGTH = 300


class Whose(StrEnum):
    """Whose account it is, which decides who begins and who approves.

    A parent's: office or principal; principal or class teacher. A member of staff's: principal; district. A
    principal's: two people of the district.
    """

    GUARDIAN = "guardian"
    STAFF = "staff"
    PRINCIPAL = "principal"


class Checked(StrEnum):
    """How the first person made sure of whom they have before them."""

    CARD = "card"
    KNOWN = "known"
    CALLED = "called"


CHECKED_NAMES = {
    Checked.CARD: _l("Identity card seen, in person"),
    Checked.KNOWN: _l("Known to me, in person"),
    Checked.CALLED: _l("Called back at the number on the roster"),
}
WHOSE = ", ".join(f"'{whose.value}'" for whose in Whose)
WAYS = ", ".join(f"'{way.value}'" for way in Checked)


class Recovery(PublicId, Base):
    """One way back: asked for or begun, approved by another person, a code, used once. ``number`` finds it, the code opens."""

    __tablename__ = "recovery"
    __table_args__ = (
        CheckConstraint(f"whose IN ({WHOSE})", name="whose_known"),
        CheckConstraint(f"checked IN ('', {WAYS})", name="checked_known"),
        CheckConstraint("approved_by_id IS NULL OR approved_by_id <> started_by_id", name="two_people"),
        CheckConstraint("started_by_id IS NULL OR started_by_id <> person_id", name="not_begun_by_oneself"),
        CheckConstraint(
            "approved_by_id IS NULL OR approved_by_id <> person_id", name="not_approved_by_oneself"
        ),
        CheckConstraint("approved_at IS NULL OR started_at IS NOT NULL", name="begun_before_approved"),
        CheckConstraint("whose <> 'guardian' OR pupil_id IS NOT NULL", name="parents_have_a_child"),
        Index("ix_recovery_school", "school_id", "id"),
        Index("ix_recovery_pupil", "pupil_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    pupil_id: Mapped[int | None] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    whose: Mapped[str] = mapped_column(String(10))
    checked: Mapped[str] = mapped_column(String(10), default="")
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    lost_second: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime | None]
    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    started_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    approved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    number: Mapped[str | None] = mapped_column(String(6), unique=True)
    code_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})
    code_hash: Mapped[str | None] = mapped_column(String(200), info={"class": "F6"})
    code_kept_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    code = Sealed("secret")
    reason = SealedText("personal")
    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])
    started_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[started_by_id])
    approved_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[approved_by_id])
    school: Mapped[School] = relationship(lazy="raise_on_sql")
    pupil: Mapped[Pupil | None] = relationship(lazy="raise_on_sql")

    def is_open(self, now: datetime) -> bool:
        """Whether anything can still come of it."""
        return self.used_at is None and self.closed_at is None and now < self.expires_at

    def state(self, now: datetime) -> str:
        """Where it stands, in words."""
        if self.used_at is not None:
            return _("used")
        if self.closed_at is not None:
            return _("refused")
        if now >= self.expires_at:
            return _("expired")
        if self.approved_at is not None:
            return _("approved")
        return _("waits for approval") if self.started_at is not None else _("asked for")

    def _must_be_open(self, now: datetime) -> None:
        if not self.is_open(now):
            raise RuleBroken(_("This recovery is over. Begin a new one."))

    def start(self, by_id: int, checked: Checked, reason: str, lost_second: bool, now: datetime) -> None:
        """Begin: somebody has made sure whom they have before them. RuleBroken for one's own, or when it is begun already."""
        self._must_be_open(now)
        if self.started_at is not None:
            raise RuleBroken(_("This recovery has been begun already."))
        if by_id == self.person_id:
            raise RuleBroken(_("Nobody recovers their own account. Ask a colleague."))
        self.started_by_id, self.started_at, self.checked = by_id, now, checked
        self.reason, self.lost_second = reason, lost_second
        self.expires_at = now + LASTS

    def approve(self, by_id: int, now: datetime) -> None:
        """The second person says yes. RuleBroken for one's own work and one's own account."""
        self._must_be_open(now)
        if self.started_at is None or self.approved_at is not None:
            raise RuleBroken(_("There is nothing to approve here."))
        if by_id in (self.started_by_id, self.person_id):
            raise RuleBroken(_("Nobody approves their own work. Another person has to."))
        self.approved_by_id, self.approved_at = by_id, now

    def refuse(self, now: datetime) -> None:
        """Say no; nothing more comes of it."""
        self._must_be_open(now)
        self.closed_at, self.code, self.code_hash = now, None, None


class RecoveryAsking(PublicId, Base):
    """What somebody typed on the public page: who they are. Looked at by the job process, gone a day later."""

    __tablename__ = "recovery_asking"

    id: Mapped[int] = mapped_column(primary_key=True)
    name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    asked_at: Mapped[datetime] = mapped_column(index=True)
    handled_at: Mapped[datetime | None]

    name = Sealed("personal")
