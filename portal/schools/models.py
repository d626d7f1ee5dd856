"""Districts, schools and classes; pupils, guardians and households. Periods are half-open: ``ended_on`` is the first day after."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import NAME_LENGTH, Person
from portal.extensions import Base, PublicId
from portal.i18n import lazy_gettext as _l
from portal.keys.sealing import Sealed, SealedText, SealPlace


class Stage(StrEnum):
    """The stage of schooling; grades are named by it (大班, 三年级, 八年级, 高一)."""

    KINDERGARTEN = "kindergarten"
    PRIMARY = "primary"
    JUNIOR = "junior"
    SENIOR = "senior"
    VOCATIONAL = "vocational"


STAGE_NAMES = {
    Stage.KINDERGARTEN: _l("Kindergarten"),
    Stage.PRIMARY: _l("Primary school"),
    Stage.JUNIOR: _l("Junior secondary school"),
    Stage.SENIOR: _l("Senior secondary school"),
    Stage.VOCATIONAL: _l("Vocational school"),
}
STAGES = ", ".join(f"'{stage.value}'" for stage in Stage)
_DIGITS = "零一二三四五六七八九十"
GRADES_PER_STAGE = {
    Stage.KINDERGARTEN: 3,
    Stage.PRIMARY: 6,
    Stage.JUNIOR: 4,
    Stage.SENIOR: 3,
    Stage.VOCATIONAL: 3,
}


def grade_name(stage: str, level: int) -> str:
    """A grade as people say it. ``level`` counts from 1 within the stage: primary 3 → 三年级, junior 2 → 八年级."""
    match Stage(stage):
        case Stage.KINDERGARTEN:
            return ("小班", "中班", "大班")[min(level, 3) - 1]
        case Stage.PRIMARY:
            return f"{_DIGITS[level]}年级"
        case Stage.JUNIOR:
            return f"{_DIGITS[6 + level]}年级"
        case Stage.SENIOR:
            return f"高{_DIGITS[level]}"
        case Stage.VOCATIONAL:
            return f"职{_DIGITS[level]}"


def class_name(stage: str, level: int, number: int) -> str:
    """A class as people write it when the school has not typed a name: 三(2)班, 高一(3)班, 大班(1)."""
    grade = grade_name(stage, level)
    if stage == Stage.KINDERGARTEN:
        return f"{grade}({number})"
    return f"{grade.removesuffix('年级')}({number})班"


class District(PublicId, Base):
    """A prefecture or county that runs schools; ``path`` lists its ancestors and itself: ``/1/4/``."""

    __tablename__ = "district"
    __table_args__ = (
        CheckConstraint("length(name) > 0", name="has_name"),
        UniqueConstraint("parent_id", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    path: Mapped[str] = mapped_column(String(200), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    province: Mapped[str] = mapped_column(String(20), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    is_rehearsal: Mapped[bool] = mapped_column(default=False)


class SchoolGroup(PublicId, Base):
    """Schools run together (集团校)."""

    __tablename__ = "school_group"
    __table_args__ = (UniqueConstraint("district_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))


class School(PublicId, Base):
    """A school with one or more stages."""

    __tablename__ = "school"
    __table_args__ = (
        CheckConstraint("length(name) > 0", name="has_name"),
        UniqueConstraint("district_id", "code"),
        UniqueConstraint("district_id", "sourced_id"),
        Index("ix_school_district_name", "district_id", "name_pinyin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("school_group.id"))
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    name_pinyin: Mapped[str] = mapped_column(String(800), default="")
    name_initials: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    closed_on: Mapped[date | None]
    sourced_id: Mapped[str | None] = mapped_column(String(255))

    district: Mapped[District] = relationship(lazy="raise_on_sql")
    stages: Mapped[list["SchoolStage"]] = relationship(lazy="raise_on_sql", cascade="all, delete-orphan")


class SchoolStage(Base):
    """A stage that a school offers."""

    __tablename__ = "school_stage"
    __table_args__ = (CheckConstraint(f"stage IN ({STAGES})", name="stage_known"),)

    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20), primary_key=True)

    @property
    def name(self) -> str:
        return str(STAGE_NAMES[Stage(self.stage)])


class SchoolYear(Base):
    """A school year of a district: 1 September to 31 August."""

    __tablename__ = "school_year"
    __table_args__ = (
        UniqueConstraint("district_id", "starts_on"),
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]

    @property
    def label(self) -> str:
        """2026–2027."""
        return f"{self.starts_on.year}–{self.ends_on.year}"


TERM_NAMES = {1: _l("First term"), 2: _l("Second term")}


class Term(Base):
    """One of the two terms of a school year, with the dates the district set; ``ends_on`` is its last day."""

    __tablename__ = "term"
    __table_args__ = (
        UniqueConstraint("school_year_id", "number"),
        CheckConstraint("number IN (1, 2)", name="number_known"),
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_year_id: Mapped[int] = mapped_column(ForeignKey("school_year.id", ondelete="CASCADE"))
    number: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date]

    school_year: Mapped[SchoolYear] = relationship(lazy="raise_on_sql")

    @property
    def name(self) -> str:
        """2026–2027 第一学期."""
        return f"{self.school_year.label} {TERM_NAMES[self.number]}"


class Grade(Base):
    """One grade of a school in one school year."""

    __tablename__ = "grade"
    __table_args__ = (
        UniqueConstraint("school_id", "school_year_id", "stage", "level"),
        UniqueConstraint("id", "school_id"),
        CheckConstraint(f"stage IN ({STAGES})", name="stage_known"),
        CheckConstraint("level BETWEEN 1 AND 6", name="level_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    school_year_id: Mapped[int] = mapped_column(ForeignKey("school_year.id"))
    stage: Mapped[str] = mapped_column(String(20))
    level: Mapped[int]

    @property
    def name(self) -> str:
        return grade_name(self.stage, self.level)


class SchoolClass(PublicId, Base):
    """A class of one school year; its name stays as the school typed it."""

    __tablename__ = "school_class"
    __table_args__ = (
        ForeignKeyConstraint(["grade_id", "school_id"], ["grade.id", "grade.school_id"]),
        UniqueConstraint("grade_id", "number"),
        UniqueConstraint("id", "school_id"),
        UniqueConstraint("school_id", "sourced_id"),
        CheckConstraint("number BETWEEN 1 AND 99", name="number_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    grade_id: Mapped[int]
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"), index=True)
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    sourced_id: Mapped[str | None] = mapped_column(String(255))

    grade: Mapped[Grade] = relationship(lazy="raise_on_sql", overlaps="school")
    school: Mapped[School] = relationship(lazy="raise_on_sql", overlaps="grade")


class Pupil(PublicId, Base):
    """A child at a school. Names stand in clear; the identity number is empty unless the district keeps it."""

    __tablename__ = "pupil"
    __table_args__ = (
        CheckConstraint("length(name) > 0", name="has_name"),
        UniqueConstraint("school_id", "sourced_id"),
        Index("ix_pupil_school_name", "school_id", "name_pinyin", "id"),
        Index("ix_pupil_identity", "identity_index"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), info={"class": "F2"})
    name_pinyin: Mapped[str] = mapped_column(String(800), default="")
    name_initials: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    priority_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F4"})
    priority = SealedText("narrative")
    identity_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    identity_index: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    identity = Sealed("personal", index="identity_index")
    arrived_on: Mapped[date]
    left_on: Mapped[date | None]
    sourced_id: Mapped[str | None] = mapped_column(String(255))

    school: Mapped[School] = relationship(lazy="raise_on_sql")


class Enrolment(Base):
    """A pupil's place in a class for a period; only one is open at a time."""

    __tablename__ = "enrolment"
    __table_args__ = (
        ForeignKeyConstraint(["class_id", "school_id"], ["school_class.id", "school_class.school_id"]),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        Index("ix_enrolment_class", "class_id", "pupil_id"),
        Index(
            "uq_enrolment_open",
            "pupil_id",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"), index=True)
    class_id: Mapped[int]
    school_id: Mapped[int]
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    sourced_id: Mapped[str | None] = mapped_column(String(255))

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql", overlaps="school_class")
    school_class: Mapped[SchoolClass] = relationship(lazy="raise_on_sql", overlaps="pupil")


class Household(PublicId, Base):
    """Who counts as one for seats, receipts, ballots and questionnaires."""

    __tablename__ = "household"

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id"))
    formed_on: Mapped[date]
    reason_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    reason = SealedText("personal")


class Guardianship(PublicId, Base):
    """An adult who cares for a pupil: 妈妈, 爷爷, 姑姑 …; the label stays as typed."""

    __tablename__ = "guardianship"
    __table_args__ = (
        UniqueConstraint("pupil_id", "person_id", "started_on"),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        Index("ix_guardianship_person", "person_id", "pupil_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pupil_id: Mapped[int] = mapped_column(ForeignKey("pupil.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    household_id: Mapped[int] = mapped_column(ForeignKey("household.id"), index=True)
    relation: Mapped[str] = mapped_column(String(40))
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    sourced_id: Mapped[str | None] = mapped_column(String(255))

    pupil: Mapped[Pupil] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    flags: Mapped[list["GuardianshipFlag"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", back_populates="guardianship"
    )

    def flags_on(self, day: date) -> list["GuardianshipFlag"]:
        """The flags that hold on a day."""
        return [flag for flag in self.flags if flag.holds_on(day)]


class Flag(StrEnum):
    """What holds between a guardian and a pupil for a period."""

    LIVES_WITH = "lives_with"
    PICKS_UP = "picks_up"
    MAY_SIGN = "may_sign"
    RESTRICTED = "restricted_by_court_order"
    LIMITED = "sees_and_confirms"
    UNCONFIRMED = "not_yet_confirmed"


FLAG_NAMES = {
    Flag.LIVES_WITH: _l("lives with the child"),
    Flag.PICKS_UP: _l("may pick up"),
    Flag.MAY_SIGN: _l("may sign"),
    Flag.RESTRICTED: _l("restricted by court order"),
    Flag.LIMITED: _l("sees and confirms only"),
    Flag.UNCONFIRMED: _l("waits for the class teacher"),
}
FLAGS = ", ".join(f"'{flag.value}'" for flag in Flag)


class GuardianshipFlag(SealPlace, Base):
    """A dated flag on a guardianship. A restriction rests on a legal document, named in ``basis``."""

    __tablename__ = "guardianship_flag"
    __table_args__ = (
        CheckConstraint(f"kind IN ({FLAGS})", name="kind_known"),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        CheckConstraint(
            "kind <> 'restricted_by_court_order' OR basis_sealed IS NOT NULL", name="restriction_has_document"
        ),
        Index("ix_guardianship_flag_kind", "guardianship_id", "kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    guardianship_id: Mapped[int] = mapped_column(ForeignKey("guardianship.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30))
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    basis_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    basis = SealedText("personal", row="sealed_as")

    guardianship: Mapped[Guardianship] = relationship(lazy="raise_on_sql", back_populates="flags")

    @property
    def name(self) -> str:
        return str(FLAG_NAMES[Flag(self.kind)])

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.started_on <= day and (self.ended_on is None or day < self.ended_on)


class HouseholdSplit(Base):
    """A school's decision, with its date, that the guardians of a child live as two households."""

    __tablename__ = "household_split"

    id: Mapped[int] = mapped_column(primary_key=True)
    guardianship_id: Mapped[int] = mapped_column(
        ForeignKey("guardianship.id", ondelete="CASCADE"), index=True
    )
    from_household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    to_household_id: Mapped[int] = mapped_column(ForeignKey("household.id"))
    from_on: Mapped[date]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime]
