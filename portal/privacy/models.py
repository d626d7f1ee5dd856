"""What is kept about data rights. Consents of a family that is erased stay as numbers, without pupil and person."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    and_,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import NAME_LENGTH, Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.models import Branch
from portal.keys.sealing import Sealed, SealedText
from portal.privacy.ages import Band
from portal.schools.models import Pupil

LINE_LENGTH = 500


class Answer(StrEnum):
    """What a guardian says to one purpose. A withdrawal is a no that follows a yes."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Channel(StrEnum):
    """Where the answer was given: by the guardian on screen, or on paper and keyed in by the school."""

    SCREEN = "screen"
    PAPER = "paper"


ANSWER_NAMES = {
    Answer.GIVEN: _l("Consent given"),
    Answer.REFUSED: _l("Did not agree"),
    Answer.WITHDRAWN: _l("Withdrew the consent"),
}
CHANNEL_NAMES = {
    Channel.SCREEN: _l("on screen"),
    Channel.PAPER: _l("on paper, entered by the school"),
}


def one_of(kind: type[StrEnum]) -> str:
    """The values of a set of words, for a constraint."""
    return ", ".join(f"'{value.value}'" for value in kind)


class Consent(Base):
    """One answer of one guardian about one child to one version of one purpose. Never changed; the newest holds."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint(f"answer IN ({one_of(Answer)})", name="answer_known"),
        CheckConstraint(f"channel IN ({one_of(Channel)})", name="channel_known"),
        CheckConstraint(f"age_band IN ({one_of(Band)})", name="age_band_known"),
        CheckConstraint("(channel = 'paper') = (signed_on IS NOT NULL)", name="paper_has_day"),
        Index("ix_consent_pupil", "pupil_id", "purpose", "id"),
        Index("ix_consent_school", "school_id", "answered_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(30))
    version: Mapped[int]
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    pupil_id: Mapped[int | None] = mapped_column(ForeignKey("pupil.id", ondelete="SET NULL"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), index=True)
    age_band: Mapped[str] = mapped_column(String(10))
    answer: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(10))
    signed_on: Mapped[date | None]
    answered_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))

    person: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])

    @property
    def is_yes(self) -> bool:
        return self.answer == Answer.GIVEN


class ConsentReminder(Base):
    """The one time that a class is asked again for a version of a purpose; a second row cannot exist."""

    __tablename__ = "consent_reminder"
    __table_args__ = (UniqueConstraint("class_id", "purpose", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(30))
    version: Mapped[int]
    reminded_on: Mapped[date]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))


class ReaderQuestion(PublicId, Base):
    """A guardian asks who it was that opened a record; the school answers with the name, or says why not."""

    __tablename__ = "reader_question"
    __table_args__ = (
        UniqueConstraint("trail_entry_id", "person_id"),
        CheckConstraint(
            "answered_at IS NULL OR length(reader_name) > 0 OR words_sealed IS NOT NULL",
            name="answer_says_something",
        ),
        Index("ix_reader_question_school", "school_id", "answered_at", "due_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    trail_entry_id: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    reader_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    reader_name: Mapped[str] = mapped_column(String(NAME_LENGTH), default="", info={"class": "F2"})
    words_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})

    words = SealedText(Branch.NARRATIVE)

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    reader: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[reader_id])

    def answer(self, by: int, at: datetime, name: str, words: str) -> None:
        """Tell the name, or why it is not told. Nobody answers about themselves."""
        if self.answered_at is not None:
            raise RuleBroken(_("This question is answered already."))
        if by == self.reader_id:
            raise RuleBroken(_("It was you who opened it. Somebody else of the school answers."))
        self.answered_at, self.answered_by_id = at, by
        self.reader_name, self.words = name, words


PARCEL_KEPT = timedelta(hours=24)
"""How long a file that was made for somebody waits to be fetched."""


class ParcelState(StrEnum):
    """The life of a file made for one person to fetch once."""

    WAITING = "waiting"
    READY = "ready"
    FETCHED = "fetched"
    GONE = "gone"


class Parcel:
    """What such a file needs on its row: sealed bytes, their key, and a clock. Fetched once or a day old, it is gone."""

    state: Mapped[str] = mapped_column(String(10), default=ParcelState.WAITING)
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, info={"class": "F4"})
    size: Mapped[int] = mapped_column(default=0)
    ready_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def expires_at(self) -> datetime | None:
        return self.ready_at + PARCEL_KEPT if self.ready_at else None

    def is_there(self, now: datetime) -> bool:
        """Whether it can be fetched now."""
        expires_at = self.expires_at
        return self.state == ParcelState.READY and expires_at is not None and now < expires_at


class DataCopy(PublicId, Parcel, Base):
    """A person asked for a copy of what is kept about them (Personal Information Protection Law, art. 45)."""

    __tablename__ = "data_copy"
    __table_args__ = (
        CheckConstraint(f"state IN ({one_of(ParcelState)})", name="state_known"),
        CheckConstraint("(state = 'ready') = (content IS NOT NULL)", name="content_while_ready"),
        Index("ix_data_copy_person", "person_id", "id"),
        Index("ix_data_copy_state", "state", "ready_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    key_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})

    key = Sealed(Branch.SECRET)


class LegalHold(PublicId, Base):
    """A child's data are kept for an investigation: nothing about the child is deleted until it ends."""

    __tablename__ = "legal_hold"
    __table_args__ = (CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    reason_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))

    reason = SealedText(Branch.NARRATIVE)


