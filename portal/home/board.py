"""The board of a school or a district: few large numbers over the school year, and one line for each school.

Everything is read from the rolled-up numbers, so that the page costs the same for ten schools and for a thousand.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from sqlalchemy import and_, func, or_, select

from portal.access import Actor, Role
from portal.courses import counting as courses
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import percent
from portal.opinions import counting as opinions
from portal.paging import Listing, page_of
from portal.schools import closing
from portal.schools.calendar import term_on
from portal.schools.models import School, SchoolYear, Term
from portal.schools.policy import OWN_SCHOOL_SET, SCHOOL_READ, districts_below
from portal.schools.summaries import PUPILS, SchoolTermSummary
from portal.visits import counting as visits

YEARLY = (
    visits.PUPILS_VISITED,
    visits.VISITS_IN_HOME,
    visits.VISITS,
    visits.STEPS_DUE,
    visits.STEPS_IN_TIME,
    opinions.RECEIVED,
    opinions.IN_TIME,
)
TERMLY = (PUPILS, courses.HELD)
SESSIONS_A_TERM = 2
"""Guidance activities a school owes its families each term (13-ministry opinion of 2023)."""
BEHIND, FAR_BEHIND = 0.15, 0.35
"""How far the coverage may lie behind the part of the year that has passed before the board says so."""


@dataclass(frozen=True)
class Figure:
    """A large number that opens what lies behind it."""

    label: str
    number: str
    detail: str
    url: str
    module: str


@dataclass(frozen=True)
class Line:
    """One school: coverage of visits, sessions of its parent school this term, follow-ups in time, and the outlook."""

    school: School
    pupils: int
    visited: int
    sessions: int
    steps_due: int
    steps_in_time: int
    outlook: str

    @property
    def coverage(self) -> float:
        return min(self.visited / self.pupils, 1) if self.pupils else 0


@dataclass(frozen=True)
class Board:
    """What one sees: title line, figures, and a page of schools (none for a single school)."""

    term: Term
    week: int
    weeks_left: int
    figures: list[Figure]
    lines: list[Line]
    listing: Listing[Any] | None


def of(actor: Actor) -> Board | None:
    """The board of a principal's school or of a district; None for everybody else, or before the first term."""
    if actor.role not in (Role.PRINCIPAL, Role.DISTRICT_STAFF) or actor.district_id is None:
        return None
    off = closing.off(actor)
    term = term_on(actor.district_id, actor.on)
    if term is None:
        return None
    year = db.session.get_one(SchoolYear, term.school_year_id)
    terms = _terms(actor, year)
    scope = SCHOOL_READ if actor.role == Role.DISTRICT_STAFF else OWN_SCHOOL_SET
    totals, schools = _totals(scope.within(actor), terms)
    lines, listing = [], None
    if actor.role == Role.DISTRICT_STAFF:
        listing = page_of(SCHOOL_READ.rows(actor), [(School.name_pinyin, False), (School.id, False)])
        lines = _lines(listing.rows, terms, year, actor.on)
    return Board(
        term=term,
        week=max(1, (min(actor.on, term.ends_on) - term.starts_on).days // 7 + 1),
        weeks_left=max(0, (term.ends_on - actor.on).days // 7),
        figures=[one for one in _figures(actor.role, totals, schools) if one.module not in off],
        lines=lines,
        listing=listing,
    )


def _terms(actor: Actor, year: SchoolYear) -> dict[int, bool]:
    """Ids of the terms of this school year in the districts in reach → whether the term is the present one."""
    rows = db.session.execute(
        select(Term.id, Term.starts_on, Term.ends_on)
        .join(SchoolYear)
        .where(
            SchoolYear.district_id.in_(districts_below(actor)),
            SchoolYear.starts_on == year.starts_on,
            Term.starts_on <= actor.on,
        )
        .order_by(Term.starts_on)
    ).all()
    latest = max((starts_on for _id, starts_on, _ends in rows), default=None)
    return {term_id: starts_on == latest for term_id, starts_on, _ends in rows}


def _wanted(terms: dict[int, bool]) -> Any:
    present = [term_id for term_id, is_present in terms.items() if is_present]
    return or_(
        and_(SchoolTermSummary.measure.in_(YEARLY), SchoolTermSummary.term_id.in_(list(terms))),
        and_(SchoolTermSummary.measure.in_(TERMLY), SchoolTermSummary.term_id.in_(present)),
    )


def _totals(within: Any, terms: dict[int, bool]) -> tuple[dict[str, int], dict[str, int]]:
    """Sums of each measure over the schools in reach, and how many schools there are and do enough."""
    rows = db.session.execute(
        select(SchoolTermSummary.measure, func.sum(SchoolTermSummary.value))
        .join(School, School.id == SchoolTermSummary.school_id)
        .where(within, _wanted(terms))
        .group_by(SchoolTermSummary.measure)
    )
    totals = {name: int(value) for name, value in rows}
    enough = select(func.count(func.distinct(SchoolTermSummary.school_id))).where(
        SchoolTermSummary.school_id == School.id,
        SchoolTermSummary.measure == courses.HELD,
        SchoolTermSummary.term_id.in_([term_id for term_id, is_present in terms.items() if is_present]),
        SchoolTermSummary.value >= SESSIONS_A_TERM,
    )
    count, doing = db.session.execute(
        select(func.count(School.id), func.sum(enough.scalar_subquery())).where(within)
    ).one()
    return totals, {"all": int(count), "enough": int(doing or 0)}


def _share(part: int, whole: int) -> str:
    return percent(min(part / whole, 1)) if whole else "—"


def _figures(role: Role, totals: dict[str, int], schools: dict[str, int]) -> list[Figure]:
    district = role == Role.DISTRICT_STAFF
    behind = url_for("schools.index") if district else url_for("visits.school")
    pupils = totals.get(PUPILS, 0)
    visited, made = totals.get(visits.PUPILS_VISITED, 0), totals.get(visits.VISITS, 0)
    figures = [
        Figure(
            _("Families visited"),
            _share(visited, pupils),
            _(
                "%(visited)s of %(pupils)s pupils · in the home %(share)s of the visits",
                visited=visited,
                pupils=pupils,
                share=_share(totals.get(visits.VISITS_IN_HOME, 0), made),
            ),
            behind,
            "visits",
        ),
        Figure(
            _("Agreed steps done in time"),
            f"{totals.get(visits.STEPS_IN_TIME, 0)} / {totals.get(visits.STEPS_DUE, 0)}",
            _("of all agreed this school year, also those not due yet"),
            behind,
            "visits",
        ),
    ]
    figures.append(
        Figure(
            _("Opinions answered in time"),
            f"{totals.get(opinions.IN_TIME, 0)} / {totals.get(opinions.RECEIVED, 0)}",
            _("of all received this school year, also those still open"),
            url_for("opinions.index"),
            "opinions",
        )
    )
    if district:
        figures.append(
            Figure(
                _("Schools with enough parent-school sessions"),
                f"{schools['enough']} / {schools['all']}",
                _("at least %(count)s a term", count=SESSIONS_A_TERM),
                url_for("schools.index"),
                "courses",
            )
        )
    else:
        figures.append(
            Figure(
                _("Parent-school sessions this term"),
                str(totals.get(courses.HELD, 0)),
                _("at least %(count)s a term", count=SESSIONS_A_TERM),
                url_for("courses.manage"),
                "courses",
            )
        )
    return figures


def _lines(schools: Collection[School], terms: dict[int, bool], year: SchoolYear, on: date) -> list[Line]:
    rows = db.session.execute(
        select(SchoolTermSummary.school_id, SchoolTermSummary.measure, func.sum(SchoolTermSummary.value))
        .where(SchoolTermSummary.school_id.in_([school.id for school in schools]), _wanted(terms))
        .group_by(SchoolTermSummary.school_id, SchoolTermSummary.measure)
    )
    found = {(school_id, name): int(value) for school_id, name, value in rows}
    passed = min(max((on - year.starts_on).days / 303, 0), 1)

    def line(school: School) -> Line:
        pupils, visited = found.get((school.id, PUPILS), 0), found.get((school.id, visits.PUPILS_VISITED), 0)
        behind = passed - (visited / pupils if pupils else 0)
        return Line(
            school=school,
            pupils=pupils,
            visited=visited,
            sessions=found.get((school.id, courses.HELD), 0),
            steps_due=found.get((school.id, visits.STEPS_DUE), 0),
            steps_in_time=found.get((school.id, visits.STEPS_IN_TIME), 0),
            outlook="bad" if behind > FAR_BEHIND else "warn" if behind > BEHIND else "good",
        )

    return [line(school) for school in schools]
