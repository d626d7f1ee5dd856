"""Printed slips for households that the portal does not reach: one code for each, a class at a time, until the closing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import selectinload

from portal import clock, documents, i18n
from portal.accounts.models import Person
from portal.extensions import db
from portal.i18n import gettext as _
from portal.joining.printing import printable, qr
from portal.schools.models import Enrolment, Grade, Guardianship, Pupil, School, SchoolClass
from portal.surveys import codes
from portal.surveys.models import Survey, SurveyHousehold, SurveySchool
from portal.surveys.origin import address

MOST_SLIPS = 80


def _has_account() -> ColumnElement[bool]:
    """Condition on SurveyHousehold: somebody of the household can sign in today."""
    today = clock.today()
    return (
        select(Guardianship.id)
        .join(Person, Person.id == Guardianship.person_id)
        .where(
            Guardianship.household_id == SurveyHousehold.household_id,
            Guardianship.started_on <= today,
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > today),
            Person.password_hash.is_not(None),
        )
        .exists()
    )


@dataclass(frozen=True)
class ClassLine:
    """A class of a questionnaire: households that are asked, those without an account."""

    public_id: str
    school: str
    name: str
    households: int
    without: int


def classes_of(survey: Survey) -> list[ClassLine]:
    """The classes of an open questionnaire, by school and grade. One query."""
    rows = db.session.execute(
        select(
            SchoolClass.public_id,
            School.name,
            SchoolClass.name,
            func.count(SurveyHousehold.id),
            func.count(SurveyHousehold.id).filter(~_has_account()),
        )
        .join(SurveySchool, SurveySchool.id == SurveyHousehold.survey_school_id)
        .join(SchoolClass, SchoolClass.id == SurveyHousehold.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .join(School, School.id == SurveySchool.school_id)
        .where(SurveySchool.survey_id == survey.id, SurveySchool.voided_at.is_(None))
        .group_by(SchoolClass.id, School.id, Grade.id)
        .order_by(School.name_pinyin, School.id, Grade.stage, Grade.level, SchoolClass.number)
    )
    return [ClassLine(*row) for row in rows]


def to_print(survey: Survey, class_public_id: str, *, everybody: bool) -> Sequence[SurveyHousehold]:
    """The households of a class for which slips are printed: those without an account, or all; at most eighty."""
    wanted = (
        select(SurveyHousehold)
        .join(SurveySchool, SurveySchool.id == SurveyHousehold.survey_school_id)
        .join(SchoolClass, SchoolClass.id == SurveyHousehold.class_id)
        .where(
            SurveySchool.survey_id == survey.id,
            SurveySchool.voided_at.is_(None),
            SchoolClass.public_id == class_public_id,
            SurveyHousehold.token_index.is_not(None),
        )
        .options(selectinload(SurveyHousehold.school_class), selectinload(SurveyHousehold.survey_school))
        .order_by(SurveyHousehold.id)
        .limit(MOST_SLIPS)
    )
    return db.session.scalars(wanted if everybody else wanted.where(~_has_account())).all()


def paper(survey: Survey, homes: Sequence[SurveyHousehold]) -> bytes:
    """The slips as PDF, eight on a page, and mark them as handed out, in the current transaction."""
    school = db.session.get_one(School, homes[0].survey_school.school_id)
    children = _children(homes)
    until = i18n.day(survey.closes_on)
    drawn = [_drawn(home, school, children.get(home.household_id, []), until) for home in homes]
    for home in homes:
        home.fetched = True
    return documents.pdf(
        "survey_slips",
        {
            "title": _("Slips for a questionnaire"),
            "slips": drawn,
            "words": {
                "code": _("Code of the questionnaire"),
                "scan": _("Scan in WeChat, or open the address"),
                "fold": _("Fold here, so that the code lies inside"),
                "keep": _("One answer for each family. The code tells nobody who you are."),
            },
        },
    )


def _drawn(home: SurveyHousehold, school: School, names: list[str], until: str) -> dict[str, Any]:
    token = home.token or ""
    start = address("answers.start", whole=True)
    return {
        "school": school.name,
        "class": home.school_class.name,
        "child": printable("、".join(names)),
        "code": codes.shown(token),
        "address": start.split("://", 1)[-1].rstrip("/"),
        "qr": qr(address("answers.questionnaire", whole=True, token=token)),
        "lead": _("The education office asks: how do school and home work together?"),
        "sentences": [
            _("Scan the square, or open the address and type the code."),
            _("Two or three minutes. No name is asked, and none is kept with the answer."),
            _(
                "The school does not see what you answer. If anybody tells you what to choose, you can say so there."
            ),
        ],
        "until": _("Until %(day)s", day=until),
    }


def _children(homes: Sequence[SurveyHousehold]) -> dict[int, list[str]]:
    """Household → its children in the class the slips are for."""
    today = clock.today()
    rows = db.session.execute(
        select(Guardianship.household_id, Pupil.name)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .join(Enrolment, and_(Enrolment.pupil_id == Pupil.id, Enrolment.class_id == homes[0].class_id))
        .where(
            Guardianship.household_id.in_([home.household_id for home in homes]),
            Guardianship.started_on <= today,
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > today),
            Enrolment.ended_on.is_(None),
        )
        .distinct()
        .order_by(Pupil.name)
    )
    found: dict[int, list[str]] = {}
    for household_id, name in rows:
        found.setdefault(household_id, []).append(name)
    return found
