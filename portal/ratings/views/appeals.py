"""Appeals against a measure: the school files one; two people of the district office who took no part before answer it."""

from flask import abort, url_for
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import appealing, naming, programmes, signatures, standing
from portal.ratings.forms import AppealForm, AppealOutcomeForm
from portal.ratings.models import Entry
from portal.ratings.policy import APPEAL_HEAR, ENTRY_ASSESS
from portal.ratings.standing import APPEAL_TIERS, MEASURE_KIND_NAMES, MEASURE_NAMES, Appeal, Measure
from portal.ratings.views.blueprint import bp
from portal.ratings.views.standing import LOADED, own_page
from portal.templating import render


@bp.post("/ratings/assessments/<public_id>/measure-appeal")
@requires(ENTRY_ASSESS)
@step_up_required
def appeal_measure(public_id: str) -> Response | tuple[str, int]:
    """The school's appeal against a settled measure."""
    entry, form = find(ENTRY_ASSESS, public_id, *LOADED), AppealForm(prefix="appeal-")
    why = appealing.refusal(entry, actor())
    if why:
        raise RuleBroken(why)
    if not form.sent_and_valid():
        return own_page(entry, appeal_form=form), 422
    appealing.file(entry, form.text.data or "", actor())
    return commit_and_go(
        url_for(".own_standing", public_id=public_id),
        _("It is with the office. This page shows until when the answer comes."),
    )


@bp.post("/ratings/assessments/<public_id>/measure-appeal/withdrawal")
@requires(ENTRY_ASSESS)
def withdraw_appeal(public_id: str) -> Response:
    """Take the school's own appeal against a measure back."""
    appealing.withdraw(find(ENTRY_ASSESS, public_id, *LOADED), actor())
    return commit_and_go(url_for(".own_standing", public_id=public_id), _("Taken back. The measure stands."))


def _case(public_id: str) -> tuple[Entry, Appeal]:
    entry = find(APPEAL_HEAR, public_id, *LOADED)
    case = appealing.open_case(entry)
    if case is None:
        abort(404)
    return entry, case


def _page(entry: Entry, case: Appeal, form: AppealOutcomeForm) -> str:
    measure = db.session.get_one(Measure, case.measure_id)
    now = standing.present(entry)
    return render(
        "ratings/appeal.html",
        entry=entry,
        case=case,
        measure=measure,
        earlier=[one for one in standing.appeals_of(entry)[measure.id] if one.id != case.id],
        now=now,
        state=naming.state_of(now, actor().on) if now else "",
        title=programmes.of(entry.round.programme).title,
        tier=APPEAL_TIERS[case.tier],
        measure_names=MEASURE_NAMES,
        kind_names=MEASURE_KIND_NAMES,
        hindrance=standing.refusal(case, "uphold_appeal", actor()),
        signature=signatures.waiting(case, appealing.ANSWERS),
        me=actor().person_id,
        form=form,
    )


@bp.get("/ratings/entries/<public_id>/appeal")
@requires(APPEAL_HEAR)
def appeal(public_id: str) -> str:
    """What the school says against a measure, the measure with its reasons, and the answer."""
    return _page(*_case(public_id), AppealOutcomeForm(formdata=None))


@bp.post("/ratings/entries/<public_id>/appeal")
@requires(APPEAL_HEAR)
@step_up_required
def answer_appeal(public_id: str) -> Response | tuple[str, int]:
    """Answer with reasons as the first of two people: the measure stands, or it is annulled."""
    entry, case = _case(public_id)
    form = AppealOutcomeForm()
    if not form.sent_and_valid():
        return _page(entry, case, form), 422
    appealing.sign_answer(entry, case, form.outcome.data == "annul", form.text.data or "", actor())
    return commit_and_go(
        url_for(".appeal", public_id=public_id),
        _("Signed. The school has the answer when a second person countersigns."),
    )


@bp.post("/ratings/entries/<public_id>/appeal/countersignature")
@requires(APPEAL_HEAR)
@step_up_required
def countersign_appeal(public_id: str) -> Response:
    """Answer an appeal against a measure as the second person."""
    entry, case = _case(public_id)
    appealing.answer(entry, case, actor())
    return commit_and_go(
        url_for("home.index"), _("Answered. The school sees the reasons and what it may do next.")
    )


@bp.post("/ratings/entries/<public_id>/appeal/withdrawal")
@requires(APPEAL_HEAR)
def withdraw_appeal_answer(public_id: str) -> Response:
    """Take back the signature under an answer."""
    _entry, case = _case(public_id)
    signatures.take_back(case, appealing.ANSWERS, actor())
    return commit_and_go(
        url_for(".appeal", public_id=public_id), _("The signature is taken back. The record of it stays.")
    )
