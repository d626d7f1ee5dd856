"""Rubric versions, rounds, the schools in them, what each person entered, and the frozen evidence.

Facts of an indicator are kept as canonical JSON text (see ``canonical.py``), so that what was scored can be hashed and
scored again to the last digit.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
    false,
    inspect,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import NAME_LENGTH, Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.programmes import PROGRAMMES, STARS
from portal.schools.models import District, School, SchoolYear


class RubricState(StrEnum):
    """A rubric version may be changed until it is published; then it stands for ever."""

    DRAFT = "draft"
    PUBLISHED = "published"


class RoundState(StrEnum):
    """Where a round stands."""

    DRAFT = "draft"
    OPEN = "open"
    PUBLISHED = "published"


class EntryState(StrEnum):
    """Where one school stands in a round."""

    CHOSEN = "chosen"
    SELF_ASSESSING = "self_assessing"
    SUBMITTED = "submitted"
    SCORING = "scoring"
    LOCKED = "locked"
    AGREED = "agreed"
    OPINED = "opined"
    HEARD = "heard"
    DECIDED = "decided"


class ObjectionState(StrEnum):
    """Where an objection or an appeal of a school stands."""

    OPEN = "open"
    UPHELD = "upheld"
    CHANGED = "changed"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class Seat(StrEnum):
    """What somebody does in the team of a school: scores blind, is ready to step in, or scores as the third."""

    SCORER = "scorer"
    MEMBER = "member"
    THIRD = "third"


SEAT_NAMES = {
    Seat.SCORER: _l("Scores blind"),
    Seat.MEMBER: _l("In the team, ready to step in"),
    Seat.THIRD: _l("Third scorer"),
}
RUBRIC_STATE_NAMES = {
    RubricState.DRAFT: _l("Draft"),
    RubricState.PUBLISHED: _l("Published"),
}
ROUND_STATE_NAMES = {
    RoundState.DRAFT: _l("Being prepared"),
    RoundState.OPEN: _l("Round is running"),
    RoundState.PUBLISHED: _l("Result published"),
}
ENTRY_STATE_NAMES = {
    EntryState.CHOSEN: _l("Chosen"),
    EntryState.SELF_ASSESSING: _l("Self-assessment under way"),
    EntryState.SUBMITTED: _l("Self-assessment submitted"),
    EntryState.SCORING: _l("Inspectors are scoring"),
    EntryState.LOCKED: _l("Both sheets locked"),
    EntryState.AGREED: _l("Inspectors agreed"),
    EntryState.OPINED: _l("First opinion given"),
    EntryState.HEARD: _l("School was heard"),
    EntryState.DECIDED: _l("Decided"),
}
OBJECTION_STATE_NAMES = {
    ObjectionState.OPEN: _l("Being examined"),
    ObjectionState.UPHELD: _l("The result stands"),
    ObjectionState.CHANGED: _l("The result was changed"),
    ObjectionState.LAPSED: _l("Not answered in time"),
    ObjectionState.WITHDRAWN: _l("Withdrawn"),
}
OBJECTION, FIRST_APPEAL, SECOND_APPEAL = 1, 2, 3
TIER_NAMES = {
    OBJECTION: _l("Objection to the result"),
    FIRST_APPEAL: _l("First appeal"),
    SECOND_APPEAL: _l("Second appeal"),
}


def _one_of(states: type[StrEnum]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


class RubricVersion(PublicId, Base):
    """One version of a district's rubric: the text as imported, its values in canonical JSON and their hash."""

    __tablename__ = "rubric_version"
    __table_args__ = (
        UniqueConstraint("district_id", "rubric_id", "version"),
        CheckConstraint(f"state IN ({_one_of(RubricState)})", name="state_known"),
        CheckConstraint("length(sha256) = 64", name="hash_complete"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    rubric_id: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(600))
    version: Mapped[int]
    yaml: Mapped[str] = mapped_column(Text)
    canonical: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default=RubricState.DRAFT)
    stored_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    stored_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime | None]

    district: Mapped[District] = relationship(lazy="raise_on_sql")


