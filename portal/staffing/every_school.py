"""The hand-over of all schools of a district at once: ordered in one transaction, carried out school by school.

A school that planned by hand goes by its plan, the others by the usual rules. A school that handed over already is left as
it is, so ordering twice, or carrying out again what was broken off, changes nothing twice.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select

from portal import clock
from portal.access import Actor, Role
from portal.errors import RuleBroken
from portal.extensions import db
from portal.schools.models import Enrolment, Grade, School, SchoolClass, SchoolYear
from portal.staffing import handing_over
from portal.staffing.models import HandOver, HandOverState
from portal.trail.models import note

PROBLEM = "problem"
"""In the journal of a hand-over that could not be carried out: why."""
DONE = (HandOverState.APPLIED, HandOverState.ORDERED)


@dataclass
class Size:
    """A school in the year that ends: its classes, its pupils, and who leaves at the year's end, counted by class; the
    district reads numbers, not names of children (SECURITY contract, row "Student core")."""

    classes: int = 0
    pupils: int = 0
    leaving: list[tuple[str, int]] = field(default_factory=list)
    alone: int = 0


def sizes(schools: Collection[School], handed: Mapping[int, HandOver], on: date) -> dict[int, Size]:
    """School id → its size in the school year a day falls in, and who leaves by its own plan, else by the usual rules.
    The same few queries for one school and for many."""
    rows = db.session.execute(
        select(
            SchoolClass.school_id,
            SchoolClass.public_id,
            SchoolClass.name,
            Grade.stage,
            Grade.level,
            func.count(Enrolment.id),
        )
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .join(SchoolYear, SchoolYear.id == Grade.school_year_id)
        .outerjoin(
            Enrolment,
            (Enrolment.class_id == SchoolClass.id)
            & (Enrolment.started_on <= on)
            & or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > on),
        )
        .where(
            SchoolClass.school_id.in_([school.id for school in schools]),
            SchoolYear.starts_on <= on,
            SchoolYear.ends_on >= on,
        )
        .group_by(SchoolClass.id, Grade.id)
        .order_by(Grade.stage, Grade.level, SchoolClass.number)
    ).all()
    last = handing_over.last_levels(schools, on)
    found: dict[int, Size] = defaultdict(Size)
    for school_id, public_id, name, stage, level, pupils in rows:
        one = found[school_id]
        one.classes, one.pupils = one.classes + 1, one.pupils + pupils
        plan = handed[school_id].plan if school_id in handed else {}
        changed = plan.get(public_id, {})
        usual = handing_over.UP if level < last[school_id, stage] else handing_over.LEAVE
        if changed.get("way", usual) == handing_over.LEAVE:
            one.leaving.append((name, max(pupils - len(changed.get("staying", ())), 0)))
        else:
            one.alone += len(set(changed.get("leaving", ())) - set(changed.get("staying", ())))
    return found


def _to_do(actor: Actor, year: SchoolYear) -> ColumnElement[bool]:
    """Schools of the district itself that have classes and have not been handed over to the year."""
    done = exists().where(
        HandOver.school_id == School.id, HandOver.to_year_id == year.id, HandOver.state.in_(DONE)
    )
    has_classes = exists().where(SchoolClass.school_id == School.id)
    return (School.district_id == actor.district_id) & has_classes & ~done


def left(actor: Actor, year: SchoolYear) -> int:
    """How many schools have not been handed over."""
    return db.session.scalar(select(func.count(School.id)).where(_to_do(actor, year))) or 0


def order(actor: Actor, year: SchoolYear) -> int:
    """Order the hand-over of every school that has not done it, in the current transaction; how many. RuleBroken once the
    year has begun."""
    if actor.on >= year.starts_on:
        raise RuleBroken(handing_over.begun())
    schools = db.session.scalars(select(School.id).where(_to_do(actor, year)).order_by(School.id)).all()
    planned = {
        one.school_id: one
        for one in db.session.scalars(
            select(HandOver).where(
                HandOver.to_year_id == year.id,
                HandOver.state == HandOverState.PLANNED,
                HandOver.school_id.in_(schools),
            )
        )
    }
    for school_id in schools:
        one = planned.get(school_id) or HandOver(school_id=school_id, to_year_id=year.id, plan={}, journal={})
        one.state, one.applied_by_id = HandOverState.ORDERED, actor.person_id
        one.journal = {}
        db.session.add(one)
    db.session.flush()
    note(
        "hand_over.ordered",
        None,
        person_id=actor.person_id,
        role=actor.role,
        object_kind=HandOver.__tablename__,
        schools=len(schools),
        year=str(year.starts_on),
    )
    return len(schools)


def carry_out(hand_over_id: int) -> bool:
    """Carry out one ordered hand-over in a transaction of its own; whether it was done. What stands against it is kept."""
    wanted: Any = select(HandOver).where(HandOver.id == hand_over_id, HandOver.state == HandOverState.ORDERED)
    ordered = db.session.scalar(wanted.with_for_update())
    if ordered is None:
        db.session.rollback()
        return False
    by_id = ordered.applied_by_id or 0
    plan = handing_over.plan_of(db.session.get_one(School, ordered.school_id), clock.today())
    try:
        handing_over.apply(plan, by_id, Role.DISTRICT_STAFF)
    except RuleBroken as broken:
        db.session.rollback()
        ordered = db.session.get_one(HandOver, hand_over_id)
        ordered.state, ordered.applied_by_id = HandOverState.PLANNED, None
        ordered.journal = {PROBLEM: broken.message}
        db.session.commit()
        return False
    db.session.commit()
    return True


def carry_out_all() -> int:
    """Carry out everything that is ordered; how many schools."""
    waiting = db.session.scalars(
        select(HandOver.id).where(HandOver.state == HandOverState.ORDERED).order_by(HandOver.id)
    ).all()
    db.session.rollback()
    return sum(carry_out(key) for key in waiting)
