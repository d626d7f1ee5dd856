"""Grades and stages as people say them and as OneRoster codes them (CEDS entry grade level)."""

import re
import unicodedata

# Our code → the words people use. Kindergarten has three years before grade one; 01–12 count on.
GRADES: dict[str, tuple[str, ...]] = {
    "K0": ("托班", "IT"),
    "K1": ("小班", "幼小班", "PR"),
    "K2": ("中班", "PK"),
    "K3": ("大班", "KG", "TK", "K", "学前班"),
    "01": ("一年级", "小一"),
    "02": ("二年级", "小二"),
    "03": ("三年级", "小三"),
    "04": ("四年级", "小四"),
    "05": ("五年级", "小五"),
    "06": ("六年级", "小六"),
    "07": ("七年级", "初一", "初中一年级"),
    "08": ("八年级", "初二", "初中二年级"),
    "09": ("九年级", "初三", "初中三年级"),
    "10": ("高一", "高中一年级", "职高一", "中职一年级", "十年级"),
    "11": ("高二", "高中二年级", "职高二", "中职二年级", "十一年级"),
    "12": ("高三", "高中三年级", "职高三", "中职三年级", "十二年级"),
}
STAGES: dict[str, tuple[str, ...]] = {
    "kindergarten": ("幼儿园", "幼兒園", "学前", "kindergarten"),
    "primary": ("小学", "小學", "primary"),
    "junior": ("初中", "junior"),
    "senior": ("高中", "senior"),
    "vocational": ("中职", "职高", "中等职业", "vocational"),
}
# Words that name two or three stages at once.
JOINT_STAGES = {
    "九年一贯制": ("primary", "junior"),
    "完全中学": ("junior", "senior"),
    "十二年一贯制": ("primary", "junior", "senior"),
    "中学": ("junior",),
}
TRADITIONAL = str.maketrans({"級": "级", "學": "学", "職": "职", "幼": "幼", "貫": "贯"})
BY_WORD = {word.upper(): code for code, words in GRADES.items() for word in words}
STAGE_BY_WORD = {word.lower(): code for code, words in STAGES.items() for word in words}
DIGITS = dict(zip("一二三四五六七八九", range(1, 10), strict=True))


def grade_code(said: str) -> str | None:
    """The code of a grade as typed (一年级, 1年级, 初一, 07, 7, KG), or None if it is none we know."""
    word = unicodedata.normalize("NFKC", said).strip().translate(TRADITIONAL).upper()
    if word in BY_WORD:
        return BY_WORD[word]
    if number := re.fullmatch(r"0?(\d{1,2})(?:年级)?", word):
        code = f"{int(number[1]):02}"
        return code if code in GRADES else None
    if word in GRADES:
        return word
    return None


def grade_in_title(title: str) -> str | None:
    """The grade a class name itself tells: 三(2)班, 三年级2班, 初一(3)班, 大一班, 七3班. None if it does not."""
    word = unicodedata.normalize("NFKC", title).strip().translate(TRADITIONAL)
    if found := re.match(r"(初|高)(?:中)?([一二三])", word):
        return f"{DIGITS[found[2]] + (6 if found[1] == '初' else 9):02}"
    if found := re.match(r"([一二三四五六七八九])(?:年级|\(|\d)", word):
        return f"{DIGITS[found[1]]:02}"
    if found := re.match(r"(小|中|大)[一二三四五六七八九\d(].*班|(小|中|大)班", word):
        return {"小": "K1", "中": "K2", "大": "K3"}[found[1] or found[2]]
    return None


def stage_codes(said: str) -> tuple[str, ...] | None:
    """The stages named in a cell such as 小学、初中 or 九年一贯制, in the order typed; None if one is unknown."""
    found: list[str] = []
    for word in re.split(r"[、,，;；/\s]+", unicodedata.normalize("NFKC", said).strip()):
        if not word:
            continue
        plain = word.translate(TRADITIONAL)
        stages = JOINT_STAGES.get(plain) or tuple(filter(None, [STAGE_BY_WORD.get(word.lower())]))
        stages = stages or tuple(filter(None, [STAGE_BY_WORD.get(plain)]))
        if not stages:
            return None
        found += [stage for stage in stages if stage not in found]
    return tuple(found)
