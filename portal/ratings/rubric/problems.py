"""What the rubric library has to say: messages that can be translated, and problems with the place they sit at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from portal.ratings.rubric.amounts import plain

Translate = Callable[[str], str]
Title = str | Mapping[str, str]


def as_written(msgid: str) -> str:
    """The translation used when nobody asks for another one: the English sentence itself."""
    return msgid


def title_text(title: Title, language: str = "zh-Hans") -> str:
    """A title in a language; a title given in other languages only answers with the first of them."""
    if isinstance(title, str):
        return title
    return title.get(language) or next(iter(title.values()), "")


@dataclass(frozen=True)
class Message:
    """A sentence: its msgid (plain English with ``%(name)s`` places) and what stands in the places.

    Values may be text, numbers (shown as plain decimals), titles in several languages, or other messages.
    """

    msgid: str
    params: tuple[tuple[str, object], ...] = ()

    def text(self, translate: Translate = as_written, language: str = "en") -> str:
        """The sentence in words: ``translate`` turns a msgid into the reader's language."""
        return translate(self.msgid) % {
            name: _shown(value, translate, language) for name, value in self.params
        }

    def as_json(self, translate: Translate = as_written, language: str = "en") -> dict[str, object]:
        """``{"text", "msgid", "params"}``: the sentence and what it was made of, for a web layer or an archive."""
        shown = {name: _shown(value, translate, language) for name, value in self.params}
        return {"text": translate(self.msgid) % shown, "msgid": self.msgid, "params": shown}


def phrase(msgid: str, **params: object) -> Message:
    """A message. The name is what the extraction of translations looks for."""
    return Message(msgid, tuple(sorted(params.items())))


def listed(values: Iterable[object]) -> str:
    """Values in one line, in the order given, cut after twelve."""
    words = [str(value) for value in values]
    return ", ".join(words[:12]) + (" …" if len(words) > 12 else "")


def _shown(value: object, translate: Translate, language: str) -> str:
    if isinstance(value, Message):
        return value.text(translate, language)
    if isinstance(value, Fraction):
        return plain(value)
    if isinstance(value, Mapping):
        return title_text(value, language)
    return str(value)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (line from 1, or None; path such as ``indicators[A].children[A1].rule``) and what."""

    line: int | None
    path: str
    message: Message

    def text(self, translate: Translate = as_written, language: str = "en") -> str:
        """The problem in one line of words, with its place."""
        if self.line is not None and self.path:
            place = phrase(
                "Line %(line)s, %(path)s: %(what)s", line=self.line, path=self.path, what=self.message
            )
        elif self.line is not None:
            place = phrase("Line %(line)s: %(what)s", line=self.line, what=self.message)
        elif self.path:
            place = phrase("%(path)s: %(what)s", path=self.path, what=self.message)
        else:
            place = self.message
        return place.text(translate, language)


class RubricError(Exception):
    """A rubric or its inputs cannot be used; ``problems`` says why, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.text() for problem in self.problems[:5]))
