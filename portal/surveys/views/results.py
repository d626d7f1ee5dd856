"""What was released of a school, and the questions about its numbers."""

from flask import url_for
from sqlalchemy.orm import joinedload, selectinload

from portal.access import Role, actor, find, requires
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.surveys import flagging, tables
from portal.surveys.flagging import FLAG_NAMES
from portal.surveys.forms import WordsForm
from portal.surveys.models import FlagKind, Survey, SurveyFlag, SurveySchool, SurveyState
from portal.surveys.policy import SURVEY_FLAG_ANSWER, SURVEY_FLAG_CLOSE, SURVEY_RESULT
from portal.surveys.views.blueprint import Answer, bp
from portal.templating import render


@bp.get("/schools/<public_id>")
@requires(SURVEY_RESULT)
def result(public_id: str) -> str:
    """The released tables of a school: the whole, its grades and its classes."""
    return _page(public_id)


def _page(public_id: str, form: WordsForm | None = None, wrong: str = "") -> str:
    acting = actor()
    row = find(
        SURVEY_RESULT,
        public_id,
        joinedload(SurveySchool.survey).joinedload(Survey.school_year),
        joinedload(SurveySchool.school),
        selectinload(SurveySchool.flags).joinedload(SurveyFlag.answered_by),
        selectinload(SurveySchool.flags).joinedload(SurveyFlag.closed_by),
    )
    district = acting.role == Role.DISTRICT_STAFF
    flags = [flag for flag in row.flags if not district or not flag.is_with_school(acting.on)]
    return render(
        "surveys/result.html",
        row=row,
        survey=row.survey,
        shown=tables.of_school(row) if row.survey.state == SurveyState.RELEASED else None,
        flags=[(flag, FLAG_NAMES[FlagKind(flag.kind)], flagging.in_words(flag)) for flag in flags],
        with_school=len(row.flags) - len(flags),
        district=district,
        today=acting.on,
        form=form or WordsForm(formdata=None),
        wrong=wrong,
    )


def _row_of(flag: SurveyFlag) -> SurveySchool:
    return db.session.get_one(SurveySchool, flag.survey_school_id)


@bp.post("/flags/<public_id>/answer")
@requires(SURVEY_FLAG_ANSWER)
def answer_flag(public_id: str) -> Answer:
    """The principal says how it was."""
    flag, form = find(SURVEY_FLAG_ANSWER, public_id), WordsForm()
    row = _row_of(flag)
    if not form.validate():
        return _page(row.public_id, form, flag.public_id), 422
    flagging.answer(flag, form.words.data, actor())
    return commit_and_go(url_for_result(row), _("The district reads your answer."))


@bp.post("/flags/<public_id>/closing")
@requires(SURVEY_FLAG_CLOSE)
def close_flag(public_id: str) -> Answer:
    """The district says how it leaves it."""
    flag, form = find(SURVEY_FLAG_CLOSE, public_id), WordsForm()
    row = _row_of(flag)
    if not form.validate():
        return _page(row.public_id, form, flag.public_id), 422
    flagging.close(flag, form.words.data, actor())
    return commit_and_go(url_for_result(row), _("The school reads your words."))


def url_for_result(row: SurveySchool) -> str:
    """The address of the page of a school's results."""
    return url_for("surveys.result", public_id=row.public_id)
