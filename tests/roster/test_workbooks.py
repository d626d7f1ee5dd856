"""Our own workbook: what offices fill in, and what spreadsheets do to it."""

import re
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
import xlsxwriter

from portal.roster import limits
from portal.roster.columns import SHEETS
from portal.roster.problems import Problem
from portal.roster.reading import read_roster
from portal.roster.rows import (
    AppointmentRow,
    ClassRow,
    EnrolmentRow,
    GuardianshipRow,
    Kind,
    PersonRow,
    PupilRow,
    SchoolRow,
)
from tests.roster import builders
from tests.roster.builders import blocking, read, told


def of(rows, kind):
    return [row for row in rows if isinstance(row, kind)]


def replaced(path, part, change):
    """Rewrite one part of a workbook's zip."""
    with zipfile.ZipFile(path) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    parts[part] = change(parts.get(part, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_a_filled_template_is_read_whole(tmp_path):
    path = builders.template(tmp_path / "roster.xlsx", **{sheet.field: sheet.examples for sheet in SHEETS})
    rows, problems = read(path)

    assert blocking(problems) == []
    assert [school.stages for school in of(rows, SchoolRow)] == [("primary",), ("primary", "junior")]
    assert [(group.name, group.grade, group.year) for group in of(rows, ClassRow)] == [
        ("三(2)班", "03", 2026),
        ("七(1)班", "07", 2026),
    ]
    assert [(link.relation, link.may_sign) for link in of(rows, GuardianshipRow)] == [
        ("爸爸", True),
        ("奶奶", False),
    ]
    teacher = of(rows, AppointmentRow)[0]
    assert (teacher.role, teacher.starts_on) == ("class_teacher", date(2026, 9, 1))
    assert {place.pupil for place in of(rows, EnrolmentRow)} == {pupil.key for pupil in of(rows, PupilRow)}


def test_an_empty_template_changes_nothing_and_says_so(tmp_path):
    rows, problems = read(builders.template(tmp_path / "roster.xlsx"))

    assert rows == [] and blocking(problems) == []
    assert told(problems) == ["This sheet has no rows; nothing of its kind is changed."] * 5


def test_the_template_marks_text_columns_and_offers_choices(tmp_path):
    book = openpyxl.load_workbook(builders.template(tmp_path / "roster.xlsx"))

    assert book.sheetnames == ["说明", "学校", "年级班级", "教职工", "学生", "监护人", "示例"]
    staff = book["教职工"]
    assert [cell.value for cell in staff[1]][:4] == ["学校代码", "姓名*", "工号", "手机号"]
    text_columns = staff.column_dimensions["A"]
    assert text_columns.number_format == "@" and text_columns.max >= 4
    assert "班主任" in staff.data_validations.dataValidation[0].formula1
    assert not any("身份证" in str(cell.value) for sheet in book.worksheets[1:6] for cell in sheet[1])


def test_headings_are_found_by_name_in_either_script_or_english_and_any_order(tmp_path):
    path = builders.workbook(
        tmp_path / "roster.xlsx",
        {
            "监护人": None,
            "學生": [("某县某校学生名册",), (), ("學號（选填）", "備註", "姓 名*", "班級(必填)"), ("20240218", "走读", "白小鹿", "三(2)班")],
            "guardians": [
                ("Phone", "Guardian name", "Relation", "Pupil name", "Class"),
                ("13800003333", "何秋云", "奶奶", "林小禾", "三(2)班"),
            ],
        },
    )  # fmt: skip
    rows, problems = read(path)

    assert blocking(problems) == []
    assert [pupil.name for pupil in of(rows, PupilRow)] == ["林小禾", "白小鹿"]
    assert of(rows, GuardianshipRow)[0].relation == "奶奶"
    assert "These columns are not used here and were left unread: 備註." in told(problems)


def test_national_numbers_are_left_unread_with_a_word(tmp_path):
    pupils = [("班级", "姓名", "身份证号", "学籍号"), ("三(2)班", "林小禾", "110101201801011234", "G1101")]
    rows, problems = read(builders.workbook(tmp_path / "roster.xlsx", {"学生": pupils}))

    assert blocking(problems) == []
    assert any("身份证号、学籍号" in words for words in told(problems))
    assert "110101201801011234" not in repr(rows)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (13800002222, "+8613800002222"),
        (13800002222.0, "+8613800002222"),
        ("１３８００００２２２２", "+8613800002222"),
        ("+86 138 0000 2222", "+8613800002222"),
        ("138-0000-2222", "+8613800002222"),
        ("\u202d13800002222\u202c", "+8613800002222"),
        ("1.3800002222E+10", "+8613800002222"),
        ("0731-85550101", "+8673185550101"),
        ("+852 2123 4567", "+85221234567"),
        ("", None),
    ],
)
def test_phones_are_read_however_the_sheet_keeps_them(tmp_path, typed, stored):
    guardians = [builders.SHEETS["监护人"][0], ("三(2)班", "林小禾", "林大树", "爸爸", typed)]
    rows, problems = read(builders.workbook(tmp_path / "roster.xlsx", {"监护人": guardians}))

    assert blocking(problems) == []
    assert of(rows, PersonRow)[1].phone == stored


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("1380000222", "A mobile number has 11 digits; this one has 10."),
        ("138000022222", "A mobile number has 11 digits; this one has 12."),
        (
            "1.38E+10",
            "The spreadsheet shortened this number to 1.38E+10. Set the column to text and type it again.",
        ),
        ("无", "“无” is not a phone number."),
        ("12345678901", "“12345678901” is not a phone number in use. Check the digits."),
        ("13800002222 或 13800003333", "“13800002222 或 13800003333” is not a phone number."),
        (0.5, "“0.5” is not a phone number."),
    ],
)
def test_a_wrong_phone_is_an_error_at_its_field(tmp_path, typed, words):
    guardians = [builders.SHEETS["监护人"][0], ("三(2)班", "林小禾", "林大树", "爸爸", typed)]
    _rows, problems = read(builders.workbook(tmp_path / "roster.xlsx", {"监护人": guardians}))

    assert blocking(problems) == [("监护人", 2, "手机号", words)]


