"""AC-4: a canary in every field of everybody, and every page, file and refusal that each actor can get, searched for them.

What an actor may meet is written below by hand, from the contract: field by field, by what the row is to the actor. A
canary found elsewhere is a leak; a field whose canary nobody meets where somebody should is a check that looks at nothing.
"""

import html
import json
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal import clock
from portal.access import PERMISSIONS, Role, everything
from portal.accounts.models import Person
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.logs import Lines
from portal.opinions.models import Opinion, OpinionAnswer
from portal.privacy import copies, exporting
from portal.privacy.models import ExportRequest
from portal.schools.models import Guardianship
from portal.staffing.models import PupilTransfer
from portal.visits.models import Visit, VisitCompanion
from tests.site.actors import PLAYERS, Player
from tests.site.belonging import Belonging, Standing, holds, relation, standing
from tests.site.canaries import KINDS, SIGN, add_what_is_missing, canaries_in, found_in, plant, unnamed
from tests.site.crawl import walk
from tests.site.matrix import Crowd, cells
from tests.site.test_pages import STARTS

SEARCHES = tuple(f"{page}?q={SIGN}" for page in ("/courses/", "/stars/", "/visits/", "/notices/", "/opinions/", "/schools/class", "/schools/"))  # fmt: skip
FAMILY = "guardian grandparent"
READ = "own limited"
"""What a guardian who sees and confirms only reads as well: without reading nobody could confirm."""
SCHOOL = "principal school_office"
ALONG = "class_teacher subject_teacher"
EVERYBODY = " ".join(player.actor for player in PLAYERS if player.name)

CARERS = {"class_teacher": "own same_class", "subject_teacher": "own", "principal": "own past"}
CARE = {"class_teacher": "own same_class", "principal": "own past"}
# To the district those that were reported to it; that the others are not is in access.csv.
WATCHERS = {**CARE, "district_staff": "same_district"}

