"""Rubrics as the tables of offices: nothing is lost on the way, nothing is guessed, every problem names its cell."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portal.ratings import rubric as engine
from portal.ratings.rubric.tables import pages
from portal.ratings.rubric.takingin import Line, Taken, take
from tests.ratings.rubric.sheets import DEFAULT, EXAMPLES, scored
from tests.ratings.rubric.test_rubric_examples import compare

Sheets = dict[str, list[Line]]
OFFICE: list[Line] = [
    (1, ["云溪县家校共育考评表（2026年）"]),
    (2, ["序号", "一级指标", "", "二级指标", "考评内容", "标准分", "评分细则", "佐证材料", "评分", "", "备注", "责任科室"]),
    (3, [""] * 8 + ["自评", "考评得分"]),
    (4, [1.0, "一、组织管理\n（20 分）", "", "A1领导机构", "校长任家长学校校长", "５", "是得5分", "任命文件", "4.0"]),
    (5, [2.0, "", "", "", "有专题会议", 5.0, "少一次扣2分", "会议记录", "5", "", "按学年", "基教科"]),
    (6, ["", "", "", "", "", "", "没有记录的不计"]),
    (7, [3.0, "", "", "A2制度建设", "制度上墙", "10分", "酌情给分", "实地察看"]),
    (8, ["小计", "", "", "", "", "20"]),
    (9, [4.0, "二、家访（１０分）", "", "家访覆盖", "全覆盖", 10.0, "每少1%扣1分"]),
    (10, ["合计", "", "", "", "", 30.0]),
    (11, ["注：得分保留两位小数"]),
    (12, ["填表人：        审核人："]),
]  # fmt: skip


def values_of(path: Path) -> dict[str, Any]:
    """The values of a rubric's file."""
    data = engine.read_yaml(path.read_bytes()).data
    assert isinstance(data, dict)
    return data


def sheets_of(values: dict[str, Any]) -> Sheets:
    """The rows of a rubric's workbook as they come back from a spreadsheet program: numbers as floats."""
    return {
        page.name: [
            (1, list(page.headings)),
            *(
                (
                    line,
                    [
                        "" if cell is None else float(cell) if isinstance(cell, int) else cell
                        for cell in row.cells
                    ],
                )
                for line, row in enumerate(page.rows, 2)
            ),
        ]
        for page in pages(values)
    }


def problems(sheets: Sheets, judge: bool = False) -> list[str]:
    """What is wrong with a workbook, in words."""
    with pytest.raises(engine.RubricError) as refused:
        take(sheets, judge).rubric()
    return [problem.text() for problem in refused.value.problems]


def changed(place: str, cell: Any) -> Sheets:
    """The workbook of the default rubric with one cell changed: “指标 G3”."""
    sheets = sheets_of(values_of(DEFAULT))
    name, _space, address = place.partition(" ")
    column, line = ord(address[0]) - 65, int(address[1:])
    row = next(cells for number, cells in sheets[name] if number == line)
    row += [""] * (column + 1 - len(row))
    row[column] = cell
    return sheets


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_rubric_comes_back_from_its_table_and_its_cases_hold(path: Path) -> None:
    values = values_of(path)
    taken = take(sheets_of(values))
    assert (taken.problems, taken.remarks) == ([], [])
    assert taken.values == values
    rubric = taken.rubric()
    assert rubric.settings["cases"]
    for case in rubric.settings["cases"]:
        compare(
            engine.as_json(scored(rubric, json.loads(json.dumps(case["inputs"], default=float)))),
            case["expect"],
        )
    assert engine.read_yaml(engine.as_yaml(taken.values)).data == values


def odd_titles(values: dict[str, Any]) -> None:
    """Titles and ids that look like something else in a cell."""
    first, second = values["indicators"][:2]
    first["title"] = "组织（12分）"
    second["title"] = "A1 家长学校"
    first["children"][0]["title"] = {"en": "Only English"}
    first["children"][1] |= {
        "title": "小计 按项",
        "standard": "原话：\n  两行",
        "notes": " 前后有空格 ",
        "source": "",
    }
    del first["children"][2]["title"]
    first["children"][2] |= {"floor": -2, "always_applies": True, "points": first["children"][2]["points"]}
    first["children"][2]["applies_when"] = {"school": "stage", "in": ["primary", "junior"]}


def one_deep(values: dict[str, Any]) -> None:
    """A group within a group within a group, and a rule on the top level."""
    leaf = values["indicators"][0]["children"].pop()
    values["indicators"][0]["children"].append(
        {
            "id": "深",
            "title": "深处",
            "children": [{"id": "深1", "children": [{"id": "深2", "children": [leaf]}]}],
        }
    )
    values["indicators"].append(
        {"id": "Z", "title": "附", "points": 0, "floor": -3, "rule": {"kind": "judged"}}
    )


