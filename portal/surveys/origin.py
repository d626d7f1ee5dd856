"""Where answers are given: on a host of its own where the operator has set one, where no cookie of the portal ever comes by.

Its pages neither read nor set a cookie anywhere. Large letters and the language, which others keep in cookies, stand in the address
(``?elder=1&language=zh-Hant``) and are carried from one page to the next.
"""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from portal import cookies, policy_reports

CARRIED = ("elder", "language")


def address(endpoint: str, *, whole: bool = False, **values: Any) -> str:
    """The address of a page of answering, on its own host if there is one; ``whole``: with the host in any case, as for paper."""
    origin = str(current_app.config["SURVEY_ORIGIN"])
    carried = (
        {name: request.args[name] for name in CARRIED if name in request.args}
        if cookies.are_not_read()
        else {}
    )
    return origin + url_for(endpoint, **{**carried, **values}, _external=whole and not origin)


def of_portal() -> str:
    """The way from a page of answering to the portal's first page."""
    return (current_app.config["ADDRESS"] if current_app.config["SURVEY_ORIGIN"] else "") or "/"


def _keep_apart() -> Response | None:
    """Answering on its own host only, and nothing else there."""
    origin = current_app.config["SURVEY_ORIGIN"]
    if not origin:
        return None
    is_there, answers = request.host == urlsplit(origin).netloc, cookies.are_not_read()
    if is_there == answers or (is_there and request.path == policy_reports.PATH):
        return None
    if request.method == "GET" and request.path == ("/" if is_there else url_for("answers.start")):
        return redirect(origin + url_for("answers.start"), 303)
    return Response("404", 404, mimetype="text/plain")


def init_app(app: Flask) -> None:
    """Keep the two hosts apart before anybody asks who is there."""
    app.before_request(_keep_apart)
    app.jinja_env.globals.update(answers_at=address, portal_at=of_portal)
