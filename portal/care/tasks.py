"""What care puts on the first page: reviews and measures that are due, left-behind children nobody has spoken about."""

from datetime import timedelta
from typing import Any

from flask import url_for
from sqlalchemy import or_
from sqlalchemy.orm import joinedload

from portal.access import Actor, Role
from portal.care.models import CareMeasure, CarePlan, LeftBehind
from portal.care.policy import CARE_MEASURE, CARE_PLAN, CARE_REGISTER
from portal.care.settings import CONTACT_DAYS
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.tasks import Task

SOON = timedelta(days=7)
AT_MOST = 5
"""Cards of one kind on the first page; the rest stands in the lists."""
CARERS = (Role.CLASS_TEACHER, Role.SUBJECT_TEACHER, Role.PRINCIPAL)


def tasks(actor: Actor) -> list[Task]:
    """The cards of those who care for single children; nothing for other hats."""
    if actor.role not in CARERS:
        return []
    cards = [*_reviews(actor), *_measures(actor)]
    if actor.role == Role.CLASS_TEACHER:
        cards += _silent(actor)
    return cards


def _reviews(actor: Actor) -> list[Task]:
    found = db.session.scalars(
        CARE_PLAN.rows(actor)
        .where(
            CarePlan.responsible_id == actor.person_id,
            CarePlan.closed_on.is_(None),
            CarePlan.review_due_on <= actor.on + SOON,
        )
        .options(joinedload(CarePlan.pupil))
        .order_by(CarePlan.review_due_on, CarePlan.id)
        .limit(AT_MOST)
    )
    return [
        Task(
            about=plan.pupil.name,
            title=_("Look at a plan again"),
            url=url_for("care.plan", public_id=plan.public_id),
            button=_("Open the plan"),
            due_on=plan.review_due_on,
        )
        for plan in found
    ]


def _measures(actor: Actor) -> list[Task]:
    mine: Any = CareMeasure.owner_id == actor.person_id
    if actor.role == Role.CLASS_TEACHER:
        mine = or_(mine, CareMeasure.owner_id.is_(None) & (CareMeasure.due_on < actor.on))
    found = db.session.scalars(
        CARE_MEASURE.rows(actor)
        .join(CarePlan, CarePlan.id == CareMeasure.plan_id)
        .where(
            mine,
            CareMeasure.done_on.is_(None),
            CareMeasure.due_on <= actor.on + SOON,
            CarePlan.closed_on.is_(None),
        )
        .options(joinedload(CareMeasure.pupil))
        .order_by(CareMeasure.due_on, CareMeasure.id)
        .limit(AT_MOST)
    )
    return [
        Task(
            about=one.pupil.name,
            title=_("A measure of a plan is due"),
            url=url_for("care.measure", public_id=one.public_id),
            button=_("Open the measure"),
            due_on=one.due_on,
        )
        for one in found
    ]


def _silent(actor: Actor) -> list[Task]:
    days = CONTACT_DAYS.on(actor.on, school_id=actor.school_id)
    found = db.session.scalars(
        CARE_REGISTER.rows(actor)
        .where(LeftBehind.ended_on.is_(None), LeftBehind.contacted_on <= actor.on - timedelta(days=days))
        .options(joinedload(LeftBehind.pupil))
        .order_by(LeftBehind.contacted_on, LeftBehind.id)
        .limit(AT_MOST)
    )
    return [
        Task(
            about=one.pupil.name,
            title=_("Speak with the parents who are away"),
            body=ngettext(
                "No contact noted for %(num)s day.",
                "No contact noted for %(num)s days.",
                (actor.on - one.contacted_on).days,
            ),
            url=url_for("care.left_behind", public_id=one.public_id),
            button=_("Note a contact"),
            due_on=one.contacted_on + timedelta(days=days),
        )
        for one in found
    ]
