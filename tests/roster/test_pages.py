"""Rosters on screen: upload, look, confirm, undo; the district for all, a school for itself."""

import io
import zipfile

import openpyxl
import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.roster.models import RosterImport
from portal.schools.models import Pupil
from tests.roster import builders
from tests.roster.builders import ENROLMENTS

DISTRICT, OFFICE, OTHER_OFFICE, OTHER_DISTRICT = "张建平", "何静", "罗敏", "唐芸"
OWN = {
    "学校": None,
    "年级班级": [("学年", "年级", "班级"), ("2026-2027", "三年级", "三(2)班")],
    "教职工": None,
    "学生": [("班级", "姓名"), ("三(2)班", "林小禾")],
    "监护人": [("班级", "学生姓名", "监护人姓名", "关系", "手机号"), ("三(2)班", "林小禾", "林大树", "爸爸", "13800002222")],
}  # fmt: skip


def upload(client, path, extent="full", name="名册.zip"):
    page = client.page("/roster/new")
    return page.press("上传并检查", file=[(io.BytesIO(path.read_bytes()), name)], extent=extent)


def addresses(page):
    """Where the links of a page lead."""
    return [link.get("href") or "" for link in page.all("a")]


def pupils(name):
    found = list(db.session.scalars(select(Pupil.name).where(Pupil.name == name, Pupil.left_on.is_(None))))
    db.session.commit()
    return found


def test_district_staff_bring_a_roster_in_look_and_undo(as_, tmp_path):
    client = as_(DISTRICT)
    page = upload(client, builders.package(tmp_path / "town.zip"))

    assert page.heading == "名册.zip"
    assert "已检查" in page.text and "学生" in page.text
    assert pupils("林小禾") == []

    listed = client.page(next(url for url in addresses(page) if "table=pupil" in url and "action=add" in url))
    assert "林小禾" in listed.text and "users.csv 第 3 行" in listed.text

    page = page.press("确认导入")
    assert "名册已导入" in page.text and pupils("林小禾") == ["林小禾"]

    page = page.press("撤销这次导入")
    assert "已撤销" in page.text and pupils("林小禾") == []
    assert "名册.zip" in client.page("/roster/").text


def test_errors_are_listed_and_stand_in_the_annotated_package(as_, tmp_path):
    client = as_(DISTRICT)
    bad = {"enrollments.csv": ENROLMENTS + "=1+1,,,c99,wangxi,lin,student,,,\n"}
    page = upload(client, builders.package(tmp_path / "town.zip", bad))

    assert (
        "有 1 处错误" in page.text
        and "找不到班级“c99”" in page.text
        and "enrollments.csv 第 4 行" in page.text
    )
    assert "确认导入" not in page.buttons
    answer = client.get(page.links["下载标出问题的文件"])
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        lines = archive.read("enrollments.csv").decode("utf-8-sig").splitlines()
    assert lines[0].endswith(",问题")
    assert lines[3] == "'=1+1,,,c99,wangxi,lin,student,,,,找不到班级“c99”。"


def test_the_annotated_workbook_keeps_the_rows_and_says_what_is_wrong(as_, tmp_path):
    client = as_(DISTRICT)
    pupils_sheet = [*builders.SHEETS["学生"], ("三(9)班", "=白小鹿", "9")]
    page = upload(client, builders.workbook(tmp_path / "town.xlsx", {"学生": pupils_sheet}), name="名册.xlsx")

    answer = client.get(page.links["下载标出问题的文件"])
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    row = [cell.value for cell in book["学生"][3]]
    assert row == ["找不到班级“YX001 三(9)班”。", "三(9)班", "=白小鹿", "9"]
    assert book["学生"]["C3"].data_type == "s"


