"""The yearly report on minors' data (未成年人网络保护条例 art. 37, due at the end of January), filled in from the records.

One ZIP: the report and the impact assessment (PIPL art. 55) as Word documents laid out by templates, and all numbers with
the inventory of the data as a workbook of plain text cells. Everything in it is a number or a description; no child and
no family is named.
"""

import io
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import xlsxwriter
from docxtpl import DocxTemplate
from sqlalchemy import and_, func, or_, select

from portal import clock, i18n
from portal.access import ROLE_NAMES, Role
from portal.config import ROOT
from portal.consent import Purpose
from portal.extensions import Base, db
from portal.holdings import HOLDINGS, Act
from portal.i18n import lazy_gettext as _l
from portal.periods import KINDS
from portal.privacy.ages import BAND_NAMES, Band, band
from portal.privacy.exporting import Made, export, watermark
from portal.privacy.models import (
    ANSWER_NAMES,
    SECTION_NAMES,
    Answer,
    AuditLine,
    Consent,
    DataCopy,
    ErasureRequest,
    ErasureState,
    ExportRequest,
    ParcelState,
    ReaderQuestion,
    RetentionRun,
    Section,
)
from portal.privacy.purposes import PURPOSES
from portal.privacy.retention import period
from portal.schools.models import District, Enrolment, Grade, Guardianship, Pupil, School, SchoolClass
from portal.trail.models import TrailEntry
from portal.trail.reads import READ

TEMPLATES = ROOT / "templates" / "documents"
DUE_DAY = (1, 31)
CATEGORIES = {"F3": "联系方式", "F4": "家访、意见等文字", "F4S": "特别保护记录"}
CLASSES = {
    "F1": "内部",
    "F2": "姓名、班级",
    "F3": "联系方式、证件等",
    "F4": "家访、意见、关爱类别等敏感内容",
    "F4S": "特别保护",
    "F5": "匿名原始答案",
    "F6": "密码、密钥",
}
PROOFS = (
    ("《个人信息保护法》第二十八条至第三十一条", "同意登记：逐项、分版本、可撤回；儿童信息处理规则公开", "tests/privacy/test_consents.py"),
    ("《个人信息保护法》第四十五条至第四十七条、第五十条", "本人副本、删除申请、答复期限和拒绝理由", "tests/privacy/test_copies.py、test_erasing.py"),
    ("《个人信息保护法》第五十五条、第五十六条", "个人信息保护影响评估，随材料生成", "tests/privacy/test_auditpack.py"),
    ("《未成年人网络保护条例》关于工作人员访问的规定", "最小授权、访问留痕、家长可查看", "tests/trail、tests/site/test_access.py"),
    ("《未成年人网络保护条例》第三十七条", "年度合规审计材料，次年一月底前报送", "tests/privacy/test_auditpack.py"),
    ("《网络安全法》第二十一条", "日志至少保存六个月，不能调低", "tests/privacy/test_retention.py"),
    ("《网络数据安全管理条例》", "加密保存、权限控制、备份、受托处理者登记", "tests/keys、tests/database"),
)  # fmt: skip


