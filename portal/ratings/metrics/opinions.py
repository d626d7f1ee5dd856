"""Metrics over parents' opinions. Those about the principal go to the district and are never listed for the school."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import and_, select

from portal import clock, i18n
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.opinions.models import PAST_THE_SCHOOL, Opinion, OpinionAnswer
from portal.ratings.metrics.registry import Period, Record, metric


@metric(
    "opinions_in_time",
    _l("Opinions of the school year whose first answer came by its day."),
    counts=_l("Opinions whose first answer came by its day"),
    out_of=_l("Opinions that were answered or whose day has passed, without those about the principal"),
)
def opinions_in_time(school_id: int, period: Period) -> Sequence[Record]:
    """Each opinion that was answered or whose day has passed; counts when the first answer came in time."""
    rows = db.session.execute(
        select(Opinion.id, Opinion.number, Opinion.answer_by, OpinionAnswer.answered_on, OpinionAnswer.due_on)
        .outerjoin(OpinionAnswer, and_(OpinionAnswer.opinion_id == Opinion.id, OpinionAnswer.round == 1))
        .where(
            Opinion.school_id == school_id,
            Opinion.category.not_in(PAST_THE_SCHOOL),
            Opinion.sent_at >= clock.instant_of(period.starts_on),
            Opinion.sent_at < clock.instant_of(period.after_on),
        )
        .order_by(Opinion.sent_at, Opinion.id)
    )
    listed = (_record(*row, until_on=period.until_on) for row in rows)
    return [record for record in listed if record is not None]


def _record(
    opinion_id: int,
    number: str,
    answer_by: date,
    answered_on: date | None,
    due_on: date | None,
    *,
    until_on: date,
) -> Record | None:
    day = due_on or answer_by
    if answered_on is None and day >= until_on:
        return None
    in_time = answered_on is not None and answered_on <= day
    return Record(opinion_id, number, _("Answer due on %(day)s", day=i18n.long_date(day)), int(in_time))
