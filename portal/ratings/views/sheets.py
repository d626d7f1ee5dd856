"""The inspector's sheets: one school each, scored alone; then the differences, agreed by both."""

from flask import abort, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import (
    assessing,
    evidence,
    inspecting,
    interests,
    onsite,
    questions,
    running,
    states,
    teams,
)
from portal.ratings.canonical import restored
from portal.ratings.forms import InterestForm, QuestionForm
from portal.ratings.models import ENTRY_STATE_NAMES, Entry, EntryState, Mark, Round, Seat, Sheet
from portal.ratings.policy import SHEET_SCORE
from portal.ratings.reading import frozen_items, points
from portal.ratings.rubric import Item
from portal.ratings.rubrics import domains_of, items_of, metric_of, rubric_of, words
from portal.ratings.views.blueprint import bp
from portal.templating import render


def sheet_of(public_id: str) -> Sheet:
    """A sheet of the acting inspector whose papers are open to them, with its school and round; 404 for any other.

    While nothing was said about ties, a GET goes to the page that asks for it; anything else is refused in words.
    """
    found = closed_sheet(public_id)
    if interests.must_declare(found):
        if request.method != "GET" or request.path.endswith("/package"):
            raise RuleBroken(_("Say first whether anything ties you to this school."))
        abort(redirect(url_for("ratings.interest", public_id=public_id), 303))
    return found


def closed_sheet(public_id: str) -> Sheet:
    """A sheet of the acting inspector, its papers open or not; 404 for any other."""
    return find(
        SHEET_SCORE,
        public_id,
        joinedload(Sheet.entry).joinedload(Entry.school),
        joinedload(Sheet.entry).joinedload(Entry.round).joinedload(Round.rubric_version),
        joinedload(Sheet.entry).joinedload(Entry.round).joinedload(Round.school_year),
    )


@bp.get("/ratings/sheets")
@requires(SHEET_SCORE)
def sheets() -> str:
    """The schools this inspector scores."""
    rows = db.session.scalars(
        SHEET_SCORE.rows(actor())
        .options(
            joinedload(Sheet.entry).joinedload(Entry.school),
            joinedload(Sheet.entry).joinedload(Entry.round),
        )
        .order_by(Sheet.id.desc())
        .limit(100)
    ).all()
    return render("ratings/sheets.html", sheets=rows, State=EntryState, names=ENTRY_STATE_NAMES)


@bp.get("/ratings/sheets/<public_id>")
@requires(SHEET_SCORE)
def sheet(public_id: str) -> str:
    """One sheet: the school's answers, the frozen numbers, and what is still to score."""
    found = sheet_of(public_id)
    rubric = rubric_of(found.entry.round.rubric_version)
    marks = inspecting.marks_of(found)
    scored = scored_on(found)
    gaps = inspecting.gaps(found.entry) if found.entry.state != EntryState.SCORING else []
    return render(
        "ratings/sheet.html",
        sheet=found,
        entry=found.entry,
        State=EntryState,
        domains=list(domains_of(rubric)),
        points=points,
        words=words,
        scored=scored,
        marks=marks,
        frozen=frozen_items(rubric, assessing.latest_snapshot(found.entry)),
        left=len(inspecting.not_scored(found)),
        used_again=evidence.used_again(found.entry, named=True),
        gaps=len(gaps),
        met=len(onsite.open_clashes(found)),
        is_third=found.seat == Seat.THIRD,
    )


def _item(found: Sheet, item_id: str) -> Item:
    item = items_of(rubric_of(found.entry.round.rubric_version)).get(item_id)
    if item is None:
        abort(404)
    return item


def scored_on(found: Sheet) -> set[str]:
    """The ids of the indicators that are or may be scored on a sheet."""
    return {item.id for item in (*inspecting.to_score_on(found), *inspecting.may_score_on(found))}


def _item_form(found: Sheet, item: Item, mark: Mark | None, formdata: bool) -> object:
    if metric_of(item):
        data = {"reason": mark.reason} if mark else {}
        return QuestionForm() if formdata else QuestionForm(formdata=None, data=data)
    if item.id not in scored_on(found):
        abort(404)
    form = questions.item_form(item, with_reason=True)
    if formdata:
        return form()
    facts = restored(mark.facts) if mark and mark.facts else {}
    filled = questions.filled_in(item, facts) | {"reason": mark.reason} if mark else {}
    return form(formdata=None, data=filled)


