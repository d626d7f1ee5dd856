"""Taking in what a device sends about a visit: merged field by field, then written down as the form does it.

A device sends one operation after the other, each with the whole form. Order counts, not time: what the device's clock
says is kept as its claim. Rules of sending again: SECURITY contract 5.5 and ``portal/once.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.datastructures import MultiDict

from portal.access import Actor
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.operations import Operation, plain
from portal.schools.models import Pupil, SchoolClass
from portal.staffing.delegating import colleagues
from portal.visits import counting, loading
from portal.visits.drafts import GUARDED, DraftClash, DraftPart, VisitDraft
from portal.visits.forms import STEPS, VisitForm
from portal.visits.homes import Home, homes_of
from portal.visits.models import EDITABLE_FOR, SealedNote, Visit, VisitCompanion, VisitMet, VisitPart
from portal.visits.recording import Account, already_written, amend, record
from portal.visits.retelling import COMPANY, as_typed, company_typed

OWN = frozenset({"hopes", "note", "school_only", GUARDED})
"""Fields of which each author has an own part; the others are the visit's, whoever tells of them."""
PAGE = ""
"""The device of what was changed here and not on a device."""
Values = dict[str, Any]


@dataclass(frozen=True)
class Telling:
    """Who tells about whom: the pupil within the author's reach, the class, the child's first day in it."""

    pupil: Pupil
    school_class: SchoolClass
    earliest_on: date
    author: Actor
    now: datetime


@dataclass
class Outcome:
    """What became of an operation."""

    draft: VisitDraft
    visit: Visit | None = None
    form: VisitForm | None = None
    """With its messages, when something does not hold: then the caller undoes everything."""
    is_gone: bool = False
    """The visit was deleted meanwhile."""
    is_closed: bool = False
    """The visit is written down already; an unfinished text does not join it."""

    @property
    def clashes(self) -> list[str]:
        """Fields with a text that waits for a choice."""
        return sorted({one.field for one in self.draft.open_clashes if one.field != GUARDED})


def take_in(telling: Telling, sent: Operation) -> Outcome:
    """Merge an operation into the author's draft and, when it finishes, write the visit down, mend it or join it.

    All in the current transaction. A second author with the same client id joins the first one's visit with an own part.
    """
    counting.hold(telling.pupil.id)
    draft = draft_of(telling, sent.client_id)
    outcome = outcome_of(telling, draft)
    told = outcome.visit if outcome.visit and _part_of(outcome.visit, telling.author) else None
    outcome.is_closed = told is not None and not sent.finish
    if outcome.is_gone or outcome.is_closed:
        return outcome
    if told is not None:
        _catch_up(draft, _said(told, telling, draft), telling.now)
    _merge(draft, sent, telling.now)
    draft.changed_at = telling.now
    if sent.finish:
        finish(outcome, telling)
    db.session.flush()
    return outcome


def outcome_of(telling: Telling, draft: VisitDraft) -> Outcome:
    """What stands before anything is done: the draft, and the visit written under its id, or that it was deleted."""
    visit = _visit_of(telling, draft)
    return Outcome(draft, visit, is_gone=draft.finished_at is not None and visit is None)


def draft_of(telling: Telling, client_id: str) -> VisitDraft:
    """The author's draft under a client id, with parts and clashes; a new one when there is none."""
    draft = db.session.scalar(
        select(VisitDraft)
        .where(VisitDraft.author_id == telling.author.person_id, VisitDraft.client_id == client_id)
        .options(selectinload(VisitDraft.parts), selectinload(VisitDraft.clashes))
    )
    if draft is None:
        draft = VisitDraft(
            client_id=client_id,
            author_id=telling.author.person_id,
            pupil_id=telling.pupil.id,
            begun_at=telling.now,
            changed_at=telling.now,
            parts=[],
            clashes=[],
        )
        db.session.add(draft)
        db.session.flush()
    written = already_written(telling.author.person_id, client_id)
    if {draft.pupil_id, written.pupil_id if written else draft.pupil_id} != {telling.pupil.id}:
        raise RuleBroken(
            _("This record belongs to another child. Export its text and write it down anew."), 422
        )
    return draft


