"""AC-6: transfers, roll-over, guardians, ended appointments and delegations against a small model of sets.

The model knows only what happened; the portal answers with its own hats and scopes on each day.
"""

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, update

from portal import clock
from portal.access import Actor, Role
from portal.accounts import sessions
from portal.accounts.models import Appointment, AuthSession, Person
from portal.extensions import db
from portal.schools import enrolling
from portal.schools.models import Enrolment, Guardianship, Pupil, School, SchoolClass
from portal.schools.policy import PUPIL_READ
from portal.staffing import appointing, handing_over, transferring
from portal.staffing.models import PupilTransfer
from portal.staffing.years import found_next_year, next_year

CHILDREN = ("陈一诺", "赵小满", "林嘉树")
SCHOOLS = ("望溪小学", "东塔小学")
TEACHERS = ("王雪", "刘明远", "高洁", "邓宇")
FAMILIES = ("李晚晴", "周桂兰", "林悦", "方晴")
FAR = date(2999, 1, 1)


class Seen(RuleBasedStateMachine):
    """Each rule does one thing in the portal and writes the same into sets of periods."""

    monkeypatch: pytest.MonkeyPatch

    @initialize()
    def begin(self):
        db.session.rollback()
        self.day = clock.instant_of(clock.today(), 9).date()
        self.set_day(self.real_today)
        self.person = {
            name: db.session.scalars(select(Person).where(Person.name == name)).one()
            for name in (*TEACHERS, *FAMILIES, "孙立德", "钱文博", "何静", "罗敏")
        }
        self.pupil = {
            name: db.session.scalars(select(Pupil).where(Pupil.name == name)).one() for name in CHILDREN
        }
        self.school = {
            name: db.session.scalars(select(School).where(School.name == name)).one() for name in SCHOOLS
        }
        self.tokens = {
            name: sessions.open_session(person, staff=True, appointment_id=None, device="model")
            for name, person in self.person.items()
        }
        db.session.flush()
        db.session.execute(update(AuthSession).values(expires_at=clock.instant_of(FAR)))
        # The model: who is where, who teaches what, who cares for whom; all as [start, end).
        self.places = {
            name: [
                [row.class_id, row.school_id, row.started_on, row.ended_on or FAR]
                for row in db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == pupil.id))
            ]
            for name, pupil in self.pupil.items()
        }
        self.hats = [
            [row.id, name, row.class_id, row.started_on, row.ended_on or FAR, row.delegated_from_id]
            for name, person in self.person.items()
            for row in db.session.scalars(
                select(Appointment).where(
                    Appointment.person_id == person.id, Appointment.role == Role.CLASS_TEACHER
                )
            )
        ]
        self.cares = [
            [row.id, name, child, row.started_on, row.ended_on or FAR]
            for name, person in self.person.items()
            for child, pupil in self.pupil.items()
            for row in db.session.scalars(
                select(Guardianship).where(
                    Guardianship.person_id == person.id, Guardianship.pupil_id == pupil.id
                )
            )
        ]
        self.rolled = set()

    def set_day(self, day):
        self.day = day
        at = clock.instant_of(day, 9)
        self.monkeypatch.setattr(clock, "today", lambda: day)
        self.monkeypatch.setattr(clock, "now", lambda: at)

    def actor(self, name, role=Role.SCHOOL_OFFICE, school="望溪小学"):
        return Actor(self.person[name].id, role, self.day, school_id=self.school[school].id)

    def where(self, child):
        return next((one for one in self.places[child] if one[2] <= self.day < one[3]), None)

    @rule(days=st.sampled_from([1, 3, 30]))
    def days_pass(self, days):
        if self.day < self.real_today + timedelta(days=200):
            self.set_day(self.day + timedelta(days=days))
            db.session.flush()
            for transfer in db.session.scalars(
                select(PupilTransfer).where(PupilTransfer.state == "accepted")
            ).all():
                transferring.complete(transfer)

    @rule(child=st.sampled_from(CHILDREN), later=st.sampled_from([0, 2]))
    def transfer(self, child, later):
        place = self.where(child)
        pupil = self.pupil[child]
        if place is None or pupil.left_on or any(one[2] > self.day for one in self.places[child]):
            return
        here = next(name for name, school in self.school.items() if school.id == place[1])
        there = next(name for name in SCHOOLS if name != here)
        on = self.day + timedelta(days=later)
        if place[3] <= on:
            return
        offices = {"望溪小学": "何静", "东塔小学": "罗敏"}
        made = transferring.propose(pupil, self.school[there], on, self.actor(offices[here], school=here))
        target = db.session.scalars(
            select(SchoolClass).where(SchoolClass.school_id == self.school[there].id).order_by(SchoolClass.id)
        ).first()
        transferring.accept(made, target, self.actor(offices[there], school=there))
        goes_on = place[3]
        place[3] = on
        assert goes_on == FAR
        self.places[child].append([target.id, self.school[there].id, on, FAR])

    @rule(place=st.integers(0, 5), when=st.sampled_from([None, 0, 4]))
    def end_an_appointment(self, place, when):
        held = [one for one in self.hats if one[3] <= self.day < one[4]]
        if not held:
            return
        hat = held[place % len(held)]
        last = None if when is None else self.day + timedelta(days=when)
        appointing.end(db.session.get_one(Appointment, hat[0]), last, person_id=self.person["何静"].id)
        until = self.day if last is None else last + timedelta(days=1)
        for one in self.hats:
            if one is hat or (one[5] == hat[0] and one[4] > until):
                one[4] = max(until, one[3])

    @rule(place=st.integers(0, 5), whom=st.sampled_from(TEACHERS), long=st.integers(1, 9))
    def lend_a_hat(self, place, whom, long):
        held = [one for one in self.hats if one[3] <= self.day < one[4] and one[5] is None and one[1] != whom]
        if not held:
            return
        hat = held[place % len(held)]
        until = self.day + timedelta(days=long)
        made = enrolling.appoint(
            self.person[whom],
            Role.CLASS_TEACHER,
            self.day,
            ended_on=until,
            class_id=hat[2],
            delegated_from_id=hat[0],
            opens_sealed=False,
        )
        db.session.flush()
        self.hats.append([made.id, whom, hat[2], self.day, min(until, FAR), hat[0]])

    @rule(whom=st.sampled_from(TEACHERS), child=st.sampled_from(CHILDREN))
    def appoint(self, whom, child):
        place = self.where(child)
        if place is None or any(
            one[1] == whom and one[2] == place[0] and one[4] > self.day and one[5] is None
            for one in self.hats
        ):
            return
        office = {
            self.school["望溪小学"].id: ("何静", "望溪小学"),
            self.school["东塔小学"].id: ("罗敏", "东塔小学"),
        }
        name, school = office[place[1]]
        made = appointing.appoint(
            self.actor(name, school=school),
            "class_teacher",
            self.person[whom],
            {"class_id": place[0]},
            self.day,
        )
        self.hats.append([made.id, whom, place[0], self.day, FAR, None])

    @rule(place=st.integers(0, 9))
    def a_guardian_goes(self, place):
        held = [one for one in self.cares if one[3] <= self.day < one[4]]
        if held:
            tie = held[place % len(held)]
            db.session.get_one(Guardianship, tie[0]).ended_on = tie[4] = self.day
            db.session.flush()

    @rule(name=st.sampled_from(FAMILIES), child=st.sampled_from(CHILDREN))
    def a_guardian_comes(self, name, child):
        if any(one[1] == name and one[2] == child and one[4] >= self.day for one in self.cares):
            return
        home = enrolling.form_household(self.day)
        tie = enrolling.add_guardian(self.pupil[child], self.person[name], "家人", home, self.day, ())
        db.session.flush()
        self.cares.append([tie.id, name, child, self.day, FAR])

    @precondition(lambda self: self.day < date(self.real_today.year + (self.real_today.month >= 9), 9, 1))
    @rule(school=st.sampled_from(SCHOOLS))
    def hand_over(self, school):
        found = self.school[school]
        if school in self.rolled or any(
            one[2] > self.day for places in self.places.values() for one in places
        ):
            return
        if next_year(found.district_id, self.day) is None:
            found_next_year(found.district_id, self.day)
        plan = handing_over.plan_of(found, self.day)
        if plan.problems:
            return
        on = plan.to_year.starts_on
        handing_over.apply(plan, self.person["何静"].id)
        self.rolled.add(school)
        self.roll_over(found, plan, on)

    def roll_over(self, school, plan, on):
        """The same in the sets: places and hats of the old classes end, those of the new ones begin."""
        new = {
            step.school_class.id: db.session.scalars(
                select(SchoolClass)
                .where(SchoolClass.school_id == school.id, SchoolClass.name == step.name)
                .order_by(SchoolClass.id.desc())
            ).first()
            for step in plan.steps
        }
        for places in self.places.values():
            for one in list(places):
                if one[0] in new and one[3] == FAR:
                    one[3] = max(on, one[2])
                    places.append([new[one[0]].id, school.id, on, FAR])
        for hat in list(self.hats):
            if hat[2] in new and hat[4] > on:
                hat[4] = max(on, hat[3])
        for step in plan.steps:
            if step.teacher is not None and step.teacher.name in self.person:
                made = db.session.scalars(
                    select(Appointment).where(
                        Appointment.class_id == new[step.school_class.id].id,
                        Appointment.role == Role.CLASS_TEACHER,
                    )
                ).one()
                self.hats.append([made.id, step.teacher.name, made.class_id, on, FAR, None])

    def expected(self, name):
        """What the sets say: role and class (or school) → children."""
        origins = {one[0]: one for one in self.hats}
        seen = {}
        for key, who, class_id, start, end, origin in self.hats:
            lent = origins.get(origin)
            holds = start <= self.day < end and (lent is None or lent[3] <= self.day < lent[4])
            if who == name and holds:
                seen[key] = {child for child in CHILDREN if (self.where(child) or [None])[0] == class_id}
        if name in FAMILIES:
            seen["family"] = {
                child
                for _key, who, child, start, end in self.cares
                if who == name and start <= self.day < end
            }
        for head, school in (("孙立德", "望溪小学"), ("钱文博", "东塔小学")):
            if name == head:
                seen["school"] = {
                    child for child in CHILDREN if (self.where(child) or [0, 0])[1] == self.school[school].id
                }
        return seen

    def actual(self, name):
        """What the portal says: the hats of a real session and the rows of a real permission."""
        db.session.flush()
        rows = sessions.IDENTITY.all(
            db.session(), token_hash=sessions._hash(self.tokens[name]), now=clock.now(), day=self.day
        )
        seen = {}
        for hat in sessions._hats(rows) if rows else ():
            acting = Actor(
                self.person[name].id,
                hat.role,
                self.day,
                hat.appointment_id,
                hat.district_id,
                hat.school_id,
                hat.class_id,
            )
            if not PUPIL_READ.admits(hat.role):
                continue
            found = set(
                db.session.scalars(
                    select(Pupil.name).where(PUPIL_READ.within(acting), Pupil.name.in_(CHILDREN))
                )
            )
            if hat.role == Role.GUARDIAN and name in FAMILIES:
                seen["family"] = found
            elif hat.role == Role.CLASS_TEACHER:
                seen[hat.appointment_id] = found
            elif hat.role == Role.PRINCIPAL:
                seen["school"] = found
        return seen

    @invariant()
    def nobody_sees_more_or_less(self):
        if not hasattr(self, "tokens"):
            return
        for name in (*TEACHERS, *FAMILIES, "孙立德", "钱文博"):
            expected, actual = self.expected(name), self.actual(name)
            if name in FAMILIES and "family" not in actual:
                actual["family"] = set()
            assert actual == expected, (name, self.day)

    def teardown(self):
        db.session.rollback()
        self.set_day(self.real_today)


def run(monkeypatch, examples, steps, **more):
    real = clock.today()

    class Here(Seen):
        real_today = real

    Here.monkeypatch = monkeypatch
    monkeypatch.setattr(db.session, "commit", db.session.flush)
    with monkeypatch.context():
        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize=True,
                **more,
            ),
        )


def test_the_portal_agrees_with_the_model(app, monkeypatch):
    run(monkeypatch, 10, 30)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_the_portal_agrees_with_the_model_for_ten_thousand_steps(app, monkeypatch):
    run(monkeypatch, 100, 100)


def test_the_model_notices_a_scope_that_is_too_wide(app, monkeypatch):
    monkeypatch.setitem(PUPIL_READ.grants, Role.PRINCIPAL, lambda _actor: Pupil.id > 0)
    with pytest.raises(AssertionError):
        run(monkeypatch, 3, 15, phases=[Phase.generate])
