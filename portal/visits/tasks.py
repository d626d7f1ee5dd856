"""What visits put on the first page."""

from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Date, Select, and_, bindparam, exists, func, select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.extensions import UtcDateTime, db
from portal.i18n import gettext as _
from portal.i18n import moment, ngettext
from portal.prepared import Prepared, whoever
from portal.schools.models import Pupil, SchoolClass
from portal.tasks import AT_MOST, Task, cards
from portal.visits.drafts import LateVisit, VisitDraft
from portal.visits.fairness import RULE_NAMES, FairPlayQuestion
from portal.visits.harm import HarmReport
from portal.visits.models import (
    EDITABLE_FOR,
    Correction,
    FollowUp,
    Invitation,
    InvitationState,
    Outcome,
    Visit,
    VisitPart,
)
from portal.visits.policy import (
    FAIR_PLAY_ANSWER,
    FAIR_PLAY_CLOSE,
    HARM_READ,
    INVITATION_ANSWER,
    INVITATION_READ,
    LATE_DECIDE,
    LATE_TOLD,
    STEP_TICK,
    STEPS_READ,
    VISIT_FAMILY,
    VISIT_JOIN,
    corrections_of_own_visits,
)

SOON = timedelta(days=7)


def tasks(actor: Actor) -> list[Task]:
    """The cards of teachers, guardians, principals and the district; nothing for other hats."""
    if actor.role == Role.GUARDIAN:
        return [*_invited(actor), *_to_confirm(actor), *_own_steps(actor)]
    if actor.role == Role.DISTRICT_STAFF:
        return _fair_play_to_close(actor)
    own = (
        [*_booked(actor), *_corrections(actor), *_steps_of_class(actor)]
        if actor.role == Role.CLASS_TEACHER
        else []
    )
    if actor.role == Role.PRINCIPAL:
        own = _asked_of_principal(actor)
    if actor.role in (Role.CLASS_TEACHER, Role.SUBJECT_TEACHER):
        own = [*own, *_own_parts(actor), *_late_answers(actor)]
    return [*_harm(actor), *own] if HARM_READ.admits(actor.role) else []


def _harm(actor: Actor) -> list[Task]:
    """Reports of harm by others that are not closed; the card says nothing of what they are about."""
    query = HARM_READ.rows(actor).where(
        HarmReport.closed_at.is_(None), HarmReport.author_id != actor.person_id
    )
    return cards(
        query,
        (HarmReport.id,),
        lambda one: Task(
            about=_("Urgent"),
            title=_("Something confidential waits for you"),
            body=_("Noted %(when)s.", when=moment(one.noted_at)),
            url=url_for("visits.harm_report", public_id=one.public_id),
            button=_("Read it"),
            due_on=clock.local(one.noted_at).date(),
        ),
    )


def _asked_of_principal(actor: Actor) -> list[Task]:
    """How many visits handed in late wait for the principal, and the questions about the school's visits: one query."""
    waits = (LATE_DECIDE.within(actor), LateVisit.decided_at.is_(None))
    late = select(func.count(LateVisit.id).label("count"), func.min(LateVisit.came_at).label("oldest")).where(
        *waits
    )
    came = late.subquery()
    asked = and_(
        FAIR_PLAY_ANSWER.within(actor),
        FairPlayQuestion.answered_at.is_(None),
        FairPlayQuestion.closed_at.is_(None),
    )
    rows = db.session.execute(
        select(came.c.count, came.c.oldest, FairPlayQuestion)
        .select_from(came)
        .outerjoin(FairPlayQuestion, asked)
        .order_by(FairPlayQuestion.due_on, FairPlayQuestion.id)
        .limit(AT_MOST)
    ).all()
    questions = [
        Task(
            about=_("A question about home visits"),
            title=str(RULE_NAMES[one.rule]),
            url=url_for("visits.fair_play_question", public_id=one.public_id),
            button=_("Read and answer"),
            due_on=one.due_on,
        )
        for _count, _oldest, one in rows
        if one is not None
    ]
    return [*_came_late(*rows[0][:2]), *questions]


def _fair_play_to_close(actor: Actor) -> list[Task]:
    """Questions that schools have answered, or let pass, and the district has not closed."""
    query = (
        FAIR_PLAY_CLOSE.rows(actor)
        .where(FairPlayQuestion.closed_at.is_(None))
        .options(joinedload(FairPlayQuestion.school))
    )
    return cards(
        query,
        (
            FairPlayQuestion.due_on,
            FairPlayQuestion.id,
        ),
        lambda one: Task(
            about=one.school.name,
            title=_("A school has answered a question about its visits")
            if one.answered_at
            else _("A school has not answered a question about its visits"),
            url=url_for("visits.fair_play_question", public_id=one.public_id),
            button=_("Read it"),
            due_on=one.due_on + SOON,
        ),
    )


