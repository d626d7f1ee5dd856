"""Declaring a setting and reading it: the school's own value, else its district's, else that of the districts above, else
the default of the declaration (DECISIONS 24: a reader asks for the value on a day)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

from flask import g, has_request_context

from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import listing
from portal.settings.reading import VALUES, Held

T = TypeVar("T")
Read = TypeVar("Read", contravariant=True)
DISTRICT, SCHOOL = "district", "school"
SETTINGS: dict[str, "Setting[Any]"] = {}


class Kind(Protocol[Read]):
    """What values a setting may have, and how they read."""

    def fits(self, value: Any) -> bool:
        """Whether a stored or typed value is one of this kind."""

    def words(self, value: Read) -> str:
        """The value as a person reads it."""


@dataclass(frozen=True)
class Number:
    """A whole number within limits; ``unit`` stands behind it (分钟, 个工作日)."""

    least: int
    most: int
    unit: Any = ""

    def fits(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most

    def words(self, value: int) -> str:
        return f"{value} {self.unit}".strip()


@dataclass(frozen=True)
class Choice:
    """One of several; ``options``: stored word → label."""

    options: Mapping[str, Any]

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.options

    def words(self, value: str) -> str:
        return str(self.options[value])


@dataclass(frozen=True)
class Choices:
    """Any of several, kept in the order of the declaration; ``options``: stored word → label."""

    options: Mapping[str, Any]

    def fits(self, value: Any) -> bool:
        return (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and all(isinstance(one, str) and one in self.options for one in value)
            and len(set(value)) == len(value)
        )

    def words(self, value: Sequence[str]) -> str:
        chosen = [str(label) for word, label in self.options.items() if word in value]
        return listing(chosen) if chosen else _("None")


@dataclass(frozen=True)
class Switch:
    """On or off."""

    def fits(self, value: Any) -> bool:
        return isinstance(value, bool)

    def words(self, value: bool) -> str:
        return _("On") if value else _("Off")


@dataclass(frozen=True)
class Line:
    """A short text."""

    longest: int = 200

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and len(value) <= self.longest and "\n" not in value

    def words(self, value: str) -> str:
        return value or _("None")


@dataclass(frozen=True)
class Lines:
    """A list of short texts."""

    longest: int = 200
    most: int = 50

    def fits(self, value: Any) -> bool:
        line = Line(self.longest)
        return isinstance(value, list) and len(value) <= self.most and all(line.fits(one) for one in value)

    def words(self, value: Sequence[str]) -> str:
        return listing(list(value)) if value else _("None")


SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Hours(Lines):
    """Spans of a day, one a line: ``08:30-11:40``; each ends after it begins."""

    longest: int = 11
    most: int = 12

    def fits(self, value: Any) -> bool:
        return super().fits(value) and all(SPAN.fullmatch(line) and line[:5] < line[6:] for line in value)


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One thing that differs between districts or schools.

    ``name`` begins with the feature that reads it (``accounts.second_factor_roles``). ``levels`` says who may set it:
    the district, the school, or both; a school's own value goes before its district's. ``is_told``: whoever changes it writes a
    line for the people it concerns. ``all_agree``: a switch that is on only where nobody, from the school up to the
    topmost district, has switched it off. ``page``: the endpoint that changes it, where one field is not enough.
    """

    name: str
    kind: Kind[T]
    default: T
    label: Any
    help: Any = ""
    levels: tuple[str, ...] = (DISTRICT,)
    is_told: bool = False
    all_agree: bool = False
    page: str = ""

    def __post_init__(self) -> None:
        if self.name in SETTINGS:
            raise ValueError(f"setting {self.name} declared twice")
        if not self.kind.fits(self.default):
            raise ValueError(f"the default of setting {self.name} is not of its kind")
        if not self.levels or not set(self.levels) <= {DISTRICT, SCHOOL}:
            raise ValueError(f"setting {self.name} is set by {self.levels}")
        SETTINGS[self.name] = self

    @property
    def feature(self) -> str:
        """The feature that reads it: the first part of its name."""
        return self.name.partition(".")[0]

    def on(self, day: date, *, district_id: int | None = None, school_id: int | None = None) -> T:
        """The value that holds on a day at a school (with all above it) or in a district.

        The values of the place are read once per request, for all settings together.
        """
        return self.among(held(district_id, school_id), day)

    def among(self, values: Sequence[Held], day: date) -> T:
        """The value on a day among what is held at a place, innermost first; what no longer fits is passed over."""
        found = self.row(values, day)
        return self.default if found is None else found.value

    def row(self, values: Sequence[Held], day: date) -> Held | None:
        """The row behind the value on a day; None while the default holds."""
        newest: dict[int, Held] = {}
        for one in sorted(values, key=lambda one: one.from_on):
            counts = one.name == self.name and one.from_on <= day and one.level in self.levels
            if counts and self.kind.fits(one.value):
                newest[one.depth] = one
        if self.all_agree:
            newest = {depth: one for depth, one in newest.items() if not one.value} or newest
        return newest[max(newest)] if newest else None

    def words(self, value: Any) -> str:
        """A value as a person reads it; a value of an older declaration as it stands."""
        return self.kind.words(value) if self.kind.fits(value) else str(value)


def held(district_id: int | None, school_id: int | None) -> Sequence[Held]:
    """All that a school, its district and the districts above have set, past and to come. One query per request and place."""
    if not has_request_context():
        return VALUES.all(db.session(), district=district_id, school=school_id)
    cache: dict[tuple[int | None, int | None], Sequence[Held]] = g.setdefault("settings", {})
    place = (district_id, school_id)
    if place not in cache:
        cache[place] = VALUES.all(db.session(), district=district_id, school=school_id)
    return cache[place]


def forget() -> None:
    """Forget what this request has read, after a change."""
    if has_request_context():
        g.pop("settings", None)


def value(name: str, day: date, *, district_id: int | None = None, school_id: int | None = None) -> Any:
    """The value of a setting by its name; see ``Setting.on``."""
    return SETTINGS[name].on(day, district_id=district_id, school_id=school_id)
