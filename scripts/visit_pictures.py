"""The pictures of docs/visits.md: one home visit from the plan to the boards, walked through in the running portal.

    .venv/bin/python scripts/visit_pictures.py [normal] [elder]

Needs Chromium and what `make test` installs. Each mode walks through a rehearsal district of its own, at 360 × 740.
"""

import argparse
import io
import os
import sys
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path

import machine
import pictures
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select
from words import StopError, prepare_streams, say, stop

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.consent import Purpose
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.operations import Operation, Sent
from portal.privacy import consents
from portal.privacy.purposes import PURPOSES
from portal.schools.models import Pupil, SchoolClass
from portal.visits.answering import INVITED
from portal.visits.merging import Telling, take_in
from tests.support.browser import ARGUMENTS, PHONE
from tests.support.server import Portal
from tests.visits.inside import inside

FOLDER = pictures.FOLDER / "visits"
LARGEST_TOGETHER = 1_500_000
QUALITY = 60
CHILD, SECOND, THIRD = "林嘉树", "陈一诺", "赵小满"
CODE = "door-7-cat"
VISIT_OF = """
(pupil) => new Promise((done) => {
  const opening = indexedDB.open("gongyu-visits");
  opening.onsuccess = () => {
    const asking = opening.result.transaction("drafts").objectStore("drafts").getAll();
    asking.onsuccess = () => { opening.result.close(); done(asking.result.find((one) => one.pupil === pupil).visit); };
  };
})
"""
STEPS = (
    "plan", "invite", "answer", "take-along", "device", "door", "photo", "waiting", "sent", "clash", "confirm", "remark",
    "correction", "steps", "record", "due", "school", "district",
)  # fmt: skip
"""The steps of a visit, in order; each is a picture in both modes."""
MODES = ("normal", "elder")


def pupil(name: str) -> Pupil:
    """The pupil of this name."""
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def person(name: str) -> Person:
    """The person of this name."""
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def sent_code(name: str) -> str:
    """The code of the invitation that a guardian was sent last."""
    sent = select(Delivery).where(Delivery.kind == INVITED.name, Delivery.person_id == person(name).id)
    return str(db.session.scalars(sent.order_by(Delivery.id.desc()).limit(1)).one().values["code"])


def allow_photos() -> None:
    """The mother of the first child allows photos of visits."""
    number = PURPOSES[Purpose.VISIT_PHOTO].on(clock.today()).number
    at = clock.now()
    consents.answer(pupil(CHILD), person("林悦").id, Purpose.VISIT_PHOTO, number, agrees=True, at=at)
    db.session.commit()


def write_elsewhere(visit: str) -> None:
    """The teacher's tablet sends something else about the visit to the second family."""
    school_class = db.session.scalars(select(SchoolClass).where(SchoolClass.name == "三(2)班")).one()
    teacher, now = person("王雪").id, clock.now()
    author = Actor(
        teacher, Role.CLASS_TEACHER, clock.today(), school_id=school_class.school_id, class_id=school_class.id
    )
    values = {"how": "phone", "met": ["child"], "held_on": clock.today().isoformat(), "held_time": "00:00",
              "hopes": "一诺写了一本小故事书，想给同学看。"}  # fmt: skip
    fields = {field: Sent(value, 0) for field, value in values.items()}
    take_in(
        Telling(pupil(SECOND), school_class, clock.today(), author, now),
        Operation(visit, str(uuid.uuid4()), 1, now, False, fields),
    )
    db.session.commit()


