"""Names: sort keys and initials by pinyin, both scripts folded, surnames read as surnames."""

import unicodedata
from functools import lru_cache
from typing import Any

from pypinyin import Style, pinyin
from sqlalchemy import ColumnElement, func, or_

SURNAMES = {
    "曾": "zeng", "单": "shan", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "任": "ren", "朴": "piao",
    "盖": "ge", "尉": "yu", "缪": "miao", "翟": "zhai", "乐": "yue", "华": "hua", "洗": "xian", "秘": "bi",
    "黑": "he", "燕": "yan", "覃": "qin", "召": "shao", "员": "yun", "折": "she", "那": "na", "逄": "pang",
}  # fmt: skip


def _letters(rest: str) -> Any:
    return [letter for letter in rest if not letter.isspace()]


@lru_cache(maxsize=50_000)
def reading(name: str) -> tuple[str, str]:
    """(full pinyin with syllables set apart, initials), lower case: 曾小满 → ("zeng xiao man", "zxm").

    The surname is read as a surname (曾 zeng, not ceng). Letters and digits stay themselves.
    """
    syllables = [part[0] for part in pinyin(name, style=Style.NORMAL, errors=_letters)]
    if name[:1] in SURNAMES and syllables:
        syllables[0] = SURNAMES[name[0]]
    plain = [unicodedata.normalize("NFKC", syllable).lower() for syllable in syllables]
    return " ".join(plain)[:800], "".join(syllable[:1] for syllable in plain)[:160]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def matching(table: Any, query: str) -> ColumnElement[bool]:
    """The condition for rows of a named table whose name matches what somebody typed.

    Part of the name in either script (張 finds 张, by its reading), full pinyin with or without spaces, or initials
    ("zs" finds 张三). ``%`` and ``_`` are ordinary characters.
    """
    wanted = unicodedata.normalize("NFKC", query).strip().lower()[:100]
    conditions = [table.name.ilike(f"%{_escaped(query.strip()[:100])}%", escape="\\")]
    if any("\u3400" <= letter <= "\u9fff" or ord(letter) > 0x20000 for letter in wanted):
        syllables = reading(wanted)[0]
        conditions.append((" " + table.name_pinyin + " ").like(f"% {_escaped(syllables)} %", escape="\\"))
    elif joined := _escaped(wanted.replace(" ", "").replace("'", "")):
        conditions.append(table.name_initials.like(f"{joined}%", escape="\\"))
        conditions.append(func.replace(table.name_pinyin, " ", "").like(f"{joined}%", escape="\\"))
    return or_(*conditions)
