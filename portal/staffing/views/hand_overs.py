"""The hand-over of a school at the year's end, and the district's founding of the next year."""

from flask import abort, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.accounts.models import Appointment, Person
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.models import School, SchoolClass
from portal.schools.policy import CLASS_READ, schools_in_district
from portal.staffing import every_school, graduating, handing_over, transferring
from portal.staffing.delegating import colleagues
from portal.staffing.forms import GraduatesForm, StepForm
from portal.staffing.jobs import apply_ordered
from portal.staffing.models import HandOver, HandOverState
from portal.staffing.policy import HAND_OVER, YEAR_FOUND
from portal.staffing.views.blueprint import Answer, bp, form_page
from portal.staffing.years import found_next_year, next_year
from portal.templating import render


def _plan() -> handing_over.Plan:
    wanted = HAND_OVER.rows(actor())
    if request.method == "POST":
        wanted = wanted.with_for_update()
    school = db.session.scalars(wanted).one_or_none()
    return handing_over.plan_of(school or abort(404), actor().on)


@bp.get("/hand-over")
@requires(HAND_OVER)
def hand_over() -> str:
    """The plan of the hand-over: each class, what stands against it, and what will happen in numbers."""
    plan = _plan()
    up = [step for step in plan.steps if step.way == handing_over.UP]
    return render(
        "staffing/hand_over.html",
        plan=plan,
        moving=sum(step.moving for step in up),
        staying=sum(len(step.staying) for step in plan.steps),
        leaving=sum(
            len(step.leaving) if step.way == handing_over.UP else len(step.pupils) - len(step.staying)
            for step in plan.steps
        ),
        unnamed=[step for step in up if step.teacher is None],
        begun=plan.to_year is not None and actor().on >= plan.to_year.starts_on,
    )


def _step(plan: handing_over.Plan, school_class: SchoolClass) -> handing_over.Step:
    return next((step for step in plan.steps if step.school_class.id == school_class.id), None) or abort(404)


@bp.route("/hand-over/class", methods=["GET", "POST"])
@requires(HAND_OVER)
def hand_over_class() -> Answer:
    """One class: whether it moves up or leaves, its next name and teacher, who repeats, who leaves."""
    school_class = find(CLASS_READ, request.args.get("class", ""))
    plan = _plan()
    step = _step(plan, school_class)
    pupils = {pupil.public_id: pupil.name for pupil in step.pupils}
    form = StepForm(
        pupils,
        _teachers(step),
        data={
            "way": step.way,
            "name": step.name,
            "teacher": step.teacher.public_id if step.teacher else "",
            "staying": sorted(step.staying),
            "leaving": sorted(step.leaving),
        },
    )
    if not form.sent_and_valid():
        return form_page("staffing/hand_over_class.html", form=form, step=step, plan=plan)
    handing_over.change_step(
        plan.school,
        actor().on,
        school_class,
        way=form.way.data,
        name=form.name.data or "",
        teacher=form.teacher.data or "",
        staying=form.staying.data or [],
        leaving=form.leaving.data or [],
    )
    return commit_and_go(url_for(".hand_over"), _("Kept for %(name)s.", name=school_class.name))


def _teachers(step: handing_over.Step) -> dict[str, str]:
    known = {person.public_id: person.name for person in step.teachers}
    if step.teacher is not None:
        known[step.teacher.public_id] = step.teacher.name
    own = db.session.execute(
        select(Person.public_id, Person.name)
        .join(Appointment, Appointment.person_id == Person.id)
        .where(Appointment.id == actor().appointment_id)
    )
    return {**known, **colleagues(actor()), **{public_id: name for public_id, name in own}}


@bp.post("/hand-over/application")
@requires(HAND_OVER)
@step_up_required
def apply_hand_over() -> Response:
    """Carry the hand-over out, all of it or nothing."""
    handing_over.apply(_plan(), actor().person_id, actor().role)
    return commit_and_go(
        url_for(".hand_over"), _("The hand-over is applied. It can be undone until the year begins.")
    )


@bp.post("/hand-over/undoing")
@requires(HAND_OVER)
@step_up_required
def undo_hand_over() -> Response:
    """Take the hand-over back before the year begins."""
    plan = _plan()
    if plan.hand_over is None:
        raise RuleBroken(_("There is no hand-over to undo."))
    handing_over.undo(plan.hand_over, actor().on, actor().person_id, actor().role)
    return commit_and_go(url_for(".hand_over"), _("The hand-over is undone. Everything is as before."))


@bp.route("/hand-over/graduates", methods=["GET", "POST"])
@requires(HAND_OVER)
def graduates() -> Answer:
    """Who leaves at the year's end, and the lists for the schools of the next stage."""
    acting, plan = actor(), _plan()
    leaving = graduating.graduates(plan)
    open_ones = {
        one.pupil.public_id: f"{one.pupil.name} · {one.school_class.name}"
        for one in leaving
        if one.transfer is None
    }
    form = GraduatesForm(open_ones, data={"pupils": list(open_ones), "shares_story": True})
    if form.sent_and_valid():
        try:
            school = transferring.school_named(form.school.data, plan.school.id)
            shares = bool(form.shares_story.data)
            made = graduating.propose(plan, form.pupils.data, school, acting, shares_story=shares)
        except RuleBroken as broken:
            db.session.rollback()
            form.form_errors.append(broken.message)
            plan = _plan()
            leaving = graduating.graduates(plan)
        else:
            told = ngettext("%(num)s pupil proposed.", "%(num)s pupils proposed.", made)
            return commit_and_go(url_for(".graduates"), told)
    return form_page("staffing/graduates.html", plan=plan, graduates=leaving, form=form)


@bp.get("/hand-overs")
@requires(YEAR_FOUND)
def hand_overs() -> str:
    """How far the schools of the district are with their hand-over; founding the next year."""
    acting = actor()
    year = next_year(acting.district_id or 0, acting.on)
    listing = page_of(
        select(School).where(schools_in_district(acting)), [(School.name_pinyin, False), (School.id, False)]
    )
    ids = [school.id for school in listing.rows]
    found = db.session.scalars(
        select(HandOver).where(
            HandOver.school_id.in_(ids),
            HandOver.state != HandOverState.UNDONE,
            HandOver.to_year_id == (year.id if year else 0),
        )
    )
    handed = {one.school_id: one for one in found}
    return render(
        "staffing/hand_overs.html",
        year=year,
        listing=listing,
        handed=handed,
        sizes=every_school.sizes(listing.rows, handed, acting.on),
        left=every_school.left(acting, year) if year else 0,
        begun=year is not None and acting.on >= year.starts_on,
    )


@bp.post("/hand-overs/application")
@requires(YEAR_FOUND)
@step_up_required
def apply_all() -> Response:
    """Have every school handed over that has not done it: by its own plan, else by the usual rules; school by school."""
    acting = actor()
    year = next_year(acting.district_id or 0, acting.on)
    if year is None:
        raise RuleBroken(_("The district has not founded the next school year yet."))
    ordered = every_school.order(acting, year)
    answer = commit_and_go(
        url_for(".hand_overs"),
        ngettext("%(num)s school is being handed over.", "%(num)s schools are being handed over.", ordered),
    )
    ring(apply_ordered)
    return answer


@bp.post("/hand-overs/year")
@requires(YEAR_FOUND)
def found_year() -> Response:
    """Found the next school year with its two terms."""
    found_next_year(actor().district_id or 0, actor().on)
    return commit_and_go(
        url_for("schools.terms"), _("The next school year is there. Set the dates of its terms.")
    )
