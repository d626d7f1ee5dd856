"""Peer groups: schools of the same stage and about the same size, so that a chart compares like with like.

Never a list by points, and never a group so small that one school can be told from the others.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

LEAST = 10
"""Schools in a group at least; below that there is no comparison (as with relative cut points)."""
SIZES = (300, 900, 1_800)
"""Pupils at which a school is small, middling, large or very large: up to one class a grade, three, six."""


@dataclass(frozen=True)
class Kind:
    """What makes schools comparable: the stages they offer, their pupils, and where they lie ("" where nobody says)."""

    stages: frozenset[str]
    pupils: int
    place: str = ""

    @property
    def size(self) -> int:
        """0 for the smallest schools up to 3 for the largest."""
        return sum(self.pupils > limit for limit in SIZES)


@dataclass(frozen=True)
class Peers:
    """A group: the ids of its schools, the stages they share, its span of sizes, and the place where all lie there."""

    schools: frozenset[int]
    stages: frozenset[str]
    sizes: tuple[int, int]
    place: str = ""


def groups(schools: Mapping[int, Kind], least: int = LEAST) -> list[Peers]:
    """Groups of at least ``least`` schools; every school stands in one group or, where it has too few of its kind, in none.

    First by stages, place and size; too small a group takes in the next size of the same place, then other places of the
    same stages. Schools of different stages are never put together. The order of the schools changes nothing.
    """
    by_stages: dict[frozenset[str], dict[int, Kind]] = defaultdict(dict)
    for key in sorted(schools):
        by_stages[schools[key].stages][key] = schools[key]
    found: list[Peers] = []
    for stages in sorted(by_stages, key=sorted):
        found += _of_stages(stages, by_stages[stages], least)
    return found


def of(school_id: int, among: list[Peers]) -> Peers | None:
    """The group of a school; None when it has none."""
    return next((group for group in among if school_id in group.schools), None)


def _of_stages(stages: frozenset[str], schools: Mapping[int, Kind], least: int) -> list[Peers]:
    if len(schools) < least:
        return []
    places: dict[str, dict[int, Kind]] = defaultdict(dict)
    for key, kind in schools.items():
        places[kind.place][key] = kind
    few = {place for place, own in places.items() if len(own) < least}
    if few:
        return _by_size(stages, schools, least, "")
    return [group for place in sorted(places) for group in _by_size(stages, places[place], least, place)]


def _by_size(stages: frozenset[str], schools: Mapping[int, Kind], least: int, place: str) -> list[Peers]:
    """Neighbouring sizes are put together from the smallest on; what is left over joins the last group."""
    found: list[Peers] = []
    own: set[int] = set()
    begun = 0
    for size in range(len(SIZES) + 1):
        own |= {key for key, kind in schools.items() if kind.size == size}
        if len(own) >= least:
            found.append(Peers(frozenset(own), stages, (begun, size), place))
            own, begun = set(), size + 1
    if own:
        last = found.pop()
        found.append(Peers(last.schools | own, stages, (last.sizes[0], len(SIZES)), place))
    return found
