"""Who sees which courses, who runs them, who marks those present."""

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import aliased

from portal.access import Actor, Permission, Role
from portal.courses.models import Audience, Course, CourseSession, Seat
from portal.schools.models import (
    District,
    Flag,
    Grade,
    School,
    SchoolClass,
)
from portal.schools.modules import open_at
from portal.schools.policy import (
    classes_of_guardian,
    districts_below,
    flagged,
    households_acted_for,
    households_of_guardian,
    schools_of_guardian,
)


def live() -> ColumnElement[bool]:
    """Published and not withdrawn."""
    return and_(Course.published_at.is_not(None), Course.withdrawn_at.is_(None))


def open_to_all() -> ColumnElement[bool]:
    """What anyone may read, signed in or not."""
    return and_(live(), Course.is_public)


def _districts_above(schools: Select[int]) -> Select[int]:
    """The districts that run these schools and those above them."""
    below = aliased(District)
    return (
        select(District.id)
        .join(below, below.path.like(District.path + "%"))
        .join(School, School.district_id == below.id)
        .where(School.id.in_(schools))
    )


def _for(kind: Audience, ids: Select[int]) -> ColumnElement[bool]:
    return and_(Course.audience_kind == kind, Course.audience_id.in_(ids))


def _reaching(schools: Select[int], grades: Select[int], classes: Select[int]) -> ColumnElement[bool]:
    circles = (
        _for(Audience.CLASS, classes),
        _for(Audience.GRADE, grades),
        _for(Audience.SCHOOL, schools),
        _for(Audience.DISTRICT, _districts_above(schools)),
    )
    return and_(live(), or_(Course.is_public, *circles))


def for_own_children(actor: Actor) -> ColumnElement[bool]:
    """Live courses for the class, grade, school or district of the guardian's children, and public ones."""
    classes = classes_of_guardian(actor, "courses")
    grades = select(SchoolClass.grade_id).where(SchoolClass.id.in_(classes))
    return _reaching(schools_of_guardian(actor, "courses"), grades, classes)


def for_own_class(actor: Actor) -> ColumnElement[bool]:
    """Live courses for the actor's class, its grade, school and district, and public ones."""
    own = select(SchoolClass.id).where(SchoolClass.id == actor.class_id)
    grades = select(SchoolClass.grade_id).where(SchoolClass.id == actor.class_id)
    return _reaching(_own_school(actor), grades, own)


def for_own_school(actor: Actor) -> ColumnElement[bool]:
    """Live courses for anyone at the actor's school, and public ones."""
    grades = select(Grade.id).where(Grade.school_id == actor.school_id)
    classes = select(SchoolClass.id).where(SchoolClass.school_id == actor.school_id)
    return _reaching(_own_school(actor), grades, classes)


def _own_school(actor: Actor) -> Select[int]:
    return select(School.id).where(School.id == actor.school_id)


def of_district_tree(actor: Actor) -> ColumnElement[bool]:
    """Live courses run in the actor's district tree, and public ones."""
    return and_(live(), or_(Course.is_public, Course.district_id.in_(districts_below(actor))))


def own_lectures(actor: Actor) -> ColumnElement[bool]:
    """Live courses the actor teaches, and public ones."""
    return and_(live(), or_(Course.is_public, Course.lecturer_id == actor.person_id))


def public_only(_actor: Actor) -> ColumnElement[bool]:
    """Live courses open to the public."""
    return open_to_all()


def run_by_own_school(actor: Actor) -> ColumnElement[bool]:
    """Courses that the actor's school runs, in every state."""
    return Course.school_id == actor.school_id


def run_by_own_district(actor: Actor) -> ColumnElement[bool]:
    """Courses that the actor's district runs itself, in every state."""
    return and_(Course.district_id == actor.district_id, Course.school_id.is_(None))


