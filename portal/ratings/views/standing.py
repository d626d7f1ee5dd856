"""After the decision: naming, certificates and their public check, light checks, measures against a standing."""

import io
from datetime import timedelta

from flask import abort, send_file, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import actor, find, public, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.once import commit_and_go
from portal.ratings import appealing, evidence, naming, programmes, rechecking, standing
from portal.ratings.forms import (
    AppealForm,
    ChecksForm,
    FindingForm,
    MeasureForm,
    RespondForm,
    SettleForm,
    check_report_form,
)
from portal.ratings.models import Entry, EntryState, Round, RoundState
from portal.ratings.policy import ENTRY_ASSESS, ENTRY_MANAGE, ENTRY_READ, ROUND_MANAGE
from portal.ratings.standing import (
    CHECK_NAMES,
    MEASURE_KIND_NAMES,
    MEASURE_NAMES,
    CheckState,
    MeasureKind,
    MeasureState,
    Naming,
    NamingKind,
)
from portal.ratings.views.blueprint import bp
from portal.schools.models import School
from portal.templating import render

LOADED = (
    joinedload(Entry.school).joinedload(School.district),
    joinedload(Entry.round).joinedload(Round.rubric_version),
)
REPORT_DAYS = timedelta(days=21)


def _shown(entry: Entry) -> dict[str, object]:
    """What both sides see of a standing."""
    namings = standing.namings_of(entry)
    checks, measures = standing.checks_of(entry), standing.measures_of(entry)
    now = namings[-1] if namings else None
    return {
        "entry": entry,
        "namings": namings,
        "now": now,
        "state": naming.state_of(now, actor().on) if now else "",
        "title": programmes.of(entry.round.programme).title,
        "checks": [(check, rechecking.lines_of(entry, check)) for check in checks],
        "check_names": CHECK_NAMES,
        "measures": measures,
        "appeals": standing.appeals_of(entry),
        "measure": standing.open_measure(measures),
        "measure_names": MEASURE_NAMES,
        "kind_names": MEASURE_KIND_NAMES,
        "CheckState": CheckState,
        "MeasureState": MeasureState,
        "NamingKind": NamingKind,
    }


# The district


def _district_page(entry: Entry, **forms: object) -> str:
    shown = _shown(entry)
    measure = shown["measure"]
    check = rechecking.current_check(entry)
    now = shown["now"]
    held = now.star if isinstance(now, Naming) and shown["state"] == "valid" else 0
    reported = check is not None and check.state == CheckState.REPORTED
    silent = check is not None and standing.refusal(check, "doubt_silence", actor()) is None
    given = {
        "finding_form": FindingForm.offering(reported, not (check and check.question), formdata=False)
        if reported or silent
        else None,
        "measure_form": MeasureForm.offering(
            held, formdata=False, word=programmes.of(entry.round.programme).word
        )
        if measure is None
        else None,
        "settle_form": SettleForm(formdata=None, prefix="settle-"),
        **forms,
    }
    may = lambda verb: (  # noqa: E731
        isinstance(measure, standing.Measure) and standing.refusal(measure, verb, actor()) is None
    )
    return render(
        "ratings/standing.html",
        **shown,
        may=may,
        refused=standing.refusal(measure, "settle", actor())
        if isinstance(measure, standing.Measure)
        else None,
        published=entry.state == EntryState.DECIDED and entry.round.state == RoundState.PUBLISHED,
        **given,
    )


@bp.get("/ratings/entries/<public_id>/standing", endpoint="standing")
@requires(ENTRY_MANAGE)
def standing_page(public_id: str) -> str:
    """What the school holds now, its light checks, and measures against it."""
    return _district_page(find(ENTRY_MANAGE, public_id, *LOADED))


@bp.post("/ratings/entries/<public_id>/finding")
@requires(ENTRY_MANAGE)
def judge_check(public_id: str) -> Response | tuple[str, int]:
    """The finding on a light check: the standing is kept, the school is asked once more, or it is rated again."""
    entry = find(ENTRY_MANAGE, public_id, *LOADED)
    check = rechecking.current_check(entry)
    if check is None or check.state not in (CheckState.ASKED, CheckState.REPORTED):
        raise RuleBroken(_("There is no light check of this school."))
    reported = check.state == CheckState.REPORTED
    form = FindingForm.offering(reported, not check.question, formdata=True)
    if not form.sent_and_valid():
        return _district_page(entry, finding_form=form), 422
    act = {"keep": rechecking.keep, "ask": rechecking.ask_again, "doubt": rechecking.doubt}
    act[form.outcome.data](entry, form.text.data, actor())
    return commit_and_go(url_for(".standing", public_id=public_id), _("Kept. The school reads your reasons."))


