"""Audiences: which ones an author may choose, how many families they hold, whom the portal cannot reach."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, distinct, exists, func, or_, select

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import AuthSession, Person
from portal.extensions import db
from portal.notices.models import Counts, Notice, NoticeHousehold, NoticeReceipt, Scope
from portal.schools.models import (
    District,
    Enrolment,
    Flag,
    Grade,
    Guardianship,
    Pupil,
    School,
    SchoolClass,
    SchoolYear,
)
from portal.schools.policy import districts_below, flagged, in_force

NAMES_SHOWN = 100


@dataclass(frozen=True)
class Audience:
    """One audience an author may choose, and the district and school it lies in."""

    kind: Scope
    id: int
    name: str
    district_id: int
    school_id: int | None

    @property
    def key(self) -> str:
        """What the form sends: class:12."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Size:
    """How many an audience holds today; reachable means: with an account that can sign in."""

    guardians: int
    households: int
    reachable_guardians: int
    reachable_households: int


@dataclass(frozen=True)
class Unreached:
    """A guardian the portal does not reach: whose, and whether there is no account or it was never used."""

    pupil: str
    guardian: str
    relation: str
    has_account: bool


def _everyone() -> Actor:
    """Stands for nobody in particular, today: what dated conditions ask for."""
    return Actor(person_id=0, role=Role.GUARDIAN, on=clock.today())


def choices(actor: Actor) -> list[Audience]:
    """The audiences this author may write to today, widest first."""
    match actor.role:
        case Role.COMMITTEE_CHAIR if actor.class_id is None:
            return [*_schools(School.id == actor.school_id), *_grades(actor)]
        case Role.COMMITTEE_CHAIR | Role.CLASS_TEACHER:
            return _classes(actor, SchoolClass.id == actor.class_id)
        case Role.PRINCIPAL | Role.SCHOOL_OFFICE:
            classes = _classes(actor, SchoolClass.school_id == actor.school_id)
            return [*_schools(School.id == actor.school_id), *_grades(actor), *classes]
        case Role.DISTRICT_STAFF:
            return [*_district(actor), *_schools(School.district_id.in_(districts_below(actor)))]
        case _:
            return []


def _district(actor: Actor) -> list[Audience]:
    district = db.session.get(District, actor.district_id)
    return [Audience(Scope.DISTRICT, district.id, district.name, district.id, None)] if district else []


def _schools(condition: ColumnElement[bool]) -> list[Audience]:
    today = clock.today()
    rows = db.session.execute(
        select(School.id, School.name, School.district_id)
        .where(condition, or_(School.closed_on.is_(None), School.closed_on > today))
        .order_by(School.name_pinyin, School.id)
    )
    return [Audience(Scope.SCHOOL, row.id, row.name, row.district_id, row.id) for row in rows]


def _this_year() -> ColumnElement[bool]:
    return and_(SchoolYear.starts_on <= clock.today(), SchoolYear.ends_on >= clock.today())


def _grades(actor: Actor) -> list[Audience]:
    rows = db.session.execute(
        select(Grade, School.district_id)
        .join(SchoolYear, SchoolYear.id == Grade.school_year_id)
        .join(School, School.id == Grade.school_id)
        .where(Grade.school_id == actor.school_id, _this_year())
        .order_by(Grade.stage, Grade.level)
    )
    return [
        Audience(Scope.GRADE, row.Grade.id, row.Grade.name, row.district_id, actor.school_id) for row in rows
    ]


def _classes(actor: Actor, condition: ColumnElement[bool]) -> list[Audience]:
    rows = db.session.execute(
        select(SchoolClass.id, SchoolClass.name, SchoolClass.school_id, School.district_id)
        .join(School, School.id == SchoolClass.school_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .join(SchoolYear, SchoolYear.id == Grade.school_year_id)
        .where(condition, or_(_this_year(), SchoolClass.id == actor.class_id))
        .order_by(Grade.stage, Grade.level, SchoolClass.number)
    )
    return [Audience(Scope.CLASS, row.id, row.name, row.district_id, row.school_id) for row in rows]


def _in_scope(notice: Notice) -> ColumnElement[bool]:
    """Enrolments that lie in the notice's scope."""
    match Scope(notice.scope_kind):
        case Scope.CLASS:
            return Enrolment.class_id == notice.scope_id
        case Scope.GRADE:
            return Enrolment.class_id.in_(
                select(SchoolClass.id).where(SchoolClass.grade_id == notice.scope_id)
            )
        case Scope.SCHOOL:
            return Enrolment.school_id == notice.scope_id
        case Scope.DISTRICT:
            top = select(District.path).where(District.id == notice.scope_id).scalar_subquery()
            below = select(District.id).where(District.path.startswith(top))
            return Enrolment.school_id.in_(select(School.id).where(School.district_id.in_(below)))


def members(notice: Notice) -> ColumnElement[bool]:
    """Condition on Guardianship joined with Enrolment: ties that make the adult part of the audience today."""
    everyone = _everyone()
    return and_(
        _in_scope(notice),
        in_force(Enrolment, everyone),
        in_force(Guardianship, everyone),
        ~flagged(everyone, Flag.RESTRICTED),
    )


def _ties(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Guardianship)
        .join(Enrolment, Enrolment.pupil_id == Guardianship.pupil_id)
    )


