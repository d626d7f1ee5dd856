"""Rehearsal recoveries: a father who asked, a teacher whose principal has begun, a principal who asked the district."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.recovery.models import ASKED_LASTS, LASTS, Checked, Recovery, Whose
from portal.rehearsal.cast import Town
from portal.schools.models import School


def build(town: Town) -> None:
    """One recovery of each kind, none of them finished."""
    now = clock.now()
    asked = now - timedelta(hours=3)
    school = db.session.scalars(select(School).where(School.name == "望溪小学")).one()
    _add(town.people["陈守川"], school.id, Whose.GUARDIAN, pupil_id=town.pupils["陈一诺"].id, asked_at=asked)
    begun = _add(town.people["刘明远"], school.id, Whose.STAFF)
    begun.start(town.people["孙立德"].id, Checked.KNOWN, "换了手机，忘记密码", False, now)
    begun.expires_at = now + LASTS
    other = db.session.execute(
        select(Person, School)
        .join(Appointment, Appointment.person_id == Person.id)
        .join(School, School.id == Appointment.school_id)
        .where(
            Appointment.role == Role.PRINCIPAL,
            School.id != school.id,
            School.district_id == school.district_id,
        )
        .order_by(School.id)
        .limit(1)
    ).first()
    if other is not None:
        _add(other[0], other[1].id, Whose.PRINCIPAL, asked_at=asked)


def _add(person: Person, school_id: int, whose: Whose, **more: object) -> Recovery:
    row = Recovery(
        person_id=person.id,
        school_id=school_id,
        whose=whose,
        checked="",
        lost_second=False,
        tries=0,
        expires_at=clock.now() + ASKED_LASTS,
        **more,
    )
    db.session.add(row)
    return row
