"""The catalogue, a course and its seats; planning courses; signing in those present."""

from collections.abc import Sequence
from types import SimpleNamespace

from flask import Blueprint, abort, request, url_for
from flask_login import current_user
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal import clock, i18n, names
from portal.access import Actor, actor, find, public, requires
from portal.accounts.models import Person
from portal.courses import planning, seating
from portal.courses.forms import LessonForm, WithdrawalForm
from portal.courses.models import TOPIC_NAMES, Course, CourseSession, Lesson, Seat, Topic
from portal.courses.planning import WHOLE
from portal.courses.policy import (
    COURSE_MANAGE,
    COURSE_READ,
    SEAT_KEEP,
    SEAT_READ,
    SEAT_TAKE,
    SESSION_MANAGE,
    SESSION_SIGN_IN,
    WALK_IN_ADD,
    not_restricted,
    open_to_all,
    seats_one_answers_for,
)
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.models import Enrolment, Guardianship, Household, Pupil
from portal.schools.policy import in_force
from portal.templating import render
from portal.trail.models import note

bp = Blueprint("courses", __name__, url_prefix="/courses")
MOST_LESSONS = 40
MOST_SESSIONS = 60
Answer = str | Response | tuple[str, int]


def _reader() -> Actor | None:
    return actor() if current_user.is_authenticated else None


def _readable() -> ColumnElement[bool]:
    reader = _reader()
    return COURSE_READ.within(reader) if reader else open_to_all()


def _matching(query: str) -> ColumnElement[bool]:
    title = SimpleNamespace(
        name=Course.title, name_pinyin=Course.title_pinyin, name_initials=Course.title_initials
    )
    topics = [topic.value for topic, name in TOPIC_NAMES.items() if query.lower() in str(name).lower()]
    return or_(names.matching(title, query), Course.topic.in_(topics))


@bp.get("/")
@public
def index() -> str:
    """The catalogue: what is open to the public, and what is meant for one's own school and children."""
    query = request.args.get("q", "").strip()
    topic = request.args.get("topic", "")
    wanted = select(Course).where(_readable()).options(*WHOLE)
    if query:
        wanted = wanted.where(_matching(query))
    if topic in set(Topic):
        wanted = wanted.where(Course.topic == topic)
    listing = page_of(wanted, [(Course.id, True)], size=20)
    return render(
        "courses/index.html",
        listing=listing,
        coming=_coming(listing.rows),
        query=query,
        topic=topic,
        topics=TOPIC_NAMES,
        manages=_manages(),
        learns=_learns(),
    )


def _manages() -> bool:
    reader = _reader()
    return reader is not None and COURSE_MANAGE.admits(reader.role)


def _learns() -> bool:
    reader = _reader()
    return reader is not None and SEAT_READ.admits(reader.role)


def _coming(courses: Sequence[Course]) -> dict[int, CourseSession]:
    """Course id → its next session, for the courses of one page."""
    sessions = db.session.scalars(
        select(CourseSession)
        .where(
            CourseSession.course_id.in_([course.id for course in courses]),
            CourseSession.starts_at > clock.now(),
        )
        .order_by(CourseSession.starts_at.desc())
    )
    return {session.course_id: session for session in sessions}


@bp.get("/<public_id>")
@public
def show(public_id: str) -> str:
    """A course: what, who, when, where, its lessons, and one's own seat."""
    course = db.session.scalar(
        select(Course)
        .where(Course.public_id == public_id, _readable())
        .options(*WHOLE, selectinload(Course.lessons), selectinload(Course.sessions))
    )
    if course is None:
        abort(404)
    reader = _reader()
    learns = _learns()
    families = seating.families_for(reader, course) if reader and learns else []
    now = clock.now()
    signs_in = reader is not None and SESSION_SIGN_IN.admits(reader.role)
    return render(
        "courses/show.html",
        course=course,
        topic=TOPIC_NAMES[Topic(course.topic)],
        audience=planning.audience_in_words(course),
        coming=[session for session in course.sessions if session.starts_at > now],
        past=[session for session in course.sessions if session.starts_at <= now],
        families=families,
        seats=_seats_of(course, [family.household_id for family in families]),
        learns=learns,
        signs_in=signs_in and (_runs(course) or course.lecturer_id == current_user.person_id),
        runs=_manages() and _runs(course),
    )


def _runs(course: Course) -> bool:
    reader = _reader()
    return reader is not None and COURSE_MANAGE.holds_for(reader, course)


