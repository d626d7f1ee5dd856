"""The hand-over of a school to the next school year: planned class by class, applied in one transaction, undone until
the year begins or until something rests on it.

Classes move up with their pupils and teachers; the last grade of a stage leaves; who repeats stays behind. All
appointments of the old classes end on the year's first day, those of committees for good.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment, Person
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.schools import enrolling, summaries
from portal.schools.calendar import school_year_on
from portal.schools.models import (
    GRADES_PER_STAGE,
    Enrolment,
    Grade,
    Pupil,
    School,
    SchoolClass,
    SchoolYear,
    Stage,
    class_name,
    grade_name,
)
from portal.settings import Number, Setting
from portal.settings.declaring import DISTRICT, SCHOOL, SETTINGS
from portal.settings.models import SettingValue
from portal.staffing.models import HandOver, HandOverState, PupilTransfer, TransferState
from portal.staffing.years import next_year
from portal.trail.models import note

UP, LEAVE = "up", "leave"
PRIMARY_YEARS = Setting(
    "staffing.primary_years",
    Number(5, 6, _l("grades")),
    6,
    _l("Grades of the primary school"),
    _l("After the last one a class leaves at the end of the school year."),
    levels=(DISTRICT, SCHOOL),
)
JUNIOR_YEARS = Setting(
    "staffing.junior_years",
    Number(3, 4, _l("grades")),
    3,
    _l("Grades of the junior secondary school"),
    _l("After the last one a class leaves at the end of the school year."),
    levels=(DISTRICT, SCHOOL),
)


@dataclass
class Step:
    """What the hand-over does with one class."""

    school_class: SchoolClass
    grade: Grade
    way: str
    name: str
    pupils: list[Pupil]
    teachers: list[Person]
    teacher: Person | None
    staying: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)

    @property
    def moving(self) -> int:
        """How many pupils go up with the class."""
        return len(self.pupils) - len(self.staying) - len(self.leaving)


@dataclass
class Plan:
    """The hand-over of one school as it stands."""

    school: School
    year: SchoolYear | None
    to_year: SchoolYear | None
    hand_over: HandOver | None
    steps: list[Step]
    problems: list[str]

    @property
    def is_applied(self) -> bool:
        return self.hand_over is not None and self.hand_over.state == HandOverState.APPLIED


def last_level(stage: str, school: School, on: date) -> int:
    """The last grade of a stage at a school."""
    if stage == Stage.PRIMARY:
        return PRIMARY_YEARS.on(on, school_id=school.id)
    if stage == Stage.JUNIOR:
        return JUNIOR_YEARS.on(on, school_id=school.id)
    return GRADES_PER_STAGE[Stage(stage)]


def last_levels(schools: Collection[School], on: date) -> dict[tuple[int, str], int]:
    """(school id, stage) → the last grade, for several schools: one query for what the schools set themselves, and one
    for each district they are in."""
    own: dict[tuple[int, str], int] = {}
    settings = {PRIMARY_YEARS.name: Stage.PRIMARY, JUNIOR_YEARS.name: Stage.JUNIOR}
    set_by_schools = db.session.execute(
        select(SettingValue.school_id, SettingValue.name, SettingValue.value)
        .where(
            SettingValue.name.in_(settings),
            SettingValue.school_id.in_([school.id for school in schools]),
            SettingValue.withdrawn_at.is_(None),
            SettingValue.from_on <= on,
        )
        .order_by(SettingValue.from_on, SettingValue.id)
    )
    for school_id, name, value in set_by_schools:
        if SETTINGS[name].kind.fits(value):
            own[school_id, settings[name]] = value
    return {
        (school.id, stage): own.get((school.id, stage), usual)
        for school in schools
        for stage, usual in _usual_levels(school.district_id, on).items()
    }


def _usual_levels(district_id: int, on: date) -> dict[str, int]:
    return {
        **{stage.value: grades for stage, grades in GRADES_PER_STAGE.items()},
        Stage.PRIMARY: PRIMARY_YEARS.on(on, district_id=district_id),
        Stage.JUNIOR: JUNIOR_YEARS.on(on, district_id=district_id),
    }


def name_next_year(name: str, stage: str, level: int, number: int) -> str:
    """The name of a class one grade up: 三(2)班 → 四(2)班; a name that tells no grade (向日葵班) stays as typed."""
    grade = grade_name(stage, level)
    short = grade.removesuffix("年级")
    tells = grade in name or name.startswith((f"{short}(", f"{short}（", f"{short}班", f"{level}("))
    return class_name(stage, level + 1, number) if tells else name


def current(school_id: int, to_year: SchoolYear | None) -> HandOver | None:
    """The hand-over of a school to a year that was planned or applied."""
    if to_year is None:
        return None
    return db.session.scalar(
        select(HandOver).where(
            HandOver.school_id == school_id,
            HandOver.to_year_id == to_year.id,
            HandOver.state != HandOverState.UNDONE,
        )
    )


def plan_of(school: School, on: date) -> Plan:
    """What would happen to each class, by the usual rules and what was changed by hand. A constant number of queries."""
    year = school_year_on(school.district_id, on)
    to_year = next_year(school.district_id, on)
    hand_over = current(school.id, to_year)
    changed = hand_over.plan if hand_over else {}
    rows = (
        db.session.execute(
            select(SchoolClass, Grade)
            .join(Grade, Grade.id == SchoolClass.grade_id)
            .where(SchoolClass.school_id == school.id, Grade.school_year_id == year.id)
            .order_by(Grade.stage, Grade.level, SchoolClass.number)
        ).all()
        if year
        else []
    )
    ids = [school_class.id for school_class, _grade in rows]
    pupils, teachers = _pupils(ids, on), _teachers(ids, on)
    last = {stage: last_level(stage, school, on) for stage in {grade.stage for _class, grade in rows}}
    steps = [
        _step(school_class, grade, last, pupils, teachers, changed.get(school_class.public_id, {}))
        for school_class, grade in rows
    ]
    return Plan(school, year, to_year, hand_over, steps, _problems(to_year, steps))


def _pupils(class_ids: list[int], on: date) -> dict[int, list[Pupil]]:
    rows = db.session.execute(
        select(Enrolment.class_id, Pupil)
        .join(Pupil, Pupil.id == Enrolment.pupil_id)
        .where(
            Enrolment.class_id.in_(class_ids),
            Enrolment.started_on <= on,
            or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > on),
        )
        .order_by(Pupil.name_pinyin, Pupil.id)
    )
    found: dict[int, list[Pupil]] = {}
    for class_id, pupil in rows:
        found.setdefault(class_id, []).append(pupil)
    return found


def _teachers(class_ids: list[int], on: date) -> dict[int, list[Person]]:
    rows = db.session.execute(
        select(Appointment.class_id, Person)
        .join(Person, Person.id == Appointment.person_id)
        .where(
            Appointment.class_id.in_(class_ids),
            Appointment.role == Role.CLASS_TEACHER,
            Appointment.delegated_from_id.is_(None),
            Appointment.started_on <= on,
            or_(Appointment.ended_on.is_(None), Appointment.ended_on > on),
        )
        .order_by(Appointment.id)
    )
    found: dict[int, list[Person]] = {}
    for class_id, person in rows:
        if class_id is not None:
            found.setdefault(class_id, []).append(person)
    return found


def _step(
    school_class: SchoolClass,
    grade: Grade,
    last: dict[str, int],
    pupils: dict[int, list[Pupil]],
    teachers: dict[int, list[Person]],
    changed: dict[str, Any],
) -> Step:
    here = pupils.get(school_class.id, [])
    names = {pupil.public_id for pupil in here}
    usual = UP if grade.level < last[grade.stage] else LEAVE
    own = teachers.get(school_class.id, [])
    teacher = own[0] if own else None
    if "teacher" in changed:
        teacher = db.session.scalar(select(Person).where(Person.public_id == changed["teacher"]))
    staying = set(changed.get("staying", ())) & names
    way = changed.get("way", usual)
    return Step(
        school_class,
        grade,
        way,
        changed.get("name")
        or name_next_year(school_class.name, grade.stage, grade.level, school_class.number),
        here,
        own,
        teacher,
        staying,
        (set(changed.get("leaving", ())) & names) - staying,
    )


def _problems(to_year: SchoolYear | None, steps: list[Step]) -> list[str]:
    told = []
    if to_year is None:
        told.append(_("The district has not founded the next school year yet."))
    if not steps:
        told.append(_("There are no classes this school year."))
    seen: dict[str, str] = {}
    for step in steps:
        if step.way != UP:
            continue
        if step.name in seen:
            told.append(_("Two classes would be called %(name)s.", name=step.name))
        seen[step.name] = step.name
    return told


def change_step(school: School, on: date, school_class: SchoolClass, **changed: Any) -> HandOver:
    """Keep what was decided by hand for one class, in the current transaction."""
    to_year = next_year(school.district_id, on)
    if to_year is None:
        raise RuleBroken(_("The district has not founded the next school year yet."))
    hand_over = current(school.id, to_year)
    if hand_over is None:
        hand_over = HandOver(school_id=school.id, to_year_id=to_year.id, plan={}, journal={})
        db.session.add(hand_over)
    if hand_over.state == HandOverState.APPLIED:
        raise RuleBroken(_("The hand-over is applied. Undo it first."))
    hand_over.plan = {**hand_over.plan, school_class.public_id: changed}
    db.session.flush()
    return hand_over


class _Work:
    """One hand-over at work; writes down every row it makes and every end it sets."""

    def __init__(self, plan: Plan) -> None:
        assert plan.to_year is not None
        self.plan, self.year, self.on = plan, plan.to_year, plan.to_year.starts_on
        self.made: dict[str, list[int]] = {
            "grade": [],
            "school_class": [],
            "enrolment": [],
            "appointment": [],
        }
        self.ended: dict[str, list[list[Any]]] = {"enrolment": [], "appointment": [], "pupil": []}
        self.grades: dict[tuple[str, int], Grade] = {}
        self.classes: dict[tuple[str, int, int], SchoolClass] = {}

    def class_in(self, stage: str, level: int, number: int, name: str) -> SchoolClass:
        """The class of the new year at this place, made if it is not there."""
        key = (stage, level, number)
        if key not in self.classes:
            grade = self._grade(stage, level)
            found = db.session.scalar(
                select(SchoolClass).where(SchoolClass.grade_id == grade.id, SchoolClass.number == number)
            )
            if found is None:
                found = SchoolClass(
                    grade_id=grade.id, school_id=self.plan.school.id, number=number, name=name
                )
                db.session.add(found)
                db.session.flush()
                self.made["school_class"].append(found.id)
            self.classes[key] = found
        return self.classes[key]

    def _grade(self, stage: str, level: int) -> Grade:
        if (stage, level) not in self.grades:
            place = {
                "school_id": self.plan.school.id,
                "school_year_id": self.year.id,
                "stage": stage,
                "level": level,
            }
            found = db.session.scalar(select(Grade).filter_by(**place))
            if found is None:
                found = Grade(**place)
                db.session.add(found)
                db.session.flush()
                self.made["grade"].append(found.id)
            self.grades[stage, level] = found
        return self.grades[stage, level]

    def end(self, row: Enrolment | Appointment) -> None:
        """End a place or an appointment on the year's first day, if it goes beyond."""
        kind = row.__tablename__
        self.ended[kind].append([row.id, str(row.ended_on) if row.ended_on else None])
        row.ended_on = max(self.on, row.started_on)

    def leave(self, pupil: Pupil) -> None:
        """The pupil leaves the school on the year's first day."""
        self.ended["pupil"].append([pupil.id, None])
        pupil.left_on = self.on

    def place(self, pupil: Pupil, school_class: SchoolClass) -> None:
        """A place in a class of the new year."""
        made = enrolling.enrol(pupil, school_class, self.on)
        db.session.flush()
        self.made["enrolment"].append(made.id)

    def appoint(self, person: Person, role: Role, school_class: SchoolClass, ended_on: date | None) -> None:
        """An appointment in a class of the new year."""
        made = enrolling.appoint(person, role, self.on, class_id=school_class.id, ended_on=ended_on)
        db.session.flush()
        self.made["appointment"].append(made.id)