def _visit_of(telling: Telling, draft: VisitDraft) -> Visit | None:
    """The visit that was written under the draft's client id, by this author or by the one who came along."""
    own_first = (Visit.author_id != telling.author.person_id, Visit.id)
    return db.session.scalar(
        select(Visit)
        .where(Visit.pupil_id == telling.pupil.id, Visit.client_id == draft.client_id)
        .order_by(*own_first)
        .limit(1)
        .options(
            selectinload(Visit.met).joinedload(VisitMet.guardianship),
            selectinload(Visit.steps),
            selectinload(Visit.parts),
            selectinload(Visit.company).joinedload(VisitCompanion.person),
        )
    )


def _part_of(visit: Visit, author: Actor) -> VisitPart | None:
    return next((one for one in visit.parts if one.author_id == author.person_id), None)


def _homes(telling: Telling, visit: Visit | None) -> list[Home]:
    """The homes to choose from: that of the visit once it is written."""
    homes = homes_of(telling.pupil, telling.author.on)
    return homes if visit is None else [one for one in homes if one.household_id == visit.household_id]


def _said(visit: Visit, telling: Telling, draft: VisitDraft) -> Values:
    """The visit's values as this author would send them; a step without words says nothing.

    Who went along is told by the one who wrote the visit; another author only adds to it, so that each keeps an own list.
    """
    homes = _homes(telling, visit)
    said = as_typed(visit, _part_of(visit, telling.author), homes[0].key if homes else "")
    own = visit.author_id == telling.author.person_id
    said |= company_typed(visit, draft.values) if own else {name: draft.values.get(name) for name in COMPANY}
    return {name: plain(value) for name, value in said.items()}


def _put(
    draft: VisitDraft, name: str, content: Any, now: datetime, sent: Operation | None = None
) -> DraftPart:
    """Set a field, on a new revision when it was touched; returns its part."""
    part = next((one for one in draft.parts if one.field == name), None)
    given = sent.fields[name].base if sent and name in sent.fields else 0
    if part is None:
        part = DraftPart(field=name, revision=0)
        draft.parts.append(part)
    if given is not None:
        part.revision = max(given, part.revision) + 1
    part.content = content
    part.device, part.number = (sent.device, sent.number) if sent else (PAGE, 0)
    part.device_at, part.received_at = sent.at if sent else now, now
    return part


def _catch_up(draft: VisitDraft, said: Values, now: datetime) -> None:
    """Bring the draft to what the visit says now; it may have been written or mended on its page."""
    if draft.visit_id is None:
        _give_way(draft, said, draft.values.keys() - {GUARDED}, now)
    values = draft.values
    for name, content in said.items():
        if values.get(name, "") != content:
            _put(draft, name, content, now)


def _merge(draft: VisitDraft, sent: Operation, now: datetime) -> None:
    for name, one in sent.fields.items():
        content = plain(one.value)
        part = next((found for found in draft.parts if found.field == name), None)
        if part is None:
            _put(draft, name, content, now, sent)
            continue
        is_old = part.device == sent.device and part.number >= sent.number
        if content == part.content or is_old:
            continue
        if one.base is None:
            if not part.content:
                _put(draft, name, content, now, sent)
        elif _stands_beside(draft, name, content, sent, now):
            continue
        elif part.device == sent.device or one.base >= part.revision or not part.content:
            _put(draft, name, content, now, sent)
        elif content:
            _set_aside(draft, name, content, sent, now)


def _stands_beside(draft: VisitDraft, name: str, content: Any, sent: Operation, now: datetime) -> bool:
    """Whether this device's text stands beside another already; it is brought up to date there."""
    for clash in draft.open_clashes:
        if clash.field == name and clash.device == sent.device:
            if clash.number < sent.number and content:
                clash.content, clash.number = content, sent.number
                clash.device_at, clash.received_at = sent.at, now
            return True
    return False


def _set_aside(
    draft: VisitDraft, name: str, content: Any, sent: Operation | DraftPart, now: datetime
) -> None:
    """Keep a text beside the one that stands."""
    at = sent.at if isinstance(sent, Operation) else sent.device_at
    clash = DraftClash(field=name, device=sent.device, number=sent.number, device_at=at, received_at=now)
    clash.content = content
    draft.clashes.append(clash)


