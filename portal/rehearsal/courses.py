"""Rehearsal courses: one to come, one held, one draft, one open to the public, one of the district."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock, names
from portal.courses import seating
from portal.courses.models import Audience, Course, CourseSession, Form, Lesson, Topic
from portal.extensions import db
from portal.rehearsal.cast import Town
from portal.schools.models import Guardianship

READING = (
    ("从听开始", "每天睡前给孩子读十五分钟。\n孩子会读了也接着读给他听：听懂的，总比自己读懂的多。"),
    ("一起聊书", "合上书，只问一个问题：“你最喜欢哪一段？”\n不考、不纠正，先听孩子说完。"),
)
HABITS = (("放学后的半小时", "先歇一歇、喝口水，再说作业。\n固定时间、固定地点，比催一百遍管用。"),)
GRANDPARENTS = (
    ("隔代不隔心", "爷爷奶奶带得辛苦，先说一声谢谢。\n规矩由爸爸妈妈和老人一起商量，写下来，贴在冰箱上。"),
)


def build(town: Town) -> None:
    """A handful of courses with seats and one evening that was held."""
    school, other = town.schools["望溪小学"], town.schools["东塔小学"]
    lecturer = town.people["郑雅琴"]
    reading = _course(
        town, "陪孩子读书的三件小事", Topic.PRIMARY, school, READING, lecturer_id=lecturer.id, is_public=True
    )
    reading.description = "不花钱、不费力，从今晚就能开始的亲子共读办法。适合一到三年级家庭。"
    coming = _session(reading, 4, "望溪小学报告厅", 60)
    for name in ("周桂兰", "林悦"):
        _sit(town, coming, name)

    habits = _course(
        town, "放学后的半小时：习惯从这里开始", Topic.PRIMARY, school, HABITS, lecturer_name="王雪"
    )
    habits.description = "三年级作业多了，怎样不吼不催？班主任和家长一起想办法。"
    third = town.classes["望溪小学 三(2)班"]
    habits.audience_kind, habits.audience_id = Audience.CLASS, third.id
    held = _session(habits, -10, "三(2)班教室", 40)
    _session(habits, 11, "三(2)班教室", 2)
    held.starts_at = clock.instant_of(town.today + timedelta(days=1), 19)
    seats = [_sit(town, held, name) for name in ("李晚晴", "周桂兰", "林悦")]
    held.starts_at = clock.instant_of(town.today - timedelta(days=10), 19)
    db.session.flush()
    seating.mark(held, habits, {household_id for household_id in seats[:2]}, ())

    draft = _course(town, "幼小衔接：入学前要准备什么", Topic.TO_PRIMARY, school, (), published=False)
    draft.description = "给即将入学的家庭。提纲已写好，课程内容待补。"

    care = _course(town, "爷爷奶奶带娃课堂", Topic.SPECIAL_FAMILIES, other, GRANDPARENTS, is_public=True)
    care.description = "祖辈、父辈坐在一起，聊聊怎么带、听谁的。"
    _session(care, 9, "东塔小学多功能厅", 30)

    online = _course(
        town,
        "青春期，怎样好好说话",
        Topic.JUNIOR,
        None,
        READING[1:],
        lecturer_id=lecturer.id,
        form=Form.ONLINE,
    )
    online.description = "全县家长公开课。线上直播，可以提问。"
    _session(online, 6, "县家长学校直播间（链接开课前一天公布）", 500)
    db.session.flush()


def _course(
    town: Town,
    title: str,
    topic: Topic,
    school: object,
    lessons: tuple[tuple[str, str], ...],
    *,
    published: bool = True,
    **facts: object,
) -> Course:
    district = town.districts["云溪县"]
    full, initials = names.reading(title)
    school_id = getattr(school, "id", None)
    course = Course(
        district_id=district.id,
        school_id=school_id,
        title=title,
        title_pinyin=full,
        title_initials=initials,
        topic=topic,
        audience_kind=Audience.SCHOOL if school_id else Audience.DISTRICT,
        audience_id=school_id or district.id,
        created_at=clock.now(),
        published_at=clock.now() if published else None,
        **{"form": Form.PLACE, **facts},
    )
    course.lessons = [
        Lesson(position=place, title=name, text=text) for place, (name, text) in enumerate(lessons, start=1)
    ]
    db.session.add(course)
    db.session.flush()
    return course


def _session(course: Course, days: int, place: str, capacity: int) -> CourseSession:
    session = CourseSession(
        course_id=course.id,
        starts_at=clock.instant_of(clock.today() + timedelta(days=days), 19),
        place=place,
        capacity=capacity,
        lesson_hours=2,
    )
    db.session.add(session)
    db.session.flush()
    return session


def _sit(town: Town, session: CourseSession, name: str) -> int:
    """The household of a parent takes a seat; its id."""
    person = town.people[name]
    household_id = db.session.scalars(
        select(Guardianship.household_id).where(Guardianship.person_id == person.id)
    ).first()
    assert household_id is not None
    seating.take(session, household_id, person.id)
    return household_id
