"""From locked sheets to a star: the inputs, the engine's result, vetoes by two people, and doing it all again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import inspecting
from portal.ratings.assessing import latest_snapshot
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.models import Entry, EntryState, VetoEvent
from portal.ratings.rubric import Result, as_json, score
from portal.ratings.rubrics import rubric_of
from portal.ratings.surveying import not_asked
from portal.trail.models import note

VETO = "veto:"
"""Begins what an objection names when it is against a veto; its id follows."""


def inputs_of(entry: Entry) -> dict[str, Any]:
    """The engine's inputs from what is stored: the frozen snapshot, the sheets that count, consensus, gates, standing vetoes."""
    snapshot = latest_snapshot(entry)
    if snapshot is None:
        raise RuleBroken(_("The school has not submitted its self-assessment."))
    frozen = restored(snapshot.content)
    rubric = rubric_of(entry.round.rubric_version)
    items: dict[str, Any] = {name: found["facts"] for name, found in frozen["metrics"].items()}
    for name, facts in inspecting.counted(entry).items():
        proof = frozen["answers"].get(name, {}).get("evidence", "")
        own = name not in frozen["answers"] or name in frozen.get("files", {})
        items[name] = {**restored(facts), "evidence": int(bool(proof) or own)}
    items |= not_asked(rubric, items)
    events = {veto.veto_id: 1 for veto in entry.vetoes if veto.stands}
    inputs: dict[str, Any] = {"rubric": rubric.id, "school": frozen["school"], "items": items}
    gates = restored(entry.gates)
    return inputs | ({"events": events} if events else {}) | ({"gates": gates} if gates else {})


def with_changes(inputs: Mapping[str, Any], changes: str) -> dict[str, Any]:
    """Inputs with what the hearer of an objection found instead; the proof was looked at, so it counts as there."""
    items, events = dict(inputs["items"]), dict(inputs.get("events", {}))
    for name, found in restored(changes).items():
        if name.startswith(VETO):
            events.pop(name.removeprefix(VETO), None)
            continue
        proof = {"evidence": 1} if "evidence" in items[name] else {}
        items[name] = {**found["facts"], **proof}
    rest = {name: value for name, value in inputs.items() if name != "events"}
    return {**rest, "items": items} | ({"events": events} if events else {})


def result_of(entry: Entry, inputs: Mapping[str, Any]) -> Result:
    """The engine's result for inputs."""
    return score(rubric_of(entry.round.rubric_version), restored(canonical(inputs)))


def stored_result(entry: Entry) -> Result:
    """The result of a decided entry, from the inputs that were stored with the decision."""
    return result_of(entry, restored(entry.inputs))


def star_and_total(result: Result) -> tuple[int | None, str | None]:
    """Star and total of a result as they are stored."""
    values = as_json(result)
    return values["star"], values["total"]


def ready(entry: Entry, remark: str) -> tuple[dict[str, Any], Result]:
    """Inputs and result of a decision with this remark; RuleBroken while facts or a needed remark are missing."""
    if inspecting.questioned(entry) and not remark.strip():
        raise RuleBroken(_("An inspector questions a computed number. Write what you found."), 422)
    inputs = inputs_of(entry)
    result = result_of(entry, inputs)
    told = (entry.opinion_star, entry.opinion_total)
    if entry.opined_at is not None and told != star_and_total(result) and not remark.strip():
        raise RuleBroken(_("The result is no longer the one the school was told. Write why."), 422)
    if not result.complete:
        raise RuleBroken(_("Facts are missing: %(items)s.", items="、".join(result.missing[:5])))
    return inputs, result


def settle(entry: Entry, person_id: int, remark: str) -> None:
    """Store the decision's inputs and result, in the current transaction (the move itself is made by ``states``)."""
    inputs, result = ready(entry, remark)
    values = as_json(result)
    entry.inputs, entry.result = canonical(inputs), canonical(values)
    entry.star, entry.total = values["star"], values["total"]
    entry.decided_by_id, entry.decided_at, entry.decision_text = person_id, clock.now(), remark
    note(
        "rating.settled", entry, person_id=person_id, inputs=digest(entry.inputs), result=digest(entry.result)
    )


def vetoes_of(entry: Entry) -> list[VetoEvent]:
    """The vetoes recorded about an entry, oldest first."""
    wanted = select(VetoEvent).where(VetoEvent.entry_id == entry.id).order_by(VetoEvent.id)
    return list(db.session.scalars(wanted))


def record_veto(entry: Entry, veto_id: str, reason: str, person_id: int) -> VetoEvent:
    """Record that a veto item struck; it counts when a second person confirms it."""
    _before_decision(entry)
    known = {
        veto["id"] for veto in rubric_of(entry.round.rubric_version).settings["vetoes"] if "when" not in veto
    }
    if veto_id not in known:
        raise RuleBroken(_("The rubric has no such veto item."), 422)
    if any(veto.veto_id == veto_id and veto.dropped_at is None for veto in entry.vetoes):
        raise RuleBroken(_("This veto is recorded already."))
    event = VetoEvent(
        entry_id=entry.id, veto_id=veto_id, reason=reason, recorded_by_id=person_id, recorded_at=clock.now()
    )
    db.session.add(event)
    db.session.flush()
    note("rating.veto_recorded", event, person_id=person_id, veto=veto_id)
    return event


def confirm_veto(entry: Entry, event: VetoEvent, person_id: int) -> None:
    """A second person stands behind a recorded veto."""
    _before_decision(entry)
    _still_open(event)
    if event.recorded_by_id == person_id:
        raise RuleBroken(_("Somebody else of the district office must confirm your record."))
    event.confirmed_by_id, event.confirmed_at = person_id, clock.now()
    note("rating.veto_confirmed", event, person_id=person_id, veto=event.veto_id)


def drop_veto(entry: Entry, event: VetoEvent, person_id: int) -> None:
    """A recorded veto that nobody has confirmed is set aside; the record of it stays."""
    _before_decision(entry)
    _still_open(event)
    event.dropped_by_id, event.dropped_at = person_id, clock.now()
    note("rating.veto_dropped", event, person_id=person_id, veto=event.veto_id)


def _still_open(event: VetoEvent) -> None:
    if not event.is_open:
        raise RuleBroken(_("This veto has been dealt with already."))


def _before_decision(entry: Entry) -> None:
    if entry.state in (EntryState.CHOSEN, EntryState.DECIDED):
        raise RuleBroken(_("A veto can be recorded only while the school is being rated."))
