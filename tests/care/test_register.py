"""The left-behind register: its contact log in pages, and taken out as a workbook with a second person."""

import io
from datetime import timedelta

import openpyxl
from sqlalchemy import func, select

from portal import clock
from portal.care.models import CareContact, CarePlan, LeftBehind
from portal.extensions import db
from portal.paging import PAGE
from portal.privacy import exporting
from portal.privacy.models import ExportRequest
from portal.schools.models import Pupil, School
from tests.privacy.test_auditpack import proved
from tests.support.queries import counting


def entered():
    """The first open line of 望溪小学's register, with the child's name."""
    return db.session.execute(
        select(LeftBehind, Pupil.name)
        .join(Pupil, Pupil.id == LeftBehind.pupil_id)
        .join(School, School.id == LeftBehind.school_id)
        .where(School.name == "望溪小学", LeftBehind.ended_on.is_(None))
        .order_by(LeftBehind.id)
    ).first()


def newest():
    return db.session.scalars(select(ExportRequest).order_by(ExportRequest.id.desc()).limit(1)).one()


def noted(line, count):
    """So many contacts, one on each day before today."""
    for days in range(count):
        made = CareContact(
            left_behind_id=line.id,
            author_id=line.author_id,
            held_on=clock.today() - timedelta(days=days),
            means="phone",
            written_at=clock.now(),
        )
        made.with_whom, made.line = "妈妈", f"第{days}次"
        db.session.add(made)
    db.session.commit()


def test_a_long_contact_log_comes_in_pages_that_cost_the_same(as_):
    line, _name = entered()
    client = as_("王雪")
    path = f"/care/register/{line.public_id}"
    client.page(path)
    with counting() as before:
        client.page(path)
    noted(line, PAGE + 5)
    with counting() as after:
        first = client.page(path)

    assert len(after) == len(before)
    assert "第0次" in first.text and f"第{PAGE + 4}次" not in first.text
    assert f"第{PAGE + 4}次" in client.page(first.links["看更多"]).text
    wrong = first.press("记下这次联系", line="")
    assert wrong.status == 422 and "看更多" not in wrong.links


def asked(as_, who="孙立德", kind="left_behind"):
    page = proved(as_, who).page(f"/privacy/exports/new?kind={kind}")
    return page.press("申请导出", kind=kind, purpose="报乡镇核对")


def fetched(as_):
    """The cells of the workbook, once the second person has agreed."""
    proved(as_, "何静").page("/privacy/exports").press("同意")
    client = proved(as_, "孙立德")
    page = client.page("/privacy/exports")
    form = page.form_of("领取文件")
    book = openpyxl.load_workbook(io.BytesIO(client.post(form.get("action"), data=page.fields(form)).data))
    return [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]


def test_the_register_leaves_with_a_second_person_and_the_family_sees_it(as_):
    line, name = entered()
    before = db.session.scalar(select(func.count(ExportRequest.id)))
    assert "用 XLSX 导出登记册" in as_("孙立德").page("/care/register").links
    assert asked(as_, "何静").status == 422
    assert db.session.scalar(select(func.count(ExportRequest.id))) == before

    assert asked(as_).status == 200
    request = newest()
    assert (request.holds, request.needs_second, request.content) == ("F4", True, None)
    assert "领取文件" not in as_("孙立德").page("/privacy/exports").buttons
    cells = fetched(as_)
    values = [cell.value for cell in cells]

    assert {cell.data_type for cell in cells} == {"s"}
    assert "报乡镇核对" in values[0]
    assert name in values and line.carer in values and line.agreed in values
    assert values.count(exporting.canary(request)) == 1
    seen = {who: as_(who, "guardian").page("/privacy/readings").text for who in ("周桂兰", "李晚晴")}
    assert name == "赵小满"
    assert "留守儿童登记册被导出" in seen["周桂兰"] and "报乡镇核对" in seen["周桂兰"]
    assert "留守儿童登记册被导出" not in seen["李晚晴"]


def test_the_plans_leave_as_a_workbook_the_same_way(as_):
    plan = db.session.scalars(select(CarePlan).join(Pupil).where(Pupil.name == "赵小满")).one()
    assert "用 XLSX 导出一人一案名册" in as_("孙立德").page("/care/?group=plan").links
    assert asked(as_, "何静", "care_plans").status == 422

    assert asked(as_, kind="care_plans").status == 200
    request = newest()
    assert (request.holds, request.needs_second) == ("F4", True)
    cells = fetched(as_)
    values = [cell.value for cell in cells]

    assert {cell.data_type for cell in cells} == {"s"}
    assert {"赵小满", "留守儿童", plan.aims, "何雨桐", "邓宇"} <= set(values)
    assert values.count(exporting.canary(request)) == 1
    seen = {who: as_(who, "guardian").page("/privacy/readings").text for who in ("周桂兰", "李晚晴")}
    assert "一人一案名册被导出" in seen["周桂兰"]
    assert "一人一案名册被导出" not in seen["李晚晴"]
