"""Putting the plan of an import and its problems into the database, batch by batch, each in a short transaction."""

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import insert, update

from portal import clock
from portal.database import writing
from portal.extensions import new_public_id
from portal.roster import limits
from portal.roster.models import Action, RosterChange, RosterImport, RosterProblem, State
from portal.roster.problems import Gravity, Problem
from portal.roster.rows import Origin

BATCH = 2_000
NOWHERE = Origin("", 0)
# Rows people count, by table; the rest only carries them.
SHOWN = {
    "school",
    "school_year",
    "school_class",
    "person",
    "pupil",
    "appointment",
    "enrolment",
    "guardianship",
}


class Stage:
    """Collects changes and problems of one import and writes them in batches; counts them all."""

    def __init__(self, import_id: int) -> None:
        self.import_id = import_id
        self.changes: list[dict[str, Any]] = []
        self.problems: list[dict[str, Any]] = []
        self.ordinals: Counter[str] = Counter()
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.told: Counter[str] = Counter()
        self.rows_read = 0
        self.stopped = ""

    def add(self, table: str, values: dict[str, Any], origin: Origin = NOWHERE, label: str = "") -> int:
        """A new row; gives the negative number by which other new rows refer to it."""
        self.ordinals[table] += 1
        ordinal = self.ordinals[table]
        self._change(table, Action.ADD, None, ordinal, {}, values, origin, label)
        return -ordinal

    def change(
        self,
        table: str,
        record_id: int,
        old: dict[str, Any],
        new: dict[str, Any],
        origin: Origin = NOWHERE,
        label: str = "",
        action: Action = Action.CHANGE,
    ) -> None:
        """A changed or ended row; nothing if old and new agree."""
        after = {name: value for name, value in new.items() if old.get(name) != value}
        if after:
            before = {name: old.get(name) for name in after}
            self._change(table, action, record_id, None, before, after, origin, label)

    def end(
        self,
        table: str,
        record_id: int,
        column: str,
        on: str,
        label: str = "",
        origin: Origin = NOWHERE,
        old: str | None = None,
    ) -> None:
        """A row that ends on a day (ISO)."""
        self.change(table, record_id, {column: old}, {column: on}, origin, label, Action.END)

    def _change(
        self,
        table: str,
        action: Action,
        record_id: int | None,
        ordinal: int | None,
        before: dict[str, Any],
        after: dict[str, Any],
        origin: Origin,
        label: str,
    ) -> None:
        shown = table in SHOWN
        if shown:
            self.counts[table][action.value] += 1
        name = new_public_id()
        self.changes.append(
            {
                "sealed_as": name,
                "import_id": self.import_id,
                "table_name": table,
                "action": action.value,
                "record_id": record_id,
                "ordinal": ordinal,
                "file": origin.file[:200],
                "line": origin.line,
                "label": label[:330],
                "is_shown": shown,
                **RosterChange.before.columns(before, name),
                **RosterChange.after.columns(after, name),
            }
        )
        if len(self.changes) >= BATCH:
            self.flush()

    def tell(self, problem: Problem) -> None:
        """Keep a problem; beyond a number per gravity they are only counted."""
        gravity = Gravity.NOTICE if problem.gravity is Gravity.NOTICE else Gravity.ERROR
        self.told[gravity] += 1
        if problem.gravity is Gravity.FATAL:
            self.stopped = problem.reason
        if self.told[gravity] > limits.PROBLEMS_LISTED and problem.gravity is not Gravity.FATAL:
            return
        name = new_public_id()
        self.problems.append(
            {
                "sealed_as": name,
                "import_id": self.import_id,
                "gravity": gravity.value,
                "file": problem.file[:200],
                "line": problem.line,
                "field": problem.field[:200],
                "reason": problem.reason,
                **RosterProblem.params.columns(dict(problem.params), name),
            }
        )
        if len(self.problems) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is collected, and how far the reading has come."""
        with writing() as connection:
            if self.changes:
                connection.execute(insert(RosterChange), self.changes)
            if self.problems:
                connection.execute(insert(RosterProblem), self.problems)
            connection.execute(
                update(RosterImport)
                .where(RosterImport.id == self.import_id)
                .values(
                    rows_read=self.rows_read,
                    errors=self.told[Gravity.ERROR],
                    notices=self.told[Gravity.NOTICE],
                    counts={table: dict(numbers) for table, numbers in self.counts.items()},
                    moved_at=clock.now(),
                    state=State.CHECKING,
                )
            )
        self.changes.clear()
        self.problems.clear()
