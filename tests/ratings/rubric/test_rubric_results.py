"""Groups, vetoes, gates, rounding and stars: tables of what comes out."""

from fractions import Fraction
from typing import Any

import pytest

from portal.ratings import rubric as engine
from portal.ratings.rubric import Result
from tests.ratings.rubric.sheets import scored, whole

TWO = """schema: 1
id: two
title: 云溪县两组
total: {{points: 100}}
{top}
indicators:
  - id: A
    points: 60
    children:
      - {{id: A1, title: 家访, points: 40, rule: {{kind: judged}}}}
      - {{id: A2, title: 通知, points: 20, rule: {{kind: judged}}}}
  - {{id: B, title: 家委会, points: 40, rule: {{kind: judged}}}}
result:
  kind: points_to_stars
  ranks:
    - {{star: 5, grade: 优秀, min_total: 90, min_share_each_domain: 0.8}}
    - {{star: 4, grade: 良好, min_total: 80}}
    - {{star: 3, grade: 合格, min_total: 60}}
  below: 创建中
"""


def two(a1: float | None, a2: float | None, b: float | None, top: str = "", **inputs: Any) -> Result:
    """The result of the two groups with judged points; None declares an item not applicable."""
    given = {"A1": a1, "A2": a2, "B": b}
    items = {
        name: {"not_applicable": "无"} if value is None else {"points": value}
        for name, value in given.items()
    }
    return scored(engine.load(TWO.format(top=top)), {"items": items, **inputs})


VETO = "vetoes: [{{id: V, title: 造假, {effect}}}]"
EFFECTS = [
    ("effect: exclude", 96, None, None),
    ("effect: zero_item, items: [A1]", 56, None, "创建中"),
    ("effect: zero_item, items: [A]", 36, None, "创建中"),
    ("effect: multiply, items: [B]", 78, 3, "合格"),
    ("effect: multiply", 48, None, "创建中"),
    ("effect: multiply, factor: 0.9", Fraction(864, 10), 4, "良好"),
    ("effect: deduct, points: 10", 86, 4, "良好"),
    ("effect: cap_total, max: 75", 75, 3, "合格"),
    ("effect: cap_star, max: 6/2", 96, 3, "合格"),
    ("effect: cap_star, max: 3", 96, 3, "合格"),
    ("effect: cap_star, max: 2", 96, None, "创建中"),
    ("effect: cap_grade, grade: 良好", 96, 4, "良好"),
    ("effect: lower_star", 96, 4, "良好"),
    ("effect: lower_star, by: 2", 96, 3, "合格"),
    ("effect: lower_star, by: 9", 96, None, "创建中"),
]


@pytest.mark.parametrize(("effect", "total", "star", "grade"), EFFECTS)
def test_the_effect_of_a_veto(effect: str, total: Fraction, star: int | None, grade: str | None) -> None:
    top = VETO.format(effect=effect)
    result = two(40, 20, 36, top, events={"V": True})
    assert (result.total, result.standing.star, result.standing.grade) == (total, star, grade)
    assert result.eligible is (effect != "effect: exclude")
    told = [
        reason.text() for reason in (*result.total_reasons, *result.standing.reasons, *result.of("A").reasons)
    ]
    told += [reason.text() for name in ("A1", "B") for reason in result.of(name).reasons]
    assert any("Veto “造假”" in words for words in told)
    assert result.vetoes[0].struck and result.vetoes[0].reasons


@pytest.mark.parametrize("effect", [row[0] for row in EFFECTS])
def test_a_veto_that_did_not_happen_changes_nothing(effect: str) -> None:
    result = two(40, 20, 36, VETO.format(effect=effect), events={"V": False})
    assert (result.total, result.standing.star, result.eligible) == (96, 5, True)


