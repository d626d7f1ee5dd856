"""The verbs of a round, each with its move: open, submit, return, accept, lock, agree, decide, publish; hearing is apart.

What needs two people has two functions: ``sign_…`` for the first, the verb itself for the second.
"""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import (
    assessing,
    deciding,
    improving,
    inspecting,
    programmes,
    records,
    satisfaction,
    signatures,
    states,
    teams,
    windows,
)
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.models import Entry, Round, RubricVersion, Seat, Sheet
from portal.ratings.rubrics import rubric_of
from portal.ratings.terms import DRAWN, SPREAD, VALIDITY, terms_on
from portal.ratings.windows import Step
from portal.schools.models import School, SchoolYear
from portal.trail.models import note


def prepare(
    version: RubricVersion,
    year: SchoolYear,
    schools: list[School],
    name: str,
    deadlines: tuple[date, date],
    person_id: int,
    programme: str = programmes.STARS,
) -> Round:
    """A round in preparation with its schools, in the current transaction. ``deadlines``: self-assessment, scoring."""
    round_ = Round(
        district_id=year.district_id,
        name=name,
        programme=programme,
        team_size=programmes.of(programme).team,
        has_panel=programmes.of(programme).panel,
        by_draw=programmes.of(programme).panel and DRAWN.on(clock.today(), district_id=year.district_id),
        spread_limit=SPREAD.on(clock.today(), district_id=year.district_id),
        rubric_version_id=version.id,
        school_year_id=year.id,
        self_assessment_due_on=deadlines[0],
        scoring_due_on=deadlines[1],
        created_by_id=person_id,
        created_at=clock.now(),
    )
    db.session.add(round_)
    db.session.flush()
    db.session.add_all(Entry(round_id=round_.id, school_id=school.id) for school in schools)
    note("rating.prepared", round_, person_id=person_id, schools=len(schools))
    return round_


def loaded(round_id: int) -> Round:
    """A round with all that its moves look at."""
    return db.session.scalars(
        select(Round)
        .where(Round.id == round_id)
        .options(
            joinedload(Round.rubric_version),
            joinedload(Round.school_year),
            selectinload(Round.entries).joinedload(Entry.school),
        )
        .execution_options(populate_existing=True)
    ).one()


def open_round(round_: Round, actor: Actor) -> None:
    """Open a round: every school may begin its self-assessment."""
    states.move(round_, "open", actor)
    for step in (Step.SELF_ASSESSMENT, Step.SCORING):
        windows.open_window(step, round_, round_, None, actor.on)
    for entry in db.session.scalars(select(Entry).where(Entry.round_id == round_.id)):
        states.move(entry, "begin", actor)


def submit(entry: Entry, actor: Actor) -> None:
    """Submit the self-assessment: the evidence is frozen and nobody can change it any more."""
    states.move(entry, "submit", actor)
    snapshot = assessing.freeze(entry)
    entry.submitted_at, entry.submitted_by_id = clock.now(), actor.person_id
    note("rating.snapshot", entry, person_id=actor.person_id, number=snapshot.number, sha256=snapshot.sha256)


def send_back(entry: Entry, reason: str, actor: Actor) -> None:
    """Return a submitted self-assessment for correction, once; the old snapshot stays."""
    why = states.refusal(entry, "return", actor) if entry.returned_at is not None else None
    if why:
        raise RuleBroken(why)
    entry.return_reason = reason
    states.move(entry, "return", actor)
    entry.returned_at, today = clock.now(), clock.today()
    days = terms_on(today, entry.round.district_id).correction
    windows.open_window(Step.CORRECTION, entry, entry.round, days, today)


def accept(entry: Entry, actor: Actor) -> None:
    """Accept a self-assessment: the two inspectors may score."""
    states.move(entry, "accept", actor)


def lock(sheet: Sheet, actor: Actor) -> bool:
    """Lock an inspector's sheet; with the second one scoring closes. Answers whether it did."""
    if inspecting.lock(sheet):
        states.move(sheet.entry, "lock", actor)
        return True
    return False


def agree(sheet: Sheet, actor: Actor) -> None:
    """Hand the agreed scores to the district."""
    states.move(sheet.entry, "agree", actor)


def sign_decision(entry: Entry, gates: Mapping[str, bool], remark: str, actor: Actor) -> None:
    """Decide as the first person: the engine's result from the stored inputs is to become the school's result."""
    verb = states.deciding_verb(entry)
    _must(entry, verb, actor)
    entry.gates = canonical({**restored(entry.gates), **gates})
    db.session.flush()
    deciding.ready(entry, remark)
    signatures.sign(
        entry, verb, {"remark": remark}, _basis(entry), actor, entry.round.district_id, entry.school.name
    )


