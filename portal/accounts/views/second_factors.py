"""Setting up and removing second factors: the app, the codes on paper, passkeys."""

from flask import abort, request, url_for
from flask_login import current_user
from sqlalchemy import delete, select
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.access import public, signed_in
from portal.accounts import arriving, passkeys, recovery_codes, sessions, telling, totp
from portal.accounts.devices import device_name
from portal.accounts.forms import AppCodeForm, PasskeyForm
from portal.accounts.models import Authenticator, Passkey, Person, RecoveryCode
from portal.accounts.stepping import step_up_required
from portal.accounts.views.blueprint import Answer, bp, setting_up
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.models import note


def _app_page(person: Person, form: AppCodeForm) -> str:
    row = totp.of(person.id)
    waiting = row is not None and row.confirmed_at is None
    seed = (row.seed or "") if row is not None and waiting else ""
    address = totp.address(seed, person.account_name or person.name, _("Gongyu")) if seed else ""
    return render(
        "accounts/authenticator.html",
        form=form,
        app=None if waiting else row,
        key=totp.key_in_groups(seed),
        address=address,
        picture=totp.picture(address) if address else "",
    )


@bp.get("/authenticator")
@public
@setting_up
def authenticator(person: Person) -> str:
    """The authenticator app: how to set it up, its picture and key while it waits, how to remove it."""
    return _app_page(person, AppCodeForm(formdata=None))


@bp.post("/authenticator")
@public
@setting_up
def begin_authenticator(person: Person) -> Answer:
    """Make a seed for the app; nothing counts before a code of it was confirmed."""
    row = totp.of(person.id)
    if row is None or row.confirmed_at is None:
        totp.begin(person)
    return commit_and_go(url_for("accounts.authenticator"))


@bp.post("/authenticator/confirmation")
@public
@setting_up
def confirm_authenticator(person: Person) -> Answer:
    """The app shows the right code: it counts from now on. Recovery codes are made and shown once."""
    row, form = totp.of(person.id), AppCodeForm()
    if row is None or row.confirmed_at is not None:
        return commit_and_go(url_for("accounts.authenticator"))
    right = form.validate() and totp.use(row, form.code.data.replace(" ", ""))
    if not right:
        db.session.commit()
        form.code.errors = form.code.errors or [
            _(
                "This code is not right. Check that the phone's clock is set by itself, and take the next code."
            )
        ]
        return _app_page(person, form), 422
    row.confirmed_at = clock.now()
    telling.way_changed(person, "account.app_set_up")
    return _with_second(person)


def _with_second(person: Person) -> Answer:
    """After a second factor was set up: codes on paper if there are none, and a new token for the session. Commits."""
    codes = recovery_codes.make(person) if recovery_codes.left(person.id) == 0 else []
    if codes:
        note("account.recovery_codes_made", person, person_id=person.id)
    half = None if current_user.is_authenticated else arriving.half_session()
    if half is not None:
        half.has_second = True
    else:
        sessions.renew()
    if not codes and half is None:
        return commit_and_go(url_for("accounts.show"), _("Your second step is set up."))
    db.session.commit()
    return render("accounts/recovery_codes.html", codes=codes, left=len(codes), on_the_way=half is not None)


@bp.post("/authenticator/removal")
@signed_in
@step_up_required
def remove_authenticator() -> BaseResponse:
    """Remove the app; without any second factor left the codes on paper go too."""
    person = db.session.get_one(Person, current_user.person_id)
    db.session.execute(delete(Authenticator).where(Authenticator.person_id == person.id))
    _drop_idle_codes(person)
    telling.way_changed(person, "account.app_removed")
    return commit_and_go(url_for("accounts.show"), _("The authenticator app is removed."))


def _drop_idle_codes(person: Person) -> None:
    if totp.of(person.id) is None and passkeys.count(person.id) == 0:
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))


@bp.get("/recovery-codes")
@signed_in
def recovery_code_list() -> str:
    """How many recovery codes are left; they themselves are never shown again."""
    left = recovery_codes.left(current_user.person_id)
    return render("accounts/recovery_codes.html", codes=[], left=left, on_the_way=False)


@bp.post("/recovery-codes")
@signed_in
@step_up_required
def make_recovery_codes() -> str:
    """Ten new codes, shown this once; the old ones are void."""
    person = db.session.get_one(Person, current_user.person_id)
    codes = recovery_codes.make(person)
    telling.way_changed(person, "account.recovery_codes_made")
    db.session.commit()
    return render("accounts/recovery_codes.html", codes=codes, left=len(codes), on_the_way=False)


def _passkey_page(person: Person, form: PasskeyForm) -> str:
    asked = passkeys.registration(person) if passkeys.domain() else ""
    keys = passkeys.of(person.id)
    return render("accounts/passkeys.html", form=form, keys=keys, asked=asked, most=passkeys.MOST)


@bp.get("/passkeys")
@public
@setting_up
def passkey_list(person: Person) -> str:
    """The person's passkeys, and a button for one more."""
    return _passkey_page(person, PasskeyForm(formdata=None))


@bp.post("/passkeys")
@public
@setting_up
def add_passkey(person: Person) -> Answer:
    """Keep a passkey that the browser has made."""
    form = PasskeyForm()
    name = (form.name.data or device_name(request.user_agent.string) or _("A device"))[:60]
    key = passkeys.add(person, request.form.get("answer", ""), name) if form.validate() else None
    if key is None:
        db.session.commit()
        form.form_errors.append(_("The passkey was not kept. Try again; each device needs only one."))
        return _passkey_page(person, form), 422
    telling.way_changed(person, "account.passkey_added")
    return _with_second(person)


@bp.post("/passkeys/<public_id>/removal")
@signed_in
@step_up_required
def remove_passkey(public_id: str) -> BaseResponse:
    """Remove one of one's own passkeys."""
    wanted = select(Passkey).where(
        Passkey.public_id == public_id, Passkey.person_id == current_user.person_id
    )
    key = db.session.scalar(wanted)
    if key is None:
        abort(404)
    person = db.session.get_one(Person, current_user.person_id)
    db.session.delete(key)
    db.session.flush()
    _drop_idle_codes(person)
    telling.way_changed(person, "account.passkey_removed")
    return commit_and_go(url_for("accounts.show"), _("The passkey is removed."))
