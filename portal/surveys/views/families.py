"""The questionnaires that wait for a family."""

from flask import redirect, url_for
from flask_login import current_user
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import cookies, i18n
from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.surveys.models import SurveyHousehold, SurveySchool
from portal.surveys.policy import SURVEY_ANSWER
from portal.surveys.views.blueprint import bp
from portal.templating import render

MOST = 20
YEAR = 365 * 24 * 3600


@bp.get("/mine")
@requires(SURVEY_ANSWER)
def mine() -> str:
    """What may be answered now, one for each school of one's children."""
    invited = db.session.scalars(
        SURVEY_ANSWER.rows(actor())
        .options(
            joinedload(SurveyHousehold.survey_school).joinedload(SurveySchool.survey),
            joinedload(SurveyHousehold.survey_school).joinedload(SurveySchool.school),
        )
        .order_by(SurveyHousehold.id)
        .limit(MOST)
    ).all()
    return render("surveys/mine.html", invited=invited)


@bp.post("/mine/<public_id>")
@requires(SURVEY_ANSWER)
def fetch(public_id: str) -> Response:
    """Fetch one's questionnaire: that it was fetched is kept, for the reminder; what follows knows nobody.

    A bare redirect: ``commit_and_go`` would keep the address with its token beside the person.
    """
    invited = find(SURVEY_ANSWER, public_id)
    token = invited.token
    if token is None:
        raise RuleBroken(_("This questionnaire is closed."))
    invited.fetched = True
    db.session.commit()
    answer = redirect(url_for("answers.questionnaire", token=token), 303)
    if current_user.elder:
        cookies.keep(answer, "elder", "1", YEAR)
    if current_user.language in i18n.LANGUAGES:
        cookies.keep(answer, i18n.COOKIE, current_user.language, YEAR)
    return answer
