"""What restrictions put on the first page: the principal's second word."""

from flask import url_for
from sqlalchemy import and_, or_
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role
from portal.custody.models import Restriction
from portal.custody.policy import CUSTODY_DECIDE
from portal.extensions import db
from portal.i18n import gettext as _
from portal.tasks import Task

MOST = 5


def tasks(actor: Actor) -> list[Task]:
    """Restrictions, and ends of restrictions, that wait for this principal."""
    if actor.role != Role.PRINCIPAL:
        return []
    begins = and_(Restriction.decided_at.is_(None), Restriction.proposed_by_id != actor.person_id)
    ends = and_(
        Restriction.end_asked_at.is_not(None),
        Restriction.ended_at.is_(None),
        Restriction.end_asked_by_id != actor.person_id,
    )
    waiting = db.session.scalars(
        CUSTODY_DECIDE.rows(actor)
        .where(or_(begins, ends))
        .options(joinedload(Restriction.pupil))
        .order_by(Restriction.id)
        .limit(MOST)
    )
    return [
        Task(
            about=found.pupil.name,
            title=_("Decide on a restriction by court order"),
            body=_("It needs a second person. Look at the paper itself before you decide."),
            url=url_for("custody.show", public_id=found.public_id),
            button=_("Look at it"),
            due_on=clock.local(found.end_asked_at or found.proposed_at).date(),
        )
        for found in waiting
    ]
