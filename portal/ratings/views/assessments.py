"""The principal's self-assessment: task list, one indicator per page, the list behind a number, claim, check, submit."""

from flask import abort, request, url_for
from flask_login import current_user
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import (
    assessing,
    concerns,
    deciding,
    evidence,
    hearing,
    objecting,
    programmes,
    questions,
    remedies,
    running,
    states,
    windows,
)
from portal.ratings.canonical import restored
from portal.ratings.concerns import CONCERN_STATE_NAMES
from portal.ratings.forms import AnswerForm, ClaimForm, DeclarationForm, ObjectionForm
from portal.ratings.metrics import METRICS, school_facts
from portal.ratings.models import ENTRY_STATE_NAMES, Entry, EntryState, Round, RoundState
from portal.ratings.policy import ENTRY_ASSESS
from portal.ratings.reading import case_view, figure_lines, points, reading_of, sections, task_list
from portal.ratings.records import records_of
from portal.ratings.rubric import Item
from portal.ratings.rubrics import items_of, metric_of, rubric_of, school_answers, stars_of, words
from portal.ratings.views.blueprint import bp
from portal.ratings.windows import STEP_NAMES
from portal.schools.calendar import is_provisional
from portal.templating import render

RECORDS_PER_PAGE = 50


def entry_to_assess(public_id: str) -> Entry:
    """The self-assessment within reach of the principal, with what its pages show."""
    return find(
        ENTRY_ASSESS,
        public_id,
        joinedload(Entry.school),
        joinedload(Entry.round).joinedload(Round.rubric_version),
        joinedload(Entry.round).joinedload(Round.school_year),
        selectinload(Entry.vetoes),
    )


def own_item(entry: Entry, item_id: str) -> Item:
    """An indicator that the school answers itself; 404 for any other."""
    item = next(
        (item for item in school_answers(rubric_of(entry.round.rubric_version)) if item.id == item_id), None
    )
    if item is None:
        abort(404)
    return item


@bp.get("/ratings/assessments/<public_id>")
@requires(ENTRY_ASSESS)
def assessment(public_id: str) -> str:
    """The task list of a self-assessment; after submission the same, to read."""
    entry = entry_to_assess(public_id)
    rubric = rubric_of(entry.round.rubric_version)
    if entry.state == EntryState.SELF_ASSESSING:
        result, _figures, period = assessing.preview(entry)
        return render(
            "ratings/assessment.html",
            entry=entry,
            tasks=task_list(rubric, result, assessing.answers_of(entry)),
            result=result,
            period=period,
            due_on=assessing.due_on(entry),
            left=len(assessing.unanswered(entry)),
        )
    return read_page(entry)


def read_page(
    entry: Entry, form: AnswerForm | None = None, objection_form: ObjectionForm | None = None
) -> str:
    """A submitted self-assessment as the school reads it, with what it may do next."""
    rubric = rubric_of(entry.round.rubric_version)
    published = entry.round.state == RoundState.PUBLISHED
    opined = entry.state in (EntryState.OPINED, EntryState.HEARD)
    final = deciding.stored_result(entry) if published else None
    if opined:
        final = deciding.result_of(entry, deciding.inputs_of(entry))
    snapshot = assessing.latest_snapshot(entry)
    cases = remedies.cases_of(entry) if published else []
    sent = evidence.of_objections(entry) if cases else {}
    may_object = published and states.refusal(entry, "object", actor()) is None
    if may_object and objection_form is None:
        objection_form = ObjectionForm.offering(
            objecting.may_name(entry), formdata=False, vetoes=objecting.standing_vetoes(entry)
        )
    return render(
        "ratings/submitted.html",
        entry=entry,
        names=ENTRY_STATE_NAMES,
        snapshot=snapshot,
        sections=sections(rubric, final, snapshot),
        reading=reading_of(rubric, final) if final else None,
        published=published,
        has_record=published and bool(records_of(entry.id)),
        opined=opined,
        form=form or objection_form or AnswerForm(formdata=None),
        concerns=concerns.told_to_school(entry) if published else [],
        concern_names=CONCERN_STATE_NAMES,
        cases=[case_view(rubric, entry, case, sent) for case in cases],
        may_object=may_object,
        may_withdraw=published and remedies.open_case(cases) is not None,
        most_files=evidence.MOST,
        object_act=remedies.NEXT_ACTS[remedies.next_tier(cases)]() if may_object else "",
        not_fixed=any(is_provisional(day, entry.round.district_id) for day in remedies.days_of(entry, cases)),
        windows=windows.shown(entry.round_id, entry.id),
        step_names=STEP_NAMES,
        object_until=remedies.last_day(entry, cases) if published else None,
        is_final=published and remedies.is_final(entry, cases, actor().on),
        objection_form=objection_form,
        may_answer=entry.state == EntryState.OPINED and states.refusal(entry, "answer", actor()) is None,
        is_provisional=entry.defence_due_on is not None
        and is_provisional(entry.defence_due_on, entry.round.district_id),
    )


