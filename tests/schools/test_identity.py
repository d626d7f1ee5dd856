"""Identity numbers of pupils: none where the district keeps none; sealed, masked, shown once for a reason; gone with the pupil."""

import io
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from sqlalchemy import delete, select
from stdnum.cn import ric

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.privacy import copies, erasing, retention
from portal.roster import importing
from portal.roster.existing import Reach
from portal.roster.models import RosterProblem, State
from portal.schools import identity
from portal.schools.models import Pupil, School
from portal.settings.models import SettingValue
from portal.trail.models import TrailEntry
from tests.roster import builders


def invented(number):
    """A number that is never given out: its order code is 000."""
    unchecked = f"430600201803{number:02d}0000"
    return unchecked[:-1] + ric.calc_check_digit(unchecked)


def pupil(name="林嘉树"):
    db.session.rollback()
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def keep_none():
    db.session.execute(delete(SettingValue).where(SettingValue.name == identity.KEPT_BY.name))
    db.session.commit()


def source(page):
    return page.response.get_data(as_text=True)


def address(name="林嘉树"):
    return f"/schools/pupils/{pupil(name).public_id}"


def test_it_is_masked_and_shown_once_with_a_reason_that_is_kept(as_):
    child = pupil()
    client, whole = as_("何静"), child.identity
    shown = f"{whole[:2]}{'*' * 12}{whole[-4:]}"
    page = client.page(address())
    assert shown in source(page) and whole not in source(page)

    page = client.page(f"{address()}/identity")
    assert shown in source(page) and whole not in source(page)
    assert whole in source(page.press("显示号码", cause="roster", line="核对学籍"))
    db.session.rollback()
    [entry] = db.session.scalars(select(TrailEntry).where(TrailEntry.category == "F3")).all()
    assert (entry.purpose, entry.pupil_id) == ("核对名册 · 核对学籍", pupil().id)
    assert whole not in source(client.page(f"{address()}/identity"))

    told = as_("林悦", "guardian").page("/privacy/readings").text
    assert "孩子的身份证号" in told and whole not in told


@pytest.mark.parametrize("typed", [{}, {"cause": "nonsense"}, {"cause": "other"}])
def test_without_a_reason_it_stays_masked(as_, typed):
    page = as_("何静").page(f"{address()}/identity").press("显示号码", **typed)

    assert page.status == 422 and pupil().identity not in source(page)


def test_the_family_sees_it_masked_and_takes_it_whole_in_its_copy(as_):
    child = pupil()
    page = as_("林悦", "guardian").page(address())
    assert child.identity not in source(page) and child.identity[-4:] in source(page)
    assert "/identity" not in source(page)
    family = db.session.scalars(select(Person).where(Person.name == "林悦")).one()
    with zipfile.ZipFile(io.BytesIO(copies.zipped(family, clock.now()))) as archive:
        assert child.identity in "".join(
            archive.read(name).decode("utf-8", "replace") for name in archive.namelist()
        )


def test_who_is_not_named_by_the_district_neither_sees_nor_enters(as_):
    teacher = as_("王雪")
    page = teacher.page(address())
    assert pupil().identity[-4:] not in source(page) and "/identity" not in source(page)
    assert "不保存身份证号" in teacher.page(f"{address()}/identity").text
    assert "不保存身份证号" in teacher.page(f"{address()}/identity/entry").text
    page = teacher.page("/account/")
    token = {"csrf_token": page.fields(page.all("form")[0])["csrf_token"]}
    assert teacher.send(f"{address()}/identity/entry", {**token, "number": invented(1)}).status == 409
    assert teacher.send(f"{address()}/identity", {**token, "cause": "roster"}).status == 409
    assert pupil().identity != invented(1)


def test_off_by_default(as_):
    keep_none()
    office = as_("何静")
    assert identity.KEPT_BY.default == ()
    assert pupil().identity[-4:] not in source(office.page(address()))
    assert pupil().identity[-4:] not in source(as_("林悦", "guardian").page(address()))
    assert "不保存身份证号" in office.page(f"{address()}/identity").text


def test_entering_changing_and_taking_away(as_):
    office = as_("何静")
    where = f"{address()}/identity/entry"
    for typed, kept in (
        (invented(5).lower(), invented(5)),
        (f" {invented(6)[:6]} {invented(6)[6:]}", invented(6)),
        ("", None),
    ):
        page = office.page(where).press("保存号码", number=typed)
        assert page.status == 200 and pupil().identity == kept
    actions = {entry.action for entry in db.session.scalars(select(TrailEntry))}
    assert {"pupil.identity_entered", "pupil.identity_removed"} <= actions
    assert not any(invented(5) in str(entry.facts) for entry in db.session.scalars(select(TrailEntry)))


BAD = {
    "4306002018": "有 10 位",
    "4306002018030a0004": "前 17 位是数字",
    "430600201803010001": "有一位输错",
    "430600201802300000": "不存在",
    "999999201803010000": "不存在",
    "430699201803010000": "不存在",
    "430600209903010000": "还没到",
}


def completed(text):
    return (
        text[:-1] + ric.calc_check_digit(text)
        if text[:-1].isdigit() and len(text) == 18 and text[-4:] != "0001"
        else text
    )


