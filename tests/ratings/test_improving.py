"""What a school does next, what would lift it, and how it stands among peers: in bands, never in an order."""

import json
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from bench import rounds
from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.ratings import findings, improving, jobs, running
from portal.ratings.improving import Peers
from portal.ratings.metrics import METRICS, period_of
from portal.ratings.models import Entry, Round, RoundState
from portal.schools.models import School, SchoolYear

PLAN = "下学期每月一次晚间家长课。"


@pytest.fixture
def entry(app):
    return db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(Round.state == RoundState.PUBLISHED, School.name == "望溪小学")
    ).one()


def own(as_, entry):
    return as_("孙立德").page(f"/ratings/assessments/{entry.public_id}/improvements")


def public(as_, entry):
    return as_(None).page(f"/stars/{db.session.get(School, entry.school_id).public_id}")


def test_the_school_plans_finishes_and_everybody_reads_it(as_, entry):
    page = own(as_, entry)
    assert "总分 89 分，需要 90 分。" in page.text and "还有" in page.text
    page.press("保存计划", item="B3", text=PLAN)
    page = own(as_, entry)
    assert PLAN in page.text and PLAN in public(as_, entry).text
    assert PLAN in as_("张建平").page(f"/ratings/entries/{entry.public_id}").text
    assert page.press("完成", **{"done-text": " "}).status == 422
    own(as_, entry).press("完成", **{"done-text": "开了四次，到场九成。"})
    assert "开了四次，到场九成。" in public(as_, entry).text
    assert "完成" not in own(as_, entry).buttons


FOUND = "家长学校档案缺少学期总结。"
TO_MEND, TO_CONFIRM = "整改教育局提出的问题", "确认学校是否已整改"


def cards(as_, entry):
    """The titles of the cards about the school's findings on the first page of the district."""
    page = as_("张建平").page("/")
    there = [
        link for link in page.all("a") if link.get("href") == f"/ratings/entries/{entry.public_id}/findings"
    ]
    return [TO_CONFIRM] * len(there) if TO_CONFIRM in page.text else []


def closed(entry):
    """The metric of the school, counted today and at the end of the year."""
    year = db.session.scalars(select(SchoolYear).order_by(SchoolYear.starts_on.desc())).first()
    found = METRICS["findings_closed"]
    figures = []
    for day in (clock.today(), year.ends_on):
        period = period_of(year, day)
        figure = found.figure(found.records(entry.school_id, period), period)
        figures.append((figure.numerator, figure.denominator))
    return figures


def test_a_finding_is_raised_mended_confirmed_and_counted(as_, entry):
    where = f"/ratings/entries/{entry.public_id}/findings"
    page = as_("张建平").page(where)
    for typed in ({"text": ""}, {"text": FOUND, "due_on": "2020-01-01"}, {"text": "陈一诺的妈妈没有来"}):
        assert page.press("保存整改要求", **typed).status == 422
    due = clock.today() + timedelta(days=10)
    page.press("保存整改要求", item="B3", text=FOUND, due_on=due.isoformat())
    assert "需要整改" in as_("张建平").page(where).text and "需要整改" in public(as_, entry).text
    assert closed(entry) == [(0, 0), (0, 1)], (
        "its day has not come; left alone it will count against the school"
    )
    assert FOUND in own(as_, entry).text
    assert TO_MEND in as_("孙立德").page("/").text and TO_CONFIRM not in cards(as_, entry)
    own(as_, entry).press("完成", **{"done-text": "已补齐，存在档案室第三柜。"})
    assert closed(entry)[1] == (0, 1), "the school's word alone does not close it"
    assert TO_MEND not in as_("孙立德").page("/").text and TO_CONFIRM in cards(as_, entry)
    as_("张建平").page(where).press("退回学校")
    assert "已补齐，存在档案室第三柜。" in own(as_, entry).text
    own(as_, entry).press("完成", **{"done-text": "已补齐并由家委会核对。"})
    page = as_("张建平").page(where).press("确认已整改")
    assert TO_CONFIRM not in cards(as_, entry)
    assert "已整改并确认" in page.text and "确认已整改" not in page.buttons
    assert closed(entry) == [(1, 1), (1, 1)]
    assert FOUND[:10] in as_("孙立德").page("/ratings/metrics/findings_closed").text
    row = improving.improvements_of(entry)[0]
    row.done_on = due + timedelta(days=1)
    db.session.commit()
    assert closed(entry)[1] == (0, 1), "control: mended too late"


