"""What ratings ask of people on their first page."""

from collections.abc import Callable
from datetime import date, timedelta

from flask import url_for
from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased, joinedload

from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import ngettext
from portal.ratings import assessing, inspecting, programmes, states, teams
from portal.ratings.asking import OF_SCORERS, RatingQuestion
from portal.ratings.concerns import Concern, ConcernState
from portal.ratings.improvements import Improvement
from portal.ratings.interests import Interest
from portal.ratings.models import (
    SECOND_APPEAL,
    TIER_NAMES,
    Entry,
    EntryState,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    Seat,
    Sheet,
    VetoEvent,
)
from portal.ratings.policy import (
    APPEAL_HEAR,
    CONCERN_HEAR,
    ENTRY_ASSESS,
    ENTRY_MANAGE,
    OBJECTION_HEAR,
    ROUND_MANAGE,
    SHEET_SCORE,
)
from portal.ratings.signatures import Signature
from portal.ratings.standing import (
    LAST,
    OPEN_MEASURES,
    Appeal,
    CheckState,
    LightCheck,
    Measure,
    MeasureKind,
    MeasureState,
    Naming,
)
from portal.schools.models import School
from portal.tasks import Task

AT_MOST = 20
AHEAD = timedelta(days=30)
"""From when on a finding stands on the first page of the school: the days that are usually given for mending it."""


def tasks(actor: Actor) -> list[Task]:
    """The principal's self-assessments, the inspector's sheets and differences, the district's decisions."""
    match actor.role:
        case Role.PRINCIPAL:
            return _principal(actor)
        case Role.INSPECTOR:
            return _inspector(actor)
        case Role.DISTRICT_STAFF:
            return _district(actor)
        case _:
            return []


def _principal(actor: Actor) -> list[Task]:
    rows = db.session.execute(
        ENTRY_ASSESS.rows(actor)
        .where(
            or_(
                Entry.state.in_((EntryState.SELF_ASSESSING, EntryState.OPINED)),
                _may_still_object(actor),
                _waits_for_report(),
                _waits_for_answer(),
                _asks_school(),
                _may_appeal(actor),
                _to_mend(actor).is_not(None),
            )
        )
        .add_columns(
            _waits_for_report(),
            _waits_for_answer(),
            _may_still_object(actor),
            _asks_school(),
            _may_appeal(actor),
            _to_mend(actor),
        )
        .options(
            joinedload(Entry.round).joinedload(Round.rubric_version),
            joinedload(Entry.school),
        )
        .limit(AT_MOST)
    ).all()
    found = []
    for entry, reports, answers, may_object, asked, may_appeal, mend_by in rows:
        found += [_of_questions(entry, _("The portal has a question about the rating"))] if asked else []
        found += [_finding(entry, mend_by)] if mend_by else []
        if entry.state == EntryState.OPINED:
            found.append(_opinion(entry))
            continue
        if entry.state == EntryState.DECIDED:
            found += [_result(entry)] if may_object else []
            found += [_of_own_standing(entry, _("Write the report for the light check"))] if reports else []
            found += [_of_own_standing(entry, _("Answer a proposed measure"))] if answers else []
            found += (
                [_of_own_standing(entry, _("Read what was settled; you may appeal"))] if may_appeal else []
            )
            continue
        if entry.state != EntryState.SELF_ASSESSING:
            continue
        left = len(assessing.unanswered(entry))
        body = (
            ngettext("%(num)s indicator is still open.", "%(num)s indicators are still open.", left)
            if left
            else _("All indicators are answered.")
        )
        body = f"{entry.round.name} · {body}"
        if entry.returned_at is not None:
            body = _("Returned for correction: %(reason)s", reason=entry.return_reason)
        found.append(
            Task(
                about=entry.school.name,
                title=_("Finish the self-assessment"),
                body=body,
                url=url_for("ratings.assessment", public_id=entry.public_id),
                button=_("Go on"),
                due_on=assessing.due_on(entry),
            )
        )
    return found


def _asks_school() -> ColumnElement[bool]:
    """A question about what was handed in waits for the school."""
    waits = and_(
        RatingQuestion.answered_at.is_(None),
        RatingQuestion.closed_at.is_(None),
        RatingQuestion.rule.not_in(sorted(OF_SCORERS)),
    )
    return Entry.id.in_(select(RatingQuestion.entry_id).where(waits))


