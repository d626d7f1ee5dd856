"""The town with a neighbour for everything: for each kind of record one at every place it could stand.

What the rehearsal tells once (a visit to 陈一诺) is copied to the sister class, the sister school and the other
district, to a child that moved away and to the other household, so that no relation is left without a row.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, AuthSession, Passkey
from portal.care.models import CarePlan, LeftBehind, Partner, Watch
from portal.courses.models import Course, Lesson
from portal.extensions import Base, db
from portal.files import chunks, storage
from portal.files.intake import Taken, new_stored_key
from portal.files.models import File
from portal.files.models import State as FileState
from portal.joining.models import GuardianNews, JoiningRequest, JoiningSheet, RequestState
from portal.keys.sealing import SEALED
from portal.notices import attaching
from portal.notices.models import Notice, NoticeFile
from portal.opinions.models import Opinion
from portal.ratings.asking import RatingLook
from portal.ratings.concerns import Concern
from portal.ratings.evidence import Evidence
from portal.ratings.improving import Improvement, Peers
from portal.ratings.models import RubricVersion
from portal.ratings.standing import LightCheck, Measure, Naming
from portal.roster.models import RosterImport, State
from portal.schools.models import (
    District,
    Enrolment,
    Grade,
    Guardianship,
    Pupil,
    School,
    SchoolClass,
    Term,
)
from portal.surveys.models import (
    Survey,
    SurveyAnswer,
    SurveyBox,
    SurveyFlag,
    SurveyHousehold,
    SurveyPressure,
    SurveyRemark,
    SurveySchool,
    SurveyState,
)
from portal.trail.models import TrailEntry
from portal.visits.fairness import FairPlayRecord
from portal.visits.home_lessons import HomeTeaching
from portal.visits.models import Correction, Invitation, InvitationState, Outcome, Visit
from tests.site import families
from tests.site.actors import PLAYERS
from tests.site.belonging import BELONGS, holds
from tests.site.families import class_in, person, pupil

FAMILIES = (Enrolment, Guardianship, Appointment)
STANDING = (Appointment, Pupil, SchoolClass, School, District, Term, AuthSession, Passkey, File, TrailEntry)
"""What the town itself has at every place, and what each record gets of its own."""
OF_ITS_OWN = (
    NoticeFile,
    FairPlayRecord,
    RatingLook,
    Evidence,
    Naming,
    LightCheck,
    Measure,
    Concern,
    SurveyBox,
    SurveyAnswer,
    SurveyRemark,
    SurveyPressure,
    Improvement,
    Peers,
)
ENTERED_BY_PLACE = {"class": "class_id", "school": "school_id", "district": "district_id"}


@dataclass(frozen=True)
class Spot:
    """One place a record can stand at: a child, its household, class, school and district, and who writes it."""

    pupil_id: int
    household_id: int
    class_id: int
    school_id: int
    district_id: int
    author_id: int
    guardian_id: int

    def audience(self, kind: str) -> int:
        if kind == "grade":
            return db.session.get_one(SchoolClass, self.class_id).grade_id
        return int(getattr(self, ENTERED_BY_PLACE[kind]))


def populate() -> None:
    """Children who moved, left or were cared for once; households apart; then a copy of each record at each spot."""
    families.populate()
    _passkeys()
    _imports()
    _lessons()
    _opinions()
    _corrections()
    _courses()
    _notices()
    _joining()
    _surveys()
    spots = list(_spots())
    for model in [key for key in BELONGS if isinstance(key, type) and key not in STANDING]:
        _spread(model, spots)
    _files()
    db.session.commit()


def _passkeys() -> None:
    """A passkey for everybody who knocks."""
    for player in PLAYERS:
        if player.name is not None:
            db.session.add(
                Passkey(
                    person_id=person(player.name).id,
                    name="手机",
                    credential_id=secrets.token_bytes(16),
                    public_key=b"none",
                    created_at=clock.now(),
                )
            )


def _teacher(class_id: int) -> int:
    found = db.session.scalars(
        select(Appointment).where(Appointment.class_id == class_id, Appointment.role == Role.CLASS_TEACHER)
    ).all()
    now = [appointment.person_id for appointment in found if holds(appointment)]
    return now[0] if now else person("刘明远").id


def _spots() -> Iterator[Spot]:
    neighbours = (
        ("望溪小学", "三(2)班"), ("望溪小学", "三(1)班"), ("东塔小学", "二(1)班"), ("石桥县第一小学", "三(1)班"),
    )  # fmt: skip
    own = next(spots_of(pupil("陈一诺")))
    neighbour = next(spots_of(pupil("林嘉树")))
    yield replace(neighbour, household_id=own.household_id, guardian_id=own.guardian_id)
    for name in (*families.TOLD_OF, "李归帆", "周归帆", "何归帆"):
        yield from spots_of(pupil(name))
    for school, name in neighbours:
        school_class = class_in(school, name)
        last = (
            select(Pupil)
            .join(Enrolment)
            .where(Enrolment.class_id == school_class.id, Pupil.name.not_in(families.SINGULAR))
            .order_by(Pupil.id.desc())
        )
        yield from spots_of(db.session.scalars(last.limit(1)).one())
    yield replace(next(spots_of(pupil("柳燕飞"))), author_id=person("王雪").id)
    yield replace(own, author_id=person("刘明远").id)
    yield replace(own, author_id=person("马兰").id)
    yield replace(own, author_id=person("吴正清").id)
    yield replace(own, author_id=person("冯秀英").id)
    yield replace(own, author_id=person("郑雅琴").id)


def spots_of(child: Pupil) -> Iterator[Spot]:
    """One spot per household of the child, at its last class."""
    last = select(Enrolment).where(Enrolment.pupil_id == child.id).order_by(Enrolment.id.desc()).limit(1)
    enrolment = db.session.scalars(last).one()
    ties = db.session.scalars(select(Guardianship).where(Guardianship.pupil_id == child.id)).all()
    district_id = db.session.get_one(School, enrolment.school_id).district_id
    for household_id, guardian_id in sorted({tie.household_id: tie.person_id for tie in ties}.items()):
        author_id = _teacher(enrolment.class_id)
        places = (enrolment.class_id, enrolment.school_id, district_id)
        yield Spot(child.id, household_id, *places, author_id, guardian_id)


def _lessons() -> None:
    """A lesson in each course that has none yet."""
    full = select(Lesson.course_id)
    for course_id in db.session.scalars(select(Course.id).where(Course.id.not_in(full))).all():
        db.session.add(Lesson(course_id=course_id, position=1, title="听孩子说完", text="先听，再说。"))
    db.session.flush()


def _opinions() -> None:
    """An opinion of each kind that has readers of its own, beside the everyday one of 李晚晴."""
    today = clock.today()
    soon, past = today + timedelta(days=30), today - timedelta(days=1)
    everyday = db.session.scalars(select(Opinion).where(Opinion.answered_on.is_(None)).limit(1)).one()
    for category, addressee, lifts_on in (
        ("canteen", "office", soon),
        ("canteen", "office", past),
        ("canteen", "principal", soon),
        ("canteen", "district", soon),
        ("safety", "principal", soon),
        ("safety", "principal", past),
        ("principal", "district", soon),
    ):
        made = copied(everyday, next(spots_of(pupil("陈一诺"))), {})
        made.category, made.addressee, made.lifts_on, made.answered_on = category, addressee, lifts_on, None
    db.session.flush()


def _corrections() -> None:
    """A correction asked of a visit that was met, still unanswered."""
    held = select(Visit).where(Visit.outcome == Outcome.MET).limit(1)
    found = db.session.scalars(held).one()
    asked = Correction(visit_id=found.id, person_id=person("林悦").id, body="时间不对", asked_at=clock.now())
    db.session.add(asked)
    db.session.flush()


def _courses() -> None:
    """A course that was withdrawn, one for a class and one for a grade only."""
    whole_school = db.session.scalars(
        select(Course).where(
            Course.published_at.is_not(None),
            Course.withdrawn_at.is_(None),
            Course.school_id.is_not(None),
            Course.is_public.is_(False),
        )
    ).first()
    assert whole_school is not None
    here = next(spots_of(pupil("陈一诺")))
    gone = copied(whole_school, here, {})
    gone.withdrawn_at, gone.withdrawal_reason = clock.now(), "讲师生病"
    for kind in ("class", "grade"):
        made = copied(whole_school, here, {})
        made.audience_kind, made.audience_id = kind, here.audience(kind)
    db.session.flush()


def _notices() -> None:
    """A notice that asks for money, and one of a committee to the grade whose number is that of a class."""
    here = next(spots_of(pupil("陈一诺")))
    by_committee = db.session.scalars(
        select(Notice).where(Notice.author_role == Role.COMMITTEE_CHAIR, Notice.published_at.is_not(None))
    ).first()
    assert by_committee is not None
    copied(by_committee, here, {}).money_words = "转账"
    for role, kind in ((Role.CLASS_TEACHER, "class"), (Role.SCHOOL_OFFICE, "school")):
        draft = copied(by_committee, here, {})
        draft.author_role, draft.scope_kind, draft.scope_id = role, kind, here.audience(kind)
        draft.state, draft.published_at = "draft", None
    other = db.session.get(Grade, here.class_id)
    if other is not None and other.id != here.audience("grade"):
        made = copied(by_committee, here, {})
        made.scope_kind, made.scope_id = "grade", other.id
    db.session.flush()


def _files() -> None:
    """A file for every notice that has none."""
    content = "清单".encode()
    for notice in db.session.scalars(select(Notice)).all():
        if attaching.attachments(notice).now:
            continue
        key, stored_key = chunks.new_key(), new_stored_key()
        storage.put(stored_key, chunks.seal(content, key, stored_key))
        digest = hashlib.sha256(content).hexdigest()
        taken = Taken(
            "清单.txt", "text", "text/plain", len(content), digest, stored_key, key, FileState.CLEAN
        )
        attaching.attach(notice, Actor(notice.author_id, Role(notice.author_role), clock.today()), [taken])


def _imports() -> None:
    """One roster of the district and one of a school."""
    school = db.session.scalars(select(School).where(School.name == "望溪小学")).one()
    for school_id in (None, school.id):
        made = RosterImport(
            district_id=school.district_id,
            school_id=school_id,
            file_name="名册.xlsx",
            file_hash=secrets.token_hex(32),
            format="workbook",
            state=State.CHECKED,
            created_at=clock.now(),
            moved_at=clock.now(),
        )
        db.session.add(made)
    db.session.flush()


def _joining() -> None:
    """A sheet of the class that somebody else printed, and a request that was decided."""
    sheet = db.session.scalars(select(JoiningSheet)).first()
    asked = db.session.scalars(select(JoiningRequest).order_by(JoiningRequest.id)).first()
    assert sheet is not None and asked is not None
    here = next(spots_of(pupil("陈一诺")))
    copied(sheet, here, {}).printed_by_id = person("刘明远").id
    decided = copied(asked, here, {})
    decided.state, decided.decided_at = RequestState.CONFIRMED, clock.now()
    db.session.flush()


def _surveys() -> None:
    """A questionnaire that has not gone out, one that is closed, one past its last day, one whose answers do not count; a
    question that lies with its school."""
    here = next(spots_of(pupil("陈一诺")))
    asked = select(SurveyHousehold).join(SurveySchool).join(Survey).where(Survey.state == SurveyState.OPEN)
    source = db.session.scalars(asked.limit(1)).one()
    asks, agrees = person("张建平").id, person("苏敏").id
    for state, closes_on, void in (
        ("draft", clock.today() + timedelta(days=9), False),
        ("closed", clock.today() + timedelta(days=9), False),
        ("open", clock.today() - timedelta(days=1), False),
        ("open", clock.today() + timedelta(days=9), True),
    ):
        about = db.session.get_one(SurveySchool, copied(source, here, {}).survey_school_id)
        survey = db.session.get_one(Survey, about.survey_id)
        survey.state, survey.closes_on = state, closes_on
        if void:
            about.void_reason, about.void_asked_by_id, about.voided_by_id = "有人要求统一填写", asks, agrees
            about.void_asked_at = about.voided_at = clock.now()
    flag = copied(db.session.scalars(select(SurveyFlag)).one(), here, {})
    flag.answer, flag.answered_at, flag.answered_by_id = "", None, None
    flag.due_on = clock.today() + timedelta(days=3)
    db.session.flush()


# Copies of records


def _variant(row: Any) -> tuple[Any, ...]:
    """What makes a record another kind of the same: its state, the office that keeps it, its audience."""
    what = BELONGS[type(row)](row)
    audience = what.audience[0] if what.audience else ""
    return (
        what.state,
        what.office,
        audience or getattr(row, "audience_kind", getattr(row, "scope_kind", "")),
    )


def _spread(model: type[Base], spots: list[Spot]) -> None:
    sources: dict[tuple[Any, ...], Any] = {}
    for row in db.session.scalars(select(model)).all():
        sources.setdefault(_variant(row), row)
    for source in sources.values():
        seen = set()
        for spot in spots:
            with db.session.begin_nested() as savepoint:
                try:
                    made = copied(source, spot, {})
                    db.session.flush()
                except IntegrityError:
                    savepoint.rollback()
                    continue
                signature = (
                    BELONGS[model](made),
                    getattr(made, "audience_kind", ""),
                    getattr(made, "audience_id", 0),
                )
                if signature in seen:
                    savepoint.rollback()
                seen.add(signature)
        if db.engine.dialect.name == "sqlite":
            # It keeps each savepoint that was rolled back until the end, and every page it writes looks through them.
            db.session.commit()


def copied(source: Any, spot: Spot, done: dict[tuple[str, int], Any]) -> Any:
    """A copy of a record at a spot; what it hangs on (visit, course, round …) is copied along."""
    table = source.__table__
    if (table.name, source.id) in done:
        return done[table.name, source.id]
    values = {
        column.key: _value(source, column, spot, done) for column in table.columns if not column.primary_key
    }
    made = type(source)(**_sealed_again(source, values))
    if isinstance(made, CarePlan):
        made.closing = "已好转。"
    done[table.name, source.id] = made
    db.session.add(made)
    db.session.flush()
    for model, column in _parts(table):
        for part in db.session.scalars(select(model).where(column == source.id)).all():
            _copy_part(part, column, made, spot, done)
    return made


@cache
def _parts(table: Any) -> list[tuple[Any, Any]]:
    """The tables whose rows are part of a record: they fall with it and have no address of their own."""
    found = []
    for mapper in Base.registry.mappers:
        for column in mapper.local_table.columns:  # type: ignore[attr-defined]
            owner = [
                key for key in column.foreign_keys if key.column.table is table and key.ondelete == "CASCADE"
            ]
            if owner and mapper.class_ not in BELONGS and mapper.class_ not in (*FAMILIES, *OF_ITS_OWN):
                found.append((mapper.class_, column))
    return found


def _copy_part(part: Any, column: Any, made: Any, spot: Spot, done: dict[tuple[str, int], Any]) -> None:
    values = {}
    for other in part.__table__.columns:
        if (
            other.primary_key
            and not other.foreign_keys
            and other.autoincrement is not False
            and other.key == "id"
        ):
            continue
        values[other.key] = made.id if other.key == column.key else _value(part, other, spot, done)
    with db.session.begin_nested() as savepoint:
        try:
            db.session.add(type(part)(**_sealed_again(part, values)))
            db.session.flush()
        except IntegrityError:
            # Two families answered the record; both answers would now be those of the one family here.
            savepoint.rollback()


def _sealed_again(source: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Values of a copy with what is sealed in it: a seal belongs to its row. Values found by an index are left out."""
    for attribute in SEALED:
        if attribute.owner is type(source) and not attribute.index:
            values |= attribute.columns(attribute.__get__(source, type(source)), values[attribute.row])
    return values


