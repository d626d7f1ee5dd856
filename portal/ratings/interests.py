"""What an inspector says of ties to a school before opening its papers: none, or which one; a tie means stepping aside.

Asked once for each sheet. Whoever remembers a tie after having seen papers says so on the same page; the district then makes
the sheet void (``teams.py``). What the portal knows by itself (work, children, groups of schools) stands in ``conflicts.py``.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, Text, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import clock
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.canonical import digest
from portal.ratings.models import Entry, EntryState, Round, Sheet
from portal.schools.models import School
from portal.trail.models import note


class InterestKind(StrEnum):
    """What ties somebody to a school that no roster tells."""

    TEACHING = "teaching"
    RELATIVE = "relative"
    OTHER = "other"


INTEREST_NAMES = {
    InterestKind.TEACHING: _l("Teaches or lectures there privately or for pay"),
    InterestKind.RELATIVE: _l("A child of a relative is at the school, or a relative works there"),
    InterestKind.OTHER: _l("Another tie or interest"),
}
_KINDS = ", ".join(f"'{kind.value}'" for kind in InterestKind)


class Interest(Base):
    """A tie that an inspector declared, with its reason; it keeps them from the school as long as former work there would."""

    __tablename__ = "rating_interest"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="kind_known"),
        CheckConstraint("length(reason) > 0", name="has_reason"),
        Index("ix_rating_interest_school", "school_id", "declared_at"),
        Index("ix_rating_interest_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    sheet_id: Mapped[int] = mapped_column(ForeignKey("rating_sheet.id"))
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    before_papers: Mapped[bool]
    declared_at: Mapped[datetime]

    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    school: Mapped[School] = relationship(lazy="raise_on_sql")

    @property
    def kind_name(self) -> str:
        """In words."""
        return str(INTEREST_NAMES[InterestKind(self.kind)])


def must_declare(sheet: Sheet) -> bool:
    """Whether the papers of a school are still closed to an inspector, because nothing was said about ties."""
    waits = sheet.entry.state == EntryState.SCORING and sheet.locked_at is None
    return waits and sheet.declared_at is None and sheet.entry.round.asks_ties


def papers_open() -> ColumnElement[bool]:
    """Sheets whose inspector may open the papers: who spoke about ties, or is in a round from before that was asked."""
    old = select(Entry.id).join(Round, Round.id == Entry.round_id).where(Round.spread_limit.is_(None))
    return or_(Sheet.declared_at.is_not(None), Sheet.locked_at.is_not(None), Sheet.entry_id.in_(old))


def may_declare(sheet: Sheet) -> bool:
    """Whether a tie can still be declared: until the school is decided."""
    return sheet.entry.state != EntryState.DECIDED


def confirm_none(sheet: Sheet) -> None:
    """The inspector confirms that there is no tie; the papers are open now. In the current transaction."""
    if not must_declare(sheet):
        raise RuleBroken(_("You have said so already."))
    sheet.declared_at = clock.now()
    note("rating.no_interest", sheet, person_id=sheet.person_id)


def declare(sheet: Sheet, kind: str, reason: str) -> Interest:
    """Keep a tie that the inspector declares, in the current transaction; what follows of it is for ``teams.py``."""
    if of_sheet(sheet) is not None:
        raise RuleBroken(_("You have said so already."))
    if not may_declare(sheet):
        raise RuleBroken(_("The school is decided; the sheet stays as it is."))
    made = Interest(
        person_id=sheet.person_id,
        school_id=sheet.entry.school_id,
        sheet_id=sheet.id,
        kind=kind,
        reason=reason,
        before_papers=must_declare(sheet),
        declared_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    note("rating.interest_declared", sheet, person_id=sheet.person_id, kind=kind, reason=digest(reason))
    return made


def of_sheet(sheet: Sheet) -> Interest | None:
    """What was declared on a sheet."""
    return db.session.scalar(select(Interest).where(Interest.sheet_id == sheet.id))


def of_entry(entry: Entry) -> dict[int, Interest]:
    """What was declared about a school in a round, by sheet."""
    rows = db.session.scalars(
        select(Interest).join(Sheet, Sheet.id == Interest.sheet_id).where(Sheet.entry_id == entry.id)
    )
    return {row.sheet_id: row for row in rows}
