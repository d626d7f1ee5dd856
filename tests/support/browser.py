"""A real Chromium for tests, driven by Playwright.

Load it with `pytest_plugins = ["tests.support.browser"]`. Fixtures: `chromium` (the browser, once per worker),
`open_context` (a function that opens a context and closes it after the test), `phone` and `desktop` (a page each).
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import machine
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.support.needs import missing

PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
# The browser's own errands to the Internet are none of the tests' business.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
SECONDS_TO_WAIT = 15

OpenContext = Callable[..., BrowserContext]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, headless; one for all tests of a worker."""
    program = machine.find_chromium()
    if program is None:
        missing(machine.CHROMIUM)
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def open_context(chromium: Browser) -> Iterator[OpenContext]:
    """Opens contexts (separate cookies and storage): `open_context(PHONE, color_scheme="dark")`.

    Language, time zone and waiting time are those of a user in China and can be overridden by keyword.
    """
    opened: list[BrowserContext] = []

    def open_one(viewport: ViewportSize = PHONE, **options: Any) -> BrowserContext:
        phone = viewport["width"] < 600
        settings: dict[str, Any] = {
            "viewport": viewport,
            "locale": "zh-CN",
            "timezone_id": "Asia/Shanghai",
            "has_touch": phone,
            "is_mobile": phone,
            "device_scale_factor": 2 if phone else 1,
            "reduced_motion": "reduce",
            **options,
        }
        context = chromium.new_context(**settings)
        context.set_default_timeout(SECONDS_TO_WAIT * 1000)
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def phone(open_context: OpenContext) -> Page:
    """A page on a phone of 360 × 740."""
    return open_context(PHONE).new_page()


@pytest.fixture
def desktop(open_context: OpenContext) -> Page:
    """A page on a screen of 1280 × 800."""
    return open_context(DESKTOP).new_page()
