"""Neighbours for the rehearsal district, inserted in bulk.

Each school has 100 pupils in three classes, seven guardians to four pupils, and two visits, two agreed steps and
several read notices to each family, so that only the number of schools differs between sizes. Ten schools make a
county; the first ten stand in 云溪县 itself, so its board has the same schools at every size.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Table, func, insert, select, update

from bench.pages import CITY_ACCOUNT
from portal import clock, names
from portal.access import Role
from portal.accounts.models import Appointment, Person
from portal.courses.models import Course, CourseSession, Lesson, Seat
from portal.extensions import Base, db, new_public_id
from portal.keys.sealing import SEALED
from portal.notices.models import Notice, NoticeHousehold, NoticeReceipt, NoticeSummary
from portal.opinions.models import Opinion
from portal.rehearsal.town import GIVEN, SURNAMES
from portal.schools.calendar import year_start
from portal.schools.models import (
    District,
    Enrolment,
    Flag,
    Grade,
    Guardianship,
    GuardianshipFlag,
    Household,
    Pupil,
    School,
    SchoolClass,
    SchoolStage,
    SchoolYear,
    Stage,
    Term,
    class_name,
)
from portal.visits.models import FollowUp, Invitation, Visit, VisitMet, VisitPart

SCHOOLS_A_COUNTY = 10
PUPILS_A_CLASS = (34, 33, 33)
TEXT = "这一周孩子们在读自己选的书，回家请听他们讲一讲最喜欢的一段，也说说您小时候读过的故事。"
CHANCE = random.Random(20)


class Rows:
    """Rows waiting to be inserted, in the order in which their tables refer to each other."""

    def __init__(self) -> None:
        # One insert takes rows with the same columns.
        self.waiting: dict[tuple[Table, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
        self.last: dict[Table, int] = {}

    def next_id(self, model: type[Base]) -> int:
        """The id that the next row of a table gets."""
        table: Any = model.__table__
        if table not in self.last:
            self.last[table] = db.session.scalar(select(func.max(table.c.id))) or 0
        return self.last[table] + 1

    def add(self, model: type[Base], **values: Any) -> int:
        """Keep a row; returns its id, or 0 for a table without one."""
        table: Any = model.__table__
        if "id" in table.c:
            self.last[table] = values["id"] = self.next_id(model)
        for attribute in SEALED:
            if attribute.owner is model and attribute.name in values:
                identity = values.setdefault(attribute.row, new_public_id())
                values |= attribute.columns(values.pop(attribute.name), identity)
        self.waiting[table, tuple(values)].append(values)
        return int(values.get("id", 0))

    def write(self) -> None:
        """Insert what waits, in the current transaction."""
        place = {table: number for number, table in enumerate(Base.metadata.sorted_tables)}
        for (table, _columns), rows in sorted(self.waiting.items(), key=lambda item: place[item[0][0]]):
            db.session.execute(insert(table), rows)
        self.waiting.clear()


class County:
    """Builds schools in a district; ``today`` and the start of the school year date all records."""

    def __init__(self, rows: Rows, hashed: str) -> None:
        self.rows = rows
        self.hashed = hashed
        self.now = clock.now()
        self.today = clock.today()
        self.start = year_start(self.today)
        self.serial = 0

    def day(self, latest: int = 0) -> date:
        """A day of this school year, at least so many days ago."""
        days = max((self.today - self.start).days - latest, 0)
        return self.start + timedelta(days=CHANCE.randint(0, days))

    def named(self) -> dict[str, str]:
        """An invented name with its reading."""
        self.serial += 1
        name = (
            SURNAMES[self.serial * 7 % len(SURNAMES)]
            + GIVEN[(self.serial * 5 + self.serial // 41) % len(GIVEN)]
        )
        full, initials = names.reading(name)
        return {"name": name, "name_pinyin": full, "name_initials": initials}

    def person(self, **facts: Any) -> int:
        """Somebody with an invented name."""
        return self.rows.add(Person, **{**self.named(), "created_at": self.now, **facts})

    def district(self, number: int, city: District) -> int:
        """A county of the city with its school year and first term."""
        place = self.rows.next_id(District)
        path = f"{city.path}{place}/"
        self.rows.add(District, name=f"云岭第{number}县", parent_id=city.id, path=path, is_rehearsal=True)
        self.year(place)
        return place

    def year(self, district_id: int) -> int:
        """This school year of a district, with two terms."""
        year = self.rows.add(
            SchoolYear,
            district_id=district_id,
            starts_on=self.start,
            ends_on=date(self.start.year + 1, 8, 31),
        )
        following = self.start.year + 1
        for number, begins, ends in (
            (1, self.start, date(following, 1, 22)),
            (2, date(following, 2, 22), date(following, 7, 9)),
        ):
            self.rows.add(Term, school_year_id=year, number=number, starts_on=begins, ends_on=ends)
        return year

    def school(self, district_id: int, year_id: int, number: int) -> None:
        """A primary school with three classes, its office's courses and notices."""
        full, initials = names.reading(name := f"云岭第{number}小学")
        school = self.rows.add(
            School, district_id=district_id, code=f"YL{number:05}", name=name,
            name_pinyin=full, name_initials=initials, phone="0000-6300000",
        )  # fmt: skip
        self.rows.add(SchoolStage, school_id=school, stage=Stage.PRIMARY)
        office = self.person()
        self.rows.add(
            Appointment, person_id=office, role=Role.SCHOOL_OFFICE, school_id=school, started_on=self.start
        )
        place = {"district_id": district_id, "school_id": school}
        self.notices(12, office, Role.SCHOOL_OFFICE, "school", school, name, [], place)
        sessions = self.courses(office, name, place)
        for at, pupils in enumerate(PUPILS_A_CLASS):
            grade = self.rows.add(
                Grade, school_id=school, school_year_id=year_id, stage=Stage.PRIMARY, level=at * 2 + 1
            )
            typed = class_name(Stage.PRIMARY, at * 2 + 1, 1)
            class_id = self.rows.add(SchoolClass, grade_id=grade, school_id=school, number=1, name=typed)
            teacher = self.person()
            self.rows.add(
                Appointment,
                person_id=teacher,
                role=Role.CLASS_TEACHER,
                class_id=class_id,
                started_on=self.start,
            )
            self.school_class(class_id, typed, teacher, pupils, sessions, place)

    def school_class(
        self,
        class_id: int,
        name: str,
        teacher: int,
        pupils: int,
        sessions: Sequence[int],
        place: dict[str, int],
    ) -> None:
        """The families of a class and what its teacher wrote to them."""
        homes = [self.family(class_id, teacher, number, sessions, place) for number in range(pupils)]
        self.notices(6, teacher, Role.CLASS_TEACHER, "class", class_id, name, homes, place)

    def family(
        self, class_id: int, teacher: int, number: int, sessions: Sequence[int], place: dict[str, int]
    ) -> tuple[int, list[int]]:
        """A pupil with one or two guardians: (household, guardians)."""
        rows, school = self.rows, place["school_id"]
        pupil = rows.add(Pupil, school_id=school, arrived_on=self.start, **self.named())
        rows.add(Enrolment, pupil_id=pupil, class_id=class_id, school_id=school, started_on=self.start)
        home = rows.add(Household, formed_on=self.start)
        guardians, ties = [], []
        for relation in ("妈妈", "爸爸") if number % 4 else ("妈妈",):
            guardian = self.person()
            tie = rows.add(
                Guardianship, pupil_id=pupil, person_id=guardian, household_id=home, relation=relation, started_on=self.start
            )  # fmt: skip
            for flag in (Flag.LIVES_WITH, Flag.MAY_SIGN):
                rows.add(GuardianshipFlag, guardianship_id=tie, kind=flag, started_on=self.start)
            guardians.append(guardian)
            ties.append(tie)
        facts = {"pupil_id": pupil, "household_id": home, "class_id": class_id, "school_id": school}
        for turn in range(2 if number % 5 else 0):
            self.visit(facts, teacher, guardians[0], ties[0], turn)
        if number % 6 == 0:
            self.invitation(facts, teacher)
        if number % 50 == 0:
            self.opinion(pupil, guardians[0], place)
        if number % 3 == 0:
            rows.add(Seat, session_id=sessions[number % len(sessions)], household_id=home, queued_at=self.now, seated_at=self.now)  # fmt: skip
        return home, guardians

    def visit(
        self, facts: dict[str, int], teacher: int, guardian: int, tie: int, turn: int, waits: bool = False
    ) -> None:
        """A visit of this school year (turn 0) or the last, with an agreed step; ``waits`` to be confirmed by the family."""
        held_on = self.day(1) - timedelta(days=365 * turn)
        held_at = clock.instant_of(held_on, 18)
        confirmed = not waits and (turn or CHANCE.random() < 0.8)
        visit = self.rows.add(
            Visit, **facts, client_id=f"{self.rows.next_id(Visit):036}",
            author_id=teacher, outcome="met", form=CHANCE.choice(("in_home", "in_home", "at_school", "phone")),
            held_on=held_on, held_at=held_at, minutes=40, year_on=year_start(held_on), written_at=held_at,
            confirmed_at=held_at + timedelta(hours=3) if confirmed else None, confirmed_by_id=guardian if confirmed else None,
        )  # fmt: skip
        self.rows.add(VisitMet, visit_id=visit, guardianship_id=tie)
        self.rows.add(VisitPart, visit_id=visit, author_id=teacher, hopes=TEXT, note=TEXT, written_at=held_at)
        due_on = held_on + timedelta(days=14)
        done = due_on < self.today
        self.rows.add(
            FollowUp, visit_id=visit, pupil_id=facts["pupil_id"], household_id=facts["household_id"], school_id=facts["school_id"],
            what="每天一起读二十分钟", owner="family", due_on=due_on,
            done_on=due_on if done else None, done_by_id=guardian if done else None,
        )  # fmt: skip

    def invitation(self, facts: dict[str, int], teacher: int) -> None:
        """An open invitation with two times."""
        times = [self.now + timedelta(days=3), self.now + timedelta(days=4)]
        self.rows.add(
            Invitation, **facts, author_id=teacher, purpose="聊聊孩子最近的阅读，听听家里的想法。", forms=["in_home", "phone"],
            times=[at.isoformat() for at in times], last_time_at=times[-1], created_at=self.now,
        )  # fmt: skip

    def opinion(self, pupil: int, guardian: int, place: dict[str, int]) -> None:
        """An opinion that the office has not answered yet."""
        on = self.today + timedelta(days=5)
        number = self.rows.next_id(Opinion)
        self.rows.add(
            Opinion, **place, pupil_id=pupil, author_id=guardian, number=f"YL{number:06}", category="teaching", addressee="office",
            text=TEXT, sent_at=self.now, acknowledge_by=on, answer_by=on, lifts_on=on, due_on=on,
        )  # fmt: skip

    def courses(self, office: int, host: str, place: dict[str, int], soon: int = 4) -> list[int]:
        """Four courses of the parent school with two sessions each; returns the sessions to come."""
        coming = []
        for number in range(4):
            course = self.rows.add(
                Course, **place, title=f"{host}家长课堂第{number + 1}讲", topic="primary", form="place", description=TEXT,
                audience_kind="school", audience_id=place["school_id"], created_by_id=office, created_at=self.now,
                published_at=self.now - timedelta(days=30),
            )  # fmt: skip
            self.rows.add(Lesson, course_id=course, position=1, title="听孩子说话", text=TEXT)
            for starts_at in (
                self.now - timedelta(days=20 + number),
                self.now + timedelta(days=soon + number),
            ):
                session = self.rows.add(
                    CourseSession, course_id=course, starts_at=starts_at, place="一楼报告厅", capacity=200, lesson_hours=2,
                    signed_in_at=starts_at if starts_at < self.now else None,
                )  # fmt: skip
                if starts_at > self.now:
                    coming.append(session)
        return coming

    def notices(
        self, count: int, author: int, role: Role, kind: str, scope_id: int, name: str,
        homes: Iterable[tuple[int, list[int]]], place: dict[str, int],
    ) -> None:  # fmt: skip
        """Notices to a class, school or district; a third of the families of a class answered each."""
        for number in range(count):
            published_at = self.now - timedelta(days=number * 8 + 1)
            past, due_on = number > 2, clock.local(published_at).date() + timedelta(days=7)
            notice = self.rows.add(
                Notice, **place, author_id=author, author_role=role, sender=name, scope_kind=kind, scope_id=scope_id,
                scope_name=name, title=f"{name}通知第{number + 1}号：周五下午的安排", body=TEXT * 3, who="所有家庭",
                act="请和孩子一起看一看。", ask="班主任", level="read" if number % 3 == 2 else "confirm",
                due_on=due_on, expires_on=due_on if past else None, state="published",
                created_at=published_at, updated_at=published_at, published_at=published_at,
            )  # fmt: skip
            self.rows.add(NoticeSummary, notice_id=notice)
            for home, guardians in homes:
                if CHANCE.random() < 0.34:
                    self.answer(notice, home, guardians[0], published_at)

    def answer(self, notice: int, home: int, guardian: int, published_at: datetime) -> None:
        """A guardian read a notice an hour after it came."""
        at = published_at + timedelta(hours=1)
        self.rows.add(
            NoticeReceipt, notice_id=notice, round=1, person_id=guardian, opened_at=at, confirmed_at=at
        )
        self.rows.add(
            NoticeHousehold, notice_id=notice, round=1, household_id=home, opened_at=at, confirmed_at=at, confirmed_by_id=guardian
        )  # fmt: skip


