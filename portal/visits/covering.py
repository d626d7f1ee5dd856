"""Where classes stand with the coverage rules: read from the records, and kept beside each visit as rolled-up numbers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import delete, func, or_, select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment
from portal.extensions import db
from portal.jobs.queue import every, task
from portal.row_security import all_rows
from portal.schools.calendar import year_start
from portal.schools.models import Enrolment, Grade, Pupil, School, SchoolClass, SchoolYear, Term
from portal.schools.policy import in_force
from portal.schools.summaries import TALLIES, Tally
from portal.visits.coverage import Child, Group, Held, Outcome, Rule, Rules, Span, Year, judge, read
from portal.visits.models import ATTEMPTS_UNTIL_NOT_REACHED, ClassCoverage, Visit, VisitCompanion, VisitPart
from portal.visits.models import Outcome as Met
from portal.visits.patterns import RULES

WHOLE = Rule("", "", every="year")
"""All pupils, any way of meeting, this school year: what boards show first, and no rule of anybody."""
SOME_GROUP = "some"
"""Stands for the group of a priority pupil that no rule asks for."""
AT_ONCE = 50
"""Classes counted anew in one transaction."""


@dataclass
class Place:
    """One class as the rules see it."""

    class_id: int
    name: str
    grade: str
    school_id: int
    district_id: int
    level: int
    pupils: list[Child] = field(default_factory=list)
    visits: list[Held] = field(default_factory=list)
    teacher_since: date | None = None
    attempts: dict[int, int] = field(default_factory=dict)
    """Pupil's id → how often nobody was there this school year."""

    @property
    def not_reached(self) -> frozenset[int]:
        """Pupils whose families were tried twice or more this school year and never met."""
        met = {one.pupil_id for one in self.visits}
        tried = {one for one, count in self.attempts.items() if count >= ATTEMPTS_UNTIL_NOT_REACHED}
        return frozenset(tried - met)

    @property
    def group(self) -> Group:
        """The class as a group to judge."""
        return Group(self.level, self.pupils, self.visits, self.teacher_since)


def rules_on(day: date, *, school_id: int | None = None, district_id: int | None = None) -> Rules:
    """The rules that hold on a day at a school or in a district."""
    return read(RULES.on(day, school_id=school_id, district_id=district_id))


def years_on(district_ids: Collection[int], day: date) -> dict[int, Year]:
    """District id → the school year of a day with the terms the district set. One query."""
    starts_on = year_start(day)
    terms: dict[int, list[Span]] = defaultdict(list)
    rows = db.session.execute(
        select(SchoolYear.district_id, Term.starts_on, Term.ends_on)
        .join(Term, Term.school_year_id == SchoolYear.id)
        .where(SchoolYear.district_id.in_(district_ids), SchoolYear.starts_on == starts_on)
        .order_by(Term.starts_on)
    )
    for district_id, first, last in rows:
        terms[district_id].append(Span(first, last))
    return {district_id: Year(starts_on, tuple(terms[district_id])) for district_id in district_ids}


def year_of(district_id: int, day: date) -> Year:
    """The school year of a district with its terms."""
    return years_on([district_id], day)[district_id]


def places(day: date, *where: Any, groups: bool = False) -> dict[int, Place]:
    """The classes with pupils on a day that meet a condition on SchoolClass, with pupils, visits of the school year and
    attempts and the day from which the class teacher has them: five queries, however many classes.

    To which group a priority pupil belongs is sealed, and read only where a rule asks for single groups (``groups``: the
    caller does); else it is known that there is one."""
    with all_rows():
        found = _classes(where)
        _add_pupils(found, day, groups)
        _add_teachers(found, day)
        _add_visits(found, day)
    return {class_id: place for class_id, place in found.items() if place.pupils}


