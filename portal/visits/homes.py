"""The homes of a pupil: each household with the guardians a teacher may meet there."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import listing
from portal.schools.models import Flag, Guardianship, Household, Pupil
from portal.schools.policy import flagged, in_force


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
    that_day = Actor(person_id=0, role=Role.GUARDIAN, on=on)
    rows = db.session.execute(
        select(Guardianship, Household.public_id)
        .join(Household, Household.id == Guardianship.household_id)
        .where(
            Guardianship.pupil_id == pupil.id,
            in_force(Guardianship, that_day),
            ~flagged(that_day, Flag.RESTRICTED),
        )
        .options(joinedload(Guardianship.person))
        .order_by(Guardianship.household_id, Guardianship.id)
    )
    homes: dict[int, Home] = {}
    for tie, key in rows:
        homes.setdefault(tie.household_id, Home(tie.household_id, key)).guardians.append(tie)
    return list(homes.values())
