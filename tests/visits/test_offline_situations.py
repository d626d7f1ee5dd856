"""What may go wrong on a device: each time the person is told in words, and what was typed is still there."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from portal import clock
from tests.support.browser import PHONE
from tests.support.flaky import Flaky
from tests.support.server import Portal
from tests.visits.phones import VISITS, Phone

pytestmark = pytest.mark.browser
CHILD = "赵小满"
HOPES = "孩子的优点和家里的期盼"
WORDS = "小满会自己缝扣子"


class Window(Phone):
    """A window without a profile on disk; ``script`` runs before every page."""

    def __init__(self, chromium: Browser, network: Flaky, script: str = "") -> None:
        self.script = script
        super().__init__(chromium, Path(), network)

    def start(self) -> Page:
        self.context = self.chromium.new_context(
            viewport=PHONE, locale="zh-CN", timezone_id="Asia/Shanghai", has_touch=True, is_mobile=True,
            reduced_motion="reduce",
        )  # fmt: skip
        self.context.set_default_timeout(20_000)
        if self.script:
            self.context.add_init_script(self.script)
        self.page = self.context.new_page()
        self.page.on("dialog", lambda dialog: dialog.accept())
        return self.page

    def kill(self) -> None:
        assert self.context
        self.context.close()

    def ready(self) -> "Window":
        """Signed in, one family on the device, the shell open."""
        self.sign_in()
        self.take_along(CHILD)
        self.unlock()
        self.page.locator("[data-list]:visible").wait_for()
        return self

    def says(self, words: str) -> None:
        """The device tells this in words."""
        expect(self.page.locator("main")).to_contain_text(words)

    def without_worker(self) -> None:
        """The shell comes from the portal each time, so that a test may change it on the way."""
        self.page.evaluate(
            "navigator.serviceWorker.getRegistrations()"
            ".then((all) => Promise.all(all.map((one) => one.unregister())))"
        )

    def keep(self, change: str) -> None:
        """Change what the database of the device keeps under "vault"; ``change`` is a script over ``vault``."""
        self.page.evaluate(
            "idb.openDB('gongyu-visits').then(async (base) => { const vault = await base.get('keep', 'vault');"
            f" {change}; await base.put('keep', vault, 'vault'); base.close(); }})"
        )

    def waiting(self) -> int:
        """How many visits wait in the database of the device."""
        return len(self.page.evaluate(VISITS))


@pytest.fixture(scope="module")
def network(town_in: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flaky]:
    folder = town_in(tmp_path_factory.mktemp("situations") / "portal")
    settings = {"PORTAL_PASSWORD_MEMORY_KIB": "64"}
    with (
        Portal(folder, workers=1, settings=settings) as portal,
        Flaky(("127.0.0.1", portal.port)) as flaky,
    ):
        yield flaky


@pytest.fixture
def window(chromium: Browser, network: Flaky) -> Iterator[Callable[..., Window]]:
    """``window(script)`` opens a window in which the script runs before every page."""
    opened: list[Window] = []

    def open_one(script: str = "") -> Window:
        network.off = network.bad = network.hangs = False
        network.slow = 0
        network.only = "/drafts"
        opened.append(Window(chromium, network, script))
        return opened[-1]

    yield open_one
    network.off = network.bad = network.hangs = False
    network.slow = 0
    for one in opened:
        one.kill()


def test_a_tap_is_not_lost_while_the_list_is_told_anew(window: Callable[..., Window], network: Flaky) -> None:
    phone = window().ready()
    place = phone.page.locator("a.row", has_text=CHILD)
    place.wait_for()
    row = place.bounding_box()
    assert row
    phone.page.mouse.move(row["x"] + row["width"] / 2, row["y"] + row["height"] / 2)
    phone.page.mouse.down()
    with phone.page.expect_response("**/standing"):
        phone.page.evaluate("window.dispatchEvent(new Event('online'))")
    phone.page.wait_for_timeout(500)
    phone.page.mouse.up()

    expect(phone.page.get_by_label(HOPES)).to_be_visible()


def test_a_slow_library_does_not_cost_the_form(window: Callable[..., Window], network: Flaky) -> None:
    """The page's script waits for the library of the database, however late that comes."""

    def late(route: Route) -> None:
        time.sleep(1)
        route.continue_()

    phone = window()
    phone.sign_in()
    phone.page.route("**/vendor/idb*", late)
    phone.page.goto(f"{network.address}/visits/take-along")

    expect(phone.page.locator("form:visible [name=code]")).to_be_visible()


SLOWER_THAN_PATIENCE = 11
LONG = 60_000


