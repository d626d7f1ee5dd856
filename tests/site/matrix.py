"""Every route × method × actor × relation as requests, found from the app itself.

A route with a public id is knocked at with rows of the model of its permission, some for each relation. New routes,
permissions and records join by themselves; a new kind of record asks for its line in ``belonging``.
"""

import json
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.routing import Rule

from portal import clock
from portal.access import Permission
from portal.accounts.models import AuthSession, Passkey
from portal.care.models import Referral
from portal.courses.models import Course, CourseSession, Lesson, Seat
from portal.database import checkpoint
from portal.extensions import db
from portal.files.models import File
from portal.ratings.models import VetoEvent
from portal.ratings.standing import Naming
from portal.schools.models import Enrolment, Guardianship, Household, Pupil, School, SchoolClass, Term
from portal.surveys.models import SurveyHousehold
from portal.visits.home_lessons import HomeLesson
from tests.site import edges
from tests.site.actors import PLAYERS, STAND_INS, Player
from tests.site.belonging import BELONGS, Standing, relation, standing
from tests.site.crowd import populate
from tests.support.client import PortalClient
from tests.support.putting_back import put_back

ROWS_PER_RELATION = 1
ABSENT = "AAAAAAAAAAAAAAAAAAAAAA"
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')

KEYS: dict[str, Any] = {
    "schools.term": Term,
    "schools.change_term": Term,
    "accounts.revoke": AuthSession,
    "accounts.remove_passkey": Passkey,
    "courses.show": "course.read",
    "ratings.school_stars": "stars",
    "ratings.certificate_check": Naming,
    "ratings.concern": "stars",
    "ratings.file_concern": "stars",
    "ratings.withdraw_concern": "stars",
    "ratings.school_records": "stars",
    "files.signed": File,
    "care.shared": Referral,
    "care.open_shared": Referral,
    "answers.questionnaire": SurveyHousehold,
    "answers.with_pass": SurveyHousehold,
}
"""What the address of an endpoint names, where it is not a row of its permission's model."""

MODELS: dict[str, type] = {"course.read": Course, "stars": School}

IN_QUERY: dict[str, tuple[str, Any]] = {
    "staffing.hand_over_class": ("class", SchoolClass),
    "schools.my_class": ("class", SchoolClass),
    "visits.new": ("pupil", Pupil),
    "visits.new_invitation": ("pupil", Pupil),
    "visits.package": ("pupil", Pupil),
    "visits.new_harm": ("pupil", Pupil),
    "visits.new_home_teaching": ("pupil", Pupil),
}
"""Endpoints that take their row from the query string."""

IN_FORM: dict[str, tuple[str, Any]] = {
    "visits.create": ("pupil", Pupil),
    "visits.send_invitation": ("pupil", Pupil),
    "visits.report_harm": ("pupil", Pupil),
    "visits.start_home_teaching": ("pupil", Pupil),
}
"""Endpoints that take their row from the form."""

LESSONS = ("visits.confirm_home_lesson", "visits.remove_home_lesson")
ITEMS = {"ratings.assessment_item": "A1", "ratings.sheet_item": "A1", "ratings.records": "E4"}


def _lesson_position(row: Course) -> int:
    found = db.session.scalar(select(Lesson.position).where(Lesson.course_id == row.id).limit(1))
    return found or 1


def _veto(row: Any) -> str:
    found = db.session.scalar(select(VetoEvent.public_id).where(VetoEvent.entry_id == row.id).limit(1))
    return found or ABSENT


MORE_ARGUMENTS: dict[str, Callable[[str, Any], Any]] = {
    "public_id": lambda _endpoint, row: row.public_id,
    "term_id": lambda _endpoint, row: row.id,
    "session_id": lambda _endpoint, row: row.id,
    "position": lambda _endpoint, row: _lesson_position(row),
    "item_id": lambda endpoint, _row: ITEMS.get(endpoint, "D4"),
    "veto_id": lambda _endpoint, row: _veto(row),
    "struck": lambda _endpoint, _row: "V1",
    "token": lambda _endpoint, _row: ABSENT,
}


