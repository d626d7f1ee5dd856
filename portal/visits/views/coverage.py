"""Coverage of home visits: of a school by grade and class, of a district by school; what is open; the report of a term."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from flask import request
from sqlalchemy import and_, case, func, or_, select

from portal.access import Actor, Role, actor, requires
from portal.extensions import db
from portal.paging import Listing, page_of
from portal.schools.calendar import year_start
from portal.schools.models import Enrolment, Pupil, School, SchoolClass, SchoolYear, Term
from portal.schools.policy import SCHOOL_READ, in_force
from portal.schools.summaries import PUPILS, SchoolTermSummary
from portal.templating import render
from portal.visits import counting, covering
from portal.visits.coverage import Rule, rule_in_words
from portal.visits.models import (
    ATTEMPTS_UNTIL_NOT_REACHED,
    ClassCoverage,
    FollowUp,
    Form,
    Outcome,
    Visit,
)
from portal.visits.policy import VISIT_SCHOOL
from portal.visits.views.blueprint import WORDS, bp

AT_MOST = 200
"""Families and steps shown at once in the list of what is open."""


@dataclass
class Line:
    """One row of the table: a class, a grade, a school or all together. Numbers are of this school year."""

    name: str
    key: str = ""
    pupils: int = 0
    visited: int = 0
    in_home: int = 0
    visits: int = 0

    def add(self, other: "Line") -> None:
        """Take another row's numbers in."""
        self.pupils += other.pupils
        self.visited += other.visited
        self.in_home += other.in_home
        self.visits += other.visits


@dataclass
class Share:
    """How one rule is kept: (name, met, needed, met in the home) of each class or school."""

    rule: Rule
    words: str
    bars: list[tuple[str, int, int, int]] = field(default_factory=list)


def of_school(acting: Actor) -> tuple[list[Line], list[Line], Line, list[Share]]:
    """Classes, grades, the school and the rules' shares, from the records of the school year: six queries."""
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
            len(place.visits),
        )
        classes.append(line)
        grades.setdefault(place.grade, Line(place.grade)).add(line)
        whole.add(line)
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


def _sums(within: Any, acting: Actor) -> dict[tuple[int, str], int]:
    """(school id, measure) → number of this school year; pupils of the latest term. One query."""
    latest = (
        select(func.max(Term.starts_on))
        .join(SchoolYear)
        .where(SchoolYear.starts_on == year_start(acting.on), Term.starts_on <= acting.on)
        .scalar_subquery()
    )
    yearly = (counting.PUPILS_VISITED, counting.VISITS, counting.VISITS_IN_HOME)
    now = select(Term.id).where(Term.starts_on == latest)
    rows = db.session.execute(
        select(SchoolTermSummary.school_id, SchoolTermSummary.measure, func.sum(SchoolTermSummary.value))
        .where(
            within,
            or_(
                and_(
                    SchoolTermSummary.measure.in_(yearly),
                    SchoolTermSummary.term_id.in_(_year_terms(acting)),
                ),
                and_(SchoolTermSummary.measure == PUPILS, SchoolTermSummary.term_id.in_(now)),
            ),
        )
        .group_by(SchoolTermSummary.school_id, SchoolTermSummary.measure)
    )
    return {(school_id, name): int(value) for school_id, name, value in rows}


def _line(name: str, key: str, school_id: int, sums: dict[tuple[int, str], int]) -> Line:
    return Line(
        name,
        key,
        sums.get((school_id, PUPILS), 0),
        sums.get((school_id, counting.PUPILS_VISITED), 0),
        sums.get((school_id, counting.VISITS_IN_HOME), 0),
        sums.get((school_id, counting.VISITS), 0),
    )


