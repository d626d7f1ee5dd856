"""The town of 云溪县: its schools and its people, all invented. Dates follow the day on which it is built."""

from datetime import date, timedelta
from typing import Any

from portal import clock, names
from portal.access import Role
from portal.accounts import passwords
from portal.accounts.factors import SECOND_FACTOR_ROLES
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.rehearsal import (
    care,
    committees,
    contacts,
    courses,
    custody,
    joining,
    notices,
    opinions,
    privacy,
    ratings,
    recoveries,
    staffing,
    surveys,
    visits,
)
from portal.rehearsal.cast import Town
from portal.schools import enrolling, summaries
from portal.schools.calendar import year_start
from portal.schools.models import (
    District,
    Flag,
    Grade,
    Guardianship,
    Household,
    Pupil,
    School,
    SchoolClass,
    SchoolStage,
    SchoolYear,
    Stage,
    Term,
    class_name,
)
from portal.settings import changing

PASSWORD = "xibian-liushu-qing"
SURNAMES = "陈林黄周吴徐孙胡朱高何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁"
GIVEN = (
    "子涵",
    "雨桐",
    "浩然",
    "梓萱",
    "一鸣",
    "思远",
    "若溪",
    "嘉树",
    "可欣",
    "知夏",
    "明哲",
    "安然",
    "书瑶",
    "景行",
    "乐言",
    "星辰",
)


def build() -> Town:
    """Build the town in an empty database, in the current transaction."""
    town = Town(start=year_start(clock.today()), _hash=passwords.hashed(PASSWORD))
    _districts(town)
    _schools(town)
    _staff(town)
    _families(town)
    _other_families(town)
    db.session.flush()
    summaries.rebuild(summaries.FROM_ROSTER)
    staffing.build(town)
    contacts.build(town)
    courses.build(town)
    visits.build(town)
    care.build(town)
    notices.build(town)
    committees.build(town)
    opinions.build(town)
    surveys.build(town)
    ratings.build(town)
    privacy.build(town)
    joining.build(town)
    recoveries.build(town)
    custody.build(town)
    _appoint(town, _person(town, "秦守正", "qinshouzheng"), Role.AUDITOR, "云溪县")
    return town


def _district(town: Town, name: str, parent: District | None, phone: str) -> District:
    district = District(
        name=name,
        parent_id=parent.id if parent else None,
        path="/",
        province="江南省",
        phone=phone,
        is_rehearsal=True,
    )
    db.session.add(district)
    db.session.flush()
    district.path = f"{parent.path if parent else '/'}{district.id}/"
    town.districts[name] = district
    return district


def _districts(town: Town) -> None:
    city = _district(town, "云岭市", None, "0000-6000000")
    changing.change(
        SECOND_FACTOR_ROLES,
        [],
        clock.today(),
        "演练区：账号只用密码登录",
        person_id=None,
        district_id=city.id,
    )
    for name, phone in (("云溪县", "0000-6100000"), ("石桥县", "0000-6200000")):
        county = _district(town, name, city, phone)
        for back in (1, 0):
            first = date(town.start.year - back, 9, 1)
            year = SchoolYear(district_id=county.id, starts_on=first, ends_on=date(first.year + 1, 8, 31))
            db.session.add(year)
            db.session.flush()
            for number, begins, ends in (
                (1, first, date(first.year + 1, 1, 22)),
                (2, date(first.year + 1, 2, 22), date(first.year + 1, 7, 9)),
            ):
                term = Term(school_year_id=year.id, number=number, starts_on=begins, ends_on=ends)
                db.session.add(term)
                if back == 0 and name == "云溪县":
                    town.terms.append(term)
    db.session.flush()


CLASSES: dict[str, tuple[str, str, str, tuple[tuple[Stage, int, int], ...]]] = {
    "望溪小学": ("云溪县", "YX01", "0000-6100101", ((Stage.PRIMARY, 3, 1), (Stage.PRIMARY, 3, 2), (Stage.PRIMARY, 1, 1))),
    "东塔小学": ("云溪县", "YX02", "0000-6100102", ((Stage.PRIMARY, 2, 1), (Stage.PRIMARY, 5, 1))),
    "南桥中学": ("云溪县", "YX03", "0000-6100103", ((Stage.JUNIOR, 1, 1), (Stage.JUNIOR, 2, 1))),
    "青石乡中心学校": ("云溪县", "YX04", "0000-6100104", ((Stage.KINDERGARTEN, 3, 1), (Stage.PRIMARY, 4, 1))),
    "石桥县第一小学": ("石桥县", "SQ01", "0000-6200101", ((Stage.PRIMARY, 3, 1),)),
}  # fmt: skip


