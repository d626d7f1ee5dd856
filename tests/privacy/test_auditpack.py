"""The yearly report: numbers counted by hand beforehand, plain text cells, documents that open, no name in any of it."""

import importlib.util
import io
import zipfile
from datetime import date, timedelta

import docx
import openpyxl
import pytest
import time_machine
from sqlalchemy import delete, select, update

from portal import clock
from portal.accounts.models import AuthSession, Person
from portal.config import ROOT
from portal.consent import Purpose
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.privacy import auditpack, exporting, jobs, lists
from portal.privacy.models import (
    AuditLine,
    Consent,
    DataCopy,
    ErasureRequest,
    ExportRequest,
    ReaderQuestion,
    RetentionRun,
)
from portal.schools.models import District, Pupil, School
from portal.visits.models import Visit

YEAR = 2026


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def school(name="望溪小学"):
    return db.session.scalars(select(School).where(School.name == name)).one()


def district(name="云溪县"):
    return db.session.scalars(select(District).where(District.name == name)).one()


def proved(as_, name, role=None):
    client = as_(name, role)
    db.session.execute(update(AuthSession).values(proved_at=clock.now()))
    db.session.commit()
    return client


def the_year(on=None):
    return auditpack.year_of(district(), YEAR, on or clock.today())


def table(tables, number):
    return {tuple(row[:-1]) if len(row) > 2 else row[0]: row[-1] for row in tables[number].rows}


def in_year(month, day):
    return clock.instant_of(date(YEAR, month, day), 10)


def seeded():
    """A year whose numbers are known beforehand."""
    for owner in (Consent, ErasureRequest, DataCopy, ReaderQuestion, ExportRequest, RetentionRun, AuditLine):
        db.session.execute(delete(owner))
    here, child = school(), db.session.scalars(select(Pupil).where(Pupil.name == "陈一诺")).one()
    mother = person("李晚晴")

    def consent(answer, purpose=Purpose.SCHOOL_PHOTO, group="under_14", at=None):
        db.session.add(
            Consent(
                purpose=purpose, version=1, school_id=here.id, pupil_id=child.id, person_id=mother.id, age_band=group,
                answer=answer, channel="screen", answered_at=at or in_year(10, 5),
            )
        )  # fmt: skip

    for answer in ("given", "given", "given", "refused", "withdrawn"):
        consent(answer)
    consent("given", group="from_14")
    consent("given", at=clock.instant_of(date(YEAR - 1, 12, 31), 23, 59))
    consent("given", at=clock.instant_of(date(YEAR + 1, 1, 1)))
    for state, days, second in (
        ("done", 3, True),
        ("refused", 9, False),
        ("open", 0, False),
        ("withdrawn", 40, False),
    ):
        asked = in_year(5, 1)
        db.session.add(
            ErasureRequest(
                person_id=mother.id, school_id=here.id, kind="account", part="", asked_at=asked, due_on=date(YEAR, 5, 22),
                state=state, parts=[], effect={}, ground="period" if state == "refused" else "", reply="",
                decided_by_id=person("何静").id if days else None,
                decided_at=asked + timedelta(days=days) if days else None,
                second_by_id=person("孙立德").id if second else None,
                done_at=asked + timedelta(days=days) if state == "done" else None,
            )
        )  # fmt: skip
    for state in ("fetched", "gone", "gone"):
        db.session.add(
            DataCopy(
                person_id=mother.id, asked_at=in_year(6, 1), due_on=date(YEAR, 6, 16), state=state, size=1
            )
        )
    for number, name in ((1, "孙立德"), (2, "")):
        db.session.add(
            ReaderQuestion(
                trail_entry_id=number, person_id=mother.id, pupil_id=child.id, school_id=here.id, asked_at=in_year(7, 1),
                due_on=date(YEAR, 7, 22), answered_at=in_year(7, 2) if name else None, reader_name=name,
            )
        )  # fmt: skip
    db.session.add(
        ExportRequest(
            kind="pupils", district_id=here.district_id, asked_by_id=person("苏敏").id, asked_at=in_year(8, 1), purpose="x",
            state="fetched", people=300, holds="F2", needs_second=True, approved_by_id=person("张建平").id, approved_at=in_year(8, 1),
        )
    )  # fmt: skip
    for day, number in ((date(YEAR, 3, 1), 4), (date(YEAR, 4, 1), 5), (date(YEAR - 1, 4, 1), 99)):
        db.session.add(
            RetentionRun(
                kind="visit_texts", ran_on=day, ran_at=in_year(3, 1), district_id=here.district_id, school_id=here.id, ended=number
            )
        )  # fmt: skip
    db.session.add(
        AuditLine(
            district_id=here.district_id, year=YEAR, section="incident", text="=1+1 <b>演练</b> & {{ 7*7 }}", written_at=in_year(9, 1)
        )
    )  # fmt: skip
    db.session.commit()


