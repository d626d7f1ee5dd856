"""Words by which a text asks families for money.

The portal moves no money and the law forbids collections through committees (see the ministry's rules on fees and
Hunan's 2025 rules on committees). A hit only warns: the author may publish all the same, the district then sees it.
"""

import re
import unicodedata

HARMLESS = (
    "元旦", "元宵", "元月", "元素", "元气", "元音", "元帅", "单元", "單元", "公元", "多元", "状元", "狀元", "纪元", "紀元", "次元",
    "元件", "元首", "一元一次", "二元一次", "一元二次", "三元桥", "元二次", "免费", "免費", "收费站", "費用全免", "费用全免",
    "支付能力", "不花钱", "不花錢", "勤俭节约",
)  # fmt: skip
"""Taken out of the text before looking."""

WORDS = (
    "转账", "轉賬", "轉帳", "转帐", "汇款", "匯款", "打款", "付款", "收款", "收款码", "付款码", "收款二维码", "扫码支付", "扫码付",
    "扫码交", "扫码缴", "掃碼支付", "微信支付", "支付宝", "支付寶", "支付", "缴费", "繳費", "交费", "交費", "收费", "收費", "缴款",
    "交钱", "交錢", "收钱", "收錢", "凑钱", "湊錢", "众筹", "眾籌", "集资", "集資", "捐款", "捐钱", "红包", "紅包", "班费", "班費",
    "资料费", "资料費", "教材费", "校服费", "伙食费", "餐费", "车费", "门票费", "报名费", "活动费", "材料费", "保险费", "补课费",
    "服装费", "押金", "定金", "预付", "人民币", "人民幣", "接龙付", "群收款",
)  # fmt: skip

_NUMERALS = "零一二两兩三四五六七八九十百千万萬几幾"
PATTERNS = (
    rf"(?:\d[\d,]*(?:\.\d+)?|[{_NUMERALS}]+)\s*(?:元|圆|圓)",
    rf"(?:\d+(?:\.\d+)?|[{_NUMERALS}]+)\s*(?:块|塊)(?:钱|錢)",
    r"\d+(?:\.\d+)?\s*(?:块|塊)(?=$|[\s，。；、！,.;!])",
    r"[¥￥$]\s*\d[\d,]*(?:\.\d+)?",
    r"\d+(?:\.\d+)?\s*(?:yuan|rmb|cny)\b",
    r"\b(?:wechat pay|alipay|payment code|bank transfer|pay (?:the )?fee|payment)\b",
    *(re.escape(word) for word in WORDS),
)
_DENIED = re.compile(
    "(?:不|无需|無需|无须|不用|不必|不需要|不需|不会|不會|不再|不得|严禁|嚴禁|禁止|绝不|絕不|从不|從不)"
    "(?:向家长|向家長|以任何形式|以任何名义|再|另外|另行|额外)*"
    "(?:收费|收費|缴费|繳費|交费|交費|交钱|交錢|收钱|收錢|付款|转账|轉賬|支付|捐款|收取班费|收班费)"
)
_ASKING = re.compile("|".join(sorted(PATTERNS, key=len, reverse=True)), re.IGNORECASE)
_HARMLESS = re.compile("|".join(map(re.escape, HARMLESS)))


def found(*texts: str) -> list[str]:
    """What in the texts reads like a request for money, in order, each once; empty when nothing does.

    Full-width digits and signs count as plain ones. Sentences that forbid collecting (不收费, 无需缴费) are no request.
    """
    words: list[str] = []
    for text in texts:
        plain = unicodedata.normalize("NFKC", text)
        plain = _HARMLESS.sub("□", _DENIED.sub("□", plain))
        words += [hit.group().strip() for hit in _ASKING.finditer(plain)]
    return list(dict.fromkeys(words))
