"""Mistakes in the permission map are noticed: each mutant makes a cell answer otherwise than the oracle says."""

import csv
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from portal.access import PERMISSIONS, Actor, Permission
from portal.clock import today
from portal.config import ROOT
from portal.extensions import db
from tests.site.actors import PLAYERS, STAND_INS
from tests.site.belonging import BELONGS
from tests.site.matrix import IN_FORM, IN_QUERY, cells, key_of, rules
from tests.site.mutants import mutants, unchanged
from tests.site.oracle import Oracle, lines

ORACLE = Oracle(lines())
EVERY = 8
"""One mutant in so many is tried each time; all of them in the soak."""
SCOPES = list(csv.DictReader((ROOT / "tests/site/scopes.csv").read_text(encoding="utf-8").splitlines()))
LISTED = {line["permission"] for line in SCOPES}
"""Permissions of pages that only list: what they open is written by relation, since no address names a row."""

TEACHERS_WRITE_TO_CLASSES = "class teachers write to classes only, so the kind of audience says nothing more"
NEVER_TO_THE_PRINCIPAL = (
    "the database keeps opinions about the principal at the district (not_to_the_one_it_is_about)"
)

STANDS_NOWHERE = (
    "an administrator has no class, school, district or child, so every such scope leaves what is public"
)

NO_CLASS = "an office stands in no class, so what is about pupils of one's class adds nothing"

NO_DISTRICT = "a guardian's hat stands in no district, so the entries of it leave one's own"

EQUIVALENT: dict[str, str] = {
    "audit.read guardian reaches as by entries_of_district": NO_DISTRICT,
    "course.read system_admin reaches as by for_own_children": STANDS_NOWHERE,
    "course.read system_admin reaches as by for_own_class": STANDS_NOWHERE,
    "course.read system_admin reaches as by for_own_school": STANDS_NOWHERE,
    "course.read system_admin reaches as by of_district_tree": STANDS_NOWHERE,
    "course.read system_admin reaches as by own_lectures": STANDS_NOWHERE,
    "notice.write class_teacher without condition 1": TEACHERS_WRITE_TO_CLASSES,
    "notice.withdraw class_teacher without condition 1": TEACHERS_WRITE_TO_CLASSES,
    "opinion.answer principal without condition 1": NEVER_TO_THE_PRINCIPAL,
    "sealed_note.read school_office reaches as by own_sealed_notes": NO_CLASS,
    "sealed_note.write principal reaches as by own_visits_in_class_or_joined": NO_CLASS,
    "sealed_note.write school_office reaches as by own_visits_in_class_or_joined": NO_CLASS,
}
"""Mutants that change nothing anybody can notice, by name, with the reason."""


def standing_actor(crowd, player) -> Actor:
    """The actor whom a request of the player would have."""
    who = crowd.standing(player)
    place = who.place if player.actor not in ("leaver",) else None
    one = lambda ids: max(ids) if ids else None  # noqa: E731
    if place is None or who.role == "guardian":
        return Actor(who.person_id, who.role, today())
    return Actor(
        who.person_id, who.role, today(), None, one(place.districts), one(place.schools), one(place.classes)
    )


def opened(crowd, permission: Permission, player) -> set[str]:
    """The relations of the rows that a permission opens to a player."""
    actor = standing_actor(crowd, player)
    ids = set(db.session.scalars(select(permission.model.id).where(permission.within(actor))))
    key = permission.name if permission.name in BELONGS else permission.model
    related = crowd.related(player, key, permission.model)
    return {f"{word}{'' if ids >= {row.id for row in rows} else ' in part'}" for word, rows in related.items() if ids & {row.id for row in rows}}  # fmt: skip


def wanted(crowd, permission: Permission, player) -> set[str]:
    """The relations that ought to be open to a player, of those that occur."""
    apart = player.actor in ("restricted_guardian", "leaver")
    role = player.actor if apart else crowd.standing(player).role
    named = {
        line["relation"] for line in SCOPES if (line["permission"], line["role"]) == (permission.name, role)
    }
    key = permission.name if permission.name in BELONGS else permission.model
    return named & set(crowd.related(player, key, permission.model))


def names_row(rule) -> bool:
    """Whether an address, or what is sent to it, says which row is meant."""
    return bool(rule.arguments) or rule.endpoint in IN_QUERY or rule.endpoint in IN_FORM


