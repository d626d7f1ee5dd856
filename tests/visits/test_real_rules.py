"""What districts and schools have published about whom to visit: each rule is typed into the district's form as its office
wrote it, and then says and asks the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from portal.access import Role
from portal.visits.coverage import Group, Held, Quota, Rule, judge, progress, quota_in_words, rule_in_words
from portal.visits.models import Form
from tests.visits.test_coverage import AUTUMN, DENG, MAY, OCTOBER, WANG, YEAR, Child, a_class
from tests.visits.test_district_rules import SET, rules_now

IN_PERSON = ["in_home", "at_school", "public_place"]
SOON = date(2026, 9, 20)


@dataclass
class Asked:
    """A rule or quota: what is typed, the sentence it becomes, classes (or visits) that keep it and that do not."""

    typed: dict[str, Any]
    says: str
    kept: Sequence[Any] = ()
    broken: Sequence[Any] = ()


def homes(count: int, form: Form = Form.IN_HOME, person_id: int = WANG, on: date = OCTOBER) -> list[Held]:
    """Visits to as many pupils."""
    return [Held(n, on, form, frozenset({person_id})) for n in range(count)]


def cared_for(group: str, visited: bool) -> Group:
    """A class of three; one belongs to a group, and was visited or not."""
    pupils = [Child(0, group, AUTUMN), Child(1, "", AUTUMN), Child(2, "", AUTUMN)]
    return Group(3, pupils, homes(1) if visited else [])


def of_groups(name: str, groups: list[str], says: str) -> Asked:
    """Every term, whoever belongs to one of these groups."""
    typed = {"name": name, "who": "priority", "groups": groups, "share": "1", "every": "term"}
    outside = "newly_transferred"
    return Asked(
        typed,
        says,
        [*(cared_for(one, True) for one in groups), cared_for(outside, False)],
        [cared_for(one, False) for one in groups],
    )


def takes_part(role: Role, name: str, says: str) -> Asked:
    """Everybody in an office takes part once a term."""
    typed = {"name": name, "role": role, "number": "1", "unit": "pupils", "every": "term"}
    return Asked(typed, says, [homes(1)], [[]])


TOGETHER = frozenset({WANG, DENG})
TEAM = frozenset(range(5))
REAL = {
    "白银": [
        Asked(
            {"name": "小班额全访", "who": "all", "most": "30", "share": "1", "every": "term"},
            "30 人及以下班级的全部学生：每学期走访全部（任一形式）。",
            [a_class(30, range(30)), a_class(31)],
            [a_class(30, range(29)), a_class(1)],
        ),
        Asked(
            {"name": "大班额当面过半", "who": "all", "least": "50", "share": "1/2", "every": "term", "forms": IN_PERSON},
            "50 人及以上班级的全部学生：每学期走访至少一半（当面）。",
            [a_class(51, range(26)), a_class(49)],
            [a_class(51, range(25)), a_class(51, range(51), form=Form.VIDEO)],
        ),
        Asked(
            {"name": "起始年级", "who": "starting_grades", "share": "1", "every": "term"},
            "起始年级学生：每学期走访全部（任一形式）。",
            [a_class(3, range(3), level=1), a_class(3, level=2)],
            [a_class(3, [0, 1], level=1)],
        ),
        takes_part(Role.PRINCIPAL, "校长", "校长（每人）：每学期 1 名学生（任一形式）。"),
        takes_part(Role.SCHOOL_OFFICE, "中层", "学校办公室（每人）：每学期 1 名学生（任一形式）。"),
        takes_part(Role.CLASS_TEACHER, "班主任", "班主任（每人）：每学期 1 名学生（任一形式）。"),
        takes_part(Role.SUBJECT_TEACHER, "科任", "任课教师（每人）：每学期 1 名学生（任一形式）。"),
    ],
    "某乡镇学校": [
        Asked(
            {"name": "新接班级", "who": "new_classes", "share": "1", "every": "year", "first_share": "2/3"},
            "新接班级的学生：每学年走访全部（任一形式）。第一学期先完成至少 2/3。",
            [a_class(3, [0, 1], since=AUTUMN), a_class(3, since=date(2024, 9, 1))],
            [a_class(3, [0], since=AUTUMN)],
        ),
        Asked(
            {"name": "原有班级", "who": "other_classes", "share": "1/3", "every": "term"},
            "原班主任留任班级的学生：每学期走访至少 1/3（任一形式）。",
            [a_class(4, [0, 1], since=date(2024, 9, 1)), a_class(4, since=AUTUMN)],
            [a_class(4, [0], since=date(2024, 9, 1))],
        ),
        Asked(
            {"name": "每月四次", "role": "class_teacher", "number": "4", "unit": "visits", "every": "month", "forms": ["in_home"]},
            "班主任（每人）：每月 4 次（入户）。",
            [homes(4), homes(1) * 4],
            [homes(3), homes(4, Form.PHONE), homes(4, on=SOON)],
        ),
        Asked(
            {"name": "每学期十六次", "role": "class_teacher", "number": "16", "unit": "visits", "every": "term", "forms": ["in_home"]},
            "班主任（每人）：每学期 16 次（入户）。",
            [homes(16, on=SOON)],
            [homes(15), homes(16, on=MAY)],
        ),
    ],
    "山东某校": [
        Asked(
            {"name": "班主任六名", "role": "class_teacher", "number": "6", "unit": "pupils", "every": "term", "forms": IN_PERSON},
            "班主任（每人）：每学期 6 名学生（当面）。",
            [homes(6, Form.AT_SCHOOL)],
            [homes(5) * 2, homes(6, Form.PHONE)],
        ),
        Asked(
            {"name": "科任四名", "role": "subject_teacher", "number": "4", "unit": "pupils", "every": "term", "forms": IN_PERSON},
            "任课教师（每人）：每学期 4 名学生（当面）。",
            [homes(4)],
            [homes(3)],
        ),
        Asked(
            {"name": "两人一组", "who": "priority", "groups": ["single_parent", "psychological", "health"], "share": "1",
             "every": "term", "forms": IN_PERSON, "teachers": "2"},
            "单亲家庭、需要心理关怀和特殊体质或疾病：每学期走访全部（当面）。由 2 位老师同行。",
            [Group(3, [Child(0, "health", AUTUMN)], [Held(0, OCTOBER, Form.IN_HOME, TOGETHER)])],
            [Group(3, [Child(0, "health", AUTUMN)], homes(1))],
        ),
    ],
    "扬州": [
        Asked(
            {"name": "家访月新生全覆盖", "who": "new_pupils", "share": "100%", "every": "window", "windows": "09-01/10-15"},
            "新到校的学生：每年9月1日至10月15日走访全部（任一形式）。",
            [a_class(2, [0, 1], arrived=AUTUMN), a_class(2)],
            [a_class(2, [0], arrived=AUTUMN), a_class(2, [0, 1], arrived=AUTUMN, on=date(2026, 10, 16))],
        ),
    ],
    "利州区": [
        Asked(
            {"name": "特殊学生，五人小组，没见到的打电话", "who": "priority", "share": "1/2", "every": "term", "forms": IN_PERSON,
             "teachers": "5", "calls": "y"},
            "重点关爱学生：每学期走访至少一半（当面）。由 5 位老师同行。未见面的打电话联系。",
            [Group(3, a_class(2, priority=[0, 1]).pupils,
                   [Held(0, OCTOBER, Form.IN_HOME, TEAM), Held(1, OCTOBER, Form.PHONE, frozenset({WANG}))])],
            [Group(3, a_class(2, priority=[0, 1]).pupils, [Held(0, OCTOBER, Form.IN_HOME, TEAM)]),
             a_class(2, [0, 1], priority=[0, 1], authors=TOGETHER)],
        ),
    ],
    "陕西": [
        of_groups("六类学生", ["hardship", "learning", "changed", "left_behind", "migrant", "disabled"], "留守儿童、家庭困难、残疾儿童、随迁子女、学习困难和思想或成绩变化大：每学期走访全部（任一形式）。"),
    ],
    "浙江": [
        of_groups("条例所列学生", ["disabled", "single_parent", "psychological", "life_event"], "单亲家庭、残疾儿童、需要心理关怀和家庭遭遇重大变故：每学期走访全部（任一形式）。"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("place", REAL)
def test_a_published_rule_is_typed_as_it_was_written(as_, place):
    office = as_("张建平")
    for asked in REAL[place]:
        kind = "quota" if "role" in asked.typed else "rule"
        page = office.page(f"/visits/rules/one?kind={kind}")
        listed = page.press(SET, **asked.typed, document=f"{place}的通知")
        assert listed.status == 200, listed.text
        found = rules_now()
        (made,) = (one for one in (*found.rules, *found.quotas) if one.name == asked.typed["name"])
        assert words(made) == asked.says
        assert asked.says in listed.text
        assert [keeps(made, one) for one in asked.kept] == [True] * len(asked.kept)
        assert [keeps(made, one) for one in asked.broken] == [False] * len(asked.broken)


def words(made: Rule | Quota) -> str:
    return rule_in_words(made) if isinstance(made, Rule) else quota_in_words(made)


def keeps(made: Rule | Quota, told: Any) -> bool:
    """Whether a class keeps the rule, or a class teacher with these visits the quota, in October."""
    if isinstance(made, Rule):
        return judge(made, told, YEAR, OCTOBER).is_kept
    return progress(made, WANG, told, YEAR, OCTOBER).is_kept


def test_more_teachers_than_a_team_has_come_back_with_what_was_typed(as_):
    page = as_("张建平").page("/visits/rules/one?kind=rule")
    for typed in ("6", "0", "两位", "-1"):
        wrong = page.press(SET, **REAL["利州区"][0].typed | {"teachers": typed})
        assert wrong.status == 422
        assert "五人小组" in wrong.html
