"""What a metric is: a list of records with a line of text, and the numbers added up from that same list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.ratings.rubric import Item
from portal.row_security import all_rows
from portal.schools.models import Flag, Guardianship, Pupil, SchoolClass, SchoolStage, SchoolYear, Term
from portal.schools.policy import flagged, in_force

RATIO_KINDS = {"ratio_bands"}
COUNT_KINDS = {"count_threshold", "prorata", "points_per_unit"}
SHORTFALL_KINDS = {"deduct_per_unit"}


@dataclass(frozen=True)
class Period:
    """The school year that is rated: its days, its terms that have begun, and the day on which pupils are counted."""

    starts_on: date
    ends_on: date
    counted_on: date
    terms: tuple[tuple[int, date, date], ...]
    looked_up: dict[int, Any] = field(default_factory=dict, compare=False, repr=False)
    """What several metrics count from, by school; a period is made anew whenever somebody looks."""

    @property
    def until_on(self) -> date:
        """The last day that is looked at: the end of the year, or the day of counting while it still runs."""
        return min(self.ends_on, self.counted_on)

    @property
    def after_on(self) -> date:
        """The first day that is not looked at any more."""
        return self.until_on + timedelta(days=1)

    def term_of(self, day: date) -> str:
        """``term1`` or ``term2`` of a day; between terms the one that ended last."""
        begun = [number for number, starts_on, _ends_on in self.terms if starts_on <= day]
        return f"term{begun[-1]}" if begun else ""


@dataclass(frozen=True)
class Record:
    """One line of the list behind a number: its row's id, who or what, when; ``amount`` counts out of ``of``.

    A pupil who was visited is 1 of 1, a pupil who was not 0 of 1; a session of two lesson hours is 2 of 0.
    """

    id: int
    title: str
    detail: str
    amount: int
    of: int = 1
    term: str = ""

    @property
    def counts(self) -> bool:
        """Whether it adds to the number."""
        return self.amount > 0


@dataclass(frozen=True)
class Figure:
    """A metric's numbers. ``denominator`` is None for plain counts; ``counts`` holds a number per begun term."""

    numerator: int
    denominator: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def facts(self, item: Item) -> dict[str, Any]:
        """The numbers as the item's rule takes them."""
        if item.kind in RATIO_KINDS:
            return {"numerator": self.numerator, "denominator": self.denominator or 0}
        if item.kind in SHORTFALL_KINDS:
            return {"shortfall": (self.denominator or 0) - self.numerator}
        if self.counts:
            return {"counts": dict(self.counts)}
        return {"count": self.numerator}


Listing = Callable[[int, Period], Sequence[Record]]


@dataclass(frozen=True)
class Metric:
    """A metric: its name in rubrics, what it counts in one line, the list behind it, and how the list adds up.

    ``counts`` and ``out_of`` say in words what is counted (the numerator) and out of what (the denominator; nothing for
    plain counts); ``population`` says who or what is looked at, and on which day.
    """

    name: str
    explanation: Any
    counts: Any
    out_of: Any
    population: Any
    records: Listing
    is_share: bool
    by_term: bool

    def figure(self, records: Sequence[Record], period: Period) -> Figure:
        """The numbers of a list."""
        numerator = sum(record.amount for record in records)
        if self.is_share:
            return Figure(numerator, sum(record.of for record in records))
        if not self.by_term:
            return Figure(numerator)
        counts = {f"term{number}": 0 for number, _starts_on, _ends_on in period.terms}
        for record in records:
            if record.term in counts:
                counts[record.term] += record.amount
        return Figure(numerator, None, counts)


METRICS: dict[str, Metric] = {}

PUPILS_OF_THE_DAY = _l("Pupils who are at the school on the day of counting")
WHOLE_YEAR = _l("What falls into the school year, up to the day of counting")


def metric(
    name: str,
    explanation: Any,
    *,
    counts: Any,
    out_of: Any = "",
    population: Any = WHOLE_YEAR,
    share: bool = True,
    by_term: bool = False,
) -> Callable[[Listing], Listing]:
    """Register the function that lists the records of a metric, for a school id and a period.

    ``counts``, ``out_of``, ``population``: numerator, denominator and who is looked at, in words (see ``Metric``).
    ``share``: the number is a part of a whole; otherwise a plain count, ``by_term`` for each term apart.
    """

    def register(records: Listing) -> Listing:
        if name in METRICS:
            raise ValueError(f"metric {name} registered twice")

        def counted(school_id: int, period: Period) -> Sequence[Record]:
            with all_rows():
                return records(school_id, period)

        METRICS[name] = Metric(name, explanation, counts, out_of, population, counted, share, by_term)
        return records

    return register


def fits(item: Item, found: Metric) -> bool:
    """Whether the rule of an item can be fed by a metric."""
    if (item.rule or {}).get("all"):
        return False
    return item.kind in (RATIO_KINDS | SHORTFALL_KINDS if found.is_share else COUNT_KINDS)


def period_of(year: SchoolYear, counted_on: date) -> Period:
    """The period of a school year, seen on a day."""
    terms = db.session.scalars(
        select(Term).where(Term.school_year_id == year.id, Term.starts_on <= counted_on).order_by(Term.number)
    ).all()
    begun = tuple((term.number, term.starts_on, term.ends_on) for term in terms)
    return Period(year.starts_on, year.ends_on, min(counted_on, year.ends_on), begun)


def pupils_on(school_id: int, day: date) -> tuple[ColumnElement[bool], ...]:
    """The conditions for pupils of a school on a day."""
    return (
        Pupil.school_id == school_id,
        Pupil.arrived_on <= day,
        or_(Pupil.left_on.is_(None), Pupil.left_on > day),
    )


def cared_for_on(day: date) -> ColumnElement[bool]:
    """Guardianships that hold on a day and that no court order restricts on it."""
    that_day = Actor(person_id=0, role=Role.GUARDIAN, on=day)
    return and_(in_force(Guardianship, that_day), ~flagged(that_day, Flag.RESTRICTED))


def school_facts(school_id: int, period: Period) -> dict[str, Any]:
    """Facts of the school that rules may ask for: its stages, classes, pupils and families on the day of counting."""
    stages = db.session.scalars(
        select(SchoolStage.stage).where(SchoolStage.school_id == school_id).order_by(SchoolStage.stage)
    ).all()
    here = pupils_on(school_id, period.counted_on)
    families = (
        select(func.count(Guardianship.household_id.distinct()))
        .join(Guardianship.pupil)
        .where(*here, cared_for_on(period.counted_on))
    )
    return {
        "stage": list(stages),
        "classes": db.session.scalar(
            select(func.count(SchoolClass.id)).where(SchoolClass.school_id == school_id)
        ),
        "pupils": db.session.scalar(select(func.count(Pupil.id)).where(*here)),
        "families": db.session.scalar(families),
    }
