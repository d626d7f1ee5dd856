"""Names, grades and numbers one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.roster.cleaning import (
    UncleanError,
    clean_day,
    clean_flag,
    clean_name,
    clean_phone,
    full_name,
    name_key,
)
from portal.roster.grades import grade_code, grade_in_title, stage_codes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("买买提·艾合买提", "买买提・艾合买提"),
        ("买买提·艾合买提", "买买提 • 艾合买提"),
        ("三(2)班", "三（２）班"),
        ("葛\U000e0100小禾", "葛小禾"),
        ("神", "神\ufa19"[1]),
        ("Anna Li", "anna  li"),
        ("林\u200b小禾", "林小禾"),
    ],
)
def test_names_that_look_alike_share_a_key(one, other):
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), [("林小禾", "林小和"), ("𠮷田", "吉田"), ("三(2)班", "三(12)班")])
def test_names_that_differ_have_their_own_keys(one, other):
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize(
    ("said", "code"),
    [("一年级", "01"), ("１年级", "01"), ("三年級", "03"), ("初一", "07"), ("九年级", "09"), ("高三", "12"), ("小班", "K1"),
     ("大班", "K3"), ("KG", "K3"), ("7", "07"), ("07", "07"), ("2", "02"), ("13", None), ("研究生", None), ("", None)],
)  # fmt: skip
def test_grades_as_people_and_packages_write_them(said, code):
    assert grade_code(said) == code


@pytest.mark.parametrize(
    ("title", "code"),
    [("三(2)班", "03"), ("三（2）班", "03"), ("三年级2班", "03"), ("初一(3)班", "07"), ("高二5班", "11"), ("大一班", "K3"),
     ("小班", "K1"), ("七3班", "07"), ("向日葵班", None), ("Class 1 title", None), ("大同班", None)],
)  # fmt: skip
def test_a_class_name_may_tell_its_grade(title, code):
    assert grade_in_title(title) == code


def test_stages_may_be_several():
    assert stage_codes("小学、初中") == ("primary", "junior")
    assert stage_codes("九年一贯制") == ("primary", "junior")
    assert stage_codes("小學") == ("primary",)
    assert stage_codes("大学") is None


def test_names_are_put_together_as_people_write_them():
    assert full_name("林", "小禾") == "林小禾"
    assert full_name("𠮷", "小禾") == "𠮷小禾"
    assert full_name("Smith", "Anna", "B.") == "Anna B. Smith"
    assert full_name("", "小禾") == "小禾"


@given(st.text(max_size=60) | st.floats() | st.integers() | st.booleans())
def test_no_cell_makes_reading_stumble(value):
    for clean in (clean_phone, clean_day, clean_flag, clean_name):
        try:
            clean(value)
        except UncleanError as unclean:
            assert unclean.reason % unclean.params


@given(st.integers(13_000_000_000, 19_999_999_999))
def test_every_mainland_mobile_number_is_taken(number):
    assert clean_phone(str(number)) == clean_phone(float(number)) == f"+86{number}"
