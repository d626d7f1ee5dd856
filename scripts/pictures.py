"""The pictures of the README, taken again from the running portal with the rehearsal district.

    .venv/bin/python scripts/pictures.py [NAME …]

Needs Chromium and what `make test` installs. Without names all of `docs/pictures/` is made anew.
"""

import argparse
import io
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import machine
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from words import StopError, prepare_streams, say, stop

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from portal.rehearsal.town import PASSWORD  # noqa: E402
from tests.support.browser import ARGUMENTS, PHONE  # noqa: E402
from tests.support.server import Portal  # noqa: E402

FOLDER = ROOT / "docs/pictures"
COLOURS = 128
LARGEST_TOGETHER = 900_000
BOARD: ViewportSize = {"width": 1280, "height": 1250}


@dataclass(frozen=True)
class Picture:
    """One picture: its file, who looks (an account, or nobody), where, and the links to follow from there."""

    name: str
    account: str
    path: str
    links: tuple[str, ...] = ()
    wide: bool = False


PICTURES = (
    Picture("sign-in", "", "/account/sign-in"),
    Picture("parent", "liwanqing", "/"),
    Picture("elder", "zhouguilan", "/"),
    Picture("notice", "liwanqing", "/notices/", ("main a[href^='/notices/']:has-text('认树')",)),
    Picture("course", "liwanqing", "/courses/", ("main a:has-text('陪孩子读书')",)),
    Picture("visit", "sunlide", "/visits/school", ("main a[href^='/visits/']:has-text('待家长确认')",)),
    Picture("stars", "", "/stars/", ("main a[href^='/stars/']",)),
    Picture("district", "zhangjianping", "/", wide=True),
)


def take(browser: Browser, address: str, picture: Picture) -> bytes:
    """One picture as PNG; the page is the one a person gets to by signing in and following the link."""
    context = browser.new_context(
        viewport=BOARD if picture.wide else PHONE,
        device_scale_factor=1 if picture.wide else 2,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        color_scheme="light",
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        if picture.account:
            sign_in(page, address, picture.account)
        page.goto(address + picture.path)
        for link in picture.links:
            page.locator(link).first.click()
        page.wait_for_load_state("networkidle")
        return page.screenshot()
    finally:
        context.close()


def sign_in(page: Page, address: str, account: str) -> None:
    """Sign in as a person does."""
    page.goto(f"{address}/account/sign-in")
    page.fill("[name=name]", account)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{address}/")


def shrunk(content: bytes) -> bytes:
    """A PNG with a palette of its own: a third of the size, and nothing to see of it."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    few = image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, "PNG", optimize=True)
    return small.getvalue()


def take_all(names: list[str]) -> None:
    """Serve a rehearsal district from an empty folder and take the pictures named, or all."""
    program = machine.find_chromium()
    if program is None:
        raise stop("缺少 Chromium，请先安装。", "Chromium is missing; install it first.")
    unknown = set(names) - {picture.name for picture in PICTURES}
    if unknown:
        raise stop(f"没有这些图片：{'、'.join(unknown)}", f"No such pictures: {', '.join(unknown)}")
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        portal = Portal(Path(folder), workers=1)
        portal.command("db", "upgrade")
        portal.command("rehearsal", "load")
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        with portal:
            for picture in PICTURES:
                if not names or picture.name in names:
                    content = shrunk(take(browser, portal.address, picture))
                    (FOLDER / f"{picture.name}.png").write_bytes(content)
                    say(
                        f"{picture.name}：{len(content) // 1024} KB",
                        f"{picture.name}: {len(content) // 1024} KB",
                    )
        browser.close()
    together = sum(path.stat().st_size for path in FOLDER.glob("*.png"))
    if together > LARGEST_TOGETHER:
        raise stop(
            f"图片共 {together // 1024} KB，太大了。", f"The pictures are too large: {together // 1024} KB."
        )


def main(words: list[str]) -> int:
    """Take the pictures; 0 when it succeeded, 1 with one line when not."""
    prepare_streams()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="names of pictures; none means all")
    try:
        take_all(parser.parse_args(words).names)
    except StopError as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
