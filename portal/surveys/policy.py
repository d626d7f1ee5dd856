"""Who does what with questionnaires.

- District staff prepare, send, close, release and void those of their own district; nobody of a school ever sends one.
- A guardian opens the questionnaire of the own household about the school of a child cared for in full.
- A principal sees how many households of the school are asked and have answered, and what was released of it; never more.
- What families say about pressure, and their free words, are the district's alone.
"""

from sqlalchemy import ColumnElement, and_, exists, or_, select

from portal.access import Actor, Permission, Role
from portal.row_security import wall
from portal.schools.models import Guardianship, Pupil
from portal.schools.policy import full_guardianship
from portal.surveys.models import (
    Survey,
    SurveyAnswer,
    SurveyBox,
    SurveyFlag,
    SurveyHousehold,
    SurveyPressure,
    SurveyRemark,
    SurveySchool,
    SurveyState,
)


def surveys_of_district(actor: Actor) -> ColumnElement[bool]:
    """Questionnaires of the actor's own district."""
    return Survey.district_id == actor.district_id


def _of_surveys(actor: Actor) -> ColumnElement[bool]:
    return SurveySchool.survey_id.in_(select(Survey.id).where(surveys_of_district(actor)))


def schools_of_own_surveys(actor: Actor) -> ColumnElement[bool]:
    """Schools in questionnaires of the actor's own district."""
    return _of_surveys(actor)


def own_school_once_sent(actor: Actor) -> ColumnElement[bool]:
    """The actor's school in questionnaires that have been sent."""
    sent = select(Survey.id).where(Survey.state != SurveyState.DRAFT)
    return and_(SurveySchool.school_id == actor.school_id, SurveySchool.survey_id.in_(sent))


def open_and_ones_own(actor: Actor) -> ColumnElement[bool]:
    """Households of the actor that are asked now about a school of a child the actor cares for in full."""
    tie = (
        exists()
        .where(
            full_guardianship(actor),
            Guardianship.household_id == SurveyHousehold.household_id,
            Guardianship.pupil_id == Pupil.id,
            Pupil.school_id == SurveySchool.school_id,
        )
        .correlate(SurveyHousehold, SurveySchool)
    )
    return (
        exists()
        .where(
            SurveySchool.id == SurveyHousehold.survey_school_id,
            Survey.id == SurveySchool.survey_id,
            Survey.state == SurveyState.OPEN,
            Survey.closes_on >= actor.on,
            SurveySchool.voided_at.is_(None),
            tie,
        )
        .correlate(SurveyHousehold)
    )


def flags_of_own_surveys(actor: Actor) -> ColumnElement[bool]:
    """Questions about numbers of the district's questionnaires, once the school has had its say."""
    had_its_say = or_(
        SurveyFlag.answered_at.is_not(None), SurveyFlag.due_on < actor.on, SurveyFlag.closed_at.is_not(None)
    )
    schools = select(SurveySchool.id).where(_of_surveys(actor))
    return and_(SurveyFlag.survey_school_id.in_(schools), had_its_say)


def flags_of_own_school(actor: Actor) -> ColumnElement[bool]:
    """Questions about numbers of the actor's own school."""
    own = select(SurveySchool.id).where(SurveySchool.school_id == actor.school_id)
    return SurveyFlag.survey_school_id.in_(own)


SURVEY_SET = Permission("survey.set", Survey, "F1", {Role.DISTRICT_STAFF: surveys_of_district})
SURVEY_VOICES = Permission("survey.voices", Survey, "F4", {Role.DISTRICT_STAFF: surveys_of_district})
SURVEY_SCHOOL_SET = Permission(
    "survey.school.set", SurveySchool, "F1", {Role.DISTRICT_STAFF: schools_of_own_surveys}
)
SURVEY_RESULT = Permission(
    "survey.result",
    SurveySchool,
    "F1",
    {Role.DISTRICT_STAFF: schools_of_own_surveys, Role.PRINCIPAL: own_school_once_sent},
)
SURVEY_ANSWER = Permission("survey.answer", SurveyHousehold, "F2", {Role.GUARDIAN: open_and_ones_own})
SURVEY_FLAG_ANSWER = Permission("survey.flag.answer", SurveyFlag, "F1", {Role.PRINCIPAL: flags_of_own_school})
SURVEY_FLAG_CLOSE = Permission(
    "survey.flag.close", SurveyFlag, "F1", {Role.DISTRICT_STAFF: flags_of_own_surveys}
)


def _remarks_within_reach(actor: Actor) -> ColumnElement[bool]:
    return SurveyRemark.survey_school_id.in_(select(SurveySchool.id).where(_of_surveys(actor)))


def _reports_within_reach(actor: Actor) -> ColumnElement[bool]:
    return SurveyPressure.survey_school_id.in_(select(SurveySchool.id).where(_of_surveys(actor)))


wall(SurveyBox, {})
wall(SurveyAnswer, {})
wall(SurveyRemark, {Role.DISTRICT_STAFF: _remarks_within_reach})
wall(SurveyPressure, {Role.DISTRICT_STAFF: _reports_within_reach})
