"""Checking a rubric: hostile files and wrong schemes are answered in words, at their line, never with a traceback."""

import pytest

from portal.ratings import rubric as engine
from tests.ratings.rubric.sheets import DEFAULT, complaints, sheet

HOSTILE = {
    "empty": (b"", "The file is empty."),
    "blank": (b" \n\n", "The file is empty."),
    "only a comment": (b"# nothing\n", "The file is empty."),
    "not UTF-8": ("title: 家访".encode("gb18030"), "not UTF-8"),
    "ten megabytes": (b"a: " + b"x" * 10_000_000, "too large"),
    "aliases": (b"a: &a [1, 1]\nb: [*a, *a]\n", "Line 1, a: Anchors and aliases"),
    "a tag": (b"a: !!python/object/apply:os.system [ls]\n", "Line 1, a: Tags"),
    "a key twice": (b"id: a\ntitle: b\nid: c\n", "Line 3: “id” stands here twice"),
    "not a number": (b"total: {points: .nan}", "“.nan” is not a number"),
    "endless": (b"total: {points: .inf}", "“.inf” is not a number"),
    "an exponent": (b"total: {points: 1e999999999}", "is not a number that can be used"),
    "hexadecimal": (b"total: {points: 0x10}", "is not a number that can be used"),
    "deep": (b"[" * 5000, "nested too deeply"),
    "deep block": ("\n".join(" " * depth + "a:" for depth in range(60)).encode(), "too deeply"),
    "unclosed": (b"a: [1, 2\nb: c\n", "not well-formed YAML"),
    "a tab": (b"a:\n\t- b\n", "not well-formed YAML"),
    "a NUL": (b"a: \x00", "not well-formed YAML"),
    "half a character": (b'a: "\\ud800"', "characters that cannot be stored"),
    "two documents": (b"a: 1\n---\nb: 2\n", "more than one document"),
    "a list": (b"- a\n- b\n", "A rubric is a group of named settings"),
    "a word": (b"rubric", "A rubric is a group of named settings"),
    "a key of lists": (b"? [a, b]\n: c\n", "A key must be plain text"),
    "nothing it needs": (b"a: 1\n", "Missing here: schema, id, title, total."),
    "another schema": (b"schema: 2\nid: a\ntitle: a\ntotal: {points: 1}\n", "This must be 1."),
    "wrong types": (b"schema: 1\nid: [a]\ntitle: 5\ntotal: {points: many}\n", "Line 2, id: This must be text"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_words(name: str) -> None:
    raw, words = HOSTILE[name]
    assert words in complaints(raw)


ONE_RULE = {
    "a target of nothing": ("kind: prorata, target: 0/5", "This must be above 0."),
    "more than the whole": ("kind: sample_check, sample: {share: 7/2}, bands: [{ge: 1, points: 10}]", "This must not be above 1."),
    "start after the end": ("kind: prorata, target: 2, zero_at: 2", "This must lie below the target."),
    "unknown kind": ("kind: magic", "“magic” is not possible here. Possible: binary"),
    "no kind": ("points: 1", "Missing here: kind."),
    "unknown setting": ("kind: binary, perhaps: 1", "Not known here: perhaps. Possible: kind."),
    "parts beyond": ("kind: checklist, components: [{what: a, points: 6}, {what: b, points: 5}]", "The parts add up to 11 points, not to 10."),
    "parts below": ("kind: checklist, components: [{what: a, points: 6}]", "The parts add up to 6 points, not to 10."),
    "parts twice": ("kind: checklist, components: [{id: a, what: a, points: 5}, {id: a, what: b, points: 5}]", "The id “a” stands twice."),
    "anchor beyond": ("kind: judged, anchors: [0, 11]", "11 points are more than the item's 10."),
    "anchors missing": ("kind: judged, only_anchors: true", "There are no anchors"),
    "top anchor": ("kind: judged, anchors: [0, 5], only_anchors: true", "At most 5 of the item's 10"),
    "odd step": ("kind: judged, step: 3", "not a whole number of steps"),
    "level beyond": ("kind: level_scale, levels: [{what: a, points: 12}]", "12 points are more than"),
    "level without points": ("kind: level_scale, levels: [{what: a}]", "exactly one of: points, share_of_points"),
    "count of nothing": ("kind: count_threshold", "exactly one of: min, by_stage, steps, all"),
    "two targets": ("kind: count_threshold, min: 1, by_stage: {primary: 2}", "exactly one of: min, by_stage"),
    "all and min": ("kind: count_threshold, min: 1, all: [{metric: a, min: 1}]", "“all” stands alone"),
    "steps rising": ("kind: count_threshold, steps: [{ge: 1, points: 5}, {ge: 2, points: 10}]", "must fall from the best"),
    "steps upside down": ("kind: count_threshold, steps: [{ge: 2, points: 5}, {ge: 1, points: 10}]", "must not give more points"),
    "share of nothing": ("kind: count_threshold, steps: [{share: 1, points: 10}]", "need a target"),
    "prorata to nowhere": ("kind: prorata", "exactly one of: target, by_stage"),
    "80 for 80 %": ("kind: ratio_bands, bands: [{ge: 80, points: 10}, {else: true, points: 0}]", "80 % is written 0.8"),
    "bands upside down": ("kind: ratio_bands, bands: [{ge: 0.6, points: 5}, {ge: 0.8, points: 10}]", "rule.bands[2]: This band can never fit"),
    "same limit": ("kind: ratio_bands, bands: [{ge: 0.8, points: 10}, {gt: 0.8, points: 5}, {else: true, points: 0}]", "rule.bands[2]: This band can never fit"),
    "a hole": ("kind: ratio_bands, bands: [{gt: 0.8, points: 10}, {lt: 0.8, points: 5}]", "No band covers 0.8."),
    "else first": ("kind: ratio_bands, bands: [{else: true, points: 0}, {ge: 0.8, points: 10}]", "“else” must come last"),
    "no limit": ("kind: ratio_bands, bands: [{points: 10}]", "A band needs a limit"),
    "two lower limits": ("kind: ratio_bands, bands: [{gt: 0.8, ge: 0.9, points: 10}]", "contradict each other"),
    "band beyond": ("kind: ratio_bands, bands: [{ge: 0.8, points: 11}]", "11 points are more than the item's 10."),
    "full never": ("kind: ratio_bands, bands: [{ge: 0.8, points: 9}]", "At most 9 of the item's 10 points can be reached."),
    "rows overlap": ("kind: lookup_by_size, size: classes, table: [{size: [6, 12], targets: {a: 1}}, {size: 12, targets: {a: 2}}], deduct: [{measure: a, deduct: 1}]", "must not overlap"),
    "no such measure": ("kind: lookup_by_size, size: classes, table: [{size: 6, targets: {a: 1}}], deduct: [{measure: b, deduct: 1}]", "No row of the table has a target “b”"),
    "three ends": ("kind: lookup_by_size, size: classes, table: [{size: [1, 2, 3], targets: {a: 1}}], deduct: [{measure: a, deduct: 1}]", "A range is written"),
    "neither": ("kind: lookup_by_size, size: classes, table: [{size: 6, targets: {a: 1}}]", "exactly one of: deduct, bands"),
    "quota of both": ("kind: quota_by_role, rounding: up, targets: [{id: a, share: 1/2, number: 3}]", "exactly one of: share, number"),
    "quota without rounding": ("kind: quota_by_role, targets: [{id: a, number: 3}]", "Missing here: rounding."),
    "tiers twice": ("kind: award_tiers, tiers: [{id: city, points: 1}, {id: city, points: 10}]", "The id “city” stands twice."),
    "grades upside down": ("kind: block_abc, A: [a], C: [], grade_points: {A: 10, B: 2, C: 5}", "must not give more points"),
    "grades without points": ("kind: block_abc, A: [a], C: []", "grade_points"),
    "no line": ("kind: survey_mean, zero_at: 60", "Give either bands, or zero_at and full_at."),
    "line upside down": ("kind: survey_mean, zero_at: 90, full_at: 60", "zero_at must lie below full_at"),
    "relative is off": ("kind: relative_cut_points, cuts: [{top_share: 0.1, points: 10}]", "Comparing schools with each other is off"),
    "no such day": ("kind: deadline, due_on: '2026-02-30'", "is not a day of the calendar"),
    "late is better": ("kind: deadline, late: [{days: 3, points: 2}, {days: 5, points: 4}]", "Coming later must not give more points"),
    "not a fraction": ("kind: prorata, target: a/b", "is not a number or a fraction"),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_RULE)
def test_a_wrong_rule_is_told_in_words(name: str) -> None:
    rule, words = ONE_RULE[name]
    assert words in complaints(sheet(rule))


GOOD_ITEM = "  - {id: X, title: 一项, points: 10, rule: {kind: binary}}"
WHOLE = {
    "children short": ("total: {points: 100}", "indicators:\n" + GOOD_ITEM, "Line 4, total.points: The children add up to 10 points, not to 100."),
    "ids twice": ("total: {points: 20}", "indicators:\n" + GOOD_ITEM + "\n" + GOOD_ITEM, "Line 7, indicators[X].id: The id “X” stands twice."),
    "no rule": ("total: {points: 1}", "indicators: [{id: X, points: 1}]", "either children or a rule"),
    "both": ("total: {points: 1}", "indicators: [{id: X, points: 1, rule: {kind: binary}, children: [{id: Y, points: 1, rule: {kind: binary}}]}]", "either children or a rule"),
    "no points": ("total: {points: 1}", "indicators: [{id: X, rule: {kind: binary}}]", "State the points of this item"),
    "no indicators": ("total: {points: 1}", "", "A rubric needs indicators."),
    "weights 99.99": ("total: {points: 10, combine: weighted}", "indicators: [{id: X, points: 5, weight: 50, rule: {kind: binary}}, {id: Y, points: 5, weight: 49.99, rule: {kind: binary}}]", "The weights add up to 99.99, not to 100"),
    "weight forgotten": ("total: {points: 10, combine: weighted}", "indicators: [{id: X, points: 5, weight: 100, rule: {kind: binary}}, {id: Y, points: 5, rule: {kind: binary}}]", "Every child needs a weight"),
    "weight for nothing": ("total: {points: 10}", "indicators: [{id: X, points: 10, weight: 100, rule: {kind: binary}}]", "Weights have no effect here"),
    "group with deductions": ("total: {points: 1}", "indicators: [{id: G, special: [{id: s, what: s, deduct: 1}], children: [{id: X, points: 1, rule: {kind: binary}}]}]", "indicators[G].special: This has no effect here."),
    "zero forever": ("total: {points: 0}", "indicators: [{id: X, points: 0, rule: {kind: deduct_per_unit, per: 1}}]", "can never count"),
    "ranks rising": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nresult: {kind: points_to_stars, ranks: [{star: 1, min_total: 5}, {star: 2, min_total: 8}]}", "must fall from the best"),
    "rank out of reach": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nresult: {kind: points_to_stars, ranks: [{star: 1, min_total: 90}]}", "Nobody can reach 90"),
    "share of 80": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nresult: {kind: points_to_stars, ranks: [{star: 1, min_total: 9, min_share_each_domain: 80}]}", "This must not be above 1."),
    "nameless rank": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nresult: {kind: points_to_stars, ranks: [{min_total: 9}]}", "Name a grade or a star"),
    "veto on nothing": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nvetoes: [{id: V, title: v, effect: zero_item, items: [Z]}]", "vetoes[V].items[1]: There is no item “Z”."),
    "veto without max": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nvetoes: [{id: V, title: v, effect: cap_total}]", "Missing here: max."),
    "veto with too much": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nvetoes: [{id: V, title: v, effect: exclude, max: 2}]", "This has no effect here."),
    "no stars to cap": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nvetoes: [{id: V, title: v, effect: cap_star, max: 2}]", "gives no stars"),
    "condition of two": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\ngates: [{id: G, title: g, when: {fact: a, met: X}}]", "exactly one of: all, any"),
    "condition of nothing": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\ngates: [{id: G, title: g, when: {of: X}}]", "compares with nothing"),
    "condition on air": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\ngates: [{id: G, title: g, when: {of: Z, ge: 1}}]", "There is no item “Z”"),
    "code in a condition": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\ngates: [{id: G, title: g, when: 'staffing >= 4'}]", "This must be a group of named settings"),
    "bonus without end": ("total: {points: 10}", "indicators:\n" + GOOD_ITEM + "\nbonus: {items: [{id: P, title: p, rule: {kind: points_per_unit, per: 1}}]}", "Nothing limits these points"),
    "negative points": ("total: {points: -5}", "indicators:\n" + GOOD_ITEM, "This must not be below 0."),
    "points as text": ("total: {points: '10'}", "indicators:\n" + GOOD_ITEM, "This must be a number, not “10”."),
    "no start": ("total: {points: null}", "result: {kind: star_adjust, start: z, ratings: [{id: a}]}", "There is no rating “z”."),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_a_wrong_scheme_is_told_in_words(name: str) -> None:
    total, rest, words = WHOLE[name]
    assert words in complaints(f"schema: 1\nid: s\ntitle: 云溪县小表\n{total}\n{rest}\n")


def test_every_problem_of_a_file_is_told_at_its_own_line() -> None:
    text = DEFAULT.read_text("utf-8")
    text = text.replace("id: C5", "id: C4").replace("{ge: 1, points: 8}", "{ge: 1, points: 9}")
    words = complaints(text)
    lines = [line for line, row in enumerate(text.splitlines(), 1) if "id: C4" in row or "points: 9}" in row]
    assert f"Line {lines[0]}, indicators[C].children[C1].rule.bands[1]" in words
    assert f"Line {lines[2]}, indicators[C].children[C4].id: The id “C4” stands twice." in words


def test_a_problem_speaks_the_readers_language() -> None:
    with pytest.raises(engine.RubricError) as caught:
        engine.load("schema: 1\nid: s\ntitle: t\ntotal: {points: many}\n")
    words = {"Line %(line)s, %(path)s: %(what)s": "第 %(line)s 行 %(path)s：%(what)s", "a number": "数字"}
    (problem,) = caught.value.problems
    assert problem.text(lambda msgid: words.get(msgid, msgid)).startswith(
        "第 4 行 total.points：This must be 数字"
    )