class Story:
    """One visit as its people see it, in one mode."""

    def __init__(self, browser: Browser, portal: Portal, mode: str) -> None:
        self.browser, self.portal, self.mode = browser, portal, mode
        self.pages: dict[str, Page] = {}

    def as_(self, account: str) -> Page:
        """The page of a person who signed in; nobody's for no name."""
        if account not in self.pages:
            context: BrowserContext = self.browser.new_context(
                viewport=PHONE, device_scale_factor=1.5, locale="zh-CN", timezone_id="Asia/Shanghai",
                color_scheme="light", reduced_motion="reduce", has_touch=True, is_mobile=True,
            )  # fmt: skip
            page = self.pages[account] = context.new_page()
            page.on("dialog", lambda dialog: dialog.accept())
            if account:
                pictures.sign_in(page, self.portal.address, account)
            else:
                page.goto(f"{self.portal.address}/account/sign-in")
            if self.mode == "elder" and not page.locator("html[data-elder]").count():
                page.get_by_role("button", name="长辈模式").first.click()
                page.wait_for_load_state("networkidle")
        return self.pages[account]

    def at(self, account: str, path: str, *links: str) -> Page:
        """A person's page, through links by their words."""
        page = self.as_(account)
        page.goto(self.portal.address + path)
        for link in links:
            page.locator(f"main a:has-text('{link}')").first.click()
            page.wait_for_load_state("networkidle")
        return page

    def take(self, name: str, page: Page, to: str = "") -> None:
        """The picture of a step, as the screen shows it; ``to``: scrolled there first."""
        if to:
            page.locator(to).first.evaluate(
                "one => window.scrollTo(0, one.getBoundingClientRect().top + scrollY - 70)"
            )
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(200)
        content = io.BytesIO()
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(
            content, "WEBP", quality=QUALITY, method=6
        )
        path = FOLDER / f"{STEPS.index(name) + 1:02}-{name}{'-elder' if self.mode == 'elder' else ''}.webp"
        path.write_bytes(content.getvalue())
        say(
            f"{path.name}：{path.stat().st_size // 1024} KB", f"{path.name}: {path.stat().st_size // 1024} KB"
        )

    def tell(self) -> None:
        """Walk through it."""
        self.before()
        self.at_the_door()
        self.family()
        self.school()

    def before(self) -> None:
        """Plan, invitation, answer without signing in."""
        self.take("plan", self.at("wangxue", "/visits/plan"))
        page = self.at("wangxue", "/visits/", CHILD, "邀请家长")
        page.fill("[name=purpose]", "听听嘉树在家的事，也说说他的画。")
        for number, days in enumerate((2, 3), start=1):
            at = clock.local(clock.now() + timedelta(days=days)).replace(hour=18, minute=30)
            page.fill(f"[name=time_{number}]", at.strftime("%Y-%m-%dT%H:%M"))
        self.take("invite", page)
        page.get_by_role("button", name="发出邀请").click()
        page.wait_for_load_state("networkidle")
        with inside(self.portal):
            code = sent_code("林悦")
        page = self.at("", f"/visits/answer?code={code}")
        self.take("answer", page)
        page.get_by_role("button", name="就这样约").click()
        page.wait_for_load_state("networkidle")
        with inside(self.portal):
            allow_photos()

    def at_the_door(self) -> None:
        """Families taken along, written about without a network, sent, one text chosen of two."""
        page = self.at("wangxue", "/visits/take-along")
        page.locator("form:visible [name=code]").wait_for()
        page.get_by_text("班里其他学生").click()
        for name in (CHILD, SECOND, THIRD):
            page.locator(".choice label", has_text=name).click()
        page.fill("[name=code]", CODE)
        page.fill("[name=again]", CODE)
        self.take("take-along", page)
        page.get_by_role("button", name="带上", exact=True).click()
        page.wait_for_url("**/visits/offline")
        page.get_by_label("这台设备上的密码").fill(CODE)
        page.get_by_role("button", name="打开").click()
        page.locator("[data-list]:visible").wait_for()
        self.take("device", page)
        page.context.set_offline(True)
        self.write(page)
        self.another_device(page)
        page.context.set_offline(False)
        page.get_by_role("button", name="现在上传").click()
        page.get_by_text("都已传到平台").wait_for()
        self.take("sent", page, "main .head")
        page.get_by_role("link", name=f"{SECOND}：有两段文字").click()
        page.wait_for_load_state("networkidle")
        self.take("clash", page)

    def write(self, page: Page) -> None:
        """Three families: one visited with a photo, one by telephone, one not reached."""
        page.locator("a.row", has_text=CHILD).click()
        page.locator(".option:visible", has_text="入户").first.click()
        page.locator(".option:visible", has_text="妈妈").first.click()
        self.take("door", page, "[data-name]")
        page.get_by_label("孩子的优点和家里的期盼").fill(
            "嘉树会修桌子了，常给邻居画门神。妈妈盼着他敢在班上开口。"
        )
        page.locator("[name=step_1_what]").fill("周末一起画一张给板报的插图")
        page.locator("[name=step_1_owner]").select_option("family")
        page.locator("[name=step_1_due_on]").fill((clock.today() + timedelta(days=8)).isoformat())
        picture = desk()
        content = io.BytesIO()
        picture.save(content, "JPEG")
        file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}
        page.set_input_files("[data-photo]", file)  # type: ignore[arg-type]
        page.get_by_text("已加密存在这台设备上").wait_for()
        self.take("photo", page, "[data-photos]")
        page.get_by_role("button", name="提交这次家访").click()
        page.locator("[data-list]:visible").wait_for()
        for name, how, hopes in (
            (SECOND, "电话", "一诺爱讲故事，盼着多认几个新朋友。"),
            (THIRD, "没联系上", ""),
        ):
            page.locator("a.row", has_text=name).click()
            page.locator(".option:visible", has_text=how).first.click()
            if hopes:
                page.locator(".option:visible", has_text="妈妈").first.click()
                page.get_by_label("孩子的优点和家里的期盼").fill(hopes)
            page.get_by_role("button", name="提交这次家访").click()
            page.locator("[data-list]:visible").wait_for()
        self.take("waiting", page, "main .head")

    def another_device(self, page: Page) -> None:
        """Another device of the teacher has written about the second family meanwhile."""
        with inside(self.portal):
            write_elsewhere(str(page.evaluate(VISIT_OF, pupil(SECOND).public_id)))

    def family(self) -> None:
        """What the mother of the first child sees and does."""
        page = self.as_("linyue")
        hat = page.locator("button[name=hat]", has_text="家长")
        if hat.count():
            hat.first.evaluate("one => one.click()")
            page.wait_for_load_state("networkidle")
        page = self.at("linyue", "/visits/family", "请您确认")
        self.take("confirm", page, "h1")
        page.get_by_role("button", name="确认，是这样").click()
        page.wait_for_load_state("networkidle")
        page = self.at("linyue", "/visits/family")
        self.take("steps", page)
        page.locator("main a.row", has_text="入户").first.click()
        page.get_by_text("补充一句").first.click()
        self.take("remark", page, "main details[open]")
        page.get_by_role("link", name="这里不对").click()
        self.take("correction", page)

    def school(self) -> None:
        """The record and the boards."""
        self.take("record", self.at("wangxue", "/visits/", CHILD, "入户"))
        self.take("due", self.at("sunlide", "/visits/open"))
        self.take("school", self.at("sunlide", "/visits/coverage"))
        self.take("district", self.at("zhangjianping", "/visits/coverage"))


