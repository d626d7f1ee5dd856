"""What each feature holds about people and children, and what becomes of it when one of them is erased.

A feature says it once, in its ``holdings.py``: ``held(Recovery, Act.ERASE, person="person_id", pupil="pupil_id")``. Erasure
(``portal/privacy/erasing.py``) walks all of them; a table with contacts, narratives or secrets and no word here fails a law
of the house (Personal Information Protection Law, art. 47: erasure reaches everything that is kept).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, or_, select

from portal.extensions import Base, db

Counted = Counter[str]
"""Table → how many rows went or were emptied."""


class Act(StrEnum):
    """The row goes; the row stays as a fact and its words go; the row stays as it is, for a reason."""

    ERASE = "erase"
    EMPTY = "empty"
    KEEP = "keep"


@dataclass(frozen=True)
class Subject:
    """Who is erased: one adult or one child; ``indexes`` are the keyed hashes of an adult's number and address."""

    person_id: int | None = None
    pupil_id: int | None = None
    indexes: tuple[bytes, ...] = ()


Found = Callable[[Subject], Any]
Blanks = Mapping[str, Any]


@dataclass(frozen=True)
class Holding:
    """One table: what becomes of its rows about an adult and about a child; ``why`` what stays does stay."""

    model: type[Base]
    act: Act
    person: tuple[str | Found, ...] = ()
    pupil: tuple[str | Found, ...] = ()
    blanks: Blanks = field(default_factory=dict)
    why: Any = ""

    def about(self, subject: Subject) -> Any:
        """The condition that finds the rows about somebody; None when the table holds nothing about such a one."""
        ways, number = self.person, subject.person_id
        if number is None:
            ways, number = self.pupil, subject.pupil_id
        found = [getattr(self.model, way) == number if isinstance(way, str) else way(subject) for way in ways]
        return or_(*found) if found else None


HOLDINGS: dict[str, Holding] = {}
"""Table → what is held in it, in the order of the features."""


def held(
    model: type[Base],
    act: Act,
    *,
    person: str | Found | tuple[str | Found, ...] = (),
    pupil: str | Found | tuple[str | Found, ...] = (),
    blanks: Blanks | None = None,
    why: Any = "",
) -> Holding:
    """Declare a table. ``person`` and ``pupil`` find the rows: names of columns, or functions from a subject to a condition.

    ``blanks`` is what stands in the attributes of an emptied row. ValueError when a table is declared twice, or one that
    keeps something does not say why.
    """
    name = model.__tablename__
    if name in HOLDINGS:
        raise ValueError(f"{name} is declared twice")
    if act == Act.KEEP and not why:
        raise ValueError(f"{name} is kept without a reason")
    made = Holding(model, act, _ways(person), _ways(pupil), blanks or {}, why)
    HOLDINGS[name] = made
    return made


def _ways(given: str | Found | tuple[str | Found, ...]) -> tuple[str | Found, ...]:
    return given if isinstance(given, tuple) else (given,)


def remove(model: type[Base], condition: Any, done: Counted) -> None:
    """Delete rows, in the current transaction."""
    result = db.session.execute(delete(model).where(condition))
    done[model.__tablename__] += int(result.rowcount)  # type: ignore[attr-defined]


def empty(model: type[Base], condition: Any, values: Mapping[str, Any], done: Counted) -> None:
    """Empty columns of rows that stay; through the model, so that sealed fields are emptied as well."""
    for row in db.session.scalars(select(model).where(condition)):
        for name, value in values.items():
            setattr(row, name, value)
        done[model.__tablename__] += 1
    db.session.flush()


def end(holding: Holding, condition: Any, done: Counted) -> None:
    """Do to rows of a table what was declared of it."""
    if holding.act == Act.ERASE:
        remove(holding.model, condition, done)
    elif holding.act == Act.EMPTY:
        empty(holding.model, condition, holding.blanks, done)
