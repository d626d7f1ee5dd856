"""Teaching at home (送教上门): one log per pupil and school year, with a plan, each lesson, and the family's confirmation.

A child who cannot come to school stays on its roll and is taught at home by arrangement of the county (Compulsory Education
Law art. 19; Regulations on the Education of Persons with Disabilities art. 20). How many lessons a year are due differs by
district: a setting, kept in the log with the value of the day it was opened (DOMAIN 2.4 tells of thirty).
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, LargeBinary, UniqueConstraint, and_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.access import Actor, Permission, Role
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import SealedText
from portal.row_security import wall
from portal.schools.calendar import year_start
from portal.schools.models import Pupil
from portal.schools.policy import class_now, own_tie, pupils_of_class, pupils_of_guardian
from portal.settings import Number, Setting
from portal.trail.models import note

LESSONS_A_YEAR = Setting(
    "visits.home_lessons",
    Number(4, 400, _l("lessons")),
    30,
    label=_l("Teaching at home: lessons due in a school year"),
    help=_l("Counted for each child who is taught at home. A log that is open keeps its number."),
)
MOST_LESSONS, MOST_MINUTES = 4, 300


class HomeTeaching(PublicId, Base):
    """The log of one child in one school year. ``year_on`` is its 1 September, ``required`` the lessons that are due."""

    __tablename__ = "home_teaching"
    __table_args__ = (
        UniqueConstraint("pupil_id", "year_on"),
        CheckConstraint("required > 0", name="something_is_due"),
        Index("ix_home_teaching_school", "school_id", "year_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    year_on: Mapped[date]
    required: Mapped[int]
    plan_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    plan = SealedText("narrative")
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[datetime]

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    lessons: Mapped[list["HomeLesson"]] = relationship(
        lazy="raise_on_sql", order_by="HomeLesson.held_on.desc(), HomeLesson.id.desc()", back_populates="log"
    )

    @property
    def given(self) -> int:
        """Lessons given so far."""
        return sum(one.lessons for one in self.lessons)

    @property
    def confirmed(self) -> int:
        """Lessons that the family has confirmed."""
        return sum(one.lessons for one in self.lessons if one.confirmed_at)


class HomeLesson(PublicId, Base):
    """One visit on which the child was taught: the day, how many lessons, what was done, by whom."""

    __tablename__ = "home_lesson"
    __table_args__ = (
        CheckConstraint(f"lessons BETWEEN 1 AND {MOST_LESSONS}", name="lessons_possible"),
        CheckConstraint(f"minutes BETWEEN 10 AND {MOST_MINUTES}", name="minutes_possible"),
        CheckConstraint("with_id IS NULL OR with_id <> author_id", name="two_people"),
        Index("ix_home_lesson_log", "log_id", "held_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    log_id: Mapped[int] = mapped_column(ForeignKey("home_teaching.id", ondelete="CASCADE"))
    held_on: Mapped[date]
    lessons: Mapped[int]
    minutes: Mapped[int]
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary, info={"class": "F4"})
    content = SealedText("narrative")
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    with_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    written_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    log: Mapped[HomeTeaching] = relationship(lazy="raise_on_sql", back_populates="lessons")
    author: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[author_id])
    with_whom: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[with_id])
    confirmed_by: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[confirmed_by_id])

    @property
    def teachers(self) -> str:
        """Who taught."""
        return f"{self.author.name} / {self.with_whom.name}" if self.with_whom else self.author.name

    def confirm(self, by: int, now: datetime) -> None:
        """The family says that it was so; the first tap holds."""
        if self.confirmed_at is None:
            self.confirmed_at, self.confirmed_by_id = now, by

    def must_be_open(self) -> None:
        """RuleBroken when the family has confirmed it: then it stays as it is."""
        if self.confirmed_at is not None:
            raise RuleBroken(_("The family has confirmed this lesson. It stays as it is."))


@dataclass(frozen=True)
class Given:
    """A lesson as its teacher tells it."""

    held_on: date
    lessons: int
    minutes: int
    content: str
    with_id: int | None = None


def log_of(pupil_id: int, on: date) -> HomeTeaching | None:
    """The log of a child in the school year of a day."""
    return db.session.query(HomeTeaching).filter_by(pupil_id=pupil_id, year_on=year_start(on)).one_or_none()


def start(pupil: Pupil, household_id: int, author: Actor, plan: str, now: datetime) -> HomeTeaching:
    """Open the log of this school year, in the current transaction. RuleBroken when there is one."""
    assert author.school_id is not None
    if log_of(pupil.id, author.on) is not None:
        raise RuleBroken(_("There is a log for this school year already."))
    made = HomeTeaching(
        pupil_id=pupil.id,
        household_id=household_id,
        school_id=author.school_id,
        year_on=year_start(author.on),
        required=LESSONS_A_YEAR.on(author.on, school_id=author.school_id),
        plan=plan,
        opened_by_id=author.person_id,
        opened_at=now,
    )
    db.session.add(made)
    db.session.flush()
    note("home_teaching.opened", made, person_id=author.person_id, role=author.role)
    return made


def give(log: HomeTeaching, author: Actor, given: Given, now: datetime) -> HomeLesson:
    """Write a lesson down, in the current transaction."""
    made = HomeLesson(
        log_id=log.id,
        held_on=given.held_on,
        lessons=given.lessons,
        minutes=given.minutes,
        content=given.content,
        author_id=author.person_id,
        with_id=given.with_id,
        written_at=now,
    )
    db.session.add(made)
    db.session.flush()
    note("home_teaching.lesson_given", log, person_id=author.person_id, role=author.role)
    return made


def take_out(lesson: HomeLesson, log: HomeTeaching, by: Actor) -> None:
    """Delete a lesson written by mistake, in the current transaction. RuleBroken once it is confirmed."""
    lesson.must_be_open()
    db.session.delete(lesson)
    note("home_teaching.lesson_removed", log, person_id=by.person_id, role=by.role)


def confirm(lesson: HomeLesson, log: HomeTeaching, by: Actor, now: datetime) -> None:
    """The family confirms a lesson with one tap, in the current transaction."""
    if lesson.confirmed_at is None:
        lesson.confirm(by.person_id, now)
        note("home_teaching.confirmed", log, person_id=by.person_id, role=by.role)


# Who reaches which logs


def logs_of_class(actor: Actor) -> ColumnElement[bool]:
    """Logs of this school about pupils of the teacher's class today."""
    return and_(HomeTeaching.pupil_id.in_(pupils_of_class(actor)), HomeTeaching.school_id == actor.school_id)


