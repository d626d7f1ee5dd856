"""From a draft to the families: the schools of a questionnaire, and a token for each of their households."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import insert, select

from portal import clock
from portal.access import Actor, Role
from portal.errors import RuleBroken
from portal.extensions import db, new_public_id
from portal.i18n import gettext as _
from portal.row_security import all_rows
from portal.schools.models import (
    Enrolment,
    Flag,
    Grade,
    Guardianship,
    School,
    SchoolClass,
    SchoolStage,
    Stage,
)
from portal.schools.policy import flagged, in_force
from portal.surveys import blind as blind_signatures
from portal.surveys import codes
from portal.surveys.instrument import default_instrument
from portal.surveys.models import Survey, SurveyHousehold, SurveySchool, SurveyState
from portal.trail.models import note

SHORTEST_DAYS, LONGEST_DAYS = 3, 60
BATCH = 500
STAGE_ORDER = {stage.value: place for place, stage in enumerate(Stage)}


@dataclass(frozen=True)
class SchoolGroup:
    """Schools that a later feature names together, such as those of a round of rating."""

    key: str
    label: str
    school_ids: frozenset[int]


GROUPS: list[Callable[[Actor], Sequence[SchoolGroup]]] = []
"""Functions of later features that name groups of schools to whoever prepares a questionnaire."""


def prepare(
    district_id: int,
    school_year_id: int,
    schools: Sequence[School],
    name: str,
    closes_on: date,
    by_id: int | None,
    *,
    instrument: str = "",
    repeats_id: int | None = None,
    blind: bool = False,
) -> Survey:
    """A draft with its schools, in the current transaction."""
    survey = Survey(
        district_id=district_id,
        school_year_id=school_year_id,
        name=name,
        instrument=instrument or default_instrument(),
        state=SurveyState.DRAFT,
        closes_on=closes_on,
        repeats_id=repeats_id,
        blind=blind,
        created_by_id=by_id,
        created_at=clock.now(),
    )
    peers = _peers([school.id for school in schools])
    survey.schools = [
        SurveySchool(school_id=school.id, peers=peers.get(school.id, ""), void_reason="")
        for school in schools
    ]
    db.session.add(survey)
    db.session.flush()
    note("survey.prepared", survey, person_id=by_id, schools=len(schools), version=survey.version)
    return survey


def _peers(school_ids: Sequence[int]) -> dict[int, str]:
    """School → its stages in one word: schools with the same ones are alike."""
    found: dict[int, list[str]] = {}
    rows = db.session.execute(
        select(SchoolStage.school_id, SchoolStage.stage).where(SchoolStage.school_id.in_(school_ids))
    )
    for school_id, stage in rows:
        found.setdefault(school_id, []).append(stage)
    return {
        school_id: "+".join(sorted(stages, key=STAGE_ORDER.__getitem__))
        for school_id, stages in found.items()
    }


def open_to_families(survey: Survey, by_id: int | None) -> None:
    """Send a draft: from now on households get their tokens, school by school, in the job that follows.

    RuleBroken when it has gone out already, or its last day is too near or too far.
    """
    survey.refuse_unless(SurveyState.DRAFT)
    days = (survey.closes_on - clock.today()).days
    if not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        raise RuleBroken(
            _(
                "Families need at least %(least)s days and at most %(most)s. Change the last day first.",
                least=SHORTEST_DAYS,
                most=LONGEST_DAYS,
            )
        )
    survey.state, survey.opened_at = SurveyState.OPEN, clock.now()
    note("survey.opened", survey, person_id=by_id, closes_on=survey.closes_on.isoformat())


@dataclass(frozen=True)
class Home:
    """A household of a school and the class it is counted at: of its children there, the one in the lowest grade."""

    household_id: int
    class_id: int


def households_of(school_id: int, day: date) -> list[Home]:
    """The households with a child at a school on a day, each once; without guardians whom an order keeps away.

    A family that was split is two households; one with children in two classes is counted at the lower grade's.
    """
    that_day = Actor(person_id=0, role=Role.GUARDIAN, on=day)
    rows = db.session.execute(
        select(Guardianship.household_id, Enrolment.class_id, Grade.stage, Grade.level)
        .join(Enrolment, Enrolment.pupil_id == Guardianship.pupil_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(
            Enrolment.school_id == school_id,
            in_force(Enrolment, that_day),
            in_force(Guardianship, that_day),
            ~flagged(that_day, Flag.RESTRICTED, Flag.UNCONFIRMED),
        )
        .distinct()
    )
    chosen: dict[int, tuple[int, int, int]] = {}
    for household_id, class_id, stage, level in rows:
        place = (STAGE_ORDER[stage], level, class_id)
        chosen[household_id] = min(place, chosen.get(household_id, place))
    return [Home(household_id, place[2]) for household_id, place in sorted(chosen.items())]


def issue(row: SurveySchool) -> int:
    """Give every household of a school its token, and the school of a blind questionnaire its key, in the current transaction; how
    many households. Twice does nothing more."""
    if row.invited is not None:
        return 0
    if db.session.get_one(Survey, row.survey_id).blind:
        row.signing_key, row.modulus = blind_signatures.new_key()
    homes = households_of(row.school_id, clock.today())
    made: list[dict[str, Any]] = []
    for home in homes:
        public_id = new_public_id()
        made.append(
            {
                "public_id": public_id,
                "survey_school_id": row.id,
                "household_id": home.household_id,
                "class_id": home.class_id,
                "fetched": False,
                **SurveyHousehold.token.columns(codes.new_token(), public_id),
            }
        )
    for start in range(0, len(made), BATCH):
        db.session.execute(insert(SurveyHousehold), made[start : start + BATCH])
    row.invited = len(homes)
    return len(homes)


def issue_waiting() -> None:
    """Issue the tokens of all open questionnaires that still lack them, a school in a transaction."""
    waiting = db.session.scalars(
        select(SurveySchool.id)
        .join(Survey, Survey.id == SurveySchool.survey_id)
        .where(Survey.state == SurveyState.OPEN, SurveySchool.invited.is_(None))
        .order_by(SurveySchool.id)
    ).all()
    db.session.commit()
    for row_id in waiting:
        with all_rows():
            row = db.session.get_one(SurveySchool, row_id, with_for_update=True)
            issue(row)
            db.session.commit()
