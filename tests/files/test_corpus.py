"""Hostile files through the real intake: refused in words, or kept as something harmless; the process dies alone.

CI tries the first fifth of each class, which holds every variant; ``make soak`` tries all ten thousand. Each class has its
control: an intake that believes names lets files of it through, and the same judge finds what is wrong with them.
"""

import io
import mimetypes
from pathlib import Path

import pytest
from werkzeug.datastructures import FileStorage

from portal.files import scanning
from portal.files.decoding import MEMORY, Decoder
from portal.files.intake import NotTaken, clean_name, examine
from tests.files.conftest import add
from tests.files.corpus import ALWAYS_REFUSED, ALWAYS_TAKEN, CI_SHARE, COUNTS, Hostile, hostile
from tests.files.judging import faults
from tests.support.services import EICAR, scanner

KIBIBYTES = MEMORY // 1024
WEAK_TYPES = {".heic": "image/jpeg", ".webp": "image/webp", ".svg": "image/svg+xml", ".md": "text/plain"}


def through_the_intake(decoder: Decoder, given: Hostile):
    """(name, media type, content, memory in KiB) of what was taken, or the reason why it was not."""
    upload = FileStorage(io.BytesIO(given.content), given.name)
    try:
        found = examine(decoder, upload)
    except NotTaken as refused:
        return str(refused.message)
    return clean_name(given.name, found.suffix), found.media_type, found.content, found.memory_kib


def weak_intake(given: Hostile):
    """What a hurried intake does: the type by the name, the bytes as they came."""
    suffix = Path(given.name.replace("\0", "")).suffix.lower()
    guessed = WEAK_TYPES.get(suffix) or mimetypes.guess_type(f"a{suffix}")[0] or "application/octet-stream"
    return given.name, "text/plain; charset=utf-8" if guessed == "text/plain" else guessed, given.content


def wrong_answers(kind: str, count: int) -> tuple[list[str], int, int]:
    """What went wrong with the first files of a class; how many were taken; the most memory one took (KiB)."""
    wrong, taken, most = [], 0, 0
    with Decoder() as decoder:
        for number in range(count):
            given = hostile(kind, number)
            answer = through_the_intake(decoder, given)
            if isinstance(answer, str):
                if kind in ALWAYS_TAKEN and not given.content.startswith("春天".encode()):
                    wrong.append(f"{kind} {number} {given.name[:40]!r}: refused: {answer}")
                continue
            taken += 1
            name, media_type, content, memory = answer
            most = max(most, memory)
            if kind in ALWAYS_REFUSED:
                wrong.append(f"{kind} {number} {given.name[:40]!r}: taken as {media_type}")
            wrong += [f"{kind} {number}: {fault}" for fault in faults(given, name, media_type, content)]
    return wrong, taken, most


def test_the_corpus_has_ten_thousand_files_and_each_is_always_the_same(app):
    assert sum(COUNTS.values()) == 10_000
    for kind in COUNTS:
        assert hostile(kind, 3) == hostile(kind, 3)


@pytest.mark.parametrize("kind", COUNTS)
def test_hostile_files_are_refused_or_made_harmless(app, kind, record_property):
    count = COUNTS[kind] // CI_SHARE
    wrong, taken, most = wrong_answers(kind, count)

    record_property("files", count)
    record_property("taken", taken)
    assert wrong == [], f"{len(wrong)} of {count}\n" + "\n".join(wrong[:20])
    assert most < KIBIBYTES
    if kind in ("mutated", "polyglot", "eicar", *ALWAYS_TAKEN):
        assert taken > 0, "the check saw nothing that was taken"


@pytest.mark.parametrize("kind", COUNTS)
def test_a_hurried_intake_lets_them_through_and_the_judge_sees_it(app, kind):
    seen = 0
    for number in range(min(60, COUNTS[kind])):
        given = hostile(kind, number)
        seen += bool(faults(given, *weak_intake(given)))

    assert seen >= 20, f"only {seen} of 60 {kind} files are seen as wrong"


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", COUNTS)
def test_all_hostile_files(app, kind, record_property):
    wrong, taken, most = wrong_answers(kind, COUNTS[kind])

    record_property("files", COUNTS[kind])
    record_property("taken", taken)
    record_property("most memory KiB", most)
    assert wrong == [], f"{len(wrong)} of {COUNTS[kind]}\n" + "\n".join(wrong[:20])
    assert most < KIBIBYTES


def test_the_same_file_under_any_name_is_the_same_file(app):
    found = {}
    with Decoder() as decoder:
        for number in range(100):
            given = hostile("duplicate", number)
            found.setdefault(given.content, set()).add(through_the_intake(decoder, given)[2])

    assert len(found) > 5
    assert {len(contents) for contents in found.values()} == {1}


def test_the_scanner_finds_its_pattern_in_whatever_is_taken(app, tmp_path):
    taken, found = 0, 0
    with scanner(tmp_path) as clamd, Decoder() as decoder:
        app.config["CLAMD_ADDRESS"] = f"127.0.0.1:{clamd.port}"
        try:
            for number in range(COUNTS["eicar"] // CI_SHARE):
                answer = through_the_intake(decoder, hostile("eicar", number))
                if isinstance(answer, str) or answer[1].startswith("image/"):
                    assert isinstance(answer, str) or EICAR not in answer[2]
                    continue
                taken += 1
                found += bool(scanning.scan(answer[2]))
        finally:
            app.config["CLAMD_ADDRESS"] = ""

    assert taken == found > 10


def test_one_of_each_through_the_door(as_, draft):
    """Over HTTP: a page in words or the file kept, never a failure."""
    author = as_("林悦", "committee_chair")
    statuses = {}
    for kind in COUNTS:
        for number in (1, 4):
            given = hostile(kind, number)
            page = add(author, draft, (given.content, given.name))
            statuses[kind, number] = page.status
            assert page.status in (200, 422), (kind, number)
            if page.status == 200 and "去掉" in page.buttons:
                page.press("去掉")

    assert set(statuses.values()) == {200, 422}
