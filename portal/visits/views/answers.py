"""Answering an invitation with a code, without signing in; and the meeting as a calendar file for both sides."""

from datetime import datetime

from flask import current_app, request, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Role, actor, find, public, requires
from portal.errors import RuleBroken
from portal.forms import LineField, PortalForm, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.once import commit_and_go
from portal.row_security import all_rows
from portal.templating import render
from portal.visits import answering
from portal.visits.calendar_file import calendar_file
from portal.visits.models import Invitation
from portal.visits.policy import INVITATION_READ
from portal.visits.views.blueprint import WORDS, Answer, bp


class CodeForm(PortalForm):
    """The code from the message."""

    code = LineField(_l("Answer code"), filters=[half_width])


def _page(form: CodeForm, invitation: Invitation | None = None) -> str:
    return render("visits/answer.html", form=form, invitation=invitation, now=clock.now(), **WORDS)


@bp.route("/answer", methods=["GET", "POST"])
@public
def answer() -> Answer:
    """Who would like to meet and when, for whoever holds a code; and the answer, once."""
    form = CodeForm(request.form if request.method == "POST" else request.args)
    if request.method == "GET" and not form.code.data:
        return _page(form)
    now = clock.now()
    with all_rows():
        try:
            code, invitation = answering.offer(form.code.data, now)
        except RuleBroken as refused:
            form.code.errors = [refused.message]
            return _page(form), 422
        if request.method == "GET" or request.form.get("answer") not in ("yes", "no"):
            return _page(form, invitation)
        said = answering.answer(code, invitation, _time(invitation), request.form.get("form", ""), now)
        return commit_and_go(url_for(".answer"), said)


def _time(invitation: Invitation) -> datetime | None:
    if request.form.get("answer") == "no":
        return None
    at = next((one for one in invitation.proposed if one.isoformat() == request.form.get("time")), None)
    if at is None:
        raise RuleBroken(_("Choose one of the proposed times."), status=422)
    return at


@bp.get("/invitations/<public_id>/calendar")
@requires(INVITATION_READ)
def calendar(public_id: str) -> Response:
    """The meeting as a calendar file, without what it is about and without the child's name."""
    found = find(
        INVITATION_READ, public_id, joinedload(Invitation.author), joinedload(Invitation.school_class)
    )
    family = actor().role == Role.GUARDIAN
    whom = found.author.name if family else _("a family of %(class)s", **{"class": found.school_class.name})
    page = f"{current_app.config['ADDRESS'].rstrip('/')}{url_for('.invitation', public_id=public_id)}"
    file = Response(calendar_file(found, whom, page), mimetype="text/calendar")
    file.headers["Content-Disposition"] = 'attachment; filename="meeting.ics"'
    return file
