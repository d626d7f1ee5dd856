"""Words of decided schools whose time of keeping is over: emptied, and noted, so that the fingerprints in the log stay whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update

from portal.extensions import db
from portal.ratings.models import Entry
from portal.trail.models import note

ACT = "rating.words_ended"
GONE = "—"


def end_words(model: Any, entry_of: Any, ids: Sequence[int], blanks: Mapping[str, str]) -> None:
    """Empty words of rows in the current transaction and note it at each school: ``entry_of`` selects (row, entry) ids.

    What is empty already stays so. The fingerprints that follow in the log say how the rows stand from now on.
    """
    for column, blank in blanks.items():
        words = model.__table__.c[column]
        db.session.execute(update(model).where(model.id.in_(ids), words != "").values({column: blank}))
    rows: dict[int, list[int]] = {}
    for row_id, entry_id in db.session.execute(entry_of.where(model.id.in_(ids)).order_by(model.id)):
        rows.setdefault(entry_id, []).append(row_id)
    for entry in db.session.scalars(select(Entry).where(Entry.id.in_(rows)).order_by(Entry.id)):
        note(ACT, entry, person_id=None, table=model.__tablename__, ended=rows[entry.id])