@bp.post("/ratings/assessments/<public_id>/answer")
@requires(ENTRY_ASSESS)
def answer_opinion(public_id: str) -> Response | tuple[str, int]:
    """The school's answer to the first opinion."""
    entry = entry_to_assess(public_id)
    form = AnswerForm()
    if entry.state == EntryState.OPINED and not form.sent_and_valid():
        return read_page(entry, form), 422
    text = form.text.data or "" if form.agrees.data == "no" else ""
    hearing.answer(entry, text, actor())
    return commit_and_go(
        url_for(".assessment", public_id=public_id), _("Your answer is with the district office.")
    )


def _item_page(entry: Entry, item: Item, form: object) -> str:
    return render(
        "ratings/assessment_item.html",
        entry=entry,
        item=item,
        form=form,
        questions=questions.questions(item),
        title=words(item.title),
        points=points,
        files=evidence.standing(entry, item.id),
    )


@bp.get("/ratings/assessments/<public_id>/items/<item_id>")
@requires(ENTRY_ASSESS)
def assessment_item(public_id: str, item_id: str) -> str:
    """One indicator that the school answers itself."""
    entry = entry_to_assess(public_id)
    item = own_item(entry, item_id)
    given = assessing.answers_of(entry).get(item_id)
    data = questions.filled_in(item, restored(given.facts)) | {"evidence": given.evidence} if given else {}
    return _item_page(entry, item, questions.item_form(item, with_evidence=True)(formdata=None, data=data))


@bp.post("/ratings/assessments/<public_id>/items/<item_id>")
@requires(ENTRY_ASSESS)
def answer_item(public_id: str, item_id: str) -> Response | tuple[str, int]:
    """Keep the school's answer."""
    entry = entry_to_assess(public_id)
    item = own_item(entry, item_id)
    form = questions.item_form(item, with_evidence=True)()
    if not form.sent_and_valid():
        return _item_page(entry, item, form), 422
    facts = questions.facts_from(item, form)
    rubric = rubric_of(entry.round.rubric_version)
    wrong = assessing.problem_with(
        rubric, item, facts, school_facts(entry.school_id, assessing.period_of_round(entry))
    )
    if wrong:
        form[questions.questions(item)[0].name].errors = [wrong]
        return _item_page(entry, item, form), 422
    named = evidence.named_in(entry.school_id, form["evidence"].data or "")
    if named:
        form["evidence"].errors = [named]
        return _item_page(entry, item, form), 422
    assessing.answer(entry, item, facts, form["evidence"].data or "", current_user.person_id)
    return commit_and_go(url_for(".assessment", public_id=public_id) + f"#item-{item_id}", _("Kept."))


