"""Who may do what, tried exhaustively: every route × method × actor × relation against the oracle written by hand."""

import pytest
from flask import Flask
from sqlalchemy import update

from portal import create_app
from portal.access import PERMISSIONS, Permission, Role, everything, refuse_undeclared
from portal.accounts.models import Person
from portal.config import Settings
from portal.extensions import db
from portal.schools.models import Pupil
from portal.visits.models import Visit
from tests.site.actors import PLAYERS
from tests.site.belonging import BELONGS
from tests.site.matrix import access_of, cells, changed_tables, key_of, rules
from tests.site.oracle import Line, Oracle, faults, lines

ORACLE = Oracle(lines())


def declared(app: Flask) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for rule, method in rules(app):
        found.setdefault(rule.endpoint, set()).add(method)
    return found


def permissions_on_routes(app: Flask) -> set[str]:
    marks = (getattr(view, "access", None) for view in app.view_functions.values())
    return {mark.name for mark in marks if isinstance(mark, Permission)}


# AC-1: no gap between the address map, the permissions and the oracle.

ASKED_INSIDE = {
    "course.read": "asked by the public pages of courses, which show each reader their own courses",
    "rating.evidence.read": "asked by the address of files, of whoever opens one that was handed in",
}


def test_the_oracle_speaks_of_every_route_method_and_role(app):
    assert faults(lines(), declared(app)) == []


def test_every_permission_stands_at_a_route(app):
    assert set(PERMISSIONS) - permissions_on_routes(app) == set(ASKED_INSIDE)


def test_every_route_says_who_it_is_for(app):
    marks = {endpoint: access_of(app, endpoint) for endpoint in declared(app)}

    assert {
        endpoint
        for endpoint, mark in marks.items()
        if mark not in ("public", "signed in") and not isinstance(mark, Permission)
    } == set()


def test_every_kind_of_record_says_to_whom_it_belongs(app):
    unknown = {
        endpoint
        for rule, _method in rules(app)
        if rule.arguments and (endpoint := rule.endpoint) and key_of(app, endpoint) not in BELONGS
    }

    assert unknown == set()


@pytest.mark.parametrize(
    "seed",
    [
        Line("home.nowhere", "GET", "guardian", "any", "200", "seed"),
        Line("home.index", "POST", "guardian", "any", "200", "seed"),
        Line("home.index", "GET", "gardener", "any", "200", "seed"),
        Line("home.index", "GET", "guardian", "next_door", "200", "seed"),
        Line("home.index", "GET", "guardian", "any:asleep", "200", "seed"),
        Line("home.index", "GET", "guardian", "any", "maybe", "seed"),
        Line("home.index", "GET", "guardian", "any", "403", "seed"),
    ],
    ids=lambda line: f"{line.endpoint} {line.method} {line.role} {line.relation} {line.status}",
)
def test_a_wrong_line_is_found(app, seed):
    assert any("seed" in fault for fault in faults([*lines(), seed], declared(app)))


def test_a_route_without_a_line_is_found(app):
    left_out = [line for line in lines() if (line.endpoint, line.role) != ("schools.pupil", "inspector")]

    assert faults(left_out, declared(app)) == ["no line for schools.pupil GET inspector"]


def test_a_permission_without_a_route_is_found(app):
    lonely = Permission("lonely.read", Pupil, "F2", {Role.LECTURER: everything})
    try:
        assert "lonely.read" in set(PERMISSIONS) - permissions_on_routes(app)
    finally:
        del PERMISSIONS[lonely.name]


def test_a_silent_route_keeps_the_portal_from_starting(tmp_path):
    portal = create_app(Settings(instance=tmp_path, database_url=""), TESTING=True)
    portal.add_url_rule("/silent", "silent", lambda: "x")

    with pytest.raises(RuntimeError, match="silent"):
        refuse_undeclared(portal)


# AC-2: the matrix.


def differences(app, crowd, knock, player, rows):
    """How many cells a player has, and those that are not as the oracle says."""
    wrong, count = [], 0
    for cell in cells(app, crowd, player, rows=rows):
        count += 1
        expected = ORACLE.expected(cell.endpoint, cell.method, player.actor, cell.relation)
        status, changed = knock.knock(cell)
        if status not in expected:
            wrong.append(f"{cell}: {status}, expected {sorted(expected)}")
        if changed and (cell.method == "GET" or status not in (200, 303, 409, 422)):
            wrong.append(f"{cell}: {status}, and something was written")
    return count, wrong


def test_reading_a_record_leaves_its_entry_and_nothing_else(crowd, knocker, home):
    """The control of the exception the matrix makes: the same comparison sees any other row that is touched."""
    principal = next(player for player in PLAYERS if player.actor == "principal")
    knock = knocker(principal)
    story = crowd.related(principal, Visit, Visit)["own"][0]
    answer, changed = knock.send("GET", f"/visits/{story.public_id}", {})
    assert (answer.status_code, changed) == (200, False)
    assert changed_tables(home / "portal.db", crowd.file) == {"trail_entry", "trail_head"}

    db.session.execute(update(Person).where(Person.id == story.author_id).values(theme="dark"))
    db.session.commit()
    assert changed_tables(home / "portal.db", crowd.file) == {"trail_entry", "trail_head", "person"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.actor)
def test_the_matrix(app, crowd, knocker, player, record_property):
    count, wrong = differences(app, crowd, knocker(player), player, rows=1)

    record_property("cells", count)
    assert not wrong, "\n".join(wrong)
    assert count > 300


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.actor)
def test_the_matrix_with_more_rows(app, crowd, knocker, player, record_property):
    count, wrong = differences(app, crowd, knocker(player), player, rows=5)

    record_property("cells", count)
    assert not wrong, "\n".join(wrong)