ENDINGS: dict[Any, tuple[str, ...]] = {
    CarePlan: ("closed_on", "closed_by_id"),
    LeftBehind: ("ended_on",),
    Watch: ("ended_on", "ending"),
}
UNIQUE_TEXTS = {"sealed_as", "public_id", "token_hash", "client_id", "file_hash"}
ONE_OF_EACH: dict[Any, Callable[[Any, Spot], Any]] = {
    (RubricVersion, "version"): lambda _value, _spot: 1_000 + secrets.randbelow(1_000_000),
    (SurveyHousehold, "token_index"): lambda _value, _spot: secrets.token_bytes(15),
    (HomeTeaching, "year_on"): lambda value, spot: value.replace(year=1 + spot.household_id % 1_900),
}
"""Versions differ; a child has one log of lessons at home a year, so each of its homes has that of another year."""
WRITERS = {"author_id", "person_id", "lecturer_id"}
CARRIED = {
    "visit_id",
    "draft_id",
    "course_id",
    "session_id",
    "round_id",
    "entry_id",
    "rubric_version_id",
    "invitation_id",
    "plan_id",
    "survey_id",
    "survey_school_id",
}


def _ended(name: str, spot: Spot) -> Any:
    """One open invitation, plan or line of the register is the rule; those that ended may stand side by side."""
    if name == "state":
        return InvitationState.LAPSED
    if name == "ending":
        return "back"
    return spot.author_id if name.endswith("_id") else clock.today()


