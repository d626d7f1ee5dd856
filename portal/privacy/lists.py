"""Lists of people that an office may take out."""

import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import xlsxwriter
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import selectinload

from portal import clock, names
from portal.accounts.models import Person
from portal.care.models import AWAY_NAMES, Away, CareContact, CarePlan, LeftBehind
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.privacy.exporting import Made, canary, export, watermark
from portal.privacy.models import ExportRequest
from portal.schools.models import District, Enrolment, Pupil, School, SchoolClass
from portal.visits.models import PRIORITY_NAMES

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _asked_on(request: ExportRequest) -> date:
    return clock.local(request.asked_at).date() if request.asked_at else clock.today()


def _in_class(request: ExportRequest) -> Any:
    on = _asked_on(request)
    held = (Enrolment.started_on <= on, or_(Enrolment.ended_on.is_(None), Enrolment.ended_on > on))
    if request.school_id is not None:
        return (*held, Enrolment.school_id == request.school_id)
    path = select(District.path).where(District.id == request.district_id).scalar_subquery()
    below = select(District.id).where(District.path.startswith(path))
    return (*held, Enrolment.school_id.in_(select(School.id).where(School.district_id.in_(below))))


def count_pupils(request: ExportRequest) -> int:
    """How many children the list would name."""
    return db.session.scalar(select(func.count(Enrolment.id)).where(*_in_class(request))) or 0


