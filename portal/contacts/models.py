"""Changes that guardians ask for, and numbers that reach nobody."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import Sealed, SealedText
from portal.schools.models import Guardianship, Pupil

REASON_LENGTH = 200


class Detail(StrEnum):
    """A detail that a guardian may ask to have changed."""

    NAME = "name"
    PHONE = "phone"
    RELATION = "relation"
    LIVES_WITH = "lives_with"
    PICKS_UP = "picks_up"
    CHILD_NAME = "child_name"


DETAIL_NAMES = {
    Detail.NAME: _l("Your name"),
    Detail.PHONE: _l("Your mobile number"),
    Detail.RELATION: _l("What the child calls you"),
    Detail.LIVES_WITH: _l("The child lives with you"),
    Detail.PICKS_UP: _l("You may pick the child up"),
    Detail.CHILD_NAME: _l("The child's name"),
}
DETAILS = ", ".join(f"'{detail.value}'" for detail in Detail)


class Decision(StrEnum):
    """The life of a request for a change."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


DECISIONS = ", ".join(f"'{decision.value}'" for decision in Decision)


class ChangeRequest(PublicId, Base):
    """One detail that a guardian asks the child's school to change: old and new value, kept sealed.

    Each detail is a request of its own, so that the school decides field by field; one is open at a time.
    """

    __tablename__ = "change_request"
    __table_args__ = (
        CheckConstraint(f"detail IN ({DETAILS})", name="detail_known"),
        CheckConstraint(f"state IN ({DECISIONS})", name="state_known"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint("state <> 'declined' OR reason_sealed IS NOT NULL", name="declined_with_reason"),
        Index(
            "uq_change_request_open",
            "guardianship_id",
            "detail",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_change_request_school", "school_id", "state", "id"),
        Index("ix_change_request_person", "person_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    guardianship_id: Mapped[int] = mapped_column(ForeignKey("guardianship.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    detail: Mapped[str] = mapped_column(String(20))
    old_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    new_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    state: Mapped[str] = mapped_column(String(10), default=Decision.OPEN)
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})

    old = Sealed("personal")
    new = Sealed("personal")
    reason = SealedText("personal")
    guardianship: Mapped[Guardianship] = relationship(lazy="raise_on_sql")
    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])

    def decide(self, state: Decision, by: int, at: datetime, reason: str = "") -> None:
        """Approve, decline (with a reason) or withdraw it, once. Nobody decides about what they asked for themselves."""
        if self.state != Decision.OPEN:
            raise RuleBroken(_("This request is decided already."))
        if state != Decision.WITHDRAWN and by == self.person_id:
            raise RuleBroken(_("You asked for this yourself. Somebody else has to decide."))
        self.state, self.decided_at, self.decided_by_id, self.reason = state, at, by, reason


class WrongNumber(Base):
    """Somebody's number reaches nobody, or somebody else; open until another number is there or it worked after all."""

    __tablename__ = "wrong_number"
    __table_args__ = (
        Index(
            "uq_wrong_number_open",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    noted_at: Mapped[datetime]
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    ended_at: Mapped[datetime | None]
