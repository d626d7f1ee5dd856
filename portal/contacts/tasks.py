"""What contacts put on the first page: changes of details that wait for the school."""

from flask import url_for
from sqlalchemy.orm import joinedload

from portal.access import Actor, Role
from portal.contacts.models import ChangeRequest, Decision
from portal.contacts.policy import CHANGE_DECIDE
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.tasks import Task


def tasks(actor: Actor) -> list[Task]:
    """One card when somebody waits for a decision; the class teacher and the office see it."""
    if actor.role not in (Role.CLASS_TEACHER, Role.SCHOOL_OFFICE):
        return []
    waiting = db.session.scalars(
        CHANGE_DECIDE.rows(actor)
        .where(ChangeRequest.state == Decision.OPEN)
        .options(joinedload(ChangeRequest.pupil))
        .order_by(ChangeRequest.id)
        .limit(50)
    ).all()
    if not waiting:
        return []
    return [
        Task(
            about=waiting[0].pupil.name,
            title=ngettext(
                "%(num)s detail of a family waits for your decision",
                "%(num)s details of families wait for your decision",
                len(waiting),
            ),
            url=url_for("contacts.requests"),
            button=_("Look at it"),
        )
    ]
