"""Phones on a bad network and a portal that is killed meanwhile: each operation has its effect exactly once (R5)."""

import http.client
import json
import random
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.extensions import db
from portal.once import OnceKey
from portal.rehearsal.town import PASSWORD
from portal.visits.drafts import DraftClash, VisitDraft
from portal.visits.models import Visit, VisitPart
from tests.support.flaky import Flaky
from tests.support.server import Portal
from tests.visits.inside import inside

FIELDS = {"how": "phone", "met": ["child"], "held_time": "00:00"}
AT_ONCE = 6
PATIENCE = 120


def stands(portal: Portal) -> tuple[list[tuple[str, str]], list[tuple[str, str]], int]:
    """(client id, text) of each part of a visit, of each text kept beside another, and the number of kept answers."""
    with inside(portal):
        keys = {visit.id: visit.client_id for visit in db.session.scalars(select(Visit)).all()}
        drafts = {one.id: one.client_id for one in db.session.scalars(select(VisitDraft)).all()}
        parts = [(keys[one.visit_id], one.hopes) for one in db.session.scalars(select(VisitPart)).all()]
        clashes = [(drafts[one.draft_id], one.value) for one in db.session.scalars(select(DraftClash)).all()]
        return parts, clashes, db.session.scalar(select(func.count()).select_from(OnceKey)) or 0


class Session:
    """王雪 signed in once; all phones send with her cookie, as devices of one person."""

    def __init__(self, portal: Portal, network: Flaky) -> None:
        self.portal, self.network = portal, network
        self.jar: dict[str, str] = {}
        page = self.get("/account/sign-in")
        token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
        sent = urllib.parse.urlencode({"csrf_token": token, "name": "wangxue", "password": PASSWORD}).encode()
        form = {"Cookie": self.cookie, "Content-Type": "application/x-www-form-urlencoded"}
        self.take(self.ask("POST", "/account/sign-in", sent, form)[1])
        self.token = json.loads(self.get("/visits/offline/standing"))["token"]
        self.pupils = [
            one.split('"')[0] for one in self.get("/visits/take-along").split('name="pupil" value="')[1:]
        ]

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    def take(self, headers: list[tuple[str, str]]) -> None:
        for name, value in headers:
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.jar[key] = rest.partition(";")[0]

    def get(self, path: str) -> str:
        _status, headers, answer = self.ask("GET", path, b"", {"Cookie": self.cookie})
        self.take(headers)
        text: str = answer.decode()
        return text

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.network.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def send(self, pupil: str, operation: dict[str, Any]) -> dict[str, Any]:
        """The same again until it is answered, as ``static/js/offline/queue.js`` does."""
        body = json.dumps(operation).encode()
        headers = {
            "Cookie": self.cookie, "Accept": "application/json", "Content-Type": "application/json", "X-CSRFToken": self.token,
        }  # fmt: skip
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                status, _headers, answer = self.ask("POST", f"/visits/pupils/{pupil}/drafts", body, headers)
                told: dict[str, Any] = json.loads(answer)
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)
                continue
            if status < 500:
                assert status in (200, 201) or (status == 409 and told["kept"]), (status, told)
                return told
            time.sleep(0.1)
        raise AssertionError("never answered")


class Phone:
    """Visits of one device, a few changes each; every second phone finds another device's text in one of them."""

    def __init__(self, session: Session, number: int, visits: int, changes: int) -> None:
        self.session, self.key, self.count = session, str(uuid.uuid4()), 0
        self.chance = random.Random(number)
        self.visits = {str(uuid.uuid4()): self.chance.choice(session.pupils) for _visit in range(visits)}
        self.changes = changes
        self.clash = next(iter(self.visits)) if number % 2 else ""
        self.last: dict[str, str] = {}

    def operation(
        self, visit: str, text: str, base: int | None, finish: bool, device: str = ""
    ) -> dict[str, Any]:
        self.count += 1
        told = {**FIELDS, "held_on": clock.today().isoformat()}
        fields = {name: {"value": value, "base": None} for name, value in told.items()}
        fields["hopes"] = {"value": text, "base": base}
        return {
            "format": 1, "op": str(uuid.uuid4()), "visit": visit, "device": device or self.key, "number": self.count,
            "at": clock.now().isoformat(), "finish": finish, "fields": fields,
        }  # fmt: skip

    def work(self) -> int:
        """Send everything; returns how many operations that were."""
        sent = 0
        for change in range(self.changes):
            for visit, pupil in self.visits.items():
                if visit == self.clash and change == 1:
                    self.session.send(pupil, self.operation(visit, "另一台", 0, False, str(uuid.uuid4())))
                self.last[visit] = f"{self.key} 第{change}段"
                operation = self.operation(visit, self.last[visit], change, change == self.changes - 1)
                self.session.send(pupil, operation)
                sent += 1 + (visit == self.clash and change == 1)
        return sent


def kill_now_and_then(portal: Portal, kills: int, over: threading.Event) -> None:
    for _kill in range(kills):
        if over.wait(2):
            return
        portal.kill_worker(random.Random(_kill))


@pytest.mark.parametrize(
    ("phones", "visits", "kills"),
    [
        pytest.param(10, 10, 1, id="500"),
        pytest.param(200, 10, 50, id="10000", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
def test_each_operation_has_its_effect_once(
    town_in: Callable[[Path], Path], tmp_path: Path, phones: int, visits: int, kills: int
) -> None:
    with (
        Portal(town_in(tmp_path / "portal"), settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}) as portal,
        Flaky(("127.0.0.1", portal.port), seed=11) as network,
    ):
        before, beside, keys = stands(portal)
        made = [
            Phone(session, number, visits, 5)
            for session in [Session(portal, network)]
            for number in range(phones)
        ]
        network.bad = True
        over = threading.Event()
        killer = threading.Thread(target=kill_now_and_then, args=(portal, kills, over))
        killer.start()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sent = sum(pool.map(Phone.work, made))
        over.set()
        killer.join()
        after, clashes, kept = stands(portal)

    assert all(network.counts.values()), network.counts
    wanted = {visit: text for phone in made for visit, text in phone.last.items()}
    assert sorted(one for one in after if one not in before) == sorted(
        (visit, text) for visit, text in wanted.items()
    )
    seeded = sorted(phone.clash for phone in made if phone.clash)
    assert sorted(visit for visit, _text in clashes if visit in wanted) == seeded
    assert len(clashes) == len(beside) + len(seeded)
    assert kept - keys == sent
