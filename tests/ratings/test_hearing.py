"""The first opinion and the school's answer: told in full, answered in time, looked at again once, then decided."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.ratings.models import Consensus, Entry, EntryState, RoundState, Sheet
from portal.ratings.terms import PROVINCE, TERMS, Days
from tests.ratings.building import decided, entry_of


@pytest.fixture
def entry(app):
    """Last year's school of the town, as it was when both inspectors had agreed."""
    return entry_of(RoundState.PUBLISHED, state=EntryState.AGREED, becomes=RoundState.OPEN)


def opined(as_, entry, remark="家访走得勤，课时偏少。"):
    """The district has given its first opinion."""
    return as_("张建平").page(f"/ratings/entries/{entry.public_id}").press("发出初步意见", remark=remark)


def own(as_, entry):
    """The principal's page of the entry."""
    return as_("孙立德").page(f"/ratings/assessments/{entry.public_id}")


def test_the_school_reads_the_opinion_with_its_reasons_and_the_last_day(as_, entry):
    assert "四星 · 89 分" not in own(as_, entry).text, "nothing is told before"
    page = opined(as_, entry)
    assert "已发初步意见" in page.text
    assert "作出决定" not in page.buttons
    due = TERMS["standard"].defence.after(clock.today())
    assert db.session.get(Entry, entry.id).defence_due_on == due
    page = own(as_, entry)
    assert "四星 · 89 分" in page.text and "家访走得勤，课时偏少。" in page.text
    assert f"{due.month}月{due.day}日" in page.text
    assert "答复初步意见" in as_("孙立德").page("/").text
    assert as_(None).page("/stars/").text.count("望溪小学") == 0, "not public"


@pytest.mark.parametrize(
    ("typed", "status"), [({}, 422), ({"agrees": "no"}, 422), ({"agrees": "perhaps"}, 422)]
)
def test_an_answer_that_says_nothing_is_refused(as_, entry, typed, status):
    opined(as_, entry)
    page = own(as_, entry).press("发出答复", **typed)
    assert page.status == status
    assert db.session.get(Entry, entry.id).state == EntryState.OPINED


def test_what_was_typed_stays_when_the_choice_is_missing(as_, entry):
    opined(as_, entry)
    page = own(as_, entry).press("发出答复", text="C1 有台账")
    assert page.status == 422
    assert page.fields(page.form_of("发出答复"))["text"] == ["C1 有台账"]


def test_an_objection_goes_back_to_both_inspectors_once_and_is_told_anew(as_, entry):
    opined(as_, entry)
    own(as_, entry).press("发出答复", agrees="no", text="D4 第二次征求意见有公示照片。")
    district = as_("张建平")
    where = f"/ratings/entries/{entry.public_id}"
    page = district.page(where)
    assert "D4 第二次征求意见有公示照片。" in page.text
    assert page.press("交两位评审重新核对", **{"again-reason": "请核对"}).status == 422, "no indicator named"
    page = district.page(where).press(
        "交两位评审重新核对", **{"again-items": ["D4", "F3"], "again-reason": "学校补交了照片。"}
    )
    assert "已交两位评审重新核对" in page.text
    assert db.session.get(Entry, entry.id).state == EntryState.LOCKED
    sheets = {name: sheet_of_entry(entry, name) for name in ("吴正清", "冯秀英")}
    gaps = as_("吴正清").page(f"/ratings/sheets/{sheets['吴正清']}/gaps")
    assert "教育局请重新核对" in gaps.text and "学校补交了照片。" in gaps.text
    assert "同意这个分数" not in gaps.buttons, "the district's wish is no score"
    forced = as_("吴正清").send(
        f"/ratings/sheets/{sheets['吴正清']}/gaps/D4/agreement", {"csrf_token": token(gaps)}
    )
    assert forced.status in (400, 409)
    for item, points in (("D4", "3"), ("F3", "3")):
        as_("吴正清").page(f"/ratings/sheets/{sheets['吴正清']}/gaps/{item}").press(
            "提出这个分数", points=points, reason="照片可以证明。"
        )
        as_("冯秀英").page(f"/ratings/sheets/{sheets['冯秀英']}/gaps").press("同意这个分数")
    as_("冯秀英").page(f"/ratings/sheets/{sheets['冯秀英']}/gaps").press("提交一致意见")
    opined(as_, entry, "照片已核对，D4 改为 3 分。")
    assert "90 分" in own(as_, entry).text
    own(as_, entry).press("发出答复", agrees="no", text="还有 F3。")
    page = district.page(where)
    assert "交两位评审重新核对" not in page.buttons, "once is enough"
    page = decided(as_, entry)
    assert "已决定" in page.text
    assert db.session.get(Entry, entry.id).total == "90"


def sheet_of_entry(entry, name):
    """The public id of an inspector's sheet of an entry."""
    return db.session.scalar(
        select(Sheet.public_id)
        .join(Person, Person.id == Sheet.person_id)
        .where(Sheet.entry_id == entry.id, Person.name == name)
    )


def token(page):
    """Any forgery token of a page."""
    return next(element.get("value") for element in page.all("input", name="csrf_token"))


@pytest.mark.parametrize(("days", "may"), [(-1, False), (0, True), (1, True)])
def test_the_last_day_belongs_to_the_school_and_the_next_to_the_district(as_, entry, days, may):
    opined(as_, entry)
    found = db.session.get(Entry, entry.id)
    found.defence_due_on = clock.today() + timedelta(days=days)
    db.session.commit()
    assert ("发出答复" in own(as_, entry).buttons) is may
    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}")
    assert ("学校未答复，继续" in page.buttons) is not may
    if not may:
        assert "学校没有答复，请继续" in as_("张建平").page("/").text
        page.press("学校未答复，继续")
        page = decided(as_, entry)
        assert "已决定" in page.text


def test_a_result_that_changed_after_the_opinion_needs_a_reason(as_, entry):
    opined(as_, entry)
    own(as_, entry).press("发出答复", agrees="yes")
    found = db.session.scalars(select(Consensus).where(Consensus.entry_id == entry.id)).first()
    found.facts = '{"points":0}'
    db.session.commit()
    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}")
    refused = page.press("作出决定", remark="")
    assert refused.status == 422
    assert "和告知学校的不一样" in refused.text


@pytest.mark.parametrize(
    ("days", "start", "last"),
    [
        (Days(10), date(2026, 2, 6), date(2026, 2, 27)),
        (Days(5), date(2026, 9, 24), date(2026, 10, 9)),
        (Days(5), date(2026, 4, 30), date(2026, 5, 11)),
        (Days(10, False), date(2026, 2, 6), date(2026, 2, 16)),
        (Days(1), date(2026, 10, 9), date(2026, 10, 10)),
        (Days(5, False), date(2024, 2, 25), date(2024, 3, 1)),
    ],
)
def test_days_know_the_holidays_and_the_days_worked_instead(days, start, last):
    assert days.after(start) == last


def test_a_district_chooses_its_province_and_public_notice_is_never_under_five_working_days():
    assert set(PROVINCE.kind.options) == set(TERMS)
    assert all(terms.publicity.working and terms.publicity.count >= 5 for terms in TERMS.values())
