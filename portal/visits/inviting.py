"""Inviting a family: at most one invitation of a school holds a household at a time."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import IntegrityError

from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.row_security import all_rows
from portal.schools.models import Pupil, SchoolClass
from portal.visits.models import Invitation, InvitationState

GRACE = timedelta(days=14)
"""An accepted meeting that was never written up holds the family's place no longer than this."""


def invite(
    pupil: Pupil,
    school_class: SchoolClass,
    household_id: int,
    author: Actor,
    times: list[datetime],
    forms: list[str],
    purpose: str,
    now: datetime,
) -> Invitation:
    """A new open invitation, in the current transaction. RuleBroken when another teacher holds the family."""
    _let_lapse(school_class.school_id, household_id, now)
    invitation = Invitation(
        pupil_id=pupil.id,
        household_id=household_id,
        class_id=school_class.id,
        school_id=school_class.school_id,
        author_id=author.person_id,
        purpose=purpose,
        forms=forms,
        times=[one.isoformat() for one in sorted(times)],
        last_time_at=max(times),
        state=InvitationState.OPEN,
        created_at=now,
    )
    db.session.add(invitation)
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise RuleBroken(
            _("This family holds an invitation of your school already. Wait for the answer or take it back.")
        ) from error
    return invitation


def held(school_id: int, household_id: int) -> Invitation | None:
    """The invitation that holds a household at a school."""
    with all_rows():
        return db.session.scalar(
            select(Invitation).where(
                Invitation.school_id == school_id,
                Invitation.household_id == household_id,
                Invitation.state.in_((InvitationState.OPEN, InvitationState.ACCEPTED)),
            )
        )


def elsewhere(school_id: int | None, household_ids: Collection[int]) -> bool:
    """Whether another school has invited one of these households too, for a sister or a brother."""
    with all_rows():
        found = db.session.scalar(
            select(Invitation.id)
            .where(
                Invitation.school_id != school_id,
                Invitation.household_id.in_(household_ids),
                Invitation.state.in_((InvitationState.OPEN, InvitationState.ACCEPTED)),
            )
            .limit(1)
        )
    return found is not None


def _let_lapse(school_id: int, household_id: int, now: datetime) -> None:
    past = or_(
        and_(Invitation.state == InvitationState.OPEN, Invitation.last_time_at <= now),
        and_(Invitation.state == InvitationState.ACCEPTED, Invitation.chosen_at <= now - GRACE),
    )
    with all_rows():
        db.session.execute(
            update(Invitation)
            .where(Invitation.school_id == school_id, Invitation.household_id == household_id, past)
            .values(state=InvitationState.LAPSED)
        )
