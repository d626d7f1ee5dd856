"""The browser the tests use is a real one, set as a user in China has it."""

import pytest
from playwright.sync_api import Page

from tests.support.browser import DESKTOP, OpenContext

pytestmark = pytest.mark.browser


def test_a_phone_speaks_chinese_and_is_narrow(phone: Page) -> None:
    phone.set_content("<meta name=viewport content='width=device-width'><p>望溪小学</p>")
    facts = phone.evaluate(
        "[innerWidth, navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone]"
    )
    assert facts == [360, "zh-CN", "Asia/Shanghai"]


def test_chinese_characters_have_a_font(phone: Page) -> None:
    phone.set_content("<canvas width=80 height=40></canvas>")
    different = phone.evaluate(
        """() => {
          const draw = (text) => {
            const canvas = document.createElement('canvas');
            const pen = canvas.getContext('2d');
            pen.font = '32px sans-serif';
            pen.fillText(text, 0, 32);
            return canvas.toDataURL();
          };
          return draw('望') !== draw('溪');
        }"""
    )
    assert different


def test_options_override_the_usual_ones(open_context: OpenContext) -> None:
    page = open_context(DESKTOP, locale="en-GB", color_scheme="dark").new_page()
    assert page.evaluate("[navigator.language, matchMedia('(prefers-color-scheme: dark)').matches]") == [
        "en-GB",
        True,
    ]
