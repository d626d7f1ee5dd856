"""The page of all components: strict HTML in every language and mode, nothing inline, nothing forgotten."""

import itertools
import re
from pathlib import Path

import html5lib
import pytest

from portal import create_app
from portal.config import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ROOT / "templates/components"
INLINE = re.compile(r"<[^>]*\s(?:style|on[a-z]+)=|<style|javascript:", re.I)
WAYS = list(
    itertools.product(("zh-Hans", "zh-Hant", "en"), ("", "1"), ("light", "dark"), ("app", "public", "focus"))
)


@pytest.mark.parametrize(("language", "elder", "theme", "layout"), WAYS)
def test_every_way_of_showing_it_is_strict_html(as_, language, elder, theme, layout):
    address = f"/styles?language={language}&elder={elder}&theme={theme}&layout={layout}"
    answer = as_(None).get(address)

    assert answer.status_code == 200
    html = answer.get_data(as_text=True)
    html5lib.HTMLParser(strict=True).parse(html)
    assert not INLINE.search(html)
    assert f'<html lang="{language}"' in html
    assert ("data-elder" in html[:400]) is bool(elder)


def test_the_net_catches_an_inline_style():
    assert INLINE.search('<p class="a" style="color: red">')
    assert INLINE.search('<button onclick="go()">')


def test_every_component_is_shown():
    page = (ROOT / "templates/styles/index.html").read_text(encoding="utf-8")
    layouts = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "templates/layouts").glob("*.html")
    )
    shown = set(re.findall(r'"components/(\w+)\.html"', page + layouts))
    reached = shown | {
        name
        for component in shown
        for name in re.findall(
            r'"components/(\w+)\.html"', (COMPONENTS / f"{component}.html").read_text(encoding="utf-8")
        )
    }
    assert {file.stem for file in COMPONENTS.glob("*.html")} == reached


def test_every_style_belongs_to_a_component_and_every_component_says_how_it_is_used():
    templates = {file.stem for file in COMPONENTS.glob("*.html")}
    assert {file.stem for file in (ROOT / "static/css/components").glob("*.css")} <= templates
    for file in COMPONENTS.glob("*.html"):
        assert file.read_text(encoding="utf-8").startswith("{#"), file.name


def test_the_page_exists_in_development_only(tmp_path):
    public = create_app(Settings(instance=tmp_path, database_url="", development=False))

    assert "styles.index" not in public.view_functions