@pytest.mark.parametrize(
    ("typed", "day", "options"),
    [
        ("2026-09-01", date(2026, 9, 1), {}),
        ("2026/9/1 08:00", date(2026, 9, 1), {}),
        ("2026年9月1日", date(2026, 9, 1), {}),
        ("２０２６．９．１", date(2026, 9, 1), {}),
        ("20260901", date(2026, 9, 1), {}),
        (46266, date(2026, 9, 1), {}),
        (46266 - 1462, date(2026, 9, 1), {"date_1904": True}),
        (datetime(2026, 9, 1), date(2026, 9, 1), {}),  # noqa: DTZ001, spreadsheets know no zones
        (datetime(2026, 9, 1), date(2026, 9, 1), {"date_1904": True}),  # noqa: DTZ001
    ],
)
def test_days_are_read_however_the_sheet_keeps_them(tmp_path, typed, day, options):
    staff = [("姓名", "岗位", "班级", "任职开始"), ("周明月", "班主任", "三(2)班", typed)]
    path = builders.workbook(
        tmp_path / "roster.xlsx", {"教职工": staff}, default_date_format="yyyy-mm-dd", **options
    )
    rows, problems = read(path)

    assert blocking(problems) == []
    assert of(rows, AppointmentRow)[0].starts_on == day


