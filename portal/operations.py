"""What a device sends of what it wrote without a network, read with suspicion: JSON in, an ``Operation`` out or a refusal in
words. Visits and the on-site kit of ratings send alike; what is merged with what is theirs to say."""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from portal.errors import RuleBroken
from portal.forms import tidy
from portal.i18n import gettext as _

FORMAT = 1
"""The form of operations this portal takes; an app with another is told to renew itself."""
MOST_BYTES = 200_000
MOST_CHOICES = 100
MOST = 2**31 - 1
CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KEYS = frozenset({"format", "op", "visit", "device", "number", "at", "finish", "fields"})


@dataclass(frozen=True)
class Sent:
    """A field as a device sends it. ``base``: the revision it stands on; None: nobody touched it."""

    value: Any
    base: int | None


@dataclass(frozen=True)
class Operation:
    """One change of one record (``client_id``: a visit, an indicator, a note) on one device. ``number`` grows with each change there; ``at`` is the device's clock."""

    client_id: str
    device: str
    number: int
    at: datetime
    finish: bool
    fields: dict[str, Sent]


class OtherFormat(RuleBroken):
    """The app on the device is older or newer than this portal: it keeps what it has and sends again once both agree."""


def read(data: bytes, names: Collection[str] | None = None) -> tuple[str, Operation]:
    """The key of the operation and the operation. ``names``: the fields of the form, where there is one for all.

    OtherFormat (422) when the app and the portal are not of one age, RuleBroken (422) for what cannot be read.
    """
    told = _parsed(data)
    if isinstance(told, dict) and told.get("format") != FORMAT:
        raise OtherFormat(
            _(
                "This app is out of date. Open the portal once with network, then send again; nothing is lost."
            ),
            422,
        )
    if not isinstance(told, dict) or told.keys() != KEYS or not isinstance(told["fields"], dict):
        raise _unreadable()
    unknown = [] if names is None else sorted(set(told["fields"]) - set(names))
    if unknown:
        raise RuleBroken(_("The form has no such field: %(names)s", names=", ".join(unknown)[:200]), 422)
    operation = Operation(
        client_id=_checked(told["visit"], _is_id).lower(),
        device=_checked(told["device"], _is_id).lower(),
        number=_checked(told["number"], _is_number),
        at=_instant(told["at"]),
        finish=_checked(told["finish"], lambda one: isinstance(one, bool)),
        fields={name: _sent(one) for name, one in told["fields"].items()},
    )
    return _checked(told["op"], _is_id).lower(), operation


def plain(value: Any) -> Any:
    """A value as a form sends it: days and times as text, a tick as "y", several choices sorted."""
    match value:
        case bool():
            return "y" if value else ""
        case date():
            return value.isoformat()
        case time():
            return value.strftime("%H:%M")
        case list() | tuple() | set():
            return sorted({str(one) for one in value})
        case None:
            return ""
        case _:
            return tidy(str(value)) or ""


def _parsed(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
        told = json.loads(text, object_pairs_hook=_pairs, parse_constant=_refuse)
        # Escapes may name half a character, which no text can hold.
        json.dumps(told, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise _unreadable() from None
    return told


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _value in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a name twice")
    return dict(pairs)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _unreadable() -> RuleBroken:
    return RuleBroken(
        _("The portal could not read this. Export the text and write it down on the page."), 422
    )


def _checked(value: Any, holds: Callable[[Any], bool]) -> Any:
    if not holds(value):
        raise _unreadable()
    return value


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and CLIENT_ID.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def _is_value(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MOST_CHOICES and all(isinstance(one, str) for one in value)
    return isinstance(value, str)


def _sent(told: Any) -> Sent:
    if not isinstance(told, dict) or told.keys() != {"value", "base"}:
        raise _unreadable()
    base = told["base"]
    return Sent(
        _checked(told["value"], _is_value), _checked(base, lambda one: one is None or _is_number(one))
    )


def _instant(told: Any) -> datetime:
    try:
        at = datetime.fromisoformat(told)
        at.astimezone()
    except (TypeError, ValueError, OverflowError, OSError):
        raise _unreadable() from None
    return _checked(at, lambda one: one.tzinfo is not None)  # type: ignore[no-any-return]
