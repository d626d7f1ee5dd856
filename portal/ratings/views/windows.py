"""The days of a step: what they are, extending them with a reason, confirming a provisional last day."""

from flask import url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import long_date
from portal.once import commit_and_go
from portal.ratings import windows
from portal.ratings.forms import ExtensionForm
from portal.ratings.models import Entry, Round
from portal.ratings.policy import WINDOW_MANAGE
from portal.ratings.views.blueprint import bp
from portal.ratings.windows import STEP_NAMES, Window
from portal.templating import render


def _page(found: Window, form: ExtensionForm) -> str:
    round_ = db.session.get_one(Round, found.round_id)
    entry = None
    if found.entry_id is not None:
        entry = db.session.get_one(
            Entry, found.entry_id, options=[joinedload(Entry.school)], populate_existing=True
        )
    return render(
        "ratings/window.html",
        window=found,
        name=STEP_NAMES[windows.Step(found.step)],
        round=round_,
        entry=entry,
        form=form,
        unknown=found.provisional and windows.is_unknown(found, found.last_on),
        over=windows.is_over(windows.Step(found.step), windows.row_of(found), found.last_on, actor().on),
    )


@bp.get("/ratings/windows/<public_id>")
@requires(WINDOW_MANAGE)
def window(public_id: str) -> str:
    """The days of one step."""
    return _page(find(WINDOW_MANAGE, public_id, windows.loading()), ExtensionForm(formdata=None))


@bp.post("/ratings/windows/<public_id>/extension")
@requires(WINDOW_MANAGE)
def extend_window(public_id: str) -> Response | tuple[str, int]:
    """Give a step more days, with a reason."""
    found = find(WINDOW_MANAGE, public_id, windows.loading())
    form = ExtensionForm()
    valid = form.sent_and_valid()
    if valid:
        try:
            windows.extend(found, form.last_on.data, form.reason.data, actor())
        except RuleBroken as error:
            if error.status != 422:
                raise
            form.last_on.errors, valid = [error.message], False
    if not valid:
        return _page(found, form), 422
    return commit_and_go(
        url_for(".window", public_id=public_id),
        _("Extended until %(day)s. The school sees the reason.", day=long_date(found.last_on)),
    )


@bp.post("/ratings/windows/<public_id>/confirmation")
@requires(WINDOW_MANAGE)
def confirm_window(public_id: str) -> Response:
    """Confirm a provisional last day once the calendar of its year is known."""
    day = windows.confirm(find(WINDOW_MANAGE, public_id), actor())
    return commit_and_go(
        url_for(".window", public_id=public_id), _("Confirmed: the last day is %(day)s.", day=long_date(day))
    )
