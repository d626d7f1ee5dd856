"""Proving again who is holding the device, on the way to something that asks for it."""

from flask import request
from flask_login import current_user

from portal.access import signed_in
from portal.accounts import (
    by_message,
    codes,
    guessing,
    known_devices,
    limits,
    passwords,
    proofs,
    sessions,
    stepping,
)
from portal.accounts.codes import Purpose
from portal.accounts.forms import ProofForm
from portal.accounts.models import Person
from portal.accounts.views.blueprint import Answer, bp, home, too_many
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.links import local
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.models import note


@bp.get("/proof")
@signed_in
def proof() -> str:
    """Asks for the password or a second factor again; leads back to where it was asked for."""
    return stepping.page(local(request.args.get("to"), home()))


def _given(person: Person, form: ProofForm) -> str | None:
    """How the person proved who they are; None, with the reason at its field, when they did not."""
    answer, password, code = request.form.get("answer", ""), form.password.data, form.code.data
    if answer:
        how = proofs.second(person.id, "", answer)
        form.form_errors += (
            [] if how else [_("That did not work. Try the passkey again, or use your password.")]
        )
        return how
    if code:
        how = proofs.by_code(person.id, code) or _by_message(person, code)
        form.code.errors = (
            [] if how else [_("This code is not right. Each code works once; wait for the next one.")]
        )
        return how
    if not password and person.password_hash is None:
        form.code.errors = [_("Enter the code.")]
        return None
    if password and passwords.matches(person.password_hash, password):
        return "password"
    form.password.errors = [_("This is not your password.") if password else _("Enter your password.")]
    return None


def _by_message(person: Person, typed: str) -> str | None:
    """Whether it is the code that was sent to a person without password. Commits the try."""
    if not by_message.proof_reach(person):
        return None
    found = codes.check(Purpose.PROOF, typed).request
    return "message" if found is not None and found.person_id == person.id else None


@bp.post("/proof/code")
@signed_in
def send_proof_code() -> Answer:
    """Send a code to whoever has no password; what was typed before stays in the page."""
    person = db.session.get_one(Person, current_user.person_id)
    to, fields = local(request.form.get("to"), home()), stepping.kept(request.form)
    reach = by_message.proof_reach(person)
    if not reach:
        raise RuleBroken(_("Confirm with your password, your app or a passkey, or sign in again."), 403)
    if limits.count("code", request.remote_addr or "") > limits.PER_ADDRESS:
        db.session.commit()
        raise RuleBroken(
            _("Too many attempts. Wait 15 minutes, then try again, or ask the school office."), 429
        )
    asked = codes.ask(Purpose.PROOF, reach, person_id=person.id, device_hash=known_devices.hash_here())
    request_id = asked.id
    note("account.proof_by_message_asked", person, person_id=person.id, alarm=True)
    db.session.commit()
    ring(codes.prepare, request_id=request_id)
    return stepping.page(to, fields, sent=True)


@bp.post("/proof")
@signed_in
def prove() -> Answer:
    """Note the proof with the session; what was typed before goes on with one tap."""
    person = db.session.get_one(Person, current_user.person_id)
    to, fields = local(request.form.get("to"), home()), stepping.kept(request.form)
    form = ProofForm(person)
    counted = guessing.key("proof", str(current_user.session_id))
    refused = guessing.count(counted)
    db.session.commit()
    if refused is not None:
        form.form_errors.append(too_many(refused))
        return stepping.page(to, fields, form), 429
    how = _given(person, form) if form.validate() else None
    if how is None:
        note("account.proof_failed", person, person_id=person.id)
        db.session.commit()
        return stepping.page(to, fields, form), 422
    guessing.forget(counted)
    sessions.note_proof()
    note("account.proved", person, person_id=person.id, how=how)
    if not fields:
        return commit_and_go(to)
    db.session.commit()
    return render("accounts/carry_on.html", to=to, fields=fields)
