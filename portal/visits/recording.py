"""Writing a visit down and mending it: facts, the author's part, sealed note and agreed steps in one transaction."""

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select

from portal.access import Actor
from portal.accounts.models import Person
from portal.extensions import db
from portal.row_security import all_rows
from portal.schools.calendar import year_start
from portal.schools.models import Guardianship, Pupil, SchoolClass
from portal.trail.models import note
from portal.visits import counting, covering, sketching
from portal.visits.inviting import held
from portal.visits.models import (
    FollowUp,
    Form,
    InvitationState,
    Outcome,
    SealedNote,
    Visit,
    VisitChange,
    VisitCompanion,
    VisitMet,
    VisitPart,
)


@dataclass(frozen=True)
class Step:
    """An agreed step as typed."""

    what: str
    owner: str
    due_on: date


@dataclass
class Account:
    """A visit as its author tells it; ``form`` None is an attempt without an answer."""

    household_id: int
    form: Form | None
    held_on: date
    held_at: datetime
    minutes: int | None = None
    child_met: bool = False
    guardians: list[Guardianship] = field(default_factory=list)
    others_met: str = ""
    hopes: str = ""
    note: str = ""
    school_only: bool = False
    sealed: str = ""
    gift_refused: bool = False
    steps: list[Step] = field(default_factory=list)
    company: list[str] | None = None
    """Public ids of the people of the school who went along; None leaves them as they are."""
    partner: str = ""


def already_written(author_id: int, client_id: str) -> Visit | None:
    """The visit that this author's device has sent before under the same id."""
    with all_rows():
        return db.session.scalar(
            select(Visit).where(Visit.author_id == author_id, Visit.client_id == client_id)
        )


def record(
    pupil: Pupil,
    school_class: SchoolClass,
    author: Actor,
    client_id: str,
    account: Account,
    now: datetime,
) -> Visit:
    """A new visit with all its parts and numbers, in the current transaction. An accepted invitation is done by it."""
    counting.hold(pupil.id)
    before = counting.tally(pupil.id)
    visit = Visit(
        client_id=client_id,
        pupil_id=pupil.id,
        class_id=school_class.id,
        school_id=school_class.school_id,
        author_id=author.person_id,
        was_priority=bool(pupil.priority),
        written_at=now,
        household_id=account.household_id,
        outcome=Outcome.MET,
    )
    _set_facts(visit, account)
    visit.met = [VisitMet(guardianship_id=tie.id) for tie in account.guardians]
    visit.company = _company(account, author)
    visit.parts = [
        VisitPart(
            author_id=author.person_id,
            hopes=account.hopes,
            note=account.note,
            school_only=account.school_only,
            written_at=now,
        )
    ]
    sketching.keep(visit.parts[0], visit.pupil_id, visit.school_id)
    db.session.add(visit)
    db.session.flush()
    if account.sealed:
        seal_note(visit, author, account.sealed, now)
    _add_steps(visit, account.steps)
    invitation = held(visit.school_id, visit.household_id)
    if visit.counts and invitation is not None and invitation.pupil_id == pupil.id:
        invitation.state = InvitationState.DONE
        visit.invitation_id = invitation.id
    counting.keep(before, counting.tally(pupil.id))
    covering.keep([visit.class_id])
    note("visit.written", visit, person_id=author.person_id, role=author.role)
    return visit


def amend(visit: Visit, part: VisitPart, author: Actor, account: Account, now: datetime) -> None:
    """Mend a visit. Steps not ticked off are replaced; the family is asked to confirm again. Household stays.

    ``visit`` comes with its people met, those who went along, and steps. An empty sealed text leaves a sealed note as it is.
    """
    counting.hold(visit.pupil_id)
    before = counting.tally(visit.pupil_id)
    _set_facts(visit, account)
    wanted = {tie.id for tie in account.guardians}
    present = {one.guardianship_id for one in visit.met}
    visit.met = [one for one in visit.met if one.guardianship_id in wanted] + [
        VisitMet(guardianship_id=guardianship_id) for guardianship_id in sorted(wanted - present)
    ]
    if account.company is not None:
        _replace_company(visit, _company(account, author))
    part.hopes, part.note, part.school_only = account.hopes, account.note, account.school_only
    sketching.keep(part, visit.pupil_id, visit.school_id)
    _replace_steps(visit, account.steps)
    visit.confirmed_at = visit.confirmed_by_id = None
    db.session.add(VisitChange(visit_id=visit.id, person_id=author.person_id, changed_at=now))
    counting.keep(before, counting.tally(visit.pupil_id))
    covering.keep([visit.class_id])
    note("visit.amended", visit, person_id=author.person_id, role=author.role)


