"""Households of new guardians: all guardians of a pupil and of the siblings they share count as one."""

from typing import Any

from sqlalchemy import Connection, insert, select

from portal.extensions import new_public_id
from portal.roster.existing import pieces
from portal.roster.journal import NewIds, changes_of, table
from portal.roster.models import Action, RosterChange
from portal.schools.models import Guardianship, Household


class Circles:
    """Pupils and adults that belong together (union by reference; numbers are ids or, negative, new rows)."""

    def __init__(self) -> None:
        self.above: dict[int, int] = {}

    def root(self, node: int) -> int:
        """The one that stands for a circle."""
        at = node
        while (above := self.above.get(at, at)) != at:
            self.above[at] = self.above.get(above, above)
            at = above
        return at

    def join(self, one: int, other: int) -> None:
        """Make one circle of two."""
        one, other = self.root(one), self.root(other)
        self.above[one] = other
        self.above.setdefault(other, other)


def pupil_node(reference: int) -> int:
    """A number for a pupil, apart from those of adults."""
    return reference * 2


def person_node(reference: int) -> int:
    """A number for an adult, apart from those of pupils."""
    return reference * 2 + 1


def give_households(connection: Connection, import_id: int, ids: NewIds, today: Any) -> dict[int, int]:
    """Form the households that new guardians need; gives the household of each new tie by its ordinal.

    A circle in which someone has a household already keeps that one, so families that a school has split stay split.
    """
    circles = Circles()
    ties: list[tuple[int, int]] = []
    pupils: set[int] = set()
    people: set[int] = set()
    for batch in changes_of(connection, import_id, "guardianship", Action.ADD):
        for change in batch:
            pupil, person = change.after["pupil_id"], change.after["person_id"]
            circles.join(pupil_node(pupil), person_node(person))
            ties.append((change.ordinal, pupil_node(pupil)))
            pupils |= {pupil} if pupil > 0 else set()
            people |= {person} if person > 0 else set()
    homes = known_homes(connection, circles, pupils, people)
    new_roots = list(dict.fromkeys(root for _at, node in ties if (root := circles.root(node)) not in homes))
    form(connection, import_id, ids, len(new_roots), today)
    homes |= {root: ids.of("household", -place) for place, root in enumerate(new_roots, start=1)}
    return {ordinal: homes[circles.root(node)] for ordinal, node in ties}


def known_homes(
    connection: Connection, circles: Circles, pupils: set[int], people: set[int]
) -> dict[int, int]:
    """The household a circle has already, that of its pupils before that of its adults."""
    homes: dict[int, int] = {}
    for column, members, node in (
        (Guardianship.pupil_id, pupils, pupil_node),
        (Guardianship.person_id, people, person_node),
    ):
        for piece in pieces(sorted(members)):
            query = (
                select(column.label("member"), Guardianship.household_id)
                .where(column.in_(piece), Guardianship.ended_on.is_(None))
                .order_by(Guardianship.id)
            )
            for row in connection.execute(query):
                homes.setdefault(circles.root(node(row.member)), row.household_id)
    return homes


def form(connection: Connection, import_id: int, ids: NewIds, count: int, today: Any) -> None:
    """Insert new households and note them among the changes, so that they can be taken back."""
    ids.reserve("household", count)
    for piece in pieces(range(1, count + 1)):
        records = [ids.of("household", -place) for place in piece]
        rows = [{"id": record, "public_id": new_public_id(), "formed_on": today} for record in records]
        connection.execute(insert(table(Household.__tablename__)), rows)
        connection.execute(
            insert(RosterChange),
            [
                {
                    "import_id": import_id,
                    "table_name": "household",
                    "action": Action.ADD,
                    "record_id": record,
                    "ordinal": place,
                    "is_shown": False,
                }
                for place, record in zip(piece, records, strict=True)
            ],
        )
