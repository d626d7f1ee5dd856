"""The class teacher's list, and one pupil with all visits across years."""

from flask import request
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from portal.access import actor, find, requires
from portal.extensions import db
from portal.templating import render
from portal.trail.reads import opened
from portal.visits import due, loading
from portal.visits.drafts import DRAFT, VisitDraft, awaits_author
from portal.visits.homes import homes_of
from portal.visits.models import (
    FollowUp,
    Invitation,
    Visit,
)
from portal.visits.policy import (
    INVITATION_READ,
    PUPIL_VISIT,
    STEPS_READ,
    VISIT_READ,
)
from portal.visits.views.blueprint import WORDS, bp


@bp.get("/")
@requires(PUPIL_VISIT)
def index() -> str:
    """Whose visit is due, by urgency; ``?group=`` shows one part, ``?q=`` finds a name."""
    everyone = due.entries(actor())
    groups = due.grouped(everyone)
    group = request.args.get("group", "")
    query = request.args.get("q", "").strip()[:60]
    shown = groups.get(group, everyone)
    return render(
        "visits/index.html",
        entries=[entry for entry in shown if due.matches(entry.pupil, query)],
        counts={name: len(found) for name, found in groups.items()},
        total=len(everyone),
        group=group if group in groups else "",
        query=query,
        open_steps=_open_steps(),
        **WORDS,
    )


def _open_steps() -> int:
    mine = select(func.count()).where(STEPS_READ.within(actor()), FollowUp.done_on.is_(None))
    return db.session.scalar(mine) or 0


@bp.get("/pupils/<public_id>")
@requires(PUPIL_VISIT)
def pupil(public_id: str) -> str:
    """One pupil: where the family stands, and every visit across the years."""
    child = find(PUPIL_VISIT, public_id)
    visits, more = loading.newest_first(
        VISIT_READ.rows(actor()).where(Visit.pupil_id == child.id), request.args.get("after")
    )
    invitation = db.session.scalar(
        INVITATION_READ.rows(actor())
        .where(Invitation.pupil_id == child.id)
        .order_by(Invitation.id.desc())
        .limit(1)
    )
    steps = db.session.scalars(
        STEPS_READ.rows(actor())
        .where(FollowUp.pupil_id == child.id, FollowUp.done_on.is_(None))
        .order_by(FollowUp.due_on, FollowUp.id)
        .limit(loading.PAGE_LENGTH)
    ).all()
    drafts = db.session.scalars(
        DRAFT.rows(actor())
        .where(VisitDraft.pupil_id == child.id, awaits_author())
        .order_by(VisitDraft.changed_at.desc())
        .limit(loading.PAGE_LENGTH)
        .options(selectinload(VisitDraft.clashes))
    ).all()
    for step in steps:
        opened("F4", step)
    if child.priority:
        opened("F4", child)
    return render(
        "visits/pupil.html",
        pupil=child,
        drafts=drafts,
        homes=homes_of(child, actor().on),
        invitation=invitation,
        visits=visits,
        more=more,
        steps=steps,
        today=actor().on,
        **WORDS,
    )