# field → who may meet it → as what. "mine": one's own, under whatever hat; "arriving": a transfer to or from one's school;
# "joined": told of a visit that somebody else wrote and on which one went along, while the child is at one's school.
MAY = {
    "pupil.name": {
        EVERYBODY: "mine",
        "class_teacher subject_teacher committee_chair": "own same_class",
        SCHOOL: "own past same_school arriving",
        "district_staff": "same_district",  # with an opinion that was lifted
    },
    "pupil.identity": {"guardian": "own"},  # whole only in a copy of one's data, and by a POST with a reason
    "person.phone": {EVERYBODY: "mine"},
    "person.email": {EVERYBODY: "mine"},
    "delivery.recipient": {EVERYBODY: "mine"},
    "household.reason": {SCHOOL: "own"},
    "guardianship_flag.basis": {SCHOOL: "own"},
    "change_request.old": {EVERYBODY: "mine", "class_teacher": "own same_class", SCHOOL: "own"},
    "change_request.new": {EVERYBODY: "mine", "class_teacher": "own same_class", SCHOOL: "own"},
    "change_request.reason": {EVERYBODY: "mine", "class_teacher": "own same_class", SCHOOL: "own"},
    "restriction.number": {SCHOOL: "own"},
    "restriction.court": {SCHOOL: "own"},
    "joining_request.name": {"class_teacher": "own"},
    "joining_request.phone": {"class_teacher": "own"},
    "joining_request.reason": {"class_teacher": "own"},
    "file.name": {
        "guardian grandparent": "own",
        "class_teacher": "own same_class",
        "committee_chair": "own",
        SCHOOL: "own same_school",
        "district_staff": "own same_district",
    },
    "opinion.text": {EVERYBODY: "mine", SCHOOL: "own", "district_staff": "same_district"},
    "opinion.reopening": {EVERYBODY: "mine", SCHOOL: "own", "district_staff": "same_district"},
    "opinion_answer.text": {FAMILY: READ, SCHOOL: "own", "district_staff": "same_district"},
    "visit_invitation.purpose": {FAMILY: READ, "class_teacher": "own", SCHOOL: "own past"},
    "visit.others_met": {FAMILY: READ, "class_teacher": "own same_class", ALONG: "joined", SCHOOL: "own past"},
    "visit_part.hopes": {FAMILY: READ, "class_teacher": "own same_class", ALONG: "joined", SCHOOL: "own past"},
    "visit_part.note": {FAMILY: READ, "class_teacher": "own same_class", ALONG: "joined", SCHOOL: "own past"},
    "visit_remark.body": {FAMILY: READ, "class_teacher": "own same_class", ALONG: "joined", SCHOOL: "own past"},
    "visit_correction.body": {FAMILY: READ, "class_teacher": "own same_class", ALONG: "joined", SCHOOL: "own past"},
    "visit_correction.answer": {FAMILY: READ, "class_teacher": "own same_class", ALONG: "joined", SCHOOL: "own past"},
    "follow_up.what": {FAMILY: READ, "class_teacher": "own", ALONG: "joined", SCHOOL: "own past"},
    "follow_up.done_line": {FAMILY: READ, "class_teacher": "own", ALONG: "joined", SCHOOL: "own past"},
    "sealed_note.body": {},  # by no address: a POST with a reason opens it, for who is named
    "reader_question.words": {EVERYBODY: "mine", SCHOOL: "own"},
    "legal_hold.reason": {SCHOOL: "own past"},
    "erasure_request.words": {EVERYBODY: "mine", SCHOOL: "own"},
    "erasure_request.reply": {EVERYBODY: "mine", SCHOOL: "own"},
    "export_request.purpose": {EVERYBODY: "mine", "principal": "own", "district_staff": "own same_district"},
    "audit_line.text": {"district_staff": "own"},
    "recovery.reason": {
        "class_teacher": "own",
        SCHOOL: "own",
        "district_staff": "same_district",
    },
    "harm_entry.body": {},  # by no address: a POST with a reason opens it, for who is named
    "care_plan.aims": CARERS,
    "care_plan.closing": CARERS,
    "care_measure.what": {FAMILY: "own limited", **CARERS},  # a helper sees, and says nothing done
    "care_measure.done_line": {FAMILY: "own", **CARERS},
    "care_review.text": CARERS,
    "left_behind.carer": CARE,
    "left_behind.whereabouts": CARE,
    "left_behind.agreed": CARE,
    "care_contact.with_whom": CARE,
    "care_contact.line": CARE,
    "dropout_watch.closing": WATCHERS,
    "dropout_absence.reason": WATCHERS,
    "dropout_step.with_whom": WATCHERS,
    "dropout_step.line": WATCHERS,
    "care_referral.recipient": CARE,
    "care_referral.reason": CARE,
}  # fmt: skip
ELSEWHERE = (
    # Who runs a session sees who comes, from whatever school of the audience.
    ("principal school_office lecturer", "pupil.name", "/courses/sessions/"),
    # A child that left and an opinion about it that was lifted.
    ("district_staff", "pupil.name", "/opinions/"),
    # The crowd hangs slips of children of every place on one sheet; printing takes those of the class.
    ("class_teacher", "pupil.name", "/join/sheets/"),
)
"""Actors, field and page on which another's is no leak, and why."""
AUTHORS = ("person_id", "author_id", "asked_by_id")
MET = {
    "pupil.name", "person.phone", "person.email", "change_request.new", "restriction.number", "joining_request.name", "file.name", "opinion.text",
    "opinion_answer.text", "visit_invitation.purpose", "visit.others_met", "visit_part.hopes", "visit_part.note", "visit_remark.body",
    "visit_correction.body", "follow_up.what", "care_plan.aims", "care_measure.what", "left_behind.carer", "care_contact.line",
    "dropout_absence.reason", "dropout_step.line", "care_referral.recipient",
    "erasure_request.words", "erasure_request.reply", "legal_hold.reason", "recovery.reason",
}  # fmt: skip
"""Fields that somebody must meet, or the crawl looks at nothing."""


ADDRESS = re.compile(r'(?:href|src|action|formaction|data-[a-z-]+)="([^"]*)"')


def in_addresses(page: str) -> set[tuple[int, int]]:
    """Canaries in the addresses a page would have the browser ask for."""
    return found_in(" ".join(unquote(html.unescape(address)) for address in ADDRESS.findall(page)))


