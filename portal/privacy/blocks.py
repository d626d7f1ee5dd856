"""What keeps data from being deleted for now, said in words: an investigation, an open opinion, a rating under way."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, or_, select

from portal.accounts.models import Appointment
from portal.custody.models import Restriction, Standing
from portal.extensions import db
from portal.i18n import gettext as _
from portal.opinions.models import Opinion
from portal.privacy.models import Ground, LegalHold
from portal.ratings.models import Entry, EntryState, Round, RoundState
from portal.schools.models import Guardianship, Pupil

GROUNDS = {
    "hold": Ground.INVESTIGATION,
    "custody": Ground.OTHERS,
    "opinion": Ground.DUTY,
    "rating": Ground.DUTY,
    "appointment": Ground.DUTY,
}
"""Kind of block → the ground of the law on which a request is refused for it."""


@dataclass(frozen=True)
class Block:
    """One reason why not now."""

    kind: str
    words: str
    brief: str = ""
    """The same for a page that logs no reading: without what somebody wrote."""

    @property
    def ground(self) -> Ground:
        """The ground of the law it comes under."""
        return GROUNDS[self.kind]


def held_pupils(day: date) -> Any:
    """Ids of the pupils whose data are held on a day."""
    return select(LegalHold.pupil_id).where(
        LegalHold.started_on <= day, or_(LegalHold.ended_on.is_(None), LegalHold.ended_on > day)
    )


def of(
    pupil_ids: Collection[int], person_id: int | None, school_id: int | None, day: date, *, own: bool = False
) -> list[Block]:
    """Everything that stands against deleting what concerns these pupils and this person; ``own``: what this school keeps,
    so that an opinion to another school does not stand against it."""
    return [
        *_investigations(pupil_ids, school_id, day),
        *restrictions(day, Restriction.pupil_id.in_(pupil_ids), school_id),
        *_opinions(pupil_ids, person_id, school_id if own else None),
        *_ratings(school_id),
        *_appointments(person_id, day),
    ]


def _investigations(pupil_ids: Collection[int], school_id: int | None, day: date) -> list[Block]:
    """The holds; of a child at another school neither name nor reason, which are that school's."""
    rows = db.session.execute(
        select(LegalHold, Pupil.name, Pupil.school_id)
        .join(Pupil, Pupil.id == LegalHold.pupil_id)
        .where(LegalHold.pupil_id.in_(pupil_ids), LegalHold.pupil_id.in_(held_pupils(day)))
        .order_by(LegalHold.id)
    )
    return [
        Block(
            "hold",
            _("%(name)s: kept for an investigation (%(reason)s)", name=name, reason=hold.reason)
            if school == school_id
            else _("Data of a child at another school are kept for an investigation there."),
            _("%(name)s: kept for an investigation", name=name) if school == school_id else "",
        )
        for hold, name, school in rows
    ]


def of_person(person_id: int | None) -> Any:
    """Restrictions of this guardian, whichever child they protect."""
    return Restriction.guardianship_id.in_(select(Guardianship.id).where(Guardianship.person_id == person_id))


def restrictions(day: date, whose: Any, school_id: int | None) -> list[Block]:
    """A restriction that holds, is to come or waits protects the child: its paper is kept until it is over.

    The name of a child at another school stays with that school.
    """
    rows = db.session.execute(
        select(Restriction, Pupil.name, Pupil.school_id)
        .join(Pupil, Pupil.id == Restriction.pupil_id)
        .where(whose)
        .order_by(Restriction.id)
    )
    return [
        Block(
            "custody",
            _("%(name)s: a restriction by a court holds or is being decided.", name=name)
            if school == school_id
            else _("A restriction by a court is kept at another school."),
        )
        for restriction, name, school in rows
        if restriction.standing(day) not in (Standing.OVER, Standing.REFUSED)
    ]


def _opinions(pupil_ids: Collection[int], person_id: int | None, school_id: int | None) -> list[Block]:
    rows = db.session.scalars(
        select(Opinion.number)
        .where(
            Opinion.answered_on.is_(None),
            or_(Opinion.pupil_id.in_(pupil_ids), Opinion.author_id == person_id),
            *([] if school_id is None else [Opinion.school_id == school_id]),
        )
        .order_by(Opinion.id)
    )
    return [Block("opinion", _("Opinion %(number)s is not answered yet.", number=number)) for number in rows]


def _ratings(school_id: int | None) -> list[Block]:
    rows = db.session.scalars(
        select(Round.name)
        .join(Entry, Entry.round_id == Round.id)
        .where(
            Entry.school_id == school_id,
            Round.state == RoundState.OPEN,
            Entry.state.not_in((EntryState.CHOSEN, EntryState.DECIDED)),
        )
        .order_by(Round.id)
    )
    return [
        Block("rating", _("The rating “%(name)s” of the school is under way.", name=name)) for name in rows
    ]


def _appointments(person_id: int | None, day: date) -> list[Block]:
    found = db.session.scalar(
        select(Appointment.id)
        .where(
            Appointment.person_id == person_id,
            and_(
                Appointment.started_on <= day,
                or_(Appointment.ended_on.is_(None), Appointment.ended_on > day),
            ),
        )
        .limit(1)
    )
    return [Block("appointment", _("The person holds an appointment today."))] if found else []
