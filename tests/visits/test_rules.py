"""Rules of invitations, visits and steps; numbers equal the records whatever happens."""

import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import db
from portal.schools import summaries
from portal.visits import counting, due, recording
from portal.visits.inviting import invite
from portal.visits.models import (
    EDITABLE_FOR,
    FORM_NAMES,
    FollowUp,
    Form,
    Invitation,
    InvitationState,
    Outcome,
    Visit,
)
from portal.visits.recording import Account, Step
from portal.visits.tasks import tasks
from tests.visits.builders import person, pupil, teacher, third, ties, visited


def invited(name, days=1, **told):
    """An open invitation to a pupil's family."""
    at = clock.now() + timedelta(days=days)
    return invite(
        pupil(name),
        third(),
        ties(name)[0].household_id,
        teacher(),
        [at],
        [*FORM_NAMES],
        "聊聊",
        clock.now(),
        **told,
    )


def test_a_family_is_not_booked_twice(app):
    with pytest.raises(RuleBroken, match="已经有一份"):
        invited("陈一诺")


def test_the_database_itself_refuses_a_second_invitation(app):
    first = db.session.scalars(select(Invitation).where(Invitation.state == InvitationState.OPEN)).first()
    facts = {
        column: getattr(first, column)
        for column in (
            "pupil_id", "household_id", "class_id", "school_id", "author_id",
            "purpose", "forms", "times", "last_time_at", "created_at",
        )
    }  # fmt: skip
    db.session.add(Invitation(state=InvitationState.OPEN, **facts))

    with pytest.raises(IntegrityError):
        db.session.flush()


def test_an_invitation_whose_times_have_passed_holds_nobody(app):
    old = db.session.scalars(select(Invitation).where(Invitation.state == InvitationState.OPEN)).first()
    old.last_time_at = clock.now() - timedelta(hours=1)
    db.session.flush()

    new = invited("陈一诺")

    db.session.refresh(old)
    assert old.state == InvitationState.LAPSED
    assert new.state == InvitationState.OPEN


def test_an_answered_invitation_is_not_accepted_again(app):
    one = invited("林嘉树")
    one.decline(person("林悦").id, clock.now())

    with pytest.raises(RuleBroken):
        one.accept(one.proposed[0], Form.PHONE, person("林悦").id, clock.now())


@pytest.mark.parametrize("form", ["", "telepathy", "no_answer"])
def test_only_known_ways_are_accepted(app, form):
    one = invited("林嘉树")

    with pytest.raises(RuleBroken):
        one.accept(one.proposed[0], form, person("林悦").id, clock.now())


def test_a_time_that_passed_is_not_accepted(app):
    one = invited("林嘉树")

    with pytest.raises(RuleBroken, match="已经过了"):
        one.accept(one.proposed[0], Form.PHONE, person("林悦").id, one.proposed[0] + timedelta(minutes=1))


def test_who_may_mend_a_visit_and_how_long(app):
    visit = visited("林嘉树")
    author, other, now = visit.author_id, person("马兰").id, clock.now()

    assert visit.may_be_amended(author, False, now)
    assert not visit.may_be_amended(other, False, now)
    assert not visit.may_be_amended(author, False, now + EDITABLE_FOR + timedelta(hours=1))
    visit.confirmed_at = now
    assert not visit.may_be_amended(author, False, now)
    assert visit.may_be_amended(author, True, now + EDITABLE_FOR * 3)


def test_the_due_list_follows_the_pupil(app):
    def standing(name):
        return next(one for one in due.entries(teacher()) if one.pupil.name == name).standing

    assert standing("陈一诺") == due.Standing.INVITED
    assert standing("赵小满") == due.Standing.WAITING
    assert standing("林嘉树") == due.Standing.DONE
    assert standing("何雨桐") == due.Standing.DECLINED
    assert standing("买买提·艾合买提") == due.Standing.BOOKED
    assert sum(one.standing == due.Standing.NOT_REACHED for one in due.entries(teacher())) == 1


def test_priority_pupils_come_first_among_those_due(app):
    last = [one for one in due.entries(teacher()) if one.standing == due.Standing.DUE][-1]
    last.pupil.priority = "hardship"
    db.session.flush()

    first = next(one for one in due.entries(teacher()) if one.standing == due.Standing.DUE)
    assert first.pupil is last.pupil


def test_an_attempt_is_no_visit(app):
    before = counting.tally(pupil("陈一诺").id)
    visited("陈一诺", form=None)

    assert counting.tally(pupil("陈一诺").id) == before
    with pytest.raises(RuleBroken):
        visit = db.session.scalars(select(Visit).order_by(Visit.id.desc())).first()
        visit.confirm(person("李晚晴").id, clock.now())


def test_a_declined_invitation_is_no_task_for_anyone(app):
    with app.test_request_context():
        about = [task.about for task in tasks(teacher())]

    assert not any("何雨桐" in one for one in about)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["write", "try", "mend", "confirm", "finish"]),
        st.sampled_from(["陈一诺", "赵小满", "何雨桐"]),
        st.sampled_from([Form.IN_HOME, Form.PHONE]),
        st.integers(0, 40),
        st.integers(-5, 5),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_summaries_equal_the_records_whatever_happens(app, acts):
    for act, name, form, days_ago, due_in in acts:
        do(act, name, form, days_ago, due_in)
    db.session.flush()

    assert {
        key: both for key, both in summaries.differences().items() if key[2] != summaries.HOUSEHOLDS
    } == {}
    db.session.rollback()


def do(act, name, form, days_ago, due_in):
    """One act of the property above; what is impossible is left out."""
    child = pupil(name)
    on = clock.today() - timedelta(days=days_ago)
    step = Step("共读", "school", clock.today() + timedelta(days=due_in))
    account = Account(ties(name)[0].household_id, form, on, clock.instant_of(on, 0, 1), steps=[step])
    found = db.session.scalars(
        select(Visit).where(Visit.pupil_id == child.id).order_by(Visit.id.desc()).limit(1)
    ).first()
    if act in ("write", "try"):
        account.form = form if act == "write" else None
        recording.record(child, third(), teacher(), str(uuid.uuid4()), account, clock.now())
    elif found is None:
        return
    elif act == "mend":
        db.session.refresh(found, ["met", "steps", "parts"])
        recording.amend(found, found.parts[0], teacher(), account, clock.now())
    elif act == "confirm" and found.outcome == Outcome.MET and found.confirmed_at is None:
        before = counting.tally(child.id)
        found.confirmed_at, found.confirmed_by_id = clock.now(), person("李晚晴").id
        counting.keep(before, counting.tally(child.id))
    elif act == "finish":
        finish(child)


def finish(child):
    """Tick off the child's first open step."""
    before = counting.tally(child.id)
    step = db.session.scalars(
        select(FollowUp).where(FollowUp.pupil_id == child.id, FollowUp.done_on.is_(None)).limit(1)
    ).first()
    if step is not None:
        step.finish(person("王雪").id, "", clock.today())
    counting.keep(before, counting.tally(child.id))


def test_the_comparison_notices_a_number_that_was_not_kept(app):
    visit = visited("陈一诺")
    visit.form = Form.IN_HOME if visit.form != Form.IN_HOME else Form.PHONE
    db.session.flush()

    assert any(key[2] == counting.VISITS_IN_HOME for key in summaries.differences())
