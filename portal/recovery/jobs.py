"""Away from the pages: finding who asked, forgetting codes and askings."""

from datetime import timedelta

from sqlalchemy import delete, or_, select, update

from portal import clock
from portal.access import Actor, Role
from portal.accounts.addresses import normalised
from portal.accounts.knowing import by_account, by_recipient
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.jobs.queue import every, task
from portal.recovery.models import ASKED_LASTS, Recovery, RecoveryAsking, Whose
from portal.recovery.recovering import open_of
from portal.schools.models import Guardianship, Pupil, SchoolClass
from portal.schools.policy import in_force
from portal.trail.models import note

ASKING_KEPT_FOR = timedelta(days=1)


@task
def find_who_asked(asking_id: int) -> None:
    """Put the asking before the person's school, if there is such a person and nothing is open for them."""
    asking = db.session.scalar(
        update(RecoveryAsking)
        .where(RecoveryAsking.id == asking_id, RecoveryAsking.handled_at.is_(None))
        .values(handled_at=clock.now())
        .returning(RecoveryAsking)
    )
    if asking is not None:
        typed = asking.name or ""
        email = normalised(typed) if "@" in typed else None
        person = by_recipient(email) if email else by_account(typed)
        if person is not None and open_of(person.id) is None:
            _put_before_school(person)
    db.session.commit()


def _put_before_school(person: Person) -> None:
    """Begin nothing, only show it to those who may. Staff of the district and without a school go to the operator."""
    now = clock.now()
    found = _place_of(person)
    if found is None:
        return
    whose, school_id, pupil_id = found
    row = Recovery(
        person_id=person.id,
        school_id=school_id,
        pupil_id=pupil_id,
        whose=whose,
        checked="",
        lost_second=False,
        asked_at=now,
        tries=0,
        expires_at=now + ASKED_LASTS,
    )
    db.session.add(row)
    db.session.flush()
    note("recovery.asked", row, person_id=None, subject_id=person.id, school_id=school_id)


def _place_of(person: Person) -> tuple[Whose, int, int | None] | None:
    """As what, through which school and child an account is recovered: an office before a child."""
    actor = Actor(person_id=person.id, role=Role.GUARDIAN, on=clock.today())
    offices = db.session.execute(
        select(Appointment.role, Appointment.school_id, SchoolClass.school_id)
        .outerjoin(SchoolClass, SchoolClass.id == Appointment.class_id)
        .where(Appointment.person_id == person.id, in_force(Appointment, actor))
        .order_by(Appointment.id)
    ).all()
    roles = {role for role, _school, _of_class in offices}
    if roles & {Role.DISTRICT_STAFF, Role.INSPECTOR, Role.AUDITOR, Role.SYSTEM_ADMIN}:
        return None
    for role, school, of_class in sorted(offices, key=lambda office: office[0] != Role.PRINCIPAL):
        if school or of_class:
            whose = Whose.PRINCIPAL if role == Role.PRINCIPAL else Whose.STAFF
            return whose, school or of_class, None
    child = db.session.execute(
        select(Pupil.id, Pupil.school_id)
        .join(Guardianship, Guardianship.pupil_id == Pupil.id)
        .where(
            Guardianship.person_id == person.id,
            in_force(Guardianship, actor),
            or_(Pupil.left_on.is_(None), Pupil.left_on > actor.on),
        )
        .order_by(Guardianship.id)
        .limit(1)
    ).first()
    return (Whose.GUARDIAN, child[1], child[0]) if child else None


@every(15)
def find_all_who_asked() -> None:
    """Find again what a lost ring left behind."""
    waiting = db.session.scalars(
        select(RecoveryAsking.id)
        .where(RecoveryAsking.handled_at.is_(None))
        .order_by(RecoveryAsking.id)
        .limit(50)
    ).all()
    db.session.rollback()
    for asking_id in waiting:
        find_who_asked(asking_id=asking_id)


@every(600)
def forget_old() -> None:
    """Codes kept for printing go after an hour, askings after a day, reasons with the recovery's end."""
    now = clock.now()
    db.session.execute(
        update(Recovery)
        .where(
            Recovery.code_sealed.is_not(None),
            or_(Recovery.code_kept_until <= now, Recovery.expires_at <= now),
        )
        .values(code_sealed=None)
    )
    db.session.execute(
        update(Recovery)
        .where(Recovery.expires_at < now - timedelta(days=30), Recovery.reason_sealed.is_not(None))
        .values(reason_sealed=None, number=None, code_hash=None)
    )
    db.session.execute(delete(RecoveryAsking).where(RecoveryAsking.asked_at < now - ASKING_KEPT_FOR))
    db.session.commit()
