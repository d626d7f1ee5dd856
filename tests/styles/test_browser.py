"""The components in a real browser: reachable, roomy, readable, and what the small scripts add."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal.rehearsal.town import PASSWORD
from tests.support.browser import DESKTOP, PHONE, OpenContext
from tests.support.looking import SMALL, TOO_WIDE, barriers
from tests.support.server import Portal

pytestmark = pytest.mark.browser
WAYS = [
    (PHONE, "layout=app"),
    (PHONE, "layout=focus&elder=1&theme=dark"),
    (PHONE, "layout=public&language=en&elder=1"),
    (DESKTOP, "layout=app&theme=dark&language=zh-Hant"),
    (DESKTOP, "layout=public&elder=1"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a served portal with its page of components."""
    folder = tmp_path_factory.mktemp("styles")
    with Portal(folder, workers=1, settings={"PORTAL_DEVELOPMENT": "1"}) as portal:
        yield f"{portal.address}/styles"


@pytest.mark.parametrize(("screen", "query"), WAYS)
def test_everyone_can_use_every_component(open_context: OpenContext, address: str, screen, query):
    page = open_context(screen, bypass_csp=True).new_page()
    page.goto(f"{address}?{query}")
    page.evaluate("document.querySelectorAll('details.more').forEach((one) => { one.open = true; })")

    assert barriers(page) == []
    assert page.evaluate(TOO_WIDE) == 0
    assert page.evaluate(SMALL, 44) == []


def test_the_nets_catch_what_they_are_for(open_context: OpenContext, address: str):
    page = open_context(PHONE, bypass_csp=True).new_page()
    page.goto(address)
    page.evaluate(
        """() => {
          const button = document.createElement("button");
          button.className = "defect";
          button.style = "width: 30px; height: 30px; color: #ccc; background: #ddd; margin-left: 900px; padding: 0";
          document.querySelector("main").append(button);
        }"""
    )

    assert any("button-name" in problem for problem in barriers(page))
    assert page.evaluate(TOO_WIDE) > 0
    assert any("defect" in small for small in page.evaluate(SMALL, 44))


def test_buttons_are_60_pixels_high_in_elder_mode(phone: Page, address: str):
    phone.goto(f"{address}?elder=1")

    low = phone.evaluate(
        """[...document.querySelectorAll("main .button, main .input, .pill")]
          .map((one) => one.getBoundingClientRect().height).filter((height) => height && height < 59.5)"""
    )

    assert low == []


@pytest.mark.parametrize("elder", ["", "1"])
def test_text_at_twice_its_size_still_fits(phone: Page, address: str, elder):
    phone.goto(f"{address}?elder={elder}")
    phone.evaluate(
        """() => { const html = document.documentElement;
          html.style.fontSize = 2 * parseFloat(getComputedStyle(html).fontSize) + "px"; }"""
    )

    assert phone.evaluate(TOO_WIDE) == 0


def test_no_policy_is_broken_and_nothing_comes_from_elsewhere(phone: Page, address: str):
    said: list[str] = []
    asked: list[str] = []
    phone.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    phone.on("pageerror", lambda error: said.append(str(error)))
    phone.on("request", lambda request: asked.append(request.url))

    phone.goto(address)
    phone.wait_for_load_state("networkidle")

    assert said == []
    assert all(url.startswith(address.removesuffix("/styles")) for url in asked)


def test_a_password_can_be_seen_while_typing(phone: Page, address: str):
    phone.goto(address)
    box = phone.locator(".with-toggle").first

    box.get_by_role("button", name="显示").click()
    expect(box.locator("input")).to_have_attribute("type", "text")
    box.get_by_role("button", name="隐藏").click()
    expect(box.locator("input")).to_have_attribute("type", "password")


def test_the_counter_speaks_near_the_end_and_counts_rare_characters_once(phone: Page, address: str):
    phone.goto(address)
    story = phone.locator("#story")
    words = phone.locator("#story-count")

    expect(words).to_have_text("最多 200 个字")
    story.fill("𠮷" * 195)
    expect(words).to_have_text("还可以写 5 个字")
    story.fill("好" * 203)
    expect(words).to_have_text("超出 3 个字")


