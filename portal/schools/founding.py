"""Founding a district: its place in the tree, the present school year and its two terms."""

from datetime import date

from portal import clock
from portal.extensions import db
from portal.schools.calendar import year_start
from portal.schools.models import District, SchoolYear, Term


def found_district(name: str, above: District | None = None, province: str = "", phone: str = "") -> District:
    """A new district in the current transaction. The district sets the true dates of its terms later."""
    district = District(
        name=name, parent_id=above.id if above else None, path="/", province=province, phone=phone
    )
    db.session.add(district)
    db.session.flush()
    district.path = f"{above.path if above else '/'}{district.id}/"
    first = year_start(clock.today())
    year = SchoolYear(district_id=district.id, starts_on=first, ends_on=date(first.year + 1, 8, 31))
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
    return district
