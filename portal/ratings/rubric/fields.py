"""A part of a rubric as labelled fields, and back without losing anything: every setting its schema knows has a place.

Fields have names such as ``rule-bands-0-points`` and hold text. A shape writes the texts of a value, says which fields
there are for given texts, and reads texts back. A field named ``…-as`` is not shown: it tells apart what looks the same,
such as words alone and words with a name. Rows that are left empty are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from portal.ratings.rubric.notation import (
    NotationError,
    as_spelled,
    quoted,
    read_scalar,
    read_value,
    scalar_of,
    text_of,
)
from portal.ratings.rubric.problems import Message, phrase
from portal.ratings.rubric.reading import Path
from portal.ratings.rubric.shape import coerced, rubric_schema
from portal.ratings.rubric.words import FREE, NOTHING, VALUES, names_of, simplified

Texts = Mapping[str, str]
ABSENT: Any = object()
SPARE = 2
COMPARISONS = ("gt", "ge", "lt", "le", "eq")
SUBJECTS = ("of", "grade", "school", "met", "fact", "grade_count", "grade_share")
LANGUAGES = ("zh-Hant", "en")
# Settings that few rubrics need: they stand behind “More settings” until they hold something.
RARE = {
    "share_of_points", "several_periods", "several_stages", "part_units", "if_empty", "ratio_decimals", "against",
    "may_exceed_one", "combine_status", "unstated_split", "step", "decide_on", "between_rows", "outside_table", "scale",
    "date_that_counts", "nothing_below", "several_targets", "small_school", "measure", "min_shares", "requires", "among",
    "grade_points", "status", "applies_when", "always_applies", "evidence_required", "points_status", "weight", "take",
    "special", "gates", "grades", "floor", "from_count", "when", "notes", "role", "at_least_times", "most", "below",
}  # fmt: skip
RARE_WITHIN = {
    "vetoes": ("points", "items", "grade", "by", "factor", "each", "rating"),
    "bands": ("title",), "levels": ("id",), "components": ("id",), "total": ("combine", "ceiling", "floor"), "ranks": ("grade", "min_share"),
    "ratings": ("min", "max"), "scorers": ("columns",), "all": ("what",),
}  # fmt: skip
RANGE = re.compile(r"(-?[0-9]{1,9}(?:\.[0-9]{1,12})?)[～~](-?[0-9]{1,9}(?:\.[0-9]{1,12})?)")


@dataclass(frozen=True)
class Part:
    """What a page shows: a field, a group of parts, or rows of them."""

    name: str
    setting: str
    kind: str
    """line, number, choice, hidden; group, rows."""
    choices: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    rare: bool = False
    row: int = 0
    default: Any = ABSENT

    def fields(self) -> Iterator[Part]:
        """The fields in it, in order."""
        if self.kind not in ("group", "rows"):
            yield self
        for part in self.parts:
            yield from part.fields()


@dataclass
class Found:
    """What reading found beside the value: the field of each path, and what is wrong with which field."""

    places: dict[Path, str] = field(default_factory=dict)
    wrong: dict[str, Message] = field(default_factory=dict)

    def at(self, path: Path) -> str | None:
        """The field a problem with a path stands at: its own, the first inside of it, or the nearest around it."""
        for end in range(len(path), -1, -1):
            start = path[:end]
            for known, name in self.places.items():
                if known[: len(start)] == start:
                    return name
        return None


class Shape(Protocol):
    """One kind of setting."""

    def write(self, value: Any, at: str) -> dict[str, str]:
        """The texts of a value."""

    def part(self, texts: Texts, at: str) -> Part:
        """The fields there are."""

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        """The value of texts, or ABSENT."""


def _text(texts: Texts, at: str) -> str:
    return (texts.get(at) or "").strip()


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == "“" and text[-1] == "”"


@dataclass(frozen=True)
class Line:
    """One line: a number, words, a day."""

    setting: str
    types: tuple[str, ...]
    default: Any = ABSENT

    @property
    def is_words(self) -> bool:
        """Whether what stands there is text as it is, not a number or one of the known words."""
        return not {"number", "integer", "boolean"} & set(self.types) and self.setting not in VALUES

    def write(self, value: Any, at: str) -> dict[str, str]:
        if not self.is_words or value is None:
            return {at: scalar_of(self.setting, value)}
        plain = bool(value) and value == value.strip() and "\n" not in value and not _is_quoted(value)
        nothing = "null" in self.types and simplified(value) == NOTHING
        return {at: value if plain and not nothing else quoted(value)}

    def part(self, texts: Texts, at: str) -> Part:
        kind = "number" if {"number", "integer"} & set(self.types) else "line"
        return Part(at, self.setting, kind, rare=self.setting in RARE, default=self.default)

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        text = _text(texts, at)
        found.places[path] = at
        try:
            return self.value(text) if text else ABSENT
        except NotationError as error:
            found.wrong[at] = error.message
            return ABSENT

    def value(self, text: str) -> Any:
        """The value of a text. Raises NotationError in words."""
        if _is_quoted(text):
            try:
                return str(read_value(self.setting, text))
            except NotationError:
                return text
        if self.is_words:
            return None if "null" in self.types and simplified(text) == NOTHING else text
        value = read_scalar(self.setting, text)
        nothing = value is None and "null" in self.types
        takes = nothing or isinstance(value, str) or {"number", "integer", "boolean"} & set(self.types)
        return value if takes else text


@dataclass(frozen=True)
class Written:
    """One line in the notation: a list, a size or an interval of sizes, a value or an item to compare with."""

    setting: str
    schema: Mapping[str, Any]

    def write(self, value: Any, at: str) -> dict[str, str]:
        if self.setting == "size":
            if isinstance(value, str) and self._range(value):
                return {at: quoted(value)}
            if isinstance(value, list) and len(value) == 2:
                joined = "～".join(scalar_of("size", entry) for entry in value)
                if self._range(joined) == value:
                    return {at: joined}
            return {at: text_of(self.setting, value)}
        text = text_of(self.setting, value)
        is_list = isinstance(value, list) and len(value) == 1 and self.schema.get("type") == "array"
        return {at: text.removesuffix("；") if is_list else text}

    def part(self, texts: Texts, at: str) -> Part:
        return Part(at, self.setting, "line", rare=self.setting in RARE, default=_default(self.schema))

    def _range(self, text: str) -> list[Any] | None:
        ends = RANGE.fullmatch(text.replace(" ", ""))
        return [read_scalar("size", end) for end in ends.groups()] if ends else None

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        text = _text(texts, at)
        found.places[path] = at
        if not text:
            return ABSENT
        if self.setting == "size" and (ends := self._range(text)):
            return ends
        try:
            return coerced(read_value(self.setting, text), dict(self.schema))
        except NotationError as error:
            found.wrong[at] = error.message
            return ABSENT


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    setting: str
    choices: tuple[str, ...]
    default: Any = ABSENT

    def write(self, value: Any, at: str) -> dict[str, str]:
        return {at: str(value).lower() if isinstance(value, bool) else value}

    def part(self, texts: Texts, at: str) -> Part:
        return Part(at, self.setting, "choice", self.choices, rare=self.setting in RARE, default=self.default)

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        text = _text(texts, at)
        found.places[path] = at
        return {"": ABSENT, "true": True, "false": False}.get(text, text)


@dataclass(frozen=True)
class Title:
    """Words, perhaps in several languages."""

    setting: str
    default: Any = ABSENT

    def _line(self) -> Line:
        return Line(self.setting, ("string",))

    def write(self, value: Any, at: str) -> dict[str, str]:
        if isinstance(value, str):
            return self._line().write(value, at)
        texts = {f"{at}-as": "map"}
        for tag in value:
            texts |= self._line().write(value[tag], at if tag == "zh-Hans" else f"{at}-{tag}")
        return texts

    def part(self, texts: Texts, at: str) -> Part:
        main = self._line().part(texts, at)
        others = tuple(Part(f"{at}-{tag}", tag, "line", rare=True) for tag in LANGUAGES)
        own = Part(at, self.setting, "line", rare=main.rare, default=self.default)
        return Part(at, "", "group", parts=(own, *others, Part(f"{at}-as", "", "hidden")), rare=main.rare)

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        main = self._line().read(texts, at, path, found)
        tags = {"zh-Hans": main} | {
            tag: self._line().read(texts, f"{at}-{tag}", (*path, tag), found) for tag in LANGUAGES
        }
        known = {tag: value for tag, value in tags.items() if value is not ABSENT}
        if not known or (set(known) == {"zh-Hans"} and not _text(texts, f"{at}-as")):
            return main
        return known


@dataclass(frozen=True)
class Limits:
    """A comparison and its number, perhaps a second one for an open interval."""

    setting: str
    comparisons: tuple[str, ...]

    def write(self, value: Mapping[str, Any], at: str) -> dict[str, str]:
        texts: dict[str, str] = {}
        for number, name in enumerate(name for name in self.comparisons if name in value):
            end = "" if number == 0 else str(number + 1)
            texts[f"{at}-compare{end}"] = name
            texts[f"{at}-limit{end}"] = "" if name == "else" else scalar_of(name, value[name])
        return texts

    def part(self, texts: Texts, at: str) -> Part:
        second = tuple(name for name in self.comparisons if name != "else")
        parts = (
            Part(f"{at}-compare", "compare", "choice", self.comparisons),
            Part(f"{at}-limit", "limit", "number"),
            Part(f"{at}-compare2", "compare2", "choice", second, rare=True),
            Part(f"{at}-limit2", "limit2", "number", rare=True),
        )
        return Part(at, "", "group", parts=parts)

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        value: dict[str, Any] = {}
        for end in ("", "2"):
            name, limit = _text(texts, f"{at}-compare{end}"), _text(texts, f"{at}-limit{end}")
            if name == "else" and not limit:
                value[name] = True
            elif name and limit and name not in value and name != "else":
                number = Line(name, ("number",)).read(texts, f"{at}-limit{end}", (*path, name), found)
                value[name] = None if number is ABSENT else number
            elif name or limit:
                place = "compare" if name in value or not name else "limit"
                found.wrong[f"{at}-{place}{end}"] = phrase("Comparison and number belong together.")
            if name:
                found.places[(*path, name)] = f"{at}-limit{end}"
        return value


@dataclass(frozen=True)
class Group:
    """Named settings."""

    setting: str
    shapes: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    whole: bool = False
    """Whether it is there even when nothing in it is."""

    def write(self, value: Any, at: str) -> dict[str, str]:
        if not value:
            return {f"{at}-as": NOTHING if value is None else "{}"}
        texts: dict[str, str] = {}
        for name, shape in self.shapes.items():
            if name == "limits*":
                texts |= shape.write(value, at)
            elif name in value:
                texts |= shape.write(value[name], f"{at}-{name}")
        return texts

    def part(self, texts: Texts, at: str) -> Part:
        parts = [
            shape.part(texts, at if name == "limits*" else f"{at}-{name}")
            for name, shape in self.shapes.items()
        ]
        parts.append(Part(f"{at}-as", "", "hidden"))
        flat = [inner for part in parts for inner in (part.parts if part.setting == "" else ()) or (part,)]
        aside = RARE_WITHIN.get(self.setting, ())
        marked = (replace(part, rare=True) if part.setting in aside else part for part in flat)
        return Part(at, self.setting, "group", parts=tuple(marked), rare=self.setting in RARE)

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        value: dict[str, Any] = {}
        seen = Found()
        for name, shape in self.shapes.items():
            if name == "limits*":
                value |= shape.read(texts, at, path, seen)
            elif (inner := shape.read(texts, f"{at}-{name}", (*path, name), seen)) is not ABSENT:
                value[name] = inner
        marker = _text(texts, f"{at}-as")
        there = bool(value or seen.wrong or self.whole)
        if there:
            for name in self.required:
                if name not in value and not any(key.startswith(f"{at}-{name}") for key in seen.wrong):
                    seen.wrong[seen.at((*path, name)) or at] = phrase("Fill this in.")
        found.places |= seen.places
        found.wrong |= seen.wrong
        if there:
            return value
        return {NOTHING: None, "{}": {}}.get(marker, ABSENT)


@dataclass(frozen=True)
class Union:
    """An entry of a list: one thing alone, or with more beside it."""

    group: Group
    main: str

    def write(self, value: Any, at: str) -> dict[str, str]:
        if isinstance(value, Mapping):
            return self.group.write(value, at) | ({f"{at}-as": "map"} if value else {})
        return self.group.shapes[self.main].write(value, f"{at}-{self.main}")

    def part(self, texts: Texts, at: str) -> Part:
        return self.group.part(texts, at)

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        loose = Group(self.group.setting, self.group.shapes)
        value = loose.read(texts, at, path, found)
        alone = (
            isinstance(value, dict) and set(value) == {self.main} and not isinstance(value[self.main], dict)
        )
        if alone and _text(texts, f"{at}-as") != "map":
            found.places[path] = found.places[(*path, self.main)]
            return value[self.main]
        return value if value is ABSENT else self.group.read(texts, at, path, found)


@dataclass(frozen=True)
class Rows:
    """A list, one entry a row, with empty rows at its end."""

    setting: str
    entry: Shape
    spare: int = SPARE
    default: Any = ABSENT

    def write(self, value: Any, at: str) -> dict[str, str]:
        if not value:
            return {f"{at}-as": "[]"}
        texts: dict[str, str] = {}
        for number, entry in enumerate(value):
            texts |= self.entry.write(entry, f"{at}-{number}")
        return texts

    def part(self, texts: Texts, at: str) -> Part:
        parts = [self.entry.part(texts, f"{at}-{number}") for number in _rows(texts, at, self.spare)]
        numbered = tuple(
            Part(part.name, "", "group", parts=part.parts, row=number + 1)
            for number, part in enumerate(parts)
        )
        hidden = Part(f"{at}-as", "", "hidden")
        return Part(at, self.setting, "rows", parts=(*numbered, hidden), rare=self.setting in RARE)

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        value: list[Any] = []
        first = next(iter(self.entry.part({}, f"{at}-0").fields())).name
        for number in _filled(texts, at):
            entry = self.entry.read(texts, f"{at}-{number}", (*path, len(value)), found)
            if entry is not ABSENT:
                value.append(entry)
        found.places.setdefault(path, first)
        if value:
            return value
        return [] if _text(texts, f"{at}-as") == "[]" else ABSENT


def _filled(texts: Texts, at: str) -> list[int]:
    """The numbers of the rows in which something stands."""
    found = set()
    for name, text in texts.items():
        if name.startswith(f"{at}-") and (text or "").strip() not in ("", "map"):
            number, _dash, rest = name[len(at) + 1 :].partition("-")
            if number.isdigit() and rest and len(number) < 5:
                found.add(int(number))
    return sorted(found)


def _rows(texts: Texts, at: str, spare: int) -> list[int]:
    """The numbers of the rows to show: what is filled in, and a few after them."""
    filled = _filled(texts, at)
    after = filled[-1] + 1 if filled else 0
    return [*filled, *range(after, after + spare)]


@dataclass(frozen=True)
class Pairs:
    """Numbers by names that are free: stages, measures, indicators."""

    setting: str
    types: tuple[str, ...]
    default: Any = ABSENT

    @property
    def words(self) -> Mapping[str, str]:
        """The words of names that have one."""
        return FREE.get(self.setting, {})

    def write(self, value: Any, at: str) -> dict[str, str]:
        if not value:
            return {f"{at}-as": NOTHING if value is None else "{}"}
        texts: dict[str, str] = {}
        for number, (name, inner) in enumerate(value.items()):
            known = (
                simplified(name) in self.words.values()
                or _is_quoted(name)
                or name != name.strip()
                or not name
            )
            texts[f"{at}-{number}-name"] = (
                quoted(name) if known else as_spelled(self.words[name]) if name in self.words else name
            )
            texts |= Line("", self.types).write(inner, f"{at}-{number}-value")
        return texts

    def part(self, texts: Texts, at: str) -> Part:
        label = {"by_stage": "stage", "targets": "measure", "min_shares": "item"}.get(self.setting, "name")
        rows = tuple(
            Part(
                f"{at}-{number}", "", "group", row=place,
                parts=(
                    Part(f"{at}-{number}-name", f"{label}*", "line"),
                    Part(f"{at}-{number}-value", "number*", "number"),
                ),
            )
            for place, number in enumerate(_rows(texts, at, 1), 1)
        )  # fmt: skip
        hidden = Part(f"{at}-as", "", "hidden")
        return Part(at, self.setting, "rows", parts=(*rows, hidden), rare=self.setting in RARE)

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        value: dict[str, Any] = {}
        for number in _filled(texts, at):
            here = f"{at}-{number}"
            text = _text(texts, f"{here}-name")
            name = read_value(self.setting, text) if _is_quoted(text) else self._name(text)
            inner = Line("", self.types).read(texts, f"{here}-value", (*path, str(name)), found)
            if not name or inner is ABSENT or name in value:
                message = phrase("“%(key)s” stands here twice. Keep one.", key=text)
                missing = phrase("Fill this in.")
                place = f"{here}-value" if name and inner is ABSENT else f"{here}-name"
                found.wrong.setdefault(place, message if name in value else missing)
            else:
                value[str(name)] = inner
        found.places.setdefault(path, f"{at}-0-name")
        return value or {NOTHING: None, "{}": {}}.get(_text(texts, f"{at}-as"), ABSENT)

    def _name(self, text: str) -> str:
        return names_of(self.words).get(simplified(text), text)


@dataclass(frozen=True)
class Condition:
    """A condition: comparisons of one thing each, joined by all or any; anything deeper in the notation."""

    setting: str

    def write(self, value: Mapping[str, Any], at: str) -> dict[str, str]:
        join = next((name for name in ("all", "any", "not") if set(value) == {name}), "")
        inner = value[join] if join else value
        listed = inner if isinstance(inner, list) else [inner]
        if not listed or not all(_is_flat(entry) for entry in listed):
            return {f"{at}-text": text_of(self.setting, value)}
        texts = {f"{at}-join": join}
        for number, entry in enumerate(listed):
            texts |= self._write_one(entry, f"{at}-{number}")
        return texts

    def _write_one(self, entry: Mapping[str, Any], at: str) -> dict[str, str]:
        subject = next(name for name in SUBJECTS if name in entry)
        texts = {f"{at}-subject": subject} | Line("", ("string",)).write(entry[subject], f"{at}-name")
        if "measure" in entry:
            texts[f"{at}-measure"] = entry["measure"]
        for name in ("is", "in", *COMPARISONS):
            if name in entry:
                texts |= {f"{at}-compare": name} | Written(name, _limit(name)).write(
                    entry[name], f"{at}-limit"
                )
        if "among" in entry:
            texts |= Written("among", _property("condition", "among")).write(entry["among"], f"{at}-among")
        return texts

    def part(self, texts: Texts, at: str) -> Part:
        spare = 1 if not _text(texts, f"{at}-text") else 0
        rows = tuple(
            Part(f"{at}-{number}", "", "group", parts=self._one(f"{at}-{number}"), row=place)
            for place, number in enumerate(_rows(texts, at, spare), 1)
        )
        parts = (
            *rows,
            Part(f"{at}-join", "join", "choice", ("all", "any", "not"), rare=True),
            Part(f"{at}-text", "text*", "line", rare=True),
        )
        return Part(at, self.setting, "group", parts=parts, rare=self.setting in RARE)

    def _one(self, at: str) -> tuple[Part, ...]:
        measures = tuple(_property("condition", "measure")["enum"])
        return (
            Part(f"{at}-subject", "subject", "choice", SUBJECTS),
            Part(f"{at}-name", "name*", "line"),
            Part(f"{at}-measure", "measure", "choice", measures, default="points"),
            Part(f"{at}-compare", "compare", "choice", ("is", "in", *COMPARISONS)),
            Part(f"{at}-limit", "limit", "line"),
            Part(f"{at}-among", "among", "line", rare=True),
        )

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        text = _text(texts, f"{at}-text")
        found.places[path] = f"{at}-text" if text else f"{at}-0-subject"
        listed = [self._read_one(texts, f"{at}-{number}", path, found) for number in _filled(texts, at)]
        if text:
            if listed:
                found.wrong[f"{at}-text"] = phrase("Either the fields or the text, not both.")
            return Written(self.setting, {}).read(texts, f"{at}-text", path, found)
        join = _text(texts, f"{at}-join")
        if not listed:
            if join:
                found.wrong[f"{at}-0-subject"] = phrase("Fill this in.")
            return ABSENT
        if len(listed) > 1 and join in ("", "not"):
            found.wrong[f"{at}-join"] = phrase("Choose whether all of them must hold, or any.")
        return {join: listed[0] if join == "not" else listed} if join else listed[0]

    def _read_one(self, texts: Texts, at: str, path: Path, found: Found) -> dict[str, Any]:
        seen = Found()
        subject = _text(texts, f"{at}-subject")
        name = Line("", ("string",)).read(texts, f"{at}-name", (*path, subject), seen)
        value: dict[str, Any] = {subject: name}
        if not subject or name is ABSENT:
            seen.wrong[f"{at}-name" if subject else f"{at}-subject"] = phrase("Fill this in.")
        if measure := _text(texts, f"{at}-measure"):
            value["measure"] = measure
        compare = _text(texts, f"{at}-compare")
        limit = Written(compare, _limit(compare)).read(texts, f"{at}-limit", (*path, compare), seen)
        if bool(compare) != (limit is not ABSENT) and not seen.wrong:
            seen.wrong[f"{at}-limit" if compare else f"{at}-compare"] = phrase(
                "Comparison and number belong together."
            )
        if compare:
            value[compare] = limit
        among = Written("among", _property("condition", "among"))
        if (items := among.read(texts, f"{at}-among", (*path, "among"), seen)) is not ABSENT:
            value["among"] = items
        found.places |= seen.places
        found.wrong |= seen.wrong
        return value


def _is_flat(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    compared = [name for name in ("is", "in", *COMPARISONS) if name in value]
    subjects = [name for name in SUBJECTS if name in value]
    known = {"measure", "among", *compared, *subjects}
    return len(subjects) == 1 and len(compared) <= 1 and set(value) <= known


def _property(part: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = rubric_schema()["$defs"][part]["properties"][name]
    return found


def _limit(comparison: str) -> dict[str, Any]:
    return _property("condition", "in") if comparison == "in" else {}


@dataclass(frozen=True)
class Kinds:
    """A rule or the way to stars: first its kind, then the settings of that kind."""

    setting: str
    prefix: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds there are."""
        return tuple(_property(self.prefix, "kind")["enum"])

    def _group(self, kind: str) -> Group:
        group = group_of(self.setting, rubric_schema()["$defs"][f"{self.prefix}_{kind}"])
        shapes = {name: shape for name, shape in group.shapes.items() if name != "kind"}
        return Group(self.setting, shapes, tuple(set(group.required) - {"kind"}), whole=True)

    def write(self, value: Mapping[str, Any], at: str) -> dict[str, str]:
        rest = {name: inner for name, inner in value.items() if name != "kind"}
        inner = self._group(value["kind"]).write(rest, at) if rest else {}
        return {f"{at}-kind": value["kind"], f"{at}-shown": value["kind"]} | inner

    def part(self, texts: Texts, at: str) -> Part:
        kind = _text(texts, f"{at}-kind")
        choice = Part(f"{at}-kind", "kind", "choice", self.kinds)
        shown = Part(f"{at}-shown", "", "hidden")
        inner = self._group(kind).part(texts, at).parts if kind in self.kinds else ()
        return Part(at, self.setting, "group", parts=(choice, shown, *inner))

    def read(self, texts: Texts, at: str, path: Path, found: Found) -> Any:
        kind = _text(texts, f"{at}-kind")
        found.places[(*path, "kind")] = f"{at}-kind"
        if kind not in self.kinds:
            return ABSENT
        if kind != _text(texts, f"{at}-shown"):
            found.wrong[f"{at}-kind"] = phrase("Here are the fields of this kind. Fill them in.")
            return {"kind": kind}
        return {"kind": kind} | self._group(kind).read(texts, at, path, found)


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    types = schema.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def _default(schema: Mapping[str, Any]) -> Any:
    return schema.get("default", ABSENT)