def test_a_veto_from_the_second_event_on_and_each_event_costs() -> None:
    top = VETO.format(effect="effect: deduct, points: 3, each: true, from_count: 2")
    assert two(40, 20, 36, top, events={"V": 1}).total == 96
    assert two(40, 20, 36, top, events={"V": 4}).total == 84


def test_a_veto_by_condition_halves_the_points() -> None:
    top = VETO.format(effect="effect: multiply, items: [B], when: {of: A2, measure: share, lt: 0.5}")
    assert two(40, 9, 36, top).total == 40 + 9 + 18
    assert two(40, 10, 36, top).total == 86


def test_vetoes_do_not_depend_on_their_order() -> None:
    one, other = "{id: V, title: v, effect: deduct, points: 10}", "{id: W, title: w, effect: multiply}"
    totals = {
        two(40, 20, 36, f"vetoes: [{first}, {second}]", events={"V": True, "W": True}).total
        for first, second in ((one, other), (other, one))
    }
    assert totals == {38}


NOT_APPLICABLE = [
    ("rescale_domain", 30, 70, 100),
    ("rescale_parent", 30, 70, 100),
    ("shrink", 20, 60, 80),
    ("full_points", 40, 80, 100),
    ("no_points", 20, 60, 100),
]


@pytest.mark.parametrize(("mode", "domain", "total", "reach"), NOT_APPLICABLE)
def test_what_becomes_of_an_item_that_does_not_apply(mode: str, domain: int, total: int, reach: int) -> None:
    result = two(20, None, 40, f"not_applicable: {mode}")
    assert (result.of("A").points, result.total, result.reach) == (domain, total, reach)


def test_a_whole_domain_that_does_not_apply_is_left_out_of_total_and_stars() -> None:
    result = two(None, None, 36)
    assert (result.of("A").state, result.total, result.standing.star) == ("not_applicable", 90, 5)
    assert two(None, None, None).total is None


ROUNDING = [
    ("half_up", "90.125", "90.13"),
    ("half_even", "90.125", "90.12"),
    ("half_down", "90.125", "90.12"),
    ("up", "90.121", "90.13"),
    ("down", "90.129", "90.12"),
    ("half_up", "89.995", "90"),
    ("half_up", "89.9949", "89.99"),
]


@pytest.mark.parametrize(("mode", "points", "wanted"), ROUNDING)
def test_the_total_is_rounded_as_the_rubric_says(mode: str, points: str, wanted: str) -> None:
    result = whole(
        "kind: judged",
        {"points": float(points)},
        100,
        top=f"rounding: {{decimals: 2, mode: {mode}, when: [total]}}",
    )
    assert engine.as_json(result)["total"] == wanted
    assert engine.as_json(result)["total_before_rounding"] == points


def test_rounding_each_item_and_domain_and_never() -> None:
    thirds = {"items": {"A1": {"points": 1.005}, "A2": {"points": 1.005}, "B": {"points": 1.005}}}
    for when, wanted in (("[items]", "3.03"), ("[domains]", "3.02"), ("[total]", "3.02"), ("[]", "3.015")):
        rubric = engine.load(TWO.format(top=f"rounding: {{decimals: 2, when: {when}}}"))
        assert engine.as_json(scored(rubric, thirds))["total"] == wanted, when


def test_the_star_can_be_decided_on_the_rounded_or_the_exact_total() -> None:
    exact = TWO.replace("  kind: points_to_stars", "  kind: points_to_stars\n  decide_on: exact")
    facts = {"items": {"A1": {"points": 40}, "A2": {"points": 17.999}, "B": {"points": 32}}}
    assert scored(engine.load(TWO.format(top="")), facts).standing.star == 5
    below = scored(engine.load(exact.format(top="")), facts)
    assert below.standing.star == 4
    assert below.standing.next[0].text() == "The total is 89.999; needed is 90."


STARS = [
    (40, 20, 40, 5),
    (40, 20, 32, 5),
    (40, 20, 31.99, 4),
    (40, 20, 30, 4),
    (30, 10, 40, 4),
    (30, 10, 39.99, 3),
    (20, 0, 40, 3),
    (20, 0, 39.99, None),
    (0, 0, 0, None),
]


