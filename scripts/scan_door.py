"""What stands between a scanner and the portal: it signs in, keeps sessions and forms fresh, and counts what comes back.

A scanner knows nothing of our tokens: each form carries one that belongs to the session, and a key that makes a repeated
form happen once. With both kept fresh on the way, every value it tries reaches the view it is meant for. A token the
scanner made up is passed on as it is, so that it can still find out whether one is needed.
"""

import contextlib
import html
import http.client
import re
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

SIGN_IN = "/account/sign-in"
TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')
ONCE = re.compile(rb'name="once"[^>]*value="([0-9a-f]{32})"')
SENT_ONCE = re.compile(rb"(?<=once=)[0-9a-f]{32}|(?<=name=\"once\"\r\n\r\n)[0-9a-f]{32}")
SECONDS_TO_ANSWER = 60
FRESH_FOR = 8 * 60.0
"""A session is begun anew after so long, so that its proof of identity stays fresh for what asks for one."""
LEFT_OUT = {
    r"/account/(sign-out|devices/.*|hat)$": "ends or changes the session that scans",
    r"/account/(password|authenticator.*|passkeys.*|recovery-codes)$": "would lock the scanner out",
    r"/account/second-step/leaving$": "ends the session that scans",
}
"""Addresses whose POST is not passed on, and why; each has its own tests."""
DROPPED = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "host",
    "content-length",
    "cookie",
    "accept-encoding",
    "expect",
}


class SignInFailed(Exception):
    """The portal did not let the account in."""


class Door:
    """A small proxy on 127.0.0.1, open as a context; `account` None stands for a visitor."""

    def __init__(
        self, port: int, account: str | None = None, password: str = "", place: str = "198.51.100.1"
    ) -> None:
        self.port, self.account, self.password, self.place = port, account, password, place
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self.cookies: dict[str, str] = {}
        self.issued: set[bytes] = set()
        self.token = b""
        self.signed_in_at = 0.0
        self.kept_out = 0
        self._lock = threading.RLock()
        self._serial = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Door":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def requests(self) -> int:
        """How many requests the portal answered."""
        return sum(self.statuses.values())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                """Read one request of any verb and answer it."""
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, answer = door.pass_on(
                    self.command, self.path, list(self.headers.items()), body
                )
                with contextlib.suppress(OSError):  # a scanner does not always wait
                    self.answer(status, headers, b"" if self.command == "HEAD" else answer)

            def answer(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
                """Write an answer."""
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def pass_on(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """One request of the scanner, as the portal gets it, and the portal's answer: status, headers, body."""
        plain = urllib.parse.urlsplit(path).path
        if method == "POST" and any(re.match(pattern, plain) for pattern in LEFT_OUT):
            self.kept_out += 1
            return 403, [("Content-Type", "text/plain")], b"left out of the scan"
        self._be_signed_in()
        status, found, answer = self._send(method, path, headers, body)
        if self.account and status == 302 and SIGN_IN in dict(found).get("Location", ""):
            self.signed_in_at = 0.0
            self._be_signed_in()
            status, found, answer = self._send(method, path, headers, body)
        if status >= 500:
            self.failures.append(f"{status} {method} {path} {body[:300]!r}")
        own = f"http://127.0.0.1:{self.port}"
        shown = [
            (name, value.replace(own, self.address)) for name, value in found if name.lower() not in DROPPED
        ]
        return status, shown, answer

    def _send(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        # Once each: a scanner that repeats a form writes its Content-Type twice, and the server refuses that.
        named = {name.lower(): value for name, value in headers if name.lower() not in DROPPED}
        if "content-type" in named:
            named["content-type"] = named["content-type"].partition(", ")[0]
        theirs = list(named.items())
        foreign = dict(headers).get("Cookie", "")
        body = self._freshened(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_TO_ANSWER)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in (*theirs, *self._ours(foreign), ("Content-Length", str(len(body)))):
                connection.putheader(name, value.encode("latin-1", "replace"))
            connection.endheaders(body)
            answer = connection.getresponse()
            content, found = answer.read(), answer.getheaders()
            self._learn(found, content)
            self.statuses[answer.status] += 1
            return answer.status, found, content
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.statuses[0] += 1
            return 502, [("Content-Type", "text/plain")], repr(error).encode()
        finally:
            connection.close()

    def _ours(self, foreign: str) -> list[tuple[str, str]]:
        """The headers a proxy and a signed-in browser send; a scanner's own cookies go along under other names."""
        kept = [f"{name}={value}" for name, value in self.cookies.items()]
        tried = [pair for pair in foreign.split("; ") if pair and pair.partition("=")[0] not in self.cookies]
        return [
            ("Host", f"127.0.0.1:{self.port}"),
            ("Cookie", "; ".join(kept + tried)),
            ("X-Forwarded-For", self.place),
            ("X-Forwarded-Proto", "https"),
            ("Connection", "close"),
        ]

    def _learn(self, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        with self._lock:
            for name, value in headers:
                if name.lower() == "set-cookie":
                    self._keep_cookie(value)
            self.issued.update(html.unescape(found.decode()).encode() for found in TOKEN.findall(content))

    def _keep_cookie(self, header: str) -> None:
        try:
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
        except CookieError:
            return

    def _freshened(self, body: bytes) -> bytes:
        """The body with this session's token for one that was given out before, and with an unused key."""
        for token in [token for token in self.issued if token in body]:
            body = body.replace(token, self.token)
        with self._lock:
            self._serial += 1
            key = f"{self._serial:032x}".encode()
        return SENT_ONCE.sub(key, body)

    def _be_signed_in(self) -> None:
        with self._lock:
            if time.monotonic() - self.signed_in_at < FRESH_FOR:
                return
            self.signed_in_at = time.monotonic()
            self.cookies = {name: value for name, value in self.cookies.items() if "device" in name}
            _, _, page = self._send("GET", SIGN_IN, [], b"")
            found = TOKEN.search(page)
            self.token = html.unescape(found[1].decode()).encode() if found else b""
            if self.account:
                self._sign_in(self.account)

    def _sign_in(self, account: str) -> None:
        form = {"csrf_token": self.token.decode(), "name": account, "password": self.password}
        kind = [("Content-Type", "application/x-www-form-urlencoded")]
        status, headers, _ = self._send("POST", SIGN_IN, kind, urllib.parse.urlencode(form).encode())
        place = dict(headers).get("Location", "")
        if status != 303 or "second-step" in place:
            raise SignInFailed(f"{account}: {status} {place}")
        _, _, page = self._send("GET", "/account/", [], b"")
        found = TOKEN.search(page)
        if found is None:
            raise SignInFailed(f"{account}: no form on the account page")
        self.token = html.unescape(found[1].decode()).encode()
