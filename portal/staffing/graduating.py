"""Classes that leave at the year's end: their pupils proposed to the schools of the next stage, list by list.

Each pupil is a transfer like any other: the next school accepts it into a class, the family knows and may object to what
was said at visits going along. Whoever is proposed nowhere leaves with the class, as the hand-over says.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import Pupil, School, SchoolClass
from portal.staffing import transferring
from portal.staffing.handing_over import LEAVE, Plan
from portal.staffing.models import PupilTransfer, TransferState

OPEN = (TransferState.PROPOSED, TransferState.ACCEPTED)


@dataclass(frozen=True)
class Graduate:
    """A pupil who leaves at the year's end, the class, and the transfer under way if there is one."""

    pupil: Pupil
    school_class: SchoolClass
    transfer: PupilTransfer | None


def graduates(plan: Plan) -> list[Graduate]:
    """Everybody who leaves with a class or alone, in the order of classes and names. One query beyond the plan's."""
    leaving = [
        (pupil, step.school_class)
        for step in plan.steps
        for pupil in step.pupils
        if pupil.public_id not in step.staying and (step.way == LEAVE or pupil.public_id in step.leaving)
    ]
    found = db.session.scalars(
        select(PupilTransfer)
        .where(
            PupilTransfer.pupil_id.in_([pupil.id for pupil, _class in leaving]),
            PupilTransfer.from_school_id == plan.school.id,
            PupilTransfer.state.in_(OPEN),
        )
        .options(joinedload(PupilTransfer.to_school))
    )
    under_way = {transfer.pupil_id: transfer for transfer in found}
    return [Graduate(pupil, school_class, under_way.get(pupil.id)) for pupil, school_class in leaving]


def propose(plan: Plan, chosen: Collection[str], school: School, actor: Actor, *, shares_story: bool) -> int:
    """Propose the chosen pupils (public ids) to a school from the next year's first day on, in the current transaction.

    Those who are proposed somewhere already are left as they are, so that a list sent twice changes nothing; how many are
    new. RuleBroken while there is no next year.
    """
    if plan.to_year is None:
        raise RuleBroken(_("The district has not founded the next school year yet."))
    new = [
        graduate.pupil
        for graduate in graduates(plan)
        if graduate.pupil.public_id in chosen and graduate.transfer is None
    ]
    for pupil in new:
        transferring.propose(pupil, school, plan.to_year.starts_on, actor, shares_story=shares_story)
    return len(new)
