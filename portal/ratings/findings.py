"""Findings (整改问题): what the district found at a rated school and asks to be mended by a day, until it has seen that it was."""

from datetime import date

from sqlalchemy import func, select

from portal import clock
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings.canonical import digest
from portal.ratings.improvements import Improvement
from portal.ratings.models import Entry, RoundState
from portal.trail.models import note

MOST = 40


def raise_finding(entry: Entry, item_id: str, text: str, due_on: date, actor: Actor) -> None:
    """Write down what a school is to mend by a day, in the current transaction; once its results are public."""
    if entry.round.state != RoundState.PUBLISHED:
        raise RuleBroken(_("The results are not published yet."))
    mine = select(func.count(Improvement.id)).where(Improvement.entry_id == entry.id, Improvement.is_finding)
    if (db.session.scalar(mine) or 0) >= MOST:
        raise RuleBroken(_("At most %(most)s; finish some first.", most=MOST))
    db.session.add(
        Improvement(
            entry_id=entry.id, item_id=item_id, text=text, due_on=due_on, is_finding=True,
            added_by_id=actor.person_id, added_at=clock.now(),
        )
    )  # fmt: skip
    note("rating.finding_raised", entry, person_id=actor.person_id, item=item_id, text=digest(text))


def settle(entry: Entry, public_id: str, mended: bool, actor: Actor) -> None:
    """Confirm that a finding was mended as the school says, or give it back to the school, in the current transaction."""
    row = db.session.scalar(
        select(Improvement).where(
            Improvement.entry_id == entry.id, Improvement.is_finding, Improvement.public_id == public_id
        )
    )
    if row is None or row.done_on is None or row.confirmed_on is not None:
        raise RuleBroken(_("This is done already, or is not there any more."))
    act = "rating.finding_confirmed" if mended else "rating.finding_back"
    note(act, entry, person_id=actor.person_id, item=row.item_id, text=digest(row.done_text))
    if mended:
        row.confirmed_on, row.confirmed_by_id = actor.on, actor.person_id
    else:
        row.done_on = None
