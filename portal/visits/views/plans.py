"""The plan of a class for a term, what one is asked along to, and roughly where a home lies."""

from flask import abort, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import BooleanField, DateField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from portal import clock
from portal.access import Role, actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.forms import LineField, PortalForm
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.models import Household, Pupil
from portal.schools.policy import own_tie
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened
from portal.visits import planning
from portal.visits.homes import Home, homes_of
from portal.visits.models import HomePlace, PlanEntry
from portal.visits.policy import HOME_PLACE_SET, PLAN_READ, PLAN_SET, PUPIL_VISIT
from portal.visits.views.blueprint import WORDS, Answer, bp

AT_MOST = 200
PLACE_LENGTH = 60


class PlanForm(PortalForm):
    """A day for the chosen pupils, and who comes along."""

    on = DateField(_l("On which day"))
    companion = RadioField(_l("Who comes along"), validate_choice=False)


class PlaceForm(PortalForm):
    """Roughly where a home lies."""

    household = RadioField(_l("Which home"), validate_choice=False)
    place = LineField(
        _l("Village, housing estate or street"),
        [Length(max=PLACE_LENGTH, message=_l("Keep it under %(max)d characters."))],
    )
    left_out = BooleanField(_l("We do not want this noted"))


def _plan_page(form: PlanForm, chosen: list[str]) -> str:
    people = planning.companions(actor())
    form.companion.choices = [
        SelectChoice("", _("Nobody")),
        *(SelectChoice(key, person.name) for key, person in people.items()),
    ]
    return render(
        "visits/plan.html",
        plan=planning.plan_of(actor()),
        form=form,
        chosen=chosen,
        today=actor().on,
        **WORDS,
    )


@bp.get("/plan")
@requires(PLAN_SET)
def plan() -> str:
    """The class's plan of this term: what is planned, whose visit still counts, neighbours together."""
    return _plan_page(PlanForm(formdata=None, data={"on": clock.today(), "companion": ""}), [])


@bp.post("/plan")
@requires(PLAN_SET)
def put_on_plan() -> Answer:
    """Plan visits to the ticked pupils on one day."""
    form, chosen = PlanForm(), request.form.getlist("pupils")[:AT_MOST]
    people = planning.companions(actor())
    pupils = list(db.session.scalars(PUPIL_VISIT.rows(actor()).where(Pupil.public_id.in_(chosen))))
    if not pupils:
        form.on.errors = [_("Tick at least one pupil.")]
    elif form.validate() and form.on.data:
        companion = people.get(form.companion.data or "")
        try:
            count = planning.put(actor(), pupils, form.on.data, companion.id if companion else None)
        except RuleBroken as refused:
            form.on.errors = [refused.message]
        else:
            for pupil in pupils:
                note("visit.planned", pupil, person_id=actor().person_id, role=actor().role, count=count)
            return commit_and_go(url_for(".plan"), _("The visits are on the plan."))
    elif not form.on.errors:
        form.on.errors = [_("Enter a day.")]
    return _plan_page(form, chosen), 422


@bp.post("/plan/removal")
@requires(PLAN_SET)
def take_off_plan() -> Response:
    """Take one visit off the plan; an invitation that is out stays."""
    wanted = PLAN_SET.rows(actor()).where(PlanEntry.public_id == request.form.get("entry", ""))
    entry = db.session.scalar(wanted)
    if entry is None:
        abort(404)
    db.session.delete(entry)
    return commit_and_go(url_for(".plan"), _("Taken off the plan."))


@bp.get("/planned")
@requires(PLAN_READ)
def planned() -> str:
    """Visits planned from today on by day: those of the class, of the school, or on which one is asked along."""
    wanted = (
        PLAN_READ.rows(actor())
        .where(PlanEntry.planned_on >= actor().on)
        .options(
            joinedload(PlanEntry.pupil),
            joinedload(PlanEntry.school_class),
            joinedload(PlanEntry.teacher),
            joinedload(PlanEntry.companion),
        )
    )
    order = [(PlanEntry.planned_on, False), (PlanEntry.class_id, False), (PlanEntry.id, False)]
    return render("visits/planned.html", listing=page_of(wanted, order), quotas=planning.quotas_of(actor()))


def _homes(child: Pupil) -> list[Home]:
    """The homes whose place the actor may note: a guardian's own, all of a pupil for the class teacher."""
    homes = homes_of(child, actor().on)
    if actor().role != Role.GUARDIAN:
        return homes
    own = set(
        db.session.scalars(
            select(Household.id).where(
                Household.id.in_([home.household_id for home in homes]),
                own_tie(actor(), child.id, Household.id, full=True),
            )
        )
    )
    return [home for home in homes if home.household_id in own]


def _place(child: Pupil, home: Home) -> HomePlace | None:
    return db.session.scalar(
        select(HomePlace).where(HomePlace.pupil_id == child.id, HomePlace.household_id == home.household_id)
    )


def _log_reading(row: HomePlace | None) -> None:
    """Staff who see where a home lies leave their entry."""
    if row is not None and row.place:
        opened("F3", row, pupil_id=row.pupil_id)


@bp.route("/pupils/<public_id>/neighbourhood", methods=["GET", "POST"])
@requires(HOME_PLACE_SET)
def neighbourhood(public_id: str) -> Answer:
    """Roughly where a home lies, for the plan only; the family may leave it out, and then nobody notes it."""
    child = find(HOME_PLACE_SET, public_id)
    homes = _homes(child)
    if not homes:
        abort(404)
    form = PlaceForm()
    form.household.choices = [SelectChoice(home.key, home.label) for home in homes]
    home = next((one for one in homes if one.key == form.household.data), homes[0])
    row = _place(child, home)
    family = actor().role == Role.GUARDIAN
    if not form.sent_and_valid():
        if request.method != "POST":
            form.household.data = home.key
            form.place.data, form.left_out.data = (row.place or "", row.left_out) if row else ("", False)
        if not family:
            _log_reading(row)
        page = render("visits/neighbourhood.html", form=form, pupil=child, family=family, row=row)
        return (page, 422) if request.method == "POST" else page
    if not family and row is not None and row.left_out:
        raise RuleBroken(_("The family does not want this noted."))
    if row is None:
        row = HomePlace(pupil_id=child.id, household_id=home.household_id)
        db.session.add(row)
    row.left_out = family and bool(form.left_out.data)
    row.place = "" if row.left_out else form.place.data or ""
    row.set_by_id, row.set_at = actor().person_id, clock.now()
    db.session.flush()
    note("home_place.set", row, person_id=actor().person_id, role=actor().role, pupil_id=child.id)
    back = url_for(".family") if family else url_for(".pupil", public_id=public_id)
    return commit_and_go(back, _("Saved."))
