"""A teacher's phone with a profile on disk, the portal behind a network, and what happens there while the phone is away."""

import base64
import contextlib
import io
import os
import signal
import subprocess
import uuid
from pathlib import Path

import machine
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal import clock
from portal.access import Actor, Role
from portal.operations import Operation, Sent
from portal.rehearsal.town import PASSWORD
from portal.visits.merging import Telling, take_in
from tests.support.browser import ARGUMENTS, PHONE
from tests.support.flaky import Flaky
from tests.visits.builders import person, pupil, third

CODE = "door-7-cat"
PLACE = "/visits/offline"
VISITS = """
new Promise((done) => {
  const opening = indexedDB.open("gongyu-visits");
  opening.onsuccess = () => {
    const asking = opening.result.transaction("drafts").objectStore("drafts").getAll();
    asking.onsuccess = () => { opening.result.close(); done(asking.result.map((one) => [one.pupil, one.visit])); };
  };
})
"""

LOOK_ON = """
() => {
  const kept = HTMLCanvasElement.prototype.toBlob;
  HTMLCanvasElement.prototype.toBlob = function (done, ...how) {
    kept.call(this, (blob) => {
      const reader = new FileReader();
      reader.onload = () => { window.made = reader.result.split(",")[1]; done(blob); };
      reader.readAsDataURL(blob);
    }, ...how);
  };
}
"""
LIE_OPEN = """
(text) => new Promise((done) => {
  const opening = indexedDB.open("open");
  opening.onupgradeneeded = () => opening.result.createObjectStore("open");
  opening.onsuccess = () => {
    const writing = opening.result.transaction("open", "readwrite", { durability: "strict" });
    writing.objectStore("open").put(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)), 1);
    writing.oncomplete = () => done();
  };
})
"""
CONTROL = "没有加锁的一句话"
OPEN_FORM = """
document.querySelector("main").append(Object.assign(document.createElement("form"), { innerHTML: "<input name=control>" }))
"""


