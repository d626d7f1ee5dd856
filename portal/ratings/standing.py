"""What comes after a decision: naming, the yearly light check, re-rating, downgrade and removal (摘牌), as rows and moves.

A naming is a record that nobody changes: a downgrade and a removal are new records behind it, with their reason and two people.
The newest record of a school is its standing. A light check asks for a short report and ends in a finding; a measure against a
standing is proposed by one person, the school is heard, and another person settles it. Against a settled measure the school may
appeal twice, each time to others (``appealing.py``); while an appeal runs the measure holds, and a wrong one is annulled.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask import abort
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
    func,
    inspect,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from portal import clock
from portal.access import Actor, Role
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings import conflicts
from portal.ratings.models import Entry, ObjectionState, Round
from portal.ratings.signatures import Signature, rows_signed_by
from portal.schools.calendar import is_provisional
from portal.schools.models import District, School
from portal.trail.models import note


class NamingKind(StrEnum):
    """Why there is a record: named after a round, lowered, or taken away."""

    NAMED = "named"
    LOWERED = "lowered"
    REMOVED = "removed"


class CheckState(StrEnum):
    """Where a light check stands."""

    ASKED = "asked"
    REPORTED = "reported"
    KEPT = "kept"
    DOUBTED = "doubted"


class MeasureState(StrEnum):
    """Where a measure against a standing is."""

    PROPOSED = "proposed"
    HEARD = "heard"
    SETTLED = "settled"
    DROPPED = "dropped"
    ANNULLED = "annulled"


class MeasureKind(StrEnum):
    """What a measure would do."""

    RE_RATING = "re_rating"
    DOWNGRADE = "downgrade"
    REMOVAL = "removal"


NAMING_NAMES = {
    NamingKind.NAMED: _l("Named"),
    NamingKind.LOWERED: _l("Star lowered"),
    NamingKind.REMOVED: _l("Title taken away"),
}
CHECK_NAMES = {
    CheckState.ASKED: _l("Report of the school expected"),
    CheckState.REPORTED: _l("Report received"),
    CheckState.KEPT: _l("Standing kept"),
    CheckState.DOUBTED: _l("To be rated again"),
}
MEASURE_NAMES = {
    MeasureState.PROPOSED: _l("The school is being heard"),
    MeasureState.HEARD: _l("Waits for a second person"),
    MeasureState.SETTLED: _l("Measure taken"),
    MeasureState.DROPPED: _l("Not pursued"),
    MeasureState.ANNULLED: _l("Annulled after an appeal"),
}
MEASURE_KIND_NAMES = {
    MeasureKind.RE_RATING: _l("Rate again"),
    MeasureKind.DOWNGRADE: _l("Lower the star"),
    MeasureKind.REMOVAL: _l("Take the title away"),
}
OPEN_MEASURES = (MeasureState.PROPOSED, MeasureState.HEARD)
APPEAL_NAMES = {
    ObjectionState.OPEN: _l("Being examined"),
    ObjectionState.UPHELD: _l("The measure stands"),
    ObjectionState.CHANGED: _l("The measure is annulled"),
    ObjectionState.LAPSED: _l("Not answered in time"),
    ObjectionState.WITHDRAWN: _l("Withdrawn"),
}
FIRST, LAST = 1, 2
APPEAL_TIERS = {FIRST: _l("First appeal"), LAST: _l("Second appeal")}


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class Naming(PublicId, Base):
    """One record of a school's standing: number, star, validity, reason, and the signed text. Never changed, never deleted."""

    __tablename__ = "rating_naming"
    __table_args__ = (
        UniqueConstraint("district_id", "number"),
        UniqueConstraint("replaces_id"),
        CheckConstraint(_one_of("kind", NamingKind), name="kind_known"),
        CheckConstraint("star BETWEEN 0 AND 10", name="star_known"),
        CheckConstraint("(kind = 'removed') = (star = 0)", name="removed_has_no_star"),
        CheckConstraint(
            "kind = 'named' OR (second_by_id IS NOT NULL AND replaces_id IS NOT NULL AND length(because) > 0)",
            name="second_person_and_reason",
        ),
        CheckConstraint("second_by_id IS NULL OR second_by_id <> by_id", name="two_people"),
        Index("ix_rating_naming_school", "school_id", "id"),
        Index("ix_rating_naming_entry", "entry_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("rating_naming.id"))
    kind: Mapped[str] = mapped_column(String(10))
    number: Mapped[str] = mapped_column(String(60))
    star: Mapped[int]
    because: Mapped[str] = mapped_column(Text, default="")
    named_on: Mapped[date]
    valid_until_on: Mapped[date]
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    second_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    content: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(String(128))

    entry: Mapped[Entry] = relationship(lazy="raise_on_sql")
    school: Mapped[School] = relationship(lazy="raise_on_sql")


class LightCheck(PublicId, Base):
    """A yearly light check (复查) of a named school: few indicators, a short report, a finding.

    ``items``: ids of the indicators, one a line; ``report``: the school's words by indicator, canonical JSON.
    """

    __tablename__ = "rating_light_check"
    __table_args__ = (
        UniqueConstraint("entry_id", "year"),
        CheckConstraint(_one_of("state", CheckState), name="state_known"),
        CheckConstraint(
            "state NOT IN ('kept', 'doubted') OR (found_by_id IS NOT NULL AND length(finding) > 0)",
            name="finding_has_reason",
        ),
        CheckConstraint("length(items) > 0", name="has_items"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    year: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=CheckState.ASKED)
    items: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    report: Mapped[str] = mapped_column(Text, default="{}", info={"class": "F1"})
    clean: Mapped[bool | None]
    reported_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reported_at: Mapped[datetime | None]
    question: Mapped[str] = mapped_column(Text, default="", server_default="")
    finding: Mapped[str] = mapped_column(Text, default="", server_default="")
    found_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    found_at: Mapped[datetime | None]

    @property
    def named(self) -> list[str]:
        """Ids of the indicators that are looked at."""
        return self.items.splitlines()


class Measure(PublicId, Base):
    """A re-rating, a downgrade or a removal: proposed with a reason, the school heard, settled by another person."""

    __tablename__ = "rating_measure"
    __table_args__ = (
        Index(
            "uq_rating_measure_open",
            "entry_id",
            unique=True,
            sqlite_where=text("state IN ('proposed', 'heard')"),
            postgresql_where=text("state IN ('proposed', 'heard')"),
        ),
        CheckConstraint(_one_of("kind", MeasureKind), name="kind_known"),
        CheckConstraint(_one_of("state", MeasureState), name="state_known"),
        CheckConstraint("length(reason) > 0", name="has_reason"),
        CheckConstraint("(kind = 'downgrade') = (to_star IS NOT NULL)", name="downgrade_has_star"),
        CheckConstraint("state <> 'settled' OR settled_by_id IS NOT NULL", name="settled_by_somebody"),
        CheckConstraint("state <> 'settled' OR settled_by_id <> proposed_by_id", name="two_people"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default=MeasureState.PROPOSED)
    to_star: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text)
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposed_at: Mapped[datetime]
    hearing_due_on: Mapped[date]
    said: Mapped[str] = mapped_column(Text, default="", server_default="", info={"class": "F1"})
    said_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    said_at: Mapped[datetime | None]
    settled_text: Mapped[str] = mapped_column(Text, default="", server_default="")
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    settled_at: Mapped[datetime | None]
    appeal_due_on: Mapped[date | None]


class Appeal(PublicId, Base):
    """What a school says against a settled measure: two appeals at most, each heard by somebody else, answered by two people."""

    __tablename__ = "rating_appeal"
    __table_args__ = (
        UniqueConstraint("measure_id", "tier"),
        UniqueConstraint("measure_id", "heard_by_id"),
        CheckConstraint("tier BETWEEN 1 AND 2", name="tier_known"),
        CheckConstraint(_one_of("state", ObjectionState), name="state_known"),
        CheckConstraint("length(text) > 0", name="has_reason"),
        CheckConstraint(
            "state NOT IN ('upheld', 'changed') OR"
            " (heard_by_id IS NOT NULL AND answered_at IS NOT NULL AND length(answer_text) > 0)",
            name="answer_has_reason",
        ),
        Index("ix_rating_appeal_entry", "entry_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("rating_entry.id"))
    measure_id: Mapped[int] = mapped_column(ForeignKey("rating_measure.id"))
    tier: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=ObjectionState.OPEN)
    text: Mapped[str] = mapped_column(Text, info={"class": "F1"})
    filed_at: Mapped[datetime]
    filed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    answer_due_on: Mapped[date]
    heard_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answer_text: Mapped[str] = mapped_column(Text, default="", server_default="")
    answered_at: Mapped[datetime | None]
    appeal_due_on: Mapped[date | None]

    measure: Mapped[Measure] = relationship(lazy="raise_on_sql")


@event.listens_for(Appeal, "before_update")
@event.listens_for(Appeal, "before_delete")
def _keep_answered(_mapper: Any, _connection: Any, appeal: Appeal) -> None:
    before = inspect(appeal).attrs.state.history
    was = before.deleted[0] if before.deleted else appeal.state
    if was != ObjectionState.OPEN:
        raise RuleBroken(_("This has been answered. Nobody can change it now."))


# What stands now


def namings_of(entry: Entry) -> list[Naming]:
    """All records that name, lower or end the standing of an entry, oldest first."""
    return list(db.session.scalars(select(Naming).where(Naming.entry_id == entry.id).order_by(Naming.id)))


def present(entry: Entry) -> Naming | None:
    """The newest record of an entry."""
    found = namings_of(entry)
    return found[-1] if found else None


def history_of(school_id: int) -> list[Naming]:
    """All records of a school, newest first, each with its round."""
    wanted = (
        select(Naming)
        .where(Naming.school_id == school_id)
        .options(joinedload(Naming.entry).joinedload(Entry.round).joinedload(Round.school_year))
        .order_by(Naming.id.desc())
    )
    return list(db.session.scalars(wanted))


def replaced_by(naming: Naming) -> Naming | None:
    """The record behind this one; None while it is the newest."""
    return db.session.scalar(select(Naming).where(Naming.replaces_id == naming.id))


def checks_of(entry: Entry) -> list[LightCheck]:
    """The light checks of an entry, newest first."""
    wanted = select(LightCheck).where(LightCheck.entry_id == entry.id).order_by(LightCheck.year.desc())
    return list(db.session.scalars(wanted))


def measures_of(entry: Entry) -> list[Measure]:
    """The measures against an entry, newest first."""
    wanted = select(Measure).where(Measure.entry_id == entry.id).order_by(Measure.id.desc())
    return list(db.session.scalars(wanted))


def open_measure(measures: Collection[Measure]) -> Measure | None:
    """The one that is not settled or dropped."""
    return next((one for one in measures if one.state in OPEN_MEASURES), None)


def appeals_of(entry: Entry) -> dict[int, list[Appeal]]:
    """Measure id → the appeals against it, oldest first. One query."""
    found: dict[int, list[Appeal]] = {}
    wanted = select(Appeal).where(Appeal.entry_id == entry.id).order_by(Appeal.id)
    for one in db.session.scalars(wanted):
        found.setdefault(one.measure_id, []).append(one)
    return found


def examined_until(entry: Entry) -> date | None:
    """By when an appeal against a measure is answered, for whoever reads of the measure in public; None when none runs."""
    found = open_appeal([one for some in appeals_of(entry).values() for one in some])
    return found.answer_due_on if found else None


def open_appeal(appeals: Collection[Appeal]) -> Appeal | None:
    """The one that waits for its answer."""
    return next((one for one in appeals if one.state == ObjectionState.OPEN), None)


def is_past(due: date | None, on: date, district_id: int) -> bool:
    """Whether a last day is over; a day in a year whose calendar nobody knows yet closes nothing by itself."""
    return due is None or (on > due and not is_provisional(due, district_id))


# Moves

Row = LightCheck | Measure | Appeal
Condition = Callable[[Row, Actor], str | None]


@dataclass(frozen=True)
class Move:
    """One move: from where to where, by whom, and what must hold."""

    verb: str
    kind: type[Row]
    start: str
    to: str
    roles: frozenset[Role]
    conditions: tuple[Condition, ...] = ()
    second: bool = False


def not_asked_before(row: Row, _actor: Actor) -> str | None:
    """A report is asked about once; then there is a finding."""
    assert isinstance(row, LightCheck)
    return _("The school was asked already. Give your finding.") if row.question else None


def report_is_late(row: Row, actor: Actor) -> str | None:
    """The district waits for the report until the end of its last day."""
    assert isinstance(row, LightCheck)
    if actor.on > row.due_on:
        return None
    return _("The school may report until %(day)s.", day=row.due_on.isoformat())


def in_time_to_be_heard(row: Row, actor: Actor) -> str | None:
    """The school answers by its day."""
    assert isinstance(row, Measure)
    if actor.on <= row.hearing_due_on:
        return None
    return _("The last day to answer was %(day)s.", day=row.hearing_due_on.isoformat())


def hearing_is_over(row: Row, actor: Actor) -> str | None:
    """The district waits for the school until the end of the last day."""
    assert isinstance(row, Measure)
    if actor.on > row.hearing_due_on:
        return None
    return _("The school may answer until %(day)s.", day=row.hearing_due_on.isoformat())


def is_another_person(row: Row, actor: Actor) -> str | None:
    """Who proposed a measure does not settle it."""
    assert isinstance(row, Measure)
    if actor.person_id == row.proposed_by_id:
        return _("You proposed this; somebody else of the district office must settle it.")
    return None


def is_the_same_person(row: Row, actor: Actor) -> str | None:
    """Only who proposed a measure takes it back."""
    assert isinstance(row, Measure)
    if actor.person_id == row.proposed_by_id:
        return None
    return _("Only who proposed this may take it back.")


def may_be_appealed(row: Row, actor: Actor) -> str | None:
    """The term runs, no appeal is being examined in its time, and both have not been used."""
    assert isinstance(row, Measure)
    entry = db.session.get_one(Entry, row.entry_id)
    before = appeals_of(entry).get(row.id, [])
    if len(before) >= LAST:
        return _("Both appeals have been used.")
    if before and before[-1].state == ObjectionState.WITHDRAWN:
        return _("The school took its appeal back. The measure stands.")
    waiting = open_appeal(before)
    due = waiting.answer_due_on if waiting else (before[-1] if before else row).appeal_due_on
    over = is_past(due, actor.on, district_of(row.entry_id))
    if waiting and due and not over:
        return _("This is being examined. The answer comes by %(day)s.", day=due.isoformat())
    if over and not waiting:
        return _("The last day for it was %(day)s.", day=due.isoformat() if due else "–")
    return None


def appeal_is_late(row: Row, actor: Actor) -> str | None:
    """Only what was not answered in its time lapses."""
    assert isinstance(row, Appeal)
    if is_past(row.answer_due_on, actor.on, district_of(row.entry_id)):
        return None
    return _("This is being examined. The answer comes by %(day)s.", day=row.answer_due_on.isoformat())


def took_no_part(row: Row, actor: Actor) -> str | None:
    """Who proposed or settled the measure, or answered an appeal against it, answers none: asked as a query again."""
    assert isinstance(row, Appeal)
    me = actor.person_id
    measure = db.session.get_one(Measure, row.measure_id)
    earlier = db.session.scalar(
        select(Appeal.id).where(Appeal.id.in_(answered_by(me)), Appeal.measure_id == row.measure_id).limit(1)
    )
    if me in (measure.proposed_by_id, measure.settled_by_id) or earlier:
        return _("Somebody who took no part before must answer this.")
    return None


def answered_by(person_id: int) -> Any:
    """The ids of the appeals that were answered with this person's hand, as a query."""
    return select(Appeal.id).where(
        Appeal.state != ObjectionState.OPEN,
        or_(Appeal.heard_by_id == person_id, Appeal.id.in_(rows_signed_by(person_id, Appeal.__tablename__))),
    )


def district_of(entry_id: int) -> int:
    """The district in whose round a school was rated."""
    wanted = select(Round.district_id).join(Entry, Entry.round_id == Round.id).where(Entry.id == entry_id)
    return db.session.scalars(wanted).one()


def has_no_tie(row: Row, actor: Actor) -> str | None:
    """Who works or worked at the school, or has a child there, steps aside."""
    school_id = db.session.scalar(select(Entry.school_id).where(Entry.id == row.entry_id)) or 0
    if (actor.person_id, school_id) in conflicts.conflicts([school_id]):
        return _("You have a tie to this school; somebody else must settle this.")
    return None


DISTRICT = frozenset({Role.DISTRICT_STAFF})
PRINCIPALS = frozenset({Role.PRINCIPAL})
MOVES: tuple[Move, ...] = (
    Move("report", LightCheck, CheckState.ASKED, CheckState.REPORTED, PRINCIPALS),
    Move("ask_again", LightCheck, CheckState.REPORTED, CheckState.ASKED, DISTRICT,
         (not_asked_before, has_no_tie)),
    Move("keep", LightCheck, CheckState.REPORTED, CheckState.KEPT, DISTRICT, (has_no_tie,)),
    Move("doubt", LightCheck, CheckState.REPORTED, CheckState.DOUBTED, DISTRICT, (has_no_tie,)),
    Move("doubt_silence", LightCheck, CheckState.ASKED, CheckState.DOUBTED, DISTRICT,
         (report_is_late, has_no_tie)),
    Move("respond", Measure, MeasureState.PROPOSED, MeasureState.HEARD, PRINCIPALS, (in_time_to_be_heard,)),
    Move("go_on", Measure, MeasureState.PROPOSED, MeasureState.HEARD, DISTRICT, (hearing_is_over,)),
    Move("take_back", Measure, MeasureState.PROPOSED, MeasureState.DROPPED, DISTRICT, (is_the_same_person,)),
    Move("settle", Measure, MeasureState.HEARD, MeasureState.SETTLED, DISTRICT,
         (is_another_person, has_no_tie)),
    Move("drop", Measure, MeasureState.HEARD, MeasureState.DROPPED, DISTRICT, (is_another_person, has_no_tie)),
    Move("appeal", Measure, MeasureState.SETTLED, MeasureState.SETTLED, PRINCIPALS, (may_be_appealed,)),
    Move("annul", Measure, MeasureState.SETTLED, MeasureState.ANNULLED, DISTRICT, second=True),
    Move("uphold_appeal", Appeal, ObjectionState.OPEN, ObjectionState.UPHELD, DISTRICT,
         (took_no_part, has_no_tie), second=True),
    Move("grant_appeal", Appeal, ObjectionState.OPEN, ObjectionState.CHANGED, DISTRICT,
         (took_no_part, has_no_tie), second=True),
    Move("withdraw_appeal", Appeal, ObjectionState.OPEN, ObjectionState.WITHDRAWN, PRINCIPALS),
    Move("lapse_appeal", Appeal, ObjectionState.OPEN, ObjectionState.LAPSED, PRINCIPALS, (appeal_is_late,)),
)  # fmt: skip
VERBS = {
    "report": _l("send the report of a light check"),
    "ask_again": _l("ask about a report"),
    "keep": _l("keep the standing"),
    "doubt": _l("propose a new rating after a light check"),
    "doubt_silence": _l("propose a new rating because no report came"),
    "respond": _l("answer a proposed measure"),
    "go_on": _l("go on without an answer to a measure"),
    "take_back": _l("take a proposed measure back"),
    "settle": _l("settle a measure"),
    "drop": _l("not pursue a measure"),
    "appeal": _l("appeal against a measure"),
    "annul": _l("annul a measure"),
    "uphold_appeal": _l("answer that the measure stands"),
    "grant_appeal": _l("answer that the measure is annulled"),
    "withdraw_appeal": _l("take an appeal back"),
    "lapse_appeal": _l("go on without an answer"),
}
STATE_NAMES: dict[type[Row], Any] = {
    LightCheck: CHECK_NAMES,
    Measure: MEASURE_NAMES,
    Appeal: APPEAL_NAMES,
}


def of(verb: str) -> Move:
    """The one move of a verb."""
    return next(found for found in MOVES if found.verb == verb)


def refusal(row: Row, verb: str, actor: Actor) -> str | None:
    """Why this person cannot make this move now, in words; None when they can."""
    wanted = of(verb)
    if row.state != wanted.start:
        return _(
            "It is not possible to %(act)s now. Present state: %(state)s.",
            act=str(VERBS[verb]),
            state=str(STATE_NAMES[wanted.kind][row.state]),
        )
    return next((why for check in wanted.conditions if (why := check(row, actor))), None)


def move(row: Row, verb: str, actor: Actor, signature: Signature | None = None) -> None:
    """Make a move in the current transaction and write it into the trail. Refused in words (409), or 403 by role.

    ``signature``: of a move that needs two people, the one that both gave under the answer to an appeal.
    """
    wanted = of(verb)
    if not isinstance(row, wanted.kind):
        raise TypeError(f"{verb} is not a move of {type(row).__name__}")
    if actor.role not in wanted.roles:
        abort(403)
    why = refusal(row, verb, actor)
    if why:
        raise RuleBroken(why)
    if wanted.second and (signature is None or signature.second_id != actor.person_id):
        raise RuleBroken(_("This needs two people: one signs, another one countersigns."))
    db.session.flush()
    table = wanted.kind
    moved = db.session.execute(
        update(table).where(table.id == row.id, table.state == wanted.start).values(state=wanted.to)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(_("Somebody else was faster. Open the page again."))
    db.session.refresh(row, ["state"])
    note(
        f"rating.{verb}", row, person_id=actor.person_id, role=actor.role, before=str(wanted.start),
        after=str(wanted.to), on=clock.today().isoformat(),
    )  # fmt: skip


def next_number(district_id: int, day: date) -> str:
    """The number of the next record of a district in a year, as offices write it: 〔2027〕12号. Locks the sequence."""
    db.session.execute(select(District.id).where(District.id == district_id).with_for_update())
    taken = db.session.scalar(
        select(func.count(Naming.id)).where(
            Naming.district_id == district_id, Naming.number.startswith(f"〔{day.year}〕")
        )
    )
    return f"〔{day.year}〕{(taken or 0) + 1}号"