def _schools(town: Town) -> None:
    years = {year.district_id: year for year in db.session.query(SchoolYear).filter_by(starts_on=town.start)}
    for name, (county, code, phone, classes) in CLASSES.items():
        district = town.districts[county]
        full, initials = names.reading(name)
        school = School(
            district_id=district.id,
            code=code,
            name=name,
            name_pinyin=full,
            name_initials=initials,
            phone=phone,
        )
        school.stages = [
            SchoolStage(stage=stage) for stage in sorted({stage for stage, _level, _number in classes})
        ]
        db.session.add(school)
        db.session.flush()
        town.schools[name] = school
        grades: dict[tuple[Stage, int], Grade] = {}
        for stage, level, number in classes:
            if (stage, level) not in grades:
                grade = Grade(
                    school_id=school.id, school_year_id=years[district.id].id, stage=stage, level=level
                )
                db.session.add(grade)
                db.session.flush()
                grades[stage, level] = grade
            typed = class_name(stage, level, number)
            school_class = SchoolClass(
                grade_id=grades[stage, level].id, school_id=school.id, number=number, name=typed
            )
            db.session.add(school_class)
            town.classes[f"{name} {typed}"] = school_class
    db.session.flush()


def _person(town: Town, name: str, account: str | None = None, **facts: Any) -> Person:
    person = enrolling.add_person(
        name,
        account_name=account,
        phone=town.next_phone(),
        password_hash=town._hash if account else None,
        **facts,
    )
    town.people[name] = person
    db.session.flush()
    return person


def _appoint(town: Town, person: Person, role: Role, place: str, ended_on: date | None = None) -> Appointment:
    scope: dict[str, int]
    if place in town.classes:
        scope = {"class_id": town.classes[place].id}
    elif place in town.schools:
        scope = {"school_id": town.schools[place].id}
    else:
        scope = {"district_id": town.districts[place].id}
    started = town.start if ended_on is None else ended_on - timedelta(days=365)
    return enrolling.appoint(person, role, started, ended_on=ended_on, **scope)


STAFF: tuple[tuple[str, str, Role, str], ...] = (
    ("张建平", "zhangjianping", Role.DISTRICT_STAFF, "云溪县"),
    ("苏敏", "sumin", Role.DISTRICT_STAFF, "云溪县"),
    ("唐芸", "tangyun", Role.DISTRICT_STAFF, "石桥县"),
    ("吴正清", "wuzhengqing", Role.INSPECTOR, "云溪县"),
    ("冯秀英", "fengxiuying", Role.INSPECTOR, "云溪县"),
    ("韩素云", "hansuyun", Role.INSPECTOR, "云溪县"),
    ("孙立德", "sunlide", Role.PRINCIPAL, "望溪小学"),
    ("钱文博", "qianwenbo", Role.PRINCIPAL, "东塔小学"),
    ("何静", "hejing", Role.SCHOOL_OFFICE, "望溪小学"),
    ("罗敏", "luomin", Role.SCHOOL_OFFICE, "东塔小学"),
    ("王雪", "wangxue", Role.CLASS_TEACHER, "望溪小学 三(2)班"),
    ("刘明远", "liumingyuan", Role.CLASS_TEACHER, "望溪小学 三(1)班"),
    ("高洁", "gaojie", Role.CLASS_TEACHER, "东塔小学 二(1)班"),
    ("邓宇", "dengyu", Role.SUBJECT_TEACHER, "望溪小学 三(2)班"),
    ("郑雅琴", "zhengyaqin", Role.LECTURER, "云溪县"),
)


def _staff(town: Town) -> None:
    for name, account, role, place in STAFF:
        _appoint(town, _person(town, name, account), role, place)
    _appoint(
        town, _person(town, "马兰", "malan"), Role.CLASS_TEACHER, "望溪小学 三(2)班", ended_on=town.start
    )
    admin = _person(town, "系统管理员", "admin")
    enrolling.appoint(admin, Role.SYSTEM_ADMIN, town.start)