@bp.get("/ratings/assessments/<public_id>/items/<item_id>/records")
@requires(ENTRY_ASSESS)
def records(public_id: str, item_id: str) -> str:
    """The list behind a computed number."""
    given = request.args.get("start", "0")
    start = int(given) if given.isdecimal() and len(given) < 8 else 0
    return render("ratings/records.html", **_records(entry_to_assess(public_id), item_id, start))


def _records(entry: Entry, item_id: str, start: int) -> dict[str, object]:
    item = items_of(rubric_of(entry.round.rubric_version)).get(item_id)
    if item is None or metric_of(item) not in METRICS:
        abort(404)
    metric = METRICS[metric_of(item)]
    period = assessing.period_of_round(entry)
    found = metric.records(entry.school_id, period)
    listed = sorted(found, key=lambda record: record.counts)
    figure = metric.figure(found, period)
    end = start + RECORDS_PER_PAGE
    return {
        "entry": entry,
        "item": item,
        "title": words(item.title),
        "metric": metric,
        "period": period,
        "lines": figure_lines(figure.numerator, figure.denominator, figure.counts),
        "records": listed[start:end],
        "shown": min(end, len(listed)),
        "total": len(listed),
        "more_url": url_for(".records", public_id=entry.public_id, item_id=item_id, start=end)
        if end < len(listed)
        else None,
    }


def _claim_form(entry: Entry, formdata: bool) -> ClaimForm:
    stars = stars_of(rubric_of(entry.round.rubric_version))
    return ClaimForm.offering(stars, formdata, programmes.of(entry.round.programme))


@bp.get("/ratings/assessments/<public_id>/claim")
@requires(ENTRY_ASSESS)
def claim(public_id: str) -> str:
    """Which star the school applies for."""
    entry = entry_to_assess(public_id)
    form = _claim_form(entry, formdata=False)
    form.star.data = None if entry.claimed_star is None else str(entry.claimed_star)
    form.text.data = entry.claim_text
    return render("ratings/claim.html", entry=entry, form=form)


@bp.post("/ratings/assessments/<public_id>/claim")
@requires(ENTRY_ASSESS)
def keep_claim(public_id: str) -> Response | tuple[str, int]:
    """Keep the claimed star and the short summary."""
    entry = entry_to_assess(public_id)
    form = _claim_form(entry, formdata=True)
    valid = form.sent_and_valid()
    named = evidence.named_in(entry.school_id, form.text.data or "")
    if named:
        form.text.errors, valid = [named], False
    if not valid:
        return render("ratings/claim.html", entry=entry, form=form), 422
    assessing.claim(entry, int(form.star.data), form.text.data or "", current_user.person_id)
    return commit_and_go(url_for(".assessment", public_id=public_id) + "#claim", _("Kept."))


def _check_page(entry: Entry, form: DeclarationForm) -> str:
    result, _figures, period = assessing.preview(entry)
    rubric = rubric_of(entry.round.rubric_version)
    return render(
        "ratings/check.html",
        entry=entry,
        form=form,
        result=result,
        period=period,
        tasks=task_list(rubric, result, assessing.answers_of(entry)),
        hindrance=states.refusal(entry, "submit", actor()),
    )


@bp.get("/ratings/assessments/<public_id>/check")
@requires(ENTRY_ASSESS)
def check(public_id: str) -> str:
    """All answers on one page before they are sent."""
    return _check_page(entry_to_assess(public_id), DeclarationForm(formdata=None))


@bp.post("/ratings/assessments/<public_id>/submission")
@requires(ENTRY_ASSESS)
@step_up_required
def submit(public_id: str) -> Response | tuple[str, int]:
    """Submit: the evidence is frozen and the self-assessment locked for everybody."""
    entry = entry_to_assess(public_id)
    form = DeclarationForm()
    if entry.state == EntryState.SELF_ASSESSING and not form.sent_and_valid():
        return _check_page(entry, form), 422
    running.submit(entry, actor())
    return commit_and_go(
        url_for(".assessment", public_id=public_id), _("Submitted. The district office checks it next.")
    )
