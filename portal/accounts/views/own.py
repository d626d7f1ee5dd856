"""One's own account: password, devices, settings."""

from typing import Any

from flask import url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.access import signed_in
from portal.accounts import limits, passwords, phones, sessions
from portal.accounts.devices import device_name
from portal.accounts.forms import PasswordForm
from portal.accounts.models import AuthSession, Person
from portal.accounts.views.blueprint import bp
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.models import note


@bp.get("/")
@signed_in
def show() -> str:
    """My account: settings, hats, devices."""
    person = db.session.get_one(Person, current_user.person_id)
    devices = db.session.scalars(
        select(AuthSession)
        .where(
            AuthSession.person_id == person.id,
            AuthSession.revoked_at.is_(None),
            AuthSession.expires_at > clock.now(),
        )
        .order_by(AuthSession.last_seen_at.desc())
        .limit(20)
    ).all()
    masked = phones.masked(person.phone) if person.phone else ""
    return render(
        "accounts/show.html",
        person=person,
        devices=devices,
        names=[device_name(device.device) for device in devices],
        here=current_user.session_id,
        phone=masked,
    )


def _password_form(person: Person, **named: Any) -> PasswordForm:
    return PasswordForm(person, staff=sessions.is_staff(), **named)


@bp.get("/password")
@signed_in
def password() -> str:
    """The form for a new password."""
    person = db.session.get_one(Person, current_user.person_id)
    return render("accounts/password.html", form=_password_form(person, formdata=None))


@bp.post("/password")
@signed_in
def change_password() -> BaseResponse | tuple[str, int]:
    """Change the password; every other device is signed out."""
    person = db.session.get_one(Person, current_user.person_id)
    if limits.count("password", str(person.id)) > limits.PER_ACCOUNT:
        db.session.commit()
        raise RuleBroken(
            _("Too many attempts. Wait 15 minutes, then try again, or ask the school office."), 429
        )
    form = _password_form(person)
    if not form.validate():
        db.session.commit()
        return render("accounts/password.html", form=form), 422
    person.password_hash = passwords.hashed(form.new.data)
    person.password_changed_at = clock.now()
    limits.forget("password", str(person.id))
    sessions.revoke_others(person.id, current_user.session_id)
    note("account.password_changed", person, person_id=person.id)
    return commit_and_go(
        url_for(".show"), _("Your password is changed. Your other devices have been signed out.")
    )


@bp.post("/devices/<int(max=2147483647):session_id>/revocation")
@signed_in
def revoke(session_id: int) -> BaseResponse:
    """Sign out one of one's own devices."""
    device = db.session.scalar(
        select(AuthSession).where(
            AuthSession.id == session_id, AuthSession.person_id == current_user.person_id
        )
    )
    if device is None:
        raise RuleBroken(_("This device is signed out already."), status=404)
    device.revoked_at = clock.now()
    note("account.device_revoked", None, person_id=current_user.person_id)
    return commit_and_go(url_for(".show"), _("The device is signed out."))
