"""The page of a round shows its schools in pages and asks the same however many they are."""

from datetime import timedelta

from sqlalchemy import select

from bench import rounds
from portal import clock
from portal.extensions import db
from portal.paging import PAGE
from portal.ratings import naming, rechecking
from portal.ratings.models import Entry, Objection, ObjectionState, Round, RoundState
from portal.ratings.standing import LightCheck, Measure, MeasureKind, NamingKind
from portal.schools.models import School
from tests.ratings.building import person


def opened():
    return db.session.scalars(select(Round).where(Round.state == RoundState.OPEN)).one()


def test_a_round_of_many_schools_is_shown_in_pages(app, as_, queries):
    round_ = opened()
    district, where = as_("张建平"), f"/ratings/rounds/{round_.public_id}"
    district.page(where)
    with queries() as few:
        district.page(where)
    schools = [
        School(
            district_id=round_.district_id, code=f"many-{one}", name=f"第{one}小学", name_pinyin=f"z{one:03}"
        )
        for one in range(2 * PAGE)
    ]
    db.session.add_all(schools)
    db.session.flush()
    db.session.add_all(Entry(round_id=round_.id, school_id=school.id) for school in schools)
    db.session.commit()

    with queries() as many:
        page = district.page(where)

    assert len(many) == len(few)
    assert "第22小学" in page.text
    assert "第23小学" not in page.text
    (more,) = [url for words, url in page.links.items() if "after=" in url]
    assert "第23小学" in district.page(more).text


def test_pages_of_a_closed_round_ask_the_same_however_many_schools_are_in_it(app, as_, queries):
    asked = {}
    for schools in (2, 7):
        address = rounds.build(schools)
        paths = rounds.pages(address)
        for name, told in paths.items():
            account, path = told.split(" ")
            client = as_({"sunlide": "孙立德", "zhangjianping": "张建平"}.get(account))
            client.page(path)
            with queries() as counted:
                client.page(path)
            asked.setdefault(name, []).append(len(counted))
    assert len(asked) == 5
    assert [name for name, (few, many) in asked.items() if few != many] == []


def test_counting_says_what_the_lists_say(app):
    """Schools that can be named and those due for a check: counted by the database as they are listed one by one."""
    round_ = db.session.scalars(select(Round).where(Round.public_id == rounds.build(6))).one()
    entries = db.session.scalars(select(Entry).where(Entry.round_id == round_.id).order_by(Entry.id)).all()
    staff, on = person("张建平"), round_.publicity_ends_on + timedelta(days=40)
    counts = []

    def both(day=on):
        db.session.flush()
        named, due = naming.ready(round_, day), rechecking.due_for_check(round_, day)
        assert naming.how_many(round_, day) == len(named)
        assert rechecking.how_many_due(round_, day) == len(due)
        counts.append((len(named), len(due)))

    both(round_.publicity_ends_on)
    both()
    for entry, state in ((entries[0], ObjectionState.OPEN), (entries[1], ObjectionState.UPHELD)):
        db.session.add(
            Objection(
                entry_id=entry.id, tier=1, items="D4", text="照片有日期。", filed_at=clock.now(), state=state,
                filed_by_id=person("孙立德").id, decision_by_id=staff.id, answer_due_on=clock.today(),
                heard_by_id=person("苏敏").id, answered_at=clock.now(), answer_text="维持。",
                appeal_due_on=round_.publicity_ends_on,
            )
        )  # fmt: skip
    both()
    db.session.add(
        Measure(
            entry_id=entries[2].id, kind=MeasureKind.RE_RATING, reason="复查。", proposed_by_id=staff.id,
            proposed_at=clock.now(), hearing_due_on=clock.today(),
        )
    )  # fmt: skip
    both()
    until = on + timedelta(days=400)
    made = [
        naming.record(one, NamingKind.NAMED, 4, until, staff.id, on=on)
        for one in naming.ready(round_, on)[:3]
    ]
    both()
    lowered = {"because": "复查不合格。", "second_by_id": person("苏敏").id, "on": on}
    naming.record(
        rechecking.school_of(made[0].entry_id),
        NamingKind.REMOVED,
        0,
        on,
        staff.id,
        replaces=made[0],
        **lowered,
    )
    naming.record(
        rechecking.school_of(made[1].entry_id),
        NamingKind.LOWERED,
        3,
        until,
        staff.id,
        replaces=made[1],
        **lowered,
    )
    both()
    db.session.add(
        LightCheck(
            entry_id=made[2].entry_id,
            year=on.year,
            items="A1",
            due_on=on,
            asked_by_id=staff.id,
            asked_at=clock.now(),
        )
    )
    both()
    both(until + timedelta(days=1))
    assert counts == [(0, 0), (6, 0), (5, 0), (4, 0), (1, 3), (1, 2), (1, 1), (1, 0)], counts
