"""What verification finds: eight ways to tamper with a log, with anchors kept outside and without."""

import random
import shutil
import time
import tracemalloc

import pytest
from sqlalchemy import select

from portal.database import checkpoint, reading
from portal.extensions import db
from portal.trail import anchors
from portal.trail.hashing import chain_key
from portal.trail.models import TrailHead, draft, note
from portal.trail.models import append as chain
from portal.trail.verifying import Wrong, verify
from tests.support.putting_back import put_back
from tests.trail.tampering import (
    WITH_KEY,
    WITHOUT_KEY,
    Tamperer,
    checked,
    edit,
    insert,
    named_rightly,
    truncate,
)

KINDS = (*WITHOUT_KEY, *WITH_KEY)


def written(count, every=None):
    """So many entries more, anchored after each ``every`` of them; the anchors as they were kept outside."""
    kept = []
    for done in range(count):
        note("opinion.sent", None, person_id=done % 97, object_kind="opinion", school_id=None, number=done)
        if (done + 1) % (every or 200) == 0:
            db.session.commit()
            if every:
                kept.append(anchors.make())
                db.session.commit()
    db.session.commit()
    return [anchors.of_row(one) for one in kept]


class Log:
    """A log of so many entries in a file of its own, put back before every round."""

    def __init__(self, home, count):
        self.home = home
        self.anchors = written(count, every=count // 5)
        db.session.remove()
        db.engine.dispose()
        checkpoint(str(home / "portal.db"))
        shutil.copyfile(home / "portal.db", home / "log.db")

    def put_back(self):
        put_back(self.home, self.home / "log.db")

    def tampered(self, kind, at):
        """The log after an act at an entry, by somebody who also wipes the anchors he can reach."""
        self.put_back()
        tamperer = Tamperer(chain_key())
        first_bad = kind(tamperer, at)
        tamperer.connection.execute("DELETE FROM trail_anchor")
        tamperer.close()
        return first_bad


def rounds(app, home, count, times, seed):
    """(kind, found with anchors, found without) of each kind tried so often at random places before the last anchor."""
    log, chance = Log(home, count), random.Random(seed)
    for kind in KINDS:
        with_anchors = without = 0
        for _time in range(times):
            at = chance.randrange(2, log.anchors[-1].sequence - 3)
            first_bad = log.tampered(kind, at)
            without += checked().fault is not None
            fault = checked(log.anchors).fault
            with_anchors += fault is not None
            named_rightly(kind, fault, first_bad)
        yield kind, with_anchors, without


def test_anchors_outside_find_all_eight_kinds_and_without_them_only_four(app, home):
    for kind, with_anchors, without in rounds(app, home, 600, 6, "trail"):
        assert with_anchors == 6, kind
        assert without == (6 if kind in WITHOUT_KEY else 0), kind


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_times_each_on_long_logs(app, home, record_property):
    found = dict.fromkeys(KINDS, (0, 0))
    for kind, with_anchors, without in rounds(app, home, 5000, 100, "soak"):
        found[kind] = (with_anchors, without)
        record_property(kind.__name__, f"{with_anchors} with anchors, {without} without")

    assert found == {kind: (100, 100 if kind in WITHOUT_KEY else 0) for kind in KINDS}


def test_an_untouched_log_is_whole(app, home):
    log = Log(home, 100)
    report = checked(log.anchors)

    assert report.fault is None
    assert (report.last, report.anchored) == (log.anchors[-1].sequence, log.anchors[-1].sequence)
    assert report.anchors == 10
    assert report.entries == db.session.scalar(select(TrailHead.sequence))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [(edit, Wrong.CHANGED), (insert, Wrong.CHANGED)]
    + [(kind, wrong) for kind, wrong in zip(KINDS[1:4:2], (Wrong.MISSING, Wrong.OUT_OF_ORDER), strict=True)]
    + [(truncate, Wrong.CUT_OFF)],
)
def test_what_is_wrong_is_named(app, home, kind, wrong):
    log = Log(home, 100)
    log.tampered(kind, 50)

    assert checked(log.anchors).fault.wrong == wrong


def test_an_anchor_that_nobody_signed_vouches_for_nothing(app, home):
    log = Log(home, 100)
    first = log.anchors[0]
    forged = anchors.Anchor(first.sequence, first.made_at, bytes(32), first.signature)
    fault = checked([forged]).fault

    assert (fault.wrong, fault.sequence) == (Wrong.ANCHOR, first.sequence)


def test_an_entry_put_behind_the_end_is_found(app, home):
    Log(home, 100)
    tamperer = Tamperer(chain_key())
    row = dict(tamperer.row(tamperer.last()))
    row.pop("id")
    row["sequence"] += 1
    names, marks = ", ".join(row), ", ".join("?" for _name in row)
    tamperer.connection.execute(f"INSERT INTO trail_entry ({names}) VALUES ({marks})", tuple(row.values()))
    tamperer.close()

    assert checked().fault.sequence == row["sequence"]


def test_only_what_is_new_since_the_last_anchor_can_be_checked_apart(app, home):
    log = Log(home, 100)
    log.tampered(edit, 30)
    with reading(), db.engine.connect() as connection:
        assert verify(connection, after=log.anchors[-1].sequence).fault is None
        assert verify(connection, after=20).fault.sequence == 30


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_hundred_thousand_entries_are_checked_in_seconds_and_constant_memory(app, home, record_property):
    started = time.perf_counter()
    for _batch in range(100):
        with db.engine.begin() as connection:
            chain(
                connection,
                [
                    draft("opinion.sent", None, person_id=7, object_kind="opinion", facts={"number": number})
                    for number in range(1000)
                ],
            )
    built = time.perf_counter() - started
    started = time.perf_counter()
    report = checked()
    taken = time.perf_counter() - started
    tracemalloc.start()
    checked()
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    record_property("built_seconds", round(built, 1))
    record_property("verified_seconds", round(taken, 1))
    record_property("peak_mib", round(peak / 2**20, 1))

    assert report.fault is None
    assert report.entries >= 100_000
    assert taken < 30
    assert peak < 40 * 2**20