def _came_late(count: int, oldest: datetime) -> list[Task]:
    if not count:
        return []
    title = ngettext(
        "A home visit handed in by a former teacher waits for your decision",
        "%(num)s home visits handed in by former teachers wait for your decision",
        count,
    )
    return [
        Task(
            about=_("Home visits"),
            title=title,
            url=url_for("visits.late_visits"),
            button=_("Read and decide"),
            due_on=clock.local(oldest).date() + SOON,
        )
    ]


def _late_answers(actor: Actor) -> list[Task]:
    """What became of visits that the actor handed in late, until the actor has taken note of it."""
    query = (
        LATE_TOLD.rows(actor)
        .where(LateVisit.seen_at.is_(None))
        .options(joinedload(LateVisit.draft).joinedload(VisitDraft.pupil))
    )
    return cards(
        query,
        (LateVisit.id,),
        lambda one: Task(
            about=one.draft.pupil.name,
            title=_("The visit you handed in late was accepted")
            if one.is_accepted
            else _("The visit you handed in late was not accepted"),
            url=url_for("visits.late_answer", public_id=one.public_id),
            button=_("Read it"),
            due_on=clock.local(one.decided_at).date() + SOON,
        ),
    )


def _own_parts(actor: Actor) -> list[Task]:
    """Joint visits of the last two weeks to which the actor has not added a part."""
    mine = exists().where(VisitPart.visit_id == Visit.id, VisitPart.author_id == actor.person_id)
    query = (
        VISIT_JOIN.rows(actor)
        .where(Visit.outcome == Outcome.MET, Visit.written_at > clock.now() - EDITABLE_FOR, ~mine)
        .options(joinedload(Visit.pupil), joinedload(Visit.author))
    )
    return cards(
        query,
        (
            Visit.written_at,
            Visit.id,
        ),
        lambda one: Task(
            about=one.pupil.name,
            title=_("Add your part of a joint visit"),
            body=_("%(teacher)s wrote it down.", teacher=one.author.name),
            url=url_for("visits.part", public_id=one.public_id),
            button=_("Write my part"),
            due_on=clock.local(one.written_at + EDITABLE_FOR).date(),
            others=((_("Read the note"), url_for("visits.show", public_id=one.public_id)),),
        ),
    )


def _booked(actor: Actor) -> list[Task]:
    """Meetings that families accepted, until they are written down."""
    until = clock.now() + SOON
    found = db.session.scalars(
        INVITATION_READ.rows(actor)
        .where(Invitation.state == InvitationState.ACCEPTED, Invitation.chosen_at <= until)
        .options(joinedload(Invitation.pupil))
        .order_by(Invitation.chosen_at, Invitation.id)
        .limit(AT_MOST)
    )
    made = []
    for one in found:
        assert one.chosen_at is not None
        write = url_for("visits.new", pupil=one.pupil.public_id)
        look = url_for("visits.invitation", public_id=one.public_id)
        over = one.chosen_at <= clock.now()
        made.append(
            Task(
                about=one.pupil.name,
                title=_("Write down the visit") if over else _("A family expects you"),
                body=moment(one.chosen_at),
                url=write if over else look,
                button=_("Write it down") if over else _("See what was agreed"),
                due_on=clock.local(one.chosen_at).date(),
                others=((_("See what was agreed"), look),) if over else ((_("Write it down"), write),),
            )
        )
    return made


def _corrections(actor: Actor) -> list[Task]:
    query = (
        select(Correction)
        .where(corrections_of_own_visits(actor), Correction.answered_at.is_(None))
        .options(joinedload(Correction.visit).joinedload(Visit.pupil))
    )
    return cards(
        query,
        (Correction.id,),
        lambda one: Task(
            about=one.visit.pupil.name,
            title=_("A family asks for a correction"),
            url=url_for("visits.show", public_id=one.visit.public_id),
            button=_("Read and answer"),
            due_on=clock.local(one.asked_at).date() + SOON,
        ),
    )


def _steps_of_class(actor: Actor) -> list[Task]:
    query = (
        STEPS_READ.rows(actor)
        .where(FollowUp.done_on.is_(None), FollowUp.owner == "school", FollowUp.due_on <= actor.on + SOON)
        .options(joinedload(FollowUp.pupil))
    )
    return cards(
        query,
        (
            FollowUp.due_on,
            FollowUp.id,
        ),
        lambda step: Task(
            about=step.pupil.name,
            title=_("Keep what was agreed"),
            url=url_for("visits.follow_up", public_id=step.public_id),
            button=_("Tick off"),
            due_on=step.due_on,
        ),
    )


