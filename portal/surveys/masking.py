"""Names and numbers taken out of what families write, before anybody reads it.

Numbers of telephones, of identity cards and accounts, in digits or in words; addresses of mail and pages, accounts of messengers;
names of the school's own pupils, guardians and staff, in either script and with gaps between the characters; classes; any surname
with a form of address (王老师, 李校长). What is masked is replaced by the same mark, so its length tells nothing. Machines miss
nicknames: the page says so to whoever writes and to whoever reads.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from pypinyin import Style, pinyin

MARK = "〔隐〕"
_NUMBERS = re.compile(r"[0-9０-９][0-9０-９ \-－]{4,30}[0-9０-９Xx]")
_SPOKEN = re.compile("[零〇○一二三四五六七八九幺两兩壹贰叁肆伍陆柒捌玖]{7,30}")
_ADDRESSES = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,64}|(?:https?://|www\.)[^\s，。]{1,200}", re.ASCII)
_MESSENGERS = re.compile(
    "(?:微信|QQ|抖音|wx|vx|v信)(?:号码|號碼|号|號)?[是为為:： ]{0,3}[A-Za-z0-9_-]{5,30}", re.IGNORECASE
)
_CLASSES = re.compile(
    "(?:[初高]?[一二三四五六七八九1-9１-９](?:年级|年級|年)?)[(（.。·\\-— ]{0,2}[一二三四五六七八九十0-9０-９]{1,3}[)） ]{0,2}班"
    "|[0-9０-９]{1,4} ?班"
)
_ADDRESSED = re.compile(
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金"
    "石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭盧鍾譚"
    "陸範賈韋鄒龍賀顧龔萬錢嚴湯葉蘇魏呂閻邱"
    "][\u4e00-\u9fff]{0,2}(?=老师|老師|校长|校長|主任|同学|同學|家长|家長|妈妈|媽媽|爸爸|奶奶|爷爷|爺爺|书记|書記)"
)


class Names:
    """The names that are searched for: wherever their characters follow each other, with nothing but gaps and signs between,
    in either script. A character of the other script stands for one of the same reading and tone."""

    def __init__(self, names: Iterable[str]) -> None:
        plain = {tuple(letter.lower() for letter in name if letter.isalnum()) for name in names}
        self.by_reading: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        for name in plain:
            if len(name) > 1:
                self.by_reading.setdefault(tuple(map(_reading, name)), set()).add(name)
        self.lengths = sorted({len(key) for key in self.by_reading}, reverse=True)

    def replaced(self, text: str) -> str:
        """The text with the mark in their place, longer names first."""
        places = [place for place, letter in enumerate(text) if letter.isalnum()]
        plain = [text[place].lower() for place in places]
        readings = [_reading(letter) for letter in plain]
        parts, kept, place = [], 0, 0
        while place < len(plain):
            length = next((one for one in self.lengths if self._stands(plain, readings, place, one)), 0)
            if length:
                parts += [text[kept : places[place]], MARK]
                kept = places[place + length - 1] + 1
            place += length or 1
        return "".join([*parts, text[kept:]])

    def _stands(self, plain: list[str], readings: list[str], place: int, length: int) -> bool:
        here = plain[place : place + length]
        return len(here) == length and any(
            all(
                one == other or _is_rare(one) or _is_rare(other)
                for one, other in zip(here, name, strict=True)
            )
            for name in self.by_reading.get(tuple(readings[place : place + length]), ())
        )


@lru_cache(maxsize=30_000)
def _reading(letter: str) -> str:
    return str(pinyin(letter, style=Style.TONE3)[0][0])


@lru_cache(maxsize=30_000)
def _is_rare(letter: str) -> bool:
    """Whether a character is none of the 6,763 of everyday simplified Chinese, as traditional ones are."""
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return True
    return False


def masked(text: str, names: Names) -> str:
    """The text with names, classes and numbers replaced."""
    text = names.replaced("".join(letter for letter in text if unicodedata.category(letter) != "Cf"))
    for pattern in (_ADDRESSES, _MESSENGERS, _NUMBERS, _SPOKEN, _CLASSES, _ADDRESSED):
        text = pattern.sub(MARK, text)
    return text