@pytest.fixture(scope="module")
def town(town_in: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same page of a portal with people in it: what is typed is kept for whoever is signed in."""
    folder = town_in(tmp_path_factory.mktemp("town"))
    settings = {"PORTAL_DEVELOPMENT": "1", "PORTAL_PASSWORD_MEMORY_KIB": "64"}
    with Portal(folder, workers=1, settings=settings) as portal:
        yield f"{portal.address}/styles"


def sign_in(phone: Page, address: str) -> None:
    phone.goto(address.replace("/styles", "/account/sign-in"))
    phone.fill("[name=name]", "wangxue")
    phone.fill("[name=password]", PASSWORD)
    phone.get_by_role("button", name="登录").click()
    phone.wait_for_url(address.removesuffix("styles"))


def typed_and_left(phone: Page, address: str) -> None:
    """Type a story, wait for the draft, go away and come back."""
    sign_in(phone, address)
    phone.goto(address)
    phone.locator("#story").fill("外婆说小满会自己煮面了。")
    expect(phone.locator("[data-draft-state]")).to_contain_text("草稿已存")
    phone.goto("about:blank")
    phone.goto(address)


def test_what_was_typed_is_there_again(phone: Page, town: str):
    typed_and_left(phone, town)

    expect(phone.locator("#story")).to_have_value("外婆说小满会自己煮面了。")
    phone.get_by_role("button", name="重新填写").click()
    expect(phone.locator("#story")).to_have_value(
        "小满最近自己整理书包，外婆很高兴。外婆盼着小满周末能和爸爸妈妈视频。"
    )
    phone.wait_for_timeout(500)
    assert phone.evaluate("localStorage.length") == 0


KEPT = "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])"


def test_words_typed_before_the_scripts_came_are_kept_sealed_and_no_password(phone: Page, town: str):
    """What lies in the browser shows neither word nor form; it opens after signing in again, for nobody else."""
    sign_in(phone, town)
    phone.route("**/modules/autosave.js", lambda route: (phone.wait_for_timeout(400), route.continue_()))
    phone.goto(town, wait_until="commit")
    phone.locator("#nickname").fill("小满")
    phone.locator("#password").fill("很长的密码不会留下")

    expect(phone.locator("[data-draft-state]")).to_contain_text("草稿已存")
    kept = phone.evaluate(KEPT)
    assert "draft:" in kept
    assert not any(word in kept for word in ("小满", "很长的密码", "styles", "nickname"))
    phone.context.clear_cookies()
    phone.goto(town)
    expect(phone.locator("#nickname")).not_to_have_value("小满")
    assert phone.locator("[data-seal]").count() == 0
    sign_in(phone, town)
    phone.goto(town)
    expect(phone.locator("#nickname")).to_have_value("小满")
    expect(phone.locator("#password")).to_have_value("")
    before = phone.evaluate(KEPT)
    phone.add_init_script("Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })")
    phone.goto(town)
    phone.locator("#nickname").fill("没有加密的浏览器")
    phone.wait_for_load_state("networkidle")
    assert phone.evaluate(KEPT) == before


def test_signing_out_takes_along_what_was_typed(phone: Page, town: str):
    """Also where the browser does not wipe its storage itself when the portal's answer asks for it."""
    typed_and_left(phone, town)
    phone.evaluate("localStorage.setItem('other', 'stays')")
    phone.route(
        "**/account/sign-out", lambda route: route.fulfill(body="<p>bye</p>", content_type="text/html")
    )
    phone.locator(".tools .menu summary").click()
    phone.get_by_role("button", name="退出登录").click()

    phone.wait_for_url("**/account/sign-out")
    assert phone.evaluate("Object.keys(localStorage)") == ["other"]


@pytest.mark.parametrize(("answer", "kept"), [("<p>请先登录</p>", True), ("<p data-done>已提交</p>", False)])
def test_only_an_act_that_was_done_lets_the_draft_go(phone: Page, town: str, answer, kept):
    typed_and_left(phone, town)
    script = phone.locator("script[type=module]").get_attribute("src")
    page = f'<!doctype html><title>·</title><script type="module" src="{script}"></script>{answer}'
    phone.route(
        town,
        lambda route: (
            route.fulfill(body=page, content_type="text/html; charset=utf-8")
            if route.request.method == "POST"
            else route.continue_()
        ),
    )

    phone.get_by_role("button", name="提交家访记录").last.click()
    expect(phone.get_by_text("请先登录").or_(phone.get_by_text("已提交", exact=True))).to_be_visible()
    phone.wait_for_load_state("networkidle")

    assert bool(phone.evaluate("localStorage.length")) is kept


def test_a_menu_closes_on_escape_and_on_a_tap_elsewhere(phone: Page, address: str):
    phone.goto(address)
    menu = phone.locator(".tools .menu")

    menu.locator("summary").click()
    expect(phone.get_by_role("button", name="English")).to_be_visible()
    phone.keyboard.press("Escape")
    expect(phone.get_by_role("button", name="English")).to_be_hidden()
    menu.locator("summary").click()
    phone.locator("h1").click(position={"x": 5, "y": 5})
    expect(phone.get_by_role("button", name="English")).to_be_hidden()


def test_a_form_with_errors_shows_them_first(phone: Page, address: str):
    phone.goto(address)

    expect(phone.locator(".errors")).to_be_focused()
    phone.locator(".errors a", has_text="手机号应为").click()
    expect(phone.locator("#wrong-phone")).to_be_focused()


def test_nothing_that_needs_scripts_shows_without_them(open_context: OpenContext, address: str):
    page = open_context(PHONE, java_script_enabled=False).new_page()
    page.goto(address)

    for name in ("显示", "读给我听", "分享"):
        expect(page.locator("[data-module]").get_by_role("button", name=name)).to_have_count(0)
    page.locator(".tools .menu summary").click()
    expect(page.get_by_role("button", name="English")).to_be_visible()


VOICES = """
window.spoken = [];
const voice = {lang: "LANGUAGE", name: "voice"};
const speech = {getVoices: () => [voice], cancel() {}, addEventListener() {}, speak(one) { window.spoken.push(one.text); }};
Object.defineProperty(window, "speechSynthesis", {value: speech});
window.SpeechSynthesisUtterance = function (text) { this.text = text; };
"""


def test_the_page_reads_itself_aloud_where_the_device_has_a_chinese_voice(phone: Page, address: str):
    phone.add_init_script(VOICES.replace("LANGUAGE", "zh-CN"))
    phone.goto(f"{address}?elder=1")

    phone.get_by_role("button", name="读给我听").first.click()

    spoken = phone.evaluate("window.spoken")
    assert "李女士，晚上好" in spoken
    assert any("班主任王老师" in sentence for sentence in spoken)
    assert not any("读给我听" in sentence for sentence in spoken)
    expect(phone.get_by_role("button", name="停止朗读").first).to_be_visible()


def test_without_a_chinese_voice_nothing_offers_to_read(phone: Page, address: str):
    phone.add_init_script(VOICES.replace("LANGUAGE", "en-US"))
    phone.goto(f"{address}?elder=1")
    phone.wait_for_load_state("networkidle")

    expect(phone.get_by_role("button", name="读给我听")).to_have_count(0)


def test_elder_mode_keeps_three_places_in_the_bar_and_names_the_rest(phone: Page, address: str):
    phone.goto(f"{address}?elder=1")

    assert phone.locator(".tabs a > span:not(.badge)").all_inner_texts() == ["今天", "通知", "我的"]
    expect(phone.locator("main").get_by_role("link", name="课程", exact=True)).to_be_visible()
    expect(phone.locator("main .phone").last).to_contain_text("0730-5550123")
