"""The people through whose eyes every page is looked at, and how the portal appears to them."""

from dataclasses import dataclass

from portal.access import Role

LANGUAGES = ("zh-Hans", "zh-Hant", "en")


@dataclass(frozen=True)
class Player:
    """Who plays an actor: a person of the town and the hat worn; nobody for a visitor."""

    actor: str
    name: str | None
    role: str | None


PLAYERS = (
    Player("anonymous", None, None),
    Player("guardian", "李晚晴", Role.GUARDIAN),
    Player("grandparent", "周桂兰", Role.GUARDIAN),
    Player("class_teacher", "王雪", Role.CLASS_TEACHER),
    Player("subject_teacher", "邓宇", Role.SUBJECT_TEACHER),
    Player("principal", "孙立德", Role.PRINCIPAL),
    Player("school_office", "何静", Role.SCHOOL_OFFICE),
    Player("committee_chair", "林悦", Role.COMMITTEE_CHAIR),
    Player("lecturer", "郑雅琴", Role.LECTURER),
    Player("inspector", "吴正清", Role.INSPECTOR),
    Player("district_staff", "张建平", Role.DISTRICT_STAFF),
    Player("auditor", "秦守正", Role.AUDITOR),
    Player("system_admin", "系统管理员", Role.SYSTEM_ADMIN),
    Player("restricted_guardian", "何志强", Role.GUARDIAN),
    Player("leaver", "马兰", None),
)

STAND_INS = (
    Player("stand_in_teacher", "邓宇", Role.CLASS_TEACHER),
    Player("stand_in_principal", "何静", Role.PRINCIPAL),
)
"""Those who wear a hat that was lent to them."""
