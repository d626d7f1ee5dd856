"""Anchors leave for a folder, mailboxes and a public page, and each kept copy can be given back to the check."""

import mailbox
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.audit import copies, jobs
from portal.deliveries.mail import Mail
from portal.extensions import db
from portal.trail.anchors import read_lines
from portal.trail.hashing import chain_key
from portal.trail.models import TrailAnchor, TrailHead, note
from tests.deliveries.gateways import mail_server
from tests.trail.tampering import Tamperer, edit

ADDRESSES = ["jijian@example.cn", "jiaoyuju@example.org"]


@pytest.fixture
def run(app):
    def run(*words):
        db.session.commit()
        return app.test_cli_runner().invoke(args=list(words))

    return run


@pytest.fixture
def folder(app, tmp_path, monkeypatch):
    monkeypatch.setitem(app.config, "ANCHOR_DIR", tmp_path / "worm")
    (tmp_path / "worm").mkdir()
    return tmp_path / "worm"


@pytest.fixture
def mailboxes(app, monkeypatch):
    """A real mail server, and two addresses of anchors at it."""
    with mail_server() as (letters, url):
        monkeypatch.setitem(app.extensions["portal.channels"], "email", Mail(url, "portal@example.cn"))
        monkeypatch.setitem(app.config, "ANCHOR_MAILS", ", ".join(ADDRESSES))
        yield letters


def addressed(letters):
    return [to for _sender, (to,), _content in letters.taken]


def noted(count=1):
    for number in range(count):
        note("term.changed", None, person_id=None, number=number)
    db.session.commit()


def head():
    return db.session.scalars(select(TrailHead)).one()


def test_an_anchor_is_made_filed_mailed_and_shown(app, run, folder, mailboxes):
    noted(3)
    result = run("audit", "anchor")

    (anchor,) = read_lines([result.output])
    assert (anchor.sequence, anchor.entry_hash) == (head().sequence, head().entry_hash)
    (file,) = folder.iterdir()
    assert list(copies.read(file)) == [anchor]
    assert addressed(mailboxes) == ADDRESSES
    visitor = app.test_client()
    assert anchor.line() in visitor.get("/audit/anchors").get_data(as_text=True)
    assert anchor.line() in visitor.get("/audit/anchors.txt").get_data(as_text=True)


def test_a_saved_mail_or_mailbox_is_as_good_as_a_file(app, run, mailboxes, tmp_path):
    noted()
    run("audit", "anchor")
    content = mailboxes.taken[0][2]
    (tmp_path / "one.eml").write_bytes(content)
    box = mailbox.mbox(tmp_path / "all.mbox")
    box.add(content)
    box.flush()

    for name in ("one.eml", "all.mbox"):
        assert [one.sequence for one in copies.read(tmp_path / name)] == [head().sequence]
    assert run("audit", "verify", "--anchors", str(tmp_path / "one.eml")).exit_code == 0


def test_anybody_can_check_a_signature_with_the_public_key(run, folder):
    noted()
    run("audit", "anchor")
    key = load_pem_public_key(run("audit", "public-key").output.encode())

    (anchor,) = copies.read(folder)
    assert anchor.is_signed_by(key)


def test_the_sweep_anchors_after_a_quarter_of_an_hour_or_a_thousand_entries(app, monkeypatch):
    noted()
    jobs.anchor_what_is_new()
    first = db.session.scalars(select(TrailAnchor.sequence)).all()
    noted()
    jobs.anchor_what_is_new()
    assert db.session.scalars(select(TrailAnchor.sequence)).all() == first
    now = clock.now()
    db.session.rollback()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=15))
    jobs.anchor_what_is_new()
    assert len(db.session.scalars(select(TrailAnchor.sequence)).all()) == len(first) + 1
    noted(1000)
    jobs.anchor_what_is_new()
    assert len(db.session.scalars(select(TrailAnchor.sequence)).all()) == len(first) + 2
    jobs.anchor_what_is_new()
    assert len(db.session.scalars(select(TrailAnchor.sequence)).all()) == len(first) + 2


def test_what_could_not_leave_leaves_later(app, folder, mailboxes, monkeypatch):
    noted()
    monkeypatch.setitem(app.config, "ANCHOR_DIR", folder / "not-mounted")
    jobs.anchor_what_is_new()
    row = db.session.scalars(select(TrailAnchor)).one()
    assert (row.filed_at, row.mailed_at is not None) == (None, True)

    monkeypatch.setitem(app.config, "ANCHOR_DIR", folder)
    db.session.rollback()
    jobs.anchor_what_is_new()
    assert [one.sequence for one in copies.read(folder)] == [row.sequence]
    assert len(mailboxes.taken) == 2


def test_a_log_that_is_not_whole_is_not_anchored_and_somebody_hears_of_it(
    app, run, folder, mailboxes, caplog
):
    noted(10)
    run("audit", "anchor")
    noted(10)
    tamperer = Tamperer(chain_key())
    bad = edit(tamperer, tamperer.last() - 4)
    tamperer.close()
    mailboxes.taken.clear()
    jobs.anchor_now()

    assert len(list(copies.read(folder))) == 1
    assert f"第 {bad} 条" in caplog.text
    assert addressed(mailboxes) == ADDRESSES


def test_verify_names_the_first_bad_entry_and_exits_with_one(run, folder):
    noted(20)
    run("audit", "anchor")
    assert run("audit", "verify").exit_code == 0
    tamperer = Tamperer(chain_key())
    bad = edit(tamperer, tamperer.last() - 7)
    tamperer.close()
    result = run("audit", "verify")

    assert result.exit_code == 1
    assert f"第 {bad} 条" in result.output
    assert "something.else" in result.output


def test_the_database_refuses_to_change_or_delete_an_anchor(app):
    noted()
    jobs.anchor_now()
    for statement in (update(TrailAnchor).values(entry_hash=bytes(32)), delete(TrailAnchor)):
        with pytest.raises(IntegrityError, match="never changes"):
            db.session.execute(statement)
        db.session.rollback()


def test_the_doctor_sees_anchors_that_are_late_or_do_not_leave(run, folder, monkeypatch):
    noted()
    assert run("audit", "anchor").exit_code == 0
    assert "✓ The log is anchored." in run("doctor", "--language", "en").output

    db.session.execute(update(TrailAnchor).values(filed_at=None))
    later = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert "✗ 1 anchors have not left by PORTAL_ANCHOR_DIR." in run("doctor", "--language", "en").output

    noted()
    later += timedelta(hours=2)
    assert "✗ No anchor of the log was made for an hour." in run("doctor", "--language", "en").output
