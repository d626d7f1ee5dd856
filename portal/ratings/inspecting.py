"""Two inspectors per school: who may, what each of them scores alone, where they differ, and what both agree on."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings.canonical import canonical, digest
from portal.ratings.models import Answer, Consensus, Entry, EntryState, Mark, Round, RoundState, Sheet
from portal.ratings.rubric import Item, Rubric
from portal.ratings.rubrics import bonus_ids, inspectors_answer, items_of, rubric_of, words
from portal.ratings.terms import ROTATION, YEARS_APART
from portal.schools.models import Guardianship, Pupil, School, SchoolClass
from portal.trail.models import note

INSPECTORS = 2


def conflicts(school_ids: Collection[int]) -> dict[tuple[int, int], str]:
    """(person, school) → why that person cannot inspect that school, in words. Three queries, however many."""
    today = clock.today()
    years = YEARS_APART.on(today, school_id=min(school_ids)) if school_ids else 1
    since = today - timedelta(days=365 * years)
    recent = or_(Appointment.ended_on.is_(None), Appointment.ended_on > since)
    found: dict[tuple[int, int], str] = {}
    in_school = (
        select(Appointment.person_id, School.id)
        .join(School, School.id == Appointment.school_id)
        .where(School.id.in_(school_ids), recent)
    )
    in_class = (
        select(Appointment.person_id, SchoolClass.school_id)
        .join(SchoolClass, SchoolClass.id == Appointment.class_id)
        .where(SchoolClass.school_id.in_(school_ids), recent)
    )
    for query in (in_school, in_class):
        for person_id, school_id in db.session.execute(query):
            found[person_id, school_id] = _("works there or did so within %(years)s years.", years=years)
    families = (
        select(Guardianship.person_id, Pupil.school_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(
            Pupil.school_id.in_(school_ids),
            or_(Pupil.left_on.is_(None), Pupil.left_on > clock.today()),
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > clock.today()),
        )
    )
    for person_id, school_id in db.session.execute(families):
        found[person_id, school_id] = _("has a child there.")
    return found


def stepping_aside(entry: Entry) -> dict[tuple[int, int], str]:
    """Who cannot be named for a school, and why: ties, and where the district rotates, the inspectors of the last round."""
    found = conflicts([entry.school_id])
    if ROTATION.on(clock.today(), district_id=entry.round.district_id):
        last = (
            select(func.max(Entry.id))
            .join(Round, Round.id == Entry.round_id)
            .where(
                Entry.school_id == entry.school_id, Entry.id != entry.id, Round.state == RoundState.PUBLISHED
            )
            .scalar_subquery()
        )
        for person_id in db.session.scalars(select(Sheet.person_id).where(Sheet.entry_id == last)):
            found.setdefault((person_id, entry.school_id), _("inspected this school in the last round."))
    return found


def inspectors_of(district_id: int) -> list[Person]:
    """People who are inspectors of the district today, by name."""
    today = clock.today()
    return list(
        db.session.scalars(
            select(Person)
            .join(Appointment, Appointment.person_id == Person.id)
            .where(
                Appointment.role == Role.INSPECTOR,
                Appointment.district_id == district_id,
                Appointment.started_on <= today,
                or_(Appointment.ended_on.is_(None), Appointment.ended_on > today),
            )
            .order_by(Person.name_pinyin, Person.id)
            .distinct()
        )
    )


def first_conflict(which: ColumnElement[bool]) -> dict[str, str] | None:
    """The first inspector among these entries who must step aside: person, school, why. None when there is none."""
    rows = db.session.execute(
        select(Person.id, Person.name, School.id, School.name)
        .join(Sheet, Sheet.person_id == Person.id)
        .join(Entry, Entry.id == Sheet.entry_id)
        .join(School, School.id == Entry.school_id)
        .where(which)
        .order_by(Entry.id, Sheet.id)
    ).all()
    tied = conflicts({school_id for _person, _name, school_id, _school in rows}) if rows else {}
    for person_id, person, school_id, school in rows:
        if (person_id, school_id) in tied:
            return {"person": person, "school": school, "why": tied[person_id, school_id]}
    return None


def assign(entry: Entry, person_ids: list[int], by_id: int) -> None:
    """Give a school its two inspectors, before the round opens. Refuses whoever is tied to the school."""
    if entry.state != EntryState.CHOSEN:
        raise RuleBroken(_("The round is open: its inspectors stay."))
    if len(set(person_ids)) != INSPECTORS:
        raise RuleBroken(_("Choose two different inspectors."), 422)
    tied = stepping_aside(entry)
    able = {person.id: person.name for person in inspectors_of(entry.round.district_id)}
    for person_id in person_ids:
        if person_id not in able:
            raise RuleBroken(_("This person is not an inspector of the district."), 422)
        if (person_id, entry.school_id) in tied:
            raise RuleBroken(
                _(
                    "%(person)s cannot inspect this school: %(why)s",
                    person=able[person_id],
                    why=tied[person_id, entry.school_id],
                ),
                422,
            )
    for sheet in db.session.scalars(select(Sheet).where(Sheet.entry_id == entry.id)):
        db.session.delete(sheet)
    db.session.flush()
    db.session.add_all(Sheet(entry_id=entry.id, person_id=person_id) for person_id in person_ids)
    note("rating.assigned", entry, person_id=by_id, inspectors=sorted(person_ids))


def marks_of(sheet: Sheet) -> dict[str, Mark]:
    """An inspector's marks by item."""
    return {mark.item_id: mark for mark in db.session.scalars(select(Mark).where(Mark.sheet_id == sheet.id))}


