"""Every rule kind by examples: what it gives, why, and which facts it refuses."""

from fractions import Fraction
from typing import Any

import pytest

from portal.ratings import rubric as engine
from tests.ratings.rubric.sheets import item, points, refusals, scored, sheet, whole

COUNT = "kind: count_threshold"
BANDS = "kind: ratio_bands, bands: [{ge: 0.9, points: 10}, {ge: 0.6, points: 4}, {else: true, points: 0}]"
SURVEY = "kind: survey_mean, zero_at: 60, full_at: 90"
TABLE = "kind: lookup_by_size, size: classes, table: [{size: 6, targets: {m2: 15}}, {size: [9, 12], targets: {m2: 13}}], deduct: [{measure: m2, deduct: 2, how: per_unit}]"
STAGES = "kind: lookup_by_size, size: stage, measure: n, table: [{size: [primary, junior], targets: {n: 4}}, {size: kindergarten, targets: {n: 6}}], bands: [{ge: 1, points: 10}, {ge: 1/2, points: 5}, {else: true, points: 0}]"
ROLES = (
    "kind: quota_by_role, rounding: up, per: 1, targets: [{id: head, number: 6}, {id: subject, share: 1/3}]"
)
AWARDS = (
    "kind: award_tiers, tiers: [{id: city, points: 1}, {id: province, points: 3}, {id: nation, points: 10}]"
)
ABC = "kind: block_abc, A: [站得住, 走得稳], C: [{id: lie, what: 造假}], grade_points: {A: 10, B: 6, C: 0}"
DAYS = "kind: deadline, due_on: '2026-10-15', late: [{days: 3, points: 6}, {days: 7, points: 3}], later: 1"

