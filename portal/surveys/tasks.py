"""What questionnaires put on the first page: to answer, to release, to decide, to look at. A principal finds questions in the list."""

from flask import url_for
from sqlalchemy import and_, distinct, func, or_, select

from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.prepared import Prepared, whoever
from portal.schools.models import School
from portal.surveys.models import Survey, SurveyFlag, SurveyHousehold, SurveySchool, SurveyState
from portal.surveys.policy import SURVEY_ANSWER, SURVEY_FLAG_CLOSE, SURVEY_SET
from portal.tasks import Task

MOST = 5


def tasks(actor: Actor) -> list[Task]:
    """What waits for this person."""
    match actor.role:
        case Role.GUARDIAN:
            return _to_answer(actor)
        case Role.DISTRICT_STAFF:
            return _district(actor)
        case _:
            return []


def _waiting() -> object:
    return (
        select(SurveyHousehold.public_id, School.name.label("school"), Survey.closes_on, Survey.blind)
        .join(SurveySchool, SurveySchool.id == SurveyHousehold.survey_school_id)
        .join(Survey, Survey.id == SurveySchool.survey_id)
        .join(School, School.id == SurveySchool.school_id)
        .where(SURVEY_ANSWER.within(whoever(Role.GUARDIAN)), SurveyHousehold.fetched.is_(False))
        .order_by(Survey.closes_on, SurveyHousehold.id)
        .limit(MOST)
    )


WAITING = Prepared(_waiting)  # type: ignore[arg-type]


def _to_answer(actor: Actor) -> list[Task]:
    return [
        Task(
            about=row.school,
            title=_("Answer a short questionnaire"),
            body=_(
                "Two or three minutes, without your name. The education office asks, the school does not see it."
            ),
            url=url_for("surveys.access", public_id=row.public_id) if row.blind else url_for("surveys.mine"),
            button=_("Begin to answer"),
            post_to=None if row.blind else url_for("surveys.fetch", public_id=row.public_id),
            due_on=row.closes_on,
        )
        for row in WAITING.all(db.session(), person=actor.person_id, day=actor.on)
    ]


def _district(actor: Actor) -> list[Task]:
    """Questionnaires to release, schools that wait for a second person, and questions about numbers that schools have answered
    or let pass. One query."""
    waits = and_(
        SurveySchool.void_asked_at.is_not(None),
        SurveySchool.voided_at.is_(None),
        SurveySchool.void_asked_by_id != actor.person_id,
    )
    asked = and_(SURVEY_FLAG_CLOSE.within(actor), SurveyFlag.closed_at.is_(None))
    rows = db.session.execute(
        select(
            Survey.public_id,
            Survey.name,
            Survey.state,
            func.count(distinct(SurveySchool.id)).filter(waits),
            func.count(SurveyFlag.id),
        )
        .join(SurveySchool, SurveySchool.survey_id == Survey.id)
        .outerjoin(SurveyFlag, and_(SurveyFlag.survey_school_id == SurveySchool.id, asked))
        .where(
            SURVEY_SET.within(actor),
            or_(Survey.state == SurveyState.CLOSED, waits, SurveyFlag.id.is_not(None)),
        )
        .group_by(Survey.id)
        .order_by(Survey.id)
        .limit(MOST)
    )
    found = []
    for public_id, name, state, waiting, questions in rows:
        url = url_for("surveys.show", public_id=public_id)
        if waiting:
            body = ngettext(
                "%(num)s school waits for a second person.",
                "%(num)s schools wait for a second person.",
                waiting,
            )
            found.append(Task(name, _("Decide whether answers count"), url, _("Look at it"), body))
        elif state == SurveyState.CLOSED:
            found.append(Task(name, _("Release the results of a questionnaire"), url, _("Look at it")))
        else:
            body = ngettext(
                "%(num)s question about the numbers of a school. Nothing follows by itself.",
                "%(num)s questions about the numbers of schools. Nothing follows by itself.",
                questions,
            )
            found.append(Task(name, _("Look at questions about a questionnaire"), url, _("Look at it"), body))
    return found
