"""How a round and the schools in it move: a table of moves, each with its own person and conditions.

There is no other way to change a state, and no way back but three: a submitted self-assessment may be returned once, items may go
back to both inspectors once because of what the school answered to the first opinion, and before the decision a school is scored
again when a sheet was made void because of a tie found late. An objection to a published
result moves no school: it is a row of its own, and what it changes is scored again by the same engine. A move with ``second``
is made by the second of two people, over the first one's signature (``signatures.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import abort
from sqlalchemy import ColumnElement, func, select, update

from portal import clock
from portal.access import Actor, Role
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings import (
    assessing,
    conflicts,
    evidence,
    inspecting,
    panels,
    programmes,
    remedies,
    teams,
    windows,
)
from portal.ratings.models import (
    ENTRY_STATE_NAMES,
    OBJECTION_STATE_NAMES,
    ROUND_STATE_NAMES,
    RUBRIC_STATE_NAMES,
    Entry,
    EntryState,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    RubricState,
    RubricVersion,
    Seat,
    Sheet,
)
from portal.ratings.policy import objections_to_hear
from portal.ratings.rubrics import unsupported, wrong_with
from portal.ratings.signatures import Signature
from portal.ratings.windows import Step
from portal.schools.models import School
from portal.trail.models import note

Row = RubricVersion | Round | Entry | Objection
Condition = Callable[[Row, Actor], str | None]
"""Answers why the move is refused, in words, or None when nothing stands against it."""


@dataclass(frozen=True)
class Move:
    """One move: from where (one state, or any of several) to where, by whom, and what must hold."""

    verb: str
    kind: type[Row]
    start: str | tuple[str, ...]
    to: str
    roles: frozenset[Role]
    conditions: tuple[Condition, ...] = ()
    second: bool = False

    @property
    def starts(self) -> tuple[str, ...]:
        """The states it begins in."""
        return (self.start,) if isinstance(self.start, str) else self.start


def rubric_is_published(row: Row, _actor: Actor) -> str | None:
    """Only a published rubric can be rated by."""
    assert isinstance(row, Round)
    if row.rubric_version.state != RubricState.PUBLISHED:
        return _("Publish the rubric first.")
    return unsupported(row.rubric_version)


def rubric_is_right(row: Row, _actor: Actor) -> str | None:
    """A draft is published when it can be used and its worked cases come out as expected."""
    assert isinstance(row, RubricVersion)
    return wrong_with(row)


def has_schools(row: Row, _actor: Actor) -> str | None:
    """A round without schools rates nothing."""
    found = db.session.scalar(select(func.count(Entry.id)).where(Entry.round_id == row.id))
    return None if found else _("Choose at least one school.")


def each_has_its_team(row: Row, _actor: Actor) -> str | None:
    """Two who score blind and the rest of the team, none with a tie to the school, for every school of a round."""
    assert isinstance(row, Round)
    found = teams.first_incomplete(row.id)
    if found is not None:
        school, size = found
        if size > teams.SCORERS:
            return _("%(school)s needs a team of %(size)s with a lead.", school=school, size=size)
        return _("%(school)s needs two inspectors.", school=school)
    return _tied(Entry.round_id == row.id)


def has_its_team(row: Row, _actor: Actor) -> str | None:
    """The team of one school is whole, and nobody of it has a tie to the school."""
    assert isinstance(row, Entry)
    return teams.lacks(row) or _tied(Entry.id == row.id)


def _tied(which: ColumnElement[bool]) -> str | None:
    tied = conflicts.first_conflict(which)
    if tied is None:
        return None
    return _("%(person)s cannot inspect %(school)s: %(why)s", **tied)


def deadlines_ahead(row: Row, actor: Actor) -> str | None:
    """Schools need time for their self-assessment."""
    assert isinstance(row, Round)
    if row.self_assessment_due_on < actor.on:
        return _("The day for the self-assessment has passed. Make a new round with later days.")
    return None


def assessment_is_complete(row: Row, _actor: Actor) -> str | None:
    """Every indicator the school answers is answered, and a star is claimed."""
    assert isinstance(row, Entry)
    left = assessing.unanswered(row)
    if left:
        return _("Still open: %(items)s.", items="、".join(left[:5]))
    if row.claimed_star is None:
        return _("Choose the star the school applies for.")
    return None


def files_are_explained(row: Row, _actor: Actor) -> str | None:
    """A file that stands for something else as well has its reason."""
    assert isinstance(row, Entry)
    left = evidence.unexplained(row)
    if not left:
        return None
    return _("Used elsewhere as well; say why: %(files)s.", files="、".join(left[:5]))


def still_in_time(row: Row, actor: Actor) -> str | None:
    """Submitted by the day the district set; after a return, five working days count from the return."""
    assert isinstance(row, Entry)
    due = assessing.due_on(row)
    corrected = row.correction_due_on is not None and due == row.correction_due_on
    step, whose = (Step.CORRECTION, row) if corrected else (Step.SELF_ASSESSMENT, row.round)
    if windows.is_over(step, whose, due, actor.on):
        return _("The day for the self-assessment was %(day)s. Ask the district office.", day=due.isoformat())
    return None


def not_returned_yet(row: Row, _actor: Actor) -> str | None:
    """A self-assessment is returned once, no more."""
    assert isinstance(row, Entry)
    return None if row.returned_at is None else _("A self-assessment can be returned only once.")


def return_has_reason(row: Row, _actor: Actor) -> str | None:
    """The school must know what to correct."""
    assert isinstance(row, Entry)
    return None if row.return_reason.strip() else _("Write what the school must correct.")


def both_sheets_locked(row: Row, _actor: Actor) -> str | None:
    """Both inspectors have finished, and the third where one was called."""
    assert isinstance(row, Entry)
    return _("Both sheets must be locked first.") if inspecting.still_scoring(row) else None


def no_gap_left(row: Row, _actor: Actor) -> str | None:
    """Every difference has a consensus with a reason."""
    assert isinstance(row, Entry)
    left = inspecting.open_gaps(row)
    return _("Not agreed yet: %(items)s.", items="、".join(left[:5])) if left else None


def is_own_sheet(row: Row, actor: Actor) -> str | None:
    """Only the two inspectors of this school move it."""
    own = select(Sheet.id).where(
        Sheet.entry_id == row.id,
        Sheet.person_id == actor.person_id,
        Sheet.seat != Seat.MEMBER,
        Sheet.voided_at.is_(None),
    )
    return None if db.session.scalar(own) else _("You do not inspect this school.")


def no_veto_open(row: Row, _actor: Actor) -> str | None:
    """A recorded veto needs its second person before the decision."""
    assert isinstance(row, Entry)
    if any(veto.is_open for veto in row.vetoes):
        return _("A recorded veto waits for a second person.")
    return None


def panel_proposed(row: Row, _actor: Actor) -> str | None:
    """A panel with a quorum proposed the result from the scores as they are."""
    assert isinstance(row, Entry)
    return panels.hindrance(row)


def did_not_score(row: Row, actor: Actor) -> str | None:
    """Who scored a school does not decide about it."""
    scored = select(Sheet.id).where(Sheet.entry_id == row.id, Sheet.person_id == actor.person_id)
    return _("Someone who scored a school cannot decide about it.") if db.session.scalar(scored) else None


def still_to_answer(row: Row, actor: Actor) -> str | None:
    """The school answers the first opinion by its day."""
    assert isinstance(row, Entry)
    due = row.defence_due_on
    if due is not None and windows.is_over(Step.DEFENCE, row, due, actor.on):
        return _("The last day to answer was %(day)s.", day=due.isoformat())
    return None


def term_is_over(row: Row, actor: Actor) -> str | None:
    """The district waits for the school until the end of the last day."""
    assert isinstance(row, Entry)
    due = row.defence_due_on
    if due is None or windows.is_over(Step.DEFENCE, row, due, actor.on):
        return None
    if actor.on > due:
        return _(
            "%(day)s is provisional. Confirm the day first; the school may answer until then.",
            day=due.isoformat(),
        )
    return _("The school may answer until %(day)s.", day=due.isoformat())


def school_objected(row: Row, _actor: Actor) -> str | None:
    """Items go back to the inspectors because of an answer, once."""
    assert isinstance(row, Entry)
    if row.reopened_at is not None:
        return _("Items were looked at again already.")
    return None if row.defence_text.strip() else _("The school has nothing to say against the opinion.")


def all_decided(row: Row, _actor: Actor) -> str | None:
    """Results of a round come out together."""
    left = db.session.scalars(
        select(School.name)
        .join(Entry, Entry.school_id == School.id)
        .where(Entry.round_id == row.id, Entry.state != EntryState.DECIDED)
        .order_by(School.name_pinyin)
        .limit(5)
    ).all()
    return _("Not decided yet: %(schools)s.", schools="、".join(left)) if left else None


def may_object(row: Row, actor: Actor) -> str | None:
    """The result is public, the term runs, and nothing waits for an answer in its time."""
    assert isinstance(row, Entry)
    return remedies.refusal(row, remedies.cases_of(row), actor.on)


def took_no_part(row: Row, actor: Actor) -> str | None:
    """Who scored, decided or answered before, or is tied to the school, answers no objection: asked as a query again."""
    assert isinstance(row, Objection)
    school_id = db.session.scalar(
        select(Entry.school_id).where(Entry.id == row.entry_id, objections_to_hear(actor))
    )
    if school_id is None:
        return _("Somebody who took no part before must answer this.")
    tied = conflicts.conflicts([school_id]).get((actor.person_id, school_id))
    return _("You have a tie to this school; somebody else must answer.") if tied else None


def answer_is_late(row: Row, actor: Actor) -> str | None:
    """Only what was not answered in its time lapses."""
    assert isinstance(row, Objection)
    if windows.is_over(Step.REPLY, row, row.answer_due_on, actor.on):
        return None
    return _("This is being examined. The answer comes by %(day)s.", day=row.answer_due_on.isoformat())


def programme_of(entry: Entry) -> programmes.Programme:
    """The kind of round an entry is in."""
    name = db.session.scalar(select(Round.programme).where(Round.id == entry.round_id))
    return programmes.of(name or programmes.STARS)


DECIDING = ("decide", "decide_at_once")
"""The moves that decide about a school: after it was heard, and in a short procedure."""


def deciding_verb(entry: Entry) -> str:
    """The move that decides about an entry, by the kind of its round."""
    return DECIDING[0] if programme_of(entry).heard else DECIDING[1]


def is_heard_first(row: Row, _actor: Actor) -> str | None:
    """A first opinion belongs to the full procedure."""
    assert isinstance(row, Entry)
    return None if programme_of(row).heard else _("This procedure is short: decide from the agreed scores.")


def is_short(row: Row, _actor: Actor) -> str | None:
    """Only a short procedure is decided without a first opinion."""
    assert isinstance(row, Entry)
    return _("Give the school a first opinion before you decide.") if programme_of(row).heard else None


DISTRICT = frozenset({Role.DISTRICT_STAFF})
PRINCIPALS = frozenset({Role.PRINCIPAL})
INSPECTORS = frozenset({Role.INSPECTOR})

SCORED = (EntryState.LOCKED, EntryState.AGREED, EntryState.OPINED, EntryState.HEARD)
"""Scored and not yet decided: from here a school goes back to scoring when a sheet is made void."""

MOVES: tuple[Move, ...] = (
    Move("publish_rubric", RubricVersion, RubricState.DRAFT, RubricState.PUBLISHED, DISTRICT,
         (rubric_is_right,), second=True),
    Move("open", Round, RoundState.DRAFT, RoundState.OPEN, DISTRICT,
         (rubric_is_published, has_schools, deadlines_ahead, each_has_its_team)),
    Move("begin", Entry, EntryState.CHOSEN, EntryState.SELF_ASSESSING, DISTRICT),
    Move("submit", Entry, EntryState.SELF_ASSESSING, EntryState.SUBMITTED, PRINCIPALS,
         (still_in_time, assessment_is_complete, files_are_explained)),
    Move("return", Entry, EntryState.SUBMITTED, EntryState.SELF_ASSESSING, DISTRICT,
         (not_returned_yet, return_has_reason)),
    Move("accept", Entry, EntryState.SUBMITTED, EntryState.SCORING, DISTRICT, (has_its_team,)),
    Move("lock", Entry, EntryState.SCORING, EntryState.LOCKED, INSPECTORS, (is_own_sheet, both_sheets_locked)),
    Move("agree", Entry, EntryState.LOCKED, EntryState.AGREED, INSPECTORS, (is_own_sheet, no_gap_left)),
    Move("opine", Entry, EntryState.AGREED, EntryState.OPINED, DISTRICT,
         (is_heard_first, no_veto_open, panel_proposed, did_not_score)),
    Move("decide_at_once", Entry, EntryState.AGREED, EntryState.DECIDED, DISTRICT,
         (is_short, no_veto_open, panel_proposed, did_not_score), second=True),
    Move("answer", Entry, EntryState.OPINED, EntryState.HEARD, PRINCIPALS, (still_to_answer,)),
    Move("close", Entry, EntryState.OPINED, EntryState.HEARD, DISTRICT, (term_is_over,)),
    Move("reopen", Entry, EntryState.HEARD, EntryState.LOCKED, DISTRICT, (school_objected, did_not_score)),
    Move("rerun", Entry, SCORED, EntryState.SCORING, DISTRICT, second=True),
    Move("decide", Entry, EntryState.HEARD, EntryState.DECIDED, DISTRICT, (no_veto_open, did_not_score),
         second=True),
    Move("publish", Round, RoundState.OPEN, RoundState.PUBLISHED, DISTRICT, (has_schools, all_decided),
         second=True),
    Move("object", Entry, EntryState.DECIDED, EntryState.DECIDED, PRINCIPALS, (may_object,)),
    Move("uphold", Objection, ObjectionState.OPEN, ObjectionState.UPHELD, DISTRICT, (took_no_part,),
         second=True),
    Move("change", Objection, ObjectionState.OPEN, ObjectionState.CHANGED, DISTRICT, (took_no_part,),
         second=True),
    Move("withdraw", Objection, ObjectionState.OPEN, ObjectionState.WITHDRAWN, PRINCIPALS),
    Move("lapse", Objection, ObjectionState.OPEN, ObjectionState.LAPSED, PRINCIPALS, (answer_is_late,)),
)  # fmt: skip

VERBS = {
    "publish_rubric": _l("publish the rubric"),
    "open": _l("open the round"),
    "begin": _l("begin the self-assessment"),
    "submit": _l("submit the self-assessment"),
    "return": _l("return the self-assessment"),
    "accept": _l("accept the self-assessment"),
    "lock": _l("close the scoring"),
    "agree": _l("hand over the agreed scores"),
    "opine": _l("give the first opinion"),
    "answer": _l("answer the first opinion"),
    "close": _l("go on without an answer"),
    "reopen": _l("have items looked at again"),
    "rerun": _l("score again after a sheet was made void"),
    "decide": _l("decide"),
    "decide_at_once": _l("decide in a short procedure"),
    "publish": _l("publish the results"),
    "object": _l("object"),
    "uphold": _l("answer that the result stands"),
    "change": _l("change the result"),
    "withdraw": _l("take an objection back"),
    "lapse": _l("go on without an answer"),
}


STATE_NAMES: dict[type[Row], Any] = {
    RubricVersion: RUBRIC_STATE_NAMES,
    Round: ROUND_STATE_NAMES,
    Entry: ENTRY_STATE_NAMES,
    Objection: OBJECTION_STATE_NAMES,
}


def of(verb: str) -> Move:
    """The one move of a verb."""
    return next(found for found in MOVES if found.verb == verb)


def refusal(row: Row, verb: str, actor: Actor) -> str | None:
    """Why this person cannot make this move now, in words; None when they can."""
    wanted = of(verb)
    if row.state not in wanted.starts:
        names = STATE_NAMES[wanted.kind]
        return _(
            "It is not possible to %(act)s now. Present state: %(state)s.",
            act=str(VERBS[verb]),
            state=str(names[row.state]),
        )
    return next((why for check in wanted.conditions if (why := check(row, actor))), None)


def move(row: Row, verb: str, actor: Actor, signature: Signature | None = None) -> None:
    """Make a move in the current transaction and write it into the trail. Refused in words (409), or 403 by role.

    ``signature``: of a move that needs two people, the one both have given; without it the move is refused.
    """
    wanted = of(verb)
    if not isinstance(row, wanted.kind):
        raise TypeError(f"{verb} is not a move of {type(row).__name__}")
    if actor.role not in wanted.roles:
        abort(403)
    why = refusal(row, verb, actor)
    if why:
        raise RuleBroken(why)
    if wanted.second and not _is_of_both(signature, row, verb, actor):
        raise RuleBroken(_("This needs two people: one signs, another one countersigns."))
    db.session.flush()
    table, before = wanted.kind, row.state
    moved = db.session.execute(
        update(table).where(table.id == row.id, table.state == before).values(state=wanted.to)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(_("Somebody else was faster. Open the page again."))
    db.session.refresh(row, ["state"])
    note(
        f"rating.{verb}",
        row,
        person_id=actor.person_id,
        role=actor.role,
        before=str(before),
        after=str(wanted.to),
        on=clock.today().isoformat(),
        first=signature.first_id if signature else None,
    )


def _is_of_both(signature: Signature | None, row: Row, verb: str, actor: Actor) -> bool:
    return signature is not None and (
        signature.kind,
        signature.row_id,
        signature.verb,
        signature.second_id,
    ) == (
        row.__tablename__,
        row.id,
        verb,
        actor.person_id,
    )
