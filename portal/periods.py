"""How long each kind of data is kept, as its feature declares it; what is due goes by itself in the night.

A feature says it in its ``periods.py``: a function under ``@kind`` gets a day (``until``: what began on or before it is
due) and says which rows are due. ``portal/privacy/retention.py`` walks all of them, with each district's own periods.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Select, String, delete, exists, func, literal, null, select
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.extensions import Base, db
from portal.i18n import lazy_gettext as _l

Rows = Select[*tuple[Any, ...]]


class RetentionMark(Base):
    """A row that stays as a fact and has been emptied because its time was over."""

    __tablename__ = "retention_mark"

    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    row_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


@dataclass(frozen=True)
class Due:
    """What is due, and how a batch of it ends in the current transaction.

    ``rows`` selects ``id``, ``school_id`` (NULL: the whole portal's), ``day`` (when its time began) and ``what`` (what a
    row is, never its content). ``pupil`` is the column by which a hold keeps rows; ``district`` names the district of
    rows that may have no school.
    """

    rows: Rows
    end: Callable[[Sequence[Any]], None]
    pupil: Any = None
    district: Any = None


@dataclass(frozen=True)
class Kept:
    """One kind: its name in words, what stays, its ordinary period in days or months, the least a district may set,
    whether that is fixed for everybody, and the function that finds what is due."""

    name: str
    label: Any
    after: Any
    months: bool
    ordinary: int
    least: int
    fixed: bool
    find: Callable[[date], Due]


KINDS: dict[str, Kept] = {}
OWN_CLOCKS: list[tuple[Any, Any]] = []
"""(label, period) of what a feature lets go on a clock of its own; for the page."""


def kind(
    label: Any, after: Any, *, days: int = 0, months: int = 0, least: int = 1, fixed: bool = False
) -> Callable[[Callable[[date], Due]], Callable[[date], Due]]:
    """Declare a kind with its ordinary period in days or months, the least that a district may set, or no setting at all
    for what belongs to no district (``fixed``). ValueError when a name is taken."""

    def register(find: Callable[[date], Due]) -> Callable[[date], Due]:
        name = find.__name__
        if name in KINDS:
            raise ValueError(f"{name} is declared twice")
        KINDS[name] = Kept(name, label, after, bool(months), months or days, least, fixed, find)
        return find

    return register


def on_own_clock(label: Any, period: Any) -> None:
    """Name something that goes on a clock of its own."""
    OWN_CLOCKS.append((label, period))


def after(until: date) -> datetime:
    """The first instant that is not due: the end of the last day that is."""
    return clock.instant_of(until + timedelta(days=1))


def shown(id_column: Any, school: Any, day: Any, what: Any) -> Rows:
    """Rows of a kind, under the names that ``Due`` asks for."""
    return select(
        id_column.label("id"), school.label("school_id"), day.label("day"), what.label("what")
    ).order_by(id_column)


NO_SCHOOL = null()
"""The school of what is the whole portal's."""
NO_WORD: Any = literal(None, String)
"""For rows that need no word of what they are."""


def day_of(instant: Any) -> Any:
    """The day of a column of instants, for the page."""
    return func.date(instant, type_=Date())


def gone(owner: Any, column: Any, ids: Sequence[Any]) -> None:
    """Delete a batch."""
    db.session.execute(delete(owner).where(column.in_(ids)))


def unmarked(name: str, id_column: Any) -> Any:
    """Rows that stay as facts are marked once they are emptied."""
    return ~exists().where(RetentionMark.kind == name, RetentionMark.row_id == id_column)


def mark(name: str, ids: Sequence[int]) -> None:
    """Remember that these rows have been emptied."""
    db.session.add_all([RetentionMark(kind=name, row_id=one) for one in ids])


GONE = _l("Gone")