def _invitations_of_family() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Invitation.public_id,
            Invitation.times,
            Invitation.purpose_sealed,
            Pupil.name.label("pupil"),
            SchoolClass.name.label("school_class"),
            Person.name.label("author"),
        )
        .join(Pupil, Pupil.id == Invitation.pupil_id)
        .join(SchoolClass, SchoolClass.id == Invitation.class_id)
        .join(Person, Person.id == Invitation.author_id)
        .where(
            INVITATION_ANSWER.within(whoever(Role.GUARDIAN)),
            Invitation.state == InvitationState.OPEN,
            Invitation.last_time_at > bindparam("now", type_=UtcDateTime()),
        )
        .order_by(Invitation.id)
        .limit(AT_MOST)
    )


def _visits_to_confirm() -> Select[*tuple[Any, ...]]:
    asked = exists().where(Correction.visit_id == Visit.id, Correction.answered_at.is_(None))
    return (
        select(
            Visit.public_id,
            Visit.held_at,
            Visit.written_at,
            Pupil.name.label("pupil"),
            SchoolClass.name.label("school_class"),
            Person.name.label("author"),
        )
        .join(Pupil, Pupil.id == Visit.pupil_id)
        .join(SchoolClass, SchoolClass.id == Visit.class_id)
        .join(Person, Person.id == Visit.author_id)
        .where(
            VISIT_FAMILY.within(whoever(Role.GUARDIAN)),
            Visit.outcome == Outcome.MET,
            Visit.confirmed_at.is_(None),
            ~asked,
        )
        .order_by(Visit.held_at)
        .limit(AT_MOST)
    )


def _steps_of_family() -> Select[*tuple[Any, ...]]:
    return (
        select(FollowUp.public_id, FollowUp.what_sealed, FollowUp.due_on, Pupil.name.label("pupil"))
        .join(Pupil, Pupil.id == FollowUp.pupil_id)
        .where(
            STEP_TICK.within(whoever(Role.GUARDIAN)),
            FollowUp.done_on.is_(None),
            FollowUp.due_on <= bindparam("until", type_=Date()),
        )
        .order_by(FollowUp.due_on, FollowUp.id)
        .limit(AT_MOST)
    )


INVITATIONS_OF_FAMILY = Prepared(_invitations_of_family)
VISITS_TO_CONFIRM = Prepared(_visits_to_confirm)
STEPS_OF_FAMILY = Prepared(_steps_of_family)


def _invited(actor: Actor) -> list[Task]:
    now = clock.now()
    made = []
    for one in INVITATIONS_OF_FAMILY.all(db.session(), person=actor.person_id, day=actor.on, now=now):
        page = url_for("visits.invitation", public_id=one.public_id)
        coming = [at for at in map(datetime.fromisoformat, one.times) if at > now]
        single = len(coming) == 1
        made.append(
            Task(
                about=_about(one.pupil, one.school_class),
                title=_("%(teacher)s would like to meet you", teacher=one.author),
                body=_(
                    "%(when)s · %(purpose)s",
                    when=moment(coming[0]),
                    purpose=Invitation.purpose.read(one.purpose_sealed, one.public_id),
                ),
                url=page,
                button=_("This time suits me") if single else _("Choose a time"),
                post_to=url_for("visits.accept", public_id=one.public_id) if single else None,
                due_on=clock.local(coming[0]).date(),
                others=((_("Another way"), page), (_("Not now"), page)),
            )
        )
    return made


def _to_confirm(actor: Actor) -> list[Task]:
    found = VISITS_TO_CONFIRM.all(db.session(), person=actor.person_id, day=actor.on)
    return [
        Task(
            about=_about(visit.pupil, visit.school_class),
            title=_("Confirm a visit"),
            body=_("%(teacher)s met you on %(when)s.", teacher=visit.author, when=moment(visit.held_at)),
            url=url_for("visits.show", public_id=visit.public_id),
            button=_("Yes, this is right"),
            post_to=url_for("visits.confirm", public_id=visit.public_id),
            due_on=clock.local(visit.written_at).date() + SOON,
            others=((_("Read the note"), url_for("visits.show", public_id=visit.public_id)),),
        )
        for visit in found
    ]


def _own_steps(actor: Actor) -> list[Task]:
    found = STEPS_OF_FAMILY.all(db.session(), person=actor.person_id, day=actor.on, until=actor.on + SOON)
    return [
        Task(
            about=step.pupil,
            title=_("You agreed on this at home"),
            body=FollowUp.what.read(step.what_sealed, step.public_id),
            url=url_for("visits.follow_up", public_id=step.public_id),
            button=_("We did it"),
            post_to=url_for("visits.finish", public_id=step.public_id),
            due_on=step.due_on,
        )
        for step in found
    ]


def _about(pupil: str, school_class: str) -> str:
    return f"{pupil} · {school_class}"
