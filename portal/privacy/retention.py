"""What goes when its time is over: due today, due within a month, and the night's work in small batches."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Integer, func, literal, null, or_, select, union_all

from portal import clock
from portal.accounts import periods as accounts_periods
from portal.care import periods as care_periods
from portal.committees import periods as committees_periods
from portal.custody import periods as custody_periods
from portal.deliveries import periods as deliveries_periods
from portal.extensions import db
from portal.files import periods as files_periods
from portal.i18n import lazy_gettext as _l
from portal.i18n import ngettext
from portal.joining import periods as joining_periods
from portal.opinions import periods as opinions_periods
from portal.periods import KINDS, Due, Kept
from portal.privacy import periods as privacy_periods
from portal.privacy.blocks import held_pupils
from portal.privacy.models import RetentionRun
from portal.ratings import periods as ratings_periods
from portal.recovery import periods as recovery_periods
from portal.roster import periods as roster_periods
from portal.schools import periods as schools_periods
from portal.schools.models import District, School
from portal.settings import Number, Setting
from portal.surveys import periods as surveys_periods
from portal.trail.models import note
from portal.visits import periods as visits_periods

DECLARED = (
    deliveries_periods,
    accounts_periods,
    schools_periods,
    roster_periods,
    files_periods,
    joining_periods,
    custody_periods,
    recovery_periods,
    visits_periods,
    care_periods,
    committees_periods,
    opinions_periods,
    surveys_periods,
    ratings_periods,
    privacy_periods,
)
"""Where each feature says how long it keeps what; loaded before the settings of districts are made of it."""
PERIODS = {
    kept.name: Setting(
        f"privacy.keep_{kept.name}",
        Number(kept.least, kept.ordinary * 3, _l("months") if kept.months else _l("days")),
        kept.ordinary,
        label=kept.label,
        help=_l("How long it is kept once its time has begun; then it goes by itself, in the night."),
    )
    for kept in KINDS.values()
    if not kept.fixed
}
"""Kind → the setting with which a district keeps it longer or shorter."""
BATCH = 200
FIRST_ROWS = 5
AHEAD = timedelta(days=31)


def back(day: date, length: int, *, months: bool) -> date:
    """The day on which something must have begun to be due on ``day``; 31 May less three months is the last of February."""
    if not months:
        return day - timedelta(days=length)
    year, month = divmod(day.year * 12 + day.month - 1 - length, 12)
    last = (date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def length(kept: Kept, day: date, district_id: int | None) -> int:
    """The period on a day, in days or months: the district's own, or the ordinary one."""
    setting = PERIODS.get(kept.name)
    return kept.ordinary if setting is None else setting.on(day, district_id=district_id)


def period(kept: Kept, day: date, district_id: int | None) -> str:
    """The period in words."""
    number = length(kept, day, district_id)
    if kept.months:
        return ngettext("%(num)s month", "%(num)s months", number)
    return ngettext("%(num)s day", "%(num)s days", number)


def _is_placed(due: Due) -> bool:
    """Whether its rows belong to schools, so that each district's own period counts."""
    column = due.rows.selected_columns["school_id"]
    return not isinstance(getattr(column, "element", column), type(null()))


def _until(kept: Kept, day: date, district_id: int | None) -> date:
    return back(day, length(kept, day, district_id), months=kept.months)


def _free(due: Due, day: date) -> Any:
    """The rows that no hold keeps."""
    return due.rows if due.pupil is None else due.rows.where(due.pupil.not_in(held_pupils(day)))


def _of_district(due: Due, rows: Any, district_id: int) -> Any:
    if due.district is not None:
        return rows.where(due.district == district_id)
    school = rows.selected_columns["school_id"]
    inside = select(School.id).where(School.district_id == district_id)
    return rows.where(getattr(school, "element", school).in_(inside))


