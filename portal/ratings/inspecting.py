"""Two inspectors per school: what each of them scores alone, where they differ, and what both agree on.

Who they are stands in ``teams.py``, who may not in ``conflicts.py``, the third scorer's rule in ``thirds.py``.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import interests, teams, thirds
from portal.ratings.canonical import canonical, digest
from portal.ratings.conflicts import conflicts
from portal.ratings.models import Answer, Consensus, Entry, EntryState, Mark, Seat, Sheet
from portal.ratings.rubric import Item, Rubric
from portal.ratings.rubrics import bonus_ids, inspectors_answer, items_of, rubric_of, words
from portal.trail.models import note

INSPECTORS = 2


def marks_of(sheet: Sheet) -> dict[str, Mark]:
    """An inspector's marks by item."""
    return {mark.item_id: mark for mark in db.session.scalars(select(Mark).where(Mark.sheet_id == sheet.id))}


def to_score(entry: Entry) -> list[Item]:
    """What each inspector must score: the items that people judge; of the bonus items those the school claims."""
    rubric = rubric_of(entry.round.rubric_version)
    claimed = set(db.session.scalars(select(Answer.item_id).where(Answer.entry_id == entry.id)))
    optional = bonus_ids(rubric)
    return [item for item in inspectors_answer(rubric) if item.id not in optional or item.id in claimed]


def to_score_on(sheet: Sheet) -> list[Item]:
    """What must be scored on a sheet: by the third scorer only what lies far apart."""
    if sheet.seat == Seat.THIRD:
        return thirds.far_apart(sheet.entry, facts_by_sheet(sheet.entry))
    return to_score(sheet.entry)


def may_score_on(sheet: Sheet) -> list[Item]:
    """Beyond that, what may be scored on a sheet: deductions, by the two who score blind."""
    if sheet.seat == Seat.THIRD:
        return []
    return deductions_to_score(rubric_of(sheet.entry.round.rubric_version))


def deductions_to_score(rubric: Rubric) -> list[Item]:
    """Deductions an inspector may make; leaving them out means that nothing was found."""
    own = {item.id for item in rubric.deductions}
    return [item for item in inspectors_answer(rubric) if item.id in own]


def _check_open(sheet: Sheet) -> None:
    if sheet.entry.state != EntryState.SCORING or sheet.locked_at is not None:
        raise RuleBroken(_("This sheet is locked. Nobody can change it now."))
    if interests.must_declare(sheet):
        raise RuleBroken(_("Say first whether anything ties you to this school."))


def mark(sheet: Sheet, item: Item, facts: Mapping[str, Any] | None, reason: str) -> None:
    """Keep an inspector's answer to an item; without facts it questions a computed one. In the current transaction."""
    _check_open(sheet)
    row = db.session.scalar(select(Mark).where(Mark.sheet_id == sheet.id, Mark.item_id == item.id))
    if facts is None and not reason:
        if row is not None:
            db.session.delete(row)
        return
    if row is None:
        row = Mark(sheet_id=sheet.id, item_id=item.id)
        db.session.add(row)
    row.facts = None if facts is None else canonical(facts)
    row.reason, row.marked_at = reason, clock.now()
    note("rating.marked", sheet, person_id=sheet.person_id, item=item.id, facts=digest(row.facts or ""))


def not_scored(sheet: Sheet) -> list[str]:
    """Titles of the items this sheet still lacks."""
    marks = marks_of(sheet)
    return [f"{item.id} {words(item.title)}" for item in to_score_on(sheet) if item.id not in marks]


def lock(sheet: Sheet) -> bool:
    """Lock a complete sheet, in the current transaction; answers whether scoring is over: all are locked, no third is called."""
    _check_open(sheet)
    left = not_scored(sheet)
    if left:
        raise RuleBroken(_("Still open: %(items)s.", items="、".join(left[:5])))
    tied = conflicts([sheet.entry.school_id]).get((sheet.person_id, sheet.entry.school_id))
    if tied:
        raise RuleBroken(_("You cannot inspect this school: %(why)s", why=_("you have a tie to it.")))
    sheet.locked_at = clock.now()
    db.session.flush()
    note("rating.sheet_locked", sheet, person_id=sheet.person_id)
    if still_scoring(sheet.entry):
        return False
    return not teams.call_third(sheet.entry, facts_by_sheet(sheet.entry))


def still_scoring(entry: Entry) -> bool:
    """Whether a sheet that counts is open, or one of the two is missing."""
    sheets = teams.scoring(teams.standing(entry))
    whole = sum(one.seat == Seat.SCORER for one in sheets) == INSPECTORS
    return not whole or any(one.locked_at is None for one in sheets)