def _seats_of(course: Course, households: list[int]) -> dict[tuple[int, int], dict[str, object]]:
    """(session id, household id) → the seat, who took it, and the place in the queue."""
    if not households:
        return {}
    rows = db.session.execute(
        select(Seat, Guardianship.relation, Person.name)
        .outerjoin(
            Guardianship,
            (Guardianship.household_id == Seat.household_id) & (Guardianship.person_id == Seat.taken_by_id),
        )
        .outerjoin(Person, Person.id == Seat.taken_by_id)
        .where(
            Seat.session_id.in_([session.id for session in course.sessions]),
            Seat.household_id.in_(households),
            Seat.given_back_at.is_(None),
        )
        .order_by(Guardianship.id.desc())
    )
    return {
        (seat.session_id, seat.household_id): {
            "seat": seat,
            "by": relation or name or "",
            "own": seat.taken_by_id == current_user.person_id,
            "place": seating.place_in_queue(seat) if seat.is_waiting else 0,
        }
        for seat, relation, name in rows
    }


def _household_in(session: CourseSession, course: Course) -> int:
    """The household the form names, among those of the guardian that may take part; 404 otherwise."""
    wanted = request.form.get("household", "")
    families = seating.families_for(actor(), course)
    found = next((family.household_id for family in families if family.public_id == wanted), None)
    return abort(404) if found is None else found


@bp.post("/sessions/<public_id>/seat")
@requires(SEAT_TAKE)
def take_seat(public_id: str) -> Response:
    """Take a seat for one's household, or a place on the waiting list."""
    session = find(SEAT_TAKE, public_id, joinedload(CourseSession.course))
    course = session.course
    seat = seating.take(session, _household_in(session, course), actor().person_id)
    note("course.seat_taken", seat, person_id=actor().person_id, role=actor().role, session=session.id)
    message = (
        _("Your household has a seat.")
        if seat.is_held
        else _("All seats are taken. Your household is on the waiting list.")
    )
    return commit_and_go(url_for(".show", public_id=course.public_id), message)


def _own_household(session: CourseSession) -> int:
    """The household the form names, among the guardian's own that have a place in the session; 404 otherwise."""
    found = db.session.scalar(
        select(Seat.household_id)
        .join(Household, Household.id == Seat.household_id)
        .where(
            Seat.session_id == session.id,
            Household.public_id == request.values.get("household", ""),
            seats_one_answers_for(actor()),
        )
    )
    if found is None:
        abort(404)
    return found


@bp.post("/sessions/<public_id>/return")
@requires(SEAT_KEEP)
def give_back(public_id: str) -> Response:
    """Give one's household's seat back; it goes to whoever has waited longest."""
    session = find(SEAT_KEEP, public_id, joinedload(CourseSession.course))
    seating.give_back(session, _own_household(session))
    note("course.seat_given_back", session, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for(".mine"), _("The seat is given back. Thank you for letting others have it."))


@bp.post("/sessions/<public_id>/acknowledgement")
@requires(SEAT_KEEP)
def acknowledge(public_id: str) -> Response:
    """Keep a seat that became free."""
    session = find(SEAT_KEEP, public_id, joinedload(CourseSession.course))
    seating.acknowledge(session, _own_household(session))
    return commit_and_go(url_for(".mine"), _("The seat is yours. See you there."))


@bp.get("/mine")
@requires(SEAT_READ)
def mine() -> str:
    """One's household's seats to come and its learning record."""
    seats = select(Seat).where(SEAT_READ.within(actor()), Seat.given_back_at.is_(None))
    whole = joinedload(Seat.session).joinedload(CourseSession.course)
    options = (whole.joinedload(Course.school), whole.joinedload(Course.district))
    to_come = db.session.scalars(
        seats.join(CourseSession)
        .where(CourseSession.starts_at > clock.now())
        .options(*options)
        .order_by(CourseSession.starts_at)
        .limit(50)
    ).all()
    attended = page_of(
        seats.where(Seat.present_at.is_not(None)).options(*options),
        [(Seat.session_id, True), (Seat.id, True)],
    )
    hours = db.session.scalars(
        select(CourseSession.lesson_hours)
        .join(Seat, Seat.session_id == CourseSession.id)
        .where(SEAT_READ.within(actor()), Seat.present_at.is_not(None))
    ).all()
    households = {
        household_id: public_id
        for household_id, public_id in db.session.execute(
            select(Household.id, Household.public_id).where(
                Household.id.in_({seat.household_id for seat in to_come})
            )
        )
    }
    return render(
        "courses/mine.html",
        to_come=to_come,
        households=households,
        attended=attended,
        sessions=len(hours),
        hours=sum(hours),
    )