GIVES: list[tuple[str, dict[str, Any], object]] = [
    ("kind: binary", {"met": True}, 10),
    ("kind: binary", {"met": False}, 0),
    ("kind: checklist, components: [{id: a, what: 章程, points: 4}, {id: b, what: 台账, points: 6}]", {"present": {"a": True, "b": False}}, 4),
    ("kind: checklist, unstated_split: equal, components: [{id: a, what: 甲}, {id: b, what: 乙}, {id: c, what: 丙}]", {"present": {"a": True, "b": True, "c": False}}, Fraction(20, 3)),
    ("kind: checklist, components: [{id: a, what: 甲}, {id: b, what: 乙}]", {"present": {"a": True, "b": False}, "points": 5.5}, 5.5),
    ("kind: checklist, components: [{id: a, what: 甲, points: 4}, {id: b, what: 乙}]", {"present": {"a": True, "b": True}, "points": 5}, 9),
    ("kind: judged", {"points": 7.25}, 7.25),
    ("kind: judged, step: 0.5", {"points": 7.5}, 7.5),
    ("kind: judged", {"by": {"周": {"points": 8}, "吴": {"points": 9}}}, 8.5),
    ("kind: level_scale, levels: [{id: good, what: 优, points: 10}, {id: fair, what: 良, share_of_points: 0.7}]", {"level": "fair"}, 7),
    (f"{COUNT}, min: 2", {"count": 2}, 10),
    (f"{COUNT}, min: 2", {"count": 1}, 0),
    (f"{COUNT}, min: 2", {"counts": {"term1": 5, "term2": 1}}, 0),
    (f"{COUNT}, min: 2, several_periods: mean", {"counts": {"term1": 3, "term2": 1}}, 10),
    (f"{COUNT}, min: 6, several_periods: sum", {"counts": {"term1": 5, "term2": 1}}, 10),
    (f"{COUNT}, steps: [{{ge: 4, points: 10}}, {{ge: 2, points: 6}}]", {"count": 3}, 6),
    (f"{COUNT}, all: [{{metric: sessions, min: 2}}, {{metric: hours, min: 4}}]", {"metrics": {"sessions": 2, "hours": 4}}, 10),
    (f"{COUNT}, all: [{{metric: sessions, min: 2}}, {{metric: hours, min: 4}}]", {"metrics": {"sessions": 9, "hours": 3}}, 0),
    ("kind: prorata, target: 8", {"count": 6}, 7.5),
    ("kind: prorata, target: 8", {"count": 20}, 10),
    ("kind: prorata, target: 1, of: ratio", {"numerator": 2, "denominator": 3}, Fraction(20, 3)),
    ("kind: prorata, target: 8, part_units: down", {"count": 6.9}, 7.5),
    ("kind: prorata, target: 1, of: ratio, nothing_below: 0.6", {"ratio": 0.59}, 0),
    ("kind: prorata, target: 1, of: ratio, nothing_below: 0.6", {"ratio": 0.6}, 6),
    ("kind: prorata, target: 1, of: ratio, zero_at: 0.6", {"ratio": 0.8}, 5),
    ("kind: points_per_unit, per: 2, above: 3", {"count": 5}, 4),
    ("kind: points_per_unit, per: 2, unit_size: 3", {"count": 8}, 4),
    ("kind: points_per_unit, per: 2", {"count": 99}, 10),
    (BANDS, {"numerator": 9, "denominator": 10}, 10),
    (BANDS, {"ratio": 0.899999}, 4),
    (BANDS.replace("ge: 0.9", "gt: 0.9"), {"numerator": 9, "denominator": 10}, 4),
    (BANDS + ", ratio_decimals: 2", {"ratio": 0.895}, 10),
    (BANDS + ", if_empty: no_points", {"numerator": 0, "denominator": 0}, 0),
    (BANDS + ", minimum_n: 5, if_below: full_points", {"numerator": 0, "denominator": 4}, 10),
    ("kind: ratio_bands, against: true, bands: [{ge: 1, points: 10}, {else: true, points: 3}]", {"numerator": 45, "denominator": 50, "base_numerator": 80, "base_denominator": 100}, 10),
    ("kind: deduct_per_missing, per: 3", {"missing": 2}, 4),
    ("kind: deduct_per_missing, per: 3", {"missing": 4}, 0),
    ("kind: deduct_per_missing, per: 1, items: [{id: a, what: 甲}, {id: b, what: 乙, deduct: 5}]", {"missing": ["a", "b"]}, 4),
    ("kind: deduct_per_unit, per: 1", {"shortfall": 3}, 7),
    ("kind: deduct_per_unit, per: 0.5, unit_size: 0.01, target: 0.95", {"ratio": 0.915}, 8.5),
    ("kind: deduct_per_unit, per: 0.5, unit_size: 0.01, target: 0.95, part_units: exact", {"ratio": 0.915}, 8.25),
    ("kind: deduct_per_unit, per: 0.5, unit_size: 0.01, target: 0.95, part_units: up", {"ratio": 0.915}, 8),
    ("kind: deduct_per_unit, per: 2, target: 45, side: above", {"value": 48}, 4),
    (TABLE, {"size": 6, "measures": {"m2": 13}}, 6),
    (TABLE, {"size": 10, "measures": {"m2": 12.5}}, 10),
    (TABLE + ", between_rows: larger", {"size": 7, "measures": {"m2": 12}}, 8),
    (TABLE + ", between_rows: smaller", {"size": 7, "measures": {"m2": 12}}, 4),
    (TABLE + ", outside_table: nearest", {"size": 30, "measures": {"m2": 12}}, 8),
    (STAGES, {"size": "kindergarten", "measures": {"n": 3}}, 5),
    (STAGES, {"size": "junior", "measures": {"n": 4}}, 10),
    (ROLES, {"rows": [{"target": "head", "done": 5, "name": "李老师"}, {"target": "subject", "base": 44, "done": 13}]}, 7),
    (AWARDS, {"awards": {"province": 1, "city": 4}}, 3),
    (AWARDS + ", combine: sum", {"awards": {"province": 1, "city": 4}}, 7),
    (AWARDS + ", combine: sum", {"awards": {"province": 3, "city": 4}}, 10),
    (AWARDS, {"awards": {}}, 0),
    ("kind: award_tiers, combine: sum, tiers: [{id: city, points: 2, most: 2}]", {"awards": {"city": 9}}, 4),
    ("kind: all_of, conditions: [甲, 乙]", {"met": {"1": True, "2": True}}, 10),
    ("kind: all_of, conditions: [甲, 乙]", {"met": {"1": True, "2": False}}, 0),
    (ABC, {"A": {"1": True, "2": True}, "C": {"lie": False}}, 10),
    (ABC, {"A": {"1": True, "2": False}, "C": {"lie": False}}, 6),
    (ABC, {"A": {"1": True, "2": True}, "C": {"lie": True}}, 0),
    (SURVEY + ", shrink_k: 0", {"n": 40, "invited": 100, "mean": 75}, 5),
    (SURVEY, {"n": 40, "invited": 100, "mean": 75, "district_mean": 90}, Fraction(20, 3)),
    ("kind: survey_mean, shrink_k: 0, bands: [{ge: 90, points: 10}, {else: true, points: 2}]", {"n": 40, "invited": 100, "mean": 89.99}, 2),
    (SURVEY + ", if_gate_fails: no_points", {"n": 29, "invited": 100, "mean": 99}, 0),
    ("kind: sample_check, bands: [{ge: 0.95, points: 10}, {else: true, points: 0}]", {"population": 300, "checked": 30, "passed": 29}, 10),
    ("kind: sample_check, bands: [{ge: 0.95, points: 10}, {else: true, points: 0}]", {"population": 4, "checked": 4, "passed": 4}, 10),
    (DAYS, {"on": "2026-10-15"}, 10),
    (DAYS, {"on": "2026-10-18"}, 6),
    (DAYS, {"on": "2026-10-19"}, 3),
    (DAYS, {"on": "2026-11-19"}, 1),
    (DAYS, {"on": None}, 0),
    ("kind: deadline", {"on": "2026-03-15", "due_on": "2026-03-15"}, 10),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "facts", "wanted"), GIVES)
