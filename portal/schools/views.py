"""Schools, classes and pupils as those who work with them see them."""

from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock, names
from portal.access import Role, actor, find, requires
from portal.accounts.models import Appointment, Person
from portal.accounts.phones import masked
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools import closing, enrolling, identity
from portal.schools.forms import HouseholdSplitForm, IdentityForm, NumberForm, SchoolPhoneForm, TermForm
from portal.schools.models import (
    Enrolment,
    Grade,
    Guardianship,
    Pupil,
    School,
    SchoolClass,
    SchoolStage,
    SchoolYear,
    Term,
)
from portal.schools.policy import (
    CLASS_READ,
    CONTACT_SHOW,
    DISTRICT_SET,
    HOUSEHOLD_SPLIT,
    OWN_SCHOOL_SET,
    PUPIL_IDENTITY,
    PUPIL_READ,
    SCHOOL_READ,
    in_force,
    unrestricted_guardianship,
)
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened

bp = Blueprint("schools", __name__, url_prefix="/schools")


def _pupils_in(school_class: SchoolClass) -> Any:
    return (
        select(Pupil)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .where(Enrolment.class_id == school_class.id, in_force(Enrolment, actor()))
    )


@bp.get("/class")
@requires(CLASS_READ)
def my_class() -> str:
    """The pupils of one's class, by name; ``class`` in the address chooses another class one may see."""
    classes = CLASS_READ.rows(actor())
    chosen = request.args.get("class", "")
    if chosen:
        school_class = find(CLASS_READ, chosen)
    else:
        first = db.session.scalar(classes.order_by(SchoolClass.id).limit(1))
        if first is None:
            return render("schools/my_class.html", school_class=None, listing=None, query="")
        school_class = first
    query = request.args.get("q", "").strip()
    pupils = _pupils_in(school_class)
    if query:
        pupils = pupils.where(names.matching(Pupil, query))
    listing = page_of(pupils, [(Pupil.name_pinyin, False), (Pupil.id, False)], size=60)
    opens = PUPIL_READ.admits(actor().role)
    return render(
        "schools/my_class.html", school_class=school_class, listing=listing, query=query, opens_pupils=opens
    )


@bp.get("/pupils/<public_id>")
@requires(PUPIL_READ)
def pupil(public_id: str) -> str:
    """One pupil: class, the adults who care, what holds between them. A parent sees their own household only."""
    child = find(PUPIL_READ, public_id, joinedload(Pupil.school))
    acting = actor()
    ties = (
        select(Guardianship)
        .where(Guardianship.pupil_id == child.id, in_force(Guardianship, acting))
        .options(joinedload(Guardianship.person), joinedload(Guardianship.flags))
        .order_by(Guardianship.id)
    )
    if acting.role == Role.GUARDIAN:
        own = select(Guardianship.household_id).where(
            Guardianship.pupil_id == child.id, unrestricted_guardianship(acting)
        )
        ties = ties.where(Guardianship.household_id.in_(own))
    guardians = db.session.scalars(ties).unique().all()
    return render(
        "schools/pupil.html",
        pupil=child,
        school_class=enrolling.class_of(child, acting.on),
        guardians=guardians,
        masked=masked,
        on=acting.on,
        may_split=HOUSEHOLD_SPLIT.admits(acting.role)
        and len({tie.household_id for tie in guardians}) < len(guardians),
        shows_phones=CONTACT_SHOW.admits(acting.role),
        shows_care="care" not in closing.off(acting),
        identity=_identity_told(child),
        opens_identity=identity.reads(acting, child.school),
    )


def _identity_told(child: Pupil) -> str:
    """The masked number for the family and for whom the district lets see it; empty where there is nothing to tell."""
    acting = actor()
    kept = identity.readers(child.school, acting.on)
    if not kept or (acting.role != Role.GUARDIAN and acting.role not in kept):
        return ""
    return identity.masked(child.identity) if child.identity else _("Not entered")


@bp.get("/pupils/<public_id>/identity")
@requires(PUPIL_IDENTITY)
def number(public_id: str) -> str:
    """A pupil's identity number, masked; asks what it is needed for."""
    return _number_page(_numbered(public_id), NumberForm(formdata=None))


