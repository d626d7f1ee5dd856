"""A real PostgreSQL for tests: started once per run of a worker, migrated once, cloned for each test that asks.

Load it with `pytest_plugins = ["tests.support.postgres"]`. Fixtures: `postgres_server` (an empty server),
`postgres_template` (a migrated database to clone), `postgres_town` (the same with the town in it), `postgres_url` and
`postgres_town_url` (a fresh clone of either, dropped afterwards), `empty_postgres_url` (a fresh empty database, dropped
afterwards).
TEST_DATABASE_URL names a server to use instead, with a user that may create databases.
"""

import contextlib
import dataclasses
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import machine
import processes
import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from portal import create_app
from portal.config import Settings
from portal.extensions import db
from portal.rehearsal import town
from tests.support.needs import missing

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 30
OWNER = "portal"
# Nothing of a test survives it, so nothing needs to reach the disk.
FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=60",
    "shared_buffers=64MB",
)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that tests may create databases on; `url` is that of its maintenance database."""

    url: URL
    process: subprocess.Popen[bytes] | None = None
    owner: str = ""
    """An ordinary account that owns the databases, as in a real installation: row-level security holds for it."""

    def address(self, database: str) -> str:
        """The SQLAlchemy address of a database of this server."""
        url = self.url.set(username=self.owner) if self.owner else self.url
        return url.set(database=database).render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        """Run one administrative statement, outside a transaction."""
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A new database cloned from a template; gives its address and drops it at the end."""
        name = f"test_{uuid.uuid4().hex}"
        owner = f'OWNER "{self.owner}"' if self.owner else ""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" ENCODING \'UTF8\' {owner}')
        try:
            yield self.address(name)
        finally:
            self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the account to run it as then, else None."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


@contextlib.contextmanager
def running_server(programs: Path, folder: Path) -> Iterator[Server]:
    """A server of our own in an empty folder, reachable by a socket in that folder only."""
    account = _account()
    user = account.pw_uid if account else None
    group = account.pw_gid if account else None
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        user=user, group=group, extra_groups=[] if account else None, env=environment, cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    settings = [part for setting in FAST for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", *settings],
            user=user, group=group, extra_groups=[] if account else None, env=environment, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=processes.end_with_parent(signal.SIGQUIT),
        )  # fmt: skip
    server = Server(
        URL.create("postgresql+psycopg", "tester", database="postgres", query={"host": str(folder)}), process
    )
    try:
        _wait_until_it_answers(server, process, folder / "log")
        server.execute(f'CREATE ROLE "{OWNER}" LOGIN NOSUPERUSER')
        yield dataclasses.replace(server, owner=OWNER)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            server.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(
                    f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}", pytrace=False
                )
            time.sleep(0.05)


def migrate(address: str, folder: Path) -> None:
    """Bring a database (SQLite in the folder when the address is empty) to the newest revision by the portal's command."""
    key = folder / "secret_key"
    key.write_text("0" * 64, encoding="utf-8")
    settings = {
        "DATABASE_URL": address,
        "INSTANCE_DIR": str(folder),
        "SECRET_KEY_FILE": str(key),
    }
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT, env={**os.environ, **settings}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server: TEST_DATABASE_URL, else one started from this machine's programs."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield Server(make_url(given).set(drivername="postgresql+psycopg"))
        return
    programs = machine.find_postgres()
    if programs is None:
        missing(machine.POSTGRES)
    # A socket's path may be 107 bytes long: pytest's own folders are too deep for it.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        with running_server(programs, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database at the newest revision, to be cloned; nobody may be connected to it."""
    with postgres_server.database() as address:
        migrate(address, tmp_path_factory.mktemp("postgres"))
        name = make_url(address).database
        assert name
        yield name


@pytest.fixture(scope="session")
def postgres_town(
    postgres_server: Server, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database with the town, to be cloned; nobody may be connected to it."""
    with postgres_server.database(postgres_template) as address:
        settings = Settings(instance=tmp_path_factory.mktemp("town"), database_url=address)
        with create_app(settings, TESTING=True).app_context():
            town.build()
            db.session.commit()
            db.session.remove()
            db.engine.dispose()
        name = make_url(address).database
        assert name
        yield name


@pytest.fixture
def postgres_town_url(postgres_server: Server, postgres_town: str) -> Iterator[str]:
    """The address of a fresh database with the town, for one test."""
    with postgres_server.database(postgres_town) as address:
        yield address


@pytest.fixture
def postgres_url(postgres_server: Server, postgres_template: str) -> Iterator[str]:
    """The address of a fresh database at the newest revision, for one test."""
    with postgres_server.database(postgres_template) as address:
        yield address


@pytest.fixture
def empty_postgres_url(postgres_server: Server) -> Iterator[str]:
    """The address of a fresh database without tables, for one test."""
    with postgres_server.database() as address:
        yield address
