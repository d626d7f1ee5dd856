"""The district's side: preparing a questionnaire, its questions, sending, slips, closing, release, voices, voiding."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import make_response, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Role, actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.paging import page_of
from portal.schools.calendar import school_year_on
from portal.schools.models import School, SchoolYear
from portal.surveys import closing, inviting, jobs, releasing, sending, slips, voiding, workbooks
from portal.surveys.forms import (
    ClosingDayForm,
    ReasonForm,
    SurveyForm,
    last_day_problem,
    questions_form,
    questions_sent,
)
from portal.surveys.groups import LEAST
from portal.surveys.instrument import MOST_QUESTIONS, adapted
from portal.surveys.models import (
    STATE_NAMES,
    Survey,
    SurveyHousehold,
    SurveyPressure,
    SurveyRemark,
    SurveySchool,
    SurveyState,
)
from portal.surveys.policy import SURVEY_RESULT, SURVEY_SCHOOL_SET, SURVEY_SET, SURVEY_VOICES
from portal.surveys.views.blueprint import Answer, bp, form_page
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened

DAYS_OPEN = 14
VOICES_SHOWN = 200


@bp.get("/")
@requires(SURVEY_RESULT)
def index() -> str:
    """The district's questionnaires; for a principal those sent to the families of the own school."""
    acting = actor()
    if acting.role == Role.DISTRICT_STAFF:
        wanted = SURVEY_SET.rows(acting).options(joinedload(Survey.school_year), selectinload(Survey.schools))
        listing: Any = page_of(wanted, [(Survey.id, True)])
        return render("surveys/index.html", listing=listing, states=STATE_NAMES, today=acting.on)
    own = SURVEY_RESULT.rows(acting).options(
        joinedload(SurveySchool.survey).joinedload(Survey.school_year), selectinload(SurveySchool.flags)
    )
    listing = page_of(own, [(SurveySchool.id, True)])
    return render("surveys/my_school.html", listing=listing, states=STATE_NAMES)


def _schools() -> Sequence[School]:
    acting = actor()
    return db.session.scalars(
        select(School)
        .where(
            School.district_id == acting.district_id,
            (School.closed_on.is_(None)) | (School.closed_on > acting.on),
        )
        .order_by(School.name_pinyin, School.id)
    ).all()


@bp.route("/new", methods=["GET", "POST"])
@requires(SURVEY_SET)
def new() -> Answer:
    """Prepare a questionnaire: nobody gets it before it is sent. ``?group=`` chooses schools beforehand."""
    acting = actor()
    assert acting.district_id is not None
    schools, today = _schools(), acting.on
    years = db.session.scalars(
        select(SchoolYear)
        .where(SchoolYear.district_id == acting.district_id)
        .order_by(SchoolYear.starts_on.desc())
    ).all()
    groups = [group for named in inviting.GROUPS for group in named(acting)]
    now = school_year_on(acting.district_id, today)
    keys = {group.key for group in groups}
    asked = request.args.get("group", "")
    form = SurveyForm(
        data={
            "name": _("Parents on how school and home work together"),
            "year": now.id if now else None,
            "group": asked if asked in keys else "all",
            "closes_on": today + timedelta(days=DAYS_OPEN),
        }
    )
    form.offer(years, schools, groups)
    if not form.sent_and_valid() or not _day_fits(form):
        return form_page("surveys/new.html", form=form, many=len(schools) > 12)
    chosen = {school.id for school in schools}
    if form.group.data == "some":
        chosen = set(form.schools.data)
    elif form.group.data != "all":
        chosen &= next(group.school_ids for group in groups if group.key == form.group.data)
    survey = inviting.prepare(
        acting.district_id,
        form.year.data,
        [school for school in schools if school.id in chosen],
        form.name.data,
        form.closes_on.data,
        acting.person_id,
        blind=form.apart.data == "blind",
    )
    return commit_and_go(
        url_for(".show", public_id=survey.public_id),
        _("The questionnaire is prepared. Look at the questions, then send it."),
    )


