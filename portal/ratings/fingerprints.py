"""What stands in the tables about a decided school, as fingerprints in the log.

From the decision on, whatever is noted about a school of a round is followed, in the same transaction, by the fingerprints
of all rows its result rests on; a published round has its own. Nobody who holds the tables changes a row, takes one away or
puts one in without a difference to the log, and the log is chained and anchored (``portal/trail``). A fingerprint leaves out
what is empty, and what a column's ``info`` says all rows had ``before`` it was there, so that a column added later changes none.
Words whose time of keeping is over are emptied under an act of their own (``ended.py``), which names the rows.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, and_, case, event, func, select
from sqlalchemy.orm import Session

from portal.extensions import Base, db
from portal.ratings.decided import DecisionRecord
from portal.ratings.drawing import Draw
from portal.ratings.ended import ACT as WORDS_ENDED
from portal.ratings.evidence import Evidence
from portal.ratings.interests import Interest
from portal.ratings.minutes import Attendance, Meeting
from portal.ratings.models import (
    Answer,
    Consensus,
    Entry,
    EntryState,
    Mark,
    Objection,
    Round,
    RoundState,
    RubricVersion,
    Sheet,
    Snapshot,
    VetoEvent,
)
from portal.ratings.onsite import SheetClash, SheetNote, SheetPart
from portal.ratings.signatures import Signature
from portal.ratings.standing import Appeal, LightCheck, Measure, Naming
from portal.ratings.windows import Window, WindowChange
from portal.row_security import all_rows
from portal.trail.models import WAITING as NOTED
from portal.trail.models import TrailEntry, TrailHead, note

ACT = "rating.fingerprints"
AT_ONCE = 50
DIGITS = 16
"""Hexadecimal digits of the fingerprint of a row: 64 bits, enough that nobody finds a second row to one."""

Prints = dict[str, dict[str, str]]
"""Table → id of the row → its fingerprint."""


@dataclass(frozen=True)
class Source:
    """Rows of one table and whose they are: the id of the entry (or round) they belong to. ``kept``: no row of it is ever
    changed or taken away once the school is decided, not even by an act that is noted."""

    table: Table
    owner: ColumnElement[Any]
    among: FromClause
    kept: bool = True
    columns: tuple[str, ...] = ()


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _by_entry(model: type[Base], kept: bool = True) -> Source:
    table = _table(model)
    return Source(table, table.c.entry_id, table, kept)


def _by_sheet(model: type[Base]) -> Source:
    table, sheet = _table(model), _table(Sheet)
    return Source(table, sheet.c.entry_id, table.join(sheet, sheet.c.id == table.c.sheet_id))


ENTRY, ROUND, VERSION, CASE = _table(Entry), _table(Round), _table(RubricVersion), _table(Objection)
MEETING, ATTENDANCE, DRAW = _table(Meeting), _table(Attendance), _table(Draw)
APPEAL = _table(Appeal)
WINDOW, CHANGE, SIGNATURE = _table(Window), _table(WindowChange), _table(Signature)
_WINDOWS = WINDOW.outerjoin(CASE, CASE.c.id == WINDOW.c.objection_id)
_OF_WINDOW = func.coalesce(WINDOW.c.entry_id, CASE.c.entry_id)
_OF_ROUND = case((_OF_WINDOW.is_(None), WINDOW.c.round_id))
_SIGNED = SIGNATURE.outerjoin(
    CASE, and_(SIGNATURE.c.kind == CASE.name, SIGNATURE.c.row_id == CASE.c.id)
).outerjoin(APPEAL, and_(SIGNATURE.c.kind == APPEAL.name, SIGNATURE.c.row_id == APPEAL.c.id))
_OF_SIGNED = case(
    (SIGNATURE.c.kind == ENTRY.name, SIGNATURE.c.row_id),
    else_=func.coalesce(CASE.c.entry_id, APPEAL.c.entry_id),
)

OF_ENTRY = (
    Source(ENTRY, ENTRY.c.id, ENTRY, kept=False),
    _by_entry(Answer),
    _by_entry(Snapshot),
    _by_entry(Evidence),
    _by_entry(Sheet),
    _by_sheet(Interest),
    _by_sheet(Mark),
    _by_sheet(SheetNote),
    _by_sheet(SheetPart),
    _by_sheet(SheetClash),
    _by_entry(Consensus),
    _by_entry(Meeting),
    Source(ATTENDANCE, MEETING.c.entry_id, ATTENDANCE.join(MEETING)),
    _by_entry(VetoEvent),
    _by_entry(Objection, kept=False),
    _by_entry(DecisionRecord),
    _by_entry(Naming),
    _by_entry(LightCheck, kept=False),
    _by_entry(Measure, kept=False),
    _by_entry(Appeal, kept=False),
    Source(WINDOW, _OF_WINDOW, _WINDOWS, kept=False),
    Source(CHANGE, _OF_WINDOW, CHANGE.join(_WINDOWS, WINDOW.c.id == CHANGE.c.window_id)),
    Source(SIGNATURE, _OF_SIGNED, _SIGNED, kept=False),
)
"""What a decided school's result rests on, in the order in which it came about."""
OF_ROUND = (
    Source(ROUND, ROUND.c.id, ROUND, kept=False),
    Source(VERSION, ROUND.c.id, VERSION.join(ROUND, ROUND.c.rubric_version_id == VERSION.c.id)),
    Source(DRAW, DRAW.c.round_id, DRAW),
    Source(ENTRY, ENTRY.c.round_id, ENTRY, columns=("id", "public_id", "round_id", "school_id")),
    Source(WINDOW, _OF_ROUND, _WINDOWS, kept=False),
    Source(CHANGE, _OF_ROUND, CHANGE.join(_WINDOWS, WINDOW.c.id == CHANGE.c.window_id)),
    Source(SIGNATURE, case((SIGNATURE.c.kind == ROUND.name, SIGNATURE.c.row_id)), SIGNATURE),
)
"""What the round itself rests on: its days, its rubric, how its inspectors were drawn, which schools are in it, who published it."""
SOURCES = {ENTRY.name: OF_ENTRY, ROUND.name: OF_ROUND}
LEFT_OUT = {
    "rating_concern": "examined beside the result; founded, it becomes a measure",
    "rating_improvement": "what the school did next, after the result",
    "rating_look": "who looked at a question",
    "rating_peers": "made from the results, and made again when one changes",
    "rating_year_end": "taken out of the results; a file of it is scored again to be checked",
    "rating_question": "asked about the records; no part of the result",
}
"""Tables of the ratings whose rows a result does not rest on, and why."""