NO_ROW = {
    "ratings.metric": {"name": "visit_coverage"},
    "answers.questionnaire": {"token": "7K4QM2TX90ABCDEF"},
    "answers.with_pass": {"public_id": ABSENT},
}
"""Addresses whose arguments name no record: a case of each stands for all."""


def _own_household(who: Standing, _row: Any) -> dict[str, str]:
    """The household of the guardian; of a neighbour for others."""
    wanted = select(Household.public_id)
    own = db.session.scalar(wanted.where(Household.id.in_(who.households)).limit(1))
    return {"household": own or ""}


def _seated_household(who: Standing, row: CourseSession) -> dict[str, str]:
    wanted = select(Household.public_id).join(Seat, Seat.household_id == Household.id)
    found = db.session.scalar(wanted.where(Seat.session_id == row.id, Seat.household_id.in_(who.households)))
    return {"household": found} if found else _own_household(who, row)


def _household_of_school(who: Standing, _row: Any) -> dict[str, str]:
    wanted = (
        select(Household.public_id)
        .join(Guardianship, Guardianship.household_id == Household.id)
        .join(Enrolment, Enrolment.pupil_id == Guardianship.pupil_id)
        .where(
            Enrolment.school_id.in_(who.place.schools),
            Enrolment.ended_on.is_(None),
            Guardianship.ended_on.is_(None),
        )
    )
    return {"household": db.session.scalar(wanted.order_by(Household.id.desc()).limit(1)) or ""}


def _lesson_of(_who: Standing, row: Any) -> dict[str, str]:
    """A lesson of a log of teaching at home."""
    found = db.session.scalar(select(HomeLesson.public_id).where(HomeLesson.log_id == row.id).limit(1))
    return {"lesson": found or ""}


FORMS: dict[str, Callable[[Standing, Any], dict[str, str]]] = {
    "courses.take_seat": _own_household,
    "courses.give_back": _seated_household,
    "courses.acknowledge": _seated_household,
    "courses.add_walk_in": _household_of_school,
    **dict.fromkeys(LESSONS, _lesson_of),
    "visits.answer_correction": lambda _who, _row: {"answer": "已改正。"},
    "visits.print_home_teaching": lambda _who, _row: {"reason": "报教育局备案"},
}
"""What must stand in the form besides, lest an empty form be answered as if the row were out of reach."""


WITH = {
    "roster.changes": {"table": "pupil", "action": "add"},
    "staffing.setting": {"name": "modules.courses"},
    "staffing.change_setting": {"name": "modules.courses"},
}
"""What an address asks for besides, without which it is nobody's page."""


@dataclass(frozen=True)
class Cell:
    """One knock: who, where, how, and what the row is to them."""

    player: Player
    endpoint: str
    method: str
    relation: str
    path: str
    form: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.player.actor} {self.method} {self.path} ({self.endpoint}, {self.relation})"


