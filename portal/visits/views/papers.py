"""Visits on paper, each time with a fresh proof and a reason that is kept; the report of a term without any family in it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import abort, request, url_for
from flask_login import current_user
from sqlalchemy import func, select
from werkzeug.wrappers import Response
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from portal.access import Actor, Role, actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.paging import PAGE
from portal.schools.calendar import term_on, year_start
from portal.schools.models import District, School, SchoolClass, SchoolYear, Term
from portal.schools.policy import CLASS_READ, SCHOOL_READ
from portal.schools.summaries import SchoolTermSummary
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened
from portal.visits import counting, loading, papers
from portal.visits.forms import ReasonForm
from portal.visits.models import FollowUp, Form, Outcome, Visit
from portal.visits.policy import VISIT_PRINT
from portal.visits.views.blueprint import Answer, bp
from portal.visits.views.coverage import Line, by_grade, by_school, of_school, shares_of

MEASURES = (
    counting.VISITS,
    counting.VISITS_IN_HOME,
    counting.VISITS_CONFIRMED,
    counting.STEPS_DUE,
    counting.STEPS_IN_TIME,
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _file(data: bytes, mimetype: str, name: str) -> Response:
    answer = Response(data, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def pdf_file(data: bytes, name: str) -> Response:
    """A PDF to be kept under a name."""
    return _file(data, "application/pdf", name)


@bp.get("/<public_id>/paper")
@requires(VISIT_PRINT)
def paper(public_id: str) -> str:
    """Asks why a record is to be printed."""
    visit = find(VISIT_PRINT, public_id, *loading.FACTS)
    return render("visits/paper.html", visit=visit, form=ReasonForm(formdata=None))


@bp.post("/<public_id>/paper")
@requires(VISIT_PRINT)
@step_up_required
def print_record(public_id: str) -> Answer:
    """One record as PDF; who printed it, when and why is kept."""
    visit = find(VISIT_PRINT, public_id, *loading.FACTS, *loading.STORY)
    form = ReasonForm()
    if not form.validate():
        return render("visits/paper.html", visit=visit, form=form), 422
    data = papers.record_paper(actor(), visit, current_user.name)
    _keep_why([visit], form.reason.data, "visit.printed", visit)
    return _file(data, "application/pdf", "visit.pdf")


def _keep_why(visits: Sequence[Visit], reason: str | None, action: str, row: Any) -> None:
    """The export and each record in it go into the trail, with the reason, before the file goes out."""
    for visit in visits:
        opened("F4", visit, pupil_id=visit.pupil_id, purpose=reason or "")
    note(action, row, person_id=actor().person_id, role=actor().role, count=len(visits))
    db.session.commit()


class BookForm(ReasonForm):
    """Of which class and term, and why."""

    school_class = RadioField(_l("Which class"), validate_choice=False)
    term = RadioField(_l("Which term"), validate_choice=False)


def _classes() -> dict[str, SchoolClass]:
    starts_on = year_start(actor().on)
    rows = db.session.scalars(
        CLASS_READ.rows(actor())
        .where(SchoolClass.grade.has(school_year_id=_year_id(starts_on)))
        .order_by(SchoolClass.name, SchoolClass.id)
    )
    return {row.public_id: row for row in rows}


def _year_id(starts_on: Any) -> Any:
    return db.session.scalar(
        select(SchoolYear.id).where(
            SchoolYear.district_id == actor().district_id, SchoolYear.starts_on == starts_on
        )
    )


def _terms() -> dict[str, Term]:
    rows = db.session.scalars(
        select(Term)
        .join(SchoolYear)
        .where(
            SchoolYear.district_id == actor().district_id,
            SchoolYear.starts_on == year_start(actor().on),
            Term.starts_on <= actor().on,
        )
        .order_by(Term.starts_on.desc())
    ).all()
    for row in rows:
        db.session.refresh(row, ["school_year"])
    return {str(row.number): row for row in rows}


@bp.get("/book")
@requires(VISIT_PRINT)
def book() -> str:
    """Asks for class, term and reason of a visit book."""
    form = BookForm(formdata=None)
    return _book_page(form, _classes(), _terms())


def _book_page(form: BookForm, classes: dict[str, SchoolClass], terms: dict[str, Term]) -> str:
    form.school_class.choices = [SelectChoice(key, one.name) for key, one in classes.items()]
    form.term.choices = [SelectChoice(key, one.name) for key, one in terms.items()]
    if request.method != "POST":
        form.school_class.data, form.term.data = next(iter(classes), ""), next(iter(terms), "")
    return render("visits/book.html", form=form)


@bp.post("/book")
@requires(VISIT_PRINT)
@step_up_required
def print_book() -> Answer:
    """The visit book of a class and term as PDF; each record in it is an entry of the trail."""
    form, classes, terms = BookForm(), _classes(), _terms()
    chosen, term = classes.get(form.school_class.data or ""), terms.get(form.term.data or "")
    if not form.validate() or chosen is None or term is None:
        if chosen is None:
            form.school_class.errors = [_("Choose one.")]
        if term is None:
            form.term.errors = [_("Choose one.")]
        return _book_page(form, classes, terms), 422
    visits = papers.visits_of_book(actor(), chosen, term)
    data = papers.book_paper(actor(), chosen, term, visits, current_user.name)
    _keep_why(visits, form.reason.data, "visit_book.printed", chosen)
    return _file(data, "application/pdf", "visits.pdf")


# The report of a term.


def _headings(first: str) -> list[str]:
    return [
        first,
        _("Pupils of the class or school"),
        _("Pupils visited this school year"),
        _("Visited in the home this school year"),
        _("Families not reached"),
        _("Visits this term"),
        _("In the home this term"),
        _("Confirmed by families"),
        _("Agreed steps of this term"),
        _("Done in time"),
    ]


def _summed(rows: list[list[str | int]]) -> list[str | int]:
    return [_("Together"), *(sum(int(row[place]) for row in rows) for place in range(1, len(_headings(""))))]


def _of_year(one: Line) -> list[str | int]:
    return [one.name, one.pupils, one.visited, one.in_home, one.not_reached]


def _of_school(acting: Actor, term: Term) -> tuple[list[list[str | int]], list[Line], Any]:
    classes, grades, _whole, shares = of_school(acting)
    within = Visit.held_on.between(term.starts_on, term.ends_on), Visit.outcome == Outcome.MET
    home = func.count().filter(Visit.form == Form.IN_HOME)
    confirmed = func.count().filter(Visit.confirmed_at.is_not(None))
    visits = {
        key: numbers
        for key, *numbers in db.session.execute(
            select(SchoolClass.public_id, func.count(), home, confirmed)
            .join(Visit, Visit.class_id == SchoolClass.id)
            .where(SchoolClass.school_id == acting.school_id, *within)
            .group_by(SchoolClass.public_id)
        )
    }
    in_time = func.count().filter(FollowUp.done_on <= FollowUp.due_on)
    steps = {
        key: numbers
        for key, *numbers in db.session.execute(
            select(SchoolClass.public_id, func.count(), in_time)
            .join(Visit, Visit.class_id == SchoolClass.id)
            .join(FollowUp, FollowUp.visit_id == Visit.id)
            .where(
                SchoolClass.school_id == acting.school_id,
                FollowUp.due_on.between(term.starts_on, term.ends_on),
            )
            .group_by(SchoolClass.public_id)
        )
    }
    rows = [[*_of_year(one), *visits.get(one.key, [0, 0, 0]), *steps.get(one.key, [0, 0])] for one in classes]
    return rows, grades, shares


def _of_district(acting: Actor, term: Term) -> tuple[list[list[str | int]], list[Line], Any]:
    """All schools of the district from rolled-up numbers; the terms of districts below are those of the same days."""
    same = select(Term.id).where(Term.starts_on == term.starts_on)
    found = {
        (school_id, name): int(value)
        for school_id, name, value in db.session.execute(
            select(SchoolTermSummary.school_id, SchoolTermSummary.measure, SchoolTermSummary.value).where(
                SchoolTermSummary.term_id.in_(same), SchoolTermSummary.measure.in_(MEASURES)
            )
        )
    }
    schools = db.session.scalars(SCHOOL_READ.rows(acting).order_by(School.name_pinyin, School.id)).all()
    lines, _whole = by_school(acting, schools)
    rows = [
        [*_of_year(line), *(found.get((school.id, measure), 0) for measure in MEASURES)]
        for school, line in zip(schools, lines, strict=True)
    ]
    return rows, by_grade(acting), shares_of(acting, schools)


def _report() -> papers.Report:
    acting = actor()
    term = term_on(acting.district_id or 0, acting.on)
    if term is None:
        abort(404)
    db.session.refresh(term, ["school_year"])
    district = acting.role == Role.DISTRICT_STAFF
    rows, grades, shares = _of_district(acting, term) if district else _of_school(acting, term)
    place = db.session.scalar(
        select(District.name).where(District.id == acting.district_id)
        if district
        else select(School.name).where(School.id == acting.school_id)
    )
    return papers.Report(
        title=_("Report of home visits"),
        lead=f"{place} · {term.name}",
        headings=_headings(_("School") if district else _("Class")),
        rows=rows,
        total=_summed(rows),
        grades=[_of_year(one) for one in grades],
        of_year=len(_of_year(Line(""))),
        rules=[
            (one.rule.name, one.words, sum(bar[1] for bar in one.bars), sum(bar[2] for bar in one.bars))
            for one in shares
            if one.bars
        ],
    )


@bp.get("/report")
@requires(SCHOOL_READ)
def report() -> str:
    """The report of the present term, by class or by school: numbers only, no family in it. A district's schools come in
    pages; what they are together, and each file, is of all of them."""
    whole, more = _report(), None
    if actor().role == Role.DISTRICT_STAFF:
        first = _first_shown(len(whole.rows))
        if first + PAGE < len(whole.rows):
            more = url_for(".report", first=first + PAGE)
        whole = replace(whole, rows=whole.rows[first : first + PAGE])
    return render("visits/report.html", report=whole, more=more)


def _first_shown(count: int) -> int:
    """The place of the first school of this page; the first of all for anything that is no such place."""
    typed = request.args.get("first", "")
    first = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 7 else 0
    return first if first < count else 0


@bp.get("/report.pdf")
@requires(SCHOOL_READ)
def report_pdf() -> Response:
    """The report on paper."""
    return _file(papers.report_paper(_report()), "application/pdf", "visits-report.pdf")


@bp.get("/report.xlsx")
@requires(SCHOOL_READ)
def report_xlsx() -> Response:
    """The report as a workbook."""
    return _file(papers.report_workbook(_report()), XLSX, "visits-report.xlsx")