class Round(PublicId, Base):
    """One rating of the schools of a district over a school year, by one rubric version.

    ``team_size``, ``spread_limit`` (percent of the points of an indicator; None: no third scorer), ``has_panel`` and ``by_draw``
    (inspectors come from the draw, or with a signed reason) are the rules it was prepared under; rounds from before them have two
    inspectors and no panel.
    """

    __tablename__ = "rating_round"
    __table_args__ = (
        CheckConstraint(f"state IN ({_one_of(RoundState)})", name="state_known"),
        CheckConstraint("length(name) > 0", name="has_name"),
        CheckConstraint("scoring_due_on >= self_assessment_due_on", name="deadlines_in_order"),
        CheckConstraint("team_size BETWEEN 2 AND 7", name="team_is_one"),
        CheckConstraint("spread_limit IS NULL OR spread_limit BETWEEN 1 AND 100", name="spread_known"),
        CheckConstraint(
            f"programme IN ({', '.join(repr(name) for name in PROGRAMMES)})", name="programme_known"
        ),
        Index("ix_rating_round_district", "district_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    rubric_version_id: Mapped[int] = mapped_column(ForeignKey("rubric_version.id"))
    school_year_id: Mapped[int] = mapped_column(ForeignKey("school_year.id"))
    programme: Mapped[str] = mapped_column(String(20), default=STARS, server_default=STARS)
    state: Mapped[str] = mapped_column(String(10), default=RoundState.DRAFT)
    self_assessment_due_on: Mapped[date]
    scoring_due_on: Mapped[date]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    published_on: Mapped[date | None]
    publicity_ends_on: Mapped[date | None]
    valid_until_on: Mapped[date | None]
    team_size: Mapped[int] = mapped_column(default=2, server_default="2", info={"before": 2})
    spread_limit: Mapped[int | None]
    has_panel: Mapped[bool] = mapped_column(default=False, server_default=false(), info={"before": False})
    by_draw: Mapped[bool] = mapped_column(default=False, server_default=false(), info={"before": False})

    rubric_version: Mapped[RubricVersion] = relationship(lazy="raise_on_sql")
    school_year: Mapped[SchoolYear] = relationship(lazy="raise_on_sql")
    district: Mapped[District] = relationship(lazy="raise_on_sql")
    entries: Mapped[list["Entry"]] = relationship(
        lazy="raise_on_sql", back_populates="round", order_by="Entry.id"
    )

    @property
    def asks_ties(self) -> bool:
        """Whether papers stay closed until an inspector has spoken about ties; not in rounds from before that was asked."""
        return self.spread_limit is not None

    @property
    def results(self) -> tuple[Any, ...]:
        """What its results are called, from none upwards; empty for stars."""
        return PROGRAMMES[self.programme].results


class Entry(PublicId, Base):
    """One school in a round. ``inputs`` and ``result`` are set by the decision, as canonical JSON; ``chosen_reason``: why its
    inspectors were named by hand where they are to be drawn, signed by whom and when."""

    __tablename__ = "rating_entry"
    __table_args__ = (
        UniqueConstraint("round_id", "school_id"),
        CheckConstraint(f"state IN ({_one_of(EntryState)})", name="state_known"),
        CheckConstraint("claimed_star IS NULL OR claimed_star BETWEEN 0 AND 10", name="claim_known"),
        CheckConstraint("state <> 'decided' OR result IS NOT NULL", name="decision_has_result"),
        CheckConstraint(
            "state NOT IN ('opined', 'heard') OR defence_due_on IS NOT NULL", name="opinion_has_term"
        ),
        Index("ix_rating_entry_school", "school_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rating_round.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    state: Mapped[str] = mapped_column(String(20), default=EntryState.CHOSEN)
    claimed_star: Mapped[int | None]
    claim_text: Mapped[str] = mapped_column(Text, default="", info={"class": "F1"})
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    returned_at: Mapped[datetime | None]
    return_reason: Mapped[str] = mapped_column(Text, default="")
    correction_due_on: Mapped[date | None]
    chosen_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    chosen_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    chosen_at: Mapped[datetime | None]
    gates: Mapped[str] = mapped_column(Text, default="{}")
    opinion_text: Mapped[str] = mapped_column(Text, default="", server_default="")
    opinion_star: Mapped[int | None]
    opinion_total: Mapped[str | None] = mapped_column(String(40))
    opined_at: Mapped[datetime | None]
    opined_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    defence_due_on: Mapped[date | None]
    defence_text: Mapped[str] = mapped_column(Text, default="", server_default="", info={"class": "F1"})
    defended_at: Mapped[datetime | None]
    defended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reopened_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision_text: Mapped[str] = mapped_column(Text, default="")
    inputs: Mapped[str | None] = mapped_column(Text)
    result: Mapped[str | None] = mapped_column(Text)
    star: Mapped[int | None]
    total: Mapped[str | None] = mapped_column(String(40))

    chosen_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[chosen_by_id])
    round: Mapped[Round] = relationship(lazy="raise_on_sql", back_populates="entries")
    school: Mapped[School] = relationship(lazy="raise_on_sql")
    sheets: Mapped[list["Sheet"]] = relationship(
        lazy="raise_on_sql", back_populates="entry", order_by="Sheet.id"
    )
    answers: Mapped[list["Answer"]] = relationship(lazy="raise_on_sql", order_by="Answer.id")
    consensuses: Mapped[list["Consensus"]] = relationship(lazy="raise_on_sql", order_by="Consensus.id")
    vetoes: Mapped[list["VetoEvent"]] = relationship(lazy="raise_on_sql", order_by="VetoEvent.id")
    objections: Mapped[list["Objection"]] = relationship(lazy="raise_on_sql", order_by="Objection.tier")


class Answer(Base):
    """What the school says about one indicator: facts as the rubric's rule asks them, and its evidence."""

    __tablename__ = "rating_answer"
    __table_args__ = (UniqueConstraint("entry_id", "item_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"))
    item_id: Mapped[str] = mapped_column(String(80))
    facts: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text, default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime]


class Snapshot(Base):
    """Everything a submission rests on, frozen: canonical JSON and its SHA-256. Never changed, never deleted."""

    __tablename__ = "rating_snapshot"
    __table_args__ = (
        UniqueConstraint("entry_id", "number"),
        CheckConstraint("length(sha256) = 64", name="hash_complete"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    number: Mapped[int]
    taken_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))


class Sheet(PublicId, Base):
    """One inspector's place in the team of a school and their score sheet; others see it only when scoring is over.

    ``declared_at``: when they confirmed, before any paper was opened, that nothing ties them to the school. A void sheet
    counts no more and stays; ``voided_sha256`` is what it said.
    """

    __tablename__ = "rating_sheet"
    __table_args__ = (
        UniqueConstraint("entry_id", "person_id"),
        CheckConstraint(f"seat IN ({_one_of(Seat)})", name="seat_known"),
        CheckConstraint(
            "voided_at IS NULL OR (length(void_reason) > 0 AND length(voided_sha256) = 64)",
            name="void_has_reason",
        ),
        Index("ix_rating_sheet_person", "person_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    locked_at: Mapped[datetime | None]
    seat: Mapped[str] = mapped_column(
        String(10), default=Seat.SCORER, server_default=Seat.SCORER.value, info={"before": "scorer"}
    )
    is_lead: Mapped[bool] = mapped_column(default=False, server_default=false(), info={"before": False})
    declared_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    voided_sha256: Mapped[str | None] = mapped_column(String(64))

    entry: Mapped[Entry] = relationship(lazy="raise_on_sql", back_populates="sheets")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    marks: Mapped[list["Mark"]] = relationship(lazy="raise_on_sql", order_by="Mark.id")

    @property
    def seat_name(self) -> str:
        """What its person does in the team, in words."""
        return str(SEAT_NAMES[Seat(self.seat)])


class Mark(Base):
    """One inspector's answer to one indicator; on a computed one, ``facts`` is empty and ``reason`` questions it."""

    __tablename__ = "rating_mark"
    __table_args__ = (UniqueConstraint("sheet_id", "item_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sheet_id: Mapped[int] = mapped_column(ForeignKey("rating_sheet.id", ondelete="CASCADE"))
    item_id: Mapped[str] = mapped_column(String(80))
    facts: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    marked_at: Mapped[datetime]


class Consensus(Base):
    """What both inspectors hold about an indicator they scored differently: one proposes, the other agrees."""

    __tablename__ = "rating_consensus"
    __table_args__ = (
        UniqueConstraint("entry_id", "item_id"),
        CheckConstraint("agreed_by_id IS NULL OR agreed_by_id <> proposed_by_id", name="two_people"),
        CheckConstraint("length(reason) > 0", name="has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"))
    item_id: Mapped[str] = mapped_column(String(80))
    facts: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposed_at: Mapped[datetime]
    agreed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    agreed_at: Mapped[datetime | None]


class VetoEvent(PublicId, Base):
    """A veto item that struck a school: recorded by one person of the district, confirmed by another."""

    __tablename__ = "rating_veto_event"
    __table_args__ = (
        Index(
            "uq_rating_veto_event_standing",
            "entry_id",
            "veto_id",
            unique=True,
            sqlite_where=text("dropped_at IS NULL"),
            postgresql_where=text("dropped_at IS NULL"),
        ),
        CheckConstraint("confirmed_by_id IS NULL OR confirmed_by_id <> recorded_by_id", name="two_people"),
        CheckConstraint("length(reason) > 0", name="has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id", ondelete="CASCADE"))
    veto_id: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text)
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[datetime | None]
    dropped_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    dropped_at: Mapped[datetime | None]

    @property
    def stands(self) -> bool:
        """Whether it counts: confirmed by a second person."""
        return self.confirmed_at is not None and self.dropped_at is None

    @property
    def is_open(self) -> bool:
        """Whether a second person has still to look at it."""
        return self.confirmed_at is None and self.dropped_at is None


class Objection(PublicId, Base):
    """What a school says against its published result: an objection, then two appeals, each heard by somebody else.

    ``items``: the ids of the indicators it is about, one a line; ``changes``: what the hearer found instead, by item, with
    the reason; ``before_…``: the decision as it was, kept when this one changed it; both as canonical JSON.
    """

    __tablename__ = "rating_objection"
    __table_args__ = (
        UniqueConstraint("entry_id", "tier"),
        UniqueConstraint("entry_id", "heard_by_id"),
        CheckConstraint("tier BETWEEN 1 AND 3", name="tier_known"),
        CheckConstraint(f"state IN ({_one_of(ObjectionState)})", name="state_known"),
        CheckConstraint("length(text) > 0", name="has_reason"),
        CheckConstraint("heard_by_id IS NULL OR heard_by_id <> decision_by_id", name="other_person"),
        CheckConstraint(
            "state NOT IN ('upheld', 'changed') OR"
            " (heard_by_id IS NOT NULL AND answered_at IS NOT NULL AND length(answer_text) > 0)",
            name="answer_has_reason",
        ),
        CheckConstraint(
            "state <> 'changed' OR (before_inputs IS NOT NULL AND before_result IS NOT NULL)",
            name="old_decision_kept",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    tier: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=ObjectionState.OPEN)
    items: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text, info={"class": "F1"})
    filed_at: Mapped[datetime]
    filed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    decision_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    answer_due_on: Mapped[date]
    heard_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    changes: Mapped[str] = mapped_column(Text, default="{}")
    answer_text: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None]
    appeal_due_on: Mapped[date | None]
    before_inputs: Mapped[str | None] = mapped_column(Text)
    before_result: Mapped[str | None] = mapped_column(Text)
    before_star: Mapped[int | None]
    before_total: Mapped[str | None] = mapped_column(String(40))

    @property
    def named(self) -> list[str]:
        """Ids of the indicators it is about."""
        return self.items.splitlines()


@event.listens_for(Sheet, "before_update")
def _keep_void(_mapper: Any, _connection: Any, sheet: Sheet) -> None:
    before = inspect(sheet).attrs.voided_at.history
    was = before.deleted[0] if before.deleted else sheet.voided_at
    if was is not None:
        raise RuleBroken(_("This sheet is void. It stays as it is."))


@event.listens_for(Objection, "before_update")
@event.listens_for(Objection, "before_delete")
def _keep_answered(_mapper: Any, _connection: Any, objection: Objection) -> None:
    before = inspect(objection).attrs.state.history
    was = before.deleted[0] if before.deleted else objection.state
    if was != ObjectionState.OPEN:
        raise RuleBroken(_("This has been answered. Nobody can change it now."))


@event.listens_for(RubricVersion, "before_update")
def _keep_published(_mapper: Any, _connection: Any, version: RubricVersion) -> None:
    before = inspect(version).attrs.state.history
    was = before.deleted[0] if before.deleted else version.state
    if was == RubricState.PUBLISHED:
        raise RuleBroken(_("A published rubric cannot be changed. Import a new version."))


@event.listens_for(RubricVersion, "before_delete")
def _keep_version(_mapper: Any, _connection: Any, version: RubricVersion) -> None:
    if version.state == RubricState.PUBLISHED:
        raise RuleBroken(_("A published rubric cannot be changed. Import a new version."))


@event.listens_for(Snapshot, "before_update")
@event.listens_for(Snapshot, "before_delete")
def _keep_snapshot(_mapper: Any, _connection: Any, _snapshot: Snapshot) -> None:
    raise RuleBroken(_("The evidence of a submission is frozen and cannot be changed."))
