"""``flask rubric check`` and ``flask rubric score`` as an operator types them."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from tests.ratings.rubric.sheets import DEFAULT, sheet


def run(app: Flask, *words: object) -> Result:
    """The answer of ``flask rubric …``."""
    return app.test_cli_runner().invoke(args=["rubric", *map(str, words)])


def test_check_answers_a_right_file_with_a_summary(one_app: Flask) -> None:
    answer = run(one_app, "check", DEFAULT)
    assert answer.exit_code == 0
    assert answer.stdout.splitlines()[:3] == [
        "“家校共育星级学校考评细则（默认模板）”没有问题。",
        "一级指标 6 个，计分项目 25 个。",
        "满分 100 分。",
    ]
    assert "Full total: 100 points." in run(one_app, "check", DEFAULT, "--language", "en").stdout


def test_check_answers_a_wrong_file_in_words_with_its_line(one_app: Flask, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(DEFAULT.read_text("utf-8").replace("{ge: 1, points: 8}", "{ge: 1, points: 9}"), "utf-8")
    answer = run(one_app, "check", wrong)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "indicators[C].children[C1].rule.bands[1].points：9 分，超过本项满分 8 分。" in answer.stderr
    assert answer.stderr.startswith(f"{wrong}: 第 ")


def test_check_runs_the_cases_of_the_file(one_app: Flask, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(DEFAULT.read_text("utf-8").replace("shrunk: 91.75", "shrunk: 91"), "utf-8")
    answer = run(one_app, "check", wrong, "--language", "en")
    assert answer.exit_code == 1
    assert "cases[1]: F1.shrunk is 91.75, expected was 91." in answer.stderr


def test_score_writes_json(one_app: Flask, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(sheet("kind: prorata, target: 3"), "utf-8")
    (tmp_path / "i.json").write_text('{"items": {"X": {"count": 1}}}', "utf-8")
    answer = run(one_app, "score", tmp_path / "r.yaml", tmp_path / "i.json")
    assert answer.exit_code == 0
    result = json.loads(answer.stdout)
    assert (result["total"], result["total_before_rounding"], result["complete"]) == (
        "3.33",
        "3.333333",
        True,
    )
    assert result["items"][0]["reasons"] == ["完成 1，目标 3，按比例计分。"]
    assert run(one_app, "score", tmp_path / "r.yaml", tmp_path / "i.json").stdout == answer.stdout


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (b'{"items": {"X": {"count": -1}}}', "items.X.count：这里不能小于 0。"),
        (b'{"items": {"Y": {}}}', "items.Y：这里没有“Y”。可以用：X。"),
        (b'{"items": {"X": {"count": NaN}}}', "“NaN”不是可用的数字"),
        (b"{", "JSON 格式有误"),
        (b"", "文件是空的。"),
    ],
)
def test_score_refuses_wrong_facts_in_words(
    one_app: Flask, tmp_path: Path, inputs: bytes, words: str
) -> None:
    (tmp_path / "r.yaml").write_text(sheet("kind: prorata, target: 3"), "utf-8")
    (tmp_path / "i.json").write_bytes(inputs)
    answer = run(one_app, "score", tmp_path / "r.yaml", tmp_path / "i.json")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert words in answer.stderr


def test_a_file_that_is_not_there_is_said_in_words(one_app: Flask, tmp_path: Path) -> None:
    for words in (
        ("check", tmp_path / "no.yaml"),
        ("check", tmp_path),
        ("score", DEFAULT, tmp_path / "no.json"),
    ):
        answer = run(one_app, *words)
        assert answer.exit_code == 1
        assert "无法读取" in answer.stderr and "Traceback" not in answer.output