@pytest.mark.parametrize(
    ("sheet", "lines", "line", "field", "words"),
    [
        ("教职工", [("姓名", "岗位", "任职开始"), ("周明月", "校长", "2025-02-29")], 2, "任职开始", "There is no such day as 2025-02-29."),
        ("教职工", [("姓名", "岗位", "任职开始"), ("周明月", "校长", "二〇二六")], 2, "任职开始", "“二〇二六” is not a date. Write it like 2026-09-01."),
        ("教职工", [("姓名", "岗位", "任职开始", "任职结束"), ("周明月", "校长", "2026-09-01", "2026-08-31")], 2, "任职结束", "The last day is before the first day."),
        ("教职工", [("姓名", "岗位"), ("周明月", "保安")], 2, "岗位", "Choose 校长, 学校办公室, 班主任, 任课教师, 讲师 or 家委会主任 here."),
        ("教职工", [("姓名", "岗位"), ("周明月", "班主任")], 2, "班级", "Say which class this class teacher leads."),
        ("教职工", [("姓名", "岗位", "班级"), ("周明月", "班主任", "三(9)班")], 2, "", "The class “YX001 三(9)班” does not exist."),
        ("年级班级", [("学年", "年级", "班级"), ("2026-2027", "三年级", "三(2)班"), ("2026-2028", "三年级", "三(3)班")], 3, "学年", "“2026-2028” is no school year. Write it like 2026-2027."),
        ("年级班级", [("学年", "年级", "班级"), ("2026-2027", "三年级", "三(2)班"), ("2027-2028", "三年级", "三(3)班")], 3, "学年", "One workbook holds one school year; this one began with 2026."),
        ("年级班级", [("学年", "年级", "班级"), ("2026-2027", "三年级", "三(2)班"), ("2026-2027", "十三年级", "三(3)班")], 3, "年级", "“十三年级” is no grade we know; choose one from the list."),
        ("年级班级", [("学年", "年级", "班级"), ("2026-2027", "三年级", "三(2)班"), ("2026", "三年级", "三（2）班")], 3, "", "This record stands in the file twice; it was first on line 2."),
        ("年级班级", [("学校代码", "学年", "年级", "班级"), ("", "2026-2027", "三年级", "三(2)班"), ("YX999", "2026-2027", "三年级", "三(3)班")], 3, "", "The school “YX999” does not exist."),
        ("学生", [("班级", "姓名", "校内学号"), ("三(2)班", "林小禾", "1"), ("三(9)班", "白小鹿", "2")], 3, "", "The class “YX001 三(9)班” does not exist."),
        ("学生", [("班级", "姓名"), ("三(2)班", "林小禾"), ("三(2)班", "")], 3, "姓名", "This must be filled in."),
        ("学生", [("班级", "姓名"), ("三(2)班", "林小禾"), ("三(2)班", "林小禾")], 3, "姓名", "There are two pupils named 林小禾 in this class. Give both a 校内学号 so that they can be told apart."),
        ("学生", [("班级", "姓名", "校内学号"), ("三(2)班", "林小禾", "1"), ("三(2)班", "白小鹿", "1")], 3, "", "This record stands in the file twice; it was first on line 2."),
        ("学生", [("班级", "姓名"), ("三(2)班", "林小禾"), ("三(2)班", "白" * 161)], 3, "姓名", "This text has 161 characters; at most 160 fit."),
        ("学生", [("班级", "姓名", "已离校"), ("三(2)班", "林小禾", ""), ("三(2)班", "白小鹿", "也许")], 3, "已离校", "Write 是 or 否 here, not “也许”."),
        ("监护人", [("班级", "学生姓名", "监护人姓名", "关系"), ("三(2)班", "林大禾", "林大树", "爸爸")], 2, "", "The pupil “YX001 三(2)班 林大禾” does not exist."),
        ("学校", [("学校代码", "学校名称", "学段"), ("YX001", "望溪小学", "大学")], 2, "学段", "Write 幼儿园, 小学, 初中, 高中 or 中职 here, separated by 、."),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named_by_sheet_row_heading_and_reason(tmp_path, sheet, lines, line, field, words):
    _rows, problems = read(builders.workbook(tmp_path / "roster.xlsx", {sheet: lines}))

    assert (sheet, line, field, words) in blocking(problems)
    assert {(name, at) for name, at, _field, _words in blocking(problems)} == {(sheet, line)}


def test_a_control_character_is_refused(tmp_path):
    path = builders.workbook(
        tmp_path / "roster.xlsx", {"学生": [("班级", "姓名"), ("三(2)班", "林A小禾")], "监护人": None}
    )
    replaced(
        path, "xl/sharedStrings.xml", lambda xml: xml.replace("林A小禾".encode(), "林_x0001_小禾".encode())
    )

    words = "There is a control character in this cell that cannot be seen. Type the text again."
    assert blocking(read(path)[1]) == [("学生", 2, "姓名", words)]


def test_two_children_of_one_name_are_kept_apart_by_their_numbers(tmp_path):
    pupils = [("班级", "姓名", "校内学号"), ("三(2)班", "林小禾", "1"), ("三(2)班", "林小禾", "2")]
    guardians = [
        ("班级", "学生姓名", "校内学号", "监护人姓名", "关系"),
        ("三(2)班", "林小禾", "1", "林大树", "爸爸"),
        ("三(2)班", "林小禾", "", "何秋云", "奶奶"),
    ]
    rows, problems = read(builders.workbook(tmp_path / "roster.xlsx", {"学生": pupils, "监护人": guardians}))

    assert len(of(rows, PupilRow)) == 2
    assert blocking(problems) == [
        (
            "监护人",
            3,
            "校内学号",
            "There are two pupils named 林小禾 in this class; say which by the 校内学号.",
        )
    ]


def test_siblings_share_a_parent_and_a_shared_phone_stays_with_the_first_name(tmp_path):
    pupils = [("班级", "姓名"), ("三(2)班", "林小禾"), ("三(2)班", "林小麦")]
    guardians = [
        ("班级", "学生姓名", "监护人姓名", "关系", "手机号"),
        ("三(2)班", "林小禾", "林大树", "爸爸", "13800002222"),
        ("三(2)班", "林小麦", "林大树", "爸爸", "13800002222"),
        ("三(2)班", "林小禾", "何秋云", "奶奶", "13800002222"),
        ("三(2)班", "林小禾", "林大树", "爸爸", "13800002222"),
    ]
    rows, problems = read(
        builders.workbook(tmp_path / "roster.xlsx", {"学生": pupils, "监护人": guardians, "教职工": None})
    )

    assert blocking(problems) == []
    assert [(person.name, person.phone) for person in of(rows, PersonRow)] == [
        ("林大树", "+8613800002222"),
        ("何秋云", None),
    ]
    assert len(of(rows, GuardianshipRow)) == 3
    assert "This guardian is already named for this pupil; the row was left out." in told(problems)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("𠮷小禾", "𠮷小禾"),
        ("买买提・艾合买提", "买买提・艾合买提"),
        ("林\u202e小禾", "林小禾"),
        ("\ufeff林小\u200b禾 ", "林小禾"),
        ("林\n小禾", "林 小禾"),
        ("=1+1", "=1+1"),
        ("<script>", "<script>"),
        ("%s", "%s"),
        ("白" * 160, "白" * 160),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
    ],
)
def test_names_come_through_as_typed(tmp_path, typed, kept):
    pupils = [("班级", "姓名"), ("三(2)班", typed)]
    rows, problems = read(builders.workbook(tmp_path / "roster.xlsx", {"学生": pupils, "监护人": None}))

    assert blocking(problems) == []
    assert of(rows, PupilRow)[0].name == kept


