"""Counting the statements that reach the database, whichever way they are sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from portal import prepared
from portal.extensions import db

UNCOUNTED = {"uncounted": True}
"""Execution options of what the tests themselves ask."""


@dataclass
class Count:
    """The statements seen."""

    statements: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)


@contextmanager
def counting() -> Iterator[Count]:
    """Count every statement of SQLAlchemy and of prepared reads."""
    count = Count()

    def seen(_connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: Any) -> None:
        if not (context and context.execution_options.get("uncounted")):
            count.statements.append(statement)

    original = prepared.Prepared.all

    def counted(self: Any, session: Any, **values: Any) -> Any:
        count.statements.append("prepared")
        return original(self, session, **values)

    event.listen(db.engine, "before_cursor_execute", seen)
    prepared.Prepared.all = counted  # type: ignore[method-assign]
    try:
        yield count
    finally:
        event.remove(db.engine, "before_cursor_execute", seen)
        prepared.Prepared.all = original  # type: ignore[method-assign]
