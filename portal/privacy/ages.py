"""Under 14, or 14 to 18: told by the grade, because no birthday is stored.

Children start school at six (Compulsory Education Law, art. 11), so grade eight is the last in which some are still
thirteen. A grade with children on both sides of fourteen counts as under 14: the stricter rule protects them all.
"""

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import select

from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.schools.models import Enrolment, Grade, SchoolClass, Stage


class Band(StrEnum):
    """The two groups that the yearly report on minors' data counts apart."""

    UNDER_14 = "under_14"
    FROM_14 = "from_14"


BAND_NAMES = {Band.UNDER_14: _l("Under 14"), Band.FROM_14: _l("14 to 18")}
LAST_JUNIOR_LEVEL_UNDER_14 = 2


def band(stage: str, level: int) -> Band:
    """The group of a grade; ``level`` counts from 1 within the stage."""
    if stage in (Stage.KINDERGARTEN, Stage.PRIMARY):
        return Band.UNDER_14
    if stage == Stage.JUNIOR and level <= LAST_JUNIOR_LEVEL_UNDER_14:
        return Band.UNDER_14
    return Band.FROM_14


def bands(pupil_ids: Collection[int]) -> dict[int, Band]:
    """Pupil id → group by the newest grade; a child without any class counts as under 14. One query."""
    found = dict.fromkeys(pupil_ids, Band.UNDER_14)
    rows = db.session.execute(
        select(Enrolment.pupil_id, Grade.stage, Grade.level)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(Enrolment.pupil_id.in_(pupil_ids))
        .order_by(Enrolment.started_on, Enrolment.id)
    )
    for pupil_id, stage, level in rows:
        found[pupil_id] = band(stage, level)
    return found
