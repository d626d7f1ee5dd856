"""Word to the others around a child that a guardian was added, limited or restricted: a card on their first page, and a
message that only says that there is one."""

from collections.abc import Iterable

from sqlalchemy import or_, select

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment, Person
from portal.deliveries.kinds import Kind
from portal.deliveries.sending import send
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.joining.models import GuardianNews, News
from portal.schools.models import Enrolment, Flag, Guardianship

NEWS = Kind(
    "guardian.news",
    subject=_l("News for you in the portal"),
    text=_l(
        "There is news for you on the first page of the portal. Sign in to read it. If it surprises you, ring the school."
    ),
    path="/",
)


def tell(others: Iterable[Guardianship], about: Guardianship, kind: News) -> None:
    """Tell guardians of the same child, in the current transaction: the relation, no name. ``others`` have people and flags.

    Whoever sees and confirms only, or still waits for the class teacher, gets no message of it, only the card.
    """
    today = clock.today()
    shut = (Flag.LIMITED, Flag.UNCONFIRMED)
    heard: dict[int, Person | None] = {}
    for other in others:
        if other.person_id != about.person_id:
            full = not any(flag.kind in shut for flag in other.flags_on(today))
            heard[other.person_id] = other.person if full else None
    for person_id, person in sorted(heard.items()):
        _write(person_id, person, about, kind)


def tell_class_teachers(about: Guardianship, kind: News, *, but: int | None = None) -> None:
    """Tell the class teachers of the child's class of today, and who stands in for them; ``but`` knows it already."""
    today = clock.today()
    teachers = db.session.scalars(
        select(Person)
        .join(Appointment, Appointment.person_id == Person.id)
        .join(Enrolment, Enrolment.class_id == Appointment.class_id)
        .where(
            Enrolment.pupil_id == about.pupil_id,
            Appointment.role == Role.CLASS_TEACHER,
            *(
                condition
                for table in (Enrolment, Appointment)
                for condition in (
                    table.started_on <= today,
                    or_(table.ended_on.is_(None), table.ended_on > today),
                )
            ),
        )
        .order_by(Person.id)
    )
    for teacher in teachers.unique():
        if teacher.id not in (but, about.person_id):
            _write(teacher.id, teacher, about, kind)


def _write(person_id: int, person: Person | None, about: Guardianship, kind: News) -> None:
    told = GuardianNews(
        person_id=person_id,
        pupil_id=about.pupil_id,
        kind=kind,
        relation=about.relation,
        happened_at=clock.now(),
    )
    db.session.add(told)
    db.session.flush()
    if person is not None:
        send(person, NEWS.name, {}, key=told.public_id)
