"""Inviting a family, its answer, and taking an invitation back."""

from flask import request, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Role, actor, find, requires
from portal.errors import RuleBroken
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.schools.models import Pupil
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened
from portal.visits.answering import tell
from portal.visits.forms import (
    InvitationForm,
)
from portal.visits.homes import Home, homes_of
from portal.visits.inviting import elsewhere, invite
from portal.visits.models import (
    FORM_NAMES,
    Invitation,
)
from portal.visits.policy import (
    INVITATION_ANSWER,
    INVITATION_READ,
    INVITATION_WITHDRAW,
    PUPIL_VISIT,
)
from portal.visits.views.blueprint import WORDS, Answer, bp, class_today


@bp.get("/invitations/new")
@requires(PUPIL_VISIT)
def new_invitation() -> str:
    """The form to invite a pupil's family; every way to meet is offered unless the teacher takes one away."""
    child = find(PUPIL_VISIT, request.args.get("pupil", ""))
    homes = homes_of(child, actor().on)
    form = InvitationForm(homes, data={"forms": list(FORM_NAMES)})
    if len(homes) == 1:
        form.household.data = homes[0].key
    return _invitation_page(form, child, homes)


def _invitation_page(form: InvitationForm, child: Pupil, homes: list[Home]) -> str:
    invited = elsewhere(actor().school_id, [home.household_id for home in homes])
    return render("visits/new_invitation.html", form=form, pupil=child, elsewhere=invited)


@bp.post("/invitations")
@requires(PUPIL_VISIT)
def send_invitation() -> Answer:
    """Invite the family."""
    child = find(PUPIL_VISIT, request.form.get("pupil", ""))
    homes = homes_of(child, actor().on)
    form = InvitationForm(homes)
    home = form.home
    if not form.validate() or home is None:
        return _invitation_page(form, child, homes), 422
    school_class, _place = class_today(child)
    forms: list[str] = [one for one in FORM_NAMES if one in form.forms.data]
    try:
        invitation = invite(
            child, school_class, home.household_id, actor(), form.times, forms, form.purpose.data, clock.now()
        )
    except RuleBroken as refused:
        # Another teacher was quicker: what was typed stays.
        child = find(PUPIL_VISIT, request.form.get("pupil", ""))
        form.purpose.errors = [refused.message]
        return _invitation_page(form, child, homes_of(child, actor().on)), refused.status
    tell(invitation)
    note("invitation.sent", invitation, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for("visits.invitation", public_id=invitation.public_id),
        _("The invitation is on the family's page."),
    )


@bp.get("/invitations/<public_id>")
@requires(INVITATION_READ)
def invitation(public_id: str) -> str:
    """An invitation: the family answers it here, the teacher sees the answer."""
    found = find(
        INVITATION_READ,
        public_id,
        joinedload(Invitation.pupil),
        joinedload(Invitation.author),
        joinedload(Invitation.school_class),
        joinedload(Invitation.answered_by),
    )
    opened("F4", found)
    return render(
        "visits/invitation.html",
        invitation=found,
        family=actor().role == Role.GUARDIAN,
        may_answer=actor().role == Role.GUARDIAN and INVITATION_ANSWER.holds_for(actor(), found),
        now=clock.now(),
        **WORDS,
    )


@bp.post("/invitations/<public_id>/acceptance")
@requires(INVITATION_ANSWER)
def accept(public_id: str) -> Response:
    """Take a time and a form; without a choice, the first that was proposed (the one-tap answer)."""
    found = find(INVITATION_ANSWER, public_id)
    now = clock.now()
    coming = [at for at in found.proposed if at > now] or found.proposed
    wanted = request.form.get("time") or coming[0].isoformat()
    at = next((one for one in found.proposed if one.isoformat() == wanted), None)
    if at is None:
        raise RuleBroken(_("Choose one of the proposed times."), status=422)
    found.accept(at, request.form.get("form") or found.forms[0], actor().person_id, now)
    note("invitation.accepted", found, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for("visits.invitation", public_id=public_id), _("Settled. The teacher sees your answer.")
    )


@bp.post("/invitations/<public_id>/refusal")
@requires(INVITATION_ANSWER)
def decline(public_id: str) -> Response:
    """Rather not now; no reason is asked."""
    found = find(INVITATION_ANSWER, public_id)
    found.decline(actor().person_id, clock.now())
    note("invitation.declined", found, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for("visits.invitation", public_id=public_id), _("That is all right. The teacher knows.")
    )


@bp.post("/invitations/<public_id>/withdrawal")
@requires(INVITATION_WITHDRAW)
def withdraw(public_id: str) -> Response:
    """The teacher takes the invitation back."""
    found = find(INVITATION_WITHDRAW, public_id, joinedload(Invitation.pupil))
    found.withdraw()
    note("invitation.withdrawn", found, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for("visits.pupil", public_id=found.pupil.public_id), _("The invitation is taken back.")
    )
