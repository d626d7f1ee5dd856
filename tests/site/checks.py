"""What every page must be. Each check takes an answer and yields complaints in words; a clean page yields none."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import html5lib
import lxml.html
import polib

from portal.config import ROOT

XHTML = "{http://www.w3.org/1999/xhtml}"
HTML_BUDGET = 30 * 1024
MOST_QUERIES = 19
MORE_QUERIES = {"/ratings/assessments/": 26, "/care/pupils/": 36}
"""Pages that count a whole school afresh: one statement for each computed indicator, whatever the size of the school. And the
one file of a pupil: some statements for each of its five kinds of record, however many there are."""
FIRST_PAGE = 24
"""The first page asks each feature once what waits; the principal's asks most of them."""
BEGINS = re.compile(r"^SELECT set_config\(|^SET TRANSACTION READ ONLY")
"""On PostgreSQL each transaction is told who acts in it and that it only reads; that asks for no data."""
WRITES = re.compile(r"^\s*(insert|update|delete|replace|create|drop|alter)\b", re.I)
SEEN = re.compile(
    r"^UPDATE auth_session SET last_seen_at|^UPDATE trail_head SET|^INSERT INTO trail_entry ", re.I
)
"""What a GET may leave behind: when a device was seen, and the entry that a sensitive record was read."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CJK = re.compile(r"[\u3400-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,'’]+[A-Za-z]{2,})+")
LEFT_IN_LATIN = re.compile(
    r"WeChat|Chrome|Safari|Edge|Firefox|Android|iPhone|iPad|Windows|Mac|Linux|English|XLSX|CSV|YAML|OneRoster|EN\b"
)


@dataclass
class Answer:
    """One page as one actor got it."""

    path: str
    status: int
    headers: Any
    html: str
    language: str = "zh-Hans"
    statements: list[str] = field(default_factory=list)
    developer: bool = False

    @property
    def is_page(self) -> bool:
        return "text/html" in self.headers.get("Content-Type", "")

    @cached_property
    def parser(self) -> Any:
        parser = html5lib.HTMLParser()
        parser.root = parser.parse(self.html)
        return parser

    def tree(self) -> Any:
        return self.parser.root


Complaints = Iterator[str]
CHECKS: list[Callable[[Answer], Complaints]] = []


def check(function: Callable[[Answer], Complaints]) -> Callable[[Answer], Complaints]:
    CHECKS.append(function)
    return function


def complaints(answer: Answer) -> list[str]:
    """Everything that is wrong with an answer."""
    return [f"{function.__name__}: {found}" for function in CHECKS for found in function(answer)]


@check
def no_failure(answer: Answer) -> Complaints:
    if answer.status >= 500:
        yield f"status {answer.status}"
    if "Traceback (most recent call last)" in answer.html:
        yield "a traceback is shown"


@check
def strict_html(answer: Answer) -> Complaints:
    if not answer.is_page:
        return
    for (line, column), code, data in answer.parser.errors[:5]:
        yield f"{code} {data} at {line}:{column}"
    ids = [element.get("id") for element in answer.tree().iter() if element.get("id")]
    for double in {found for found in ids if ids.count(found) > 1}:
        yield f"the id {double} stands twice"


@check
def one_heading_in_the_title(answer: Answer) -> Complaints:
    if not answer.is_page:
        return
    tree = answer.tree()
    headings = list(tree.iter(XHTML + "h1"))
    if len(headings) != 1:
        yield f"{len(headings)} h1"
        return
    heading = re.sub(r"\s+", " ", "".join(headings[0].itertext())).strip()
    title = "".join("".join(found.itertext()) for found in tree.iter(XHTML + "title"))
    if not heading or heading not in re.sub(r"\s+", " ", title):
        yield f"the heading {heading!r} is not in the title {title!r}"


@check
def labelled_controls(answer: Answer) -> Complaints:
    if not answer.is_page:
        return
    tree = answer.tree()
    labels = {label.get("for") for label in tree.iter(XHTML + "label")}
    inside = {id(control) for label in tree.iter(XHTML + "label") for control in label.iter()}
    for tag in ("input", "select", "textarea"):
        for control in tree.iter(XHTML + tag):
            if control.get("type") in ("hidden", "submit") or id(control) in inside:
                continue
            if control.get("id") not in labels and not control.get("aria-label"):
                yield f"the field {control.get('name')} has no label"


@check
def budget(answer: Answer) -> Complaints:
    if answer.is_page and not answer.developer and len(answer.html.encode()) > HTML_BUDGET:
        yield f"{len(answer.html.encode())} bytes of HTML"


@check
def own_host_only(answer: Answer) -> Complaints:
    if not answer.is_page:
        return
    for element in answer.tree().iter():
        for name in ("src", "href", "action", "formaction", "poster", "srcset", "data"):
            address = element.get(name) or ""
            outside = urlsplit(address.strip())
            linked = element.tag == XHTML + "a" and "noopener" in (element.get("rel") or "")
            if outside.scheme in ("tel", "mailto", "data") and element.tag in (XHTML + "a", XHTML + "img"):
                continue
            if (outside.scheme or outside.netloc) and not linked:
                yield f"{element.tag.rpartition('}')[2]} {name}={address[:80]}"


@check
def nothing_inline(answer: Answer) -> Complaints:
    if not answer.is_page:
        return
    for element in answer.tree().iter():
        tag = str(element.tag).rpartition("}")[2]
        if element.get("style") is not None or tag == "style":
            yield f"inline style on {tag}"
        if tag == "script" and not element.get("src"):
            yield "inline script"
        for name in element.attrib:
            if name.startswith("on"):
                yield f"{name} on {tag}"
        if (element.get("href") or "").strip().lower().startswith("javascript:"):
            yield "a javascript: address"


@check
def content_policy_and_headers(answer: Answer) -> Complaints:
    policy = answer.headers.get("Content-Security-Policy", "")
    stands_alone = policy.startswith("sandbox;") and answer.path.startswith("/files/")
    if "default-src 'none'" not in policy or ("'nonce-" not in policy and not stands_alone):
        yield f"the content policy is {policy!r}"
    if "unsafe" in policy:
        yield "the content policy allows unsafe sources"
    for name, value in HEADERS.items():
        if answer.headers.get(name) != value:
            yield f"{name} is {answer.headers.get(name)!r}"
    if answer.is_page and "no-store" not in answer.headers.get("Cache-Control", ""):
        yield f"Cache-Control is {answer.headers.get('Cache-Control')!r}"


@check
def says_its_kind(answer: Answer) -> Complaints:
    """Every answer with a body says what it is, and texts in which characters (ASVS 4.1.1)."""
    kind = answer.headers.get("Content-Type", "")
    if answer.status in (204, 301, 302, 303, 304):
        return
    if not kind or (kind.startswith(("text/", "image/svg")) and "charset=utf-8" not in kind.lower()):
        yield f"Content-Type is {kind!r}"


def _texts(answer: Answer) -> Iterator[str]:
    """Visible texts of a page, without what carries a lang of its own and what people typed (marked translate=no)."""

    def walk(element: Any, language: str | None) -> Iterator[str]:
        tag = str(element.tag).rpartition("}")[2]
        if tag in ("script", "style", "svg", "textarea", "code", "kbd") or element.get("translate") == "no":
            return
        own = element.get("lang")
        skip = own is not None and own != answer.language
        if not skip:
            if element.text:
                yield element.text
            for name in ("aria-label", "placeholder", "title", "alt"):
                if element.get(name):
                    yield element.get(name)
            for child in element:
                yield from walk(child, language)
                if child.tail:
                    yield child.tail

    yield from walk(answer.tree(), None)


_catalogue = polib.pofile(str(ROOT / "translations/zh_Hans/LC_MESSAGES/messages.po"))
ENGLISH_SENTENCES = {
    entry.msgid: entry.msgstr for entry in _catalogue if entry.msgstr and entry.msgstr != entry.msgid
}
CHINESE_SENTENCES = {
    entry.msgstr
    for entry in _catalogue
    if len(entry.msgstr) >= 6 and "%" not in entry.msgstr and CJK.search(entry.msgstr)
}


@check
def nothing_untranslated(answer: Answer) -> Complaints:
    if not answer.is_page or answer.developer:
        return
    tree_language = next((e.get("lang") for e in answer.tree().iter() if e.tag == XHTML + "html"), None)
    if tree_language is None and answer.tree().get("lang") != answer.language:
        yield f"the page says it is in {answer.tree().get('lang')!r}"
    for text in _texts(answer):
        plain = re.sub(r"\s+", " ", text).strip()
        if answer.language == "en":
            if plain in CHINESE_SENTENCES:
                yield f"Chinese in English: {plain!r}"
        elif plain in ENGLISH_SENTENCES or ENGLISH.search(LEFT_IN_LATIN.sub("", plain)):
            yield f"English in Chinese: {plain[:80]!r}"


@check
def few_queries(answer: Answer) -> Complaints:
    usual = FIRST_PAGE if answer.path == "/" else MOST_QUERIES
    most = next((most for start, most in MORE_QUERIES.items() if answer.path.startswith(start)), usual)
    asked = [statement for statement in answer.statements if not BEGINS.match(statement)]
    if len(asked) > most:
        yield f"{len(asked)} statements"


@check
def reading_never_writes(answer: Answer) -> Complaints:
    for statement in answer.statements:
        if WRITES.match(statement) and not SEEN.match(statement):
            yield f"GET wrote: {statement[:80]}"


def links(answer: Answer) -> list[str]:
    """The pages of the portal that this one links to."""
    found = []
    for target in lxml.html.fromstring(answer.html).xpath("//a/@href") if answer.is_page else []:
        address = urlsplit(target)
        if not address.scheme and not address.netloc and address.path.startswith("/"):
            found.append(address._replace(fragment="").geturl())
    return found