def _named(model: Any, name: str) -> Any:
    return db.session.execute(select(model).where(model.name == name)).scalar_one()


def _those_who_look(county: County) -> None:
    """王雪's class gets as many pupils as others have; 李晚晴's family gets seats, notices and a step of its own."""
    teacher, mother, school = _named(Person, "王雪"), _named(Person, "李晚晴"), _named(School, "望溪小学")
    place = {"district_id": school.district_id, "school_id": school.id}
    third = db.session.scalars(
        select(SchoolClass).where(SchoolClass.school_id == school.id, SchoolClass.name == "三(2)班")
    ).one()
    sessions = county.courses(teacher.id, school.name, place)
    county.school_class(third.id, third.name, teacher.id, 25, sessions, place)
    county.notices(6, teacher.id, Role.SCHOOL_OFFICE, "school", school.id, school.name, [], place)
    tie = db.session.scalars(
        select(Guardianship).join(Pupil).where(Guardianship.person_id == mother.id, Pupil.name == "陈一诺")
    ).one()
    facts = {
        "pupil_id": tie.pupil_id,
        "household_id": tie.household_id,
        "class_id": third.id,
        "school_id": school.id,
    }
    county.visit(facts, teacher.id, mother.id, tie.id, turn=0, waits=True)
    for session in sessions:
        county.rows.add(
            Seat,
            session_id=session,
            household_id=tie.household_id,
            queued_at=county.now,
            seated_at=county.now,
        )


