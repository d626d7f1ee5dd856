"""What must hold for every rubric and all facts: bounds, monotony, order, repetition, the way through YAML."""

import json
from copy import deepcopy
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.ratings import rubric as engine
from portal.ratings.rubric import Rubric, read_json
from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.reading import Document
from tests.ratings.rubric.sheets import DEFAULT, points, scored, sheet

COUNTS = st.integers(0, 60)
POINTS = st.decimals(0, 10, places=2)
DEFAULT_RUBRIC = engine.load(DEFAULT.read_bytes())
DEFAULT_AGAIN = engine.load(DEFAULT.read_bytes())
DEFAULT_VALUES = engine.read_yaml(DEFAULT.read_bytes()).data
FEW = settings(max_examples=40, deadline=None)

MORE_IS_BETTER: dict[str, str] = {
    "count": "kind: count_threshold, min: 7",
    "steps": "kind: count_threshold, steps: [{ge: 20, points: 10}, {ge: 5, points: 4}, {ge: 2, points: 1}]",
    "share": "kind: count_threshold, min: 30, steps: [{share: 1, points: 10}, {share: 1/3, points: 4}]",
    "prorata": "kind: prorata, target: 37, part_units: down",
    "per unit": "kind: points_per_unit, per: 0.3, above: 5, unit_size: 4",
}
LESS_IS_BETTER: dict[str, tuple[str, str]] = {
    "missing": ("kind: deduct_per_missing, per: 1.5", "missing"),
    "shortfall": ("kind: deduct_per_unit, per: 0.7, unit_size: 3", "shortfall"),
    "shortfall up": ("kind: deduct_per_unit, per: 0.7, unit_size: 3, part_units: up", "shortfall"),
    "above": ("kind: deduct_per_unit, per: 1, target: 20, side: above", "value"),
}
RUBRICS = {rule: engine.load(sheet(rule)) for rule in MORE_IS_BETTER.values()}
RUBRICS |= {rule: engine.load(sheet(rule)) for rule, _ in LESS_IS_BETTER.values()}
BANDS = engine.load(
    sheet(
        "kind: ratio_bands, bands: [{ge: 1, points: 10}, {gt: 0.8, points: 6}, {ge: 1/2, points: 3}, {else: true, points: 0}]"
    )
)
SAMPLE = engine.load(
    sheet(
        "kind: sample_check, bands: [{ge: 0.95, points: 10}, {ge: 0.8, points: 5}, {else: true, points: 0}]"
    )
)
SURVEY = engine.load(sheet("kind: survey_mean, zero_at: 60, full_at: 90"))
QUOTA = engine.load(sheet("kind: quota_by_role, rounding: up, targets: [{id: a, share: 2/3}]"))
AWARDS = engine.load(
    sheet("kind: award_tiers, combine: sum, tiers: [{id: city, points: 1}, {id: nation, points: 4}]")
)
TABLE = engine.load(
    sheet(
        "kind: lookup_by_size, size: n, table: [{size: 6, targets: {m2: 15}}], deduct: [{measure: m2, deduct: 2, how: per_unit}]"
    )
)


def of(rubric: Rubric, facts: dict[str, Any]) -> Fraction:
    """The points of the single item, which must lie within its bounds."""
    found = scored(rubric, {"items": {"X": facts}}).of("X").points
    assert found is not None and 0 <= found <= 10
    return found


@given(st.sampled_from(sorted(MORE_IS_BETTER)), COUNTS, COUNTS)
@FEW
def test_more_never_gives_fewer_points(name: str, one: int, other: int) -> None:
    rubric = RUBRICS[MORE_IS_BETTER[name]]
    assert of(rubric, {"count": min(one, other)}) <= of(rubric, {"count": max(one, other)})


@given(st.sampled_from(sorted(LESS_IS_BETTER)), COUNTS, COUNTS)
@FEW
def test_more_missing_never_gives_more_points(name: str, one: int, other: int) -> None:
    rule, field = LESS_IS_BETTER[name]
    assert of(RUBRICS[rule], {field: min(one, other)}) >= of(RUBRICS[rule], {field: max(one, other)})


@given(st.integers(1, 500), st.data())
@FEW
def test_more_coverage_never_gives_fewer_points(whole: int, data: st.DataObject) -> None:
    low, high = sorted(data.draw(st.lists(st.integers(0, whole), min_size=2, max_size=2)))
    assert of(BANDS, {"numerator": low, "denominator": whole}) <= of(
        BANDS, {"numerator": high, "denominator": whole}
    )
    facts = {"population": whole, "checked": whole}
    assert of(SAMPLE, {**facts, "passed": low}) <= of(SAMPLE, {**facts, "passed": high})
    rows = [{"rows": [{"target": "a", "base": whole, "done": done}]} for done in (low, high)]
    assert of(QUOTA, rows[0]) <= of(QUOTA, rows[1])