@pytest.mark.parametrize("typed", BAD)
def test_a_bad_number_comes_back_with_a_word(as_, typed):
    before = pupil().identity
    page = as_("何静").page(f"{address()}/identity/entry").press("保存号码", number=completed(typed))

    assert page.status == 422 and BAD[typed] in page.text
    assert completed(typed) in source(page) and pupil().identity == before


@given(st.text(max_size=24) | st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True))
def test_no_text_breaks_the_check(text):
    try:
        assert len(identity.checked(text, date(2026, 9, 1))) == 18
    except identity.BadIdentityError as bad:
        assert text not in bad.reason or not text


def test_a_number_belongs_to_one_pupil_of_the_district(as_):
    other = pupil("陈一诺").identity
    page = as_("何静").page(f"{address()}/identity/entry").press("保存号码", number=other)

    assert page.status == 422 and "另一名学生" in page.text
    assert other in source(page) and pupil().identity != other


def brought(tmp_path, lines, is_delta=True):
    """A roster of the town's school with identity numbers, checked and where possible applied."""
    year = clock.today().year if clock.today().month >= 9 else clock.today().year - 1
    path = builders.workbook(
        tmp_path / "roster.xlsx",
        {
            "学校": None,
            "教职工": None,
            "监护人": None,
            "年级班级": [
                ("学校代码", "学年", "年级", "班级"),
                ("YX01", f"{year}-{year + 1}", "三年级", "三(2)班"),
            ],
            "学生": [("学校代码", "班级", "姓名", "校内学号", "身份证号"), *lines],
        },
    )
    district_id = db.session.scalar(select(School.district_id).where(School.code == "YX01"))
    found = importing.take_in(path, "名册.xlsx", Reach(district_id, None, clock.today()), None, is_delta)
    number = found.id
    db.session.commit()
    importing.check(number)
    db.session.rollback()
    problems = [problem.words() for problem in importing.problems_of(number)]
    if not found.errors and found.total():
        importing.confirm(found)
        db.session.commit()
        importing.apply(number)
        db.session.rollback()
    return found, problems


def test_a_roster_brings_changes_and_takes_back(app, tmp_path):
    before = pupil().identity
    found, _problems = brought(
        tmp_path, [("YX01", "三(2)班", "林嘉树", "", invented(7)), ("YX01", "三(2)班", "陈一诺", "", "")]
    )
    assert found.state == State.APPLIED
    assert pupil().identity == invented(7) and pupil("陈一诺").identity
    assert pupil().identity_index == identity.identity_index(invented(7))
    number = found.id
    importing.ask_undo(found)
    db.session.commit()
    importing.undo(number)
    assert pupil().identity == before


def test_a_roster_knows_a_pupil_by_the_number(app, tmp_path):
    whole, number = pupil().identity, pupil().id
    brought(tmp_path, [("YX01", "三(2)班", "林嘉澍", "", whole)])

    assert db.session.get_one(Pupil, number).name == "林嘉澍"


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ("4306002018", "有 10 位"),
        (430600201803070000, "缩短"),
        ("4.306E+17", "缩短"),
        (invented(7)[:-1] + "0", "有一位输错"),
    ],
)
def test_a_bad_cell_is_told_and_nothing_is_brought_in(app, tmp_path, cell, word):
    before = pupil().identity
    found, _problems = brought(tmp_path, [("YX01", "三(2)班", "林嘉树", "", cell)])
    told = [
        problem.reason
        for problem in db.session.scalars(select(RosterProblem).where(RosterProblem.import_id == found.id))
    ]

    assert found.errors == 1 and pupil().identity == before, told


def test_the_same_number_twice_in_a_file_is_refused(app, tmp_path):
    lines = [("YX01", "三(2)班", name, "", invented(8)) for name in ("林嘉树", "陈一诺")]
    found, _problems = brought(tmp_path, lines)

    assert found.errors == 1 and pupil().identity != invented(8)


def test_where_none_are_kept_a_column_is_left_unread_and_the_template_has_none(app, as_, tmp_path):
    with_column = as_("何静").get("/roster/template").data
    keep_none()
    without = as_("何静").get("/roster/template").data
    before = pupil().identity
    _found, problems = brought(tmp_path, [("YX01", "三(2)班", "林嘉树", "", invented(9))])

    assert pupil().identity == before and any("身份证号" in words for words in problems)
    assert headings(with_column) - headings(without) == {"身份证号"}


def headings(data):
    return set(CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("学生").to_python()[0])


def test_switched_off_they_go_the_next_night_and_erased_with_the_pupil(app):
    assert retention.run(clock.today(), ["identity_numbers"])["identity_numbers"] == 0
    erasing.erase_pupil(pupil(), clock.today())
    db.session.commit()
    assert db.session.scalars(select(Pupil.name).where(Pupil.identity_sealed.is_not(None))).all() == [
        "陈一诺"
    ]
    keep_none()
    assert retention.run(clock.today(), ["identity_numbers"])["identity_numbers"] == 1
    assert not db.session.scalars(select(Pupil.id).where(Pupil.identity_index.is_not(None))).all()