def _classes(where: Iterable[Any]) -> dict[int, Place]:
    rows = db.session.execute(
        select(SchoolClass, Grade, School.district_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .join(School, School.id == SchoolClass.school_id)
        .where(*where)
        .order_by(Grade.stage, Grade.level, SchoolClass.number, SchoolClass.id)
    )
    return {
        one.id: Place(one.id, one.name, grade.name, one.school_id, district_id, grade.level)
        for one, grade, district_id in rows
    }


def _then(day: date) -> Actor:
    return Actor(0, Role.SYSTEM_ADMIN, day)


def _add_pupils(found: Mapping[int, Place], day: date, groups: bool) -> None:
    asks = {
        school_id: groups or any(rule.groups for rule in rules_on(day, school_id=school_id).rules)
        for school_id in {place.school_id for place in found.values()}
    }
    rows = db.session.execute(
        select(Enrolment.class_id, Pupil.id, Pupil.public_id, Pupil.priority_sealed, Pupil.arrived_on)
        .join(Pupil, Pupil.id == Enrolment.pupil_id)
        .where(Enrolment.class_id.in_(list(found)), in_force(Enrolment, _then(day)))
        .order_by(Pupil.id)
    )
    for class_id, pupil_id, public_id, sealed, arrived_on in rows:
        priority = SOME_GROUP if sealed else ""
        if sealed and asks[found[class_id].school_id]:
            priority = Pupil.priority.read(sealed, public_id) or ""
        found[class_id].pupils.append(Child(pupil_id, priority, arrived_on))


def _add_teachers(found: Mapping[int, Place], day: date) -> None:
    """Since when the one who has the class today has had it; who stands in for a while does not count."""
    rows = db.session.execute(
        select(Appointment.class_id, func.min(Appointment.started_on))
        .where(
            Appointment.class_id.in_(list(found)),
            Appointment.role == Role.CLASS_TEACHER,
            Appointment.delegated_from_id.is_(None),
            in_force(Appointment, _then(day)),
        )
        .group_by(Appointment.class_id)
    )
    for class_id, since in rows:
        if class_id is not None:
            found[class_id].teacher_since = since


def _add_visits(found: Mapping[int, Place], day: date) -> None:
    members = {child.id: place for place in found.values() for child in place.pupils}
    pupils = select(Enrolment.pupil_id).where(
        Enrolment.class_id.in_(list(found)), in_force(Enrolment, _then(day))
    )
    for pupil_id, held in _held(Visit.pupil_id.in_(pupils), Visit.year_on == year_start(day)):
        if pupil_id in members:
            members[pupil_id].visits.append(held)
    tried = (
        select(Visit.pupil_id, func.count())
        .where(Visit.pupil_id.in_(pupils), Visit.year_on == year_start(day), Visit.outcome == Met.NO_ANSWER)
        .group_by(Visit.pupil_id)
    )
    for pupil_id, count in db.session.execute(tried):
        if pupil_id in members:
            members[pupil_id].attempts[pupil_id] = count


def _held(*where: Any) -> Iterable[tuple[int, Held]]:
    rows = db.session.execute(
        select(
            Visit.id,
            Visit.pupil_id,
            Visit.held_on,
            Visit.form,
            Visit.author_id,
            VisitPart.author_id,
            VisitCompanion.person_id,
        )
        .outerjoin(VisitPart, VisitPart.visit_id == Visit.id)
        .outerjoin(VisitCompanion, VisitCompanion.visit_id == Visit.id)
        .where(Visit.outcome == Met.MET, *where)
        .order_by(Visit.id)
    )
    visits: dict[int, tuple[int, date, str]] = {}
    authors: dict[int, set[int]] = defaultdict(set)
    for visit_id, pupil_id, on, form, *people in rows:
        visits[visit_id] = (pupil_id, on, form or "")
        authors[visit_id] |= {one for one in people if one is not None}
    for visit_id, (pupil_id, on, form) in visits.items():
        yield pupil_id, Held(pupil_id, on, form, frozenset(authors[visit_id]))


def visits_with(person_id: int, day: date) -> list[Held]:
    """The visits of this school year of which a person wrote a part."""
    parts = select(VisitPart.visit_id).where(VisitPart.author_id == person_id)
    along = select(VisitCompanion.visit_id).where(VisitCompanion.person_id == person_id)
    mine = or_(Visit.author_id == person_id, Visit.id.in_(parts), Visit.id.in_(along))
    with all_rows():
        return [held for _pupil_id, held in _held(mine, Visit.year_on == year_start(day))]


def outcomes(found: Mapping[int, Place], day: date) -> dict[int, list[Outcome]]:
    """Class id → where the class stands with each rule that concerns any of its pupils."""
    years = years_on({place.district_id for place in found.values()}, day)
    rules = {place.school_id: rules_on(day, school_id=place.school_id) for place in found.values()}
    return {
        class_id: [
            outcome
            for rule in rules[place.school_id].rules
            if (outcome := judge(rule, place.group, years[place.district_id], day)).concerned
        ]
        for class_id, place in found.items()
    }


# Kept as rolled-up numbers.

Key = tuple[int, str]
NUMBERS = ("members", "needed", "met", "in_home", "reached", "not_reached")


def _counted(outcome: Outcome, not_reached: frozenset[int]) -> dict[str, int]:
    return {
        "not_reached": len(outcome.concerned & not_reached),
        "members": len(outcome.concerned),
        "needed": outcome.needed,
        "met": len(outcome.met),
        "in_home": len(outcome.in_home),
        "reached": len(outcome.reached),
    }


def _anew(day: date, *where: Any) -> dict[Key, ClassCoverage]:
    found = places(day, *where)
    years = years_on({place.district_id for place in found.values()}, day)
    whole = {
        class_id: judge(WHOLE, place.group, years[place.district_id], day)
        for class_id, place in found.items()
    }
    return {
        (class_id, outcome.rule.key): ClassCoverage(
            class_id=class_id,
            rule=outcome.rule.key,
            school_id=found[class_id].school_id,
            since_on=outcome.span.first,
            until_on=outcome.span.last,
            kept_on=day,
            **_counted(outcome, found[class_id].not_reached),
        )
        for class_id, of_class in outcomes(found, day).items()
        for outcome in (whole[class_id], *of_class)
    }


def keep(class_ids: Collection[int], day: date | None = None) -> int:
    """Count classes anew, in the current transaction; returns the rows written."""
    db.session.flush()
    rows = _anew(day or clock.today(), SchoolClass.id.in_(class_ids))
    db.session.execute(
        delete(ClassCoverage)
        .where(ClassCoverage.class_id.in_(class_ids))
        .execution_options(synchronize_session="fetch")
    )
    db.session.add_all(rows.values())
    db.session.flush()
    return len(rows)


def _in_lots(day: date) -> list[list[int]]:
    present = select(Enrolment.class_id).where(in_force(Enrolment, _then(day))).distinct()
    kept = select(ClassCoverage.class_id).distinct()
    class_ids = sorted({*db.session.scalars(present), *db.session.scalars(kept)})
    return [class_ids[at : at + AT_ONCE] for at in range(0, len(class_ids), AT_ONCE)]


def keep_all() -> int:
    """Count every class with pupils today anew, in the current transaction; returns the rows written."""
    day = clock.today()
    return sum(keep(lot, day) for lot in _in_lots(day))


@task
def recount() -> None:
    """Count all classes anew, fifty in a transaction: after a change of the rules, and every day."""
    day = clock.today()
    for lot in _in_lots(day):
        keep(lot, day)
        db.session.commit()


@every(3_600)
def sweep() -> None:
    """Once a day: periods begin and end, pupils come and go without a visit."""
    oldest = db.session.scalar(select(func.min(ClassCoverage.kept_on)))
    db.session.rollback()
    if oldest is None or oldest < clock.today():
        recount()


def _differences() -> dict[str, tuple[int, int]]:
    day = clock.today()
    kept = {(row.class_id, row.rule): row for row in db.session.scalars(select(ClassCoverage))}
    anew = _anew(day)
    found: dict[str, tuple[int, int]] = {}
    for class_id, rule in sorted(kept.keys() | anew.keys()):
        for name in NUMBERS:
            pair = tuple(getattr(side.get((class_id, rule)), name, 0) for side in (kept, anew))
            if pair[0] != pair[1]:
                found[f"{class_id} {rule} {name}"] = (pair[0], pair[1])
    return found


TALLIES["coverage of visits"] = Tally(_differences, keep_all)
