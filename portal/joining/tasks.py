"""What joining puts on the first page: requests for the class teacher, word of other guardians for a family."""

from collections.abc import Sequence
from typing import Any

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import gettext as _
from portal.joining.models import GuardianNews, JoiningRequest, News, RequestState
from portal.joining.policy import NEWS_SEEN, REQUEST_DECIDE
from portal.prepared import Prepared, whoever
from portal.schools.models import Pupil
from portal.tasks import Task

MOST = 5


def tasks(actor: Actor) -> list[Task]:
    """Requests and news that wait for this person."""
    match actor.role:
        case Role.CLASS_TEACHER:
            return [*_to_decide(actor), *_news(db.session.execute(_told(actor)).all())]
        case Role.GUARDIAN:
            return _news(TOLD.all(db.session(), person=actor.person_id, day=actor.on))
        case _:
            return []


def _to_decide(actor: Actor) -> list[Task]:
    waiting = db.session.scalars(
        REQUEST_DECIDE.rows(actor)
        .where(JoiningRequest.state == RequestState.WAITING)
        .options(joinedload(JoiningRequest.pupil))
        .order_by(JoiningRequest.asked_at, JoiningRequest.id)
        .limit(MOST)
    )
    return [
        Task(
            about=asked.pupil.name,
            title=_("%(relation)s %(name)s asks to join", relation=asked.relation, name=asked.name),
            body=_("Confirm only whom you know to be a guardian of the child."),
            url=url_for("joining.request_page", public_id=asked.public_id),
            button=_("Look at the request"),
            due_on=clock.local(asked.asked_at).date(),
        )
        for asked in waiting
    ]


def _told(actor: Actor) -> Any:
    return (
        select(GuardianNews.public_id, GuardianNews.kind, GuardianNews.relation, Pupil.name.label("child"))
        .join(Pupil, Pupil.id == GuardianNews.pupil_id)
        .where(NEWS_SEEN.within(actor), GuardianNews.seen_at.is_(None))
        .order_by(GuardianNews.id.desc())
        .limit(MOST)
    )


TOLD = Prepared(lambda: _told(whoever(Role.GUARDIAN)))


def _news(rows: Sequence[Any]) -> list[Task]:
    return [
        Task(
            about=told.child,
            title=_said(News(told.kind), told.relation),
            body=_("If this surprises you, ring the school."),
            url=url_for("home.index"),
            button=_("I have seen this"),
            post_to=url_for("joining.news_seen", public_id=told.public_id),
        )
        for told in rows
    ]


def _said(kind: News, relation: str) -> str:
    match kind:
        case News.ADDED:
            return _("The school has added a guardian: %(relation)s", relation=relation)
        case News.LIMITED:
            return _("A guardian now sees and confirms only: %(relation)s", relation=relation)
        case News.RESTRICTED:
            return _("A court order now restricts a guardian: %(relation)s", relation=relation)
        case News.RESTRICTION_ENDED:
            return _("A restriction of a guardian has ended: %(relation)s", relation=relation)
