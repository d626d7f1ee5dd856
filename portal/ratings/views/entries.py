"""One school in a round as the district sees it: materials, return, acceptance, vetoes, decision."""

from flask import abort, url_for
from flask_login import current_user
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.accounts.models import Person
from portal.accounts.stepping import step_up_required
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import (
    assessing,
    conflicts,
    deciding,
    drawing,
    evidence,
    hearing,
    improving,
    inspecting,
    interests,
    panels,
    programmes,
    records,
    remedies,
    running,
    signatures,
    states,
    teams,
    windows,
)
from portal.ratings.canonical import canonical, restored
from portal.ratings.forms import (
    DecisionForm,
    ReasonForm,
    ReopenForm,
    ReplacementForm,
    VetoForm,
    VoidForm,
    decision_form,
)
from portal.ratings.models import ENTRY_STATE_NAMES, Entry, EntryState, Round, Sheet, VetoEvent
from portal.ratings.policy import ENTRY_MANAGE, OBJECTION_HEAR
from portal.ratings.reading import case_view, reading_of, sections, summary_of
from portal.ratings.rubric import Result, RubricError
from portal.ratings.rubrics import items_of, rubric_of, words
from portal.ratings.views.blueprint import bp
from portal.ratings.windows import STEP_NAMES
from portal.schools.calendar import is_provisional
from portal.templating import render


def entry_of(public_id: str) -> Entry:
    """A school in a round of the own district, with all its page needs; 404 for any other."""
    return find(
        ENTRY_MANAGE,
        public_id,
        joinedload(Entry.school),
        joinedload(Entry.round).joinedload(Round.rubric_version),
        joinedload(Entry.round).joinedload(Round.school_year),
        selectinload(Entry.sheets).joinedload(Sheet.person),
        selectinload(Entry.vetoes),
    )


def _page(entry: Entry, **forms: object) -> str:
    rubric = rubric_of(entry.round.rubric_version)
    snapshot = assessing.latest_snapshot(entry)
    result: Result | None = None
    if entry.state == EntryState.DECIDED:
        result = deciding.stored_result(entry)
    elif entry.state in (EntryState.AGREED, EntryState.OPINED, EntryState.HEARD):
        result = _preview(entry)
    vetoes = {veto["id"]: words(veto["title"]) for veto in rubric.settings["vetoes"] if "when" not in veto}
    voidable = {one.public_id: one.person.name for one in teams.may_void(entry)}
    lacks = teams.lacks(entry) if entry.state in teams.RUNNING else None
    cases = remedies.cases_of(entry) if entry.state == EntryState.DECIDED else []
    sent = evidence.of_objections(entry) if cases else {}
    given = {
        "return_form": ReasonForm(formdata=None),
        "void_form": VoidForm.offering(voidable, formdata=False),
        "join_form": _joining(entry, formdata=False) if lacks else None,
        "veto_form": VetoForm.offering(vetoes, formdata=False),
        "decide_form": decision_form(rubric, formdata=False, gates=restored(entry.gates)),
        "again_form": ReopenForm.offering(hearing.may_reopen(entry), formdata=False)
        if entry.state == EntryState.HEARD
        else None,
        **forms,
    }
    return render(
        "ratings/entry.html",
        entry=entry,
        State=EntryState,
        names=ENTRY_STATE_NAMES,
        rubric=rubric,
        snapshot=snapshot,
        sections=sections(rubric, result, snapshot),
        reading=reading_of(rubric, result) if result else None,
        summary=summary_of(snapshot),
        interests=interests.of_entry(entry),
        lacks=lacks,
        meetings=panels.meetings_of(entry.id) if entry.round.has_panel else [],
        no_proposal=panels.hindrance(entry) if entry.state == EntryState.AGREED else None,
        voidable=voidable,
        void_signature=signatures.waiting(entry, ("rerun",)) if voidable else None,
        used_again=evidence.used_again(entry, named=True) if snapshot else [],
        result=result,
        veto_names=vetoes,
        questioned=inspecting.questioned(entry) if entry.state != EntryState.SELF_ASSESSING else [],
        me=current_user.person_id,
        heard=programmes.of(entry.round.programme).heard,
        improvements=improving.improvements_of(entry) if entry.state == EntryState.DECIDED else [],
        item_titles={name: f"{name} {words(item.title)}" for name, item in items_of(rubric).items()},
        has_record=bool(entry.state == EntryState.DECIDED and records.records_of(entry.id)),
        refusal=lambda verb: states.refusal(entry, verb, actor()),
        is_provisional=entry.defence_due_on is not None
        and is_provisional(entry.defence_due_on, entry.round.district_id),
        cases=[case_view(rubric, entry, case, sent) for case in cases],
        windows=windows.shown(entry.round_id, entry.id),
        step_names=STEP_NAMES,
        waiting=remedies.open_case(cases),
        signature=signatures.waiting(entry, states.DECIDING)
        if entry.state in (EntryState.AGREED, EntryState.HEARD)
        else None,
        may_hear=bool(remedies.open_case(cases)) and OBJECTION_HEAR.holds_for(actor(), entry),
        **given,
    )