class ErasureKind(StrEnum):
    """What is to be deleted: one's account, all about a child that has left, or one kind of data."""

    ACCOUNT = "account"
    CHILD = "child"
    PART = "part"


class Part(StrEnum):
    """A kind of data that can be deleted alone."""

    PHONE = "phone"
    OPINIONS = "opinions"
    VISIT_TEXTS = "visit_texts"


PART_NAMES = {
    Part.PHONE: _l("My mobile number"),
    Part.OPINIONS: _l("What I wrote in opinions"),
    Part.VISIT_TEXTS: _l("What was written about visits to our household"),
}


class ErasureState(StrEnum):
    """A request waits for the school; a whole record that is granted waits for a second person."""

    OPEN = "open"
    PROPOSED = "proposed"
    REFUSED = "refused"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class Ground(StrEnum):
    """The reasons for which the law lets a request be refused (PIPL art. 13, 44, 47, 50)."""

    PERIOD = "period"
    DUTY = "duty"
    INVESTIGATION = "investigation"
    OTHERS = "others"
    TECHNICAL = "technical"
    NOT_ENTITLED = "not_entitled"


GROUND_NAMES = {
    Ground.PERIOD: _l("A law sets a period of keeping that is not over (PIPL art. 47)"),
    Ground.DUTY: _l("The school needs it for a duty set by law (PIPL art. 13)"),
    Ground.INVESTIGATION: _l("It is evidence in an investigation or dispute"),
    Ground.OTHERS: _l("It would harm the rights of somebody else, such as the other guardian"),
    Ground.TECHNICAL: _l("It cannot be deleted technically; it is kept locked and not used (PIPL art. 47)"),
    Ground.NOT_ENTITLED: _l("The person may not ask for this child"),
}


