"""Small rubrics for the tests, written the way a district would write them."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from portal.ratings import rubric as engine
from portal.ratings.rubric import ItemResult, Result, Rubric, RubricError

EXAMPLES = sorted(Path(engine.__file__).parent.joinpath("examples").glob("*.yaml"))
DEFAULT = Path(engine.__file__).parent / "examples" / "default.yaml"


def sheet(rule: str, points: object = 10, more: str = "", top: str = "") -> str:
    """A rubric with the single item X; ``rule`` is the inside of its rule, ``more`` further lines of the item."""
    return f"""schema: 1
id: sheet
title: 云溪县小表
total: {{points: {points}}}
{top}
indicators:
  - id: X
    title: 望溪小学的一项
    points: {points}
    {more}
    rule: {{{rule}}}
"""


def item(rule: str, facts: dict[str, Any] | None, points: object = 10, **rest: Any) -> ItemResult:
    """The result of item X for its facts; ``more`` and ``top`` as in ``sheet``, everything else goes to the inputs."""
    return whole(rule, facts, points, **rest).of("X")


def whole(
    rule: str, facts: dict[str, Any] | None, points: object = 10, more: str = "", top: str = "", **inputs: Any
) -> Result:
    """The whole result of a rubric with item X."""
    rubric = engine.load(sheet(rule, points, more, top))
    return scored(rubric, {**inputs, **({"items": {"X": facts}} if facts is not None else {})})


def scored(rubric: Rubric, inputs: dict[str, Any]) -> Result:
    """Scored as the command line does: through JSON text."""
    return engine.score(rubric, engine.read_json(json.dumps(inputs, default=str)))


def points(rule: str, facts: dict[str, Any], full: object = 10, **rest: Any) -> Fraction | None:
    """The points of item X."""
    return item(rule, facts, full, **rest).points


def complaints(text: str | bytes) -> str:
    """Everything that is wrong with a rubric, in English, one problem a line; it must be wrong."""
    with pytest.raises(RubricError) as caught:
        engine.load(text)
    return "\n".join(problem.text() for problem in caught.value.problems)


def refusals(rule: str, facts: object, full: object = 10, **rest: Any) -> str:
    """Everything that is wrong with the facts of item X; they must be wrong."""
    with pytest.raises(RubricError) as caught:
        item(rule, facts, full, **rest)  # type: ignore[arg-type]
    return "\n".join(problem.text() for problem in caught.value.problems)
