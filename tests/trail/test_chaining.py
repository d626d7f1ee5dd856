"""Entries are chained in the transaction of the change they tell of, and only then."""

import itertools

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Person
from portal.extensions import db
from portal.schools.models import Pupil, School
from portal.trail.hashing import chain_key, entry_hash
from portal.trail.models import TrailEntry, TrailHead, note


def entries():
    return db.session.scalars(select(TrailEntry).order_by(TrailEntry.sequence)).all()


def head():
    return db.session.scalars(select(TrailHead)).one()


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def test_entries_follow_each_other_without_a_gap(app):
    before = len(entries())
    note("one", None, person_id=None)
    note("two", None, person_id=None, day=1)
    db.session.commit()

    found = entries()
    assert [one.action for one in found[before:]] == ["one", "two"]
    assert [one.sequence for one in found] == list(range(1, len(found) + 1))
    for earlier, later in itertools.pairwise(found):
        assert later.previous_hash == earlier.entry_hash
    assert (head().sequence, head().entry_hash) == (found[-1].sequence, found[-1].entry_hash)


def test_the_hash_covers_every_column_that_tells_something(app):
    note("changed", person("王雪"), person_id=person("孙立德").id, purpose="试", places=[1, "二"])
    db.session.commit()
    entry = entries()[-1]
    values = {column.name: getattr(entry, column.name) for column in TrailEntry.__table__.columns}
    unhashed = {"id", "sequence", "happened_at", "previous_hash", "entry_hash"}
    kept = entry_hash(chain_key(), entry.previous_hash, entry.sequence, entry.happened_at, values)

    assert kept == entry.entry_hash
    for name in values.keys() - unhashed:
        other = {"x": 1} if name == "facts" else "x" if isinstance(values[name], str) else 987
        assert kept != entry_hash(
            chain_key(), entry.previous_hash, entry.sequence, entry.happened_at, {**values, name: other}
        ), name


def test_an_entry_is_rolled_back_with_its_change(app):
    before, newest = len(entries()), head().entry_hash
    note("undone", None, person_id=None)
    db.session.rollback()
    db.session.commit()
    assert len(entries()) == before

    with db.session.begin_nested() as savepoint:
        note("within", None, person_id=None)
        savepoint.rollback()
    note("after", None, person_id=None)
    db.session.commit()
    assert [one.action for one in entries()[before:]] == ["after"]
    assert entries()[-1].previous_hash == newest


def test_an_entry_of_a_savepoint_that_holds_is_kept(app):
    before = len(entries())
    with db.session.begin_nested():
        note("within", None, person_id=None)
    assert len(entries()) == before
    db.session.commit()
    assert [one.action for one in entries()[before:]] == ["within"]


def test_a_change_that_fails_at_the_end_leaves_no_entry(app):
    before = len(entries())
    db.session.add(Person(name="", created_at=person("王雪").created_at))
    note("person.added", None, person_id=None)
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()
    db.session.commit()

    assert len(entries()) == before


def test_a_new_row_tells_its_ids_once_it_has_them(app):
    someone = person("王雪")
    added = Person(name="新来的人", created_at=someone.created_at)
    db.session.add(added)
    note("person.added", added, person_id=None)
    child = db.session.scalars(select(Pupil)).first()
    note("pupil.told", child, person_id=None)
    db.session.commit()

    told, about = entries()[-2:]
    assert (told.object_kind, told.object_id, told.subject_id) == ("person", added.id, added.id)
    school = db.session.get(School, child.school_id)
    assert (about.pupil_id, about.school_id, about.district_id) == (child.id, school.id, school.district_id)


def test_the_database_itself_refuses_to_change_or_delete_an_entry(app):
    note("kept", None, person_id=None)
    db.session.commit()
    for statement in (update(TrailEntry).values(action="changed"), delete(TrailEntry)):
        with pytest.raises(IntegrityError, match="append-only"):
            db.session.execute(statement)
        db.session.rollback()
