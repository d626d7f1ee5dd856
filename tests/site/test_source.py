"""What nobody may write into the code, because it opens a hole whatever stands around it. Each rule has its control."""

import ast
import math
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gunicorn
import pytest

from portal import assets
from portal.accounts import codes, recovery_codes, totp
from portal.config import ROOT
from portal.extensions import new_public_id
from portal.joining import codes as slips

PYTHON = sorted((ROOT / "portal").rglob("*.py"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))
TAKES_PATTERN = {"compile", "match", "search", "fullmatch", "sub", "findall", "split", "finditer"}
BUILT_PATTERNS = {
    "portal/notices/money.py",  # from two lists that stand in the same file
    "portal/accounts/recovery_codes.py",  # from the alphabet that stands in the same file
}


def trees() -> Iterator[tuple[str, ast.AST]]:
    for path in PYTHON:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


# Scripts in the browser.

PARSES_TEXT = re.compile(
    r"\.(innerHTML|outerHTML|srcdoc)\s*=|insertAdjacentHTML|createContextualFragment|document\.write|\beval\s*\(|"
    r"new\s+Function|set(?:Timeout|Interval)\s*\(\s*['\"`]|DOMParser|__proto__|\.prototype\s*\["
)


def parsing(source: str) -> list[str]:
    return [found.group() for found in PARSES_TEXT.finditer(source)]


def test_no_script_turns_text_into_html_or_code():
    own = [path for path in SCRIPTS if "vendor" not in path.parts]

    assert len(own) > 3
    assert {
        path.name: parsing(path.read_text(encoding="utf-8"))
        for path in own
        if parsing(path.read_text(encoding="utf-8"))
    } == {}


@pytest.mark.parametrize(
    "source",
    [
        "a.innerHTML = b",
        "eval (x)",
        "setTimeout('x()')",
        "a.insertAdjacentHTML('beforeend', b)",
        "o['__proto__'] = x",
    ],
)
def test_a_script_that_does_would_be_seen(source):
    assert parsing(source)


# Forms name their fields.


def mass_assignments(tree: ast.AST) -> list[str]:
    """Calls that hand everything a form sent to a record at once."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "populate_obj":
            found.append("populate_obj")
        if isinstance(node, ast.keyword) and node.arg is None:
            text = ast.unparse(node.value)
            if re.search(r"\b(request\.(form|values|json)|form\.data)\b", text):
                found.append(text)
    return found


def test_no_record_takes_whatever_a_form_sent():
    assert {name: mass_assignments(tree) for name, tree in trees() if mass_assignments(tree)} == {}


@pytest.mark.parametrize(
    "source", ["form.populate_obj(row)", "Person(**request.form)", "Person(**form.data)"]
)
def test_a_record_that_did_would_be_seen(source):
    assert mass_assignments(ast.parse(source))


# Patterns.


def patterns(tree: ast.AST) -> Iterator[tuple[str | None, int]]:
    """The regular expressions of a module: their text, None for one that is put together; with the line."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if ast.unparse(node.func.value) == "re" and node.func.attr in TAKES_PATTERN:
            first = node.args[0]
            yield (str(first.value) if isinstance(first, ast.Constant) else None), node.lineno


def test_no_pattern_is_made_of_what_people_type():
    built = {name for name, tree in trees() for pattern, _line in patterns(tree) if pattern is None}

    assert built == BUILT_PATTERNS
    assert list(patterns(ast.parse("import re\nre.search(request.args['q'], x)"))) == [(None, 2)]


PROBES = (
    "a",
    "1",
    " ",
    "-",
    ".",
    "a.",
    "a-",
    "1,",
    " a",
    "一",
    "十",
    "第一",
    "a@",
    "((",
    "\n",
    "\t ",
    "%",
    "/a",
    "=",
    "a=1&",
)
LONG, SLOWEST = 10_000, 0.25
"""No field of the portal takes longer texts (the largest form is refused at 500 kB, its fields far below)."""
OWN_FILES_ONLY = {"portal/assets.py"}


