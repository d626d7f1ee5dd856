"""What goes by itself within a month, and what went."""

from datetime import timedelta

from sqlalchemy import select

from portal.access import Role, actor, requires
from portal.extensions import db
from portal.periods import KINDS, OWN_CLOCKS
from portal.privacy import retention as keeping
from portal.privacy.ledger import LEDGER
from portal.privacy.policy import RETENTION_SEE
from portal.privacy.views.blueprint import bp
from portal.row_security import all_rows
from portal.schools.models import School
from portal.templating import render

SHOWN_FOR = timedelta(days=92)


@bp.get("/retention")
@requires(RETENTION_SEE)
def retention() -> str:
    """What goes within a month and at which school, most first; folded, how long the rest is kept; three months' runs.

    The first rows of a kind are named to those whose records they are, and to no auditor.
    """
    acting = actor()
    schools = {
        key: name
        for key, name in db.session.execute(
            select(School.id, School.name)
            .where(RETENTION_SEE.within(acting))
            .order_by(School.name_pinyin, School.id)
        )
    }
    assert acting.district_id is not None
    with all_rows():
        ahead = keeping.preview(list(schools), acting.district_id, acting.on)
    due = [one for one in ahead if one.total or one.held]
    resting = [kept for kept in KINDS.values() if kept.name not in {one.kept.name for one in due}]
    return render(
        "privacy/retention.html",
        due=sorted(due, key=lambda one: -one.total),
        resting=[(one, keeping.period(one, acting.on, acting.district_id)) for one in resting],
        fixed=OWN_CLOCKS,
        ledger=LEDGER.words(LEDGER.on(acting.on, district_id=acting.district_id)),
        schools=schools,
        shows_first=acting.role != Role.AUDITOR,
        until=acting.on + keeping.AHEAD,
        history=keeping.history(list(schools), acting.on - SHOWN_FOR),
    )
