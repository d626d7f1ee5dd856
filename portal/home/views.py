"""The first page of each role."""

from flask import Blueprint, Response
from flask_login import current_user

from portal import clock
from portal.access import actor, public, signed_in
from portal.database import is_alive
from portal.home import board, today
from portal.schools import closing
from portal.templating import render

bp = Blueprint("home", __name__)


@bp.get("/")
@signed_in
def index() -> str:
    """What must I do now?"""
    acting = actor()
    now = clock.now()
    tasks = today.tasks(acting)
    return render(
        "home/index.html",
        greeting=today.greeting(clock.local(now).hour, current_user.name),
        now=now,
        on=acting.on,
        tasks=tasks,
        sees_no_child=not tasks and today.sees_no_child(acting),
        ways=today.ways(acting),
        board=board.of(acting),
        told=closing.told(acting),
    )


@bp.get("/healthz")
@public
def health() -> Response:
    """Whether the portal and its database answer; for supervisors and load balancers."""
    return Response("ok" if is_alive() else "database", status=200, mimetype="text/plain")