def _day_fits(form: Any) -> bool:
    problem = last_day_problem(
        form.closes_on.data, clock.today(), inviting.SHORTEST_DAYS, inviting.LONGEST_DAYS
    )
    if problem:
        form.closes_on.errors = [problem]
    return problem is None


def _locked(public_id: str, *options: Any) -> Survey:
    """The questionnaire within reach, with nobody else changing it until this request is done."""
    db.session.execute(select(Survey.id).where(Survey.public_id == public_id).with_for_update())
    return find(SURVEY_SET, public_id, *options)


@bp.get("/<public_id>")
@requires(SURVEY_SET)
def show(public_id: str) -> str:
    """One questionnaire: its schools with how many were asked and have fetched or answered it, and what may be done now."""
    return _page(public_id, ClosingDayForm(formdata=None))


def _page(public_id: str, form: ClosingDayForm) -> str:
    survey = find(
        SURVEY_SET,
        public_id,
        joinedload(Survey.school_year),
        selectinload(Survey.schools).joinedload(SurveySchool.school),
        selectinload(Survey.schools).selectinload(SurveySchool.flags),
    )
    if form.closes_on.data is None:
        form.closes_on.data = survey.closes_on
    schools = sorted(survey.schools, key=lambda row: (row.school.name_pinyin, row.id))
    counts = _counts(survey)
    return render(
        "surveys/show.html",
        survey=survey,
        schools=schools,
        counts=counts,
        total=sum(counts.values()),
        asked=sum(row.invited or 0 for row in schools)
        if all(row.invited is not None for row in schools)
        else None,
        to_look_at={
            row.id for row in schools if any(flag.waits_for_district(actor().on) for flag in row.flags)
        },
        states=STATE_NAMES,
        form=form,
        SurveyState=SurveyState,
        release=releasing.read(survey),
        today=actor().on,
    )


def _counts(survey: Survey) -> dict[int, int]:
    """School row → households that have fetched it while it is open, that have answered once it is counted. How many have
    answered stays unknown until the closing: a number that grows would tell whose answer came when (SECURITY 5.7)."""
    if survey.state != SurveyState.OPEN:
        return {row.id: row.answered or 0 for row in survey.schools}
    rows = db.session.execute(
        select(SurveyHousehold.survey_school_id, func.count())
        .where(
            SurveyHousehold.survey_school_id.in_([row.id for row in survey.schools]),
            SurveyHousehold.fetched.is_(True),
        )
        .group_by(SurveyHousehold.survey_school_id)
    ).all()
    return {row_id: number for row_id, number in rows}


@bp.route("/<public_id>/questions", methods=["GET", "POST"])
@requires(SURVEY_SET)
def questions(public_id: str) -> Answer:
    """The questions: kept, left out, said in other words, or some of one's own, while it is a draft."""
    survey = _locked(public_id) if request.method == "POST" else find(SURVEY_SET, public_id)
    if request.method == "POST":
        survey.refuse_unless(SurveyState.DRAFT)
    form = questions_form(survey.questions)
    sent = form.sent_and_valid()
    kept = questions_sent(form, survey.questions) if sent else []
    if sent and not 1 <= len(kept) <= MOST_QUESTIONS:
        form.form_errors.append(_("Ask at least one question and at most 20."))
        sent = False
    if not sent:
        return form_page("surveys/questions.html", form=form, survey=survey, SurveyState=SurveyState)
    if kept != survey.questions:
        survey.instrument = adapted(survey.version, kept)
        note("survey.questions_changed", survey, person_id=actor().person_id, questions=len(kept))
    return commit_and_go(url_for(".show", public_id=public_id), _("The questions are kept."))


