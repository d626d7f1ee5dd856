"""What staffing puts on the first page: pupils whom another school proposes, and what a family should know."""

from flask import url_for
from sqlalchemy.orm import joinedload

from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import gettext as _
from portal.staffing.models import PupilTransfer, TransferState
from portal.staffing.policy import TRANSFER_DECIDE
from portal.tasks import Task

MOST = 3
"""More pupils than this are one card that leads to the list."""


def tasks(actor: Actor) -> list[Task]:
    """Transfers that wait for this school."""
    if actor.role not in (Role.SCHOOL_OFFICE, Role.PRINCIPAL):
        return []
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