@dataclass
class Table:
    """One table of the report: heading, column headings, rows of text."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Year:
    """A calendar year of a district: its first instant, the first after it, the day by which people are counted."""

    district: District
    schools: list[tuple[int, str]]
    year: int
    on: date

    @property
    def begins(self) -> datetime:
        return clock.instant_of(date(self.year, 1, 1))

    @property
    def ends(self) -> datetime:
        return clock.instant_of(date(self.year + 1, 1, 1))

    @property
    def ids(self) -> list[int]:
        return [school_id for school_id, _name in self.schools]

    def within(self, column: Any) -> Any:
        """The instant lies in the year."""
        return and_(column >= self.begins, column < self.ends)


def year_to_report(on: date) -> int:
    """In December the year that ends, in other months the one before."""
    return on.year if on.month == 12 else on.year - 1


def year_of(district: District, year: int, today: date) -> Year:
    """The year of a district and of the districts below it."""
    inside = select(District.id).where(District.path.startswith(district.path))
    schools = [
        (key, name)
        for key, name in db.session.execute(
            select(School.id, School.name)
            .where(School.district_id.in_(inside))
            .order_by(School.name_pinyin, School.id)
        )
    ]
    return Year(district, schools, year, min(today, date(year, 12, 31)))


def children(of: Year) -> Table:
    """Children in class on the last day, by school and age group."""
    rows = db.session.execute(
        select(Enrolment.school_id, Grade.stage, Grade.level, func.count(func.distinct(Enrolment.pupil_id)))
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(
            Enrolment.school_id.in_(of.ids),
            Enrolment.started_on <= of.on,
            or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > of.on),
        )
        .group_by(Enrolment.school_id, Grade.stage, Grade.level)
    )
    counts: Counter[tuple[int, Band]] = Counter()
    for school_id, stage, level, number in rows:
        counts[school_id, band(stage, level)] += number
    lines = [
        [name, str(counts[key, Band.UNDER_14]), str(counts[key, Band.FROM_14])] for key, name in of.schools
    ]
    sums = [sum(counts[key, one] for key in of.ids) for one in Band]
    return Table(
        "一、未成年人人数（按年级推算年龄段）",
        ["学校", *(str(BAND_NAMES[one]) for one in Band)],
        [*lines, ["合计", *map(str, sums)]],
    )


def consents(of: Year) -> Table:
    """Answers given in the year, by purpose, age group and answer."""
    counts = {
        (purpose, group, answer): number
        for purpose, group, answer, number in db.session.execute(
            select(Consent.purpose, Consent.age_band, Consent.answer, func.count())
            .where(Consent.school_id.in_(of.ids), of.within(Consent.answered_at))
            .group_by(Consent.purpose, Consent.age_band, Consent.answer)
        )
    }
    rows = [
        [
            str(PURPOSES[purpose].name),
            str(BAND_NAMES[group]),
            *(str(counts.get((purpose, group, answer), 0)) for answer in Answer),
        ]
        for purpose in Purpose
        for group in Band
    ]
    return Table(
        "二、处理目的与监护人同意", ["目的", "年龄段", *(str(ANSWER_NAMES[one]) for one in Answer)], rows
    )


def readings(of: Year) -> Table:
    """Openings of sensitive records in the year, by kind of data and role."""
    rows = db.session.execute(
        select(TrailEntry.category, TrailEntry.role, func.count())
        .where(TrailEntry.action == READ, TrailEntry.school_id.in_(of.ids), of.within(TrailEntry.happened_at))
        .group_by(TrailEntry.category, TrailEntry.role)
        .order_by(TrailEntry.category, TrailEntry.role)
    )
    return Table(
        "三、工作人员访问敏感信息次数",
        ["信息种类", "身份", "次数"],
        [
            [
                CATEGORIES.get(category, category),
                str(ROLE_NAMES[Role(role)]) if role in list(Role) else role,
                str(number),
            ]
            for category, role, number in rows
        ],
    )


def _count(model: Any, *conditions: Any) -> int:
    return db.session.scalar(select(func.count(model.id)).where(*conditions)) or 0


def requests(of: Year) -> Table:
    """What families and staff asked for, what became of it, and how long it took at most."""
    asked = and_(ErasureRequest.school_id.in_(of.ids), of.within(ErasureRequest.asked_at))
    decided = db.session.execute(
        select(ErasureRequest.asked_at, ErasureRequest.decided_at).where(
            asked, ErasureRequest.decided_at.is_not(None), ErasureRequest.state != ErasureState.WITHDRAWN
        )
    ).all()
    longest = max((_days(begun, ended) for begun, ended in decided if ended is not None), default=0)
    guardians = select(Guardianship.person_id).join(Pupil, Pupil.id == Guardianship.pupil_id)
    copies = and_(
        DataCopy.person_id.in_(guardians.where(Pupil.school_id.in_(of.ids))), of.within(DataCopy.asked_at)
    )
    questions = and_(ReaderQuestion.school_id.in_(of.ids), of.within(ReaderQuestion.asked_at))

    def of_state(state: ErasureState) -> Any:
        return func.count().filter(ErasureRequest.state == state)

    erased = db.session.execute(
        select(
            func.count(),
            of_state(ErasureState.DONE),
            of_state(ErasureState.REFUSED),
            of_state(ErasureState.WITHDRAWN),
            func.count(ErasureRequest.second_by_id),
        ).where(asked)
    ).one()
    copied = db.session.execute(
        select(func.count(), func.count().filter(DataCopy.state == ParcelState.FETCHED)).where(copies)
    ).one()
    answered = db.session.execute(
        select(func.count(), func.count(ReaderQuestion.answered_at)).where(questions)
    ).one()
    rows = [
        ("删除申请：收到", erased[0]),
        ("删除申请：已删除", erased[1]),
        ("删除申请：不予删除（附依据）", erased[2]),
        ("删除申请：申请人撤回", erased[3]),
        ("删除申请：办理最长天数", longest),
        ("删除申请：经第二人批准", erased[4]),
        ("本人信息副本：申请", copied[0]),
        ("本人信息副本：已领取", copied[1]),
        ("询问查看人姓名：收到", answered[0]),
        ("询问查看人姓名：已答复", answered[1]),
    ]
    return Table("四、个人行使权利的申请", ["事项", "数量"], [[name, str(number)] for name, number in rows])


def _days(begun: datetime, ended: datetime) -> int:
    return (clock.local(ended).date() - clock.local(begun).date()).days


def exports(of: Year) -> Table:
    """Exports by staff in the year, and how many a second person approved."""
    rows = db.session.execute(
        select(
            ExportRequest.kind,
            func.count(),
            func.count(ExportRequest.approved_at),
            func.count(ExportRequest.refused_at),
            func.count().filter(ExportRequest.state == ParcelState.FETCHED),
        )
        .where(
            or_(ExportRequest.school_id.in_(of.ids), ExportRequest.district_id == of.district.id),
            of.within(ExportRequest.asked_at),
        )
        .group_by(ExportRequest.kind)
        .order_by(ExportRequest.kind)
    )
    from_kind = {
        "audit_pack": "年度审计材料",
        "pupils": "学生名单",
        "left_behind": "留守儿童登记册",
        "care_plans": "一人一案名册",
        "log": "操作日志",
    }
    return Table(
        "五、工作人员导出",
        ["种类", "申请", "第二人批准", "第二人不批准", "已领取"],
        [[from_kind.get(kind, kind), *(str(number) for number in numbers)] for kind, *numbers in rows],
    )


def retention(of: Year) -> Table:
    """What was ended in the year because its time was over."""
    sums = {
        name: number
        for name, number in db.session.execute(
            select(RetentionRun.kind, func.sum(RetentionRun.ended))
            .where(
                or_(RetentionRun.school_id.in_(of.ids), RetentionRun.school_id.is_(None)),
                RetentionRun.ran_on >= date(of.year, 1, 1),
                RetentionRun.ran_on < date(of.year + 1, 1, 1),
            )
            .group_by(RetentionRun.kind)
        )
    }
    rows = [
        [str(kept.label), period(kept, of.on, of.district.id), str(kept.after), str(sums.get(name, 0))]
        for name, kept in KINDS.items()
    ]
    return Table("六、保存期限与到期删除", ["信息种类", "保存期限", "到期后", "本年删除"], rows)


def written(of: Year, section: Section, title: str) -> Table:
    """What the district wrote by hand."""
    rows = db.session.scalars(
        select(AuditLine)
        .where(
            AuditLine.district_id == of.district.id, AuditLine.year == of.year, AuditLine.section == section
        )
        .order_by(AuditLine.id)
    ).all()
    lines = [[str(number), row.text] for number, row in enumerate(rows, 1)]
    return Table(title, ["序号", "内容"], lines or [["", "无"]])


def inventory() -> Table:
    """Every column that holds data about people, from the models themselves."""
    rows = []
    for mapper in sorted(Base.registry.mappers, key=lambda one: one.local_table.name):  # type: ignore[attr-defined]
        table: Any = mapper.local_table
        for column in table.columns:
            held = column.info.get("class")
            if held:
                sealed = "加密" if column.name.endswith(("_sealed", "_index")) else ""
                rows.append(
                    [table.name, column.name, held, CLASSES.get(held, held), sealed, _erased(table.name)]
                )
    return Table(
        "七、数据清单（由系统数据模型生成）",
        ["表", "字段", "类别", "说明", "保存方式", "本人要求删除时"],
        rows,
    )


def _erased(table: str) -> str:
    """What becomes of a table's rows about somebody who is erased."""
    declared = HOLDINGS.get(table)
    if declared is None:
        return ""
    return {Act.ERASE: "删除", Act.EMPTY: "清空文字。", Act.KEEP: ""}[declared.act] + str(declared.why)


