"""Computed numbers: what each says of itself, that its records add up to it, and that nothing missing reads as zero."""

import pytest
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.ratings.metrics import METRICS, period_of
from portal.schools.models import Enrolment, Pupil, School, SchoolYear
from portal.visits.models import Form, Outcome, Visit


@pytest.fixture
def principal(as_, app):
    """The principal's browser."""
    return as_("孙立德")


def test_every_number_says_what_it_counts_and_nothing_missing_is_zero(principal, as_):
    mine = principal.page("/ratings/metrics")
    district = as_("张建平").page("/ratings/metrics")
    for metric in METRICS.values():
        assert metric.counts and metric.population and bool(metric.out_of) == metric.is_share, metric.name
        assert f"system:{metric.name}" in mine.text and f"system:{metric.name}" in district.text
    assert mine.text.count("看本学年的记录") == len(METRICS)
    assert "看本学年的记录" not in district.text, "the district sees the words, no school's records"
    assert "未采集" not in mine.text


def figure(name):
    """(numerator, denominator) of a metric for the school of the town, today."""
    school = db.session.scalars(select(School).where(School.name == "望溪小学")).one()
    year = db.session.scalars(
        select(SchoolYear).where(SchoolYear.starts_on <= clock.today()).order_by(SchoolYear.starts_on.desc())
    ).first()
    period = period_of(year, clock.today())
    found = METRICS[name].figure(METRICS[name].records(school.id, period), period)
    return found.numerator, found.denominator


def test_a_visit_counts_as_one_at_home_only_where_it_was_at_home(principal):
    before, whole = figure("in_home_visits")
    at_school = db.session.scalars(
        select(Visit)
        .join(School, School.id == Visit.school_id)
        .where(School.name == "望溪小学", Visit.outcome == Outcome.MET, Visit.form == Form.IN_HOME)
        .order_by(Visit.id.desc())
    ).first()
    assert before > 0
    same = select(Visit).where(Visit.pupil_id == at_school.pupil_id)
    for visit in db.session.scalars(same):
        visit.form = Form.PHONE
    db.session.commit()
    assert figure("in_home_visits") == (before - 1, whole)
    assert f"{before - 1} / {whole}" in principal.page("/ratings/metrics/in_home_visits").text


def test_a_class_counts_once_nobody_of_it_is_left_out(principal):
    before, classes = figure("classes_visited")
    met = select(Visit.pupil_id).where(Visit.outcome == Outcome.MET)
    here = (Enrolment.ended_on.is_(None), Pupil.left_on.is_(None), School.name == "望溪小学")
    enrolled = (
        select(Enrolment, Pupil)
        .join(Pupil, Pupil.id == Enrolment.pupil_id)
        .join(School, School.id == Pupil.school_id)
        .where(*here)
    )
    some = db.session.execute(enrolled.where(Pupil.id.in_(met)).limit(1)).one()[0].class_id
    left_out = db.session.execute(enrolled.where(Enrolment.class_id == some, Pupil.id.not_in(met))).all()
    assert left_out, "control: somebody was left out"
    for enrolment, pupil in left_out:
        enrolment.ended_on = pupil.left_on = clock.today()
    db.session.commit()
    assert figure("classes_visited") == (before + 1, classes)


@pytest.mark.parametrize("name", ["telepathy", "..", "visit_coverage%00"])
def test_there_is_no_list_behind_a_number_that_does_not_exist(principal, name):
    assert principal.get(f"/ratings/metrics/{name}").status_code == 404


@pytest.mark.parametrize("name", list(METRICS))
def test_the_list_opens_for_its_principal_and_its_pages_turn(principal, name):
    assert principal.page(f"/ratings/metrics/{name}").status == 200
    assert principal.page(f"/ratings/metrics/{name}?start=999999").status == 200
    assert principal.page(f"/ratings/metrics/{name}?start=-1").status == 200
