"""The rules that come with the portal, and patterns after what districts and schools publish."""

from typing import Any

from portal.i18n import lazy_gettext as _l
from portal.i18n import no_op
from portal.settings import Setting
from portal.visits.coverage import IN_PERSON, Document

_PERSON = [str(form) for form in IN_PERSON]
_HOME = ["in_home"]

DEFAULT: dict[str, Any] = {
    "rules": [
        {"key": "everyone", "name": "每个家庭每学年至少走访一次", "every": "year"},
        {"key": "care", "name": "需要特别关心的学生每学期走访", "who": "priority", "calls": True},
        {"key": "newcomers", "name": "新到校学生每学年至少走访一次", "who": "new_pupils", "every": "year"},
    ],
    "quotas": [],
}
"""What holds until a district decides: everybody once a year in any agreed way, those who need care every term."""

PATTERNS: dict[str, tuple[str, dict[str, Any]]] = {
    "action": (
        no_op("One action a term, by size of class"),
        {
            "rules": [
                {"key": "small", "name": "30人以下的班，一学期走访全部学生", "most": 30},
                {
                    "key": "large",
                    "name": "50人以上的班，当面家访不少于一半",
                    "least": 50,
                    "share": "1/2",
                    "forms": _PERSON,
                },
                {"key": "starting", "name": "起始年级全覆盖", "who": "starting_grades"},
                {"key": "care", "name": "重点关爱学生", "who": "priority", "calls": True},
            ],
            "quotas": [
                {"key": "head", "name": "校长带头", "role": "principal", "number": 1},
                {"key": "middle", "name": "中层干部参与", "role": "school_office", "number": 1},
                {"key": "lead", "name": "班主任参与", "role": "class_teacher", "number": 1},
                {"key": "subject", "name": "科任教师参与", "role": "subject_teacher", "number": 1},
            ],
        },
    ),
    "classes": (
        no_op("New and old classes, and visits in homes by the month"),
        {
            "rules": [
                {
                    "key": "new",
                    "name": "新接班级，学年内走访全部学生",
                    "who": "new_classes",
                    "every": "year",
                    "first_share": "2/3",
                },
                {"key": "old", "name": "原有班级，每学期三分之一", "who": "other_classes", "share": "1/3"},
            ],
            "quotas": [
                {
                    "key": "month",
                    "name": "每月入户四次",
                    "role": "class_teacher",
                    "number": 4,
                    "unit": "visits",
                    "every": "month",
                    "forms": _HOME,
                },
                {
                    "key": "term",
                    "name": "每学期入户十六次",
                    "role": "class_teacher",
                    "number": 16,
                    "unit": "visits",
                    "forms": _HOME,
                },
            ],
        },
    ),
    "pairs": (
        no_op("Two teachers in each group, a share by role"),
        {
            "rules": [
                {
                    "key": "care",
                    "name": "重点学生，两人一组当面家访",
                    "who": "priority",
                    "forms": _PERSON,
                    "teachers": 2,
                    "calls": True,
                },
            ],
            "quotas": [
                {"key": "lead", "name": "班主任六名", "role": "class_teacher", "number": 6, "forms": _PERSON},
                {
                    "key": "subject",
                    "name": "科任教师四名",
                    "role": "subject_teacher",
                    "number": 4,
                    "forms": _PERSON,
                },
            ],
        },
    ),
    "visit_month": (
        no_op("Visit month in autumn for all who are new"),
        {
            "rules": [
                {
                    "key": "new",
                    "name": "家访月，新生全覆盖",
                    "who": "new_pupils",
                    "every": "window",
                    "windows": ["09-01/10-15"],
                },
                {"key": "care", "name": "重点关爱学生", "who": "priority"},
            ],
            "quotas": [],
        },
    ),
    "care": (
        no_op("Special groups completely, calls to whoever is not met"),
        {
            "rules": [
                {
                    "key": "care",
                    "name": "特殊群体当面家访，未见面的打电话",
                    "who": "priority",
                    "share": "1/2",
                    "forms": _PERSON,
                    "teachers": 2,
                    "calls": True,
                },
                {"key": "everyone", "name": "全体学生", "every": "year"},
            ],
            "quotas": [],
        },
    ),
}

RULES: Setting[dict[str, Any]] = Setting(
    "visits.coverage",
    Document(),
    DEFAULT,
    label=_l("Whom to visit, how often and how"),
    help=_l(
        "Rules for each class and quotas for each office. Every agreed way may count; in the home stands apart."
    ),
    page="visits.rules",
)