def test_a_school_office_brings_in_its_own_school(as_, tmp_path):
    client = as_(OFFICE)
    page = upload(client, builders.workbook(tmp_path / "own.xlsx", OWN), extent="delta", name="本校.xlsx")

    assert "有 0 处" not in page.text and "确认导入" in page.buttons
    page.press("确认导入")
    assert pupils("林小禾") == ["林小禾"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"学生": [("学校代码", "班级", "姓名"), ("YX02", "二(1)班", "林小禾")], "监护人": None}, "您只能导入本校"),
        ({"学校": [("学校代码", "学校名称", "学段"), ("YX02", "东塔小学", "小学")], "年级班级": None, "学生": None, "监护人": None}, "您只能导入本校"),
        ({"教职工": [("姓名", "岗位"), ("周明月", "校长")]}, "校长和学校办公室由教育局任命"),
    ],
)  # fmt: skip
def test_a_school_office_touches_no_other_school_and_no_head(as_, tmp_path, changed, words):
    page = upload(as_(OFFICE), builders.workbook(tmp_path / "own.xlsx", {**OWN, **changed}), extent="delta")

    assert words in page.text and "确认导入" not in page.buttons


def test_a_school_office_does_not_rename_its_school(as_, tmp_path):
    own = {**OWN, "学校": [("学校代码", "学校名称", "学段"), ("YX01", "新名小学", "小学")]}
    page = upload(as_(OFFICE), builders.workbook(tmp_path / "own.xlsx", own), extent="delta")

    assert "确认导入" in page.buttons and not any("table=school&" in url for url in addresses(page))


@pytest.mark.parametrize(
    ("name", "role", "status"),
    [(OFFICE, None, 404), (OTHER_OFFICE, None, 404), (OTHER_DISTRICT, None, 404), ("李晚晴", None, 403), ("王雪", None, 403), (DISTRICT, None, 200)],
)  # fmt: skip
def test_who_may_look_at_an_import(as_, tmp_path, name, role, status):
    upload(as_(DISTRICT), builders.package(tmp_path / "town.zip"))
    found = db.session.scalar(select(RosterImport.public_id).order_by(RosterImport.id.desc()))
    db.session.commit()

    assert as_(name, role).get(f"/roster/{found}").status_code == status


def test_a_district_sees_what_its_schools_bring_in(as_, tmp_path):
    upload(as_(OFFICE), builders.workbook(tmp_path / "own.xlsx", OWN), name="本校.xlsx")

    assert "本校.xlsx" in as_(DISTRICT).page("/roster/").text
    assert "本校.xlsx" not in as_(OTHER_OFFICE).page("/roster/").text


def test_no_file_is_told_at_the_field(as_):
    page = as_(DISTRICT).page("/roster/new").press("上传并检查")

    assert page.status == 422 and "请选择名册文件" in page.text


def test_a_file_that_is_none_is_told_in_words(as_, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"hello")
    page = upload(as_(DISTRICT), path)

    assert "既不是 .xlsx 表格，也不是 OneRoster 压缩包" in page.text and "上传改好的文件" in page.links


def test_what_cannot_be_done_is_refused_in_words(as_, tmp_path):
    client = as_(DISTRICT)
    page = upload(client, builders.package(tmp_path / "town.zip"))
    withdrawn = page.press("放弃导入")
    assert "没有写入任何内容" in client.page(withdrawn.path).text or "已放弃" in withdrawn.text

    again = page.press("确认导入")
    assert again.status == 409 and "现在不需要确认" in again.text


@pytest.mark.parametrize(
    "path", ["changes", "changes?table=pupil", "changes?table=person_x&action=add", "annotated"]
)
def test_addresses_that_lead_nowhere_are_404(as_, tmp_path, path):
    client = as_(DISTRICT)
    page = upload(client, builders.workbook(tmp_path / "t.xlsx"), name="t.xlsx")

    if path != "annotated":
        assert client.get(f"{page.path}/{path}").status_code == 404
    assert client.get(f"/roster/nobody/{path}").status_code == 404


def test_the_template_is_downloaded(as_):
    answer = as_(OFFICE).get("/roster/template")

    assert answer.status_code == 200
    assert "学生" in openpyxl.load_workbook(io.BytesIO(answer.data)).sheetnames