def _basis(entry: Entry) -> str:
    return digest(canonical(deciding.inputs_of(entry)))


def _must(row: Round | Entry | RubricVersion, verb: str, actor: Actor) -> None:
    why = states.refusal(row, verb, actor)
    if why:
        raise RuleBroken(why)


def decide(entry: Entry, actor: Actor) -> None:
    """Decide as the second person, over the first one's signature; the signed record is made."""
    signed = signatures.expected(entry, states.DECIDING, actor)
    _must(entry, signed.verb, actor)
    signatures.countersign(entry, signed, _basis(entry), actor)
    deciding.settle(entry, signed.first_id, signed.values["remark"])
    states.move(entry, signed.verb, actor, signed)
    records.keep(entry, records.DECIDED)


def sign_void(entry: Entry, sheet: Sheet, reason: str, actor: Actor) -> None:
    """Sign as the first person that a sheet is void because of a tie found late."""
    if sheet not in teams.may_void(entry):
        raise RuleBroken(_("No sheet of this school can be made void now."))
    given = {"sheet": sheet.public_id, "reason": reason}
    signatures.sign(
        entry, "rerun", given, digest(canonical(given)), actor, entry.round.district_id, entry.school.name
    )


def void(entry: Entry, actor: Actor) -> None:
    """Make a sheet void as the second person; where it was scored already, the school goes back to scoring."""
    signed = signatures.expected(entry, ("rerun",), actor)
    sheet = next((one for one in teams.may_void(entry) if one.public_id == signed.values["sheet"]), None)
    if sheet is None:
        raise RuleBroken(_("No sheet of this school can be made void now."))
    signatures.countersign(entry, signed, digest(canonical(signed.values)), actor)
    scored = sheet.seat != Seat.MEMBER and entry.state in states.SCORED
    teams.void(sheet, signed.values["reason"], actor)
    if scored:
        if signatures.waiting(entry, states.DECIDING):
            signatures.take_back(entry, states.DECIDING, actor)
        states.move(entry, "rerun", actor, signed)


def _results(round_: Round) -> str:
    rows = db.session.execute(
        select(Entry.public_id, Entry.star, Entry.total).where(Entry.round_id == round_.id).order_by(Entry.id)
    )
    return digest(canonical([list(row) for row in rows]))


def sign_publication(round_: Round, actor: Actor) -> None:
    """Sign the publication of all results of a round, as the first person."""
    _must(round_, "publish", actor)
    signatures.sign(round_, "publish", {}, _results(round_), actor, round_.district_id, round_.name)


def sign_rubric(version: RubricVersion, why: str, actor: Actor) -> None:
    """Sign the publication of a rubric, as the first person; ``why`` questionnaires decide more than they should, where they do."""
    _must(version, "publish_rubric", actor)
    beyond = satisfaction.beyond(rubric_of(version))
    if beyond and not why.strip():
        raise RuleBroken(beyond, 422)
    given = {satisfaction.WHY: why.strip()} if beyond else {}
    signatures.sign(
        version, "publish_rubric", given, version.sha256, actor, version.district_id, version.name
    )


def publish_rubric(version: RubricVersion, actor: Actor) -> None:
    """Make a version final, as the second person: from now on nobody can change it."""
    signed = signatures.expected(version, ("publish_rubric",), actor)
    _must(version, "publish_rubric", actor)
    signatures.countersign(version, signed, version.sha256, actor)
    version.published_at, version.published_by_id = clock.now(), signed.first_id
    states.move(version, "publish_rubric", actor, signed)


def publish(round_: Round, actor: Actor) -> None:
    """Publish all results of a round, as the second person: the days of public notice, then valid for the rubric's years."""
    signed = signatures.expected(round_, ("publish",), actor)
    _must(round_, "publish", actor)
    signatures.countersign(round_, signed, _results(round_), actor)
    states.move(round_, "publish", actor, signed)
    today = clock.today()
    own = programmes.of(round_.programme).years or VALIDITY.on(today, district_id=round_.district_id)
    years = rubric_of(round_.rubric_version).settings["validity_years"] or own
    round_.published_on, round_.published_by_id = today, actor.person_id
    windows.open_window(Step.PUBLICITY, round_, round_, terms_on(today, round_.district_id).publicity, today)
    round_.valid_until_on = _years_after(today, years)
    improving.set_down(round_, today)


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def name_of(year: SchoolYear, programme: str = programmes.STARS) -> str:
    """The usual name of a round."""
    if programme != programmes.STARS:
        return _("%(what)s %(year)s", what=str(programmes.of(programme).label), year=year.label)
    return _("Star rating %(year)s", year=year.label)
