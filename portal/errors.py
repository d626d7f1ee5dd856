"""Refusals in words: broken rules and the pages for what cannot be shown."""

from typing import Any

from flask import Flask, g, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, SecurityError

from portal.extensions import db
from portal.i18n import gettext as _
from portal.templating import render

WORDED = {400, 401, 403, 404, 405, 409, 410, 412, 413, 414, 415, 422, 429, 500, 503, 507}


class RuleBroken(Exception):
    """A rule of the house refuses what was asked; the message is for the person, in the person's language."""

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def error_page(status: int, message: str | None = None) -> tuple[str | dict[str, object], int]:
    """The page (or JSON) for a status; the same bytes for the same status, so that it tells nothing more."""
    shown = status if status in WORDED else (400 if status < 500 else 500)
    if _wants_json():
        return {"status": shown, "message": message or ""}, status
    return render("errors/error.html", status=shown, message=message), status


def init_app(app: Flask) -> None:
    """Show every refusal as a page in the person's language."""

    @app.errorhandler(RuleBroken)
    def rule_broken(error: RuleBroken) -> tuple[str | dict[str, object], int]:
        db.session.rollback()
        return error_page(error.status, error.message)

    @app.errorhandler(CSRFError)
    def forged(_error: CSRFError) -> tuple[str | dict[str, object], int]:
        return error_page(400, _("This page was open for too long. Go back, reload it and send again."))

    @app.errorhandler(SecurityError)
    def unknown_host(_error: SecurityError) -> tuple[str, int, dict[str, str]]:
        # Without a trusted host no address can be made, so there is no page around the sentence.
        return _("This address is not served here."), 400, {"Content-Type": "text/plain; charset=utf-8"}

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        if error.code is not None and 300 <= error.code < 400:
            return error
        body, status = error_page(error.code or 500)
        headers = [(name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After")]
        return body, status, headers

    @app.errorhandler(OperationalError)
    def database_failed(error: OperationalError) -> tuple[str | dict[str, object], int]:
        db.session.rollback()
        app.logger.error("database: %s", error.orig)
        full = "full" in str(error.orig).lower()
        return error_page(507 if full else 503)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> tuple[str | dict[str, object], int]:
        db.session.rollback()
        app.logger.exception("unforeseen error at %s", request.endpoint, exc_info=error)
        g.unforeseen = error
        return error_page(500)
