"""What stood in clear before sealing came is sealed by the migrations, and comes back when they are undone."""

import json
import sqlite3

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, delete, insert, inspect, select

from portal import clock, create_app
from portal.config import Settings
from portal.contacts.models import ChangeRequest
from portal.custody.models import Restriction
from portal.extensions import db, new_public_id
from portal.joining.models import JoiningRequest, Way
from portal.keys.sealing import SEALED, unseal
from portal.privacy.models import AuditLine, ErasureRequest, ExportRequest, LegalHold, ReaderQuestion
from portal.schools.models import Pupil

CLEAR = "0008_trail_chain"
PHONES = "0027_phones"
COUNT = 2_300
"""More than two batches, so that a batch's end is met."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def old(request, tmp_path):
    """A portal at the last revision without sealed columns, on either engine."""
    url = request.getfixturevalue("empty_postgres_url") if request.param == "postgresql" else ""
    portal = create_app(Settings(instance=tmp_path, database_url=url), TESTING=True)
    with portal.app_context():
        upgrade(revision=CLEAR)
        yield portal
        db.engine.dispose()


def tables():
    """The tables as they stand in the database now."""
    found = MetaData()
    found.reflect(db.engine)
    return found.tables


def people(count):
    return [
        {
            "public_id": new_public_id(),
            "name": f"甲{number}",
            "name_pinyin": "",
            "name_initials": "",
            "phone": f"+86199{number:08d}" if number % 3 else None,
            "elder": False,
            "theme": "auto",
            "created_at": clock.now(),
        }
        for number in range(count)
    ]


def test_phones_are_sealed_and_come_back(old):
    rows = people(COUNT)
    person = tables()["person"]
    with db.engine.begin() as connection:
        connection.execute(insert(person), rows)
    before = {row["public_id"]: row["phone"] for row in rows}

    upgrade(revision=PHONES)
    person = tables()["person"]
    assert "phone" not in person.c
    with db.engine.connect() as connection:
        found = connection.execute(
            select(person.c.public_id, person.c.phone_sealed, person.c.phone_index)
        ).all()
    opened = {
        row.public_id: row.phone_sealed
        and unseal("personal", row.phone_sealed, "person", "phone", row.public_id)
        for row in found
    }
    assert opened == before
    assert len({row.phone_index for row in found if row.phone_index}) == sum(map(bool, before.values()))

    downgrade(revision=CLEAR)
    person = tables()["person"]
    with db.engine.connect() as connection:
        assert dict(connection.execute(select(person.c.public_id, person.c.phone)).all()) == before
    assert {"phone"} in [
        set(one["column_names"]) for one in inspect(db.engine).get_unique_constraints("person")
    ]


def test_a_phone_stands_nowhere_in_the_file_after_the_migration(tmp_path):
    portal = create_app(Settings(instance=tmp_path, database_url=""), TESTING=True)
    file = tmp_path / "portal.db"
    with portal.app_context():
        upgrade(revision=CLEAR)
        person = tables()["person"]
        with db.engine.begin() as connection:
            connection.execute(insert(person), people(COUNT))
        db.engine.dispose()
        assert b"+8619900000007" in everything(file)
        upgrade(revision=PHONES)
        db.engine.dispose()

    assert b"19900000007" not in everything(file)


def everything(file):
    """The bytes of a database and of its log."""
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


def test_freed_pages_hold_nothing(app):
    """Without this pragma what is deleted stays in the file until its page is used again."""
    file = app.config["INSTANCE"] / "portal.db"
    assert db.session.connection().exec_driver_sql("PRAGMA secure_delete").scalar() == 1
    db.session.rollback()
    left = {}
    for setting in ("ON", "OFF"):
        connection = sqlite3.connect(file, isolation_level=None)
        connection.execute(f"PRAGMA secure_delete={setting}")
        connection.execute("CREATE TABLE scratch (body TEXT)")
        connection.executemany("INSERT INTO scratch VALUES (?)", [(f"一段要删掉的话{setting} " * 90,)] * 40)
        connection.execute("DROP TABLE scratch")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        left[setting] = f"一段要删掉的话{setting}".encode() in everything(file)
    assert left == {"ON": False, "OFF": True}


def test_what_an_import_staged_is_sealed_and_comes_back(old):
    known = tables()
    with db.engine.begin() as connection:
        district = connection.execute(
            insert(known["district"]).values(
                public_id=new_public_id(),
                path="/1/",
                name="云溪县",
                province="",
                phone="",
                is_rehearsal=False,
            )
        ).inserted_primary_key[0]
        found = connection.execute(
            insert(known["roster_import"]).values(
                public_id=new_public_id(), district_id=district, file_name="x", file_hash="x", format="",
                is_delta=False, state="checked", rows_read=1, errors=0, notices=0, counts={}, reason="",
                created_at=clock.now(), moved_at=clock.now(),
            )
        ).inserted_primary_key[0]  # fmt: skip
        connection.execute(
            insert(known["roster_change"]).values(
                import_id=found, table_name="person", action="change", record_id=1, file="x", line=2, label="甲",
                is_shown=True, before={}, after={"phone": "+8619900000001", "name": "李"},
            )
        )  # fmt: skip

    upgrade()
    change = tables()["roster_change"]
    with db.engine.connect() as connection:
        row = connection.execute(
            select(change.c.sealed_as, change.c.before_sealed, change.c.after_sealed)
        ).one()
    assert row.before_sealed is None
    assert json.loads(unseal("personal", row.after_sealed, "roster_change", "after", row.sealed_as)) == {
        "phone": "+8619900000001",
        "name": "李",
    }

    downgrade(revision=CLEAR)
    change = tables()["roster_change"]
    with db.engine.connect() as connection:
        row = connection.execute(select(change.c.before, change.c.after)).one()
    assert (row.before, row.after) == ({}, {"phone": "+8619900000001", "name": "李"})


def opened():
    """Every sealed value of the database by table, attribute and row; data in its plain form."""
    return {
        (attribute.owner.__tablename__, attribute.name, inspect(row).identity[0]): value
        for attribute in SEALED
        for row in db.session.scalars(select(attribute.owner))
        if (value := attribute.__get__(row, attribute.owner)) not in (None, "", {})
    }


def test_all_that_the_town_wrote_comes_back_in_clear_and_is_sealed_again(app):
    before = opened()
    kinds = {(table, name) for table, name, _row in before}
    db.session.remove()

    downgrade(revision=CLEAR)
    known = tables()
    clear = {
        (table, name, row.id): row.value
        for table, name in kinds
        if table in known and name in known[table].c
        for row in _read(known[table], name)
        if row.value not in (None, "", {})
    }
    assert {
        ("person", "phone"),
        ("sealed_note", "body"),
        ("guardianship_flag", "basis"),
        ("opinion", "text"),
    } <= kinds
    assert clear == {key: value for key, value in before.items() if key in clear}
    columns = {(table, column.name) for table, found in known.items() for column in found.c}
    assert {(table, name) for table, name, _row in clear} >= kinds & columns

    upgrade()
    assert {key: value for key, value in opened().items() if key in clear} == clear


def test_reasons_about_data_rights_and_restrictions_come_back_in_clear_and_are_sealed_again(app):
    """Revision 0040: what people wrote as reasons, replies and lines of the yearly report."""
    wanted = {
        (ReaderQuestion, "words"): "另请家长到校面谈",
        (LegalHold, "reason"): "县公安(演练)第3号",
        (ErasureRequest, "reply"): "学籍材料要保存到毕业后",
        (ExportRequest, "purpose"): "核对学籍人数",
        (AuditLine, "text"): "一次误发，已召回",
        (Restriction, "end_reason"): "裁定已撤销",
        (JoiningRequest, "reason"): "请带身份证到学校来一趟",
        (ChangeRequest, "reason"): "请带户口簿核对",
    }
    pupil_id = db.session.scalar(select(Pupil.id).limit(1))
    # Requests for helpers are younger than that revision and end with its coming down.
    db.session.execute(delete(JoiningRequest).where(JoiningRequest.way == Way.GUARDIAN))
    db.session.add(LegalHold(pupil_id=pupil_id, reason="先", started_on=clock.today()))
    for (model, name), value in wanted.items():
        setattr(db.session.scalars(select(model).order_by(model.id).limit(1)).one(), name, value)
    db.session.commit()
    before = opened()
    db.session.remove()

    downgrade(revision="0016_contacts")
    known = tables()
    for (model, name), value in wanted.items():
        table = known[model.__tablename__]
        assert value in {row.value for row in _read(table, name)}
        assert f"{name}_sealed" not in table.c
    upgrade()
    # Tables and fields of later revisions fell with them.
    assert opened() == {
        (table, name, row): value
        for (table, name, row), value in before.items()
        if table in known and {name, f"{name}_sealed"} & set(known[table].c.keys())
    }
    db.session.remove()
    known = tables()
    assert all(name not in known[model.__tablename__].c for model, name in wanted)


def _read(table, name):
    with db.engine.connect() as connection:
        key = next(iter(table.primary_key.columns))
        return connection.execute(select(key.label("id"), table.c[name].label("value"))).all()