def apply(plan: Plan, person_id: int, role: str = "") -> HandOver:
    """Carry the hand-over out in the current transaction; RuleBroken while something stands against it."""
    if plan.is_applied:
        raise RuleBroken(_("The hand-over is applied already."))
    if plan.problems or plan.to_year is None:
        raise RuleBroken(" ".join(plan.problems))
    work = _Work(plan)
    with db.session.no_autoflush:
        for step in plan.steps:
            if step.way == UP:
                work.class_in(step.grade.stage, step.grade.level + 1, step.school_class.number, step.name)
        for step in plan.steps:
            _newcomers(work, step)
            _hand_over_pupils(work, step)
            _hand_over_offices(work, step)
    hand_over = plan.hand_over or HandOver(school_id=plan.school.id, to_year_id=plan.to_year.id, plan={})
    db.session.add(hand_over)
    hand_over.state = HandOverState.APPLIED
    hand_over.journal = {"made": work.made, "ended": work.ended}
    hand_over.applied_by_id, hand_over.applied_at = person_id, clock.now()
    db.session.flush()
    summaries.rebuild_roster([plan.school.id])
    note(
        "hand_over.applied",
        hand_over,
        person_id=person_id,
        role=role,
        classes=len(work.made["school_class"]),
        pupils=len(work.made["enrolment"]),
        leaving=len(work.ended["pupil"]),
    )
    return hand_over