def test_the_numbers_are_those_counted_by_hand(as_):
    seeded()
    visit = db.session.scalars(
        select(Visit).where(Visit.school_id == school().id, Visit.outcome == "met")
    ).first()
    for _time in range(3):
        as_("孙立德").page(f"/visits/{visit.public_id}")
    tables = auditpack.report(the_year())

    children = {row[0]: row[1:] for row in tables[0].rows}
    assert children["合计"] == [
        str(sum(int(row[1]) for row in tables[0].rows[:-1])),
        str(sum(int(row[2]) for row in tables[0].rows[:-1])),
    ]
    consents = {(row[0], row[1]): row[2:] for row in tables[1].rows}
    assert consents["学校宣传中使用孩子的照片", "未满 14 周岁"] == ["3", "1", "1"]
    assert consents["学校宣传中使用孩子的照片", "14 至 18 周岁"] == ["1", "0", "0"]
    assert ["家访、意见等文字", "校长", "3"] in tables[2].rows
    asked = dict(tables[3].rows)
    assert asked == {
        "删除申请：收到": "4",
        "删除申请：已删除": "1",
        "删除申请：不予删除（附依据）": "1",
        "删除申请：申请人撤回": "1",
        "删除申请：办理最长天数": "9",
        "删除申请：经第二人批准": "1",
        "本人信息副本：申请": "3",
        "本人信息副本：已领取": "1",
        "询问查看人姓名：收到": "2",
        "询问查看人姓名：已答复": "1",
    }
    assert tables[4].rows == [["学生名单", "1", "1", "0", "1"]]
    assert next(row for row in tables[5].rows if row[0] == "家访写的文字")[3] == "9"


def test_children_are_counted_by_age_group_and_school(app):
    rows = {row[0]: row[1:] for row in auditpack.children(the_year()).rows}

    assert rows["望溪小学"][1] == "0" and int(rows["望溪小学"][0]) > 20
    assert rows["南桥中学"] == ["17", "0"]
    assert "石桥县第一小学" not in rows
    neighbour = auditpack.year_of(district("石桥县"), YEAR, clock.today())
    assert [row[0] for row in auditpack.children(neighbour).rows] == ["石桥县第一小学", "合计"]


def test_the_inventory_names_every_classed_column(app):
    listed = {(row[0], row[1]) for row in auditpack.inventory().rows}
    declared = {
        (mapper.local_table.name, column.name)
        for mapper in Base.registry.mappers
        for column in mapper.local_table.columns
        if "class" in column.info
    }

    assert listed == declared and len(listed) > 20


def packed():
    data = auditpack.pack(the_year(), "苏敏 · 演练", clock.today())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def words_of(document):
    found = [paragraph.text for paragraph in document.paragraphs]
    for one in document.tables:
        found += [cell.text for row in one.rows for cell in row.cells]
    return "\n".join(found)


