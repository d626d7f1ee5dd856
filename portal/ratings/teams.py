"""The team of a school: two who score blind, members ready to step in, and who leads it; and what happens when one drops out.

A sheet is never taken away once its round is open. Whoever declares a tie before opening papers steps aside at once; found later,
two people of the district make the sheet void with a reason. Either way the next free member of the team scores in their
place, or the district names somebody; what rested on the void sheet is done again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import interests, thirds
from portal.ratings.canonical import canonical, digest
from portal.ratings.conflicts import stepping_aside
from portal.ratings.interests import Interest
from portal.ratings.models import Consensus, Entry, EntryState, Mark, Round, Seat, Sheet
from portal.schools.models import School
from portal.trail.models import note

SCORERS = 2
RUNNING = (
    EntryState.CHOSEN,
    EntryState.SELF_ASSESSING,
    EntryState.SUBMITTED,
    EntryState.SCORING,
    EntryState.LOCKED,
    EntryState.AGREED,
    EntryState.OPINED,
    EntryState.HEARD,
)


@dataclass(frozen=True)
class Team:
    """Who is to inspect a school: the two who score blind, further members in their order, and which of all leads."""

    scorers: tuple[int, ...]
    members: tuple[int, ...] = ()
    lead: int | None = None

    @property
    def people(self) -> tuple[int, ...]:
        """All of them."""
        return (*self.scorers, *self.members)


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
                Appointment.ended_on.is_(None) | (Appointment.ended_on > today),
            )
            .order_by(Person.name_pinyin, Person.id)
            .distinct()
        )
    )


def assign(entry: Entry, team: Team, by_id: int, drawn: str | None = None, reason: str = "") -> None:
    """Give a school its team, before the round opens. Refuses whoever is tied to the school, and too small a team.

    ``drawn``: the fingerprint of the draw it comes from; None when people are named by hand: that needs a ``reason`` in a round
    whose inspectors are to be drawn, kept with who signed it.
    """
    if entry.state != EntryState.CHOSEN:
        raise RuleBroken(_("The round is open: its inspectors stay."))
    _check_size(entry.round, team)
    able = {person.id: person.name for person in inspectors_of(entry.round.district_id)}
    tied = stepping_aside(entry)
    for person_id in team.people:
        _check_free(entry, person_id, able, tied)
    needed = entry.round.by_draw and drawn is None
    if needed and not reason.strip():
        raise RuleBroken(
            _("The inspectors of this round are drawn. Draw them, or write why you name them."), 422
        )
    entry.chosen_reason = reason.strip() if needed else ""
    entry.chosen_by_id, entry.chosen_at = (by_id, clock.now()) if needed else (None, None)
    for sheet in db.session.scalars(select(Sheet).where(Sheet.entry_id == entry.id)):
        db.session.delete(sheet)
    db.session.flush()
    for person_id in team.people:
        seat = Seat.SCORER if person_id in team.scorers else Seat.MEMBER
        lead = person_id == team.lead
        db.session.add(Sheet(entry_id=entry.id, person_id=person_id, seat=seat, is_lead=lead))
    note(
        "rating.assigned", entry, person_id=by_id, inspectors=sorted(team.people), lead=team.lead, drawn=drawn,
        reason=digest(entry.chosen_reason) if needed else None,
    )  # fmt: skip


def _check_size(round_: Round, team: Team) -> None:
    if len(set(team.scorers)) != SCORERS:
        raise RuleBroken(_("Choose two different inspectors."), 422)
    if len(set(team.people)) != len(team.people):
        raise RuleBroken(_("Nobody is in the team twice."), 422)
    if len(team.people) < round_.team_size:
        raise RuleBroken(
            _(
                "The team has %(num)s people; it needs at least %(size)s.",
                num=len(team.people),
                size=round_.team_size,
            ),
            422,
        )
    if round_.team_size > SCORERS and team.lead not in team.people:
        raise RuleBroken(_("Say who of the team leads it."), 422)


def _check_free(entry: Entry, person_id: int, able: dict[int, str], tied: dict[tuple[int, int], str]) -> None:
    if person_id not in able:
        raise RuleBroken(_("This person is not an inspector of the district."), 422)
    if (person_id, entry.school_id) in tied:
        why = tied[person_id, entry.school_id]
        raise RuleBroken(
            _("%(person)s cannot inspect this school: %(why)s", person=able[person_id], why=why), 422
        )


def standing(entry: Entry) -> list[Sheet]:
    """The sheets of a school that count, oldest first: those of the team as it is now."""
    wanted = select(Sheet).where(Sheet.entry_id == entry.id, Sheet.voided_at.is_(None))
    return list(db.session.scalars(wanted.order_by(Sheet.id)))


def team_of(entry: Entry) -> Team:
    """The team as it is named; ``entry.sheets`` are loaded."""
    sheets = [one for one in entry.sheets if one.voided_at is None]
    return Team(
        tuple(one.person_id for one in sheets if one.seat == Seat.SCORER),
        tuple(one.person_id for one in sheets if one.seat != Seat.SCORER),
        next((one.person_id for one in sheets if one.is_lead), None),
    )


def scoring(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Those of them on which somebody scores."""
    return [one for one in sheets if one.seat != Seat.MEMBER]


