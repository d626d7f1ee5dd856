"""What staffing puts on the first page: pupils whom another school proposes, and a delegation that ends."""

from datetime import timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Date, Integer, Select, and_, bindparam, or_, select
from sqlalchemy.orm import aliased, joinedload

from portal import i18n
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.i18n import gettext as _
from portal.prepared import Prepared
from portal.staffing.delegating import LENDABLE
from portal.staffing.models import PupilTransfer, TransferState
from portal.staffing.policy import TRANSFER_DECIDE
from portal.tasks import Task

MOST = 3
"""More pupils than this are one card that leads to the list."""


SOON = timedelta(days=3)
"""So long before and after its end a delegation stands on the first page of both."""


def tasks(actor: Actor) -> list[Task]:
    """A delegation that ends, and transfers that wait for this school."""
    ending = _ending(actor) if actor.role in LENDABLE else []
    if actor.role not in (Role.SCHOOL_OFFICE, Role.PRINCIPAL):
        return ending
    return [*ending, *_arrivals(actor)]


def _delegations() -> Select[*tuple[Any, ...]]:
    """What the person lent or stands in for, over one appointment each, that ends within these days."""
    origin, giver, taker = aliased(Appointment), aliased(Person), aliased(Person)
    person: Any = bindparam("person", type_=Integer())
    first: Any = bindparam("first", type_=Date())
    last: Any = bindparam("last", type_=Date())
    lent = and_(origin.person_id == person, origin.id == bindparam("appointment", type_=Integer()))
    borrowed = and_(
        Appointment.person_id == person, Appointment.id == bindparam("appointment", type_=Integer())
    )
    return (
        select(
            Appointment.ended_on.label("ended_on"),
            Appointment.person_id.label("taker_id"),
            giver.name.label("giver"),
            taker.name.label("taker"),
        )
        .join(origin, origin.id == Appointment.delegated_from_id)
        .join(giver, giver.id == origin.person_id)
        .join(taker, taker.id == Appointment.person_id)
        .where(or_(lent, borrowed), Appointment.ended_on > first, Appointment.ended_on <= last)
        .order_by(Appointment.ended_on, Appointment.id)
    )


DELEGATIONS = Prepared(_delegations)


def _ending(actor: Actor) -> list[Task]:
    """A delegation that ends soon, for both; one that has ended, for who lent it: what was done meanwhile is theirs again."""
    rows = DELEGATIONS.all(
        db.session(),
        person=actor.person_id,
        appointment=actor.appointment_id or 0,
        first=actor.on - SOON,
        last=actor.on + SOON,
    )
    found = []
    for row in rows:
        last_on = row.ended_on - timedelta(days=1)
        if row.taker_id == actor.person_id:
            title = _("You stand in for %(name)s until %(day)s", name=row.giver, day=i18n.day(last_on))
        elif row.ended_on > actor.on:
            title = _("%(name)s stands in for you until %(day)s", name=row.taker, day=i18n.day(last_on))
        else:
            title = _("%(name)s no longer stands in for you", name=row.taker)
        found.append(
            Task(
                about=_("Standing in"),
                title=title,
                body=_("Talk about what is still open, so that nothing is left undone."),
                url=url_for("staffing.mine"),
                button=_("See my offices"),
                due_on=last_on if row.ended_on > actor.on else None,
            )
        )
    return found


def _arrivals(actor: Actor) -> list[Task]:
    found = db.session.scalars(
        TRANSFER_DECIDE.rows(actor)
        .where(PupilTransfer.state == TransferState.PROPOSED)
        .options(joinedload(PupilTransfer.pupil), joinedload(PupilTransfer.from_school))
        .order_by(PupilTransfer.from_on, PupilTransfer.id)
        .limit(MOST + 1)
    ).all()
    if len(found) > MOST:
        return [
            Task(
                about=found[0].from_school.name,
                title=_("Several pupils of other schools are to come to you"),
                url=url_for("staffing.arrivals"),
                button=_("Look and decide"),
                due_on=found[0].from_on,
            )
        ]
    return [
        Task(
            about=one.pupil.name,
            title=_("A pupil of %(school)s is to come to you", school=one.from_school.name),
            url=url_for("staffing.transfer", public_id=one.public_id),
            button=_("Look and decide"),
            due_on=one.from_on,
        )
        for one in found
    ]
