"""Fair play of ratings: what stands out in a year becomes a question, asked of the school first and closed by people.

Looked at twice: when the self-assessment is submitted, and once both inspectors have locked their sheets. What is found
(``fair_signs.py``) is a question to the principal with a day by which to answer. The district sees it when the school has
answered or that day has passed, and closes it with its own words. No point and no star ever changes by it: where something
was false, people of the district act by the ways that the rating has (a return, a new look, a veto of two).
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.accounts.models import Person
from portal.committees.models import Committee, CommitteeMeeting
from portal.courses.models import Course, CourseSession, Seat
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import day as day_in_words
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import listing
from portal.jobs.queue import every, task
from portal.opinions.models import Opinion, OpinionAnswer
from portal.ratings import inspecting
from portal.ratings.asking import OF_SCORERS, RatingLook, RatingQuestion
from portal.ratings.assessing import latest_snapshot
from portal.ratings.canonical import restored
from portal.ratings.evidence import Evidence
from portal.ratings.fair_scorers import Locked, ScorerRule, scorer_signs
from portal.ratings.fair_signs import Held, Judged, Rule, Sign, Year, signs
from portal.ratings.models import Entry, EntryState, Round, RoundState, Sheet
from portal.ratings.models import Seat as SheetSeat
from portal.ratings.rubric import Rubric, RubricError, score
from portal.ratings.rubrics import rubric_of, school_answers
from portal.ratings.surveying import not_asked
from portal.row_security import all_rows
from portal.schools.calendar import add_working_days
from portal.settings import Number, Setting, Switch
from portal.trail.models import note
from portal.visits.models import Outcome, Visit

AT_ONCE = 20
"""Schools looked at in one run of the job, each in a transaction of its own."""

ASKED = Setting(
    "ratings.fair_play",
    Switch(),
    True,
    label=_l("Fair play of ratings: ask questions"),
    help=_l("The portal looks at what a school hands in and asks the school about what stands out."),
)
DAYS_TO_ANSWER = Setting(
    "ratings.fair_days",
    Number(3, 20, _l("working days")),
    5,
    label=_l("Fair play of ratings: working days a school has to answer"),
    help=_l("Until then, or until the answer is there, the district does not see the question."),
)


class Step(StrEnum):
    """When a school is looked at: what it submitted, and what was scored."""

    SUBMITTED = "submitted"
    SCORED = "scored"


READY: Mapping[Step, tuple[EntryState, ...]] = {
    Step.SUBMITTED: (EntryState.SUBMITTED, EntryState.SCORING, EntryState.LOCKED, EntryState.AGREED),
    Step.SCORED: (EntryState.LOCKED, EntryState.AGREED),
}
"""The states in which there is something to look at and the decision still ahead."""
OF_SCORES = frozenset({Rule.SELF_PRAISE})
TILTED = (ScorerRule.LENIENT, ScorerRule.HARSH)
NO_LONGER_BLIND = (
    EntryState.LOCKED,
    EntryState.AGREED,
    EntryState.OPINED,
    EntryState.HEARD,
    EntryState.DECIDED,
)
WITH_ROUND = (joinedload(Entry.round).joinedload(Round.rubric_version),)


def year_of(entry: Entry, step: Step) -> Year:
    """What the rules may know of a school's year, up to its submission: seven queries; with scores two more."""
    snapshot = latest_snapshot(entry)
    if snapshot is None:
        raise RuleBroken(_("The school has not submitted its self-assessment."))
    content = restored(snapshot.content)
    since, until = (date.fromisoformat(content["period"][name]) for name in ("from", "to"))
    submitted_on = clock.local(entry.submitted_at or snapshot.taken_at).date()
    with all_rows():
        proofs, before = _proofs(entry)
        return Year(
            submitted_on=submitted_on,
            visits=_visits(entry.school_id, since, until),
            sessions=_sessions(entry.school_id, since, until),
            answered_after=_answers(entry.school_id, since, until),
            committees=_committees(entry.school_id, since, until),
            minutes=_minutes(entry.school_id, since, until),
            summary=entry.claim_text,
            other_summaries=_other_summaries(entry),
            proofs=proofs,
            used_before=before,
            judged=_judged(entry, content) if step is Step.SCORED else {},
        )


def _visits(school_id: int, since: date, until: date) -> list[tuple[date, date]]:
    rows = db.session.execute(
        select(Visit.held_on, Visit.written_at).where(
            Visit.school_id == school_id,
            Visit.outcome == Outcome.MET,
            Visit.held_on >= since,
            Visit.held_on <= until,
        )
    )
    return [(held_on, clock.local(written_at).date()) for held_on, written_at in rows]


