"""Messages to households: that a questionnaire waits, and once more to those who have neither fetched nor answered it."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.deliveries.kinds import Kind
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.row_security import all_rows
from portal.schools.models import Flag, Guardianship, GuardianshipFlag
from portal.surveys import codes
from portal.surveys.answering import has_answered
from portal.surveys.models import Survey, SurveyHousehold, SurveySchool, SurveyState
from portal.trail.models import note

BATCH = 200
BETWEEN = 3
"""Days between two reminders."""
LASTS = timedelta(days=5)
INVITED = Kind(
    "survey.invited",
    subject=_l("A short questionnaire of the education office"),
    text=_l(
        "The education office asks all families about how school and home work together. Two or three minutes, without your name. On the portal choose Answer with a code, and type %(code)s. It can be answered until %(day)s."
    ),
    takes=("code", "day"),
    secret=("code",),
    lasts=LASTS,
    path="/q/%(code)s",
    days=("day",),
    host="SURVEY_ORIGIN",
)
REMINDED = Kind(
    "survey.reminded",
    subject=_l("The questionnaire of the education office is still open"),
    text=_l(
        "Your answer to the questionnaire of the education office would help. Two or three minutes, without your name. On the portal choose Answer with a code, and type %(code)s. It can be answered until %(day)s. If you have answered, nothing is left to do."
    ),
    takes=("code", "day"),
    secret=("code",),
    lasts=LASTS,
    path="/q/%(code)s",
    days=("day",),
    host="SURVEY_ORIGIN",
)
WAITS = Kind(
    "survey.waits",
    subject=_l("A short questionnaire of the education office"),
    text=_l(
        "The education office asks all families about how school and home work together, until %(day)s. Two or three minutes, without your name. Sign in to the portal; it stands on your first page. If your family has answered, nothing is left to do."
    ),
    takes=("day",),
    lasts=LASTS,
    path="/surveys/mine",
    days=("day",),
)
"""In place of both where passes are signed blindly: a code in a message would be the weaker way for everybody."""


def remind(survey: Survey, by_id: int) -> None:
    """Let those who have not fetched it be reminded, in the current transaction; the messages follow in the job.

    RuleBroken when it is not open, or the last reminder is less than three days ago.
    """
    survey.refuse_unless(SurveyState.OPEN)
    today = clock.today()
    if survey.reminded_on is not None and (today - survey.reminded_on).days < BETWEEN:
        raise RuleBroken(_("Families were reminded less than three days ago. Give them time."))
    survey.reminded_on = today
    note("survey.reminded", survey, person_id=by_id)


def write_messages(survey_id: int) -> None:
    """Write the messages of an open questionnaire that are not written yet, some households in a transaction. Twice does nothing more."""
    survey = db.session.get_one(Survey, survey_id)
    if survey.state != SurveyState.OPEN or clock.today() > survey.closes_on:
        return
    kind, key = INVITED, survey.public_id
    if survey.reminded_on is not None:
        kind, key = REMINDED, f"{survey.public_id} {survey.reminded_on.isoformat()}"
    kind = WAITS if survey.blind else kind
    rows = db.session.scalars(
        select(SurveySchool.id).where(SurveySchool.survey_id == survey_id, SurveySchool.voided_at.is_(None))
    ).all()
    last_day = survey.closes_on.isoformat()
    db.session.commit()
    for row_id in rows:
        last = 0
        while (last := _write_batch(row_id, last, kind, key, last_day)) > 0:
            pass


def _write_batch(row_id: int, last: int, kind: Kind, key: str, last_day: str) -> int:
    with all_rows():
        homes = db.session.scalars(
            select(SurveyHousehold)
            .where(
                SurveyHousehold.survey_school_id == row_id,
                SurveyHousehold.id > last,
                SurveyHousehold.fetched.is_(False),
            )
            .order_by(SurveyHousehold.id)
            .limit(BATCH)
        ).all()
        people = _reachable([home.household_id for home in homes])
        for home in homes:
            person = people.get(home.household_id)
            if person is None or has_answered(home):
                continue
            values = {"day": last_day}
            if "code" in kind.takes:
                values["code"] = codes.shown(home.token or "")
            send(person, kind.name, values, key=f"{key} {home.survey_school_id}")
        last = homes[-1].id if homes else 0
        db.session.commit()
    return last


def _reachable(household_ids: list[int]) -> dict[int, Person]:
    """One guardian of each household who has a number or an address and whom no order keeps away: the first entered."""
    today = clock.today()
    shut = (
        select(GuardianshipFlag.guardianship_id)
        .where(
            GuardianshipFlag.kind.in_((Flag.RESTRICTED, Flag.UNCONFIRMED, Flag.LIMITED)),
            GuardianshipFlag.started_on <= today,
            GuardianshipFlag.ended_on.is_(None) | (GuardianshipFlag.ended_on > today),
        )
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Guardianship.household_id, Person)
        .join(Person, Person.id == Guardianship.person_id)
        .where(
            Guardianship.household_id.in_(household_ids),
            Guardianship.started_on <= today,
            Guardianship.ended_on.is_(None) | (Guardianship.ended_on > today),
            Guardianship.id.not_in(shut),
        )
        .order_by(Guardianship.id)
    )
    found: dict[int, Person] = {}
    for household_id, person in rows:
        if household_id not in found and (person.phone or person.email):
            found[household_id] = person
    return found