def _free(entry: Entry) -> list[Person]:
    """Who may join the team of a running school."""
    tied, known = conflicts.stepping_aside(entry), {one.person_id for one in entry.sheets}
    people = teams.inspectors_of(entry.round.district_id)
    return [one for one in people if one.id not in known and (one.id, entry.school_id) not in tied]


def _joining(entry: Entry, formdata: bool) -> ReplacementForm:
    """Who may join the team, and whose turn it is where the round draws."""
    free, by_draw = _free(entry), entry.round.by_draw
    turn = drawing.next_of(entry, free) if by_draw else None
    return ReplacementForm.offering(free, turn, by_draw, formdata)


def _preview(entry: Entry) -> Result | None:
    try:
        return deciding.result_of(entry, deciding.inputs_of(entry))
    except RubricError:
        return None


@bp.get("/ratings/entries/<public_id>")
@requires(ENTRY_MANAGE)
def entry(public_id: str) -> str:
    """A school in the round, with the next step."""
    return _page(entry_of(public_id))


@bp.post("/ratings/entries/<public_id>/acceptance")
@requires(ENTRY_MANAGE)
def accept(public_id: str) -> Response:
    """Accept the self-assessment; the inspectors begin."""
    running.accept(entry_of(public_id), actor())
    return commit_and_go(
        url_for(".entry", public_id=public_id), _("Accepted. Both inspectors can score now.")
    )


@bp.post("/ratings/entries/<public_id>/return")
@requires(ENTRY_MANAGE)
def send_back(public_id: str) -> Response | tuple[str, int]:
    """Return the self-assessment once, with a reason."""
    found = entry_of(public_id)
    form = ReasonForm()
    if not form.sent_and_valid():
        return _page(found, return_form=form, form=form), 422
    running.send_back(found, form.reason.data, actor())
    return commit_and_go(
        url_for(".entry", public_id=public_id), _("Returned. The school sees until when it may correct.")
    )


@bp.post("/ratings/entries/<public_id>/inspectors/replacement")
@requires(ENTRY_MANAGE)
def replace_inspector(public_id: str) -> Response | tuple[str, int]:
    """Take somebody into the team of a running school, where one dropped out."""
    found = entry_of(public_id)
    form = _joining(found, formdata=True)
    if not form.sent_and_valid():
        return _page(found, join_form=form, form=form), 422
    teams.replace(found, form.person_id(), current_user.person_id, form.is_drawn(), form.reason.data or "")
    return commit_and_go(url_for(".entry", public_id=public_id), _("Taken into the team."))


@bp.post("/ratings/entries/<public_id>/void")
@requires(ENTRY_MANAGE)
@step_up_required
def sign_void(public_id: str) -> Response | tuple[str, int]:
    """Sign as the first person that a sheet is void because of a tie found late."""
    found = entry_of(public_id)
    sheets = {one.public_id: one for one in teams.may_void(found)}
    names = {address: one.person.name for address, one in sheets.items()}
    form = VoidForm.offering(names, formdata=True)
    if not form.sent_and_valid():
        return _page(found, void_form=form, form=form), 422
    running.sign_void(found, sheets[form.sheet.data], form.reason.data, actor())
    return commit_and_go(
        url_for(".entry", public_id=public_id),
        _("Signed. The sheet is void when a second person countersigns."),
    )


