"""Invitations, visits with their layers, agreed steps, corrections. Days are days in China, instants UTC."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import SealedText, SealPlace
from portal.schools.models import Guardianship, Pupil, SchoolClass

EDITABLE_FOR = timedelta(days=14)
"""How long the author may mend a visit that the family has not confirmed yet."""
ATTEMPTS_UNTIL_NOT_REACHED = 2
"""After so many attempts without an answer a family counts as not reached."""
LINE_LENGTH = 200
PARTNER_LENGTH = 100


class Form(StrEnum):
    """How teacher and family meet; every agreed form counts as a visit."""

    IN_HOME = "in_home"
    AT_SCHOOL = "at_school"
    PUBLIC_PLACE = "public_place"
    PHONE = "phone"
    VIDEO = "video"


FORM_NAMES = {
    Form.IN_HOME: _l("At home"),
    Form.AT_SCHOOL: _l("At school"),
    Form.PUBLIC_PLACE: _l("Public place"),
    Form.PHONE: _l("By phone"),
    Form.VIDEO: _l("By video"),
}
FORMS = ", ".join(f"'{form.value}'" for form in Form)


class Outcome(StrEnum):
    """Whether the family was met; an attempt without an answer is noted but does not count as a visit."""

    MET = "met"
    NO_ANSWER = "no_answer"


class Owner(StrEnum):
    """Who does an agreed step."""

    SCHOOL = "school"
    FAMILY = "family"


OWNER_NAMES = {Owner.SCHOOL: _l("The school"), Owner.FAMILY: _l("The family")}

PRIORITY_NAMES = {
    "left_behind": _l("Left-behind child"),
    "single_parent": _l("Single-parent family"),
    "hardship": _l("Family in hardship"),
    "disabled": _l("Disabled child"),
    "psychological": _l("Needs a caring ear"),
    "newly_transferred": _l("Newly transferred"),
    "migrant": _l("Child of migrant workers"),
    "learning": _l("Finds learning hard"),
    "changed": _l("Much has changed in mind or results"),
    "health": _l("Special state of health"),
    "life_event": _l("A heavy blow in the family"),
}
"""Groups whom districts ask to visit first: the six of Shaanxi's rules and those that schools and Zhejiang's law add.
Who was harmed is no group here: that stands in sealed notes only."""


class InvitationState(StrEnum):
    """The life of an invitation. ``open`` and ``accepted`` hold the family's place; the others are past."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    DONE = "done"


INVITATION_STATES = ", ".join(f"'{state.value}'" for state in InvitationState)
_HELD = "state IN ('open', 'accepted')"


class Invitation(PublicId, Base):
    """A teacher's proposal to meet: forms, up to three times, a purpose. ``times`` are instants as ISO text in UTC.

    A household holds at most one that is open or accepted per school, so that two teachers never book one family twice.
    """

    __tablename__ = "visit_invitation"
    __table_args__ = (
        CheckConstraint(f"state IN ({INVITATION_STATES})", name="state_known"),
        CheckConstraint(f"chosen_form IS NULL OR chosen_form IN ({FORMS})", name="form_known"),
        CheckConstraint(
            "state <> 'accepted' OR (chosen_form IS NOT NULL AND chosen_at IS NOT NULL)",
            name="accepted_is_set",
        ),
        Index(
            "uq_visit_invitation_held",
            "school_id",
            "household_id",
            unique=True,
            sqlite_where=text(_HELD),
            postgresql_where=text(_HELD),
        ),
        Index("ix_visit_invitation_pupil", "pupil_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    purpose_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    purpose = SealedText("narrative")
    forms: Mapped[list[str]] = mapped_column(JSON)
    times: Mapped[list[str]] = mapped_column(JSON)
    last_time_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default=InvitationState.OPEN)
    chosen_form: Mapped[str | None] = mapped_column(String(20))
    chosen_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    school_class: Mapped[SchoolClass] = relationship(lazy="raise_on_sql")
    author: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[author_id])
    answered_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[answered_by_id])

    @property
    def proposed(self) -> list[datetime]:
        """The proposed times, as instants."""
        return [datetime.fromisoformat(one) for one in self.times]

    def accept(self, at: datetime, form: str, by: int, now: datetime) -> None:
        """The family takes one of the proposed times, in any form. RuleBroken when it is answered or over."""
        self._must_be_open()
        if at not in self.proposed:
            raise RuleBroken(_("Choose one of the proposed times."), status=422)
        if form not in FORM_NAMES:
            raise RuleBroken(_("Choose how you would like to meet."), status=422)
        if at <= now:
            raise RuleBroken(_("This time has passed. Choose another, or ask the teacher for a new one."))
        self.state = InvitationState.ACCEPTED
        self.chosen_at, self.chosen_form = at, form
        self.answered_at, self.answered_by_id = now, by

    def decline(self, by: int, now: datetime) -> None:
        """The family would rather not now; also after having accepted. No reason is asked, ever."""
        if self.state not in (InvitationState.OPEN, InvitationState.ACCEPTED):
            raise RuleBroken(_("This invitation is closed already."))
        self.state = InvitationState.DECLINED
        self.chosen_at = self.chosen_form = None
        self.answered_at, self.answered_by_id = now, by

    def withdraw(self) -> None:
        """The teacher takes it back."""
        if self.state not in (InvitationState.OPEN, InvitationState.ACCEPTED):
            raise RuleBroken(_("This invitation is closed already."))
        self.state = InvitationState.WITHDRAWN

    def _must_be_open(self) -> None:
        if self.state != InvitationState.OPEN:
            raise RuleBroken(_("This invitation has been answered already."))