def test_a_network_that_hangs_leads_to_what_is_on_the_device(
    window: Callable[..., Window], network: Flaky
) -> None:
    """Accepted and never answered: the shell shows all the same, and visits can be written."""
    phone = window().ready()
    network.hangs = True
    phone.page.goto(f"{network.address}/visits/take-along", wait_until="commit")
    phone.says("平台没有及时应答")
    phone.unlock()
    phone.write(CHILD, "电话", WORDS)

    assert phone.waiting() == 1


@pytest.mark.soak
def test_a_slow_portal_is_waited_for_by_who_insists(window: Callable[..., Window], network: Flaky) -> None:
    phone = window().ready()
    network.slow = SLOWER_THAN_PATIENCE
    phone.page.goto(f"{network.address}/visits/take-along", wait_until="commit")
    phone.says("平台没有及时应答")
    phone.page.get_by_role("button", name="再等等平台").click(no_wait_after=True)

    expect(phone.page.get_by_role("heading", name="带上今天的家访")).to_be_visible(timeout=LONG)


@pytest.mark.soak
def test_with_nothing_on_the_device_a_slow_portal_is_waited_for(
    window: Callable[..., Window], network: Flaky
) -> None:
    phone = window().ready()
    phone.page.get_by_role("button", name="清除这台设备上的内容").click()
    phone.says("已清除")
    network.slow = SLOWER_THAN_PATIENCE
    phone.page.goto(f"{network.address}/visits/", wait_until="commit", timeout=LONG)

    expect(phone.page.get_by_role("heading", name="家访", exact=True)).to_be_visible(timeout=LONG)


@pytest.mark.soak
def test_taking_along_gives_up_on_a_network_that_hangs(window: Callable[..., Window], network: Flaky) -> None:
    phone = window()
    phone.sign_in()
    phone.page.goto(f"{network.address}/visits/take-along")
    phone.page.locator("form:visible [name=code]").wait_for()
    network.hangs = True
    phone.choose_here(CHILD)
    expect(phone.page.locator("main")).to_contain_text("现在没有网络", timeout=40_000)
    network.hangs = False
    phone.page.get_by_role("button", name="带上", exact=True).click()
    phone.page.wait_for_url("**/visits/offline")


FULL = """
const put = IDBObjectStore.prototype.put;
IDBObjectStore.prototype.put = function (...given) {
  if (window.isFull) throw new DOMException("full", "QuotaExceededError");
  return put.apply(this, given);
};
"""


def test_a_full_device_keeps_the_text_on_the_page(window: Callable[..., Window], network: Flaky) -> None:
    phone = window(FULL).ready()
    network.off = True
    phone.page.evaluate("window.isFull = true")
    phone.page.locator("a.row", has_text=CHILD).click()
    phone.page.locator(".option", has_text="电话").click()
    phone.page.locator(".option:visible", has_text="孩子").first.click()
    phone.page.get_by_label(HOPES).fill(WORDS)
    phone.page.get_by_role("button", name="提交这次家访").click()
    phone.says("设备存满了")
    expect(phone.page.get_by_label(HOPES)).to_have_value(WORDS)
    phone.page.get_by_role("button", name="全部家庭").click()
    expect(phone.page.get_by_label(HOPES)).to_have_value(WORDS)

    phone.page.evaluate("window.isFull = false")
    phone.page.get_by_role("button", name="提交这次家访").click()
    phone.page.locator("[data-list]:visible").wait_for()
    assert phone.waiting() == 1


REFUSED = 'IDBFactory.prototype.open = () => { throw new DOMException("no", "InvalidStateError"); };'
NOTHING_KEPT = 'Storage.prototype.setItem = () => { throw new DOMException("no", "QuotaExceededError"); };'


@pytest.mark.parametrize("script", [REFUSED, NOTHING_KEPT])
def test_a_private_window_says_so_and_the_form_still_works(
    window: Callable[..., Window], network: Flaky, script: str
) -> None:
    phone = window(script)
    phone.sign_in()
    phone.page.goto(f"{network.address}/visits/take-along")
    phone.says("无痕")
    expect(phone.page.locator("form [name=code]")).to_be_hidden()
    phone.page.goto(f"{network.address}/visits/offline")
    phone.says("存不了" if REFUSED in script else "没有家访")