def test_a_rule_gives_these_points(rule: str, facts: dict[str, Any], wanted: object) -> None:
    result = item(rule, facts)
    assert result.points == Fraction(str(wanted))
    assert result.reasons and all(reason.text() for reason in result.reasons)


REFUSES: list[tuple[str, object, str]] = [
    ("kind: binary", {"met": 1}, "items.X.met: This must be true or false"),
    ("kind: binary", {"met": "yes"}, "This must be true or false"),
    ("kind: binary", {"points": 3}, "Not known here: points. Possible: met."),
    ("kind: binary", [], "items.X: This must be a group of named settings"),
    ("kind: judged", {"points": 10.5}, "At most 10 points are possible here, not 10.5."),
    ("kind: judged", {"points": -1}, "This must not be below 0."),
    ("kind: judged", {"points": "5.1"}, "This must be a number, not “5.1”."),
    ("kind: judged, anchors: [0, 5, 10], only_anchors: true", {"points": 5.1}, "Only these points are possible here: 0, 5, 10."),
    ("kind: judged, step: 0.5", {"points": 5.1}, "Points go in steps of 0.5"),
    ("kind: judged", {"by": {"周": {"points": 12}}}, "items.X.by.周.points: At most 10"),
    ("kind: judged", {"by": {"周": {"points": 2}}, "points": 3}, "Give facts once, or by scorer"),
    ("kind: checklist, components: [{id: a, what: 甲, points: 10}]", {"present": {"b": True}}, "items.X.present.b: “b” is not known here. Known: a."),
    ("kind: checklist, components: [{id: a, what: 甲}]", {"present": {"a": False}, "points": 5}, "there can be no points"),
    ("kind: checklist, components: [{id: a, what: 甲}]", {"present": {"a": True}, "points": 12}, "At most 10 points"),
    ("kind: level_scale, levels: [{id: good, what: 优, points: 10}]", {"level": "bad"}, "“bad” is not known here. Known: good."),
    (f"{COUNT}, min: 2", {"count": 1, "counts": {"a": 1}}, "not both"),
    (f"{COUNT}, all: [{{metric: a, min: 2}}]", {"metrics": {"b": 1}}, "“b” is not known here"),
    (BANDS, {"numerator": 12, "denominator": 10}, "The part is larger than the whole."),
    (BANDS, {"ratio": 80}, "The part is larger than the whole."),
    (BANDS, {"numerator": 16, "denominator": 16, "ratio": 0.8}, "The ratio given is 0.8, but 16 of 16 is 1."),
    ("kind: deduct_per_missing, per: 1, items: [甲]", {"missing": 2}, "Only 1 things are looked for here."),
    ("kind: deduct_per_missing, per: 1, items: [甲]", {"missing": ["3"]}, "“3” is not known here"),
    ("kind: deduct_per_missing, per: 1, items: [甲]", {"missing": ["1", "1"]}, "Something stands here twice"),
    (TABLE, {"size": 7, "measures": {"m2": 12}}, "The table has no row for 7."),
    (TABLE, {"size": 6, "measures": {"m3": 12}}, "“m3” is not known here"),
    (ROLES, {"rows": [{"target": "cook", "done": 1}]}, "“cook” is not known here"),
    (AWARDS, {"awards": {"village": 1}}, "“village” is not known here"),
    (AWARDS, {"awards": {"city": 1.5}}, "This must be a whole number"),
    (SURVEY, {"n": 200, "invited": 100, "mean": 75, "district_mean": 80}, "There are more answers than families asked."),
    (SURVEY, {"n": 50, "invited": 100, "mean": 175, "district_mean": 80}, "A mean lies between 0 and 100."),
    ("kind: sample_check, bands: [{ge: 1, points: 10}]", {"population": 300, "checked": 29, "passed": 29}, "The sample is too small: 29 records, 30 are needed."),
    ("kind: sample_check, bands: [{ge: 1, points: 10}]", {"population": 30, "checked": 31, "passed": 29}, "More records were looked at"),
    (DAYS, {"on": "2026-02-30"}, "is not a day of the calendar"),
    (DAYS, {"on": "tomorrow"}, "is not a day written as 2026-10-15"),
    (DAYS, {"on": "2026-10-15", "due_on": "2027-01-01"}, "The rubric sets the day itself"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "facts", "words"), REFUSES)
