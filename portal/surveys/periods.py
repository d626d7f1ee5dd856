"""How long answers, free words and reports of pressure are kept after the release; the released tables stay."""

from datetime import date
from typing import Any

from portal.i18n import lazy_gettext as _l
from portal.periods import Due, after, gone, kind, shown
from portal.surveys.models import Survey, SurveyAnswer, SurveyPressure, SurveyRemark, SurveySchool


def _due(model: Any, until: date) -> Due:
    begun = Survey.released_at
    rows = (
        shown(model.key, SurveySchool.school_id, begun, Survey.name)
        .join(SurveySchool, SurveySchool.id == model.survey_school_id)
        .join(Survey, Survey.id == SurveySchool.survey_id)
        .where(begun < after(until))
    )
    return Due(rows, lambda keys: gone(model, model.key, keys))


@kind(_l("Answers to questionnaires"), _l("Gone; the released tables stay"), days=90, least=30)
def survey_answers(until: date) -> Due:
    """Three months after the release, for questions about the counting (SECURITY contract 5.4)."""
    return _due(SurveyAnswer, until)


@kind(_l("Free words in questionnaires"), _l("Gone"), months=12, least=3)
def survey_remarks(until: date) -> Due:
    """A year after the release, so that the next questionnaire can be laid beside them. Ours: no rule sets a time."""
    return _due(SurveyRemark, until)


@kind(
    _l("Reports of pressure in questionnaires"),
    _l("Gone; that a school's answers did not count stays"),
    months=36,
    least=12,
)
def survey_reports(until: date) -> Due:
    """Three years after the release, as long as a procedure about them may take. Ours: no rule sets a time."""
    return _due(SurveyPressure, until)
