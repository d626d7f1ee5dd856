"""Words and numbers as people write them in descriptions of schemes."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact, plain

NOT_IN_IDS = re.compile(r"[\s\[\].,:{}\"']+")
PERCENT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*[%％]")
PLAIN = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
FRACTION = re.compile(r"[0-9]{1,9}/[1-9][0-9]{0,8}")
WIDE = str.maketrans("０１２３４５６７８９．％", "0123456789.%")
SIMPLEST = 12
ALL = {"all", "everything", "full"}
ALL_IN_CHINESE = ("全部", "满分", "全满")
LESS = {"but", "except", "not"}


def is_number(value: object) -> bool:
    """Whether a value of a file is a number."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def number(value: object) -> Any:
    """The number a value stands for, with percents as shares and fractions as they are written; None when it is none."""
    if is_number(value):
        return value
    told = str(value).strip().translate(WIDE) if isinstance(value, str) else ""
    if found := PERCENT.fullmatch(told):
        return Decimal(found[1]) / 100
    if PLAIN.fullmatch(told):
        return Decimal(told)
    return told if FRACTION.fullmatch(told) else None


def as_share(percents: object) -> Any:
    """Percents, or percentage points, as a share."""
    share = exact(percents) / 100
    return int(share) if share.denominator == 1 else Decimal(plain(share))


def text(value: object) -> str:
    """A value in one line: text as it is, groups and lists as JSON, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if is_number(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def identifier(value: object, otherwise: str) -> str:
    """An id that the engine takes, as near to ``value`` as can be."""
    return NOT_IN_IDS.sub("_", text(value)).strip("_")[:80] or NOT_IN_IDS.sub("_", otherwise)[:80]


def simple_share(value: object) -> Any:
    """A share; where a decimal is a rounded simple fraction such as 0.6667, the fraction."""
    told = number(value)
    if not isinstance(told, Decimal):
        return told
    near = Fraction(told).limit_denominator(SIMPLEST)
    if near == Fraction(told) or round(Decimal(near.numerator) / near.denominator, _digits(told)) != told:
        return told
    return f"{near.numerator}/{near.denominator}"


def _digits(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def meant(name: object, known: list[str]) -> str | None:
    """Which of the known names a word means: the same, or the only one that begins with it or holds it as a word."""
    told = str(name)
    if told in known:
        return told
    for fits in (
        lambda one: one.startswith(told),
        lambda one: told in re.split(r"[\s_-]+", one),
        lambda one: told in one,
    ):
        found = [one for one in known if told and fits(one)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def is_all(told: str) -> bool:
    """Whether words such as “all children full” mean everything, and not everything but something."""
    words = set(re.findall(r"\w+", told.lower()))
    return not words & LESS and (bool(words & ALL) or any(word in told for word in ALL_IN_CHINESE))
