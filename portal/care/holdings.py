"""What care holds about children: plans, files, watches and referrals go with the child."""

from collections import Counter
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
    ReferralCopy,
    Watch,
    WatchStep,
)
from portal.holdings import Act, Subject, end, held


def _through(column: Any, parent: Any) -> Callable[[Subject], Any]:
    return lambda subject: column.in_(select(parent.id).where(parent.pupil_id == subject.pupil_id))


OF_PUPIL = (CareMeasure, CarePlan, LeftBehind, Watch, Referral, CarePerson)
"""The tables that name a pupil."""
_PARTS = (
    (CareVersion, CareVersion.plan_id, CarePlan),
    (CareReview, CareReview.plan_id, CarePlan),
    (CareContact, CareContact.left_behind_id, LeftBehind),
    (Absence, Absence.watch_id, Watch),
    (WatchStep, WatchStep.watch_id, Watch),
    (Opening, Opening.referral_id, Referral),
    (ReferralCopy, ReferralCopy.referral_id, Referral),
)
HELD = (
    *(held(part, Act.ERASE, pupil=_through(column, whole)) for part, column, whole in _PARTS),
    *(held(row, Act.ERASE, pupil="pupil_id") for row in OF_PUPIL[:-1]),
    held(CarePerson, Act.ERASE, person="person_id", pupil="pupil_id"),
)


def forget(pupil_id: int) -> None:
    """Let everything go that care holds about one child, as erasure does, in the current transaction."""
    for holding in HELD:
        end(holding, holding.about(Subject(pupil_id=pupil_id)), Counter())