def _value(source: Any, column: Any, spot: Spot, done: dict[tuple[str, int], Any]) -> Any:
    value, name = getattr(source, column.key), column.key
    if name in UNIQUE_TEXTS:
        return secrets.token_urlsafe(16)
    if (name == "number" and isinstance(value, str)) or (isinstance(source, Partner) and name == "name"):
        return secrets.token_urlsafe(16)[: column.type.length]
    if (type(source), name) in ONE_OF_EACH:
        return ONE_OF_EACH[type(source), name](value, spot)
    if (isinstance(source, Invitation) and name == "state") or name in ENDINGS.get(type(source), ()):
        return _ended(name, spot)
    if isinstance(source, Opinion) and name == "author_id":
        return spot.guardian_id
    if value is None or name.endswith("_sealed"):
        return None
    if name in WRITERS:
        return spot.guardian_id if isinstance(source, GuardianNews) else spot.author_id
    if name in CARRIED:
        return copied(_parent(column, value), spot, done).id
    if name in ("audience_id", "scope_id"):
        return spot.audience(getattr(source, name.replace("_id", "_kind")))
    return getattr(spot, name, value)


def _parent(column: Any, value: int) -> Any:
    target = next(iter(column.foreign_keys)).column.table
    model = next(mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is target)
    return db.session.get_one(model, value)
