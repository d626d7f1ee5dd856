"""The law that no answer shows a sensitive value without its entry, held over every request that a test makes.

What a view unseals (``Sealed`` of class F3, F4 or F4S) is remembered; if it then stands unmasked in the answer to somebody
of the staff, an entry of the same request must say so (``opened`` of ``portal/trail/reads.py``). No list of pages is needed.
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from flask import has_request_context
from flask_login import current_user
from sqlalchemy import func, select

from portal.access import Role
from portal.extensions import db
from portal.keys import sealing
from portal.keys.sealing import SealedData
from portal.trail.models import TrailEntry
from portal.trail.reads import READ
from tests.support.queries import UNCOUNTED

SENSITIVE = ("F3", "F4", "F4S")
SHORT = 4
"""Values of fewer characters (妈妈, yes) are words of the page as well."""
UNSENT = ("visit_draft_part", "visit_draft_clash")
"""What its author has not sent yet; nobody else reaches it."""
PHONE = re.compile(r"(?:\+86)?(1\d{10})")


@dataclass(frozen=True)
class Opened:
    """One value that was unsealed for somebody of the staff."""

    table: str
    name: str
    category: str
    identity: str
    value: str
    reader_id: int


class Unlogged(AssertionError):
    """An answer shows what no entry tells of."""


def _reader() -> int | None:
    """Who of the staff reads in this request; families reading about themselves are not logged."""
    if not has_request_context() or not current_user.is_authenticated:
        return None
    acting = current_user.actor
    return None if acting.role == Role.GUARDIAN else int(acting.person_id)


def _values(attribute: Any, value: Any) -> list[str]:
    if isinstance(attribute, SealedData):
        return PHONE.findall(str(value))
    return [str(value).removeprefix("+86")]


@contextmanager
def watched() -> Iterator[list[Opened]]:
    """What is unsealed for staff meanwhile."""
    found: list[Opened] = []
    whole = sealing._Seal.read

    def read(attribute: Any, stored: Any, identity: str) -> Any:
        value = whole(attribute, stored, identity)
        reader = _reader() if value else None
        if reader is not None:
            category = attribute.owner.__table__.c[attribute.column].info["class"]
            if category in SENSITIVE and attribute.owner.__tablename__ not in UNSENT:
                found.extend(
                    Opened(attribute.owner.__tablename__, attribute.name, category, identity, one, reader)
                    for one in _values(attribute, value)
                    if len(one) >= SHORT
                )
        return value

    with mock.patch.object(sealing._Seal, "read", read):
        yield found


def is_own(one: Opened) -> bool:
    """Whether the row is about the reader: one's own number, what one asked for oneself."""
    owner = next(
        attribute.owner
        for attribute in sealing.SEALED
        if (attribute.owner.__tablename__, attribute.name) == (one.table, one.name)
    )
    row: Any = db.session.scalar(
        select(owner).where(getattr(owner, "public_id", getattr(owner, "sealed_as", None)) == one.identity),
        execution_options=UNCOUNTED,
    )
    return row is not None and one.reader_id == (
        row.id if one.table == "person" else getattr(row, "person_id", None)
    )


def last_entry() -> int:
    """The sequence of the newest entry."""
    return db.session.scalar(select(func.max(TrailEntry.sequence)), execution_options=UNCOUNTED) or 0


def refuse_unlogged(opened: list[Opened], text: str, since: int) -> int:
    """How many of the values a text shows; Unlogged when one of them has no entry since ``since`` of its class or a stricter one."""
    page = html.unescape(text)
    shown = {one for one in opened if one.value in page}
    if not shown:
        return 0
    logged = set(
        db.session.scalars(
            select(TrailEntry.category).where(TrailEntry.sequence > since, TrailEntry.action == READ),
            execution_options=UNCOUNTED,
        )
    )
    missing = sorted(
        f"{one.table}.{one.name} ({one.category}): {one.value[:24]}"
        for one in shown
        if not any(SENSITIVE.index(one.category) <= SENSITIVE.index(told) for told in logged)
        and not is_own(one)
    )
    if missing:
        raise Unlogged("shown without an entry: " + "; ".join(missing))
    return len(shown)
