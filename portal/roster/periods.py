"""How long imports keep what they read."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete, exists, or_

from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.periods import Due, Rows, after, kind, shown
from portal.roster.models import RosterChange, RosterImport, RosterProblem, State


def _read_before(until: date) -> Rows:
    """Imports of that day or before that still keep rows."""
    held = or_(
        exists().where(RosterChange.import_id == RosterImport.id),
        exists().where(RosterProblem.import_id == RosterImport.id),
    )
    moved = RosterImport.moved_at
    named = shown(RosterImport.id, RosterImport.school_id, moved, RosterImport.file_name)
    return named.where(moved < after(until), held)


def _forget(ids: Sequence[int]) -> None:
    for owner in (RosterChange, RosterProblem):
        db.session.execute(delete(owner).where(owner.import_id.in_(ids)))


@kind(_l("Rows of imported rosters"), _l("That a roster was brought in stays"), days=90, least=14)
def rosters(until: date) -> Due:
    """What an import read and changed, once nobody undoes it any more."""
    return Due(_read_before(until), _forget, district=RosterImport.district_id)


@kind(_l("Checked rosters that nobody brought in"), _l("That a file was checked stays"), days=14, fixed=True)
def staged_imports(until: date) -> Due:
    """As long as the file itself is kept: 14 days."""
    waiting = RosterImport.state.in_((State.CHECKED, State.FAILED, State.WITHDRAWN))
    return Due(_read_before(until).where(waiting), _forget, district=RosterImport.district_id)