def test_interpunct_look_alikes_name_the_same_child(tmp_path):
    pupils = [("班级", "姓名"), ("三(2)班", "买买提·艾合买提")]
    guardians = [
        ("班级", "学生姓名", "监护人姓名", "关系"),
        ("三（2）班", "买买提・艾合买提", "艾合买提", "爸爸"),
    ]
    rows, problems = read(builders.workbook(tmp_path / "roster.xlsx", {"学生": pupils, "监护人": guardians}))

    assert blocking(problems) == []
    assert of(rows, GuardianshipRow)[0].pupil == of(rows, PupilRow)[0].key


def test_what_hides_in_a_workbook_is_read_and_told(tmp_path):
    path = tmp_path / "roster.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, lines in builders.SHEETS.items():
            page = book.add_worksheet(name)
            for row, line in enumerate(lines):
                for column, cell in enumerate(line):
                    page.write_string(row, column, cell)
            if name == "教职工":
                page.write_formula(2, 0, '="高"&"远山"', value="高远山")
                page.write_string(2, 2, "校长")
            if name == "学生":
                page.set_row(1, None, None, {"hidden": True})
                page.merge_range(2, 0, 3, 0, "三(2)班")
                page.write_string(2, 1, "白小鹿")
                page.write_string(3, 1, "田小满")
            if name == "监护人":
                page.hide()
        book.add_worksheet("备忘").write(0, 0, "x")

    rows, problems = read(path)

    assert "高远山" in [person.name for person in of(rows, PersonRow)]
    assert "1 rows are hidden, the first is row 2; they were read all the same." in told(problems)
    assert "1 cells hold formulas; the value they last showed was read." in told(problems)
    assert "This sheet is hidden in the workbook; it was read all the same." in told(problems)
    assert "Sheets that are not part of the template were left unread: 备忘." in told(problems)
    assert any("A3:A4" in words for words in told(problems))
    assert blocking(problems) == [("学生", 4, "班级", "This must be filled in.")]