@given(st.integers(30, 500), POINTS, POINTS, st.integers(0, 100))
@FEW
def test_a_better_mean_never_gives_fewer_points(n: int, one: Any, other: Any, district: int) -> None:
    facts = {"n": n, "invited": n, "district_mean": district}
    low, high = sorted((float(one) * 10, float(other) * 10))
    assert of(SURVEY, {**facts, "mean": round(low, 2)}) <= of(SURVEY, {**facts, "mean": round(high, 2)})


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3))
@FEW
def test_another_award_never_gives_fewer_points(city: int, nation: int, more: int) -> None:
    assert of(AWARDS, {"awards": {"city": city, "nation": nation}}) <= of(
        AWARDS, {"awards": {"city": city + more, "nation": nation}}
    )


@given(POINTS, POINTS)
@FEW
def test_more_room_never_gives_fewer_points(one: Any, other: Any) -> None:
    low, high = sorted((float(one) + 8, float(other) + 8))
    assert of(TABLE, {"size": 6, "measures": {"m2": round(low, 2)}}) <= of(
        TABLE, {"size": 6, "measures": {"m2": round(high, 2)}}
    )


RATIO = st.fixed_dictionaries({"ratio": st.decimals(0, 1, places=4).map(float)})
COUNT = st.fixed_dictionaries({"count": COUNTS})
ABSENT = st.just({"not_applicable": "本校没有"})
CHOICES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    **dict.fromkeys(("B3", "C1", "C3", "C5", "E1", "E3", "E4", "F2"), RATIO),
    **dict.fromkeys(("A3", "B1", "B2", "B5", "D2", "E2"), COUNT),
    "A2": st.fixed_dictionaries({"missing": st.integers(0, 4)}),
    "B6": st.fixed_dictionaries({"level": st.sampled_from(["none", "school", "county"])}),
    "C2": st.fixed_dictionaries({"shortfall": COUNTS}),
    "D3": st.fixed_dictionaries({"met": st.booleans()}),
    "D4": st.fixed_dictionaries({"points": st.integers(0, 3)}),
    "F3": st.fixed_dictionaries({"points": st.integers(0, 3)}),
    "F1": st.fixed_dictionaries(
        {
            "n": st.integers(0, 200),
            "invited": st.just(200),
            "mean": st.integers(0, 100),
            "district_mean": st.integers(0, 100),
        }
    ),
}
ITEMS = st.fixed_dictionaries({}, optional={name: choice | ABSENT for name, choice in CHOICES.items()})
BONUS = st.fixed_dictionaries(
    {},
    optional={
        "P1": st.fixed_dictionaries(
            {"awards": st.dictionaries(st.sampled_from(["city", "province", "nation"]), st.integers(0, 3))}
        )
    },
)
EVENTS = st.dictionaries(st.sampled_from(["V1", "V2", "V3", "V4", "V5"]), st.booleans())
INPUTS = st.builds(
    lambda items, bonus, events: {
        "school": {"stage": "primary"},
        "items": {**items, **bonus},
        "events": events,
    },
    ITEMS,
    BONUS,
    EVENTS,
)


@given(INPUTS)
@settings(max_examples=60, deadline=None)
def test_every_result_keeps_its_bounds(inputs: dict[str, Any]) -> None:
    result = scored(DEFAULT_RUBRIC, inputs)
    for found in result.walk():
        if found.points is not None and found.item.points is not None:
            assert 0 <= found.points <= found.item.points
        assert found.reach <= (found.item.points or 0)
        assert found.state in ("scored", "partly_given", "not_given", "not_applicable")
    assert 0 <= result.bonus.counted <= 5
    assert result.total is None or 0 <= result.total <= 100
    assert result.standing.star in (None, 1, 2, 3, 4, 5)
    if any(inputs["events"].get(name) for name in ("V1", "V2", "V5")):
        assert result.eligible is False and result.standing.star is None
    if any(inputs["events"].get(name) for name in ("V3", "V4")):
        assert (result.standing.star or 0) <= 2