# Planning


@bp.get("/manage")
@requires(COURSE_MANAGE)
def manage() -> str:
    """The courses one's school (or district) runs: drafts, published, withdrawn."""
    state = request.args.get("state", "")
    wanted = COURSE_MANAGE.rows(actor()).options(*WHOLE)
    conditions = {
        "draft": Course.published_at.is_(None),
        "withdrawn": Course.withdrawn_at.is_not(None),
        "published": Course.published_at.is_not(None) & Course.withdrawn_at.is_(None),
    }
    if state in conditions:
        wanted = wanted.where(conditions[state])
    listing = page_of(wanted, [(Course.id, True)], size=20)
    return render("courses/manage.html", listing=listing, coming=_coming(listing.rows), state=state)


@bp.route("/new", methods=["GET", "POST"])
@requires(COURSE_MANAGE)
def new() -> Answer:
    """Begin a course as a draft."""
    form = planning.form_for(actor())
    if not form.sent_and_valid():
        return _form_page("courses/new.html", form=form)
    course = planning.new_course(actor(), form)
    note("course.drafted", course, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for(".plan", public_id=course.public_id), _("The draft is kept. Add lessons and sessions.")
    )


def _form_page(template: str, **context: object) -> Answer:
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page


def _course(public_id: str) -> Course:
    return find(COURSE_MANAGE, public_id, *WHOLE, selectinload(Course.lessons), selectinload(Course.sessions))


@bp.get("/<public_id>/plan")
@requires(COURSE_MANAGE)
def plan(public_id: str) -> str:
    """One course as those who run it see it: facts, lessons, sessions, and what is still missing."""
    course = _course(public_id)
    return render(
        "courses/plan.html",
        course=course,
        topic=TOPIC_NAMES[Topic(course.topic)],
        audience=planning.audience_in_words(course),
        today=clock.today(),
        has_session_to_come=any(not session.has_begun(clock.now()) for session in course.sessions),
    )


@bp.route("/<public_id>/edit", methods=["GET", "POST"])
@requires(COURSE_MANAGE)
def edit(public_id: str) -> Answer:
    """Change what a course is and for whom."""
    course = _course(public_id)
    form = planning.form_for(actor(), course)
    if not form.sent_and_valid():
        return _form_page("courses/edit.html", form=form, course=course)
    planning.write(course, form)
    note("course.changed", course, person_id=actor().person_id, role=actor().role)
    return _back_to_plan(course, _("The course is changed."))


def _back_to_plan(course: Course, message: str) -> Response:
    return commit_and_go(url_for(".plan", public_id=course.public_id), message)


@bp.route("/<public_id>/lessons/new", methods=["GET", "POST"])
@requires(COURSE_MANAGE)
def new_lesson(public_id: str) -> Answer:
    """Add a lesson with its text."""
    course = _course(public_id)
    if len(course.lessons) >= MOST_LESSONS:
        raise RuleBroken(_("A course has at most %(count)s lessons.", count=MOST_LESSONS))
    form = LessonForm()
    if not form.sent_and_valid():
        return _form_page("courses/new_lesson.html", form=form, course=course)
    position = max((lesson.position for lesson in course.lessons), default=0) + 1
    course.lessons.append(Lesson(position=position, title=form.title.data, text=form.text.data))
    return _back_to_plan(course, _("The lesson is added."))


def _lesson(course: Course, position: int) -> Lesson:
    found = next((lesson for lesson in course.lessons if lesson.position == position), None)
    return abort(404) if found is None else found


@bp.route("/<public_id>/lessons/<int:position>/edit", methods=["GET", "POST"])
@requires(COURSE_MANAGE)
def edit_lesson(public_id: str, position: int) -> Answer:
    """Change a lesson's text."""
    course = _course(public_id)
    lesson = _lesson(course, position)
    form = LessonForm(data={"title": lesson.title, "text": lesson.text})
    if not form.sent_and_valid():
        return _form_page("courses/edit_lesson.html", form=form, course=course, lesson=lesson)
    lesson.title, lesson.text = form.title.data, form.text.data
    return _back_to_plan(course, _("The lesson is changed."))