class Eyes:
    """A client that keeps everything it was given, and forgets what the address itself said."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.requests = 0
        self.met: dict[tuple[int, int], str] = {}
        self.in_addresses: dict[tuple[int, int], str] = {}

    def get(self, path: str, **named: Any) -> Any:
        response = self.client.get(path, **named)
        self.requests += 1
        headers = " ".join(value for _name, value in response.headers)
        for found in canaries_in([response.get_data(), headers.encode()]) - found_in(unquote(path)):
            self.met.setdefault(found, path)
        if response.mimetype == "text/html":
            self.in_addresses |= dict.fromkeys(in_addresses(response.get_data(as_text=True)), path)
        return response


def visit_of(row: Any) -> int:
    """The visit that a row is or tells of; 0 for none."""
    return int((row.id if isinstance(row, Visit) else row.visit_id) or 0)


def companions_by_visit() -> dict[int, set[int]]:
    """Who went along on each visit that somebody else wrote."""
    found: dict[int, set[int]] = {}
    for one, author_id in db.session.execute(
        select(VisitCompanion, Visit.author_id).join(Visit, Visit.id == VisitCompanion.visit_id)
    ):
        if one.person_id not in (None, author_id):
            found.setdefault(one.visit_id, set()).add(one.person_id)
    return found


class Town:
    """The crowded town with its canaries, and what each is to each player."""

    def __init__(self, app: Flask, crowd: Crowd) -> None:
        self.app, self.crowd = app, crowd
        self.standings = {player.actor: crowd.standing(player) for player in PLAYERS}
        add_what_is_missing()
        self.planted = plant()
        self.authors = {
            (number, row.id): {getattr(row, name, None) for name in AUTHORS} | ({row.id} if kind.model.__tablename__ == "person" else set())
            for number, kind in enumerate(KINDS)
            for row in db.session.scalars(select(kind.model)).all()
        }  # fmt: skip
        self.companions = companions_by_visit()
        self.visits = {
            (number, row.id): visit_of(row)
            for number, kind in enumerate(KINDS)
            if kind.model is Visit or hasattr(kind.model, "visit_id")
            for row in db.session.scalars(select(kind.model)).all()
        }
        ties = db.session.scalars(select(Guardianship)).all()
        self.children: dict[int, set[int]] = {}
        for tie in filter(holds, ties):
            self.children.setdefault(tie.person_id, set()).add(tie.pupil_id)
        self.moving = [
            (one.pupil_id, {one.from_school_id, one.to_school_id})
            for one in db.session.scalars(select(PupilTransfer)).all()
        ]

    def eyes(self, player: Player) -> Eyes:
        client = self.app.test_client()
        if player.name is not None:
            with client.session_transaction() as session:
                session["_user_id"] = self.crowd.tokens[player.actor]
        return Eyes(client)

    def words(self, player: Player, canary: tuple[int, int]) -> set[str]:
        """What a canary's row is to a player."""
        who, what = self.standings[player.actor], self.planted[canary]
        words = {relation(who, what).partition(":")[0]}
        if who.person_id and who.person_id in self.authors[canary]:
            words.add("mine")
        along = self.companions.get(self.visits.get(canary, 0), set())
        if who.person_id in along and who.place.schools & what.place.schools:
            words.add("joined")
        if str(KINDS[canary[0]]) == "pupil.name":
            words |= self._of_child(who, what)
        return words

    def _of_child(self, who: Standing, what: Belonging) -> set[str]:
        mine = (
            what.children & self.children.get(who.person_id, set())
            and who.player.actor != "restricted_guardian"
        )
        arriving = any(
            child in what.children and who.place.schools & schools for child, schools in self.moving
        )
        return ({"mine"} if mine else set()) | ({"arriving"} if arriving else set())

    def is_of_family(self, player: Player, canary: tuple[int, int]) -> bool:
        """Whether it may be met by this person as a parent, or was written by them: a copy asks for no hat."""
        parent = standing(replace(player, role=Role.GUARDIAN))
        word = relation(parent, self.planted[canary]).partition(":")[0]
        written = "mine" in self.words(player, canary)
        return written or word in may("guardian", str(KINDS[canary[0]]))

    def leaks(self, player: Player, met: Iterable[tuple[int, int]]) -> list[str]:
        return [
            f"{player.actor} met {KINDS[canary[0]]} of row {canary[1]}, which is {sorted(words)} to them"
            for canary in met
            if canary in self.planted
            for words in [self.words(player, canary)]
            if not words & may(player.actor, str(KINDS[canary[0]]))
        ]


