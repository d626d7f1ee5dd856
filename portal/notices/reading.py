"""What a family sees: hot reads for the list and the first page, prepared once, with the same scopes as everywhere."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from portal import clock
from portal.access import Actor, Role
from portal.extensions import UtcDateTime, db
from portal.notices.models import (
    Counts,
    Level,
    Notice,
    NoticeHousehold,
    NoticeReceipt,
    Scope,
    State,
    from_whom,
)
from portal.prepared import Prepared, whoever
from portal.schools.models import District, Enrolment, Guardianship, Pupil, School, SchoolClass
from portal.schools.modules import open_at
from portal.schools.policy import in_force, unrestricted_guardianship

PAGE = 20
WAITING = 60
LAST_ID = 2**31 - 1
_PLACE = re.compile(r"[0-9]{1,16}-[0-9]{1,18}")
RUNS_FOR = timedelta(days=120)
"""How long a published notice without an expiry may wait for an answer on the first page."""


def _family() -> Select[*tuple[Any, ...]]:
    """One row per child of the guardian today, with class, grade, school and the path of the district."""
    actor = whoever(Role.GUARDIAN)
    return (
        select(
            Pupil.public_id.label("child_id"),
            Pupil.name.label("child"),
            Guardianship.household_id,
            Enrolment.class_id,
            SchoolClass.grade_id,
            Enrolment.school_id,
            District.path,
        )
        .join(Guardianship, Guardianship.pupil_id == Pupil.id)
        .join(Enrolment, Enrolment.pupil_id == Pupil.id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(School, School.id == Enrolment.school_id)
        .join(District, District.id == School.district_id)
        .where(
            unrestricted_guardianship(actor),
            in_force(Enrolment, actor),
            open_at("notices", Enrolment.school_id, actor),
        )
    )


def _reach() -> CTE:
    """The audiences the family belongs to: one row per child and scope."""
    family = _family().cte("family")
    above = aliased(District)
    who = (family.c.child_id, family.c.child, family.c.household_id)

    def of(kind: Scope, scope_id: Any) -> Select[*tuple[Any, ...]]:
        return select(literal(str(kind)).label("kind"), scope_id.label("scope_id"), *who)

    return union_all(
        of(Scope.CLASS, family.c.class_id),
        of(Scope.GRADE, family.c.grade_id),
        of(Scope.SCHOOL, family.c.school_id),
        of(Scope.DISTRICT, above.id).join(above, family.c.path.startswith(above.path)),
    ).cte("reach")


def _in(reach: CTE) -> ColumnElement[bool]:
    return and_(Notice.scope_kind == reach.c.kind, Notice.scope_id == reach.c.scope_id)


def _with_answers(reach: CTE) -> Select[*tuple[Any, ...]]:
    """Notices with the children they concern and what this guardian and each household did."""
    return (
        select(
            Notice.id,
            Notice.public_id,
            Notice.title,
            Notice.sender,
            Notice.author_role,
            Notice.level,
            Notice.counts,
            Notice.state,
            Notice.due_on,
            Notice.expires_on,
            Notice.published_at,
            Notice.corrected_at,
            Notice.reminded_at,
            reach.c.child,
            NoticeReceipt.opened_at,
            NoticeReceipt.confirmed_at,
            NoticeHousehold.confirmed_at.label("household_confirmed_at"),
        )
        .join(reach, _in(reach))
        .outerjoin(
            NoticeReceipt,
            and_(
                NoticeReceipt.notice_id == Notice.id,
                NoticeReceipt.round == Notice.round,
                NoticeReceipt.person_id == bindparam("person"),
            ),
        )
        .outerjoin(
            NoticeHousehold,
            and_(
                NoticeHousehold.notice_id == Notice.id,
                NoticeHousehold.round == Notice.round,
                NoticeHousehold.household_id == reach.c.household_id,
            ),
        )
    )


def _waiting() -> Select[*tuple[Any, ...]]:
    """Notices that wait for this guardian: to be confirmed, or to be read where the author reminded."""
    reach = _reach()
    alone = Notice.counts == Counts.GUARDIAN
    to_confirm = and_(
        Notice.level == Level.CONFIRM,
        NoticeReceipt.confirmed_at.is_(None),
        or_(alone, NoticeHousehold.confirmed_at.is_(None)),
    )
    to_read = and_(
        Notice.level == Level.READ,
        Notice.reminded_at.is_not(None),
        NoticeReceipt.opened_at.is_(None),
        or_(alone, NoticeHousehold.opened_at.is_(None)),
    )
    return (
        _with_answers(reach)
        .where(
            Notice.state == State.PUBLISHED,
            Notice.published_at >= bindparam("since", type_=UtcDateTime()),
            or_(Notice.expires_on.is_(None), Notice.expires_on >= bindparam("day")),
            or_(to_confirm, to_read),
        )
        .order_by(
            Notice.reminded_at.is_(None),
            Notice.due_on.is_(None),
            Notice.due_on,
            Notice.published_at,
            Notice.id,
        )
        .limit(WAITING)
    )


def _newest(reach: CTE) -> Subquery:
    """Ids of one page of notices, newest first, read from the index of audiences alone."""
    before = bindparam("before", type_=UtcDateTime())
    child = bindparam("child", type_=String())
    return (
        select(Notice.id, Notice.published_at)
        .join(reach, _in(reach))
        .where(
            Notice.published_at.is_not(None),
            or_(
                Notice.published_at < before,
                and_(Notice.published_at == before, Notice.id < bindparam("before_id")),
            ),
            or_(child == "", reach.c.child_id == child),
        )
        .distinct()
        .order_by(Notice.published_at.desc(), Notice.id.desc())
        .limit(PAGE + 1)
        .subquery("newest")
    )


def _listed() -> Select[*tuple[Any, ...]]:
    reach = _reach()
    newest = _newest(reach)
    return (
        _with_answers(reach)
        .join(newest, newest.c.id == Notice.id)
        .order_by(Notice.published_at.desc(), Notice.id.desc(), reach.c.child)
    )


FAMILY = Prepared(_family)
WAITS = Prepared(_waiting)
LISTED = Prepared(_listed)


@dataclass
class Entry:
    """One notice as one guardian meets it in a list."""

    row: Any
    today: date
    children: list[str] = field(default_factory=list)
    households_confirmed: list[bool] = field(default_factory=list)

    @property
    def from_whom(self) -> str:
        """Who speaks, as families read it."""
        return from_whom(self.row.author_role, self.row.sender)

    @property
    def has_expired(self) -> bool:
        return self.row.expires_on is not None and self.row.expires_on < self.today

    @property
    def is_withdrawn(self) -> bool:
        return bool(self.row.state == State.WITHDRAWN)

    @property
    def is_new(self) -> bool:
        return self.row.opened_at is None

    @property
    def confirmed_by_household(self) -> bool:
        """Somebody of every household this guardian belongs to has confirmed, and one is enough."""
        return self.row.counts == Counts.HOUSEHOLD and all(self.households_confirmed)

    @property
    def state(self) -> str:
        """withdrawn, confirmed, partner (the household has), expired, confirm (still to do) or nothing."""
        if self.is_withdrawn:
            return "withdrawn"
        if self.row.level == Level.CONFIRM:
            if self.row.confirmed_at is not None:
                return "confirmed"
            if self.confirmed_by_household:
                return "partner"
        if self.has_expired:
            return "expired"
        return "confirm" if self.row.level == Level.CONFIRM else ""


@dataclass
class Cursor:
    """Where the next page begins: after this instant and id."""

    before: datetime
    before_id: int

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """From the address; whatever is not one of ours means the first page."""
        first, _, second = text.partition("-")
        if _PLACE.fullmatch(text):
            return cls(
                datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(first)), min(int(second), LAST_ID)
            )
        return cls(clock.now() + timedelta(days=1), LAST_ID)

    def write(self) -> str:
        """As it stands in the address."""
        micro = (self.before - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
        return f"{micro}-{self.before_id}"


def _entries(rows: Any, today: date) -> list[Entry]:
    entries: dict[int, Entry] = {}
    for row in rows:
        entry = entries.setdefault(row.id, Entry(row, today))
        if row.child not in entry.children:
            entry.children.append(row.child)
        entry.households_confirmed.append(row.household_confirmed_at is not None)
    return list(entries.values())


def waiting(actor: Actor) -> list[Entry]:
    """Notices the guardian should act on, reminded ones first, then by due day; one statement."""
    rows = WAITS.all(db.session(), person=actor.person_id, day=actor.on, since=clock.now() - RUNS_FOR)
    return _entries(rows, actor.on)


def page(actor: Actor, cursor: Cursor, child_id: str = "") -> tuple[list[Entry], Cursor | None]:
    """One page of the guardian's notices, newest first, and where the next begins; one statement."""
    rows = LISTED.all(
        db.session(),
        person=actor.person_id,
        day=actor.on,
        before=cursor.before,
        before_id=cursor.before_id,
        child=child_id,
    )
    entries = _entries(rows, actor.on)
    if len(entries) <= PAGE:
        return entries, None
    last = entries[PAGE - 1].row
    return entries[:PAGE], Cursor(last.published_at, last.id)


def children(actor: Actor) -> list[tuple[str, str]]:
    """(public id, name) of the guardian's children today; one statement."""
    rows = FAMILY.all(db.session(), person=actor.person_id, day=actor.on)
    return list({row.child_id: (row.child_id, row.child) for row in rows}.values())
