"""Metrics over parent committees: meetings of the school's committee, committees elected and in office."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select

from portal import i18n
from portal.committees.models import VOTES, Committee, CommitteeMeeting, Scope
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.metrics.registry import Period, Record, metric
from portal.schools.models import Grade, School, SchoolClass, SchoolYear


@metric(
    "committee_meetings",
    _l("Meetings of the school committee, by term."),
    counts=_l("Meetings of the committee of the school that were held and not taken back"),
    share=False,
    by_term=True,
)
def committee_meetings(school_id: int, period: Period) -> Sequence[Record]:
    """Each meeting of the school's committee in the year."""
    rows = db.session.execute(
        select(CommitteeMeeting.id, CommitteeMeeting.held_on, CommitteeMeeting.present)
        .join(Committee, Committee.id == CommitteeMeeting.committee_id)
        .where(
            Committee.school_id == school_id,
            Committee.scope_kind == Scope.SCHOOL,
            CommitteeMeeting.taken_back_at.is_(None),
            CommitteeMeeting.held_on >= period.starts_on,
            CommitteeMeeting.held_on <= period.until_on,
        )
        .order_by(CommitteeMeeting.held_on, CommitteeMeeting.id)
    )
    return [
        Record(
            number,
            i18n.long_date(held_on),
            _("%(count)s present", count=present),
            1,
            0,
            period.term_of(held_on),
        )
        for number, held_on, present in rows
    ]


@metric(
    "elections_in_term",
    _l("Classes and the school whose committee was elected and is within its term of office."),
    counts=_l("Places with a committee that families voted for and whose term runs on the day of counting"),
    out_of=_l("The classes of the school year, and the school itself"),
    population=_l("Classes of the school year, on the day of counting"),
)
def elections_in_term(school_id: int, period: Period) -> Sequence[Record]:
    """The school and each class of the year; counts when a committee voted for is in office."""
    day = period.counted_on
    latest = dict[tuple[str, int], Committee]()
    for one in db.session.scalars(
        select(Committee)
        .where(
            Committee.school_id == school_id,
            Committee.began_on <= day,
            or_(Committee.ended_on.is_(None), Committee.ended_on > day),
        )
        .order_by(Committee.began_on)
    ):
        latest[one.scope_kind, one.scope_id] = one
    classes = db.session.execute(
        select(SchoolClass.id, SchoolClass.name)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .join(
            SchoolYear, and_(SchoolYear.id == Grade.school_year_id, SchoolYear.starts_on == period.starts_on)
        )
        .where(Grade.school_id == school_id)
        .order_by(Grade.stage, Grade.level, SchoolClass.number)
    ).all()
    school = db.session.scalar(select(School.name).where(School.id == school_id))
    places = [(Scope.SCHOOL, school_id, school or ""), *((Scope.CLASS, key, name) for key, name in classes)]
    return [
        _place(scope_id, name, latest.get((scope_kind, scope_id)), period)
        for scope_kind, scope_id, name in places
    ]


def _place(scope_id: int, name: str, found: Committee | None, period: Period) -> Record:
    if found is None or not found.in_office(period.counted_on):
        return Record(scope_id, name, _("no committee in office"), 0)
    since = _("in office since %(day)s", day=i18n.long_date(found.began_on))
    voted = found.way in VOTES
    return Record(scope_id, name, since if voted else _("%(since)s, without a vote", since=since), int(voted))
