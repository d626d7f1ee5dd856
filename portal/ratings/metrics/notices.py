"""Metrics over notices."""

from collections.abc import Sequence

from sqlalchemy import select

from portal import clock, i18n
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.notices.models import Notice, NoticeSummary, State
from portal.ratings.metrics.registry import Period, Record, metric


@metric(
    "notices_reached",
    _l("Households reached by the school's notices, added up over the notices of the year."),
    counts=_l("Households that opened a notice, added up over the notices"),
    out_of=_l("Households each notice was for, added up over the notices"),
)
def notices_reached(school_id: int, period: Period) -> Sequence[Record]:
    """Each published notice of the school: the households that opened it out of those it was for."""
    rows = db.session.execute(
        select(
            Notice.id,
            Notice.title,
            Notice.scope_name,
            Notice.published_at,
            NoticeSummary.opened_households,
            NoticeSummary.households,
        )
        .join(NoticeSummary, NoticeSummary.notice_id == Notice.id)
        .where(
            Notice.school_id == school_id,
            Notice.state == State.PUBLISHED,
            Notice.published_at >= clock.instant_of(period.starts_on),
            Notice.published_at < clock.instant_of(period.after_on),
        )
        .order_by(Notice.published_at, Notice.id)
    )
    return [
        Record(
            notice_id,
            title,
            f"{audience} · {i18n.long_date(published_at)} · "
            + _("%(opened)s of %(all)s households opened it", opened=opened, all=households),
            min(opened, households),
            households,
        )
        for notice_id, title, audience, published_at, opened, households in rows
        if published_at is not None
    ]