def test_facts_that_cannot_be_right_are_refused_in_words(rule: str, facts: object, words: str) -> None:
    assert words in refusals(rule, facts)


MISSING: list[tuple[str, dict[str, Any] | None, str]] = [
    ("kind: binary", None, "X"),
    ("kind: binary", {}, "X"),
    ("kind: binary", {"note": "明天补"}, "X"),
    (BANDS, {"numerator": 3}, "X.denominator"),
    (f"{COUNT}, by_stage: {{primary: 2}}", {"count": 2}, "X.school.stage"),
    (SURVEY, {"n": 40, "invited": 100, "mean": 75}, "X.district_mean"),
    (TABLE, {"measures": {"m2": 12}}, "X.size"),
    ("kind: block_abc, A: [甲], C: [乙], grade_points: {A: 10, B: 5, C: 0}", {"A": {"1": True}}, "X.C"),
    ("kind: deadline", {"on": "2026-03-15"}, "X.due_on"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "facts", "name"), MISSING)
def test_what_is_not_given_is_said_and_is_not_zero(
    rule: str, facts: dict[str, Any] | None, name: str
) -> None:
    result = whole(rule, facts)
    assert (result.of("X").state, result.of("X").points) == ("not_given", None)
    assert result.missing == (name,) and not result.complete
    assert result.of("X").reasons[0].text() == "Not given: counts no points until it is given."


