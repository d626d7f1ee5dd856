"""What the district found at a rated school: raised with a day, mended by the school, confirmed or given back."""

from datetime import timedelta

from flask import request, url_for
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import findings, improving
from portal.ratings.forms import RaiseForm
from portal.ratings.models import Entry, RoundState
from portal.ratings.policy import ENTRY_MANAGE
from portal.ratings.views.blueprint import bp
from portal.ratings.views.improvements import LOADED, fit_for_public, titles_of
from portal.templating import render

USUAL_DAYS = timedelta(days=30)


def _page(entry: Entry, form: RaiseForm) -> str:
    return render(
        "ratings/findings.html",
        entry=entry,
        published=entry.round.state == RoundState.PUBLISHED,
        rows=[one for one in improving.improvements_of(entry) if one.is_finding],
        titles=titles_of(entry),
        form=form,
    )


@bp.get("/ratings/entries/<public_id>/findings")
@requires(ENTRY_MANAGE)
def findings_of_entry(public_id: str) -> str:
    """What the school was asked to mend, and a form for more."""
    entry = find(ENTRY_MANAGE, public_id, *LOADED)
    form = RaiseForm.offering(titles_of(entry), formdata=False)
    form.due_on.data = actor().on + USUAL_DAYS
    return _page(entry, form)


@bp.post("/ratings/entries/<public_id>/findings")
@requires(ENTRY_MANAGE)
def raise_finding(public_id: str) -> Response | tuple[str, int]:
    """Ask the school to mend something by a day."""
    entry = find(ENTRY_MANAGE, public_id, *LOADED)
    if entry.round.state != RoundState.PUBLISHED:
        raise RuleBroken(_("The results are not published yet."))
    form = RaiseForm.offering(titles_of(entry), formdata=True)
    if not fit_for_public(entry, form):
        return _page(entry, form), 422
    findings.raise_finding(entry, form["item"].data, form.text.data, form.due_on.data, actor())
    return commit_and_go(url_for(".findings_of_entry", public_id=public_id), _("Kept. The school sees it."))


@bp.post("/ratings/entries/<public_id>/findings/verdict")
@requires(ENTRY_MANAGE)
def settle_finding(public_id: str) -> Response:
    """Confirm that it was mended, or give it back to the school."""
    entry = find(ENTRY_MANAGE, public_id, *LOADED)
    mended = request.form.get("mended") == "y"
    findings.settle(entry, request.form.get("which", ""), mended, actor())
    return commit_and_go(
        url_for(".findings_of_entry", public_id=public_id),
        _("Confirmed.") if mended else _("Given back to the school."),
    )
