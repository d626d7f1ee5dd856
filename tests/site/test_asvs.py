"""The ledger of ASVS 5.0 in docs/asvs.csv: every requirement once, with a test that exists or a reason."""

import ast
import csv
import re
from collections import Counter
from datetime import timedelta
from functools import cache

import pytest

from portal.accounts import codes, guessing, limits, sessions, stepping
from portal.config import ROOT
from portal.files import decoding
from portal.joining import admitting
from portal.joining import models as slips
from portal.notices import attaching
from portal.privacy import exporting
from portal.roster import limits as rosters

LEVELS = {"1": 70, "2": 183, "3": 92}
STATUSES = ("held", "by design", "operator", "open", "not applicable", "not chosen")
SECTIONS = {  # how many requirements each section of the standard has
    "V1": (2, 10, 12, 3, 3), "V2": (3, 3, 5, 2), "V3": (1, 3, 5, 8, 8, 1, 5), "V4": (5, 5, 2, 4), "V5": (1, 6, 3, 3),
    "V6": (3, 12, 8, 6, 8, 4, 2, 4), "V7": (3, 4, 2, 5, 3, 2), "V8": (4, 4, 3, 2), "V9": (3, 4),
    "V10": (2, 3, 5, 16, 5, 2, 3), "V11": (4, 5, 5, 4, 2, 2, 2), "V12": (5, 2, 5), "V13": (4, 6, 4, 7),
    "V14": (2, 8, 3), "V15": (5, 5, 7, 4), "V16": (1, 5, 4, 3, 4), "V17": (2, 8, 2),
}  # fmt: skip

Row = dict[str, str]


def ledger() -> list[Row]:
    with (ROOT / "docs/asvs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def requirements() -> list[str]:
    """All ids of the standard, in its order."""
    return [
        f"{chapter}.{section}.{number}"
        for chapter, counts in SECTIONS.items()
        for section, count in enumerate(counts, 1)
        for number in range(1, count + 1)
    ]


@cache
def functions_of(name: str) -> frozenset[str]:
    """Names of the test functions of a file; empty when there is no such file."""
    path = ROOT / name
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def is_test(name: str) -> bool:
    """Whether ``tests/path.py::test_name`` is in the tree, with or without a parameter in brackets."""
    path, _, function = name.partition("::")
    function = function.partition("[")[0]
    return path.startswith("tests/") and function.startswith("test_") and function in functions_of(path)


def faults(rows: list[Row]) -> list[str]:
    """What is wrong with the rows, in words."""
    found = []
    for row in rows:
        name, status = row["requirement"], row["status"]
        evidence = row["evidence"].split("; ")
        if status not in STATUSES:
            found.append(f"{name}: {status} is no status")
        if status == "held":
            found += [f"{name}: no test {one}" for one in evidence if not is_test(one)]
        else:
            found += [f"{name}: no file {one}" for one in evidence if not (ROOT / one).is_file()]
        if status == "not chosen" and row["level"] != "3":
            found.append(f"{name}: level {row['level']} cannot be left out")
        if not row["what"].strip():
            found.append(f"{name}: not a word")
    return found


def counted(rows: list[Row]) -> dict[str, list[int]]:
    """For each status the numbers of level 1, 2, 3 and all."""
    count = Counter((row["status"], row["level"]) for row in rows)
    return {
        status: [*(count[status, level] for level in LEVELS), sum(count[status, level] for level in LEVELS)]
        for status in STATUSES
    }


def written(page: str) -> dict[str, list[int]]:
    """The same from the table of the page."""
    table = re.findall(r"^\| ([a-z ]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.M)
    return {status: [int(number) for number in numbers] for status, *numbers in table}


def test_every_requirement_stands_once_and_in_order():
    rows = ledger()

    assert [row["requirement"] for row in rows] == requirements()
    assert len(rows) == 345
    assert Counter(row["level"] for row in rows) == LEVELS


def test_every_row_names_what_is_there():
    assert faults(ledger()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "fine", "evidence": "docs/asvs.md"},
        {"status": "held", "evidence": "tests/site/test_asvs.py::test_that_nobody_wrote"},
        {"status": "held", "evidence": "portal/headers.py"},
        {"status": "by design", "evidence": "portal/nothing.py"},
        {"status": "not chosen", "evidence": "docs/asvs.md"},
        {"what": " "},
    ],
)
def test_a_wrong_row_is_found(wrong):
    row = {
        "requirement": "V1.1.1",
        "level": "2",
        "status": "held",
        "what": "a word",
        "evidence": "tests/site/test_asvs.py::test_a_wrong_row_is_found[a]",
    }

    assert faults([row]) == []
    assert len(faults([row | wrong])) == 1


def test_the_page_counts_as_the_ledger_does():
    page = (ROOT / "docs/asvs.md").read_text(encoding="utf-8")
    counts = counted(ledger())

    assert written(page) == counts
    assert written(page.replace("| held |", "| open |")) != counts


def test_the_page_of_rules_says_the_numbers_of_the_code():
    page = " ".join((ROOT / "docs/security.md").read_text(encoding="utf-8").split())
    megabyte = 1024 * 1024

    for words in (
        f"after {guessing.FREE} wrong tries",
        f"to {guessing.LONGEST_PAUSE // timedelta(minutes=1)} minutes; after {guessing.MOST} in a row",
        f"{limits.PER_ADDRESS} tries in {limits.WINDOW // timedelta(minutes=1)} minutes",
        f"{codes.DIGITS} digits, {codes.LASTS // timedelta(minutes=1)} minutes, {codes.TRIES} tries",
        f"Staff sessions end {sessions.STAFF_HOURS // timedelta(hours=1)} hours",
        f"Family sessions end after {sessions.FAMILY_DAYS.days} days",
        f"again after {sessions.IDLE // timedelta(minutes=1)} minutes",
        f"at most {stepping.FRESH_FOR // timedelta(minutes=1)} minutes old",
        f"{decoding.PIXELS // 1_000_000} million pixels, opened in a child with {decoding.MEMORY // megabyte} MB",
        f"{attaching.MOST} files a record, {admitting.PER_ADDRESS} wrong slip codes an address and quarter of an hour",
        f"{slips.WRONG_TRIES} a slip",
        f"exports above {exporting.MOST_ALONE} children need a second person",
        f"Rosters: {rosters.UPLOAD_BYTES // megabyte} MB, unpacked {rosters.UNPACKED_BYTES // megabyte} MB, {rosters.ENTRIES} files",
    ):
        assert words in page, words
