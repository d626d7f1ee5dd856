"""Plans with measures and reviews, the left-behind register, dropout watch, referrals. Days are days in China, instants UTC."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import NAME_LENGTH, Person
from portal.deliveries.models import Delivery
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import SealedData, SealedText, SealPlace
from portal.schools.models import Pupil, School

LINE_LENGTH = 200
TEXT_LENGTH = 5_000
TRIES = 5
"""After so many wrong codes a referral opens no more."""


def _listed(names: type[StrEnum]) -> str:
    return ", ".join(f"'{one.value}'" for one in names)


class Outcome(StrEnum):
    """What a review of a plan found."""

    ON_TRACK = "on_track"
    ADJUST = "adjust"
    SLOW = "slow"
    REACHED = "reached"


OUTCOME_NAMES = {
    Outcome.ON_TRACK: _l("It goes well, carry on"),
    Outcome.ADJUST: _l("Carry on with changes"),
    Outcome.SLOW: _l("Little has changed, think again"),
    Outcome.REACHED: _l("The aims are reached"),
}


class Away(StrEnum):
    """Which parents live away."""

    BOTH = "both"
    FATHER = "father"
    MOTHER = "mother"


AWAY_NAMES = {
    Away.BOTH: _l("Both parents are away"),
    Away.FATHER: _l("The father is away"),
    Away.MOTHER: _l("The mother is away"),
}


class Means(StrEnum):
    """How somebody was spoken to."""

    PHONE = "phone"
    VIDEO = "video"
    MESSAGE = "message"
    MEETING = "meeting"
    LETTER = "letter"


MEANS_NAMES = {
    Means.PHONE: _l("Telephone call"),
    Means.VIDEO: _l("Video call"),
    Means.MESSAGE: _l("Message"),
    Means.MEETING: _l("Meeting in person"),
    Means.LETTER: _l("Letter"),
}


class StepKind(StrEnum):
    """The steps against dropping out, in their order: the last one lifts the case to the district."""

    CALL = "call"
    VISIT = "visit"
    VILLAGE = "village"
    NOTICE = "notice"
    REPORT = "report"


STEP_NAMES = {
    StepKind.CALL: _l("Call to the family"),
    StepKind.VISIT: _l("Visit to the family"),
    StepKind.VILLAGE: _l("Village or residents' committee"),
    StepKind.NOTICE: _l("Written notice to the guardians"),
    StepKind.REPORT: _l("Report to the district"),
}


class Ending(StrEnum):
    """How a dropout watch ended."""

    BACK = "back"
    ELSEWHERE = "elsewhere"
    EXCUSED = "excused"


ENDING_NAMES = {
    Ending.BACK: _l("The child is back in class"),
    Ending.ELSEWHERE: _l("The child learns at another school"),
    Ending.EXCUSED: _l("Postponed or suspended with papers"),
}


class PartnerKind(StrEnum):
    """Who takes referrals."""

    PSYCHOLOGY = "psychology"
    SOCIAL_WORK = "social_work"
    STREET_OFFICE = "street_office"
    COMMUNITY = "community"
    HEALTH = "health"


PARTNER_NAMES = {
    PartnerKind.PSYCHOLOGY: _l("Psychological help"),
    PartnerKind.SOCIAL_WORK: _l("Social work"),
    PartnerKind.STREET_OFFICE: _l("Street office or township"),
    PartnerKind.COMMUNITY: _l("Community education school"),
    PartnerKind.HEALTH: _l("Hospital or health centre"),
}


class Basis(StrEnum):
    """What a referral rests on: the guardian's consent, or the child's safety in spite of none."""

    CONSENT = "consent"
    SAFETY = "safety"


class ReferralState(StrEnum):
    """``waiting``: for the principal's word; ``open``: the partner may read; the others are past."""

    WAITING = "waiting"
    OPEN = "open"
    REFUSED = "refused"
    RECALLED = "recalled"


PART_NAMES = {
    "groups": _l("Why the child needs a plan"),
    "aims": _l("Aims of the plan"),
    "measures": _l("Measures of the plan"),
    "reviews": _l("Reviews of the plan"),
    "visits": _l("Facts of the visits of this school year, without what was said"),
    "contacts": _l("Contacts with parents who are away: days and means only"),
    "message": _l("What the school writes to the partner"),
}
"""Parts of a file that a referral may carry."""


