"""How a guardian can be reached, from their sign-ins and numbers; and the counts per class."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, distinct, false, func, or_, select

from portal.access import Actor
from portal.accounts.models import AuthSession, Person
from portal.accounts.phones import masked
from portal.contacts.models import WrongNumber
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.schools.models import Enrolment, Flag, Guardianship, GuardianshipFlag, Pupil
from portal.schools.policy import in_force

SILENT_AFTER = timedelta(days=30)


class Reach(StrEnum):
    """How well a guardian is reached, the hardest first."""

    NEVER = "never"
    WRONG_NUMBER = "wrong_number"
    SILENT = "silent"
    REACHED = "reached"


REACH_NAMES = {
    Reach.NEVER: _l("Never signed in"),
    Reach.WRONG_NUMBER: _l("Wrong number"),
    Reach.SILENT: _l("Silent for 30 days"),
    Reach.REACHED: _l("Reached"),
}
NEXT_WAYS = {
    "slip": _l("Give the child a slip to take home."),
    "ring": _l("Ring the number on the roster."),
    "ask": _l("Ask the child or the other guardian for the right number."),
    "site": _l("Notices arrive."),
}


@dataclass(frozen=True)
class Line:
    """One guardian of one pupil on the board; ``phone`` is masked."""

    tie: str
    pupil: str
    pupil_id: str
    relation: str
    name: str
    phone: str
    reach: Reach
    next_way: str
    seen_at: datetime | None
    wrong_number: bool


def _seen_at() -> ScalarSelect[Any]:
    return (
        select(func.max(AuthSession.last_seen_at))
        .where(AuthSession.person_id == Person.id)
        .correlate(Person)
        .scalar_subquery()
    )


def _wrong_number() -> ScalarSelect[Any]:
    return (
        select(WrongNumber.id)
        .where(WrongNumber.person_id == Person.id, WrongNumber.ended_at.is_(None))
        .correlate(Person)
        .scalar_subquery()
    )


def _of_guardians(actor: Actor, *columns: Any) -> Select[Any]:
    """Of guardians of pupils in their classes today; those whom a court order keeps away are left out."""
    restricted = (
        select(GuardianshipFlag.id)
        .where(
            GuardianshipFlag.guardianship_id == Guardianship.id,
            GuardianshipFlag.kind == Flag.RESTRICTED,
            in_force(GuardianshipFlag, actor),
        )
        .exists()
    )
    return (
        select(*columns)
        .select_from(Guardianship)
        .join(Person, Person.id == Guardianship.person_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .join(Enrolment, and_(Enrolment.pupil_id == Pupil.id, in_force(Enrolment, actor)))
        .where(in_force(Guardianship, actor), ~restricted)
    )


def reach_of(signs_in: bool, seen_at: datetime | None, wrong: bool, now: datetime) -> Reach:
    """How well somebody is reached who has a way to sign in or not, was last here at ``seen_at``, under a wrong number or not."""
    if not signs_in and seen_at is None:
        return Reach.WRONG_NUMBER if wrong else Reach.NEVER
    if seen_at is not None and now - seen_at <= SILENT_AFTER:
        return Reach.REACHED
    return Reach.WRONG_NUMBER if wrong else Reach.SILENT


def next_way(reach: Reach, phone: str | None, wrong: bool) -> str:
    """The way to try next, as a key of NEXT_WAYS."""
    if reach == Reach.REACHED:
        return "site"
    if wrong:
        return "ask"
    if reach == Reach.SILENT and phone:
        return "ring"
    return "slip"


def of_class(class_id: int, actor: Actor, now: datetime) -> list[Line]:
    """The guardians of a class, the hardest to reach first, then by the child's name. One query."""
    columns = (Guardianship, Person, Pupil, _seen_at().label("seen_at"), _wrong_number().label("wrong"))
    rows = db.session.execute(
        _of_guardians(actor, *columns)
        .where(Enrolment.class_id == class_id)
        .order_by(Pupil.name_pinyin, Pupil.id, Guardianship.id)
    ).all()
    order = list(Reach)
    return sorted((_line(row, now) for row in rows), key=lambda line: order.index(line.reach))


def _line(row: Any, now: datetime) -> Line:
    person, wrong = row.Person, row.wrong is not None
    reach = reach_of(person.password_hash is not None, row.seen_at, wrong, now)
    return Line(
        row.Guardianship.public_id,
        row.Pupil.name,
        row.Pupil.public_id,
        row.Guardianship.relation,
        person.name,
        masked(person.phone) if person.phone else "",
        reach,
        next_way(reach, person.phone, wrong),
        row.seen_at,
        wrong,
    )


@dataclass(frozen=True)
class ClassReach:
    """The counts of one class; ``unreached`` are pupils of whom no guardian is reached."""

    guardians: int
    never: int
    wrong_number: int
    silent: int
    unreached: int


def of_school(school_id: int, actor: Actor, now: datetime) -> dict[int, ClassReach]:
    """Counts by class id of a school; one query, whatever the number of classes. Same words as ``reach_of``."""
    seen, wrong = _seen_at(), _wrong_number().is_not(None)
    recent = and_(seen.is_not(None), seen >= now - SILENT_AFTER)
    signs_in = or_(Person.password_hash.is_not(None), seen.is_not(None))
    recently = func.coalesce(recent, false())
    rows = db.session.execute(
        _of_guardians(
            actor,
            Enrolment.class_id,
            func.count(Guardianship.id).label("guardians"),
            _count_of(and_(~signs_in, ~wrong)).label("never"),
            _count_of(and_(wrong, ~recently)).label("wrong_number"),
            _count_of(and_(signs_in, ~wrong, ~recently)).label("silent"),
            func.count(distinct(Guardianship.pupil_id)).label("pupils"),
            func.count(distinct(case((recently, Guardianship.pupil_id)))).label("pupils_reached"),
        )
        .where(Enrolment.school_id == school_id)
        .group_by(Enrolment.class_id)
    ).all()
    return {
        row.class_id: ClassReach(
            row.guardians, row.never, row.wrong_number, row.silent, row.pupils - row.pupils_reached
        )
        for row in rows
    }


def _count_of(condition: ColumnElement[bool]) -> Any:
    return func.count(case((condition, 1)))


def class_ids_of(pupil_id: int, actor: Actor) -> Select[Any]:
    """Ids of the classes a pupil is in today."""
    return select(Enrolment.class_id).where(Enrolment.pupil_id == pupil_id, in_force(Enrolment, actor))
