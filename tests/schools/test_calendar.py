"""School years, terms and working days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.schools.calendar import add_working_days, is_working_day, year_start
from portal.schools.models import class_name, grade_name


@pytest.mark.parametrize(
    "day, works",
    [
        (date(2026, 2, 14), True),  # a Saturday made up for the spring festival
        (date(2026, 2, 17), False),  # new year's day of the lunar calendar
        (date(2026, 5, 9), True),
        (date(2026, 10, 10), True),
        (date(2026, 10, 1), False),
        (date(2026, 11, 21), False),
        (date(2026, 11, 23), True),
    ],
)
def test_official_holidays_and_make_up_days(day, works):
    assert is_working_day(day) is works


@given(st.dates(date(2024, 1, 1), date(2026, 11, 30)), st.integers(1, 20))
def test_working_days_are_counted_one_by_one(start, count):
    end = add_working_days(start, count)
    between = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]

    assert sum(is_working_day(day) for day in between) == count
    assert is_working_day(end)


def test_a_school_year_begins_in_september():
    assert year_start(date(2026, 8, 31)) == date(2025, 9, 1)
    assert year_start(date(2026, 9, 1)) == date(2026, 9, 1)


def test_grades_read_as_people_say_them():
    assert [grade_name("kindergarten", level) for level in (1, 2, 3)] == ["小班", "中班", "大班"]
    assert grade_name("primary", 3) == "三年级"
    assert grade_name("junior", 2) == "八年级"
    assert grade_name("senior", 1) == "高一"
    assert class_name("primary", 3, 2) == "三(2)班"