def _question_to_close(actor: Actor) -> ColumnElement[bool]:
    """The school has had its say about a question, or its time is over."""
    said = or_(RatingQuestion.answered_at.is_not(None), RatingQuestion.due_on < actor.on)
    return Entry.id.in_(select(RatingQuestion.entry_id).where(RatingQuestion.closed_at.is_(None), said))


def _to_mend(actor: Actor) -> ScalarSelect[date]:
    """The nearest day of what the district found at a school and the school has not mended; null where none is near or past."""
    near = and_(Improvement.entry_id == Entry.id, Improvement.due_on <= actor.on + AHEAD)
    nearest = select(func.min(Improvement.due_on)).where(near, Improvement.is_finding)
    return nearest.where(Improvement.done_on.is_(None)).correlate(Entry).scalar_subquery()


def _finding(entry: Entry, mend_by: date) -> Task:
    return Task(
        about=entry.school.name,
        title=_("Mend what the district office found"),
        body=_("Say how it was mended and where that can be seen; the district office then confirms it."),
        url=url_for("ratings.improvements", public_id=entry.public_id),
        button=_("Open"),
        due_on=mend_by,
    )


def _finding_to_confirm() -> ColumnElement[bool]:
    """The school says that it mended a finding."""
    waits = and_(Improvement.done_on.is_not(None), Improvement.confirmed_on.is_(None))
    return Entry.id.in_(select(Improvement.entry_id).where(Improvement.is_finding, waits))


def _of_questions(entry: Entry, title: str) -> Task:
    return Task(
        about=entry.school.name,
        title=title,
        body=entry.round.name,
        url=url_for("ratings.fair_play"),
        button=_("Read it"),
    )


def _waits_for_report() -> ColumnElement[bool]:
    return Entry.id.in_(select(LightCheck.entry_id).where(LightCheck.state == CheckState.ASKED))


def _waits_for_answer() -> ColumnElement[bool]:
    return Entry.id.in_(select(Measure.entry_id).where(Measure.state == MeasureState.PROPOSED))


def _may_appeal(actor: Actor) -> ColumnElement[bool]:
    """A measure was settled, or a first appeal answered against the school, and the term for the next step runs."""
    before, last = select(Appeal.measure_id), Appeal.tier == LAST
    fresh = and_(Measure.appeal_due_on >= actor.on, Measure.id.not_in(before))
    again = before.where(Appeal.state == ObjectionState.UPHELD, Appeal.appeal_due_on >= actor.on, ~last)
    over = before.where(last)
    settled = Measure.state == MeasureState.SETTLED
    wanted = select(Measure.entry_id).where(
        settled, or_(fresh, and_(Measure.id.in_(again), Measure.id.not_in(over)))
    )
    return Entry.id.in_(wanted)


def _of_own_standing(entry: Entry, title: str) -> Task:
    return Task(
        about=entry.school.name,
        title=title,
        body=entry.round.name,
        url=url_for("ratings.own_standing", public_id=entry.public_id),
        button=_("Open"),
    )


def _may_still_object(actor: Actor) -> ColumnElement[bool]:
    """Schools whose result is in its public notice without an objection, or whose answer can still be appealed."""
    running = select(Round.id).where(Round.publicity_ends_on >= actor.on)
    taken = select(Objection.entry_id)
    newest = select(func.max(Objection.id)).group_by(Objection.entry_id)
    answered = taken.where(
        Objection.id.in_(newest), Objection.appeal_due_on >= actor.on, Objection.tier < SECOND_APPEAL
    )
    return and_(
        Entry.state == EntryState.DECIDED,
        or_(
            and_(Entry.round_id.in_(running), Entry.id.not_in(taken)),
            Entry.id.in_(answered),
        ),
    )


def _result(entry: Entry) -> Task:
    return Task(
        about=entry.school.name,
        title=_("Read the result of the star rating"),
        body=_("It stands there with its reasons, and what you may do if it is not right."),
        url=url_for("ratings.assessment", public_id=entry.public_id),
        button=_("Open"),
    )


def _opinion(entry: Entry) -> Task:
    return Task(
        about=entry.school.name,
        title=_("Answer the first opinion"),
        body=_("Read the first opinion of the district and say whether it is right."),
        url=url_for("ratings.assessment", public_id=entry.public_id),
        button=_("Open"),
        due_on=entry.defence_due_on,
    )


