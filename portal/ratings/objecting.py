"""The verbs of an objection and of an appeal: file it, take it up, find otherwise about an indicator, answer it."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import or_, update

from portal import clock
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import deciding, improving, records, remedies, signatures, states, windows
from portal.ratings.canonical import canonical, digest, restored
from portal.ratings.models import OBJECTION, Entry, Objection, ObjectionState
from portal.ratings.rubric import Item, Result, as_json
from portal.ratings.rubrics import items_of, rubric_of, words
from portal.ratings.terms import terms_on
from portal.ratings.windows import Step
from portal.trail.models import note


def may_name(entry: Entry) -> list[Item]:
    """The indicators a decision rests on: those an objection can be about."""
    known = restored(entry.inputs or "{}").get("items", {})
    return [
        item
        for name, item in items_of(rubric_of(entry.round.rubric_version)).items()
        if name in known and "not_applicable" not in known[name]
    ]


def file(entry: Entry, item_ids: Collection[str], text: str, actor: Actor) -> Objection:
    """The school's objection or appeal, in the current transaction; the days for the answer are set now and stay."""
    states.move(entry, "object", actor)
    cases = remedies.cases_of(entry)
    why = remedies.refusal(entry, cases, actor.on)
    if why:
        raise RuleBroken(why)
    late = remedies.open_case(cases)
    if late is not None:
        states.move(late, "lapse", actor)
    assert entry.decided_by_id is not None
    today, tier = clock.today(), remedies.next_tier(cases)
    terms = terms_on(today, entry.round.district_id)
    case = Objection(
        entry_id=entry.id,
        tier=tier,
        items="\n".join(sorted(item_ids)),
        text=text,
        filed_at=clock.now(),
        filed_by_id=actor.person_id,
        decision_by_id=entry.decided_by_id,
        answer_due_on=today,
    )
    db.session.add(case)
    days = terms.reply if tier == OBJECTION else terms.review
    windows.open_window(Step.REPLY, case, entry.round, days, today)
    note("rating.objected", entry, person_id=actor.person_id, tier=tier, text=digest(text), items=case.named)
    return case


def standing_vetoes(entry: Entry) -> dict[str, str]:
    """``veto:<id>`` → title of the vetoes by people that a decision rests on: an objection can be against them as well."""
    titles = {
        veto["id"]: words(veto["title"]) for veto in rubric_of(entry.round.rubric_version).settings["vetoes"]
    }
    struck = restored(entry.inputs or "{}").get("events", {})
    return {f"{deciding.VETO}{name}": f"{name} {titles.get(name, '')}" for name in struck}


def withdraw(entry: Entry, actor: Actor) -> None:
    """The school takes its objection or appeal back; the result stands and the way ends here."""
    case = remedies.open_case(remedies.cases_of(entry))
    if case is None:
        raise RuleBroken(_("There is nothing to take back."))
    states.move(case, "withdraw", actor)
    if signatures.waiting(case, ANSWERS):
        signatures.take_back(case, ANSWERS, actor)
    note("rating.objection_withdrawn", entry, person_id=actor.person_id, tier=case.tier)


def set_veto_aside(entry: Entry, case: Objection, name: str, reason: str, actor: Actor) -> None:
    """The hearer finds that a veto does not hold; it counts when the case is answered."""
    _take_up(entry, case, actor)
    changes = restored(case.changes)
    changes[name] = {"facts": {}, "reason": reason}
    case.changes = canonical(changes)
    note("rating.found_otherwise", entry, person_id=actor.person_id, tier=case.tier, item=name)


