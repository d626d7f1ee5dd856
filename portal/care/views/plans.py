"""One plan for one pupil: opening, changing in versions, measures, reviews, closing."""

from datetime import timedelta

from flask import request, url_for
from sqlalchemy.orm import joinedload, selectinload

from portal import clock
from portal.access import Role, actor, find, requires
from portal.accounts.models import Person
from portal.care import planning
from portal.care.filing import groups_in_words
from portal.care.forms import ChangedPlanForm, LineForm, MeasureForm, PlanForm, ReasonForm, ReviewForm
from portal.care.models import CareMeasure, CarePlan, CareReview, CareVersion
from portal.care.policy import CARE_MEASURE, CARE_OPEN, CARE_PLAN, CARE_WRITE
from portal.care.settings import REVIEW_DAYS
from portal.care.views.blueprint import WORDS, Answer, bp, form_page, found, log
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.schools import enrolling
from portal.schools.models import Pupil
from portal.templating import render
from portal.trail.reads import opened
from portal.visits.homes import homes_of
from portal.visits.models import PRIORITY_NAMES

WHOLE = (
    joinedload(CarePlan.pupil),
    joinedload(CarePlan.author),
    joinedload(CarePlan.responsible),
    selectinload(CarePlan.measures).joinedload(CareMeasure.owner),
    selectinload(CarePlan.reviews).joinedload(CareReview.author),
    selectinload(CarePlan.versions).joinedload(CareVersion.author),
)


def _carers(pupil: Pupil) -> list[Person]:
    room = enrolling.class_of(pupil, actor().on)
    return planning.carers_of(pupil, room.id if room else None, actor().on)


@bp.route("/pupils/<public_id>/plan", methods=["GET", "POST"])
@requires(CARE_OPEN)
def new_plan(public_id: str) -> Answer:
    """Open a plan: what it rests on, its aims, who is responsible, the day of the first review."""
    pupil = find(CARE_OPEN, public_id)
    acting = actor()
    after = REVIEW_DAYS.on(acting.on, school_id=pupil.school_id)
    given = {
        "groups": [pupil.priority] if pupil.priority in PRIORITY_NAMES else [],
        "responsible": str(acting.person_id),
        "review_due_on": acting.on + timedelta(days=after),
    }
    form = PlanForm(_carers(pupil), data=given)
    if not form.sent_and_valid():
        if pupil.priority:
            opened("F4", pupil, pupil_id=pupil.id)
        return form_page("care/new_plan.html", form=form, pupil=pupil)
    plan = planning.open_plan(
        pupil,
        acting.person_id,
        int(form.responsible.data),
        form.groups.data,
        form.aims.data,
        form.review_due_on.data,
        clock.now(),
        acting.on,
    )
    log("care.plan_opened", plan, review_due_on=str(plan.review_due_on))
    return commit_and_go(
        url_for(".plan", public_id=plan.public_id), _("The plan is open. Now write down its measures.")
    )


@bp.get("/plans/<public_id>")
@requires(CARE_PLAN)
def plan(public_id: str) -> str:
    """One plan: groups, aims, measures, reviews, and how it read before."""
    row = find(CARE_PLAN, public_id, *WHOLE)
    acting = actor()
    opened("F4", row)
    return render(
        "care/plan.html",
        plan=row,
        groups=groups_in_words(row.groups or ()),
        before=[(one, groups_in_words(one.content["groups"])) for one in row.versions if one.content],
        may_write=CARE_WRITE.admits(acting.role) and row.closed_on is None,
        today=acting.on,
        **WORDS,
    )


@bp.route("/plans/<public_id>/edit", methods=["GET", "POST"])
@requires(CARE_WRITE)
def edit_plan(public_id: str) -> Answer:
    """Change groups, aims or the responsible person; the version before is kept."""
    row = found(CARE_WRITE, public_id, joinedload(CarePlan.pupil))
    given = {"groups": row.groups, "aims": row.aims, "responsible": str(row.responsible_id)}
    form = ChangedPlanForm(_carers(row.pupil), data=given)
    if not form.sent_and_valid():
        opened("F4", row)
        return form_page("care/edit_plan.html", form=form, plan=row)
    if request.form.get("version") != str(row.version):
        raise RuleBroken(_("Somebody changed this plan meanwhile. Open it again and enter your change anew."))
    planning.change(
        row, actor().person_id, int(form.responsible.data), form.groups.data, form.aims.data, clock.now()
    )
    log("care.plan_changed", row, version=row.version)
    return commit_and_go(url_for(".plan", public_id=public_id), _("Saved. The version before is kept."))


