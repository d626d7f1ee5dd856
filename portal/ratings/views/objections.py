"""Objections and appeals: the school files one; somebody of the district who took no part before answers it."""

from flask import abort, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.files.intake import NotTaken, chosen, take
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import assessing, deciding, evidence, objecting, questions, remedies, signatures, states
from portal.ratings.canonical import canonical, restored
from portal.ratings.forms import ObjectionForm, OutcomeForm, VetoAsideForm
from portal.ratings.models import TIER_NAMES, Entry, Objection, Round
from portal.ratings.policy import ENTRY_ASSESS, OBJECTION_HEAR
from portal.ratings.reading import case_view, frozen_items, points, reading_of, reasons
from portal.ratings.rubric import Item
from portal.ratings.rubrics import items_of, rubric_of, words
from portal.ratings.views.assessments import entry_to_assess, read_page
from portal.ratings.views.blueprint import bp
from portal.templating import render

LOADED = (
    joinedload(Entry.school),
    joinedload(Entry.round).joinedload(Round.rubric_version),
    joinedload(Entry.round).joinedload(Round.district),
)


@bp.post("/ratings/assessments/<public_id>/objection")
@requires(ENTRY_ASSESS)
@step_up_required
def object_to(public_id: str) -> Response | tuple[str, int]:
    """The school's objection to its published result, or its appeal against an answer."""
    entry = find(ENTRY_ASSESS, public_id, *LOADED)
    why = states.refusal(entry, "object", actor())
    if why:
        raise RuleBroken(why)
    form = ObjectionForm.offering(
        objecting.may_name(entry), formdata=True, vetoes=objecting.standing_vetoes(entry)
    )
    valid = form.sent_and_valid()
    uploads = chosen(form.files.data or [])
    if len(uploads) > evidence.MOST:
        form.files.errors, valid = [evidence.too_many(0)], False
    if not valid:
        form.ask_for_files_again()
        return read_page(entry_to_assess(public_id), objection_form=form), 422
    try:
        taken = take(uploads) if uploads else []
    except NotTaken as refused:
        form.files.errors = [refused.message]
        return read_page(entry_to_assess(public_id), objection_form=form), refused.status
    entry = find(ENTRY_ASSESS, public_id, *LOADED)
    case = objecting.file(entry, form.items.data, form.text.data, actor())
    evidence.attach(entry, case.tier, taken, str(TIER_NAMES[case.tier]), actor())
    return commit_and_go(
        url_for(".assessment", public_id=public_id),
        _("It is with the office. This page shows until when the answer comes."),
    )


@bp.post("/ratings/assessments/<public_id>/objection/withdrawal")
@requires(ENTRY_ASSESS)
def withdraw_objection(public_id: str) -> Response:
    """Take the school's own objection or appeal back."""
    objecting.withdraw(find(ENTRY_ASSESS, public_id, *LOADED), actor())
    return commit_and_go(url_for(".assessment", public_id=public_id), _("Taken back. The result stands."))


def case_of(public_id: str) -> tuple[Entry, Objection]:
    """A school and its case that this person may answer; 404 when there is none."""
    entry = find(OBJECTION_HEAR, public_id, *LOADED)
    case = remedies.open_case(remedies.cases_of(entry))
    if case is None:
        abort(404)
    return entry, case


def _item(entry: Entry, case: Objection, item_id: str) -> Item:
    if item_id not in case.named or item_id.startswith(deciding.VETO):
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
        view=case_view(rubric, entry, case, evidence.of_objections(entry)),
        veto=deciding.VETO,
        earlier=[case_view(rubric, entry, one) for one in cases if one.id != case.id],
        reading=reading_of(rubric, deciding.stored_result(entry)),
        again=reading_of(rubric, objecting.result_with(entry, case)) if changed else None,
        hindrance=states.refusal(case, "uphold", actor()),
        signature=signatures.waiting(case, objecting.ANSWERS),
        me=actor().person_id,
        form=form,
    )


@bp.get("/ratings/entries/<public_id>/objection")
@requires(OBJECTION_HEAR)
def objection(public_id: str) -> str:
    """What the school says, what was decided, and the answer."""
    return _page(*case_of(public_id), OutcomeForm(formdata=None))


@bp.post("/ratings/entries/<public_id>/objection")
@requires(OBJECTION_HEAR)
@step_up_required
def answer_objection(public_id: str) -> Response | tuple[str, int]:
    """Answer with reasons as the first of two people: the result stands, or it is scored again with what was found."""
    entry, case = case_of(public_id)
    form = OutcomeForm()
    if not form.sent_and_valid():
        return _page(entry, case, form), 422
    try:
        objecting.sign_answer(entry, case, form.outcome.data == "change", form.text.data, actor())
    except RuleBroken as error:
        if error.status != 422:
            raise
        form.outcome.errors = [error.message]
        return _page(entry, case, form), 422
    return commit_and_go(
        url_for(".objection", public_id=public_id),
        _("Signed. The school has the answer when a second person countersigns."),
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
    entry, case = case_of(public_id)
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
    entry, case = case_of(public_id)
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
    entry, case = case_of(public_id)
    if item_id not in case.named:
        abort(404)
    objecting.leave(entry, case, item_id, actor())
    return commit_and_go(url_for(".objection", public_id=public_id), _("This indicator stays as decided."))


def _veto_page(entry: Entry, case: Objection, veto_id: str, form: VetoAsideForm) -> str:
    titles = objecting.standing_vetoes(entry)
    name = f"{deciding.VETO}{veto_id}"
    return render(
        "ratings/objection_veto.html",
        entry=entry,
        name=name,
        veto_id=veto_id,
        title=titles.get(name, veto_id),
        events=[one for one in deciding.vetoes_of(entry) if one.veto_id == veto_id and one.stands],
        found=name in restored(case.changes),
        form=form,
    )


def _veto_case(public_id: str, veto_id: str) -> tuple[Entry, Objection]:
    entry, case = case_of(public_id)
    if f"{deciding.VETO}{veto_id}" not in case.named:
        abort(404)
    return entry, case


@bp.get("/ratings/entries/<public_id>/objection/vetoes/<struck>")
@requires(OBJECTION_HEAR)
def objection_veto(public_id: str, struck: str) -> str:
    """A veto the school objects to: who established what, and whether it holds."""
    entry, case = _veto_case(public_id, struck)
    found = restored(case.changes).get(f"{deciding.VETO}{struck}")
    data = {"reason": found["reason"]} if found else {}
    return _veto_page(entry, case, struck, VetoAsideForm(formdata=None, data=data))


@bp.post("/ratings/entries/<public_id>/objection/vetoes/<struck>")
@requires(OBJECTION_HEAR)
def set_veto_aside(public_id: str, struck: str) -> Response | tuple[str, int]:
    """Find that a veto does not hold."""
    entry, case = _veto_case(public_id, struck)
    form = VetoAsideForm()
    if not form.sent_and_valid():
        return _veto_page(entry, case, struck, form), 422
    objecting.set_veto_aside(entry, case, f"{deciding.VETO}{struck}", form.reason.data, actor())
    return commit_and_go(url_for(".objection", public_id=public_id), _("Kept. It counts when you answer."))
