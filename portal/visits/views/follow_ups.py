"""Agreed steps: the list by day, and ticking off."""

from flask import request, url_for
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload

from portal.access import Role, actor, find, requires
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.schools import summaries
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened
from portal.visits import counting, loading
from portal.visits.forms import (
    TickForm,
)
from portal.visits.models import (
    FollowUp,
)
from portal.visits.policy import (
    STEP_TICK,
    STEPS_READ,
)
from portal.visits.views.blueprint import WORDS, Answer, bp


@bp.get("/follow-ups")
@requires(STEPS_READ)
def follow_ups() -> str:
    """Agreed steps of the class by day; ``?done=1`` shows those ticked off."""
    done = request.args.get("done") == "1"
    query = STEPS_READ.rows(actor()).where(
        FollowUp.done_on.is_not(None) if done else FollowUp.done_on.is_(None)
    )
    edge = db.session.execute(
        select(FollowUp.due_on, FollowUp.id).where(FollowUp.public_id == request.args.get("after", ""))
    ).first()
    if edge is not None:
        later = and_(FollowUp.due_on == edge.due_on, FollowUp.id > edge.id)
        query = query.where(or_(FollowUp.due_on > edge.due_on, later))
    found = list(
        db.session.scalars(
            query.options(joinedload(FollowUp.pupil))
            .order_by(FollowUp.due_on, FollowUp.id)
            .limit(loading.PAGE_LENGTH + 1)
        )
    )
    steps = found[: loading.PAGE_LENGTH]
    more = steps[-1].public_id if len(found) > loading.PAGE_LENGTH else None
    for step in steps:
        opened("F4", step)
    return render("visits/follow_ups.html", steps=steps, more=more, done=done, today=actor().on, **WORDS)


@bp.get("/follow-ups/<public_id>")
@requires(STEP_TICK)
def follow_up(public_id: str) -> str:
    """One agreed step, to tick off with a line."""
    return _step_page(public_id, TickForm(formdata=None))


def _step_page(public_id: str, form: TickForm) -> str:
    step = find(
        STEP_TICK,
        public_id,
        joinedload(FollowUp.pupil),
        joinedload(FollowUp.visit),
        joinedload(FollowUp.done_by),
    )
    opened("F4", step)
    family = actor().role == Role.GUARDIAN
    return render("visits/follow_up.html", step=step, form=form, family=family, today=actor().on, **WORDS)


@bp.post("/follow-ups/<public_id>/completion")
@requires(STEP_TICK)
def finish(public_id: str) -> Answer:
    """Tick a step off; on or before its day it counts as in time."""
    step = find(STEP_TICK, public_id, joinedload(FollowUp.visit))
    form = TickForm()
    if not form.validate():
        return _step_page(public_id, form), 422
    counting.hold(step.pupil_id)
    db.session.refresh(step, ["done_on", "done_by_id"])
    step.finish(actor().person_id, form.line.data or "", actor().on)
    if actor().on <= step.due_on:
        summaries.add(step.school_id, step.due_on, counting.STEPS_IN_TIME, 1)
    note("follow_up.done", step, person_id=actor().person_id, role=actor().role)
    to = (
        url_for("visits.show", public_id=step.visit.public_id)
        if actor().role == Role.GUARDIAN
        else url_for("visits.follow_ups")
    )
    return commit_and_go(to, _("Ticked off."))