class Visit(PublicId, Base):
    """The facts of one visit or attempt: who, when, how. ``client_id`` is made by the device that wrote it; a replay
    of the same id by the same author is the same visit. ``year_on`` is the 1 September of its school year."""

    __tablename__ = "visit"
    __table_args__ = (
        UniqueConstraint("author_id", "client_id"),
        CheckConstraint("outcome IN ('met', 'no_answer')", name="outcome_known"),
        CheckConstraint(f"form IS NULL OR form IN ({FORMS})", name="form_known"),
        CheckConstraint("outcome <> 'met' OR form IS NOT NULL", name="visit_has_form"),
        CheckConstraint("minutes IS NULL OR minutes BETWEEN 1 AND 1439", name="minutes_possible"),
        CheckConstraint("outcome = 'met' OR confirmed_at IS NULL", name="attempt_not_confirmed"),
        Index("ix_visit_pupil", "pupil_id", "year_on"),
        Index("ix_visit_household", "household_id", "held_at"),
        Index("ix_visit_school", "school_id", "held_at", "id"),
        Index("ix_visit_class", "class_id", "held_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(36))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("visit_invitation.id"))
    outcome: Mapped[str] = mapped_column(String(10))
    form: Mapped[str | None] = mapped_column(String(20))
    held_on: Mapped[date]
    held_at: Mapped[datetime]
    minutes: Mapped[int | None]
    year_on: Mapped[date]
    was_priority: Mapped[bool] = mapped_column(default=False)
    child_met: Mapped[bool] = mapped_column(default=False)
    others_met_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    others_met = SealedText("narrative")
    gift_refused: Mapped[bool] = mapped_column(default=False)
    written_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    school_class: Mapped[SchoolClass] = relationship(lazy="raise_on_sql")
    author: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[author_id])
    confirmed_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[confirmed_by_id])
    met: Mapped[list["VisitMet"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", passive_deletes=True
    )
    company: Mapped[list["VisitCompanion"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", passive_deletes=True, order_by="VisitCompanion.id"
    )
    parts: Mapped[list["VisitPart"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", passive_deletes=True, order_by="VisitPart.id"
    )
    sealed: Mapped[list["SealedNote"]] = relationship(lazy="raise_on_sql", back_populates="visit")
    steps: Mapped[list["FollowUp"]] = relationship(
        lazy="raise_on_sql", order_by="FollowUp.due_on, FollowUp.id", back_populates="visit"
    )
    remarks: Mapped[list["VisitRemark"]] = relationship(lazy="raise_on_sql", order_by="VisitRemark.id")
    corrections: Mapped[list["Correction"]] = relationship(
        lazy="raise_on_sql", order_by="Correction.id", back_populates="visit"
    )
    changes: Mapped[list["VisitChange"]] = relationship(lazy="raise_on_sql", order_by="VisitChange.id")

    @property
    def counts(self) -> bool:
        """Whether it is a visit and not only an attempt."""
        return self.outcome == Outcome.MET

    def may_be_amended(self, person_id: int, corrected: bool, now: datetime) -> bool:
        """Its author may mend it for a while until the family confirms, and whenever the family asks for it."""
        if person_id != self.author_id:
            return False
        return corrected or (self.confirmed_at is None and now - self.written_at <= EDITABLE_FOR)

    def takes_parts(self, corrected: bool, now: datetime) -> bool:
        """Whether those who went along may write their parts: as long as a note may be mended, also after the
        confirmation (the family is then asked again)."""
        return corrected or now - self.written_at <= EDITABLE_FOR

    def confirm(self, by: int, now: datetime) -> None:
        """The family says that it was so. The first tap of a household holds; later ones change nothing."""
        if not self.counts:
            raise RuleBroken(_("There is nothing to confirm here."))
        if any(one.answered_at is None for one in self.corrections):
            raise RuleBroken(_("You asked for a correction. The teacher answers it first."))
        if self.confirmed_at is None:
            self.confirmed_at, self.confirmed_by_id = now, by


class VisitMet(Base):
    """A guardian who was met on a visit."""

    __tablename__ = "visit_met"

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"), primary_key=True)
    guardianship_id: Mapped[int] = mapped_column(
        ForeignKey("guardianship.id", ondelete="CASCADE"), primary_key=True, index=True
    )

    guardianship: Mapped[Guardianship] = relationship(lazy="raise_on_sql")


class VisitCompanion(Base):
    """Who else went along on a joint visit (联合家访): somebody of the school, who writes an own part, or a partner
    without an account, who is only named."""

    __tablename__ = "visit_companion"
    __table_args__ = (
        UniqueConstraint("visit_id", "person_id"),
        CheckConstraint("(person_id IS NULL) <> (partner = '')", name="person_or_partner"),
        Index("ix_visit_companion_person", "person_id", "visit_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    partner: Mapped[str] = mapped_column(String(PARTNER_LENGTH), default="")

    person: Mapped[Person | None] = relationship(lazy="raise_on_sql")

    @property
    def name(self) -> str:
        """How the family knows them."""
        return self.person.name if self.person else self.partner


class VisitPart(SealPlace, Base):
    """What one author wrote: the child's good sides and the family's hopes, and an ordinary note.

    The family reads both, the note only unless ``school_only``. ``sketch`` tells whether two texts are alike and cannot be
    read (``portal/visits/sketching.py``); None: not made yet.
    """

    __tablename__ = "visit_part"
    __table_args__ = (
        UniqueConstraint("visit_id", "author_id"),
        Index(
            "ix_visit_part_unsketched",
            "id",
            sqlite_where=text("sketch IS NULL"),
            postgresql_where=text("sketch IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    hopes_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    hopes = SealedText("narrative", row="sealed_as")
    note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    note = SealedText("narrative", row="sealed_as")
    school_only: Mapped[bool] = mapped_column(default=False)
    sketch: Mapped[bytes | None] = mapped_column(LargeBinary)
    written_at: Mapped[datetime]

    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class SealedNote(PublicId, Base):
    """What only its author and the principal may open, each time with a reason that goes into the trail.

    It never changes; whoever was there may add another one later.
    """

    __tablename__ = "sealed_note"
    __table_args__ = (Index("ix_sealed_note_visit", "visit_id", "author_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4S"})
    body = SealedText("safeguarding")
    written_at: Mapped[datetime]

    visit: Mapped[Visit] = relationship(lazy="raise_on_sql", back_populates="sealed")
    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class FollowUp(PublicId, Base):
    """A step that teacher and family agreed on, with its owner and day."""

    __tablename__ = "follow_up"
    __table_args__ = (
        CheckConstraint("owner IN ('school', 'family')", name="owner_known"),
        CheckConstraint("(done_on IS NULL) = (done_by_id IS NULL)", name="done_by_somebody"),
        Index("ix_follow_up_pupil", "pupil_id", "due_on"),
        Index("ix_follow_up_household", "household_id", "due_on"),
        Index("ix_follow_up_visit", "visit_id"),
        Index(
            "ix_follow_up_open",
            "school_id",
            "due_on",
            sqlite_where=text("done_on IS NULL"),
            postgresql_where=text("done_on IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    what_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    what = SealedText("narrative")
    owner: Mapped[str] = mapped_column(String(10))
    due_on: Mapped[date]
    done_on: Mapped[date | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    done_line_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    done_line = SealedText("narrative")

    visit: Mapped[Visit] = relationship(lazy="raise_on_sql", back_populates="steps")
    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    done_by: Mapped[Person | None] = relationship(lazy="raise_on_sql")

    def is_overdue(self, on: date) -> bool:
        """Not done although its day has passed."""
        return self.done_on is None and self.due_on < on

    def finish(self, by: int, line: str, on: date) -> None:
        """Tick it off, with a line if one likes."""
        if self.done_on is not None:
            raise RuleBroken(_("This step is ticked off already."))
        self.done_on, self.done_by_id, self.done_line = on, by, line


class VisitRemark(SealPlace, Base):
    """What a guardian adds to a visit in their own words."""

    __tablename__ = "visit_remark"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    body = SealedText("narrative", row="sealed_as")
    written_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class Correction(PublicId, Base):
    """A family says that something is not right; the teacher answers. One is open at a time."""

    __tablename__ = "visit_correction"
    __table_args__ = (
        Index(
            "uq_visit_correction_open",
            "visit_id",
            unique=True,
            sqlite_where=text("answered_at IS NULL"),
            postgresql_where=text("answered_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    body = SealedText("narrative")
    asked_at: Mapped[datetime]
    answer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    answer = SealedText("narrative")
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    visit: Mapped[Visit] = relationship(lazy="raise_on_sql", back_populates="corrections")
    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])

    def reply(self, answer: str, by: int, now: datetime) -> None:
        """The author's answer."""
        if self.answered_at is not None:
            raise RuleBroken(_("This request has been answered already."))
        self.answer, self.answered_at, self.answered_by_id = answer, now, by


class VisitChange(Base):
    """One change of a written visit: who and when, never the old text."""

    __tablename__ = "visit_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    changed_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class ClassCoverage(Base):
    """Where a class stands with one coverage rule in one period: a rolled-up number, changed with each visit.

    ``rule`` is the rule's key; "" stands for all pupils met in any way this school year, which needs no rule. ``members``
    pupils were concerned, ``needed`` of them to be met, ``met`` were, ``in_home`` of these in their homes; ``reached``
    counts calls as well; ``not_reached`` were tried twice or more this school year and never met.
    """

    __tablename__ = "visit_class_coverage"
    __table_args__ = (
        CheckConstraint("met <= members AND in_home <= met AND reached <= members", name="parts_of_members"),
        CheckConstraint("not_reached >= 0 AND met + not_reached <= members", name="not_reached_unmet"),
        Index("ix_visit_class_coverage_school", "school_id", "rule"),
    )

    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id", ondelete="CASCADE"), primary_key=True)
    rule: Mapped[str] = mapped_column(String(24), primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"))
    since_on: Mapped[date]
    until_on: Mapped[date]
    members: Mapped[int]
    needed: Mapped[int]
    met: Mapped[int]
    in_home: Mapped[int]
    reached: Mapped[int]
    not_reached: Mapped[int] = mapped_column(default=0, server_default="0")
    kept_on: Mapped[date] = mapped_column(index=True)


class AnswerCode(Base):
    """A code by which one guardian answers one invitation without signing in; only its keyed index is kept."""

    __tablename__ = "visit_answer_code"
    __table_args__ = (
        UniqueConstraint("invitation_id", "person_id"),
        UniqueConstraint("code_index"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invitation_id: Mapped[int] = mapped_column(ForeignKey("visit_invitation.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    code_index: Mapped[bytes] = mapped_column(LargeBinary(15), info={"class": "F6"})
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PlanEntry(PublicId, Base):
    """A visit that a teacher means to make on a day of a term; the family learns of it by the invitation only."""

    __tablename__ = "visit_plan_entry"
    __table_args__ = (
        UniqueConstraint("term_id", "pupil_id", "household_id"),
        CheckConstraint("companion_id IS NULL OR companion_id <> teacher_id", name="two_people"),
        Index("ix_visit_plan_entry_class", "class_id", "term_id", "planned_on"),
        Index("ix_visit_plan_entry_household", "household_id", "planned_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    class_id: Mapped[int] = mapped_column(ForeignKey("school_class.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    teacher_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    companion_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    planned_on: Mapped[date]
    planned_at: Mapped[datetime]

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    school_class: Mapped[SchoolClass] = relationship(lazy="raise_on_sql")
    teacher: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[teacher_id])
    companion: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[companion_id])


class HomePlace(SealPlace, Base):
    """Roughly where a child's home lies (柳湾村, 幸福路), so that one way serves several visits. Never a position.

    ``left_out``: the family does not want it noted; then the school may not note it either.
    """

    __tablename__ = "visit_home_place"
    __table_args__ = (
        UniqueConstraint("pupil_id", "household_id"),
        CheckConstraint("NOT left_out OR place_sealed IS NULL", name="left_out_is_empty"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    place_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    place = SealedText("personal", row="sealed_as")
    left_out: Mapped[bool] = mapped_column(default=False)
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    set_at: Mapped[datetime]