def may(actor: str, field: str) -> set[str]:
    """As what an actor may meet a field."""
    return {word for actors, words in MAY[field].items() if actor in actors.split() for word in words.split()}


def is_known(player: Player, canary: tuple[int, int], path: str) -> bool:
    """Whether a page shows it to the actor for a reason that is written down."""
    field = str(KINDS[canary[0]])
    return any(
        player.actor in actors.split() and field == known and path.startswith(page)
        for actors, known, page in ELSEWHERE
    )


@pytest.fixture
def town(app: Flask, crowd: Crowd) -> Town:
    return Town(app, crowd)


def look(town: Town, player: Player, *, everywhere: bool) -> Eyes:
    """Every page by links; with ``everywhere`` every address of every row as well, and more pages of each kind."""
    eyes = town.eyes(player)
    standing = town.standings.get(player.actor)
    answered = select(Opinion.public_id).join(OpinionAnswer, OpinionAnswer.opinion_id == Opinion.id)
    own = answered.where(Opinion.author_id == (standing.person_id if standing else None)).limit(1)
    starts = (*STARTS, *SEARCHES, *(f"/opinions/{one}" for one in db.session.scalars(own)))
    for _answer in walk(town.app, eyes, "zh-Hans", starts, same_page=40 if everywhere else 1):  # type: ignore[arg-type]
        pass
    if everywhere:
        for cell in cells(town.app, town.crowd, player, rows=3):
            if cell.method == "GET":
                eyes.get(cell.path)
                eyes.get(cell.path, headers={"Accept": "application/json"})
    return eyes


@pytest.fixture
def log() -> Iterator[list[str]]:
    kept: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(self.format(record))

    handler = Keeping()
    handler.setFormatter(Lines())
    logging.getLogger().addHandler(handler)
    yield kept
    logging.getLogger().removeHandler(handler)


def crawl(town: Town, log: list[str], record: Any, *, everywhere: bool) -> None:
    leaks, fields, requests = [], set(), 0
    for player in PLAYERS:
        eyes = look(town, player, everywhere=everywhere)
        requests += eyes.requests
        leaks += [f"{KINDS[number]} of row {row} in an address on {path}" for (number, row), path in eyes.in_addresses.items()]  # fmt: skip
        leaks += [
            f"{line} at {path}"
            for canary, path in eyes.met.items()
            for line in town.leaks(player, [canary])
            if not is_known(player, canary, path)
        ]
        fields |= {str(KINDS[number]) for number, _row in eyes.met}
    record("requests", requests)
    record("canaries", len(town.planted))

    assert leaks == []
    assert fields >= MET, MET - fields
    assert found_in("\n".join(log)) == set()
    messages = [
        json.dumps(one.values, ensure_ascii=False) for one in db.session.scalars(select(Delivery)).all()
    ]
    assert found_in("\n".join(messages)) == set()


def test_every_sealed_field_has_a_canary_or_a_reason():
    assert unnamed() == set()
    assert {str(kind) for kind in KINDS} == set(MAY)


@pytest.mark.timeout(300)
def test_nobody_meets_what_is_not_for_them(town, log, record_property):
    crawl(town, log, record_property, everywhere=False)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_nobody_meets_what_is_not_for_them_at_any_address(town, log, record_property):
    crawl(town, log, record_property, everywhere=True)


