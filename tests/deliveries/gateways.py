"""A text message gateway and a mail server that really listen, count what they take, and can be made to misbehave."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller


class SmsServer(ThreadingHTTPServer):
    """Takes JSON at ``/messages``; ``knows_keys``: one Idempotency-Key counts once, as at a good provider."""

    daemon_threads = True

    def __init__(self, *, knows_keys: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.knows_keys = knows_keys
        self.taken: list[dict[str, str]] = []
        self.keys: dict[str, str] = {}
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self.before: Callable[[], int | None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.url = f"http://127.0.0.1:{self.server_port}/messages"

    def take(self, body: dict[str, str]) -> str:
        """Count a message, and answer its number."""
        with self.lock:
            if self.knows_keys and body["key"] in self.keys:
                return self.keys[body["key"]]
            self.taken.append(body)
            number = self.keys[body["key"]] = f"n{len(self.taken)}"
            return number

    def times(self) -> Counter[str]:
        """How often each key was really sent to a phone."""
        with self.lock:
            return Counter(body["key"] for body in self.taken)


class _Handler(BaseHTTPRequestHandler):
    server: SmsServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.headers.append(dict(self.headers))
        status = self.server.before()
        if status is None:
            number = self.server.take(body)
            self.server.after()
            self._answer(202, {"id": number})
        else:
            self._answer(status, {"error": "no"})

    def do_GET(self) -> None:
        key = parse_qs(urlsplit(self.path).query).get("key", [""])[0]
        self._answer(200 if key in self.server.keys else 404, {})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Quiet."""


@contextmanager
def sms_server(**named: Any) -> Iterator[SmsServer]:
    """A gateway on a free port."""
    server = SmsServer(**named)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class Letters:
    """What a mail server took; ``refuse`` is a reply instead of taking it, ``silent`` drops the line after the text."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.refuse = ""
        self.refuse_recipient = ""
        self.silent = False
        self.after: Callable[[], None] = lambda: None

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        self.after()
        if self.silent:
            server.transport.abort()
        return "250 taken"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def mail_server() -> Iterator[tuple[Letters, str]]:
    """A mail server on a free port, and its address."""
    letters = Letters()
    controller = Controller(letters, hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        yield letters, f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()