@bp.post("/pupils/<public_id>/identity")
@requires(PUPIL_IDENTITY)
def show_number(public_id: str) -> str | tuple[str, int]:
    """Show the number once; who asked, when and for what is in the trail before it goes out."""
    child = _numbered(public_id)
    _refuse_unkept(child)
    if not child.identity:
        raise RuleBroken(_("No identity number of this pupil is known."))
    form = NumberForm()
    if not form.validate():
        return _number_page(child, form), 422
    opened("F3", child, pupil_id=child.id, purpose=form.purpose)
    return _number_page(child, form, shown=child.identity)


@bp.get("/pupils/<public_id>/identity/entry")
@requires(PUPIL_IDENTITY)
def enter_number(public_id: str) -> str:
    """The form for a pupil's identity number; what is kept is not in it."""
    return _entry_page(_numbered(public_id), IdentityForm(formdata=None))


@bp.post("/pupils/<public_id>/identity/entry")
@requires(PUPIL_IDENTITY)
def record_number(public_id: str) -> Response | tuple[str, int]:
    """Enter, change or take away a pupil's identity number."""
    child = _numbered(public_id)
    _refuse_unkept(child)
    form = IdentityForm()
    valid = form.validate()
    if valid and form.number.data and identity.is_taken(form.number.data, child.school, child.id):
        form.number.errors = [_("Another pupil of this district has this number. Check it with the family.")]
        valid = False
    if not valid:
        return _entry_page(child, form), 422
    child.identity = form.number.data or None
    act = "pupil.identity_entered" if child.identity else "pupil.identity_removed"
    note(act, child, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for(".pupil", public_id=child.public_id),
        _("The identity number is kept.") if child.identity else _("The identity number is gone."),
    )


def _numbered(public_id: str) -> Pupil:
    return find(PUPIL_IDENTITY, public_id, joinedload(Pupil.school))


def _refuse_unkept(child: Pupil) -> None:
    if not identity.reads(actor(), child.school):
        raise RuleBroken(_("The district does not keep identity numbers, or not for your role."))


def _number_page(child: Pupil, form: NumberForm, shown: str = "") -> str:
    is_open = identity.reads(actor(), child.school)
    return render(
        "schools/number.html",
        pupil=child,
        form=form,
        shown=shown,
        is_open=is_open,
        masked=identity.masked(child.identity) if is_open and child.identity else "",
    )


def _entry_page(child: Pupil, form: IdentityForm) -> str:
    return render(
        "schools/enter_number.html", pupil=child, form=form, is_open=identity.reads(actor(), child.school)
    )


@bp.get("/contacts/<public_id>")
@requires(CONTACT_SHOW)
def contact(public_id: str) -> str:
    """A guardian with their number masked; asks what the number is needed for."""
    return _contact_page(_contact(public_id), NumberForm(formdata=None))


@bp.post("/contacts/<public_id>")
@requires(CONTACT_SHOW)
def show_contact(public_id: str) -> str | tuple[str, int]:
    """Show the number once; who asked, when and for what is in the trail before it goes out."""
    tie = _contact(public_id)
    if not tie.person.phone:
        raise RuleBroken(_("No number of this guardian is known."))
    form = NumberForm()
    if not form.validate():
        return _contact_page(tie, form), 422
    opened("F3", tie.person, pupil_id=tie.pupil_id, subject_id=tie.person_id, purpose=form.purpose)
    return _contact_page(tie, form, number=tie.person.phone or "")


def _contact(public_id: str) -> Guardianship:
    return find(CONTACT_SHOW, public_id, joinedload(Guardianship.person), joinedload(Guardianship.pupil))


def _contact_page(tie: Guardianship, form: NumberForm, number: str = "") -> str:
    return render(
        "schools/contact.html",
        tie=tie,
        form=form,
        number=number,
        masked=masked(tie.person.phone) if tie.person.phone else "",
    )