def _sessions(school_id: int, since: date, until: date) -> list[Held]:
    rows = db.session.execute(
        select(CourseSession, Seat.household_id, Seat.present_at)
        .join(Course, Course.id == CourseSession.course_id)
        .join(Seat, Seat.session_id == CourseSession.id)
        .where(
            Course.school_id == school_id,
            Seat.present_at.is_not(None),
            CourseSession.starts_at >= clock.instant_of(since),
            CourseSession.starts_at < clock.instant_of(until + timedelta(days=1)),
        )
        .order_by(CourseSession.id)
    ).all()
    households: dict[int, set[int]] = defaultdict(set)
    ticked: dict[int, list[datetime]] = defaultdict(list)
    held: dict[int, CourseSession] = {}
    for session, household_id, present_at in rows:
        held[session.id] = session
        households[session.id].add(household_id)
        if present_at is not None:
            ticked[session.id].append(clock.local(present_at).replace(tzinfo=None))
    return [
        Held(one.starts_on, one.lesson_hours, frozenset(households[key]), tuple(ticked[key]))
        for key, one in held.items()
    ]


def _committees(school_id: int, since: date, until: date) -> list[tuple[date, date]]:
    elected = select(Committee.began_on, Committee.entered_at).where(
        Committee.school_id == school_id, Committee.began_on.between(since, until)
    )
    met = _meetings(school_id, since, until).with_only_columns(
        CommitteeMeeting.held_on, CommitteeMeeting.entered_at
    )
    rows = [*db.session.execute(elected), *db.session.execute(met)]
    return [(on, clock.local(entered_at).date()) for on, entered_at in rows]


def _minutes(school_id: int, since: date, until: date) -> list[str]:
    wanted = _meetings(school_id, since, until).with_only_columns(
        CommitteeMeeting.topics, CommitteeMeeting.agreed
    )
    return [f"{topics}{agreed}" for topics, agreed in db.session.execute(wanted)]


def _meetings(school_id: int, since: date, until: date) -> Any:
    return (
        select(CommitteeMeeting)
        .join(Committee, Committee.id == CommitteeMeeting.committee_id)
        .where(
            Committee.school_id == school_id,
            CommitteeMeeting.held_on.between(since, until),
            CommitteeMeeting.taken_back_at.is_(None),
        )
    )


def _answers(school_id: int, since: date, until: date) -> list[timedelta]:
    rows = db.session.execute(
        select(Opinion.sent_at, OpinionAnswer.answered_at)
        .join(OpinionAnswer, OpinionAnswer.opinion_id == Opinion.id)
        .where(
            Opinion.school_id == school_id,
            OpinionAnswer.round == 1,
            OpinionAnswer.answered_on >= since,
            OpinionAnswer.answered_on <= until,
        )
    )
    return [answered_at - sent_at for sent_at, answered_at in rows]


def _other_summaries(entry: Entry) -> list[str]:
    """What other schools of the round wrote, and this school in earlier rounds."""
    others = (Entry.round_id == entry.round_id) & (Entry.id < entry.id) & Entry.submitted_at.is_not(None)
    earlier = (
        (Entry.school_id == entry.school_id) & (Entry.round_id != entry.round_id) & (Entry.id < entry.id)
    )
    return list(db.session.scalars(select(Entry.claim_text).where(others | earlier, Entry.claim_text != "")))


def _proofs(entry: Entry) -> tuple[dict[str, list[str]], frozenset[str]]:
    """Hashes of the files by indicator, and those that were handed in for another school or year."""
    rows = db.session.execute(
        select(Evidence.item_id, Evidence.sha256).where(
            Evidence.entry_id == entry.id, Evidence.removed_at.is_(None)
        )
    ).all()
    found: dict[str, list[str]] = defaultdict(list)
    for item_id, sha256 in rows:
        found[item_id].append(sha256)
    before = select(Evidence.sha256).where(
        Evidence.sha256.in_({sha256 for _item, sha256 in rows}), Evidence.entry_id != entry.id
    )
    return dict(found), frozenset(db.session.scalars(before)) if rows else frozenset()