class CarePerson(Base):
    """A person of the school named by the principal to care for one pupil beside the class teacher."""

    __tablename__ = "care_person"
    __table_args__ = (
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        Index(
            "uq_care_person_open",
            "pupil_id",
            "person_id",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_care_person_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    named_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    started_on: Mapped[date]
    ended_on: Mapped[date | None]

    person: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[person_id])


class CarePlan(PublicId, Base):
    """One plan for one pupil (一人一案). ``groups`` are keys of the priority groups; one plan is open at a time."""

    __tablename__ = "care_plan"
    __table_args__ = (
        CheckConstraint("(closed_on IS NULL) = (closed_by_id IS NULL)", name="closed_by_somebody"),
        CheckConstraint("closed_on IS NULL OR closing_sealed IS NOT NULL", name="closed_with_reason"),
        CheckConstraint("closed_on IS NULL OR closed_on >= opened_on", name="ends_after_start"),
        CheckConstraint("version >= 1", name="version_counted"),
        Index(
            "uq_care_plan_open",
            "pupil_id",
            unique=True,
            sqlite_where=text("closed_on IS NULL"),
            postgresql_where=text("closed_on IS NULL"),
        ),
        Index("ix_care_plan_pupil", "pupil_id", "id"),
        Index("ix_care_plan_school", "school_id", "id"),
        Index("ix_care_plan_responsible", "responsible_id", "review_due_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    responsible_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    groups_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    groups = SealedData("narrative")
    aims_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    aims = SealedText("narrative")
    version: Mapped[int] = mapped_column(default=1)
    opened_on: Mapped[date]
    review_due_on: Mapped[date]
    closed_on: Mapped[date | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    closing_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    closing = SealedText("narrative")

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    author: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[author_id])
    responsible: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[responsible_id])
    measures: Mapped[list["CareMeasure"]] = relationship(
        lazy="raise_on_sql", order_by="CareMeasure.due_on, CareMeasure.id", back_populates="plan"
    )
    reviews: Mapped[list["CareReview"]] = relationship(lazy="raise_on_sql", order_by="CareReview.id.desc()")
    versions: Mapped[list["CareVersion"]] = relationship(
        lazy="raise_on_sql", order_by="CareVersion.number.desc()"
    )

    def must_be_open(self) -> None:
        """RuleBroken once the plan is closed."""
        if self.closed_on is not None:
            raise RuleBroken(_("This plan is closed. Open a new one if the child needs it."))

    def close(self, by: int, reason: str, on: date) -> None:
        """End the plan, with the reason."""
        self.must_be_open()
        self.closed_on, self.closed_by_id, self.closing = on, by, reason


class CareVersion(SealPlace, Base):
    """The text of a plan as it stood: groups, aims, responsible person and measures, as people read them."""

    __tablename__ = "care_version"
    __table_args__ = (UniqueConstraint("plan_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("care_plan.id", ondelete="CASCADE"))
    number: Mapped[int]
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    written_at: Mapped[datetime]
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    content = SealedData("narrative", row="sealed_as")

    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class CareMeasure(PublicId, Base):
    """What is done under a plan, by whom, until when. With a household it is agreed with that family, who read it;
    without an owner the family does it itself."""

    __tablename__ = "care_measure"
    __table_args__ = (
        CheckConstraint("owner_id IS NOT NULL OR household_id IS NOT NULL", name="somebody_does_it"),
        CheckConstraint("(done_on IS NULL) = (done_by_id IS NULL)", name="done_by_somebody"),
        Index("ix_care_measure_plan", "plan_id", "due_on"),
        Index("ix_care_measure_household", "household_id", "pupil_id"),
        Index("ix_care_measure_owner", "owner_id", "due_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("care_plan.id", ondelete="CASCADE"))
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("household.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    what_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    what = SealedText("narrative")
    due_on: Mapped[date]
    done_on: Mapped[date | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    done_line_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    done_line = SealedText("narrative")

    plan: Mapped[CarePlan] = relationship(lazy="raise_on_sql", back_populates="measures")
    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    owner: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[owner_id])

    def is_overdue(self, on: date) -> bool:
        """Not done although its day has passed."""
        return self.done_on is None and self.due_on < on

    def finish(self, by: int, line: str, on: date) -> None:
        """Tick it off, with a line if one likes."""
        if self.done_on is not None:
            raise RuleBroken(_("This measure is ticked off already."))
        self.done_on, self.done_by_id, self.done_line = on, by, line


class CareReview(SealPlace, Base):
    """A look at a plan: when, by whom, what came of it, and the day of the next one."""

    __tablename__ = "care_review"
    __table_args__ = (
        CheckConstraint(f"outcome IN ({_listed(Outcome)})", name="outcome_known"),
        CheckConstraint("next_on IS NULL OR next_on > held_on", name="next_after_this"),
        UniqueConstraint("plan_id", "held_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("care_plan.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    held_on: Mapped[date]
    outcome: Mapped[str] = mapped_column(String(10))
    text_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    text = SealedText("narrative", row="sealed_as")
    next_on: Mapped[date | None]

    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class LeftBehind(PublicId, Base):
    """A left-behind child on the register: who cares, who is away, what was agreed about contact. One line at a time."""

    __tablename__ = "left_behind"
    __table_args__ = (
        CheckConstraint(f"away IN ({_listed(Away)})", name="away_known"),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        Index(
            "uq_left_behind_open",
            "pupil_id",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_left_behind_pupil", "pupil_id", "id"),
        Index("ix_left_behind_school", "school_id", "contacted_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    away: Mapped[str] = mapped_column(String(10))
    carer_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F3"})
    carer = SealedText("personal")
    whereabouts_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    whereabouts = SealedText("narrative")
    agreed_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    agreed = SealedText("narrative")
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    contacted_on: Mapped[date]
    """The day of the newest entry of the contact log; before the first one, the day the child was entered."""

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    contacts: Mapped[list["CareContact"]] = relationship(
        lazy="raise_on_sql", order_by="CareContact.held_on.desc(), CareContact.id.desc()"
    )

    def must_be_open(self) -> None:
        """RuleBroken once the child is off the register."""
        if self.ended_on is not None:
            raise RuleBroken(_("This child is no longer on the register."))


class CareContact(SealPlace, Base):
    """One contact with those who are away or who care: day, means, with whom, a line."""

    __tablename__ = "care_contact"
    __table_args__ = (
        CheckConstraint(f"means IN ({_listed(Means)})", name="means_known"),
        Index("ix_care_contact_left_behind", "left_behind_id", "held_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    left_behind_id: Mapped[int] = mapped_column(ForeignKey("left_behind.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    held_on: Mapped[date]
    means: Mapped[str] = mapped_column(String(10))
    with_whom_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F3"})
    with_whom = SealedText("personal", row="sealed_as")
    line_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    line = SealedText("narrative", row="sealed_as")
    written_at: Mapped[datetime]

    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class Watch(PublicId, Base):
    """A child who may drop out (控辍保学): days absent, steps taken, lifted to the district by a report."""

    __tablename__ = "dropout_watch"
    __table_args__ = (
        CheckConstraint("(ended_on IS NULL) = (ending IS NULL)", name="ended_somehow"),
        CheckConstraint(f"ending IS NULL OR ending IN ({_listed(Ending)})", name="ending_known"),
        CheckConstraint("ended_on IS NULL OR ended_on >= absent_from", name="ends_after_start"),
        CheckConstraint("escalated_on IS NULL OR escalated_on >= absent_from", name="escalated_after_start"),
        Index(
            "uq_dropout_watch_open",
            "pupil_id",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_dropout_watch_pupil", "pupil_id", "id"),
        Index("ix_dropout_watch_school", "school_id", "id"),
        Index("ix_dropout_watch_district", "district_id", "escalated_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    absent_from: Mapped[date]
    escalated_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    ending: Mapped[str | None] = mapped_column(String(10))
    closing_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    closing = SealedText("narrative")

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    school: Mapped[School] = relationship(lazy="raise_on_sql")
    absences: Mapped[list["Absence"]] = relationship(lazy="raise_on_sql", order_by="Absence.day_on.desc()")
    steps: Mapped[list["WatchStep"]] = relationship(
        lazy="raise_on_sql", order_by="WatchStep.taken_on.desc(), WatchStep.id.desc()"
    )

    def must_be_open(self) -> None:
        """RuleBroken once the watch has ended."""
        if self.ended_on is not None:
            raise RuleBroken(_("This watch has ended. Start a new one if the child stays away again."))


class Absence(SealPlace, Base):
    """One school day on which the child was not in class, with the reason that was given."""

    __tablename__ = "dropout_absence"
    __table_args__ = (UniqueConstraint("watch_id", "day_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    watch_id: Mapped[int] = mapped_column(ForeignKey("dropout_watch.id", ondelete="CASCADE"))
    day_on: Mapped[date]
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reason_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    reason = SealedText("narrative", row="sealed_as")


class WatchStep(SealPlace, Base):
    """A step that was taken: which, when, by whom, with whom, a line."""

    __tablename__ = "dropout_step"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_listed(StepKind)})", name="kind_known"),
        UniqueConstraint("watch_id", "kind", "taken_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    watch_id: Mapped[int] = mapped_column(ForeignKey("dropout_watch.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    taken_on: Mapped[date]
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    with_whom_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    with_whom = SealedText("personal", row="sealed_as")
    line_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    line = SealedText("narrative", row="sealed_as")

    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class Partner(PublicId, Base):
    """An organisation that takes referrals of one school."""

    __tablename__ = "care_partner"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_listed(PartnerKind)})", name="kind_known"),
        CheckConstraint("length(name) > 0", name="has_name"),
        Index(
            "uq_care_partner_name",
            "school_id",
            "name",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    started_on: Mapped[date]
    ended_on: Mapped[date | None]


class Referral(PublicId, Base):
    """Parts of a pupil's file, ticked one by one and frozen, for one named recipient at a partner, until a day.

    ``content`` is what the partner reads: [heading, [lines]]. It goes when the referral is recalled or expires; who
    opened it stays.
    """

    __tablename__ = "care_referral"
    __table_args__ = (
        CheckConstraint(f"basis IN ({_listed(Basis)})", name="basis_known"),
        CheckConstraint(f"state IN ({_listed(ReferralState)})", name="state_known"),
        CheckConstraint("basis <> 'safety' OR reason_sealed IS NOT NULL", name="override_has_reason"),
        CheckConstraint(
            "basis <> 'safety' OR state NOT IN ('open', 'recalled') OR decided_by_id IS NOT NULL",
            name="override_decided",
        ),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> author_id", name="two_persons"),
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries_counted"),
        Index("ix_care_referral_pupil", "pupil_id", "id"),
        Index("ix_care_referral_school", "school_id", "id"),
        Index("ix_care_referral_expires", "state", "expires_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    partner_id: Mapped[int] = mapped_column(ForeignKey("care_partner.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recipient_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F3"})
    recipient = SealedText("personal")
    basis: Mapped[str] = mapped_column(String(10))
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    reason = SealedText("narrative")
    state: Mapped[str] = mapped_column(String(10))
    parts_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    parts = SealedData("narrative")
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    content = SealedData("narrative")
    code_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F6"})
    code = SealedText("secret")
    tries: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    expires_on: Mapped[date]
    """The first day on which the partner reads nothing any more."""
    recalled_at: Mapped[datetime | None]
    recalled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    school: Mapped[School] = relationship(lazy="raise_on_sql")
    partner: Mapped[Partner] = relationship(lazy="raise_on_sql")
    author: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[author_id])
    decided_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[decided_by_id])
    openings: Mapped[list["Opening"]] = relationship(lazy="raise_on_sql", order_by="Opening.id.desc()")
    copies: Mapped[list["ReferralCopy"]] = relationship(
        lazy="raise_on_sql", order_by="ReferralCopy.id.desc()"
    )

    def is_open(self, on: date) -> bool:
        """Whether the partner may read it on a day, as far as the school's word goes."""
        return self.state == ReferralState.OPEN and on < self.expires_on and self.tries < TRIES

    def decide(self, by: int, agrees: bool, now: datetime) -> None:
        """The second person's word on a referral without consent."""
        if self.state != ReferralState.WAITING:
            raise RuleBroken(_("This referral is decided already."))
        if by == self.author_id:
            raise RuleBroken(_("Two people decide this. Somebody else has to confirm what you entered."))
        self.state = ReferralState.OPEN if agrees else ReferralState.REFUSED
        self.decided_by_id, self.decided_at = by, now
        if not agrees:
            self.content = None

    def recall(self, by: int, now: datetime) -> None:
        """Take it back: from now on the partner reads nothing."""
        if self.state not in (ReferralState.OPEN, ReferralState.WAITING):
            raise RuleBroken(_("This referral is over already."))
        # A referral that waits was never decided; refused is its end too.
        self.state = ReferralState.RECALLED if self.state == ReferralState.OPEN else ReferralState.REFUSED
        self.recalled_at, self.recalled_by_id, self.content = now, by, None


class ReferralCopy(Base):
    """A referral handed over by a message: who sent it, when, by which way. The address stands in the outbox alone, for
    thirty days; of the number in the message only its keyed index is kept."""

    __tablename__ = "referral_copy"
    __table_args__ = (
        UniqueConstraint("number_index"),
        CheckConstraint("way IN ('sms', 'email')", name="way_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    referral_id: Mapped[int] = mapped_column(ForeignKey("care_referral.id", ondelete="CASCADE"), index=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    delivery_id: Mapped[int | None] = mapped_column(
        ForeignKey("delivery.id", ondelete="SET NULL"), index=True
    )
    way: Mapped[str] = mapped_column(String(10))
    number_index: Mapped[bytes] = mapped_column(LargeBinary(15), info={"class": "F6"})
    sent_at: Mapped[datetime]

    sender: Mapped[Person] = relationship(lazy="raise_on_sql")
    delivery: Mapped[Delivery | None] = relationship(lazy="raise_on_sql")


class Opening(Base):
    """The partner opened a referral: by the link that the school passed on, or by a copy that a message brought."""

    __tablename__ = "referral_opening"

    id: Mapped[int] = mapped_column(primary_key=True)
    referral_id: Mapped[int] = mapped_column(ForeignKey("care_referral.id", ondelete="CASCADE"), index=True)
    copy_id: Mapped[int | None] = mapped_column(
        ForeignKey("referral_copy.id", ondelete="SET NULL"), index=True
    )
    opened_at: Mapped[datetime]