@bp.get("/pupils/<public_id>/household-split")
@requires(HOUSEHOLD_SPLIT)
def split(public_id: str) -> str:
    """Ask which guardian counts as a household of their own."""
    child = find(HOUSEHOLD_SPLIT, public_id)
    form = _split_form(child)
    form.from_on.data = clock.today()
    return render("schools/split.html", pupil=child, form=form)


@bp.post("/pupils/<public_id>/household-split")
@requires(HOUSEHOLD_SPLIT)
def record_split(public_id: str) -> Response | tuple[str, int]:
    """Separated parents: two households of one child, from a day on."""
    child = find(HOUSEHOLD_SPLIT, public_id, joinedload(Pupil.school))
    form = _split_form(child)
    if not form.validate():
        return render("schools/split.html", pupil=child, form=form), 422
    tie = db.session.scalar(
        select(Guardianship)
        .where(Guardianship.public_id == form.guardianship.data, Guardianship.pupil_id == child.id)
        .options(joinedload(Guardianship.pupil))
    )
    if tie is None:
        raise RuleBroken(_("This guardian is not on the roster any more."))
    enrolling.split_household(tie, form.from_on.data, actor().person_id, form.reason.data or "")
    note(
        "household.split",
        child,
        person_id=actor().person_id,
        role=actor().role,
        from_on=str(form.from_on.data),
    )
    return commit_and_go(
        url_for(".pupil", public_id=child.public_id), _("Recorded: two households from now on.")
    )


def _split_form(child: Pupil) -> HouseholdSplitForm:
    ties = db.session.scalars(
        select(Guardianship)
        .where(Guardianship.pupil_id == child.id, in_force(Guardianship, actor()))
        .options(joinedload(Guardianship.person))
        .order_by(Guardianship.id)
    )
    form = HouseholdSplitForm()
    form.guardianship.choices = {tie.public_id: f"{tie.relation} {tie.person.name}" for tie in ties}
    return form


@bp.get("/mine")
@requires(OWN_SCHOOL_SET)
def my_school() -> str:
    """One's own school: classes with their teachers, search for a pupil, the telephone."""
    acting = actor()
    school = db.session.scalar(OWN_SCHOOL_SET.rows(acting).options(joinedload(School.stages)))
    query = request.args.get("q", "").strip()
    found = None
    if query:
        pupils = PUPIL_READ.rows(acting).where(names.matching(Pupil, query))
        found = page_of(pupils, [(Pupil.name_pinyin, False), (Pupil.id, False)])
    return render(
        "schools/my_school.html",
        school=school,
        classes=_classes(acting.school_id, acting),
        query=query,
        found=found,
    )


def _classes(school_id: int | None, acting: Any) -> list[Any]:
    """(class, grade, pupils today, names of its class teachers) of a school's present year, in the order of grades."""
    pupils = (
        select(Enrolment.class_id, func.count().label("pupils"))
        .where(Enrolment.school_id == school_id, in_force(Enrolment, acting))
        .group_by(Enrolment.class_id)
        .subquery()
    )
    rows = db.session.execute(
        select(SchoolClass, Grade, func.coalesce(pupils.c.pupils, 0), Person.name)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .join(SchoolYear, SchoolYear.id == Grade.school_year_id)
        .outerjoin(pupils, pupils.c.class_id == SchoolClass.id)
        .outerjoin(
            Appointment,
            (Appointment.class_id == SchoolClass.id)
            & (Appointment.role == Role.CLASS_TEACHER)
            & (Appointment.started_on <= acting.on)
            & or_(Appointment.ended_on.is_(None), Appointment.ended_on > acting.on),
        )
        .outerjoin(Person, Person.id == Appointment.person_id)
        .where(
            SchoolClass.school_id == school_id,
            SchoolYear.starts_on <= acting.on,
            SchoolYear.ends_on >= acting.on,
        )
        .order_by(Grade.stage, Grade.level, SchoolClass.number)
    ).all()
    merged: dict[int, list[Any]] = {}
    for school_class, grade, count, teacher in rows:
        entry = merged.setdefault(school_class.id, [school_class, grade, count, []])
        if teacher:
            entry[3].append(teacher)
    return list(merged.values())