def seal_note(visit: Visit, author: Actor, body: str, now: datetime) -> SealedNote:
    """A sealed note of somebody who was there, in the current transaction; also later, and never changed."""
    made = SealedNote(visit_id=visit.id, author_id=author.person_id, body=body, written_at=now)
    db.session.add(made)
    db.session.flush()
    note("sealed_note.written", made, person_id=author.person_id, role=author.role, pupil_id=visit.pupil_id)
    return made


@dataclass(frozen=True)
class Told:
    """The part of somebody who went along, as typed."""

    hopes: str
    note: str
    school_only: bool

    @property
    def to_family(self) -> tuple[str, str]:
        """What the family reads of it."""
        return self.hopes, "" if self.school_only else self.note


def write_part(visit: Visit, author: Actor, told: Told, now: datetime) -> VisitPart:
    """Write or change one's own part of a joint visit, in the current transaction. ``visit`` comes with its parts.

    When the family would read something else than it confirmed, it is asked to confirm again.
    """
    counting.hold(visit.pupil_id)
    db.session.refresh(visit, ["confirmed_at", "confirmed_by_id"])
    part = next((one for one in visit.parts if one.author_id == author.person_id), None)
    before = Told(part.hopes, part.note, part.school_only) if part else Told("", "", False)
    if part is None:
        part = VisitPart(author_id=author.person_id, written_at=now)
        visit.parts.append(part)
    else:
        db.session.add(VisitChange(visit_id=visit.id, person_id=author.person_id, changed_at=now))
    part.hopes, part.note, part.school_only = told.hopes, told.note, told.school_only
    sketching.keep(part, visit.pupil_id, visit.school_id)
    if visit.confirmed_at is not None and before.to_family != told.to_family:
        numbers = counting.tally(visit.pupil_id)
        visit.confirmed_at = visit.confirmed_by_id = None
        counting.keep(numbers, counting.tally(visit.pupil_id))
    covering.keep([visit.class_id])
    note("visit.part_written", visit, person_id=author.person_id, role=author.role)
    return part


def _company(account: Account, author: Actor) -> list[VisitCompanion]:
    """Those who went along besides the author."""
    wanted = select(Person.id).where(
        Person.public_id.in_(account.company or ()), Person.id != author.person_id
    )
    found = [
        VisitCompanion(person_id=key, partner="") for key in db.session.scalars(wanted.order_by(Person.id))
    ]
    return [*found, VisitCompanion(partner=account.partner)] if account.partner else found


def _replace_company(visit: Visit, wanted: list[VisitCompanion]) -> None:
    rows = db.session.scalars(select(VisitCompanion).where(VisitCompanion.visit_id == visit.id))
    there = {(one.person_id, one.partner): one for one in rows}
    for one in wanted:
        if there.pop((one.person_id, one.partner), None) is None:
            one.visit_id = visit.id
            db.session.add(one)
    for gone in there.values():
        db.session.delete(gone)


def _set_facts(visit: Visit, account: Account) -> None:
    visit.outcome = Outcome.NO_ANSWER if account.form is None else Outcome.MET
    visit.form = account.form
    visit.held_on, visit.held_at = account.held_on, account.held_at
    visit.minutes = account.minutes
    visit.year_on = year_start(account.held_on)
    visit.child_met = account.child_met
    visit.others_met = account.others_met
    visit.gift_refused = account.gift_refused


def _add_steps(visit: Visit, steps: list[Step]) -> None:
    for step in steps:
        db.session.add(
            FollowUp(
                visit_id=visit.id,
                pupil_id=visit.pupil_id,
                household_id=visit.household_id,
                school_id=visit.school_id,
                what=step.what,
                owner=step.owner,
                due_on=step.due_on,
            )
        )


def _replace_steps(visit: Visit, steps: list[Step]) -> None:
    open_steps = [step for step in visit.steps if step.done_on is None]
    for kept, step in zip(open_steps, steps, strict=False):
        kept.what, kept.owner, kept.due_on = step.what, step.owner, step.due_on
    for dropped in open_steps[len(steps) :]:
        db.session.delete(dropped)
    _add_steps(visit, steps[len(open_steps) :])
