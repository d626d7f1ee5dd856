"""kill -9 under load: numbered writes with an idempotency key, repeated until acknowledged, then compared with what is stored.

    outcome = rehearse(portal, sign_in, write, rounds=20, random=Random(1))
    assert outcome.lost(stored) == [] and outcome.doubled(stored) == []

The concrete write is one function; everything else is the same for any of the portal's forms.
"""

import http.client
import http.cookiejar
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.support.server import Portal

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
SECONDS_TO_WAIT = 10
PAUSE_BEFORE_RETRY = 0.05
NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, OSError)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class Visitor:
    """A browser without pages: cookies, the token of forms, answers as (status, location, text)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.token = ""
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect(), cookies)

    def get(self, path: str) -> tuple[int, str, str]:
        """Fetch a page and keep the token of its forms."""
        answer = self._send(path, None)
        found = TOKEN.search(answer[2])
        self.token = found[1] if found else self.token
        return answer

    def post(self, path: str, **values: str) -> tuple[int, str, str]:
        """Send a form."""
        return self._send(path, urllib.parse.urlencode({"csrf_token": self.token, **values}).encode())

    def _send(self, path: str, body: bytes | None) -> tuple[int, str, str]:
        try:
            answer = self._opener.open(self.address + path, body, SECONDS_TO_WAIT)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers.get("Location", ""), answer.read().decode("utf-8", "replace")

    def sign_in(self, name: str, password: str) -> None:
        """Sign in as a person does and keep a token that belongs to the new session."""
        self.get("/account/sign-in")
        status, _, text = self.post("/account/sign-in", name=name, password=password)
        assert status == 303, text
        assert self.get("/account/")[0] == 200


SignIn = Callable[[], Visitor]
Write = Callable[[Visitor, str, str], bool]


@dataclass
class Outcome:
    """What the writers saw: numbers acknowledged, how often each was sent, seconds until the portal answered again."""

    acknowledged: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    ready: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def repeated(self) -> int:
        """Numbers that had to be sent more than once."""
        return sum(count > 1 for count in self.sent.values())

    def lost(self, stored: Sequence[str]) -> list[str]:
        """Acknowledged and not stored."""
        return sorted(set(self.acknowledged) - set(stored))

    def doubled(self, stored: Sequence[str]) -> list[str]:
        """Stored more than once."""
        return sorted(number for number, count in Counter(stored).items() if count > 1)

    def unasked(self, stored: Sequence[str]) -> list[str]:
        """Stored and never sent."""
        return sorted(set(stored) - set(self.sent))


class Writer(threading.Thread):
    """Sends one number after another; each with one key, again and again until it is acknowledged."""

    def __init__(self, name: str, sign_in: SignIn, write: Write, outcome: Outcome) -> None:
        super().__init__(name=name, daemon=True)
        self.visitor = sign_in()
        self.write = write
        self.outcome = outcome
        self.told_to_stop = threading.Event()

    def run(self) -> None:
        run, count = uuid.uuid4().hex[:8], 0
        while not self.told_to_stop.is_set():
            count += 1
            self._until_acknowledged(f"{self.name}-{run}-{count:06d}")

    def _until_acknowledged(self, number: str) -> None:
        key = uuid.uuid4().hex
        give_up = time.monotonic() + 120
        while time.monotonic() < give_up:
            self.outcome.sent[number] += 1
            try:
                if self.write(self.visitor, number, key):
                    self.outcome.acknowledged.append(number)
                    return
            except NETWORK_ERRORS:
                pass
            time.sleep(PAUSE_BEFORE_RETRY)
        self.outcome.refused.append(number)
        self.told_to_stop.set()


def rehearse(
    portal: Portal,
    sign_in: SignIn,
    write: Write,
    rounds: int,
    random: Random,
    writers: int = 4,
    all_every: int = 4,
) -> Outcome:
    """Kill under load, `rounds` times: a random worker, and every `all_every`th time everything at once.

    Between kills each round waits for new acknowledgements, so that every kill meets writes in flight.
    Afterwards the writers finish the number they are at; the portal is left running.
    """
    outcome = Outcome()
    threads = [Writer(f"w{number}", sign_in, write, outcome) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(rounds):
            _wait_for_more(outcome, len(outcome.acknowledged) + 2 * writers)
            time.sleep(random.uniform(0, 0.1))
            if turn % all_every == all_every - 1:
                portal.kill_all()
                outcome.ready.append(portal.start())
            else:
                portal.kill_worker(random)
        _wait_for_more(outcome, len(outcome.acknowledged) + 2 * writers)
    finally:
        for thread in threads:
            thread.told_to_stop.set()
        for thread in threads:
            thread.join(130)
    return outcome


def _wait_for_more(outcome: Outcome, count: int) -> None:
    end = time.monotonic() + 60
    while len(outcome.acknowledged) < count:
        assert time.monotonic() < end, f"no write was acknowledged for a minute: {outcome.refused}"
        time.sleep(0.02)
