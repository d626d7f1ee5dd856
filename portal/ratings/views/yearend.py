"""The stars of a published round as the sheet that goes into the year-end target assessment."""

from flask import Response, abort, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response as Answer

from portal import clock
from portal.access import actor, find, requires
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.ratings import taking_out, yearend
from portal.ratings.models import Round
from portal.ratings.policy import ROUND_MANAGE
from portal.ratings.views.blueprint import bp
from portal.templating import render


def _round(public_id: str) -> Round:
    return find(ROUND_MANAGE, public_id, joinedload(Round.rubric_version))


@bp.get("/ratings/rounds/<public_id>/year-end")
@requires(ROUND_MANAGE)
def year_end(public_id: str) -> str:
    """How many schools' results stand for good, what each star is worth by which document, and the newest sheet."""
    round_, on = _round(public_id), actor().on
    ready, others = taking_out.counts(round_, on)
    last = taking_out.newest(round_)
    worth, document = yearend.mapping(round_.district_id, on)
    return render(
        "ratings/year_end.html",
        round=round_,
        ready=ready,
        others=others,
        worth=sorted(worth.items(), reverse=True),
        document=document,
        setting=yearend.STAR_POINTS.name,
        made=taking_out.newest_made(round_),
        waiting=last is not None and last.content is None,
    )


@bp.post("/ratings/rounds/<public_id>/year-end")
@requires(ROUND_MANAGE)
def make_year_end(public_id: str) -> Answer:
    """Have a sheet made; the worker scores, school by school."""
    taking_out.ask(_round(public_id), actor())
    answer = commit_and_go(
        url_for(".year_end", public_id=public_id),
        _("The sheet is being made. Open the page again in a moment."),
    )
    ring(taking_out.make_sheets)
    return answer


@bp.get("/ratings/rounds/<public_id>/year-end.xlsx")
@requires(ROUND_MANAGE)
def year_end_xlsx(public_id: str) -> Response:
    """The sheet as XLSX."""
    return _file(public_id, "xlsx")


@bp.get("/ratings/rounds/<public_id>/year-end.csv")
@requires(ROUND_MANAGE)
def year_end_csv(public_id: str) -> Response:
    """The sheet as CSV."""
    return _file(public_id, "csv")


def _file(public_id: str, ending: str) -> Response:
    round_ = _round(public_id)
    made = taking_out.newest_made(round_)
    if made is None:
        abort(404)
    on = clock.local(made.asked_at).date()
    answer = Response(taking_out.file(made, round_, ending), mimetype=yearend.MIMES[ending])
    answer.headers["Content-Disposition"] = f'attachment; filename="stars-{on.isoformat()}.{ending}"'
    return answer