def test_a_single_cell_in_the_far_corner_is_refused(tmp_path):
    path = tmp_path / "corner.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("学校").write("XFD1048576", "x")

    words = "There are cells far to the right, beyond column 256. Delete them or copy the rows into a new template."
    assert blocking(read(path)[1]) == [("学校", 0, "", words)]


def test_two_hundred_columns_are_no_obstacle(tmp_path):
    pupils = [("班级", "姓名", *[f"备注{n}" for n in range(198)]), ("三(2)班", "林小禾", *["x"] * 198)]
    rows, problems = read(builders.workbook(tmp_path / "roster.xlsx", {"学生": pupils}))

    assert blocking(problems) == [] and len(of(rows, PupilRow)) == 1


def test_a_workbook_that_eats_memory_dies_alone_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "CHILD_MEMORY_BYTES", 220 * 1024 * 1024)
    pupils = [
        ("班级", "姓名"),
        *[("三(2)班", f"林{n}", "x" * 40) for n in range(60_000)],
        ("三(2)班", *["x"] * 255),
    ]
    path = builders.workbook(tmp_path / "big.xlsx", {"学生": pupils})

    assert "more memory or time" in blocking(read(path)[1])[-1][3]


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        ("xl/vbaProject.bin", lambda _old: b"x", "The workbook holds macros. Save it as .xlsx and upload it again."),
        ("xl/workbook.xml", lambda old: old.replace(b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook', 1), "The workbook was not made by a spreadsheet program. It was not opened."),
        ("xl/worksheets/sheet1.xml", lambda old: old.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1), "The workbook was not made by a spreadsheet program. It was not opened."),
        ("xl/workbook.xml", lambda old: old[:200], "The file is damaged and cannot be opened. Save it again and upload it anew."),
        ("xl/worksheets/sheet1.xml", lambda old: old[: len(old) // 2], "The file is damaged and cannot be opened. Save it again and upload it anew."),
        ("EncryptedPackage", lambda _old: b"x", "The package has a password. Save it without one and upload it again."),
    ],
)  # fmt: skip
def test_a_workbook_that_could_do_harm_is_not_read(tmp_path, part, change, words):
    path = replaced(builders.workbook(tmp_path / "roster.xlsx"), part, change)

    assert words in [said for *_where, said in blocking(read(path)[1])]


@pytest.mark.parametrize(
    ("changed", "sheet", "words"),
    [
        ({"学生": [("姓名", "班"), ("林小禾", "三(2)班")]}, "学生", re.compile("No heading row was found here")),
        ({"学生": [("姓名", "校内学号"), ("林小禾", "1")]}, "学生", re.compile("These columns are missing: 班级")),
        ({"学生": [("姓名", "班级", "学生姓名"), ("林小禾", "三(2)班", "x")]}, "学生", re.compile("stands here twice")),
        ({name: None for name in builders.SHEETS} | {"Sheet1": [("x",)]}, "", re.compile("Use the template")),
    ],
)  # fmt: skip
def test_a_sheet_that_is_not_ours_says_what_is_missing(tmp_path, changed, sheet, words):
    found = blocking(read(builders.workbook(tmp_path / "roster.xlsx", changed))[1])

    assert found[-1][0] == sheet and words.search(found[-1][3])


def test_a_school_office_may_leave_the_school_out(tmp_path):
    path = builders.workbook(tmp_path / "roster.xlsx", {"学校": None})

    words = "Fill in the school code: there is more than one school, or none, in this workbook."
    assert ("教职工", 2, "学校代码", words) in blocking(read(path)[1])

    known = {(Kind.SCHOOL, "school:YX001")}
    items = list(read_roster(path, lambda kind, key: (kind, key) in known, home_school="YX001"))
    assert blocking(item for item in items if isinstance(item, Problem)) == []
    assert of(items, ClassRow)[0].school == "school:YX001"
