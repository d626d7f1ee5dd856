"""States of plans and referrals, whatever is done in whatever order: against a model in a few lines."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal import clock
from portal.care import planning, referring
from portal.care.models import Basis, CarePlan, CareVersion, Partner, Referral, ReferralState
from portal.errors import RuleBroken
from portal.extensions import db
from tests.visits.builders import person, pupil

ORDINARY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MOVES = st.lists(
    st.sampled_from(
        ["own_yes", "own_no", "second_yes", "second_no", "recall", "wrong", "right", "day", "expire"]
    ),
    max_size=14,
)
LASTS = 3
"""Days for which the referrals of these tests may be read."""


def referral(basis):
    """A new referral of 王雪's about 陈一诺."""
    child = pupil("陈一诺")
    partner = db.session.scalars(select(Partner).where(Partner.school_id == child.school_id)).first()
    made = Referral(
        pupil_id=child.id,
        school_id=child.school_id,
        partner_id=partner.id,
        author_id=person("王雪").id,
        basis=basis,
        state=ReferralState.OPEN if basis == Basis.CONSENT else ReferralState.WAITING,
        made_at=clock.now(),
        expires_on=clock.today() + timedelta(days=LASTS),
        tries=0,
    )
    made.recipient, made.parts, made.code = "沈老师", ["message"], "123456"
    made.content, made.reason = [["message", ["请谈谈"]]], "" if basis == Basis.CONSENT else "一刻不能等"
    db.session.add(made)
    db.session.flush()
    return made


def moved(row, move, day):
    """Do it; whether it was let through."""
    own, second, now = row.author_id, person("孙立德").id, clock.now()
    if move in ("wrong", "right") and not row.is_open(day):
        return False
    try:
        match move:
            case "own_yes" | "own_no":
                row.decide(own, move == "own_yes", now)
            case "second_yes" | "second_no":
                row.decide(second, move == "second_yes", now)
            case "recall":
                row.recall(own, now)
            case "wrong":
                assert not referring.right_code(row, "000000")
            case "right":
                assert referring.right_code(row, "123456")
                referring.open_once(row, now)
            case "expire":
                referring.expire(day)
    except RuleBroken:
        return False
    return True


def follow(basis, moves):
    """Do all of it and compare with the model after each: ``open``, ``waits``, days left, wrong codes in a row."""
    row, day = referral(basis), clock.today()
    is_open, waits, wrong, kept = basis == Basis.CONSENT, basis == Basis.SAFETY, 0, True
    for move in moves:
        let = moved(row, move, day)
        in_time = day < row.expires_on
        if move == "day":
            day += timedelta(days=1)
        elif move.startswith("own"):
            assert not let
        elif move.startswith("second"):
            assert let == waits
            is_open, kept = (
                (move == "second_yes", kept and move == "second_yes") if waits else (is_open, kept)
            )
            waits = False
        elif move == "recall":
            assert let == (is_open or waits)
            kept = kept and not let
            is_open = waits = False
        elif move in ("wrong", "right"):
            assert let == (is_open and in_time and wrong < 5)
            wrong = wrong + (move == "wrong") if let and move == "wrong" else 0 if let else wrong
        elif move == "expire":
            kept = kept and in_time
        db.session.flush()
        assert row.is_open(day) == (is_open and day < row.expires_on and wrong < 5)
        assert (row.content is not None) == kept
        assert not (row.content is None and referring.readable(row, day))


@ORDINARY
@given(basis=st.sampled_from([Basis.CONSENT, Basis.SAFETY]), moves=MOVES)
def test_a_referral_is_read_only_while_it_was_agreed_to_and_is_in_time(app, basis, moves):
    follow(basis, moves)
    db.session.rollback()


@pytest.mark.parametrize(
    ("name", "defect", "moves"),
    [
        ("is_open", lambda self, _on: self.state == ReferralState.OPEN, ["day"] * LASTS),
        ("recall", lambda self, _by, _now: setattr(self, "state", ReferralState.RECALLED), ["recall"]),
        ("decide", lambda self, by, _yes, now: setattr(self, "state", ReferralState.OPEN), ["own_yes"]),
    ],
)
def test_the_model_notices_a_seeded_defect(app, monkeypatch, name, defect, moves):
    basis = Basis.SAFETY if name == "decide" else Basis.CONSENT
    follow(basis, moves)
    monkeypatch.setattr(Referral, name, defect)
    with pytest.raises(AssertionError):
        follow(basis, moves)


PLAN_MOVES = st.lists(
    st.tuples(st.sampled_from(["open", "change", "review", "close"]), st.integers(1, 5)), max_size=14
)


def plan_moved(child, plan, move, number):
    """Do it; (the plan after it, whether it was let through)."""
    author, today = person("王雪").id, clock.today()
    try:
        match move:
            case "open":
                due = today + timedelta(days=30)
                return planning.open_plan(
                    child, author, author, ["hardship"], "读好书", due, clock.now(), today
                ), True
            case "change":
                planning.change(plan, author, author, ["hardship"], f"目标{number}", clock.now())
            case "review":
                on = today - timedelta(days=number)
                planning.review(plan, author, on, "on_track", "有进步", today + timedelta(days=number))
            case "close":
                plan.close(author, "已稳定", today)
    except RuleBroken:
        return plan, False
    return plan, True


@ORDINARY
@given(moves=PLAN_MOVES)
def test_one_plan_is_open_each_change_is_kept_and_a_closed_one_stays(app, moves):
    child = pupil("陈一诺")
    plan, is_open, version, reviewed = None, False, 0, set()
    for move, number in moves:
        if plan is None and move != "open":
            continue
        plan, let = plan_moved(child, plan, move, number)
        if move == "open":
            assert let == (not is_open)
            is_open, version, reviewed = True, 1 if let else version, set() if let else reviewed
        elif move == "review":
            assert let == (is_open and number not in reviewed)
            reviewed |= {number} if let else set()
            assert not let or plan.review_due_on == clock.today() + timedelta(days=number)
        else:
            assert let == is_open
            version += move == "change" and let
            is_open = is_open and move != "close"
        db.session.flush()
        open_ones = select(func.count(CarePlan.id)).where(
            CarePlan.pupil_id == child.id, CarePlan.closed_on.is_(None)
        )
        kept = select(func.count(CareVersion.id)).where(CareVersion.plan_id == plan.id)
        assert db.session.scalar(open_ones) == is_open
        assert (plan.version, db.session.scalar(kept)) == (version, version)
    db.session.rollback()
