"""A round from its preparation to the public page, each step by its own person."""

import re

from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.ratings.models import Entry, EntryState, Round, RoundState, Sheet
from portal.schools.models import School
from tests.ratings.building import countersigned, decided, opened, panel_met

EVIDENCE = "档案盒第三格"
FORM = {
    "A1": {"present": ["head", "duties", "plan"]},
    "A2": {"there": ["charter", "plan", "ledger"]},
    "A3": {"count": "２"},
    "B4": {"present": ["catalogue", "transition"]},
    "B5": {"term_1": "1", "term_2": "1"},
    "B6": {"level": "school"},
    "C4": {"population": "610", "checked": "61", "passed": "59"},
    "D1": {"present": ["levels", "charter", "election"]},
    "D2": {"term_1": "2", "term_2": "2"},
    "D3": {"met": "yes"},
    "D4": {"points": "2"},
    "E1": {"numerator": "24", "denominator": "24"},
    "E2": {"count": "1"},
    "F2": {"numerator": "9", "denominator": "10"},
    "F3": {"points": "3"},
    "B1": {"term_1": "3", "term_2": "2"},
    "B2": {"count": "9"},
    "B3": {"numerator": "390", "denominator": "500"},
    "C1": {"numerator": "545", "denominator": "560"},
    "C2": {"shortfall": "0"},
    "C3": {"numerator": "96", "denominator": "96"},
    "C5": {"numerator": "46", "denominator": "50"},
    "E3": {"numerator": "24", "denominator": "25"},
    "E4": {"numerator": "528", "denominator": "560"},
}


def this_years_entry(school="望溪小学"):
    return db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(Round.state == RoundState.OPEN, School.name == school)
    ).one()


def sheet_of(entry, name):
    return db.session.scalars(
        select(Sheet)
        .join(Person, Person.id == Sheet.person_id)
        .where(Sheet.entry_id == entry.id, Person.name == name)
    ).one()


def item_links(page):
    """Addresses of indicator forms on a task list or sheet, by indicator."""
    found = {}
    for address in page.links.values():
        match = re.search(r"/items/([A-Z]\d)$", address)
        if match:
            found[match[1]] = address
    return found


def answer_everything(client, entry):
    page = client.page(f"/ratings/assessments/{entry.public_id}")
    for name, address in item_links(page).items():
        if name in ("P1", "P2"):
            continue
        client.page(address).press("保存这一项", evidence=EVIDENCE, **FORM[name])
    client.page(f"/ratings/assessments/{entry.public_id}/claim").press(
        "保存申报", star="4", text="家访走得勤，课要再多开。"
    )


def submitted(as_, school="望溪小学", principal="孙立德"):
    entry = this_years_entry(school)
    answer_everything(as_(principal), entry)
    page = as_(principal).page(f"/ratings/assessments/{entry.public_id}/check").press("提交自评", true="y")
    assert page.status == 200, page.text
    return entry


def score_everything(client, sheet, **different):
    page = opened(client, sheet)
    for name, address in item_links(page).items():
        form = client.page(address)
        if "保存评分" in form.buttons:
            form.press("保存评分", **different.get(name, FORM[name]))
    return client.page(f"/ratings/sheets/{sheet.public_id}")


def test_from_an_open_round_to_the_public_star_page(as_, app):
    principal, district = as_("孙立德"), as_("张建平")
    entry = this_years_entry()
    school = db.session.get(School, entry.school_id).public_id

    page = principal.page("/ratings/")
    assert "自评进行中" in page.text
    answer_everything(principal, entry)
    check = principal.page(f"/ratings/assessments/{entry.public_id}/check")
    page = check.press("提交自评", true="y")
    assert "已提交" in page.text

    page = district.page(f"/ratings/entries/{entry.public_id}")
    page = page.press("受理自评")
    assert "评审打分中" in page.text

    first, second = sheet_of(entry, "吴正清"), sheet_of(entry, "冯秀英")
    wu, feng = as_("吴正清"), as_("冯秀英")
    score_everything(wu, first).press("锁定评分表")
    assert wu.page(f"/ratings/sheets/{first.public_id}/gaps").status == 404, (
        "nothing to see before both are locked"
    )
    page = score_everything(feng, second, D4={"points": "3"}).press("锁定评分表")
    assert "有 1 项不一致" in page.text

    page = wu.page(f"/ratings/sheets/{first.public_id}/gaps/D4").press(
        "提出这个分数", points="2", reason="一次征求意见没有公示结果。"
    )
    assert "等另一位评审" in page.text
    assert "同意这个分数" not in page.buttons
    page = feng.page(f"/ratings/sheets/{second.public_id}/gaps").press("同意这个分数")
    page.press("提交一致意见")
    assert feng.page(f"/ratings/sheets/{second.public_id}").status == 200

    page = district.page(f"/ratings/entries/{entry.public_id}")
    assert "由人来决定" in page.text
    heard(as_, entry, "孙立德")
    page = decided(as_, entry)
    assert "已决定" in page.text
    entry = db.session.get(Entry, entry.id)
    assert entry.state == EntryState.DECIDED
    words = ["未评星", "一星", "二星", "三星", "四星", "五星"][entry.star or 0]
    assert words in page.text

    other = this_years_entry("东塔小学")
    refused = as_("张建平").send(f"/ratings/rounds/{round_of(entry)}/publication", {})
    assert refused.status in (400, 409)
    finish(as_, other)
    where = f"/ratings/rounds/{round_of(entry)}"
    page = district.page(where).press("公布结果")
    assert "等待会签" in page.text and "会签" not in page.buttons, "not by oneself"
    assert f"/ratings/rounds/{round_of(entry)}" in as_("苏敏").page("/").links.values()
    page = countersigned(as_, where)
    assert "已公布" in page.text

    star = as_(None).page(f"/stars/{school}")
    assert star.status == 200
    assert star.heading == "望溪小学"
    assert words in star.text
    assert entry.total.split(".")[0] in star.text
    assert clock.today().strftime("%Y年") in star.text


def round_of(entry):
    return db.session.get(Round, entry.round_id).public_id


def finish(as_, entry):
    """Take another school of the round through, both inspectors of one mind."""
    submitted(as_, "东塔小学", "钱文博")
    district = as_("张建平")
    district.page(f"/ratings/entries/{entry.public_id}").press("受理自评")
    for name in ("吴正清", "冯秀英"):
        sheet = sheet_of(entry, name)
        score_everything(as_(name), sheet).press("锁定评分表")
    as_("冯秀英").page(f"/ratings/sheets/{sheet_of(entry, '冯秀英').public_id}/gaps").press("提交一致意见")
    heard(as_, entry, "钱文博")
    decided(as_, entry)


def heard(as_, entry, principal):
    """The first opinion, and a school that has nothing to say against it."""
    where = f"/ratings/entries/{entry.public_id}"
    assert "发出初步意见" not in as_("张建平").page(where).buttons, "no opinion without a panel"
    assert "三人" not in panel_met(as_, entry).text
    page = as_("张建平").page(where).press("发出初步意见", remark="各项属实。")
    assert "已发初步意见" in page.text
    page = as_(principal).page(f"/ratings/assessments/{entry.public_id}").press("发出答复", agrees="yes")
    assert "没有异议" in page.text