def _newcomers(work: _Work, step: Step) -> None:
    """First grades begin again, empty until the roster brings the newcomers."""
    if step.grade.level == 1:
        number = step.school_class.number
        work.class_in(step.grade.stage, 1, number, class_name(step.grade.stage, 1, number))


def _hand_over_pupils(work: _Work, step: Step) -> None:
    ids = [pupil.id for pupil in step.pupils]
    places = {
        place.pupil_id: place
        for place in db.session.scalars(
            select(Enrolment).where(
                Enrolment.class_id == step.school_class.id,
                Enrolment.pupil_id.in_(ids),
                or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > work.on),
            )
        )
    }
    stage, level, number = step.grade.stage, step.grade.level, step.school_class.number
    for pupil in step.pupils:
        place = places.get(pupil.id)
        if place is None:
            continue
        goes_on = place.ended_on is None
        work.end(place)
        db.session.flush()
        if not goes_on:
            continue
        if pupil.public_id in step.staying:
            again = work.class_in(stage, level, number, class_name(stage, level, number))
            work.place(pupil, again)
        elif pupil.public_id in step.leaving or step.way == LEAVE:
            work.leave(pupil)
        else:
            work.place(pupil, work.classes[stage, level + 1, number])


def _hand_over_offices(work: _Work, step: Step) -> None:
    held = db.session.scalars(
        select(Appointment).where(
            Appointment.class_id == step.school_class.id,
            or_(Appointment.ended_on.is_(None), Appointment.ended_on > work.on),
        )
    ).all()
    following = work.classes.get((step.grade.stage, step.grade.level + 1, step.school_class.number))
    people = {one.id: db.session.get_one(Person, one.person_id) for one in held}
    for one in held:
        until = one.ended_on
        work.end(one)
        if step.way == UP and following and one.role == Role.SUBJECT_TEACHER and not one.delegated_from_id:
            work.appoint(people[one.id], Role.SUBJECT_TEACHER, following, until)
    if step.way == UP and following and step.teacher is not None:
        work.appoint(step.teacher, Role.CLASS_TEACHER, following, None)