class ErasureRequest(PublicId, Base):
    """Somebody asks the school to delete what is kept, with a clock; the decision and its effect stay as evidence."""

    __tablename__ = "erasure_request"
    __table_args__ = (
        CheckConstraint(f"kind IN ({one_of(ErasureKind)})", name="kind_known"),
        CheckConstraint(f"state IN ({one_of(ErasureState)})", name="state_known"),
        CheckConstraint("state <> 'refused' OR length(ground) > 0", name="refusal_has_ground"),
        CheckConstraint("second_by_id IS NULL OR second_by_id <> decided_by_id", name="two_people"),
        CheckConstraint("(kind = 'part') = (length(part) > 0)", name="part_named"),
        CheckConstraint("state <> 'done' OR done_at IS NOT NULL", name="done_has_time"),
        Index("ix_erasure_request_school", "school_id", "state", "due_on"),
        Index("ix_erasure_request_person", "person_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    pupil_id: Mapped[int | None] = mapped_column(ForeignKey("pupil.id", ondelete="SET NULL"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    kind: Mapped[str] = mapped_column(String(10))
    part: Mapped[str] = mapped_column(String(20), default="")
    words_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(10), default=ErasureState.OPEN)
    parts: Mapped[list[str]] = mapped_column(JSON, default=list)
    ground: Mapped[str] = mapped_column(String(20), default="")
    reply_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None]
    second_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    done_at: Mapped[datetime | None]
    effect: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)

    words = SealedText(Branch.NARRATIVE)
    reply = SealedText(Branch.NARRATIVE)

    person: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])
    pupil: Mapped[Pupil | None] = relationship(lazy="raise_on_sql")

    @property
    def is_whole(self) -> bool:
        """Whether a whole account or child is to be deleted, which takes two people."""
        return self.kind != ErasureKind.PART and not self.parts

    @property
    def is_open(self) -> bool:
        return self.state in (ErasureState.OPEN, ErasureState.PROPOSED)

    @property
    def is_shared(self) -> bool:
        """Whether it is of one thing that all schools use: an account, a child's record, the mobile number. Such a thing
        goes when every school that was asked agrees; anything else each school decides about its own."""
        return self.kind != ErasureKind.PART or self.part == Part.PHONE

    @property
    def waits_for_others(self) -> bool:
        """Whether this school has agreed and other schools have still to answer."""
        agreed = self.second_by_id is not None or self.kind == ErasureKind.PART
        return self.state == ErasureState.PROPOSED and agreed

    @classmethod
    def waits_for_school(cls) -> ColumnElement[bool]:
        """Requests of which the school has still to decide, or a second person of it to confirm."""
        undecided = cls.state == ErasureState.OPEN
        unconfirmed = and_(
            cls.state == ErasureState.PROPOSED, cls.kind != ErasureKind.PART, cls.second_by_id.is_(None)
        )
        return or_(undecided, unconfirmed)

    def _decide(self, by: int, at: datetime) -> None:
        if self.state != ErasureState.OPEN:
            raise RuleBroken(_("This request is decided already."))
        if by == self.person_id:
            raise RuleBroken(_("This request is your own. Somebody else has to decide."))
        self.decided_by_id, self.decided_at = by, at

    def refuse(self, by: int, at: datetime, ground: str, reply: str) -> None:
        """Say no, with a ground of the law and in words (PIPL art. 50)."""
        self._decide(by, at)
        self.state, self.ground, self.reply = ErasureState.REFUSED, ground, reply

    def grant(self, by: int, at: datetime, reply: str, parts: list[str], ground: str = "") -> None:
        """Say yes, to all or to some kinds of data; a whole record then waits for a second person."""
        self._decide(by, at)
        self.parts, self.ground, self.reply = parts, ground, reply
        self.state = ErasureState.PROPOSED

    def second(self, by: int) -> None:
        """A second person agrees."""
        if self.state != ErasureState.PROPOSED or self.waits_for_others:
            raise RuleBroken(_("Nothing waits for a second person here."))
        if by in (self.decided_by_id, self.person_id):
            raise RuleBroken(_("A second person has to confirm this."))
        self.second_by_id = by

    def withdraw(self, at: datetime) -> None:
        """The person who asked takes it back while nothing has been deleted."""
        if not self.is_open:
            raise RuleBroken(_("This request is decided already."))
        self.state, self.words, self.decided_at = ErasureState.WITHDRAWN, "", at