def lacks(entry: Entry) -> str | None:
    """What the team of a running school lacks, in words; None when it is complete."""
    sheets = standing(entry)
    if sum(one.seat == Seat.SCORER for one in sheets) < SCORERS:
        return _("A sheet is void and nobody of the team is free. Name somebody who scores in its place.")
    if len(sheets) < entry.round.team_size:
        return _(
            "The team has %(num)s people; it needs at least %(size)s.",
            num=len(sheets),
            size=entry.round.team_size,
        )
    return None


def first_incomplete(round_id: int) -> tuple[str, int] | None:
    """(school, size needed) of the first school of a round whose team is not whole; None when all are. One query."""
    scorers = func.count(Sheet.id).filter(Sheet.seat == Seat.SCORER)
    leads = func.count(Sheet.id).filter(Sheet.is_lead)
    counted = (
        select(School.name, Round.team_size, scorers, func.count(Sheet.id), leads)
        .join(Entry, Entry.school_id == School.id)
        .join(Round, Round.id == Entry.round_id)
        .outerjoin(Sheet, (Sheet.entry_id == Entry.id) & Sheet.voided_at.is_(None))
        .where(Entry.round_id == round_id)
        .group_by(School.name, Entry.id, Round.team_size)
        .order_by(Entry.id)
    )
    for name, size, two, people, lead in db.session.execute(counted).all():
        if two != SCORERS or people < size or (size > SCORERS and lead != 1):
            return name, size
    return None


def replace(entry: Entry, person_id: int, by_id: int, drawn: bool = False, reason: str = "") -> Sheet:
    """Somebody new in the team of a running school, where one dropped out; they score where a scorer is missing.

    ``drawn``: whether it is their turn by the draw; anybody else needs a ``reason`` in a round whose inspectors are to be
    drawn, kept beside the earlier ones with who signed it.
    """
    if entry.state == EntryState.CHOSEN or entry.state not in RUNNING or lacks(entry) is None:
        raise RuleBroken(_("The team of this school is complete."))
    able = {person.id: person.name for person in inspectors_of(entry.round.district_id)}
    _check_free(entry, person_id, able, stepping_aside(entry))
    known = select(Sheet.id).where(Sheet.entry_id == entry.id, Sheet.person_id == person_id)
    if db.session.scalar(known) is not None:
        raise RuleBroken(_("This person is or was in the team of this school."), 422)
    by_hand = entry.round.by_draw and not drawn
    if by_hand:
        if not reason.strip():
            raise RuleBroken(
                _("The inspectors of this round are drawn. Draw them, or write why you name them."), 422
            )
        entry.chosen_reason = "\n".join(filter(None, (entry.chosen_reason, reason.strip())))
        entry.chosen_by_id, entry.chosen_at = by_id, clock.now()
    made = Sheet(entry_id=entry.id, person_id=person_id, seat=Seat.MEMBER)
    db.session.add(made)
    db.session.flush()
    note(
        "rating.joined", entry, person_id=by_id, inspector=person_id, drawn=drawn,
        reason=digest(reason.strip()) if by_hand else None,
    )  # fmt: skip
    step_in(entry)
    return made


def step_in(entry: Entry) -> None:
    """The next member of the team scores blind where one of the two dropped out, in the current transaction."""
    sheets = standing(entry)
    if sum(one.seat == Seat.SCORER for one in sheets) < SCORERS:
        _take_seat(entry, sheets, Seat.SCORER)
    if sheets and not any(one.is_lead for one in sheets):
        next((one for one in sheets if one.seat == Seat.MEMBER), sheets[0]).is_lead = (
            entry.round.team_size > SCORERS
        )
    db.session.flush()


