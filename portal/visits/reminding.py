"""Reminders of meetings: the day before, once to each side."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.deliveries.jobs import deliver_waiting
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.jobs.queue import every, task
from portal.visits.answering import REMINDER, remind
from portal.visits.models import Invitation, InvitationState

FROM_HOUR = 9
"""Nobody is reminded before nine in the morning in China."""


@task
@every(1_800)
def remind_of_tomorrow() -> None:
    """Write the reminders of tomorrow's meetings into the outbox; a second run finds them written and does nothing more."""
    now = clock.now()
    if clock.local(now).hour < FROM_HOUR:
        return
    first = clock.instant_of(clock.today() + timedelta(days=1))
    written = select(Delivery.id).where(
        Delivery.kind == REMINDER.name,
        Delivery.key.startswith(Invitation.public_id),
        Delivery.person_id == Invitation.author_id,
    )
    due = db.session.scalars(
        select(Invitation)
        .where(
            Invitation.state == InvitationState.ACCEPTED,
            Invitation.chosen_at >= first,
            Invitation.chosen_at < first + timedelta(days=1),
            ~written.exists(),
        )
        .order_by(Invitation.id)
    ).all()
    for invitation in due:
        remind(invitation)
    db.session.commit()
    if due:
        deliver_waiting()
