"""What the roster of the portal holds about guardians and pupils."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from portal.holdings import Act, Subject, held
from portal.i18n import lazy_gettext as _l
from portal.schools.models import Enrolment, Guardianship, GuardianshipFlag, Household, HouseholdSplit, Pupil


def ties_of(subject: Subject) -> Any:
    """Ids of the guardianships of an adult or of a child."""
    mine = Guardianship.pupil_id == subject.pupil_id
    if subject.pupil_id is None:
        mine = Guardianship.person_id == subject.person_id
    return select(Guardianship.id).where(mine)


def of_ties(column: Any) -> Callable[[Subject], Any]:
    """How rows that hang on a guardianship are found by one of the two it ties."""
    return lambda subject: column.in_(ties_of(subject))


def _homes(subject: Subject) -> Any:
    homes = select(Guardianship.household_id).where(Guardianship.id.in_(ties_of(subject)))
    return Household.id.in_(homes)


NUMBERS = _l("That there was such a tie and place counts in the numbers of the school; it names nobody.")
held(Pupil, Act.EMPTY, pupil="id", why=_l("An empty shell, so that the log still holds."))
held(Enrolment, Act.EMPTY, pupil="pupil_id", blanks={"sourced_id": None}, why=NUMBERS)
held(
    Guardianship,
    Act.EMPTY,
    person="person_id",
    pupil="pupil_id",
    blanks={"relation": "", "sourced_id": None},
    why=NUMBERS,
)
held(
    GuardianshipFlag,
    Act.ERASE,
    person=of_ties(GuardianshipFlag.guardianship_id),
    pupil=of_ties(GuardianshipFlag.guardianship_id),
)
held(Household, Act.EMPTY, person=_homes, pupil=_homes, blanks={"reason": ""}, why=NUMBERS)
held(HouseholdSplit, Act.KEEP, why=NUMBERS)
