"""A small application with faults put in on purpose: what a scan must find, or its silence proves nothing.

`python scripts/scan_faulty.py PORT` serves it on 127.0.0.1. Never a part of the portal.
"""

import sqlite3
import sys

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

FAULTS = {
    "xss": "what was searched for comes back as HTML",
    "sql": "a number goes into a query as text",
    "redirect": "one is sent on to any address",
    "failure": "a line break in a value is a 500",
}
app = Flask(__name__)


def rows(condition: str) -> list[tuple[str]]:
    """The query with the hole."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE pupil (id INTEGER, name TEXT)")
        database.executemany("INSERT INTO pupil VALUES (?, ?)", [(1, "one"), (2, "two"), (3, "three")])
        return list(database.execute(f"SELECT name FROM pupil WHERE id = {condition}"))


@app.get("/")
def index() -> str:
    """Links to every fault."""
    return (
        "<!doctype html><title>x</title><a href='/search?q=a'>search</a> <a href='/pupil?id=1'>pupil</a>"
        "<a href='/on?to=/'>on</a> <a href='/line?text=a'>line</a>"
        "<form action='/pupil' method='post'><input name='id' value='1'><button>send</button></form>"
    )


@app.get("/search")
def search() -> str:
    """Reflected script."""
    return f"<!doctype html><title>x</title><p>{request.args.get('q', '')}</p>"


@app.route("/pupil", methods=["GET", "POST"])
def pupil() -> str:
    """Injected SQL."""
    found = rows(request.values.get("id", "1"))
    return f"<!doctype html><title>x</title><ul>{''.join(f'<li>{name}</li>' for (name,) in found)}</ul>"


@app.get("/on")
def on() -> BaseResponse:
    """Open redirect."""
    return redirect(request.args.get("to", "/"))


@app.get("/line")
def line() -> Response:
    """A failure for odd input."""
    return Response("ok", headers={"X-Text": request.args.get("text", "")})


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), threaded=True)
