"""Long lists: the newest or first few, and a link to more that costs the same however deep one goes (keyset, no OFFSET)."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from flask import request, url_for
from sqlalchemy import ColumnElement, Select, and_, or_

from portal.extensions import db

Row = TypeVar("Row")
PAGE = 25


@dataclass
class Listing(Generic[Row]):
    """One page of a list: its rows, and the address of the next page if there is one."""

    rows: Sequence[Row]
    more_url: str | None


def _written(values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, date) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, ensure_ascii=False).encode()).decode().rstrip("=")


def _read(text: str, count: int) -> list[Any] | None:
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, UnicodeDecodeError):
        return None
    sound = (
        isinstance(values, list) and len(values) == count and all(isinstance(v, str | int) for v in values)
    )
    return values if sound and all(not isinstance(v, int) or abs(v) < 2**63 for v in values) else None


def _typed(keys: Sequence[tuple[Any, bool]], values: list[Any]) -> list[Any] | None:
    """The values as their columns hold them; None when one cannot be what its column holds."""
    try:
        typed = [
            date.fromisoformat(value) if column.type.python_type is date else value
            for (column, _descending), value in zip(keys, values, strict=True)
        ]
    except (TypeError, ValueError):
        return None
    kinds = [column.type.python_type for column, _descending in keys]
    return typed if all(isinstance(value, kind) for value, kind in zip(typed, kinds, strict=True)) else None


def _beyond(keys: Sequence[tuple[Any, bool]], values: Sequence[Any]) -> ColumnElement[bool]:
    alternatives = []
    for index, (column, descending) in enumerate(keys):
        same = [keys[before][0] == values[before] for before in range(index)]
        alternatives.append(and_(*same, column < values[index] if descending else column > values[index]))
    return or_(*alternatives)


def page_of(
    query: Select[Any], keys: Sequence[tuple[Any, bool]], *, size: int = PAGE, parameter: str = "after"
) -> Listing[Any]:
    """The page of ``query`` after the place named in the address.

    ``keys`` are (column, descending) that order the list without ties (the last one unique) and hold text, whole
    numbers or days; their values are read from the last row by the columns' names. A mangled place starts from the top.
    """
    after = _read(request.args.get(parameter, "")[:2000], len(keys)) if request.args.get(parameter) else None
    after = _typed(keys, after) if after is not None else None
    if after is not None:
        query = query.where(_beyond(keys, after))
    order = [column.desc() if descending else column.asc() for column, descending in keys]
    rows = db.session.scalars(query.order_by(*order).limit(size + 1)).all()
    more = None
    if len(rows) > size:
        last = rows[size - 1]
        place = _written([getattr(last, column.key) for column, _descending in keys])
        arguments = {**request.args.to_dict(), **(request.view_args or {}), parameter: place}
        more = url_for(request.endpoint or "", **arguments)
    return Listing(rows[:size], more)
