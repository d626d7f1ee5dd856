"""Signing in with a one-time code, and confirming an e-mail address of one's own."""

from flask import redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from portal.access import public, signed_in
from portal.accounts import arriving, codes, known_devices, limits, sessions, telling
from portal.accounts.addresses import email_index
from portal.accounts.code_forms import EightDigitsForm, EmailForm, RecipientForm
from portal.accounts.codes import CodeRequest, Purpose
from portal.accounts.models import Person
from portal.accounts.stepping import step_up_required
from portal.accounts.views.blueprint import Answer, bp, home
from portal.deliveries.models import masked
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.jobs.queue import ring
from portal.links import local
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.models import note

TO = "code_to"


def _page(template: str, **context: object) -> Answer:
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page


def _keep_to_limits() -> None:
    """Refuse when one address asks or tries too often; a whole school may stand behind it."""
    if limits.count("code", request.remote_addr or "") > limits.PER_ADDRESS:
        db.session.commit()
        raise RuleBroken(
            _("Too many attempts. Wait 15 minutes, then try again, or ask the school office."), 429
        )


def _ask(purpose: Purpose, recipient: str, location: str, *, person_id: int | None = None) -> Response:
    """Note the request, ring the job process, go on; the same for every recipient."""
    asked = codes.ask(purpose, recipient, person_id=person_id, device_hash=known_devices.hash_here())
    request_id = asked.id
    answer = commit_and_go(location)
    ring(codes.prepare, request_id=request_id)
    return answer


@bp.route("/code", methods=["GET", "POST"])
@public
def ask_code() -> Answer:
    """Ask for a code by number or e-mail address."""
    if current_user.is_authenticated:
        return redirect(local(request.args.get("to"), home()), 303)
    form = RecipientForm()
    to = local(request.values.get("to"), "")
    if not form.sent_and_valid():
        return _page("accounts/ask_code.html", form=form, to=to)
    _keep_to_limits()
    session[TO] = to
    return _ask(Purpose.SIGN_IN, form.address, url_for(".enter_code"))


@bp.post("/code/again")
@public
def send_code_again() -> Answer:
    """Ask for another code to the same recipient."""
    asked = codes.asked_here(Purpose.SIGN_IN)
    if asked is None or not asked.recipient:
        return redirect(url_for(".ask_code"), 303)
    _keep_to_limits()
    return _ask(Purpose.SIGN_IN, asked.recipient, url_for(".enter_code"))


@bp.route("/code/entry", methods=["GET", "POST"])
@public
def enter_code() -> Answer:
    """Enter the code that came; signs in."""
    form = EightDigitsForm()
    asked = codes.asked_here(Purpose.SIGN_IN)
    sent_to = masked(asked.recipient) if asked is not None and asked.recipient else ""
    if not form.sent_and_valid():
        return _page("accounts/enter_code.html", form=form, sent_to=sent_to)
    _keep_to_limits()
    checked = codes.check(Purpose.SIGN_IN, form.code.data)
    if checked.request is None or checked.request.person_id is None:
        _refuse(form, checked.left, asked)
        return _page("accounts/enter_code.html", form=form, sent_to=sent_to if checked.left else "")
    person = db.session.get_one(Person, checked.request.person_id)
    return _let_in(person)


def _refuse(form: EightDigitsForm, left: int, asked: CodeRequest | None) -> None:
    """Say how many tries are left, and keep the try in the trail."""
    note(
        "account.code_failed",
        None,
        person_id=None,
        object_kind="code_request",
        subject_id=asked.person_id if asked is not None else None,
    )
    db.session.commit()
    if left:
        words = ngettext(
            "This is not the code. One try is left.", "This is not the code. %(num)s tries are left.", left
        )
    else:
        words = _("This code does not work any more. Ask for a new one.")
    form.code.errors = [words]


def _let_in(person: Person) -> Response:
    """Sign a person in who showed that the number or the address is theirs."""
    if sessions.appointments_today(person):
        db.session.commit()
        raise RuleBroken(_("Staff of schools and offices sign in with their password."), 403)
    return arriving.after_first_factor(person, "code", local(session.get(TO), ""))


@bp.route("/email", methods=["GET", "POST"])
@signed_in
@step_up_required
def email() -> Answer:
    """One's own e-mail address: see it, enter a new one, which a code sent there confirms."""
    person = db.session.get_one(Person, current_user.person_id)
    form = EmailForm()
    if not form.sent_and_valid():
        return _page("accounts/email.html", form=form, present=person.email)
    _keep_to_limits()
    return _ask(Purpose.EMAIL, form.address, url_for(".enter_email_code"), person_id=person.id)


@bp.route("/email/entry", methods=["GET", "POST"])
@signed_in
def enter_email_code() -> Answer:
    """Enter the code that came to the new address."""
    form = EightDigitsForm()
    asked = codes.asked_here(Purpose.EMAIL)
    sent_to = asked.recipient if asked is not None else ""
    if not form.sent_and_valid():
        return _page("accounts/enter_email_code.html", form=form, sent_to=sent_to)
    _keep_to_limits()
    checked = codes.check(Purpose.EMAIL, form.code.data)
    if checked.request is None or checked.request.person_id != current_user.person_id:
        _refuse(form, checked.left, asked)
        return _page("accounts/enter_email_code.html", form=form, sent_to=sent_to if checked.left else "")
    person = db.session.get_one(Person, current_user.person_id)
    address = checked.request.recipient or ""
    taken = select(Person.id).where(Person.email_index == email_index(address), Person.id != person.id)
    if db.session.scalar(taken):
        db.session.commit()
        raise RuleBroken(_("This e-mail address belongs to another account. Use another one."))
    telling.way_changed(person, "account.email_confirmed")
    person.email = address
    return commit_and_go(url_for(".show"), _("Your e-mail address is confirmed."))


@bp.post("/email/removal")
@signed_in
@step_up_required
def remove_email() -> Response:
    """Take one's e-mail address out."""
    person = db.session.get_one(Person, current_user.person_id)
    telling.way_changed(person, "account.email_removed")
    person.email = None
    return commit_and_go(url_for(".show"), _("Your e-mail address is removed."))
