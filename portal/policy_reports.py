"""Where browsers tell what the content policy kept from running: a sign of injected script, or of our own mistake."""

import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException

from portal.access import public
from portal.logs import log_event

PATH = "/content-policy-reports"
LARGEST = 16 * 1024
MOST, WINDOW = 30, 60.0
"""So many reports are logged within so many seconds; the rest is counted as said and forgotten."""

bp = Blueprint("policy_reports", __name__)


class Meter:
    """How many reports the present window has seen, for all threads of a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ends, self.count = 0.0, 0

    def lets_through(self) -> bool:
        """Count one more; whether it is within the limit."""
        with self.lock:
            now = time.monotonic()
            if now >= self.ends:
                self.ends, self.count = now + WINDOW, 0
            self.count += 1
            return self.count <= MOST


meter = Meter()


def _reports(body: Any) -> list[dict[str, Any]]:
    """The violations in what a browser sent: of report-uri, or of the Reporting API."""
    if isinstance(body, dict) and isinstance(body.get("csp-report"), dict):
        return [body["csp-report"]]
    if isinstance(body, list):
        bodies = (one.get("body") for one in body[:5] if isinstance(one, dict))
        return [one for one in bodies if isinstance(one, dict)]
    return []


def _text(report: dict[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := report.get(name), str)), "")


def _origin(address: str) -> str:
    """What was kept out, without its path: a host, or a word such as inline."""
    try:
        parts = urlsplit(address)
        return (f"{parts.scheme}://{parts.hostname}" if parts.hostname else parts.scheme or parts.path)[:100]
    except ValueError:
        return "?"


def _endpoint(address: str) -> str:
    """The kind of page on which it happened; its address may name a person's record."""
    try:
        path = urlsplit(address).path
        return str(current_app.url_map.bind("localhost").match(path, method="GET")[0])
    except (HTTPException, ValueError):
        return "?"


@bp.post(PATH)
@public
def take() -> Response:
    """Log a report: which rule, on which kind of page, what was kept out. No text of the page, no whole address."""
    if request.mimetype not in ("application/csp-report", "application/reports+json", "application/json"):
        abort(400)
    if (request.content_length or 0) > LARGEST:
        abort(413)
    try:
        reports = _reports(json.loads(request.get_data(cache=False)))
    except (ValueError, RecursionError):
        abort(400)
    for report in reports:
        if not meter.lets_through():
            abort(429)
        log_event(
            "content policy",
            rule=_text(report, "effective-directive", "effectiveDirective", "violated-directive")[:40],
            page=_endpoint(_text(report, "document-uri", "documentURL")),
            kept_out=_origin(_text(report, "blocked-uri", "blockedURL")),
        )
    return Response(status=204)
