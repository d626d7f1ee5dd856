"""The plan of a class: who needs care first, neighbours together, no family twice, and a family's say about its place."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from portal import clock
from portal.extensions import db
from portal.schools.calendar import year_start
from portal.schools.models import Pupil
from portal.visits import planning
from portal.visits.models import HomePlace, Invitation, PlanEntry
from tests.support.queries import counting
from tests.visits.builders import pupil, visited

PUT = "排入计划"


@pytest.fixture
def as_(as_):
    """The plan of the rehearsal town is put aside: each test plans for itself."""
    db.session.execute(delete(PlanEntry))
    db.session.commit()
    return as_


@pytest.mark.parametrize(
    ("typed", "shared"),
    [
        ("云溪县望溪镇柳湾村3组12号", "云溪县望溪镇柳湾村"),
        ("柳湾村 三组", "柳湾村"),
        ("幸福路8号", "幸福路"),
        ("幸福路 １２号", "幸福路"),
        ("望溪花园 2栋1单元301室", "望溪花园"),
        ("桥头", "桥头"),
        ("", ""),
        ("12号", "12号"),
    ],
)
def test_neighbours_share_the_leading_part(typed, shared):
    assert planning.neighbourhood(typed) == shared


@settings(max_examples=60)
@given(st.text(max_size=80))
def test_any_text_has_a_short_neighbourhood_that_stays(text):
    found = planning.neighbourhood(text)

    assert len(found) <= 40
    assert found == "" or not any(letter.isspace() for letter in found)


def entries():
    """What is planned, by pupil's name."""
    rows = db.session.execute(select(PlanEntry, PlanEntry.pupil_id))
    return {pupil_id: entry for entry, pupil_id in rows}


def noted(client, name, **typed):
    """Note where a home lies."""
    return client.page(f"/visits/pupils/{pupil(name).public_id}/neighbourhood").press("保存", **typed)


def plan(client, *names, days=2, **more):
    """Put pupils on the plan."""
    keys = [pupil(name).public_id for name in names]
    on = (clock.today() + timedelta(days=days)).isoformat()
    return client.page("/visits/plan").press(PUT, pupils=keys, on=on, **more)


def test_neighbours_stand_together_and_care_comes_first(as_):
    client = as_("王雪")
    noted(client, "陈一诺", place="柳湾村2组5号")
    noted(client, "何雨桐", place="柳湾村 1号")
    text = client.page("/visits/plan").text

    assert text.index("柳湾村") < text.index("何雨桐") < text.index("陈一诺") < text.index("未登记")


def test_visits_go_on_the_plan_once_and_come_off_again(as_):
    client = as_("王雪")
    page = plan(client, "陈一诺", "何雨桐")
    assert page.status == 200
    assert set(entries()) == {pupil("陈一诺").id, pupil("何雨桐").id}

    client.send("/visits/plan", {"pupils": [pupil("陈一诺").public_id], "on": [clock.today().isoformat()]})
    assert len(entries()) == 2
    client.page("/visits/plan").press("取消：陈一诺")
    assert set(entries()) == {pupil("何雨桐").id}


@pytest.mark.parametrize("days", [-1, 400])
def test_a_day_outside_of_the_term_comes_back(as_, days):
    page = plan(as_("王雪"), "陈一诺", days=days)

    assert page.status == 422
    assert entries() == {}
    assert "checked" in page.html


def test_a_teacher_plans_no_other_class(as_):
    page = as_("刘明远").send(
        "/visits/plan", {"pupils": [pupil("陈一诺").public_id], "on": [clock.today().isoformat()]}
    )

    assert page.status in (200, 400, 422)
    assert entries() == {}


def test_a_plan_of_worries_only_is_asked_about(as_):
    client = as_("王雪")
    for name in ("陈一诺", "林嘉树", "何雨桐"):
        child = pupil(name)
        child.priority = "hardship"
    db.session.commit()
    page = plan(
        client, "陈一诺", "林嘉树" if "林嘉树" in client.page("/visits/plan").text else "何雨桐", "何雨桐"
    )
    if len(entries()) < planning.ONE_SIDED:
        visited("赵小满")
        extra = next(
            name for name in ("买买提·艾合买提",) if pupil(name).public_id in client.page("/visits/plan").html
        )
        pupil(extra).priority = "hardship"
        db.session.commit()
        page = plan(client, extra)
    assert "只是提个醒" in page.text