def test_what_is_not_given_can_be_left_out_of_the_reach() -> None:
    result = whole("kind: binary", None, top="missing_input: leave_out")
    assert (result.total, result.reach) == (None, 0)


def test_the_stage_of_the_school_chooses_the_target_and_the_strictest_of_several_holds() -> None:
    rule = f"{COUNT}, by_stage: {{primary: 2, kindergarten: 3}}"
    assert points(rule, {"count": 2}, school={"stage": "primary"}) == 10
    assert points(rule, {"count": 2}, school={"stage": ["primary", "kindergarten"]}) == 0
    assert (
        points(
            rule + ", several_stages: mildest", {"count": 2}, school={"stage": ["primary", "kindergarten"]}
        )
        == 10
    )
    assert item(rule, {"count": 2}, school={"stage": "senior"}).state == "not_applicable"


def test_a_class_between_the_rows_uses_the_school_fact_too() -> None:
    assert points(TABLE, {"measures": {"m2": 15}}, school={"classes": 6}) == 10


def test_no_evidence_no_points() -> None:
    more = "evidence_required: true"
    assert points("kind: binary", {"met": True, "evidence": 1}, more=more) == 10
    assert points("kind: binary", {"met": True, "evidence": 0}, more=more) == 0
    assert item("kind: binary", {"met": True}, more=more).missing == ("X.evidence",)


def test_special_deductions_come_on_top_and_stop_at_the_floor() -> None:
    more = "special: [{id: false_record, what: 记录失实, deduct: 4, each: true}]"
    assert points("kind: binary", {"met": True, "special": {"false_record": 2}}, more=more) == 2
    assert points("kind: binary", {"met": True, "special": {"false_record": 3}}, more=more) == 0
    assert "“other” is not known here" in refusals(
        "kind: binary", {"met": True, "special": {"other": 1}}, more=more
    )


def test_a_negative_list_takes_points_down_to_its_floor() -> None:
    text = """schema: 1
id: n
title: 负面清单
total: {points: 10}
indicators:
  - {id: work, points: 10, rule: {kind: judged}}
  - {id: faults, points: 0, floor: -6, rule: {kind: deduct_per_unit, per: 2, unit: 起}}
"""
    rubric = engine.load(text)
    assert scored(rubric, {"items": {"work": {"points": 9}, "faults": {"shortfall": 2}}}).total == 5
    assert scored(rubric, {"items": {"work": {"points": 9}, "faults": {"shortfall": 50}}}).total == 3
    assert scored(rubric, {"items": {"work": {"points": 2}, "faults": {"shortfall": 50}}}).total == 0


def test_scorers_who_differ_are_asked_to_talk_and_a_self_score_does_not_count() -> None:
    top = "scorers: {columns: [{id: self, title: 自评, counts: false}, {id: first, title: 甲}, {id: second, title: 乙}]}"
    by = {"self": {"points": 10}, "first": {"points": 6}, "second": {"points": 8}}
    result = item("kind: judged", {"by": by}, top=top)
    assert (result.points, dict(result.scorers)) == (7, {"first": 6, "second": 8, "self": 10})
    assert "The scorers differ by 2 points: this should be discussed." in [
        reason.text() for reason in result.reasons
    ]
    assert "“third” is not known here" in refusals("kind: judged", {"by": {"third": {"points": 1}}}, top=top)
    assert item("kind: judged", {"by": {"self": {"points": 9}}}, top=top).state == "not_given"


@pytest.mark.parametrize(
    ("how", "wanted"),
    [("mean", 6), ("median", 7), ("lowest", 1), ("highest", 9), ("trimmed_mean", Fraction(20, 3))],
)
def test_how_several_scorers_become_one(how: str, wanted: Fraction) -> None:
    by = {str(number): {"points": value} for number, value in enumerate((1, 6, 7, 7, 9))}
    assert points("kind: judged", {"by": by}, top=f"scorers: {{combine: {how}}}") == wanted


