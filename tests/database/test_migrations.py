"""The revisions: one line of them, equal to the models, there and back, and no row lost when SQLite rebuilds a table."""

import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, event, func, inspect, select

from portal import create_app
from portal.config import ROOT, Settings
from portal.extensions import db
from portal.rehearsal import town
from portal.schools.models import Enrolment, GuardianshipFlag, Pupil

REBUILD = '''
"""Rebuild two tables that others refer to."""

import sqlalchemy as sa
from alembic import op

revision: str = "9999_rebuild"
down_revision: str | None = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("pupil", "name"), ("guardianship", "relation")):
        with op.batch_alter_table(table) as batch:
            batch.alter_column(column, existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    for table, column in (("pupil", "name"), ("guardianship", "relation")):
        with op.batch_alter_table(table) as batch:
            batch.alter_column(column, existing_type=sa.String(), nullable=False)
'''


def portal_at(folder: Path, url: str = "") -> Flask:
    return create_app(Settings(instance=folder, database_url=url, password_memory_kib=64), TESTING=True)


def head() -> str:
    found = ScriptDirectory(str(ROOT / "migrations")).get_heads()
    assert len(found) == 1, f"several heads: {found}"
    return found[0]


def differences() -> list[object]:
    """What the models have that the database has not, and the other way round."""
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, db.metadata)
    return [entry for entry in found if "huey" not in str(entry) and "alembic_version" not in str(entry)]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    """A portal over an empty database, on either engine."""
    url = request.getfixturevalue("empty_postgres_url") if request.param == "postgresql" else ""
    return portal_at(tmp_path, url)


def test_there_is_one_newest_revision():
    assert head()


def test_the_revisions_make_what_the_models_say_and_can_go_back(empty):
    with empty.app_context():
        upgrade()
        assert differences() == []
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        upgrade()
        assert differences() == []
        db.engine.dispose()


def counted() -> dict[str, int]:
    return {
        table.__tablename__: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in (Pupil, Enrolment, GuardianshipFlag)
    }


def with_a_rebuild(folder: Path) -> str:
    """A copy of the migrations with one more revision that rebuilds tables others refer to."""
    copy = folder / "migrations"
    shutil.copytree(ROOT / "migrations", copy)
    (copy / "versions" / "9999_rebuild.py").write_text(REBUILD.format(head=head()))
    return str(copy)


def test_rows_survive_the_rebuilding_of_a_table_others_refer_to(empty, tmp_path):
    directory = with_a_rebuild(tmp_path)
    with empty.app_context():
        upgrade()
        town.build()
        db.session.commit()
        before = counted()
        db.session.remove()
        db.engine.dispose()
        upgrade(directory=directory)
        assert counted() == before
        assert all(count > 20 for count in before.values())
        db.session.remove()
        db.engine.dispose()


def test_with_foreign_keys_on_the_same_rebuild_would_lose_rows(tmp_path):
    """The control: what SQLite does when the old table is dropped while its children still point at it."""
    portal = portal_at(tmp_path)
    with portal.app_context():
        upgrade()
        town.build()
        db.session.commit()
        before = counted()
        address = db.engine.url
        db.session.remove()
        db.engine.dispose()
    engine = create_engine(address)
    event.listen(engine, "connect", lambda connection, _entry: connection.execute("PRAGMA foreign_keys=ON"))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE pupil_new AS SELECT * FROM pupil")
        connection.exec_driver_sql("DROP TABLE pupil")
        left = connection.exec_driver_sql("SELECT count(*) FROM enrolment").scalar()
    engine.dispose()

    assert left == 0 < before["enrolment"]
