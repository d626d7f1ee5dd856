"""Who reaches which rubrics, rounds, self-assessments and score sheets."""

from sqlalchemy import ColumnElement, Select, and_, or_, select

from portal.access import Actor, Permission, Role
from portal.accounts.models import Appointment
from portal.files.owners import Owner, owned
from portal.ratings.asking import OF_SCORERS, RatingQuestion
from portal.ratings.concerns import Concern, ConcernState
from portal.ratings.decided import DecisionRecord
from portal.ratings.evidence import Evidence
from portal.ratings.interests import papers_open
from portal.ratings.minutes import Attendance, Meeting, Presence
from portal.ratings.models import (
    SECOND_APPEAL,
    Consensus,
    Entry,
    EntryState,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    RubricVersion,
    Seat,
    Sheet,
    VetoEvent,
)
from portal.ratings.signatures import Signature, rows_signed_by
from portal.ratings.standing import LAST, Appeal, Measure, answered_by
from portal.ratings.windows import Window
from portal.row_security import wall
from portal.schools.asking import had_its_say
from portal.schools.models import District


def rubrics_of_district(actor: Actor) -> ColumnElement[bool]:
    """Rubric versions of the actor's own district."""
    return RubricVersion.district_id == actor.district_id


def rounds_of_district(actor: Actor) -> ColumnElement[bool]:
    """Rounds of the actor's own district."""
    return Round.district_id == actor.district_id


def entries_of_district(actor: Actor) -> ColumnElement[bool]:
    """Schools in the rounds of the actor's own district."""
    return Entry.round_id.in_(select(Round.id).where(Round.district_id == actor.district_id))


def entries_of_school(actor: Actor) -> ColumnElement[bool]:
    """The actor's school in rounds that are open or published."""
    opened = select(Round.id).where(Round.state != RoundState.DRAFT)
    return and_(Entry.school_id == actor.school_id, Entry.round_id.in_(opened))


def own_sheets(actor: Actor) -> ColumnElement[bool]:
    """The inspector's own sheets, of their district, once the school's self-assessment is accepted: those on which they score."""
    early = (EntryState.CHOSEN, EntryState.SELF_ASSESSING, EntryState.SUBMITTED)
    ready = (
        select(Entry.id)
        .join(Round, Round.id == Entry.round_id)
        .where(Entry.state.not_in(early), Round.district_id == actor.district_id)
    )
    return and_(
        Sheet.person_id == actor.person_id,
        Sheet.entry_id.in_(ready),
        Sheet.seat != Seat.MEMBER,
        Sheet.voided_at.is_(None),
    )


def objections_to_hear(actor: Actor) -> ColumnElement[bool]:
    """Schools whose objection or appeal waits for an answer of this person, who took no part before.

    The second appeal goes to the office above the district where that has people here; all before it stay in the district.
    """
    me = actor.person_id
    case = select(Objection.entry_id).where(Objection.state == ObjectionState.OPEN)
    signed = select(Signature.row_id).where(
        Signature.kind == Objection.__tablename__,
        or_(Signature.ended_at.is_(None), Signature.second_id == me),
    )
    case = case.where(
        or_(Objection.heard_by_id.is_(None), Objection.heard_by_id == me, Objection.id.in_(signed))
    )
    early, last = Objection.tier < SECOND_APPEAL, Objection.tier == SECOND_APPEAL
    return and_(_by_tier(actor, case.where(early), case.where(last)), _took_no_part(me))


def _by_tier(actor: Actor, early: Select[int], last: Select[int]) -> ColumnElement[bool]:
    """Cases of the own district; the last appeal of those below, and of the own where nobody sits above. Queries of entry ids."""
    own = select(Round.id).where(Round.district_id == actor.district_id)
    staffed = select(Appointment.district_id).where(
        Appointment.role == Role.DISTRICT_STAFF,
        Appointment.district_id.is_not(None),
        Appointment.started_on <= actor.on,
        or_(Appointment.ended_on.is_(None), Appointment.ended_on > actor.on),
    )
    highest = own.join(District, District.id == Round.district_id).where(
        or_(District.parent_id.is_(None), District.parent_id.not_in(staffed))
    )
    above = select(Round.id).join(District, District.id == Round.district_id)
    above = above.where(District.parent_id == actor.district_id)
    return or_(
        and_(Entry.round_id.in_(own), Entry.id.in_(early)),
        and_(or_(Entry.round_id.in_(above), Entry.round_id.in_(highest)), Entry.id.in_(last)),
    )


