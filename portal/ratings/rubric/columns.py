"""The table form of offices: which headings their sheets have, and what stands in a cell of a group."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from portal.ratings.rubric.notation import NotationError, read_value
from portal.ratings.rubric.problems import Message, phrase
from portal.ratings.rubric.reading import NUMBER
from portal.ratings.rubric.words import simplified

INDICATORS, BONUS, DEDUCTIONS, VETOES, SETTINGS = "指标", "加分项", "扣分项", "否决项", "设置"
LEVELS = ("一级指标", "二级指标", "三级指标", "四级指标", "五级指标", "六级指标", "七级指标", "八级指标")
ID, POINTS, STANDARD, RULE, EVIDENCE = "编号", "分值", "评分标准", "规则", "佐证"
SOURCE, SELF, REVIEW, NOTES, OTHER = "数据来源", "自评", "复核", "备注", "其他设置"
NOT_STATED = "未写明"
# What other offices write above the same column.
HEADINGS: Mapping[str, str] = {
    **{level: level for level in LEVELS},
    **{level[:2]: level for level in LEVELS},
    **{f"{letter}级指标": level for letter, level in zip("ABCDEFGH", LEVELS, strict=True)},
    **dict.fromkeys(("指标", "项目", "考评项目", "考核项目", "评估项目", "考评指标", "评估指标"), LEVELS[0]),
    **dict.fromkeys((ID, "序号", "指标编号"), ID),
    **dict.fromkeys((POINTS, "标准分", "满分", "分数", "应得分", "标准分值", "权重分"), POINTS),
    **dict.fromkeys(
        (STANDARD, "评分细则", "评分办法", "计分办法", "评价标准", "考核标准", "考评标准", "考评细则", "评估标准",
         "扣分标准", "评分要求"), STANDARD),
    **dict.fromkeys((RULE, "计分规则"), RULE),
    **dict.fromkeys(
        (EVIDENCE, "佐证材料", "支撑材料", "验证材料", "查看材料", "考评方式", "考核方式", "评估方式", "评价方式"),
        EVIDENCE),
    **dict.fromkeys((SOURCE,), SOURCE),
    **dict.fromkeys((SELF, "自评分", "自评得分", "学校自评", "自查得分"), SELF),
    **dict.fromkeys(
        (REVIEW, "复核分", "复评", "复核得分", "得分", "考评得分", "考核得分", "评估得分", "终评", "评审得分", "实得分"),
        REVIEW),
    **dict.fromkeys((NOTES, "说明"), NOTES),
    OTHER: OTHER,
}  # fmt: skip
# Columns of one more level down, by what they hold.
DEEPER = {
    "考评内容",
    "评估内容",
    "考核内容",
    "评估要点",
    "考评要点",
    "考核要点",
    "指标内容",
    "内容",
    "主要观测点",
    "观测点",
}
SUMS = re.compile(r"(?:小计|合计|总计|共计|总分)[（(:：]?.*")
SUM_ALONE = re.compile(r"(?:小计|合计|总计|共计|总分)(?:[（(:：]?(?:满分)?[:：]?\d{0,6}分?[)）]?)?")
SUM_INSIDE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)分")
SIGNED = re.compile(
    r"(?:签字|签名|盖章|填表人|审核人|评估人|考评人|负责人|日期|组长|成员)\s?[)）]?\s?[:：]"
    r"|(?:签字|签名|盖章)[)）]?$|年\s{0,20}月\s{0,20}日$"
)
ABOVE = re.compile(r"附件|附表|单位|填报|填表|学校名称|被评|日期|时间")
"""What stands over a table and is not its title."""
REMARKS = re.compile(r"(?:※|\*|注|说明|备注|填表|考评人|评估人|负责人|考评组|评估组|学校盖章|单位盖章|日期)")
EXTRAS = re.compile(
    r"(?:[（(]?[一二三四五六七八九十\d]{1,3}[)）]?[、.．]?)?"
    r"(?:(?:附加|加|奖励|扣|减)分(?:项|指标|项目|内容)?|附加项目?)(?:[（(].*)?"
)
VETO_HEAD = re.compile(
    r"(?:[（(]?[一二三四五六七八九十\d]{1,3}[)）]?[、.．]?)?(?:一票)?否决(?:项|指标|项目|事项|条件|制)?(?:[（(].*)?"
)
_BRACKETED = re.compile(r"【(?P<id>[^】]+)】\s*(?P<title>.*?)")
_CODED = re.compile(r"(?P<id>[A-Za-z]\d{1,3}(?:-\d{1,3})*|[A-Za-z](?=[\s、.．]))[\s、.．]*(?P<title>.*?)")
_POINTS = re.compile(r"(\d{1,6}(?:\.\d{1,12})?) ?分")


def heading(cell: Any) -> str:
    """The heading in its plain form: no spaces, no unit in brackets, full-width letters made plain."""
    text = simplified(unicodedata.normalize("NFKC", str(cell)))
    return re.sub(r"[\s:*\u200b\ufeff]|\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】|〔[^〔〕]*〕", "", text)


def columns_of(cells: list[Any]) -> dict[int, str]:
    """Place → column, for every heading that is known, from left to right."""
    found: dict[int, str] = {}
    for place, cell in enumerate(cells):
        name = heading(cell) if isinstance(cell, str) else ""
        column = HEADINGS.get(name, "")
        if name in DEEPER:
            seen = [LEVELS.index(known) for known in found.values() if known in LEVELS]
            column = LEVELS[min(max(seen, default=-1) + 1, len(LEVELS) - 1)]
        if column and column not in found.values():
            found[place] = column
    return found


def more_words(cells: list[Any], columns: Mapping[int, str]) -> dict[int, str]:
    """Place → column of further columns of standards or notes: offices keep “评分标准” and “评分细则” side by side."""
    found = {
        place: HEADINGS.get(heading(cell), "") for place, cell in enumerate(cells) if isinstance(cell, str)
    }
    return {
        place: name
        for place, name in found.items()
        if name in (STANDARD, NOTES) and place not in columns and name in columns.values()
    }


def is_header(columns: Mapping[int, str]) -> bool:
    """Whether a row is the head of a table of indicators: a level and the points, at the least."""
    names = set(columns.values())
    return LEVELS[0] in names and POINTS in names


def letters(place: int) -> str:
    """A for 0, AA for 26."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


