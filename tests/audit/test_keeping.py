"""Entries are kept for years, never under six months, and what goes is recorded in the log itself."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal import clock
from portal.audit import jobs
from portal.database import reading
from portal.extensions import db
from portal.privacy import ledger
from portal.schools.models import District
from portal.settings.models import SettingValue
from portal.trail import anchors
from portal.trail.hashing import chain_key
from portal.trail.models import TrailEntry, note
from portal.trail.pruning import prune
from portal.trail.verifying import PRUNED, Wrong, verify
from tests.trail.tampering import Tamperer

YEARS = timedelta(days=3 * 365)


def checked():
    with reading(), db.engine.connect() as connection:
        return verify(connection)


def sequences():
    return db.session.execute(select(func.min(TrailEntry.sequence), func.max(TrailEntry.sequence))).one()


@pytest.fixture
def years_later(app, monkeypatch):
    """A log with twenty anchored entries, three years and ten days ago, and two of today."""
    for number in range(20):
        note("term.changed", None, person_id=None, number=number)
    db.session.commit()
    anchors.make()
    db.session.commit()
    anchored = sequences()[1]
    later = clock.now() + YEARS + timedelta(days=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    note("term.changed", None, person_id=None)
    note("term.changed", None, person_id=None)
    db.session.commit()
    return anchored


def test_what_was_kept_long_enough_goes_and_the_rest_still_proves_itself(years_later):
    assert prune(YEARS) == years_later

    assert sequences()[0] == years_later + 1
    record = db.session.scalars(select(TrailEntry).where(TrailEntry.action == PRUNED)).one()
    assert record.facts["through"] == years_later
    report = checked()
    assert (report.fault, report.first) == (None, years_later + 1)
    assert prune(YEARS) == 0


def test_nothing_younger_goes_and_nothing_that_is_not_anchored(app, years_later):
    assert prune(YEARS + timedelta(days=30)) == 0
    assert prune(timedelta(0)) == years_later
    assert sequences()[0] == years_later + 1


def test_the_sweep_prunes_at_night(app, years_later, monkeypatch):
    night = clock.instant_of(clock.local(clock.now()).date() + timedelta(days=1), jobs.NIGHT, 10)
    monkeypatch.setattr(clock, "now", lambda: night - timedelta(hours=1))
    jobs.look_after()
    assert sequences()[0] == 1
    monkeypatch.setattr(clock, "now", lambda: night)
    jobs.look_after()
    assert sequences()[0] == years_later + 1


def test_entries_that_went_without_a_record_are_missed(years_later):
    tamperer = Tamperer(chain_key())
    tamperer.connection.execute("DELETE FROM trail_entry WHERE sequence <= 5")
    tamperer.connection.execute("UPDATE trail_head SET pruned_through = 5")
    tamperer.close()

    assert (checked().fault.wrong, checked().fault.sequence) == (Wrong.MISSING, 1)


def test_the_longest_that_a_district_set_counts_and_never_under_six_months(app):
    day = clock.today()
    first, second = db.session.scalars(select(District.id).order_by(District.id).limit(2))
    assert ledger.months(day) == 36 and not ledger.LEDGER.kind.fits(5)
    for district_id, number in ((first, 6), (second, 48)):
        db.session.add(
            SettingValue(
                name=ledger.LEDGER.name, district_id=district_id, value=number, from_on=day, document="演练文件", set_at=clock.now()
            )
        )  # fmt: skip
    db.session.commit()
    assert ledger.months(day) == 48 and ledger.kept_for(day) == timedelta(days=48 * 30.5)
