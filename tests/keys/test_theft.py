"""What a thief has who takes the database, its log, the queue, a backup or a dump, without the master keys: no phone, no
narrative, no note, no document, in any of the forms in which text hides."""

import base64
import os
import re
import subprocess
import sys

import pytest
from sqlalchemy import select, text

from portal import create_app
from portal.config import Settings
from portal.extensions import db
from portal.keys.sealing import SEALED, SealedData
from portal.rehearsal import rosters
from scripts import machine

PHONE = re.compile(r"\+86\d{11}")
SHORT = 8
"""Texts below so many bytes (a choice such as 困难) stand in the portal's own words as well."""


def canaries():
    """Everything the rehearsal data holds sealed: texts as they are, of staged data the numbers."""
    found = set()
    for attribute in SEALED:
        for row in db.session.scalars(select(attribute.owner)):
            value = attribute.__get__(row, attribute.owner)
            if isinstance(attribute, SealedData):
                found |= set(PHONE.findall(str(value)))
            elif value:
                found |= {value, value.removeprefix("+86")}
    return {value for value in found if len(value.encode()) >= SHORT} - names()


def names():
    """The words of the schema, which every file of the database holds; among them the choice left_behind."""
    tables = db.metadata.tables.values()
    return {table.name for table in tables} | {column.name for table in tables for column in table.columns}


def forms(value):
    """The bytes in which a text may stand in a file."""
    plain = value.encode()
    yield plain
    yield value.encode("utf-16-le")
    yield value.encode("utf-16-be")
    yield plain.hex().encode()
    yield value.encode("unicode_escape")
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + plain)
        yield whole[4 if shift else 0 : len(whole) // 4 * 4 - 4] or whole


def start_of(form):
    return int.from_bytes(form[:4], sys.byteorder)


def seen(data, values):
    """The values that stand in some form in the data. Long texts are looked for by their beginning.

    Which starts of four bytes occur at all is found in one pass; a search for each form would take some thousand.
    """
    starts = {start_of(form) for value in values for form in forms(value[:24])}
    there = set()
    for offset in range(4):
        part = memoryview(data)[offset:]
        there |= starts.intersection(part[: len(part) // 4 * 4].cast("I"))
    return {
        value
        for value in values
        if any(start_of(form) in there and form in data for form in forms(value[:24]))
    }


@pytest.fixture
def stolen(app):
    """Every file that holds the portal's data on SQLite, with a backup, as one piece of bytes."""
    folder = app.config["INSTANCE"]
    backup = folder / "stolen.db"
    backup.unlink(missing_ok=True)
    db.session.rollback()
    assert app.test_cli_runner().invoke(args=["backup", str(backup)]).exit_code == 0

    def read():
        paths = [
            path
            for path in folder.rglob("*")
            if path.is_file()
            and "static" not in path.relative_to(folder).parts
            and path.name not in ("town.db", "crowd.db")
        ]
        names = {path.name for path in paths}
        assert {"portal.db", "stolen.db"} <= names
        return b"\n".join(path.read_bytes() for path in paths)

    yield read
    backup.unlink(missing_ok=True)


def test_the_files_show_nothing_that_is_sealed(app, stolen):
    values = canaries()
    db.session.rollback()

    assert len(values) > 150
    assert {"single_parent", "hardship"} <= values
    assert any("安全保护令" in value for value in values)
    assert seen(stolen(), values) == set()


@pytest.mark.parametrize("form", range(8))
def test_a_clear_value_would_be_found(app, stolen, form):
    """The control: one value of the town, planted in each of the forms."""
    value = sorted(canaries())[-1]
    planted = list(forms(value[:24]))[form]
    db.session.rollback()
    (app.config["INSTANCE"] / "rosters" / "planted").write_bytes(b"..." + planted + b"...")
    try:
        assert seen(stolen(), {value}) == {value}
    finally:
        (app.config["INSTANCE"] / "rosters" / "planted").unlink()


def test_a_clear_value_in_the_database_would_be_found(app, stolen):
    value = max(canaries(), key=len)
    db.session.execute(text("UPDATE school SET phone = :value"), {"value": value[:40]})
    db.session.commit()

    assert seen(stolen(), {value}) == {value}


def dump_of(address):
    programs = machine.find_postgres()
    found = programs / "pg_dump" if programs else None
    if found is None or not found.is_file():
        pytest.skip("no pg_dump on this machine")
    done = subprocess.run(
        [str(found), "--dbname", address.replace("+psycopg", "").replace("//portal@", "//tester@")],
        env=dict(os.environ),
        capture_output=True,
        check=True,
    )
    return done.stdout


@pytest.mark.postgres
def test_a_dump_of_postgresql_shows_nothing_that_is_sealed(postgres_town_url, tmp_path):
    portal = create_app(
        Settings(instance=tmp_path, database_url=postgres_town_url, password_memory_kib=64), TESTING=True
    )
    with portal.app_context():
        rosters.bring()
        values = canaries()
        db.session.rollback()
        dump = dump_of(postgres_town_url)
        assert len(values) > 150 and len(dump) > 100_000
        assert seen(dump, values) == set()

        value = max(values, key=len)
        db.session.execute(text("UPDATE school SET phone = :value"), {"value": value[:40]})
        db.session.commit()
        assert seen(dump_of(postgres_town_url), {value}) == {value}
        db.session.remove()
        db.engine.dispose()
