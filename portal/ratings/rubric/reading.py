"""Reading files of unknown origin: YAML rubrics and JSON inputs, into plain values and the lines they stand on.

Plain values are dict (text keys), list, str, int, Decimal, bool and None. Nothing is ever executed or built from a tag;
aliases, tags, repeated keys, endless numbers and very deep or long files are refused in words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml import events as parts
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from portal.ratings.rubric.problems import Message, Problem, RubricError, phrase

Path = tuple[str | int, ...]
Value = dict[str, Any] | list[Any] | str | int | Decimal | bool | None

MOST_BYTES = 128 * 1024
MOST_DEPTH = 40
MOST_JSON_BYTES = 4 * 1024 * 1024
NUMBER = re.compile(r"[-+]?[0-9]{1,12}(\.[0-9]{1,12})?")
# Plain words of YAML 1.2 that mean more than themselves, and numbers we refuse to guess about.
CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
ODD_NUMBER = re.compile(
    r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN|0x[0-9a-fA-F]+|0o[0-7]+"
    r"|[-+]?([0-9]{13,}(\.[0-9]*)?|[0-9]+\.[0-9]{13,}|[0-9]+\.|\.[0-9]+|[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+)"
)


@dataclass(frozen=True)
class Document:
    """The values of a file and, for every path in it, the line (from 1) where it begins."""

    data: Value
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """The line of a path, or of its nearest ancestor that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def written(self, path: Path) -> str:
        """A path in words a person can follow."""
        return written(path, self.data)


def written(path: Path, data: Value = None) -> str:
    """A path in words a person can follow: ``indicators[A].children[A1].rule.bands[2]``.

    What has an id in ``data`` is named by it, other entries by their place, counted from 1.
    """
    words = ""
    here: Any = data
    for step in path:
        here = _inside(here, step)
        if isinstance(step, int):
            name = here.get("id") if isinstance(here, dict) else None
            words += f"[{name if isinstance(name, str) else step + 1}]"
        else:
            words += f".{step}" if words else step
    return words


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _refuse(message: Message, line: int | None = None, path: Path = ()) -> NoReturn:
    raise RubricError([Problem(line, written(path), message)])


