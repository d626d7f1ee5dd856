"""Settings of a rubric as people in offices read and type them, and back without losing anything.

One setting a line: ``各档：不低于 0.95，得分 8；其余，得分 0``. Commas join what belongs together, semicolons divide the
entries of a list, round brackets hold a group inside a line, square ones a list. Text that could be taken for something
else stands in “quotation marks”. Full-width and half-width signs, simplified and traditional characters, and the names of the
YAML file, are all understood; what is written is simplified, or as ``spelled`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from portal.ratings.rubric.problems import Message, phrase
from portal.ratings.rubric.reading import NUMBER, ODD_NUMBER
from portal.ratings.rubric.words import (
    FREE,
    NO,
    NOTHING,
    SETTING_OF,
    SETTINGS,
    VALUE_OF,
    VALUES,
    YES,
    names_of,
    simplified,
)

PAIRS, ENTRIES, COLONS = ",，", ";；", ":："
OPENING = {"(": "）)", "（": "）)", "[": "］]", "［": "］]"}
BRACKETS = "()（）[]［］"
QUOTES = {"“": "”", '"': '"'}
STOPS = set(PAIRS + ENTRIES + COLONS + ")）]］\n")
WIDE = str.maketrans("０１２３４５６７８９．％／－＋", "0123456789.%/-+")
MOST_DEPTH = 30


class NotationError(ValueError):
    """What cannot be read, in words."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.text())
        self.message = message


# ---- writing

_spelling: ContextVar[Callable[[str], str]] = ContextVar("spelling", default=str)


@contextmanager
def spelled(word: Callable[[str], str]) -> Iterator[None]:
    """Write the known words as this function spells them, such as in traditional characters; what people typed stays."""
    token = _spelling.set(word)
    try:
        yield
    finally:
        _spelling.reset(token)


def as_spelled(word: str) -> str:
    """A known word as it is to be written now."""
    return _spelling.get()(word)


def lines_of(settings: Mapping[str, Any]) -> str:
    """Settings, one a line."""
    return "\n".join(
        f"{_key(name, SETTINGS)}：{_whole(name, value, SETTINGS)}" for name, value in settings.items()
    )


def text_of(name: str, value: Any) -> str:
    """The value of one setting, without its name."""
    return _whole(name, value, SETTINGS)


def _inside(name: str, table: Mapping[str, str]) -> Mapping[str, str]:
    """The words of names inside a setting: in worked cases and such, names are free."""
    return FREE.get(name, table)


def _key(name: str, table: Mapping[str, str]) -> str:
    if name in table:
        return as_spelled(table[name])
    return name if _is_plain(name) and simplified(name) not in names_in(table) else quoted(name)


def names_in(table: Mapping[str, str]) -> Mapping[str, str]:
    """Word → name of a table."""
    return SETTING_OF if table is SETTINGS else names_of(table)


def _whole(name: str, value: Any, table: Mapping[str, str]) -> str:
    inner = _inside(name, table)
    if isinstance(value, list):
        if not value:
            return "［］"
        entries = [_entry(name, entry, inner) for entry in value]
        return "；".join(entries) + ("；" if len(entries) == 1 else "")
    if isinstance(value, Mapping):
        return _pairs(value, inner) if value else "（）"
    return scalar_of(name, value)


def _entry(name: str, value: Any, table: Mapping[str, str]) -> str:
    if isinstance(value, Mapping):
        return _pairs(value, table) if value else "（）"
    return _nested(name, value, table)


def _nested(name: str, value: Any, table: Mapping[str, str]) -> str:
    if isinstance(value, list):
        return "［" + "；".join(_entry(name, entry, table) for entry in value) + "］"
    if isinstance(value, Mapping):
        return "（" + _pairs(value, table) + "）"
    return scalar_of(name, value)


def _pairs(values: Mapping[str, Any], table: Mapping[str, str]) -> str:
    found = []
    for name, value in values.items():
        written = _key(name, table)
        if value is True and len(values) > 1 and name in table and written not in _VALUE_WORDS:
            found.append(written)
        elif isinstance(value, list | Mapping) or name not in table:
            found.append(f"{written}：{_nested(name, value, _inside(name, table))}")
        else:
            found.append(f"{written} {scalar_of(name, value)}")
    return "，".join(found)


def scalar_of(name: str, value: Any) -> str:
    """A single value of a setting."""
    if value is None:
        return as_spelled(NOTHING)
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str):
        return str(value)
    word = VALUES.get(name, {}).get(value)
    if word is not None:
        return as_spelled(word)
    return value if _is_plain(value) and simplified(value) not in VALUE_OF.get(name, {}) else quoted(value)


def _is_plain(text: str) -> bool:
    """Whether text reads back as itself without quotation marks."""
    if not text or text != " ".join(text.split()) or text[0] in BRACKETS + '“"' or STOPS & set(text):
        return False
    first = text.partition(" ")[0]
    word = simplified(first)
    known = word in SETTING_OF or first in SETTINGS or first in FREE["by_stage"] or word in _STAGES
    return not known and not set(BRACKETS + "“\\") & set(text) and _is_text(text)