def seconds_of(pattern: str) -> float:
    """The longest time a pattern takes over long texts that almost fit."""
    compiled, longest = re.compile(pattern), 0.0
    for probe in PROBES:
        for text in (probe * (LONG // len(probe)) + "\x00", "a" + probe * (LONG // len(probe)) + "!"):
            for method in (compiled.fullmatch, compiled.search):
                began = time.process_time()
                method(text)
                longest = max(longest, time.process_time() - began)
    return longest


def test_every_pattern_is_quick_over_long_texts():
    known = {
        pattern
        for name, tree in trees()
        for pattern, _line in patterns(tree)
        if isinstance(pattern, str) and name not in OWN_FILES_ONLY
    }
    slow = {pattern: seconds for pattern in known if (seconds := seconds_of(pattern)) > SLOWEST}

    assert len(known) > 40
    assert slow == {}


def test_a_slow_pattern_would_be_seen():
    compiled = re.compile(r"(a|aa)+$")
    began = time.process_time()
    compiled.search("a" * 28 + "!")

    assert time.process_time() - began > SLOWEST / 10


# Static files and what answers say about the programs behind them.

SERVED = {".css", ".js", ".svg", ".png", ".ico", ".webmanifest", ".json", ".txt", ".br", ".gz"}


def test_only_kinds_of_files_that_pages_need_are_served(app, as_):
    published = app.config["INSTANCE"] / "static"
    kinds = {path.suffix for path in published.rglob("*") if path.is_file()}

    assert kinds and kinds <= SERVED, kinds - SERVED
    for name in (
        "portal.css.bak",
        "../portal.db",
        "%2e%2e/secret_key",
        "css/base.css",
        ".git/config",
        "lock.json",
        "",
    ):
        assert as_(None).get(f"/{assets.PREFIX}{name}").status_code == 404, name


def test_no_answer_names_the_version_of_a_program(as_):
    assert not re.search(r"\d", gunicorn.SERVER)
    for path in ("/account/sign-in", "/nothing", "/healthz", "/static/none"):
        headers = as_(None).get(path).headers
        told = {
            name
            for name, _value in headers.items()
            if name.lower() in ("server", "x-powered-by", "x-aspnet-version", "via")
        }
        assert told == set(), (path, told)


# Secrets that people carry: how much there is to guess.

SHORT_LIVED, KEPT = 20, 37
"""Bits at least: NIST SP 800-63B-4 3.1.3.2 for codes of minutes; for those of days we ask for more, and fewer tries."""


def bits(make: Callable[[], str], count: int = 400) -> float:
    """What independent places of a code amount to, measured: the sum of each place's entropy, at most log2 of the sample."""
    made = [make() for _code in range(count)]
    assert len(set(made)) == count
    alphabet = len(set("".join(made)))
    return len(made[0]) * math.log2(alphabet)


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (lambda: f"{codes.secrets.randbelow(10**codes.DIGITS):0{codes.DIGITS}d}", SHORT_LIVED),
        (slips.new_code, KEPT),
        (slips.new_number, SHORT_LIVED),
        (
            lambda: "".join(
                recovery_codes.secrets.choice(recovery_codes.LETTERS) for _ in range(recovery_codes.LENGTH)
            ),
            KEPT,
        ),
    ],
    ids=["message", "slip", "slip number", "recovery"],
)
def test_codes_have_enough_to_guess(make, least):
    assert bits(make) >= least


def test_seeds_of_apps_have_their_bits_and_short_codes_fail_the_measure():
    assert totp.DIGITS == 6
    with pytest.raises(AssertionError):
        bits(lambda: str(codes.secrets.randbelow(100)))


def test_a_row_s_name_is_never_taken_for_an_option_of_a_command():
    """`flask rating reproduce NAME` refused one name in sixty-four, because base64 for addresses has the hyphen."""
    assert any(secrets.token_urlsafe(16).startswith("-") for _name in range(2000))
    assert not any(new_public_id().startswith("-") for _name in range(2000))


def test_every_secret_is_made_by_the_module_for_it():
    """No module draws from `random`; the rehearsal district, which holds nobody's data, may."""
    drawing = {
        name
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "random" in {alias.name for alias in node.names} | {getattr(node, "module", None)}
    }

    assert {name for name in drawing if not name.startswith("portal/rehearsal/")} == set()


# Ways in, and XML.


def calling(name: str) -> set[str]:
    """The modules in which a function or a model of this name is called."""
    call = re.compile(rf"(?<!def )(?<!class )\b{re.escape(name)}\(")
    return {
        path.relative_to(ROOT).as_posix() for path in PYTHON if call.search(path.read_text(encoding="utf-8"))
    }


def test_every_way_in_goes_through_one_door():
    """A session is made at one place, after what each way owes was asked (docs/security.md lists the ways)."""
    assert calling("AuthSession") == calling("open_session") == {"portal/accounts/sessions.py"}
    assert calling("sessions.sign_in") == {"portal/accounts/arriving.py"}
    assert calling("login_user") == {"portal/accounts/sessions.py"}


XML = {"portal/files/decoder.py", "portal/roster/cells.py"}


def test_xml_is_parsed_in_two_places_that_refuse_entities_first():
    parsing_xml = {
        name
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and re.search(r"\b(xml|lxml|expat|html5lib|bs4)\b", ast.unparse(node))
    }

    assert parsing_xml == XML
    for name in XML:
        assert "if DOCTYPE.search(" in (ROOT / name).read_text(encoding="utf-8"), name


# Tables for spreadsheets.


def tables_with_formulas(source: str) -> bool:
    """Whether a module writes a table in which a text that begins like a formula would be one."""
    books, texts = source.count("xlsxwriter.Workbook("), source.count('"strings_to_formulas": False')
    return books > texts or ("csv.writer(" in source and "harmless(cell)" not in source)


def test_every_table_for_a_spreadsheet_holds_texts_only():
    sources = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PYTHON}
    writing = [
        name for name, text in sources.items() if "xlsxwriter.Workbook(" in text or "csv.writer(" in text
    ]

    assert len(writing) > 4
    assert [name for name in writing if tables_with_formulas(sources[name])] == []
    assert tables_with_formulas("with xlsxwriter.Workbook(path) as book:")
    assert tables_with_formulas("csv.writer(file).writerow(row)")


def test_the_paths_of_this_page_are_there():
    assert all((ROOT / name).is_file() for name in BUILT_PATTERNS)
    assert Path(ROOT / "static/js").is_dir()
