"""How long what schools know of pupils is kept."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, or_, select, update

from portal import clock
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.periods import NO_WORD, Due, kind, shown
from portal.schools.identity import KEPT_BY
from portal.schools.models import Pupil, School


@kind(_l("Identity numbers of pupils"), _l("The pupil stays without it"), months=12, fixed=True)
def identity_numbers(until: date) -> Due:
    """A year after the pupil left; at once where the district keeps none any more (its setting of that day)."""
    today = clock.today()
    districts = db.session.scalars(select(School.district_id).distinct()).all()
    keeping = [one for one in districts if KEPT_BY.on(today, district_id=one)]
    rows = (
        shown(Pupil.id, Pupil.school_id, func.coalesce(Pupil.left_on, today), NO_WORD)
        .join(School, School.id == Pupil.school_id)
        .where(
            Pupil.identity_sealed.is_not(None),
            or_(Pupil.left_on <= until, School.district_id.not_in(keeping)),
        )
    )

    def end(ids: Sequence[int]) -> None:
        emptied = {"identity_sealed": None, "identity_index": None}
        db.session.execute(update(Pupil).where(Pupil.id.in_(ids)).values(**emptied))

    return Due(rows, end, Pupil.id)