def proofs() -> Table:
    """Law, feature, and the test that proves it in every release."""
    return Table(
        "十一、法律要求、功能与验证", ["依据", "功能", "自动测试"], [list(proof) for proof in PROOFS]
    )


def report(of: Year) -> list[Table]:
    """All tables of the report, in order."""
    return [
        children(of),
        consents(of),
        readings(of),
        requests(of),
        exports(of),
        retention(of),
        inventory(),
        written(of, Section.INCIDENT, "八、个人信息安全事件"),
        written(of, Section.PROCESSOR, "九、受托处理者、接收方登记"),
        written(of, Section.TRAINING, "十、培训"),
        proofs(),
    ]


def workbook(tables: list[Table], mark: str) -> bytes:
    """All tables as sheets of text cells; nothing in it is a formula, a link or a number format."""
    packed = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(packed, options) as book:
        bold = book.add_format({"bold": True, "border": 1})
        plain = book.add_format({"border": 1, "text_wrap": True, "valign": "top"})
        for number, table in enumerate(tables, 1):
            sheet = book.add_worksheet(f"{number} {table.title.partition('、')[2].partition('（')[0]}"[:31])
            sheet.set_footer(f"&C{mark.replace('&', '&&')}")
            sheet.write_string(0, 0, table.title)
            sheet.write_string(1, 0, mark)
            sheet.set_column(0, len(table.columns) - 1, 24)
            for place, heading in enumerate(table.columns):
                sheet.write_string(3, place, heading, bold)
            for line, row in enumerate(table.rows, 4):
                for place, cell in enumerate(row):
                    sheet.write_string(line, place, cell, plain)
    return packed.getvalue()