@bp.post("/<public_id>/lessons/<int:position>/removal")
@requires(COURSE_MANAGE)
def remove_lesson(public_id: str, position: int) -> Response:
    """Take a lesson out; a published course keeps at least one."""
    course = _course(public_id)
    lesson = _lesson(course, position)
    if course.is_live and len(course.lessons) == 1:
        raise RuleBroken(_("A published course needs at least one lesson."))
    course.lessons.remove(lesson)
    note("course.lesson_removed", course, person_id=actor().person_id, role=actor().role)
    return _back_to_plan(course, _("The lesson is removed."))


@bp.route("/<public_id>/sessions/new", methods=["GET", "POST"])
@requires(COURSE_MANAGE)
def new_session(public_id: str) -> Answer:
    """Add a session: when, where, for how many households."""
    course = _course(public_id)
    if course.withdrawn_at is not None:
        raise RuleBroken(_("This course is withdrawn. It gets no more sessions."))
    if len(course.sessions) >= MOST_SESSIONS:
        raise RuleBroken(_("A course has at most %(count)s sessions.", count=MOST_SESSIONS))
    form = planning.session_form_for()
    if not form.sent_and_valid():
        return _form_page("courses/new_session.html", form=form, course=course)
    session = CourseSession(course_id=course.id)
    planning.write_session(session, form)
    db.session.add(session)
    return _back_to_plan(course, _("The session is added."))


@bp.route("/sessions/<public_id>/edit", methods=["GET", "POST"])
@requires(SESSION_MANAGE)
def edit_session(public_id: str) -> Answer:
    """Change when and where a session takes place; new seats go to those who wait."""
    session = find(SESSION_MANAGE, public_id, joinedload(CourseSession.course))
    session.refuse_change_after_sign_in()
    course = session.course
    if request.method == "POST":
        session = seating.locked(session)
    form = planning.session_form_for(session)
    if not form.sent_and_valid():
        return _form_page("courses/edit_session.html", form=form, course=course, session=session)
    planning.write_session(session, form)
    db.session.flush()
    seating.offer_free_seats(session, clock.now())
    note("course.session_changed", session, person_id=actor().person_id, role=actor().role)
    return _back_to_plan(course, _("The session is changed."))


@bp.post("/<public_id>/publication")
@requires(COURSE_MANAGE)
def publish(public_id: str) -> Response:
    """Show the course in the catalogue."""
    course = _course(public_id)
    course.publish(clock.now())
    note("course.published", course, person_id=actor().person_id, role=actor().role)
    return _back_to_plan(course, _("The course is published. Families find it in the catalogue."))


@bp.route("/<public_id>/withdrawal", methods=["GET", "POST"])
@requires(COURSE_MANAGE)
def withdraw(public_id: str) -> Answer:
    """Take a published course back, with a reason."""
    course = _course(public_id)
    if not course.is_live:
        raise RuleBroken(_("Only a published course can be withdrawn."))
    form = WithdrawalForm()
    if not form.sent_and_valid():
        return _form_page("courses/withdraw.html", form=form, course=course)
    course.withdraw(clock.now(), form.reason.data)
    note("course.withdrawn", course, person_id=actor().person_id, role=actor().role)
    return _back_to_plan(course, _("The course is withdrawn. Families with a seat see the reason."))


# Sign-in of those present


def _session_to_sign_in(public_id: str) -> CourseSession:
    course = joinedload(CourseSession.course)
    return find(
        SESSION_SIGN_IN, public_id, course.joinedload(Course.school), course.joinedload(Course.district)
    )


@bp.get("/sessions/<public_id>/attendance")
@requires(SESSION_SIGN_IN)
def attendance(public_id: str) -> str:
    """The list of households with a seat, to tick those who are there; a search for those who walk in."""
    session = _session_to_sign_in(public_id)
    query = request.args.get("q", "").strip()
    may_add = WALK_IN_ADD.admits(actor().role) and session.sign_in_is_open(clock.today())
    return render(
        "courses/attendance.html",
        session=session,
        course=session.course,
        guests=_guests(session),
        is_open=session.sign_in_is_open(clock.today()),
        may_add=may_add,
        query=query,
        found=_families_found(session, query) if may_add and query else [],
    )