def size(notice: Notice) -> Size:
    """Count the audience as it is today, in one statement."""
    reachable = Person.password_hash.is_not(None)
    row = db.session.execute(
        _ties(
            func.count(distinct(Guardianship.person_id)),
            func.count(distinct(Guardianship.household_id)),
            func.count(distinct(case((reachable, Guardianship.person_id)))),
            func.count(distinct(case((reachable, Guardianship.household_id)))),
        )
        .join(Person, Person.id == Guardianship.person_id)
        .where(members(notice))
    ).one()
    return Size(*row)


def households_of(notice: Notice, person_id: int) -> list[int]:
    """The households of a guardian that belong to the audience today."""
    wanted = _ties(Guardianship.household_id).where(members(notice), Guardianship.person_id == person_id)
    return list(db.session.scalars(wanted.distinct().order_by(Guardianship.household_id)))


def unreached(notice: Notice) -> list[Unreached]:
    """Guardians without an account, or who have never signed in; at most a hundred, by the child's name."""
    ever = exists().where(AuthSession.person_id == Person.id)
    rows = db.session.execute(
        _ties(
            Pupil.name.label("pupil"),
            Person.name.label("guardian"),
            Guardianship.relation,
            Person.password_hash.is_not(None).label("has_account"),
        )
        .join(Person, Person.id == Guardianship.person_id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(members(notice), or_(Person.password_hash.is_(None), ~ever))
        .order_by(Pupil.name_pinyin, Pupil.id, Guardianship.id)
        .limit(NAMES_SHOWN)
    )
    return [Unreached(row.pupil, row.guardian, row.relation, bool(row.has_account)) for row in rows]


def _answered(notice: Notice) -> ColumnElement[bool]:
    """The guardian of a tie has answered this round: confirmed, or opened where reading is enough."""
    receipt = exists().where(
        NoticeReceipt.notice_id == notice.id,
        NoticeReceipt.round == notice.round,
        NoticeReceipt.person_id == Guardianship.person_id,
    )
    return receipt.where(NoticeReceipt.confirmed_at.is_not(None)) if notice.asks_to_confirm else receipt


def _missing(notice: Notice) -> ColumnElement[bool]:
    """Ties that still lack an answer: the guardian's own, or anyone's of the household where one is enough."""
    if notice.counts == Counts.GUARDIAN:
        return ~_answered(notice)
    household = exists().where(
        NoticeHousehold.notice_id == notice.id,
        NoticeHousehold.round == notice.round,
        NoticeHousehold.household_id == Guardianship.household_id,
    )
    if notice.asks_to_confirm:
        household = household.where(NoticeHousehold.confirmed_at.is_not(None))
    return ~household


def missing_households(notice: Notice) -> int:
    """How many households of the audience still lack an answer, counted today."""
    wanted = _ties(func.count(distinct(Guardianship.household_id))).where(members(notice), _missing(notice))
    return db.session.scalar(wanted) or 0


def missing_children(notice: Notice) -> list[tuple[str, str]]:
    """(child, class) whose household still lacks an answer, by class and name; at most a hundred."""
    rows = db.session.execute(
        _ties(Pupil.name, SchoolClass.name.label("class_name"), Pupil.name_pinyin, Pupil.id, SchoolClass.id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(members(notice), _missing(notice))
        .distinct()
        .order_by(SchoolClass.id, Pupil.name_pinyin, Pupil.id)
        .limit(NAMES_SHOWN)
    )
    return [(row.name, row.class_name) for row in rows]


def sender_of(actor: Actor) -> str:
    """The place the author speaks for, kept with the notice: 三(2)班, 望溪小学, 云溪县."""
    place = ""
    if actor.class_id is not None:
        place = db.session.scalar(select(SchoolClass.name).where(SchoolClass.id == actor.class_id)) or ""
    elif actor.school_id is not None:
        place = db.session.scalar(select(School.name).where(School.id == actor.school_id)) or ""
    elif actor.district_id is not None:
        place = db.session.scalar(select(District.name).where(District.id == actor.district_id)) or ""
    return place
