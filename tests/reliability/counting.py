"""The portal with one more form, which only counts, and answers that arrive late, so that kills meet them.

ONCE=off makes the portal blind to the key of a form: the control that must show doubled writes.
"""

import os
import time

from flask import Blueprint, Response, request, url_for
from sqlalchemy import text
from werkzeug.wrappers import Response as BaseResponse

from portal import create_app, once
from portal.access import signed_in
from portal.extensions import db

SECONDS_LATE = 0.03
TABLE = "CREATE TABLE counted (number VARCHAR(40) NOT NULL)"

counting = Blueprint("counting", __name__)


@counting.post("/counted")
@signed_in
def add() -> BaseResponse:
    """Store the number sent, as any form of the portal stores what it is for."""
    db.session.execute(
        text("INSERT INTO counted (number) VALUES (:number)"), {"number": request.form["number"]}
    )
    return once.commit_and_go(url_for("home.index"))


if os.environ.get("ONCE") == "off":
    once.FIELD = "nobody-sends-this"
app = create_app()
app.register_blueprint(counting)


@app.after_request
def answer_late(response: Response) -> Response:
    """Leave time between the commit and the answer."""
    if request.method == "POST":
        time.sleep(SECONDS_LATE)
    return response