def call_third(entry: Entry, marks: thirds.Marks) -> bool:
    """Let a member of the team score what lies far apart; False where nothing does, or nobody is free to."""
    if thirds.third_of(entry) is not None or not thirds.far_apart(entry, marks):
        return False
    return _take_seat(entry, standing(entry), Seat.THIRD)


def _take_seat(entry: Entry, sheets: Sequence[Sheet], seat: Seat) -> bool:
    free = [one for one in sheets if one.seat == Seat.MEMBER]
    if not free:
        return False
    free[0].seat = seat
    db.session.flush()
    note(
        "rating.seat_taken",
        free[0],
        person_id=None,
        seat=str(seat),
        inspector=free[0].person_id,
        school=entry.school_id,
    )
    return True


def declare(sheet: Sheet, kind: str, reason: str) -> Interest:
    """The inspector declares a tie: before any paper was opened they step aside at once; later the district decides."""
    made = interests.declare(sheet, kind, reason)
    if made.before_papers:
        _make_void(sheet, _("Stepped aside before opening any paper: %(what)s", what=made.kind_name))
        note("rating.recused", sheet, person_id=sheet.person_id)
        step_in(sheet.entry)
    return made


def may_void(entry: Entry) -> list[Sheet]:
    """The sheets of a school that two people of the district may make void now."""
    after_papers = (
        EntryState.SCORING,
        EntryState.LOCKED,
        EntryState.AGREED,
        EntryState.OPINED,
        EntryState.HEARD,
    )
    return standing(entry) if entry.state in after_papers else []


def fingerprint(sheet: Sheet) -> str:
    """What a sheet says: its marks as they stand."""
    rows = db.session.execute(
        select(Mark.item_id, Mark.facts, Mark.reason).where(Mark.sheet_id == sheet.id).order_by(Mark.item_id)
    )
    return digest(canonical([list(row) for row in rows]))


def void(sheet: Sheet, reason: str, actor: Actor) -> None:
    """Make a sheet void because of a tie found late, in the current transaction: it stays, counts no more, and another scores.

    What the inspectors agreed on rests on it as well and has to be agreed on anew.
    """
    was = sheet.seat
    _make_void(sheet, reason)
    note("rating.voided", sheet, person_id=actor.person_id, sha256=sheet.voided_sha256, reason=digest(reason))
    if was == Seat.MEMBER:
        step_in(sheet.entry)
        return
    for row in db.session.scalars(select(Consensus).where(Consensus.entry_id == sheet.entry_id)):
        row.reason, row.proposed_by_id, row.proposed_at = reason, actor.person_id, clock.now()
        row.agreed_by_id = row.agreed_at = None
    step_in(sheet.entry)


def _make_void(sheet: Sheet, reason: str) -> None:
    sheet.voided_at, sheet.void_reason, sheet.voided_sha256 = clock.now(), reason, fingerprint(sheet)
    db.session.flush()


def void_sheets(entry: Entry) -> list[Sheet]:
    """The sheets of a school that are void, oldest first, with their people: they stay and count no more."""
    wanted = select(Sheet).where(Sheet.entry_id == entry.id, Sheet.voided_at.is_not(None))
    return list(db.session.scalars(wanted.options(joinedload(Sheet.person)).order_by(Sheet.id)))


def voided_in(round_: Round) -> list[str]:
    """A line for each void sheet of a round: which school, whose, since when and why."""
    rows = db.session.execute(
        select(School.name, Person.name, Sheet.voided_at, Sheet.void_reason)
        .join(Entry, Entry.id == Sheet.entry_id)
        .join(School, School.id == Entry.school_id)
        .join(Person, Person.id == Sheet.person_id)
        .where(Entry.round_id == round_.id, Sheet.voided_at.is_not(None))
        .order_by(Sheet.id)
    )
    return [
        _(
            "%(school)s: the sheet of %(person)s is void since %(day)s (%(why)s). It counts no more.",
            school=school,
            person=person,
            day=clock.local(voided_at).date().isoformat(),
            why=why,
        )
        for school, person, voided_at, why in rows
        if voided_at is not None
    ]