def to_score(entry: Entry) -> list[Item]:
    """What each inspector must score: the items that people judge; of the bonus items those the school claims."""
    rubric = rubric_of(entry.round.rubric_version)
    claimed = set(db.session.scalars(select(Answer.item_id).where(Answer.entry_id == entry.id)))
    optional = bonus_ids(rubric)
    return [item for item in inspectors_answer(rubric) if item.id not in optional or item.id in claimed]


def deductions_to_score(rubric: Rubric) -> list[Item]:
    """Deductions an inspector may make; leaving them out means that nothing was found."""
    own = {item.id for item in rubric.deductions}
    return [item for item in inspectors_answer(rubric) if item.id in own]


def _check_open(sheet: Sheet) -> None:
    if sheet.entry.state != EntryState.SCORING or sheet.locked_at is not None:
        raise RuleBroken(_("This sheet is locked. Nobody can change it now."))


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
    return [f"{item.id} {words(item.title)}" for item in to_score(sheet.entry) if item.id not in marks]


def lock(sheet: Sheet) -> bool:
    """Lock a complete sheet, in the current transaction; answers whether the other sheet is locked too."""
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
    waiting = select(func.count(Sheet.id)).where(Sheet.entry_id == sheet.entry_id, Sheet.locked_at.is_(None))
    return db.session.scalar(waiting) == 0


def facts_by_sheet(entry: Entry) -> dict[str, dict[int, Mark]]:
    """Item → sheet id → mark, of both sheets; marks that only question a computed item are left out."""
    rows = db.session.execute(
        select(Mark, Sheet.id)
        .join(Sheet, Sheet.id == Mark.sheet_id)
        .where(Sheet.entry_id == entry.id, Mark.facts.is_not(None))
        .order_by(Sheet.id)
    )
    found: dict[str, dict[int, Mark]] = {}
    for row, sheet_id in rows:
        found.setdefault(row.item_id, {})[sheet_id] = row
    return found


def gaps(entry: Entry) -> list[Item]:
    """The items both must agree on, in the order of the rubric: where the locked sheets differ, and what was sent back."""
    items = items_of(rubric_of(entry.round.rubric_version))
    marks, spoken = facts_by_sheet(entry), consensuses_of(entry)
    return [
        item
        for name, item in items.items()
        if name in marks
        and (
            name in spoken
            or len({row.facts for row in marks[name].values()}) + (INSPECTORS - len(marks[name])) > 1
        )
    ]


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
        .where(Sheet.entry_id == entry.id, Mark.facts.is_(None))
        .order_by(Mark.id)
    )
    return [(item_id, reason) for item_id, reason in rows]


def propose(sheet: Sheet, item: Item, facts: Mapping[str, Any], reason: str) -> None:
    """Propose what both should hold about a differing item; a new proposal replaces an open one."""
    entry = sheet.entry
    if entry.state != EntryState.LOCKED:
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
    return set(db.session.scalars(select(Sheet.person_id).where(Sheet.entry_id == entry.id)))


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
