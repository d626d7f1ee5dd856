"""Signed records: genuine ones are told from those with one byte changed, by the portal and without it."""

import io
import json
import random
import subprocess
import sys

import pytest
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from portal import documents
from portal.config import ROOT
from portal.extensions import db
from portal.ratings import records, signing
from portal.ratings.canonical import canonical
from portal.ratings.models import Consensus, Entry, EntryState, Round, RoundState
from portal.schools.models import School
from tests.ratings.building import entry_of

RECORD = {"kind": "rating.decision", "school": "望溪小学", "star": 4, "total": "89"}


@pytest.fixture
def paper():
    """Any PDF the portal prints."""
    words = {
        "title": "决定书",
        "for": "望溪小学",
        "number": "编号",
        "shown_number": "一",
        "code": "",
        "shown_code": "",
    }
    return documents.pdf("recovery", {**words, "until": "", "steps": ["一"], "keep": ""})


def outside(file, key):
    """What somebody finds who has the file, the key and nothing of the portal."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "verify_signed.py"), str(file), str(key)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_signed_document_is_checked_with_the_portal_and_without(app, paper, tmp_path):
    file, key, run = tmp_path / "决定书.pdf", tmp_path / "key.pem", app.test_cli_runner().invoke
    file.write_bytes(signing.stamped(paper, canonical(RECORD)))
    key.write_text(run(args=["rating", "public-key"]).output)
    assert file.read_bytes().startswith(paper), "people read what was printed"

    for more in ([], ["--key", str(key)]):
        said = run(args=["rating", "verify", str(file), *more])
        assert said.exit_code == 0 and "签名属实" in said.output and '"star": 4' in said.output
    code, said = outside(file, key)
    assert code == 0 and "望溪小学" in said

    other = tmp_path / "changed.pdf"
    other.write_bytes(file.read_bytes().replace(paper[40:50], b"0" * 10, 1))
    said = run(args=["rating", "verify", str(other)])
    assert said.exit_code == 1 and "改动" in said.output
    assert outside(other, key)[0] == 1

    other.write_bytes(paper)
    said = run(args=["rating", "verify", str(other)])
    assert said.exit_code == 1 and "没有" in said.output
    assert outside(other, key)[0] == 2


def test_no_byte_can_be_changed(app, paper):
    whole = signing.stamped(paper, canonical(RECORD))
    dice = random.Random(5)
    places = {*dice.sample(range(len(whole)), 300), *range(len(paper), len(whole) - 1)}
    for place in sorted(places):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        try:
            assert not signing.read(changed).is_genuine(), place
        except ValueError:
            continue
    assert signing.read(whole).is_genuine()


def test_record_and_paper_belong_together(app, paper):
    first, second = (signing.stamped(paper, canonical({**RECORD, "star": star})) for star in (4, 5))
    other = paper.replace(b"%PDF-1.7", b"%PDF-1.6", 1)
    exchanged = other + first[len(paper) :]
    with pytest.raises(ValueError, match="whole PDF"):
        signing.stamped(b"%PDF-1.7 cut", canonical(RECORD))
    assert signing.read(first).is_genuine() and signing.read(second).is_genuine()
    assert not signing.read(exchanged).is_genuine()
    assert not signing.is_genuine(canonical(RECORD), bytes(64))


def test_a_decision_leaves_a_signed_record_that_anybody_can_check(as_, entry_heard, tmp_path):
    entry = entry_heard
    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}").press("作出决定", remark="各项属实。")
    assert "会签" not in page.buttons, "not by oneself"
    assert db.session.get(Entry, entry.id).state == EntryState.HEARD
    own = page.client.send(f"/ratings/entries/{entry.public_id}/decision/countersignature", tokens(page))
    assert own.status == 409 and "另一位" in own.text
    page = as_("苏敏").page(f"/ratings/entries/{entry.public_id}")
    assert "各项属实。" in page.text
    page.press("会签")
    kept = records.records_of(entry.id)
    assert db.session.get(Entry, entry.id).state == EntryState.DECIDED
    said = json.loads(kept[-1].content)
    assert [one["first"] for one in said["signed_by"]] == ["张建平"] and said["signed_by"][0][
        "second"
    ] == "苏敏"
    assert said["result"]["total"] == "89" and len(said["sheets"]) == 2
    assert records.is_untouched(kept[-1])
    assert as_("孙立德").get(f"/ratings/entries/{entry.public_id}/decision.pdf").status_code == 404, (
        "not public yet"
    )

    publish(entry)
    file = as_("孙立德").get(f"/ratings/entries/{entry.public_id}/decision.pdf")
    assert file.mimetype == "application/pdf"
    (tmp_path / "decision.pdf").write_bytes(file.data)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(file.data)).pages)
    for word in ("星级评定决定书", "评定经过", "四星，89分", "云溪县教育局", said["log"]["hash"]):
        assert word in "".join(text.split()), (word, text)
    assert said["log"]["sequence"] > 0
    key = as_(None).get("/stars/key.pem").get_data(as_text=True)
    (tmp_path / "key.pem").write_text(key)
    assert outside(tmp_path / "decision.pdf", tmp_path / "key.pem")[0] == 0
    school = db.session.get(School, entry.school_id).public_id
    shown = as_(None).page(f"/stars/{school}/records").text
    assert kept[-1].sha256 in shown and "不一致" not in shown
    with pytest.raises(DatabaseError, match="frozen"):
        db.session.connection().exec_driver_sql("UPDATE rating_record SET content = '{}'")
    db.session.rollback()


def test_what_changes_after_the_first_signature_must_be_signed_again(as_, entry_heard):
    entry = entry_heard
    where = f"/ratings/entries/{entry.public_id}"
    as_("张建平").page(where).press("作出决定", remark="各项属实。")
    found = db.session.scalars(select(Consensus).where(Consensus.entry_id == entry.id)).first()
    found.facts = '{"points":1}'
    db.session.commit()
    refused = as_("苏敏").page(where).press("会签")
    assert refused.status == 409 and "重新签署" in refused.text
    page = as_("苏敏").page(where).press("不会签，退回")
    assert "签署已撤回" in page.text and "作出决定" in page.buttons


@pytest.fixture
def entry_heard(app):
    """A school that was heard, before its decision."""
    return entry_of(RoundState.PUBLISHED, state=EntryState.HEARD, becomes=RoundState.OPEN)


def publish(entry):
    db.session.get(Round, entry.round_id).state = RoundState.PUBLISHED
    db.session.commit()


def tokens(page):
    """The token of a form on the page, for one that is not there."""
    return {"csrf_token": page.fields(page.form_of("撤回签署"))["csrf_token"]}
