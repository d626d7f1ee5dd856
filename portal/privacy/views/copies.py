"""Copies of what is kept about oneself: asked for, made, fetched once."""

from datetime import timedelta

from flask import Response, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.access import actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.privacy import jobs, parcels
from portal.privacy.copies import READY_WITHIN, left_out
from portal.privacy.models import DataCopy, ParcelState
from portal.privacy.policy import COPY_OWN
from portal.privacy.views.blueprint import bp
from portal.templating import render
from portal.trail.models import note

SHOWN = 20
A_DAY = 3
"""Most copies one person asks for within 24 hours."""


@bp.get("/copies")
@requires(COPY_OWN)
def copies() -> str:
    """One's copies, newest first, and what a copy leaves out."""
    rows = db.session.scalars(COPY_OWN.rows(actor()).order_by(DataCopy.id.desc()).limit(SHOWN)).all()
    return render(
        "privacy/copies.html",
        found=rows,
        now=clock.now(),
        waits=any(row.state == ParcelState.WAITING for row in rows),
        left_out=left_out(),
    )


@bp.post("/copies")
@requires(COPY_OWN)
@step_up_required
def ask_copy() -> BaseResponse:
    """Ask for a copy; it is made in the background."""
    acting, now = actor(), clock.now()
    lately = db.session.scalars(
        select(DataCopy).where(
            DataCopy.person_id == acting.person_id, DataCopy.asked_at > now - timedelta(days=1)
        )
    ).all()
    if any(row.state == ParcelState.WAITING for row in lately):
        raise RuleBroken(_("Your copy is being made already."))
    if len(lately) >= A_DAY:
        raise RuleBroken(_("You have asked for several copies today. Ask again tomorrow."), status=429)
    made = DataCopy(
        person_id=acting.person_id,
        asked_at=now,
        due_on=acting.on + timedelta(days=READY_WITHIN),
        state=ParcelState.WAITING,
    )
    db.session.add(made)
    db.session.flush()
    note("copy.asked", made, person_id=acting.person_id, role=acting.role, subject_id=acting.person_id)
    copy_id = made.id
    answer = commit_and_go(url_for(".copies"), _("Your copy is being made. It stands here within a day."))
    ring(jobs.make_copy, copy_id=copy_id)
    return answer


@bp.post("/copies/<public_id>/file")
@requires(COPY_OWN)
@step_up_required
def fetch_copy(public_id: str) -> BaseResponse:
    """The file itself, once."""
    row = find(COPY_OWN, public_id)
    db.session.refresh(row, with_for_update=True)
    data = parcels.take(row, clock.now())
    note("copy.fetched", row, person_id=actor().person_id, role=actor().role, subject_id=row.person_id)
    day = clock.local(row.asked_at).date()
    db.session.commit()
    return attachment(data, f"gongyu-{day}.zip", "application/zip")


def attachment(data: bytes, name: str, mimetype: str) -> Response:
    """Bytes to be kept as a file, never shown in the browser, never stored on the way."""
    return Response(
        data,
        mimetype=mimetype,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
