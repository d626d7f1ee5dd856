"""Changes to the permission map that somebody could make by mistake, each of which the matrix must notice.

A mutant changes what one role may do under one permission while it is applied: the grant is taken away, the scope is
opened to everything or shut, exchanged for that of another role, loses one of its conditions, its dates, the
restriction by court order, the limit to seeing and confirming, or the look at modules switched off; or a role that has
no business there gets a grant.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import ModuleType
from typing import Any
from unittest.mock import patch

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BooleanClauseList

from portal.access import PERMISSIONS, Actor, Permission, Role, Scope, everything
from portal.schools import policy as schools
from portal.schools.models import Flag, Guardianship

ANY_DAY = date(2026, 10, 12)


@cache
def policies() -> list[ModuleType]:
    """Where scopes are written."""
    return [
        module
        for name, module in sorted(sys.modules.items())
        if name.startswith("portal.") and name.endswith(".policy")
    ]


@dataclass(frozen=True)
class Mutant:
    """One mistake: what it does, to which role of which permission."""

    permission: str
    role: Role
    mistake: str
    grant: Scope | None

    def __str__(self) -> str:
        return f"{self.permission} {self.role.value} {self.mistake}"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The map with this mistake in it."""
        grants = PERMISSIONS[self.permission].grants
        kept = dict(grants)
        if self.grant is None:
            del grants[self.role]
        else:
            grants[self.role] = self.grant
        try:
            yield
        finally:
            grants.clear()
            grants.update(kept)


def id_of(name: str) -> str:
    """The name of a mutant as the name of a test's case."""
    return name.replace(" ", "_")


def nothing(_actor: Actor) -> ColumnElement[bool]:
    """No row at all."""
    return false()


def words(scope: Scope, role: Role) -> str:
    """A scope as SQL, to see whether a mutation changes anything."""
    return str(scope(Actor(1, role, ANY_DAY, 1, 1, 1, 1)).compile(compile_kwargs={"literal_binds": True}))


def replaced(scope: Scope, name: str, by: Callable[..., Any]) -> Scope:
    """The scope as it would be if one of the conditions it is built of were another."""

    def mutated(actor: Actor) -> ColumnElement[bool]:
        with ExitStack() as stack:
            for module in policies():
                if hasattr(module, name):
                    stack.enter_context(patch.object(module, name, by))
            return scope(actor)

    return mutated


def undated(scope: Scope) -> Scope:
    """The scope with every test of dates gone."""
    return replaced(scope, "in_force", lambda _table, _actor: true())


def unrestricted(scope: Scope) -> Scope:
    """The scope without a look at court orders."""

    def in_force_only(actor: Actor) -> ColumnElement[bool]:
        return and_(Guardianship.person_id == actor.person_id, schools.in_force(Guardianship, actor))

    return replaced(scope, "unrestricted_guardianship", in_force_only)


def unlimited(scope: Scope) -> Scope:
    """The scope as if nobody were limited to seeing and confirming."""
    flagged = schools.flagged

    def others(actor: Actor, *kinds: Flag) -> ColumnElement[bool]:
        return false() if kinds == (Flag.LIMITED,) else flagged(actor, *kinds)

    return replaced(scope, "flagged", others)


def switched_on(scope: Scope) -> Scope:
    """The scope as if no school had switched a module off."""
    return replaced(scope, "open_at", lambda _name, _school_id, _actor: true())


def without(scope: Scope, place: int) -> Scope:
    """The scope without one of its conditions (or one of its branches)."""

    def mutated(actor: Actor) -> ColumnElement[bool]:
        whole = scope(actor)
        assert isinstance(whole, BooleanClauseList)
        left = [clause for number, clause in enumerate(whole.clauses) if number != place]
        return and_(*left) if whole.operator is operators.and_ else or_(*left)

    return mutated


@cache
def mutants() -> list[Mutant]:
    """Every mistake of these kinds that the map allows, in a fixed order; seconds of work, so none is made on import."""
    found = []
    for permission in sorted(PERMISSIONS.values(), key=lambda one: one.name):
        for role in Role:
            if role in permission.grants:
                found += list(_of_grant(permission, role))
            else:
                found.append(Mutant(permission.name, role, "gets everything", everything))
    return found


def unchanged() -> list[Mutant]:
    """The map as it is, one grant after the other: what nothing may give away."""
    return [
        Mutant(permission.name, role, "as it is", scope)
        for permission in sorted(PERMISSIONS.values(), key=lambda one: one.name)
        for role, scope in permission.grants.items()
    ]


def _of_grant(permission: Permission[Any], role: Role) -> Iterator[Mutant]:
    scope = permission.grants[role]
    yield Mutant(permission.name, role, "loses the grant", None)
    changes: list[tuple[str, Scope]] = [("reaches everything", everything), ("reaches nothing", nothing)]
    others = {other.__name__: other for other in permission.grants.values() if other is not scope}
    changes += [(f"reaches as by {name}", other) for name, other in sorted(others.items())]
    changes += [("without dates", undated(scope)), ("without court orders", unrestricted(scope))]
    changes += [("without limits", unlimited(scope)), ("without switches", switched_on(scope))]
    whole = scope(Actor(1, role, ANY_DAY, 1, 1, 1, 1))
    if isinstance(whole, BooleanClauseList):
        changes += [
            (f"without condition {place}", without(scope, place)) for place in range(len(whole.clauses))
        ]
    right = words(scope, role)
    for mistake, changed in changes:
        if words(changed, role) != right:
            yield Mutant(permission.name, role, mistake, changed)