@pytest.mark.parametrize(
    ("days", "shown", "told"), [(-2, True, 0), (2, True, 1), (29, True, 0), (31, False, 0)]
)
def test_a_finding_stands_on_the_first_page_when_its_day_is_near(as_, entry, days, shown, told):
    people = {one.name: one for one in db.session.scalars(select(Person))}
    district = Actor(people["张建平"].id, Role.DISTRICT_STAFF, clock.today())
    assert db.session.get(Round, entry.round_id) is entry.round
    findings.raise_finding(entry, "B3", FOUND, clock.today() + timedelta(days=days), district)
    db.session.commit()
    assert (TO_MEND in as_("孙立德").page("/").text) is shown
    jobs.remind()
    rows = select(Delivery).where(Delivery.kind == "rating.due", Delivery.person_id == people["孙立德"].id)
    assert len(db.session.scalars(rows).all()) == told


@pytest.mark.parametrize(
    "typed",
    [{"text": ""}, {"text": "x" * 1001}, {"due_on": ""}, {"due_on": "2020-01-01"}, {"item": "Z9"},
     {"text": "请陈一诺的妈妈讲课"}],
)  # fmt: skip
def test_bad_input_keeps_what_was_typed(as_, entry, typed):
    page = own(as_, entry).press("保存计划", **{"text": PLAN} | typed)
    assert page.status == 422
    assert page.fields(page.form_of("保存计划"))["text"] == [typed.get("text", PLAN)]
    assert improving.improvements_of(entry) == []


def test_a_result_that_is_not_public_has_no_plans(as_, entry):
    this = db.session.scalars(
        select(Entry).join(Round).where(Round.state == RoundState.OPEN, Entry.school_id == entry.school_id)
    ).one()
    page = own(as_, this)
    assert "还没有公布" in page.text and "保存计划" not in page.buttons


def test_peers_are_compared_from_five_on_and_in_bands_only(as_, entry):
    round_ = running.loaded(entry.round_id)
    assert improving.set_down(round_, clock.today()) == 0, "two schools are no group"
    assert "不足五所" in own(as_, entry).text
    assert "同类学校" not in public(as_, entry).text
    schools = db.session.scalars(
        select(School).where(
            School.id.not_in(select(Entry.school_id).where(Entry.round_id == entry.round_id))
        )
    ).all()
    names = [name.key for name in Entry.__table__.columns if name.key not in ("id", "public_id")]
    there = db.session.scalar(select(School.id).limit(1)) and len(
        db.session.scalars(select(Entry).where(Entry.round_id == entry.round_id)).all()
    )
    for school in schools[: max(0, 5 - there)]:
        db.session.add(Entry(**{name: getattr(entry, name) for name in names} | {"school_id": school.id}))
    db.session.commit()
    count = improving.set_down(running.loaded(entry.round_id), clock.today())
    db.session.commit()
    if count == 0:
        pytest.skip("the town has too few schools for a group")
    text = public(as_, entry).text
    assert "中间水平" in text and "不排名次" in text
    assert "第" + "一名" not in text


@given(st.lists(st.fractions(0, 1), min_size=5, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_band_says_no_more_than_on_which_side_of_the_middle(shares):
    bands = [improving.band(share, shares) for share in shares]
    assert set(bands) <= {"above", "near", "below"}
    assert bands.count("above") <= len(shares) / 2 and bands.count("below") <= len(shares) / 2
    assert all(
        improving.band(share, shares) == "near"
        for share in [Fraction(sorted(shares)[len(shares) // 2])]
        if len(shares) % 2
    )


def test_the_list_of_schools_goes_by_their_names_whatever_their_results(as_, entry):
    def order():
        page = as_(None).page("/stars/")
        return [
            name.split("有效")[0]
            for name, address in page.links.items()
            if address.startswith("/stars/") and len(address) == 29
        ]

    before = order()
    db.session.execute(update(Entry).where(Entry.id == entry.id).values(star=1, total="51"))
    db.session.commit()
    assert order() == before and len(before) >= 2
    assert clock.today() + timedelta(0) and Peers


def test_a_changed_result_moves_the_bands_of_its_whole_group(app, entry):
    """Six schools of one kind: the lowest rises in a domain, and the middle with it."""
    db.session.commit()
    round_ = running.loaded(
        db.session.scalars(select(Round.id).where(Round.public_id == rounds.build(6))).one()
    )
    first, *others = db.session.scalars(
        select(Entry).where(Entry.round_id == round_.id).order_by(Entry.id)
    ).all()

    def bands():
        db.session.expire_all()
        return {one.id: json.loads(db.session.get(Peers, one.id).bands)["E"] for one in (first, *others)}

    def set_domain(one, points):
        kept = json.loads(one.result)
        next(top for top in kept["items"] if top["id"] == "E")["points"] = points
        one.result = json.dumps(kept)

    for number, one in enumerate((first, *others)):
        set_domain(one, str(4 + 2 * number))
    improving.set_down(round_, clock.today())
    db.session.commit()
    before = bands()
    assert before[first.id] == "below" and before[others[-1].id] == "above"
    set_domain(first, "16")
    assert improving.set_down_again(first) == 6
    db.session.commit()
    after = bands()
    assert after[first.id] == "above" and after != before
    assert [after[one.id] for one in others[:2]] == ["below", "below"]
