"""School years and terms, and working days with the official holidays and make-up working days.

The years up to ``PUBLISHED_UNTIL`` are built in. A district writes the notice of a later year down as a setting, with the number
of the official document; what it writes for a year holds in its place and below, also instead of a built-in year.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import holidays
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.schools.models import District, SchoolYear, Term
from portal.settings import Lines, Setting

PUBLISHED_UNTIL = 2026
"""The last year whose holidays the State Council has published; later dates are provisional."""
ROW = re.compile(r"(\d{4}-\d\d-\d\d)(?:[~至](\d{4}-\d\d-\d\d))?[ \t]+(休|班|off|work)(?:[ \t]+[^\n]{0,40})?")
"""One line of a notice: a day or a span, whether it is off (休) or worked (班), and a name for people."""
LONGEST_SPAN = 20
Year = tuple[frozenset[date], frozenset[date]]
"""Days off and make-up working days of a year."""


def _days_of(line: str) -> tuple[list[date], bool] | None:
    """The days of a line and whether they are off; None when it is not one."""
    found = ROW.fullmatch(line.strip())
    if found is None:
        return None
    try:
        first, last = date.fromisoformat(found[1]), date.fromisoformat(found[2] or found[1])
    except ValueError:
        return None
    if not first <= last <= first + timedelta(days=LONGEST_SPAN):
        return None
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return days, found[3] in ("休", "off")


@dataclass(frozen=True)
class NoticeLines(Lines):
    """The lines of official notices, each as ``ROW``; no day is both off and worked."""

    longest: int = 80
    most: int = 120

    def fits(self, value: Any) -> bool:
        if not super().fits(value):
            return False
        read = [_days_of(line) for line in value]
        if None in read:
            return False
        off = {day for days, is_off in filter(None, read) if is_off for day in days}
        worked = {day for days, is_off in filter(None, read) if not is_off for day in days}
        return not off & worked


CALENDAR: Setting[list[str]] = Setting(
    "schools.calendar",
    NoticeLines(),
    [],
    label=_l("Official holidays and make-up days"),
    help=_l(
        "Copy the yearly notice of the State Council line by line, such as “2027-02-05~2027-02-11 休 春节” or"
        " “2027-01-31 班”. Name the notice as the document. A year without a line stays as it is built in; later years are"
        " provisional until they stand here."
    ),
)


@cache
def _written(lines: tuple[str, ...]) -> Mapping[int, Year]:
    """The years in the lines of notices."""
    years: dict[int, tuple[set[date], set[date]]] = {}
    for line in lines:
        days, is_off = _days_of(line) or ([], False)
        for day in days:
            years.setdefault(day.year, (set(), set()))[0 if is_off else 1].add(day)
    return {year: (frozenset(off), frozenset(worked)) for year, (off, worked) in years.items()}


def _notices(district_id: int | None) -> Mapping[int, Year]:
    """The years that a district, or one above it, has written down by today."""
    if district_id is None:
        return {}
    lines: Sequence[str] = CALENDAR.on(clock.today(), district_id=district_id)
    return _written(tuple(lines))


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
def _official(year: int) -> Year:
    table = holidays.country_holidays("CN", years=year)
    made_up = getattr(table, "weekend_workdays", None) or ()
    return frozenset(table.keys()), frozenset(made_up)


def is_working_day(day: date, district_id: int | None = None) -> bool:
    """Whether offices work that day: weekdays but holidays, and the weekends announced as make-up days (调休).

    With a district, by the notices it has written down.
    """
    return _works(day, _notices(district_id))


def _works(day: date, notices: Mapping[int, Year]) -> bool:
    days_off, made_up = notices.get(day.year) or _official(day.year)
    if day in made_up:
        return True
    return day.weekday() < 5 and day not in days_off


def is_provisional(day: date, district_id: int | None = None) -> bool:
    """Whether the official calendar of that year is not known yet: neither built in nor written down by the district."""
    return day.year > PUBLISHED_UNTIL and day.year not in _notices(district_id)


def add_working_days(start: date, count: int, district_id: int | None = None) -> date:
    """The ``count``-th working day after ``start``; the day itself never counts."""
    if count < 1:
        raise ValueError("count working days from one on")
    notices = _notices(district_id)
    day = start
    left = count
    while left:
        day += timedelta(days=1)
        left -= _works(day, notices)
    return day
