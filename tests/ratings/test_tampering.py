"""A closed round that somebody tampers with, in the log and in the tables: found each time, and the first bad place named."""

import random
import shutil
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from bench import rounds
from portal import i18n
from portal.database import checkpoint, reading
from portal.extensions import Base, db
from portal.ratings import fingerprints, reproducing
from portal.ratings.models import Entry, Round, RoundState
from portal.trail import anchors
from portal.trail.hashing import chain_key
from portal.trail.models import TrailEntry, note
from portal.trail.verifying import Wrong
from tests.ratings import tampering
from tests.ratings.building import entry_of
from tests.support.putting_back import put_back
from tests.trail.tampering import WITH_KEY, WITHOUT_KEY, Tamperer, checked, named_rightly

KINDS = (*WITHOUT_KEY, *WITH_KEY)
EVERY = 20
"""So many entries lie between two anchors that are kept outside."""


class Closed:
    """A file with a closed round, put back before each act; ``places``: the entries of the log that tell of ratings."""

    def __init__(self, home, schools=0):
        self.home = home
        address = rounds.build(schools) if schools else None
        own = Round.public_id == address if address else Round.state == RoundState.PUBLISHED
        self.round_id = db.session.scalars(select(Round.id).where(own)).one()
        log = db.session.execute(select(TrailEntry.sequence, TrailEntry.entry_hash, TrailEntry.action)).all()
        self.anchors = [anchored(row) for row in log if row.sequence % EVERY == 0 or row is log[-1]]
        last = log[-1].sequence - 3
        self.places = [
            row.sequence for row in log if row.action.startswith("rating.") and 1 < row.sequence < last
        ]
        db.session.remove()
        db.engine.dispose()
        checkpoint(str(home / "portal.db"))
        shutil.copyfile(home / "portal.db", home / "closed.db")

    def put_back(self):
        put_back(self.home, self.home / "closed.db")

    def said(self):
        """What ``flask rating reproduce`` says, line by line."""
        with reading(), i18n.speaking("zh-Hans"):
            found = list(reproducing.differences(rounds.loaded(self.round_id)))
        db.session.remove()
        return found


def anchored(row):
    """An anchor of an entry as it was mailed out when the entry was the newest."""
    unsigned = anchors.Anchor(row.sequence, datetime(2026, 9, 1, tzinfo=UTC), bytes(row.entry_hash), b"")
    signature = anchors.signing_key().sign(unsigned.signed.encode())
    return anchors.Anchor(unsigned.sequence, unsigned.made_at, unsigned.entry_hash, signature)


def in_log(closed, kind, chance):
    """One act on an entry of the log about the rating; whether it is found without the anchors outside."""
    closed.put_back()
    tamperer = Tamperer(chain_key())
    first_bad = kind(tamperer, chance.choice(closed.places))
    tamperer.connection.execute("DELETE FROM trail_anchor")
    tamperer.close()
    fault = checked(closed.anchors).fault
    assert fault is not None, (kind, first_bad)
    named_rightly(kind, fault, first_bad)
    return checked().fault is not None


def in_tables(closed, kind, chance):
    """One act on the tables of the rating: found, and what is bad named first (after a word about the rubric as a whole)."""
    closed.put_back()
    holder = tampering.Holder(chain_key(), closed.round_id, chance)
    places = kind(holder)
    holder.close()
    said = closed.said()
    with i18n.speaking("zh-Hans"):
        named = [f"{reproducing.TABLES[table]}第 {row} 条" for table, row in places]
    assert any(name in line for line in said[:2] for name in named), (kind, named, said[:5])
    assert checked(closed.anchors).fault is None, "the log itself was left alone"


def acts(closed, number, times, seed):
    """One kind so many times at places by chance, in the log and in the tables; how many of the log are found without anchors."""
    kind, chance = KINDS[number], random.Random(f"{seed} {number}")
    without = sum(in_log(closed, kind, chance) for _time in range(times))
    for _time in range(times):
        in_tables(closed, tampering.KINDS[number], chance)
    assert without == (times if kind in WITHOUT_KEY else 0), kind
    return without


def test_a_closed_round_is_whole_and_eight_kinds_of_tampering_are_found_in_log_and_tables(app, home):
    closed = Closed(home)
    assert closed.said() == []
    assert checked(closed.anchors).fault is None
    for number in range(len(KINDS)):
        acts(closed, number, 1, "closed")


def test_who_holds_all_keys_goes_unnoticed_without_the_anchors_and_is_found_with_them(app, home):
    closed = Closed(home)
    closed.put_back()
    holder = tampering.Holder(chain_key(), closed.round_id, random.Random(3))
    ((_table, entry),) = tampering.rewrite(holder)
    first_bad = tampering.rewrite_log_too(holder, entry)
    holder.connection.execute("DELETE FROM trail_anchor")
    holder.close()
    assert closed.said() == [] and checked().fault is None
    fault = checked(closed.anchors).fault
    assert (fault.wrong, fault.since < first_bad <= fault.sequence) == (Wrong.REWRITTEN, True)


def test_an_act_after_a_change_does_not_wash_it_clean(app):
    """The next noted act sets the fingerprints down anew; the log still has those before it."""
    entry = entry_of(RoundState.PUBLISHED)
    db.session.connection().exec_driver_sql("UPDATE rating_mark SET reason = '换' WHERE item_id = 'F3'")
    note("rating.window_confirmed", db.session.get(Entry, entry.id), person_id=None)
    db.session.commit()
    with i18n.speaking("zh-Hans"):
        said = list(reproducing.differences(rounds.loaded(entry.round_id)))
    assert any("在日志记下的一次办理之前已被改动" in line and line.startswith("望溪小学") for line in said), (
        said
    )


def test_every_table_of_the_ratings_has_fingerprints_or_a_reason():
    known = {source.table.name for sources in fingerprints.SOURCES.values() for source in sources}
    named = {name for name in Base.metadata.tables if name.startswith(("rating_", "rubric_"))}
    assert named - known == set(fingerprints.LEFT_OUT)
    assert known == set(reproducing.TABLES)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", range(len(KINDS)))
def test_a_hundred_times_each_in_the_log_and_in_the_tables(app, home, record_property, number):
    closed = Closed(home, schools=3)
    assert closed.said() == []
    assert checked(closed.anchors).fault is None
    record_property(
        KINDS[number].__name__, f"200 found, {acts(closed, number, 100, 'soak')} of the log without anchors"
    )
