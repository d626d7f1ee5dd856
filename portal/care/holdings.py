"""What care holds about children: plans, files, watches and referrals go with the child."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from portal.care.models import (
    Absence,
    CareContact,
    CareMeasure,
    CarePerson,
    CarePlan,
    CareReview,
    CareVersion,
    LeftBehind,
    Opening,
    Referral,
    Watch,
    WatchStep,
)
from portal.holdings import Act, Subject, held


def _through(column: Any, parent: Any) -> Callable[[Subject], Any]:
    return lambda subject: column.in_(select(parent.id).where(parent.pupil_id == subject.pupil_id))


for _part, _column, _whole in (
    (CareVersion, CareVersion.plan_id, CarePlan),
    (CareReview, CareReview.plan_id, CarePlan),
    (CareContact, CareContact.left_behind_id, LeftBehind),
    (Absence, Absence.watch_id, Watch),
    (WatchStep, WatchStep.watch_id, Watch),
    (Opening, Opening.referral_id, Referral),
):
    held(_part, Act.ERASE, pupil=_through(_column, _whole))
for _row in (CareMeasure, CarePlan, LeftBehind, Watch, Referral):
    held(_row, Act.ERASE, pupil="pupil_id")
held(CarePerson, Act.ERASE, person="person_id", pupil="pupil_id")
