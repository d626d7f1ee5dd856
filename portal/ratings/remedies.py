"""What a school may do against its published result, and until when: an objection, then two appeals.

The objection has the days of public notice; each appeal the days of the province after an answer. Whoever answers took no part
before. Where an answer does not come in its time, the school may take the next step without waiting any longer.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings import windows
from portal.ratings.models import (
    FIRST_APPEAL,
    OBJECTION,
    SECOND_APPEAL,
    Entry,
    Objection,
    ObjectionState,
    RoundState,
)
from portal.ratings.windows import Step

NEXT_ACTS = {
    OBJECTION: lambda: _("Object to the result"),
    FIRST_APPEAL: lambda: _("Appeal"),
    SECOND_APPEAL: lambda: _("Appeal a second time"),
}


def cases_of(entry: Entry) -> list[Objection]:
    """The objection and the appeals of an entry, oldest first. One query."""
    wanted = select(Objection).where(Objection.entry_id == entry.id).order_by(Objection.tier)
    return list(db.session.scalars(wanted))


def open_case(cases: Sequence[Objection]) -> Objection | None:
    """The one that waits for its answer; None when none does."""
    return cases[-1] if cases and cases[-1].state == ObjectionState.OPEN else None


def next_tier(cases: Sequence[Objection]) -> int:
    """The step that comes next; above the second appeal there is none."""
    return len(cases) + 1


def last_day(entry: Entry, cases: Sequence[Objection], known: windows.Known | None = None) -> date | None:
    """Until when the next step may be taken; None when the day is not set or the district is late with its answer."""
    if not cases:
        return entry.round.publicity_ends_on
    window = windows.newest(Step.APPEAL, cases[-1], known) if cases[-1].appeal_due_on else None
    return window.last_on if window else cases[-1].appeal_due_on


def days_of(entry: Entry, cases: Sequence[Objection]) -> list[date]:
    """The days that still run: of the next step, or of the answer that is waited for."""
    waiting = open_case(cases)
    due = waiting.answer_due_on if waiting else last_day(entry, cases)
    return [due] if due else []


def refusal(
    entry: Entry, cases: Sequence[Objection], on: date, known: windows.Known | None = None
) -> str | None:
    """Why the school cannot take the next step on a day, in words; None when it can. ``known``: the round's windows, loaded before."""
    if entry.round.state != RoundState.PUBLISHED:
        return _("The results are not published yet.")
    if next_tier(cases) > SECOND_APPEAL:
        return _("The objection and both appeals have been used.")
    waiting = open_case(cases)
    if waiting is not None:
        if windows.is_over(Step.REPLY, waiting, waiting.answer_due_on, on, known):
            return None
        return _(
            "This is being examined. The answer comes by %(day)s.", day=waiting.answer_due_on.isoformat()
        )
    if cases and cases[-1].state == ObjectionState.WITHDRAWN:
        return _("The school took its objection back. The result stands.")
    due = last_day(entry, cases, known)
    step, row = (Step.APPEAL, cases[-1]) if cases else (Step.PUBLICITY, entry.round)
    if windows.is_over(step, row, due, on, known):
        return _("The last day for it was %(day)s.", day=due.isoformat() if due else "–")
    return None


def is_final(entry: Entry, cases: Sequence[Objection], on: date, known: windows.Known | None = None) -> bool:
    """Whether nothing can change a published result any more: public notice and all terms are over, nothing is being examined."""
    due = entry.round.publicity_ends_on
    return (
        windows.is_over(Step.PUBLICITY, entry.round, due, on, known)
        and open_case(cases) is None
        and refusal(entry, cases, on, known) is not None
    )
