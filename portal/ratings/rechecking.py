"""The verbs of a standing: the light check of a year, and measures against a standing with the school heard and two people."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import aliased, joinedload

from portal import clock
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import naming, standing
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.models import Entry, EntryState, Round, RoundState
from portal.ratings.rubric import Item
from portal.ratings.rubrics import items_of, rubric_of, words
from portal.ratings.standing import (
    CheckState,
    LightCheck,
    Measure,
    MeasureKind,
    Naming,
    NamingKind,
)
from portal.ratings.terms import terms_on
from portal.schools.models import School
from portal.trail.models import note

MOST_ITEMS = 8
"""A light check is short: a school reports on few indicators in a few sentences each."""


def may_check(round_: Round) -> list[Item]:
    """The indicators a light check can look at: all that the rubric scores itself, not its deductions."""
    rubric = rubric_of(round_.rubric_version)
    own = {item.id for item in rubric.deductions}
    return [item for name, item in items_of(rubric).items() if name not in own]


def due_for_check(round_: Round, on: date) -> list[Entry]:
    """Named schools of a round whose title is valid and that have no light check in the year of a day. One query."""
    wanted = select(Entry).where(Entry.id.in_(_due(round_, on))).options(joinedload(Entry.school))
    return list(db.session.scalars(wanted.order_by(Entry.id)))


def how_many_due(round_: Round, on: date) -> int:
    """How many schools ``due_for_check`` would answer, counted by the database."""
    return db.session.scalar(select(func.count()).select_from(_due(round_, on).subquery())) or 0


def _due(round_: Round, on: date) -> Select[int]:
    later = aliased(Naming)
    return (
        select(Naming.entry_id)
        .join(Entry, Entry.id == Naming.entry_id)
        .where(
            Entry.round_id == round_.id,
            Naming.kind != NamingKind.REMOVED,
            Naming.valid_until_on >= on,
            ~exists().where(later.replaces_id == Naming.id),
            ~exists().where(LightCheck.entry_id == Naming.entry_id, LightCheck.year == on.year),
        )
    )


def start_checks(round_: Round, item_ids: Sequence[str], due_on: date, actor: Actor) -> list[LightCheck]:
    """Ask every named school of a round for its short report of this year, in the current transaction."""
    entries = due_for_check(round_, actor.on)
    if not entries:
        raise RuleBroken(_("No school of this round is due for a light check this year."))
    made = [
        LightCheck(
            entry_id=entry.id,
            year=actor.on.year,
            items="\n".join(item_ids),
            due_on=due_on,
            asked_by_id=actor.person_id,
            asked_at=clock.now(),
        )
        for entry in entries
    ]
    db.session.add_all(made)
    db.session.flush()
    note("rating.checks_started", round_, person_id=actor.person_id, schools=len(made), year=actor.on.year)
    return made


def current_check(entry: Entry) -> LightCheck | None:
    """The newest light check of an entry."""
    found = standing.checks_of(entry)
    return found[0] if found else None


def lines_of(entry: Entry, check: LightCheck) -> list[tuple[str, str, str]]:
    """(id, title, what the school reports) of each indicator of a check."""
    items, said = items_of(rubric_of(entry.round.rubric_version)), restored(check.report)
    return [(name, words(items[name].title), said.get(name, "")) for name in check.named if name in items]


def report(entry: Entry, said: Mapping[str, str], clean: bool, actor: Actor) -> None:
    """The school's short report; ``clean``: none of the veto items happened."""
    check = _check(entry, "report", actor)
    check.report, check.clean = canonical(dict(said)), clean
    check.reported_by_id, check.reported_at = actor.person_id, clock.now()
    standing.move(check, "report", actor)
    note("rating.check_reported", entry, person_id=actor.person_id, report=digest(check.report), clean=clean)


def _check(entry: Entry, verb: str, actor: Actor) -> LightCheck:
    check = current_check(entry)
    if check is None:
        raise RuleBroken(_("There is no light check of this school."))
    why = standing.refusal(check, verb, actor)
    if why:
        raise RuleBroken(why)
    return check


def ask_again(entry: Entry, question: str, actor: Actor) -> None:
    """Ask about a report, once; the school has the days of a correction for it."""
    check = _check(entry, "ask_again", actor)
    standing.move(check, "ask_again", actor)
    check.question = question
    check.due_on = terms_on(actor.on, entry.round.district_id).correction.after(actor.on)


def keep(entry: Entry, reason: str, actor: Actor) -> None:
    """The standing is kept."""
    check = _check(entry, "keep", actor)
    _found(check, reason, actor)
    standing.move(check, "keep", actor)


def doubt(entry: Entry, reason: str, actor: Actor) -> Measure:
    """The finding is that the school must be rated again: a measure, in which it is heard first."""
    found = current_check(entry)
    verb = "doubt_silence" if found is not None and found.state == CheckState.ASKED else "doubt"
    check = _check(entry, verb, actor)
    _found(check, reason, actor)
    standing.move(check, verb, actor)
    return propose(entry, MeasureKind.RE_RATING, None, reason, actor)


