"""Rehearsal custody: the order that keeps 何志强 away, with its two names, and a paper that waits for the principal."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.custody import restricting
from portal.custody.models import Document, Restriction
from portal.extensions import db
from portal.rehearsal.cast import Town
from portal.schools.models import Enrolment, Flag, Guardianship, GuardianshipFlag, Pupil

COURT = "云溪县人民法院（演练）"


def build(town: Town) -> None:
    """Two restrictions of 望溪小学."""
    office, principal = town.people["何静"], town.people["孙立德"]
    father = town.people["何志强"]
    flag = db.session.scalars(
        select(GuardianshipFlag)
        .join(Guardianship)
        .where(Guardianship.person_id == father.id, GuardianshipFlag.kind == Flag.RESTRICTED)
    ).one()
    child = town.pupils["何雨桐"]
    held = Restriction(
        guardianship_id=flag.guardianship_id,
        pupil_id=child.id,
        school_id=child.school_id,
        document=Document.PROTECTION,
        issued_on=town.start,
        from_on=town.start,
        flag_id=flag.id,
        proposed_by_id=office.id,
        proposed_at=clock.instant_of(town.start, 9),
        decided_by_id=principal.id,
        decided_at=clock.instant_of(town.start, 10),
    )
    held.court, held.number = COURT, "人身安全保护令(演练)第1号"
    db.session.add(held)
    other = town.classes["望溪小学 三(1)班"]
    tie, pupil = db.session.execute(
        select(Guardianship, Pupil)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .where(Enrolment.class_id == other.id)
        .order_by(Guardianship.id)
        .limit(1)
    ).one()
    restricting.propose(
        tie,
        pupil,
        office.id,
        document=Document.CONTACT,
        number="(演练)民事裁定第7号",
        court=COURT,
        issued_on=town.today - timedelta(days=2),
        from_on=town.today + timedelta(days=1),
        until_on=town.today + timedelta(days=181),
        is_quiet=False,
    )
    db.session.flush()
