"""Answering: the pages where nobody is anybody. No session is read, nothing but the sealed answer is written.

They end in a bare redirect: ``commit_and_go`` would keep the address, and with it the token, beside a time. Their forms carry
the token, which nobody else can know, in place of a key against forgery.
"""

from flask import abort, redirect, request

from portal.access import nameless, public
from portal.extensions import db
from portal.i18n import gettext as _
from portal.surveys import codes
from portal.surveys.answering import Admission, admitted, is_open, put, school_asked
from portal.surveys.forms import CodeForm, answer_form, given
from portal.surveys.models import SurveySchool
from portal.surveys.origin import address
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
    typed = codes.read(form.code.data) or ""
    if _admitted(typed) is None:
        form.code.errors = [_("This code is not known, or the questionnaire is closed.")]
        return form_page("surveys/start.html", form=form)
    return redirect(address("answers.questionnaire", token=typed), 303)


def _admitted(typed: str | None) -> tuple[Admission, SurveySchool] | None:
    if tries.are_too_many(request.remote_addr):
        abort(429)
    found = admitted(typed)
    if found is None:
        tries.count(request.remote_addr)
    return found


def _gone() -> tuple[str, int]:
    return render("surveys/gone.html"), 404


@answers.get("/<token>")
@public
@nameless
def questionnaire(token: str) -> Answer:
    """The questions. Whoever has answered before sees an empty form: nobody reads here what was chosen."""
    found = _admitted(token)
    return _gone() if found is None else _page(codes.read(token) or "", found[1])


@answers.get("/with-pass/<public_id>")
@public
@nameless
def with_pass(public_id: str) -> Answer:
    """The questions for whoever holds a pass. It stands behind the # of the address, which no browser sends: a script of the page
    puts it into the form."""
    row = school_asked(public_id)
    return _gone() if row is None or not is_open(row) else _page("", row)


def _page(token: str, row: SurveySchool, form: object = None) -> Answer:
    survey = row.survey
    return form_page(
        "surveys/questionnaire.html",
        token=token,
        survey=survey,
        school=row.school,
        form=form or answer_form(survey.questions),
    )


@answers.post("/answers")
@public
@nameless
def answer() -> Answer:
    """Take an answer. No once-key is kept: the same code or pass answers in place of what it answered before."""
    typed = request.form.get("token", "")
    found = _admitted(typed)
    if found is None:
        return _gone()
    admission, row = found
    questions = row.survey.questions
    form = answer_form(questions)
    if not form.validate():
        return _page(typed, row, form)
    said = given(form, questions)
    if not said.choices and not said.remark and not said.pressed:
        form.form_errors.append(_("Choose at least one answer. You may leave out what you like."))
        return _page(typed, row, form)
    put(admission, said)
    db.session.commit()
    return redirect(address("answers.thanks"), 303)


@answers.get("/thanks")
@public
@nameless
def thanks() -> str:
    """It has arrived; what becomes of it."""
    return render("surveys/thanks.html")