def appeals_to_hear(actor: Actor) -> ColumnElement[bool]:
    """Schools whose appeal against a measure waits for an answer of this person, who neither proposed nor settled it nor
    answered before; the second appeal goes to the office above, as that against a result."""
    me = actor.person_id
    signed = select(Signature.row_id).where(
        Signature.kind == Appeal.__tablename__,
        or_(Signature.ended_at.is_(None), Signature.second_id == me),
    )
    earlier = select(Appeal.measure_id).where(Appeal.id.in_(answered_by(me)))
    case = (
        select(Appeal.entry_id)
        .join(Measure, Measure.id == Appeal.measure_id)
        .where(
            Appeal.state == ObjectionState.OPEN,
            or_(Appeal.heard_by_id.is_(None), Appeal.heard_by_id == me, Appeal.id.in_(signed)),
            Measure.proposed_by_id != me,
            Measure.settled_by_id.is_distinct_from(me),
            Measure.id.not_in(earlier),
        )
    )
    return _by_tier(actor, case.where(Appeal.tier < LAST), case.where(Appeal.tier == LAST))


def _took_no_part(me: int) -> ColumnElement[bool]:
    """Entries that this person neither scored nor proposed nor decided nor answered about before."""
    return and_(
        Entry.decided_by_id.is_distinct_from(me),
        Entry.opined_by_id.is_distinct_from(me),
        Entry.id.not_in(select(Sheet.entry_id).where(Sheet.person_id == me)),
        Entry.id.not_in(select(Consensus.entry_id).where(Consensus.proposed_by_id == me)),
        Entry.id.not_in(
            select(Meeting.entry_id)
            .join(Attendance, Attendance.meeting_id == Meeting.id)
            .where(Attendance.person_id == me, Attendance.presence == Presence.PRESENT)
        ),
        Entry.id.not_in(
            select(VetoEvent.entry_id).where(
                or_(VetoEvent.recorded_by_id == me, VetoEvent.confirmed_by_id == me)
            )
        ),
        Entry.id.not_in(rows_signed_by(me, Entry.__tablename__)),
        Entry.id.not_in(
            select(Objection.entry_id).where(
                Objection.state != ObjectionState.OPEN,
                or_(
                    Objection.heard_by_id == me, Objection.id.in_(rows_signed_by(me, Objection.__tablename__))
                ),
            )
        ),
    )


def evidence_of_school(actor: Actor) -> ColumnElement[bool]:
    """Files handed in for the actor's own school."""
    return Evidence.entry_id.in_(select(Entry.id).where(entries_of_school(actor)))


def evidence_of_own_sheets(actor: Actor) -> ColumnElement[bool]:
    """Submitted files of the schools this inspector scores, once they said that nothing ties them to the school; of no other
    school, and not what the school objects with later."""
    own = select(Sheet.entry_id).where(own_sheets(actor), papers_open())
    handed_in = and_(Evidence.frozen_at.is_not(None), Evidence.item_id.not_like("objection:%"))
    return and_(Evidence.entry_id.in_(own), handed_in)


def evidence_of_district(actor: Actor) -> ColumnElement[bool]:
    """Submitted files of the schools of the actor's own district, and of a case that waits for this person's answer."""
    reached = select(Entry.id).where(or_(entries_of_district(actor), objections_to_hear(actor)))
    return and_(Evidence.entry_id.in_(reached), Evidence.frozen_at.is_not(None))


def concerns_to_hear(actor: Actor) -> ColumnElement[bool]:
    """Objections of others about schools of the own district that this person may examine, and those answered by them."""
    own = select(Entry.id).join(Round, Round.id == Entry.round_id)
    free = own.where(Round.district_id == actor.district_id, _took_no_part(actor.person_id))
    waits = and_(Concern.state == ConcernState.OPEN, Concern.author_id != actor.person_id)
    return or_(
        and_(waits, Concern.entry_id.in_(free)),
        and_(
            Concern.heard_by_id == actor.person_id,
            Concern.entry_id.in_(own.where(Round.district_id == actor.district_id)),
        ),
    )


def own_concerns(actor: Actor) -> ColumnElement[bool]:
    """What this person wrote against a result."""
    return Concern.author_id == actor.person_id


def _concerns_of_staff(actor: Actor) -> ColumnElement[bool]:
    return or_(own_concerns(actor), concerns_to_hear(actor))


