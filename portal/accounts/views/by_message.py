"""The second step by a code to one's own telephone."""

from flask import redirect, request, url_for

from portal.access import public
from portal.accounts import arriving, by_message, codes, proofs
from portal.accounts.code_forms import EightDigitsForm
from portal.accounts.codes import Purpose
from portal.accounts.models import HalfSession, Person
from portal.accounts.views.blueprint import Answer, bp, half_holder, too_many
from portal.deliveries.models import masked
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.templating import render
from portal.trail.models import note


def _allowed() -> tuple[HalfSession, Person, str]:
    half, person = half_holder(arriving.SECOND_STEP)
    number = by_message.reach(half, person)
    if not number:
        raise RuleBroken(
            _("A text message does not help here. Use your app, a passkey or a recovery code."), 403
        )
    return half, person, number


@bp.post("/second-step/message")
@public
def send_second_code() -> Answer:
    """Send a code to one's own number, and mark it in the trail."""
    _half, person, number = _allowed()
    asked = codes.ask(Purpose.SECOND, number, person_id=person.id)
    request_id = asked.id
    note("account.second_by_message_asked", person, person_id=None, alarm=True)
    answer = commit_and_go(url_for(".enter_second_code"))
    ring(codes.prepare, request_id=request_id)
    return answer


@bp.route("/second-step/message/entry", methods=["GET", "POST"])
@public
def enter_second_code() -> Answer:
    """Enter the code that came, and go on."""
    half, person, number = _allowed()
    if codes.asked_here(Purpose.SECOND) is None:
        return redirect(url_for(".second_step"), 303)
    form = EightDigitsForm()
    if not form.sent_and_valid():
        page = render("accounts/enter_second_code.html", form=form, sent_to=masked(number))
        return (page, 422) if request.method == "POST" else page
    refused = proofs.count_second(person.id)
    db.session.commit()
    if refused is not None:
        form.form_errors.append(too_many(refused))
        return render("accounts/enter_second_code.html", form=form, sent_to=masked(number)), 429
    checked = codes.check(Purpose.SECOND, form.code.data)
    if checked.request is None or checked.request.person_id != person.id:
        note("account.second_failed", person, person_id=None)
        db.session.commit()
        form.code.errors = [_("This code is not right. Check it, or ask for a new one.")]
        return render("accounts/enter_second_code.html", form=form, sent_to=masked(number)), 422
    half.has_second = True
    note("account.second_by_message_used", person, person_id=person.id, alarm=True)
    return arriving.go_on(half, person)
