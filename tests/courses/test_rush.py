"""Many families press at the same moment: on both databases no seat is given twice and nobody is lost."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import create_app
from portal.config import Settings
from portal.courses import seating
from portal.courses.models import Course, CourseSession, Seat
from portal.extensions import db
from portal.schools.models import Guardianship

FAMILIES = 8


@pytest.fixture
def on_postgresql(postgres_town_url, tmp_path):
    """A portal with the town on PostgreSQL."""
    app = create_app(
        Settings(instance=tmp_path, database_url=postgres_town_url, password_memory_kib=64), TESTING=True
    )
    yield app
    with app.app_context():
        db.engine.dispose()


def session_id() -> int:
    return db.session.scalars(
        select(CourseSession.id)
        .join(Course)
        .where(CourseSession.capacity == 2)
        .order_by(CourseSession.id)
        .limit(1)
    ).one()


def all_at_once(app: Flask, act, households: list[tuple[int, int]]) -> None:
    """Every household acts in a thread and a transaction of its own, started together."""
    start = Barrier(len(households))

    def one(household_id: int, person_id: int) -> None:
        with app.app_context():
            session = db.session.get_one(CourseSession, session_id())
            db.session.commit()
            start.wait(20)
            act(session, household_id, person_id)
            db.session.commit()
            db.session.remove()

    with ThreadPoolExecutor(len(households)) as threads:
        for done in [threads.submit(one, *household) for household in households]:
            done.result(60)


def rush(app: Flask) -> None:
    with app.app_context():
        households = [
            (household_id, person_id)
            for household_id, person_id in db.session.execute(
                select(Guardianship.household_id, func.min(Guardianship.person_id))
                .group_by(Guardianship.household_id)
                .order_by(Guardianship.household_id)
                .limit(FAMILIES)
            )
        ]
        db.session.remove()

    all_at_once(app, seating.take, households)
    with app.app_context():
        seats = db.session.scalars(select(Seat).where(Seat.session_id == session_id())).all()
        seated = [seat.household_id for seat in seats if seat.is_held]
        assert len(seats) == FAMILIES
        assert len(seated) == 2
        assert db.session.get_one(CourseSession, session_id()).seats_taken == 2
        db.session.remove()

    leaving = [household for household in households if household[0] in seated]
    all_at_once(app, lambda session, household_id, _person: seating.give_back(session, household_id), leaving)
    with app.app_context():
        seats = db.session.scalars(
            select(Seat).where(Seat.session_id == session_id()).order_by(Seat.queued_at, Seat.id)
        ).all()
        waited = [seat for seat in seats if seat.household_id not in seated]
        assert [seat.is_held for seat in waited] == [True, True, False, False, False, False]
        assert db.session.get_one(CourseSession, session_id()).seats_taken == 2
        db.session.remove()


def test_the_last_seats_are_given_once(app):
    rush(app)


@pytest.mark.postgres
def test_the_last_seats_are_given_once_on_postgresql(on_postgresql):
    rush(on_postgresql)
