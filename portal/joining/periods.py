"""How long slips and requests to join are kept."""

from datetime import date

from portal.i18n import lazy_gettext as _l
from portal.joining.models import JoiningRequest, JoiningSheet
from portal.periods import Due, Rows, after, gone, kind, shown
from portal.schools.models import Pupil, SchoolClass


@kind(_l("Slips for joining"), _l("Gone; who joined stays a guardian"), days=44, least=4)
def slips(until: date) -> Due:
    """A sheet and its slips: 14 days in which they admit somebody and 30 in the teacher's list. Codes went within 72 hours
    of their end (SECURITY contract)."""
    begun = JoiningSheet.printed_at
    rows = (
        shown(JoiningSheet.id, SchoolClass.school_id, begun, SchoolClass.name)
        .join(SchoolClass, SchoolClass.id == JoiningSheet.class_id)
        .where(begun < after(until))
    )
    return Due(rows, lambda ids: gone(JoiningSheet, JoiningSheet.id, ids))


def _requests(begun: Rows) -> Due:
    rows = begun.join(Pupil, Pupil.id == JoiningRequest.pupil_id)
    return Due(rows, lambda ids: gone(JoiningRequest, JoiningRequest.id, ids), JoiningRequest.pupil_id)


@kind(_l("Requests to join that were decided"), _l("Gone; the guardian or helper stays"), months=12, least=3)
def joining_requests(until: date) -> Due:
    """A year, for questions about who was let in by whom; afterwards the log alone tells it. Ours: no rule sets a time."""
    decided = JoiningRequest.decided_at
    rows = shown(JoiningRequest.id, Pupil.school_id, decided, JoiningRequest.state)
    return _requests(rows.where(decided < after(until)))


@kind(_l("Requests to join that nobody decided"), _l("Gone; whoever asked may ask again"), days=90, least=30)
def undecided_requests(until: date) -> Due:
    """Three months with a stranger's name and number: whoever really is the child's family has asked again by then.
    Ours: no rule sets a time."""
    asked = JoiningRequest.asked_at
    rows = shown(JoiningRequest.id, Pupil.school_id, asked, JoiningRequest.way)
    return _requests(rows.where(asked < after(until), JoiningRequest.decided_at.is_(None)))