def _is_text(text: str) -> bool:
    try:
        return bool(read_scalar("", text) == text)
    except NotationError:
        return False


# A name that is also the word of some value cannot stand alone: it would be read as that value.
_VALUE_WORDS = {word for words in VALUE_OF.values() for word in words}
_STAGES = {word: name for name, word in FREE["by_stage"].items()}


def quoted(text: str) -> str:
    """Text that reads back as itself, whatever stands in it."""
    return "“" + text.replace("\\", "\\\\").replace("”", "\\”").replace("\n", "\\n") + "”"


# ---- reading


def read_lines(text: str) -> dict[str, Any]:
    """The settings of several lines. Raises NotationError in words."""
    return _Reader(text).settings()


def read_value(name: str, text: str) -> Any:
    """The value of one setting. Raises NotationError in words."""
    reader = _Reader(text)
    return reader.finished(reader.sequence(name, SETTINGS, ""))


def read_scalar(name: str, text: str) -> Any:
    """The value of one word or number. Raises NotationError in words."""
    constants: dict[str, Any] = {
        YES: True,
        NO: False,
        NOTHING: None,
        "true": True,
        "false": False,
        "null": None,
    }
    word = simplified(text)
    if word in constants:
        return constants[word]
    if word in VALUE_OF.get(name, {}):
        return VALUE_OF[name][word]
    return _number(text)


def _number(text: str) -> Any:
    digits = text.translate(WIDE)
    bare = digits.removesuffix("分") if digits[:-1].replace(".", "", 1).isdigit() else digits
    if NUMBER.fullmatch(bare):
        return Decimal(bare) if "." in bare else int(bare)
    if bare.endswith("%") and NUMBER.fullmatch(bare[:-1]):
        share = Decimal(bare[:-1]) / 100
        return int(share) if share == int(share) else share.normalize()
    if ODD_NUMBER.fullmatch(bare):
        raise NotationError(
            phrase(
                "“%(text)s” is not a number that can be used: write it with digits and at most 12 decimals.",
                text=text[:40],
            )
        )
    return text