def test_files_made_for_people_hold_nothing_of_others(town):
    """Copies of one's own data, the list of pupils, the yearly report, the log as a workbook."""
    now, leaks, fields = clock.now(), [], set()
    for player in PLAYERS:
        if player.name is None:
            continue
        person = db.session.scalars(select(Person).where(Person.name == player.name)).one()
        met = canaries_in([copies.zipped(person, now)])
        leaks += town.leaks(player, [one for one in met if not town.is_of_family(player, one)])
        fields |= {str(KINDS[number]) for number, _row in met}
    office = next(player for player in PLAYERS if player.actor == "school_office")
    staff = next(player for player in PLAYERS if player.actor == "district_staff")
    school_id, district_id = min(town.standings["school_office"].place.schools), max(town.standings["district_staff"].place.districts)  # fmt: skip
    files = {}
    for kind, player in (("pupils", office), ("audit_pack", staff)):
        request = ExportRequest(
            kind=kind,
            district_id=district_id,
            school_id=school_id if player is office else None,
            asked_by_id=town.standings[player.actor].person_id,
            year=clock.today().year - 1,
        )
        request.purpose = "核对"
        exporting.ask(request, now)
        request.approved_by_id = None if not request.needs_second else town.standings["principal"].person_id
        files[kind] = exporting.made(request).data
    pupils, pack = files["pupils"], files["audit_pack"]
    for player, body in ((office, pupils), (staff, pack)):
        leaks += town.leaks(player, canaries_in([body]))

    assert leaks == []
    assert {"pupil.name", "opinion.text", "visit_part.hopes", "person.phone"} <= fields
    assert canaries_in([pupils]) != set()
    assert canaries_in([pack]) == set()


def test_a_scope_that_is_too_wide_is_found_by_the_crawl(town, monkeypatch):
    """The control through the front door: a school office that reads every opinion, a teacher who reads every visit."""
    for name, role, field in (
        ("opinion.read", Role.SCHOOL_OFFICE, "opinion.text"),
        ("visit.read", Role.CLASS_TEACHER, "visit_part.hopes"),
    ):
        player = next(player for player in PLAYERS if player.actor == role)
        monkeypatch.setitem(PERMISSIONS[name].grants, role, everything)
        eyes = town.eyes(player)
        found = False
        for cell in cells(town.app, town.crowd, player, ["opinions.show", "visits.show"]):
            eyes.get(cell.path)
            found = any(f"met {field} " in line for line in town.leaks(player, eyes.met))
            if found:
                break
        assert found, name


def test_a_page_that_shows_too_much_would_be_found(town):
    """The control: the opinion of another family, the visit of another class, the phone of anybody, as page, JSON, table, PDF."""
    foreign = {
        str(KINDS[number]): (number, row)
        for (number, row), _whose in town.planted.items()
        if "other_district" in town.words(PLAYERS[1], (number, row))
    }

    assert {"pupil.name", "opinion.text", "visit_part.note", "restriction.court"} <= set(foreign)
    for number, row in foreign.values():
        text = KINDS[number].canary(number, row)
        for body in (
            f"<p>{text}</p>",
            json.dumps({"a": text}),
            json.dumps({"a": text}, ensure_ascii=False),
            f"{text},1\r\n",
        ):
            met = canaries_in([body.encode()])
            assert met == {(number, row)}
            assert len(town.leaks(PLAYERS[1], met)) == 1


def test_a_canary_in_an_address_would_be_seen(town):
    (number, row), *_rest = town.planted
    text = KINDS[number].canary(number, row)

    assert in_addresses(f'<a href="/visits/?q={quote(text)}">x</a>') == {(number, row)}
    assert in_addresses(f"<p>{text}</p>") == set()


def test_the_stolen_file_of_the_whole_crowd_shows_no_sealed_canary(town, home):
    """Every kind of record there is, with a canary in each sealed field: the database file shows those of clear names only."""
    db.session.remove()
    db.engine.dispose()
    data = b"".join(path.read_bytes() for path in home.glob("portal.db*"))
    clear = {str(KINDS[number]) for number, _row in found_in(data.decode("utf-8", "ignore"))}
    wide = {str(KINDS[number]) for number, _row in found_in(data.decode("utf-16-le", "ignore"))}

    assert clear == {"pupil.name", "joining_request.name", "file.name"}
    assert wide == set()
    assert len({number for number, _row in town.planted}) > 30
