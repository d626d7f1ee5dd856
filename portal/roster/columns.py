"""Our own workbook: its sheets and columns, described once and used for writing the template and for reading it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from portal.access import Role
from portal.roster.grades import GRADES


class Shape(StrEnum):
    """How a column's cells are written."""

    TEXT = "text"
    PHONE = "phone"
    DAY = "day"
    FLAG = "flag"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its field, the heading written into the template, and other headings that mean the same."""

    field: str
    heading: str
    others: tuple[str, ...]
    note: str
    required: bool = False
    shape: Shape = Shape.TEXT
    choices: tuple[str, ...] = ()
    width: int = 16


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: the name written into the template, other names for it, its columns, and invented example lines."""

    field: str
    name: str
    others: tuple[str, ...]
    columns: tuple[Column, ...]
    examples: tuple[tuple[str, ...], ...]


ROLE_WORDS: dict[str, Role] = {
    "校长": Role.PRINCIPAL,
    "学校办公室": Role.SCHOOL_OFFICE,
    "班主任": Role.CLASS_TEACHER,
    "任课教师": Role.SUBJECT_TEACHER,
    "讲师": Role.LECTURER,
    "家委会主任": Role.COMMITTEE_CHAIR,
}
OTHER_ROLE_WORDS: dict[str, Role] = {
    "校長": Role.PRINCIPAL,
    "园长": Role.PRINCIPAL,
    "園長": Role.PRINCIPAL,
    "principal": Role.PRINCIPAL,
    "學校辦公室": Role.SCHOOL_OFFICE,
    "办公室": Role.SCHOOL_OFFICE,
    "school office": Role.SCHOOL_OFFICE,
    "class teacher": Role.CLASS_TEACHER,
    "任課教師": Role.SUBJECT_TEACHER,
    "科任教师": Role.SUBJECT_TEACHER,
    "教师": Role.SUBJECT_TEACHER,
    "老师": Role.SUBJECT_TEACHER,
    "teacher": Role.SUBJECT_TEACHER,
    "講師": Role.LECTURER,
    "lecturer": Role.LECTURER,
    "家委会": Role.COMMITTEE_CHAIR,
    "家委會主任": Role.COMMITTEE_CHAIR,
    "committee chair": Role.COMMITTEE_CHAIR,
}
GRADE_WORDS = tuple(words[0] for words in GRADES.values())
YES_NO = ("是", "否")
# Left unread: nothing in the portal needs a national number. That of a pupil is read where the district keeps it.
NATIONAL_NUMBERS = frozenset(
    {
        "身份证",
        "身份证号",
        "身份证号码",
        "身份證",
        "身份證號",
        "身份證號碼",
        "证件号",
        "证件号码",
        "證件號",
        "證件號碼",
        "学籍号",
        "学籍号码",
        "學籍號",
        "全国学籍号",
        "国网学籍号",
        "idnumber",
        "idcard",
        "identitynumber",
        "nationalid",
    }
)

SCHOOL_CODE = Column(
    "school",
    "学校代码",
    ("學校代碼", "学校编码", "school code"),
    "“学校”表里的代码。全表只有一所学校时可以不填。",
)
CLASS_NAME = Column(
    "class", "班级", ("班級", "班级名称", "班級名稱", "class"), "与“年级班级”表里的写法相同。", required=True
)
PUPIL_NUMBER = Column(
    "number",
    "校内学号",
    ("學號", "学号", "校內學號", "pupil number"),
    "学校自编的号，不是学籍号，可以不填。同班有同名学生时必须填。",
)
IDENTITY = Column(
    "identity",
    "身份证号",
    (
        "身份证",
        "身份证号码",
        "身份證",
        "身份證號",
        "身份證號碼",
        "id number",
        "id card",
        "identity number",
        "national id",
    ),
    "18 位，可以不填；留空不改动平台上已有的号码。",
    width=22,
)
"""In the sheet of pupils only, and only where the district keeps these numbers."""
PHONE = Column(
    "phone",
    "手机号",
    (
        "手機號",
        "手机",
        "手機",
        "手机号码",
        "手機號碼",
        "电话",
        "電話",
        "联系电话",
        "聯繫電話",
        "phone",
        "mobile",
    ),
    "11 位数字。",
    shape=Shape.PHONE,
)

