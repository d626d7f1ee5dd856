"""How long care files, plans, registers and referrals are kept."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import exists, or_

from portal.care.holdings import OF_PUPIL, forget
from portal.i18n import lazy_gettext as _l
from portal.periods import GONE, NO_WORD, Due, kind, shown
from portal.schools.models import Pupil


@kind(_l("Care files, plans, registers and referrals"), GONE, months=12, least=6)
def care(until: date) -> Due:
    """A year after the pupil left, as what was written about visits (SECURITY contract: narratives)."""
    held = or_(*(exists().where(one.pupil_id == Pupil.id) for one in OF_PUPIL))
    rows = shown(Pupil.id, Pupil.school_id, Pupil.left_on, NO_WORD).where(Pupil.left_on <= until, held)

    def end(ids: Sequence[int]) -> None:
        for pupil_id in ids:
            forget(pupil_id)

    return Due(rows, end, Pupil.id)
