"""The check of pages finds what is wrong in them, and nothing where nothing is wrong."""

import pytest

from tests.support.html import by_html5lib, faults_in

GOOD = '<!doctype html><html lang="zh-Hans"><head><meta charset="utf-8"><title>望溪小学</title></head><body>{}</body></html>'


def test_a_good_page_has_no_faults() -> None:
    pages = {"good": GOOD.format("<main><h1>家访</h1><p>三年级二班</p></main>")}
    assert faults_in(pages) == []
    assert by_html5lib(pages) == []


@pytest.mark.parametrize(
    "seeded",
    ["<p>一<div>二</div></p>", "<ul><li>一</ul></ul>", "<p><b>一</p>", "<table><tr><p>一</p></tr></table>"],
)
def test_broken_nesting_is_found(seeded: str) -> None:
    pages = {"good": GOOD.format("<p>一</p>"), "bad": GOOD.format(seeded)}
    for faults in (faults_in(pages), by_html5lib(pages)):
        assert faults
        assert all(fault.startswith("bad:1: ") for fault in faults)
