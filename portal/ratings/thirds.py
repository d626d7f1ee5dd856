"""The third scorer: where two blind scores lie far apart, somebody else of the team scores the indicator as well.

Far apart: by more than the round's limit, in percent of the points of the indicator. The third sees neither sheet. The middle one of
the three scores counts when the third lies within the limit of one of the other two; otherwise the three must agree in
words, as on any other difference. Which score is the middle one follows from stored marks alone, so it can be reproduced.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.ratings.assessing import latest_snapshot
from portal.ratings.canonical import restored
from portal.ratings.models import Entry, Mark, Seat, Sheet
from portal.ratings.rubric import Item, Rubric, RubricError, score
from portal.ratings.rubrics import items_of, rubric_of

Marks = Mapping[str, Mapping[int, Mark]]
"""Item → sheet → mark, of the two who score blind."""


def third_of(entry: Entry) -> Sheet | None:
    """The third scorer's sheet, where there is one that counts."""
    wanted = select(Sheet).where(
        Sheet.entry_id == entry.id, Sheet.seat == Seat.THIRD, Sheet.voided_at.is_(None)
    )
    return db.session.scalars(wanted.order_by(Sheet.id)).first()


def third_marks(entry: Entry) -> dict[str, Mark]:
    """What the third scorer found, by item."""
    found = third_of(entry)
    rows = db.session.scalars(select(Mark).where(Mark.sheet_id == found.id)).all() if found else []
    return {row.item_id: row for row in rows if row.facts is not None}


def far_apart(entry: Entry, marks: Marks) -> list[Item]:
    """The items on which the two blind scores lie further apart than the round allows, in the order of the rubric."""
    limit = entry.round.spread_limit
    both = _scorers(entry)
    if limit is None or len(both) != 2:
        return []
    one, other = (
        _points(entry, {name: row[sheet] for name, row in marks.items() if sheet in row}) for sheet in both
    )
    items = items_of(rubric_of(entry.round.rubric_version))
    return [
        item
        for name, item in items.items()
        if name in marks and _is_far(item, one.get(name), other.get(name), limit)
    ]


def _scorers(entry: Entry) -> list[int]:
    wanted = select(Sheet.id).where(
        Sheet.entry_id == entry.id, Sheet.seat == Seat.SCORER, Sheet.voided_at.is_(None)
    )
    return list(db.session.scalars(wanted.order_by(Sheet.id)))


def _is_far(item: Item, one: Fraction | None, other: Fraction | None, limit: int) -> bool:
    if not item.points:
        return False
    return abs((one or Fraction(0)) - (other or Fraction(0))) * 100 > limit * item.points


def _points(entry: Entry, marks: Mapping[str, Mark]) -> dict[str, Fraction | None]:
    """The points that marks come to, each as if its proof were there: whether it is counts for all scorers alike."""
    rubric, snapshot = rubric_of(entry.round.rubric_version), latest_snapshot(entry)
    school = restored(snapshot.content)["school"] if snapshot else {}
    facts = {name: {**restored(mark.facts), "evidence": 1} for name, mark in marks.items() if mark.facts}
    return _scored(rubric, school, facts)


def _scored(rubric: Rubric, school: Any, facts: dict[str, Any]) -> dict[str, Fraction | None]:
    try:
        result = score(rubric, {"school": school, "items": facts})
    except RubricError:
        return {}
    return {one.item.id: one.points for one in result.walk() if one.item.id in facts}


def middle(entry: Entry, marks: Marks) -> dict[str, Mark]:
    """The marks that count by the rule of the third scorer, by item; what it does not settle is left out."""
    third = third_marks(entry)
    limit = entry.round.spread_limit
    if not third or limit is None:
        return {}
    items = items_of(rubric_of(entry.round.rubric_version))
    found = {}
    last = _points(entry, third)
    both = _scorers(entry)
    each = {
        sheet: _points(entry, {name: row[sheet] for name, row in marks.items() if sheet in row})
        for sheet in both
    }
    for item in far_apart(entry, marks):
        name = item.id
        if name not in third or len(marks[name]) != 2:
            continue
        others = [each[sheet].get(name) for sheet in both]
        if all(_is_far(items[name], last.get(name), points, limit) for points in others):
            continue
        rows = [
            *((each[sheet].get(name), marks[name][sheet]) for sheet in both),
            (last.get(name), third[name]),
        ]
        found[name] = sorted(rows, key=lambda row: row[0] or Fraction(0))[1][1]
    return found