class Phone:
    """A phone with a profile on disk: its browser can be killed and started again."""

    def __init__(self, chromium: Browser, folder: Path, network: Flaky, patience: int = 15_000) -> None:
        """``patience``: milliseconds to wait for anything; more on a machine that does other things as well."""
        self.chromium, self.folder, self.network, self.patience = chromium, folder, network, patience
        self.context: BrowserContext | None = None
        self.page = self.start()

    def start(self) -> Page:
        more = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.context = self.chromium.browser_type.launch_persistent_context(
            str(self.folder), executable_path=machine.find_chromium(), args=[*ARGUMENTS, *more], viewport=PHONE,
            locale="zh-CN", timezone_id="Asia/Shanghai", has_touch=True, is_mobile=True, reduced_motion="reduce",
        )  # fmt: skip
        self.context.set_default_timeout(self.patience)
        self.page = self.context.pages[0]
        self.page.on("dialog", lambda dialog: dialog.accept())
        return self.page

    def kill(self) -> None:
        """kill -9 of the browser with everything it runs."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True)
        for line in listed.stdout.splitlines():
            number, _, words = line.strip().partition(" ")
            if f"--user-data-dir={self.folder}" in words:
                os.kill(int(number), signal.SIGKILL)
        assert self.context
        with contextlib.suppress(Exception):
            self.context.close()

    def add_photo(self, name: str) -> bytes:
        """Add a picture to the visit that is open; bytes from the middle of what the device made of it."""
        self.page.evaluate(LOOK_ON)
        picture = Image.frombytes("RGB", (64, 48), os.urandom(64 * 48 * 3)).resize((1700, 1200))
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=85)
        self.choose_photo(name, content.getvalue())
        expect(self.page.locator("[data-photo-state]")).to_have_text(
            "已加密存在这台设备上。", timeout=self.patience
        )
        made = base64.b64decode(self.page.evaluate("window.made"))
        return made[len(made) // 2 : len(made) // 2 + 60]

    def choose_photo(self, name: str, content: bytes) -> None:
        """Choose a file in the field for photos."""
        self.page.set_input_files("[data-photo]", {"name": name, "mimeType": "image/jpeg", "buffer": content})

    def lies_open(self, secret: bytes) -> None:
        """The same bytes where nothing seals them: whoever looks for them must find these."""
        self.page.evaluate(LIE_OPEN, base64.b64encode(secret * 2000).decode())

    def stolen(self, *secrets: str | bytes) -> list[tuple[str, str | bytes]]:
        """Killed as it stands; (file, secret) wherever the profile on disk shows one of these texts.

        Browsers write down now and then what stands in open forms, to bring the page back. So an ordinary form is typed
        into first, and the phone is taken once its words are on disk.
        """
        self.page.evaluate(OPEN_FORM)
        self.page.fill("[name=control]", CONTROL)
        for _second in range(40):
            self.page.wait_for_timeout(1000)
            if self._readable(CONTROL):
                break
        assert any(name.startswith("Session_") for name, _text in self._readable(CONTROL))
        self.kill()
        return self._readable(*secrets)

    def _readable(self, *texts: str | bytes) -> list[tuple[str, str | bytes]]:
        found: list[tuple[str, str | bytes]] = []
        for path in sorted(self.folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
                found += [
                    (path.name, text)
                    for text in texts
                    for coded in ("utf-8", "utf-16-le")
                    if (text if isinstance(text, bytes) else text.encode(coded)) in data
                ]
        return found

    def sign_in(self) -> None:
        self.page.goto(f"{self.network.address}/account/sign-in")
        self.page.fill("[name=name]", "wangxue")
        self.page.fill("[name=password]", PASSWORD)
        self.page.get_by_role("button", name="登录").click()
        self.page.wait_for_url(f"{self.network.address}/")

    def take_along(self, *names: str) -> None:
        self.choose(*names)
        self.page.wait_for_url(f"**{PLACE}")

    def choose(self, *names: str) -> None:
        """Open the page for taking along: tick families, type the code, press the button."""
        self.page.goto(f"{self.network.address}/visits/take-along")
        self.choose_here(*names)

    def choose_here(self, *names: str) -> None:
        """The same on the page that is open."""
        self.page.locator("form:visible [name=code]").wait_for()
        self.page.get_by_text("班里其他学生").click()
        for name in names:
            self.page.locator(".choice label", has_text=name).click()
        self.page.fill("[name=code]", CODE)
        if self.page.locator("[name=again]").is_visible():
            self.page.fill("[name=again]", CODE)
        self.page.get_by_role("button", name="带上", exact=True).click()

    def open(self) -> None:
        """Open the shell with the code."""
        self.page.goto(f"{self.network.address}{PLACE}")
        self.unlock()

    def unlock(self, code: str = CODE) -> None:
        self.page.get_by_label("这台设备上的密码").fill(code)
        self.page.get_by_role("button", name="打开").click()

    def write(self, name: str, how: str, hopes: str = "", met: str = "孩子", finish: bool = True) -> None:
        self.page.locator("[data-families] a.row", has_text=name).click()
        self.page.locator(".option", has_text=how).click()
        if how != "没联系上":
            self.page.locator(".option:visible", has_text=met).first.click()
        if hopes:
            self.page.get_by_label("孩子的优点和家里的期盼").fill(hopes)
        expect(self.page.locator("[data-state]")).not_to_be_empty(timeout=self.patience)
        if finish:
            self.page.get_by_role("button", name="提交这次家访").click()
        else:
            self.page.get_by_role("button", name="全部家庭").click()
        self.page.locator("[data-list]:visible").wait_for()


def tells(author: str, name: str, visit: str, words: str, finish: bool) -> None:
    """Somebody of the class writes about a visit from another device, in the current transaction of ``db.session``."""
    child, school_class = pupil(name), third()
    actor = Actor(
        person(author).id,
        Role.CLASS_TEACHER,
        clock.today(),
        school_id=school_class.school_id,
        class_id=school_class.id,
    )
    values = {
        "how": "phone",
        "met": ["child"],
        "held_on": clock.today().isoformat(),
        "held_time": "00:00",
        "hopes": words,
    }
    fields = {field: Sent(value, 0) for field, value in values.items()}
    sent = Operation(visit, str(uuid.uuid4()), 1, clock.now(), finish, fields)
    take_in(Telling(child, school_class, clock.today(), actor, clock.now()), sent)
