"""A tired teacher at a door: the shortest visit, tapped on a real phone screen."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from portal.rehearsal.town import PASSWORD
from tests.support.flaky import Flaky
from tests.support.server import Portal
from tests.visits.phones import Phone

pytestmark = pytest.mark.browser
AT_MOST = 6
AT_MOST_AT_THE_DOOR = 4
"""From the opened list on the device: family, way, person, hand in."""
MUSTS_AT_MOST = 4
"""Chips of way and person, day, time: nothing else is asked for; day and time are filled in already."""


class Taps:
    """Counts what a thumb does."""

    def __init__(self) -> None:
        self.count = 0

    def tap(self, where: Locator) -> None:
        where.tap()
        self.count += 1


@pytest.fixture
def served(town_in: Callable[[Path], Path], tmp_path: Path) -> Iterator[str]:
    """The address of a portal with the town in it."""
    with Portal(town_in(tmp_path), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}) as portal:
        yield portal.address


@pytest.fixture
def teacher(served: str, phone: Page) -> Page:
    """王雪 on her phone, on her first page."""
    phone.goto(f"{served}/account/sign-in")
    phone.fill("[name=name]", "wangxue")
    phone.fill("[name=password]", PASSWORD)
    phone.get_by_role("button", name="登录").click()
    phone.wait_for_url(f"{served}/")
    return phone


def test_the_shortest_visit_takes_at_most_six_taps(teacher: Page) -> None:
    taps = Taps()
    taps.tap(teacher.get_by_role("link", name="家访", exact=True))
    taps.tap(teacher.locator("a.row", has_text="陈一诺"))
    taps.tap(teacher.get_by_role("link", name="记一次家访"))
    taps.tap(teacher.locator(".option", has_text="电话"))
    taps.tap(teacher.locator(".option", has_text="妈妈"))
    taps.tap(teacher.get_by_role("button", name="提交家访记录"))

    expect(teacher.get_by_role("heading", level=1)).to_contain_text("的家访")
    assert taps.count <= AT_MOST


def test_chips_come_first_and_the_large_box_suits_the_keyboards_dictation(teacher: Page) -> None:
    taps = Taps()
    taps.tap(teacher.get_by_role("link", name="家访", exact=True))
    taps.tap(teacher.locator("a.row", has_text="陈一诺"))
    taps.tap(teacher.get_by_role("link", name="记一次家访"))
    teacher.wait_for_url("**/visits/new?*")
    form = teacher.locator("form[data-module=autosave]")
    looks_first_at(form)
    taps.tap(form.locator(".option", has_text="电话"))
    taps.tap(form.locator(".option", has_text="妈妈"))
    box = form.get_by_label("孩子的优点和家里的期盼")
    taps.tap(box)
    expect(box).to_be_focused()
    teacher.keyboard.insert_text("一诺爱讲故事，妈妈盼着她多认几个新朋友。")
    taps.tap(teacher.get_by_role("button", name="提交家访记录"))

    expect(teacher.get_by_text("妈妈盼着她多认几个新朋友")).to_be_visible()
    assert taps.count <= AT_MOST + 1


def looks_first_at(form: Locator) -> None:
    """Chips stand before every box; the box is large, plain and takes sentences; only who, when and how are musts."""
    kinds = form.locator("input:visible, textarea:visible, .option:visible").evaluate_all(
        "found => found.map(one => one.classList.contains('option') ? 'chip' : one.tagName === 'TEXTAREA' ? 'box' : one.type)"
    )
    typed = [kind for kind in kinds if kind in ("chip", "box", "text", "date", "time")]
    assert typed[0] == "chip" and typed.index("box") > max(
        at for at, kind in enumerate(typed) if kind == "chip"
    )
    before_box = [kind for kind in typed[: typed.index("box")] if kind != "chip"]
    assert sorted(before_box) == ["date", "time"] and len(before_box) + 2 <= MUSTS_AT_MOST
    box = form.get_by_label("孩子的优点和家里的期盼")
    assert box.evaluate("one => [one.rows >= 6, one.autocapitalize, one.enterKeyHint, one.maxLength]") == [
        True,
        "sentences",
        "enter",
        -1,
    ]
    size = box.bounding_box()
    assert size is not None and size["width"] > 280 and size["height"] > 120


def test_the_shortest_visit_without_a_network_takes_at_most_four_taps(
    chromium: Browser, town_in: Callable[[Path], Path], tmp_path: Path
) -> None:
    with (
        Portal(
            town_in(tmp_path / "portal"), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}
        ) as portal,
        Flaky(("127.0.0.1", portal.port), seed=1, share=0) as network,
    ):
        phone = Phone(chromium, tmp_path / "profile", network)
        phone.sign_in()
        phone.take_along("陈一诺")
        phone.unlock()
        phone.page.locator("[data-list]:visible").wait_for()
        network.off = True
        taps, page = Taps(), phone.page
        taps.tap(page.locator("a.row", has_text="陈一诺"))
        looks_first_at(page.locator("form[data-form]"))
        taps.tap(page.locator(".option:visible", has_text="电话"))
        taps.tap(page.locator(".option:visible", has_text="妈妈"))
        taps.tap(page.get_by_role("button", name="提交这次家访"))

        page.locator("[data-list]:visible").wait_for()
        expect(page.locator("[data-count]")).to_contain_text("1 条")
        assert taps.count <= AT_MOST_AT_THE_DOOR
        phone.kill()


def test_what_was_typed_survives_a_reload(teacher: Page) -> None:
    teacher.get_by_role("link", name="家访", exact=True).tap()
    teacher.locator("a.row", has_text="陈一诺").tap()
    teacher.get_by_role("link", name="记一次家访").tap()
    hopes = teacher.get_by_label("孩子的优点和家里的期盼")
    hopes.fill("一诺爱讲故事。")
    expect(teacher.locator("[data-draft-state]")).not_to_be_empty()

    teacher.reload()

    expect(hopes).to_have_value("一诺爱讲故事。")
