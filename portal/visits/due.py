"""Whose visit is due: every pupil of a class with where they stand this school year, most urgent first."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import select

from portal import names
from portal.access import Actor
from portal.extensions import db
from portal.schools.calendar import year_start
from portal.schools.models import Pupil
from portal.visits.models import (
    ATTEMPTS_UNTIL_NOT_REACHED,
    Correction,
    Invitation,
    InvitationState,
    Outcome,
    Visit,
)
from portal.visits.policy import PUPIL_VISIT, invitations_of_class, visits_of_class


class Standing(StrEnum):
    """Where a pupil stands this school year."""

    DUE = "due"
    NOT_REACHED = "not_reached"
    INVITED = "invited"
    BOOKED = "booked"
    CORRECTION = "correction"
    WAITING = "waiting"
    DECLINED = "declined"
    DONE = "done"


GROUPS: dict[str, tuple[Standing, ...]] = {
    "due": (Standing.DUE, Standing.NOT_REACHED),
    "invited": (Standing.INVITED, Standing.BOOKED),
    "waiting": (Standing.CORRECTION, Standing.WAITING),
    "declined": (Standing.DECLINED,),
    "done": (Standing.DONE,),
}
ORDER = (
    Standing.CORRECTION,
    Standing.BOOKED,
    Standing.NOT_REACHED,
    Standing.DUE,
    Standing.INVITED,
    Standing.WAITING,
    Standing.DECLINED,
    Standing.DONE,
)


@dataclass
class Entry:
    """One pupil with the records of this school year."""

    pupil: Pupil
    visits: list[Visit] = field(default_factory=list)
    attempts: int = 0
    invitation: Invitation | None = None
    corrected: bool = False

    @property
    def last(self) -> Visit | None:
        """The newest visit of the year."""
        return self.visits[0] if self.visits else None

    @property
    def standing(self) -> Standing:
        """Where the pupil stands; what someone waits for comes before what is over."""
        state = self.invitation.state if self.invitation else ""
        if self.corrected:
            return Standing.CORRECTION
        if state == InvitationState.ACCEPTED:
            return Standing.BOOKED
        if state == InvitationState.OPEN:
            return Standing.INVITED
        if self.visits:
            unconfirmed = any(visit.confirmed_at is None for visit in self.visits)
            return Standing.WAITING if unconfirmed else Standing.DONE
        if state == InvitationState.DECLINED:
            return Standing.DECLINED
        return Standing.NOT_REACHED if self.attempts >= ATTEMPTS_UNTIL_NOT_REACHED else Standing.DUE


def entries(actor: Actor) -> list[Entry]:
    """The pupils of the teacher's class by urgency: four queries, however many pupils."""
    found = {
        pupil.id: Entry(pupil)
        for pupil in db.session.scalars(PUPIL_VISIT.rows(actor).order_by(Pupil.name_pinyin, Pupil.id))
    }
    year_on = year_start(actor.on)
    this_year = visits_of_class(actor), Visit.year_on == year_on
    for visit in db.session.scalars(select(Visit).where(*this_year).order_by(Visit.held_at.desc())):
        entry = found[visit.pupil_id]
        if visit.outcome == Outcome.MET:
            entry.visits.append(visit)
        else:
            entry.attempts += 1
    invitations = select(Invitation).where(invitations_of_class(actor)).order_by(Invitation.id)
    for invitation in db.session.scalars(invitations):
        held = invitation.state in (InvitationState.OPEN, InvitationState.ACCEPTED)
        if held or year_start(invitation.created_at.date()) == year_on:
            found[invitation.pupil_id].invitation = invitation
    asked = (
        select(Visit.pupil_id)
        .join(Correction)
        .where(visits_of_class(actor), Correction.answered_at.is_(None))
    )
    for pupil_id in db.session.scalars(asked):
        found[pupil_id].corrected = True
    return sorted(found.values(), key=_urgency)


def _urgency(entry: Entry) -> tuple[int, bool, str, int]:
    return ORDER.index(entry.standing), not entry.pupil.priority, entry.pupil.name_pinyin, entry.pupil.id


def grouped(all_entries: list[Entry]) -> dict[str, list[Entry]]:
    """The entries by the tabs of the list."""
    by_standing: dict[Standing, list[Entry]] = defaultdict(list)
    for entry in all_entries:
        by_standing[entry.standing].append(entry)
    return {
        group: sorted((one for standing in standings for one in by_standing[standing]), key=_urgency)
        for group, standings in GROUPS.items()
    }


def matches(pupil: Pupil, query: str) -> bool:
    """Whether a pupil is meant by a name in either script, by full pinyin or by initials (zs finds 张三)."""
    wanted = "".join(query.split()).lower()
    if not wanted:
        return True
    reading, _initials = names.reading(wanted)
    syllables = reading.replace(" ", "")
    return (
        wanted in pupil.name.lower()
        or pupil.name_initials.startswith(wanted)
        or syllables in pupil.name_pinyin.replace(" ", "")
    )
