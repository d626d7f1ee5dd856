"""Rolled-up numbers of a school in a term, changed in the same transaction as the records they count.

A feature that keeps a number calls ``add`` beside its own change and registers, with ``@measure``, how to count the
same number again from the records alone; ``flask rollups rebuild --compare`` proves that both agree.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    ForeignKey,
    String,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from portal import clock
from portal.extensions import Base, db
from portal.schools.calendar import term_on
from portal.schools.models import Enrolment, Flag, Guardianship, GuardianshipFlag, School, SchoolYear, Term

MEASURE_LENGTH = 40
HOUSEHOLDS = "households"
PUPILS = "pupils"
FROM_ROSTER = (HOUSEHOLDS, PUPILS)
"""What whoever changes a roster rebuilds after."""


class SchoolTermSummary(Base):
    """One number of one school in one term: visits made, sessions held, opinions answered in time …"""

    __tablename__ = "school_term_summary"

    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"), primary_key=True)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id", ondelete="CASCADE"), primary_key=True)
    measure: Mapped[str] = mapped_column(String(MEASURE_LENGTH), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True)
class Tally:
    """Numbers that a feature keeps beside single records (the receipts of a notice), and how to prove them.

    ``differences`` gives (record and number → kept, counted anew) where they differ; ``rebuild`` writes them from the
    records in the current transaction and returns the rows written.
    """

    differences: Callable[[], dict[str, tuple[int, int]]]
    rebuild: Callable[[], int]


TALLIES: dict[str, Tally] = {}
"""By name, registered by the feature that keeps them."""


@dataclass(frozen=True)
class Terms:
    """Which term of a school a day belongs to, for many days at once; the same rule as ``term_on``."""

    district_of: dict[int, int]
    starts: dict[int, list[tuple[date, int]]]
    schools: frozenset[int] | None = None
    """The schools that are counted; None: all."""

    def counts(self, school_id: Any) -> ColumnElement[bool]:
        """Condition on a column of school ids: the school is among those counted."""
        return true() if self.schools is None else school_id.in_(self.schools)

    def of(self, school_id: int, on: date) -> int | None:
        """The id of the term the day falls in (between terms the one that ended last), or None before the first."""
        starts = self.starts.get(self.district_of[school_id], [])
        place = bisect_right(starts, (on, 2**62))
        return starts[place - 1][1] if place else None

    @classmethod
    def load(cls, schools: Collection[int] | None = None) -> "Terms":
        """All terms, and all schools or those to be counted, in two queries."""
        starts: dict[int, list[tuple[date, int]]] = defaultdict(list)
        rows = db.session.execute(
            select(SchoolYear.district_id, Term.starts_on, Term.id).join(Term.school_year)
        )
        for district_id, starts_on, term_id in rows:
            starts[district_id].append((starts_on, term_id))
        for found in starts.values():
            found.sort()
        wanted = select(School.id, School.district_id)
        if schools is not None:
            wanted = wanted.where(School.id.in_(schools))
        district_of = {school_id: district_id for school_id, district_id in db.session.execute(wanted)}
        return cls(district_of, starts, None if schools is None else frozenset(schools))


Count = tuple[int, int | None, int]
Recount = Callable[[Terms], Iterable[Count]]
MEASURES: dict[str, Recount] = {}


def measure(name: str) -> Callable[[Recount], Recount]:
    """Register how a measure is counted from the records.

    The function yields (school id, term id, number); numbers of the same school and term are added up, and what
    belongs to no term (None) is left out. Group by day in SQL so that few rows travel.
    """
    if len(name) > MEASURE_LENGTH:
        raise ValueError(f"measure {name} has a name that is too long")

    def register(recount: Recount) -> Recount:
        if name in MEASURES:
            raise ValueError(f"measure {name} registered twice")
        MEASURES[name] = recount
        return recount

    return register


def add(school_id: int, on: date, name: str, delta: int) -> None:
    """Change a measure of the school's term on a day, in the current transaction. Without a term nothing is kept."""
    if name not in MEASURES:
        raise LookupError(f"{name} is not a registered measure")
    school = db.session.get_one(School, school_id)
    term = term_on(school.district_id, on)
    if term is None or delta == 0:
        return
    table = SchoolTermSummary.__table__
    insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(SchoolTermSummary).values(school_id=school_id, term_id=term.id, measure=name, value=delta)
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["school_id", "term_id", "measure"],
            set_={"value": table.c.value + delta},
        )
    )


def values(school_ids: Collection[int], term_id: int, names: Collection[str]) -> dict[tuple[int, str], int]:
    """(school id, measure) → number in a term; what was never counted is absent. One query."""
    rows = db.session.execute(
        select(SchoolTermSummary.school_id, SchoolTermSummary.measure, SchoolTermSummary.value).where(
            SchoolTermSummary.school_id.in_(school_ids),
            SchoolTermSummary.term_id == term_id,
            SchoolTermSummary.measure.in_(names),
        )
    )
    return {(school_id, name): number for school_id, name, number in rows}