class RetentionRun(Base):
    """How many rows of one kind went on one night, at one school or of the whole portal."""

    __tablename__ = "retention_run"
    __table_args__ = (
        CheckConstraint("ended >= 0", name="ended_counted"),
        Index("ix_retention_run_day", "ran_on", "kind"),
        Index("ix_retention_run_school", "school_id", "ran_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    ran_on: Mapped[date]
    ran_at: Mapped[datetime]
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id"))
    ended: Mapped[int]


class ExportRequest(PublicId, Parcel, Base):
    """Somebody of an office asks to take data out, for a purpose; large or sensitive ones wait for a second person.

    ``first_on`` to ``last_on``, both included, are the days of an export that has days, ``file_kind`` the file's ending.
    """

    __tablename__ = "export_request"
    __table_args__ = (
        CheckConstraint(f"state IN ({one_of(ParcelState)})", name="state_known"),
        CheckConstraint("(state = 'ready') = (content IS NOT NULL)", name="content_while_ready"),
        CheckConstraint("approved_by_id IS NULL OR approved_by_id <> asked_by_id", name="two_people"),
        CheckConstraint(
            "NOT needs_second OR content IS NULL OR approved_by_id IS NOT NULL", name="second_before_file"
        ),
        CheckConstraint("(first_on IS NULL) = (last_on IS NULL)", name="both_days"),
        CheckConstraint("last_on >= first_on", name="days_in_order"),
        Index("ix_export_request_office", "district_id", "school_id", "id"),
        Index("ix_export_request_person", "asked_by_id", "asked_at"),
        Index("ix_export_request_state", "state", "ready_at"),
    )
    DAY = timedelta(days=1)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id"))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    purpose_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F2"})
    year: Mapped[int] = mapped_column(default=0)
    first_on: Mapped[date | None]
    last_on: Mapped[date | None]
    file_kind: Mapped[str] = mapped_column(String(4), default="")
    people: Mapped[int] = mapped_column(default=0)
    holds: Mapped[str] = mapped_column(String(3), default="")
    needs_second: Mapped[bool] = mapped_column(default=False)
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    file_name: Mapped[str] = mapped_column(String(100), default="")
    key_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F6"})

    purpose = SealedText(Branch.NARRATIVE)
    key = Sealed(Branch.SECRET)

    asked_by: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[asked_by_id])
    approved_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[approved_by_id])

    @property
    def may_be_made(self) -> bool:
        """Whether nobody has to agree any more."""
        waits = self.state == ParcelState.WAITING and self.refused_at is None
        return waits and (not self.needs_second or self.approved_by_id is not None)

    @property
    def waits_for_second(self) -> bool:
        return self.state == ParcelState.WAITING and self.needs_second and self.approved_by_id is None

    def decide(self, by: int, at: datetime, *, agrees: bool) -> None:
        """A second person agrees or not; never the one who asked."""
        if not self.waits_for_second or self.refused_at is not None:
            raise RuleBroken(_("Nothing waits for a second person here."))
        if by == self.asked_by_id:
            raise RuleBroken(_("A second person has to confirm this."))
        if agrees:
            self.approved_by_id, self.approved_at = by, at
        else:
            self.refused_at, self.state, self.ended_at = at, ParcelState.GONE, at


class Section(StrEnum):
    """What a district writes by hand for the yearly report."""

    INCIDENT = "incident"
    PROCESSOR = "processor"
    TRAINING = "training"


SECTION_NAMES = {
    Section.INCIDENT: _l("Incidents"),
    Section.PROCESSOR: _l("Who works on data for the district"),
    Section.TRAINING: _l("Training of staff"),
}


class AuditLine(PublicId, Base):
    """A line of the yearly report that no record of the portal tells."""

    __tablename__ = "audit_line"
    __table_args__ = (
        CheckConstraint(f"section IN ({one_of(Section)})", name="section_known"),
        Index("ix_audit_line_district", "district_id", "year"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    year: Mapped[int]
    section: Mapped[str] = mapped_column(String(10))
    text_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F2"})
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    written_at: Mapped[datetime]

    text = SealedText(Branch.NARRATIVE)
