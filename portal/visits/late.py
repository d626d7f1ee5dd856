"""Visits handed in late: the device sends them when their author no longer has the child, though it was so on their day.

The text lies sealed in the author's draft. The principal of the school of that day accepts it, so that it becomes the
author's visit, or refuses it with a reason; the author is told.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.deliveries.kinds import Kind
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.operations import Operation
from portal.row_security import all_rows
from portal.schools.models import Enrolment, Pupil, SchoolClass
from portal.schools.policy import in_force
from portal.trail.models import note
from portal.visits import merging
from portal.visits.drafts import LateVisit, VisitDraft
from portal.visits.forms import VisitForm

DECIDED = Kind(
    "visit.late",
    subject=_l("A record that you handed in late was decided on"),
    text=_l("A record that you handed in late was decided on. Sign in to the portal to read it."),
    path="/",
)


WHOLE = (
    joinedload(LateVisit.draft).options(
        joinedload(VisitDraft.pupil),
        joinedload(VisitDraft.visit),
        selectinload(VisitDraft.parts),
        selectinload(VisitDraft.clashes),
    ),
    joinedload(LateVisit.school_class),
    joinedload(LateVisit.decided_by),
)


@dataclass(frozen=True)
class Office:
    """That a person was class teacher of a child on a day: the class, and the child's first day in it."""

    school_class: SchoolClass
    since: date


def office_on(person_id: int, pupil_id: int, on: date, *, still: bool = False) -> Office | None:
    """The class of the child that the person taught on a day; ``still``: and was not relieved of within that day."""
    that_day = Actor(person_id, Role.CLASS_TEACHER, on)
    held = in_force(Appointment, that_day)
    if not still:
        relieved = (Appointment.ended_on == on) & Appointment.ended_at.is_not(None)
        held = or_(held, and_(Appointment.started_on <= on, relieved))
    row = db.session.execute(
        select(SchoolClass, Enrolment.started_on)
        .join(Enrolment, Enrolment.class_id == SchoolClass.id)
        .join(Appointment, Appointment.class_id == SchoolClass.id)
        .where(
            Appointment.person_id == person_id,
            Appointment.role == Role.CLASS_TEACHER,
            held,
            Enrolment.pupil_id == pupil_id,
            in_force(Enrolment, that_day),
        )
        .limit(1)
    ).first()
    return Office(row[0], row[1]) if row else None


def _telling(person_id: int, pupil: Pupil, office: Office, on: date, now: datetime) -> merging.Telling:
    place = office.school_class
    author = Actor(person_id, Role.CLASS_TEACHER, on, school_id=place.school_id, class_id=place.id)
    return merging.Telling(pupil, place, office.since, author, now)


def _telling_of(late: LateVisit, now: datetime) -> merging.Telling:
    office = Office(late.school_class, late.held_on)
    return _telling(late.draft.author_id, late.draft.pupil, office, late.held_on, now)


def form_of(late: LateVisit) -> VisitForm:
    """What the author told, as the page of a visit would send it; ``late`` comes ``WHOLE``."""
    telling = _telling_of(late, clock.now())
    return merging.form_of(merging.outcome_of(telling, late.draft), telling)


def day_told(sent: Operation) -> date | None:
    """The day of the visit as the device says it."""
    told = sent.fields.get("held_on")
    try:
        return date.fromisoformat(str(told.value)) if told else None
    except ValueError:
        return None


def take_in(person_id: int, pupil: Pupil, office: Office, on: date, sent: Operation) -> merging.Outcome:
    """Keep what a device hands in late, sealed, for the principal of the office's school; in the current transaction.

    ``form`` of the outcome has its messages when something does not hold: then the caller undoes everything. RuleBroken
    (422) when it was decided on before.
    """
    now = clock.now()
    telling = _telling(person_id, pupil, office, on, now)
    outcome = merging.take_in(telling, replace(sent, finish=False))
    if outcome.is_gone or outcome.is_closed:
        return outcome
    form = merging.form_of(outcome, telling)
    if not form.validate():
        outcome.form = form
        return outcome
    late = db.session.scalar(select(LateVisit).where(LateVisit.draft_id == outcome.draft.id))
    if late is not None and late.decided_at is not None:
        raise RuleBroken(_("The principal has decided about this record already."), 422)
    if late is None:
        place = office.school_class
        late = LateVisit(
            draft_id=outcome.draft.id,
            author_id=person_id,
            school_id=place.school_id,
            class_id=place.id,
            came_at=now,
        )
        db.session.add(late)
    late.held_on = on
    db.session.flush()
    note("visit.late_came", late, person_id=person_id, pupil_id=pupil.id)
    return outcome


def accept(late: LateVisit, by: Actor, now: datetime) -> None:
    """It becomes a visit of its author, in the current transaction; ``late`` comes ``WHOLE``.

    RuleBroken when it was decided before, when the visit was deleted meanwhile, or (422) when the text does not hold.
    """
    late.decide(True, by, now)
    draft = late.draft
    with all_rows():
        telling = _telling_of(late, now)
        outcome = merging.outcome_of(telling, draft)
        if outcome.is_gone:
            raise RuleBroken(_("This visit was deleted meanwhile."))
        merging.finish(outcome, telling)
        if outcome.form is not None:
            why = next(message for _id, message in outcome.form.problems())
            raise RuleBroken(_("This text does not fit the visit: %(why)s", why=why), 422)
        db.session.flush()
        _tell_author(late)
    note("visit.late_accepted", late, person_id=by.person_id, role=by.role, pupil_id=draft.pupil_id)


def refuse(late: LateVisit, reason: str, by: Actor, now: datetime) -> None:
    """It becomes no visit, in the current transaction; the author reads the reason. RuleBroken when decided before."""
    late.decide(False, by, now, reason)
    with all_rows():
        _tell_author(late)
    note("visit.late_refused", late, person_id=by.person_id, role=by.role, pupil_id=late.draft.pupil_id)


def _tell_author(late: LateVisit) -> None:
    send(db.session.get_one(Person, late.draft.author_id), DECIDED.name, {}, key=late.public_id)