def _pupil(town: Town, name: str, place: str, **facts: Any) -> Pupil:
    school_class = town.classes[place]
    school = next(school for school in town.schools.values() if school.id == school_class.school_id)
    pupil = enrolling.add_pupil(name, school, _arrived(town, school_class), **facts)
    db.session.flush()
    enrolling.enrol(pupil, school_class, town.start)
    town.pupils[name] = pupil
    return pupil


def _arrived(town: Town, school_class: SchoolClass) -> date:
    """The day on which the pupils of a class began at the school: in its first grade."""
    grade = db.session.get_one(Grade, school_class.grade_id)
    return town.start.replace(year=town.start.year - (grade.level - 1))


def _household(town: Town) -> Household:
    return enrolling.form_household(town.start)


def _tie(
    town: Town, pupil: str, person: Person, relation: str, home: Household, *flags: Flag
) -> Guardianship:
    chosen = flags or (Flag.LIVES_WITH, Flag.PICKS_UP, Flag.MAY_SIGN)
    tie = enrolling.add_guardian(town.pupils[pupil], person, relation, home, town.start, chosen)
    db.session.flush()
    return tie


def _families(town: Town) -> None:
    """The families whose stories the tests and demonstrations tell."""
    third = "望溪小学 三(2)班"
    _pupil(town, "陈一诺", third)
    _pupil(town, "陈一帆", "南桥中学 七(1)班")
    home = _household(town)
    mother = _person(town, "李晚晴", "liwanqing")
    father = _person(town, "陈守川", "chenshouchuan")
    for child in ("陈一诺", "陈一帆"):
        _tie(town, child, mother, "妈妈", home)
        _tie(town, child, father, "爸爸", home)

    _pupil(town, "赵小满", third, priority="left_behind")
    home = _household(town)
    _tie(town, "赵小满", _person(town, "周桂兰", "zhouguilan", elder=True), "外婆", home)
    _tie(town, "赵小满", _person(town, "赵大江", "zhaodajiang"), "爸爸", home, Flag.MAY_SIGN)

    _pupil(town, "林嘉树", third)
    home = _household(town)
    chair = _person(town, "林悦", "linyue")
    _tie(town, "林嘉树", chair, "妈妈", home)
    _appoint(town, chair, Role.COMMITTEE_CHAIR, third)
    grandmother = _person(town, "吴桂芳", "wuguifang", elder=True)
    helper = _tie(town, "林嘉树", grandmother, "奶奶", home, Flag.LIVES_WITH, Flag.PICKS_UP)
    enrolling.limit(helper, town.start)

    _pupil(town, "何雨桐", third, priority="single_parent")
    home = _household(town)
    _tie(town, "何雨桐", _person(town, "方晴", "fangqing"), "妈妈", home)
    restricted = _tie(
        town, "何雨桐", _person(town, "何志强", "hezhiqiang"), "爸爸", _household(town), Flag.MAY_SIGN
    )
    enrolling.restrict(restricted, town.start, "云溪县人民法院人身安全保护令(演练)第1号")

    _pupil(town, "沈知夏", "东塔小学 二(1)班")
    home = _household(town)
    _tie(town, "沈知夏", town.people["王雪"], "妈妈", home)

    _pupil(town, "买买提·艾合买提", third)
    _tie(town, "买买提·艾合买提", _person(town, "阿依古丽·吐尔逊", "ayiguli"), "妈妈", _household(town))

    _pupil(town, "许安", "石桥县第一小学 三(1)班")
    _tie(town, "许安", _person(town, "许诚", "xucheng"), "爸爸", _household(town))


def _other_families(town: Town) -> None:
    """Enough neighbours that lists look like lists."""
    serial = 0
    for place in town.classes:
        for seat in range(8):
            serial += 1
            surname = SURNAMES[(serial * 7) % len(SURNAMES)]
            child = surname + GIVEN[(serial * 5 + seat) % len(GIVEN)]
            if child in town.pupils:
                child += "禾"
            priority = "hardship" if serial % 17 == 0 else ""
            _pupil(town, child, place, priority=priority)
            home = _household(town)
            adult = _person(town, f"{surname}{'建国春华秋实家和'[serial % 8]}{'平安宁静'[serial % 4]}")
            _tie(town, child, adult, "妈妈" if serial % 3 else "爸爸", home)