def shape_of(setting: str, schema: Mapping[str, Any]) -> Shape:
    """The shape of a setting by its schema."""
    default = _default(schema)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == "condition":
            return Condition(setting)
        if name in ("rule", "result"):
            return Kinds(setting, name)
        schema = rubric_schema()["$defs"][name] | {k: v for k, v in schema.items() if k != "$ref"}
        if name == "title":
            return Title(setting, default)
        return shape_of(setting, schema)
    types = _types(schema)
    if "enum" in schema or types == ("boolean",):
        return Choice(setting, tuple(schema.get("enum", ("true", "false"))), default)
    if types == ("array",):
        return _list_of(setting, schema)
    if "array" in types:
        return Written(setting, schema)
    if "object" in types and "properties" in schema:
        return group_of(setting, schema)
    if "object" in types:
        inner = shape_of("", schema["additionalProperties"])
        return Pairs(setting, inner.types if isinstance(inner, Line) else ("number",), default)
    return Line(setting, types, default)


def _list_of(setting: str, schema: Mapping[str, Any]) -> Shape:
    items = schema["items"]
    if items.get("$ref", "").endswith("/condition"):
        return Rows(setting, Condition(setting), spare=1)
    inner = shape_of(setting, items)
    if not isinstance(inner, Group):
        return Written(setting, schema)
    resolved = rubric_schema()["$defs"][items["$ref"].rpartition("/")[2]] if "$ref" in items else items
    if _types(resolved) == ("object",):
        return Rows(setting, inner, default=_default(schema))
    main = "points" if "points" in inner.shapes else "what"
    return Rows(setting, Union(inner, main), default=_default(schema))