def _text_of(raw: bytes | str, most: int) -> str:
    if isinstance(raw, bytes):
        if len(raw) > most:
            _refuse(
                phrase("The file is too large: at most %(limit)s kilobytes can be read.", limit=most // 1024)
            )
        try:
            raw = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            _refuse(phrase("The file is not UTF-8 text. Save it as UTF-8 and try again."))
    if len(raw) > most:
        _refuse(phrase("The file is too large: at most %(limit)s kilobytes can be read.", limit=most // 1024))
    if not raw.strip():
        _refuse(phrase("The file is empty."))
    return raw


def read_yaml(raw: bytes | str) -> Document:
    """The values of a YAML file. Raises RubricError with the line when it cannot or must not be read."""
    text = _text_of(raw, MOST_BYTES)
    try:
        return _Builder(iter(YAML(typ="safe", pure=True).parse(text))).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        _refuse(
            phrase("This is not well-formed YAML: check the indentation, quotation marks and brackets here."),
            line,
        )
    except (YAMLError, ValueError):
        _refuse(phrase("This is not well-formed YAML, or it contains characters that text must not contain."))


class _Builder:
    """Builds plain values from the parser's events, so that refused things are refused before they can grow."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.lines: dict[Path, int] = {}

    def document(self) -> Document:
        data: Value = None
        seen = False
        for event in self.events:
            if isinstance(event, parts.DocumentStartEvent):
                if seen:
                    _refuse(
                        phrase("The file holds more than one document. Keep one."), event.start_mark.line + 1
                    )
                seen = True
                data = self.value(next(self.events), ())
        if not seen:
            _refuse(phrase("The file is empty."))
        return Document(data, self.lines)

    def value(self, event: Any, path: Path) -> Value:
        line = event.start_mark.line + 1
        self.lines[path] = line
        if isinstance(event, parts.AliasEvent) or getattr(event, "anchor", None):
            _refuse(phrase("Anchors and aliases (& and *) are not allowed. Write the value out."), line, path)
        if getattr(event, "ctag", None) is not None and str(event.ctag) not in ("None", "!"):
            _refuse(phrase("Tags (starting with an exclamation mark) are not allowed."), line, path)
        if len(path) > MOST_DEPTH:
            _refuse(
                phrase("The file is nested too deeply: at most %(limit)s levels.", limit=MOST_DEPTH), line
            )
        if isinstance(event, parts.MappingStartEvent):
            return self.mapping(path)
        if isinstance(event, parts.SequenceStartEvent):
            return self.sequence(path)
        return _scalar(event, path)

    def mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self.events), parts.MappingEndEvent):
            line = event.start_mark.line + 1
            key = event.value if isinstance(event, parts.ScalarEvent) and not event.anchor else None
            if key is None:
                _refuse(phrase("A key must be plain text."), line, path)
            if key in values:
                _refuse(phrase("“%(key)s” stands here twice. Keep one.", key=key), line, path)
            _printable(key, line, path)
            values[key] = self.value(next(self.events), (*path, key))
            self.lines[(*path, key)] = line
        return values

    def sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self.events), parts.SequenceEndEvent):
            values.append(self.value(event, (*path, len(values))))
        return values


def _printable(text: str, line: int | None, path: Path) -> str:
    """The text, unless it holds halves of characters or control characters that no file may carry on."""
    if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in text) or (
        not text.isascii() and _torn(text)
    ):
        _refuse(phrase("The text holds characters that cannot be stored."), line, path)
    return text


def _torn(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _scalar(event: Any, path: Path) -> Value:
    text = _printable(str(event.value), event.start_mark.line + 1, path)
    if event.style is not None and event.style != "":
        return text
    if text in CONSTANTS:
        return CONSTANTS[text]
    if NUMBER.fullmatch(text):
        return Decimal(text) if "." in text else int(text)
    if ODD_NUMBER.fullmatch(text):
        message = phrase(
            "“%(text)s” is not a number that can be used: write it with digits and at most 12 decimals.",
            text=text[:40],
        )
        _refuse(message, event.start_mark.line + 1, path)
    return text


def read_json(raw: bytes | str) -> Value:
    """The values of a JSON text, numbers exact. Raises RubricError in words when it cannot be read."""
    text = _text_of(raw, MOST_JSON_BYTES)
    try:
        value: Value = json.loads(
            text,
            parse_float=_json_number,
            parse_int=_json_number,
            parse_constant=_json_constant,
            object_pairs_hook=_once,
        )
    except json.JSONDecodeError as error:
        _refuse(
            phrase("This is not well-formed JSON: check the commas, quotation marks and brackets here."),
            error.lineno,
        )
    except RecursionError:
        _refuse(phrase("The file is nested too deeply: at most %(limit)s levels.", limit=MOST_DEPTH))
    _looked_through(value, 0)
    return value


def _looked_through(value: Value, depth: int) -> None:
    if depth > MOST_DEPTH:
        _refuse(phrase("The file is nested too deeply: at most %(limit)s levels.", limit=MOST_DEPTH))
    if isinstance(value, dict):
        for key, inner in value.items():
            _printable(key, None, ())
            _looked_through(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _looked_through(inner, depth + 1)
    elif isinstance(value, str):
        _printable(value, None, ())


def _json_number(text: str) -> int | Decimal:
    if not NUMBER.fullmatch(text):
        _refuse(
            phrase(
                "“%(text)s” is not a number that can be used: write it with digits and at most 12 decimals.",
                text=text[:40],
            )
        )
    return Decimal(text) if "." in text else int(text)


def _json_constant(text: str) -> NoReturn:
    _refuse(
        phrase(
            "“%(text)s” is not a number that can be used: write it with digits and at most 12 decimals.",
            text=text,
        )
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            _refuse(phrase("“%(key)s” stands here twice. Keep one.", key=key))
        values[key] = value
    return values
