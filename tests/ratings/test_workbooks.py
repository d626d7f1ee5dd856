"""Rubrics in and out as workbooks, through the pages and the command line, and what is refused at the door."""

import io
import zipfile

import openpyxl
import pytest
from sqlalchemy import func, select

from portal.extensions import db
from portal.i18n import gettext
from portal.ratings.files import read_file
from portal.ratings.models import Round, RubricVersion
from portal.ratings.rubric import RubricError, read_yaml
from tests.ratings.rubric.sheets import EXAMPLES
from tests.ratings.rubric.test_rubric_tables import OFFICE
from tests.ratings.test_journey import this_years_entry

KEEP = "检查并保存"


def office_workbook(rows=OFFICE):
    """A table as an office keeps it: merged cells, a hidden sheet, another sheet in front."""
    book = openpyxl.Workbook()
    book.active.title = "通知"
    book.active["A1"] = "关于报送材料的通知"
    sheet = book.create_sheet("评分表")
    for line, cells in rows:
        for place, cell in enumerate(cells, 1):
            if cell != "":
                sheet.cell(line, place, cell)
    sheet.merge_cells("A1:L1")
    sheet.merge_cells("B4:C7")
    sheet.merge_cells("I2:J2")
    hidden = book.create_sheet("旧表")
    hidden["A1"] = "一级指标"
    hidden.sheet_state = "hidden"
    return packed(book)


def packed(book):
    """A workbook's bytes."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def send(client, raw, name="考评表.xlsx", **fields):
    """Import a file through the page."""
    return client.page("/ratings/rubrics/new").press(KEEP, file=[(io.BytesIO(raw), name)], **fields)


def versions():
    """How many versions are kept."""
    return db.session.scalar(select(func.count(RubricVersion.id)))


def test_a_workbook_that_was_taken_out_comes_back_as_the_same_rubric(as_, app):
    district = as_("张建平")
    version = db.session.get(Round, this_years_entry().round_id).rubric_version_id
    public_id = db.session.get(RubricVersion, version).public_id
    answer = district.get(f"/ratings/rubrics/{public_id}/rubric.xlsx")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="rubric-v1.xlsx"'
    before = versions()
    page = send(district, answer.data)
    assert "这份细则已经导入过了" in page.text, page.text[:300]
    assert versions() == before
    text = district.get(f"/ratings/rubrics/{public_id}/rubric.yaml").data
    assert text.decode() == db.session.get(RubricVersion, version).yaml
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    book["指标"]["B3"] = "A 组织（12分）"
    page = send(district, packed(book))
    assert versions() == before + 1
    assert "A 组织" in page.text


def test_a_table_of_an_office_is_refused_by_cell_then_read_when_inspectors_judge(as_, app):
    district = as_("张建平")
    page = send(district, office_workbook())
    assert page.status == 422
    assert "评分表 G4：这一项没有规则。请写在“规则”一列" in page.text
    assert "考评细则还不能使用" in page.text or "改好" in page.text
    page = send(district, office_workbook(), judge="y")
    assert page.heading == "云溪县家校共育考评表（2026年）"
    assert "“责任科室”一列不属于细则，没有读入。" in page.text
    assert "有 4 项没有写规则，由评审评定。" in page.text
    assert "少一次扣2分" in page.text, "the wording of the office stays with its indicator"


def bomb():
    """A small file that unpacks to a lot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 40 * 1024 * 1024)
    return out.getvalue()


def far_cell():
    """One cell at the far end of the sheet."""
    book = openpyxl.Workbook()
    book.active["XFD1048576"] = 1
    return packed(book)


def with_macros():
    """A workbook that carries a macro."""
    out = io.BytesIO(office_workbook())
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(lambda: b"PK\x03\x04 not a zip", id="damaged"),
        pytest.param(lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", id="old"),
        pytest.param(bomb, id="bomb"),
        pytest.param(far_cell, id="far-cell"),
        pytest.param(with_macros, id="macros"),
        pytest.param(lambda: packed(openpyxl.Workbook()), id="empty"),
    ],
)
def test_what_is_no_table_is_refused_in_words_and_the_typed_text_stays(as_, app, raw):
    before = versions()
    page = send(as_("张建平"), raw(), text="我正在写的文字", judge="y")
    assert page.status == 422
    assert "打不开" in page.text or "没有找到指标表" in page.text
    assert page.fields(page.form_of(KEEP))["text"] == ["我正在写的文字"]
    assert versions() == before


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024 * 1024])
def test_a_file_that_is_too_large_is_refused(as_, app, size):
    page = send(as_("张建平"), b"PK\x03\x04" + b"x" * size)
    assert page.status == 422
    assert "文件太大" in page.text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_command_line_takes_every_rubric_through_a_workbook(one_app, tmp_path, path):
    def run(*words):
        return one_app.test_cli_runner().invoke(args=["rubric", *map(str, words)])

    book, back = tmp_path / "table.xlsx", tmp_path / "back.yaml"
    assert run("convert", path, book).exit_code == 0
    answer = run("convert", book, back)
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert read_yaml(back.read_bytes()).data == read_yaml(path.read_bytes()).data
    checked = run("check", book)
    assert (checked.exit_code, checked.stderr) == (0, ""), "its worked cases hold too"


