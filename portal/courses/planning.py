"""Writing a course: who may teach it, for whom it may be, and what the form's answers mean."""

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from portal import clock, names
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.courses.forms import CourseForm, SessionForm
from portal.courses.models import Audience, Course, CourseSession
from portal.extensions import db
from portal.i18n import gettext as _
from portal.schools.calendar import year_start
from portal.schools.models import District, Grade, School, SchoolClass, SchoolYear
from portal.schools.policy import in_force, schools_in_district


def lecturers_for(actor: Actor) -> dict[str, str]:
    """Public id → name of the lecturers appointed in the actor's district or one above it, or in the actor's school."""
    own = select(District.path).where(District.id == actor.district_id).scalar_subquery()
    districts = select(District.id).where(own.like(District.path + "%"))
    rows = db.session.execute(
        select(Person.public_id, Person.name)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(
            Appointment.role == Role.LECTURER,
            or_(Appointment.district_id.in_(districts), Appointment.school_id == actor.school_id),
            in_force(Appointment, actor),
        )
        .order_by(Person.name_pinyin, Person.id)
    )
    return {public_id: name for public_id, name in rows}


def audiences_for(actor: Actor) -> dict[str, str]:
    """What the form offers: ``kind:id`` → words. A school offers itself, its grades and classes; a district itself
    and its schools."""
    if actor.role == Role.DISTRICT_STAFF:
        district = db.session.get_one(District, actor.district_id)
        schools = db.session.execute(
            select(School.id, School.name)
            .where(schools_in_district(actor), School.closed_on.is_(None))
            .order_by(School.name_pinyin, School.id)
        )
        offered = {f"{Audience.DISTRICT}:{district.id}": _("Every family of %(name)s", name=district.name)}
        offered |= {f"{Audience.SCHOOL}:{school_id}": name for school_id, name in schools}
        return offered
    offered = {f"{Audience.SCHOOL}:{actor.school_id}": _("Every family of the school")}
    grades = db.session.scalars(
        select(Grade)
        .join(SchoolYear, SchoolYear.id == Grade.school_year_id)
        .where(Grade.school_id == actor.school_id, SchoolYear.starts_on == year_start(actor.on))
        .order_by(Grade.stage, Grade.level)
    ).all()
    classes = db.session.execute(
        select(SchoolClass.id, SchoolClass.name)
        .where(SchoolClass.grade_id.in_([grade.id for grade in grades]))
        .order_by(SchoolClass.grade_id, SchoolClass.number)
    )
    offered |= {f"{Audience.GRADE}:{grade.id}": _("Grade %(name)s", name=grade.name) for grade in grades}
    offered |= {f"{Audience.CLASS}:{class_id}": _("Class %(name)s", name=name) for class_id, name in classes}
    return offered


def audience_in_words(course: Course) -> str:
    """For whom a course is, as its page says it."""
    match Audience(course.audience_kind):
        case Audience.DISTRICT:
            name = db.session.scalar(select(District.name).where(District.id == course.audience_id))
            return _("Every family of %(name)s", name=name)
        case Audience.SCHOOL:
            name = db.session.scalar(select(School.name).where(School.id == course.audience_id))
            return _("Every family of %(name)s", name=name)
        case Audience.GRADE:
            grade = db.session.get_one(Grade, course.audience_id)
            return _("Grade %(name)s", name=grade.name)
        case Audience.CLASS:
            name = db.session.scalar(select(SchoolClass.name).where(SchoolClass.id == course.audience_id))
            return _("Class %(name)s", name=name)


def form_for(actor: Actor, course: Course | None = None) -> CourseForm:
    """The form of a new course, or of one as it stands."""
    lecturers, audiences = lecturers_for(actor), audiences_for(actor)
    if course is None:
        return CourseForm(lecturers, audiences)
    present = f"{course.audience_kind}:{course.audience_id}"
    if present not in audiences:
        audiences[present] = audience_in_words(course)
    if course.lecturer is not None:
        lecturers.setdefault(course.lecturer.public_id, course.lecturer.name)
    stands = {
        "title": course.title,
        "topic": course.topic,
        "form": course.form,
        "description": course.description,
        "lecturer": course.lecturer.public_id if course.lecturer else "",
        "lecturer_name": course.lecturer_name,
        "audience": present,
        "is_public": course.is_public,
    }
    return CourseForm(lecturers, audiences, data=stands)


def write(course: Course, form: CourseForm) -> None:
    """Put the form's answers into the course."""
    kind, _colon, number = form.audience.data.partition(":")
    course.title = form.title.data
    course.title_pinyin, course.title_initials = names.reading(form.title.data)
    course.topic = form.topic.data
    course.form = form.form.data
    course.description = form.description.data
    course.lecturer_id = db.session.scalar(
        select(Person.id).where(Person.public_id == form.lecturer.data, form.lecturer.data != "")
    )
    course.lecturer_name = "" if course.lecturer_id else (form.lecturer_name.data or "")
    course.audience_kind, course.audience_id = kind, int(number)
    course.is_public = form.is_public.data


def new_course(actor: Actor, form: CourseForm) -> Course:
    """A draft of the actor's school, or of the district itself, in the current transaction."""
    course = Course(
        district_id=actor.district_id,
        school_id=None if actor.role == Role.DISTRICT_STAFF else actor.school_id,
        created_by_id=actor.person_id,
        created_at=clock.now(),
    )
    write(course, form)
    db.session.add(course)
    db.session.flush()
    return course


def session_form_for(session: CourseSession | None = None) -> SessionForm:
    """The form of a new session, or of one as it stands."""
    if session is None:
        return SessionForm()
    begins = clock.local(session.starts_at)
    stands = {
        "day": begins.date(),
        "begins": begins.time(),
        "place": session.place,
        "capacity": session.capacity,
        "lesson_hours": session.lesson_hours,
    }
    return SessionForm(session.seats_taken, data=stands)


def write_session(session: CourseSession, form: SessionForm) -> None:
    """Put the form's answers into the session."""
    session.starts_at = clock.instant_of(form.day.data, form.begins.data.hour, form.begins.data.minute)
    session.place = form.place.data
    session.capacity = form.capacity.data
    session.lesson_hours = form.lesson_hours.data


WHOLE = (joinedload(Course.school), joinedload(Course.district), joinedload(Course.lecturer))
"""What every page about a course reads beside it."""
