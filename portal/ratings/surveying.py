"""The parent questionnaire in a rating: the facts of its indicators, and how a later release reaches what is submitted.

The questionnaire is the district's (``portal/surveys``); a rating takes the newest one that was released for the school year and
counts for the school. Mean, number of answers and mean of the like schools go into the evidence as they were released; the rubric
decides whether enough answered and how far the mean is drawn towards the like schools.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import no_op
from portal.jobs.queue import every
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.metrics import METRICS, Figure, Period, Record
from portal.ratings.metrics.surveys import NAME, record_of
from portal.ratings.models import Entry, EntryState, Round, RoundState, Snapshot
from portal.ratings.policy import ROUND_MANAGE
from portal.ratings.rubric import Rubric
from portal.ratings.rubrics import AskedOf, asked_of, items_of, rubric_of
from portal.row_security import all_rows
from portal.surveys.inviting import GROUPS, SchoolGroup
from portal.surveys.releasing import standing_of
from portal.trail.models import note

NO_SURVEY = no_op("There was no parent questionnaire in this round.")
TOO_FEW = no_op("Too few families answered the questionnaire; the indicator does not apply.")
STILL_OPEN = (EntryState.SUBMITTED, EntryState.SCORING, EntryState.LOCKED, EntryState.AGREED)
"""After the submission and before the school is told its first opinion: the time in which a release is still added."""


def surveyed(rubric: Rubric) -> list[str]:
    """Ids of the items that rest on a questionnaire."""
    return [
        name
        for name, item in items_of(rubric).items()
        if asked_of(item) is AskedOf.SURVEY and not item.settings.get("always_applies")
    ]


def measured(
    rubric: Rubric, school_id: int, period: Period
) -> dict[str, tuple[Figure, dict[str, Any], Sequence[Record]]]:
    """Item → figure, facts and record of the questionnaire, for every item that rests on one; nothing while there is none."""
    names = surveyed(rubric)
    found = standing_of(school_id, period.starts_on) if names else None
    if found is None:
        return {}
    facts: dict[str, Any] = {"not_applicable": TOO_FEW}
    if found.mean is not None:
        prior = found.mean if found.prior is None else found.prior
        facts = {"n": found.answered, "invited": found.invited, "mean": found.mean, "district_mean": prior}
    records = [record_of(found)]
    figure = METRICS[NAME].figure(records, period)
    return {name: (figure, dict(facts), records) for name in names}


def not_asked(rubric: Rubric, known: Mapping[str, Any]) -> dict[str, Any]:
    """Items that rest on a questionnaire and have no facts among ``known``: they do not apply."""
    return {name: {"not_applicable": NO_SURVEY} for name in surveyed(rubric) if name not in known}


def as_frozen(figure: Figure, facts: Mapping[str, Any], records: Sequence[Record]) -> dict[str, Any]:
    """A questionnaire's item as it stands among the metrics of a snapshot."""
    return {
        "metric": NAME,
        "facts": dict(facts),
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "counts": {},
        "records": [[record.id, record.amount, record.of] for record in records],
    }


@every(900)
def carry_releases() -> None:
    """Add what was released after a submission to its evidence, as a further snapshot. Twice does nothing more."""
    with all_rows():
        entries = db.session.scalars(
            select(Entry)
            .join(Round, Round.id == Entry.round_id)
            .where(Round.state == RoundState.OPEN, Entry.state.in_(STILL_OPEN))
            .options(
                joinedload(Entry.round).joinedload(Round.rubric_version),
                joinedload(Entry.round).joinedload(Round.school_year),
            )
            .order_by(Entry.id)
        ).all()
        for entry in entries:
            carry(entry)
        db.session.commit()


def carry(entry: Entry) -> Snapshot | None:
    """A further snapshot of an entry with the questionnaire released meanwhile, in the current transaction; None when the newest
    one has it already or nothing was released. Nothing else in it changes."""
    newest = db.session.scalar(
        select(Snapshot).where(Snapshot.entry_id == entry.id).order_by(Snapshot.number.desc()).limit(1)
    )
    if newest is None:
        return None
    rubric = rubric_of(entry.round.rubric_version)
    year = entry.round.school_year
    period = Period(year.starts_on, year.ends_on, min(clock.today(), year.ends_on), ())
    content = restored(newest.content)
    found = measured(rubric, entry.school_id, period)
    fresh = {name: as_frozen(*one) for name, one in found.items()}
    changed = canonical(content | {"metrics": {**content["metrics"], **fresh}})
    if not fresh or changed == newest.content:
        return None
    made = Snapshot(
        entry_id=entry.id,
        number=newest.number + 1,
        taken_at=clock.now(),
        content=changed,
        sha256=digest(changed),
    )
    db.session.add(made)
    db.session.flush()
    note("rating.snapshot", entry, person_id=None, number=made.number, sha256=made.sha256)
    return made


def of_rounds(actor: Actor) -> list[SchoolGroup]:
    """The schools of each round that runs, for whoever prepares a questionnaire."""
    if actor.role is not Role.DISTRICT_STAFF:
        return []
    rounds = db.session.execute(
        select(Round.public_id, Round.name, Entry.school_id)
        .join(Entry, Entry.round_id == Round.id)
        .where(ROUND_MANAGE.within(actor), Round.state != RoundState.PUBLISHED)
        .order_by(Round.id.desc())
    ).all()
    schools: dict[tuple[str, str], set[int]] = {}
    for public_id, name, school_id in rounds:
        schools.setdefault((public_id, name), set()).add(school_id)
    return [
        SchoolGroup(f"round:{public_id}", _("Schools of the round %(name)s", name=name), frozenset(ids))
        for (public_id, name), ids in schools.items()
    ]


GROUPS.append(of_rounds)
