"""Reports of harm to a child (强制报告): stamped at once, sealed, told without a word of what it is about, never deleted.

Who by duty learns of harm to a child reports it at once to the police; nobody approves that first (《关于建立侵害未成年人案件
强制报告制度的意见（试行）》, 2020; Law on the Protection of Minors, art. 11). The report in the portal is the record beside it.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Select, String, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Appointment, Person
from portal.deliveries.kinds import Kind
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import SealedText, SealPlace
from portal.schools.models import Pupil, School
from portal.schools.policy import in_force
from portal.settings import Lines, Setting
from portal.trail.models import note

NUMBERS = Setting(
    "visits.harm_numbers",
    Lines(60, 12),
    ["公安机关 110", "检察服务热线 12309", "未成年人保护热线 12345", "青少年服务台 12355", "急救 120"],
    label=_l("Whom to ring when a child is harmed"),
    help=_l("One a line, name and number. They stand on the page for reporting harm."),
)
TOLD = Kind(
    "visits.urgent",
    _l("Something urgent waits for you"),
    _l("Something urgent and confidential waits for you in the portal. Please sign in now."),
    path="/visits/harm",
)


class Act(StrEnum):
    """What an entry of a report tells."""

    SEEN = "seen"
    POLICE = "police"
    DISTRICT = "district"
    CARE = "care"
    MORE = "more"
    CLOSED = "closed"


ACT_NAMES = {
    Act.SEEN: _l("What was seen or heard"),
    Act.POLICE: _l("Told the police"),
    Act.DISTRICT: _l("Told the education office"),
    Act.CARE: _l("What is done to protect the child"),
    Act.MORE: _l("What came after"),
    Act.CLOSED: _l("Closed"),
}
_ACTS = ", ".join(f"'{act.value}'" for act in Act)


class HarmReport(PublicId, Base):
    """One report about one child. ``noted_at`` is the moment the button was pressed; nobody changes or deletes it."""

    __tablename__ = "harm_report"
    __table_args__ = (Index("ix_harm_report_school", "school_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    noted_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class HarmEntry(SealPlace, Base):
    """What somebody saw or did about it; an entry never changes."""

    __tablename__ = "harm_entry"
    __table_args__ = (CheckConstraint(f"act IN ({_ACTS})", name="act_known"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("harm_report.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    act: Mapped[str] = mapped_column(String(10))
    body_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4S"})
    body = SealedText("safeguarding", row="sealed_as")
    written_at: Mapped[datetime]

    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class SafeguardingPerson(Base):
    """Somebody of a school whom the principal named to receive reports, until the name is taken back."""

    __tablename__ = "safeguarding_person"
    __table_args__ = (Index("ix_safeguarding_person_school", "school_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    named_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


def named(school_id: Any) -> Select[int]:
    """Ids of the people named at a school."""
    return select(SafeguardingPerson.person_id).where(
        SafeguardingPerson.school_id == school_id, SafeguardingPerson.ended_at.is_(None)
    )


def name_people(school: School, wanted: Sequence[str], by: Actor, now: datetime) -> None:
    """Make these people (public ids) the ones named at a school, in the current transaction."""
    keys = set(db.session.scalars(select(Person.id).where(Person.public_id.in_(wanted))))
    there = select(SafeguardingPerson).where(
        SafeguardingPerson.school_id == school.id, SafeguardingPerson.ended_at.is_(None)
    )
    for one in db.session.scalars(there).all():
        if one.person_id in keys:
            keys.discard(one.person_id)
        else:
            one.ended_at = now
    db.session.add_all(
        [SafeguardingPerson(school_id=school.id, person_id=key, named_at=now) for key in sorted(keys)]
    )
    note("harm.people_named", school, person_id=by.person_id, role=by.role, people=len(wanted))


def numbers(school: School) -> list[tuple[str, str]]:
    """(name, number) of whom to ring, as the district has set it."""
    lines: list[str] = NUMBERS.on(clock.today(), school_id=school.id)
    ends = [(line, line[len(line.rstrip("0123456789 -")) :].strip(" -")) for line in lines]
    return [(line, number) for line, number in ends if number]


def report(pupil: Pupil, author: Actor, body: str, now: datetime) -> HarmReport:
    """A new report, in the current transaction; the principal and those named are told that something waits."""
    made = HarmReport(pupil_id=pupil.id, school_id=author.school_id, author_id=author.person_id, noted_at=now)
    db.session.add(made)
    db.session.flush()
    if body:
        _enter(made, author, Act.SEEN, body, now)
    note("harm.reported", made, person_id=author.person_id, role=author.role, pupil_id=pupil.id)
    for person in _to_be_told(made, author):
        send(person, TOLD.name, {}, key=made.public_id)
    return made


def add_entry(made: HarmReport, author: Actor, act: str, body: str, now: datetime) -> None:
    """One more entry, in the current transaction. Whoever reported does not close it alone: RuleBroken."""
    if act == Act.CLOSED:
        if author.person_id == made.author_id and author.role != Role.PRINCIPAL:
            raise RuleBroken(_("The principal or a person named for this closes a report."), 422)
        made.closed_at = now
    elif made.closed_at is not None:
        made.closed_at = None
    _enter(made, author, Act(act), body, now)
    note("harm.entry_written", made, person_id=author.person_id, role=author.role, act=str(act))


def _enter(made: HarmReport, author: Actor, act: Act, body: str, now: datetime) -> None:
    db.session.add(
        HarmEntry(report_id=made.id, author_id=author.person_id, act=act, body=body, written_at=now)
    )


def _to_be_told(made: HarmReport, author: Actor) -> list[Person]:
    heads = select(Appointment.person_id).where(
        Appointment.school_id == made.school_id,
        Appointment.role == Role.PRINCIPAL,
        in_force(Appointment, author),
    )
    found = select(Person).where(
        or_(Person.id.in_(heads), Person.id.in_(named(made.school_id))), Person.id != author.person_id
    )
    return list(db.session.scalars(found.order_by(Person.id)))
