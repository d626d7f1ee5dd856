"""The next school year of a district, founded with its two terms before the schools hand over."""

from datetime import date

from sqlalchemy import select

from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.calendar import year_start
from portal.schools.models import SchoolYear, Term


def next_year(district_id: int, on: date) -> SchoolYear | None:
    """The school year after the one a day falls in, if it was founded."""
    return db.session.scalar(
        select(SchoolYear).where(
            SchoolYear.district_id == district_id, SchoolYear.starts_on == _next_start(on)
        )
    )


def _next_start(on: date) -> date:
    return date(year_start(on).year + 1, 9, 1)


def found_next_year(district_id: int, on: date) -> SchoolYear:
    """The next school year and its terms, in the current transaction; the district sets the true dates on the page of terms.

    RuleBroken when it is there already.
    """
    if next_year(district_id, on) is not None:
        raise RuleBroken(_("The next school year is there already."))
    first = _next_start(on)
    year = SchoolYear(district_id=district_id, starts_on=first, ends_on=date(first.year + 1, 8, 31))
    db.session.add(year)
    db.session.flush()
    db.session.add_all(
        [
            Term(school_year_id=year.id, number=1, starts_on=first, ends_on=date(first.year + 1, 1, 31)),
            Term(
                school_year_id=year.id,
                number=2,
                starts_on=date(first.year + 1, 2, 16),
                ends_on=date(first.year + 1, 7, 15),
            ),
        ]
    )
    db.session.flush()
    return year