@bp.post("/ratings/entries/<public_id>/measures")
@requires(ENTRY_MANAGE)
def propose_measure(public_id: str) -> Response | tuple[str, int]:
    """Propose a re-rating, a downgrade or a removal; the school is heard first."""
    entry = find(ENTRY_MANAGE, public_id, *LOADED)
    now = standing.present(entry)
    held = now.star if now is not None and naming.state_of(now, actor().on) == "valid" else 0
    form = MeasureForm.offering(held, formdata=True, word=programmes.of(entry.round.programme).word)
    if not form.sent_and_valid():
        return _district_page(entry, measure_form=form), 422
    star = int(form.to_star.data) if form.to_star.data else None
    rechecking.propose(entry, MeasureKind(form.kind.data), star, form.reason.data, actor())
    return commit_and_go(
        url_for(".standing", public_id=public_id), _("Proposed. The school reads it and may answer first.")
    )


@bp.post("/ratings/entries/<public_id>/measures/hearing")
@requires(ENTRY_MANAGE)
def close_measure_hearing(public_id: str) -> Response:
    """Go on when the school did not answer in its time."""
    rechecking.go_on(find(ENTRY_MANAGE, public_id, *LOADED), actor())
    return commit_and_go(
        url_for(".standing", public_id=public_id), _("The time to answer is over. A second person decides.")
    )


@bp.post("/ratings/entries/<public_id>/measures/withdrawal")
@requires(ENTRY_MANAGE)
def take_measure_back(public_id: str) -> Response:
    """Take one's own proposal back."""
    rechecking.take_back(find(ENTRY_MANAGE, public_id, *LOADED), actor())
    return commit_and_go(url_for(".standing", public_id=public_id), _("Taken back. The record of it stays."))


@bp.post("/ratings/entries/<public_id>/measures/settlement")
@requires(ENTRY_MANAGE)
def settle_measure(public_id: str) -> Response | tuple[str, int]:
    """A second person settles a measure or drops it."""
    entry = find(ENTRY_MANAGE, public_id, *LOADED)
    form = SettleForm(prefix="settle-")
    if not form.sent_and_valid():
        return _district_page(entry, settle_form=form), 422
    rechecking.settle(entry, form.outcome.data == "settle", form.text.data, actor())
    return commit_and_go(
        url_for(".standing", public_id=public_id), _("Settled. The public page shows what stands now.")
    )


@bp.post("/ratings/rounds/<public_id>/naming")
@requires(ROUND_MANAGE)
def name_schools(public_id: str) -> Response:
    """Name every school whose result can no longer change."""
    round_ = find(ROUND_MANAGE, public_id)
    made = naming.name_schools(round_, actor())
    return commit_and_go(
        url_for(".round_page", public_id=public_id),
        ngettext(
            "%(num)s school is named. Its certificate can be printed.",
            "%(num)s schools are named. Their certificates can be printed.",
            len(made),
        ),
    )


def _round(public_id: str) -> Round:
    return find(ROUND_MANAGE, public_id, joinedload(Round.rubric_version))


def _checks_page(round_: Round, form: ChecksForm) -> str:
    return render(
        "ratings/round_checks.html", round=round_, form=form, due=rechecking.due_for_check(round_, actor().on)
    )


@bp.get("/ratings/rounds/<public_id>/checks")
@requires(ROUND_MANAGE)
def round_checks(public_id: str) -> str:
    """Prepare the light check of this year for the named schools of a round."""
    round_ = _round(public_id)
    form = ChecksForm.offering(rechecking.may_check(round_), formdata=False)
    form.due_on.data = actor().on + REPORT_DAYS
    return _checks_page(round_, form)


@bp.post("/ratings/rounds/<public_id>/checks")
@requires(ROUND_MANAGE)
def start_checks(public_id: str) -> Response | tuple[str, int]:
    """Ask the named schools for their short reports."""
    round_ = _round(public_id)
    form = ChecksForm.offering(rechecking.may_check(round_), formdata=True)
    if not form.sent_and_valid():
        return _checks_page(round_, form), 422
    made = rechecking.start_checks(round_, form.items.data, form.due_on.data, actor())
    return commit_and_go(
        url_for(".round_page", public_id=public_id),
        ngettext("%(num)s school is asked for its report.", "%(num)s schools are asked for their reports.", len(made)),
    )  # fmt: skip