def test_weights_of_columns() -> None:
    top = "scorers: {combine: weighted, columns: [{id: self, title: 自评, weight: 30}, {id: visit, title: 他评, weight: 70}]}"
    assert points(
        "kind: judged", {"by": {"self": {"points": 10}, "visit": {"points": 5}}}, top=top
    ) == Fraction(13, 2)


def test_relative_places_only_where_allowed() -> None:
    rule = "kind: relative_cut_points, cuts: [{top_share: 0.1, points: 10}, {top_share: 0.8, points: 5}]"
    assert points(rule, {"place": 2, "group": 20}, top="allow_relative: true") == 10
    assert points(rule, {"place": 3, "group": 20}, top="allow_relative: true") == 5
    assert points(rule, {"place": 19, "group": 20}, top="allow_relative: true") == 0
    assert item(rule, {"place": 1, "group": 9}, top="allow_relative: true").state == "not_applicable"


def test_an_item_can_be_declared_not_applicable_unless_it_always_applies() -> None:
    facts = {"not_applicable": "没有寄宿生"}
    result = whole("kind: binary", facts)
    assert (result.of("X").state, result.total) == ("not_applicable", None)
    assert "This item applies to every school." in refusals(
        "kind: binary", facts, more="always_applies: true"
    )


def test_an_item_for_some_schools_only() -> None:
    more = "applies_when: {school: stage, is: kindergarten}"
    assert (
        item("kind: binary", {"met": True}, more=more, school={"stage": "primary"}).state == "not_applicable"
    )
    assert item("kind: binary", {"met": True}, more=more, school={"stage": "kindergarten"}).points == 10
    assert item("kind: binary", {"met": True}, more=more).state == "not_given"


def test_a_size_that_is_no_size_is_refused() -> None:
    for size in (True, "many", ["a"]):
        assert "The table has no row for" in refusals(
            TABLE, {"measures": {"m2": 15}}, school={"classes": size}
        )


INPUTS = [
    ([], "The inputs must be one JSON object."),
    ({"item": {}}, "Not known here: item."),
    ({"items": {"Y": {"met": True}}}, "items.Y: “Y” is not known here. Known: X."),
    ({"rubric": "other"}, "These inputs belong to the rubric “other”, not to “sheet”."),
    ({"events": {"V": True}}, "events.V: “V” is not known here."),
    ({"gates": {"G": "yes"}}, "gates.G: This must be true or false"),
    ({"ratings": {"a": 3}}, "“a” is not known here"),
    ({"items": {"X": {"by": {}}}}, "This must not be empty."),
]


@pytest.mark.parametrize(("inputs", "words"), INPUTS)
def test_inputs_that_do_not_fit_are_refused_in_words(inputs: Any, words: str) -> None:
    rubric = engine.load(sheet("kind: binary"))
    with pytest.raises(engine.RubricError) as caught:
        engine.score(rubric, inputs)
    assert words in "\n".join(problem.text() for problem in caught.value.problems)


JSON = [
    (b"", "The file is empty."),
    (b'{"a": NaN}', "“NaN” is not a number"),
    (b'{"a": 1e400}', "“1e400” is not a number"),
    (b'{"a": ' + b"9" * 5000 + b"}", "is not a number that can be used"),
    (b'{"a": 1, "a": 2}', "“a” stands here twice"),
    (b'{"a": 1,\n}', "Line 2: This is not well-formed JSON"),
    (b"[" * 100_000, "nested too deeply"),
    (b'"\\ud800"', "characters that cannot be stored"),
    (b"\xff\xfe", "not UTF-8"),
    (b'"' + b"x" * 5_000_000 + b'"', "too large"),
]


@pytest.mark.parametrize(("raw", "words"), JSON)
def test_a_json_file_that_cannot_be_read_is_refused_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(engine.RubricError) as caught:
        engine.read_json(raw)
    assert words in caught.value.problems[0].text()
