"""One way to write values as text, so that the same values always have the same hash."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from portal.ratings.rubric import read_json


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    return value


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces. Decimals must have few digits (points, counts): they survive as they are."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """The SHA-256 of a text, in 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def restored(text: str | None) -> dict[str, Any]:
    """The values of canonical JSON, numbers exact; nothing stored is an empty group."""
    value = read_json(text) if text else {}
    if not isinstance(value, dict):
        raise TypeError("canonical JSON of the ratings is always one object")
    return value
