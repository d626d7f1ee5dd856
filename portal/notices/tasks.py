"""What notices put on the first page: for families what waits for an answer, for authors what is nearly due."""

from datetime import timedelta

from flask import url_for
from sqlalchemy.orm import contains_eager

from portal import i18n
from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.notices import reading
from portal.notices.models import Counts, Level, Notice, NoticeSummary, State
from portal.notices.policy import NOTICE_WRITE
from portal.tasks import Task

SHOWN = 10


def tasks(actor: Actor) -> list[Task]:
    """The cards of notices, in one statement."""
    if actor.role == Role.GUARDIAN:
        return [_of_family(entry) for entry in reading.waiting(actor)]
    return _of_author(actor) if NOTICE_WRITE.admits(actor.role) else []


def _of_family(entry: reading.Entry) -> Task:
    row = entry.row
    url = url_for("notices.show", public_id=row.public_id)
    reminded = _("Reminded on %(day)s", day=i18n.day(row.reminded_at)) if row.reminded_at else ""
    to_confirm = row.level == Level.CONFIRM
    return Task(
        about=i18n.listing(entry.children),
        title=_("Confirm: %(title)s", title=row.title)
        if to_confirm
        else _("Read: %(title)s", title=row.title),
        url=url,
        button=_("Read and confirm") if to_confirm else _("Read it"),
        body=" · ".join(filter(None, (entry.from_whom, reminded))),
        due_on=row.due_on,
    )


def _of_author(actor: Actor) -> list[Task]:
    wanted = (
        NOTICE_WRITE.rows(actor)
        .join(NoticeSummary, NoticeSummary.notice_id == Notice.id)
        .where(
            Notice.state == State.PUBLISHED,
            Notice.level == Level.CONFIRM,
            Notice.due_on >= actor.on - timedelta(days=7),
            Notice.due_on <= actor.on + timedelta(days=3),
            NoticeSummary.households > NoticeSummary.confirmed_households,
        )
        .options(contains_eager(Notice.summary))
        .order_by(Notice.due_on, Notice.id)
        .limit(SHOWN)
    )
    return [_nearly_due(notice) for notice in db.session.scalars(wanted)]


def _nearly_due(notice: Notice) -> Task:
    missing = notice.summary.households - notice.summary.confirmed_households
    if notice.counts == Counts.GUARDIAN:
        body = ngettext(
            "%(num)s family has not confirmed at all.", "%(num)s families have not confirmed at all.", missing
        )
    else:
        body = ngettext("%(num)s family has not confirmed.", "%(num)s families have not confirmed.", missing)
    return Task(
        about=notice.scope_name,
        title=_("Look after a notice: %(title)s", title=notice.title),
        url=url_for("notices.report", public_id=notice.public_id),
        button=_("See how it went"),
        body=body,
        due_on=notice.due_on,
    )
