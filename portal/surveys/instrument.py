"""The questions of a questionnaire as data: their kinds, their choices, their words in three languages.

The default stands in ``instruments/parents.yaml`` with its version (DOMAIN 7.5). A questionnaire keeps a copy of its own, so
that a later version changes nothing that was asked before.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from portal import i18n
from portal.i18n import lazy_gettext as _l

DEFAULT = Path(__file__).parent / "instruments" / "parents.yaml"
FACT, SCALE, REPLY = "fact", "scale", "reply"
UNSURE = "unsure"
CHOICES: dict[str, dict[str, Any]] = {
    FACT: {"yes": _l("Yes"), "no": _l("No"), UNSURE: _l("I do not know")},
    SCALE: {
        "5": _l("Very true"),
        "4": _l("Rather true"),
        "3": _l("So so"),
        "2": _l("Rather not true"),
        "1": _l("Not true at all"),
        UNSURE: _l("Not sure"),
    },
    REPLY: {
        "answered": _l("I told them, and had an answer"),
        "unanswered": _l("I told them, and had no answer"),
        "none": _l("I had nothing to tell"),
    },
}
VALUES: dict[str, dict[str, int]] = {
    FACT: {"yes": 100, "no": 0},
    SCALE: {"5": 100, "4": 75, "3": 50, "2": 25, "1": 0},
    REPLY: {"answered": 100, "unanswered": 0},
}
"""What a choice is worth between 0 and 100; the others are left out of the mean and shown apart."""
TEXT_LENGTH = 200
MOST_QUESTIONS = 20
LANGUAGES = ("zh-Hans", "zh-Hant", "en")


@dataclass(frozen=True)
class Question:
    """One question. ``scored``: it adds to the mean that the rating uses; ``about``: what of the records it may be laid beside."""

    id: str
    kind: str
    texts: Mapping[str, str]
    scored: bool = False
    about: str = ""

    @property
    def text(self) -> str:
        """In the language of this request; zh-Hans where it has no words in it."""
        return self.texts.get(i18n.current().tag) or self.texts["zh-Hans"]

    @property
    def choices(self) -> Mapping[str, Any]:
        return CHOICES[self.kind]

    @property
    def values(self) -> Mapping[str, int]:
        return VALUES[self.kind]

    @property
    def is_share(self) -> bool:
        """Whether its mean is the share of those who said yes."""
        return self.kind != SCALE


@cache
def _default() -> str:
    return json.dumps(YAML(typ="safe", pure=True).load(DEFAULT), ensure_ascii=False)


def default_instrument() -> str:
    """The questions a new questionnaire begins with, as JSON."""
    return _default()


def questions_of(instrument: str) -> list[Question]:
    """The questions of an instrument, in order."""
    return [
        Question(one["id"], one["kind"], one["text"], bool(one.get("scored")), str(one.get("about", "")))
        for one in json.loads(instrument)["questions"]
    ]


def adapted(version: str, questions: Sequence[Question]) -> str:
    """An instrument with questions of the district's own; its version says so."""
    said = version if version.endswith("*") else f"{version}*"
    return json.dumps(
        {
            "version": said,
            "questions": [
                {
                    "id": one.id,
                    "kind": one.kind,
                    "text": dict(one.texts),
                    "scored": one.scored,
                    "about": one.about,
                }
                for one in questions
            ],
        },
        ensure_ascii=False,
    )