class _Reader:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.at = 0
        self.depth = 0

    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.skip(" \t\n　"):
            name = self.name(SETTINGS)
            if not self.sees(COLONS):
                raise self.wrong(
                    phrase(
                        "After “%(name)s” a colon and its value are missing.",
                        name=SETTINGS.get(name, name)[:40],
                    )
                )
            self.at += 1
            if name in found:
                raise self.wrong(
                    phrase("“%(key)s” stands here twice. Keep one.", key=SETTINGS.get(name, name))
                )
            found[name] = self.sequence(name, SETTINGS, "\n")
            if self.here() not in ("\n", ""):
                raise self.wrong(phrase("Not understood from here on: “%(rest)s”.", rest=self.rest()))
        return found

    def finished(self, value: Any) -> Any:
        if self.skip(" \t\n　"):
            raise self.wrong(phrase("Not understood from here on: “%(rest)s”.", rest=self.rest()))
        return value

    def wrong(self, message: Message) -> NotationError:
        return NotationError(message)

    def rest(self) -> str:
        return self.text[self.at : self.at + 20].partition("\n")[0]

    def here(self) -> str:
        return self.text[self.at : self.at + 1]

    def sees(self, letters: Container[str]) -> bool:
        """Whether one of these letters comes next; the end is none of them."""
        letter = self.here()
        return bool(letter) and letter in letters

    def skip(self, letters: str) -> bool:
        """Go past these letters; answers whether anything is left."""
        while self.sees(letters):
            self.at += 1
        return bool(self.here())

    def name(self, table: Mapping[str, str]) -> str:
        if self.sees(QUOTES):
            name = self.quoted()
        else:
            word = self.bare().strip()
            name = names_in(table).get(simplified(word), word)
        self.skip(" \t　")
        return name

    def sequence(self, name: str, table: Mapping[str, str], closing: str) -> Any:
        """What stands after a setting's name: a value, a group, or a list where a semicolon stands."""
        entries, is_list = [], False
        inner = _inside(name, table)
        while True:
            self.skip(" \t　")
            if is_list and (not self.here() or self.here() in closing):
                break
            entries.append(self.group(name, inner))
            if self.sees(ENTRIES):
                self.at += 1
                is_list = True
                continue
            break
        return entries if is_list else entries[0]

    def group(self, name: str, table: Mapping[str, str]) -> Any:
        """One entry: a value by itself, or names with their values, joined by commas."""
        pairs: dict[str, Any] = {}
        alone: list[Any] = []
        while True:
            self.skip(" \t　")
            key, value = self.part(name, table)
            if key is None:
                alone.append(value)
            elif key in pairs:
                raise self.wrong(phrase("“%(key)s” stands here twice. Keep one.", key=table.get(key, key)))
            else:
                pairs[key] = value
            if self.sees(PAIRS):
                self.at += 1
                continue
            break
        return self.joined(pairs, alone, table)

    def joined(self, pairs: dict[str, Any], alone: list[Any], table: Mapping[str, str]) -> Any:
        if not pairs and len(alone) == 1:
            return alone[0]
        words = names_in(table)
        for value in alone:
            flag = words.get(simplified(value), value) if isinstance(value, str) else None
            if flag not in table:
                raise self.wrong(
                    phrase(
                        "“%(text)s” has no value. Divide the entries of a list with “；”.",
                        text=str(value)[:40],
                    )
                )
            pairs[str(flag)] = True
        return pairs

    def part(self, name: str, table: Mapping[str, str]) -> tuple[str | None, Any]:
        """(name, value) or (None, value by itself)."""
        if self.sees(OPENING):
            return None, self.bracket(name, table)
        if self.sees(QUOTES):
            text = self.quoted()
            self.skip(" \t　")
            return self.valued(text, table) if self.sees(COLONS) else (None, text)
        text = self.bare().strip()
        words = names_in(table)
        known = words.get(simplified(text)) or (text if text in table else None)
        if self.sees(COLONS):
            return self.valued(known or text, table)
        if known and self.sees([*OPENING, *QUOTES]):
            return known, self.value(known, table)
        first, _space, rest = text.replace("　", " ").partition(" ")
        if rest and (simplified(first) in words or first in table):
            key = words.get(simplified(first), first)
            return key, read_scalar(key, rest.strip())
        if not text:
            raise self.wrong(phrase("Something is missing before “%(rest)s”.", rest=self.rest()))
        return None, read_scalar(name, text)

    def valued(self, key: str, table: Mapping[str, str]) -> tuple[str, Any]:
        self.at += 1
        self.skip(" \t　")
        return key, self.value(key, table)

    def value(self, name: str, table: Mapping[str, str]) -> Any:
        if self.sees(OPENING):
            return self.bracket(name, _inside(name, table))
        if self.sees(QUOTES):
            text = self.quoted()
            self.skip(" \t　")
            return text
        text = self.bare().strip()
        if not text:
            raise self.wrong(
                phrase("After “%(name)s” a value is missing.", name=SETTINGS.get(name, name)[:40])
            )
        return read_scalar(name, text)

    def bracket(self, name: str, table: Mapping[str, str]) -> Any:
        """A group in round brackets or a list in square ones."""
        closing = OPENING[self.here()]
        self.at += 1
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise self.wrong(
                phrase("The file is nested too deeply: at most %(limit)s levels.", limit=MOST_DEPTH)
            )
        self.skip(" \t\n　")
        found: Any
        if self.sees(closing):
            found = [] if "]" in closing else {}
        elif "]" in closing:
            found = self.listed(name, table, closing)
        else:
            found = self.group(name, table)
        self.skip(" \t\n　")
        if not self.sees(closing):
            raise self.wrong(phrase("A bracket that was opened is not closed."))
        self.at += 1
        self.depth -= 1
        self.skip(" \t　")
        return found

    def listed(self, name: str, table: Mapping[str, str], closing: str) -> list[Any]:
        entries = []
        while self.here() and self.here() not in closing:
            entries.append(self.group(name, table))
            if self.sees(ENTRIES):
                self.at += 1
            self.skip(" \t\n　")
            if (
                self.here()
                and self.here() not in closing
                and self.text[self.at - 1] not in ENTRIES + " \t\n　"
            ):
                break
        return entries

    def quoted(self) -> str:
        closing = QUOTES[self.here()]
        self.at += 1
        found = []
        while (letter := self.here()) != closing:
            if not letter:
                raise self.wrong(phrase("A quotation mark that was opened is not closed."))
            if letter == "\\":
                self.at += 1
                letter = {"n": "\n"}.get(self.here(), self.here())
            found.append(letter)
            self.at += 1
        self.at += 1
        return "".join(found)

    def bare(self) -> str:
        """Text up to the next sign that divides; brackets inside it, such as （每学期）, belong to it."""
        start, opened = self.at, 0
        while letter := self.here():
            if letter in OPENING and (opened or self.is_inside_text(start)):
                opened += 1
            elif opened and letter in ")）]］":
                opened -= 1
            elif letter == "\n" or (
                not opened
                and (letter in STOPS or letter in OPENING or (letter in QUOTES and self.follows_name(start)))
            ):
                break
            self.at += 1
        return self.text[start : self.at]

    def follows_name(self, start: int) -> bool:
        word = self.text[start : self.at].strip()
        return not word or simplified(word) in SETTING_OF or word in SETTINGS

    def is_inside_text(self, start: int) -> bool:
        return not self.follows_name(start)