def begun() -> str:
    """What is said once the school year has begun."""
    return _("The school year has begun; the hand-over stays. Mend single entries instead.")


def undo(hand_over: HandOver, on: date, person_id: int, role: str = "") -> None:
    """Take a hand-over back, in the current transaction. RuleBroken once the year has begun or something rests on it."""
    if hand_over.state != HandOverState.APPLIED:
        raise RuleBroken(_("There is no hand-over to undo."))
    year = db.session.get_one(SchoolYear, hand_over.to_year_id)
    if on >= year.starts_on:
        raise RuleBroken(begun())
    made, ended = hand_over.journal["made"], hand_over.journal["ended"]
    if _rests_on(made):
        raise RuleBroken(_("Something was entered for the new classes already; the hand-over stays."))
    _delete(Enrolment, made["enrolment"])
    _delete(Appointment, made["appointment"])
    gone = _accepted_elsewhere(hand_over.school_id, [key for key, _before in ended["pupil"]])
    for key, before in ended["enrolment"]:
        place = db.session.get_one(Enrolment, key)
        if place.pupil_id not in gone:
            place.ended_on = date.fromisoformat(before) if before else None
    for key, before in ended["appointment"]:
        db.session.get_one(Appointment, key).ended_on = date.fromisoformat(before) if before else None
    for key, _before in ended["pupil"]:
        if key not in gone:
            db.session.get_one(Pupil, key).left_on = None
    db.session.flush()
    _delete(SchoolClass, made["school_class"])
    _delete(Grade, made["grade"])
    hand_over.state, hand_over.undone_at = HandOverState.UNDONE, clock.now()
    db.session.flush()
    summaries.rebuild_roster([hand_over.school_id])
    note("hand_over.undone", hand_over, person_id=person_id, role=role)


def _accepted_elsewhere(school_id: int, pupil_ids: list[int]) -> set[int]:
    """Pupils whom another school has accepted by now: they leave all the same."""
    return set(
        db.session.scalars(
            select(PupilTransfer.pupil_id).where(
                PupilTransfer.from_school_id == school_id,
                PupilTransfer.pupil_id.in_(pupil_ids),
                PupilTransfer.state == TransferState.ACCEPTED,
            )
        )
    )


def _delete(model: Any, ids: list[int]) -> None:
    for row in db.session.scalars(select(model).where(model.id.in_(ids))).all():
        db.session.delete(row)
    db.session.flush()


def _rests_on(made: dict[str, list[int]]) -> bool:
    """Whether rows of other origin refer to the new classes, grades or places."""
    classes, own = made["school_class"], {name: made[name] for name in ("enrolment", "appointment")}
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name != "school_class" or key.column.name != "id":
                continue
            condition: ColumnElement[bool] = key.parent.in_(classes)
            if table.name in own:
                condition = and_(condition, ~table.c.id.in_(own[table.name]))
            if db.session.scalar(select(exists().where(condition))):
                return True
        for kind, place in (("scope_kind", "scope_id"), ("audience_kind", "audience_id")):
            if kind in table.c and place in table.c:
                addressed = and_(table.c[kind] == "class", table.c[place].in_(classes))
                if db.session.scalar(select(exists().where(addressed))):
                    return True
    return False
