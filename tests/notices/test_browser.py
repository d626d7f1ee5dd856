"""In a real browser: a page that is shown is noted by itself; without scripts a button does it."""

import pytest
from playwright.sync_api import expect

from portal.rehearsal.town import PASSWORD
from tests.support.browser import PHONE
from tests.support.server import Portal

pytestmark = pytest.mark.browser
TITLE = "下周二口腔检查，当天早上请刷牙"


@pytest.fixture(scope="module")
def address(tmp_path_factory, town_in):
    """The address of a served portal with the town in it."""
    portal = Portal(
        town_in(tmp_path_factory.mktemp("notices")), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}
    )
    with portal:
        yield portal.address


def sign_in(page, address, account):
    page.goto(f"{address}/account/sign-in?to=/notices/")
    page.fill("[name=name]", account)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{address}/notices/")


def test_a_page_that_is_shown_is_noted_by_itself(open_context, address):
    page = open_context(PHONE).new_page()
    sign_in(page, address, "zhouguilan")
    page.get_by_role("link", name=TITLE).click()

    expect(page.get_by_text("已记下您看过这条通知")).to_be_visible()
    expect(page.get_by_role("button", name="我看过了")).to_have_count(0)

    page.reload()
    expect(page.get_by_text("您在")).to_contain_text("打开过")


def test_without_scripts_the_button_notes_it(open_context, address):
    page = open_context(PHONE, java_script_enabled=False).new_page()
    sign_in(page, address, "fangqing")
    page.get_by_role("link", name=TITLE).click()

    page.get_by_role("button", name="我看过了").click()

    expect(page.get_by_text("已记下，谢谢您看完")).to_be_visible()
