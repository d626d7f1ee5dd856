"""docs/rubrics.md is right: its examples work, and it tells everything the engine knows, and nothing else."""

import json
import re
from fractions import Fraction

import pytest

from portal.config import ROOT
from portal.ratings import rubric as engine
from portal.ratings.rubric.combining import COMBINE
from portal.ratings.rubric.conditions import FORMS, HEADS
from portal.ratings.rubric.rulechecking import CHECKS
from portal.ratings.rubric.rules import RULES
from portal.ratings.rubric.shape import inputs_schema, rubric_schema
from portal.ratings.rubric.standing import STANDINGS
from portal.ratings.rubric.vetoing import EFFECTS
from tests.ratings.rubric.sheets import scored

PAGE = (ROOT / "docs" / "rubrics.md").read_text("utf-8")
RULE_PART = PAGE.split("## 四、")[1].split("## 五、")[0]
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", RULE_PART, re.M | re.S))
DEFINED = rubric_schema()["$defs"]


def block(text: str, name: str) -> str:
    """The inside of the fenced block ```name```."""
    found = re.search(rf"^```{name}\n(.*?)^```", text, re.M | re.S)
    assert found, name
    return found[1]


def test_a_rule_kind_is_one_function_one_check_two_schema_entries_and_one_section() -> None:
    kinds = set(RULES)
    assert kinds == set(CHECKS) == set(SECTIONS) == set(DEFINED["rule"]["properties"]["kind"]["enum"])
    assert kinds == {name[5:] for name in DEFINED if name.startswith("rule_")}
    assert kinds == {name[6:] for name in inputs_schema()["$defs"] if name.startswith("facts_")}
    assert len(kinds) == 20


def test_results_effects_combinations_and_conditions_agree_with_schema_and_page() -> None:
    assert set(STANDINGS) == set(DEFINED["result"]["properties"]["kind"]["enum"])
    assert set(EFFECTS) == set(DEFINED["veto"]["properties"]["effect"]["enum"])
    assert set(COMBINE) == set(DEFINED["item"]["properties"]["combine"]["enum"])
    assert set(FORMS) == set(HEADS) <= set(DEFINED["condition"]["properties"])
    for name in (
        *STANDINGS,
        *EFFECTS,
        *COMBINE,
        *rubric_schema()["properties"],
        *DEFINED["item"]["properties"],
    ):
        assert f"`{name}`" in PAGE or f"`{name}:" in PAGE, name
    for name in HEADS:
        assert f"{{{name}:" in PAGE, name


@pytest.mark.parametrize("kind", RULES)
def test_a_section_names_every_setting_and_fact_of_its_rule(kind: str) -> None:
    settings = set(DEFINED[f"rule_{kind}"]["properties"]) - {"kind"}
    facts = set(inputs_schema()["$defs"][f"facts_{kind}"]["properties"])
    for name in settings | facts:
        assert re.search(rf"`{name}[`:]|\"{name}\"", SECTIONS[kind]), name


@pytest.mark.parametrize("kind", RULES)
def test_every_setting_of_a_rule_has_a_default_or_is_required(kind: str) -> None:
    rule = DEFINED[f"rule_{kind}"]
    for name, setting in rule["properties"].items():
        inner = DEFINED[setting["$ref"].rpartition("/")[2]] if "$ref" in setting else {}
        assert name in rule["required"] or "default" in setting or "default" in inner, name


@pytest.mark.parametrize("kind", RULES)
def test_the_example_of_a_rule_gives_what_the_page_says(kind: str) -> None:
    item = engine.read_yaml(block(SECTIONS[kind], "yaml item")).data
    assert isinstance(item, dict) and item["rule"]["kind"] == kind
    facts = json.loads(block(SECTIONS[kind], "json facts"))
    values = {
        "schema": 1,
        "id": "s",
        "title": "t",
        "total": {"points": item.get("points")},
        "allow_relative": True,
        "indicators": [item],
    }
    result = scored(
        engine.load(engine.as_yaml(values)), {"school": {"stage": "primary"}, "items": {"X": facts}}
    )
    told = re.search(r"^结果：(.+)$", SECTIONS[kind], re.M)
    assert told and result.complete
    points = result.of("X").points
    assert (points is None) == (told[1] == "不计分")
    if points is not None:
        assert told[1] == f"{engine.as_json(result)['items'][0]['points']} 分"
        assert points == Fraction(told[1].split()[0])


@pytest.mark.parametrize(("number", "total", "star"), [(0, Fraction("15.5"), 3), (1, None, 5)])
def test_the_whole_examples_of_the_page_work(number: int, total: Fraction | None, star: int) -> None:
    rubrics = re.findall(r"^```yaml rubric\n(.*?)^```", PAGE, re.M | re.S)
    inputs = re.findall(r"^```json inputs\n(.*?)^```", PAGE, re.M | re.S)
    assert len(rubrics) == len(inputs) == 2
    result = scored(engine.load(rubrics[number]), json.loads(inputs[number]))
    assert (result.total, result.standing.star, result.complete) == (total, star, True)


def test_the_engine_knows_neither_web_nor_database() -> None:
    for path in (ROOT / "portal" / "ratings" / "rubric").glob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith(("import portal", "from portal")):
                assert line.startswith("from portal.ratings.rubric"), (path.name, line)
            assert not re.match(r"(from|import) (flask|sqlalchemy|werkzeug)", line), (path.name, line)