def _inspector(actor: Actor) -> list[Task]:
    rows = db.session.scalars(
        SHEET_SCORE.rows(actor)
        .join(Entry, Entry.id == Sheet.entry_id)
        .where(Entry.state.in_((EntryState.SCORING, EntryState.LOCKED)))
        .options(
            joinedload(Sheet.entry).joinedload(Entry.school),
            joinedload(Sheet.entry).joinedload(Entry.round).joinedload(Round.rubric_version),
        )
        .limit(AT_MOST)
    ).all()
    return [task for sheet in rows if (task := _sheet(sheet)) is not None]


def _sheet(sheet: Sheet) -> Task | None:
    entry = sheet.entry
    if entry.state == EntryState.SCORING:
        if sheet.locked_at is not None:
            return None
        left = len(inspecting.not_scored(sheet))
        return Task(
            about=entry.school.name,
            title=_("Score the school"),
            body=ngettext("%(num)s indicator is still open.", "%(num)s indicators are still open.", left),
            url=url_for("ratings.sheet", public_id=sheet.public_id),
            button=_("Open the sheet"),
            due_on=entry.round.scoring_due_on,
        )
    left = len(inspecting.open_gaps(entry))
    return Task(
        about=entry.school.name,
        title=_("Agree where the sheets differ") if left else _("Hand over the agreed scores"),
        body=ngettext("%(num)s indicator differs.", "%(num)s indicators differ.", left) if left else "",
        url=url_for("ratings.gaps", public_id=sheet.public_id),
        button=_("Open"),
        due_on=entry.round.scoring_due_on,
    )


def _district(actor: Actor) -> list[Task]:
    step = or_(
        Entry.state == EntryState.SUBMITTED,
        and_(Entry.state.in_((EntryState.AGREED, EntryState.HEARD)), Entry.id.not_in(_signed(Entry))),
        and_(Entry.state == EntryState.OPINED, Entry.defence_due_on < actor.on),
    )
    others = {
        "veto": _veto_of_another(actor),
        "check": _check_to_judge(actor),
        "measure": _measure_to_settle(actor),
        "question": _question_to_close(actor),
        "team": _team_to_mend(),
        "mended": _finding_to_confirm(),
    }
    rows = db.session.execute(
        ENTRY_MANAGE.rows(actor)
        .where(or_(step, *others.values()))
        .add_columns(step, *others.values())
        .options(joinedload(Entry.school), joinedload(Entry.round))
        .order_by(Entry.id)
        .limit(AT_MOST)
    ).all()
    found = [_step(entry) for entry, waits, *_more in rows if waits]
    for entry, _waits, veto, check, measure, question, team, mended in rows:
        found += [_confirm_mended(entry)] if mended else []
        found += [_mend_team(entry)] if team else []
        found += [_look_at_veto(entry)] if veto else []
        found += [_of_standing(entry, _("Read the report of the light check"))] if check else []
        found += [_of_standing(entry, _("Settle a proposed measure"))] if measure else []
        found += [_of_questions(entry, _("Close a question about a rating"))] if question else []
    return found + _signatures(actor) + _to_hear(actor) + _rounds(actor)


def _step(entry: Entry) -> Task:
    titles = {
        EntryState.SUBMITTED: _("Check the self-assessment"),
        EntryState.AGREED: _("Panel and first opinion")
        if entry.round.has_panel
        else _("Give the first opinion")
        if programmes.of(entry.round.programme).heard
        else _("Decide about the school"),
        EntryState.OPINED: _("The school did not answer: go on"),
        EntryState.HEARD: _("Decide about the school"),
    }
    return Task(
        about=entry.school.name,
        title=titles[EntryState(entry.state)],
        url=url_for("ratings.entry", public_id=entry.public_id),
        button=_("Open"),
        due_on=entry.round.scoring_due_on,
    )


def _look_at_veto(entry: Entry) -> Task:
    return Task(
        about=entry.school.name,
        title=_("Look at a recorded veto"),
        body=_("It counts only when a second person confirms it."),
        url=url_for("ratings.entry", public_id=entry.public_id),
        button=_("Open"),
    )