@bp.get("/mine/phone")
@requires(OWN_SCHOOL_SET)
def phone() -> str:
    """The form for the number that families ring."""
    school = db.session.scalar(OWN_SCHOOL_SET.rows(actor()))
    return render(
        "schools/phone.html", form=SchoolPhoneForm(formdata=None, phone=school.phone if school else "")
    )


@bp.post("/mine/phone")
@requires(OWN_SCHOOL_SET)
def change_phone() -> Response | tuple[str, int]:
    """Change the number that families ring."""
    school = db.session.scalars(OWN_SCHOOL_SET.rows(actor())).one()
    form = SchoolPhoneForm()
    if not form.validate():
        return render("schools/phone.html", form=form), 422
    school.phone = form.phone.data
    note("school.phone_changed", school, person_id=actor().person_id, role=actor().role)
    return commit_and_go(
        url_for(".my_school"), _("The telephone number is changed. Families see it at once.")
    )


@bp.get("/")
@requires(SCHOOL_READ)
def index() -> str:
    """The schools one oversees, by name."""
    query = request.args.get("q", "").strip()
    stage = request.args.get("stage", "")
    schools = SCHOOL_READ.rows(actor()).options(joinedload(School.district))
    if query:
        schools = schools.where(names.matching(School, query))
    if stage:
        schools = schools.where(
            School.id.in_(select(SchoolStage.school_id).where(SchoolStage.stage == stage))
        )
    listing = page_of(schools, [(School.name_pinyin, False), (School.id, False)])
    return render("schools/index.html", listing=listing, query=query, stage=stage)


@bp.get("/<public_id>")
@requires(SCHOOL_READ)
def show(public_id: str) -> str:
    """One school in numbers: classes and pupils, without names of families."""
    school = find(SCHOOL_READ, public_id, joinedload(School.stages), joinedload(School.district))
    classes = _classes(school.id, actor())
    return render(
        "schools/show.html",
        school=school,
        classes=classes,
        pupils=sum(count for _c, _g, count, _t in classes),
    )


@bp.get("/terms")
@requires(DISTRICT_SET)
def terms() -> str:
    """The terms of the district, newest first."""
    rows = db.session.scalars(
        select(Term)
        .join(SchoolYear)
        .where(SchoolYear.district_id == actor().district_id)
        .options(joinedload(Term.school_year))
        .order_by(Term.starts_on.desc())
        .limit(20)
    ).all()
    return render("schools/terms.html", terms=rows)


def _term(term_id: int) -> Term:
    term = db.session.scalar(
        select(Term)
        .join(SchoolYear)
        .where(Term.id == term_id, SchoolYear.district_id == actor().district_id)
        .options(joinedload(Term.school_year))
    )
    if term is None:
        raise RuleBroken(_("There is no such term in your district."), status=404)
    return term


@bp.get("/terms/<int(max=2147483647):term_id>")
@requires(DISTRICT_SET)
def term(term_id: int) -> str:
    """The form for the dates of one term."""
    found = _term(term_id)
    form = TermForm(formdata=None, obj=found)
    return render("schools/term.html", term=found, form=form)


@bp.post("/terms/<int(max=2147483647):term_id>")
@requires(DISTRICT_SET)
def change_term(term_id: int) -> Response | tuple[str, int]:
    """Set the dates of a term, within its school year and apart from the other term."""
    found = _term(term_id)
    form = TermForm()
    valid = form.validate()
    if valid:
        year = found.school_year
        other = db.session.scalar(select(Term).where(Term.school_year_id == year.id, Term.id != found.id))
        if form.starts_on.data < year.starts_on or form.ends_on.data > year.ends_on:
            form.form_errors.append(_("The term must lie within its school year."))
        elif other and form.starts_on.data <= other.ends_on and other.starts_on <= form.ends_on.data:
            form.form_errors.append(_("The two terms of a year must not overlap."))
    if not valid or form.form_errors:
        return render("schools/term.html", term=found, form=form), 422
    found.starts_on, found.ends_on = form.starts_on.data, form.ends_on.data
    note("term.changed", found, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for(".terms"), _("The dates of the term are changed."))
