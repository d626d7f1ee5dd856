"""A network between a device and the portal that drops, delays, doubles and cuts, and loses replies the portal has sent.

with Flaky(("127.0.0.1", port), seed=1) as network:
    network.address           # http://127.0.0.1:…, the way to the portal through it
    network.bad = True        # from here on requests to paths that match are treated badly
    network.off = True        # from here on nothing gets through
    network.hangs = True      # from here on requests are accepted and never answered, until it is False again
    network.slow = 9          # from here on each answer takes so many seconds
"""

import contextlib
import http.client
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

FAULTS = ("drop", "lose", "double", "delay", "cut", "late")
LONGEST_HANG = 120
HOP = {"connection", "transfer-encoding", "keep-alive"}
LATE_SECONDS = 0.2


class Server(ThreadingHTTPServer):
    """A browser opens many connections at once; a full queue would drop some of them, and slowly."""

    daemon_threads = True
    request_queue_size = 128


class Flaky:
    """The network. ``share``: how often each fault happens; ``only``: the end of the paths it happens to."""

    def __init__(
        self,
        portal: tuple[str, int],
        seed: int = 0,
        share: float = 0.1,
        only: str | tuple[str, ...] = "/drafts",
    ) -> None:
        self.portal = portal
        self.share = share
        self.only = only
        self.bad = False
        self.off = False
        self.hangs = False
        self.slow = 0.0
        self.counts = dict.fromkeys(FAULTS, 0)
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        network = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_words: Any) -> None:
                pass

            def do_GET(self) -> None:
                network.carry(self)

            do_POST = do_GET  # noqa: N815

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Flaky":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault(self, path: str) -> str:
        """What happens to a request; "" for nothing."""
        if not self.bad or not path.endswith(self.only):
            return ""
        with self._lock:
            place = self._random.random()
            chosen = FAULTS[int(place / self.share)] if place < self.share * len(FAULTS) else ""
            if chosen:
                self.counts[chosen] += 1
        return chosen

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        """The portal's answer: status, headers, body."""
        connection = http.client.HTTPConnection(*self.portal, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def carry(self, way: BaseHTTPRequestHandler) -> None:
        """Bring one request to the portal and its answer back, or not."""
        body = way.rfile.read(int(way.headers.get("Content-Length") or 0))
        asked = (way.command, way.path, dict(way.headers.items()), body)
        fault = self.fault(way.path)
        way.close_connection = True
        if self.hangs:
            self._hang()
            return
        time.sleep(self.slow)
        if self.off or fault == "drop":
            return
        if fault == "late":
            # The device is told nothing and asks again; this copy reaches the portal after that.
            threading.Timer(LATE_SECONDS, self._try, asked).start()
            return
        if fault == "delay":
            time.sleep(LATE_SECONDS)
        try:
            if fault == "double":
                self._try(*asked)
            status, headers, content = self.ask(*asked)
        except OSError:
            return
        if fault != "lose":
            with contextlib.suppress(OSError):
                self._answer(way, status, headers, content, cut=fault == "cut")

    def _hang(self) -> None:
        until = time.monotonic() + LONGEST_HANG
        while self.hangs and time.monotonic() < until:
            time.sleep(0.1)

    def _try(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.ask(method, path, headers, body)

    @staticmethod
    def _answer(
        way: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], content: bytes, cut: bool
    ) -> None:
        way.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP | {"content-length"}:
                way.send_header(name, value)
        way.send_header("Content-Length", str(len(content)))
        way.send_header("Connection", "close")
        way.end_headers()
        way.wfile.write(content[: len(content) // 2] if cut else content)