def _of_standing(entry: Entry, title: str) -> Task:
    return Task(
        about=entry.school.name,
        title=title,
        body=entry.round.name,
        url=url_for("ratings.standing", public_id=entry.public_id),
        button=_("Open"),
    )


def _confirm_mended(entry: Entry) -> Task:
    return Task(
        about=entry.school.name,
        title=_("See whether a finding was mended"),
        body=_("The school says that it is done: confirm it, or give it back."),
        url=url_for("ratings.findings_of_entry", public_id=entry.public_id),
        button=_("Open"),
    )


def _mend_team(entry: Entry) -> Task:
    return Task(
        about=entry.school.name,
        title=_("See to the team of the school"),
        body=_("Somebody declared a tie, or nobody scores in the place of a void sheet."),
        url=url_for("ratings.entry", public_id=entry.public_id),
        button=_("Open"),
    )


def _team_to_mend() -> ColumnElement[bool]:
    """A tie was declared after papers were opened, or one of the two who score is missing."""
    counts = Sheet.voided_at.is_(None)
    tied = select(Sheet.entry_id).join(Interest, Interest.sheet_id == Sheet.id).where(counts)
    scorers = select(func.count(Sheet.id)).where(
        Sheet.entry_id == Entry.id, Sheet.seat == Seat.SCORER, counts
    )
    missing = scorers.correlate(Entry).scalar_subquery() < teams.SCORERS
    return and_(Entry.state.in_((EntryState.SCORING, *states.SCORED)), or_(Entry.id.in_(tied), missing))


def _veto_of_another(actor: Actor) -> ColumnElement[bool]:
    return Entry.id.in_(
        select(VetoEvent.entry_id).where(
            VetoEvent.confirmed_at.is_(None),
            VetoEvent.dropped_at.is_(None),
            VetoEvent.recorded_by_id != actor.person_id,
        )
    )


def _check_to_judge(actor: Actor) -> ColumnElement[bool]:
    """A report to read, or none that came in its time."""
    late = and_(LightCheck.state == CheckState.ASKED, LightCheck.due_on < actor.on)
    return Entry.id.in_(select(LightCheck.entry_id).where(or_(LightCheck.state == CheckState.REPORTED, late)))


def _measure_to_settle(actor: Actor) -> ColumnElement[bool]:
    """The school was heard, or its time is over; somebody other than the proposer goes on."""
    late = and_(Measure.state == MeasureState.PROPOSED, Measure.hearing_due_on < actor.on)
    return Entry.id.in_(
        select(Measure.entry_id).where(
            Measure.proposed_by_id != actor.person_id, or_(Measure.state == MeasureState.HEARD, late)
        )
    )


def _signed(model: type[Entry | Round | Objection | Appeal]) -> Select[int]:
    """Ids of the rows of a table that wait for a second signature."""
    return select(Signature.row_id).where(Signature.kind == model.__tablename__, Signature.ended_at.is_(None))


SIGNED: dict[str, tuple[str, Callable[[], str]]] = {
    **dict.fromkeys(states.DECIDING, ("ratings.entry", lambda: _("decision on the school"))),
    "rerun": ("ratings.entry", lambda: _("making a sheet void")),
    "publish": ("ratings.round_page", lambda: _("publication of the results")),
    "publish_rubric": ("ratings.rubric", lambda: _("publication of the rubric")),
}


def _signatures(actor: Actor) -> list[Task]:
    """What somebody else of the office has signed and this person may countersign; answers come with the objections."""
    rows = db.session.scalars(
        select(Signature)
        .where(
            Signature.district_id == actor.district_id,
            Signature.ended_at.is_(None),
            Signature.first_id != actor.person_id,
            Signature.verb.in_(SIGNED),
        )
        .options(joinedload(Signature.first))
        .order_by(Signature.id)
        .limit(AT_MOST)
    ).all()
    return [
        Task(
            about=signature.about,
            title=_("Countersign: %(what)s", what=SIGNED[signature.verb][1]()),
            body=_(
                "It is signed by %(person)s and takes effect with your signature.",
                person=signature.first.name,
            ),
            url=url_for(SIGNED[signature.verb][0], public_id=signature.address),
            button=_("Open"),
        )
        for signature in rows
    ]