def words_in(cell: Any) -> str:
    """The text of a cell; a number as people write it."""
    if isinstance(cell, bool | dict):
        return ""
    if isinstance(cell, float):
        return f"{Decimal(repr(cell)):f}".removesuffix(".0")
    return str(cell).strip()


def points_in(cell: Any) -> Any:
    """The points of a cell: a number, a fraction as text, None for “not stated”. Raises NotationError in words."""
    if isinstance(cell, dict):
        raise NotationError(phrase("Here stands a date. Write the number as text, for example 2/3."))
    text = unicodedata.normalize("NFKC", words_in(cell)).strip()
    if text == NOT_STATED:
        return None
    wrong = NotationError(phrase("“%(value)s” is not a number of points.", value=text[:40]))
    if "%" in text:
        raise wrong
    try:
        value = read_value("points", re.sub(r"\s{1,9}分$", "分", text))
    except NotationError:
        raise wrong from None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}/[1-9]\d{0,8}", value):
        return value
    raise wrong


def group_in(text: str) -> dict[str, Any]:
    """What a group's cell says: an id where one stands in front, the title, and the points at its end."""
    found: dict[str, Any] = {}
    line = " ".join(text.split())
    bracket = max(line.rfind("（"), line.rfind("(")) if line.endswith(("）", ")")) else -1
    pointed = _POINTS.fullmatch(line[bracket + 1 : -1].strip()) if bracket >= 0 else None
    if pointed:
        line = line[:bracket].rstrip()
    for form in (_BRACKETED, _CODED):
        coded = form.fullmatch(line)
        if coded and (form is _BRACKETED or coded["title"]):
            found["id"] = unicodedata.normalize("NFKC", coded["id"])
            line = coded["title"]
            break
    if line:
        found["title"] = line
    if pointed:
        found["points"] = Decimal(pointed[1]) if "." in pointed[1] else int(pointed[1])
    return found


def group_cell(entry: Mapping[str, Any], title: str) -> str:
    """The cell of a group: its id, its title, its points; read back by ``group_in``."""
    points = entry.get("points")
    end = (
        f"（{points:f}分）"
        if isinstance(points, Decimal)
        else f"（{points}分）"
        if isinstance(points, int)
        else ""
    )
    plain = f"{entry['id']} {title}".strip() + end
    if (
        group_in(plain) == group_in(f"【{entry['id']}】{title}{end}")
        and group_in(plain).get("id") == entry["id"]
    ):
        return plain
    return f"【{entry['id']}】{title}{end}"


def number_cell(value: Any) -> float | int | str:
    """A number for a cell: as a number where a spreadsheet keeps all of its digits, else as text."""
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else f"{value:f}"
    return NOT_STATED if value is None else str(value)


def is_number(text: str) -> bool:
    """Whether text only counts rows: a number in any width of digits, or 一, （二）, 三、."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return bool(NUMBER.fullmatch(plain) or re.fullmatch(r"\(?[一二三四五六七八九十]{1,3}\)?[、.]?", plain))


def unread(column: str) -> Message:
    """That a column was not read."""
    return phrase("Column “%(name)s” is not one of a rubric and was not read.", name=column)
