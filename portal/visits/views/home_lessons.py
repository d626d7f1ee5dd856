"""Teaching at home: the log of a child with its plan, lessons, the family's confirmation, and the paper."""

from flask import abort, request, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Role, actor, find, requires
from portal.accounts.models import Person
from portal.accounts.stepping import step_up_required
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.schools.models import Pupil, School
from portal.staffing.delegating import colleagues
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened
from portal.visits import home_lessons as teaching
from portal.visits import papers
from portal.visits.forms import HomeLessonForm, HomePlanForm, HomeTeachingForm, ReasonForm
from portal.visits.home_lessons import (
    HOME_TEACHING_CONFIRM,
    HOME_TEACHING_PRINT,
    HOME_TEACHING_READ,
    HOME_TEACHING_START,
    HOME_TEACHING_WRITE,
    Given,
    HomeLesson,
    HomeTeaching,
)
from portal.visits.homes import homes_of
from portal.visits.views.blueprint import Answer, bp
from portal.visits.views.papers import pdf_file

_WITH = (
    joinedload(HomeTeaching.pupil),
    selectinload(HomeTeaching.lessons).options(
        joinedload(HomeLesson.author), joinedload(HomeLesson.with_whom), joinedload(HomeLesson.confirmed_by)
    ),
)


@bp.get("/home-teaching/new")
@requires(HOME_TEACHING_START)
def new_home_teaching() -> str:
    """The form that opens the log of this school year."""
    child = find(HOME_TEACHING_START, request.args.get("pupil", ""))
    return _new_page(child, HomeTeachingForm(homes_of(child, actor().on), formdata=None))


def _new_page(child: Pupil, form: HomeTeachingForm) -> str:
    there = teaching.log_of(child.id, actor().on)
    return render("visits/new_home_teaching.html", pupil=child, form=form, there=there)


@bp.post("/home-teaching")
@requires(HOME_TEACHING_START)
def start_home_teaching() -> Answer:
    """Open the log."""
    child = find(HOME_TEACHING_START, request.form.get("pupil", ""))
    form = HomeTeachingForm(homes_of(child, actor().on))
    if not form.validate() or form.home is None:
        return _new_page(child, form), 422
    made = teaching.start(child, form.home.household_id, actor(), form.plan.data or "", clock.now())
    return commit_and_go(
        url_for("visits.home_teaching", public_id=made.public_id), _("The log of this school year is open.")
    )


@bp.get("/home-teaching/<public_id>")
@requires(HOME_TEACHING_READ)
def home_teaching(public_id: str) -> str:
    """The log: how many lessons of how many, the plan, each lesson."""
    return _log_page(public_id, ReasonForm(formdata=None))


def _log_page(public_id: str, reason: ReasonForm) -> str:
    log = find(HOME_TEACHING_READ, public_id, *_WITH)
    role = actor().role
    opened("F4", log, pupil_id=log.pupil_id)
    return render(
        "visits/home_teaching.html",
        log=log,
        family=role == Role.GUARDIAN,
        writes=role == Role.CLASS_TEACHER,
        reason=reason,
    )


@bp.get("/home-teaching/<public_id>/plan")
@requires(HOME_TEACHING_WRITE)
def home_plan(public_id: str) -> str:
    """The plan, to be changed."""
    log = find(HOME_TEACHING_WRITE, public_id, joinedload(HomeTeaching.pupil))
    return _plan_page(log, HomePlanForm(formdata=None, data={"plan": log.plan}))


def _plan_page(log: HomeTeaching, form: HomePlanForm) -> str:
    opened("F4", log, pupil_id=log.pupil_id)
    return render("visits/home_plan.html", log=log, form=form)


@bp.post("/home-teaching/<public_id>/plan")
@requires(HOME_TEACHING_WRITE)
def change_home_plan(public_id: str) -> Answer:
    """Change the plan."""
    log = find(HOME_TEACHING_WRITE, public_id, joinedload(HomeTeaching.pupil))
    form = HomePlanForm()
    if not form.validate():
        return _plan_page(log, form), 422
    log.plan = form.plan.data or ""
    note("home_teaching.planned", log, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for("visits.home_teaching", public_id=public_id), _("The plan is saved."))


@bp.get("/home-teaching/<public_id>/lessons/new")
@requires(HOME_TEACHING_WRITE)
def new_home_lesson(public_id: str) -> str:
    """The form of one lesson."""
    log = find(HOME_TEACHING_WRITE, public_id, joinedload(HomeTeaching.pupil))
    form = HomeLessonForm(log.year_on, colleagues(actor()), formdata=None, data={"held_on": clock.today()})
    return render("visits/new_home_lesson.html", log=log, form=form)


@bp.post("/home-teaching/<public_id>/lessons")
@requires(HOME_TEACHING_WRITE)
def add_home_lesson(public_id: str) -> Answer:
    """Write a lesson down."""
    log = find(HOME_TEACHING_WRITE, public_id, joinedload(HomeTeaching.pupil))
    form = HomeLessonForm(log.year_on, colleagues(actor()))
    if not form.validate():
        return render("visits/new_home_lesson.html", log=log, form=form), 422
    with_id = db.session.scalar(select(Person.id).where(Person.public_id == (form.with_whom.data or "")))
    given = Given(
        form.held_on.data, int(form.lessons.data), form.minutes.data, form.content.data or "", with_id
    )
    teaching.give(log, actor(), given, clock.now())
    return commit_and_go(
        url_for("visits.home_teaching", public_id=public_id),
        _("The lesson is saved. The family can confirm it now."),
    )


def _lesson(log: HomeTeaching) -> HomeLesson:
    """The lesson of a log that the form names; 404 when it is not there."""
    wanted = request.form.get("lesson", "")
    found = next((one for one in log.lessons if one.public_id == wanted), None)
    return found if found is not None else abort(404)


@bp.post("/home-teaching/<public_id>/removal")
@requires(HOME_TEACHING_WRITE)
def remove_home_lesson(public_id: str) -> Answer:
    """Take a lesson out that was written by mistake and is not confirmed."""
    log = find(HOME_TEACHING_WRITE, public_id, *_WITH)
    teaching.take_out(_lesson(log), log, actor())
    return commit_and_go(url_for("visits.home_teaching", public_id=public_id), _("The lesson is taken out."))


@bp.post("/home-teaching/<public_id>/confirmation")
@requires(HOME_TEACHING_CONFIRM)
def confirm_home_lesson(public_id: str) -> Answer:
    """The family says with one tap that the lesson was so."""
    log = find(HOME_TEACHING_CONFIRM, public_id, *_WITH)
    teaching.confirm(_lesson(log), log, actor(), clock.now())
    return commit_and_go(
        url_for("visits.home_teaching", public_id=public_id), _("Thank you. The lesson is confirmed.")
    )


@bp.post("/home-teaching/<public_id>/paper")
@requires(HOME_TEACHING_PRINT)
@step_up_required
def print_home_teaching(public_id: str) -> Answer:
    """The log as PDF; who printed it, when and why is kept."""
    log = find(HOME_TEACHING_PRINT, public_id, *_WITH)
    form = ReasonForm()
    if not form.validate():
        return _log_page(public_id, form), 422
    school = db.session.scalar(select(School.name).where(School.id == log.school_id)) or ""
    data = papers.teaching_paper(log, school, current_user.name)
    opened("F4", log, pupil_id=log.pupil_id, purpose=form.reason.data or "")
    note("home_teaching.printed", log, person_id=actor().person_id, role=actor().role)
    db.session.commit()
    return pdf_file(data, "home-teaching.pdf")
