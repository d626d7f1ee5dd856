"""One's own account: password, devices, settings."""

from typing import Any

from flask import redirect, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.access import signed_in
from portal.accounts import (
    arriving,
    factors,
    guessing,
    known_devices,
    passwords,
    phones,
    recovery_codes,
    sessions,
    stepping,
    telling,
)
from portal.accounts.devices import device_name
from portal.accounts.forms import NewPasswordForm, PasswordForm
from portal.accounts.models import AuthSession, Person
from portal.accounts.views.blueprint import Answer, bp, too_many
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
    app, keys = factors.summary(person.id)
    masked = phones.masked(person.phone) if person.phone else ""
    return render(
        "accounts/show.html",
        person=person,
        devices=devices,
        names=[device_name(device.device) for device in devices],
        here=current_user.session_id,
        phone=masked,
        has_app=app,
        passkeys=keys,
        codes=recovery_codes.left(person.id) if app or keys else 0,
    )


def _password_form(person: Person, **named: Any) -> NewPasswordForm:
    """The form for a new password; whoever has one proves it there, whoever has none has given a proof before."""
    kind = PasswordForm if person.password_hash else NewPasswordForm
    return kind(person, alone=not factors.is_set_up(person.id), staff=sessions.is_staff(), **named)


@bp.get("/password")
@signed_in
def password() -> Answer:
    """The form for a new password, or for a first one."""
    person = db.session.get_one(Person, current_user.person_id)
    if person.password_hash is None and not stepping.is_fresh():
        return redirect(url_for(".proof", to=url_for(".password")), 303)
    return render("accounts/password.html", form=_password_form(person, formdata=None))


@bp.post("/password")
@signed_in
def change_password() -> Answer:
    """Change the password, or set a first one; every other device is signed out."""
    person = db.session.get_one(Person, current_user.person_id)
    if person.password_hash is None and not stepping.is_fresh():
        return redirect(url_for(".proof", to=url_for(".password")), 303)
    counted = guessing.key("password", str(current_user.session_id))
    refused = guessing.count(counted)
    db.session.commit()
    if refused is not None:
        raise RuleBroken(too_many(refused), 429)
    form = _password_form(person)
    if not form.validate():
        return render("accounts/password.html", form=form), 422
    is_first = person.password_hash is None
    person.keep_password(passwords.hashed(form.new.data), clock.now())
    guessing.forget(counted)
    arriving.end_others(person.id)
    sessions.renew()
    telling.way_changed(person, "account.password_changed", first=is_first)
    return commit_and_go(
        url_for(".show"),
        _("Your password is set. Sign in with it from now on.")
        if is_first
        else _("Your password is changed. Your other devices have been signed out."),
    )


@bp.post("/devices/<int(max=2147483647):session_id>/revocation")
@signed_in
@stepping.step_up_required
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
    if device.id != current_user.session_id:
        known_devices.forget(current_user.person_id, device.known_device_id)
    note("account.device_revoked", None, person_id=current_user.person_id, subject_id=current_user.person_id)
    return commit_and_go(url_for(".show"), _("The device is signed out."))


@bp.get("/activity")
@signed_in
def activity() -> str:
    """What happened with one's own account: sign-ins, wrong passwords, changes."""
    return render("accounts/activity.html", entries=telling.activity(current_user.person_id))