def rules(app: Flask) -> list[tuple[Rule, str]]:
    """Every address and method the app declares."""
    return [
        (rule, method)
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def access_of(app: Flask, endpoint: str) -> Any:
    return app.view_functions[endpoint].access  # type: ignore[attr-defined]


def key_of(app: Flask, endpoint: str) -> Any:
    """Which register of belonging an endpoint's rows have: of the permission, or of its model."""
    if endpoint in KEYS:
        return KEYS[endpoint]
    access = access_of(app, endpoint)
    if not isinstance(access, Permission):
        return None
    return access.name if access.name in BELONGS else access.model


def model_of(app: Flask, endpoint: str) -> Any:
    key = key_of(app, endpoint)
    if isinstance(key, str):
        access = access_of(app, endpoint)
        return access.model if isinstance(access, Permission) else MODELS[key]
    return key


@dataclass
class Crowd:
    """The rows of the crowded town and the tokens of its players, kept for a whole run."""

    file: Path
    tokens: dict[str, str]
    standings: dict[str, Standing] = field(default_factory=dict)
    rows: dict[Any, list[Any]] = field(default_factory=dict)
    belongings: dict[Any, dict[int, Any]] = field(default_factory=dict)
    relations: dict[tuple[str, Any, Any], dict[str, list[Any]]] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> "Crowd":
        """The crowd that ``build_crowd`` left in a folder."""
        return cls(folder / "crowd.db", json.loads((folder / "tokens.json").read_text()))

    def rows_of(self, model: Any) -> list[Any]:
        if model not in self.rows:
            self.rows[model] = list(db.session.scalars(select(model)).all())
            for row in self.rows[model]:
                db.session.refresh(row)
                db.session.expunge(row)
        return self.rows[model]

    def standing(self, player: Player) -> Standing:
        if player.actor not in self.standings:
            self.standings[player.actor] = standing(player)
        return self.standings[player.actor]

    def related(self, player: Player, key: Any, model: Any) -> dict[str, list[Any]]:
        """The rows of a model by what they are to a player."""
        if (player.actor, key, model) not in self.relations:
            kept = self.belongings.setdefault(key, {})
            found: dict[str, list[Any]] = {}
            for row in self.rows_of(model):
                if row.id not in kept:
                    kept[row.id] = BELONGS[key](row)
                found.setdefault(relation(self.standing(player), kept[row.id]), []).append(row)
            self.relations[player.actor, key, model] = found
        return self.relations[player.actor, key, model]


def build_crowd(app: Flask, home: Path, folder: Path) -> None:
    """Fill the town that the portal at ``home`` holds now, sign every player in; database, tokens, files go to a folder."""
    populate()
    edges.populate()
    tokens = signed_in(app, (*PLAYERS, *STAND_INS))
    tomorrow = clock.now() + timedelta(days=1)
    db.session.execute(update(AuthSession).values(proved_at=tomorrow, last_seen_at=tomorrow))
    db.session.commit()
    db.session.remove()
    db.engine.dispose()
    checkpoint(str(home / "portal.db"))
    shutil.copyfile(home / "portal.db", folder / "crowd.db")
    shutil.copytree(home / "files", folder / "files")
    (folder / "tokens.json").write_text(json.dumps(tokens))


def signed_in(app: Flask, players: Iterable[Player]) -> dict[str, str]:
    """The token of each player's session, by actor."""
    tokens = {}
    for player in players:
        client = app.test_client()
        assert isinstance(client, PortalClient)
        if player.name is not None:
            client.sign_in(player.name, player.role)
            with client.session_transaction() as session:
                tokens[player.actor] = session["_user_id"]
    return tokens


READ_LEAVES = frozenset({"trail_entry", "trail_head"})
"""The tables in which reading a sensitive record leaves its entry; a GET touches no other."""


def changed_tables(database: Path, original: Path) -> set[str]:
    """The tables whose rows differ, in number or content, between two SQLite files."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        connection.execute("ATTACH ? AS original", (f"file:{original}?mode=ro",))
        named = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        tables = [name for (name,) in connection.execute(named)]
        return {table for table in tables if _differs(connection, table)}
    finally:
        connection.close()


def _differs(connection: sqlite3.Connection, table: str) -> bool:
    one, other = f'SELECT * FROM main."{table}"', f'SELECT * FROM original."{table}"'
    there = f"SELECT EXISTS({one} EXCEPT {other}) OR EXISTS({other} EXCEPT {one})"
    count = f'SELECT (SELECT count(*) FROM main."{table}") <> (SELECT count(*) FROM original."{table}")'
    return any(connection.execute(query).fetchone()[0] for query in (count, there))


class Knocker:
    """Sends requests as one player against a database that is put back after every change."""

    def __init__(self, app: Flask, home: Path, crowd: Crowd, player: Player) -> None:
        self.app, self.home, self.crowd, self.player = app, home, crowd, player
        self.restores = 0
        self.restore()
        self.client = app.test_client()
        if player.name is not None:
            with self.client.session_transaction() as session:
                session["_user_id"] = crowd.tokens[player.actor]
        page = "/account/" if player.name else "/account/sign-in"
        found = TOKEN.search(self.client.get(page).get_data(as_text=True))
        assert found, f"no token on {page} for {player.actor}"
        self.token = found[1]
        cookie = self.client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        self.cookie = cookie.value

    def restore(self) -> None:
        """Put the crowded town back."""
        put_back(self.home, self.crowd.file)
        self.restores += 1

    def written(self) -> int:
        """How much has been committed since the last restore."""
        log = self.home / "portal.db-wal"
        return log.stat().st_size if log.exists() else 0

    def knock(self, cell: Cell, **more: Any) -> tuple[int, bool]:
        """The status of a cell, and whether anything was written, entries of the trail aside when something was read.

        What was written is put back.
        """
        response, changed = self.send(cell.method, cell.path, dict(cell.form), **more)
        return response.status_code, changed

    def send(self, method: str, path: str, form: dict[str, str], **more: Any) -> tuple[Any, bool]:
        db.session.remove()
        before = self.written()
        named: dict[str, Any] = dict(more)
        if method != "GET":
            named.setdefault("data", {"csrf_token": self.token, "once": secrets.token_hex(16), **form})
        response = Context().run(FlaskClient.open, self.client, path, method=method, **named)
        response.get_data()
        db.session.remove()
        changed = self.written() != before
        if changed and method == "GET":
            changed = bool(changed_tables(self.home / "portal.db", self.crowd.file) - READ_LEAVES)
        if changed:
            self.restore()
        if changed or "Set-Cookie" in response.headers:
            self.client.set_cookie(self.app.config["SESSION_COOKIE_NAME"], self.cookie)
        return response, changed


def cells(
    app: Flask,
    crowd: Crowd,
    player: Player,
    endpoints: Iterable[str] | None = None,
    rows: int = ROWS_PER_RELATION,
) -> Iterator[Cell]:
    """Every cell of a player, for all endpoints or some, with so many rows of each relation."""
    wanted = set(endpoints) if endpoints is not None else None
    for rule, method in rules(app):
        if wanted is None or rule.endpoint in wanted:
            yield from _cells_of(app, crowd, player, rule, method, rows)


def _cells_of(
    app: Flask, crowd: Crowd, player: Player, rule: Rule, method: str, count: int
) -> Iterator[Cell]:
    endpoint = rule.endpoint
    outside = IN_QUERY.get(endpoint) or IN_FORM.get(endpoint)
    if (not rule.arguments and outside is None) or endpoint in NO_ROW:
        yield Cell(player, endpoint, method, "any", _address(app, rule, NO_ROW.get(endpoint, {})))
        return
    name, key = outside or ("", key_of(app, endpoint))
    if endpoint == "schools.my_class":
        yield Cell(player, endpoint, method, "any", _address(app, rule, {}))
    related = crowd.related(player, key, outside[1] if outside else model_of(app, endpoint))
    for word, rows in sorted(related.items()):
        for row in _some(rows, count):
            yield _cell(app, crowd, player, rule, method, word, row, name)
    yield _absent(app, player, rule, method, name)


def _some(rows: list[Any], count: int) -> list[Any]:
    """So many of the rows, half of them the first, the others the last: what stands for one case only came last."""
    first = count // 2
    return rows if len(rows) <= count else [*rows[:first], *rows[first - count :]]


def _cell(
    app: Flask, crowd: Crowd, player: Player, rule: Rule, method: str, word: str, row: Any, name: str
) -> Cell:
    endpoint = rule.endpoint
    values = {argument: MORE_ARGUMENTS[argument](endpoint, row) for argument in rule.arguments}
    if endpoint in IN_QUERY:
        values[name] = row.public_id
    form = FORMS[endpoint](crowd.standing(player), row) if endpoint in FORMS else {}
    if endpoint in IN_FORM:
        form[name] = row.public_id
    return Cell(player, endpoint, method, word, _address(app, rule, values), tuple(form.items()))


def _absent(app: Flask, player: Player, rule: Rule, method: str, name: str) -> Cell:
    values: dict[str, Any] = dict.fromkeys(rule.arguments, ABSENT)
    for argument in rule.arguments & {"term_id", "session_id", "position"}:
        values[argument] = 987_654_321
    form = {}
    if rule.endpoint in IN_QUERY:
        values[name] = ABSENT
    elif rule.endpoint in IN_FORM:
        form = {name: ABSENT}
    return Cell(player, rule.endpoint, method, "absent", _address(app, rule, values), tuple(form.items()))


def _address(app: Flask, rule: Rule, values: dict[str, Any]) -> str:
    adapter = app.url_map.bind("localhost")
    values = {**values, **WITH.get(rule.endpoint, {})}
    return adapter.build(rule.endpoint, values, method=next(iter(rule.methods or {"GET"})))
