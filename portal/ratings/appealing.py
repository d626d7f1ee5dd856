"""The verbs of an appeal against a settled measure: file it, take it back, answer it by two people who took no part before.

The terms are those of appeals against a result: working days of the province's table to appeal, and its days for the answer. Where
the answer does not come in its time, the school may appeal a second time without waiting. A measure that is annulled gives back
what it took: the record behind it, with its star and validity, is made again; the records in between stay readable.
"""

from typing import cast

from sqlalchemy import or_, select, update

from portal import clock, i18n
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import naming, signatures, standing
from portal.ratings.canonical import canonical, digest
from portal.ratings.models import Entry, ObjectionState
from portal.ratings.standing import Appeal, Measure, MeasureKind, MeasureState, Naming, NamingKind
from portal.ratings.terms import terms_on
from portal.trail.models import note

ANSWERS = ("uphold_appeal", "grant_appeal")


def newest_settled(entry: Entry) -> Measure | None:
    """The measure an appeal can be against: the last one that was settled, unless another is proposed since."""
    measures = standing.measures_of(entry)
    return measures[0] if measures and measures[0].state == MeasureState.SETTLED else None


def refusal(entry: Entry, actor: Actor) -> str | None:
    """Why the school cannot appeal now, in words; None when it can."""
    measure = newest_settled(entry)
    if measure is None:
        return _("There is no measure to appeal against.")
    return standing.refusal(measure, "appeal", actor)


def file(entry: Entry, text: str, actor: Actor) -> Appeal:
    """The school's appeal against the last measure, in the current transaction; the day for the answer is set now and stays."""
    measure = newest_settled(entry)
    if measure is None:
        raise RuleBroken(_("There is no measure to appeal against."))
    standing.move(measure, "appeal", actor)
    before = standing.appeals_of(entry).get(measure.id, [])
    late = standing.open_appeal(before)
    if late is not None:
        standing.move(late, "lapse_appeal", actor)
    district_id = entry.round.district_id
    made = Appeal(
        entry_id=entry.id,
        measure_id=measure.id,
        tier=len(before) + 1,
        text=text,
        filed_at=clock.now(),
        filed_by_id=actor.person_id,
        answer_due_on=terms_on(actor.on, district_id).review.after(actor.on, district_id),
    )
    db.session.add(made)
    db.session.flush()
    note("rating.appeal_filed", entry, person_id=actor.person_id, tier=made.tier, text=digest(text))
    return made


def open_case(entry: Entry) -> Appeal | None:
    """The appeal of a school that waits for its answer, with its measure."""
    found = [one for some in standing.appeals_of(entry).values() for one in some]
    return standing.open_appeal(found)


def withdraw(entry: Entry, actor: Actor) -> None:
    """The school takes its appeal back; the measure stands and the way ends here."""
    case = open_case(entry)
    if case is None:
        raise RuleBroken(_("There is nothing to take back."))
    standing.move(case, "withdraw_appeal", actor)
    if signatures.waiting(case, ANSWERS):
        signatures.take_back(case, ANSWERS, actor)


def _basis(case: Appeal) -> str:
    return digest(canonical([case.public_id, case.text]))


def sign_answer(entry: Entry, case: Appeal, annulled: bool, text: str, actor: Actor) -> None:
    """Sign the answer to an appeal as the first person; whoever begins with it answers it."""
    verb = "grant_appeal" if annulled else "uphold_appeal"
    why = standing.refusal(case, verb, actor)
    if why:
        raise RuleBroken(why)
    signatures.sign(
        case, verb, {"text": text}, _basis(case), actor, entry.round.district_id, entry.school.name
    )
    free = or_(Appeal.heard_by_id.is_(None), Appeal.heard_by_id == actor.person_id)
    taken = db.session.execute(
        update(Appeal).where(Appeal.id == case.id, free).values(heard_by_id=actor.person_id)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(_("Somebody else was faster. Open the page again."))
    db.session.refresh(case, ["heard_by_id"])


def answer(entry: Entry, case: Appeal, actor: Actor) -> None:
    """Answer an appeal as the second person, over the first one's signature; a measure that is annulled gives back what it took.
    ``entry`` has its round and its school with district."""
    signed = signatures.expected(case, ANSWERS, actor)
    why = standing.refusal(case, signed.verb, actor)
    if why:
        raise RuleBroken(why)
    signatures.countersign(case, signed, _basis(case), actor)
    text, district_id = cast(str, signed.values["text"]), entry.round.district_id
    case.answer_text, case.answered_at = text, clock.now()
    case.appeal_due_on = terms_on(actor.on, district_id).appeal.after(actor.on, district_id)
    standing.move(case, signed.verb, actor, signed)
    note("rating.appeal_answered", entry, person_id=actor.person_id, tier=case.tier, text=digest(text))
    if case.state == ObjectionState.CHANGED:
        measure = db.session.get_one(Measure, case.measure_id)
        standing.move(measure, "annul", actor, signed)
        _give_back(entry, measure, signed.first_id, actor)


def _give_back(entry: Entry, measure: Measure, first_id: int, actor: Actor) -> None:
    made = record_of(measure)
    if made is None or made.replaces_id is None or standing.replaced_by(made) is not None:
        return
    before = db.session.get_one(Naming, made.replaces_id)
    with i18n.speaking(i18n.DEFAULT.tag):
        because = _("The appeal of the school was right; %(number)s is annulled.", number=made.number)
    naming.record(
        entry,
        NamingKind(before.kind),
        before.star,
        before.valid_until_on,
        first_id,
        because=because,
        second_by_id=actor.person_id,
        replaces=made,
    )


def record_of(measure: Measure) -> Naming | None:
    """The record that a settled measure made; None for a re-rating, which makes none."""
    if measure.kind == MeasureKind.RE_RATING or measure.settled_at is None:
        return None
    kind = NamingKind.LOWERED if measure.kind == MeasureKind.DOWNGRADE else NamingKind.REMOVED
    return db.session.scalar(
        select(Naming)
        .where(
            Naming.entry_id == measure.entry_id,
            Naming.kind == kind,
            Naming.by_id == measure.proposed_by_id,
            Naming.second_by_id == measure.settled_by_id,
            Naming.named_on == clock.local(measure.settled_at).date(),
        )
        .order_by(Naming.id.desc())
        .limit(1)
    )
