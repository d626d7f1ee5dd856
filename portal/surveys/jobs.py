"""What questionnaires do by themselves: tokens and messages after the opening, the night's reports of pressure, the closing."""

from sqlalchemy import select

from portal.extensions import db
from portal.jobs.queue import every, task
from portal.row_security import all_rows
from portal.surveys import closing, inviting, sending
from portal.surveys.answering import gather_pressure
from portal.surveys.models import Survey, SurveySchool, SurveyState


@task
@every(600)
def invite_waiting() -> None:
    """Give out the tokens of questionnaires that have been opened."""
    inviting.issue_waiting()


@task
def write_messages(survey_id: int) -> None:
    """Tell families that a questionnaire waits, or remind them."""
    inviting.issue_waiting()
    sending.write_messages(survey_id)


@task
@every(900)
def count_waiting() -> None:
    """Close what is due and count what is closed."""
    closing.close_due()
    closing.count_waiting()


@every(86_400)
def gather() -> None:
    """Once a day, take the reports of pressure out of all boxes together."""
    open_ones = db.session.scalars(
        select(SurveySchool.id)
        .join(Survey, Survey.id == SurveySchool.survey_id)
        .where(Survey.state == SurveyState.OPEN)
        .order_by(SurveySchool.id)
    ).all()
    db.session.commit()
    for row_id in open_ones:
        with all_rows():
            gather_pressure(db.session.get_one(SurveySchool, row_id))
            db.session.commit()
