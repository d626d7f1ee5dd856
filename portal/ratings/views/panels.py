"""The panel of a school: the minutes of its meetings, each with a proposal."""

from flask import url_for
from werkzeug.wrappers import Response

from portal.access import actor, requires
from portal.errors import RuleBroken
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import panels
from portal.ratings.conflicts import conflicts
from portal.ratings.forms import PanelForm
from portal.ratings.models import Entry, EntryState
from portal.ratings.policy import ENTRY_MANAGE
from portal.ratings.views.blueprint import bp
from portal.ratings.views.entries import entry_of
from portal.templating import render


def _form(entry: Entry, formdata: bool) -> PanelForm:
    form = PanelForm() if formdata else PanelForm(formdata=None)
    form.offer(panels.candidates(entry.round.district_id))
    return form


def _page(entry: Entry, form: PanelForm) -> str:
    people = panels.candidates(entry.round.district_id)
    tied = conflicts([entry.school_id])
    return render(
        "ratings/panel.html",
        entry=entry,
        form=form,
        may_meet=entry.state == EntryState.AGREED and entry.round.has_panel,
        aside=[
            (one.name, tied[one.id, entry.school_id]) for one in people if (one.id, entry.school_id) in tied
        ],
        meetings=panels.meetings_of(entry.id),
        hindrance=panels.hindrance(entry) if entry.state == EntryState.AGREED else None,
    )


@bp.get("/ratings/entries/<public_id>/panel")
@requires(ENTRY_MANAGE)
def panel(public_id: str) -> str:
    """The minutes about a school, and the form for the next ones."""
    entry = entry_of(public_id)
    return _page(entry, _form(entry, formdata=False))


@bp.post("/ratings/entries/<public_id>/panel")
@requires(ENTRY_MANAGE)
def record_panel(public_id: str) -> Response | tuple[str, int]:
    """Keep the minutes of a meeting; they are frozen."""
    entry = entry_of(public_id)
    form = _form(entry, formdata=True)
    if not form.sent_and_valid():
        return _page(entry, form), 422
    try:
        panels.record(entry, form.minutes(), actor())
    except RuleBroken as refused:
        if refused.status != 422:
            raise
        form.present.errors = [refused.message]
        return _page(entry, form), 422
    return commit_and_go(
        url_for(".entry", public_id=public_id), _("The minutes are kept and cannot be changed.")
    )
