"""Settings: which value holds on a day at a place, what may be set, and what each read costs."""

from datetime import timedelta

import pytest
from flask import g
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock, settings
from portal.errors import RuleBroken
from portal.extensions import db
from portal.schools import modules
from portal.schools.models import District, School
from portal.settings import Choice, Choices, Line, Lines, Number, Setting, Switch
from portal.settings.changing import change, withdraw
from portal.settings.declaring import SETTINGS
from portal.settings.models import SettingValue


@pytest.fixture
def places():
    """A setting of this test alone, set by districts and schools."""
    found = Setting("test.places", Number(1, 50, "个"), 10, "Places", levels=("district", "school"))
    yield found
    del SETTINGS[found.name]


def district(name):
    return db.session.scalars(select(District.id).where(District.name == name)).one()


def school(name):
    return db.session.scalars(select(School.id).where(School.name == name)).one()


def test_the_innermost_place_that_set_it_decides(app, places):
    today = clock.today()
    own = {"district_id": district("云溪县")}
    assert places.on(today, school_id=school("望溪小学")) == 10
    change(places, 20, today, "云岭发〔2026〕1号", person_id=None, district_id=district("云岭市"))
    assert places.on(today, school_id=school("望溪小学")) == 20
    change(places, 30, today, "云溪教〔2026〕2号", person_id=None, **own)
    assert places.on(today, school_id=school("望溪小学")) == 30
    change(places, 40, today, "", person_id=None, school_id=school("望溪小学"))
    assert places.on(today, school_id=school("望溪小学")) == 40
    assert places.on(today, school_id=school("东塔小学")) == 30
    assert places.on(today, school_id=school("石桥县第一小学")) == 20
    assert places.on(today, **own) == 30
    assert places.on(today) == 10
    assert settings.value("test.places", today, school_id=school("望溪小学")) == 40


def test_a_value_holds_from_its_day_and_the_one_before_until_then(app, places):
    today = clock.today()
    place = {"district_id": district("云溪县")}
    change(places, 20, today, "", person_id=None, **place)
    change(places, 30, today + timedelta(days=3), "", person_id=None, **place)

    assert [places.on(today + timedelta(days=days), **place) for days in (-1, 0, 2, 3, 400)] == [
        10,
        20,
        20,
        30,
        30,
    ]


def test_the_same_day_set_twice_keeps_both_rows_and_the_later_holds(app, places):
    today = clock.today()
    place = {"school_id": school("望溪小学")}
    first = change(places, 20, today, "甲", person_id=None, **place)
    change(places, 21, today, "乙", person_id=None, **place)

    assert places.on(today, **place) == 21
    assert first.withdrawn_at is not None
    assert first.value == 20


def test_two_values_of_one_place_and_day_cannot_both_hold(app, places):
    for number in (1, 2):
        db.session.add(
            SettingValue(
                name="test.places",
                value=number,
                from_on=clock.today(),
                set_at=clock.now(),
                school_id=school("望溪小学"),
            )
        )
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_a_future_value_is_taken_back_and_one_that_holds_is_not(app, places):
    today = clock.today()
    place = {"school_id": school("望溪小学")}
    later = change(places, 30, today + timedelta(days=1), "", person_id=None, **place)
    withdraw(later, person_id=None)
    assert places.on(today + timedelta(days=2), **place) == 10
    with pytest.raises(RuleBroken):
        withdraw(later, person_id=None)
    now = change(places, 20, today, "", person_id=None, **place)
    with pytest.raises(RuleBroken):
        withdraw(now, person_id=None)


def test_a_past_day_a_wrong_value_and_a_wrong_level_are_refused(app, places):
    today = clock.today()
    only_district = Setting("test.only_district", Switch(), True, "Only the district")
    try:
        for setting, value, day, place in (
            (places, 20, today - timedelta(days=1), {"district_id": district("云溪县")}),
            (places, 51, today, {"district_id": district("云溪县")}),
            (places, "20", today, {"district_id": district("云溪县")}),
            (only_district, False, today, {"school_id": school("望溪小学")}),
        ):
            with pytest.raises(RuleBroken):
                change(setting, value, day, "", person_id=None, **place)
    finally:
        del SETTINGS["test.only_district"]
    assert db.session.scalars(select(SettingValue).where(SettingValue.name.like("test.%"))).all() == []


def test_a_value_that_the_declaration_no_longer_allows_is_passed_over(app, places):
    place = {"district_id": district("云溪县")}
    db.session.add(
        SettingValue(name="test.places", value=900, from_on=clock.today(), set_at=clock.now(), **place)
    )
    db.session.flush()

    assert places.on(clock.today(), **place) == 10
    assert places.words(900) == "900"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Number(1, 5), [1, 5], [0, 6, True, 1.0, "1", None]),
        (Switch(), [True, False], [0, 1, "on", None]),
        (Choice({"a": "A"}), ["a"], ["b", "", None, ["a"]]),
        (Choices({"a": "A", "b": "B"}), [[], ["a"], ["b", "a"]], ["a", ["c"], ["a", "a"], None, [1]]),
        (Line(3), ["", "abc"], ["abcd", "a\nb", None, 1]),
        (Lines(3, 2), [[], ["a", "b"]], ["a", ["abcd"], ["a", "b", "c"], None]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_knows_its_values(app, kind, good, bad):
    assert all(kind.fits(value) for value in good)
    assert not any(kind.fits(value) for value in bad)
    assert all(isinstance(kind.words(value), str) for value in good)


def test_a_setting_is_declared_once_and_with_a_default_of_its_kind(places):
    with pytest.raises(ValueError, match="twice"):
        Setting("test.places", Switch(), True, "Again")
    with pytest.raises(ValueError, match="default"):
        Setting("test.wrong", Number(1, 5), 6, "Wrong")
    assert "test.wrong" not in SETTINGS


def test_a_request_reads_all_values_of_a_place_once(app, places, queries):
    place = {"school_id": school("望溪小学")}
    with app.test_request_context("/"), queries() as count:
        for _round in range(20):
            places.on(clock.today(), **place)
        assert len(count) == 1
        change(places, 20, clock.today(), "", person_id=None, **place)
        assert places.on(clock.today(), **place) == 20
        assert "settings" in g
        db.session.rollback()


def test_a_module_is_off_where_the_district_or_the_school_switched_it_off(app):
    today = clock.today()
    ours, theirs = school("望溪小学"), school("东塔小学")

    def visits_on(school_id):
        return modules.is_on("visits", today, school_id=school_id)

    assert visits_on(ours)
    switch = modules.MODULES["visits"]
    change(switch, False, today, "", told="本学期暂停。", person_id=None, school_id=ours)
    assert not visits_on(ours)
    assert visits_on(theirs)
    change(switch, False, today, "", told="全县暂停。", person_id=None, district_id=district("云溪县"))
    change(switch, True, today, "", told="恢复。", person_id=None, school_id=ours)
    assert not visits_on(ours)
    assert not visits_on(theirs)
    assert modules.is_on("home", today, school_id=ours)
    with pytest.raises(RuleBroken):
        change(switch, True, today, "", told=" ", person_id=None, school_id=ours)
