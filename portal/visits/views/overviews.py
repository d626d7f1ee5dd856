"""The visits of a family, and those of a school with its coverage."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import request
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from portal.access import actor, find, requires
from portal.extensions import db
from portal.schools.calendar import year_start
from portal.schools.models import Enrolment, Pupil, School, SchoolClass
from portal.schools.policy import CLASS_READ, in_force
from portal.templating import render
from portal.visits import loading
from portal.visits.home_lessons import HOME_TEACHING_READ, HomeTeaching
from portal.visits.models import (
    FORM_NAMES,
    FollowUp,
    Form,
    Invitation,
    InvitationState,
    Outcome,
    Visit,
)
from portal.visits.policy import (
    HOME_PLACE_SET,
    INVITATION_READ,
    STEP_TICK,
    VISIT_FAMILY,
    VISIT_HISTORY,
    VISIT_READ,
    VISIT_SCHOOL,
    narrative_scope,
)
from portal.visits.views.blueprint import WORDS, bp

# The family's page


@bp.get("/family")
@requires(VISIT_FAMILY)
def family() -> str:
    """A guardian's children: what waits for an answer, own steps, and all visits across the years."""
    acting = actor()
    children = db.session.scalars(VISIT_HISTORY.rows(acting).order_by(Pupil.name_pinyin, Pupil.id)).all()
    visits, more = loading.newest_first(VISIT_READ.rows(acting), request.args.get("after"))
    own = set(
        db.session.scalars(
            select(Visit.id).where(
                Visit.id.in_([visit.id for visit in visits]),
                VISIT_FAMILY.within(acting),
                narrative_scope(acting),
            )
        )
    )
    steps = db.session.scalars(
        STEP_TICK.rows(acting)
        .where(FollowUp.done_on.is_(None))
        .options(joinedload(FollowUp.pupil))
        .order_by(FollowUp.due_on, FollowUp.id)
        .limit(loading.PAGE_LENGTH)
    ).all()
    waiting = (InvitationState.OPEN, InvitationState.ACCEPTED)
    invitations = db.session.scalars(
        INVITATION_READ.rows(acting)
        .where(Invitation.state.in_(waiting))
        .options(joinedload(Invitation.pupil), joinedload(Invitation.author))
        .order_by(Invitation.id.desc())
        .limit(loading.PAGE_LENGTH)
    ).all()
    return render(
        "visits/family.html",
        children=children,
        places=db.session.scalars(HOME_PLACE_SET.rows(acting).order_by(Pupil.name_pinyin, Pupil.id)).all(),
        visits=visits,
        own=own,
        more=more,
        steps=steps,
        invitations=invitations,
        today=acting.on,
        **WORDS,
    )


@dataclass
class Chapter:
    """The visits of one child in one school year at one school, newest first."""

    year_on: date
    school: str
    visits: list[Visit]


@bp.get("/family/<public_id>")
@requires(VISIT_HISTORY)
def family_child(public_id: str) -> str:
    """One child's visits across years and schools, with what was agreed and who has done it."""
    acting = actor()
    child = find(VISIT_HISTORY, public_id)
    visits, more = loading.newest_first(
        VISIT_READ.rows(acting).where(Visit.pupil_id == child.id), request.args.get("after")
    )
    told = select(Visit.id).where(
        Visit.id.in_([visit.id for visit in visits]), VISIT_FAMILY.within(acting), narrative_scope(acting)
    )
    own = set(db.session.scalars(told))
    steps: dict[int, list[FollowUp]] = defaultdict(list)
    agreed = select(FollowUp).where(FollowUp.visit_id.in_(own)).order_by(FollowUp.due_on, FollowUp.id)
    for step in db.session.scalars(agreed):
        steps[step.visit_id].append(step)
    ticks = STEP_TICK.rows(acting).where(FollowUp.visit_id.in_(own), FollowUp.done_on.is_(None))
    return render(
        "visits/family_child.html",
        child=child,
        chapters=_chapters(visits),
        own=own,
        steps=steps,
        may_tick={step.id for step in db.session.scalars(ticks)},
        taught=db.session.scalars(
            HOME_TEACHING_READ.rows(acting)
            .where(HomeTeaching.pupil_id == child.id)
            .order_by(HomeTeaching.year_on.desc())
        ).all(),
        more=more,
        shown=len(visits),
        today=acting.on,
        **WORDS,
    )


def _chapters(visits: list[Visit]) -> list[Chapter]:
    wanted = select(School.id, School.name).where(School.id.in_({visit.school_id for visit in visits}))
    names = {school_id: name for school_id, name in db.session.execute(wanted)}
    chapters: list[Chapter] = []
    for visit in visits:
        school = names[visit.school_id]
        last = chapters[-1] if chapters else None
        if last is None or (last.year_on, last.school) != (visit.year_on, school):
            last = Chapter(visit.year_on, school, [])
            chapters.append(last)
        last.visits.append(visit)
    return chapters


# The school's list


@bp.get("/school")
@requires(VISIT_SCHOOL)
def school() -> str:
    """The school's visits of this school year with three filters, and the coverage of each class."""
    acting = actor()
    year_on = year_start(acting.on)
    classes = db.session.scalars(
        CLASS_READ.rows(acting)
        .where(SchoolClass.id.in_(select(Enrolment.class_id).where(in_force(Enrolment, acting))))
        .order_by(SchoolClass.name, SchoolClass.id)
    ).all()
    query = VISIT_SCHOOL.rows(acting).where(Visit.year_on == year_on, Visit.outcome == Outcome.MET)
    chosen = {name: request.args.get(name, "") for name in ("class", "form", "state")}
    of_class = next((one for one in classes if one.public_id == chosen["class"]), None)
    if of_class is not None:
        query = query.where(Visit.class_id == of_class.id)
    if chosen["form"] in FORM_NAMES:
        query = query.where(Visit.form == Form(chosen["form"]))
    if chosen["state"] == "unconfirmed":
        query = query.where(loading.unconfirmed())
    visits, more = loading.newest_first(query, request.args.get("after"))
    return render(
        "visits/school.html",
        visits=visits,
        more=more,
        classes=classes,
        chosen=chosen,
        coverage=_coverage(year_on),
        **WORDS,
    )


def _coverage(year_on: Any) -> dict[int, tuple[int, int]]:
    """Class id → (pupils visited this school year, pupils), for the school's classes of today: two queries."""
    acting = actor()
    of_school = Enrolment.school_id == acting.school_id, in_force(Enrolment, acting)
    number = func.count(Enrolment.pupil_id.distinct())
    pupils = select(Enrolment.class_id, number).where(*of_school).group_by(Enrolment.class_id)
    met = Visit.year_on == year_on, Visit.outcome == Outcome.MET
    seen = pupils.join(Visit, Visit.pupil_id == Enrolment.pupil_id).where(*met)
    visited = {class_id: found for class_id, found in db.session.execute(seen)}
    return {class_id: (visited.get(class_id, 0), found) for class_id, found in db.session.execute(pupils)}
