"""The second wall on PostgreSQL: with the first one broken in every permission, nobody gets a row they may not reach (AC-10)."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import func, select, true

from portal import clock, create_app, row_security
from portal.access import Actor, Permission, Role
from portal.config import Settings
from portal.doctor import findings
from portal.extensions import db
from portal.row_security import WALLS
from portal.schools.models import SchoolClass
from portal.visits.models import SealedNote, Visit
from portal.visits.policy import VISIT_READ
from tests.site.actors import PLAYERS
from tests.site.crowd import populate
from tests.site.matrix import Cell, Crowd, Knocker, access_of, cells, signed_in
from tests.site.oracle import Oracle, lines
from tests.support.client import PortalClient
from tests.support.postgres import OWNER, Server

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(400)]
ORACLE = Oracle(lines())
READ_ON_ANOTHER_PAGE = {
    ("visits.correction", "other_household"),
    ("visits.follow_up", "own:of_school"),
    ("visits.photos", "same_class"),
    ("visits.photos", "same_class:missed"),
    ("visits.edit", "same_class"),
    ("visits.edit", "same_class:missed"),
    ("visits.part", "stranger"),
    ("visits.part", "stranger:missed"),
    ("visits.sealed_note", "stranger"),
    ("visits.sealed_note", "stranger:missed"),
    ("care.measure", "own:of_school"),
    # A guardian who sees and confirms reads these on the family's pages and may not act on them.
    ("care.measure", "limited"),
    ("care.measure", "limited:of_school"),
    ("visits.correction", "limited"),
    ("visits.follow_up", "limited"),
    ("visits.follow_up", "limited:of_school"),
    ("opinions.answer", "own:at_district"),
    ("opinions.answer", "own:reopened"),
}
"""Rows that these people may read, but not from this page: the wall keeps rows from people, not acts from pages."""
ONE_S_OWN_OPINIONS = ("opinions.reopen", "opinions.sent")
"""Whoever is limited to seeing and confirming now still reads the opinions sent before, on opinions.show."""


@pytest.fixture(scope="module")
def crowded(
    postgres_server: Server, postgres_town: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The crowded town on PostgreSQL, reached by an account that is no superuser; made once, for tests that only read."""
    with postgres_server.database(postgres_town) as address:
        settings = Settings(
            instance=tmp_path_factory.mktemp("wall"), database_url=address, password_memory_kib=64
        )
        app = create_app(settings, TESTING=True)
        app.test_client_class = PortalClient
        # Behind the wall every statement is planned with its policies: three times as long.
        with app.app_context(), _above_the_wall(postgres_server):
            populate()
        yield app
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def portal(crowded: Flask) -> Iterator[Flask]:
    """The crowded town, inside an application context."""
    with crowded.app_context():
        yield crowded
        db.session.remove()
        db.engine.dispose()


class Reader(Knocker):
    """Knocks by GET only; what that logs stays."""

    def restore(self) -> None:
        """Nothing was changed."""

    def written(self) -> int:
        return 0


@contextmanager
def _above_the_wall(server: Server) -> Iterator[None]:
    server.execute(f'ALTER ROLE "{OWNER}" BYPASSRLS')
    db.session.remove()
    db.engine.dispose()
    try:
        yield
    finally:
        server.execute(f'ALTER ROLE "{OWNER}" NOBYPASSRLS')
        db.session.remove()
        db.engine.dispose()


def _behind_the_wall(app: Flask, endpoint: str) -> bool:
    access = access_of(app, endpoint)
    return isinstance(access, Permission) and access.model in WALLS


def _reads_elsewhere(cell: Cell) -> bool:
    own = cell.endpoint in ONE_S_OWN_OPINIONS and cell.relation.split(":")[0] == "limited"
    return own or (cell.endpoint, cell.relation) in READ_ON_ANOTHER_PAGE


def _leaks(app: Flask, crowd: Crowd, actors: set[str]) -> tuple[int, list[str]]:
    """How many forbidden rows these actors knocked at, and those that were shown."""
    tried, shown = 0, []
    for player in (one for one in PLAYERS if one.actor in actors):
        reader = Reader(app, crowd.file, crowd, player)
        for cell in cells(app, crowd, player):
            if cell.method != "GET" or not _behind_the_wall(app, cell.endpoint):
                continue
            expected = ORACLE.expected(cell.endpoint, "GET", player.actor, cell.relation)
            if expected != frozenset({404}) or _reads_elsewhere(cell):
                continue
            tried += 1
            status, _changed = reader.knock(cell)
            if status != 404:
                shown.append(f"{cell}: {status}")
    return tried, shown


SOME = {"guardian", "restricted_guardian", "class_teacher", "district_staff"}


@pytest.mark.parametrize(
    "actors",
    [
        SOME,
        pytest.param(
            {player.actor for player in PLAYERS}, marks=[pytest.mark.soak, pytest.mark.timeout(3600)]
        ),
    ],
    ids=["some", "all"],
)
def test_with_the_first_wall_broken_nobody_reaches_more(
    portal, postgres_server, tmp_path, monkeypatch, record_property, actors
):
    crowd = Crowd(tmp_path / "none", signed_in(portal, PLAYERS))
    monkeypatch.setattr(Permission, "within", lambda _self, _actor: true())

    tried, shown = _leaks(portal, crowd, actors)
    record_property("cells", tried)
    assert not shown, "\n".join(shown)
    assert tried > 100

    with _above_the_wall(postgres_server):
        asked, without = _leaks(portal, crowd, {"guardian"})
    assert len(without) > asked / 2, "the control: without the second wall the broken first one leaks"


def test_a_visitor_finds_no_row_and_the_system_all(portal):
    filled = 0
    with portal.test_request_context("/"):
        for model in WALLS:
            db.session.remove()
            row_security._change(row_security.VISITOR)
            hidden = db.session.scalar(select(func.count()).select_from(model))
            with row_security.all_rows():
                whole = db.session.scalar(select(func.count()).select_from(model))
            assert hidden == 0, model
            filled += bool(whole)
        row_security._change(row_security.WHOLE)
    assert filled > 6


def test_a_bare_query_finds_what_the_permission_grants(portal):
    school_class = db.session.scalars(select(SchoolClass).where(SchoolClass.name == "三(2)班").limit(1)).one()
    acting = Actor(
        0, Role.CLASS_TEACHER, clock.today(), class_id=school_class.id, school_id=school_class.school_id
    )
    by_permission = {row.id for row in db.session.scalars(VISIT_READ.rows(acting))}
    row_security.acts(acting)
    try:
        bare = set(db.session.scalars(select(Visit.id)))
        assert db.session.scalars(select(SealedNote.id)).all() == []
    finally:
        row_security._change(row_security.WHOLE)

    assert bare == by_permission
    assert len(db.session.scalars(select(Visit.id)).all()) > len(bare)


def test_the_doctor_says_whether_the_wall_holds(portal, postgres_server):
    assert any("行级安全对门户使用的数据库账号有效" in finding.sentence for finding in findings())
    with _above_the_wall(postgres_server):
        assert any("不受行级安全约束" in finding.sentence for finding in findings() if not finding.well)
