"""Kinds of messages: fixed texts in the catalogues, and what may be filled into them.

A text never speaks of a child, never holds a link in a text message, and no link but to the portal's own address.
Values are short plain words (a name of an office, a code, a number); what looks like an address is refused.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from portal.forms import CONTROL, HIDDEN
from portal.i18n import day

LONGEST_VALUE = 60
_ADDRESS = re.compile(
    r"://|www\.|[a-z0-9-]\.(?:[a-z]{2,}|xn--)|\.(?:中国|公司|网络|网址)|[a-z0-9_.+-]+@|(?:\d{1,3}\.){3}\d{1,3}"
    r"|(?:javascript|data|weixin|alipays?|tel|sms|mailto):",
    re.IGNORECASE,
)
_PRIVATE = re.compile(
    "留守|單親|单亲|孤儿|孤兒|残疾|殘疾|残障|低保|贫困|貧困|抑郁|抑鬱|自杀|自殺|自残|家暴|虐待|性侵|离异|離異|离婚|離婚|监护权|監護權"
    "|心理|病|学生|學生|孩子|儿童|兒童|宝贝|寶貝|家长您"
    r"|(?:child|children|pupil|student|disab|suicid|abuse|divorc)",
    re.IGNORECASE,
)
KINDS: dict[str, "Kind"] = {}


class Unfit(ValueError):
    """A value that no message may carry."""


@dataclass(frozen=True)
class Kind:
    """One kind of message.

    ``subject`` and ``text`` are lazy sentences with named places (``%(code)s``); ``secret`` values are forgotten as soon
    as the message is out; ``lasts`` is how long it is worth sending; ``capped`` kinds keep to the limits of providers
    for one-time codes; ``path`` is the page of the portal that an e-mail (never a text message) links to, with named places as well;
    ``host`` names the setting of another host than the portal's, where there is one; ``days`` names the values that are days:
    given and kept as dates, read as people say them in the language of the message.
    """

    name: str
    subject: Any
    text: Any
    takes: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    lasts: timedelta = timedelta(days=2)
    capped: bool = False
    path: str = ""
    days: tuple[str, ...] = ()
    host: str = ""

    def __post_init__(self) -> None:
        if self.name in KINDS:
            raise ValueError(f"kind {self.name} declared twice")
        KINDS[self.name] = self

    def checked(self, values: Mapping[str, object]) -> dict[str, str]:
        """The values as text, or ``Unfit`` when one is missing, unknown or not fit for a message."""
        if set(values) != set(self.takes):
            raise Unfit(f"{self.name} takes {self.takes}, not {tuple(values)}")
        words = {name: str(value) for name, value in values.items()}
        for name, word in words.items():
            if not fit(word):
                raise Unfit(f"{self.name} may not carry this as {name}")
        return words

    def worded(self, values: Mapping[str, str], *, address: str = "") -> tuple[str, str]:
        """Subject and text in the current language; ``address`` is the portal's own, for channels that carry links."""
        values = {**values, **{name: day(date.fromisoformat(values[name])) for name in self.days}}
        subject, text = str(self.subject) % values, str(self.text) % values
        link = f"{address.rstrip('/')}{self.path % values}" if address and self.path else ""
        return subject, f"{text}\n\n{link}" if link else text


def fit(word: str) -> bool:
    """Whether a value may stand in a message: short, one line, no address, nothing about children or families."""
    if (
        not word
        or len(word) > LONGEST_VALUE
        or (CONTROL | HIDDEN | {"\n", "\t", "\u200b"}).intersection(word)
    ):
        return False
    plain = unicodedata.normalize("NFKC", word).translate({ord("。"): "."})
    return not (_ADDRESS.search(plain) or _PRIVATE.search(plain))
