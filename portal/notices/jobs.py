"""Counting audiences away from the pages: after publication, and once a day while a notice runs."""

from datetime import timedelta

from sqlalchemy import or_, select

from portal import clock
from portal.database import reading
from portal.extensions import db
from portal.jobs.queue import every, task
from portal.notices.audience import size
from portal.notices.counting import keep_size
from portal.notices.models import Notice, NoticeSummary, State


@task
def count_audience(notice_id: int) -> None:
    """Write the size of a notice's audience beside it. The count reads first; only its result is written."""
    with reading():
        notice = db.session.get(Notice, notice_id)
        counted = size(notice) if notice is not None else None
        db.session.rollback()
    if counted is None:
        return
    keep_size(notice_id, counted)
    db.session.commit()


@every(300)
def count_what_is_due() -> None:
    """Find published notices whose audience was not counted, or not since yesterday; at most fifty at a time."""
    now, today = clock.now(), clock.today()
    wanted = (
        select(Notice.id)
        .join(NoticeSummary)
        .where(
            Notice.state == State.PUBLISHED,
            Notice.published_at > now - timedelta(days=60),
            or_(Notice.expires_on.is_(None), Notice.expires_on >= today),
            or_(NoticeSummary.counted_at.is_(None), NoticeSummary.counted_at < now - timedelta(days=1)),
        )
        .order_by(Notice.id)
        .limit(50)
    )
    with reading():
        due = db.session.scalars(wanted).all()
        db.session.rollback()
    for notice_id in due:
        count_audience(notice_id=notice_id)
