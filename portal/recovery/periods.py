"""How long recoveries of accounts are kept."""

from datetime import date

from portal.i18n import lazy_gettext as _l
from portal.periods import Due, after, gone, kind, shown
from portal.recovery.models import Recovery


@kind(_l("Help to get back into an account"), _l("Gone; the log tells who helped"), months=12, least=3)
def recoveries(until: date) -> Due:
    """A year after its end; the reason went after 30 days and the code at once. Ours: no rule sets a time."""
    ended = Recovery.expires_at
    rows = shown(Recovery.id, Recovery.school_id, ended, Recovery.whose).where(ended < after(until))
    return Due(rows, lambda ids: gone(Recovery, Recovery.id, ids), Recovery.pupil_id)