def document(template: str, values: dict[str, Any]) -> bytes:
    """A Word document from a template of ``templates/documents/``; what people typed stays text."""
    made = DocxTemplate(str(TEMPLATES / f"{template}.docx"))
    made.render(values, autoescape=True)
    packed = io.BytesIO()
    made.save(packed)
    return packed.getvalue()


def pack(of: Year, mark: str, made_on: date) -> bytes:
    """The ZIP: report, impact assessment, numbers."""
    with i18n.speaking("zh-Hans"):
        tables = report(of)
        values = {
            "district": of.district.name,
            "year": of.year,
            "made_on": i18n.long_date(made_on),
            "counted_on": i18n.long_date(of.on),
            "mark": mark,
            "tables": tables,
            "purposes": [
                {
                    "name": str(declared.name),
                    "what": str(declared.on(of.on).what),
                    "why": str(declared.on(of.on).why),
                    "who": str(declared.on(of.on).who),
                    "kept": str(declared.on(of.on).kept),
                }
                for declared in PURPOSES.values()
            ],
            "inventory": inventory().rows,
        }
        files = {
            f"{of.year}年未成年人个人信息保护合规审计材料.docx": document("audit_pack", values),
            f"{of.year}年个人信息保护影响评估.docx": document("impact_assessment", values),
            f"{of.year}年数据和清单.xlsx": workbook(tables, mark),
        }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


@export("audit_pack", _l("Yearly report on minors' data"), "F1")
def audit_pack(request: ExportRequest) -> Made:
    """The pack of the year that the request names."""
    today = clock.local(request.asked_at).date()
    district = db.session.get_one(District, request.district_id)
    data = pack(year_of(district, request.year, today), watermark(request), today)
    return Made(data, f"minors-data-{request.year}.zip", "application/zip")


def due_on(year: int) -> date:
    """The last day for filing the report of a year."""
    return date(year + 1, *DUE_DAY)


def is_fetched(district_id: int, year: int) -> bool:
    """Whether somebody of the district has taken the pack of a year."""
    return bool(
        _count(
            ExportRequest,
            ExportRequest.kind == "audit_pack",
            ExportRequest.district_id == district_id,
            ExportRequest.year == year,
            ExportRequest.state == ParcelState.FETCHED,
        )
    )


def sections() -> dict[Section, str]:
    """The sections written by hand."""
    return {section: str(name) for section, name in SECTION_NAMES.items()}


def is_at_hand(on: date) -> bool:
    """From December to the end of January the report is at hand."""
    return on.month in (12, 1)
