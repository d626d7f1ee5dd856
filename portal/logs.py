"""The log of the application: one JSON object a line, instants in UTC, so that no text can begin a line of its own.

Security events are warnings of the logger ``portal.events``: refusals, and reports of the content policy. They name
status, endpoint and the person's number; never an address as typed, a text, a name or a place in the network.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request
from flask.logging import default_handler

from portal import cookies

REFUSALS = frozenset({400, 401, 403, 405, 413, 415, 429})
"""Statuses that mean that somebody was kept from something; 404 only where there is such a page, for others."""
events = logging.getLogger("portal.events")


class Lines(logging.Formatter):
    """One record as one line of JSON: at, level, logger, message, the event's facts, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _person_id() -> int | None:
    """Who is signed in, if this request has asked already; nobody is looked up for the log."""
    return getattr(g.get("_login_user"), "person_id", None)


def log_event(message: str, **facts: object) -> None:
    """Log a security event of this request."""
    told = {"endpoint": request.endpoint, "method": request.method, "person": _person_id(), **facts}
    events.warning(message, extra={"facts": told})


def init_app(app: Flask) -> None:
    """Send what the portal logs to the server's log, and log every refusal but those of nameless pages."""
    default_handler.setFormatter(Lines())
    logging.getLogger(app.name).addHandler(default_handler)

    @app.after_request
    def log_refusal(answer: Response) -> Response:
        status = answer.status_code
        if cookies.are_not_read():
            return answer
        if status in REFUSALS or (status == 404 and request.endpoint is not None):
            log_event("refused", status=status)
        return answer