@pytest.mark.parametrize(("a1", "a2", "b", "star"), STARS)
def test_the_limits_of_the_stars(a1: float, a2: float, b: float, star: int | None) -> None:
    assert two(a1, a2, b).standing.star == star


def test_a_rank_can_require_conditions_and_shares_of_named_items() -> None:
    text = TWO.replace(
        "min_share_each_domain: 0.8", "min_shares: {{A1: 1}}, requires: [{{school: years, ge: 3}}]"
    )
    rubric = engine.load(text.format(top=""))
    facts = {"items": {"A1": {"points": 39}, "A2": {"points": 20}, "B": {"points": 40}}}
    assert [message.text() for message in scored(rubric, facts).standing.next] == [
        "“家访” reaches 97.5 % of its points; needed are 100 %.",
        "Needed: “years” at least 3.",
    ]
    facts["items"]["A1"]["points"] = 40
    assert scored(rubric, {**facts, "school": {"years": 3}}).standing.star == 5


COMBINE = [
    ("sum_capped", 10, "", "", {"Y": 8, "Z": 8}, 10),
    ("scaled", 10, "", "", {"Y": 8, "Z": 8}, 8),
    ("weighted", 10, "weight: 75,", "weight: 25,", {"Y": 10, "Z": 0}, Fraction(15, 2)),
    ("mean", 10, "", "", {"Y": 10, "Z": 5}, Fraction(15, 2)),
    ("highest", 10, "", "", {"Y": 3, "Z": 9}, 9),
    ("lowest", 10, "", "", {"Y": 3, "Z": 9}, 3),
    ("best, take: 1", 10, "", "", {"Y": 3, "Z": 9}, 9),
    ("sum", 20, "", "", {"Y": 3, "Z": 9}, 12),
]


@pytest.mark.parametrize(("how", "full", "first", "second", "given", "wanted"), COMBINE)
def test_how_children_become_a_group(
    how: str, full: int, first: str, second: str, given: dict[str, int], wanted: Fraction
) -> None:
    text = f"""schema: 1
id: c
title: t
total: {{points: {full}}}
indicators:
  - id: G
    points: {full}
    combine: {how.replace(", take", chr(10) + "    take")}
    children:
      - {{id: Y, points: 10, {first} rule: {{kind: judged}}}}
      - {{id: Z, points: 10, {second} rule: {{kind: judged}}}}
"""
    result = scored(
        engine.load(text), {"items": {name: {"points": points} for name, points in given.items()}}
    )
    assert result.total == wanted


def test_grades_of_a_dimension_by_share_of_its_points() -> None:
    text = """schema: 1
id: g
title: t
total: {points: 15}
indicators:
  - {id: D, points: 15, rule: {kind: judged}, grades: [{min_share: 0.9, grade: 优等}, {min_share: 0.8, grade: 甲等}, {min_share: 0.7, grade: 乙等}, {min_share: 0.6, grade: 丙等}]}
"""
    rubric = engine.load(text)
    found = [
        scored(rubric, {"items": {"D": {"points": points}}}).of("D").grade
        for points in (13.5, 12, 10.5, 9, 8.99)
    ]
    assert found == ["优等", "甲等", "乙等", "丙等", None]


def test_bonus_is_capped_and_the_total_never_passes_its_ceiling() -> None:
    top = "bonus: {{cap: 5, items: [{{id: P, title: 获奖, points: 9, rule: {{kind: points_per_unit, per: 3}}}}]}}"
    top = top.format()
    result = two(40, 20, 30, top)
    assert (result.bonus.counted, result.complete) == (0, True)
    rubric = engine.load(TWO.format(top=top))
    facts: dict[str, Any] = {name: {"points": points} for name, points in (("A1", 40), ("A2", 20), ("B", 30))}
    facts["P"] = {"count": 2}
    result = scored(rubric, {"items": facts})
    assert (result.bonus.found, result.bonus.counted, result.total) == (6, 5, 95)
    facts["B"] = {"points": 40}
    result = scored(rubric, {"items": facts})
    assert (result.total, result.total_reasons[-1].text()) == (100, "The total never goes above 100.")


