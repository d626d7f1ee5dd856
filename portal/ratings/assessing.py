"""The school's self-assessment: its answers, what the records say, and the evidence frozen at submission."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import evidence
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.metrics import METRICS, Figure, Period, Record, period_of, school_facts
from portal.ratings.metrics.surveys import NAME as SURVEY
from portal.ratings.models import Answer, Entry, EntryState, Snapshot
from portal.ratings.rubric import Item, Result, Rubric, RubricError, score
from portal.ratings.rubrics import (
    bonus_ids,
    computed,
    items_of,
    metric_of,
    rubric_of,
    school_answers,
    words,
)
from portal.ratings.surveying import measured as surveyed_now
from portal.ratings.surveying import not_asked
from portal.ratings.terms import terms_on
from portal.row_security import all_rows
from portal.trail.models import note


def due_on(entry: Entry) -> date:
    """The last day for the submission: the round's, or the last day for corrections after a return if that is later."""
    due = entry.round.self_assessment_due_on
    if entry.returned_at is None:
        return due
    if entry.correction_due_on is not None:
        return max(due, entry.correction_due_on)
    back_on = clock.local(entry.returned_at).date()
    return max(due, terms_on(back_on, entry.round.district_id).correction.after(back_on))


def answers_of(entry: Entry) -> dict[str, Answer]:
    """The school's answers by item."""
    found = db.session.scalars(select(Answer).where(Answer.entry_id == entry.id)).all()
    return {answer.item_id: answer for answer in found}


def unanswered(entry: Entry) -> list[str]:
    """Titles of the items the school has still to answer; bonus items are never asked for."""
    rubric = rubric_of(entry.round.rubric_version)
    optional, given = bonus_ids(rubric), answers_of(entry)
    return [
        f"{item.id} {words(item.title)}"
        for item in school_answers(rubric)
        if item.id not in optional and item.id not in given
    ]


def problem_with(
    rubric: Rubric, item: Item, facts: Mapping[str, Any], school: Mapping[str, Any]
) -> str | None:
    """What is wrong with the facts of one item, in words; None when the engine can score them."""
    try:
        score(rubric, {"school": dict(school), "items": {item.id: dict(facts)}})
    except RubricError as error:
        return " ".join(problem.message.text(_) for problem in error.problems)
    return None


def answer(entry: Entry, item: Item, facts: Mapping[str, Any], proof: str, person_id: int) -> None:
    """Keep the school's answer to an item, in the current transaction."""
    if entry.state != EntryState.SELF_ASSESSING:
        raise RuleBroken(_("The self-assessment is submitted. Nobody can change it now."))
    row = db.session.scalar(select(Answer).where(Answer.entry_id == entry.id, Answer.item_id == item.id))
    if row is None:
        row = Answer(entry_id=entry.id, item_id=item.id)
        db.session.add(row)
    row.facts, row.evidence = canonical(facts), proof
    row.answered_by_id, row.answered_at = person_id, clock.now()
    note("rating.answered", entry, person_id=person_id, item=item.id, facts=digest(row.facts))


def claim(entry: Entry, star: int, summary: str, person_id: int) -> None:
    """Keep the star the school applies for and its short summary."""
    if entry.state != EntryState.SELF_ASSESSING:
        raise RuleBroken(_("The self-assessment is submitted. Nobody can change it now."))
    entry.claimed_star, entry.claim_text = star, summary
    note("rating.claimed", entry, person_id=person_id, star=star)


@dataclass(frozen=True)
class Computed:
    """What the records say about an item, and over which period."""

    metric: str
    figure: Figure
    facts: dict[str, Any]
    records: Sequence[Record]


def period_of_round(entry: Entry) -> Period:
    """The period that is rated, seen today."""
    return period_of(entry.round.school_year, clock.today())


