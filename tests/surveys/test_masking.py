"""Free words before anybody reads them: names, numbers, classes and addresses are gone, everything else stands as it was."""

import opencc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.surveys.masking import MARK, Names, masked

PEOPLE = ("李晚晴", "陈一诺", "王雪", "欧阳若兰", "张国庆", "叶龙", "Anna Weiss", "何")
NAMES = Names(PEOPLE)
TO_TRADITIONAL = opencc.OpenCC("s2t").convert


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("陈一诺的作业太多", "〔隐〕的作业太多"),
        ("陈 一 诺、陈·一·诺、陈\u200b一\u2060诺", "〔隐〕、〔隐〕、〔隐〕"),
        ("陳一諾和張國慶都說好", "〔隐〕和〔隐〕都說好"),
        ("ANNA weiss 来过", "〔隐〕 来过"),
        ("王雪老师很有耐心", "〔隐〕老师很有耐心"),
        ("刘老师、趙校長、陈主任", "〔隐〕老师、〔隐〕校長、〔隐〕主任"),
        ("找我：13812345678", "找我：〔隐〕"),
        ("１３８ １２３４ ５６７８ 或 0539-8812345", "〔隐〕 或 〔隐〕"),
        ("电话一三八幺二三四五六七八", "电话〔隐〕"),
        ("证号37010219850101123X", "证号〔隐〕"),
        ("写到 abc.def@example.cn 或 https://x.example/a?b=1", "写到 〔隐〕 或 〔隐〕"),
        ("微信号：wan_qing88，QQ 123456", "〔隐〕，〔隐〕"),
        ("三(2)班、三（2）班、三年级二班、三年級2班、302班、初一4班、高三（十二）班", "、".join([MARK] * 7)),
    ],
)
def test_what_names_somebody_is_gone(written, read):
    assert masked(written, NAMES) == read


@pytest.mark.parametrize(
    "words",
    [
        "老师上门那次聊了很久，很感谢。", "晚上 7:30 开家长会太早，8 点半更好。", "2026 年的课比 2025 年多了 3 次。",
        "孩子上晚班，换班的时候接不上；班主任常来。", "何况路远，如何是好？", "學校願意聽家長的意見。",
        "食堂的菜 12 元一份，贵了 2 元。", "<script>alert(1)</script>", "多开一些手工课👍🏽", "一年一次太少，三五次才够。",
    ],
)  # fmt: skip
def test_what_names_nobody_stands_as_it_was(words):
    assert masked(words, NAMES) == words


@pytest.mark.parametrize(
    "name", ["陈一诺", "叶龙", "张国庆", "欧阳若兰", "刘莉", "龚晓东", "赵丽华", "谭云飞", "钟乐"]
)
def test_a_name_is_found_in_the_other_script(name):
    assert masked(f"老師說{TO_TRADITIONAL(name)}好", Names([name])) == "老師說〔隐〕好"
    assert masked(f"老师说{name}好", Names([TO_TRADITIONAL(name)])) == "老师说〔隐〕好"


@given(st.text(max_size=300), st.sampled_from(PEOPLE[:4]), st.text(max_size=40))
def test_no_name_comes_through_whatever_stands_around_it(before, name, after):
    assert name not in masked(before + name + after, NAMES)


@pytest.mark.timeout(10)
def test_long_hostile_text_takes_no_longer_than_other_text():
    for letters in ("1", "一", "a@", "微信", "三(", "王", "1 ", "www.", "陈", "陈一"):
        masked(letters * 5_000, NAMES)


def test_without_names_only_numbers_and_forms_of_address_go():
    """The control: it is the list of names that finds them."""
    assert masked("陈一诺 13812345678", Names(())) == "陈一诺 〔隐〕"
