"""What opinions put on the first page: to answer, to look at because they lie, to rate."""

from datetime import timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Date, Select, and_, bindparam, or_, select
from sqlalchemy.orm import joinedload

from portal.access import Actor, Role
from portal.extensions import db
from portal.i18n import gettext as _
from portal.opinions.models import CATEGORY_NAMES, Addressee, Category, Opinion
from portal.opinions.policy import OPINION_ANSWER, OPINION_OWN
from portal.prepared import Prepared, whoever
from portal.schools.models import School
from portal.tasks import Task

MOST = 5
RATED_WITHIN = timedelta(days=30)


def tasks(actor: Actor) -> list[Task]:
    """Opinions that wait for this person."""
    match actor.role:
        case Role.GUARDIAN:
            return _answers_to_read(actor)
        case Role.SCHOOL_OFFICE | Role.PRINCIPAL | Role.DISTRICT_STAFF:
            return _to_answer(actor)
        case _:
            return []


def _answered() -> Select[*tuple[Any, ...]]:
    return (
        select(Opinion.public_id, Opinion.category, School.name.label("school"))
        .join(School, School.id == Opinion.school_id)
        .where(
            OPINION_OWN.within(whoever(Role.GUARDIAN)),
            Opinion.answered_on >= bindparam("since", type_=Date()),
            Opinion.is_helpful.is_(None),
        )
        .order_by(Opinion.answered_on.desc(), Opinion.id.desc())
        .limit(MOST)
    )


ANSWERED = Prepared(_answered)


def _answers_to_read(actor: Actor) -> list[Task]:
    opinions = ANSWERED.all(db.session(), person=actor.person_id, day=actor.on, since=actor.on - RATED_WITHIN)
    return [
        Task(
            about=opinion.school,
            title=_(
                "Your opinion is answered: %(category)s",
                category=str(CATEGORY_NAMES[Category(opinion.category)]),
            ),
            body=_("You can say whether it helped, and ask once more."),
            url=url_for("opinions.show", public_id=opinion.public_id),
            button=_("Read the answer"),
        )
        for opinion in opinions
    ]


def _to_answer(actor: Actor) -> list[Task]:
    """Open opinions one has to answer, first what is due first. The principal's are their own and those that are late."""
    wanted = OPINION_ANSWER.rows(actor).where(Opinion.answered_on.is_(None))
    if actor.role == Role.PRINCIPAL:
        late = and_(Opinion.addressee == Addressee.OFFICE, Opinion.due_on < actor.on)
        wanted = wanted.where(or_(Opinion.addressee == Addressee.PRINCIPAL, late))
    opinions = db.session.scalars(
        wanted.options(joinedload(Opinion.school)).order_by(Opinion.due_on, Opinion.id).limit(MOST)
    )
    return [_card(opinion, actor) for opinion in opinions]


def _card(opinion: Opinion, actor: Actor) -> Task:
    category = str(CATEGORY_NAMES[Category(opinion.category)])
    number = opinion.number
    if opinion.is_late(actor.on) and actor.role != Role.SCHOOL_OFFICE:
        title = _(
            "See to an opinion that lies too long: %(category)s (%(number)s)",
            category=category,
            number=number,
        )
    elif opinion.acknowledged_on is None:
        title = _("Acknowledge an opinion: %(category)s (%(number)s)", category=category, number=number)
    else:
        title = _("Answer an opinion: %(category)s (%(number)s)", category=category, number=number)
    return Task(
        about=opinion.school.name,
        title=title,
        url=url_for("opinions.show", public_id=opinion.public_id),
        button=_("Open the opinion"),
        due_on=opinion.due_on,
    )
