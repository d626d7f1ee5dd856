"""Coverage of home visits: of a school by class and grade, of a district by school and grade."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, select

from portal.access import Actor, Role, actor, requires
from portal.extensions import db
from portal.paging import Listing, page_of
from portal.schools.calendar import year_start
from portal.schools.models import Grade, School, SchoolClass, SchoolYear, Stage, Term, grade_name
from portal.schools.policy import SCHOOL_READ
from portal.schools.summaries import SchoolTermSummary
from portal.templating import render
from portal.visits import counting, covering
from portal.visits.coverage import Rule, rule_in_words
from portal.visits.models import ClassCoverage, Form
from portal.visits.views.blueprint import bp
from portal.visits.views.open_ends import overdue_by_school


@dataclass
class Line:
    """One row of the table: a class, a grade, a school or all together. Numbers are of this school year: pupils there
    today, of these visited and visited in the home, families tried twice and never met; visits; agreed steps due."""

    name: str
    key: str = ""
    pupils: int = 0
    visited: int = 0
    in_home: int = 0
    not_reached: int = 0
    visits: int = 0
    steps_due: int = 0

    def add(self, other: "Line") -> None:
        """Take another row's numbers in."""
        self.pupils += other.pupils
        self.visited += other.visited
        self.in_home += other.in_home
        self.not_reached += other.not_reached
        self.visits += other.visits
        self.steps_due += other.steps_due


@dataclass
class Share:
    """How one rule is kept: (name, met, needed, met in the home) of each class or school."""

    rule: Rule
    words: str
    bars: list[tuple[str, int, int, int]] = field(default_factory=list)


def of_school(acting: Actor) -> tuple[list[Line], list[Line], Line, list[Share]]:
    """Classes, grades, the school and the rules' shares, from the records of the school year: eight queries."""
    assert acting.school_id is not None
    found = covering.places(acting.on, SchoolClass.school_id == acting.school_id)
    names = select(SchoolClass.id, SchoolClass.public_id).where(SchoolClass.id.in_(list(found)))
    keys = {class_id: public_id for class_id, public_id in db.session.execute(names)}
    classes: list[Line] = []
    grades: dict[str, Line] = {}
    whole = Line("")
    for place in found.values():
        line = Line(
            place.name,
            keys[place.class_id],
            len(place.pupils),
            len({one.pupil_id for one in place.visits}),
            len({one.pupil_id for one in place.visits if one.form == Form.IN_HOME}),
            len(place.not_reached),
            len(place.visits),
        )
        classes.append(line)
        grades.setdefault(place.grade, Line(place.grade)).add(line)
        whole.add(line)
    whole.steps_due = sum(overdue_by_school(acting).values())
    shares: dict[str, Share] = {}
    for class_id, outcomes in covering.outcomes(found, acting.on).items():
        for one in outcomes:
            share = shares.setdefault(one.rule.key, Share(one.rule, rule_in_words(one.rule)))
            met = min(len(one.met), one.needed)
            share.bars.append((found[class_id].name, met, one.needed, len(one.in_home)))
    return classes, list(grades.values()), whole, list(shares.values())


def _year_terms(acting: Actor) -> Any:
    return (
        select(Term.id)
        .join(SchoolYear)
        .where(SchoolYear.starts_on == year_start(acting.on), Term.starts_on <= acting.on)
    )


def _visits(acting: Actor) -> dict[int, int]:
    """School id → visits of this school year, rolled up by term."""
    rows = db.session.execute(
        select(SchoolTermSummary.school_id, func.sum(SchoolTermSummary.value))
        .where(
            SchoolTermSummary.school_id.in_(_schools(acting)),
            SchoolTermSummary.measure == counting.VISITS,
            SchoolTermSummary.term_id.in_(_year_terms(acting)),
        )
        .group_by(SchoolTermSummary.school_id)
    )
    return {school_id: int(value) for school_id, value in rows}


def _schools(acting: Actor) -> Any:
    return select(School.id).where(SCHOOL_READ.within(acting))