def _to_hear(actor: Actor) -> list[Task]:
    """Objections and appeals of schools, and objections of others, that this person may answer. One query."""
    # Names of their own: what may be seen is told by subqueries over the same tables.
    case, rated, school = aliased(Objection), aliased(Entry), aliased(School)
    of_schools = (
        OBJECTION_HEAR.rows(actor)
        .join(case, and_(case.entry_id == Entry.id, case.state == ObjectionState.OPEN))
        .join(school, school.id == Entry.school_id)
        .where(case.id.not_in(_signed(Objection).where(Signature.first_id == actor.person_id)))
        .with_only_columns(
            school.name, Entry.public_id.label("address"), case.tier, case.answer_due_on.label("due_on")
        )
    )
    of_others = (
        CONCERN_HEAR.rows(actor)
        .join(rated, rated.id == Concern.entry_id)
        .join(school, school.id == rated.school_id)
        .where(Concern.state == ConcernState.OPEN)
        .with_only_columns(
            school.name, Concern.public_id.label("address"), literal(0), Concern.answer_due_on.label("due_on")
        )
    )
    against, under = aliased(Appeal), aliased(School)
    of_measures = (
        APPEAL_HEAR.rows(actor)
        .join(against, and_(against.entry_id == Entry.id, against.state == ObjectionState.OPEN))
        .join(under, under.id == Entry.school_id)
        .where(against.id.not_in(_signed(Appeal).where(Signature.first_id == actor.person_id)))
        .with_only_columns(
            under.name, Entry.public_id.label("address"), literal(-1), against.answer_due_on.label("due_on")
        )
    )
    rows = db.session.execute(
        union_all(of_schools, of_others, of_measures).order_by("due_on", "address").limit(AT_MOST)
    )
    return [
        Task(
            about=name,
            title=_("Answer: %(what)s", what=str(TIER_NAMES[tier])) if tier > 0 else str(_HEARD[tier][0]),
            body=_("You neither proposed nor settled it.")
            if tier < 0
            else _("You neither scored nor decided about this school."),
            url=url_for(_HEARD[min(tier, 1)][1], public_id=address),
            button=_("Open"),
            due_on=due_on,
        )
        for name, address, tier, due_on in rows
    ]


_HEARD = {
    -1: (_l("Answer an appeal against a measure"), "ratings.appeal"),
    0: (_l("Examine an objection of somebody"), "ratings.concern_case"),
    1: ("", "ratings.objection"),
}


def _rounds(actor: Actor) -> list[Task]:
    undecided = select(func.count(Entry.id)).where(
        Entry.round_id == Round.id, Entry.state != EntryState.DECIDED
    )
    ready = and_(Round.state == RoundState.OPEN, undecided.scalar_subquery() == 0)
    unnamed = select(Entry.round_id).where(
        Entry.state == EntryState.DECIDED,
        Entry.star > 0,
        Entry.id.not_in(select(Naming.entry_id)),
        Entry.id.not_in(
            select(Objection.entry_id).where(
                or_(Objection.state == ObjectionState.OPEN, Objection.appeal_due_on >= actor.on)
            )
        ),
        Entry.id.not_in(
            select(Measure.entry_id).where(
                or_(
                    Measure.state.in_(OPEN_MEASURES),
                    and_(Measure.state == MeasureState.SETTLED, Measure.kind == MeasureKind.RE_RATING),
                )
            )
        ),
        Entry.id.not_in(select(Concern.entry_id).where(Concern.state == ConcernState.OPEN)),
    )
    to_name = and_(
        Round.state == RoundState.PUBLISHED, Round.publicity_ends_on < actor.on, Round.id.in_(unnamed)
    )
    titles = {
        RoundState.DRAFT: _("Open the round"),
        RoundState.OPEN: _("Publish the results"),
        RoundState.PUBLISHED: _("Name the schools"),
    }
    waiting = db.session.scalars(
        ROUND_MANAGE.rows(actor)
        .where(or_(ready, Round.state == RoundState.DRAFT, to_name), Round.id.not_in(_signed(Round)))
        .order_by(Round.state == RoundState.DRAFT, Round.id)
        .limit(AT_MOST)
    ).all()
    return [
        Task(
            about=round_.name,
            title=titles[RoundState(round_.state)],
            url=url_for("ratings.round_page", public_id=round_.public_id),
            button=_("Open"),
        )
        for round_ in waiting
    ]