def _found(check: LightCheck, reason: str, actor: Actor) -> None:
    check.finding, check.found_by_id, check.found_at = reason, actor.person_id, clock.now()


def propose(entry: Entry, kind: MeasureKind, to_star: int | None, reason: str, actor: Actor) -> Measure:
    """Propose a measure against the result or standing of a school; it is heard before anything is settled."""
    if entry.state != EntryState.DECIDED or entry.round.state != RoundState.PUBLISHED:
        raise RuleBroken(_("The results are not published yet."))
    measures = standing.measures_of(entry)
    if standing.open_measure(measures):
        raise RuleBroken(_("Another measure is not settled yet."))
    if any(standing.open_appeal(some) for some in standing.appeals_of(entry).values()):
        raise RuleBroken(_("An appeal against the last measure is being examined."))
    now = standing.present(entry)
    _must_fit(kind, to_star, now)
    made = Measure(
        entry_id=entry.id,
        kind=kind,
        to_star=to_star if kind == MeasureKind.DOWNGRADE else None,
        reason=reason,
        proposed_by_id=actor.person_id,
        proposed_at=clock.now(),
        hearing_due_on=terms_on(actor.on, entry.round.district_id).defence.after(actor.on),
    )
    db.session.add(made)
    db.session.flush()
    note(
        "rating.measure_proposed", entry, person_id=actor.person_id, kind=str(kind), star=made.to_star,
        reason=digest(reason),
    )  # fmt: skip
    return made


def _must_fit(kind: MeasureKind, to_star: int | None, now: Naming | None) -> None:
    if kind == MeasureKind.RE_RATING:
        return
    if now is None or now.kind == NamingKind.REMOVED or standing_is_old(now):
        raise RuleBroken(_("The school holds no title that could be lowered or taken away."))
    if kind == MeasureKind.DOWNGRADE and not (to_star and 0 < to_star < now.star):
        raise RuleBroken(_("Choose a star below the present one."), 422)


def standing_is_old(now: Naming) -> bool:
    """Whether a newer record of the school stands."""
    return standing.replaced_by(now) is not None


def _measure(entry: Entry, verb: str, actor: Actor) -> Measure:
    measure = standing.open_measure(standing.measures_of(entry))
    if measure is None:
        raise RuleBroken(_("There is no measure to deal with."))
    why = standing.refusal(measure, verb, actor)
    if why:
        raise RuleBroken(why)
    return measure


def respond(entry: Entry, said: str, actor: Actor) -> None:
    """What the school says to a proposed measure."""
    measure = _measure(entry, "respond", actor)
    measure.said, measure.said_by_id, measure.said_at = said, actor.person_id, clock.now()
    standing.move(measure, "respond", actor)
    note("rating.measure_answered", entry, person_id=actor.person_id, text=digest(said))


def go_on(entry: Entry, actor: Actor) -> None:
    """Go on when the school did not answer in its time."""
    standing.move(_measure(entry, "go_on", actor), "go_on", actor)


def take_back(entry: Entry, actor: Actor) -> None:
    """Take one's own proposal back before the school was heard."""
    standing.move(_measure(entry, "take_back", actor), "take_back", actor)


def settle(entry: Entry, confirmed: bool, reason: str, actor: Actor) -> None:
    """A second person settles a measure, or drops it; a downgrade and a removal make a new record. ``entry`` has its
    round and its school with district."""
    verb = "settle" if confirmed else "drop"
    measure = _measure(entry, verb, actor)
    measure.settled_text = reason
    measure.settled_by_id, measure.settled_at = actor.person_id, clock.now()
    if confirmed:
        measure.appeal_due_on = terms_on(actor.on, entry.round.district_id).appeal.after(
            actor.on, entry.round.district_id
        )
    standing.move(measure, verb, actor)
    note("rating.measure_settled", entry, person_id=actor.person_id, kind=measure.kind, confirmed=confirmed)
    if confirmed and measure.kind != MeasureKind.RE_RATING:
        now = standing.present(entry)
        _must_fit(MeasureKind(measure.kind), measure.to_star, now)
        assert now is not None
        lowered = measure.kind == MeasureKind.DOWNGRADE
        naming.record(
            entry,
            NamingKind.LOWERED if lowered else NamingKind.REMOVED,
            measure.to_star or 0,
            now.valid_until_on if lowered else actor.on,
            measure.proposed_by_id,
            because=measure.reason,
            second_by_id=actor.person_id,
            replaces=now,
        )


def school_of(entry_id: int) -> Entry:
    """An entry with all that a record of its standing names."""
    return db.session.scalars(
        select(Entry)
        .where(Entry.id == entry_id)
        .options(
            joinedload(Entry.school).joinedload(School.district),
            joinedload(Entry.round).joinedload(Round.rubric_version),
        )
        .execution_options(populate_existing=True)
    ).one()
