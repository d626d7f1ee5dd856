"""Rolled-up numbers: kept beside the records, proven equal to them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from portal import clock
from portal.extensions import db
from portal.schools import summaries
from portal.schools.calendar import term_on
from portal.schools.enrolling import split_household
from portal.schools.models import Guardianship, Pupil, School
from portal.schools.summaries import HOUSEHOLDS, SchoolTermSummary


@pytest.fixture
def school(app):
    return db.session.scalar(select(School).where(School.name == "望溪小学"))


def kept(school, on):
    term = term_on(school.district_id, on)
    return summaries.values([school.id], term.id, [HOUSEHOLDS]).get((school.id, HOUSEHOLDS), 0)


def test_what_is_added_stands_in_the_term_of_the_day(school):
    today = clock.today()
    before = kept(school, today)

    summaries.add(school.id, today, HOUSEHOLDS, 3)
    summaries.add(school.id, today, HOUSEHOLDS, -1)

    assert kept(school, today) == before + 2


def test_the_first_number_makes_its_row(school):
    db.session.query(SchoolTermSummary).delete()

    summaries.add(school.id, clock.today(), HOUSEHOLDS, 2)

    assert kept(school, clock.today()) == 2


def test_before_the_first_term_nothing_is_kept(school):
    summaries.add(school.id, date(2001, 9, 1), HOUSEHOLDS, 1)

    assert summaries.differences() == {}


def test_a_measure_nobody_registered_is_refused(school):
    with pytest.raises(LookupError):
        summaries.add(school.id, clock.today(), "no such measure", 1)


def test_days_find_their_term_as_one_by_one(school):
    terms = summaries.Terms.load()
    first = clock.today() - timedelta(days=500)

    for days in range(0, 900, 7):
        day = first + timedelta(days=days)
        term = term_on(school.district_id, day)
        assert terms.of(school.id, day) == (term.id if term else None), day


def test_separated_parents_count_as_two_households_after_a_rebuild(school):
    before = kept(school, clock.today())
    child = db.session.scalar(select(Pupil).where(Pupil.name == "陈一诺"))
    tie = db.session.scalars(select(Guardianship).where(Guardianship.pupil_id == child.id)).first()
    tie.pupil = child
    split_household(tie, clock.today(), None, "分开居住")

    summaries.rebuild([HOUSEHOLDS])

    assert kept(school, clock.today()) == before + 1


def test_compare_says_where_numbers_differ_and_rebuild_mends_it(app):
    runner = app.test_cli_runner()
    db.session.commit()
    assert runner.invoke(args=["rollups", "rebuild", "--compare"]).exit_code == 0

    db.session.execute(update(SchoolTermSummary).values(value=SchoolTermSummary.value + 1))
    db.session.commit()
    found = runner.invoke(args=["rollups", "rebuild", "--compare"])
    assert found.exit_code == 1
    assert HOUSEHOLDS in found.output

    assert runner.invoke(args=["rollups", "rebuild"]).exit_code == 0
    assert runner.invoke(args=["rollups", "rebuild", "--compare"]).exit_code == 0