@bp.route("/plans/<public_id>/measures", methods=["GET", "POST"])
@requires(CARE_WRITE)
def new_measure(public_id: str) -> Answer:
    """Add a measure: what, who, until when, and whether the family reads it."""
    row = found(CARE_WRITE, public_id, joinedload(CarePlan.pupil))
    given = {"due_on": actor().on + timedelta(days=14)}
    form = MeasureForm(_carers(row.pupil), homes_of(row.pupil, actor().on), data=given)
    if not form.sent_and_valid():
        return form_page("care/new_measure.html", form=form, plan=row)
    row.must_be_open()
    made = CareMeasure(
        plan_id=row.id,
        pupil_id=row.pupil_id,
        school_id=row.school_id,
        household_id=form.household_id,
        owner_id=form.owner_id,
        due_on=form.due_on.data,
    )
    made.what = form.what.data
    db.session.add(made)
    log("care.measure_added", made, pupil_id=row.pupil_id, for_family=made.household_id is not None)
    return commit_and_go(url_for(".plan", public_id=public_id), _("The measure stands in the plan."))


@bp.get("/measures/<public_id>")
@requires(CARE_MEASURE)
def measure(public_id: str) -> str:
    """One measure, to be ticked off."""
    row = find(CARE_MEASURE, public_id, joinedload(CareMeasure.pupil), joinedload(CareMeasure.owner))
    opened("F4", row, pupil_id=row.pupil_id)
    return render("care/measure.html", measure=row, form=LineForm(formdata=None), **_back(row))


def _back(row: CareMeasure) -> dict[str, object]:
    family = actor().role == Role.GUARDIAN
    return {
        "family": family,
        "back": url_for(".family") if family else url_for(".show", public_id=row.pupil.public_id),
        "today": actor().on,
    }


@bp.post("/measures/<public_id>/done")
@requires(CARE_MEASURE)
def finish(public_id: str) -> Answer:
    """Tick a measure off, with a line if one likes."""
    row = found(CARE_MEASURE, public_id, joinedload(CareMeasure.pupil), joinedload(CareMeasure.owner))
    form = LineForm()
    if not form.validate():
        opened("F4", row, pupil_id=row.pupil_id)
        return form_page("care/measure.html", measure=row, form=form, **_back(row))
    row.finish(actor().person_id, form.line.data or "", actor().on)
    log("care.measure_done", row)
    return commit_and_go(str(_back(row)["back"]), _("Ticked off."))


@bp.route("/plans/<public_id>/reviews", methods=["GET", "POST"])
@requires(CARE_WRITE)
def new_review(public_id: str) -> Answer:
    """Look at the plan: what came of it, and when it is looked at again."""
    row = found(CARE_WRITE, public_id, joinedload(CarePlan.pupil))
    acting = actor()
    after = REVIEW_DAYS.on(acting.on, school_id=row.school_id)
    form = ReviewForm(
        row.opened_on, data={"held_on": acting.on, "next_on": acting.on + timedelta(days=after)}
    )
    if not form.sent_and_valid():
        return form_page("care/new_review.html", form=form, plan=row)
    planning.review(
        row, acting.person_id, form.held_on.data, form.outcome.data, form.text.data, form.next_on.data
    )
    log("care.plan_reviewed", row, outcome=form.outcome.data, next_on=str(form.next_on.data))
    return commit_and_go(url_for(".plan", public_id=public_id), _("The review is written down."))


@bp.route("/plans/<public_id>/closing", methods=["GET", "POST"])
@requires(CARE_WRITE)
def close_plan(public_id: str) -> Answer:
    """Close the plan with a reason."""
    row = found(CARE_WRITE, public_id, joinedload(CarePlan.pupil))
    form = ReasonForm()
    if not form.sent_and_valid():
        return form_page("care/close_plan.html", form=form, plan=row)
    row.close(actor().person_id, form.reason.data, actor().on)
    log("care.plan_closed", row)
    return commit_and_go(
        url_for(".plan", public_id=public_id), _("The plan is closed and stays in the file.")
    )