def _item_page(found: Sheet, item: Item, form: object) -> str:
    rubric = rubric_of(found.entry.round.rubric_version)
    return render(
        "ratings/sheet_item.html",
        sheet=found,
        entry=found.entry,
        item=item,
        form=form,
        title=words(item.title),
        computed=bool(metric_of(item)),
        points=points,
        questions=[] if metric_of(item) else questions.questions(item),
        frozen=frozen_items(rubric, assessing.latest_snapshot(found.entry)).get(item.id),
        is_open=found.locked_at is None and found.entry.state == EntryState.SCORING,
    )


def _interest_page(found: Sheet, form: InterestForm | None = None) -> str:
    before = interests.must_declare(found)
    if form is None:
        form = InterestForm(formdata=None)
        form.offer(before)
    return render(
        "ratings/interest.html",
        sheet=found,
        entry=found.entry,
        form=form,
        before=before,
        may=interests.may_declare(found),
        said=interests.of_sheet(found),
    )


@bp.get("/ratings/sheets/<public_id>/interest")
@requires(SHEET_SCORE)
def interest(public_id: str) -> str:
    """Whether anything ties the inspector to the school: asked before its papers are opened."""
    return _interest_page(closed_sheet(public_id))


@bp.post("/ratings/sheets/<public_id>/interest")
@requires(SHEET_SCORE)
def declare_interest(public_id: str) -> Response | tuple[str, int]:
    """Confirm that nothing does, or declare what does."""
    found = closed_sheet(public_id)
    form = InterestForm()
    form.offer(interests.must_declare(found))
    if not form.sent_and_valid():
        return _interest_page(found, form), 422
    if form.tie.data == "none":
        interests.confirm_none(found)
        return commit_and_go(
            url_for(".sheet", public_id=public_id), _("Thank you. The papers of the school are open.")
        )
    teams.declare(found, form.tie.data, form.reason.data)
    said = (
        _("You step aside for this school. Somebody else scores it.")
        if found.voided_at
        else _("The district office reads this and decides about your sheet.")
    )
    return commit_and_go(url_for(".sheets"), said)


@bp.get("/ratings/sheets/<public_id>/items/<item_id>")
@requires(SHEET_SCORE)
def sheet_item(public_id: str, item_id: str) -> str:
    """One indicator: what the school says, and what this inspector finds."""
    found = sheet_of(public_id)
    item = _item(found, item_id)
    return _item_page(found, item, _item_form(found, item, inspecting.marks_of(found).get(item_id), False))


@bp.post("/ratings/sheets/<public_id>/items/<item_id>")
@requires(SHEET_SCORE)
def mark_item(public_id: str, item_id: str) -> Response | tuple[str, int]:
    """Keep what this inspector finds."""
    found = sheet_of(public_id)
    item = _item(found, item_id)
    form: object = _item_form(found, item, None, True)
    facts, answer = _answer(found, item, form)
    if answer is not None:
        return answer
    inspecting.mark(found, item, facts, form["reason"].data or "")  # type: ignore[index]
    onsite.written_here(found, onsite.subject_of(onsite.ITEM, item_id))
    return commit_and_go(url_for(".sheet", public_id=public_id) + f"#item-{item_id}", _("Kept."))


def _answer(
    found: Sheet, item: Item, form: object
) -> tuple[dict[str, object] | None, tuple[str, int] | None]:
    if not form.sent_and_valid():  # type: ignore[attr-defined]
        return None, (_item_page(found, item, form), 422)
    if metric_of(item):
        return None, None
    facts = questions.facts_from(item, form)  # type: ignore[arg-type]
    wrong = wrong_with(found, item, facts)
    if wrong:
        form[questions.questions(item)[0].name].errors = [wrong]  # type: ignore[index]
        return None, (_item_page(found, item, form), 422)
    return facts, None


def wrong_with(found: Sheet, item: Item, facts: dict[str, object]) -> str | None:
    """What is wrong with facts about an indicator, in words; None for nothing."""
    snapshot = assessing.latest_snapshot(found.entry)
    school = restored(snapshot.content)["school"] if snapshot else {}
    return assessing.problem_with(rubric_of(found.entry.round.rubric_version), item, facts, school)


@bp.post("/ratings/sheets/<public_id>/lock")
@requires(SHEET_SCORE)
@step_up_required
def lock(public_id: str) -> Response:
    """Lock this sheet."""
    found = sheet_of(public_id)
    onsite.must_be_settled(found)
    over = running.lock(found, actor())
    message = (
        _("Both sheets are locked. Now agree where you differ.")
        if over
        else _("Your sheet is locked. You will see the other one when both are locked.")
    )
    return commit_and_go(url_for(".sheet", public_id=public_id), message)


