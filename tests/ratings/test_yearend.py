"""The year-end sheet: only what is final, in a fixed form, the same when it is checked, and every change in it found."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from bench import rounds
from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.ratings import taking_out, yearend
from portal.ratings.models import Entry, Objection, Round, RoundState
from portal.ratings.views import yearend as views_yearend
from portal.schools.models import School

PAPER = "云教〔2026〕18号"


@pytest.fixture
def round_(app):
    """Last year's published round, on a day when all terms are over, with what a star is worth set by a paper."""
    return db.session.scalars(
        select(Round).where(Round.state == RoundState.PUBLISHED).options(joinedload(Round.rubric_version))
    ).one()


@pytest.fixture
def worth(round_, as_):
    page = as_("张建平").page("/settings/change?name=ratings.target_points")
    lines = "5:10\n4:8\n3:6.5\n0:0"
    assert (
        page.press("从这一天起这样定", value=lines, from_on=str(clock.today()), document=PAPER).status == 200
    )
    return round_


def made(as_, round_, ending="csv"):
    """The newest sheet of a round, asked for on its page and taken out."""
    where, district = f"/ratings/rounds/{round_.public_id}/year-end", as_("张建平")
    page = district.page(where)
    button = "生成年终表" if "生成年终表" in page.buttons else "重新生成"
    assert page.press(button).status == 200
    return district.get(f"{where}.{ending}")


