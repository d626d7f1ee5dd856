"""The questionnaires that wait for a family."""

from typing import Any

from flask import redirect, request, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import i18n
from portal.access import actor, find, requires
from portal.extensions import db
from portal.surveys import fetching
from portal.surveys.blind import encoded
from portal.surveys.fetching import take_code
from portal.surveys.models import SurveyHousehold, SurveySchool
from portal.surveys.origin import address
from portal.surveys.policy import SURVEY_ANSWER
from portal.surveys.views.blueprint import Answer, bp
from portal.templating import render

MOST = 20


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


def _locked(public_id: str) -> SurveyHousehold:
    """The invitation within reach with its school, with nobody else changing it until this request is done."""
    if request.method == "POST":
        db.session.execute(
            select(SurveyHousehold.id).where(SurveyHousehold.public_id == public_id).with_for_update()
        )
    return find(
        SURVEY_ANSWER,
        public_id,
        joinedload(SurveyHousehold.survey_school).joinedload(SurveySchool.survey),
        joinedload(SurveyHousehold.survey_school).joinedload(SurveySchool.school),
    )


@bp.get("/mine/<public_id>")
@requires(SURVEY_ANSWER)
def access(public_id: str) -> Answer:
    """How one gets at a questionnaire whose passes are signed blindly: with the browser's help, or with the code."""
    invited = _locked(public_id)
    if not invited.survey_school.survey.blind:
        return redirect(url_for(".mine"), 303)
    return render(
        "surveys/access.html", invited=invited, row=invited.survey_school, encoded=encoded, as_read=_as_read()
    )


@bp.post("/mine/<public_id>/signature")
@requires(SURVEY_ANSWER)
def sign(public_id: str) -> Response:
    """Sign what the browser blinded. The page that follows takes the blinding away; the pass itself never comes by here."""
    fetching.sign(_locked(public_id), request.form.get("blinded", ""))
    db.session.commit()
    return redirect(url_for(".access", public_id=public_id), 303)


@bp.post("/mine/<public_id>")
@requires(SURVEY_ANSWER)
def fetch(public_id: str) -> Response:
    """Fetch one's questionnaire: that it was fetched is kept, for the reminder; what follows knows nobody.

    A bare redirect: ``commit_and_go`` would keep the address with its token beside the person.
    """
    invited = _locked(public_id)
    token = take_code(invited)
    db.session.commit()
    return redirect(address("answers.questionnaire", **_as_read(), token=token), 303)


def _as_read() -> dict[str, Any]:
    """How the pages of answering, which know nobody, are to look for this person."""
    return {"elder": "1" if current_user.elder else "0", "language": i18n.current().tag}
