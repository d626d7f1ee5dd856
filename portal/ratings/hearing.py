"""The first opinion and the school's answer to it: nothing is decided before the school was heard."""

from collections.abc import Collection

from portal import clock
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import deciding, inspecting, signatures, states, windows
from portal.ratings.canonical import digest
from portal.ratings.models import Consensus, Entry
from portal.ratings.rubric import Item
from portal.ratings.rubrics import items_of, rubric_of
from portal.ratings.terms import terms_on
from portal.ratings.windows import Step
from portal.trail.models import note


def opine(entry: Entry, text: str, actor: Actor) -> None:
    """Give the school the first opinion: the result as it stands, the reasons, and the last day to answer."""
    why = states.refusal(entry, "opine", actor)
    if why:
        raise RuleBroken(why)
    result = deciding.result_of(entry, deciding.inputs_of(entry))
    if not result.complete:
        raise RuleBroken(_("Facts are missing: %(items)s.", items="、".join(result.missing[:5])))
    today = clock.today()
    entry.opinion_text, entry.opined_at, entry.opined_by_id = text, clock.now(), actor.person_id
    entry.opinion_star, entry.opinion_total = deciding.star_and_total(result)
    windows.open_window(
        Step.DEFENCE, entry, entry.round, terms_on(today, entry.round.district_id).defence, today
    )
    entry.defence_text, entry.defended_at, entry.defended_by_id = "", None, None
    states.move(entry, "opine", actor)


def answer(entry: Entry, text: str, actor: Actor) -> None:
    """The school's answer; without text it has nothing to say against the opinion."""
    why = states.refusal(entry, "answer", actor)
    if why:
        raise RuleBroken(why)
    entry.defence_text, entry.defended_at, entry.defended_by_id = text, clock.now(), actor.person_id
    states.move(entry, "answer", actor)
    note("rating.answered_opinion", entry, person_id=actor.person_id, text=digest(text))


def close(entry: Entry, actor: Actor) -> None:
    """Go on without an answer once the term is over."""
    states.move(entry, "close", actor)


def may_reopen(entry: Entry) -> list[Item]:
    """The items that inspectors scored: those an answer can send back to them."""
    scored = inspecting.facts_by_sheet(entry)
    return [item for name, item in items_of(rubric_of(entry.round.rubric_version)).items() if name in scored]


def reopen(entry: Entry, item_ids: Collection[str], reason: str, actor: Actor) -> None:
    """Send items back to both inspectors, once, because of what the school answered: they agree on each anew."""
    if states.refusal(entry, "reopen", actor) is None:
        marks, agreed = inspecting.facts_by_sheet(entry), inspecting.consensuses_of(entry)
        for item_id in item_ids:
            row = agreed.get(item_id)
            if row is None:
                row = Consensus(entry_id=entry.id, item_id=item_id)
                row.facts = next(iter(marks[item_id].values())).facts or "{}"
                db.session.add(row)
            row.reason, row.proposed_by_id, row.proposed_at = reason, actor.person_id, clock.now()
            row.agreed_by_id = row.agreed_at = None
    states.move(entry, "reopen", actor)
    if signatures.waiting(entry, states.DECIDING):
        signatures.take_back(entry, states.DECIDING, actor)
    entry.reopened_at = clock.now()
    note("rating.items_reopened", entry, person_id=actor.person_id, items=sorted(item_ids))


def is_different(entry: Entry) -> bool:
    """Whether the result as it stands is no longer the one the school was told."""
    now = deciding.star_and_total(deciding.result_of(entry, deciding.inputs_of(entry)))
    return now != (entry.opinion_star, entry.opinion_total)
