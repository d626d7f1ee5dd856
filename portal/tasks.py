"""What a person must do now: the cards of the first page, made by each feature from its own records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select

from portal import i18n
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext


@dataclass(frozen=True)
class Task:
    """One thing to do: for whom, what, by when, and the one button that does it or leads to it.

    ``about`` is the child, class or school it concerns. With ``post_to`` the button acts at once (a one-button form),
    otherwise it opens ``url``. ``others`` are further ways: (label, address to open).
    """

    about: str
    title: str
    url: str
    button: str
    body: str = ""
    due_on: date | None = None
    post_to: str | None = None
    others: tuple[tuple[str, str], ...] = field(default_factory=tuple)

    def due_in_words(self, today: date) -> str:
        """还剩 2 天 / 今天 / 已过 3 天; empty without a date."""
        if self.due_on is None:
            return ""
        days = (self.due_on - today).days
        if days == 0:
            return _("Today")
        if days == 1:
            return _("Tomorrow")
        if 1 < days <= 14:
            return ngettext("%(num)s day left", "%(num)s days left", days)
        if days < 0:
            return ngettext("%(num)s day late", "%(num)s days late", -days)
        return i18n.day(self.due_on)

    def urgency(self, today: date) -> str:
        """The kind of chip its date deserves: brick when late, amber within three days."""
        if self.due_on is None or (self.due_on - today).days > 3:
            return ""
        return "brick" if self.due_on < today else "amber"


AT_MOST = 5
"""Cards of one kind on the first page; the rest stands in the lists."""


def cards(query: Select[Any], order: Sequence[Any], make: Callable[[Any], Task]) -> list[Task]:
    """The cards of the first few rows of a query, in an order without ties: one query, whatever its length."""
    return [make(row) for row in db.session.scalars(query.order_by(*order).limit(AT_MOST))]


def in_order(tasks: list[Task]) -> list[Task]:
    """Most urgent first; what has no date comes last."""
    return sorted(tasks, key=lambda task: (task.due_on is None, task.due_on or date.max))
