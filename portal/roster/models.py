"""Imports of rosters: what was read, what was wrong, and every change, so that the last import can be undone."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.models import NAME_LENGTH, Person
from portal.extensions import Base, PublicId
from portal.keys.sealing import SealedData, SealPlace
from portal.schools.models import School


class State(StrEnum):
    """Where an import stands. It goes waiting → checking → checked → applying → applied, perhaps → undone."""

    WAITING = "waiting"
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


class Action(StrEnum):
    """What an import does to one row."""

    ADD = "add"
    CHANGE = "change"
    END = "end"


STATES = ", ".join(f"'{state.value}'" for state in State)
ACTIONS = ", ".join(f"'{action.value}'" for action in Action)
AT_WORK = (State.WAITING, State.CHECKING, State.APPLYING, State.UNDOING)


class RosterImport(PublicId, Base):
    """One upload of a roster, by district staff for the district or by a school office for its school."""

    __tablename__ = "roster_import"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state_known"),
        Index("ix_roster_import_district", "district_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    school_id: Mapped[int | None] = mapped_column(ForeignKey("school.id", ondelete="SET NULL"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    file_name: Mapped[str] = mapped_column(String(200))
    file_hash: Mapped[str] = mapped_column(String(64))
    format: Mapped[str] = mapped_column(String(20), default="")
    is_delta: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default=State.WAITING)
    rows_read: Mapped[int] = mapped_column(default=0)
    errors: Mapped[int] = mapped_column(default=0)
    notices: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    moved_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]

    by: Mapped[Person | None] = relationship(lazy="raise_on_sql")
    school: Mapped[School | None] = relationship(lazy="raise_on_sql")

    @property
    def is_at_work(self) -> bool:
        """Whether the worker has it in hand or will take it."""
        return self.state in AT_WORK

    @property
    def can_be_applied(self) -> bool:
        """Whether it was checked, is free of errors and would change something."""
        return self.state == State.CHECKED and self.errors == 0 and self.total() > 0

    def total(self, action: str | None = None) -> int:
        """How many rows it adds, changes or ends, or all of them."""
        return sum(
            number
            for numbers in self.counts.values()
            for name, number in numbers.items()
            if action in (None, name)
        )


class RosterProblem(SealPlace, Base):
    """One error or notice of an import, kept as a sentence of the catalogue and what fills it."""

    __tablename__ = "roster_problem"
    __table_args__ = (Index("ix_roster_problem_import", "import_id", "gravity", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("roster_import.id", ondelete="CASCADE"))
    gravity: Mapped[str] = mapped_column(String(10))
    file: Mapped[str] = mapped_column(String(200))
    line: Mapped[int]
    field: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    params_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    params = SealedData("personal", row="sealed_as")


class RosterChange(SealPlace, Base):
    """One row that an import adds, changes or ends: the plan before it is applied, the way back afterwards.

    ``ordinal`` numbers the new rows of one table; a negative number in ``after`` refers to a new row by its ordinal.
    ``is_shown`` is false for rows that only carry others (grades, groups), which people do not count.
    """

    __tablename__ = "roster_change"
    __table_args__ = (
        CheckConstraint(f"action IN ({ACTIONS})", name="action_known"),
        Index("ix_roster_change_import", "import_id", "table_name", "action", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("roster_import.id", ondelete="CASCADE"))
    table_name: Mapped[str] = mapped_column(String(30))
    action: Mapped[str] = mapped_column(String(10))
    record_id: Mapped[int | None]
    ordinal: Mapped[int | None]
    file: Mapped[str] = mapped_column(String(200), default="")
    line: Mapped[int] = mapped_column(default=0)
    label: Mapped[str] = mapped_column(String(NAME_LENGTH * 2 + 10), default="", info={"class": "F2"})
    is_shown: Mapped[bool] = mapped_column(default=True)
    before_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    after_sealed: Mapped[bytes | None] = mapped_column(LargeBinary, info={"class": "F3"})
    before = SealedData("personal", row="sealed_as")
    after = SealedData("personal", row="sealed_as")
