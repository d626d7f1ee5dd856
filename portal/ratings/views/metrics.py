"""What the portal computes from its own records, in words; for a principal with the school's numbers of this year."""

from flask import abort, request, url_for
from sqlalchemy import select

from portal import clock
from portal.access import Role, actor, requires
from portal.extensions import db
from portal.ratings.metrics import METRICS, Metric, Period, period_of
from portal.ratings.policy import ENTRY_ASSESS, ENTRY_READ
from portal.ratings.reading import figure_lines
from portal.ratings.views.blueprint import bp
from portal.schools.models import School, SchoolYear
from portal.templating import render

RECORDS_PER_PAGE = 50


def _period() -> Period | None:
    """This school year of the actor's school, seen today; None before the first year."""
    district = select(School.district_id).where(School.id == actor().school_id).scalar_subquery()
    year = db.session.scalar(
        select(SchoolYear)
        .where(SchoolYear.district_id == district, SchoolYear.starts_on <= clock.today())
        .order_by(SchoolYear.starts_on.desc())
        .limit(1)
    )
    return period_of(year, clock.today()) if year else None


def _lines(metric: Metric, period: Period) -> list[tuple[str, str]]:
    found = metric.figure(metric.records(actor().school_id or 0, period), period)
    return figure_lines(found.numerator, found.denominator, found.counts)


@bp.get("/ratings/metrics")
@requires(ENTRY_READ)
def metrics() -> str:
    """Each number: what is counted, out of what, when, among whom."""
    period = _period() if actor().role is Role.PRINCIPAL else None
    return render(
        "ratings/metrics.html",
        metrics=list(METRICS.values()),
        period=period,
        figures={name: _lines(found, period) for name, found in METRICS.items()} if period else {},
    )


@bp.get("/ratings/metrics/<name>")
@requires(ENTRY_ASSESS)
def metric(name: str) -> str:
    """The list behind a number of the principal's own school."""
    found, period = METRICS.get(name), _period()
    if found is None or period is None:
        abort(404)
    given = request.args.get("start", "0")
    start = int(given) if given.isdecimal() and len(given) < 8 else 0
    records = found.records(actor().school_id or 0, period)
    listed = sorted(records, key=lambda record: record.counts)
    figure = found.figure(records, period)
    end = start + RECORDS_PER_PAGE
    return render(
        "ratings/metric.html",
        metric=found,
        title=found.explanation,
        period=period,
        lines=figure_lines(figure.numerator, figure.denominator, figure.counts),
        records=listed[start:end],
        shown=min(end, len(listed)),
        total=len(listed),
        more_url=url_for(".metric", name=name, start=end) if end < len(listed) else None,
    )
