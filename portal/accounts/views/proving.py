"""Proving again who is holding the device, on the way to something that asks for it."""

from flask import request
from flask_login import current_user

from portal.access import signed_in
from portal.accounts import limits, sessions, stepping
from portal.accounts.forms import ProofForm
from portal.accounts.models import Person
from portal.accounts.views.blueprint import Answer, bp, home
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.links import local
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.models import note


@bp.get("/proof")
@signed_in
def proof() -> str:
    """Asks for the password again; leads back to where it was asked for."""
    return stepping.page(local(request.args.get("to"), home()))


@bp.post("/proof")
@signed_in
def prove() -> Answer:
    """Note the proof with the session; what was typed before goes on with one tap."""
    person = db.session.get_one(Person, current_user.person_id)
    to, fields = local(request.form.get("to"), home()), stepping.kept(request.form)
    if limits.count("proof", str(person.id)) > limits.PER_ACCOUNT:
        db.session.commit()
        raise RuleBroken(
            _("Too many attempts. Wait 15 minutes, then try again, or ask the school office."), 429
        )
    form = ProofForm(person)
    if not form.validate():
        note("account.proof_failed", person, person_id=person.id)
        db.session.commit()
        return stepping.page(to, fields, form), 422
    limits.forget("proof", str(person.id))
    sessions.note_proof()
    note("account.proved", person, person_id=person.id)
    if not fields:
        return commit_and_go(to)
    db.session.commit()
    return render("accounts/carry_on.html", to=to, fields=fields)
