"""Meetings of a committee: written down once held, taken back with a reason when entered by mistake."""

from datetime import date

from sqlalchemy import select

from portal import clock
from portal.access import Actor
from portal.committees.models import Committee, CommitteeMeeting
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.trail.models import note


def hold(committee: Committee, held_on: date, present: int, topics: str, agreed: str, actor: Actor) -> None:
    """Write a meeting down; it lies within the committee's term."""
    db.session.add(
        CommitteeMeeting(
            committee_id=committee.id,
            held_on=held_on,
            present=present,
            topics=topics,
            agreed=agreed,
            entered_by_id=actor.person_id,
        )
    )
    note("committee.met", committee, person_id=actor.person_id, role=actor.role, held_on=held_on.isoformat())


def take_back(committee: Committee, public_id: str, reason: str, actor: Actor) -> None:
    """Take a meeting back; it stays to be seen and counts no more. RuleBroken when it is taken back already or not there."""
    found = db.session.scalars(
        select(CommitteeMeeting)
        .where(CommitteeMeeting.committee_id == committee.id, CommitteeMeeting.public_id == public_id)
        .with_for_update()
    ).first()
    if found is None or found.taken_back_at is not None:
        raise RuleBroken(_("This meeting is taken back already, or is not there any more."))
    found.taken_back_at, found.taken_back_reason = clock.now(), reason
    note(
        "committee.taken_back", committee, person_id=actor.person_id, role=actor.role,
        held_on=found.held_on.isoformat(),
    )  # fmt: skip