def _whole(acting: Actor, *by: Any) -> Any:
    """Pupils, visited, in the home, not reached: rolled up by class, added up by what is named."""
    names = ("members", "met", "in_home", "not_reached")
    return (
        select(*by, *(func.sum(getattr(ClassCoverage, name)) for name in names))
        .where(ClassCoverage.rule == covering.WHOLE.key, ClassCoverage.school_id.in_(_schools(acting)))
        .group_by(*by)
    )


def by_school(acting: Actor, schools: Iterable[School]) -> tuple[list[Line], Line]:
    """The lines of these schools and one of all schools within reach, from rolled-up numbers only: three queries."""
    numbers = {
        school_id: row for school_id, *row in db.session.execute(_whole(acting, ClassCoverage.school_id))
    }
    visits, due = _visits(acting), overdue_by_school(acting)

    def line(school_id: int, name: str = "", key: str = "") -> Line:
        pupils, visited, in_home, not_reached = map(int, numbers.get(school_id, (0, 0, 0, 0)))
        return Line(
            name, key, pupils, visited, in_home, not_reached, visits.get(school_id, 0), due.get(school_id, 0)
        )

    whole = Line("")
    for school_id in numbers.keys() | visits.keys() | due.keys():
        whole.add(line(school_id))
    return [line(school.id, school.name, school.public_id) for school in schools], whole


def by_grade(acting: Actor) -> list[Line]:
    """The grades of all schools within reach, from the youngest: one query."""
    rows = db.session.execute(
        _whole(acting, Grade.stage, Grade.level)
        .join(SchoolClass, SchoolClass.id == ClassCoverage.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
    )
    order = list(Stage)
    found = sorted(map(tuple, rows), key=lambda row: (order.index(Stage(row[0])), row[1]))
    return [Line(grade_name(stage, level), "", *map(int, row)) for stage, level, *row in found]


def shares_of(acting: Actor, schools: Sequence[School]) -> list[Share]:
    """How each rule of the district is kept at these schools, from rolled-up numbers: one query."""
    rules = covering.rules_on(acting.on, district_id=acting.district_id)
    enough = case((ClassCoverage.met < ClassCoverage.needed, ClassCoverage.met), else_=ClassCoverage.needed)
    rows = db.session.execute(
        select(
            ClassCoverage.school_id,
            ClassCoverage.rule,
            func.sum(enough),
            func.sum(ClassCoverage.needed),
            func.sum(ClassCoverage.in_home),
        )
        .where(ClassCoverage.school_id.in_([school.id for school in schools]))
        .group_by(ClassCoverage.school_id, ClassCoverage.rule)
    )
    kept: dict[str, dict[int, tuple[int, int, int]]] = defaultdict(dict)
    for school_id, key, met, needed, in_home in rows:
        kept[key][school_id] = (int(met), int(needed), int(in_home))
    return [
        Share(
            rule,
            rule_in_words(rule),
            [(school.name, *kept[rule.key][school.id]) for school in schools if school.id in kept[rule.key]],
        )
        for rule in rules.rules
    ]


def of_district(acting: Actor) -> tuple[Listing[School], list[Line], Line, list[Share]]:
    """A page of schools, all schools together and the rules' shares, from rolled-up numbers only: six queries."""
    listing = page_of(SCHOOL_READ.rows(acting), [(School.name_pinyin, False), (School.id, False)])
    return listing, *by_school(acting, listing.rows), shares_of(acting, listing.rows)


@bp.get("/coverage")
@requires(SCHOOL_READ)
def coverage() -> str:
    """How far the visits reach: a school's by grade and class, a district's by school; in the home stands apart."""
    acting = actor()
    if acting.role == Role.DISTRICT_STAFF:
        listing, lines, whole, shares = of_district(acting)
        return render(
            "visits/coverage.html",
            lines=lines,
            grades=by_grade(acting),
            whole=whole,
            shares=shares,
            more=listing.more_url,
        )
    classes, grades, whole, shares = of_school(acting)
    return render(
        "visits/coverage.html",
        lines=classes,
        grades=grades if len(grades) > 1 else [],
        whole=whole,
        shares=shares,
        more=None,
    )