def lines_of(answer):
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def kept(answer, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(answer.data)
    return path


def test_the_sheet_names_school_star_points_rubric_document_and_head(worth, as_):
    district = as_("张建平")
    page = district.page(f"/ratings/rounds/{worth.public_id}/year-end")
    assert "4 星" in page.text and "8" in page.text and PAPER in page.text

    first, second = lines_of(made(as_, worth))

    by_name = {row["学校"]: row for row in (first, second)}
    entry = db.session.scalars(
        select(Entry).join(School).where(Entry.round_id == worth.id, School.name == "望溪小学")
    ).one()
    row = by_name["望溪小学"]
    assert (row["星级"], row["目标考核折算分"], row["折算依据"]) == (str(entry.star), "8", PAPER)
    assert (row["总分"], row["细则指纹"]) == (entry.total, worth.rubric_version.sha256)
    assert row["A 组织与保障"] == "11"
    assert (row["一票否决"], row["参评条件"], row["导出日期"]) == ("无", "符合", clock.today().isoformat())
    assert row["日志链首"].partition(":")[0].isdigit()
    assert list(row) == yearend.headings(yearend.rubric_of(worth.rubric_version))


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_file_checks_itself_and_every_change_is_found(worth, as_, app, tmp_path, ending):
    path = kept(made(as_, worth, ending), tmp_path, f"stars.{ending}")
    runner = app.test_cli_runner()

    assert runner.invoke(args=["rating", "check-export", str(path)]).exit_code == 0

    found = yearend.taken(path)
    for column in ("星级", "总分", "细则指纹", "C 家访", "目标考核折算分", "决定日期", "命名文号"):
        changed = [{**found[0], column: found[0][column] + "1"}, *found[1:]]
        assert len(yearend.differences(changed)) == 1, column
    assert len(yearend.differences(found[1:])) == 1
    assert yearend.differences([{**found[0], "日志链首": f"1:{'0' * 32}"}, *found[1:]]) != []
    assert yearend.differences([{**row, "轮次编号": "nobody"} for row in found]) != []
    assert yearend.differences([*found, found[0]]) != []


def test_a_result_changed_in_the_database_is_found(worth, as_, tmp_path):
    """The control of the check: the same file, another truth behind it."""
    path = kept(made(as_, worth), tmp_path, "stars.csv")
    entry = db.session.scalars(select(Entry).where(Entry.round_id == worth.id).limit(1)).one()
    entry.inputs = entry.inputs.replace('"present":{"duties":true', '"present":{"duties":false')
    db.session.commit()

    assert any("A 组织与保障" in line for line in yearend.differences(yearend.taken(path)))


def test_a_school_whose_appeal_runs_is_left_out(round_, as_):
    first = db.session.scalars(select(Objection)).one()
    db.session.add(
        Objection(
            entry_id=first.entry_id, tier=2, items="D4", text="公示照片有日期。", filed_at=clock.now(),
            filed_by_id=first.filed_by_id, decision_by_id=first.decision_by_id, answer_due_on=clock.today(),
        )
    )  # fmt: skip
    db.session.commit()

    page = as_("张建平").page(f"/ratings/rounds/{round_.public_id}/year-end")
    rows = lines_of(made(as_, round_))

    assert "还没有规定各星级的折算分" in page.text
    assert [row["学校"] for row in rows] == ["望溪小学"]
    assert rows[0]["目标考核折算分"] == ""


def test_nothing_is_final_while_the_public_notice_runs(round_, as_):
    with time_machine.travel(clock.instant_of(round_.publicity_ends_on, 12), tick=False):
        assert yearend.final(round_, clock.today()) == []
        assert taking_out.counts(round_, clock.today()) == (0, 2)
    assert taking_out.counts(round_, round_.publicity_ends_on + timedelta(days=60)) == (2, 0)


def test_a_sheet_is_scored_by_the_worker_once_and_then_frozen(round_, as_, monkeypatch):
    where, district = f"/ratings/rounds/{round_.public_id}/year-end", as_("张建平")
    assert district.get(f"{where}.xlsx").status_code == 404, "none was made"
    held_back = []
    monkeypatch.setattr(views_yearend, "ring", lambda task: held_back.append(task))
    page = district.page(where).press("生成年终表")
    assert "正在生成" in page.text and "生成年终表" not in page.buttons
    assert district.send(where, page.fields(page.all("form")[0])).status == 409, "one at a time"
    monkeypatch.setattr(taking_out.yearend, "stored_result", scored := Scored(yearend.stored_result))
    held_back[0]()
    held_back[0]()
    assert scored.count == 2, "each school once, though the worker came twice"
    first = district.get(f"{where}.csv").data
    district.get(f"{where}.xlsx")
    assert scored.count == 2 and len(lines_of(district.get(f"{where}.csv"))) == 2
    assert "重新生成" in district.page(where).buttons
    sheet = taking_out.newest_made(round_)
    sheet.content = "[]"
    with pytest.raises(RuleBroken, match="不能改动"):
        db.session.flush()
    db.session.rollback()
    assert district.get(f"{where}.csv").data == first


class Scored:
    """Counts how often a result is scored again."""

    def __init__(self, really):
        self.really, self.count = really, 0

    def __call__(self, entry):
        self.count += 1
        return self.really(entry)


def test_the_page_asks_the_same_of_a_large_district(app, as_, queries):
    asked = []
    for schools in (3, 9):
        round_ = db.session.scalars(select(Round).where(Round.public_id == rounds.build(schools))).one()
        where = f"/ratings/rounds/{round_.public_id}/year-end"
        on = round_.publicity_ends_on + timedelta(days=40)
        assert taking_out.counts(round_, on) == (len(yearend.final(round_, on)), 0) == (schools, 0)
        as_("张建平").page(where)
        with queries() as counted:
            as_("张建平").page(where)
        asked.append(len(counted))
    assert asked[0] == asked[1]


def test_a_file_that_is_none_is_refused_in_words(app, tmp_path):
    runner = app.test_cli_runner()
    for name, content in (
        ("a.csv", "a,b\n1,2\n"),
        ("b.csv", ""),
        ("c.xlsx", "PK\x03\x04broken"),
        ("d.csv", "\xff"),
        ("e.csv", "\x00"),
        ("g.csv", ",".join(yearend.FIXED + yearend.LAST).encode().decode("latin-1") + "\n,,\n"),
        ("f.csv", '"' + "x" * 200_000),
    ):
        path = tmp_path / name
        path.write_bytes(content.encode("latin-1"))
        found = runner.invoke(args=["rating", "check-export", str(path)])
        assert (found.exit_code, type(found.exception)) == (1, SystemExit), name
    assert runner.invoke(args=["rating", "check-export", str(tmp_path / "none.csv")]).exit_code == 1


def test_points_that_are_none_come_back_with_what_to_write(as_):
    page = as_("张建平").page("/settings/change?name=ratings.target_points")
    again = page.press("从这一天起这样定", value="五星:10", from_on=str(clock.today()), document=PAPER)

    assert again.status == 422
    assert "每行写一个星级" in again.text
    assert "五星:10" in again.response.get_data(as_text=True)


@pytest.mark.parametrize("lines", [["6"], ["5:x"], ["5:1", "5:2"], ["5:1.234"], ["99:1"], "5:1"])
def test_points_that_are_none_are_refused(lines):
    assert not yearend.StarPoints().fits(lines)
