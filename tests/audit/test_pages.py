"""The log on pages and in files: who sees which entries, how they are found, that no cell is a formula."""

import csv
import io

import openpyxl
import pytest
from sqlalchemy import select, update

from portal import clock
from portal.accounts.models import Appointment, AuthSession, Person
from portal.extensions import db
from portal.privacy import exporting as privacy_exporting
from portal.privacy import jobs
from portal.privacy.models import ExportRequest
from portal.schools.models import Pupil, School
from portal.trail.models import TrailEntry, note
from tests.visits.builders import visited


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def school_of(name):
    return db.session.scalars(select(School).where(School.name == name)).one()


def logged(action, who, role, school=None, **facts):
    note(
        action,
        None,
        person_id=who.id,
        role=role,
        object_kind="notice",
        school_id=school and school.id,
        **facts,
    )
    db.session.commit()


@pytest.fixture
def busy(app):
    """Something done by several people of 望溪小学 and by one of another school."""
    home = school_of("望溪小学")
    other = db.session.scalars(select(School).where(School.id != home.id)).first()
    logged("notice.published", person("王雪"), "class_teacher", home)
    logged("opinion.sent", person("李晚晴"), "guardian", home)
    logged("rating.marked", person("吴正清"), "inspector", home)
    logged("notice.withdrawn", person("邓宇"), "subject_teacher", other)


def actions(page):
    return [
        act
        for act in ("通知：已发布", "意见：已发送", "星级评定：指标评分", "通知：已撤回")
        if act in page.text
    ]


def test_everybody_sees_their_own_entries_and_no_others(as_, busy):
    assert actions(as_("王雪").page("/audit/")) == ["通知：已发布"]
    assert actions(as_("李晚晴").page("/audit/")) == ["意见：已发送"]
    assert actions(as_("吴正清").page("/audit/")) == ["星级评定：指标评分"]


def test_a_principal_sees_what_staff_did_in_the_school_but_no_family_and_no_inspector(as_, busy):
    assert actions(as_("孙立德").page("/audit/")) == ["通知：已发布"]


def test_district_staff_see_the_district_without_names_of_families(as_, busy):
    page = as_("张建平").page("/audit/")

    assert actions(page) == ["通知：已发布", "意见：已发送", "星级评定：指标评分", "通知：已撤回"]
    assert "王雪" in page.text
    assert "李晚晴" not in page.text


def test_entries_are_found_by_person_day_area_and_record(as_, busy):
    visit = visited("林嘉树")
    principal = as_("孙立德")
    principal.page(f"/visits/{visit.public_id}")
    staff = as_("张建平")
    assert actions(staff.page("/audit/?person=王雪")) == ["通知：已发布"]
    assert actions(staff.page("/audit/?person=李晚晴")) == []
    assert actions(staff.page("/audit/?area=rating")) == ["星级评定：指标评分"]
    assert actions(staff.page(f"/audit/?day={clock.today()}")) == actions(staff.page("/audit/"))
    assert actions(staff.page("/audit/?day=2020-01-01")) == []
    about = principal.page(f"/audit/?object=visit:{visit.id}")
    assert "家访：查看" in about.text
    assert actions(about) == []
    for odd in ("day=2020-99-99", "object=visit:x", "object=:1", "after=%00", "area=nothing", "person=%25"):
        assert staff.get(f"/audit/?{odd}").status_code == 200


def test_a_list_costs_the_same_for_one_entry_as_for_many(as_, busy, queries):
    staff = as_("张建平")
    staff.page("/audit/")
    with queries() as few:
        staff.page("/audit/?day=2020-01-01")
    for number in range(30):
        note(
            "term.changed",
            None,
            person_id=number + 1,
            role="class_teacher",
            school_id=school_of("望溪小学").id,
        )
    db.session.commit()
    with queries() as many:
        page = staff.page("/audit/")
    assert len(many) <= len(few) + 1
    assert any("显示更多" in words or "更多" in words for words in page.links)


def asked(client, kind, reason="年度检查"):
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    db.session.commit()
    return client.page("/audit/export").press("申请导出日志", kind=kind, reason=reason)


def fetched(page):
    form = page.form_of("领取文件")
    return page.client.post(form.get("action"), data=page.fields(form))


def newest():
    return db.session.scalars(select(ExportRequest).order_by(ExportRequest.id.desc()).limit(1)).one()


RISKY = "=HYPERLINK('http://evil')"


