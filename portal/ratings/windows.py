"""The days within which a step may be taken: opened once, extended with a reason, never shortened, never counted again.

A window keeps the rule it was opened by and its last day; the step is in time until the end of that day in China. The days
that the law counts begin with the first working day after the opening, but nobody who is early is refused. A last day in a year
whose holidays are not published is provisional: it never closes anything by itself; the district confirms it once the year's
calendar is known, and it then becomes later where the calendar says so.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, Text, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship, selectinload

from portal import clock
from portal.access import Actor
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.models import Entry, Objection, Round
from portal.ratings.terms import Days
from portal.schools.calendar import is_provisional
from portal.trail.models import note


class Step(StrEnum):
    """What has its days."""

    SELF_ASSESSMENT = "self_assessment"
    SCORING = "scoring"
    CORRECTION = "correction"
    DEFENCE = "defence"
    PUBLICITY = "publicity"
    REPLY = "reply"
    APPEAL = "appeal"


STEP_NAMES = {
    Step.SELF_ASSESSMENT: _l("Self-assessment"),
    Step.SCORING: _l("Scoring"),
    Step.CORRECTION: _l("Correction of the self-assessment"),
    Step.DEFENCE: _l("Answer to the first opinion"),
    Step.PUBLICITY: _l("Public notice and objection"),
    Step.REPLY: _l("Answer to the objection or appeal"),
    Step.APPEAL: _l("Appeal"),
}
COLUMNS = {
    Step.SELF_ASSESSMENT: "self_assessment_due_on",
    Step.SCORING: "scoring_due_on",
    Step.CORRECTION: "correction_due_on",
    Step.DEFENCE: "defence_due_on",
    Step.PUBLICITY: "publicity_ends_on",
    Step.REPLY: "answer_due_on",
    Step.APPEAL: "appeal_due_on",
}
"""Where the last day stands on the round, the entry or the objection: what lists, tasks and conditions read."""
FIXED = "day"
"""The rule of a window whose last day a person chose."""


class Window(PublicId, Base):
    """One window of a round, of a school in it (``entry_id``) or of a case (``objection_id``)."""

    __tablename__ = "rating_window"
    __table_args__ = (
        CheckConstraint(f"step IN ({', '.join(repr(step.value) for step in Step)})", name="step_known"),
        CheckConstraint("last_on >= opened_on", name="days_in_order"),
        Index("ix_rating_window_round", "round_id", "id"),
        Index("ix_rating_window_entry", "entry_id", "step"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rating_round.id"))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("rating_entry.id"))
    objection_id: Mapped[int | None] = mapped_column(ForeignKey("rating_objection.id"))
    step: Mapped[str] = mapped_column(String(20))
    rule: Mapped[str] = mapped_column(String(10))
    opened_on: Mapped[date]
    last_on: Mapped[date]
    provisional: Mapped[bool]

    changes: Mapped[list["WindowChange"]] = relationship(lazy="raise_on_sql", order_by="WindowChange.id")


class WindowChange(Base):
    """A window that got later days, or a provisional day that was confirmed: by whom, and why."""

    __tablename__ = "rating_window_change"
    __table_args__ = (
        CheckConstraint("after_on >= before_on", name="never_shorter"),
        CheckConstraint("length(reason) > 0", name="has_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    window_id: Mapped[int] = mapped_column(ForeignKey("rating_window.id"))
    before_on: Mapped[date]
    after_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    changed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    changed_at: Mapped[datetime]

    changed_by: Mapped[Person] = relationship(lazy="raise_on_sql")


Row = Round | Entry | Objection


def open_window(step: Step, row: Row, round_: Round, days: Days | None, on: date) -> date:
    """Open a window on a day, in the current transaction, and write its last day on the row; answers the last day.

    ``days`` None: the day that stands on the row already was chosen by a person.
    """
    district_id = round_.district_id
    last_on: date = getattr(row, COLUMNS[step]) if days is None else days.after(on, district_id)
    db.session.flush()
    db.session.add(
        Window(
            round_id=round_.id,
            entry_id=row.id
            if isinstance(row, Entry)
            else row.entry_id
            if isinstance(row, Objection)
            else None,
            objection_id=row.id if isinstance(row, Objection) else None,
            step=step,
            rule=FIXED if days is None else days.code,
            opened_on=on,
            last_on=max(last_on, on),
            provisional=days is not None and is_provisional(last_on, district_id),
        )
    )
    setattr(row, COLUMNS[step], last_on)
    return last_on


Known = Mapping[tuple[Step, str, int], Window]
"""The newest windows of a round: by step, table and id of the row."""


def of_round(round_id: int) -> Known:
    """The newest window of every row of a round, for those who look at many of its schools. One query."""
    found = db.session.scalars(select(Window).where(Window.round_id == round_id).order_by(Window.id))
    return {(Step(window.step), *_key(window)): window for window in found}


def _key(window: Window) -> tuple[str, int]:
    if window.objection_id is not None:
        return Objection.__tablename__, window.objection_id
    if window.entry_id is not None:
        return Entry.__tablename__, window.entry_id
    return Round.__tablename__, window.round_id


def newest(step: Step, row: Row, known: Known | None = None) -> Window | None:
    """The newest window of a step of a row; None on rows from before there were windows. ``known``: those loaded before."""
    if known is not None:
        return known.get((step, row.__tablename__, row.id))
    own = {
        Round: Window.round_id == row.id,
        Entry: Window.entry_id == row.id,
        Objection: Window.objection_id == row.id,
    }[type(row)]
    return db.session.scalar(
        select(Window).where(own, Window.step == step).order_by(Window.id.desc()).limit(1)
    )


def is_over(step: Step, row: Row, due: date | None, on: date, known: Known | None = None) -> bool:
    """Whether a step can no longer be taken on a day: its last day is past, and was not provisional.

    A day that is not set is over. Asks the database only when the day is past.
    """
    if due is None:
        return True
    if on <= due:
        return False
    window = newest(step, row, known)
    return not (is_provisional(due) if window is None else window.provisional)


def shown(round_id: int, entry_id: int | None = None) -> Sequence[Window]:
    """The windows of a round, or those that concern one school in it, with what was changed about them."""
    own: ColumnElement[bool] = Window.entry_id.is_(None)
    if entry_id is not None:
        own = own | (Window.entry_id == entry_id)
    return db.session.scalars(
        select(Window)
        .where(Window.round_id == round_id, own)
        .options(selectinload(Window.changes).joinedload(WindowChange.changed_by))
        .order_by(Window.id)
    ).all()


def row_of(window: Window) -> Row:
    """The row whose day a window holds."""
    if window.objection_id is not None:
        return db.session.get_one(Objection, window.objection_id)
    if window.entry_id is not None:
        return db.session.get_one(Entry, window.entry_id)
    return db.session.get_one(Round, window.round_id)


def extend(window: Window, last_on: date, reason: str, actor: Actor) -> None:
    """Give a window more days, with a reason that the school reads, in the current transaction. Never fewer.

    RuleBroken once the window is over, 422 for a day that is not later.
    """
    row = row_of(window)
    if newest(Step(window.step), row) is not window:
        raise RuleBroken(_("A later window holds now."))
    if is_over(Step(window.step), row, window.last_on, actor.on):
        raise RuleBroken(_("These days are over. They cannot be opened again."))
    if last_on <= window.last_on:
        raise RuleBroken(
            _("Days are only added. Choose a day after %(day)s.", day=window.last_on.isoformat()), 422
        )
    _set(window, row, last_on, reason, actor)
    window.provisional = (
        window.provisional and last_on.year == window.last_on.year and is_unknown(window, last_on)
    )
    note(
        "rating.window_extended", row, person_id=actor.person_id, role=actor.role, step=window.step,
        until=last_on.isoformat(),
    )  # fmt: skip


def is_unknown(window: Window, day: date) -> bool:
    """Whether the calendar of a day's year is still not known to the district of a window."""
    round_ = db.session.get_one(Round, window.round_id)
    return is_provisional(day, round_.district_id)