def facts_by_sheet(entry: Entry) -> dict[str, dict[int, Mark]]:
    """Item → sheet id → mark, of the two who score blind; marks that only question a computed item are left out."""
    rows = db.session.execute(
        select(Mark, Sheet.id)
        .join(Sheet, Sheet.id == Mark.sheet_id)
        .where(
            Sheet.entry_id == entry.id,
            Sheet.seat == Seat.SCORER,
            Sheet.voided_at.is_(None),
            Mark.facts.is_not(None),
        )
        .order_by(Sheet.id)
    )
    found: dict[str, dict[int, Mark]] = {}
    for row, sheet_id in rows:
        found.setdefault(row.item_id, {})[sheet_id] = row
    return found


def gaps(entry: Entry) -> list[Item]:
    """The items to agree on, in the order of the rubric: where the locked sheets differ and no third scorer settled it, and
    what was sent back."""
    items = items_of(rubric_of(entry.round.rubric_version))
    marks, spoken = facts_by_sheet(entry), consensuses_of(entry)
    settled = thirds.middle(entry, marks)
    return [
        item
        for name, item in items.items()
        if name in marks
        and (
            name in spoken
            or (
                name not in settled
                and len({row.facts for row in marks[name].values()}) + (INSPECTORS - len(marks[name])) > 1
            )
        )
    ]


def counted(entry: Entry) -> dict[str, str]:
    """The facts that count for each scored item: agreed in words, else the middle one of three, else what both say."""
    marks = facts_by_sheet(entry)
    settled = thirds.middle(entry, marks)
    agreed = {name: row.facts for name, row in consensuses_of(entry).items() if row.agreed_at is not None}
    found = {}
    for name, rows in marks.items():
        facts = agreed.get(name) or (settled.get(name) or next(iter(rows.values()))).facts
        assert facts is not None
        found[name] = facts
    return found


def consensuses_of(entry: Entry) -> dict[str, Consensus]:
    """What was proposed or agreed, by item."""
    rows = db.session.scalars(select(Consensus).where(Consensus.entry_id == entry.id))
    return {row.item_id: row for row in rows}


def open_gaps(entry: Entry) -> list[str]:
    """Titles of the differing items without an agreed consensus."""
    settled = {name for name, row in consensuses_of(entry).items() if row.agreed_at is not None}
    return [f"{item.id} {words(item.title)}" for item in gaps(entry) if item.id not in settled]


def questioned(entry: Entry) -> list[tuple[str, str]]:
    """(item id, reason) of computed items that an inspector questions."""
    rows = db.session.execute(
        select(Mark.item_id, Mark.reason)
        .join(Sheet, Sheet.id == Mark.sheet_id)
        .where(Sheet.entry_id == entry.id, Sheet.voided_at.is_(None), Mark.facts.is_(None))
        .order_by(Mark.id)
    )
    return [(item_id, reason) for item_id, reason in rows]


def propose(sheet: Sheet, item: Item, facts: Mapping[str, Any], reason: str) -> None:
    """Propose what both should hold about a differing item; a new proposal replaces an open one."""
    entry = sheet.entry
    if entry.state != EntryState.LOCKED or sheet.person_id not in _inspectors_of(entry):
        raise RuleBroken(_("There is nothing to agree on now."))
    if item.id not in {gap.id for gap in gaps(entry)}:
        raise RuleBroken(_("Both sheets say the same here."))
    if not reason.strip():
        raise RuleBroken(_("Write the reason for the common score."), 422)
    row = consensuses_of(entry).get(item.id)
    if row is not None and row.agreed_at is not None:
        raise RuleBroken(_("This is agreed already."))
    if row is None:
        row = Consensus(entry_id=entry.id, item_id=item.id)
        db.session.add(row)
    row.facts, row.reason = canonical(facts), reason
    row.proposed_by_id, row.proposed_at = sheet.person_id, clock.now()
    note("rating.proposed", entry, person_id=sheet.person_id, item=item.id, facts=digest(row.facts))


def _inspectors_of(entry: Entry) -> set[int]:
    return {one.person_id for one in teams.scoring(teams.standing(entry))}


def agree(sheet: Sheet, item_id: str) -> None:
    """Agree to what the other inspector proposed."""
    row = consensuses_of(sheet.entry).get(item_id)
    if sheet.entry.state != EntryState.LOCKED or row is None or row.agreed_at is not None:
        raise RuleBroken(_("There is nothing to agree on now."))
    if row.proposed_by_id not in _inspectors_of(sheet.entry):
        raise RuleBroken(_("Propose a common score first."))
    if row.proposed_by_id == sheet.person_id:
        raise RuleBroken(_("The other inspector must agree to your proposal."))
    row.agreed_by_id, row.agreed_at = sheet.person_id, clock.now()
    note("rating.agreed", sheet.entry, person_id=sheet.person_id, item=item_id, facts=digest(row.facts))