def endpoints_of(app, permission: str) -> list[str]:
    """Where a permission stands: addresses that name a row first, and two of these are enough."""
    found = []
    for rule, method in rules(app):
        access = app.view_functions[rule.endpoint].access
        stands = isinstance(access, Permission) and access.name == permission
        if stands or key_of(app, rule.endpoint) == permission:
            found.append((not names_row(rule), method != "GET", rule.endpoint))
    ordered = list(dict.fromkeys(endpoint for _row, _method, endpoint in sorted(found)))
    return ordered[:2]


class Hunt:
    """Looks for a cell that gives a mutant away."""

    def __init__(self, app, crowd, knocker) -> None:
        self.app, self.crowd, self.knocker = app, crowd, knocker
        self.kept: dict[tuple[str, str], list] = {}
        self.naming = {rule.endpoint for rule, _method in rules(app) if names_row(rule)}
        self.knocking: dict[str, object] = {}

    def cells_of(self, permission: str, player) -> list:
        if (permission, player.actor) not in self.kept:
            where = endpoints_of(self.app, permission)
            found = [cell for cell in cells(self.app, self.crowd, player, where, rows=8)]
            reading = [cell for cell in found if cell.method == "GET" and cell.endpoint in self.naming]
            self.kept[permission, player.actor] = reading or found
        return self.kept[permission, player.actor]

    def clues(self, mutant) -> Iterator[str]:
        """What gives a mutant away, one thing after the other: rows that a list opens, then answers to knocks."""
        for player in (*PLAYERS, *STAND_INS):
            if self.crowd.standing(player).role == mutant.role:
                yield from self._by_listing(mutant, player)
                yield from self._by_knocking(mutant, player)

    def notices(self, mutant) -> bool:
        return next(self.clues(mutant), None) is not None

    def _by_listing(self, mutant, player) -> Iterator[str]:
        permission = PERMISSIONS[mutant.permission]
        if permission.name not in LISTED:
            return
        with mutant.applied():
            seen = opened(self.crowd, permission, player)
        ought = wanted(self.crowd, permission, player)
        if seen != ought:
            yield f"{mutant}: {player.actor} is shown {sorted(seen ^ ought)}"

    def _by_knocking(self, mutant, player) -> Iterator[str]:
        if player.actor not in self.knocking:
            self.knocking[player.actor] = self.knocker(player)
        knock = self.knocking[player.actor]
        for cell in self.cells_of(mutant.permission, player):
            expected = ORACLE.expected(cell.endpoint, cell.method, player.actor, cell.relation)
            with mutant.applied():
                status, _changed = knock.knock(cell)
            if status not in expected:
                yield f"{mutant}: {cell}: {status}, expected {sorted(expected)}"


ALL = mutants()


def test_there_are_many_mutants():
    assert len(ALL) >= 300
    assert len({str(mutant) for mutant in ALL}) == len(ALL)


@pytest.mark.parametrize("name", sorted(LISTED))
def test_lists_open_what_they_ought_to(app, crowd, name):
    permission = PERMISSIONS[name]
    for player in PLAYERS:
        if player.name is not None:
            assert opened(crowd, permission, player) == wanted(crowd, permission, player), player.actor


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_map_as_it_is_gives_nothing_away(app, crowd, knocker):
    """The control: what the hunt calls a clue is none while nothing is mistaken."""
    hunt = Hunt(app, crowd, knocker)
    clues = [clue for one in unchanged() for clue in hunt.clues(one)]

    assert not clues, "\n".join(clues)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(4))
def test_mutants_are_noticed(app, crowd, knocker, part):
    hunt = Hunt(app, crowd, knocker)
    alive = [
        str(one) for one in ALL[part::4][::EVERY] if str(one) not in EQUIVALENT and not hunt.notices(one)
    ]

    assert not alive, "\n".join(alive)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(8))
def test_all_mutants_are_noticed(app, crowd, knocker, part, record_property):
    hunt = Hunt(app, crowd, knocker)
    tried = [one for one in ALL[part::8] if str(one) not in EQUIVALENT]
    record_property("mutants", len(tried))
    alive = [str(one) for one in tried if not hunt.notices(one)]

    assert not alive, "\n".join(alive)


def test_equivalent_mutants_exist():
    assert set(EQUIVALENT) <= {str(mutant) for mutant in ALL}
