"""Rehearsal joining: a sheet of slips that went home yesterday, requests that wait, word of a grandmother who helps."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.joining import asking, deciding, helping, printing
from portal.joining.models import GuardianNews, News
from portal.rehearsal.cast import Town
from portal.schools.models import Enrolment, Guardianship, Pupil


def build(town: Town) -> None:
    """Class 三(2) of 望溪小学 on its way: four families hold a slip, one has asked by phone."""
    school_class, teacher = town.classes["望溪小学 三(2)班"], town.people["王雪"]
    unbound = db.session.execute(
        select(Pupil, Person)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .join(Guardianship, Guardianship.pupil_id == Pupil.id)
        .join(Person, Person.id == Guardianship.person_id)
        .where(Enrolment.class_id == school_class.id, Person.password_hash.is_(None))
        .order_by(Pupil.id)
    ).all()
    sheet = printing.print_sheet(
        school_class, [pupil for pupil, _adult in unbound[:4]], uses=2, days=7, printed_by_id=teacher.id
    )
    sheet.printed_at = clock.now() - timedelta(days=1)
    sheet.kept_until, sheet.codes = sheet.printed_at + printing.KEPT_FOR, None
    _pupil, adult = unbound[4]
    asking.with_phone(name=adult.name, relation="妈妈", phone=adult.phone or "", password=town._hash)
    _helper(town)
    around = deciding.circle(town.pupils["林嘉树"].id)
    helper = next(tie for tie in around.ties if tie.person_id == town.people["吴桂芳"].id)
    for other in around.ties:
        if other is not helper:
            db.session.add(
                GuardianNews(
                    person_id=other.person_id,
                    pupil_id=helper.pupil_id,
                    kind=News.LIMITED,
                    relation=helper.relation,
                    happened_at=clock.now(),
                )
            )
    db.session.flush()


def _helper(town: Town) -> None:
    """阿依古丽·吐尔逊 asks that a grandmother may see and confirm until the new year; the class teacher has not answered."""
    asked = helping.ask(
        town.pupils["买买提·艾合买提"],
        town.people["阿依古丽·吐尔逊"].id,
        name="古丽夏提·肉孜",
        relation="外婆",
        phone=town.next_phone(),
        until_on=town.today.replace(year=town.today.year + 1, month=1, day=1),
    )
    asked.asked_at = clock.now() - timedelta(days=1)