def finish(outcome: Outcome, telling: Telling) -> None:
    """Write down what the draft says: a new visit, a change of one's own, or an own part beside another author's."""
    draft, visit, now = outcome.draft, outcome.visit, telling.now
    if visit is not None:
        said = _said(visit, telling, draft)
        if not _may_change(visit, telling):
            _give_way(draft, said, draft.values.keys() - {GUARDED}, now)
        elif _part_of(visit, telling.author) is None:
            _join(draft, said, now)
    form = form_of(outcome, telling)
    if not form.validate():
        outcome.form = form
        return
    _write(outcome, telling, form.account())
    if outcome.visit is not None:
        draft.visit_id, draft.finished_at = outcome.visit.id, now
    _forget_guarded(draft, now)


def form_of(outcome: Outcome, telling: Telling) -> VisitForm:
    """The draft as the page would send it, to be looked at."""
    visit = outcome.visit
    known = {one.person.public_id: one.person.name for one in visit.company if one.person} if visit else {}
    known |= colleagues(telling.author)
    return VisitForm(_homes(telling, visit), telling.earliest_on, known, formdata=as_form(outcome.draft))


def _write(outcome: Outcome, telling: Telling, account: Account) -> None:
    draft, visit = outcome.draft, outcome.visit
    if visit is None:
        outcome.visit = record(
            telling.pupil, telling.school_class, telling.author, draft.client_id, account, telling.now
        )
        return
    part = _part_of(visit, telling.author)
    if visit.author_id != telling.author.person_id:
        _add_company(visit, telling.author, account)
    if part is None or _differs(draft.values, _said(visit, telling, draft)):
        if part is None:
            part = VisitPart(author_id=telling.author.person_id, written_at=telling.now)
            visit.parts.append(part)
        amend(visit, part, telling.author, account, telling.now)
    if account.sealed:
        _add_sealed(visit, telling, account.sealed)


def _add_company(visit: Visit, author: Actor, account: Account) -> None:
    """Another author names people who went along: those not named yet come to the list, and nobody leaves it."""
    there = {visit.author_id, author.person_id, *(one.person_id for one in visit.company)}
    named = select(Person.id).where(
        Person.public_id.in_(account.company or ()), Person.id.not_in(there - {None})
    )
    for person_id in db.session.scalars(named.order_by(Person.id)):
        db.session.add(VisitCompanion(visit_id=visit.id, person_id=person_id, partner=""))
    if account.partner and account.partner not in [one.partner for one in visit.company]:
        db.session.add(VisitCompanion(visit_id=visit.id, partner=account.partner))
    account.company = None


def _forget_guarded(draft: VisitDraft, now: datetime) -> None:
    """The sealed note stands with its visit now, and nowhere else."""
    for part in draft.parts:
        if part.field == GUARDED:
            part.guarded = ""
    for clash in draft.open_clashes:
        if clash.field == GUARDED:
            clash.settle(now)


def _may_change(visit: Visit, telling: Telling) -> bool:
    if visit.author_id != telling.author.person_id:
        return telling.now - visit.written_at <= EDITABLE_FOR
    return visit.may_be_amended(telling.author.person_id, loading.has_open_correction(visit), telling.now)


def _give_way(draft: VisitDraft, said: Values, names: Iterable[str], now: datetime) -> None:
    """Where the visit says something else it stands, and the draft's own text is kept beside it."""
    for name in sorted(names):
        part = next((one for one in draft.parts if one.field == name), None)
        stands = said.get(name, "")
        if part is None or part.content == stands:
            continue
        if part.content and part.revision:
            _set_aside(draft, name, part.content, part, now)
        _put(draft, name, stands, now)


