"""Settings as people type them: what is written reads back as it was, and what cannot be read is told in words."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.ratings import rubric as engine
from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.notation import NotationError, lines_of, read_lines, spelled
from portal.ratings.rubric.reading import Document
from portal.ratings.rubric.rulechecking import POINTLESS
from portal.ratings.rubric.rules import RULES
from portal.ratings.rubric.shape import rubric_schema
from portal.ratings.rubric.takingin import rule_in
from portal.ratings.rubric.words import (
    EXAMPLES,
    FREE,
    KINDS,
    SETTING_OF,
    SETTINGS,
    VALUE_OF,
    VALUES,
    simplified,
    traditional,
)
from tests.ratings.rubric.sheets import EXAMPLES as FILES

TRICKY = [
    "a b", "（x）", "“", "”", "1", "2/3", "是", "", "x：y", "a\nb", "丙；", "\\", "system:visits", "0.50", "小学",
    "学期 一", "得分 高", " a", "類型", "無", "學期 一", "各檔", *sorted(SETTINGS), *sorted(SETTINGS.values()),
]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(TRICKY), st.text(max_size=6).filter(lambda text: "\r" not in text))
VALUES_OF_ALL_KINDS = st.recursive(
    st.one_of(TEXTS, st.integers(-999, 10**9), st.booleans(), st.none(), st.decimals(0, 1000, places=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES_OF_ALL_KINDS, max_size=4))
@settings(max_examples=300)
def test_anything_reads_back_as_it_was(values: dict[str, Any]) -> None:
    assert read_lines(lines_of(values)) == values


def test_a_flag_that_is_called_like_a_value_is_written_out() -> None:
    values = {"kind": {"a b": None, "gates": True}}
    assert read_lines(lines_of(values)) == values


@given(st.text(alphabet="，；：（）［］“”\n\\ ab1得分档不低于其余.%", max_size=30))
@settings(max_examples=300)
def test_anything_typed_is_read_or_refused_in_words(text: str) -> None:
    try:
        read_lines(text)
    except NotationError as refused:
        assert refused.message.msgid


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_whole_rubrics_read_back_as_they_were(path: Path) -> None:
    values = engine.read_yaml(path.read_bytes()).data
    assert isinstance(values, dict)
    assert read_lines(lines_of(values)) == values


@pytest.mark.parametrize(
    "typed",
    [
        "各档: 不低于 95%, 得分 8分; 其余, 得分 ０",
        "bands: ge 0.95, points 8; else, points 0",
        "各档：不低于 0.95，得分 8；\t其余，得分 0；",
        "各档：［不低于 0.95，得分 8；其余 是，得分 0］",
    ],
)
def test_full_and_half_width_percent_and_the_names_of_the_file_are_understood(typed: str) -> None:
    assert read_lines(typed) == {"bands": [{"ge": Decimal("0.95"), "points": 8}, {"else": True, "points": 0}]}


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("各档", "After “各档” a colon and its value are missing."),
        ("各档：", "Something is missing before “”."),
        ("目标：（得分 1", "A bracket that was opened is not closed."),
        ("内容：“一半", "A quotation mark that was opened is not closed."),
        ("各档：不低于 1，八分", "“八分” has no value. Divide the entries of a list with “；”."),
        ("目标：1\n目标：2", "“目标” stands here twice. Keep one."),
        (
            "目标：1e9",
            "“1e9” is not a number that can be used: write it with digits and at most 12 decimals.",
        ),
        ("目标：" + "（得分：" * 40, "The file is nested too deeply: at most 30 levels."),
    ],
)
def test_what_cannot_be_read_is_told_in_words(typed: str, told: str) -> None:
    with pytest.raises(NotationError) as refused:
        read_lines(typed)
    assert refused.value.message.text() == told


def test_every_setting_of_the_file_has_one_word_and_no_word_means_two() -> None:
    names: set[str] = set()

    def look(part: Any) -> None:
        if isinstance(part, dict):
            names.update(part["properties"] if isinstance(part.get("properties"), dict) else ())
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)

    look(rubric_schema())
    assert names - set(SETTINGS) == {"A", "B", "C"}
    assert len(SETTING_OF) == len(SETTINGS)
    assert all(len(VALUE_OF[name]) == len(words) for name, words in VALUES.items())
    assert set(KINDS) == set(RULES)


@pytest.mark.parametrize("kind", RULES)
def test_the_example_of_every_kind_of_rule_is_right(kind: str) -> None:
    rule = rule_in(EXAMPLES[kind])
    points = {} if kind in POINTLESS else {"points": 4}
    item = {"id": "X", "title": "例", "rule": rule, **points}
    total = {"points": points.get("points")}
    values = {
        "schema": 1,
        "id": "x",
        "title": "例",
        "allow_relative": True,
        "total": total,
        "indicators": [item],
    }
    assert rule["kind"] == kind
    assert checked(Document(values)).items[0].rule is not None


def test_words_are_written_in_traditional_characters_as_the_catalogue_would():
    """Character by character; 捨 where nothing is meant but leaving out, which the converter does not see."""
    convert = opencc.OpenCC("s2t").convert
    words = [*SETTINGS.values(), *KINDS.values()]
    words += [word for table in (*VALUES.values(), *FREE.values()) for word in table.values()]
    ours = {word: traditional(word).replace("為", "爲").replace("捨", "舍") for word in words}
    assert {word: text for word, text in ours.items() if text != convert(word).replace("捨", "舍")} == {
        "周": "週"
    }
    with spelled(traditional):
        text = lines_of(
            {"kind": "ratio_bands", "numerator": "参训家长", "bands": [{"else": True, "points": 0}]}
        )
    assert text == "類型：按比例分檔\n分子：参训家长\n各檔：其餘，得分 0；", (
        "what people typed is not converted"
    )


@pytest.mark.parametrize("characters", ["s2t", "s2tw", "s2hk"])
def test_rules_are_typed_in_traditional_characters_as_well(characters):
    """Every word of the tables and every example, in the characters of Hong Kong and Taiwan too."""
    traditional = opencc.OpenCC(characters).convert
    words = [*SETTINGS.values(), *KINDS.values()]
    words += [word for table in (*VALUES.values(), *FREE.values()) for word in table.values()]
    assert [word for word in words if simplified(traditional(word)) != word] == []
    for kind, text in EXAMPLES.items():
        typed, plain = rule_in(traditional(text)), rule_in(text)
        assert typed["kind"] == kind
        assert {name: str(type(value)) for name, value in typed.items()} == {
            name: str(type(value)) for name, value in plain.items()
        }
