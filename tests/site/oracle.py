"""What access ought to be: the lines written by hand in every ``tests/<feature>/access.csv``, and how they are read.

A relation without a line is closed (404) for a role that has lines of its own at the endpoint; ``any`` speaks for all
relations. ``in`` stands for "the guard lets this change in": what then happens depends on the form.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.access import Role
from portal.config import ROOT
from tests.site.belonging import CLASS_HATS, DISTRICT_HATS, SCHOOL_HATS

IN = frozenset({200, 303, 409, 412, 422})
RELATIONS = {
    "own",
    "other_household",
    "same_class",
    "same_school",
    "same_district",
    "other_district",
    "past",
    "limited",
    "switched_off",
    "oneself",
    "stranger",
    "absent",
    "any",
}
STATES = set(
    [
        "",
        "draft",
        "undecided",
        "withdrawn",
        "ended",
        "public",
        "missed",
        "of_school",
        "money",
        "early",
        "held",
        "published",
        "unrated",
        "answered",
        "straight",
        "straight_lifted",
        "about_principal",
        "lifted",
        "reopened",
        "at_district",
        "decided",
        "shut",
        "ended",
        "of_class",
        "of_office",
        "head",
        "of_administration",
        "lent",
        "class_teacher",
        "principal",
        "of_staff",
        "scan",
        "of_head",
        "overdue",
        "kept_back",
        "of_other_school",
        "with_faults",
        "escalated",
        "with_school",
        "unsent",
        "handed_in",
    ]
)
ROLES = {role.value for role in Role} | {"anonymous", "restricted_guardian", "leaver"}
ROLES |= {"stand_in_teacher", "stand_in_principal"}
WEARS = {
    "restricted_guardian": "guardian",
    "leaver": "guardian",
    "grandparent": "guardian",
    "stand_in_teacher": "class_teacher",
    "stand_in_principal": "principal",
}
"""Whose hat an actor wears when no line speaks of the actor in particular."""

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Line:
    """One line of the oracle, and where it stands."""

    endpoint: str
    method: str
    role: str
    relation: str
    status: str
    where: str

    @property
    def key(self) -> Key:
        return self.endpoint, self.method, self.role, self.relation


def lines(folder: Path = ROOT / "tests") -> list[Line]:
    """Every line of every feature."""
    found = []
    for path in sorted(folder.glob("*/access.csv")):
        for number, row in enumerate(csv.DictReader(path.read_text(encoding="utf-8").splitlines()), 2):
            found.append(Line(**row, where=f"{path.parent.name}:{number}"))
    return found


def alias(role: str) -> str | None:
    """What "own" is called by those who name it after the place."""
    for hats, word in (
        (CLASS_HATS, "same_class"),
        (SCHOOL_HATS, "same_school"),
        (DISTRICT_HATS, "same_district"),
    ):
        if role in hats:
            return word
    return None


class Oracle:
    """The lines, to be asked."""

    def __init__(self, found: Iterable[Line]) -> None:
        self.lines = list(found)
        self.table = {line.key: line for line in self.lines}

    def speaks_of(self, endpoint: str, method: str, role: str) -> bool:
        """Whether a role has any line at an endpoint, of its own or by the hat it wears."""
        return any(
            line.endpoint == endpoint and line.method == method and line.role in (role, WEARS.get(role))
            for line in self.lines
        )

    def expected(self, endpoint: str, method: str, actor: str, relation: str) -> frozenset[int]:
        """The statuses that are right for one cell."""
        base = relation.partition(":")[0]
        for role in (actor, WEARS.get(actor)):
            for word in _words(role, relation, base, method):
                line = self.table.get((endpoint, method, role or "", word))
                if line is not None and (word != "any" or base != "absent" or line.status in ("302", "403")):
                    return statuses(line, method)
        if not self.speaks_of(endpoint, method, actor):
            raise LookupError(f"no line for {endpoint} {method} {actor}")
        return frozenset({404})


def _words(role: str | None, relation: str, base: str, method: str) -> list[str]:
    """Under which words a relation may stand; the page of a list is somebody's own.

    A guardian limited to seeing and confirming reads what is their own, where no line says otherwise.
    """
    if base == "any":
        return [relation, "any", "own", "past"]
    if base == "limited" and method == "GET":
        return [relation, base, relation.replace("limited", "own"), "own", "any"]
    named_after_place = alias(role) if role and base == "own" else None
    return [relation, base, *([named_after_place] if named_after_place else []), "any"]


def statuses(line: Line, method: str) -> frozenset[int]:
    """What a line allows: exactly its status for reading, "let in" for a change that is let in."""
    if line.status == "in":
        return IN
    status = int(line.status)
    return IN if method != "GET" and status in IN else frozenset({status})


def faults(found: list[Line], endpoints: dict[str, set[str]]) -> list[str]:
    """What is wrong with the lines themselves: unknown words, methods that do not exist, contradictions, gaps."""
    wrong, seen = [], dict[Key, Line]()
    for line in found:
        wrong += [f"{line.where}: {fault}" for fault in _faults_of(line, endpoints)]
        other = seen.setdefault(line.key, line)
        if other.status != line.status:
            wrong.append(f"{line.where}: {line.key} says {line.status}, {other.where} says {other.status}")
    oracle = Oracle(found)
    return wrong + [
        f"no line for {endpoint} {method} {role}"
        for endpoint, methods in sorted(endpoints.items())
        for method in sorted(methods)
        for role in sorted(ROLES)
        if not oracle.speaks_of(endpoint, method, role)
    ]


def _faults_of(line: Line, endpoints: dict[str, set[str]]) -> Iterator[str]:
    base, _colon, state = line.relation.partition(":")
    if line.method not in endpoints.get(line.endpoint, ()):
        yield f"there is no {line.method} {line.endpoint}"
    if line.role not in ROLES:
        yield f"unknown role {line.role}"
    if base not in RELATIONS or state not in STATES:
        yield f"unknown relation {line.relation}"
    if line.status != "in" and not (line.status.isdigit() and 200 <= int(line.status) < 500):
        yield f"unknown status {line.status}"
