"""The second step of signing in: a code or a passkey, setting one up where it is owed, a new password where it is owed."""

from flask import redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.access import public
from portal.accounts import arriving, by_message, factors, passkeys, passwords, proofs, sessions, telling
from portal.accounts.forms import NewPasswordForm, SecondCodeForm
from portal.accounts.models import HalfSession, Person
from portal.accounts.views.blueprint import Answer, bp, half_holder, home, too_many
from portal.deliveries.models import masked
from portal.extensions import db
from portal.i18n import gettext as _
from portal.templating import render
from portal.trail.models import note


def _page(half: HalfSession, person: Person, form: SecondCodeForm) -> str:
    app, keys = factors.summary(person.id)
    asked = passkeys.request_for(passkeys.SECOND, person.id) if keys and passkeys.domain() else ""
    number = by_message.reach(half, person)
    reach = masked(number) if number else ""
    return render("accounts/second_step.html", form=form, has_app=app, asked=asked, reach=reach)


@bp.get("/second-step")
@public
def second_step() -> str:
    """Asks for the second factor."""
    half, person = half_holder(arriving.SECOND_STEP)
    return _page(half, person, SecondCodeForm(formdata=None))


@bp.post("/second-step")
@public
def take_second_step() -> Answer:
    """Check the second factor and go on."""
    half, person = half_holder(arriving.SECOND_STEP)
    form = SecondCodeForm()
    answer = request.form.get("answer", "")
    if not answer and not form.code.data:
        form.code.errors = [_("Enter the code.")]
        return _page(half, person, form), 422
    refused = proofs.count_second(person.id)
    db.session.commit()
    if refused is not None:
        form.form_errors.append(too_many(refused))
        return _page(half, person, form), 429
    how = proofs.second(person.id, form.code.data or "", answer) if form.validate() else None
    if how is None:
        note("account.second_failed", person, person_id=None)
        db.session.commit()
        form.code.errors = [_("This code is not right. Each code works once; wait for the next one.")]
        return _page(half, person, form), 422
    half.has_second = True
    note(f"account.{how}_used", person, person_id=person.id)
    return arriving.go_on(half, person)


@bp.get("/second-step/setting-up")
@public
def set_up() -> str:
    """Leads whoever must have a second factor and has none to set one up."""
    half_holder(arriving.SET_UP)
    return render("accounts/set_up.html", with_passkey=bool(passkeys.domain()))


@bp.post("/second-step/arrival")
@public
def arrive() -> BaseResponse:
    """After a second factor was set up on the way: in."""
    if current_user.is_authenticated:
        return redirect(url_for("accounts.show"), 303)
    half = arriving.half_session()
    if half is None:
        return redirect(url_for("accounts.sign_in"), 303)
    return arriving.go_on(half, db.session.get_one(Person, half.person_id))


@bp.post("/second-step/leaving")
@public
def leave() -> BaseResponse:
    """Give up signing in: the half session is over."""
    half = arriving.half_session()
    if half is not None:
        db.session.delete(half)
        db.session.commit()
        session.clear()
    return redirect(home(), 303)


def _new_password_form(person: Person, **named: object) -> NewPasswordForm:
    staff = bool(sessions.appointments_today(person))
    return NewPasswordForm(person, alone=not factors.is_set_up(person.id), staff=staff, **named)


@bp.get("/second-step/password")
@public
def new_password() -> str:
    """The form for a new password that is owed: after a recovery, or when the present one is too old."""
    _half, person = half_holder(arriving.NEW_PASSWORD)
    return render("accounts/new_password.html", form=_new_password_form(person, formdata=None))


@bp.post("/second-step/password")
@public
def choose_password() -> Answer:
    """Keep the new password, sign every device out, and go on."""
    half, person = half_holder(arriving.NEW_PASSWORD)
    form = _new_password_form(person)
    if form.validate() and passwords.matches(person.password_hash, form.new.data):
        form.new.errors = [_("This is your old password. Choose another one.")]
    if form.errors:
        return render("accounts/new_password.html", form=form), 422
    person.keep_password(passwords.hashed(form.new.data), clock.now())
    if half.how == arriving.RECOVERY:
        half.how = arriving.RECOVERED
    sessions.revoke_others(person.id, 0)
    if half.how == arriving.RECOVERED:
        # The owner has word of the recovery itself.
        note("account.password_changed", person, person_id=person.id)
    else:
        telling.way_changed(person, "account.password_changed")
    return arriving.go_on(half, person)