def questions_of_school(actor: Actor) -> ColumnElement[bool]:
    """Questions about the ratings of the actor's school; never those about its scorers."""
    asked = RatingQuestion.rule.not_in(sorted(OF_SCORERS))
    return and_(RatingQuestion.entry_id.in_(select(Entry.id).where(entries_of_school(actor))), asked)


def questions_told(actor: Actor) -> ColumnElement[bool]:
    """Questions in the district's rounds, once the school has answered or its time is over."""
    said = had_its_say(RatingQuestion, actor.on)
    return and_(RatingQuestion.entry_id.in_(select(Entry.id).where(entries_of_district(actor))), said)


def decisions_of_school(actor: Actor) -> ColumnElement[bool]:
    """The actor's school where a signed decision is published."""
    published = select(Round.id).where(Round.state == RoundState.PUBLISHED)
    return and_(Entry.school_id == actor.school_id, Entry.round_id.in_(published), _is_recorded())


def decisions_of_district(actor: Actor) -> ColumnElement[bool]:
    """Schools of the actor's own district with a signed decision."""
    return and_(entries_of_district(actor), _is_recorded())


def _is_recorded() -> ColumnElement[bool]:
    return Entry.id.in_(select(DecisionRecord.entry_id))


DECISION_READ = Permission(
    "rating.decision.read",
    Entry,
    "F1",
    {Role.PRINCIPAL: decisions_of_school, Role.DISTRICT_STAFF: decisions_of_district},
)


def windows_of_district(actor: Actor) -> ColumnElement[bool]:
    """The days of the rounds of the actor's own district."""
    return Window.round_id.in_(select(Round.id).where(Round.district_id == actor.district_id))


WINDOW_MANAGE = Permission("rating.window.manage", Window, "F1", {Role.DISTRICT_STAFF: windows_of_district})
RUBRIC_MANAGE = Permission("rubric.manage", RubricVersion, "F1", {Role.DISTRICT_STAFF: rubrics_of_district})
ROUND_MANAGE = Permission("rating.round.manage", Round, "F1", {Role.DISTRICT_STAFF: rounds_of_district})
ENTRY_MANAGE = Permission("rating.entry.manage", Entry, "F2", {Role.DISTRICT_STAFF: entries_of_district})
ENTRY_READ = Permission(
    "rating.entry.read",
    Entry,
    "F2",
    {Role.PRINCIPAL: entries_of_school, Role.DISTRICT_STAFF: entries_of_district},
)
ENTRY_ASSESS = Permission("rating.entry.assess", Entry, "F2", {Role.PRINCIPAL: entries_of_school})
SHEET_SCORE = Permission("rating.sheet.score", Sheet, "F2", {Role.INSPECTOR: own_sheets})
OBJECTION_HEAR = Permission("rating.objection.hear", Entry, "F2", {Role.DISTRICT_STAFF: objections_to_hear})
APPEAL_HEAR = Permission("rating.appeal.hear", Entry, "F2", {Role.DISTRICT_STAFF: appeals_to_hear})
EVIDENCE_READ = Permission(
    "rating.evidence.read",
    Evidence,
    "F2",
    {
        Role.PRINCIPAL: evidence_of_school,
        Role.INSPECTOR: evidence_of_own_sheets,
        Role.DISTRICT_STAFF: evidence_of_district,
    },
)
CONCERN_HEAR = Permission("rating.concern.hear", Concern, "F4", {Role.DISTRICT_STAFF: concerns_to_hear})
owned(
    Owner(
        "rating_concern", Concern, (CONCERN_HEAR,), of_person=lambda person_id: Concern.author_id == person_id
    )
)
wall(Concern, {**dict.fromkeys(Role, own_concerns), Role.DISTRICT_STAFF: _concerns_of_staff})
owned(Owner("rating_evidence", Evidence, (EVIDENCE_READ,)))
QUESTION_READ = Permission(
    "rating.question.read",
    RatingQuestion,
    "F1",
    {Role.PRINCIPAL: questions_of_school, Role.DISTRICT_STAFF: questions_told},
)
QUESTION_ANSWER = Permission(
    "rating.question.answer", RatingQuestion, "F1", {Role.PRINCIPAL: questions_of_school}
)
QUESTION_CLOSE = Permission(
    "rating.question.close", RatingQuestion, "F1", {Role.DISTRICT_STAFF: questions_told}
)
