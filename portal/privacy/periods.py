"""How long requests for deletion keep their words, and what goes on clocks of its own."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import or_, update

from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.periods import Due, after, kind, on_own_clock, shown
from portal.privacy.models import ErasureRequest


@kind(_l("Words of requests for deletion"), _l("Decision and ground stay"), months=12, least=6)
def request_words(until: date) -> Due:
    """What somebody wrote beside a request, a year after the decision."""
    decided = ErasureRequest.decided_at
    rows = shown(ErasureRequest.id, ErasureRequest.school_id, decided, ErasureRequest.kind).where(
        decided < after(until),
        or_(ErasureRequest.words_sealed.is_not(None), ErasureRequest.reply_sealed.is_not(None)),
    )

    def end(ids: Sequence[int]) -> None:
        emptied = {"words_sealed": None, "reply_sealed": None}
        db.session.execute(update(ErasureRequest).where(ErasureRequest.id.in_(ids)).values(**emptied))

    return Due(rows, end)


on_own_clock(_l("Copies of one's data and files that were exported"), _l("24 hours, fetched once"))
