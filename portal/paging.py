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


def _typed(kinds: Sequence[type], values: list[Any]) -> list[Any] | None:
    """The values as their columns hold them; None when one cannot be what its column holds."""
    try:
        typed = [
            date.fromisoformat(value) if kind is date else value
            for kind, value in zip(kinds, values, strict=True)
        ]
    except (TypeError, ValueError):
        return None
    return typed if all(isinstance(value, kind) for value, kind in zip(typed, kinds, strict=True)) else None


def place_named(kinds: Sequence[type], parameter: str = "after") -> list[Any] | None:
    """The place in a list that the address names, as values of these kinds; None for none and for a mangled one."""
    written = request.args.get(parameter, "")[:2000]
    values = _read(written, len(kinds)) if written else None
    return _typed(kinds, values) if values is not None else None


def more_after(values: Sequence[Any], parameter: str = "after") -> str:
    """The address of this page from a place on."""
    arguments = {**request.args.to_dict(), **(request.view_args or {}), parameter: _written(values)}
    return url_for(request.endpoint or "", **arguments)


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
    after = place_named([column.type.python_type for column, _descending in keys], parameter)
    if after is not None:
        query = query.where(_beyond(keys, after))
    order = [column.desc() if descending else column.asc() for column, descending in keys]
    rows = db.session.scalars(query.order_by(*order).limit(size + 1)).all()
    more = None
    if len(rows) > size:
        last = rows[size - 1]
        more = more_after([getattr(last, column.key) for column, _descending in keys], parameter)
    return Listing(rows[:size], more)
