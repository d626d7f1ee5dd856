"""Who opened or took out a family's record: what a guardian is told of the trail, and the question for the reader's name.

Shown: day, role and school of the reader, kind of data, purpose; exports of lists that name the child, the child's file
going to a new school, and the copies one asked for oneself. Left out: openings of sealed safeguarding notes (SECURITY
T-27: the suspected person may be the guardian), of restrictions and holds, and openings of what another guardian wrote or
of another household's visit, for these would tell that it exists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from portal.access import Actor
from portal.care.models import CarePlan, LeftBehind
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.opinions.models import Opinion
from portal.opinions.policy import OPINION_READ
from portal.privacy.models import ExportRequest, ReaderQuestion
from portal.schools.calendar import add_working_days
from portal.schools.models import District, Enrolment, Guardianship, Pupil, School
from portal.schools.policy import pupils_of_guardian
from portal.trail.models import TrailEntry
from portal.trail.reads import READ
from portal.visits.models import FollowUp, Invitation, Visit
from portal.visits.policy import INVITATION_READ, VISIT_FAMILY

ANSWER_WITHIN = 15
"""Working days in which the school answers a question (Personal Information Protection Law, art. 50: in good time)."""
SHOWN = ("F3", "F4")
NUMBERS = {("pupil", "F3"): _l("The child's identity number")}
"""What is opened of a record that has other parts as well: kind of row and class of its data."""
MOVED = "transfer.accepted"
CATEGORY_NAMES = {
    "F3": _l("Contacts"),
    "F4": _l("What was written about the family"),
    "export.fetched": _l("Name and class"),
    MOVED: _l("The child's file, as the transfer says"),
    "copy.fetched": _l("All that is kept about you"),
}
KIND_NAMES = {
    "visit": _l("A home visit"),
    "opinion": _l("An opinion you sent"),
    "person": _l("A telephone number"),
    "guardianship": _l("A telephone number"),
    "file": _l("A picture or file"),
    "follow_up": _l("An agreed step"),
    "visit_invitation": _l("An invitation to a visit"),
    "pupil": _l("The child's care category"),
    "change_request": _l("A change of details"),
    "erasure_request": _l("A request for deletion"),
    "recovery": _l("Help to get back into the account"),
    "export_request": _l("A list of pupils was taken out"),
    "pupil_transfer": _l("The child's file went to the new school"),
    "data_copy": _l("You fetched a copy of your data"),
}


PURPOSES_IN_WORDS = {
    "change": _l("A change of details that was asked for"),
    "erasure": _l("A request for deletion"),
}
"""What a view says as a word; what a person typed stays as it was typed."""
REGISTER = "left_behind"
"""The kind of export that names the children of the left-behind register."""
PLANS = "care_plans"
"""The kind of export that names the children with a plan of their own."""
TAKEN_OUT = {
    REGISTER: _l("The left-behind register was taken out"),
    PLANS: _l("The list of plans was taken out"),
}
LISTS = ("pupils",)
"""Kinds of exports that name all children of a place."""
HOUSEHOLDS = ("visit", "opinion", "visit_invitation", "follow_up")
"""Kinds of records that belong to one household of a child."""
HIDDEN = ("restriction", "legal_hold", "joining_request", "change_request", "erasure_request", "recovery")
"""Kinds that only the person concerned is told of, if anybody."""


def _openings(actor: Actor) -> ColumnElement[bool]:
    """Openings of records of the guardian's children that concern the guardian's own household."""
    visits = select(Visit.id).where(VISIT_FAMILY.within(actor))
    opinions = select(Opinion.id).where(OPINION_READ.within(actor))
    invitations = select(Invitation.id).where(INVITATION_READ.within(actor))
    steps = select(FollowUp.id).where(FollowUp.visit_id.in_(visits))
    kind, number = TrailEntry.object_kind, TrailEntry.object_id
    own = or_(
        and_(TrailEntry.subject_id == actor.person_id, kind.not_in(("restriction", "legal_hold"))),
        and_(
            TrailEntry.subject_id.is_(None),
            or_(
                kind.not_in((*HOUSEHOLDS, *HIDDEN)),
                and_(kind == "visit", number.in_(visits)),
                and_(kind == "opinion", number.in_(opinions)),
                and_(kind == "visit_invitation", number.in_(invitations)),
                and_(kind == "follow_up", number.in_(steps)),
            ),
        ),
    )
    return and_(
        TrailEntry.action == READ,
        TrailEntry.category.in_(SHOWN),
        or_(
            TrailEntry.pupil_id.in_(pupils_of_guardian(actor)),
            and_(TrailEntry.pupil_id.is_(None), TrailEntry.subject_id == actor.person_id),
        ),
        own,
    )


def _lists_naming(actor: Actor) -> ColumnElement[bool]:
    """Lists of pupils taken out that named a child of the guardian: of its school, or of a district above it, the
    left-behind register of its school while it stood there, and the plans of its school while it had one."""
    asking, home = aliased(District), aliased(District)
    asked_at: Any = ExportRequest.asked_at
    registered = exists().where(
        LeftBehind.pupil_id == Enrolment.pupil_id,
        LeftBehind.school_id == School.id,
        LeftBehind.started_on <= asked_at,
        or_(LeftBehind.ended_on.is_(None), asked_at < LeftBehind.ended_on),
    )
    planned = exists().where(
        CarePlan.pupil_id == Enrolment.pupil_id,
        CarePlan.school_id == School.id,
        CarePlan.opened_on <= asked_at,
        or_(CarePlan.closed_on.is_(None), asked_at < CarePlan.closed_on),
    )
    named = (
        select(ExportRequest.id)
        .join(asking, asking.id == ExportRequest.district_id)
        .join(Enrolment, Enrolment.pupil_id.in_(pupils_of_guardian(actor)))
        .join(School, School.id == Enrolment.school_id)
        .join(home, home.id == School.district_id)
        .where(
            or_(
                ExportRequest.kind.in_(LISTS),
                and_(ExportRequest.kind == REGISTER, registered),
                and_(ExportRequest.kind == PLANS, planned),
            ),
            or_(
                ExportRequest.school_id == School.id,
                and_(ExportRequest.school_id.is_(None), home.path.startswith(asking.path)),
            ),
            asked_at >= Enrolment.started_on,
            or_(Enrolment.ended_on.is_(None), asked_at < Enrolment.ended_on),
        )
    )
    return and_(
        TrailEntry.object_kind == ExportRequest.__tablename__,
        TrailEntry.action == "export.fetched",
        TrailEntry.object_id.in_(named),
    )


def of_own_family(actor: Actor) -> ColumnElement[bool]:
    """Openings and outgoings of what is kept about the guardian's own household."""
    moved = and_(TrailEntry.action == MOVED, TrailEntry.pupil_id.in_(pupils_of_guardian(actor)))
    copied = and_(TrailEntry.action == "copy.fetched", TrailEntry.subject_id == actor.person_id)
    return or_(_openings(actor), _lists_naming(actor), moved, copied)


