"""Names and numbers taken out of what families write, before anybody reads it.

Numbers of telephones, of identity cards and accounts, addresses of mail and pages; names of the school's own pupils, guardians
and staff; any surname with a form of address (王老师, 李校长). What is masked is replaced by the same mark, so its length tells
nothing. Machines miss nicknames: the page says so to whoever writes and to whoever reads.
"""

import re
from collections.abc import Iterable

MARK = "〔隐〕"
_NUMBERS = re.compile(r"[0-9０-９][0-9０-９ \-－]{4,30}[0-9０-９Xx]")
_ADDRESSES = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,64}|(?:https?://|www\.)[^\s，。]{1,200}", re.ASCII)
_ADDRESSED = re.compile(
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金"
    "石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭盧鍾譚"
    "陸範賈韋鄒龍賀顧龔萬錢嚴湯葉蘇魏呂閻邱"
    "][\u4e00-\u9fff]{0,2}(?=老师|老師|校长|校長|主任|同学|同學|家长|家長|妈妈|媽媽|爸爸|奶奶|爷爷|爺爺|书记|書記)"
)


def masked(text: str, names: Iterable[str] = ()) -> str:
    """The text with names and numbers replaced."""
    for name in sorted({name for name in names if len(name) > 1}, key=len, reverse=True):
        text = text.replace(name, MARK)
    for pattern in (_ADDRESSES, _NUMBERS, _ADDRESSED):
        text = pattern.sub(MARK, text)
    return text
