"""What pages of visits load at once, so that lists cost the same however long they are."""

from typing import Any, TypeVar

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import joinedload, selectinload

from portal.access import Actor
from portal.extensions import db
from portal.visits.models import (
    Correction,
    Outcome,
    SealedNote,
    Visit,
    VisitChange,
    VisitCompanion,
    VisitMet,
    VisitPart,
    VisitRemark,
)
from portal.visits.policy import SEALED_READ, VISIT_JOIN, narrative_scope

PAGE_LENGTH = 25
Row = TypeVar("Row", bound=Any)

FACTS = (
    joinedload(Visit.pupil),
    joinedload(Visit.school_class),
    joinedload(Visit.author),
    joinedload(Visit.confirmed_by),
    selectinload(Visit.met).joinedload(VisitMet.guardianship),
    selectinload(Visit.company).joinedload(VisitCompanion.person),
)
STORY = (
    selectinload(Visit.parts).joinedload(VisitPart.author),
    selectinload(Visit.steps),
    selectinload(Visit.remarks).joinedload(VisitRemark.person),
    selectinload(Visit.corrections).joinedload(Correction.person),
    selectinload(Visit.changes).joinedload(VisitChange.person),
)
IN_LISTS = (joinedload(Visit.pupil), joinedload(Visit.school_class), joinedload(Visit.author))


def with_story(actor: Actor, visit: Visit) -> tuple[bool, bool]:
    """Load what was said at a visit within reach; whether it was, and whether the actor went along and may say so now.

    Where the actor reads only that it happened, nothing is loaded.
    """
    wanted = (
        select(Visit, VISIT_JOIN.within(actor))
        .where(Visit.id == visit.id, narrative_scope(actor))
        .options(*STORY)
    )
    found = db.session.execute(wanted).first()
    if found is not None:
        return True, bool(found[1])
    named = any(one.person_id == actor.person_id for one in visit.company)
    return False, named and VISIT_JOIN.holds_for(actor, visit)


def sealed_within_reach(actor: Actor, visit: Visit) -> list[SealedNote]:
    """The visit's sealed notes that the actor may open, oldest first; the bodies stay unread."""
    if not SEALED_READ.admits(actor.role):
        return []
    found = SEALED_READ.rows(actor).where(SealedNote.visit_id == visit.id).order_by(SealedNote.id)
    return list(db.session.scalars(found.options(joinedload(SealedNote.author))))


def newest_first(query: Select[Any], after: str | None) -> tuple[list[Visit], str | None]:
    """One page of visits and the public id to go on after, None at the end."""
    if after:
        edge = db.session.execute(select(Visit.held_at, Visit.id).where(Visit.public_id == after)).first()
        if edge is not None:
            older = and_(Visit.held_at == edge.held_at, Visit.id < edge.id)
            query = query.where(or_(Visit.held_at < edge.held_at, older))
    ordered = query.order_by(Visit.held_at.desc(), Visit.id.desc()).limit(PAGE_LENGTH + 1)
    found = list(db.session.scalars(ordered.options(*IN_LISTS)))
    more = found[PAGE_LENGTH - 1].public_id if len(found) > PAGE_LENGTH else None
    return found[:PAGE_LENGTH], more


def has_open_correction(visit: Visit) -> bool:
    """Whether the family waits for an answer to a correction."""
    asked = exists().where(Correction.visit_id == visit.id, Correction.answered_at.is_(None))
    return bool(db.session.scalar(select(asked)))


def unconfirmed() -> Any:
    """Visits that the family has not confirmed."""
    return and_(Visit.outcome == Outcome.MET, Visit.confirmed_at.is_(None))
