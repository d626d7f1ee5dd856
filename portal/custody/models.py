"""A restriction of one guardian for one child: the legal document it rests on, its days, and the two who decided."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.extensions import Base, PublicId
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import SealedText
from portal.schools.models import Guardianship, GuardianshipFlag, Pupil

REASON_LENGTH = 200


class Document(StrEnum):
    """The kinds of legal document that a restriction may rest on (反家庭暴力法 chapter 4; 民法典 art. 36 and 1086)."""

    PROTECTION = "protection_order"
    REVOKED = "guardianship_revoked"
    CONTACT = "contact_suspended"
    JUDGMENT = "judgment"


DOCUMENT_NAMES = {
    Document.PROTECTION: _l("Protection order"),
    Document.REVOKED: _l("Judgment that revokes guardianship"),
    Document.CONTACT: _l("Ruling that suspends contact"),
    Document.JUDGMENT: _l("Another judgment or mediation paper"),
}
DOCUMENTS = ", ".join(f"'{kind.value}'" for kind in Document)


class Standing(StrEnum):
    """Where a restriction stands."""

    WAITING = "waiting"
    REFUSED = "refused"
    COMING = "coming"
    HOLDS = "holds"
    ENDING = "ending"
    OVER = "over"


STANDING_NAMES = {
    Standing.WAITING: _l("waits for the second person"),
    Standing.REFUSED: _l("not approved"),
    Standing.COMING: _l("not begun yet"),
    Standing.HOLDS: _l("holds"),
    Standing.ENDING: _l("end waits for the second person"),
    Standing.OVER: _l("over"),
}


class Restriction(PublicId, Base):
    """Named by one person, approved by another; until then it holds nothing back. ``until_on`` is the first day after."""

    __tablename__ = "restriction"
    __table_args__ = (
        CheckConstraint(f"document IN ({DOCUMENTS})", name="document_known"),
        CheckConstraint("until_on IS NULL OR until_on > from_on", name="ends_after_start"),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> proposed_by_id", name="two_persons"),
        CheckConstraint(
            "ended_by_id IS NULL OR ended_by_id <> end_asked_by_id",
            name="two_persons_end",
        ),
        CheckConstraint("refusal_sealed IS NULL OR flag_id IS NULL", name="refused_or_held"),
        Index("ix_restriction_school", "school_id", "id"),
        Index("ix_restriction_pupil", "pupil_id"),
        Index("ix_restriction_guardianship", "guardianship_id"),
        Index("ix_restriction_flag", "flag_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    guardianship_id: Mapped[int] = mapped_column(ForeignKey("guardianship.id", ondelete="CASCADE"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    document: Mapped[str] = mapped_column(String(30))
    number_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    number = SealedText("narrative")
    court_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    court = SealedText("narrative")
    issued_on: Mapped[date]
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    is_quiet: Mapped[bool] = mapped_column(default=False)
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None]
    refusal_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    refusal = SealedText("narrative")
    flag_id: Mapped[int | None] = mapped_column(ForeignKey("guardianship_flag.id", ondelete="SET NULL"))
    end_asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    end_asked_at: Mapped[datetime | None]
    end_reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    end_reason = SealedText("narrative")
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    ended_at: Mapped[datetime | None]

    guardianship: Mapped[Guardianship] = relationship(lazy="raise_on_sql")
    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    flag: Mapped[GuardianshipFlag | None] = relationship(lazy="raise_on_sql")
    proposed_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[proposed_by_id])
    decided_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[decided_by_id])

    def standing(self, on: date) -> Standing:
        """Where it stands on a day."""
        if self.decided_at is None:
            return Standing.WAITING
        if self.refusal:
            return Standing.REFUSED
        if self.ended_at is not None or (self.until_on is not None and self.until_on <= on):
            return Standing.OVER
        if self.end_asked_at is not None:
            return Standing.ENDING
        return Standing.COMING if on < self.from_on else Standing.HOLDS