def group_of(setting: str, schema: Mapping[str, Any], names: Sequence[str] | None = None) -> Group:
    """The group of an object's properties (or of those named)."""
    known = {name: inner for name, inner in schema["properties"].items() if names is None or name in names}
    compared = {"gt", "ge"} <= set(known)
    shapes: dict[str, Shape] = {}
    for name, inner in known.items():
        if compared and name in (*COMPARISONS, "else"):
            found = tuple(key for key in (*COMPARISONS, "else") if key in known)
            shapes.setdefault("limits*", Limits(name, found))
        else:
            shapes[name] = shape_of(name, inner)
    return Group(setting, shapes, tuple(name for name in schema.get("required", ()) if name in known))


def rule_shape() -> Kinds:
    """The shape of a rule."""
    return Kinds("rule", "rule")


ITEM_SETTINGS = (
    "points_status", "floor", "evidence_required", "special", "gates", "grades", "applies_when", "always_applies", "weight",
)  # fmt: skip
GROUP_SETTINGS = ("combine", "take", *ITEM_SETTINGS)


def item_shape(group: bool, extra: bool) -> Group:
    """The settings of an indicator beside its words, points and rule; ``extra``: of a bonus item or deduction."""
    schema = rubric_schema()["$defs"]["extra" if extra else "item"]
    return group_of("other", schema, GROUP_SETTINGS if group else ITEM_SETTINGS)


# The settings of a whole rubric with fields of their own; sources and worked cases stay in the notation.
WHOLE = (
    "total", "result", "gates", "vetoes", "not_applicable", "missing_input", "evidence_required", "allow_relative",
    "rounding", "scorers", "validity_years", "about", "jurisdiction", "year", "coverage", "missing", "notes", "unclear",
    "procedure",
)  # fmt: skip


def whole_shape() -> Group:
    """The settings of a whole rubric."""
    group = group_of("", rubric_schema(), WHOLE)
    caps = {
        name: group_of(name, rubric_schema()["properties"][name], ("cap",))
        for name in ("bonus", "deductions")
    }
    order = {name: group.shapes[name] for name in WHOLE[:4]} | caps
    return Group("", order | {name: group.shapes[name] for name in WHOLE[4:]}, ("total",), whole=True)