def test_worries_only_are_asked_about_also_where_the_rules_ask_for_no_others(as_):
    """A district may ask for pupils who need care only; the others are families all the same."""
    office = as_("张建平")
    office.page("/visits/rules").press("采用这个样式", pattern="pairs")
    client = as_("王雪")
    names = ("陈一诺", "林嘉树", "何雨桐")
    for name in names:
        pupil(name).priority = "hardship"
    db.session.commit()
    page = plan(client, *names)

    assert len(entries()) == planning.ONE_SIDED
    assert "只是提个醒" in page.text
    pupil("陈一诺").priority = None
    db.session.commit()
    assert "只是提个醒" not in client.page("/visits/plan").text


def test_two_teachers_never_book_one_family_and_what_the_second_typed_stays(as_):
    """Two pages are open at once; the family gets one invitation and declines it without a reason."""
    at = (clock.local(clock.now()) + timedelta(days=3)).strftime("%Y-%m-%dT18:30")
    path = f"/visits/invitations/new?pupil={pupil('林嘉树').public_id}"
    pages = [as_("王雪").page(path), as_("王雪").page(path)]
    first, second = [
        one.press("发出邀请", purpose=f"第{n}次想聊聊", time_1=at) for n, one in enumerate(pages)
    ]

    assert first.status == 200
    assert second.status == 409
    assert "第1次想聊聊" in second.html
    assert "已经有一份本校的邀请" in second.text
    held = select(Invitation).where(Invitation.pupil_id == pupil("林嘉树").id, Invitation.state == "open")
    assert len(list(db.session.scalars(held))) == 1

    family = as_("林悦", "guardian")
    links = family.page("/visits/family").links
    offer = family.page(next(path for words, path in links.items() if "第0次想聊聊" in words))
    declined = offer.press("暂不方便")
    assert "理由" not in declined.text
    assert "还没有家访" not in declined.text
    assert pages[1].press("发出邀请", purpose="换个时间", time_1=at).status == 200


def test_a_subject_teacher_sees_what_one_is_asked_along_to(as_):
    client = as_("王雪")
    form = client.page("/visits/plan")
    deng = next(value for value in _options(form) if value)
    plan(client, "陈一诺", companion=deng)
    assert entries()[pupil("陈一诺").id].companion_id == int(deng)

    assert "陈一诺" in as_("孙立德").page("/visits/planned").text


def _options(page):
    return [one.get("value") for one in page.all("input") if one.get("name") == "companion"]


def test_a_family_leaves_its_place_out_and_the_school_may_not_note_it(as_):
    noted(as_("王雪"), "陈一诺", place="柳湾村")
    family = as_("李晚晴")
    assert noted(family, "陈一诺", left_out="y").status == 200
    row = db.session.scalars(select(HomePlace).where(HomePlace.pupil_id == pupil("陈一诺").id)).one()
    assert row.left_out
    assert not row.place

    teacher = as_("王雪")
    page = teacher.page(f"/visits/pupils/{pupil('陈一诺').public_id}/neighbourhood")
    assert "不愿登记" in page.text
    assert "柳湾村" not in teacher.page("/visits/plan").text


def test_a_limited_guardian_notes_nothing(as_):
    page = as_("吴桂芳").page(f"/visits/pupils/{pupil('林嘉树').public_id}/neighbourhood")

    assert page.status == 404


def test_the_plan_costs_the_same_for_more_entries(as_):
    client = as_("王雪")
    client.page("/visits/plan")
    plan(client, "何雨桐")
    with counting() as before:
        client.page("/visits/plan")
    plan(client, "陈一诺", "买买提·艾合买提")
    with counting() as after:
        client.page("/visits/plan")

    assert len(after) == len(before)


def test_the_rehearsal_town_shows_a_plan_and_few_new_pupils(app):
    """Two visits on one day in one village with a colleague; only the first grades began this school year."""
    found = db.session.scalars(select(PlanEntry)).all()
    new = db.session.scalars(select(Pupil.id).where(Pupil.arrived_on >= year_start(clock.today()))).all()
    everybody = db.session.scalars(select(Pupil.id)).all()

    assert len(found) == 2 and len({(one.planned_on, one.companion_id) for one in found}) == 1
    assert 0 < len(new) < len(everybody) / 2