@bp.post("/<public_id>/last-day")
@requires(SURVEY_SET)
def change_last_day(public_id: str) -> Answer:
    """Another last day: of a draft any, of an open one only a later one."""
    survey, form = _locked(public_id), ClosingDayForm()
    if survey.state not in (SurveyState.DRAFT, SurveyState.OPEN):
        survey.refuse_unless(SurveyState.DRAFT)
    if not form.validate() or not _day_fits(form):
        return _page(public_id, form), 422
    if survey.state == SurveyState.OPEN and form.closes_on.data < survey.closes_on:
        form.closes_on.errors = [_("Families were told a later day. It can only move on.")]
        return _page(public_id, form), 422
    survey.closes_on = form.closes_on.data
    note("survey.last_day", survey, person_id=actor().person_id, closes_on=str(survey.closes_on))
    return commit_and_go(url_for(".show", public_id=public_id), _("The last day is changed."))


@bp.post("/<public_id>/opening")
@requires(SURVEY_SET)
def open_survey(public_id: str) -> Response:
    """Send it to the families."""
    survey = _locked(public_id)
    inviting.open_to_families(survey, actor().person_id)
    survey_id = survey.id
    answer = commit_and_go(
        url_for(".show", public_id=public_id),
        _("The questionnaire is open. Families see it on their first page."),
    )
    ring(jobs.write_messages, survey_id=survey_id)
    return answer


@bp.post("/<public_id>/reminder")
@requires(SURVEY_SET)
def remind(public_id: str) -> Response:
    """Remind those who have not fetched it."""
    survey = _locked(public_id)
    sending.remind(survey, actor().person_id)
    survey_id = survey.id
    answer = commit_and_go(
        url_for(".show", public_id=public_id), _("Those who have not fetched it are being reminded.")
    )
    ring(jobs.write_messages, survey_id=survey_id)
    return answer


@bp.post("/<public_id>/closing")
@requires(SURVEY_SET)
def close(public_id: str) -> Response:
    """Close it before its last day."""
    closing.close(_locked(public_id), actor().person_id)
    answer = commit_and_go(
        url_for(".show", public_id=public_id),
        _("The questionnaire is closed. The answers are being counted."),
    )
    ring(jobs.count_waiting)
    return answer


@bp.post("/<public_id>/release")
@requires(SURVEY_SET)
def release(public_id: str) -> Response:
    """Release the tables, once."""
    survey = _locked(public_id, selectinload(Survey.schools))
    releasing.release(survey, actor().person_id)
    return commit_and_go(
        url_for(".show", public_id=public_id), _("The results are released. Each school sees its own.")
    )


@bp.get("/<public_id>/slips")
@requires(SURVEY_SET)
def slip_classes(public_id: str) -> str:
    """The classes for which slips can be printed, and for how many households."""
    survey = find(SURVEY_SET, public_id)
    classes = slips.classes_of(survey) if survey.state == SurveyState.OPEN else []
    return render("surveys/slips.html", survey=survey, classes=classes, SurveyState=SurveyState)


@bp.post("/<public_id>/slips")
@requires(SURVEY_SET)
def print_slips(public_id: str) -> Response:
    """The slips of a class as PDF. They count as fetched."""
    survey = find(SURVEY_SET, public_id)
    survey.refuse_unless(SurveyState.OPEN)
    everybody = request.form.get("who") == "all"
    homes = slips.to_print(survey, request.form.get("class", ""), everybody=everybody)
    if not homes:
        raise RuleBroken(_("Every family of this class has an account. No slip is needed."), status=422)
    file = slips.paper(survey, homes)
    note("survey.slips_printed", survey, person_id=actor().person_id, slips=len(homes))
    db.session.commit()
    answer = make_response(file)
    answer.mimetype = "application/pdf"
    answer.headers["Content-Disposition"] = 'attachment; filename="slips.pdf"'
    return answer


