"""Every form of the portal, found by walking, sent with what no honest person types: never a failure, never a traceback."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from tests.site.actors import PLAYERS
from tests.site.crawl import endpoint_of, walk
from tests.site.test_pages import STARTS
from tests.support.client import Page

HOSTILE = (
    "",
    "   ",
    "\x00",
    "a\x00b",
    "\u202eabc",
    "𠮷𠀀𪚥",
    "葛\U000e0100",
    "买买提·艾合买提" * 30,
    "é" * 500,
    "x" * 10_240,
    "=1+1",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n",
    "' OR 1=1 --",
    "-1",
    "0",
    "1e308",
    "NaN",
    "9223372036854775808",
    "１２３",
    "1970-01-01",
    "0000-00-00",
    "9999-12-31",
    "2025-02-29",
    "99:99",
    "../../etc/passwd",
    "https://elsewhere.example/",
    "👨‍👩‍👧",
    "\ufeffabc",
    "\r\nSet-Cookie: a=b",
)
SURROGATE = b"\xed\xa0\x80\xff\xfe"
ADDED = {"role": "system_admin", "school_id": "1", "is_admin": "1", "__proto__": "x", "score": "100"}
KEPT = {"csrf_token"}
ALLOWED = {200, 302, 303, 400, 403, 404, 409, 412, 413, 415, 422, 429}
PER_FORM = 6
"""Hostile sends per form and player in CI; all of them in ``make soak``."""


@dataclass
class Form:
    """A form as it stands on a page."""

    page: str
    action: str
    values: dict[str, list[str]]
    files: bool = False
    names: list[str] = field(default_factory=list)


def forms_on(page: Page) -> Iterator[Form]:
    for form in page.all("form"):
        if (form.get("method") or "get").lower() != "post" or form.get("id") == "switches":
            continue
        values = page.fields(form)
        names = [name for name in values if name not in KEPT and name != "once"]
        for control in form.iter():
            name = control.get("name")
            if name and name not in names and name not in KEPT and name != "once":
                names.append(name)
        yield Form(
            page.path,
            form.get("action") or page.path,
            values,
            form.get("enctype") == "multipart/form-data",
            names,
        )


def hostile_sends(form: Form, chooser: random.Random, most: int | None) -> Iterator[dict[str, object]]:
    """What is sent: one field after the other spoiled, all missing, doubled, with fields nobody asked for."""
    spoiled: list[dict[str, object]] = [
        {**form.values, name: [text]} for name in form.names for text in HOSTILE
    ]
    spoiled += [{**form.values, name: [value, value]} for name in form.names for value in ("x",)]
    spoiled.append({name: value for name, value in form.values.items() if name in KEPT})
    spoiled.append({**form.values, **ADDED})
    spoiled.append({**form.values, **{name: "𠮷" * 200 for name in form.names}})
    if most is not None and len(spoiled) > most:
        spoiled = chooser.sample(spoiled, most)
    yield from spoiled


def complaints_about(app, as_, player, most: int | None) -> tuple[list[str], int]:
    client = as_(player.name, player.role)
    starts = tuple(start for start in STARTS if endpoint_of(app, start))
    pages = [answer for answer in walk(app, client, "zh-Hans", starts, same_page=1) if answer.is_page]
    chooser = random.Random(player.actor)
    found, sent, seen = [], 0, set()
    for answer in pages:
        page = Page(client, client.get(answer.path), answer.path)
        for form in forms_on(page):
            target = app.url_map.bind("localhost").match(form.action.partition("?")[0], method="POST")[0]
            if target in seen or target == "accounts.sign_out":
                continue
            seen.add(target)
            for values in hostile_sends(form, chooser, most):
                kind = {"content_type": "multipart/form-data"} if form.files else {}
                response = client.post(form.action, data=values, **kind)
                sent += 1
                if response.status_code not in ALLOWED or b"Traceback" in response.data:
                    told = {
                        name: str(value)[:60]
                        for name, value in values.items()
                        if form.values.get(name) != value
                    }
                    found.append(f"{target}: {response.status_code} for {told}")
                if "Location" in response.headers and "elsewhere" in response.headers["Location"]:
                    found.append(f"{target}: sent away to {response.headers['Location']}")
    return found, sent


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.actor)
def test_no_form_fails_on_what_it_is_sent(app, as_, player):
    found, _sent = complaints_about(app, as_, player, PER_FORM)

    assert found == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.actor)
def test_no_form_fails_on_anything(app, as_, player, record_property):
    found, sent = complaints_about(app, as_, player, None)
    record_property("sent", sent)

    assert found == []
    assert sent > 0 or player.actor in ("leaver", "restricted_guardian")


ODD_ADDRESSES = (
    "/courses/%00",
    "/courses/..%2f..%2fetc",
    "/courses/" + "a" * 4000,
    "/courses/?after=%00&q=%25_%5c",
    "/courses/?after=" + "A" * 3000,
    "/courses/?after=WzFdCg",
    "/courses/?q=" + "字" * 3000,
    "/stars/?q=%ff%fe",
    "/account/sign-in?to=//elsewhere.example",
    "/account/sign-in?to=%0d%0aSet-Cookie:%20a=b",
    "/account/sign-in?to=javascript:alert(1)",
    "/account/sign-in?to=/%5c%5celsewhere.example",
    "//elsewhere.example/",
    "/;x",
    "/schools/terms/99999999999999999999",
    "/schools/terms/-1",
    "/notices/?after=-1",
    "/visits/?q=" + "%F0%9F%98%80" * 50,
)


@pytest.mark.parametrize("path", ODD_ADDRESSES)
def test_odd_addresses_are_answered_in_words(as_, path):
    for name in (None, "李晚晴", "王雪", "张建平"):
        response = as_(name).get(path)

        assert response.status_code in {200, 302, 308, 400, 403, 404, 414}, (name, response.status_code)
        assert "elsewhere.example" not in response.headers.get("Location", "").partition("?")[0]


@pytest.mark.parametrize("typed", ["%25", "%3Cb%3E", "&lt;", "&amp;lt;", "a%2Fb+c", "\\u003c"])
def test_nothing_is_decoded_twice(as_, typed):
    """What was typed comes back as it was typed: decoded once on the way in, escaped once on the way out."""
    page = as_("王雪").page("/visits/", query_string={"q": typed})
    twice = as_("王雪").page(f"/visits/?q={quote(quote(typed))}")

    assert [field.get("value") for field in page.all("input", name="q")] == [typed]
    assert [field.get("value") for field in twice.all("input", name="q")] == [quote(typed)]
    assert as_("王雪").get("/courses/%252e%252e%252faccount%252f").status_code == 404


@pytest.mark.parametrize(
    "body, kind",
    [
        (SURROGATE, "application/x-www-form-urlencoded"),
        (b"name=" + SURROGATE, "application/x-www-form-urlencoded"),
        (b"{" * 10_000, "application/json"),
        (b"a=1&" * 60_000, "application/x-www-form-urlencoded"),
        (b"x" * 700_000, "text/plain"),
        (b"--x\r\n" * 2000, "multipart/form-data; boundary=x"),
        (b"name=" + b"x" * 600_000, "application/x-www-form-urlencoded"),
    ],
    ids=["bytes", "surrogate", "json", "many-fields", "plain", "multipart", "long"],
)
def test_odd_bodies_are_refused(as_, body, kind):
    for name in (None, "李晚晴"):
        response = as_(name).post("/account/sign-in", data=body, content_type=kind)

        assert response.status_code in {400, 413, 415, 422}
