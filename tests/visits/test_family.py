"""The family's side of visits: a child's story across years and schools, and what a helper who sees and confirms may do."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.schools.models import School
from portal.visits.models import FollowUp, Visit, VisitRemark
from portal.visits.recording import Step
from tests.visits.builders import of, pupil, ties, visited

HELPER = "吴桂芳"
"""The grandmother of 林嘉树, who sees and confirms only."""


@pytest.fixture
def years(app):
    """林嘉树 visited now, and two years ago at another school with a step that was done then."""
    soon = clock.today() + timedelta(days=5)
    now = visited(
        "林嘉树", note="这学年的话。", steps=[Step("每晚共读", "family", soon), Step("借书", "school", soon)]
    )
    before = visited("林嘉树", days_ago=2, note="那时候的话。", steps=[Step("一起散步", "family", soon)])
    before.year_on = before.year_on.replace(year=before.year_on.year - 2)
    before.held_on, before.held_at = (
        before.held_on - timedelta(days=730),
        before.held_at - timedelta(days=730),
    )
    elsewhere = select(School.id).where(School.name == "东塔小学")
    before.school_id = db.session.scalars(elsewhere).one()
    step = db.session.scalars(select(FollowUp).where(FollowUp.visit_id == before.id)).one()
    step.finish(ties("林嘉树")[0].person_id, "散了一个月", clock.today())
    db.session.commit()
    return now, before


def history(client, name="林嘉树"):
    """The child's page, reached from the family's."""
    links = client.page("/visits/family").links.values()
    address = f"/visits/family/{pupil(name).public_id}"
    assert address in links
    return client.page(address)


def test_a_child_has_its_visits_by_school_year_and_school_with_the_steps(as_, years):
    page = history(as_("林悦", "guardian"))
    year = years[0].year_on.year
    heads = [f"{year}–{year + 1} 学年 · 望溪小学", f"{year - 2}–{year - 1} 学年 · 东塔小学"]
    assert [page.text.index(head) for head in heads] == sorted(page.text.index(head) for head in heads)
    assert "散了一个月" in page.text and "借书" in page.text
    ticks = [address for words, address in page.links.items() if "每晚共读" in words]
    assert len(ticks) == 1
    assert not [words for words in page.links if "借书" in words or "一起散步" in words]
    assert as_("林悦", "guardian").page(ticks[0]).press("我们做到了", line="读完一本").status == 200
    assert "读完一本" in history(as_("林悦", "guardian")).text


def test_the_other_home_reads_only_that_it_happened(as_, years):
    tie = ties("林嘉树")[1]
    apart = ties("何雨桐")[1].household_id
    tie.household_id = apart
    db.session.commit()
    page = history(as_(HELPER))
    assert "在另一方家庭" in page.text
    assert "每晚共读" not in page.text and "散了一个月" not in page.text


def test_another_child_has_no_page(as_, years):
    assert as_("李晚晴").page(f"/visits/family/{pupil('林嘉树').public_id}").status == 404


def test_the_page_costs_the_same_for_one_visit_and_for_many(as_, queries):
    visited("林嘉树", steps=[Step("共读", "family", clock.today())])
    client, address = as_("林悦", "guardian"), f"/visits/family/{pupil('林嘉树').public_id}"
    client.page(address)
    with queries() as few:
        client.page(address)
    for _more in range(6):
        visited("林嘉树", steps=[Step("共读", "family", clock.today())])
    with queries() as many:
        client.page(address)
    assert len(many) == len(few)


# Who sees and confirms only


def test_a_helper_confirms_with_one_tap_and_reads_the_story(as_, years):
    client = as_(HELPER)
    assert "请您确认" in client.page("/visits/family").text
    page = client.page(f"/visits/{years[0].public_id}")
    assert "这学年的话。" in page.text
    assert page.fields(page.form_of("确认，是这样")).keys() <= {"csrf_token", "once"}
    assert page.press("确认，是这样").status == 200
    db.session.refresh(years[0])
    assert years[0].confirmed_by_id == ties("林嘉树")[1].person_id


def test_a_helper_says_no_more_than_that(as_, years):
    client, full = as_(HELPER), as_("林悦", "guardian")
    visit = years[0]
    address = f"/visits/{visit.public_id}"
    page, theirs = client.page(address), full.page(address)
    for words in ("补充一句", "这里不对"):
        assert (words in theirs.text) is not (words in page.text)
    token = page.fields(page.form_of("确认，是这样"))["csrf_token"]
    for path in ("remark", "correction"):
        assert client.send(f"{address}/{path}", {"csrf_token": token, "body": "奶奶的话"}).status == 404
    assert client.page(f"{address}/correction").status == 404
    confirmed = client.send(f"{address}/confirmation", {"csrf_token": token, "body": "奶奶的话"})
    assert confirmed.status == 200
    assert db.session.scalars(select(VisitRemark).where(VisitRemark.visit_id == visit.id)).all() == []
    assert full.send(f"{address}/remark", {"csrf_token": token, "body": "妈妈的话"}).status != 404


def test_a_helper_ticks_and_answers_nothing_but_has_the_number_of_the_school(as_, years):
    client = as_(HELPER)
    step = db.session.scalars(select(FollowUp).where(FollowUp.visit_id == years[0].id)).first()
    assert client.page(f"/visits/follow-ups/{step.public_id}").status == 404
    page = history(client)
    assert "每晚共读" in page.text and not [words for words in page.links if "每晚共读" in words]
    assert 'href="tel:' in page.html
    assert of("林嘉树").confirmed_at is None
    assert db.session.scalars(select(Visit.id).where(Visit.confirmed_by_id.is_not(None))).first() is not None