def _guests(session: CourseSession) -> list[dict[str, object]]:
    """Households with a seat: id, children with their class, who took it, whether present. In order of the children's names."""
    rows = db.session.execute(
        select(Seat, Household.public_id, Person.name)
        .join(Household, Household.id == Seat.household_id)
        .outerjoin(Person, Person.id == Seat.taken_by_id)
        .where(Seat.session_id == session.id, Seat.seated_at.is_not(None), Seat.given_back_at.is_(None))
    ).all()
    children = _children_of([seat.household_id for seat, _public_id, _name in rows])
    guests: list[dict[str, object]] = [
        {
            "id": public_id,
            "children": i18n.listing(children[seat.household_id][1])
            if seat.household_id in children
            else name or "",
            "adult": name or "",
            "present": seat.present_at is not None,
            "walked_in": seat.walked_in,
            "order": children[seat.household_id][0] if seat.household_id in children else "",
        }
        for seat, public_id, name in rows
    ]
    return sorted(guests, key=lambda guest: (str(guest["order"]), str(guest["id"])))


def _children_of(households: list[int]) -> dict[int, tuple[str, list[str]]]:
    """Household id → (sort key, names of its children)."""
    rows = db.session.execute(
        select(Guardianship.household_id, Pupil.name_pinyin, Pupil.name)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(
            Guardianship.household_id.in_(households),
            in_force(Guardianship, actor()),
            not_restricted(actor()),
        )
        .distinct()
        .order_by(Pupil.name_pinyin, Pupil.name)
    )
    children: dict[int, tuple[str, list[str]]] = {}
    for household_id, order, name in rows:
        children.setdefault(household_id, (order, []))[1].append(name)
    return children


def _families_found(session: CourseSession, query: str) -> list[dict[str, str]]:
    """Households of the school whose child's name matches and who are not on the list yet; ten at most."""
    listed = select(Seat.household_id).where(
        Seat.session_id == session.id, Seat.seated_at.is_not(None), Seat.given_back_at.is_(None)
    )
    rows = db.session.execute(
        select(Household.public_id, Pupil.name, Guardianship.relation, Person.name)
        .join(Guardianship, Guardianship.household_id == Household.id)
        .join(Person, Person.id == Guardianship.person_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .where(
            Enrolment.school_id == actor().school_id,
            in_force(Enrolment, actor()),
            in_force(Guardianship, actor()),
            not_restricted(actor()),
            names.matching(Pupil, query),
            Household.id.not_in(listed),
        )
        .order_by(Pupil.name_pinyin, Pupil.id, Guardianship.id)
        .limit(40)
    )
    found: dict[str, dict[str, str]] = {}
    for public_id, child, relation, adult in rows:
        entry = found.setdefault(public_id, {"id": public_id, "child": child, "adults": ""})
        entry["adults"] = f"{entry['adults']} {relation} {adult}".strip()
    return list(found.values())[:10]


@bp.post("/sessions/<public_id>/attendance")
@requires(SESSION_SIGN_IN)
def mark_present(public_id: str) -> Response:
    """Record who is there. Only what was changed on this page counts, so that two people may tick at once."""
    session = _session_to_sign_in(public_id)
    ticked = set(request.form.getlist("present"))
    was = set(request.form.getlist("was"))
    chosen = list(ticked | was)[:5000]
    ids = {
        name: household_id
        for name, household_id in db.session.execute(
            select(Household.public_id, Household.id)
            .join(Seat, Seat.household_id == Household.id)
            .where(Seat.session_id == session.id, Household.public_id.in_(chosen))
        )
    }
    arrived = {ids[name] for name in ticked - was if name in ids}
    left_out = {ids[name] for name in was - ticked if name in ids}
    seating.mark(session, session.course, arrived, left_out)
    note(
        "course.signed_in",
        session,
        person_id=actor().person_id,
        role=actor().role,
        came=len(arrived),
        taken_back=len(left_out),
    )
    return commit_and_go(
        url_for(".attendance", public_id=session.public_id), _("The list of those present is kept.")
    )


@bp.post("/sessions/<public_id>/walk-ins")
@requires(WALK_IN_ADD)
def add_walk_in(public_id: str) -> Response:
    """Mark a household of the school present that came without a seat."""
    session = find(WALK_IN_ADD, public_id, joinedload(CourseSession.course))
    household_id = db.session.scalar(
        select(Household.id)
        .join(Guardianship, Guardianship.household_id == Household.id)
        .join(Enrolment, Enrolment.pupil_id == Guardianship.pupil_id)
        .where(
            Household.public_id == request.form.get("household", ""),
            Enrolment.school_id == actor().school_id,
            in_force(Enrolment, actor()),
            in_force(Guardianship, actor()),
            not_restricted(actor()),
        )
        .limit(1)
    )
    if household_id is None:
        abort(404)
    seating.walk_in(session, session.course, household_id)
    note("course.walked_in", session, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for(".attendance", public_id=session.public_id), _("The family is marked present.")
    )
