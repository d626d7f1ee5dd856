"""The homes of a pupil: each household with the guardians a teacher may meet there."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import joinedload

from portal.extensions import db
from portal.i18n import listing
from portal.schools.models import Flag, Guardianship, GuardianshipFlag, Household, Pupil


@dataclass
class Home:
    """One household as a pupil's home."""

    household_id: int
    key: str
    guardians: list[Guardianship] = field(default_factory=list)

    @property
    def label(self) -> str:
        """妈妈和爸爸: the guardians by relation."""
        return listing([tie.relation for tie in self.guardians])


def homes_of(pupil: Pupil, on: date) -> list[Home]:
    """The pupil's households on a day; who is kept away by a court order is not among the people to meet."""
    restricted = exists().where(
        GuardianshipFlag.guardianship_id == Guardianship.id,
        GuardianshipFlag.kind == Flag.RESTRICTED,
        GuardianshipFlag.started_on <= on,
        or_(GuardianshipFlag.ended_on.is_(None), GuardianshipFlag.ended_on > on),
    )
    holds = and_(
        Guardianship.started_on <= on, or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > on)
    )
    rows = db.session.execute(
        select(Guardianship, Household.public_id)
        .join(Household, Household.id == Guardianship.household_id)
        .where(Guardianship.pupil_id == pupil.id, holds, ~restricted)
        .options(joinedload(Guardianship.person))
        .order_by(Guardianship.household_id, Guardianship.id)
    )
    homes: dict[int, Home] = {}
    for tie, key in rows:
        homes.setdefault(tie.household_id, Home(tie.household_id, key)).guardians.append(tie)
    return list(homes.values())
