"""Reminders of a round: three working days before the last day, once for each step, to whoever has to take it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.ratings import jobs
from portal.ratings.models import Entry, EntryState, Objection, Round, RoundState
from portal.schools.calendar import add_working_days
from portal.schools.models import School
from tests.ratings.test_journey import this_years_entry


def sent():
    """Names of those who got a reminder."""
    rows = db.session.scalars(
        select(Person.name)
        .join(Delivery, Delivery.person_id == Person.id)
        .where(Delivery.kind == "rating.due")
    )
    return sorted(rows)


@pytest.mark.parametrize(("days", "told"), [(4, []), (3, ["孙立德"]), (1, ["孙立德"])])
def test_the_principal_is_reminded_of_the_self_assessment_once(app, days, told):
    entry = this_years_entry()
    db.session.get(Round, entry.round_id).self_assessment_due_on = add_working_days(clock.today(), days)
    others = select(Entry).where(Entry.round_id == entry.round_id, Entry.id != entry.id)
    for other in db.session.scalars(others):
        other.state = EntryState.SUBMITTED
    db.session.commit()
    jobs.remind()
    jobs.remind()
    assert sent() == told


def test_inspectors_are_reminded_of_open_sheets_and_principals_of_an_opinion(app):
    entry, other = this_years_entry(), this_years_entry("东塔小学")
    entry.state, other.state = EntryState.SCORING, EntryState.SUBMITTED
    round_ = db.session.get(Round, entry.round_id)
    round_.self_assessment_due_on = round_.scoring_due_on = clock.today()
    db.session.commit()
    jobs.remind()
    assert sorted(sent()) == sorted(["吴正清", "冯秀英"])
    entry = this_years_entry()
    entry.state, entry.defence_due_on = EntryState.OPINED, clock.today()
    db.session.commit()
    jobs.remind()
    assert "孙立德" in sent()


def test_nobody_is_reminded_of_what_is_over_or_not_open(app):
    entry = this_years_entry()
    round_ = db.session.get(Round, entry.round_id)
    round_.self_assessment_due_on = clock.today() - timedelta(days=1)
    db.session.commit()
    assert jobs.remind_on(clock.today()) == 0
    round_.self_assessment_due_on, round_.state = clock.today(), RoundState.PUBLISHED
    db.session.commit()
    assert jobs.remind_on(clock.today()) == 0
    round_.state = RoundState.OPEN
    db.session.commit()
    assert jobs.remind_on(clock.today()) > 0, "control"


def test_whoever_may_answer_an_objection_is_reminded(app):
    entry = db.session.scalars(
        select(Entry)
        .join(Round, Round.id == Entry.round_id)
        .join(School, School.id == Entry.school_id)
        .where(Round.state == RoundState.PUBLISHED, School.name == "望溪小学")
    ).one()
    principal = db.session.scalars(select(Person.id).where(Person.name == "孙立德")).one()
    case = Objection(
        entry_id=entry.id,
        tier=1,
        items="D4",
        text="有照片",
        filed_at=clock.now(),
        filed_by_id=principal,
        decision_by_id=entry.decided_by_id,
        answer_due_on=add_working_days(clock.today(), 4),
    )
    db.session.add(case)
    db.session.commit()
    jobs.remind()
    assert "苏敏" not in sent()
    case.answer_due_on = add_working_days(clock.today(), 3)
    db.session.commit()
    jobs.remind()
    jobs.remind()
    assert sent().count("苏敏") == 1
    assert "张建平" not in sent(), "who decided"
