"""Signing in and out, one's own settings, and the switches that stand on every page."""

from flask import Blueprint, Response, make_response, redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal import clock, i18n
from portal.access import public, signed_in
from portal.accounts import limits, passwords, phones, sessions
from portal.accounts.forms import PasswordForm, SignInForm
from portal.accounts.models import AuthSession, Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import no_op
from portal.links import local
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.models import note

bp = Blueprint("accounts", __name__, url_prefix="/account")
THEMES = ("auto", "light", "dark")
YEAR = 365 * 24 * 3600


def _home() -> str:
    return url_for("home.index")


def _back() -> str:
    return local(request.form.get("to"), url_for("home.index"))


@bp.get("/sign-in")
@public
def sign_in() -> str | BaseResponse:
    """The sign-in form."""
    if current_user.is_authenticated:
        return redirect(local(request.args.get("to"), _home()))
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
    person = db.session.scalar(
        select(Person)
        .where(or_(Person.account_name == name.lower(), Person.phone == (phone or name)))
        .limit(1)
    )
    if (
        not passwords.matches(person.password_hash if person else None, form.password.data or "")
        or person is None
    ):
        form.form_errors.append(_("The account name or the password is not right. Check both and try again."))
        return render("accounts/sign_in.html", form=form, to=to), 422
    session.clear()
    limits.forget("account", (phone or name).lower())
    sessions.sign_in(person)
    session.permanent = True
    note("account.signed_in", person, person_id=person.id)
    db.session.commit()
    return redirect(to or _home(), 303)


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


DEVICES = (
    ("MicroMessenger", no_op("WeChat")),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def device_name(agent: str) -> str:
    """What a browser calls itself, as a person would: 微信 · Android; empty when it tells nothing known."""
    program = next((name for mark, name in DEVICES if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return " · ".join(part for part in (_(program) if program else "", system) if part)


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


@bp.get("/password")
@signed_in
def password() -> str:
    """The form for a new password."""
    person = db.session.get_one(Person, current_user.person_id)
    return render("accounts/password.html", form=PasswordForm(person, formdata=None))


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
    form = PasswordForm(person)
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


@bp.post("/hat")
@signed_in
def switch_hat() -> BaseResponse:
    """Act under another appointment, or as a parent."""
    hat = sessions.wear(request.form.get("hat", ""))
    if hat is None:
        raise RuleBroken(_("You do not hold this appointment any more."))
    return commit_and_go(_home())


@bp.post("/language")
@public
def switch_language() -> Response:
    """Read the portal in another language; remembered with the person, or in a cookie before sign-in."""
    tag = request.form.get("language", "")
    if tag not in i18n.LANGUAGES:
        raise RuleBroken(_("The portal is not available in this language."), status=422)
    if current_user.is_authenticated:
        db.session.get_one(Person, current_user.person_id).language = tag
        db.session.commit()
    answer = make_response(redirect(_back(), 303))
    answer.set_cookie(i18n.COOKIE, tag, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure)
    return answer


@bp.post("/elder")
@public
def switch_elder() -> Response:
    """Elder mode on or off; remembered with the person, or in a cookie before sign-in."""
    elder = request.form.get("elder") == "1"
    if current_user.is_authenticated:
        db.session.get_one(Person, current_user.person_id).elder = elder
        db.session.commit()
    answer = make_response(redirect(_back(), 303))
    answer.set_cookie(
        "elder", "1" if elder else "0", max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure
    )
    return answer


@bp.post("/theme")
@public
def switch_theme() -> Response:
    """Light, dark, or as the device is set."""
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        raise RuleBroken(_("There is no such display setting."), status=422)
    if current_user.is_authenticated:
        db.session.get_one(Person, current_user.person_id).theme = theme
        db.session.commit()
    answer = make_response(redirect(_back(), 303))
    answer.set_cookie("theme", theme, max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure)
    return answer


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
