"""Writing our own workbook: an instruction sheet, an example sheet, and one sheet per kind of record.

The sheets and headings are in simplified Chinese whatever the reader's language: they are what offices type into,
and reading knows them by those names.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from portal.roster.columns import Column, Sheet, sheets_with

INSTRUCTIONS = (
    "怎样填写",
    "1. 先填“学校”和“年级班级”，再填“教职工”“学生”“监护人”。一份文件只装一个学年。",
    "2. 带 * 的列必须填。表头的名字不要改，列的先后可以换。",
    "3. 不要合并单元格，不要写公式，不要设密码。空行会跳过。",
    "4. 姓名照证件上的写法，生僻字和“·”原样填。手机号和编号已设为文本格式，请直接输入。",
    "5. 同班有同名学生时，请给他们都填校内学号。校内学号由学校自编，不是学籍号。",
    "6. {numbers}",
    "7. 监护人按手机号辨认：同一个手机号、同一个名字，就是同一个人，几个孩子各写一行。",
    "8. 上传后先检查：平台会列出要新增、修改、移出的内容和每一处错误，您确认后才会写入。",
    "9. 整份导入时，文件里没有的学生、教职工从今天起移出名册；只补充一部分时，请选“只导入变动”。",
)
NO_NUMBERS = "请不要填写身份证号和学籍号。平台不需要，也不保存；多填的列不会读入。"
PUPILS_NUMBERS = (
    "身份证号只填学生的，可以不填；入库后加密保存。大人的身份证号和学籍号不保存，多填的列不会读入。"
)
LAST_ROW = 200_000


def write_template(stream: BinaryIO, identity: bool = False) -> None:
    """Write the empty template as XLSX; ``identity``: for a district that keeps the identity numbers of pupils."""
    write_workbook(stream, {}, identity)


def write_workbook(
    stream: BinaryIO, lines: Mapping[str, Iterable[Sequence[str]]], identity: bool = False
) -> None:
    """Write a roster workbook: for each sheet's field, lines in the order of the template's columns, as text."""
    sheets = sheets_with(identity)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(stream, options) as book:
        plain = book.add_format({"num_format": "@", "font_size": 11})
        heading = book.add_format({"bold": True, "bg_color": "#E3F1EC", "font_color": "#07493E", "bottom": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top", "font_size": 11})
        numbers = PUPILS_NUMBERS if identity else NO_NUMBERS
        write_instructions(book.add_worksheet("说明"), sheets, numbers, heading, wrapped)
        for sheet in sheets:
            write_sheet(book.add_worksheet(sheet.name), sheet, lines.get(sheet.field, ()), heading, plain)
        write_examples(book.add_worksheet("示例"), sheets, heading, plain)


def write_instructions(
    page: Worksheet, sheets: Sequence[Sheet], numbers: str, heading: Format, wrapped: Format
) -> None:
    """What to do, then what each column means."""
    page.set_column(0, 0, 14)
    page.set_column(1, 1, 16)
    page.set_column(2, 2, 90)
    row = 0
    for text in INSTRUCTIONS:
        page.write_string(row, 0, text.format(numbers=numbers), heading if row == 0 else None)
        row += 1
    row += 1
    for place, title in enumerate(("表", "列", "怎么填")):
        page.write_string(row, place, title, heading)
    for sheet in sheets:
        for column in sheet.columns:
            row += 1
            page.write_string(row, 0, sheet.name)
            page.write_string(row, 1, heading_of(column))
            page.write_string(row, 2, column.note, wrapped)


def write_sheet(
    page: Worksheet, sheet: Sheet, lines: Iterable[Sequence[str]], heading: Format, plain: Format
) -> None:
    """One sheet: headings that stay in view, text columns, lists to choose from, and the lines."""
    page.freeze_panes(1, 0)
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, column.width, plain)
        if column.choices:
            page.data_validation(1, place, LAST_ROW, place, choice_of(column))
        page.write_string(0, place, heading_of(column), heading)
    for row, line in enumerate(lines, start=1):
        for place, text in enumerate(line):
            if text:
                page.write_string(row, place, text, plain)


def choice_of(column: Column) -> dict[str, object]:
    """The drop-down list of a column; other spellings that reading knows are let through after a question."""
    return {
        "validate": "list",
        "source": list(column.choices),
        "error_type": "warning",
        "error_title": "请核对",
        "error_message": "这里一般从列表中选择。",
    }


def write_examples(page: Worksheet, sheets: Sequence[Sheet], heading: Format, plain: Format) -> None:
    """Invented lines for every sheet, where they cannot be imported by mistake."""
    page.set_column(0, 10, 16)
    row = 0
    for sheet in sheets:
        page.write_string(row, 0, f"“{sheet.name}”表可以这样填：")
        for place, column in enumerate(sheet.columns):
            page.write_string(row + 1, place, heading_of(column), heading)
        for line in sheet.examples:
            row += 1
            for place, text in enumerate(line):
                page.write_string(row + 1, place, text, plain)
        row += 3


def heading_of(column: Column) -> str:
    """A column's heading, with a star if it must be filled in."""
    return f"{column.heading}*" if column.required else column.heading