def computed_now(entry: Entry, period: Period) -> dict[str, Computed]:
    """The computed items of the rubric with their numbers of today, and those that rest on a released questionnaire."""
    rubric = rubric_of(entry.round.rubric_version)
    found = {}
    with all_rows():
        for item in computed(rubric):
            metric = METRICS[metric_of(item)]
            records = metric.records(entry.school_id, period)
            figure = metric.figure(records, period)
            found[item.id] = Computed(metric.name, figure, figure.facts(item), records)
        for name, (figure, facts, records) in surveyed_now(rubric, entry.school_id, period).items():
            found[name] = Computed(SURVEY, figure, facts, records)
    return found


def self_inputs(
    rubric: Rubric,
    answers: Mapping[str, Answer],
    figures: Mapping[str, Computed],
    school: Mapping[str, Any],
    with_files: Collection[str] = (),
) -> dict[str, Any]:
    """The engine's inputs from the school's own answers and the records; ``with_files``: ids of items with a file."""
    items: dict[str, Any] = {name: dict(found.facts) for name, found in figures.items()}
    for name, given in answers.items():
        proof = bool(given.evidence) or name in with_files
        items[name] = {**restored(given.facts), "evidence": int(proof)}
    items |= not_asked(rubric, items)
    return {"rubric": rubric.id, "school": dict(school), "items": items}


def preview(entry: Entry) -> tuple[Result, dict[str, Computed], Period]:
    """What the answers so far would come to, with the records of today; provisional while items are open."""
    rubric = rubric_of(entry.round.rubric_version)
    period = period_of_round(entry)
    figures = computed_now(entry, period)
    school = school_facts(entry.school_id, period)
    with_files = evidence.items_with_files(entry)
    inputs = self_inputs(rubric, answers_of(entry), figures, school, with_files)
    return score(rubric, inputs), figures, period


def freeze(entry: Entry) -> Snapshot:
    """Take the evidence snapshot of a submission, in the current transaction."""
    rubric = rubric_of(entry.round.rubric_version)
    period = period_of_round(entry)
    figures = computed_now(entry, period)
    measured = {
        name: {
            "metric": found.metric,
            "facts": found.facts,
            "numerator": found.figure.numerator,
            "denominator": found.figure.denominator,
            "counts": dict(found.figure.counts),
            "records": [[record.id, record.amount, record.of] for record in found.records],
        }
        for name, found in figures.items()
    }
    return keep_snapshot(
        entry,
        period,
        measured,
        school_facts(entry.school_id, period),
        items_of(rubric).keys(),
    )


def keep_snapshot(
    entry: Entry,
    period: Period,
    measured: Mapping[str, Any],
    school: Mapping[str, Any],
    known: Collection[str],
    taken_at: datetime | None = None,
) -> Snapshot:
    """Write a snapshot row: what was measured, what was answered, by which rubric, over which period."""
    answered = {
        name: {"facts": restored(given.facts), "evidence": given.evidence}
        for name, given in answers_of(entry).items()
        if name in known
    }
    content = canonical(
        {
            "round": entry.round.public_id,
            "entry": entry.public_id,
            "rubric": entry.round.rubric_version.sha256,
            "period": {
                "from": period.starts_on.isoformat(),
                "to": period.until_on.isoformat(),
                "counted_on": period.counted_on.isoformat(),
            },
            "school": dict(school),
            "metrics": dict(measured),
            "answers": answered,
            "files": evidence.manifest(entry),
            "claimed_star": entry.claimed_star,
            "claim_text": entry.claim_text,
        }
    )
    number = db.session.scalar(select(func.count(Snapshot.id)).where(Snapshot.entry_id == entry.id)) or 0
    snapshot = Snapshot(
        entry_id=entry.id,
        number=number + 1,
        taken_at=taken_at or clock.now(),
        content=content,
        sha256=digest(content),
    )
    db.session.add(snapshot)
    db.session.flush()
    return snapshot


def latest_snapshot(entry: Entry) -> Snapshot | None:
    """The evidence the present state rests on; None before the first submission."""
    return db.session.scalar(
        select(Snapshot).where(Snapshot.entry_id == entry.id).order_by(Snapshot.number.desc()).limit(1)
    )
