"""The files of an indicator: added with what they show, explained where they were used before, taken out before the submission."""

from flask import request, url_for
from werkzeug.wrappers import Response

from portal.access import actor, requires
from portal.errors import RuleBroken
from portal.files.intake import NotTaken, chosen, take
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.once import commit_and_go
from portal.ratings import evidence as proofs
from portal.ratings.forms import AgainForm, EvidenceForm
from portal.ratings.models import Entry, EntryState
from portal.ratings.policy import ENTRY_ASSESS
from portal.ratings.rubric import Item
from portal.ratings.rubrics import words
from portal.ratings.views.assessments import entry_to_assess, own_item
from portal.ratings.views.blueprint import bp
from portal.templating import render


def _page(entry: Entry, item: Item, form: EvidenceForm, again_form: AgainForm | None = None) -> str:
    rows = proofs.standing(entry, item.id)
    return render(
        "ratings/evidence.html",
        entry=entry,
        item=item,
        title=words(item.title),
        rows=rows,
        uses={
            number: [use.words(named=False) for use in told]
            for number, told in proofs.uses(entry, rows).items()
        },
        there=proofs.still_kept([row.file_public_id for row in rows]),
        form=form,
        again_form=again_form or AgainForm(formdata=None, prefix="again-"),
        is_open=entry.state == EntryState.SELF_ASSESSING,
        most=proofs.MOST,
    )


@bp.get("/ratings/assessments/<public_id>/items/<item_id>/files")
@requires(ENTRY_ASSESS)
def evidence(public_id: str, item_id: str) -> str:
    """The files of one indicator."""
    entry = entry_to_assess(public_id)
    return _page(entry, own_item(entry, item_id), EvidenceForm(formdata=None))


@bp.post("/ratings/assessments/<public_id>/items/<item_id>/files")
@requires(ENTRY_ASSESS)
def add_evidence(public_id: str, item_id: str) -> Response | tuple[str, int]:
    """Add files. They are looked at while no transaction is open."""
    entry = entry_to_assess(public_id)
    item, form = own_item(entry, item_id), EvidenceForm()
    if entry.state != EntryState.SELF_ASSESSING:
        raise RuleBroken(_("The self-assessment is submitted. Nobody can change it now."))
    valid = form.sent_and_valid()
    named = proofs.named_in(entry.school_id, form.shows.data or "", proofs.SHORTEST_NAME)
    if named and not form.not_named.data:
        form.shows.errors, form.asks_again, valid = [named], True, False
    if not valid:
        form.ask_for_files_again()
        return _page(entry, item, form), 422
    uploads = chosen(form.files.data)
    try:
        there = len(proofs.standing(entry, item.id))
        if there + len(uploads) > proofs.MOST:
            raise NotTaken(proofs.too_many(there))
        taken = take(uploads)
        entry = entry_to_assess(public_id)
        made = proofs.add(entry, item.id, taken, form.shows.data, actor())
    except NotTaken as refused:
        form.files.errors = [refused.message]
        return _page(entry_to_assess(public_id), item, form), refused.status
    except RuleBroken as refused:
        if refused.status != 422:
            raise
        form.files.errors = [refused.message]
        return _page(entry_to_assess(public_id), item, form), 422
    message = ngettext("%(num)s file was added.", "%(num)s files were added.", len(made))
    return commit_and_go(url_for(".evidence", public_id=public_id, item_id=item_id), message)


@bp.post("/ratings/assessments/<public_id>/items/<item_id>/files/removal")
@requires(ENTRY_ASSESS)
def remove_evidence(public_id: str, item_id: str) -> Response:
    """Take a file out before the submission."""
    entry = entry_to_assess(public_id)
    item = own_item(entry, item_id)
    proofs.remove(entry, item.id, request.form.get("file", ""), actor())
    return commit_and_go(
        url_for(".evidence", public_id=public_id, item_id=item_id), _("The file is taken out.")
    )


@bp.post("/ratings/assessments/<public_id>/items/<item_id>/files/reason")
@requires(ENTRY_ASSESS)
def explain_evidence(public_id: str, item_id: str) -> Response | tuple[str, int]:
    """Say why the same file stands for something else as well."""
    entry = entry_to_assess(public_id)
    item, form = own_item(entry, item_id), AgainForm(prefix="again-")
    valid = form.sent_and_valid()
    named = proofs.named_in(entry.school_id, form.reason.data or "")
    if valid and named:
        form.reason.errors, valid = [named], False
    if not valid:
        return _page(entry, item, EvidenceForm(formdata=None), form), 422
    proofs.explain(entry, item.id, form.file.data or "", form.reason.data, actor())
    return commit_and_go(url_for(".evidence", public_id=public_id, item_id=item_id), _("Kept."))
