"""Answering: the pages where nobody is anybody. No session is read, nothing but the sealed answer is written.

They end in a bare redirect: ``commit_and_go`` would keep the address, and with it the token, beside a time. Their forms carry
the token, which nobody else can know, in place of a key against forgery.
"""

from flask import abort, redirect, request, url_for

from portal.access import nameless, public
from portal.extensions import db
from portal.i18n import gettext as _
from portal.surveys import codes
from portal.surveys.answering import invitation_of, put
from portal.surveys.forms import CodeForm, answer_form, given
from portal.surveys.models import SurveyHousehold
from portal.surveys.tries import tries
from portal.surveys.views.blueprint import Answer, answers, form_page
from portal.templating import render


@answers.get("/")
@public
@nameless
def start() -> str:
    """Where a code is typed."""
    return render("surveys/start.html", form=CodeForm(formdata=None))


@answers.post("/")
@public
@nameless
def enter() -> Answer:
    """From a code to its questionnaire."""
    form = CodeForm()
    if not form.validate():
        return form_page("surveys/start.html", form=form)
    token = codes.read(form.code.data) or ""
    if _invited(token)[1] is None:
        form.code.errors = [_("This code is not known, or the questionnaire is closed.")]
        return form_page("surveys/start.html", form=form)
    return redirect(url_for(".questionnaire", token=token), 303)


def _invited(typed: str | None) -> tuple[str, SurveyHousehold | None]:
    if tries.are_too_many(request.remote_addr):
        abort(429)
    token = codes.read(typed) or ""
    invited = invitation_of(token) if token else None
    if invited is None:
        tries.count(request.remote_addr)
    return token, invited


def _gone() -> tuple[str, int]:
    return render("surveys/gone.html"), 404


@answers.get("/<token>")
@public
@nameless
def questionnaire(token: str) -> Answer:
    """The questions. Whoever has answered before sees an empty form: nobody reads here what was chosen."""
    token, invited = _invited(token)
    if invited is None:
        return _gone()
    return _page(token, invited)


def _page(token: str, invited: SurveyHousehold, form: object = None) -> Answer:
    survey = invited.survey_school.survey
    return form_page(
        "surveys/questionnaire.html",
        token=token,
        survey=survey,
        school=invited.survey_school.school,
        form=form or answer_form(survey.questions),
    )


@answers.post("/answers")
@public
@nameless
def answer() -> Answer:
    """Take an answer. No once-key is kept: the same token answers in place of what it answered before."""
    token, invited = _invited(request.form.get("token"))
    if invited is None:
        return _gone()
    questions = invited.survey_school.survey.questions
    form = answer_form(questions)
    if not form.validate():
        return _page(token, invited, form)
    said = given(form, questions)
    if not said.choices and not said.remark and not said.pressed:
        form.form_errors.append(_("Choose at least one answer. You may leave out what you like."))
        return _page(token, invited, form)
    put(token, invited, said)
    db.session.commit()
    return redirect(url_for(".thanks"), 303)


@answers.get("/thanks")
@public
@nameless
def thanks() -> str:
    """It has arrived; what becomes of it."""
    return render("surveys/thanks.html")