@dataclass(frozen=True)
class Reading:
    """One opening, as the family reads it."""

    id: int
    at: datetime
    role: str
    place: str
    child: str
    category: str
    kind: str
    purpose: str
    is_own: bool
    question: ReaderQuestion | None


def told(entries: Sequence[TrailEntry], person_id: int) -> list[Reading]:
    """The entries in words, with the questions this guardian asked. Three queries, however many entries."""
    children = _names(Pupil, {entry.pupil_id for entry in entries})
    schools = _names(School, {entry.school_id for entry in entries})
    purposes = _purposes(entries)
    asked = {
        question.trail_entry_id: question
        for question in db.session.scalars(
            select(ReaderQuestion).where(
                ReaderQuestion.person_id == person_id,
                ReaderQuestion.trail_entry_id.in_([entry.id for entry in entries]),
            )
        )
    }
    return [
        Reading(
            id=entry.id,
            at=entry.happened_at,
            role=entry.role,
            place=schools.get(entry.school_id or 0, ""),
            child=children.get(entry.pupil_id or 0, ""),
            category=_category_of(entry),
            kind=_kind_of(entry),
            purpose=purpose_of(entry) or purposes.get((entry.object_kind, entry.object_id), ""),
            is_own=entry.person_id == person_id,
            question=asked.get(entry.id),
        )
        for entry in entries
    ]