def not_stated(values: dict[str, Any]) -> None:
    """Points that nobody stated, of a group and of an item; fractions; a group without a title."""
    values["total"] = {"points": None}
    values["indicators"] = [
        {"id": "甲", "points": None, "children": [{"id": "甲1", "points": None, "rule": {"kind": "judged"}}]},
        {"id": "乙", "children": [{"id": "1", "title": "份", "points": "2/3", "rule": {"kind": "binary"}}]},
    ]
    values["result"] = {"kind": "none"}
    values["cases"] = []
    del values["bonus"]


@pytest.mark.parametrize("change", [odd_titles, one_deep, not_stated])
def test_odd_rubrics_come_back_too(change: Callable[[dict[str, Any]], None]) -> None:
    values = values_of(DEFAULT)
    change(values)
    taken: Taken = take(sheets_of(values))
    assert taken.problems == []
    assert taken.values == values


@pytest.mark.parametrize(
    ("place", "cell", "told"),
    [
        ("指标 E3", "四分", "指标 E3: “四分” is not a number of points."),
        ("指标 E3", {"day": "2026-02-03"}, "指标 E3: Here stands a date. Write the number as text, for example 2/3."),
        ("指标 G2", "随便打分", "指标 G2: “随便打分” is no kind of rule."),
        ("指标 G2", "", "指标 G2: This indicator has no rule."),
        ("指标 G4", "按次数\n周期：学期\n各级：不低于 两次，得分 4；", "指标 G4 steps[1].ge: “两次” is not a number"),
        ("指标 G4", "按次数\n各级：（不低于 2", "指标 G4: A bracket that was opened is not closed."),
        ("指标 E2", "５", "指标 B2: The children add up to 13 points, not to 12."),
        ("指标 A3", "A1", "指标 A3: The id “A1” stands twice."),
        ("设置 B6", "满分一百", "设置 B6: This must be a group of named settings, not “满分一百”."),
        ("否决项 C2", "罚款", "否决项 C2: “罚款” is not possible here."),
    ],
)  # fmt: skip
def test_a_problem_names_its_cell(place: str, cell: Any, told: str) -> None:
    found = problems(changed(place, cell))
    assert any(line.startswith(told) for line in found), found


def test_the_untouched_workbook_has_no_problem() -> None:
    assert take(changed("指标 A2", "A1")).rubric().points == 100, "control"


def test_a_table_of_an_office_says_what_it_cannot_carry() -> None:
    found = problems({"Sheet1": OFFICE})
    assert [line.partition(":")[0] for line in found] == ["Sheet1 G4", "Sheet1 G5", "Sheet1 G7", "Sheet1 G9"]
    assert "or let the inspectors judge what has none" in found[0]


def test_a_table_of_an_office_is_read_when_the_inspectors_judge() -> None:
    taken = take({"Sheet1": OFFICE}, judge_without_rule=True)
    rubric = taken.rubric()
    assert rubric.points == 30
    assert [(item.id, item.points) for item in rubric.walk() if item.rule] == [
        ("A1-1", 5), ("A1-2", 5), ("A2-1", 10), ("B1-1", 10),
    ]  # fmt: skip
    second = taken.values["indicators"][0]["children"][0]["children"][1]
    assert second["standard"] == "少一次扣2分\n没有记录的不计"
    assert second["evidence"] == ["meeting_minutes"]
    assert [remark.text() for remark in taken.remarks] == [
        "Column “责任科室” is not one of a rubric and was not read.",
        "Line 11 was taken for a remark and not read: 注：得分保留两位小数",
        "Line 12 was taken for a remark and not read: 填表人：        审核人：",
        "Scores that were filled in already were not read.",
        "4 indicators have no rule: the inspectors judge them.",
    ]


def test_groups_may_be_repeated_instead_of_merged() -> None:
    rows = [(line, list(cells)) for line, cells in OFFICE]
    rows[4][1][1], rows[4][1][3] = rows[3][1][1], rows[3][1][3]
    assert take({"Sheet1": rows}, True).values == take({"Sheet1": OFFICE}, True).values


@pytest.mark.parametrize(
    ("line", "column", "cell", "told"),
    [
        (8, 5, 21.0, "Sheet1 F8: This sum says 21, the rows come to 20."),
        (10, 5, 31.0, "Sheet1 F10: This sum says 31, the rows come to 30."),
        (6, 5, 3.0, "Sheet1 F6: This row has no indicator."),
        (9, 1, "加分项", "Sheet1 B9: Bonus items and deductions stand on sheets of their own"),
        (4, 1, "一、组织管理（19分）", "Sheet1 B4: The children add up to 20 points, not to 19."),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(line: int, column: int, cell: Any, told: str) -> None:
    rows = [(number, list(cells)) for number, cells in OFFICE]
    row = next(cells for number, cells in rows if number == line)
    row[column] = cell
    if cell == "加分项":
        row[3:5] = ["", ""]
    assert any(found.startswith(told) for found in problems({"Sheet1": rows}, True))


@pytest.mark.parametrize("sheets", [{}, {"Sheet1": []}, {"Sheet1": [(1, ["姓名", "班级"])]}])
def test_a_workbook_without_such_a_table_says_what_is_needed(sheets: Sheets) -> None:
    (told,) = problems(sheets)
    assert told.startswith("No table of indicators was found")