def _judged(entry: Entry, content: Mapping[str, Any]) -> dict[str, Judged]:
    """The points of what the school answered itself, as shares: its own, and by each locked sheet."""
    rubric = rubric_of(entry.round.rubric_version)
    own = {name: given["facts"] for name, given in content["answers"].items()}
    sheets: dict[int, dict[str, Any]] = defaultdict(dict)
    for name, marks in inspecting.facts_by_sheet(entry).items():
        for sheet_id, mark in marks.items():
            sheets[sheet_id][name] = restored(mark.facts)
    school = content["school"]
    ours = _shares(rubric, own, school)
    theirs = [_shares(rubric, facts, school) for facts in sheets.values()]
    asked = {item.id for item in school_answers(rubric)}
    return {
        name: Judged(share, tuple(one[name] for one in theirs if name in one))
        for name, share in ours.items()
        if name in asked and len(theirs) == inspecting.INSPECTORS
    }


def _shares(rubric: Rubric, facts: Mapping[str, Any], school: Mapping[str, Any]) -> dict[str, float]:
    """The share of its points that each indicator reaches by these facts; nothing where they cannot be scored."""
    items: dict[str, Any] = {name: {**found, "evidence": 1} for name, found in facts.items()}
    items |= not_asked(rubric, items)
    try:
        result = score(rubric, {"school": dict(school), "items": items})
    except RubricError:
        return {}
    return {
        found.item.id: float(found.share)
        for found in result.walk()
        if found.item.id in facts and found.share is not None
    }


def _locked(entry: Entry) -> list[Locked]:
    """The blind sheets of a school as they were locked, and how their people scored all schools of the round."""
    wanted = select(Sheet).where(
        Sheet.entry_id == entry.id,
        Sheet.seat == SheetSeat.SCORER,
        Sheet.voided_at.is_(None),
        Sheet.locked_at.is_not(None),
    )
    return [
        Locked(
            sheet=one.public_id,
            marks={mark.item_id: (mark.facts or "", mark.reason) for mark in one.marks},
            took=one.locked_at - one.declared_at if one.locked_at and one.declared_at else None,
            apart=[_apart(other, one.person_id, entry.round) for other in _scored_by(one.person_id, entry)],
        )
        for one in db.session.scalars(wanted.options(selectinload(Sheet.marks)).order_by(Sheet.id))
    ]


def _scored_by(person_id: int, entry: Entry) -> list[Entry]:
    """The schools of the round that a person scored and that are no longer scored blind."""
    wanted = (
        select(Entry)
        .join(Sheet, Sheet.entry_id == Entry.id)
        .where(
            Entry.round_id == entry.round_id,
            Entry.state.in_(NO_LONGER_BLIND),
            Sheet.person_id == person_id,
            Sheet.seat == SheetSeat.SCORER,
            Sheet.voided_at.is_(None),
        )
    )
    return list(db.session.scalars(wanted.order_by(Entry.id)))


def _apart(entry: Entry, person_id: int, round_: Round) -> list[float]:
    """By indicator of a school, a person's own minus the other scorer's share of the points."""
    snapshot = latest_snapshot(entry)
    own = db.session.scalar(select(Sheet.id).where(Sheet.entry_id == entry.id, Sheet.person_id == person_id))
    sheets: dict[bool, dict[str, Any]] = {True: {}, False: {}}
    for name, marks in inspecting.facts_by_sheet(entry).items():
        for sheet_id, mark in marks.items():
            sheets[sheet_id == own][name] = restored(mark.facts)
    if snapshot is None:
        return []
    rubric, school = rubric_of(round_.rubric_version), restored(snapshot.content)["school"]
    ours, theirs = (_shares(rubric, sheets[mine], school) for mine in (True, False))
    return [share - theirs[name] for name, share in ours.items() if name in theirs]


def _of_scorers(entry: Entry) -> list[Sign]:
    """What stands out in the blind sheets of a school; how somebody scores is asked about once in a round."""
    sheets = _locked(entry)
    told = db.session.scalars(
        select(RatingQuestion.figures)
        .join(Entry, Entry.id == RatingQuestion.entry_id)
        .where(Entry.round_id == entry.round_id, RatingQuestion.rule.in_(TILTED))
    )
    named = {one for figures in told for one in figures["sheets"]}
    people = set(db.session.scalars(select(Sheet.person_id).where(Sheet.public_id.in_(named))))
    again = set(
        db.session.scalars(
            select(Sheet.public_id).where(Sheet.entry_id == entry.id, Sheet.person_id.in_(people))
        )
    )
    return [
        one
        for one in scorer_signs(sheets)
        if one.rule not in TILTED or again.isdisjoint(one.figures["sheets"])
    ]