def _of_courses(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return CourseSession.course_id.in_(select(Course.id).where(condition))


def sessions_of_own_school(actor: Actor) -> ColumnElement[bool]:
    """Sessions of courses that the actor's school runs."""
    return _of_courses(run_by_own_school(actor))


def sessions_of_own_district(actor: Actor) -> ColumnElement[bool]:
    """Sessions of courses that the actor's district runs itself."""
    return _of_courses(run_by_own_district(actor))


def sessions_one_teaches(actor: Actor) -> ColumnElement[bool]:
    """Sessions of published courses that the actor teaches."""
    return _of_courses(and_(Course.lecturer_id == actor.person_id, Course.published_at.is_not(None)))


def sessions_for_own_children(actor: Actor) -> ColumnElement[bool]:
    """Sessions of the courses a guardian may see, where the school that runs them has its parent school on."""
    return _of_courses(and_(for_own_children(actor), open_at("courses", Course.school_id, actor)))


def not_restricted(actor: Actor) -> ColumnElement[bool]:
    """Guardianships that no court order restricts today."""
    return ~flagged(actor, Flag.RESTRICTED)


def own_seats(actor: Actor) -> ColumnElement[bool]:
    """Seats and waiting places of the guardian's households."""
    return and_(Seat.household_id.in_(households_of_guardian(actor)), _run_where_open(actor))


def seats_one_answers_for(actor: Actor) -> ColumnElement[bool]:
    """Seats of households for which the guardian may act, not only see and confirm."""
    return and_(Seat.household_id.in_(households_acted_for(actor)), _run_where_open(actor))


def _run_where_open(actor: Actor) -> ColumnElement[bool]:
    run_by = (
        select(Course.school_id)
        .join(CourseSession, CourseSession.course_id == Course.id)
        .where(CourseSession.id == Seat.session_id)
        .correlate(Seat)
        .scalar_subquery()
    )
    return open_at("courses", run_by, actor)


def sessions_with_own_seat(actor: Actor) -> ColumnElement[bool]:
    """Sessions in which a household of the guardian has a seat or waits for one."""
    return CourseSession.id.in_(select(Seat.session_id).where(seats_one_answers_for(actor)))


COURSE_READ = Permission(
    "course.read",
    Course,
    "F1",
    {
        Role.GUARDIAN: for_own_children,
        Role.CLASS_TEACHER: for_own_class,
        Role.SUBJECT_TEACHER: for_own_class,
        Role.COMMITTEE_CHAIR: for_own_class,
        Role.PRINCIPAL: for_own_school,
        Role.SCHOOL_OFFICE: for_own_school,
        Role.LECTURER: own_lectures,
        Role.INSPECTOR: of_district_tree,
        Role.DISTRICT_STAFF: of_district_tree,
        Role.AUDITOR: of_district_tree,
        Role.SYSTEM_ADMIN: public_only,
    },
)

COURSE_MANAGE = Permission(
    "course.manage",
    Course,
    "F1",
    {
        Role.PRINCIPAL: run_by_own_school,
        Role.SCHOOL_OFFICE: run_by_own_school,
        Role.DISTRICT_STAFF: run_by_own_district,
    },
)

SESSION_MANAGE = Permission(
    "course_session.manage",
    CourseSession,
    "F1",
    {
        Role.PRINCIPAL: sessions_of_own_school,
        Role.SCHOOL_OFFICE: sessions_of_own_school,
        Role.DISTRICT_STAFF: sessions_of_own_district,
    },
)

SESSION_SIGN_IN = Permission(
    "course_session.sign_in",
    CourseSession,
    "F2",
    {
        Role.PRINCIPAL: sessions_of_own_school,
        Role.SCHOOL_OFFICE: sessions_of_own_school,
        Role.DISTRICT_STAFF: sessions_of_own_district,
        Role.LECTURER: sessions_one_teaches,
    },
)

WALK_IN_ADD = Permission(
    "course_session.add_walk_in",
    CourseSession,
    "F2",
    {Role.PRINCIPAL: sessions_of_own_school, Role.SCHOOL_OFFICE: sessions_of_own_school},
)

SEAT_TAKE = Permission("course_seat.take", CourseSession, "F2", {Role.GUARDIAN: sessions_for_own_children})

SEAT_KEEP = Permission("course_seat.keep", CourseSession, "F2", {Role.GUARDIAN: sessions_with_own_seat})

SEAT_READ = Permission("course_seat.read", Seat, "F2", {Role.GUARDIAN: own_seats})