@bp.post("/ratings/entries/<public_id>/vetoes")
@requires(ENTRY_MANAGE)
def record_veto(public_id: str) -> Response | tuple[str, int]:
    """Record that a veto item struck."""
    found = entry_of(public_id)
    rubric = rubric_of(found.round.rubric_version)
    vetoes = {veto["id"]: words(veto["title"]) for veto in rubric.settings["vetoes"] if "when" not in veto}
    form = VetoForm.offering(vetoes, formdata=True)
    if not form.sent_and_valid():
        return _page(found, veto_form=form, form=form), 422
    deciding.record_veto(found, form.veto.data, form.reason.data, current_user.person_id)
    return commit_and_go(
        url_for(".entry", public_id=public_id), _("Recorded. It counts when a second person confirms it.")
    )


def _veto(found: Entry, veto_public_id: str) -> VetoEvent:
    event = next((veto for veto in found.vetoes if veto.public_id == veto_public_id), None)
    if event is None:
        abort(404)
    return event


@bp.post("/ratings/entries/<public_id>/vetoes/<veto_id>/confirmation")
@requires(ENTRY_MANAGE)
def confirm_veto(public_id: str, veto_id: str) -> Response:
    """Confirm a veto as the second person."""
    found = entry_of(public_id)
    deciding.confirm_veto(found, _veto(found, veto_id), current_user.person_id)
    return commit_and_go(url_for(".entry", public_id=public_id), _("The veto stands."))


@bp.post("/ratings/entries/<public_id>/vetoes/<veto_id>/withdrawal")
@requires(ENTRY_MANAGE)
def drop_veto(public_id: str, veto_id: str) -> Response:
    """Set a veto aside that nobody has confirmed."""
    found = entry_of(public_id)
    deciding.drop_veto(found, _veto(found, veto_id), current_user.person_id)
    return commit_and_go(
        url_for(".entry", public_id=public_id), _("The veto is set aside. The record of it stays.")
    )


def _typed(public_id: str) -> tuple[Entry, DecisionForm, bool]:
    """The school, the form of its opinion or decision as it was sent, and whether all in it is right."""
    found = entry_of(public_id)
    form = decision_form(rubric_of(found.round.rubric_version), formdata=True)
    return found, form, form.sent_and_valid()


@bp.post("/ratings/entries/<public_id>/opinion")
@requires(ENTRY_MANAGE)
def opine(public_id: str) -> Response | tuple[str, int]:
    """Give the school the first opinion."""
    found, form, valid = _typed(public_id)
    if not valid:
        return _page(found, decide_form=form, form=form), 422
    found.gates = canonical({**restored(found.gates), **form.gates()})
    db.session.flush()
    hearing.opine(found, form.remark.data or "", actor())
    return commit_and_go(
        url_for(".entry", public_id=public_id), _("The school has the first opinion and may answer.")
    )


@bp.post("/ratings/entries/<public_id>/hearing")
@requires(ENTRY_MANAGE)
def close_hearing(public_id: str) -> Response:
    """Go on when the school did not answer in its time."""
    hearing.close(entry_of(public_id), actor())
    return commit_and_go(url_for(".entry", public_id=public_id), _("The time to answer is over. Decide now."))


@bp.post("/ratings/entries/<public_id>/reopening")
@requires(ENTRY_MANAGE)
def reopen(public_id: str) -> Response | tuple[str, int]:
    """Send items back to both inspectors because of the school's answer."""
    found = entry_of(public_id)
    form = ReopenForm.offering(hearing.may_reopen(found), formdata=True)
    if found.state == EntryState.HEARD and not form.sent_and_valid():
        return _page(found, again_form=form, form=form), 422
    hearing.reopen(found, form.items.data or [], form.reason.data or "", actor())
    return commit_and_go(
        url_for(".entry", public_id=public_id), _("Both inspectors look at these indicators again.")
    )


@bp.post("/ratings/entries/<public_id>/decision")
@requires(ENTRY_MANAGE)
@step_up_required
def decide(public_id: str) -> Response | tuple[str, int]:
    """Decide about the school as the first of two people."""
    found, form, valid = _typed(public_id)
    if not valid:
        return _page(found, decide_form=form, form=form), 422
    running.sign_decision(found, form.gates(), form.remark.data or "", actor())
    return commit_and_go(
        url_for(".entry", public_id=public_id),
        _("Signed. It is decided when a second person countersigns."),
    )