def rows_of(answer, kind):
    if kind == "csv":
        return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    book = openpyxl.load_workbook(io.BytesIO(answer.get_data()))
    assert all(cell.data_type != "f" for line in book.active for cell in line)
    return [[cell.value or "" for cell in line] for line in book.active]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_holds_what_its_reader_may_see_and_is_an_entry_itself(as_, busy, kind):
    someone = person("王雪")
    someone.name = RISKY
    db.session.commit()
    page = asked(as_("孙立德"), kind)
    assert "操作日志" in page.text and f"{clock.today():%Y}" in page.text
    rows = rows_of(fetched(page), kind)

    names = {row[2] for row in rows[1:]}
    assert ("'" if kind == "csv" else "") + RISKY in names
    assert {row[5] for row in rows[1:]} >= {"notice.published", "export.asked"}
    assert not {row[5] for row in rows[1:]} & {"opinion.sent", "rating.marked", "notice.withdrawn"}
    assert len({len(row) for row in rows}) == 1
    assert all(word in rows[-1][0] for word in ("孙立德", "年度检查", newest().public_id))
    entries = db.session.scalars(
        select(TrailEntry).where(TrailEntry.object_kind == "export_request", TrailEntry.object_id == newest().id)
    ).all()  # fmt: skip
    assert [one.action for one in entries] == ["export.asked", "export.made", "export.fetched"]
    assert {one.person_id for one in entries} == {person("孙立德").id, None}
    assert entries[0].facts["last"] == str(clock.today()) and "年度检查" not in str(entries[0].facts)
    assert "领取文件" not in page.client.page("/privacy/exports").buttons


def test_a_log_that_tells_of_many_leaves_with_a_second_person_only(as_, busy, monkeypatch):
    home = school_of("望溪小学")
    for child in db.session.scalars(select(Pupil.id).where(Pupil.school_id == home.id).limit(3)).all():
        note("visit.written", None, person_id=1, role="class_teacher", pupil_id=child, school_id=home.id)
    db.session.commit()
    monkeypatch.setattr(privacy_exporting, "MOST_ALONE", 2)
    page = asked(as_("张建平"), "csv")
    assert "等第二人确认" in page.text and newest().people >= 3
    jobs.make_export(export_id=newest().id)
    assert newest().content is None and "领取文件" not in page.client.page("/privacy/exports").buttons

    asked(as_("苏敏"), "csv", reason="自己的")
    second = as_("苏敏").page("/privacy/exports")
    assert "张建平" in second.text and "年度检查" in second.text
    assert second.buttons.count("同意") == 1
    second.press("同意")
    mine = page.client.page("/privacy/exports")
    assert mine.buttons.count("领取文件") == 1
    assert any(row[5] == "visit.written" for row in rows_of(fetched(mine), "csv")[1:])


def test_who_left_the_office_meanwhile_has_no_file_made(as_, busy, monkeypatch):
    """The control: with the office still held, the same request is made by the same job."""
    monkeypatch.setattr(privacy_exporting, "MOST_ALONE", -1)
    asked(as_("孙立德"), "csv")
    request = newest()
    request.approved_by_id, request.approved_at = person("何静").id, clock.now()
    held = db.session.scalars(
        select(Appointment).where(Appointment.person_id == request.asked_by_id, Appointment.role == "principal")
    ).one()  # fmt: skip
    until = held.ended_on
    held.ended_on = clock.today()
    db.session.commit()
    jobs.make_export(export_id=request.id)
    db.session.expire_all()
    assert request.content is None

    held.ended_on = until
    db.session.commit()
    jobs.make_export(export_id=request.id)
    db.session.expire_all()
    assert request.content is not None


def test_no_file_without_a_reason_or_with_days_that_cannot_be(as_, busy):
    client = as_("张建平")
    page = client.page("/audit/export")
    assert page.press("申请导出日志", reason=" ").status == 422
    wrong = page.press("申请导出日志", reason="检查", first="2026-09-10", last="2026-09-01")
    assert wrong.status == 422
    assert "结束日期早于开始日期" in wrong.text
    before = newest().id
    assert page.press("申请导出日志", reason="检查", first="2020-01-01", last="2026-09-01").status == 422
    assert page.press("申请导出日志", reason="检查", kind="pdf").status == 422
    assert newest().id == before


@pytest.fixture
def run(app):
    def run(*words):
        db.session.commit()
        return app.test_cli_runner().invoke(args=list(words))

    return run


def test_the_operator_exports_by_command_and_that_is_logged(run, busy, tmp_path):
    path, day = tmp_path / "log.csv", str(clock.today())
    result = run("audit", "export", str(path), "--from", day, "--to", day, "--school", "YX01")

    assert result.exit_code == 0, result.output
    rows = list(csv.reader(path.open(encoding="utf-8-sig")))
    assert len({len(row) for row in rows}) == 1
    assert {row[5] for row in rows[1:]} >= {"notice.published", "opinion.sent", "audit.exported"}
    assert "李晚晴" not in path.read_text(encoding="utf-8-sig")
    for words in (
        (str(tmp_path / "log.pdf"), "--from", day, "--to", day),
        (str(path), "--from", day, "--to", day, "--school", "NO"),
    ):
        assert run("audit", "export", *words).exit_code == 1
