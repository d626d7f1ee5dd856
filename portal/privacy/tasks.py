"""What data rights put on the first page: a purpose the school asks about, once, for two weeks."""

from datetime import timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Date, Select, bindparam, exists, select

from portal import i18n
from portal.access import Actor, Role
from portal.consent import Purpose
from portal.extensions import db
from portal.i18n import gettext as _
from portal.prepared import Prepared, whoever
from portal.privacy.models import Consent, ConsentReminder
from portal.privacy.policy import CONSENT_GIVE
from portal.privacy.purposes import PURPOSES
from portal.schools.models import Enrolment, Pupil
from portal.schools.policy import in_force
from portal.tasks import Task

ASKED_FOR = timedelta(days=14)


def tasks(actor: Actor) -> list[Task]:
    """What waits for this person."""
    return _asked(actor) if actor.role == Role.GUARDIAN else []


def _questions() -> Select[*tuple[Any, ...]]:
    acting = whoever(Role.GUARDIAN)
    answered = exists().where(
        Consent.pupil_id == Pupil.id,
        Consent.person_id == acting.person_id,
        Consent.purpose == ConsentReminder.purpose,
        Consent.version == ConsentReminder.version,
    )
    return (
        select(Pupil.public_id, Pupil.name, ConsentReminder.purpose, ConsentReminder.version)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .join(ConsentReminder, ConsentReminder.class_id == Enrolment.class_id)
        .where(
            CONSENT_GIVE.within(acting),
            in_force(Enrolment, acting),
            ConsentReminder.reminded_on > bindparam("since", type_=Date()),
            ~answered,
        )
        .order_by(ConsentReminder.id, Pupil.id)
    )


QUESTIONS = Prepared(_questions)


def _asked(actor: Actor) -> list[Task]:
    rows = QUESTIONS.all(db.session(), person=actor.person_id, day=actor.on, since=actor.on - ASKED_FOR)
    wanted = [
        row
        for row in rows
        if row.purpose in PURPOSES and PURPOSES[Purpose(row.purpose)].on(actor.on).number == row.version
    ]
    if not wanted:
        return []
    children = list(dict.fromkeys(row.name for row in wanted))
    first = wanted[0]
    return [
        Task(
            about=i18n.listing(children),
            title=_("The school asks: %(purpose)s", purpose=str(PURPOSES[Purpose(first.purpose)].name)),
            body=_("Yes or no, both are fine. You are not asked again."),
            url=url_for("privacy.consents", _anchor=f"{first.purpose}-{first.public_id}"),
            button=_("Read and answer"),
        )
    ]
