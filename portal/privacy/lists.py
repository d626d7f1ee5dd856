"""Lists of people that an office may take out."""

import io
from typing import Any

import xlsxwriter
from sqlalchemy import func, or_, select

from portal import clock, names
from portal.extensions import db
from portal.i18n import lazy_gettext as _l
from portal.privacy.exporting import Made, canary, export, watermark
from portal.privacy.models import ExportRequest
from portal.schools.models import District, Enrolment, Pupil, School, SchoolClass

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _in_class(request: ExportRequest) -> Any:
    on = clock.local(request.asked_at).date() if request.asked_at else clock.today()
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
    packed = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    mark = watermark(request)
    with xlsxwriter.Workbook(packed, options) as book:
        sheet = book.add_worksheet("学生")
        sheet.set_footer(f"&C{mark.replace('&', '&&')}")
        sheet.write_string(0, 0, mark)
        for line, row in enumerate([("学校", "班级", "姓名"), *rows], 1):
            for place, cell in enumerate(row):
                sheet.write_string(line, place, cell)
    return Made(packed.getvalue(), f"pupils-{request.asked_at:%Y-%m-%d}.xlsx", SHEET)
