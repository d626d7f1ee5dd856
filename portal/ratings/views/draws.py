"""Drawing the inspectors of a round: announced and drawn by the district, looked at and done again by anybody."""

from flask import Response as FlaskResponse
from flask import abort, jsonify, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal.access import actor, find, public, requires
from portal.accounts.stepping import step_up_required
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import drawing
from portal.ratings.drawing import Draw
from portal.ratings.forms import AnnounceForm, SeedForm
from portal.ratings.models import Entry, Round, RoundState
from portal.ratings.policy import ROUND_MANAGE
from portal.ratings.views.blueprint import bp
from portal.templating import render


def _round(public_id: str) -> Round:
    return find(ROUND_MANAGE, public_id, selectinload(Round.entries).joinedload(Entry.school))


def _page(round_: Round, **forms: object) -> str:
    draws = drawing.draws_of(round_)
    given = {"announce_form": AnnounceForm(formdata=None), "seed_form": SeedForm(formdata=None), **forms}
    return render(
        "ratings/draw.html",
        round=round_,
        draws=draws,
        waiting=draws[0] if draws and draws[0].seed is None else None,
        teams=drawing.team_names(draws[0], round_) if draws else [],
        is_draft=round_.state == RoundState.DRAFT,
        **given,
    )


@bp.get("/ratings/rounds/<public_id>/draw")
@requires(ROUND_MANAGE)
def draw(public_id: str) -> str:
    """The draws of a round, and the next step of one."""
    return _page(_round(public_id))


@bp.post("/ratings/rounds/<public_id>/draw")
@requires(ROUND_MANAGE)
@step_up_required
def announce_draw(public_id: str) -> Response | tuple[str, int]:
    """Publish what will be drawn from, and where the seed comes from."""
    round_ = _round(public_id)
    form = AnnounceForm()
    if not form.sent_and_valid():
        return _page(round_, announce_form=form, form=form), 422
    drawing.announce(round_, form.kind.data, form.source.data, actor())
    return commit_and_go(url_for(".draw", public_id=public_id), _("Announced. Anybody can see it now."))


@bp.post("/ratings/rounds/<public_id>/draw/result")
@requires(ROUND_MANAGE)
@step_up_required
def make_draw(public_id: str) -> Response | tuple[str, int]:
    """Draw with the seed; the teams are named by it."""
    round_ = _round(public_id)
    form = SeedForm()
    if drawing.waiting(round_) is not None and not form.sent_and_valid():
        return _page(round_, seed_form=form, form=form), 422
    try:
        drawing.draw(round_, form.seed.data or "", actor())
    except RuleBroken as refused:
        if refused.status != 422:
            raise
        form.seed.errors = [refused.message]
        return _page(round_, seed_form=form, form=form), 422
    return commit_and_go(
        url_for(".draw", public_id=public_id), _("Drawn. The teams of all schools are named.")
    )


@bp.get("/stars/draws")
@public
def draws() -> str:
    """What was announced and drawn, for anybody: seeds, fingerprints, and the file to do it again with."""
    return render("ratings/draws.html", draws=drawing.published(), by_hand=drawing.named_by_hand())


@bp.get("/stars/draws/file")
@public
def draw_file() -> FlaskResponse:
    """One draw (``?draw=``) with all that is needed to do it again, as JSON; no names are in it."""
    found = db.session.scalar(
        select(Draw)
        .where(Draw.public_id == request.args.get("draw", "")[:40])
        .options(joinedload(Draw.round))
    )
    if found is None:
        abort(404)
    return jsonify(drawing.told(found))
