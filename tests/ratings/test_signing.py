"""Signed records: genuine ones are told from those with one byte changed, by the portal and without it."""

import random
import subprocess
import sys

import pytest

from portal import documents
from portal.config import ROOT
from portal.ratings import signing
from portal.ratings.canonical import canonical

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