@export("pupils", _l("List of pupils with their classes"), "F2", count_pupils)
def pupils(request: ExportRequest) -> Made:
    """School, class and name of every pupil of today, with the canary among them; cells are text, never formulas."""
    rows = [
        (school, room, name)
        for school, room, name in db.session.execute(
            select(School.name, SchoolClass.name, Pupil.name)
            .select_from(Enrolment)
            .join(Pupil, Pupil.id == Enrolment.pupil_id)
            .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
            .join(School, School.id == Enrolment.school_id)
            .where(*_in_class(request))
            .order_by(School.name_pinyin, SchoolClass.id, Pupil.name_pinyin, Pupil.id)
        )
    ]
    if rows:
        school, room, _name = rows[len(rows) // 2]
        rows.append((school, room, canary(request)))
        rows.sort(key=lambda row: (row[0], row[1], names.reading(row[2])))
    data = _workbook(request, "学生", ("学校", "班级", "姓名"), rows)
    return Made(data, f"pupils-{request.asked_at:%Y-%m-%d}.xlsx", SHEET)


def _workbook(
    request: ExportRequest, name: str, headings: Sequence[str], rows: Iterable[Sequence[str]]
) -> bytes:
    """One sheet of text cells under the line that says who took it out; none is a formula."""
    packed = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    mark = watermark(request)
    with xlsxwriter.Workbook(packed, options) as book:
        sheet = book.add_worksheet(name)
        sheet.set_footer(f"&C{mark.replace('&', '&&')}")
        sheet.write_string(0, 0, mark)
        for line, row in enumerate([headings, *rows], 1):
            for place, cell in enumerate(row):
                sheet.write_string(line, place, cell)
    return packed.getvalue()


# The left-behind register.

REGISTER = (
    "班级",
    "姓名",
    "外出情况",
    "监护照料人",
    "父母去向",
    "约定的联系",
    "登记日期",
    "最近联系",
    "联系次数",
)


def _on_register(request: ExportRequest) -> Any:
    on = _asked_on(request)
    return (
        LeftBehind.school_id == request.school_id,
        LeftBehind.started_on <= on,
        or_(LeftBehind.ended_on.is_(None), LeftBehind.ended_on > on),
    )


def count_left_behind(request: ExportRequest) -> int:
    """How many children the register names."""
    return db.session.scalar(select(func.count(LeftBehind.id)).where(*_on_register(request))) or 0


@export("left_behind", _l("Left-behind register with carers and what was agreed"), "F4", count_left_behind)
def left_behind(request: ExportRequest) -> Made:
    """The register of a school on the day it was asked for, with the canary among the children."""
    contacts = (
        select(CareContact.left_behind_id, func.count().label("count"))
        .group_by(CareContact.left_behind_id)
        .subquery()
    )
    found = db.session.execute(
        select(LeftBehind, Pupil.name, SchoolClass.name, contacts.c.count)
        .join(Pupil, Pupil.id == LeftBehind.pupil_id)
        .outerjoin(Enrolment, and_(Enrolment.pupil_id == LeftBehind.pupil_id, *_in_class(request)))
        .outerjoin(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .outerjoin(contacts, contacts.c.left_behind_id == LeftBehind.id)
        .where(*_on_register(request))
        .order_by(SchoolClass.id, Pupil.name_pinyin, LeftBehind.id)
    )
    rows = [_line(one, name, room or "", count or 0) for one, name, room, count in found]
    if rows:
        copied = rows[len(rows) // 2]
        rows.insert(
            len(rows) // 2, (copied[0], canary(request), copied[2], "奶奶", "", "每周通话一次", *copied[6:])
        )
    data = _workbook(request, "留守儿童登记", REGISTER, rows)
    return Made(data, f"left-behind-{request.asked_at:%Y-%m-%d}.xlsx", SHEET)


def _line(one: LeftBehind, name: str, room: str, count: int) -> tuple[str, ...]:
    return (
        room,
        name,
        str(AWAY_NAMES[Away(one.away)]),
        one.carer or "",
        one.whereabouts or "",
        one.agreed or "",
        one.started_on.isoformat(),
        one.contacted_on.isoformat() if count else "",
        str(count),
    )


# The pupils with a plan of their own (一人一案).

PLANS = ("班级", "姓名", "建案原因", "责任人", "目标", "措施", "建案日期", "下次复查")


def _with_plan(request: ExportRequest) -> Any:
    on = _asked_on(request)
    return (
        CarePlan.school_id == request.school_id,
        CarePlan.opened_on <= on,
        or_(CarePlan.closed_on.is_(None), CarePlan.closed_on > on),
    )


def count_plans(request: ExportRequest) -> int:
    """How many children have a plan."""
    return db.session.scalar(select(func.count(CarePlan.id)).where(*_with_plan(request))) or 0


@export("care_plans", _l("Pupils with a plan of their own, its aims and measures"), "F4", count_plans)
def care_plans(request: ExportRequest) -> Made:
    """The plans of a school on the day it was asked for, with the canary among the children."""
    found = db.session.execute(
        select(CarePlan, Pupil.name, SchoolClass.name, Person.name)
        .join(Pupil, Pupil.id == CarePlan.pupil_id)
        .join(Person, Person.id == CarePlan.responsible_id)
        .outerjoin(Enrolment, and_(Enrolment.pupil_id == CarePlan.pupil_id, *_in_class(request)))
        .outerjoin(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(*_with_plan(request))
        .options(selectinload(CarePlan.measures))
        .order_by(SchoolClass.id, Pupil.name_pinyin, CarePlan.id)
    )
    rows = [_plan_line(one, name, room or "", by) for one, name, room, by in found]
    if rows:
        copied = rows[len(rows) // 2]
        rows.insert(len(rows) // 2, (copied[0], canary(request), *copied[2:4], "多和同学玩", "", *copied[6:]))
    data = _workbook(request, "一人一案", PLANS, rows)
    return Made(data, f"care-plans-{request.asked_at:%Y-%m-%d}.xlsx", SHEET)


def _plan_line(one: CarePlan, name: str, room: str, responsible: str) -> tuple[str, ...]:
    return (
        room,
        name,
        "、".join(str(PRIORITY_NAMES.get(group, group)) for group in one.groups or ()),
        responsible,
        one.aims or "",
        "；".join(measure.what for measure in one.measures),
        one.opened_on.isoformat(),
        one.review_due_on.isoformat(),
    )
