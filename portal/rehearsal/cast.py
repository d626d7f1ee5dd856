"""Who and what stands in the rehearsal town, for those who add their part to it."""

from dataclasses import dataclass, field
from datetime import date

from portal import clock
from portal.accounts.models import Person
from portal.schools.models import District, Pupil, School, SchoolClass, Term


@dataclass
class Town:
    """What was built, by the names people call each other."""

    people: dict[str, Person] = field(default_factory=dict)
    pupils: dict[str, Pupil] = field(default_factory=dict)
    classes: dict[str, SchoolClass] = field(default_factory=dict)
    schools: dict[str, School] = field(default_factory=dict)
    districts: dict[str, District] = field(default_factory=dict)
    terms: list[Term] = field(default_factory=list)
    today: date = field(default_factory=clock.today)
    start: date = date(2026, 9, 1)
    _phone: int = 0
    _hash: str = ""

    def next_phone(self) -> str:
        """An invented number of a block that no operator hands out."""
        self._phone += 1
        return f"+8619900{self._phone:06d}"