def test_the_command_line_names_the_cells_of_a_wrong_table(one_app, tmp_path):
    file = tmp_path / "office.xlsx"
    file.write_bytes(office_workbook())
    answer = one_app.test_cli_runner().invoke(args=["rubric", "check", str(file)])
    assert answer.exit_code == 1
    assert "评分表 G4：这一项没有规则。" in answer.stderr


HEADS = ["一级指标", "二级指标", "三级指标", "分值", "评分标准"]
ROWS = [
    ["组织", "领导", "有班子", 5, "有得5分"],
    ["", "", "有会议", 5, "有得5分"],
    ["", "制度", "有制度", 10, "有得10分"],
    ["家访", "覆盖", "全覆盖", 10, "每少1%扣1分"],
]
IDS = ["A1-1 5", "A1-2 5", "A2-1 10", "B1-1 10"]
ODD_HEADS = ["一 级\n指 标", "二級指標【B】", "评估要点", "分 值（分）", "评分细则〔100分〕"]
TWO_HEADS = [["指标体系", "", "", "分值", "评分标准"], ["一级指标", "二级指标", "考核内容"]]
BY_ROWS = [
    ["组织", "", "", 20],
    ["", "领导"],
    ["", "", "有班子", "５ 分"],
    ["", "", "有会议", "5分"],
    *ROWS[2:],
]
NOTES_BELOW = [["注：1.保留两位小数"], ["2. 满分30分"], ["填表人：", "", "审核人：", "", "年  月  日"]]
BELOW, TOGETHER = "看作说明，没有读入：2. 满分30分", "有 4 项没有写规则"
FITTING = {
    "headings with spaces, breaks and brackets": ([ODD_HEADS, *ROWS], TOGETHER),
    "two rows of headings": ([*TWO_HEADS, *ROWS], TOGETHER),
    "attachment, title, unit": ([["附件2"], ["评估表"], ["单位：分"], HEADS, *ROWS], TOGETHER),
    "headings again on the next page": ([HEADS, *ROWS[:2], HEADS, *ROWS[2:]], TOGETHER),
    "counted in Chinese": ([["序号", *HEADS], *(["一", *row] for row in ROWS)], TOGETHER),
    "a numbered total": ([["序号", *HEADS], *([1, *row] for row in ROWS), [5, "合计", "", "", 30]], TOGETHER),
    "a total with words": ([HEADS, *ROWS, ["合计", "", "", 30, "27分以上为优秀"]], TOGETHER),
    "groups in rows of their own": ([HEADS, *BY_ROWS], TOGETHER),
    "notes below": ([HEADS, *ROWS, *NOTES_BELOW], BELOW),
}
REFUSED = {
    "two columns of points": ([["一级指标", "分值", "二级指标", "分值"], ["组织", 20, "领导", 5]], "评分表 D1：“分值”有两列"),
    "merged points": ([HEADS, ROWS[0], ["", "", "有会议", "", "同上"]], "评分表 D3：这一项没有分值"),
    "a percentage": ([HEADS, ["组织", "领导", "有班子", "20%", "x"]], "评分表 D2：“20%”不是分值"),
    "a total in words": ([HEADS, *ROWS, ["总分（满分100分）"]], "评分表 A6：这里写的是 100，各行加起来是 30"),
    "a group of its own sum": ([HEADS, ["组织（25分）", *ROWS[0][1:]]], "评分表 A2：下级指标合计 5 分，不是 25 分"),
    "sections": ([HEADS, ["一、基础部分（30分）"], *ROWS], "评分表 A2：这一行只有名称"),
    "bonus": ([HEADS, *ROWS, ["三、加分项目", "获奖", "国家级", 5, "x"]], "评分表 A6：加分项和扣分项各有一张表"),
    "veto": ([HEADS, *ROWS, ["一票否决项", "", "重大事故", "", "x"]], "评分表 A6：否决项另有一张表"),
}  # fmt: skip


def read_in_words(rows, sheets=(), hidden=0):
    """Indicators as “id points” and the remarks, or the problems, of a workbook of these rows."""
    book = openpyxl.Workbook()
    for sheet, lines in zip([book.active, *map(book.create_sheet, sheets)], [rows] * 3, strict=False):
        for line in lines:
            sheet.append([None if cell == "" else cell for cell in line])
    book.active.title = "评分表"
    if hidden:
        book.active.row_dimensions[hidden].hidden = True
    try:
        found = read_file(packed(book), judge_without_rule=True)
    except RubricError as error:
        return [], " ".join(problem.text(gettext) for problem in error.problems)
    items = [f"{item.id} {item.points}" for item in found.rubric.walk() if item.rule]
    return items, " ".join(remark.text(gettext) for remark in found.remarks)


def test_tables_as_offices_keep_them_are_read_right_or_refused_at_the_cell(one_app):
    with one_app.test_request_context(headers={"Accept-Language": "zh-Hans"}):
        for name, (rows, told) in FITTING.items():
            items, said = read_in_words(rows)
            assert (items, told in said) == (IDS, True), (name, items, said)
        for name, (rows, told) in REFUSED.items():
            items, said = read_in_words(rows)
            assert (items, told in said) == ([], True), (name, items, said)
        items, said = read_in_words([HEADS, *ROWS], ["幼儿园"], hidden=3)
        assert items == IDS
        assert "“幼儿园”表里也有指标" in said and "“评分表”表里有隐藏的行，从第 3 行起" in said
