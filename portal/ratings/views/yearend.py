"""The stars of a published round as the sheet that goes into the year-end target assessment."""

from flask import Response
from sqlalchemy.orm import joinedload

from portal.access import actor, find, requires
from portal.ratings import yearend
from portal.ratings.models import Round
from portal.ratings.policy import ROUND_MANAGE
from portal.ratings.views.blueprint import bp
from portal.templating import render


def _round(public_id: str) -> Round:
    return find(ROUND_MANAGE, public_id, joinedload(Round.rubric_version))


@bp.get("/ratings/rounds/<public_id>/year-end")
@requires(ROUND_MANAGE)
def year_end(public_id: str) -> str:
    """How many schools' results stand for good, what each star is worth by which document, and the files."""
    round_, on = _round(public_id), actor().on
    entries, others = yearend.final(round_, on, results=False)
    worth, document = yearend.mapping(round_.district_id, on)
    return render(
        "ratings/year_end.html",
        round=round_,
        ready=len(entries),
        others=others,
        worth=sorted(worth.items(), reverse=True),
        document=document,
        setting=yearend.STAR_POINTS.name,
    )


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
    on = actor().on
    answer = Response(yearend.sheet(_round(public_id), on, ending), mimetype=yearend.MIMES[ending])
    answer.headers["Content-Disposition"] = f'attachment; filename="stars-{on.isoformat()}.{ending}"'
    return answer