def print_of(values: Mapping[str, Any]) -> str:
    """The fingerprint of one row; what is empty is left out."""
    told = {name: _told(value) for name, value in values.items() if value not in (None, "")}
    written = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if isinstance(value, str | int | bool | dict | list) else str(value)


def prints(kind: str, ids: Collection[int]) -> dict[int, Prints]:
    """The rows of entries, or of rounds, as they stand in this transaction. One query a table, of any rows by right."""
    found: dict[int, Prints] = {one: {} for one in ids}
    with all_rows():
        for source in SOURCES[kind]:
            columns = [source.table.c[name] for name in source.columns] or list(source.table.c)
            wanted = (
                select(source.owner.label("of"), *(column.label(f"c_{column.name}") for column in columns))
                .select_from(source.among)
                .where(source.owner.in_(ids))
                .order_by(source.table.c.id)
            )
            for row in db.session.execute(wanted).mappings():
                values = {
                    column.name: row[f"c_{column.name}"]
                    for column in columns
                    if row[f"c_{column.name}"] != column.info.get("before")
                }
                found[row["of"]].setdefault(source.table.name, {})[str(values["id"])] = print_of(values)
    return found


@event.listens_for(db.session, "before_commit", insert=True)
def set_down(session: Session) -> None:
    """Follow what waits to be noted about decided schools and published rounds with their fingerprints."""
    if session.in_nested_transaction():
        return
    drafts = session.info.get(NOTED, [])
    noted = [one.row for one in drafts if one.row is not None and one.values["action"].startswith("rating.")]
    if not noted:
        return
    session.flush()
    rounds = {row.id for row in noted if isinstance(row, Round)}
    rated = {source.table.name for source in OF_ENTRY}
    entries = {
        row.id if isinstance(row, Entry) else getattr(row, "entry_id", 0)
        for row in noted
        if row.__tablename__ in rated
    }
    with all_rows():
        closed = _those(Round, rounds, Round.state == RoundState.PUBLISHED)
        decided = _those(Entry, entries, Entry.state == EntryState.DECIDED)
    for model, rows in ((Entry, decided), (Round, closed)):
        for start in range(0, len(rows), AT_ONCE):
            some = {row.id: row for row in rows[start : start + AT_ONCE]}
            for number, rows_now in prints(model.__tablename__, some).items():
                note(ACT, some[number], person_id=None, rows=rows_now)