@dataclass
class Ahead:
    """What of one kind goes within a month: how many at each school, how many a hold keeps, the first rows."""

    kept: Kept
    period: str
    counts: dict[int, int] = field(default_factory=dict)
    held: int = 0
    first: list[Any] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def preview(school_ids: Collection[int], district_id: int, day: date) -> list[Ahead]:
    """Kind by kind what goes within 31 days at these schools: two queries for all, one more for a kind with such rows."""
    found: dict[str, Ahead] = {}
    mine, held = {}, {}
    for kept in KINDS.values():
        due = kept.find(_until(kept, day + AHEAD, district_id))
        if not _is_placed(due):
            continue
        found[kept.name] = Ahead(kept, period(kept, day, district_id))
        mine[kept.name] = _at(_free(due, day), school_ids)
        if due.pupil is not None:
            held[kept.name] = _at(due.rows.where(due.pupil.in_(held_pupils(day))), school_ids)
    for name, school_id, count in _counted(mine):
        found[name].counts[school_id] = count
    for name, _school_id, count in _counted(held):
        found[name].held += count
    for name, one in found.items():
        if one.counts:
            rows = mine[name]
            first = select(rows.c.what, rows.c.day).order_by(rows.c.day, rows.c.id).limit(FIRST_ROWS)
            one.first = list(db.session.execute(first))
    return list(found.values())


def _at(rows: Any, school_ids: Collection[int]) -> Any:
    """Those of the rows that are of these schools."""
    school = rows.selected_columns["school_id"]
    return rows.order_by(None).where(getattr(school, "element", school).in_(school_ids)).subquery()


def _counted(kinds: Mapping[str, Any]) -> Iterable[tuple[str, int, int]]:
    """(kind, school id, rows), in one query; schools in order."""
    parts = [
        select(literal(name), rows.c.school_id, func.count()).group_by(rows.c.school_id)
        for name, rows in kinds.items()
    ]
    counted = db.session.execute(union_all(*parts))
    return sorted((str(name), int(school_id), int(count)) for name, school_id, count in counted)


def _places(due: Due) -> Iterator[int | None]:
    """The districts whose own periods count, one after the other; None for what is the whole portal's."""
    if not _is_placed(due):
        yield None
        return
    yield from db.session.scalars(
        select(District.id).where(District.id.in_(select(School.district_id))).order_by(District.id)
    )


def run(day: date, names: Collection[str] | None = None) -> Counter[str]:
    """End everything that is due on a day, in batches of their own transactions; a second run finds nothing more."""
    ended: Counter[str] = Counter()
    for name, kept in KINDS.items():
        if names is not None and name not in names:
            continue
        for district_id in list(_places(kept.find(day))):
            number = _end(kept, day, district_id)
            ended[name] += number
    return ended


def _end(kept: Kept, day: date, district_id: int | None) -> int:
    total = 0
    until = _until(kept, day, district_id)
    while True:
        due = kept.find(until)
        rows = _free(due, day)
        if district_id is not None:
            rows = _of_district(due, rows, district_id)
        batch = db.session.execute(rows.limit(BATCH)).all()
        if not batch:
            break
        due.end([row.id for row in batch])
        per_school = Counter(row.school_id for row in batch)
        for school_id, number in per_school.items():
            _note_run(kept.name, day, district_id, school_id, number)
        note("retention.ended", None, person_id=None, object_kind=kept.name, number=len(batch))
        db.session.commit()
        total += len(batch)
    db.session.rollback()
    return total


def _note_run(name: str, day: date, district_id: int | None, school_id: int | None, number: int) -> None:
    """Add to the day's line of the history."""
    line = db.session.scalar(
        select(RetentionRun).where(
            RetentionRun.kind == name,
            RetentionRun.ran_on == day,
            RetentionRun.district_id.is_(None)
            if district_id is None
            else RetentionRun.district_id == district_id,
            RetentionRun.school_id.is_(None) if school_id is None else RetentionRun.school_id == school_id,
        )
    )
    if line is None:
        line = RetentionRun(
            kind=name, ran_on=day, district_id=district_id, school_id=school_id, ended=0, ran_at=clock.now()
        )
        db.session.add(line)
    line.ended += number


def history(school_ids: Collection[int], least: date) -> list[Any]:
    """(day, kind, how many) of the runs that ended something at these schools, newest first."""
    rows = db.session.execute(
        select(RetentionRun.ran_on, RetentionRun.kind, func.sum(RetentionRun.ended).cast(Integer))
        .where(
            RetentionRun.ran_on >= least,
            or_(RetentionRun.school_id.in_(school_ids), RetentionRun.school_id.is_(None)),
        )
        .group_by(RetentionRun.ran_on, RetentionRun.kind)
        .order_by(RetentionRun.ran_on.desc(), RetentionRun.kind)
        .limit(60)
    )
    return [(day, KINDS[name].label if name in KINDS else name, number) for day, name, number in rows]
