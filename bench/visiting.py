"""Signing in to the portal as a person does and asking for pages in this process, to measure them with a real session."""

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import WSGIApplication

from flask import Flask
from werkzeug.test import EnvironBuilder

from bench.pages import Page

Call = Callable[[], bytes]
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def cookie_of(app: Flask, account: str, password: str) -> str:
    """The Cookie header of a browser in which this account is signed in."""
    client = app.test_client()
    found = TOKEN.search(client.get("/account/sign-in").get_data(as_text=True))
    if found is None:
        raise LookupError("the sign-in page has no form token")
    values = {"csrf_token": found[1], "name": account, "password": password}
    answer = client.post("/account/sign-in", data=values)
    if answer.status_code != 303:
        raise PermissionError(f"{account} cannot sign in: {answer.status}")
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    if cookie is None:
        raise LookupError(f"{account} got no session")
    return f"{cookie.key}={cookie.value}"


def path_of(app: Flask, page: Page, cookie: str) -> str:
    """The address of a page, looked up where it is only known by a link."""
    if not page.follow:
        return page.path
    answer = app.test_client(use_cookies=False).get(page.path, headers={"Cookie": cookie})
    found = re.search(rf'href="({page.follow}[\w-]{{22}})"', answer.get_data(as_text=True))
    if found is None:
        raise LookupError(f"{page.path} of {page.account} links to nothing under {page.follow}")
    return found[1]


def cookies_for(app: Flask, pages: Iterable[Page], password: str) -> dict[str, str]:
    """The Cookie header of each account that looks at one of the pages."""
    return {account: cookie_of(app, account, password) for account in {page.account for page in pages}}


def in_process(application: WSGIApplication, path: str, cookie: str) -> Call:
    """A function that asks the application for a page as gunicorn would, without a network."""
    environ: dict[str, Any] = EnvironBuilder(
        path, headers={"Cookie": cookie, "Accept-Language": "zh-CN"}
    ).get_environ()
    statuses: list[str] = []

    def start_response(status: str, _headers: Any, _error: Any = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda _body: None

    def call() -> bytes:
        statuses.clear()
        answer = application({**environ, "wsgi.input": BytesIO()}, start_response)
        try:
            body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close:
                close()
        if not statuses[0].startswith("200"):
            raise RuntimeError(f"{path} answers {statuses[0]}")
        return body

    return call


def block_of(call: Call, count: int, clock: Callable[[], float]) -> float:
    """CPU seconds a call takes, over a number of calls."""
    began = clock()
    for _ in range(count):
        call()
    return (clock() - began) / count
