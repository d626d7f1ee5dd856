"""Appointments by import: the staff sheet of the roster workbook alone."""

import io
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Appointment, Person
from portal.extensions import db
from portal.roster import importing
from portal.roster.existing import Reach
from portal.roster.models import RosterImport, RosterProblem, State
from portal.schools.models import School

HEADINGS = ("学校代码", "姓名", "工号", "手机号", "岗位", "班级", "任职开始", "任职结束")


def school():
    return db.session.scalars(select(School).where(School.name == "望溪小学")).one()


def person(name):
    return db.session.scalar(select(Person).where(Person.name == name))


def bring(tmp_path, rows, by="何静", headings=HEADINGS):
    """Check a workbook of appointments of the school's office, and apply it when nothing is wrong."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "教职工"
    sheet.append(headings)
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    path = tmp_path / "任职.xlsx"
    path.write_bytes(stream.getvalue())
    reach = Reach(school().district_id, school().id, clock.today())
    made = importing.take_in(path, path.name, reach, person(by).id, True)
    key = made.id
    db.session.commit()
    importing.check(key)
    db.session.expire_all()
    made = db.session.get_one(RosterImport, key)
    if made.can_be_applied:
        importing.confirm(made)
        db.session.commit()
        importing.apply(key)
        db.session.expire_all()
        made = db.session.get_one(RosterImport, key)
    problems = db.session.scalars(select(RosterProblem).where(RosterProblem.import_id == key)).all()
    return made, [problem.reason for problem in problems if problem.gravity == "error"]


def row(name, role, in_class="", phone="19900990011", start="", end=""):
    return ("YX01", name, "", phone, role, in_class, start, end)


def test_teachers_lecturers_and_committees_come_from_one_sheet_and_twice_changes_nothing(app, tmp_path):
    last = clock.today() + timedelta(days=60)
    rows = [
        row("曾一", "任课教师", "三(2)班", "19900990011", "", str(last)),
        row("曾二", "家委会主任", "三(1)班", "19900990012"),
        row("曾三", "讲师", "", "19900990013"),
    ]
    made, errors = bring(tmp_path, rows)
    assert errors == []
    assert made.state == State.APPLIED
    held = {
        name: db.session.scalars(select(Appointment).where(Appointment.person_id == person(name).id)).one()
        for name in ("曾一", "曾二", "曾三")
    }
    assert held["曾一"].ended_on == last + timedelta(days=1)
    assert held["曾二"].role == "committee_chair"
    assert held["曾三"].school_id == school().id
    again, errors = bring(tmp_path, rows)
    assert errors == []
    assert again.total() == 0


@pytest.mark.parametrize(
    ("rows", "headings", "told"),
    [
        ([row("曾一", "校长")], HEADINGS, "appointed by the district"),
        ([row("何静", "班主任", "三(2)班", phone="")], HEADINGS, None),
        ([row("曾一", "皇帝")], HEADINGS, "Choose 校长"),
        ([row("曾一", "家委会主任")], HEADINGS, "which class this committee"),
        ([row("曾一", "班主任", "九(9)班")], HEADINGS, "does not exist"),
        ([row("曾一", "讲师", "", "1.9900990011e10x")], HEADINGS, ""),
        ([row("曾一", "讲师", "", "19900990011", "2026-13-40")], HEADINGS, ""),
        ([row("曾一", "讲师", "", "19900990011", "2026-09-02", "2026-09-01")], HEADINGS, ""),
        ([row("", "讲师")], HEADINGS, ""),
        ([("YX02", "曾一", "", "19900990011", "讲师", "", "", "")], HEADINGS, ""),
        ([], HEADINGS, None),
        ([row("曾一", "讲师")], ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛"), ""),
    ],
)
def test_a_bad_sheet_is_told_by_row_and_changes_nothing(app, tmp_path, rows, headings, told):
    before = db.session.scalars(select(Appointment.id)).all()
    made, errors = bring(tmp_path, rows, headings=headings)

    assert made.state != State.APPLIED
    assert db.session.scalars(select(Appointment.id)).all() == before
    if told is not None:
        assert any(told in error for error in errors), errors


def test_nobody_gives_themselves_an_office_by_a_file(app, tmp_path):
    person("何静").phone = "+8619900990099"
    db.session.commit()
    before = db.session.scalars(select(Appointment.id)).all()
    made, errors = bring(tmp_path, [row("何静", "班主任", "三(2)班", "19900990099")])

    assert any("Nobody changes their own rights" in error for error in errors)
    assert made.state == State.CHECKED
    assert db.session.scalars(select(Appointment.id)).all() == before