# The school


def own_page(entry: Entry, **forms: object) -> str:
    """The school's own page of its standing; ``forms``: what was typed and has to be put right."""
    shown = _shown(entry)
    measure, check = shown["measure"], rechecking.current_check(entry)
    asked = check is not None and check.state == CheckState.ASKED
    given: dict[str, object] = {
        "check_form": check_report_form(rechecking.lines_of(entry, check), False, check.clean)
        if check is not None and asked
        else None,
        "respond_form": RespondForm(formdata=None, prefix="respond-"),
        "appeal_form": AppealForm(formdata=None, prefix="appeal-"),
        **forms,
    }
    return render(
        "ratings/own_standing.html",
        **shown,
        check=check,
        may_respond=isinstance(measure, standing.Measure)
        and standing.refusal(measure, "respond", actor()) is None,
        settled=appealing.newest_settled(entry),
        may_appeal=appealing.refusal(entry, actor()) is None,
        may_withdraw=appealing.open_case(entry) is not None,
        **given,
    )


@bp.get("/ratings/assessments/<public_id>/standing")
@requires(ENTRY_ASSESS)
def own_standing(public_id: str) -> str:
    """What our school holds now, the report that is asked for, and a measure to answer."""
    return own_page(find(ENTRY_ASSESS, public_id, *LOADED))


@bp.post("/ratings/assessments/<public_id>/check-report")
@requires(ENTRY_ASSESS)
def report_check(public_id: str) -> Response | tuple[str, int]:
    """Send the short report of a light check."""
    entry = find(ENTRY_ASSESS, public_id, *LOADED)
    check = rechecking.current_check(entry)
    if check is None or check.state != CheckState.ASKED:
        raise RuleBroken(_("There is no light check of this school."))
    form = check_report_form(rechecking.lines_of(entry, check), True)
    valid = form.sent_and_valid()
    fields = [field for field in form if field.short_name.startswith("said_")]
    for field in fields:
        named = evidence.named_in(entry.school_id, field.data or "")
        if named:
            field.errors, valid = [named], False
    if not valid:
        return own_page(entry, check_form=form), 422
    said = {field.description: field.data for field in fields}
    rechecking.report(entry, said, form["clean"].data == "yes", actor())
    return commit_and_go(
        url_for(".own_standing", public_id=public_id), _("Sent. The district office reads it next.")
    )


@bp.post("/ratings/assessments/<public_id>/measure-answer")
@requires(ENTRY_ASSESS)
def answer_measure(public_id: str) -> Response | tuple[str, int]:
    """What our school says to a proposed measure."""
    entry = find(ENTRY_ASSESS, public_id, *LOADED)
    form = RespondForm(prefix="respond-")
    measure = standing.open_measure(standing.measures_of(entry))
    if measure is not None and not form.sent_and_valid():
        return own_page(entry, respond_form=form), 422
    rechecking.respond(entry, form.text.data or "", actor())
    return commit_and_go(
        url_for(".own_standing", public_id=public_id), _("Sent. A second person of the district decides.")
    )


@bp.get("/ratings/entries/<public_id>/certificate.pdf")
@requires(ENTRY_READ)
def certificate(public_id: str) -> Response:
    """The certificate as a signed PDF, for the school and the district."""
    entry = find(ENTRY_READ, public_id)
    now = standing.present(entry)
    if now is None or now.kind == NamingKind.REMOVED:
        abort(404)
    full = db.session.scalars(naming.loaded([Naming.id == now.id])).one()
    made: Response = send_file(
        io.BytesIO(naming.paper(full)), mimetype="application/pdf", download_name="certificate.pdf"
    )
    return made


# Everybody


@bp.get("/stars/certificates/<public_id>")
@public
def certificate_check(public_id: str) -> str:
    """Whether a certificate is genuine and what it says today."""
    found = db.session.scalars(naming.loaded([Naming.public_id == public_id])).one_or_none()
    if found is None:
        abort(404)
    return render(
        "ratings/certificate_check.html",
        naming=found,
        state=naming.state_of(found, clock.today()),
        behind=standing.replaced_by(found),
        genuine=naming.is_genuine(found),
        title=naming.title_of(found),
        kind_names=standing.NAMING_NAMES,
        examined_until=standing.examined_until(found.entry),
    )