GATES = [({}, None), ({"G": True}, True), ({"G": False}, False)]


@pytest.mark.parametrize(("given", "eligible"), GATES)
def test_a_gate_that_fails_bars_and_one_without_answer_leaves_it_open(
    given: dict[str, bool], eligible: bool | None
) -> None:
    result = two(40, 20, 40, "gates: [{id: G, title: 无重大事故}]", gates=given)
    assert result.eligible is eligible
    assert result.standing.star == (None if eligible is False else 5)
    assert result.missing == (("gates.G",) if eligible is None else ())


def test_a_gate_by_condition_on_a_share() -> None:
    top = "gates: [{id: G, title: 合格率, when: {of: A, measure: share, ge: 0.75}}]"
    assert two(40, 5, 40, top).eligible is True
    assert two(40, 4, 40, top).eligible is False


ADJUST = """schema: 1
id: adjust
title: t
total: {points: null}
result:
  kind: star_adjust
  ratings: [{id: base}, {id: staff}, {id: quality}]
  start: base
  steps:
    - {when: {of: staff, ge: 4}, add: 1}
    - {when: {of: quality, eq: 5}, add: 1}
    - {when: {of: quality, eq: 1}, add: -2}
  limits:
    - {when: {of: base, eq: 1}, max_upgrade: 1}
    - {max_downgrade: 1}
    - {when: {fact: watched}, max: 3}
    - {min: 1, max: 5}
"""
ADJUSTED = [
    (3, 3, 3, False, 3),
    (3, 4, 3, False, 4),
    (4, 4, 5, False, 5),
    (1, 4, 5, False, 2),
    (4, 1, 1, False, 3),
    (1, 1, 1, False, 1),
    (5, 5, 5, True, 3),
]


@pytest.mark.parametrize(("base", "staff", "quality", "watched", "star"), ADJUSTED)
def test_stars_are_added_and_taken_within_limits(
    base: int, staff: int, quality: int, watched: bool, star: int
) -> None:
    inputs = {"ratings": {"base": base, "staff": staff, "quality": quality}, "facts": {"watched": watched}}
    result = scored(engine.load(ADJUST), inputs)
    assert (result.standing.star, result.complete) == (star, True)


def test_a_rating_that_is_not_given_leaves_no_star() -> None:
    result = scored(engine.load(ADJUST), {"ratings": {"staff": 3}})
    assert result.standing.star is None
    assert result.missing == ("ratings.base", "ratings.quality", "facts.watched")


def test_grades_of_blocks_can_decide_the_star() -> None:
    text = """schema: 1
id: blocks
title: t
total: {points: null}
indicators:
  - {id: M, rule: {kind: block_abc, A: [甲], C: [乙]}}
  - {id: N, rule: {kind: block_abc, A: [丙], C: []}}
result:
  kind: points_to_stars
  ranks:
    - {grade: 四星, requires: [{grade_share: A, ge: 1}]}
    - {grade: 三星, requires: [{grade_count: C, eq: 0}]}
"""
    rubric = engine.load(text)
    best = {"M": {"A": {"1": True}, "C": {"1": False}}, "N": {"A": {"1": True}}}
    assert scored(rubric, {"items": best}).standing.grade == "四星"
    result = scored(rubric, {"items": {**best, "N": {"A": {"1": False}}}})
    assert result.standing.grade == "三星"
    assert result.standing.next[0].text() == "Needed: the share of items with “A” at least 1."
    assert scored(rubric, {"items": {"M": best["M"]}}).standing.grade is None