def test_the_documents_open_are_filled_and_name_nobody(app):
    seeded()
    files = packed()
    assert sorted(name.rpartition(".")[2] for name in files) == ["docx", "docx", "xlsx"]
    names = [one for one in db.session.scalars(select(Pupil.name))] + [
        one for one in db.session.scalars(select(Person.name)) if one != "苏敏"
    ]
    for name, data in files.items():
        if not name.endswith(".docx"):
            continue
        document = docx.Document(io.BytesIO(data))
        text = words_of(document)
        assert "云溪县" in text and "{{" not in text.replace("{{ 7*7 }}", "") and "{%" not in text
        assert [one for one in names if one in text] == []
        assert "苏敏 · 演练" in document.sections[0].footer.paragraphs[0].text
    report = words_of(docx.Document(io.BytesIO(files[f"{YEAR}年未成年人个人信息保护合规审计材料.docx"])))
    assert "=1+1 <b>演练</b> & {{ 7*7 }}" in report
    assert "删除申请：收到" in report


def test_the_workbook_holds_text_only(app):
    seeded()
    data = next(data for name, data in packed().items() if name.endswith(".xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]

    assert len(cells) > 200
    assert {cell.data_type for cell in cells} == {"s"}
    assert "=1+1 <b>演练</b> & {{ 7*7 }}" in {cell.value for cell in cells}


def test_the_templates_are_those_the_script_makes():
    spec = importlib.util.spec_from_file_location("audit_templates", ROOT / "scripts/audit_templates.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, make in script.TEMPLATES.items():
        stored = (ROOT / "templates/documents" / f"{name}.docx").read_bytes()
        with (
            zipfile.ZipFile(io.BytesIO(stored)) as kept,
            zipfile.ZipFile(io.BytesIO(script.packed(make()))) as fresh,
        ):
            assert kept.read("word/document.xml") == fresh.read("word/document.xml")


@pytest.mark.parametrize(
    "on, year, shown",
    [(date(2026, 12, 1), 2026, True), (date(2027, 1, 31), 2026, True), (date(2027, 2, 1), 2026, False)],
)
def test_the_report_is_on_the_first_page_from_december_to_january(as_, on, year, shown):
    with time_machine.travel(clock.instant_of(on, 10), tick=True):
        assert auditpack.year_to_report(clock.today()) == year
        text = as_("张建平").page("/").text
        assert ("报送年度未成年人个人信息保护审计材料" in text) == shown


def test_it_leaves_the_first_page_once_it_is_fetched(as_):
    with time_machine.travel(clock.instant_of(date(2026, 12, 3), 10), tick=True):
        client = proved(as_, "张建平")
        client.page("/privacy/exports/new").press(
            "申请导出", kind="audit_pack", year="2026", purpose="年度报送"
        )
        page = client.page("/privacy/exports")
        form = page.form_of("领取文件")
        answer = client.post(form.get("action"), data=page.fields(form))
        assert answer.status_code == 200 and answer.data[:2] == b"PK"
        assert client.post(form.get("action"), data={**page.fields(form), "once": "b"}).status_code == 409
        assert "报送年度未成年人个人信息保护审计材料" not in as_("张建平").page("/").text


def test_lines_are_written_and_taken_out(as_):
    client = as_("张建平")
    page = client.page("/privacy/audit?year=2026")
    assert page.press("添加", section="incident", text="演练：误发通知一次，已更正。").status == 200
    assert "误发通知" in client.page("/privacy/audit?year=2026").text
    assert page.press("添加", section="gossip", text="x").status == 422
    assert page.press("添加", section="incident", text="").status == 422
    line = db.session.scalars(select(AuditLine).where(AuditLine.section == "incident")).one()
    other = as_("唐芸").page("/privacy/audit")
    assert "误发通知" not in other.text
    assert client.page("/privacy/audit?year=2026").press("删去").status == 200
    assert line.public_id


# Exports: T-07.


def ask(as_, who="何静", **sent):
    client = proved(as_, who)
    page = client.page("/privacy/exports/new")
    return page.press("申请导出", **{"kind": "pupils", "purpose": "核对名单", **sent})


def newest():
    return db.session.scalars(select(ExportRequest).order_by(ExportRequest.id.desc()).limit(1)).one()


def test_a_small_list_is_made_at_once_and_marked(as_):
    assert ask(as_).status == 200
    request = newest()
    assert request.state == "ready" and not request.needs_second
    client = proved(as_, "何静")
    page = client.page("/privacy/exports")
    form = page.form_of("领取文件")
    answer = client.post(form.get("action"), data=page.fields(form))
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
    values = [cell.value for cell in cells]

    assert {cell.data_type for cell in cells} == {"s"}
    assert "何静" in values[0] and "核对名单" in values[0] and request.public_id in values[0]
    assert values.count(exporting.canary(request)) == 1
    assert "陈一诺" in values and "沈知夏" not in values
    assert db.session.scalar(select(Pupil.id).where(Pupil.name == exporting.canary(request))) is None


def test_fifty_attempts_beyond_the_cap_make_no_file(as_, monkeypatch):
    monkeypatch.setattr(exporting, "MOST_ALONE", 10)
    monkeypatch.setattr(exporting, "A_DAY", 100)
    client = proved(as_, "何静")
    for _attempt in range(50):
        client.page("/privacy/exports/new").press("申请导出", kind="pupils", purpose="核对名单")
        jobs.make_export(export_id=newest().id)
        with pytest.raises(RuleBroken):
            exporting.made(newest())
        with pytest.raises(RuleBroken):
            newest().decide(person("何静").id, clock.now(), agrees=True)
        db.session.rollback()

    rows = db.session.scalars(select(ExportRequest).where(ExportRequest.school_id == school().id)).all()
    assert len(rows) == 50
    assert {(row.state, row.content) for row in rows} == {("waiting", None)}
    assert all(row.needs_second and row.people > 10 for row in rows)


def test_with_a_second_person_the_same_list_goes(as_, monkeypatch):
    monkeypatch.setattr(exporting, "MOST_ALONE", 10)
    ask(as_)
    page = proved(as_, "孙立德").page("/privacy/exports")
    assert "核对名单" in page.text and "何静" in page.text
    page.press("同意")

    assert newest().state == "ready" and newest().approved_by_id == person("孙立德").id
    assert "领取文件" not in as_("孙立德").page("/privacy/exports").buttons


def test_a_second_person_may_say_no(as_, monkeypatch):
    monkeypatch.setattr(exporting, "MOST_ALONE", 10)
    ask(as_)
    proved(as_, "孙立德").page("/privacy/exports").press("不同意")
    jobs.make_export(export_id=newest().id)

    assert (newest().state, newest().content) == ("gone", None)
    assert "第二人没有同意" in as_("何静").page("/privacy/exports").text


def test_sensitive_kinds_always_take_two(app, monkeypatch):
    kind = exporting.Export("x", "x", "F4", lambda _request: 1, lists.pupils)
    monkeypatch.setitem(exporting.EXPORTS, "x", kind)
    request = ExportRequest(
        kind="x",
        district_id=school().district_id,
        school_id=school().id,
        asked_by_id=person("何静").id,
        purpose="x",
    )
    exporting.ask(request, clock.now())

    assert request.needs_second and not request.may_be_made


def test_many_exports_a_day_are_too_many(as_):
    statuses = [ask(as_).status for _number in range(exporting.A_DAY + 1)]

    assert statuses == [200] * exporting.A_DAY + [429]


@pytest.mark.parametrize(
    "sent",
    [
        {"kind": "audit_pack"},
        {"kind": "trail"},
        {"kind": ""},
        {"purpose": ""},
        {"purpose": "字" * 201},
        {"purpose": "a\x00b"},
    ],
)
def test_a_mangled_export_is_refused(as_, sent):
    before = newest().id

    assert ask(as_, **sent).status == 422
    assert newest().id == before


@pytest.mark.parametrize("year", ["", "1999", "2101", "2027", "x", "-1", "1e3"])
def test_a_wrong_year_is_refused(as_, year):
    before = newest().id

    assert ask(as_, "张建平", kind="audit_pack", year=year).status == 422
    assert newest().id == before
