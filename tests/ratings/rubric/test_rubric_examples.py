"""The default and five real schemes: every worked case, through the library and through the command line."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.ratings import rubric as engine
from tests.ratings.rubric.sheets import DEFAULT, EXAMPLES, scored

CASES = [
    pytest.param(path, case, id=f"{path.stem}-{number}")
    for path in EXAMPLES
    for number, case in enumerate(engine.load(path.read_bytes()).settings["cases"], 1)
]
FOLDER = DEFAULT.parent


def found_in(result: dict[str, Any], item_id: str) -> dict[str, Any]:
    """One item of a result as JSON, however deep it lies."""
    todo = [*result["items"], *result["bonus"]["items"], *result["deductions"]["items"]]
    while todo:
        item = todo.pop()
        if item["id"] == item_id:
            return item
        todo.extend(item.get("children", ()))
    raise AssertionError(item_id)


def compare(result: dict[str, Any], expect: dict[str, Any]) -> None:
    """The result holds what the case expects."""
    for name, wanted in expect.items():
        if name != "items":
            assert result[name] == wanted, name
            continue
        for item_id, values in wanted.items():
            item = found_in(result, item_id)
            for key, value in (values if isinstance(values, dict) else {"points": values}).items():
                found = item[key] if key in item else item["figures"][key]
                same = (
                    Fraction(found) == Fraction(value)
                    if isinstance(found, str) and key not in ("state", "grade")
                    else found == value
                )
                assert same, (item_id, key, found, value)


def test_there_are_the_default_and_five_real_schemes() -> None:
    assert len(EXAMPLES) == 6
    assert len(CASES) >= 34


@pytest.mark.parametrize(("path", "case"), CASES)
def test_a_case_comes_out_through_the_library(path: Path, case: dict[str, Any]) -> None:
    result = scored(engine.load(path.read_bytes()), json.loads(json.dumps(case["inputs"], default=float)))
    compare(engine.as_json(result), case["expect"])


@pytest.mark.parametrize(("path", "case"), CASES)
def test_a_case_comes_out_on_the_command_line(
    one_app: Flask, tmp_path: Path, path: Path, case: dict[str, Any]
) -> None:
    inputs = tmp_path / "inputs.json"
    inputs.write_text(json.dumps(case["inputs"], default=float), "utf-8")
    answer = one_app.test_cli_runner().invoke(args=["rubric", "score", str(path), str(inputs)])
    assert answer.exit_code == 0, answer.output
    compare(json.loads(answer.stdout), case["expect"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_right_by_its_own_cases(path: Path) -> None:
    assert engine.failed_cases(engine.load(path.read_bytes())) == []


def test_a_case_that_expects_something_else_is_told_in_words() -> None:
    text = DEFAULT.read_text("utf-8").replace("shrunk: 91.75", "shrunk: 91.76")
    (problem,) = engine.failed_cases(engine.load(text))
    assert problem.text() == "cases[1]: F1.shrunk is 91.75, expected was 91.76."


def test_exactly_eighty_percent_is_not_more_than_eighty() -> None:
    rubric = engine.load((FOLDER / "home_school_cooperation_25_items.yaml").read_bytes())
    by_count = scored(rubric, {"items": {"C12": {"numerator": 400, "denominator": 500}}}).of("C12")
    assert (by_count.points, by_count.band) == (2, "> 0.60")


def test_everything_full_is_the_full_total() -> None:
    rubric = engine.load(DEFAULT.read_bytes())
    result = scored(rubric, full_inputs())
    assert (result.base, result.total, result.standing.star, result.complete) == (100, 100, 5, True)
    assert result.standing.next == ()


def test_why_not_the_next_star_names_every_gap() -> None:
    inputs = full_inputs()
    inputs["items"]["C1"] = {"ratio": 0.5}
    inputs["items"]["C2"] = {"shortfall": 5}
    result = scored(engine.load(DEFAULT.read_bytes()), inputs)
    assert (result.total, result.standing.star) == (88, 2)
    assert [message.text() for message in result.standing.next] == [
        "“Home visits” reaches 40.909091 % of its points; needed are 60 %."
    ]


def test_the_questionnaire_of_too_few_leaves_the_domain_scaled() -> None:
    inputs = full_inputs()
    inputs["items"]["F1"] = {"n": 5, "invited": 400, "mean": 99, "district_mean": 88}
    inputs["items"]["F3"] = {"points": 0}
    result = scored(engine.load(DEFAULT.read_bytes()), inputs)
    domain = result.of("F")
    assert (result.of("F1").state, domain.points, domain.reach) == ("not_applicable", 6, 12)
    assert "6 of 12 points apply" in domain.reasons[0].text()


def full_inputs() -> dict[str, Any]:
    """The facts of a primary school that did everything."""
    return {
        "rubric": "default_home_school_star_rubric",
        "school": {"stage": "primary"},
        "items": {
            "A1": {"present": {"head": True, "duties": True, "plan": True}},
            "A2": {"missing": 0},
            "A3": {"count": 2},
            "B1": {"counts": {"term1": 2, "term2": 4}},
            "B2": {"count": 8},
            "B3": {"numerator": 95, "denominator": 100},
            "B4": {"present": {"catalogue": True, "transition": True}},
            "B5": {"counts": {"term1": 1, "term2": 1}},
            "B6": {"level": "county"},
            "C1": {"numerator": 300, "denominator": 300},
            "C2": {"shortfall": 0},
            "C3": {"ratio": 1},
            "C4": {"population": 300, "checked": 30, "passed": 30},
            "C5": {"numerator": 9, "denominator": 10},
            "D1": {"present": {"levels": True, "charter": True, "election": True}},
            "D2": {"counts": {"term1": 2, "term2": 2}},
            "D3": {"met": True},
            "D4": {"points": 3},
            "E1": {"ratio": 1},
            "E2": {"count": 2},
            "E3": {"numerator": 20, "denominator": 20},
            "E4": {"ratio": 0.9},
            "F1": {"n": 200, "invited": 300, "mean": 95, "district_mean": 90},
            "F2": {"numerator": 2, "denominator": 2},
            "F3": {"points": 3},
            "P1": {"awards": {"city": 1}},
        },
    }
