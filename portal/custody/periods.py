"""How long restrictions that are over are kept."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import and_, func, or_, select

from portal.custody.models import Restriction
from portal.extensions import db
from portal.files.owners import let_ownerless_go
from portal.i18n import lazy_gettext as _l
from portal.periods import Due, after, day_of, gone, kind, shown
from portal.schools.models import GuardianshipFlag


@kind(_l("Restrictions that are over"), _l("Gone with paper and flag; the log stays"), months=36, least=12)
def restrictions(until: date) -> Due:
    """Three years after the end or the refusal, as long as claims may be raised over it (Civil Code, art. 188)."""
    over = func.coalesce(Restriction.until_on, day_of(Restriction.ended_at), day_of(Restriction.decided_at))
    refused = and_(Restriction.refusal_sealed.is_not(None), Restriction.decided_at < after(until))
    rows = shown(Restriction.id, Restriction.school_id, over, Restriction.document).where(
        or_(Restriction.until_on <= until, Restriction.ended_at < after(until), refused)
    )

    def end(ids: Sequence[int]) -> None:
        flags = db.session.scalars(select(Restriction.flag_id).where(Restriction.id.in_(ids))).all()
        gone(Restriction, Restriction.id, ids)
        gone(GuardianshipFlag, GuardianshipFlag.id, [one for one in flags if one is not None])
        let_ownerless_go()

    return Due(rows, end, Restriction.pupil_id)