def _taken_out(entry: TrailEntry) -> Any:
    """The kind of list that was taken out; None for any other entry."""
    return (entry.facts or {}).get("kind") if entry.object_kind == ExportRequest.__tablename__ else None


def _category_of(entry: TrailEntry) -> str:
    """What was read, in words."""
    kind = _taken_out(entry)
    if kind == REGISTER:
        return _("Who looks after the child and what was agreed")
    if kind == PLANS:
        return _("The plan for the child: aims and measures")
    return str(CATEGORY_NAMES[entry.category or entry.action])


def _kind_of(entry: TrailEntry) -> str:
    """In what it stood, in words."""
    kind = _taken_out(entry)
    if kind in TAKEN_OUT:
        return str(TAKEN_OUT[kind])
    of_part = NUMBERS.get((entry.object_kind, entry.category))
    return str(of_part or KIND_NAMES.get(entry.object_kind, _l("Another record")))


def purpose_of(entry: TrailEntry) -> str:
    """Why it was opened, in words."""
    return str(PURPOSES_IN_WORDS.get(entry.purpose, entry.purpose))


def _purposes(entries: Sequence[TrailEntry]) -> dict[tuple[str, int | None], str]:
    """What exports were for. They stand sealed with their requests, not in the trail."""
    kind = ExportRequest.__tablename__
    wanted = {entry.object_id for entry in entries if entry.object_kind == kind}
    rows = db.session.scalars(select(ExportRequest).where(ExportRequest.id.in_(wanted))) if wanted else ()
    return {(kind, row.id): row.purpose for row in rows}


def _names(model: Any, ids: set[Any]) -> dict[int, str]:
    wanted = [one for one in ids if one is not None]
    return {
        key: name
        for key, name in db.session.execute(select(model.id, model.name).where(model.id.in_(wanted)))
    }


def ask(entry: TrailEntry, actor: Actor, at: datetime) -> ReaderQuestion:
    """Ask the school for the reader's name, once for each opening, in the current transaction."""
    person_id = actor.person_id
    before = select(ReaderQuestion.id).where(
        ReaderQuestion.trail_entry_id == entry.id, ReaderQuestion.person_id == person_id
    )
    if db.session.scalar(before) is not None:
        raise RuleBroken(_("You have asked about this already. The school answers you here."))
    child = (
        select(Pupil.id, Pupil.school_id).where(Pupil.id.in_(pupils_of_guardian(actor))).order_by(Pupil.id)
    )
    if entry.pupil_id is not None:
        child = child.where(Pupil.id == entry.pupil_id)
    elif entry.school_id is not None:
        child = child.where(Pupil.school_id == entry.school_id)
    found = db.session.execute(child.limit(1)).first()
    if found is None or person_id == entry.person_id:
        raise RuleBroken(_("Ring the school about this one."))
    made = ReaderQuestion(
        trail_entry_id=entry.id,
        person_id=person_id,
        pupil_id=found.id,
        school_id=entry.school_id or found.school_id,
        reader_id=entry.person_id,
        asked_at=at,
        due_on=add_working_days(actor.on, ANSWER_WITHIN),
    )
    db.session.add(made)
    db.session.flush()
    return made


def relation_of(question: ReaderQuestion) -> str:
    """What the one who asks is to the child: 妈妈; empty when no longer a guardian."""
    found = db.session.scalar(
        select(Guardianship.relation)
        .where(Guardianship.pupil_id == question.pupil_id, Guardianship.person_id == question.person_id)
        .order_by(Guardianship.id.desc())
        .limit(1)
    )
    return found or ""