@given(INPUTS)
@FEW
def test_the_same_facts_give_the_same_bytes_in_any_order(inputs: dict[str, Any]) -> None:
    def turned(value: Any) -> Any:
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    def answer(facts: Any, rubric: Rubric) -> str:
        return json.dumps(
            engine.as_json(engine.score(rubric, read_json(json.dumps(facts)))), ensure_ascii=False
        )

    assert (
        answer(inputs, DEFAULT_RUBRIC)
        == answer(inputs, DEFAULT_RUBRIC)
        == answer(turned(inputs), DEFAULT_AGAIN)
    )


def reordered(values: dict[str, Any]) -> dict[str, Any]:
    """The same rubric with all indicators, children, bonus items and vetoes the other way round."""
    turned = dict(values)
    for name in ("indicators", "children", "items", "vetoes"):
        if name in turned:
            turned[name] = [reordered(entry) for entry in reversed(turned[name])]
    if "bonus" in turned:
        turned["bonus"] = reordered(turned["bonus"])
    return turned


TURNED = engine.load(engine.as_yaml(reordered(engine.read_yaml(DEFAULT.read_bytes()).data)))  # type: ignore[arg-type]


@given(INPUTS)
@FEW
def test_the_order_of_children_changes_nothing(inputs: dict[str, Any]) -> None:
    assert [item.id for item in TURNED.items] == ["F", "E", "D", "C", "B", "A"]
    one, other = scored(DEFAULT_RUBRIC, inputs), scored(TURNED, inputs)
    assert (one.total, one.standing.star, one.eligible, one.complete) == (
        other.total,
        other.standing.star,
        other.eligible,
        other.complete,
    )
    for found in one.walk():
        twin = other.of(found.item.id)
        assert (found.points, found.reach, found.state) == (twin.points, twin.reach, twin.state)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**11), 10**11)
    | st.decimals(-1000, 1000, places=3)
    | WORDS
    | st.just("")
    | st.sampled_from(
        ["1", "true", "null", "~", "2/3", "0/1", "7/2", "-1/2", "0.80", "1e5", "no", "- a", "a: b", "#", "'"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(WORDS, VALUES, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_values_written_as_yaml_are_read_the_same(values: dict[str, Any]) -> None:
    assert engine.read_yaml(engine.as_yaml(values)).data == values


def test_the_default_survives_the_way_through_yaml() -> None:
    values = engine.read_yaml(DEFAULT.read_bytes()).data
    assert isinstance(values, dict)
    again = engine.read_yaml(engine.as_yaml(values)).data
    assert again == values
    assert list(again) == list(values)


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_rubric_or_a_complaint(raw: bytes) -> None:
    try:
        engine.load(raw)
    except engine.RubricError as error:
        assert error.problems and all(problem.text() for problem in error.problems)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_rubric_with_anything_put_anywhere_is_a_rubric_or_a_complaint(data: st.DataObject) -> None:
    values = deepcopy(DEFAULT_VALUES)
    here: Any = values
    for _ in range(data.draw(st.integers(0, 6))):
        inner = [
            value
            for value in (here.values() if isinstance(here, dict) else here)
            if isinstance(value, dict | list) and value
        ]
        if not inner:
            break
        here = data.draw(st.sampled_from(inner))
    key = (
        data.draw(st.sampled_from(sorted(here)))
        if isinstance(here, dict)
        else data.draw(st.integers(0, len(here) - 1))
    )
    here[key] = data.draw(VALUES)
    try:
        rubric = checked(Document(values))  # type: ignore[arg-type]
    except engine.RubricError as error:
        assert error.problems
    else:
        scored(rubric, {})


@given(st.sampled_from(["items", "school", "events", "gates", "facts", "ratings"]), VALUES)
@settings(max_examples=100, deadline=None)
def test_any_inputs_are_scored_or_refused(part: str, value: Any) -> None:
    try:
        engine.score(DEFAULT_RUBRIC, {part: value})
    except engine.RubricError as error:
        assert error.problems


@given(
    st.sampled_from(sorted(CHOICES)),
    st.dictionaries(
        st.sampled_from(
            [
                "count",
                "counts",
                "ratio",
                "numerator",
                "denominator",
                "missing",
                "level",
                "points",
                "n",
                "invited",
                "mean",
                "by",
                "evidence",
                "special",
            ]
        ),
        VALUES,
        max_size=3,
    ),
)
@settings(max_examples=150, deadline=None)
def test_any_facts_of_an_item_are_scored_or_refused(name: str, facts: dict[str, Any]) -> None:
    try:
        engine.score(DEFAULT_RUBRIC, {"items": {name: facts}})
    except engine.RubricError as error:
        assert error.problems


def test_a_third_is_a_third() -> None:
    assert points("kind: prorata, target: 3", {"count": 1}) == Fraction(10, 3)