def _take_up(entry: Entry, case: Objection, actor: Actor) -> None:
    """Whoever begins with a case answers it: nobody else after that."""
    why = states.refusal(case, "uphold", actor)
    if why:
        raise RuleBroken(why)
    if signatures.waiting(case, ANSWERS):
        raise RuleBroken(_("This is signed already. A second person signs it now."))
    if case.heard_by_id == actor.person_id:
        return
    taken = db.session.execute(
        update(Objection)
        .where(
            Objection.id == case.id,
            or_(Objection.heard_by_id.is_(None), Objection.heard_by_id == actor.person_id),
        )
        .values(heard_by_id=actor.person_id)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(_("Somebody else was faster. Open the page again."))
    db.session.refresh(case, ["heard_by_id"])
    note("rating.objection_taken", entry, person_id=actor.person_id, tier=case.tier)


def find_otherwise(
    entry: Entry, case: Objection, item: Item, facts: Mapping[str, Any], reason: str, actor: Actor
) -> None:
    """Keep what the hearer finds about an indicator instead; it counts when the case is answered."""
    _take_up(entry, case, actor)
    changes = restored(case.changes)
    changes[item.id] = {"facts": dict(facts), "reason": reason}
    case.changes = canonical(changes)
    note(
        "rating.found_otherwise", entry, person_id=actor.person_id, tier=case.tier, item=item.id,
        facts=digest(canonical(facts)),
    )  # fmt: skip


def leave(entry: Entry, case: Objection, item_id: str, actor: Actor) -> None:
    """Take back what was found otherwise: the indicator stays as decided."""
    _take_up(entry, case, actor)
    changes = restored(case.changes)
    changes.pop(item_id, None)
    case.changes = canonical(changes)
    note("rating.left_as_decided", entry, person_id=actor.person_id, tier=case.tier, item=item_id)


def result_with(entry: Entry, case: Objection) -> Result:
    """What the engine says with the changes of a case that waits for its answer."""
    return deciding.result_of(entry, deciding.with_changes(restored(entry.inputs), case.changes))


ANSWERS = ("uphold", "change")


def sign_answer(entry: Entry, case: Objection, changed: bool, text: str, actor: Actor) -> None:
    """Sign the answer to a case as the first person: the result stands, or is scored again with what was found."""
    _take_up(entry, case, actor)
    if changed:
        _better(entry, case)
    elif restored(case.changes):
        raise RuleBroken(
            _("You found otherwise about an indicator. Take that back, or change the result."), 422
        )
    verb, place = "change" if changed else "uphold", entry.round.district_id
    signatures.sign(case, verb, {"text": text}, _basis(entry, case), actor, place, entry.school.name)


def _basis(entry: Entry, case: Objection) -> str:
    return digest(canonical([entry.inputs, case.changes]))


def answer(entry: Entry, case: Objection, actor: Actor) -> None:
    """Answer a case as the second person, over the first one's signature; the old decision is kept."""
    signed = signatures.expected(case, ANSWERS, actor)
    why = states.refusal(case, signed.verb, actor)
    if why:
        raise RuleBroken(why)
    signatures.countersign(case, signed, _basis(entry, case), actor)
    changed, text = signed.verb == "change", signed.values["text"]
    if changed:
        _change(entry, case, actor)
    today = clock.today()
    case.answer_text, case.answered_at = text, clock.now()
    windows.open_window(
        Step.APPEAL, case, entry.round, terms_on(today, entry.round.district_id).appeal, today
    )
    states.move(case, signed.verb, actor, signed)
    note("rating.objection_answered", entry, person_id=actor.person_id, tier=case.tier, text=digest(text))
    if changed:
        improving.set_down_again(entry)
        records.keep(entry, records.CHANGED)


def _better(entry: Entry, case: Objection) -> tuple[dict[str, Any], Result]:
    """Inputs and result with the changes of a case; RuleBroken (422) when nothing was found or it would be lower."""
    if not restored(case.changes):
        raise RuleBroken(_("Say about which indicator you found otherwise."), 422)
    inputs = deciding.with_changes(restored(entry.inputs), case.changes)
    before, result = deciding.stored_result(entry), deciding.result_of(entry, inputs)
    if not result.complete:
        raise RuleBroken(_("Facts are missing: %(items)s.", items="、".join(result.missing[:5])), 422)
    if (result.standing.star or 0, result.total or 0) < (before.standing.star or 0, before.total or 0):
        raise RuleBroken(_("What a school says for itself cannot lower its result."), 422)
    return inputs, result


def _change(entry: Entry, case: Objection, actor: Actor) -> None:
    inputs, result = _better(entry, case)
    case.before_inputs, case.before_result = entry.inputs, entry.result
    case.before_star, case.before_total = entry.star, entry.total
    values = as_json(result)
    entry.inputs, entry.result = canonical(inputs), canonical(values)
    entry.star, entry.total = values["star"], values["total"]
    note(
        "rating.changed",
        entry,
        person_id=actor.person_id,
        inputs=digest(entry.inputs),
        result=digest(entry.result),
    )


def changed_cases(cases: Collection[Objection]) -> list[Objection]:
    """Those that changed the result, oldest first."""
    return [case for case in cases if case.state == ObjectionState.CHANGED]
