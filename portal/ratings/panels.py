"""The panel that proposes a result: who was present, who stepped aside and why, how many were for it. Without it no opinion.

The quorum: more than half of all members, those who step aside counted as members, and at least three. The proposal needs more than
half of those present. Minutes are frozen with the fingerprint of the scores they rest on; where those change, it meets again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import deciding
from portal.ratings.canonical import canonical, digest
from portal.ratings.conflicts import conflicts
from portal.ratings.minutes import Attendance, Meeting, Presence
from portal.ratings.models import Entry, EntryState
from portal.trail.models import note

LEAST = 3


@dataclass(frozen=True)
class Minutes:
    """What was written down: who was how (person → presence), who chaired, how many were for it, and the words."""

    held_on: date
    presence: Mapping[int, str]
    chair: int
    in_favour: int
    text: str
    why_aside: str = ""

    def those(self, presence: str) -> list[int]:
        """Who was present, absent, or stepped aside."""
        return [person for person, how in self.presence.items() if how == presence]


def candidates(district_id: int) -> list[Person]:
    """Who may sit on the panel: the inspectors and the staff of the district today, by name."""
    today = clock.today()
    return list(
        db.session.scalars(
            select(Person)
            .join(Appointment, Appointment.person_id == Person.id)
            .where(
                Appointment.role.in_((Role.INSPECTOR, Role.DISTRICT_STAFF)),
                Appointment.district_id == district_id,
                Appointment.started_on <= today,
                or_(Appointment.ended_on.is_(None), Appointment.ended_on > today),
            )
            .order_by(Person.name_pinyin, Person.id)
            .distinct()
        )
    )


def basis_of(entry: Entry) -> str:
    """The fingerprint of the scores a proposal rests on; what the district answers itself (gates) is left out."""
    inputs = {name: value for name, value in deciding.inputs_of(entry).items() if name != "gates"}
    return digest(canonical(inputs))


def meetings_of(entry_id: int) -> list[Meeting]:
    """The meetings about a school, the newest first, with who was there."""
    wanted = select(Meeting).where(Meeting.entry_id == entry_id).order_by(Meeting.number.desc())
    loading = (joinedload(Meeting.chair), selectinload(Meeting.members).joinedload(Attendance.person))
    return list(db.session.scalars(wanted.options(*loading)))


def hindrance(entry: Entry) -> str | None:
    """Why there is no proposal that holds, in words; None when there is one, or the round has no panel."""
    if not entry.round.has_panel:
        return None
    newest = select(Meeting.basis).where(Meeting.entry_id == entry.id).order_by(Meeting.number.desc())
    basis = db.session.scalar(newest.limit(1))
    if basis is None:
        return _("The panel has not proposed anything yet. Write down its minutes first.")
    return (
        None if basis == basis_of(entry) else _("The scores changed after the panel met. It must meet again.")
    )


def record(entry: Entry, minutes: Minutes, actor: Actor) -> Meeting:
    """Keep the minutes of a meeting with its proposal, in the current transaction. RuleBroken (422) without a quorum, without
    a majority, or where somebody with a tie sat on it."""
    if entry.state != EntryState.AGREED or not entry.round.has_panel:
        raise RuleBroken(_("The panel meets when the inspectors have handed over the agreed scores."))
    _check(entry, minutes)
    result = deciding.result_of(entry, deciding.inputs_of(entry))
    star, total = deciding.star_and_total(result)
    number = db.session.scalar(select(func.count(Meeting.id)).where(Meeting.entry_id == entry.id)) or 0
    made = Meeting(
        entry_id=entry.id,
        number=number + 1,
        held_on=minutes.held_on,
        chair_id=minutes.chair,
        in_favour=minutes.in_favour,
        text=minutes.text,
        why_aside=minutes.why_aside,
        star=star,
        total=total,
        basis=basis_of(entry),
        recorded_by_id=actor.person_id,
        recorded_at=clock.now(),
        members=[Attendance(person_id=person, presence=how) for person, how in minutes.presence.items()],
    )
    db.session.add(made)
    db.session.flush()
    note(
        "rating.panel_met",
        entry,
        person_id=actor.person_id,
        number=made.number,
        present=sorted(minutes.those(Presence.PRESENT)),
        aside=sorted(minutes.those(Presence.RECUSED)),
        basis=made.basis,
        minutes=digest(made.text),
    )
    return made


def _check(entry: Entry, minutes: Minutes) -> None:
    present, aside = minutes.those(Presence.PRESENT), minutes.those(Presence.RECUSED)
    tied = conflicts([entry.school_id])
    for person_id in present:
        if (person_id, entry.school_id) in tied:
            name = db.session.scalar(select(Person.name).where(Person.id == person_id))
            why = tied[person_id, entry.school_id]
            raise RuleBroken(_("%(person)s must step aside: %(why)s", person=name, why=why), 422)
    if len(present) < LEAST or len(present) * 2 <= len(minutes.presence):
        raise RuleBroken(
            _(
                "No quorum: %(present)s of %(all)s were present. It takes more than half, and at least three.",
                present=len(present),
                all=len(minutes.presence),
            ),
            422,
        )
    if minutes.chair not in present:
        raise RuleBroken(_("Whoever chaired the meeting was present."), 422)
    if aside and not minutes.why_aside.strip():
        raise RuleBroken(_("Write why somebody stepped aside."), 422)
    if minutes.in_favour > len(present):
        raise RuleBroken(_("More are for it than were present."), 422)
    if minutes.in_favour * 2 <= len(present):
        raise RuleBroken(_("No more than half were for it: that is no proposal."), 422)