SCHOOLS = Sheet(
    "schools",
    "学校",
    ("學校", "schools"),
    (
        Column(
            "code",
            "学校代码",
            ("學校代碼", "学校编码", "school code", "code"),
            "教育局给学校的代码，每校不同，以后不变。",
            required=True,
        ),
        Column(
            "name", "学校名称", ("學校名稱", "校名", "school name", "name"), "全称。", required=True, width=28
        ),
        Column(
            "stages",
            "学段",
            ("學段", "stage", "stages"),
            "幼儿园、小学、初中、高中、中职，可以写几个，用顿号隔开。",
            required=True,
            width=18,
        ),
        Column(
            "parent",
            "集团校代码",
            ("集團校代碼", "所属集团代码", "group code"),
            "属于集团校时填总校的学校代码，否则不填。",
        ),
        Column(
            "phone",
            "学校电话",
            ("學校電話", "电话", "電話", "联系电话", "聯繫電話", "phone"),
            "家长看得到的电话，固定电话请带区号。",
            shape=Shape.PHONE,
        ),
    ),
    (("YX001", "望溪小学", "小学", "", "0731-85550101"), ("YX002", "东塔学校", "小学、初中", "", "")),
)
CLASSES = Sheet(
    "classes",
    "年级班级",
    ("年級班級", "班级", "班級", "classes"),
    (
        SCHOOL_CODE,
        Column("year", "学年", ("學年", "school year", "year"), "写成 2026-2027。", required=True),
        Column(
            "grade",
            "年级",
            ("年級", "grade"),
            "从下拉框里选。",
            required=True,
            shape=Shape.CHOICE,
            choices=GRADE_WORDS,
        ),
        Column(
            "name",
            "班级",
            ("班級", "班级名称", "班級名稱", "class", "class name"),
            "学校平时怎么叫就怎么写，例如 三(2)班。",
            required=True,
        ),
    ),
    (("YX001", "2026-2027", "三年级", "三(2)班"), ("YX002", "2026-2027", "七年级", "七(1)班")),
)
STAFF = Sheet(
    "staff",
    "教职工",
    ("教職工", "教师", "教師", "staff"),
    (
        SCHOOL_CODE,
        Column("name", "姓名", ("name",), "照证件上的写法。", required=True),
        Column("number", "工号", ("工號", "staff number"), "学校自编的号，可以不填。"),
        PHONE,
        Column(
            "role",
            "岗位",
            ("崗位", "职务", "職務", "role"),
            "一人有几个岗位时写几行。",
            required=True,
            shape=Shape.CHOICE,
            choices=tuple(ROLE_WORDS),
        ),
        Column(
            "class",
            CLASS_NAME.heading,
            CLASS_NAME.others,
            "班主任、任课教师和家委会主任填，几个班用顿号隔开。",
            width=20,
        ),
        Column(
            "starts_on", "任职开始", ("任職開始", "开始日期", "start date"), "可以不填。", shape=Shape.DAY
        ),
        Column("ends_on", "任职结束", ("任職結束", "结束日期", "end date"), "可以不填。", shape=Shape.DAY),
    ),
    (
        ("YX001", "周明月", "T0012", "13800001111", "班主任", "三(2)班", "2026-09-01", ""),
        ("YX001", "高远山", "T0001", "13800001112", "校长", "", "", ""),
    ),
)
PUPILS = Sheet(
    "pupils",
    "学生",
    ("學生", "pupils", "students"),
    (
        SCHOOL_CODE,
        CLASS_NAME,
        Column(
            "name",
            "姓名",
            ("学生姓名", "學生姓名", "name", "pupil name"),
            "照户口簿上的写法。",
            required=True,
        ),
        PUPIL_NUMBER,
        Column(
            "left",
            "已离校",
            ("已離校", "离校", "left"),
            "转走或毕业的写“是”，其余不填。",
            shape=Shape.FLAG,
            choices=YES_NO,
        ),
    ),
    (("YX001", "三(2)班", "林小禾", "20240217", ""), ("YX001", "三(2)班", "买买提·艾合买提", "20240218", "")),
)
GUARDIANS = Sheet(
    "guardians",
    "监护人",
    ("監護人", "家长", "家長", "guardians", "parents"),
    (
        SCHOOL_CODE,
        CLASS_NAME,
        Column(
            "pupil",
            "学生姓名",
            ("學生姓名", "pupil", "pupil name"),
            "与“学生”表里的写法相同。",
            required=True,
        ),
        PUPIL_NUMBER,
        Column(
            "name",
            "监护人姓名",
            ("監護人姓名", "家长姓名", "家長姓名", "姓名", "guardian name", "name"),
            "照证件上的写法。",
            required=True,
        ),
        Column(
            "relation",
            "关系",
            ("關係", "与学生关系", "與學生關係", "relation"),
            "平时怎么称呼就怎么写：妈妈、爷爷、姑姑……",
            required=True,
        ),
        PHONE,
        Column("lives_with", "同住", ("lives with",), "是或否，可以不填。", shape=Shape.FLAG, choices=YES_NO),
        Column("picks_up", "可接送", ("picks up",), "是或否，可以不填。", shape=Shape.FLAG, choices=YES_NO),
        Column(
            "may_sign",
            "可签字",
            ("可簽字", "may sign"),
            "是或否，可以不填。",
            shape=Shape.FLAG,
            choices=YES_NO,
        ),
    ),
    (
        ("YX001", "三(2)班", "林小禾", "", "林大树", "爸爸", "13800002222", "是", "是", "是"),
        ("YX001", "三(2)班", "林小禾", "", "何秋云", "奶奶", "13800003333", "是", "是", "否"),
    ),
)
# In the order in which an import reads them, whatever their order in the workbook.
SHEETS = (SCHOOLS, CLASSES, STAFF, PUPILS, GUARDIANS)


def sheets_with(identity: bool) -> tuple[Sheet, ...]:
    """The sheets of a district; ``identity``: it keeps the identity numbers of pupils."""
    if not identity:
        return SHEETS
    with_number = replace(
        PUPILS,
        columns=(*PUPILS.columns, IDENTITY),
        examples=tuple((*line, "") for line in PUPILS.examples),
    )
    return tuple(with_number if sheet is PUPILS else sheet for sheet in SHEETS)
