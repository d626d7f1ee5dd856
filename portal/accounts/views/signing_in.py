"""Signing in and out: the password, the passkey, and the way back without a password."""

from flask import redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.access import public, signed_in
from portal.accounts import (
    arriving,
    guessing,
    known_devices,
    limits,
    passkeys,
    passwords,
    phones,
    proofs,
    sessions,
    ways,
)
from portal.accounts.forms import RecoveryForm, SignInForm
from portal.accounts.guessing import Refused
from portal.accounts.knowing import by_account
from portal.accounts.models import Person
from portal.accounts.stepping import step_up_required
from portal.accounts.views.blueprint import Answer, bp, home, too_many
from portal.extensions import db
from portal.i18n import gettext as _
from portal.links import local
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.hashing import told_apart
from portal.trail.models import note


def _page(form: SignInForm, to: str) -> str:
    asked = passkeys.request_for(passkeys.ALONE) if passkeys.domain() else ""
    return render("accounts/sign_in.html", form=form, to=to, asked=asked, ways=ways.offered(to))


@bp.get("/sign-in")
@public
def sign_in() -> Answer:
    """The sign-in form."""
    to = local(request.args.get("to"), "")
    if current_user.is_authenticated:
        return redirect(to or home())
    return _page(SignInForm(formdata=None), to)


def _counted(name: str, person: Person | None) -> tuple[str, Refused | None]:
    """(under which name this try is counted, why it is not looked at). The same steps for known and unknown accounts."""
    account = f"person {person.id}" if person else f"nobody {(phones.normalised(name) or name).lower()}"
    device = known_devices.here(person.id if person else 0)
    counted = guessing.key("device", f"{device.id} {account}") if device else guessing.key("account", account)
    refused = guessing.count(counted)
    tries = limits.count("address" if device is None else "device address", request.remote_addr or "")
    if device is None and tries > limits.PER_ADDRESS:
        refused = refused or Refused(limits.WINDOW)
    return counted, refused


@bp.post("/sign-in")
@public
def enter() -> Answer:
    """Check the password; the same answer and the same work whether the account is unknown or the password wrong."""
    form = SignInForm()
    to = local(request.form.get("to"), "")
    if not form.validate():
        return _page(form, to), 422
    person = by_account(form.name.data)
    counted, refused = _counted(form.name.data, person)
    # Read now: after the commit a known account alone would cost one more query.
    stored, person_id = (person.password_hash, person.id) if person else (None, None)
    db.session.commit()
    if refused is not None:
        form.form_errors.append(too_many(refused))
        return _page(form, to), 429
    right = passwords.matches(stored, form.password.data or "")
    if not right or person is None:
        tried = told_apart((form.name.data or "").lower())
        # Nobody is 0 here: an entry without a person is written a millisecond faster, which would tell.
        note(
            "account.sign_in_failed",
            None,
            person_id=None,
            object_kind="person",
            subject_id=person_id or 0,
            tried=tried,
        )
        db.session.commit()
        form.form_errors.append(_("The account name or the password is not right. Check both and try again."))
        return _page(form, to), 422
    if person.password_until is not None and clock.now() >= person.password_until:
        note("account.sign_in_failed", person, person_id=None, how="printed password")
        db.session.commit()
        form.form_errors.append(
            _("This first password has run out. Ask whoever gave it to you for a new one.")
        )
        return _page(form, to), 422
    if passwords.is_outdated(stored or ""):
        person.password_hash = passwords.hashed(form.password.data)
    guessing.forget(counted)
    return arriving.after_first_factor(person, "password", to)


@bp.post("/sign-in/passkey")
@public
def enter_with_passkey() -> Answer:
    """Sign in with a passkey alone: it was unlocked with finger, face or PIN, so it is two factors."""
    to = local(request.form.get("to"), "")
    tries = limits.count("address", request.remote_addr or "")
    form = SignInForm(formdata=None)
    if tries > limits.PER_ADDRESS:
        db.session.commit()
        form.form_errors.append(too_many(Refused(limits.WINDOW)))
        return _page(form, to), 429
    key = passkeys.used(passkeys.ALONE, request.form.get("answer", ""))
    if key is None:
        note("account.sign_in_failed", None, person_id=None, object_kind="person", how="passkey")
        db.session.commit()
        form.form_errors.append(_("That did not work. Try the passkey again, or use your password."))
        return _page(form, to), 422
    person = db.session.get_one(Person, key.person_id)
    return arriving.after_first_factor(person, "passkey", to, has_second=True)


@bp.get("/recovery")
@public
def recovery() -> str:
    """The way in without the password, for those with an app and recovery codes; others go to the school."""
    return render("accounts/recovery.html", form=RecoveryForm(formdata=None))


@bp.post("/recovery")
@public
def recover() -> Answer:
    """With an app's code and a code on paper: half signed in, until a new password is chosen."""
    form = RecoveryForm()
    if not form.validate():
        return render("accounts/recovery.html", form=form), 422
    person = by_account(form.name.data)
    name = form.name.data.lower()
    refused = guessing.count(guessing.key("recovery", f"person {person.id}" if person else f"nobody {name}"))
    if limits.count("address", request.remote_addr or "") > limits.PER_ADDRESS:
        refused = refused or Refused(limits.WINDOW)
    db.session.commit()
    if refused is not None:
        form.form_errors.append(too_many(refused))
        return render("accounts/recovery.html", form=form), 429
    right = proofs.recovered(person, form.digits.data, form.code.data)
    if not right or person is None:
        db.session.rollback()
        note("account.sign_in_failed", None, person_id=None, object_kind="person", how="recovery")
        db.session.commit()
        form.form_errors.append(_("The account or the codes are not right. Check all three and try again."))
        return render("accounts/recovery.html", form=form), 422
    guessing.forget(guessing.key("recovery", f"person {person.id}"))
    guessing.forget_person(person.id)
    note("account.recovered", person, person_id=person.id)
    return arriving.after_first_factor(person, arriving.RECOVERY, has_second=True)


@bp.post("/sign-out")
@signed_in
def sign_out() -> BaseResponse:
    """Revoke this device's session."""
    note("account.signed_out", None, person_id=current_user.person_id, subject_id=current_user.person_id)
    sessions.sign_out()
    db.session.commit()
    session.clear()
    answer = redirect(url_for("accounts.sign_in"), 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@bp.post("/devices/sign-out")
@signed_in
@step_up_required
def sign_out_everywhere() -> BaseResponse:
    """Revoke all other sessions of the person, and trust no other device any more."""
    arriving.end_others(current_user.person_id)
    note(
        "account.signed_out_everywhere",
        None,
        person_id=current_user.person_id,
        subject_id=current_user.person_id,
    )
    return commit_and_go(url_for("accounts.show"), _("All your other devices are signed out."))