def confirm(window: Window, actor: Actor) -> date:
    """Confirm a provisional last day by the calendar that is known now; it becomes later where that says so, never earlier.

    In the current transaction; answers the day. RuleBroken while the calendar of the year is not known.
    """
    if not window.provisional:
        raise RuleBroken(_("This day stands already."))
    if is_unknown(window, window.last_on):
        raise RuleBroken(
            _(
                "The holidays of that year are not entered yet. Enter the official notice under “Settings” first."
            )
        )
    round_ = db.session.get_one(Round, window.round_id)
    counted = Days.read(window.rule).after(window.opened_on, round_.district_id)
    if is_unknown(window, counted):
        raise RuleBroken(
            _(
                "The holidays of that year are not entered yet. Enter the official notice under “Settings” first."
            )
        )
    row, last_on = row_of(window), max(window.last_on, counted)
    _set(window, row, last_on, _("Confirmed by the official calendar of the year."), actor)
    window.provisional = False
    note(
        "rating.window_confirmed", row, person_id=actor.person_id, role=actor.role, step=window.step,
        until=last_on.isoformat(),
    )  # fmt: skip
    return last_on


def _set(window: Window, row: Row, last_on: date, reason: str, actor: Actor) -> None:
    db.session.add(
        WindowChange(
            window_id=window.id,
            before_on=window.last_on,
            after_on=last_on,
            reason=reason,
            changed_by_id=actor.person_id,
            changed_at=clock.now(),
        )
    )
    window.last_on = last_on
    if window.step != Step.APPEAL:  # An answered case is frozen; its days are read from the window.
        setattr(row, COLUMNS[Step(window.step)], last_on)
    db.session.flush()


def loading() -> Any:
    """What a page of a window needs with it."""
    return selectinload(Window.changes).options(joinedload(WindowChange.changed_by))