def test_a_database_closed_by_the_system_is_opened_again(
    window: Callable[..., Window], network: Flaky
) -> None:
    phone = window("""
const open = IDBFactory.prototype.open;
window.bases = [];
IDBFactory.prototype.open = function (...given) {
  const asked = open.apply(this, given);
  asked.addEventListener("success", () => window.bases.push(asked.result));
  return asked;
};
""").ready()
    network.off = True
    phone.page.evaluate("bases.forEach((base) => base.close())")
    phone.write(CHILD, "电话", WORDS)
    phone.page.evaluate("bases.forEach((base) => { base.close(); base.dispatchEvent(new Event('close')); })")
    phone.page.locator("a.row", has_text=CHILD).click()

    expect(phone.page.get_by_label(HOPES)).to_have_value(WORDS)
    assert phone.waiting() == 1


@pytest.mark.soak
@pytest.mark.parametrize("hours", [-24, 24])
def test_a_clock_that_is_a_day_off_is_told_and_put_right(
    window: Callable[..., Window], network: Flaky, hours: int
) -> None:
    phone = window()
    phone.sign_in()
    phone.page.clock.set_system_time(clock.now() + timedelta(hours=hours))
    phone.take_along(CHILD)
    phone.unlock()
    phone.says("24 小时")
    phone.page.locator("a.row", has_text=CHILD).click()

    expect(phone.page.locator("[name=held_on]")).to_have_value(clock.today().isoformat())
    phone.page.get_by_role("button", name="全部家庭").click()
    phone.write(CHILD, "电话", WORDS)
    expect(phone.page.locator("[data-count]")).to_have_text("都已传到平台。")


def test_a_clock_that_goes_wrong_later_is_told_on_the_next_contact(
    window: Callable[..., Window], network: Flaky
) -> None:
    phone = window().ready()
    network.off = True
    # An answer still on its way would tell the page of the new clock at once, and the form would begin with the right day.
    phone.page.wait_for_timeout(1_000)
    phone.page.clock.set_system_time(clock.now() + timedelta(hours=24))
    phone.write(CHILD, "电话", WORDS)
    network.off = False
    phone.page.get_by_role("button", name="现在上传").click()

    phone.says("24 小时")
    phone.says("需要改")
    assert phone.waiting() == 1
    phone.page.locator("a.row", has_text=CHILD).click()
    phone.says("这一天还没到")
    phone.page.locator("[name=held_on]").fill(clock.today().isoformat())
    phone.page.get_by_role("button", name="提交这次家访").click()
    expect(phone.page.locator("[data-count]")).to_have_text("都已传到平台。")


def test_after_seven_days_families_go_and_texts_stay_after_fourteen_all_goes(
    window: Callable[..., Window], network: Flaky
) -> None:
    phone = window().ready()
    network.off = True
    phone.write(CHILD, "电话", WORDS)
    phone.page.clock.set_system_time(clock.now() + timedelta(hours=49))
    phone.open()
    phone.says("两天没有上传")
    phone.page.clock.set_system_time(clock.now())
    phone.keep("vault.takenAt -= 6 * 86400000")
    phone.open()
    phone.says("再过 1 天")
    phone.keep("vault.takenAt -= 2 * 86400000")
    phone.open()
    phone.says("已满七天")
    phone.page.get_by_role("button", name="导出文字").click()
    expect(phone.page.locator("[data-exported] textarea")).to_have_value(re.compile(WORDS))
    phone.keep("vault.takenAt -= 7 * 86400000")
    phone.page.goto(f"{network.address}/visits/offline")
    phone.says("联网")
    assert phone.waiting() == 1
    network.off = False
    phone.page.reload()
    phone.says("已清除")
    assert phone.page.evaluate("indexedDB.databases().then((all) => all.length)") == 0


def test_a_newer_app_takes_over_a_full_queue(window: Callable[..., Window], network: Flaky) -> None:
    """The store of the device gets a step more; what waits in the older one is still there."""
    phone = window().ready()
    network.off = True
    phone.write(CHILD, "电话", WORDS)
    phone.without_worker()
    network.off = False
    version = "indexedDB.databases().then((all) => all[0].version)"
    before = phone.page.evaluate(version)

    def newer(route: Route) -> None:
        got = route.fetch()
        added = '(database) => database.createObjectStore("more"),\n];'
        route.fulfill(
            status=200, content_type="text/javascript", body=got.text().replace("\n];", f"\n  {added}", 1)
        )

    phone.page.route("**/offline/store.js", newer)
    phone.page.route("**/drafts", lambda route: route.abort())
    phone.open()
    phone.page.locator("a.row", has_text=CHILD).click()
    expect(phone.page.get_by_label(HOPES)).to_have_value(WORDS)
    assert phone.page.evaluate(version) == before + 1
    assert phone.waiting() == 1

    phone.page.unroute("**/offline/store.js")
    phone.page.goto(f"{network.address}/visits/offline")
    phone.says("这个页面比设备里存的旧")
    assert phone.waiting() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [(-1, "这个页面比平台旧"), pytest.param(1, "平台暂时比这个页面旧", marks=pytest.mark.soak)],
)
def test_an_app_of_another_age_waits_and_then_sends(
    window: Callable[..., Window], network: Flaky, change: int, words: str
) -> None:
    phone = window().ready()
    phone.without_worker()

    def other(route: Route) -> None:
        got = route.fetch()
        route.fulfill(
            status=200,
            content_type="text/javascript",
            body=got.text().replace("export const FORMAT = 1", f"export const FORMAT = {1 + change}"),
        )

    phone.page.route("**/offline/queue.js", other)
    phone.open()
    phone.write(CHILD, "电话", WORDS)
    phone.says(words)
    assert phone.waiting() == 1

    phone.page.unroute("**/offline/queue.js")
    phone.open()
    expect(phone.page.locator("[data-count]")).to_have_text("都已传到平台。")


