"""The same on PostgreSQL: the town's rounds are built, what is frozen stays frozen, stars score again, two at once have one effect."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import create_app
from portal.config import Settings
from portal.extensions import db
from portal.ratings import reproducing, running
from portal.ratings.models import Round, RoundState
from tests.ratings.test_walks import check_twice
from tests.support.client import PortalClient

pytestmark = pytest.mark.postgres


@pytest.fixture
def served(postgres_town_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The portal on a PostgreSQL of its own, with the town in it."""
    app = create_app(
        Settings(instance=tmp_path, database_url=postgres_town_url, password_memory_kib=64), TESTING=True
    )
    app.test_client_class = PortalClient
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def signing_in(app: Flask) -> Callable[..., PortalClient]:
    """``as_`` of the other tests, on this portal."""

    def sign_in(name: str, role: str | None = None) -> PortalClient:
        client = app.test_client()
        assert isinstance(client, PortalClient)
        client.sign_in(name, role)
        return client

    return sign_in


def test_rounds_on_postgresql(served: Flask) -> None:
    published = db.session.scalars(select(Round.id).where(Round.state == RoundState.PUBLISHED)).one()
    assert list(reproducing.differences(running.loaded(published))) == []
    for change in ("UPDATE rating_snapshot SET number = 9", "DELETE FROM rubric_version"):
        with pytest.raises(IntegrityError, match=r"frozen|published rubric"):
            db.session.connection().exec_driver_sql(change)
        db.session.rollback()
    db.session.connection().exec_driver_sql("UPDATE rating_entry SET star = 5 WHERE star = 4")
    assert list(reproducing.differences(running.loaded(published)))
    db.session.rollback()
    check_twice(served, signing_in(served), 5)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_double_submits_on_postgresql(served: Flask) -> None:
    check_twice(served, signing_in(served), 1000)
