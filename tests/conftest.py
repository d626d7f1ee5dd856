"""Fixtures every test may use: the app over a town of people, signed-in clients, a count of queries.

The town is built once per run through the real migrations, by whichever worker comes first; each test starts from a copy of
that database file.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import settings as hypothesis_settings

from portal import create_app
from portal.config import Settings
from portal.extensions import db
from portal.rehearsal import files, rosters
from portal.rehearsal import town as rehearsal
from portal.surveys.tries import tries
from tests.support.built import built_once
from tests.support.client import PortalClient
from tests.support.database import migrate
from tests.support.queries import Count, counting

pytest_plugins = ["tests.support.postgres", "tests.support.browser"]
hypothesis_settings.register_profile("house", deadline=None)
hypothesis_settings.load_profile("house")
os.environ.setdefault("PORTAL_PASSWORD_MEMORY_KIB", "64")
IS_A_WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not IS_A_WORKER:
    _KEYS = tempfile.TemporaryDirectory(prefix="keys-")
    os.environ["PORTAL_MASTER_KEYS_FILE"] = f"{_KEYS.name}/master_keys"
"""One file of master keys for all portals of this run: databases are copied and cloned from one portal to another."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that may take long, as those with a browser do, come first: no worker begins one when the others are done."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("timeout", "browser"))))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if IS_A_WORKER else own


@pytest.fixture(scope="session")
def home(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this worker's portal, with the town in a template database beside its own."""
    folder = tmp_path_factory.mktemp("portal")
    return shutil.copytree(built_once(shared, "town", _build_town), folder, dirs_exist_ok=True)


def _build_town(folder: Path) -> None:
    app = _portal(folder)
    migrate(app)
    with app.app_context():
        rehearsal.build()
        db.session.commit()
        rosters.bring()
        files.attach()
        db.session.remove()
        db.engine.dispose()
    (folder / "portal.db").rename(folder / "town.db")
    for leftover in ("portal.db-wal", "portal.db-shm"):
        (folder / leftover).unlink(missing_ok=True)


def _portal(folder: Path) -> Flask:
    app = create_app(
        Settings(instance=folder, database_url="", development=True, password_memory_kib=64), TESTING=True
    )
    app.test_client_class = PortalClient
    return app


@pytest.fixture(scope="session")
def one_app(home: Path) -> Flask:
    """The app of this worker."""
    return _portal(home)


@pytest.fixture(scope="session")
def town_in(one_app: Flask, home: Path) -> Callable[[Path], Path]:
    """``town_in(folder)`` puts a copy of the town, with its files, where a served portal can open it."""

    def copy(folder: Path) -> Path:
        shutil.copytree(home, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("portal.db*"))
        (folder / "town.db").rename(folder / "portal.db")
        return folder

    return copy


@pytest.fixture
def app(one_app: Flask, home: Path) -> Iterator[Flask]:
    """The app over a fresh copy of the town, inside an application context."""
    with one_app.app_context():
        db.session.remove()
        db.engine.dispose()
    for leftover in ("portal.db-wal", "portal.db-shm"):
        (home / leftover).unlink(missing_ok=True)
    shutil.copyfile(home / "town.db", home / "portal.db")
    tries.forget()
    with one_app.app_context():
        yield one_app
        db.session.remove()


@pytest.fixture
def as_(app: Flask) -> Callable[..., PortalClient]:
    """``as_("王雪")`` is a browser in which 王雪 is signed in; ``as_("王雪", "guardian")`` wears her parent's hat;
    ``as_(None)`` is a visitor."""

    def sign_in(name: str | None, role: str | None = None) -> PortalClient:
        client = app.test_client()
        assert isinstance(client, PortalClient)
        if name is not None:
            client.sign_in(name, role)
        return client

    return sign_in


@pytest.fixture
def queries(app: Flask) -> Callable[[], AbstractContextManager[Count]]:
    """``with queries() as count: …`` counts the statements sent to the database."""
    return counting
