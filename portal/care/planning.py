"""Plans for single pupils: opened, changed in versions, measures, reviews; who of the school may be responsible."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import or_, select

from portal import i18n
from portal.access import Role
from portal.accounts.models import Appointment, Person
from portal.care.models import CareMeasure, CarePerson, CarePlan, CareReview, CareVersion
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.models import Pupil, SchoolClass

WORKS_WITH_CHILDREN = (Role.CLASS_TEACHER, Role.SUBJECT_TEACHER, Role.PRINCIPAL)


def staff_of(school_id: int, on: date) -> list[Person]:
    """Who works with children at a school on a day: class and subject teachers, principals; by name."""
    held = Appointment.started_on <= on, or_(Appointment.ended_on.is_(None), Appointment.ended_on > on)
    classes = select(SchoolClass.id).where(SchoolClass.school_id == school_id)
    wanted = select(Appointment.person_id).where(
        *held,
        Appointment.role.in_(WORKS_WITH_CHILDREN),
        or_(Appointment.school_id == school_id, Appointment.class_id.in_(classes)),
    )
    found = select(Person).where(Person.id.in_(wanted)).order_by(Person.name_pinyin, Person.id)
    return list(db.session.scalars(found))


def carers_of(pupil: Pupil, class_id: int | None, on: date) -> list[Person]:
    """Who may be responsible for a plan or a measure: the class teacher, those entrusted, the principal."""
    entrusted = select(CarePerson.person_id).where(
        CarePerson.pupil_id == pupil.id, CarePerson.ended_on.is_(None)
    )
    held = Appointment.started_on <= on, or_(Appointment.ended_on.is_(None), Appointment.ended_on > on)
    by_office = select(Appointment.person_id).where(
        *held,
        or_(
            (Appointment.role == Role.CLASS_TEACHER) & (Appointment.class_id == class_id),
            (Appointment.role == Role.PRINCIPAL) & (Appointment.school_id == pupil.school_id),
        ),
    )
    found = select(Person).where(or_(Person.id.in_(entrusted), Person.id.in_(by_office)))
    return list(db.session.scalars(found.order_by(Person.name_pinyin, Person.id)))


def hold(pupil: Pupil) -> None:
    """Let nobody else open or close records of this pupil until the transaction ends."""
    db.session.execute(select(Pupil.id).where(Pupil.id == pupil.id).with_for_update())


def open_plan(
    pupil: Pupil,
    author_id: int,
    responsible_id: int,
    groups: Sequence[str],
    aims: str,
    review_due_on: date,
    now: datetime,
    on: date,
) -> CarePlan:
    """A new plan with its first version, in the current transaction. RuleBroken while another one is open."""
    hold(pupil)
    if open_plan_of(pupil) is not None:
        raise RuleBroken(_("This pupil has a plan already. Change that one."))
    made = CarePlan(
        pupil_id=pupil.id,
        school_id=pupil.school_id,
        author_id=author_id,
        responsible_id=responsible_id,
        version=1,
        opened_on=on,
        review_due_on=review_due_on,
    )
    made.groups, made.aims = list(groups), aims
    db.session.add(made)
    db.session.flush()
    keep_version(made, author_id, now)
    return made


def open_plan_of(pupil: Pupil) -> CarePlan | None:
    """The pupil's open plan."""
    return db.session.scalar(
        select(CarePlan).where(CarePlan.pupil_id == pupil.id, CarePlan.closed_on.is_(None)).limit(1)
    )


def keep_version(plan: CarePlan, author_id: int, now: datetime) -> None:
    """Keep the text of a plan as it stands now under its number."""
    db.session.flush()
    measures = db.session.scalars(
        select(CareMeasure).where(CareMeasure.plan_id == plan.id).order_by(CareMeasure.due_on, CareMeasure.id)
    )
    made = CareVersion(plan_id=plan.id, number=plan.version, author_id=author_id, written_at=now)
    made.content = {
        "groups": plan.groups or [],
        "aims": plan.aims,
        "measures": [f"{one.what} · {one.due_on.isoformat()}" for one in measures],
    }
    db.session.add(made)


def change(
    plan: CarePlan, author_id: int, responsible_id: int, groups: Sequence[str], aims: str, now: datetime
) -> None:
    """A new version of a plan's text; the old one is kept. RuleBroken when it is closed or was changed meanwhile."""
    plan.must_be_open()
    plan.responsible_id, plan.groups, plan.aims = responsible_id, list(groups), aims
    plan.version += 1
    keep_version(plan, author_id, now)


def review(
    plan: CarePlan, author_id: int, held_on: date, outcome: str, text: str, next_on: date
) -> CareReview:
    """Write a review down; the plan is due again on its next day."""
    plan.must_be_open()
    same_day = select(CareReview.id).where(CareReview.plan_id == plan.id, CareReview.held_on == held_on)
    if db.session.scalar(same_day) is not None:
        raise RuleBroken(_("A review of %(day)s is written down already.", day=i18n.day(held_on)))
    made = CareReview(plan_id=plan.id, author_id=author_id, held_on=held_on, outcome=outcome, next_on=next_on)
    made.text = text
    db.session.add(made)
    plan.review_due_on = next_on
    return made


def entrust(pupil: Pupil, wanted: set[int], by_id: int, on: date) -> tuple[set[int], set[int]]:
    """Make these people the ones entrusted with a pupil; who came and who went, by person id."""
    hold(pupil)
    held = {
        one.person_id: one
        for one in db.session.scalars(
            select(CarePerson).where(CarePerson.pupil_id == pupil.id, CarePerson.ended_on.is_(None))
        )
    }
    for person_id in wanted - set(held):
        db.session.add(
            CarePerson(
                pupil_id=pupil.id,
                school_id=pupil.school_id,
                person_id=person_id,
                named_by_id=by_id,
                started_on=on,
            )
        )
    for person_id in set(held) - wanted:
        held[person_id].ended_on = on
    return wanted - set(held), set(held) - wanted
