"""Settings and modules through the front door."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.schools.models import District, School
from portal.schools.modules import MODULES
from portal.settings import Choice, Choices, Line, Lines, Number, Setting
from portal.settings.changing import change
from portal.settings.declaring import SETTINGS
from portal.settings.models import SettingValue


@pytest.fixture
def places():
    """A setting of this test alone."""
    found = Setting(
        "visits.test_places", Number(1, 50, "个"), 10, "每周名额", "怎样算", levels=("district", "school")
    )
    yield found
    del SETTINGS[found.name]


def place_of(name):
    school = db.session.scalar(select(School.id).where(School.name == name))
    if school:
        return {"school_id": school}
    return {"district_id": db.session.scalars(select(District.id).where(District.name == name)).one()}


def switch(module, on, place, day=None, told="本学期暂停使用。"):
    change(
        MODULES[module],
        on,
        day or clock.today(),
        "",
        told=told,
        person_id=None,
        **place_of(place),
    )
    db.session.commit()


def test_a_forged_choice_among_several_is_refused_in_the_persons_language(as_):
    page = as_("张建平").page("/settings/change?name=accounts.second_factor_roles")
    page = page.press(page.buttons[-1], value=["principal", "forged-choice"], document="演练文件")

    assert page.status == 422
    assert "请从列表中选一项" in page.text and "forged-choice" not in page.text


def test_the_office_sets_a_value_and_sees_how_it_came_about(as_, places):
    page = as_("何静").page("/settings")
    assert "每周名额" in page.text
    page = page.client.page("/settings/one?name=visits.test_places")
    assert "10 个" in page.text
    page = page.client.page(page.links["更改"])
    page = page.press("从这一天起这样定", value="２０", document="望溪小学行政会〔2026〕3号")

    assert page.status == 200
    assert "20 个" in page.text
    assert "10 个 → 20 个" in page.text
    assert "望溪小学行政会〔2026〕3号" in page.text
    assert "何静" in page.text
    assert places.on(clock.today(), **place_of("望溪小学")) == 20
    assert places.on(clock.today(), **place_of("东塔小学")) == 10


@pytest.mark.parametrize(
    "value", ["", "0", "51", "-1", "1.5", "1e3", "NaN", "二十", "2" * 400, "\x00", "<b>"]
)
def test_a_value_that_is_not_possible_comes_back_with_everything_typed(as_, places, value):
    page = as_("何静").page("/settings/change?name=visits.test_places")
    page = page.press("从这一天起这样定", value=value, document="一份文件")

    assert page.status == 422
    assert "一份文件" in page.html
    assert db.session.scalars(select(SettingValue).where(SettingValue.name == places.name)).all() == []


@pytest.mark.parametrize("day", ["", "昨天", "2025-02-29", "0000-01-01", "past"])
def test_a_day_that_is_past_or_none_is_refused(as_, places, day):
    day = str(clock.today() - timedelta(days=1)) if day == "past" else day
    page = as_("何静").page("/settings/change?name=visits.test_places")
    page = page.press("从这一天起这样定", value="20", from_on=day)

    assert page.status == 422
    assert db.session.scalars(select(SettingValue).where(SettingValue.name == places.name)).all() == []


def test_a_change_still_to_come_is_taken_back(as_, places):
    tomorrow = clock.today() + timedelta(days=1)
    page = as_("张建平").page("/settings/change?name=visits.test_places")
    page = page.press("从这一天起这样定", value="30", from_on=str(tomorrow))
    assert "10 个" in page.text
    page = page.press("撤回这项更改")

    assert "已撤回" in page.text
    assert places.on(tomorrow, **place_of("云溪县")) == 10


def test_a_school_cannot_take_back_what_another_set(as_, places):
    row = change(places, 20, clock.today() + timedelta(days=2), "", person_id=None, **place_of("东塔小学"))
    public_id = row.public_id
    token = as_("何静").page("/settings/change?name=visits.test_places")
    sent = {"csrf_token": token.fields(token.form_of("从这一天起这样定"))["csrf_token"]}

    assert token.client.send(f"/settings/{public_id}/withdrawal", sent).status == 404


def test_what_the_district_alone_sets_is_no_page_of_a_school(as_):
    Setting("visits.test_only", Line(20), "甲", "只由教育局定")
    try:
        office = as_("何静")
        assert "只由教育局定" not in office.page("/settings").text
        assert office.page("/settings/change?name=visits.test_only").status == 404
        assert as_("张建平").page("/settings/change?name=visits.test_only").status == 200
        assert office.page("/settings/one?name=nothing").status == 404
    finally:
        del SETTINGS["visits.test_only"]


@pytest.mark.parametrize(
    ("kind", "default", "typed", "kept"),
    [
        (Choice({"a": "甲", "b": "乙"}), "a", "b", "b"),
        (Choices({"a": "甲", "b": "乙"}), ["a"], ["b", "a"], ["a", "b"]),
        (Lines(20, 3), [], "第一行\r\n\r\n 第二行 ", ["第一行", "第二行"]),
        (Line(20), "", "一句话", "一句话"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_has_its_field(as_, kind, default, typed, kept):
    found = Setting("visits.test_kind", kind, default, "一种")
    try:
        page = as_("张建平").page("/settings/change?name=visits.test_kind")
        page = page.press("从这一天起这样定", value=typed)
        assert page.status == 200
        assert found.on(clock.today(), **place_of("云溪县")) == kept
    finally:
        del SETTINGS["visits.test_kind"]


def test_a_module_is_switched_off_with_a_line_for_everyone(as_):
    page = as_("孙立德").page("/settings/change?name=modules.visits")
    assert page.press("从这一天起这样定", value="off").status == 422
    page = page.press("从这一天起这样定", value="off", told="本学期家访改由学校统一安排。")
    assert page.status == 200

    teacher = as_("王雪", "class_teacher")
    home = teacher.page("/")
    assert "本学期家访改由学校统一安排。" in home.text
    assert "/visits/" not in home.html
    assert teacher.page("/visits/").status == 404
    assert as_("高洁").page("/visits/").status == 200
    assert as_("孙立德").page("/visits/school").status == 404
    assert "/visits/" not in as_("孙立德").page("/").html


MODULE_PAGES = {
    "courses": "/courses/",
    "visits": "/visits/family",
    "notices": "/notices/",
    "opinions": "/opinions/",
}


@pytest.mark.parametrize("module", MODULE_PAGES)
def test_a_parent_with_two_schools_keeps_a_module_that_one_of_them_uses(as_, module):
    """李晚晴 has 陈一诺 at 望溪小学 and 陈一帆 at 南桥中学."""
    mother = as_("李晚晴")
    before = mother.page(MODULE_PAGES[module])
    assert before.status == 200
    switch(module, False, "望溪小学")
    assert mother.page(MODULE_PAGES[module]).status == 200
    switch(module, False, "南桥中学")
    assert mother.page(MODULE_PAGES[module]).status == 404
    assert not re.search(rf'href="/{module}/', mother.page("/").html)
    switch(module, True, "望溪小学")
    assert mother.page(MODULE_PAGES[module]).status == 200
    switch(module, True, "南桥中学")
    assert mother.page(MODULE_PAGES[module]).text == before.text


def test_rows_of_the_school_that_switched_off_are_hidden_and_come_back(as_):
    mother = as_("李晚晴")
    shown = mother.page("/visits/family")
    assert "陈一诺" in shown.text
    address = next(href for href in shown.links.values() if href.startswith("/visits/"))
    switch("visits", False, "望溪小学")
    assert "陈一诺" not in mother.page("/visits/family").text
    assert mother.page(address).status == 404
    switch("visits", True, "望溪小学")
    assert mother.page(address).status == 200


def test_the_district_switches_off_for_all_its_schools_and_no_other(as_):
    switch("opinions", False, "云溪县", told="今年由热线受理。")

    assert as_("何静").page("/opinions/").status == 404
    assert as_("罗敏").page("/opinions/").status == 404
    assert as_("张建平").page("/opinions/").status == 404
    assert as_("许诚").page("/opinions/").status == 200
    switch("opinions", True, "望溪小学")
    assert as_("何静").page("/opinions/").status == 404


def test_a_switch_bites_on_its_day_not_before(as_):
    switch("visits", False, "望溪小学", clock.today() + timedelta(days=1))

    assert as_("王雪", "class_teacher").page("/visits/").status == 200


def test_the_first_page_costs_one_more_read_however_many_are_off(as_, queries):
    for name in ("李晚晴", "何静"):
        client = as_(name)
        client.page("/")
        with queries() as before:
            client.page("/")
        for module in MODULES:
            switch(module, False, "南桥中学", told="停用。")
        with queries() as after:
            client.page("/")
        assert len(after) <= len(before) + 1
