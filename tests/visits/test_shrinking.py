"""Photos are made small in the browser before they are sent, and lose where they were taken; whatever a browser cannot do is
left to the portal (``tests/files``), which does it anyway."""

import base64
import io
import os
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Page, Route

from portal.config import ROOT
from tests.support.browser import OpenContext

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><div id="photos"><input type="file" multiple></div>
<script type="module">import { start } from "/shrink.js"; start(document.getElementById("photos"));</script>"""
FILES = """
async () => Promise.all(Array.from(document.querySelector("input").files, (file) => new Promise((done) => {
  const reader = new FileReader();
  reader.onload = () => done([file.name, file.type, reader.result.split(",")[1]]);
  reader.readAsDataURL(file);
})))
"""
DONE = "() => document.querySelector('input').dataset.done === '1'"
WATCH = """
const kept = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "files");
Object.defineProperty(HTMLInputElement.prototype, "files", {
  get() { return kept.get.call(this); },
  set(files) { kept.set.call(this, files); this.dataset.done = "1"; },
});
"""
GPS = "NSRef-25.31N"


@pytest.fixture(scope="module")
def noise() -> Image.Image:
    return Image.frombytes("RGB", (40, 30), os.urandom(40 * 30 * 3)).resize((2400, 1800))


def jpeg(picture: Image.Image, orientation: int = 1) -> bytes:
    """A photo as a phone takes it: where and with what it was taken stands in it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = orientation, GPS
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (25.0, 18.0, 36.0)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=92, exif=exif)
    return written.getvalue()


@pytest.fixture
def open_page(open_context: OpenContext) -> Iterator[Any]:
    """A page with the module on it; ``script`` runs before it."""

    def answer(route: Route) -> None:
        if route.request.url.endswith("shrink.js"):
            route.fulfill(path=ROOT / "static/js/modules/shrink.js", content_type="text/javascript")
        else:
            route.fulfill(body=PAGE, content_type="text/html")

    def open_one(script: str = "") -> Page:
        page = open_context().new_page()
        page.add_init_script(WATCH + script)
        page.route("**/*", answer)
        page.goto("http://localhost/", wait_until="networkidle")
        return page

    yield open_one


def sent(page: Page, *contents: bytes, mime: str = "image/jpeg") -> list[tuple[str, str, bytes]]:
    """What the form would send of these files."""
    page.set_input_files(
        "input",
        [{"name": f"IMG {n}.HEIC.jpg", "mimeType": mime, "buffer": one} for n, one in enumerate(contents)],
    )
    page.wait_for_function(DONE)
    return [(name, kind, base64.b64decode(content)) for name, kind, content in page.evaluate(FILES)]


def test_a_large_photo_gets_small_upright_and_forgets_where_it_was_taken(
    open_page: Any, noise: Image.Image
) -> None:
    lying, small, long = jpeg(noise, 6), jpeg(noise.resize((900, 600))), jpeg(noise.resize((30_000, 40)))
    assert GPS.encode() in lying

    found = sent(open_page(), lying, small, long)

    sizes = []
    for name, kind, content in found:
        picture = Image.open(io.BytesIO(content))
        sizes.append(picture.size)
        assert (name[-4:], kind, picture.format) == (".jpg", "image/jpeg", "JPEG")
        assert not picture.getexif()
        assert GPS.encode() not in content
    assert sizes == [(1200, 1600), (900, 600), (1600, 2)]
    assert len(found[0][2]) < len(lying)


def test_what_the_browser_cannot_read_is_sent_as_it_is(open_page: Any, noise: Image.Image) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + os.urandom(400)
    photo = jpeg(noise.resize((1800, 1350)))
    broken = photo[:300]

    assert [one for *_named, one in sent(open_page(), heic, broken)] == [heic, broken]
    without = "HTMLCanvasElement.prototype.getContext = () => null;"
    assert sent(open_page(without), photo)[0][2] == photo
    no_pixels = "HTMLCanvasElement.prototype.toBlob = (done) => done(null);"
    assert sent(open_page(no_pixels), photo)[0][2] == photo


def test_a_small_drawing_stays_what_it_is(open_page: Any, noise: Image.Image) -> None:
    written = io.BytesIO()
    noise.resize((300, 200)).save(written, "PNG")

    assert sent(open_page(), written.getvalue(), mime="image/png")[0][1:] == ("image/png", written.getvalue())