def desk() -> Image.Image:
    """A photo of a desk at a window, drawn: nobody's home."""
    drawn = Image.new("RGB", (1200, 900), "#e9dcc4")
    draw = ImageDraw.Draw(drawn)
    draw.rectangle((420, 80, 1060, 480), fill="#bcd8e6", outline="#8a6d4b", width=24)
    draw.line((740, 80, 740, 480), fill="#8a6d4b", width=18)
    draw.rectangle((80, 600, 1120, 680), fill="#9c7447")
    draw.rectangle((150, 680, 210, 900), fill="#7d5c38")
    draw.rectangle((990, 680, 1050, 900), fill="#7d5c38")
    draw.polygon(((200, 300), (330, 300), (370, 420), (160, 420)), fill="#d98c3f")
    draw.rectangle((255, 420, 275, 600), fill="#5c5c5c")
    draw.polygon(((480, 560), (760, 540), (790, 600), (500, 600)), fill="#ffffff")
    return drawn


def take_all(modes: list[str]) -> None:
    """Serve a rehearsal district for each mode and walk through the story."""
    program = machine.find_chromium()
    if program is None:
        raise stop("缺少 Chromium，请先安装。", "Chromium is missing; install it first.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for mode in modes:
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            portal = Portal(Path(folder), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"})
            portal.command("db", "upgrade")
            portal.command("rehearsal", "load")
            browser = playwright.chromium.launch(
                executable_path=program,
                args=[*ARGUMENTS, "--no-sandbox", "--lang=zh-CN"],
                env={**os.environ, "LANGUAGE": "zh_CN"},
            )
            with portal:
                Story(browser, portal, mode).tell()
            browser.close()
    together = sum(path.stat().st_size for path in FOLDER.iterdir())
    if together > LARGEST_TOGETHER:
        raise stop(
            f"图片共 {together // 1024} KB，太大了。", f"The pictures are too large: {together // 1024} KB."
        )


def main(words: list[str]) -> int:
    """Take the pictures; 0 when it succeeded, 1 with one line when not."""
    prepare_streams()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modes", nargs="*", metavar="mode", help="normal or elder; none means both")
    try:
        modes = parser.parse_args(words).modes or list(MODES)
        unknown = set(modes) - set(MODES)
        if unknown:
            raise stop(f"没有这些模式：{'、'.join(unknown)}", f"No such modes: {', '.join(unknown)}")
        take_all(modes)
    except StopError as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
