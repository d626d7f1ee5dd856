"""The PostgreSQL the tests use is a real one, of its own, and each database is fresh."""

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.support.postgres import Server

pytestmark = pytest.mark.postgres


def test_a_database_is_fresh_each_time(postgres_server: Server) -> None:
    for _ in range(2):
        with postgres_server.database() as address, create_engine(address).begin() as connection:
            connection.execute(text("CREATE TABLE lantern (id integer PRIMARY KEY)"))


def test_a_clone_has_what_its_template_has(postgres_server: Server) -> None:
    with postgres_server.database() as address:
        engine = create_engine(address)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE lantern (name text)"))
            connection.execute(text("INSERT INTO lantern VALUES ('望溪')"))
        name = engine.url.database
        engine.dispose()
        assert name
        with postgres_server.database(name) as clone:
            copied = create_engine(clone)
            with copied.connect() as connection:
                assert connection.scalar(text("SELECT name FROM lantern")) == "望溪"
            copied.dispose()


def test_text_is_sorted_and_folded_as_unicode(postgres_server: Server) -> None:
    with psycopg.connect(
        postgres_server.url.set(drivername="postgresql").render_as_string(False)
    ) as connection:
        row = connection.execute("SELECT upper('é'), current_setting('server_encoding')").fetchone()
    assert row == ("É", "UTF8")
