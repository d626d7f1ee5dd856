"""Make the Word templates of the yearly report on minors' data and of the impact assessment.

    .venv/bin/python scripts/audit_templates.py

Layout as official documents have it (GB/T 9704: margins 37, 26, 35, 28 mm, titles in Xiaobiaosong, text in Fangsong, 28 pt a
line). A district may change the templates in Word; what stands in double braces is filled in.
"""

import io
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "templates" / "documents"
TITLE, HEADING, TEXT = ("方正小标宋简体", 22), ("黑体", 16), ("仿宋_GB2312", 16)
SMALL = ("仿宋_GB2312", 10.5)
LINE = Pt(28)
MADE = (1980, 1, 1, 0, 0, 0)
"""The time written into the ZIP, so that the same template is the same file."""


def style(run: Any, font: tuple[str, float]) -> None:
    """Set a run's font for Chinese and for everything else."""
    name, size = font
    run.font.name, run.font.size = name, Pt(size)
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def paragraph(document: Any, text: str, font: tuple[str, float] = TEXT, *, indent: bool = True) -> Any:
    """A paragraph of the body, indented by two characters."""
    made = document.add_paragraph()
    style(made.add_run(text), font)
    made.paragraph_format.line_spacing = LINE
    made.paragraph_format.space_after = Pt(0)
    if indent:
        made.paragraph_format.first_line_indent = Pt(font[1] * 2)
    return made


def title(document: Any, text: str) -> None:
    """The document's title, centred."""
    made = paragraph(document, text, TITLE, indent=False)
    made.alignment = WD_ALIGN_PARAGRAPH.CENTER
    made.paragraph_format.line_spacing = Pt(34)
    paragraph(document, "", indent=False)


def blank() -> Any:
    """An empty A4 document with official margins and the watermark in the footer."""
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    style(footer.add_run("{{ mark }}"), ("仿宋_GB2312", 9))
    return document


def looped_table(document: Any, rows: str, cell: str, heading: str = "") -> None:
    """A table whose rows and columns are filled in: {%tr %} repeats rows, {%tc %} cells."""
    table = document.add_table(rows=0, cols=3)
    table.style = "Table Grid"
    lines = [
        [f"{{%tr for row in {rows} %}}", "", ""],
        ["{%tc for cell in row %}", "{{ cell }}", "{%tc endfor %}"],
        ["{%tr endfor %}", "", ""],
    ]
    if heading:
        lines.insert(0, [f"{{%tc for cell in {heading} %}}", "{{ cell }}", "{%tc endfor %}"])
    for line in lines:
        cells = table.add_row().cells
        for place, text in enumerate(line):
            cells[place].paragraphs[0].paragraph_format.space_after = Pt(0)
            style(cells[place].paragraphs[0].add_run(text), SMALL)


def audit_pack() -> Any:
    """The report that the district files by the end of January."""
    document = blank()
    title(document, "{{ year }}年未成年人个人信息保护合规审计材料")
    paragraph(document, "填报单位：{{ district }}教育局（盖章）")
    paragraph(document, "填报日期：{{ made_on }}")
    paragraph(
        document,
        "依据《中华人民共和国个人信息保护法》《未成年人网络保护条例》和个人信息保护合规审计的有关规定，对{{ year }}年处理未成年人个人信息的情况审计如下。表中数字由系统根据记录生成，未涉及任何学生、家长的姓名。",
    )
    paragraph(
        document,
        "年龄段说明：系统不保存出生日期。幼儿园、小学和七、八年级按未满十四周岁统计，九年级及以上按十四至十八周岁统计；同一年级跨年龄段的，按更严的一组计算。人数统计截至{{ counted_on }}。",
    )
    paragraph(document, "{%p for table in tables %}", indent=False)
    paragraph(document, "{{ table.title }}", HEADING, indent=False)
    looped_table(document, "table.rows", "cell", "table.columns")
    paragraph(document, "", indent=False)
    paragraph(document, "{%p endfor %}", indent=False)
    paragraph(document, "十二、审计结论与整改", HEADING, indent=False)
    paragraph(document, "（由审计人员填写：发现的问题、整改措施、完成时限、责任人。）")
    paragraph(document, "审计人员（签字）：                  负责人（签字）：")
    return document


def impact_assessment() -> Any:
    """The assessment before sensitive data are dealt with (PIPL art. 55 and 56), kept for at least three years."""
    document = blank()
    title(document, "个人信息保护影响评估报告")
    paragraph(document, "处理者：{{ district }}教育局及所属学校        评估日期：{{ made_on }}")
    paragraph(document, "一、处理目的、处理方式是否合法、正当、必要", HEADING, indent=False)
    paragraph(
        document,
        "为家校共育开展家长学校、家访、通知和意见答复。不收集身份证号、出生日期、位置和人脸信息，不作排名，不作自动化决策。下列用途须由监护人逐项同意，不同意不影响其他服务：",
    )
    paragraph(document, "{%p for purpose in purposes %}", indent=False)
    paragraph(
        document,
        "{{ purpose.name }}。内容：{{ purpose.what }}目的：{{ purpose.why }}知悉范围：{{ purpose.who }}保存：{{ purpose.kept }}",
    )
    paragraph(document, "{%p endfor %}", indent=False)
    paragraph(document, "二、涉及的个人信息（由系统数据模型生成）", HEADING, indent=False)
    table_of = "inventory"
    looped_table(document, table_of, "cell")
    paragraph(document, "三、对个人权益的影响及安全风险", HEADING, indent=False)
    paragraph(
        document,
        "主要风险：越权查看家访文字；批量导出；数据库或备份失窃；账号被冒用；被限制的监护人获知孩子情况。（评估人员补充）",
    )
    paragraph(document, "四、保护措施是否合法、有效并与风险程度相适应", HEADING, indent=False)
    paragraph(
        document,
        "按任职和期限授权，期满即失效；敏感内容加密保存，密钥与数据库分开；查看留痕，家长可查询；导出写明用途，超过二百名学生或含敏感内容的须第二人批准，二十四小时内领取一次；到期自动删除；调查期间暂停删除。",
    )
    paragraph(document, "五、评估结论", HEADING, indent=False)
    paragraph(document, "（由评估人员填写：是否可以处理、需要的改进、下次评估时间。）")
    paragraph(document, "评估人员（签字）：                  负责人（签字）：")
    return document


def packed(document: Any) -> bytes:
    """The document's bytes, the same each time."""
    first = io.BytesIO()
    document.core_properties.author = ""
    document.save(first)
    again = io.BytesIO()
    with zipfile.ZipFile(first) as source, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:\w+[^>]*>)[^<]*", rb"\g<1>2026-01-01T00:00:00Z", data)
            target.writestr(zipfile.ZipInfo(name, MADE), data, zipfile.ZIP_DEFLATED)
    return again.getvalue()


TEMPLATES = {"audit_pack": audit_pack, "impact_assessment": impact_assessment}


def main() -> int:
    """Write the templates."""
    for name, make in TEMPLATES.items():
        (FOLDER / f"{name}.docx").write_bytes(packed(make()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
