"""Visits on paper: what the reader may read, never a sealed note, each print with its reason in the trail."""

import io
import sys

import openpyxl
import pytest
from pypdf import PdfReader
from sqlalchemy import select

from portal.extensions import db
from portal.trail.models import TrailEntry
from tests.support.client import words
from tests.visits.builders import of, visited

MAKE = "生成打印件"
SEALED = "夜里有时想爸爸睡不着"


def text_of(answer):
    """The words of a PDF, without spaces."""
    pages = PdfReader(io.BytesIO(answer.data)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def acts(action):
    """How often something stands in the trail."""
    return len(db.session.scalars(select(TrailEntry.id).where(TrailEntry.action == action)).all())


@pytest.mark.parametrize("name", ["王雪", "孙立德"])
def test_a_record_is_printed_with_its_reason_and_without_the_sealed_note(as_, name):
    page = as_(name).page(f"/visits/{of('赵小满').public_id}/paper")
    before = acts("record.read"), acts("visit.printed")
    paper = page.press(MAKE, reason="学校归档")

    assert paper.response.mimetype == "application/pdf"
    text = text_of(paper.response)
    assert "赵小满" in text
    assert "自己整理书包" in text
    assert "教师签名" in text
    assert SEALED[:6] not in text
    assert (acts("record.read"), acts("visit.printed")) == (before[0] + 1, before[1] + 1)


def test_without_a_reason_nothing_is_printed(as_):
    paper = as_("王雪").page(f"/visits/{of('赵小满').public_id}/paper").press(MAKE, reason="")

    assert paper.status == 422
    assert acts("visit.printed") == 0


def test_the_book_of_a_class_holds_its_visits_and_no_sealed_note(as_):
    visited("陈一诺", hopes="一诺爱讲故事。")
    page = as_("王雪").page("/visits/book")
    before = acts("record.read")
    text = text_of(page.press(MAKE, reason="学期归档").response)

    assert "三(2)班" in text
    assert "一诺爱讲故事" in text
    assert "赵小满" in text
    assert SEALED[:6] not in text
    assert acts("record.read") > before
    assert acts("visit_book.printed") == 1


@pytest.mark.parametrize(("name", "row"), [("孙立德", "三(2)班"), ("张建平", "望溪小学")])
def test_the_report_says_the_same_on_the_page_on_paper_and_in_the_workbook(as_, name, row):
    client = as_(name)
    page = client.page("/visits/report")
    paper = text_of(client.get("/visits/report.pdf"))
    book = openpyxl.load_workbook(io.BytesIO(client.get("/visits/report.xlsx").data)).active
    cells = next([str(cell) for cell in line] for line in book.iter_rows(values_only=True) if line[0] == row)

    assert row in page.text
    assert row in paper
    shown = "".join(page.text.split())
    assert "".join(cells[1:5]) in shown
    assert "".join(cells[5:]) in shown
    for child in ("赵小满", "林嘉树"):
        assert child not in page.text
        assert child not in paper


def test_a_districts_report_comes_in_pages_and_is_summed_over_all(as_, monkeypatch):
    client = as_("张建平")
    whole = client.page("/visits/report")
    monkeypatch.setattr(sys.modules["portal.visits.views.papers"], "PAGE", 2)
    first = client.page("/visits/report")
    second = client.page(first.links["看更多"])
    names = ("东塔小学", "南桥中学", "青石乡中心学校", "望溪小学")

    assert [name in whole.text for name in names] == [True] * 4
    assert [name in first.text for name in names] == [True, True, False, False]
    assert [name in second.text for name in names] == [False, False, True, True]
    totals = [
        [words(cell) for foot in page.all("tfoot") for cell in foot.iter() if cell.tag.endswith("td")]
        for page in (whole, first, second)
    ]
    assert totals[0] == totals[1] == totals[2] != []
    for mangled in ("-1", "999999999", "x", "２"):
        assert client.page(f"/visits/report?first={mangled}").status == 200
