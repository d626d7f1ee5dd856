"""What care puts on the first page: reviews and measures that are due, left-behind children nobody has spoken about."""

from datetime import timedelta
from typing import Any

from flask import url_for
from sqlalchemy import or_
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Actor, Role
from portal.care import watching
from portal.care.models import STEP_NAMES, CareMeasure, CarePlan, LeftBehind, Referral, ReferralState, Watch
from portal.care.policy import CARE_MEASURE, CARE_OVERRIDE, CARE_PLAN, CARE_REGISTER, CARE_WATCH
from portal.care.settings import CONTACT_DAYS
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.tasks import AT_MOST, Task, cards

SOON = timedelta(days=7)
CARERS = (Role.CLASS_TEACHER, Role.SUBJECT_TEACHER, Role.PRINCIPAL)


def tasks(actor: Actor) -> list[Task]:
    """The cards of those who care for single children; nothing for other hats."""
    if actor.role not in CARERS:
        return []
    made = [*_reviews(actor), *_measures(actor)]
    if actor.role == Role.CLASS_TEACHER:
        made += _silent(actor)
    if actor.role == Role.PRINCIPAL:
        made += _to_decide(actor)
    return [*made, *_steps(actor)] if actor.role != Role.SUBJECT_TEACHER else made


def _reviews(actor: Actor) -> list[Task]:
    query = (
        CARE_PLAN.rows(actor)
        .where(
            CarePlan.responsible_id == actor.person_id,
            CarePlan.closed_on.is_(None),
            CarePlan.review_due_on <= actor.on + SOON,
        )
        .options(joinedload(CarePlan.pupil))
    )
    return cards(
        query,
        (
            CarePlan.review_due_on,
            CarePlan.id,
        ),
        lambda plan: Task(
            about=plan.pupil.name,
            title=_("Look at a plan again"),
            url=url_for("care.plan", public_id=plan.public_id),
            button=_("Open the plan"),
            due_on=plan.review_due_on,
        ),
    )


def _measures(actor: Actor) -> list[Task]:
    mine: Any = CareMeasure.owner_id == actor.person_id
    if actor.role == Role.CLASS_TEACHER:
        mine = or_(mine, CareMeasure.owner_id.is_(None) & (CareMeasure.due_on < actor.on))
    query = (
        CARE_MEASURE.rows(actor)
        .join(CarePlan, CarePlan.id == CareMeasure.plan_id)
        .where(
            mine,
            CareMeasure.done_on.is_(None),
            CareMeasure.due_on <= actor.on + SOON,
            CarePlan.closed_on.is_(None),
        )
        .options(joinedload(CareMeasure.pupil))
    )
    return cards(
        query,
        (
            CareMeasure.due_on,
            CareMeasure.id,
        ),
        lambda one: Task(
            about=one.pupil.name,
            title=_("A measure of a plan is due"),
            url=url_for("care.measure", public_id=one.public_id),
            button=_("Open the measure"),
            due_on=one.due_on,
        ),
    )


def _silent(actor: Actor) -> list[Task]:
    days = CONTACT_DAYS.on(actor.on, school_id=actor.school_id)
    query = (
        CARE_REGISTER.rows(actor)
        .where(LeftBehind.ended_on.is_(None), LeftBehind.contacted_on <= actor.on - timedelta(days=days))
        .options(joinedload(LeftBehind.pupil))
    )
    return cards(
        query,
        (
            LeftBehind.contacted_on,
            LeftBehind.id,
        ),
        lambda one: Task(
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
        ),
    )


def _steps(actor: Actor) -> list[Task]:
    """The next step for each child who may drop out: for the class teacher, and late ones for the principal."""
    found = db.session.scalars(
        CARE_WATCH.rows(actor)
        .where(Watch.ended_on.is_(None))
        .options(joinedload(Watch.pupil), selectinload(Watch.steps))
        .order_by(Watch.absent_from, Watch.id)
        .limit(AT_MOST)
    )
    made = []
    for watch in found:
        rung = watching.next_rung(watch, actor.on)
        late_only = actor.role == Role.PRINCIPAL
        if rung is None or rung.due_on > actor.on + SOON or (late_only and rung.due_on >= actor.on):
            continue
        made.append(
            Task(
                about=watch.pupil.name,
                title=_("Dropout watch: %(step)s", step=STEP_NAMES[rung.kind]),
                url=url_for("care.watch", public_id=watch.public_id),
                button=_("Open the watch"),
                due_on=rung.due_on,
            )
        )
    return made


def _to_decide(actor: Actor) -> list[Task]:
    query = (
        CARE_OVERRIDE.rows(actor)
        .where(Referral.state == ReferralState.WAITING, Referral.author_id != actor.person_id)
        .options(joinedload(Referral.pupil))
    )
    return cards(
        query,
        (Referral.id,),
        lambda one: Task(
            about=one.pupil.name,
            title=_("Decide on a referral without consent"),
            url=url_for("care.referral", public_id=one.public_id),
            button=_("Look at it"),
            due_on=clock.local(one.made_at).date(),
        ),
    )