def look_at(entry: Entry, step: Step, now: datetime) -> list[RatingQuestion]:
    """Ask what is to be asked about a school at a step, in the current transaction; the entry comes with its round.

    Returns the new questions. Looking again asks only about what was not asked before.
    """
    asked = set(db.session.scalars(select(RatingQuestion.rule).where(RatingQuestion.entry_id == entry.id)))
    found = [one for one in signs(year_of(entry, step)) if (one.rule in OF_SCORES) == (step is Step.SCORED)]
    if step is Step.SCORED:
        with all_rows():
            found += _of_scorers(entry)
    new = [_ask(entry, sign, now) for sign in found if sign.rule not in asked]
    look = db.session.get(RatingLook, (entry.id, step))
    if look is None:
        look = RatingLook(entry_id=entry.id, step=step)
        db.session.add(look)
    look.looked_at = now
    db.session.flush()
    return new


def _ask(entry: Entry, sign: Sign, now: datetime) -> RatingQuestion:
    day = clock.local(now).date()
    made = RatingQuestion(
        entry_id=entry.id,
        rule=sign.rule,
        figures=sign.figures,
        asked_at=now,
        due_on=day - timedelta(days=1)
        if sign.rule in OF_SCORERS
        else add_working_days(day, DAYS_TO_ANSWER.on(day, school_id=entry.school_id)),
    )
    db.session.add(made)
    db.session.flush()
    note("rating.question_asked", made, person_id=None, rule=str(sign.rule))
    return made


def _due() -> list[tuple[int, Step]]:
    """(entry id, step) of schools that were not looked at since their submission or locking; so many at once."""
    found: list[tuple[int, Step]] = []
    for step, states in READY.items():
        looked = (
            select(RatingLook.entry_id)
            .where(
                RatingLook.entry_id == Entry.id,
                RatingLook.step == step,
                RatingLook.looked_at >= Entry.submitted_at,
            )
            .exists()
        )
        wanted = (
            select(Entry.id)
            .join(Round, Round.id == Entry.round_id)
            .where(Round.state == RoundState.OPEN, Entry.state.in_(states), ~looked)
            .order_by(Entry.id)
            .limit(AT_ONCE)
        )
        found += [(entry_id, step) for entry_id in db.session.scalars(wanted)]
    return found


@task
@every(900)
def look_at_entries() -> None:
    """Look at what was handed in and scored, school by school, each in a transaction; what is done is not done again."""
    now = clock.now()
    with all_rows():
        due = _due()
    db.session.rollback()
    for entry_id, step in due:
        with all_rows():
            entry = db.session.get_one(Entry, entry_id, options=WITH_ROUND)
            if ASKED.on(clock.local(now).date(), school_id=entry.school_id):
                look_at(entry, step, now)
            else:
                db.session.merge(RatingLook(entry_id=entry_id, step=step, looked_at=now))
        db.session.commit()


RULE_NAMES: dict[str, Any] = {
    Rule.LATE_VISITS: _l("Visits written down long afterwards"),
    Rule.RUSHED_VISITS: _l("Many visits just before the submission"),
    Rule.RUSHED_SESSIONS: _l("Courses just before the submission"),
    Rule.SAME_FACES: _l("The same families in several sessions"),
    Rule.TICKED_LATE: _l("Attendance entered long afterwards"),
    Rule.LONG_DAYS: _l("Very long days of courses"),
    Rule.QUICK_ANSWERS: _l("Opinions answered within minutes"),
    Rule.SUMMARY_ALIKE: _l("A summary like another one"),
    Rule.PROOF_AGAIN: _l("The same files more than once"),
    Rule.SELF_PRAISE: _l("Own points far above those of both inspectors"),
    Rule.LATE_MINUTES: _l("Committees written down long afterwards"),
    Rule.SAME_MINUTES: _l("Meetings of committees with the same words"),
    ScorerRule.LENIENT: _l("A scorer who gives more than the others"),
    ScorerRule.HARSH: _l("A scorer who gives less than the others"),
    ScorerRule.SAME_SHEETS: _l("Two score sheets that are the same"),
    ScorerRule.QUICK_SHEET: _l("A score sheet locked very soon"),
}
QUESTIONS: dict[str, Any] = {
    Rule.LATE_VISITS: _l(
        "Were paper notes typed in for the rating? Where do they lie, and who could look at them?"
    ),
    Rule.RUSHED_VISITS: _l("Was there a week of visits, or a reason why they could not be made before?"),
    Rule.RUSHED_SESSIONS: _l("Was this planned so, for example for parents of new pupils?"),
    Rule.SAME_FACES: _l("Is it a fixed group, or was one list of those present used for several sessions?"),
    Rule.TICKED_LATE: _l("Were lists on paper entered later? Where do they lie?"),
    Rule.LONG_DAYS: _l("Did the sessions run side by side, or were the lesson hours entered wrongly?"),
    Rule.QUICK_ANSWERS: _l(
        "Had the matter been talked over before, or is there a common answer to a common question?"
    ),
    Rule.SUMMARY_ALIKE: _l("Was it written together, or taken over from a former year?"),
    Rule.PROOF_AGAIN: _l("What does each file show for each indicator, and is it of this school year?"),
    Rule.LATE_MINUTES: _l(
        "Were there minutes on paper? Where do they lie, and who of the committee could say so?"
    ),
    Rule.SAME_MINUTES: _l("Did these meetings talk about the same, or was one text used for several?"),
    Rule.SELF_PRAISE: _l("What do you know of these indicators that the inspectors may not have seen?"),
    ScorerRule.LENIENT: _l("Does the inspector read the criteria otherwise than the others?"),
    ScorerRule.HARSH: _l("Does the inspector read the criteria otherwise than the others?"),
    ScorerRule.SAME_SHEETS: _l("Did both score alone, or did they write one sheet together?"),
    ScorerRule.QUICK_SHEET: _l("Had the inspector seen the papers elsewhere, for example on site?"),
}