@bp.get("/<public_id>/voices")
@requires(SURVEY_VOICES)
def voices(public_id: str) -> str:
    """Reports of pressure, and free words in batches of ten or more: for the district alone."""
    survey = find(SURVEY_VOICES, public_id, selectinload(Survey.schools).joinedload(SurveySchool.school))
    opened("F4", survey)
    rows = {row.id: row.school.name for row in sorted(survey.schools, key=lambda row: row.school.name_pinyin)}
    reports = db.session.scalars(
        select(SurveyPressure)
        .where(SurveyPressure.survey_school_id.in_(rows))
        .order_by(SurveyPressure.survey_school_id, SurveyPressure.key)
        .limit(VOICES_SHOWN)
    ).all()
    return render(
        "surveys/voices.html",
        survey=survey,
        reports=[(rows[report.survey_school_id], report.text) for report in reports],
        batches=_batches(survey, rows) if survey.state == SurveyState.RELEASED else [],
        SurveyState=SurveyState,
        least=LEAST,
    )


def _batches(survey: Survey, rows: dict[int, str]) -> list[tuple[str, list[str]]]:
    """Free words by school where there are ten or more; what is left of other schools together, if that makes ten."""
    found: dict[int, list[str]] = {}
    for remark in db.session.scalars(
        select(SurveyRemark)
        .where(SurveyRemark.survey_school_id.in_(rows))
        .order_by(SurveyRemark.key)
        .limit(VOICES_SHOWN * 5)
    ):
        found.setdefault(remark.survey_school_id, []).append(remark.text)
    large = [(rows[row_id], texts) for row_id, texts in found.items() if len(texts) >= LEAST]
    rest = sorted(text for texts in found.values() if len(texts) < LEAST for text in texts)
    return [*large, *([(_("Other schools together"), rest)] if len(rest) >= LEAST else [])]


@bp.get("/<public_id>/results.xlsx")
@requires(SURVEY_SET)
def results_xlsx(public_id: str) -> Response:
    """The released tables as a workbook: those and nothing else."""
    survey = find(SURVEY_SET, public_id, selectinload(Survey.schools).joinedload(SurveySchool.school))
    survey.refuse_unless(SurveyState.RELEASED)
    answer = make_response(workbooks.workbook(survey))
    answer.mimetype = workbooks.SHEET
    answer.headers["Content-Disposition"] = 'attachment; filename="questionnaire.xlsx"'
    return answer


def _row(public_id: str) -> SurveySchool:
    if request.method == "POST":
        db.session.execute(
            select(SurveySchool.id).where(SurveySchool.public_id == public_id).with_for_update()
        )
    return find(
        SURVEY_SCHOOL_SET, public_id, joinedload(SurveySchool.survey), joinedload(SurveySchool.school)
    )


@bp.route("/schools/<public_id>/void", methods=["GET", "POST"])
@requires(SURVEY_SCHOOL_SET)
def void(public_id: str) -> Answer:
    """Say why the answers of a school should not count."""
    row, form = _row(public_id), ReasonForm()
    if not form.sent_and_valid():
        return form_page("surveys/void.html", row=row, form=form, person_id=actor().person_id)
    voiding.ask(row, form.reason.data, actor().person_id)
    return commit_and_go(url_for(".void", public_id=public_id), _("A second person of your office decides."))


@bp.post("/schools/<public_id>/void/decision")
@requires(SURVEY_SCHOOL_SET)
def decide_void(public_id: str) -> Response:
    """The second person agrees, or not."""
    row = _row(public_id)
    chosen = request.form.get("agrees")
    if chosen not in ("yes", "no"):
        raise RuleBroken(_("Choose whether you agree."), status=422)
    voiding.decide(row, actor().person_id, agrees=chosen == "yes")
    said = _("These answers count nowhere now.") if chosen == "yes" else _("The answers count as before.")
    return commit_and_go(url_for(".void", public_id=public_id), said)


@bp.post("/schools/<public_id>/repeat")
@requires(SURVEY_SCHOOL_SET)
def repeat(public_id: str) -> Response:
    """Ask the families of a voided school again, with codes of their own."""
    made = voiding.repeat(_row(public_id), actor().person_id)
    return commit_and_go(
        url_for(".show", public_id=made.public_id),
        _("The new questionnaire is prepared. Send it when you are ready."),
    )