@pytest.mark.soak
def test_who_stays_signed_in_after_all_loses_nothing(window: Callable[..., Window], network: Flaky) -> None:
    phone = window("window.confirm = () => false;").ready()
    network.bad, network.share = True, 1
    phone.write(CHILD, "电话", WORDS)
    phone.page.goto(f"{network.address}/account/")
    phone.says("有 1 条家访没有上传")
    phone.page.get_by_role("button", name="退出这台设备").last.click()

    phone.says("有 1 条家访没有上传")
    assert phone.waiting() == 1
    phone.open()
    phone.page.locator("[data-list]:visible").wait_for()
    phone.says("1 条")


@pytest.mark.soak
def test_a_shell_that_cannot_be_kept_is_told(window: Callable[..., Window], network: Flaky) -> None:
    phone = window()
    phone.sign_in()
    network.only, network.bad, network.share = "/visits/offline", True, 1
    phone.choose(CHILD)
    phone.says("没能存到设备上")

    network.bad = False
    phone.page.get_by_role("button", name="带上", exact=True).click()
    phone.page.wait_for_url("**/visits/offline")


@pytest.mark.parametrize("script", ["", NOTHING_KEPT])
def test_without_a_worker_the_form_is_kept_by_the_portal_and_survives_reload(
    window: Callable[..., Window], network: Flaky, script: str
) -> None:
    phone = window(script)
    phone.sign_in()
    phone.page.goto(f"{network.address}/visits/take-along")
    child = phone.page.locator(".choice", has_text="蔡知夏").locator("input").get_attribute("value")
    phone.page.goto(f"{network.address}/visits/new?pupil={child}")
    phone.page.locator(".option", has_text="电话").click()
    phone.page.locator(".option:visible", has_text="孩子").first.click()
    phone.page.get_by_label(HOPES).fill(WORDS)
    phone.says("草稿已存到平台")
    assert not phone.page.evaluate("Object.keys(localStorage).filter((one) => one.startsWith('draft:'))")
    identity = phone.page.locator("[name=client_id]").input_value()

    phone.page.reload()
    expect(phone.page.get_by_label(HOPES)).to_have_value(WORDS)
    expect(phone.page.locator("[name=client_id]")).to_have_value(identity)
    network.off = True
    phone.page.get_by_label(HOPES).fill(f"{WORDS}，还会熨衣服")
    if not script:
        expect(phone.page.locator("[data-draft-state]")).to_contain_text("草稿已存 ")
    network.off = False
    phone.page.evaluate("window.dispatchEvent(new Event('online'))")
    phone.says("草稿已存到平台")
    phone.page.get_by_role("button", name="提交家访记录").click()
    phone.says("家访记录已提交")
    phone.says(f"{WORDS}，还会熨衣服")
    phone.page.goto(f"{network.address}/visits/pupils/{child}")
    expect(phone.page.get_by_text("家访草稿")).to_have_count(0)


def test_who_went_along_is_chosen_without_a_network(window: Callable[..., Window], network: Flaky) -> None:
    phone = window().ready()
    network.off = True
    phone.page.locator("a.row", has_text=CHILD).click()
    phone.page.locator(".option", has_text="电话").click()
    phone.page.locator(".option:visible", has_text="孩子").first.click()
    phone.page.get_by_text("再写一点").click()
    phone.page.locator("[name=company_1]").select_option(label="孙立德")
    phone.page.get_by_role("button", name="提交这次家访").click()
    phone.page.locator("[data-list]:visible").wait_for()
    network.off = False
    phone.page.reload()
    phone.unlock()
    expect(phone.page.locator("[data-count]")).to_have_text("都已传到平台。")
    phone.page.get_by_role("link", name=CHILD).first.click()
    phone.says("孙立德")