def _join(draft: VisitDraft, said: Values, now: datetime) -> None:
    """A second author: the facts that stand stay, what they lack is added, and agreed steps come after theirs."""
    steps, own = _steps(said), _steps(draft.values)
    steps += [step for step in own if step[0] not in [one[0] for one in steps]]
    for number, step in enumerate(steps, start=1):
        if number > STEPS:
            last = next(one for one in draft.parts if one.field == f"step_{STEPS}_what")
            _set_aside(draft, last.field, " ".join(step), last, now)
            continue
        for name, content in zip(_step_fields(number), step, strict=True):
            _put(draft, name, content, now)
    facts = {name for name, content in said.items() if content and name not in OWN}
    _give_way(draft, said, {name for name in facts if not name.startswith("step_")}, now)


def _step_fields(number: int) -> tuple[str, str, str]:
    return f"step_{number}_what", f"step_{number}_owner", f"step_{number}_due_on"


def _steps(values: Values) -> list[tuple[str, str, str]]:
    found = [[values.get(name, "") for name in _step_fields(number)] for number in range(1, STEPS + 1)]
    return [(what, owner, due_on) for what, owner, due_on in found if what]


def as_form(draft: VisitDraft) -> MultiDict[str, str]:
    """The draft as the form would send it. Several sealed notes become one: none is shown to choose from."""
    sent: MultiDict[str, str] = MultiDict()
    for name, content in draft.values.items():
        if content:
            sent.setlist(name, content if isinstance(content, list) else [content])
    beside = [one.content for one in draft.open_clashes if one.field == GUARDED]
    if beside:
        sent[GUARDED] = "\n\n".join([text for text in [sent.get(GUARDED, ""), *beside] if text])
    return sent


def _differs(values: Values, said: Values) -> bool:
    names = (values.keys() | said.keys()) - {GUARDED} - {f"step_{one}_owner" for one in range(1, STEPS + 1)}
    return any((values.get(name) or "") != (said.get(name) or "") for name in names) or _steps(
        values
    ) != _steps(said)


def _add_sealed(visit: Visit, telling: Telling, text: str) -> None:
    """The author's sealed note of a visit; more of it comes after what stands."""
    author_id = telling.author.person_id
    kept = db.session.scalar(
        select(SealedNote).where(SealedNote.visit_id == visit.id, SealedNote.author_id == author_id)
    )
    if kept is None:
        note = SealedNote(visit_id=visit.id, author_id=author_id, body=text, written_at=telling.now)
        db.session.add(note)
    elif text not in kept.body:
        kept.body = f"{kept.body}\n\n{text}"


def close(author_id: int, client_id: str, visit: Visit, now: datetime) -> None:
    """The page has written down what this author's draft had begun; in the current transaction."""
    draft = db.session.scalar(
        select(VisitDraft)
        .where(VisitDraft.author_id == author_id, VisitDraft.client_id == client_id)
        .options(selectinload(VisitDraft.parts), selectinload(VisitDraft.clashes))
    )
    if draft is not None:
        draft.visit_id, draft.finished_at, draft.changed_at = visit.id, now, now
        _forget_guarded(draft, now)


BOTH, THIS, OTHER = "both", "this", "other"


def choose(draft: VisitDraft, clash: DraftClash, keep: str, telling: Telling) -> Outcome:
    """The author's choice between what stands and the other text: ``this`` (the other text), ``other`` or ``both``.

    What was written down already is mended by it. RuleBroken when it cannot be mended any more, or was chosen before.
    """
    counting.hold(telling.pupil.id)
    if clash.settled_at is not None:
        raise RuleBroken(_("This choice was made already."))
    visit = _visit_of(telling, draft)
    chosen = clash.content
    if keep == BOTH:
        stands = draft.values.get(clash.field, "")
        chosen = f"{stands}\n\n{chosen}" if isinstance(chosen, str) else sorted({*stands, *chosen})
    clash.settle(telling.now)
    outcome = Outcome(draft, visit)
    if keep == OTHER:
        return outcome
    if visit is not None and not _may_change(visit, telling):
        raise RuleBroken(_("This visit can no longer be changed. The family can ask for a correction."))
    if visit is not None:
        _catch_up(draft, _said(visit, telling, draft), telling.now)
    _put(draft, clash.field, chosen, telling.now)
    draft.changed_at = telling.now
    if visit is not None:
        finish(outcome, telling)
    return outcome
