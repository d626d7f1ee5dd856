"""Rules and settings as fields: what the notation and the file can say, the fields show and give back unchanged."""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.ratings import rubric as engine
from portal.ratings.rubric import editing, filling
from portal.ratings.rubric.fields import (
    COMPARISONS,
    Found,
    Group,
    Kinds,
    Shape,
    item_shape,
    rule_shape,
    whole_shape,
)
from portal.ratings.rubric.notation import spelled
from portal.ratings.rubric.rules import RULES
from portal.ratings.rubric.shape import rubric_schema
from portal.ratings.rubric.takingin import rule_in
from portal.ratings.rubric.words import EXAMPLES, traditional
from tests.ratings.rubric.sheets import EXAMPLES as FILES
from tests.ratings.rubric.test_notation import TEXTS

WORDS = TEXTS.filter(bool)
NUMBERS = st.one_of(st.integers(1, 99), st.decimals(Decimal("0.01"), 1, places=2))
SUBJECTS = ("fact", "met", "grade", "school", "of", "grade_count", "grade_share")


def the_same(shape: Shape, value: Any) -> None:
    """The value comes back from its fields, in both scripts, and no text is without a field."""
    for word in (str, traditional):
        with spelled(word):
            texts = shape.write(value, "x")
        found = Found()
        shown = {part.name for part in shape.part(texts, "x").fields()}
        assert {name for name, text in texts.items() if text} <= shown
        assert (shape.read(texts, "x", (), found), found.wrong) == (value, {})


@st.composite
def conditions(draw: Any, depth: int = 1) -> Any:
    """A condition as the schema allows it."""
    if depth and draw(st.booleans()):
        join = draw(st.sampled_from(("all", "any", "not")))
        inner = conditions(depth - 1)
        return {join: draw(inner) if join == "not" else draw(st.lists(inner, min_size=1, max_size=3))}
    value: dict[str, Any] = {draw(st.sampled_from(SUBJECTS)): draw(WORDS)}
    numbers = st.one_of(NUMBERS, st.fixed_dictionaries({"of": WORDS}, optional={"measure": st.just("star")}))
    rest = st.one_of(
        st.fixed_dictionaries({"is": st.one_of(WORDS, NUMBERS, st.booleans())}),
        st.fixed_dictionaries({"in": st.lists(st.one_of(WORDS, NUMBERS), min_size=1, max_size=3)}),
        st.dictionaries(st.sampled_from(COMPARISONS), numbers, max_size=2),
    )
    return value | draw(rest)


@cache
def of(part: str) -> st.SearchStrategy[Any]:
    """Any value of a named part of the schema."""
    return st.deferred(lambda: strategy(rubric_schema()["$defs"][part]))


def strategy(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any value of a schema."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return conditions() if name == "condition" else of(name)
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([KINDS[kind](schema) for kind in types if kind in KINDS])


def _object(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    known = {name: strategy(inner) for name, inner in schema.get("properties", {}).items()}
    if not known:
        return st.dictionaries(WORDS, strategy(schema["additionalProperties"]), min_size=1, max_size=3)
    required = {name: known.pop(name) for name in schema.get("required", ())}
    return (
        st.fixed_dictionaries(required, optional=known)
        .map(_an_interval)
        .filter(lambda value: bool(value) or not schema.get("minProperties"))
    )


def _an_interval(value: dict[str, Any]) -> dict[str, Any]:
    """At most two comparisons, and nothing beside “everything else”: what a checked rubric holds."""
    compared = [name for name in (*COMPARISONS, "else") if name in value]
    dropped = [name for name in compared if name != "else"] if "else" in value else compared[2:]
    return {name: inner for name, inner in value.items() if name not in dropped}


def _array(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    least = schema.get("minItems", 0)
    return st.lists(strategy(schema["items"]), min_size=least, max_size=max(least, 3))


KINDS: dict[str, Any] = {
    "object": _object,
    "array": _array,
    "string": lambda schema: (
        st.just("2/3")
        if "/" in schema.get("pattern", "")
        else TEXTS
        if not schema.get("minLength")
        else WORDS
    ),
    "number": lambda schema: NUMBERS,
    "integer": lambda schema: st.integers(1, 9),
    "boolean": lambda schema: st.booleans(),
    "null": lambda schema: st.none(),
}


@pytest.mark.parametrize("kind", RULES)
@given(data=st.data())
@settings(max_examples=6)
def test_any_rule_of_any_kind_comes_back_from_its_fields(kind: str, data: Any) -> None:
    the_same(rule_shape(), data.draw(of(f"rule_{kind}")))


@given(st.one_of(of("result_points_to_stars"), of("result_star_adjust")))
@settings(max_examples=20)
def test_any_way_to_stars_comes_back_from_its_fields(value: Any) -> None:
    the_same(Kinds("result", "result"), value)


@given(
    st.fixed_dictionaries(
        {
            "vetoes": st.lists(of("veto"), min_size=1, max_size=2),
            "total": strategy(rubric_schema()["properties"]["total"]),
        }
    )
)
@settings(max_examples=20)
def test_any_veto_and_total_comes_back_from_its_fields(value: Any) -> None:
    the_same(whole_shape(), value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_indicator_and_setting_of_the_real_rubrics_comes_back_unchanged(path: Path) -> None:
    values: Any = engine.read_yaml(path.read_bytes()).data
    for place, entry in editing.entries(values):
        texts = filling.item_texts(entry, place)
        shown = [part.fields() for part in filling.item_parts(entry, place, texts).values()]
        own = {"number", "points", "standard", "evidence", "source", "notes"}
        assert {name for name, text in texts.items() if text} <= own | {
            part.name for fields in shown for part in fields
        }
        changed, wrong = filling.with_item(values, place, texts)
        assert (wrong, changed) == ({}, values), entry["id"]
    assert filling.with_whole(values, filling.whole_texts(values)) == (values, {})


@pytest.mark.parametrize("kind", RULES)
def test_the_example_of_every_kind_comes_back_and_an_empty_form_is_refused_at_its_fields(kind: str) -> None:
    the_same(rule_shape(), rule_in(EXAMPLES[kind]))
    found = Found()
    empty = {"r-kind": kind, "r-shown": kind}
    rule_shape().read(empty, "r", (), found)
    required = set(rubric_schema()["$defs"][f"rule_{kind}"]["required"]) - {"kind"}
    assert len(found.wrong) == len(required)
    assert set(found.wrong) <= {part.name for part in rule_shape().part(empty, "r").fields()}


def test_fields_of_an_indicator_say_what_they_cannot_take() -> None:
    shape = item_shape(group=False, extra=False)
    for texts, place in (
        ({"o-special-0-what": "迟交"}, "o-special-0-id"),
        (
            {
                "o-applies_when-0-subject": "of",
                "o-applies_when-0-name": "A1",
                "o-applies_when-0-compare": "ge",
            },
            "o-applies_when-0-limit",
        ),
        ({"o-applies_when-0-subject": "fact"}, "o-applies_when-0-name"),
        (
            {
                "o-applies_when-0-subject": "fact",
                "o-applies_when-0-name": "a",
                "o-applies_when-1-subject": "fact",
                "o-applies_when-1-name": "b",
            },
            "o-applies_when-join",
        ),
        ({"o-applies_when-text": "（满足其一"}, "o-applies_when-text"),
        ({"o-floor": "1e9"}, "o-floor"),
    ):
        found = Found()
        Group("o", shape.shapes).read(texts, "o", (), found)
        assert place in found.wrong, (texts, found.wrong)