SENTENCES: dict[str, Any] = {
    Rule.LATE_VISITS: _l(
        "Of %(of)s visits of the year, %(found)s were written down more than a month afterwards, in the last two weeks"
        " before the submission."
    ),
    Rule.RUSHED_VISITS: _l(
        "Of %(of)s visits of the year, %(found)s were held in the last two weeks before the submission."
    ),
    Rule.RUSHED_SESSIONS: _l(
        "Of %(of)s sessions of the year, %(found)s were held in the last two weeks before the submission."
    ),
    Rule.SAME_FACES: _l("Of %(of)s sessions, %(found)s have exactly the same families as another one."),
    Rule.TICKED_LATE: _l(
        "In %(found)s of %(of)s sessions most families were marked present more than a month afterwards."
    ),
    Rule.LONG_DAYS: _l(
        "On %(found)s days the same families had more than %(limit)s lesson hours; at most %(most)s."
    ),
    Rule.QUICK_ANSWERS: _l("Of %(of)s answered opinions, %(found)s were answered within ten minutes."),
    Rule.SUMMARY_ALIKE: _l(
        "The summary is nearly the same as %(found)s other summary: of another school, or of a former year."
    ),
    Rule.PROOF_AGAIN: _l(
        "Of %(of)s files, %(found)s stand for several indicators, or were handed in for another school or year."
    ),
    Rule.LATE_MINUTES: _l(
        "Of %(of)s elections and meetings of committees, %(found)s were written down more than a month afterwards, in the last"
        " two weeks before the submission."
    ),
    ScorerRule.LENIENT: _l(
        "In %(of)s schools of the round this inspector gave %(found)s%% of the points more than the other scorers (asked above"
        " %(limit)s%%)."
    ),
    ScorerRule.HARSH: _l(
        "In %(of)s schools of the round this inspector gave %(found)s%% of the points less than the other scorers (asked above"
        " %(limit)s%%)."
    ),
    ScorerRule.SAME_SHEETS: _l(
        "Both blind sheets have the same values and the same words in all %(found)s indicators."
    ),
    ScorerRule.QUICK_SHEET: _l(
        "%(of)s indicators were scored and locked %(found)s minutes after the papers were opened."
    ),
    Rule.SAME_MINUTES: _l("Of %(of)s meetings of committees, %(found)s have the same words as another one."),
    Rule.SELF_PRAISE: _l(
        "In %(found)s of %(of)s indicators the school gives itself at least half of the points more than either inspector."
    ),
}


def in_words(question: RatingQuestion) -> str:
    """The figures of a question as a sentence."""
    told = {"found": 0, "of": 0, "limit": 0, "most": 0} | question.figures
    return str(SENTENCES[question.rule]) % told


def places_in_words(question: RatingQuestion) -> str:
    """The days, indicators or people a question rests on, at most ten; empty when it names none."""
    days = [day_in_words(date.fromisoformat(one)) for one in question.figures.get("days", ())]
    people: list[str] = []
    if "sheets" in question.figures:
        wanted = select(Person.name).join(Sheet, Sheet.person_id == Person.id)
        named = wanted.where(Sheet.public_id.in_(question.figures["sheets"])).order_by(Sheet.id)
        people = list(db.session.scalars(named))
    return listing([*days, *question.figures.get("items", ()), *people])