def counted_anew(
    names: Collection[str], school_ids: Collection[int] | None = None
) -> dict[tuple[int, int, str], int]:
    """(school id, term id, measure) → number, from the records alone; zeros are left out.

    ``school_ids`` is for the measures of the roster, which count single schools as cheaply as they are small.
    """
    terms = Terms.load(school_ids)
    counted: dict[tuple[int, int, str], int] = defaultdict(int)
    for name in names:
        for school_id, term_id, number in MEASURES[name](terms):
            if term_id is not None:
                counted[school_id, term_id, name] += number
    return {key: number for key, number in counted.items() if number}


def differences() -> dict[tuple[int, int, str], tuple[int, int]]:
    """(school id, term id, measure) → (kept, counted anew) where the two differ; also what no feature counts any more."""
    kept = {(row.school_id, row.term_id, row.measure): row.value for row in _rows() if row.value}
    counted = counted_anew(MEASURES)
    return {
        key: (kept.get(key, 0), counted.get(key, 0))
        for key in sorted(kept.keys() | counted.keys())
        if kept.get(key, 0) != counted.get(key, 0)
    }


def rebuild(names: Collection[str] | None = None) -> int:
    """Write the measures (by default all) from the records, in the current transaction; returns the rows written."""
    chosen = list(MEASURES) if names is None else list(names)
    dropped = delete(SchoolTermSummary)
    if names is not None:
        dropped = dropped.where(SchoolTermSummary.measure.in_(chosen))
    return _write(dropped, counted_anew(chosen))


def rebuild_roster(school_ids: Collection[int]) -> int:
    """Write what is counted from the roster anew for these schools only, in the current transaction; the rows written."""
    dropped = delete(SchoolTermSummary).where(
        SchoolTermSummary.measure.in_(FROM_ROSTER), SchoolTermSummary.school_id.in_(school_ids)
    )
    return _write(dropped, counted_anew(FROM_ROSTER, school_ids))


def _write(dropped: Delete, counted: dict[tuple[int, int, str], int]) -> int:
    db.session.execute(dropped.execution_options(synchronize_session="fetch"))
    db.session.add_all(
        SchoolTermSummary(school_id=school_id, term_id=term_id, measure=name, value=number)
        for (school_id, term_id, name), number in counted.items()
    )
    db.session.flush()
    return len(counted)


def _rows() -> Iterable[SchoolTermSummary]:
    return db.session.scalars(select(SchoolTermSummary))


@measure(HOUSEHOLDS)
def count_households(terms: Terms) -> Iterable[Count]:
    """Households with a child at the school in each term that has begun; whoever changes rosters rebuilds it after.

    A guardian whom a court order restricts in the term makes no household in it.
    """
    yield from db.session.execute(
        select(Enrolment.school_id, Term.id, func.count(Guardianship.household_id.distinct()))
        .join(School, School.id == Enrolment.school_id)
        .join(SchoolYear, SchoolYear.district_id == School.district_id)
        .join(Term, Term.school_year_id == SchoolYear.id)
        .join(Guardianship, Guardianship.pupil_id == Enrolment.pupil_id)
        .where(
            terms.counts(Enrolment.school_id),
            Term.starts_on <= clock.today(),
            _overlaps(Enrolment),
            _overlaps(Guardianship),
            ~_restricted(),
        )
        .group_by(Enrolment.school_id, Term.id)
    )


def _restricted() -> ColumnElement[bool]:
    return exists().where(
        GuardianshipFlag.guardianship_id == Guardianship.id,
        GuardianshipFlag.kind == Flag.RESTRICTED,
        _overlaps(GuardianshipFlag),
    )


def _overlaps(table: type[Enrolment | Guardianship | GuardianshipFlag]) -> ColumnElement[bool]:
    return and_(
        table.started_on <= Term.ends_on, or_(table.ended_on.is_(None), table.ended_on > Term.starts_on)
    )


@measure(PUPILS)
def count_pupils(terms: Terms) -> Iterable[Count]:
    """Pupils who had a place at the school in each term that has begun; whoever changes rosters rebuilds it after."""
    yield from db.session.execute(
        select(Enrolment.school_id, Term.id, func.count(Enrolment.pupil_id.distinct()))
        .join(School, School.id == Enrolment.school_id)
        .join(SchoolYear, SchoolYear.district_id == School.district_id)
        .join(Term, Term.school_year_id == SchoolYear.id)
        .where(terms.counts(Enrolment.school_id), Term.starts_on <= clock.today(), _overlaps(Enrolment))
        .group_by(Enrolment.school_id, Term.id)
    )