def logs_of_school(actor: Actor) -> ColumnElement[bool]:
    """Logs that the actor's school keeps or kept."""
    return HomeTeaching.school_id == actor.school_id


def logs_of_own_household(actor: Actor) -> ColumnElement[bool]:
    """Logs of lessons in the guardian's own home; a helper who sees and confirms reads and confirms them too."""
    return and_(
        HomeTeaching.pupil_id.in_(pupils_of_guardian(actor, "visits")),
        own_tie(actor, HomeTeaching.pupil_id, HomeTeaching.household_id),
    )


HOME_TEACHING_START = Permission("home_teaching.start", Pupil, "F4", {Role.CLASS_TEACHER: class_now})

HOME_TEACHING_READ = Permission(
    "home_teaching.read",
    HomeTeaching,
    "F4",
    {
        Role.GUARDIAN: logs_of_own_household,
        Role.CLASS_TEACHER: logs_of_class,
        Role.PRINCIPAL: logs_of_school,
    },
)

HOME_TEACHING_WRITE = Permission(
    "home_teaching.write", HomeTeaching, "F4", {Role.CLASS_TEACHER: logs_of_class}
)

HOME_TEACHING_PRINT = Permission(
    "home_teaching.print",
    HomeTeaching,
    "F4",
    {Role.CLASS_TEACHER: logs_of_class, Role.PRINCIPAL: logs_of_school},
)

HOME_TEACHING_CONFIRM = Permission(
    "home_teaching.confirm", HomeTeaching, "F4", {Role.GUARDIAN: logs_of_own_household}
)


def _lessons_within_reach(actor: Actor) -> ColumnElement[bool]:
    """Lessons of the logs that the actor reads."""
    found = HOME_TEACHING_READ.rows(actor).with_only_columns(HomeTeaching.id)
    return HomeLesson.log_id.in_(found)


wall(HomeTeaching)
wall(HomeLesson, dict.fromkeys(HOME_TEACHING_READ.grants, _lessons_within_reach))