def _locked(public_id: str) -> Sheet:
    found = sheet_of(public_id)
    if found.entry.state == EntryState.SCORING:
        abort(404)
    return found


def _gap_rows(found: Sheet) -> list[dict[str, object]]:
    both = db.session.scalars(
        select(Sheet)
        .where(Sheet.entry_id == found.entry_id, Sheet.seat != Seat.MEMBER, Sheet.voided_at.is_(None))
        .options(joinedload(Sheet.person), selectinload(Sheet.marks))
        .order_by(Sheet.id)
    ).all()
    agreed = inspecting.consensuses_of(found.entry)
    people = {one.person_id: one.person.name for one in both}
    rows = []
    for item in inspecting.gaps(found.entry):
        marks = [(one, next((mark for mark in one.marks if mark.item_id == item.id), None)) for one in both]
        rows.append(
            {
                "item": item,
                "title": words(item.title),
                "views": [
                    (
                        one.person.name,
                        questions.in_words(item, restored(mark.facts)) if mark and mark.facts else [],
                        mark.reason if mark else "",
                    )
                    for one, mark in marks
                    if mark or one.seat != Seat.THIRD
                ],
                "consensus": agreed.get(item.id),
                "proposed": questions.in_words(item, restored(agreed[item.id].facts))
                if item.id in agreed
                else [],
                "proposer": people.get(agreed[item.id].proposed_by_id, "") if item.id in agreed else "",
            }
        )
    return rows


@bp.get("/ratings/sheets/<public_id>/gaps")
@requires(SHEET_SCORE)
def gaps(public_id: str) -> str:
    """Where the two sheets differ, and what was proposed or agreed."""
    found = _locked(public_id)
    return render(
        "ratings/gaps.html",
        sheet=found,
        entry=found.entry,
        State=EntryState,
        rows=_gap_rows(found),
        notes=onsite.notes_of_both(found),
        me=current_user.person_id,
        hindrance=states.refusal(found.entry, "agree", actor()),
    )


def _gap_page(found: Sheet, item: Item, form: object) -> str:
    row = next((row for row in _gap_rows(found) if row["item"] == item), None)
    if row is None:
        abort(404)
    return render(
        "ratings/gap.html",
        sheet=found,
        entry=found.entry,
        row=row,
        item=item,
        form=form,
        questions=questions.questions(item),
        title=words(item.title),
    )


@bp.get("/ratings/sheets/<public_id>/gaps/<item_id>")
@requires(SHEET_SCORE)
def gap(public_id: str, item_id: str) -> str:
    """Propose a common score for one indicator."""
    found = _locked(public_id)
    item = _item(found, item_id)
    if metric_of(item):
        abort(404)
    return _gap_page(found, item, questions.item_form(item, with_reason=True)(formdata=None))


@bp.post("/ratings/sheets/<public_id>/gaps/<item_id>")
@requires(SHEET_SCORE)
def propose(public_id: str, item_id: str) -> Response | tuple[str, int]:
    """Keep the proposal."""
    found = _locked(public_id)
    item = _item(found, item_id)
    if metric_of(item):
        abort(404)
    form = questions.item_form(item, with_reason=True)()
    if not form.sent_and_valid():
        return _gap_page(found, item, form), 422
    facts = questions.facts_from(item, form)
    wrong = wrong_with(found, item, facts)
    if wrong or not (form["reason"].data or "").strip():
        name = questions.questions(item)[0].name if wrong else "reason"
        form[name].errors = [wrong or _("Write the reason for the common score.")]
        return _gap_page(found, item, form), 422
    inspecting.propose(found, item, facts, form["reason"].data)
    return commit_and_go(
        url_for(".gaps", public_id=public_id),
        _("Proposed. The other inspector agrees or proposes otherwise."),
    )


@bp.post("/ratings/sheets/<public_id>/gaps/<item_id>/agreement")
@requires(SHEET_SCORE)
def agree_gap(public_id: str, item_id: str) -> Response:
    """Agree to the other inspector's proposal."""
    inspecting.agree(_locked(public_id), item_id)
    return commit_and_go(url_for(".gaps", public_id=public_id), _("Agreed."))


@bp.post("/ratings/sheets/<public_id>/handover")
@requires(SHEET_SCORE)
def hand_over(public_id: str) -> Response:
    """Hand the agreed scores to the district."""
    running.agree(sheet_of(public_id), actor())
    return commit_and_go(
        url_for(".sheet", public_id=public_id), _("Handed over. The district office decides next.")
    )
