"""Metrics over findings: what the district found at a school, mended in time and confirmed."""

from collections.abc import Sequence

from sqlalchemy import select

from portal import i18n
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.improvements import Improvement
from portal.ratings.metrics.registry import Period, Record, metric
from portal.ratings.models import Entry

SHOWN = 60


@metric(
    "findings_closed",
    _l("Findings of inspections that were closed in time"),
    counts=_l("Findings that the school mended by their day and the district confirmed"),
    out_of=_l("Findings of the district that were to be mended by a day of the school year"),
    population=_l("Findings whose day has come by the day of counting, or that were mended before"),
)
def findings_closed(school_id: int, period: Period) -> Sequence[Record]:
    """Each finding to be mended within the year; counts when it was done by its day and confirmed by the day of counting."""
    rows = db.session.scalars(
        select(Improvement)
        .join(Entry, Entry.id == Improvement.entry_id)
        .where(
            Entry.school_id == school_id,
            Improvement.is_finding,
            Improvement.due_on >= period.starts_on,
            Improvement.due_on <= period.ends_on,
        )
        .order_by(Improvement.due_on, Improvement.id)
    )
    found = []
    for row in rows:
        confirmed = row.confirmed_on is not None and row.confirmed_on <= period.counted_on
        in_time = confirmed and row.done_on is not None and row.done_on <= row.due_on
        if confirmed or row.due_on <= period.until_on:
            due = _("to be mended by %(day)s", day=i18n.long_date(row.due_on))
            found.append(Record(row.id, row.text[:SHOWN], due, int(in_time)))
    return found
