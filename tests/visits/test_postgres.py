"""What the newer tables of visits and care refuse by themselves, on SQLite and on PostgreSQL; a sound change passes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock, create_app
from portal.care.models import CarePlan, Referral
from portal.config import Settings
from portal.extensions import db
from portal.opinions.models import Addressee, Category, Opinion
from portal.visits import covering
from portal.visits.drafts import VisitDraft
from portal.visits.home_lessons import HomeLesson, HomeTeaching
from portal.visits.models import ClassCoverage, HomePlace, PlanEntry

Change = Callable[[], Any]


def first(model: Any, *where: Any) -> Any:
    """The first row of a kind."""
    return db.session.scalars(select(model).where(*where).limit(1)).first()


def values(model: Any, **changed: Any) -> Any:
    """A second row like the first one."""
    row = first(model)
    kept = {
        one.key: getattr(row, one.key)
        for one in model.__mapper__.column_attrs
        if one.key not in ("id", "public_id")
    }
    return model(**{**kept, **changed})


def put(model: Any, *where: Any, **changed: Any) -> Change:
    """Change the first row."""

    def act() -> None:
        row = first(model, *where)
        for name, value in changed.items():
            setattr(row, name, value)

    return act


def add(model: Any, **changed: Any) -> Change:
    """Add a row like the first one."""
    return lambda: db.session.add(values(model, **changed))


def changes() -> Iterator[tuple[str, Change, Change]]:
    """(what, a change that holds, one that does not)."""
    whole = ClassCoverage.rule == covering.WHOLE.key
    yield "reached", put(ClassCoverage, whole, not_reached=0), put(ClassCoverage, whole, not_reached=999)
    yield "place left out", put(HomePlace, left_out=False), put(HomePlace, left_out=True)
    yield "planned once", put(PlanEntry, planned_on=clock.today()), add(PlanEntry)
    yield "lessons due", put(HomeTeaching, required=30), put(HomeTeaching, required=0)
    yield "log of a year", put(HomeTeaching, required=30), add(HomeTeaching)
    yield "minutes", put(HomeLesson, minutes=45), put(HomeLesson, minutes=5)
    yield "draft twice", put(VisitDraft, changed_at=clock.now()), add(VisitDraft)
    yield "version", put(CarePlan, version=2), put(CarePlan, version=0)
    earlier = clock.today() - timedelta(days=4000)
    yield (
        "plan ends",
        put(CarePlan, version=2),
        put(CarePlan, CarePlan.closed_on.is_(None), closed_on=earlier),
    )
    yield "tries", put(Referral, tries=5), put(Referral, tries=6)
    past = Opinion.category == Category.PRINCIPAL
    yield (
        "past the school",
        put(Opinion, past, category=Category.PRESSURE),
        put(Opinion, past, category=Category.PRESSURE, addressee=Addressee.PRINCIPAL),
    )


def refuses() -> None:
    """Each sound change is taken, each other one refused."""
    for what, sound, broken in changes():
        with db.session.begin_nested() as part:
            sound()
            db.session.flush()
            part.rollback()
        with pytest.raises(IntegrityError), db.session.begin_nested():
            broken()
            db.session.flush()
            pytest.fail(what)
        db.session.rollback()


def test_the_tables_refuse_what_does_not_hold(app: Any) -> None:
    refuses()


@pytest.mark.postgres
def test_the_tables_refuse_it_on_postgresql(postgres_town_url: str, tmp_path: Path) -> None:
    app = create_app(
        Settings(instance=tmp_path, database_url=postgres_town_url, password_memory_kib=64), TESTING=True
    )
    with app.app_context():
        refuses()
        db.session.remove()
        db.engine.dispose()
