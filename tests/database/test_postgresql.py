"""The portal over a real PostgreSQL: the same town, the same pages, the same refusals."""

from contextvars import copy_context

import pytest
from sqlalchemy import func, select, update

from portal import create_app
from portal.accounts import limits, sessions
from portal.accounts.models import Person
from portal.config import Settings
from portal.extensions import db
from tests.site.actors import PLAYERS
from tests.site.checks import complaints
from tests.site.crawl import walk
from tests.support.client import PortalClient

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def portal(postgres_town, postgres_server, tmp_path_factory):
    """A portal with the town on PostgreSQL."""
    with postgres_server.database(postgres_town) as address:
        folder = tmp_path_factory.mktemp("on-postgresql")
        app = create_app(
            Settings(instance=folder, database_url=address, password_memory_kib=64, development=True),
            TESTING=True,
        )
        app.test_client_class = PortalClient
        yield app
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def within(portal):
    with portal.app_context():
        yield portal
        db.session.rollback()
        db.session.remove()


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.actor)
def test_every_page_is_what_it_must_be_on_postgresql_too(within, player):
    client = within.test_client()
    if player.name:
        client.sign_in(player.name, player.role)
    found = [
        f"{answer.path}: {complaint}"
        for answer in walk(within, client, "zh-Hans", ("/",), same_page=2)
        for complaint in complaints(answer)
    ]

    assert found == []


def test_a_get_cannot_write(within):
    def try_it():
        with within.test_request_context("/", method="GET"):
            within.preprocess_request()
            with pytest.raises(Exception, match="read-only"):
                db.session.execute(update(Person).values(name="谁"))
            db.session.rollback()

    # In a context of its own, as on a server: who asks must not stay for the tests that follow.
    copy_context().run(try_it)


def test_limits_count_in_one_statement(within):
    assert [limits.count("account", "someone") for _turn in range(3)] == [1, 2, 3]
    db.session.rollback()


def test_the_identity_query_gives_instants_with_a_zone(within):
    person = db.session.scalars(select(Person).where(Person.name == "王雪")).one()
    token = sessions.open_session(person, staff=True, appointment_id=None, device="")
    db.session.commit()
    signed_in = sessions.load(token)

    assert signed_in is not None
    assert [hat.role for hat in signed_in.hats] == ["class_teacher", "guardian"]
    assert db.session.scalar(select(func.count(Person.id))) > 50
