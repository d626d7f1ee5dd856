"""School years and terms, and working days with the official holidays and make-up working days."""

from datetime import date, timedelta
from functools import cache

import holidays
from sqlalchemy import select

from portal.extensions import db
from portal.schools.models import District, SchoolYear, Term

PUBLISHED_UNTIL = 2026
"""The last year whose holidays the State Council has published; later dates are provisional."""


def year_start(on: date) -> date:
    """The 1 September that begins the school year of a day."""
    return date(on.year if on.month >= 9 else on.year - 1, 9, 1)


def term_on(district_id: int, on: date) -> Term | None:
    """The term of a district that a day falls in; between terms, the one that ended last."""
    return db.session.scalar(
        select(Term)
        .join(SchoolYear)
        .join(District, District.id == SchoolYear.district_id)
        .where(SchoolYear.district_id == district_id, Term.starts_on <= on)
        .order_by(Term.starts_on.desc())
        .limit(1)
    )


def school_year_on(district_id: int, on: date) -> SchoolYear | None:
    """The school year of a district that a day falls in."""
    return db.session.scalar(
        select(SchoolYear)
        .where(SchoolYear.district_id == district_id, SchoolYear.starts_on <= on, SchoolYear.ends_on >= on)
        .limit(1)
    )


@cache
def _official(year: int) -> tuple[frozenset[date], frozenset[date]]:
    table = holidays.country_holidays("CN", years=year)
    made_up = getattr(table, "weekend_workdays", None) or ()
    return frozenset(table.keys()), frozenset(made_up)


def is_working_day(day: date) -> bool:
    """Whether offices work that day: weekdays but holidays, and the weekends announced as make-up days (调休)."""
    days_off, made_up = _official(day.year)
    if day in made_up:
        return True
    return day.weekday() < 5 and day not in days_off


def is_provisional(day: date) -> bool:
    """Whether the official calendar of that year is not published yet."""
    return day.year > PUBLISHED_UNTIL


def add_working_days(start: date, count: int) -> date:
    """The ``count``-th working day after ``start``; the day itself never counts."""
    if count < 1:
        raise ValueError("count working days from one on")
    day = start
    left = count
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return day
