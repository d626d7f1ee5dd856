"""A tired teacher at a door: the shortest visit, tapped on a real phone screen."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from portal.rehearsal.town import PASSWORD
from tests.support.server import Portal

pytestmark = pytest.mark.browser
AT_MOST = 6


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


def test_what_was_typed_survives_a_reload(teacher: Page) -> None:
    teacher.get_by_role("link", name="家访", exact=True).tap()
    teacher.locator("a.row", has_text="陈一诺").tap()
    teacher.get_by_role("link", name="记一次家访").tap()
    hopes = teacher.get_by_label("孩子的优点和家里的期盼")
    hopes.fill("一诺爱讲故事。")
    expect(teacher.locator("[data-draft-state]")).not_to_be_empty()

    teacher.reload()

    expect(hopes).to_have_value("一诺爱讲故事。")