def of_district(acting: Actor) -> tuple[Listing[School], list[Line], Line, list[Share]]:
    """A page of schools, all schools together and the rules' shares, from rolled-up numbers only: four queries."""
    listing = page_of(SCHOOL_READ.rows(acting), [(School.name_pinyin, False), (School.id, False)])
    ids = [school.id for school in listing.rows]
    every = _sums(
        SchoolTermSummary.school_id.in_(select(School.id).where(SCHOOL_READ.within(acting))), acting
    )
    lines = [_line(school.name, school.public_id, school.id, every) for school in listing.rows]
    whole = Line("")
    for school_id in {school_id for school_id, _name in every}:
        whole.add(_line("", "", school_id, every))
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
        .where(ClassCoverage.school_id.in_(ids))
        .group_by(ClassCoverage.school_id, ClassCoverage.rule)
    )
    kept: dict[str, dict[int, tuple[int, int, int]]] = defaultdict(dict)
    for school_id, key, met, needed, in_home in rows:
        kept[key][school_id] = (int(met), int(needed), int(in_home))
    shares = [
        Share(
            rule,
            rule_in_words(rule),
            [
                (school.name, *kept[rule.key][school.id])
                for school in listing.rows
                if school.id in kept[rule.key]
            ],
        )
        for rule in rules.rules
    ]
    return listing, lines, whole, shares


@bp.get("/coverage")
@requires(SCHOOL_READ)
def coverage() -> str:
    """How far the visits reach: a school's by grade and class, a district's by school; in the home stands apart."""
    acting = actor()
    if acting.role == Role.DISTRICT_STAFF:
        listing, lines, whole, shares = of_district(acting)
        return render(
            "visits/coverage.html", lines=lines, grades=[], whole=whole, shares=shares, more=listing.more_url
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


@bp.get("/open")
@requires(VISIT_SCHOOL)
def open_ends() -> str:
    """What a school has open: agreed steps past their day, and families that nobody reached; ``?what=families``."""
    acting = actor()
    what = "families" if request.args.get("what") == "families" else "steps"
    return render(
        "visits/open_ends.html",
        what=what,
        steps=_steps_due(acting) if what == "steps" else [],
        families=_not_reached(acting) if what == "families" else [],
        today=acting.on,
        **WORDS,
    )


def _place_today(acting: Actor) -> Any:
    return and_(
        Enrolment.school_id == acting.school_id,
        in_force(Enrolment, acting),
    )


def _steps_due(acting: Actor) -> list[Any]:
    """Steps that are due by today and not done: (day, owner, visit's public id, child, class). What was agreed is not
    in the list; it stands in the visit."""
    return list(
        db.session.execute(
            select(
                FollowUp.due_on,
                FollowUp.owner,
                Visit.public_id,
                Pupil.name.label("pupil"),
                SchoolClass.name.label("school_class"),
            )
            .join(Visit, Visit.id == FollowUp.visit_id)
            .join(Pupil, Pupil.id == FollowUp.pupil_id)
            .join(Enrolment, Enrolment.pupil_id == FollowUp.pupil_id)
            .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
            .where(
                VISIT_SCHOOL.within(acting),
                FollowUp.school_id == acting.school_id,
                FollowUp.done_on.is_(None),
                FollowUp.due_on <= acting.on,
                _place_today(acting),
            )
            .order_by(FollowUp.due_on, FollowUp.id)
            .limit(AT_MOST)
        )
    )


def _not_reached(acting: Actor) -> list[Any]:
    """Families tried twice or more this school year and never met: (child, class, attempts, last attempt)."""
    met = (
        select(Visit.pupil_id)
        .where(Visit.outcome == Outcome.MET, Visit.year_on == year_start(acting.on))
        .where(VISIT_SCHOOL.within(acting))
    )
    return list(
        db.session.execute(
            select(
                Pupil.name.label("pupil"),
                SchoolClass.name.label("school_class"),
                func.count(Visit.id).label("attempts"),
                func.max(Visit.held_at).label("last_at"),
            )
            .join(Pupil, Pupil.id == Visit.pupil_id)
            .join(Enrolment, Enrolment.pupil_id == Visit.pupil_id)
            .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
            .where(
                VISIT_SCHOOL.within(acting),
                Visit.outcome == Outcome.NO_ANSWER,
                Visit.year_on == year_start(acting.on),
                Visit.pupil_id.not_in(met),
                _place_today(acting),
            )
            .group_by(Pupil.id, Pupil.name, SchoolClass.id, SchoolClass.name)
            .having(func.count(Visit.id) >= ATTEMPTS_UNTIL_NOT_REACHED)
            .order_by(func.max(Visit.held_at).desc(), Pupil.id)
            .limit(AT_MOST)
        )
    )
