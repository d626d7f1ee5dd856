"""Signing in and out."""

from flask import redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from portal.access import public, signed_in
from portal.accounts import limits, passwords, phones, sessions
from portal.accounts.forms import SignInForm
from portal.accounts.knowing import by_account
from portal.accounts.views.blueprint import bp, home
from portal.extensions import db
from portal.i18n import gettext as _
from portal.links import local
from portal.templating import render
from portal.trail.models import note


@bp.get("/sign-in")
@public
def sign_in() -> str | BaseResponse:
    """The sign-in form."""
    if current_user.is_authenticated:
        return redirect(local(request.args.get("to"), home()))
    return render(
        "accounts/sign_in.html", form=SignInForm(formdata=None), to=local(request.args.get("to"), "")
    )


@bp.post("/sign-in")
@public
def enter() -> BaseResponse | tuple[str, int]:
    """Sign in; the same answer whether the account is unknown or the password wrong."""
    form = SignInForm()
    to = local(request.form.get("to"), "")
    if not form.validate():
        return render("accounts/sign_in.html", form=form, to=to), 422
    name = form.name.data
    phone = phones.normalised(name)
    tried = max(
        limits.count("account", (phone or name).lower()) - limits.PER_ACCOUNT,
        limits.count("address", request.remote_addr or "") - limits.PER_ADDRESS,
    )
    db.session.commit()
    if tried > 0:
        form.form_errors.append(
            _("Too many attempts. Wait 15 minutes, then try again, or ask the school office.")
        )
        return render("accounts/sign_in.html", form=form, to=to), 429
    person = by_account(name)
    if (
        not passwords.matches(person.password_hash if person else None, form.password.data or "")
        or person is None
    ):
        form.form_errors.append(_("The account name or the password is not right. Check both and try again."))
        return render("accounts/sign_in.html", form=form, to=to), 422
    if passwords.is_outdated(person.password_hash or ""):
        person.password_hash = passwords.hashed(form.password.data)
    session.clear()
    limits.forget("account", (phone or name).lower())
    sessions.sign_in(person)
    session.permanent = True
    note("account.signed_in", person, person_id=person.id)
    db.session.commit()
    return redirect(to or home(), 303)


@bp.post("/sign-out")
@signed_in
def sign_out() -> BaseResponse:
    """Revoke this device's session."""
    note("account.signed_out", None, person_id=current_user.person_id)
    sessions.sign_out()
    db.session.commit()
    session.clear()
    answer = redirect(url_for("accounts.sign_in"), 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer
