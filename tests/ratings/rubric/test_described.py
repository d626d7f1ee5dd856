"""Schemes as collections describe them: five real ones, our default and two invented ones, with their worked cases."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.ratings import rubric as engine
from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.described.scheme import described, is_described
from portal.ratings.rubric.loading import told
from portal.ratings.rubric.reading import Document, read_yaml

FOLDER = Path(__file__).parent / "described"
FILES = sorted(FOLDER.glob("*.yaml"))
REAL = [path for path in FILES if path.name < "9"]
INVENTED = FOLDER / "90_invented.yaml"
ODD: list[Any] = [
    None, "", 0, -1, 5, Decimal("0.5"), True, "all", [], {}, ["x"], {"a": 1}, [[1]], {"kind": "veto"}, [None], "12%", {"id": 1},
]  # fmt: skip


def names(paths: list[Path]) -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in paths]


def run(app: Flask, *words: object) -> Any:
    return app.test_cli_runner().invoke(args=["rubric", *map(str, words)])


@pytest.mark.parametrize("path", names(REAL))
def test_every_worked_case_comes_out(path: Path) -> None:
    data = read_yaml(path.read_bytes()).data
    assert isinstance(data, dict)
    found = told(path.read_bytes())
    rubric = checked(found.document)

    assert found.remarks == []
    assert engine.failed_cases(rubric) == []
    assert len(rubric.settings["cases"]) == len(data.get("cases", []))


@pytest.mark.parametrize("path", names(REAL))
def test_a_description_becomes_our_own_form_and_stays_the_same(path: Path) -> None:
    rubric = engine.load(path.read_bytes())
    text = engine.as_yaml(told(path.read_bytes()).document.data)  # type: ignore[arg-type]

    assert not is_described(read_yaml(text).data)
    assert engine.load(text).settings == rubric.settings


def test_a_wrong_case_is_found(tmp_path: Path) -> None:
    path = FOLDER / "22_xuchang_kindergarten_deductions.yaml"
    wrong = path.read_text("utf-8").replace("per_child_m2: 12}, expect: 2", "per_child_m2: 12}, expect: 3")
    assert [problem.text() for problem in engine.failed_cases(engine.load(wrong))] == [
        "cases[5]: 7.points is 2, expected was 3."
    ]


@pytest.mark.parametrize("path", names(REAL))
def test_the_command_line_checks_and_scores_it(one_app: Flask, tmp_path: Path, path: Path) -> None:
    answer = run(one_app, "check", path)
    assert (answer.exit_code, answer.stderr) == (0, "")
    cases = engine.load(path.read_bytes()).settings["cases"]
    if not cases:
        return
    (tmp_path / "facts.json").write_text(json.dumps(cases[0]["inputs"], default=float), "utf-8")
    answer = run(one_app, "score", path, tmp_path / "facts.json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["rubric"] == engine.load(path.read_bytes()).id


def test_the_browser_takes_it_and_runs_its_cases(as_: Any) -> None:
    client = as_("张建平")
    for path in REAL:
        page = client.page("/ratings/rubrics/new").press("检查并保存", text=path.read_text("utf-8"))
        rubric = engine.load(path.read_bytes())
        number = len(rubric.settings["cases"])
        assert page.status == 200 and engine.title_text(rubric.title) in page.text
        assert not number or f"{number} 个，结果全部对得上" in page.text, page.text


def test_what_cannot_be_read_exactly_is_judged_and_told(one_app: Flask, tmp_path: Path) -> None:
    answer = run(one_app, "check", INVENTED)
    assert answer.exit_code == 0
    assert "3-3：规则没有写得可以直接计分，改由评审评定，原话记在备注里。" in answer.stdout
    assert "第 19 个算例没有读懂，没有带入。" in answer.stdout
    rubric = engine.load(INVENTED.read_bytes())
    item = next(one for one in rubric.walk() if one.id == "3-3")
    assert (item.kind, "mostly good" in item.settings["notes"]) == ("judged", True)
    assert {one.id for one in rubric.walk() if one.kind == "binary"} == {"3-1-1"}
    assert engine.failed_cases(rubric) == []


def test_stars_from_points_alone() -> None:
    rubric = engine.load((FOLDER / "91_invented_points.yaml").read_bytes())
    assert engine.failed_cases(rubric) == []
    assert len(rubric.settings["cases"]) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("per: 3, gate", "per: 三, gate"), "1：规则没有写得可以直接计分"),
        (("points: 34", "points: 三十四"), "B1：分值没有读懂，只记在备注里。"),
        (("points: 34", "points: ３４"), "没有问题"),
        (("tree:", "trees:"), "考评细则要有指标"),
    ],
)
def test_faults_are_told_with_their_place(
    one_app: Flask, tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    path = FOLDER / "22_xuchang_kindergarten_deductions.yaml"
    (tmp_path / "changed.yaml").write_text(path.read_text("utf-8").replace(*change, 1), "utf-8")
    answer = run(one_app, "check", tmp_path / "changed.yaml")
    assert words in answer.stdout + answer.stderr


@given(st.integers(min_value=0))
@settings(max_examples=40)
def test_whatever_stands_there_is_taken_or_refused_in_words(seed: int) -> None:
    chance = Random(seed)
    data = copy.deepcopy(read_yaml(chance.choice(FILES).read_bytes()).data)
    for _change in range(chance.randint(1, 4)):
        *way, last = chance.choice([path for path in _paths(data) if path])
        place: Any = data
        for step in way:
            place = place[step]
        if chance.random() < 0.1:
            del place[last]
        else:
            place[last] = chance.choice(ODD)
    if not is_described(data):
        return
    try:
        rubric = checked(described(Document(data)).document)
    except engine.RubricError as error:
        assert error.problems
    else:
        engine.failed_cases(rubric)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(way for step, one in inner for way in _paths(one, (*path, step)))]