def build(schools: int) -> None:
    """Add so many schools to the rehearsal district and its neighbours, and commit."""
    rows = Rows()
    hashed = _named(Person, "李晚晴").password_hash
    county = County(rows, hashed)
    city, own = _named(District, "云岭市"), _named(District, "云溪县")
    staff = county.person(account_name=CITY_ACCOUNT, password_hash=hashed)
    rows.add(
        Appointment, person_id=staff, role=Role.DISTRICT_STAFF, district_id=city.id, started_on=county.start
    )
    county.year(city.id)
    _those_who_look(county)
    rows.write()
    year_id = db.session.scalars(
        select(SchoolYear.id).where(SchoolYear.district_id == own.id, SchoolYear.starts_on == county.start)
    ).one()
    district_id = own.id
    for number in range(1, schools + 1):
        if number > SCHOOLS_A_COUNTY and number % SCHOOLS_A_COUNTY == 1:
            district_id = county.district(number // SCHOOLS_A_COUNTY, city)
            year_id = rows.next_id(SchoolYear) - 1
            county.notices(
                5,
                staff,
                Role.DISTRICT_STAFF,
                "district",
                district_id,
                "云岭",
                [],
                {"district_id": district_id},
            )
        county.school(district_id, year_id, number)
        if number % SCHOOLS_A_COUNTY == 0:
            rows.write()
    rows.write()
    taken = select(func.count()).where(Seat.session_id == CourseSession.id).scalar_subquery()
    db.session.execute(update(CourseSession).values(seats_taken=taken))
    db.session.commit()
