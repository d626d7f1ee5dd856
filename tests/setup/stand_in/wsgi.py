"""A stand-in portal with the same commands, so that the scripts are tested apart from it.

STAND_IN=broken: the web server does not come up. STAND_IN=refused: the database cannot be upgraded.
"""

import os
import sqlite3
import time
import uuid
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

app = Flask(__name__)
store = Path(os.environ["INSTANCE_DIR"]) / "stand_in.db"
databases, rehearsal, jobs = (AppGroup(name) for name in ("db", "rehearsal", "jobs"))
for group in (databases, rehearsal, jobs):
    app.cli.add_command(group)

if os.environ.get("STAND_IN") == "broken" and "gunicorn" in os.environ.get("SERVER_SOFTWARE", ""):
    raise RuntimeError("望溪小学停电了")


@app.get("/")
def home() -> str:
    """Say who answers."""
    return "共育"


@databases.command("upgrade")
def upgrade() -> None:
    """Make the one table."""
    if os.environ.get("STAND_IN") == "refused":
        raise click.ClickException("revision 0007 is unknown")
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS district (mark TEXT)")


@databases.command("check")
def check() -> None:
    """Nothing can differ here."""


@rehearsal.command("load")
def load() -> None:
    """Fill the table when it is empty."""
    with sqlite3.connect(store) as connection:
        if not connection.execute("SELECT count(*) FROM district").fetchone()[0]:
            connection.execute("INSERT INTO district VALUES (?)", (uuid.uuid4().hex,))


@rehearsal.command("accounts")
def accounts() -> None:
    """Print what load made."""
    with sqlite3.connect(store) as connection:
        click.echo("mark " + connection.execute("SELECT mark FROM district").fetchone()[0])


@jobs.command("work")
def work() -> None:
    """Wait for the end."""
    while True:
        time.sleep(60)
