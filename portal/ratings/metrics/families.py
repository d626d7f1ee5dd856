"""Metrics over the roster."""

from collections.abc import Sequence

from sqlalchemy import func, select

from portal.accounts.models import Person
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.metrics.registry import PUPILS_OF_THE_DAY, Period, Record, cared_for_on, metric, pupils_on
from portal.schools.models import Guardianship, Pupil


@metric(
    "families_reachable",
    _l("Pupils with at least one guardian whose telephone number is known."),
    counts=_l("Pupils one of whose guardians can be rung"),
    out_of=_l("All pupils"),
    population=PUPILS_OF_THE_DAY,
)
def families_reachable(school_id: int, period: Period) -> Sequence[Record]:
    """Each pupil of the day of counting; counts when a guardian of that day can be rung."""
    day = period.counted_on
    reachable = (
        select(func.count(Guardianship.id))
        .join(Person, Person.id == Guardianship.person_id)
        .where(
            Guardianship.pupil_id == Pupil.id,
            cared_for_on(day),
            Person.phone_index.is_not(None),
        )
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Pupil.id, Pupil.name, reachable)
        .where(*pupils_on(school_id, day))
        .order_by(Pupil.name_pinyin, Pupil.id)
    )
    return [
        Record(pupil_id, name, _("Can be reached") if ways else _("No number known"), int(ways > 0))
        for pupil_id, name, ways in rows
    ]
