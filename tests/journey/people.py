"""People who walk through the portal with a browser: they read, follow links, fill in forms and press buttons."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, expect

from portal.rehearsal.town import PASSWORD
from tests.support.looking import TOO_WIDE

PICTURES = os.environ.get("PICTURES", "")
"""A folder for a picture of every page on the way; none are taken without it."""

TAKEN = 0
"""What a script of a page is told of an answer that leads on elsewhere."""
Value = str | bool | Iterable[str]


class Walker:
    """One person at one browser. Every page they come to is in Chinese, fits the screen and is no error."""

    taken = 0

    def __init__(self, context: BrowserContext, address: str, name: str = "") -> None:
        self.page: Page = context.new_page()
        self.address = address
        self.name = name or "visitor"
        self.seen = ""

    def sign_in(self, account: str) -> "Walker":
        """Through the real form."""
        self.open("/account/sign-in")
        self.fill(name=account, password=PASSWORD)
        return self.press("登录")

    def wear(self, hat: str) -> "Walker":
        """Act under another hat, unless it is worn already."""
        self.open("/account/")
        wanted = self.page.get_by_role("button", name=re.compile(hat))
        if wanted.count():
            self.go(wanted.first)
        return self.open("/")

    def open(self, path: str) -> "Walker":
        """Type an address of the portal."""
        self.page.goto(self.address + path)
        return self._arrived()

    def follow(self, words: str, within: str = "main") -> "Walker":
        """Follow the first link that says these words."""
        return self.go(self.page.locator(within).get_by_role("link", name=words).first)

    def fill(self, **fields: Value) -> "Walker":
        """Fill in fields by their names; a choice is given by its value, several by a list, a tick by True or False."""
        self.page.locator("main details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
        for name, value in fields.items():
            self._fill_one(self.page.locator(f"main [name='{name}']"), value)
        return self

    def _fill_one(self, found: Locator, value: Value) -> None:
        kind = found.first.evaluate("(one) => one.type")
        if kind in ("checkbox", "radio"):
            wanted = (value,) if isinstance(value, str) else value
            for place in range(found.count()):
                option = found.nth(place)
                ticked = wanted if isinstance(wanted, bool) else option.get_attribute("value") in wanted
                if kind == "checkbox" or ticked:
                    option.set_checked(ticked, force=True)
        elif kind == "select-one":
            found.select_option(str(value))
        else:
            found.fill(str(value))

    def attach(self, name: str, file_name: str, content: bytes) -> "Walker":
        """Choose a picture from the device for a field."""
        kept: FilePayload = {"name": file_name, "mimeType": "image/png", "buffer": content}
        self.page.locator(f"main [name='{name}']").set_input_files(kept)
        return self

    def choose(self, *labels: str) -> "Walker":
        """Tap options by what they say."""
        for label in labels:
            self.page.locator("main label", has_text=label).first.click()
        return self

    def press(self, words: str) -> "Walker":
        """Press the first button that says these words, and arrive."""
        return self.go(self.page.get_by_role("button", name=words, exact=True).first)

    def go(self, control: Locator) -> "Walker":
        """Press or follow this and wait for the page it leads to."""
        with self.page.expect_navigation():
            control.click()
        return self._arrived()

    def is_told(self, button: str, *words: str) -> "Walker":
        """Press a button and be told, at the field, why it is not possible so."""
        control = self.page.get_by_role("button", name=button, exact=True).first
        # What the browser itself would hold back is the portal's to refuse.
        control.evaluate("(one) => { one.form.noValidate = true; }")
        with self.page.expect_navigation():
            control.click()
        self._arrived(refused=True)
        return self.reads(*words)

    def open_details(self) -> "Walker":
        """Unfold what is folded."""
        self.page.locator("main details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
        return self

    def opens(self, path: str) -> int:
        """The status of a page that somebody types the address of."""
        status: int = self.page.evaluate("async (path) => (await fetch(path)).status", path)
        return status

    def tries(self, path: str, **values: str) -> int:
        """Send a form that no page of theirs offers; the status of the answer, which is never a redirect to success."""
        status: int = self.page.evaluate(
            """async ([path, values]) => {
              const token = document.querySelector("[name=csrf_token]").value;
              const body = new URLSearchParams({csrf_token: token, ...values});
              return (await fetch(path, {method: "POST", body, redirect: "manual"})).status;
            }""",
            [path, values],
        )
        return status

    def does(self, path: str, **values: str) -> "Walker":
        """Send a form that has been looked at elsewhere in the journey already; it is taken."""
        ((status, heading),) = self.knocks([(path, values)])
        assert status == TAKEN, f"{self.name} at {path}: {status} {heading}"
        return self

    def knocks(self, forms: Sequence[tuple[str, dict[str, str]]]) -> list[tuple[int, str]]:
        """Send forms one after another that no page of theirs offers; status and heading of each answer."""
        found: list[tuple[int, str]] = self.page.evaluate(
            """async (forms) => {
              const found = [];
              for (const [path, values] of forms) {
                const token = document.querySelector("[name=csrf_token]").value;
                const body = new URLSearchParams({csrf_token: token, ...values});
                const answer = await fetch(path, {method: "POST", body, redirect: "manual"});
                const page = new DOMParser().parseFromString(await answer.text(), "text/html");
                found.push([answer.status, page.querySelector("h1")?.textContent.trim() ?? ""]);
              }
              return found;
            }""",
            [list(one) for one in forms],
        )
        return [(status, heading) for status, heading in found]

    def _arrived(self, refused: bool = False) -> "Walker":
        self.page.wait_for_load_state()
        expect(self.page.locator("h1")).to_have_count(1)
        self.seen = self.page.locator("body").inner_text()
        wide = self.page.evaluate(TOO_WIDE)
        assert wide == 0, f"{self.page.url}: {wide} px wider than the screen"
        assert (self.page.locator("main .error, main .errors").count() > 0) is refused, self.seen
        self._take_picture()
        return self

    def _take_picture(self) -> None:
        if not PICTURES:
            return
        Walker.taken += 1
        path = re.sub(r"[^a-z-]+", "_", self.page.url.removeprefix(self.address).partition("?")[0])[:50]
        usual = self.page.viewport_size
        assert usual
        whole = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({"width": usual["width"], "height": max(whole, usual["height"])})
        self.page.screenshot(path=Path(PICTURES) / f"{Walker.taken:03d}-{self.name}-{path}.png")
        self.page.set_viewport_size(usual)

    def reads(self, *words: str) -> "Walker":
        """All of these words stand on the page."""
        missing = [one for one in words if one not in self.seen]
        assert not missing, f"{self.name} at {self.page.url} misses {missing}:\n{self.seen}"
        return self

    def reads_nothing_of(self, *words: str) -> "Walker":
        """None of these words stands anywhere in the page's source."""
        source = self.page.content()
        found = [one for one in words if one in source]
        assert not found, f"{self.name} at {self.page.url} can read {found}"
        return self

    def finds_no_button(self, words: str) -> "Walker":
        """There is no such button here."""
        expect(self.page.get_by_role("button", name=words, exact=True)).to_have_count(0)
        return self

    def finds_nothing(self, words: str) -> "Walker":
        """These words are not on the page."""
        assert words not in self.seen, f"{self.name} at {self.page.url} reads {words}"
        return self

    @property
    def path(self) -> str:
        """The address of the page without the portal's own."""
        return self.page.url.removeprefix(self.address)

    def number_after(self, words: str) -> int:
        """The first whole number that follows these words on the page."""
        found = re.search(re.escape(words) + r"\D*(\d+)", self.seen)
        assert found, f"no number after {words}:\n{self.seen}"
        return int(found[1])
