"""The blueprint of home visits, and what several of its pages share."""

from flask import Blueprint
from sqlalchemy import select
from werkzeug.wrappers import Response

from portal.access import actor
from portal.extensions import db
from portal.schools.models import Enrolment, Pupil, SchoolClass
from portal.schools.policy import in_force
from portal.visits.models import (
    FORM_NAMES,
    OWNER_NAMES,
    PRIORITY_NAMES,
)

bp = Blueprint("visits", __name__, url_prefix="/visits")

Answer = str | tuple[str, int] | Response
WORDS = {"forms": FORM_NAMES, "owners": OWNER_NAMES, "priorities": PRIORITY_NAMES}


def class_today(pupil: Pupil) -> tuple[SchoolClass, Enrolment]:
    """The teacher's class and the pupil's place in it; the permission has shown that both hold today."""
    row = db.session.execute(
        select(SchoolClass, Enrolment)
        .join(Enrolment, Enrolment.class_id == SchoolClass.id)
        .where(
            SchoolClass.id == actor().class_id, Enrolment.pupil_id == pupil.id, in_force(Enrolment, actor())
        )
        .limit(1)
    ).one()
    return row[0], row[1]
