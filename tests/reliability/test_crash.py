"""kill -9 of any process loses no opinion that was acknowledged and doubles none."""

import re
import sqlite3
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import create_engine, select, text

from portal import create_app
from portal.config import Settings
from portal.extensions import db
from portal.opinions.models import Opinion
from portal.rehearsal.town import PASSWORD
from tests.support.crash import Outcome, Visitor, Write, rehearse
from tests.support.server import Portal

ROUNDS = 6
"""For each of the two engines: twelve in all."""
ROUNDS_OF_SOAK = 400
SECONDS_TO_BE_READY = 10
Open = Callable[..., Portal]
Record = Callable[[str, object], None]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def open_portal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Serves the portal with late answers and the rehearsal district, on SQLite or the database given that holds it."""
    opened: list[Portal] = []

    def open_one(database_url: str | None = None, **settings: str) -> Portal:
        folder = tmp_path / f"portal{len(opened)}"
        if database_url is None:
            request.getfixturevalue("town_in")(folder)
        portal = Portal(
            folder, database_url, app="tests.reliability.late:app", jobs=True,
            settings={"PORTAL_PASSWORD_MEMORY_KIB": "64", **settings},
        )  # fmt: skip
        opened.append(portal)
        portal.start()
        return portal

    yield open_one
    for portal in opened:
        portal.close()


def address_of(portal: Portal) -> str:
    """The SQLAlchemy address of a portal's database."""
    return portal.settings.get("DATABASE_URL") or f"sqlite:///{portal.folder / 'portal.db'}"


def sign_in_to(portal: Portal) -> Callable[[], Visitor]:
    """A new visitor, signed in as a guardian."""

    def sign_in() -> Visitor:
        visitor = Visitor(portal.address)
        visitor.sign_in("zhouguilan", PASSWORD)
        return visitor

    return sign_in


def opinions_to(portal: Portal) -> Write:
    """Sends a number as the text of an opinion, with the key of its form; answers whether it was acknowledged."""
    child = rows_of(portal, "SELECT public_id FROM pupil WHERE name = '赵小满'")[0]

    def send(visitor: Visitor, number: str, key: str) -> bool:
        status, location, body = visitor.post(
            "/opinions/new", child=child, category="other", text=number, naming="named", once=key
        )
        assert status == 303 or status >= 500, f"{status} {body[:500]}"
        return status == 303 and location.endswith("/sent")

    return send


def rows_of(portal: Portal, question: str) -> list[str]:
    """The only column of what the portal's database answers."""
    engine = create_engine(address_of(portal))
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            # The test looks at everything, as the portal's own jobs do.
            connection.execute(text("SET portal.role = 'system'"))
        found = list(connection.scalars(text(question)))
    engine.dispose()
    return found


def stored_in(portal: Portal) -> list[str]:
    """Every number stored as an opinion, as often as it is stored; what the district began with has none."""
    app = create_app(
        Settings(instance=portal.folder, database_url=portal.settings.get("DATABASE_URL") or ""),
        TESTING=True,
    )
    with app.app_context():
        found = [opinion.text for opinion in db.session.scalars(select(Opinion))]
        db.session.remove()
        db.engine.dispose()
    return [number for number in found if re.match(r"w\d-", number)]


def nothing_lost_or_doubled(portal: Portal, outcome: Outcome, record: Record) -> None:
    """The promise itself; the figures go into the report."""
    portal.stop()
    stored = stored_in(portal)
    assert outcome.refused == []
    assert outcome.lost(stored) == []
    assert outcome.doubled(stored) == []
    assert outcome.unasked(stored) == []
    assert outcome.repeated > 0, "no kill met a write"
    # A busy machine is slow at every start, the first one included.
    assert statistics.median(outcome.ready) <= max(SECONDS_TO_BE_READY, 4 * portal.first_start)
    record("acknowledged", len(outcome.acknowledged))
    record("sent again", outcome.repeated)
    record("seconds until ready", [round(seconds, 1) for seconds in outcome.ready])


def database_is_whole(portal: Portal) -> None:
    """SQLite's own check of the file and of every reference in it."""
    connection = sqlite3.connect(portal.folder / "portal.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_the_comparison_finds_what_is_seeded() -> None:
    outcome = Outcome(acknowledged=["w0-1", "w0-2"], sent=Counter({"w0-1": 1, "w0-2": 2, "w0-3": 1}))
    assert outcome.lost(["w0-1"]) == ["w0-2"]
    assert outcome.doubled(["w0-1", "w0-2", "w0-2"]) == ["w0-2"]
    assert outcome.unasked(["w0-1", "w0-2", "w0-3", "w9-1"]) == ["w9-1"]
    assert outcome.repeated == 1


def test_sqlite_loses_and_doubles_nothing(open_portal: Open, record_property: Record) -> None:
    portal = open_portal()
    outcome = rehearse(portal, sign_in_to(portal), opinions_to(portal), ROUNDS, Random(20))
    nothing_lost_or_doubled(portal, outcome, record_property)
    database_is_whole(portal)


def test_without_the_key_opinions_are_doubled(open_portal: Open, record_property: Record) -> None:
    """The control: the same harness finds doubled writes when the portal ignores the key."""
    portal = open_portal(ONCE="off")
    doubled: list[str] = []
    for turn in range(ROUNDS):
        outcome = rehearse(portal, sign_in_to(portal), opinions_to(portal), 2, Random(turn))
        doubled = outcome.doubled(stored_in(portal))
        if doubled:
            break
    assert doubled
    record_property("doubled", len(doubled))


@pytest.mark.postgres
def test_postgresql_loses_and_doubles_nothing(
    open_portal: Open, postgres_town_url: str, record_property: Record
) -> None:
    portal = open_portal(postgres_town_url)
    outcome = rehearse(portal, sign_in_to(portal), opinions_to(portal), ROUNDS, Random(20))
    nothing_lost_or_doubled(portal, outcome, record_property)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_sqlite_for_long(open_portal: Open, record_property: Record) -> None:
    portal = open_portal()
    outcome = rehearse(portal, sign_in_to(portal), opinions_to(portal), ROUNDS_OF_SOAK, Random(400))
    nothing_lost_or_doubled(portal, outcome, record_property)
    database_is_whole(portal)


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.timeout(3600)
def test_postgresql_for_long(open_portal: Open, postgres_town_url: str, record_property: Record) -> None:
    portal = open_portal(postgres_town_url)
    outcome = rehearse(portal, sign_in_to(portal), opinions_to(portal), ROUNDS_OF_SOAK, Random(400))
    nothing_lost_or_doubled(portal, outcome, record_property)
