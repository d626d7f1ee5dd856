"""What a teacher takes along for a day: the families chosen, what the form needs, the last visit. No numbers, no addresses."""

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock, consent
from portal.access import Actor
from portal.consent import Purpose
from portal.extensions import db
from portal.schools.models import Enrolment, Pupil
from portal.schools.policy import in_force
from portal.visits.drafts import DRAFT, GUARDED, VisitDraft, client_id_of
from portal.visits.homes import Home, homes_of
from portal.visits.models import PRIORITY_NAMES, Invitation, InvitationState, Outcome, Visit
from portal.visits.policy import INVITATION_READ, PUPIL_VISIT, VISIT_READ, narrative_scope

MOST_FAMILIES = 20
"""More are not one day's visits, and more is lost with a lost phone."""
AHEAD = timedelta(days=8)
"""How far ahead agreed meetings are offered; those of today are ticked."""


def agreed(actor: Actor) -> list[Invitation]:
    """Meetings that families of the class agreed to for today and the week to come, by time."""
    begin, end = clock.instant_of(actor.on), clock.instant_of(actor.on + AHEAD)
    return list(
        db.session.scalars(
            INVITATION_READ.rows(actor)
            .where(
                Invitation.state == InvitationState.ACCEPTED,
                Invitation.chosen_at >= begin,
                Invitation.chosen_at < end,
            )
            .options(joinedload(Invitation.pupil))
            .order_by(Invitation.chosen_at, Invitation.id)
        )
    )


def others(actor: Actor, besides: list[Invitation]) -> list[Pupil]:
    """The other pupils of the class, by name: a door may open that was not planned."""
    known = [one.pupil_id for one in besides]
    wanted = PUPIL_VISIT.rows(actor).where(Pupil.id.not_in(known))
    return list(db.session.scalars(wanted.order_by(Pupil.name_pinyin, Pupil.id)))


def last_visit(actor: Actor, pupil: Pupil) -> Visit | None:
    """The newest visit about a pupil whose story the actor may read."""
    return db.session.scalar(
        VISIT_READ.rows(actor)
        .where(Visit.pupil_id == pupil.id, Visit.outcome == Outcome.MET, narrative_scope(actor))
        .order_by(Visit.held_at.desc(), Visit.id.desc())
        .limit(1)
        .options(selectinload(Visit.parts), selectinload(Visit.steps))
    )


def family(actor: Actor, pupil: Pupil, last: Visit | None) -> dict[str, Any]:
    """One family as plain data."""
    place = db.session.scalar(
        select(Enrolment.started_on).where(
            Enrolment.pupil_id == pupil.id, Enrolment.class_id == actor.class_id, in_force(Enrolment, actor)
        )
    )
    meeting = next((one for one in agreed(actor) if one.pupil_id == pupil.id), None)
    homes = homes_of(pupil, actor.on)
    return {
        "pupil": pupil.public_id,
        "name": pupil.name,
        "priority": str(PRIORITY_NAMES.get(pupil.priority or "", "")),
        "since": (place or actor.on).isoformat(),
        "homes": [_home(home) for home in homes],
        "meeting": _meeting(meeting, homes) if meeting else None,
        "last": _last(last) if last else None,
        "draft": _draft(actor, pupil),
        "photos": consent.allows(Purpose.VISIT_PHOTO, pupil.id, actor.on),
    }


def _home(home: Home) -> dict[str, Any]:
    people = [{"id": tie.public_id, "relation": tie.relation} for tie in home.guardians]
    return {"key": home.key, "label": home.label, "people": people}


def _meeting(meeting: Invitation, homes: list[Home]) -> dict[str, Any]:
    assert meeting.chosen_at is not None
    home = next((one.key for one in homes if one.household_id == meeting.household_id), "")
    return {
        "visit": client_id_of(meeting),
        "home": home,
        "form": meeting.chosen_form,
        "at": meeting.chosen_at.isoformat(),
        "purpose": meeting.purpose,
    }


def _last(visit: Visit) -> dict[str, Any]:
    steps = [
        {"what": step.what, "due": step.due_on.isoformat(), "done": bool(step.done_on)}
        for step in visit.steps
    ]
    return {
        "on": visit.held_on.isoformat(),
        "form": visit.form,
        "hopes": [part.hopes for part in visit.parts if part.hopes],
        "note": [part.note for part in visit.parts if part.note],
        "steps": steps,
    }


def _draft(actor: Actor, pupil: Pupil) -> dict[str, Any] | None:
    """The teacher's unfinished draft about the pupil. Its sealed note stays here."""
    draft = db.session.scalar(
        DRAFT.rows(actor)
        .where(and_(VisitDraft.pupil_id == pupil.id, VisitDraft.finished_at.is_(None)))
        .order_by(VisitDraft.changed_at.desc())
        .limit(1)
        .options(selectinload(VisitDraft.parts))
    )
    if draft is None:
        return None
    fields = {
        part.field: {"value": part.content, "base": part.revision or None}
        for part in draft.parts
        if part.field != GUARDED
    }
    return {"visit": draft.client_id, "fields": fields}
