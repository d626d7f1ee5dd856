"""Children for whom it matters who may do what: they moved, left, came, stay elsewhere, or an adult may do less for them."""

from datetime import date, timedelta

from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.schools import enrolling
from portal.schools.models import Enrolment, Flag, Guardianship, Pupil, School, SchoolClass
from portal.schools.modules import MODULES
from portal.settings.models import SettingValue

TOLD_OF = ("陈一诺", "赵小满", "何雨桐", "林嘉树", "柳燕飞", "白鹭洲", "周小舟", "周帆")
"""Children of whom there is one of each kind of record."""
SINGULAR = ("李来仪", "林小溪", "客远行", "来新桐", "梁未安")
"""Children each of whom stands for one case only."""
SIGNS = (Flag.MAY_SIGN,)


def person(name: str) -> Person:
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def pupil(name: str) -> Pupil:
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def class_in(school_name: str, name: str) -> SchoolClass:
    return db.session.scalars(
        select(SchoolClass).join(School).where(School.name == school_name, SchoolClass.name == name)
    ).one()


def populate() -> None:
    """Every child of this file, beside those of the rehearsal."""
    today, start = clock.today(), _start()
    last_week, next_week = today - timedelta(days=7), today + timedelta(days=7)
    own, sister, other = (
        class_in("望溪小学", "三(2)班"),
        class_in("望溪小学", "三(1)班"),
        class_in("东塔小学", "五(1)班"),
    )
    _moved("柳燕飞", start, today)
    _left("白鹭洲", start, today)
    for name, others in (("陈一诺", "陈守川"), ("赵小满", "赵大江")):
        _apart(name, others, start)
    for guardian in ("李晚晴", "周桂兰", "何志强"):
        _once_cared_for(guardian, start, today)
    _tie(_newcomer("李来仪", own, start), "李晚晴", next_week)
    limited = _tie(_newcomer("周小舟", own, start), "周桂兰", start)
    enrolling.limit(limited, start)
    _tie(_newcomer("周帆", other, start), "周桂兰", start)
    _switch_off(other.school_id, last_week)
    _tie(_newcomer("林小溪", class_in("石桥县第一小学", "三(1)班"), start), "林悦", start)
    _goes_elsewhere(_newcomer("客远行", sister, start), other, last_week)
    came = _newcomer("来新桐", other, start)
    _goes_elsewhere(came, own, last_week)
    came.school_id = own.school_id
    _enrolment(_newcomer("梁未安", other, start)).ended_on = last_week
    db.session.flush()


def _enrolment(child: Pupil) -> Enrolment:
    return db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == child.id)).one()


def _goes_elsewhere(child: Pupil, there: SchoolClass, on: date) -> None:
    """From a day on the child has its place in another class; which school it belongs to is another question."""
    _enrolment(child).ended_on = on
    db.session.flush()
    enrolling.enrol(child, there, on)


def _tie(child: Pupil, adult: str, from_on: date) -> Guardianship:
    """An adult with a household of their own cares for a child from a day on, and may sign."""
    home = enrolling.form_household(from_on)
    tie = enrolling.add_guardian(child, person(adult), "姑姑", home, from_on, SIGNS)
    db.session.flush()
    return tie


def _switch_off(school_id: int, from_on: date) -> None:
    """A school where every part that can be switched off is off."""
    for setting in MODULES.values():
        db.session.add(
            SettingValue(
                school_id=school_id, name=setting.name, value=False, from_on=from_on, set_at=clock.now()
            )
        )


def _start() -> date:
    return db.session.scalars(select(Enrolment.started_on).limit(1)).one()


def _moved(name: str, start: date, today: date) -> None:
    """A child that went from the third class's second group to its first last week."""
    second, first = class_in("望溪小学", "三(2)班"), class_in("望溪小学", "三(1)班")
    found = _newcomer(name, second, start)
    enrolment = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == found.id)).one()
    enrolment.ended_on = today - timedelta(days=7)
    db.session.flush()
    enrolling.enrol(found, first, today - timedelta(days=7))


def _left(name: str, start: date, today: date) -> None:
    """A child that left the school last week."""
    found = _newcomer(name, class_in("望溪小学", "三(2)班"), start)
    enrolment = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == found.id)).one()
    enrolment.ended_on = found.left_on = today - timedelta(days=7)


def _newcomer(name: str, school_class: SchoolClass, start: date) -> Pupil:
    school = db.session.get_one(School, school_class.school_id)
    found = enrolling.add_pupil(name, school, start)
    db.session.flush()
    enrolling.enrol(found, school_class, start)
    adult = enrolling.add_person(f"{name[0]}长青", phone=None)
    db.session.flush()
    enrolling.add_guardian(found, adult, "妈妈", enrolling.form_household(start), start, [])
    db.session.flush()
    return found


def _apart(child: str, adult: str, start: date) -> None:
    """Another household for one of a child's guardians."""
    tie = db.session.scalars(
        select(Guardianship).join(Pupil).join(Person).where(Pupil.name == child, Person.name == adult)
    ).one()
    home = enrolling.form_household(start)
    db.session.flush()
    tie.household_id = home.id


def _once_cared_for(adult: str, start: date, today: date) -> None:
    """A child of the sister class that an adult cared for until last week."""
    tie = _tie(_newcomer(f"{adult[0]}归帆", class_in("望溪小学", "三(1)班"), start), adult, start)
    tie.ended_on = today - timedelta(days=7)
