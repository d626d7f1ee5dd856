"""The children one cares for, the file of a pupil on screen and on paper, who is entrusted."""

from flask import request, url_for
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import joinedload

from portal import clock, names
from portal.access import actor, find, requires
from portal.accounts.models import Person
from portal.care.filing import Year, file_of, read_on, years_of
from portal.care.forms import PersonsForm
from portal.care.models import CareMeasure, CarePerson, CarePlan, LeftBehind
from portal.care.planning import entrust, open_plan_of, staff_of
from portal.care.policy import CARE_ENTRUST, CARE_FAMILY, CARE_MEASURE, CARE_OPEN, CARE_PLAN, CARE_READ
from portal.care.registering import line_of
from portal.care.views.blueprint import WORDS, Answer, bp, form_page, log
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools import enrolling
from portal.schools.models import Pupil
from portal.templating import render

WITH = ("plan", "left_behind")


@bp.get("/")
@requires(CARE_READ)
def index() -> str:
    """The pupils whose file one may read: first those with a plan or on the register, or all of them by search."""
    acting = actor()
    query = request.args.get("q", "").strip()
    group = request.args.get("group", "")
    pupils = CARE_READ.rows(acting)
    planned = exists().where(CarePlan.pupil_id == Pupil.id, CarePlan.closed_on.is_(None))
    registered = exists().where(LeftBehind.pupil_id == Pupil.id, LeftBehind.ended_on.is_(None))
    if query:
        pupils = pupils.where(names.matching(Pupil, query))
    elif group == "plan":
        pupils = pupils.where(planned)
    elif group == "left_behind":
        pupils = pupils.where(registered)
    elif group != "all":
        pupils = pupils.where(or_(planned, registered))
    listing = page_of(pupils, [(Pupil.name_pinyin, False), (Pupil.id, False)])
    ids = [pupil.id for pupil in listing.rows]
    plans = db.session.scalars(
        CARE_PLAN.rows(acting).where(CarePlan.pupil_id.in_(ids), CarePlan.closed_on.is_(None))
    )
    on_register = select(LeftBehind.pupil_id).where(
        LeftBehind.pupil_id.in_(ids), LeftBehind.ended_on.is_(None)
    )
    return render(
        "care/index.html",
        listing=listing,
        query=query,
        group=group if group in (*WITH, "all") else "",
        plans={plan.pupil_id: plan for plan in plans},
        registered=set(db.session.scalars(on_register)),
        today=acting.on,
    )


def _chosen_year(years: list[Year]) -> Year:
    typed = request.args.get("year", "")
    return next((year for year in years if str(year.starts_on.year) == typed), years[0])


@bp.get("/pupils/<public_id>")
@requires(CARE_READ)
def show(public_id: str) -> str:
    """The file of a pupil, one school year at a time, its newest entries first."""
    pupil = find(CARE_READ, public_id, joinedload(Pupil.school))
    acting = actor()
    years = years_of(acting, pupil)
    chosen = _chosen_year(years)
    read_on(acting, pupil, chosen)
    plan = db.session.scalar(
        CARE_PLAN.rows(acting).where(CarePlan.pupil_id == pupil.id, CarePlan.closed_on.is_(None)).limit(1)
    )
    return render(
        "care/show.html",
        pupil=pupil,
        school_class=enrolling.class_of(pupil, acting.on),
        years=years,
        chosen=chosen,
        tabs=[
            (
                year.label,
                url_for(".show", public_id=public_id, year=year.starts_on.year),
                year is chosen,
                None,
            )
            for year in years
        ],
        plan=plan,
        may_open=CARE_OPEN.admits(acting.role),
        has_plan=open_plan_of(pupil) is not None,
        on_register=line_of(pupil) is not None,
        persons=_persons(pupil),
        may_entrust=CARE_ENTRUST.admits(acting.role),
        today=acting.on,
        **WORDS,
    )


@bp.get("/pupils/<public_id>/paper")
@requires(CARE_READ)
def paper(public_id: str) -> str:
    """The same file for the printer: all years, or one."""
    pupil = find(CARE_READ, public_id, joinedload(Pupil.school))
    acting = actor()
    years = file_of(acting, pupil)
    if request.args.get("year"):
        years = [_chosen_year(years)]
    return render(
        "care/paper.html",
        pupil=pupil,
        school_class=enrolling.class_of(pupil, acting.on),
        years=years,
        now=clock.now(),
        reader=db.session.get_one(Person, acting.person_id).name,
    )


def _persons(pupil: Pupil) -> list[Person]:
    return list(
        db.session.scalars(
            select(Person)
            .join(CarePerson, CarePerson.person_id == Person.id)
            .where(CarePerson.pupil_id == pupil.id, CarePerson.ended_on.is_(None))
            .order_by(Person.name_pinyin, Person.id)
        )
    )


@bp.route("/pupils/<public_id>/persons", methods=["GET", "POST"])
@requires(CARE_ENTRUST)
def persons(public_id: str) -> Answer:
    """The principal names who cares for this child beside the class teacher."""
    pupil = find(CARE_ENTRUST, public_id)
    acting = actor()
    now = {str(person.id) for person in _persons(pupil)}
    form = PersonsForm(staff_of(pupil.school_id, acting.on), data={"persons": sorted(now)})
    if not form.sent_and_valid():
        return form_page("care/persons.html", form=form, pupil=pupil)
    came, went = entrust(pupil, form.ids, acting.person_id, acting.on)
    for person_id in sorted(came):
        log("care.entrusted", pupil, subject_id=person_id)
    for person_id in sorted(went):
        log("care.entrusting_ended", pupil, subject_id=person_id)
    return commit_and_go(
        url_for(".show", public_id=public_id), _("Saved. They find the child under “Care files”.")
    )


@bp.get("/family")
@requires(CARE_FAMILY)
def family() -> str:
    """What the school and the guardian's own home agreed to do for a child."""
    acting = actor()
    measures = db.session.scalars(
        CARE_FAMILY.rows(acting)
        .where(or_(CareMeasure.done_on.is_(None), CareMeasure.done_on >= acting.on.replace(day=1)))
        .options(joinedload(CareMeasure.pupil), joinedload(CareMeasure.owner))
        .order_by(CareMeasure.done_on.is_not(None), CareMeasure.due_on, CareMeasure.id)
        .limit(50)
    ).all()
    own = set(
        db.session.scalars(
            select(CareMeasure.id).where(
                and_(CareMeasure.id.in_([one.id for one in measures]), CARE_MEASURE.within(acting))
            )
        )
    )
    return render("care/family.html", measures=measures, own=own, today=acting.on)
