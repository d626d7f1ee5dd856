"""Objections and appeals: the school files one; somebody of the district who took no part before answers it."""

from flask import abort, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import assessing, deciding, objecting, questions, remedies, states
from portal.ratings.canonical import canonical, restored
from portal.ratings.forms import ObjectionForm, OutcomeForm
from portal.ratings.models import TIER_NAMES, Entry, Objection, Round
from portal.ratings.policy import ENTRY_ASSESS, OBJECTION_HEAR
from portal.ratings.reading import case_view, frozen_items, points, reading_of, reasons
from portal.ratings.rubric import Item
from portal.ratings.rubrics import items_of, rubric_of, words
from portal.ratings.views.assessments import read_page
from portal.ratings.views.blueprint import bp
from portal.templating import render

LOADED = (
    joinedload(Entry.school),
    joinedload(Entry.round).joinedload(Round.rubric_version),
    joinedload(Entry.round).joinedload(Round.district),
)


@bp.post("/ratings/assessments/<public_id>/objection")
@requires(ENTRY_ASSESS)
def object_to(public_id: str) -> Response | tuple[str, int]:
    """The school's objection to its published result, or its appeal against an answer."""
    entry = find(ENTRY_ASSESS, public_id, *LOADED)
    why = states.refusal(entry, "object", actor())
    if why:
        raise RuleBroken(why)
    form = ObjectionForm.offering(objecting.may_name(entry), formdata=True)
    if not form.sent_and_valid():
        return read_page(entry, objection_form=form), 422
    objecting.file(entry, form.items.data, form.text.data, actor())
    return commit_and_go(
        url_for(".assessment", public_id=public_id),
        _("It is with the office. This page shows until when the answer comes."),
    )


def _case(public_id: str) -> tuple[Entry, Objection]:
    entry = find(OBJECTION_HEAR, public_id, *LOADED)
    case = remedies.open_case(remedies.cases_of(entry))
    if case is None:
        abort(404)
    return entry, case


def _item(entry: Entry, case: Objection, item_id: str) -> Item:
    if item_id not in case.named:
        abort(404)
    return items_of(rubric_of(entry.round.rubric_version))[item_id]


def _page(entry: Entry, case: Objection, form: OutcomeForm) -> str:
    rubric = rubric_of(entry.round.rubric_version)
    cases = remedies.cases_of(entry)
    changed = bool(restored(case.changes))
    return render(
        "ratings/objection.html",
        entry=entry,
        case=case,
        title=TIER_NAMES[case.tier],
        view=case_view(rubric, entry, case),
        earlier=[case_view(rubric, entry, one) for one in cases if one.id != case.id],
        reading=reading_of(rubric, deciding.stored_result(entry)),
        again=reading_of(rubric, objecting.result_with(entry, case)) if changed else None,
        hindrance=states.refusal(case, "uphold", actor()),
        form=form,
    )


@bp.get("/ratings/entries/<public_id>/objection")
@requires(OBJECTION_HEAR)
def objection(public_id: str) -> str:
    """What the school says, what was decided, and the answer."""
    return _page(*_case(public_id), OutcomeForm(formdata=None))


@bp.post("/ratings/entries/<public_id>/objection")
@requires(OBJECTION_HEAR)
def answer_objection(public_id: str) -> Response | tuple[str, int]:
    """Answer with reasons: the result stands, or it is scored again with what was found."""
    entry, case = _case(public_id)
    form = OutcomeForm()
    if not form.sent_and_valid():
        return _page(entry, case, form), 422
    try:
        objecting.answer(entry, case, form.outcome.data == "change", form.text.data, actor())
    except RuleBroken as error:
        if error.status != 422:
            raise
        form.outcome.errors = [error.message]
        return _page(entry, case, form), 422
    return commit_and_go(
        url_for("home.index"), _("Answered. The school sees the reasons and what it may do next.")
    )


def _item_page(entry: Entry, case: Objection, item: Item, form: object) -> str:
    rubric = rubric_of(entry.round.rubric_version)
    result = {one.item.id: one for one in deciding.stored_result(entry).walk()}[item.id]
    return render(
        "ratings/objection_item.html",
        entry=entry,
        item=item,
        title=words(item.title),
        points=points,
        result=result,
        reasons=reasons(result),
        decided=questions.in_words(item, restored(entry.inputs)["items"][item.id]),
        frozen=frozen_items(rubric, assessing.latest_snapshot(entry)).get(item.id),
        questions=questions.questions(item),
        found=item.id in restored(case.changes),
        form=form,
    )


@bp.get("/ratings/entries/<public_id>/objection/<item_id>")
@requires(OBJECTION_HEAR)
def objection_item(public_id: str, item_id: str) -> str:
    """One indicator the school objects to."""
    entry, case = _case(public_id)
    item = _item(entry, case, item_id)
    found = restored(case.changes).get(item_id)
    facts = found["facts"] if found else restored(entry.inputs)["items"][item_id]
    data = questions.filled_in(item, facts) | {"reason": found["reason"] if found else ""}
    form = questions.item_form(item, with_reason=True)(formdata=None, data=data)
    return _item_page(entry, case, item, form)


@bp.post("/ratings/entries/<public_id>/objection/<item_id>")
@requires(OBJECTION_HEAR)
def find_otherwise(public_id: str, item_id: str) -> Response | tuple[str, int]:
    """Keep what is found about this indicator instead."""
    entry, case = _case(public_id)
    item = _item(entry, case, item_id)
    form = questions.item_form(item, with_reason=True)()
    valid = form.sent_and_valid()
    first, reason = form[questions.questions(item)[0].name], form["reason"]
    if valid and not reason.data:
        reason.errors, valid = [_("Write the reasons; the school reads them.")], False
    if not valid:
        return _item_page(entry, case, item, form), 422
    facts = questions.facts_from(item, form)
    wrong = _wrong(entry, item, facts)
    if wrong:
        first.errors = [wrong]
        return _item_page(entry, case, item, form), 422
    objecting.find_otherwise(entry, case, item, facts, reason.data, actor())
    return commit_and_go(url_for(".objection", public_id=public_id), _("Kept. It counts when you answer."))


def _wrong(entry: Entry, item: Item, facts: dict[str, object]) -> str | None:
    inputs = restored(entry.inputs)
    before = {name: value for name, value in inputs["items"][item.id].items() if name != "evidence"}
    if canonical(facts) == canonical(before):
        return _("This is what was decided. Change it, or leave the indicator as decided.")
    return assessing.problem_with(rubric_of(entry.round.rubric_version), item, facts, inputs["school"])


@bp.post("/ratings/entries/<public_id>/objection/<item_id>/as-decided")
@requires(OBJECTION_HEAR)
def leave_item(public_id: str, item_id: str) -> Response:
    """Take back what was found otherwise."""
    entry, case = _case(public_id)
    objecting.leave(entry, case, _item(entry, case, item_id).id, actor())
    return commit_and_go(url_for(".objection", public_id=public_id), _("This indicator stays as decided."))
