"""How long the outbox is kept."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import update

from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.periods import NO_SCHOOL, Due, after, kind, shown


@kind(_l("Messages sent: recipient and text"), _l("A line without person stays"), days=30, fixed=True)
def messages(until: date) -> Due:
    """30 days (SECURITY contract; GOV.UK Notify: 7)."""
    rows = shown(Delivery.id, NO_SCHOOL, Delivery.created_at, Delivery.channel).where(
        Delivery.created_at < after(until), Delivery.recipient_sealed.is_not(None)
    )

    def end(ids: Sequence[int]) -> None:
        emptied = {"recipient_sealed": None, "recipient_index": None, "values_sealed": None}
        db.session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(**emptied))

    return Due(rows, end)