def _those(model: Any, ids: Collection[int], condition: ColumnElement[bool]) -> list[Any]:
    if not ids:
        return []
    return list(db.session.scalars(select(model).where(model.id.in_(ids), condition).order_by(model.id)))


@dataclass(frozen=True)
class Difference:
    """A row that is not as the log says: its table, its id, and whether it is ``changed``, ``missing`` or ``added``.

    ``before``: an act that was noted came after the change and took it over; the log still shows both.
    """

    table: str
    row: str
    what: str
    before: bool = False


@dataclass(frozen=True)
class Told:
    """What the log says of the rows at one time; ``ended``: (table, row) whose words went since the time before, their time over."""

    rows: Prints
    ended: frozenset[tuple[str, str]] = frozenset()


def kept_in_log(kind: str, ids: Collection[int]) -> dict[int, list[Told]]:
    """What the log says of entries or rounds, oldest first. One query."""
    wanted = (
        select(TrailEntry.object_id, TrailEntry.action, TrailEntry.facts)
        .where(
            TrailEntry.object_kind == kind,
            TrailEntry.object_id.in_(ids),
            TrailEntry.action.in_((ACT, WORDS_ENDED)),
        )
        .order_by(TrailEntry.object_id, TrailEntry.sequence)
    )
    found: dict[int, list[Told]] = {}
    ended: dict[int, set[tuple[str, str]]] = {}
    for number, action, facts in db.session.execute(wanted):
        if action == WORDS_ENDED:
            ended.setdefault(number, set()).update((facts["table"], str(row)) for row in facts["ended"])
        else:
            found.setdefault(number, []).append(Told(facts["rows"], frozenset(ended.pop(number, ()))))
    return found


def differences(kind: str, ids: Collection[int]) -> dict[int, list[Difference]]:
    """Where rows of entries or rounds are not as the log says, in the order in which a result comes about.

    Nothing for those of which the log knows nothing: ask ``unknown`` about them.
    """
    now, told = prints(kind, ids), kept_in_log(kind, ids)
    found: dict[int, list[Difference]] = {}
    for number, said in told.items():
        wrong = [
            one
            for source in SOURCES[kind]
            for one in _compared(source.table.name, said[-1].rows, now[number])
        ]
        for earlier, later in pairwise(said):
            for source in SOURCES[kind]:
                if source.kept:
                    wrong += [
                        one
                        for one in _compared(source.table.name, earlier.rows, later.rows, before=True)
                        if one.what != "added" and (one.table, one.row) not in later.ended
                    ]
        if wrong:
            found[number] = wrong
    return found


def _compared(table: str, said: Prints, now: Prints, before: bool = False) -> Iterator[Difference]:
    then, here = said.get(table, {}), now.get(table, {})
    for row in sorted({*then, *here}, key=int):
        if then.get(row) != here.get(row):
            what = "missing" if row not in here else "added" if row not in then else "changed"
            yield Difference(table, row, what, before)


def reaches_back(decided_at: datetime | None) -> bool:
    """Whether the log should still know of something decided then: entries are removed after their time of keeping."""
    oldest = db.session.scalar(select(func.min(TrailEntry.happened_at)))
    pruned = db.session.scalar(select(TrailHead.pruned_through))
    return not pruned or (decided_at is not None and oldest is not None and decided_at >= oldest)
