"""A teacher without a network, in a real browser: three visits, a killed browser, a renewed app, a bad network; and what
a stolen device shows."""

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment
from portal.extensions import db
from portal.files.models import File
from portal.visits.drafts import DraftClash, LateVisit
from portal.visits.models import Visit, VisitPart
from tests.support.flaky import Flaky
from tests.support.server import Portal
from tests.visits.builders import person, pupil
from tests.visits.inside import inside
from tests.visits.phones import CODE, VISITS, Phone, tells
from tests.visits.test_photos import says

pytestmark = pytest.mark.browser
NO_ROOM = """
() => {
  window.put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
}
"""
SECRET = "小满夜里想爸爸睡不着"
TYPED = "嘉树的外婆住院了"
PHOTO = "嘉树的书桌.jpg"


@pytest.fixture
def portal(town_in: Callable[[Path], Path], tmp_path: Path) -> Iterator[Portal]:
    with Portal(
        town_in(tmp_path / "portal"), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}
    ) as served:
        yield served


@pytest.fixture
def network(portal: Portal) -> Iterator[Flaky]:
    with Flaky(("127.0.0.1", portal.port), seed=3, share=0.08) as flaky:
        yield flaky


@pytest.fixture
def phone(chromium: Browser, network: Flaky, tmp_path: Path) -> Iterator[Phone]:
    made = Phone(chromium, tmp_path / "profile", network)
    yield made
    made.kill()


def told(portal: Portal) -> tuple[list[tuple[str, str]], list[str]]:
    """What the portal holds: (pupil, outcome with every author's text) of each visit, and texts kept beside others."""
    with inside(portal):
        visits = db.session.scalars(select(Visit).options(joinedload(Visit.pupil))).all()
        parts = db.session.scalars(select(VisitPart).order_by(VisitPart.id)).all()
        texts = [
            (
                one.pupil.name,
                " ".join([one.outcome, *[part.hopes for part in parts if part.visit_id == one.id]]),
            )
            for one in visits
        ]
        beside = db.session.scalars(select(DraftClash).where(DraftClash.settled_at.is_(None))).all()
        return texts, [one.value for one in beside if one.field == "hopes"]


def meanwhile(portal: Portal, visits: dict[str, str]) -> None:
    """A colleague tells of one visit, another device of another; and the shell is another from now on."""
    with inside(portal):
        tells("刘明远", "林嘉树", visits[pupil("林嘉树").public_id], "刘老师也去了", finish=True)
        tells("王雪", "陈一诺", visits[pupil("陈一诺").public_id], "平板写的一诺", finish=False)
        person("王雪").theme = "dark"
        db.session.commit()


def test_three_visits_survive_everything(
    phone: Phone, portal: Portal, network: Flaky, tmp_path: Path
) -> None:
    """One with a clash, one attempt, one more; the browser is killed, the network drops, doubles and loses replies."""
    before, _beside = told(portal)
    phone.sign_in()
    phone.take_along("林嘉树", "赵小满", "陈一诺")
    phone.unlock()
    phone.page.locator("[data-list]:visible").wait_for()
    network.off = True
    phone.write("林嘉树", "电话", "嘉树会修桌子了")
    phone.write("赵小满", "没联系上")
    phone.write("陈一诺", "到校", "手机写的一诺", finish=False)

    phone.kill()
    phone.start()
    phone.open()
    phone.page.locator("[data-list]:visible").wait_for()
    expect(phone.page.locator("[data-count]")).to_contain_text("3 条", timeout=phone.patience)
    phone.page.locator("a.row", has_text="陈一诺").click()
    hopes = phone.page.get_by_label("孩子的优点和家里的期盼")
    expect(hopes).to_have_value("手机写的一诺", timeout=phone.patience)
    phone.page.get_by_role("button", name="提交这次家访").click()
    phone.page.locator("[data-list]:visible").wait_for()
    visits = phone.page.evaluate(VISITS)
    caches = phone.page.evaluate("caches.keys()")
    phone.kill()
    meanwhile(portal, dict(visits))

    phone.start()
    network.off, network.bad = False, True
    phone.open()
    expect(phone.page.locator("[data-count]")).to_have_text("都已传到平台。", timeout=120_000)

    after, beside = told(portal)
    new = [one for one in after if one not in before]
    assert set(new) == {
        ("林嘉树", "met 刘老师也去了 嘉树会修桌子了"),
        ("赵小满", "no_answer "),
        ("陈一诺", "met 手机写的一诺"),
    }
    assert len(after) == len(before) + 3
    # The phone went on with the draft that it took along; the tablet knew nothing of that.
    assert "平板写的一诺" in beside
    clash = phone.page.get_by_role("link", name="陈一诺：有两段文字")
    expect(clash).to_be_visible(timeout=phone.patience)
    # Browsers look for a newer app when a page is opened; what the network dropped then is not asked for again before.
    network.bad = False
    phone.open()
    phone.page.locator("[data-list]:visible").wait_for()
    gone = f"caches.keys().then((all) => !all.includes({json.dumps(caches[0])}))"
    phone.page.wait_for_function(gone, timeout=60_000)


def agree(portal: Portal, *names: str, agrees: bool = True) -> None:
    """The guardians of these children allow photos of visits, or no longer."""
    with inside(portal):
        for name in names:
            says(agrees, {"林嘉树": "林悦", "赵小满": "赵大江"}[name], name)


def refused_in_words(phone: Phone) -> None:
    """What this device cannot read, and what finds no room any more; the visit stays handed in."""
    said = phone.page.locator("[data-photo-state]")
    phone.page.locator("[data-families] a.row", has_text="林嘉树").click()
    phone.choose_photo("a.heic", b"no picture")
    expect(said).to_contain_text("这台设备读不了")
    phone.page.evaluate(NO_ROOM)
    small = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(small, "JPEG")
    phone.choose_photo("b.jpg", small.getvalue())
    expect(said).to_contain_text("设备空间不足")
    phone.page.evaluate("() => { IDBObjectStore.prototype.put = window.put; }")
    phone.page.get_by_role("button", name="全部家庭").click()
    phone.page.locator("[data-list]:visible").wait_for()
    expect(phone.page.locator("a.row", has_text="等网络")).to_have_count(4)


def test_photos_wait_locked_and_go_out_after_their_visit(
    phone: Phone, portal: Portal, network: Flaky
) -> None:
    """Two families allowed them, one of them no longer when the network is back; a reply is lost on the way."""
    agree(portal, "林嘉树", "赵小满")
    phone.sign_in()
    phone.take_along("林嘉树", "赵小满", "陈一诺")
    phone.unlock()
    phone.page.locator("[data-list]:visible").wait_for()
    network.off = True
    phone.page.locator("a.row", has_text="陈一诺").click()
    expect(phone.page.locator("[data-photos]")).to_be_hidden()
    phone.page.get_by_role("button", name="全部家庭").click()
    for name in ("林嘉树", "赵小满"):
        phone.page.locator("[data-families] a.row", has_text=name).click()
        phone.add_photo("IMG_1.jpg")
        expect(phone.page.locator("[data-photos-here] img")).to_have_count(1)
        phone.page.get_by_role("button", name="全部家庭").click()
        phone.write(name, "电话", f"{name}的书桌靠窗")
    expect(phone.page.locator("[data-count]")).to_contain_text("4 条")
    expect(phone.page.locator("[data-photo-rows] li")).to_have_count(2)
    refused_in_words(phone)
    expect(phone.page.locator("[data-photo-rows] li")).to_have_count(2)
    agree(portal, "赵小满", agrees=False)

    network.only, network.share, network.bad, network.off = "/photos", 0.3, True, False
    phone.page.get_by_role("button", name="现在上传").click()

    expect(phone.page.get_by_text("赵小满：家长现在不同意拍照")).to_be_visible(timeout=60_000)
    expect(phone.page.locator("[data-count]")).to_have_text("都已传到平台。", timeout=60_000)
    expect(phone.page.locator("[data-photos-waiting]")).to_be_hidden()
    with inside(portal):
        found = db.session.scalars(
            select(Visit.pupil_id).join(File, (File.owner_kind == "visit") & (File.owner_id == Visit.id))
        )
        assert list(found) == [pupil("林嘉树").id]


def test_a_stolen_phone_shows_nothing(phone: Phone, portal: Portal, network: Flaky) -> None:
    """Not what was handed in, not what stands typed in the open form, not what was exported, no photo, no name, no code."""
    agree(portal, "林嘉树")
    phone.sign_in()
    phone.take_along("赵小满", "林嘉树")
    phone.unlock()
    phone.page.locator("[data-list]:visible").wait_for()
    network.off = True
    phone.write("赵小满", "电话", SECRET)
    phone.page.locator("[data-export]").click()
    expect(phone.page.locator("[data-exported] textarea")).to_have_value(re.compile(SECRET))
    phone.page.locator("a.row", has_text="林嘉树").click()
    phone.page.get_by_label("孩子的优点和家里的期盼").fill(TYPED)
    photo = phone.add_photo(PHOTO)
    control = os.urandom(60)
    phone.lies_open(control)

    shown = phone.stolen(
        SECRET, TYPED, "借一盏护眼灯", "小满最近自己整理书包", "赵小满", CODE, PHOTO, photo, control
    )
    assert {secret for _name, secret in shown} == {control}


def test_after_the_office_has_ended_it_goes_to_the_principal(
    phone: Phone, portal: Portal, network: Flaky
) -> None:
    phone.sign_in()
    phone.take_along("赵小满")
    phone.unlock()
    network.off = True
    phone.write("赵小满", "电话", "小满会自己叠被子")
    with inside(portal):
        office = db.session.scalars(
            select(Appointment).where(
                Appointment.person_id == person("王雪").id, Appointment.role == Role.CLASS_TEACHER
            )
        ).one()
        office.ended_on, office.ended_at = clock.today(), clock.now()
        subject = Role.SUBJECT_TEACHER
        db.session.add(
            Appointment(
                person_id=office.person_id, role=subject, class_id=office.class_id, started_on=clock.today()
            )
        )
        db.session.commit()
    network.off = False
    phone.page.get_by_role("button", name="现在上传").click()

    expect(phone.page.get_by_text("已密封交给校长决定")).to_be_visible()
    expect(phone.page.locator("[data-count]")).to_have_text("都已传到平台。")
    assert phone.page.evaluate(VISITS) == []
    with inside(portal):
        late = db.session.scalars(select(LateVisit).order_by(LateVisit.id.desc()).limit(1)).one()
        assert (late.held_on, late.decided_at) == (clock.today(), None)


def test_five_wrong_codes_wipe_everything(phone: Phone, network: Flaky) -> None:
    phone.sign_in()
    phone.take_along("赵小满")
    for left in (4, 3, 2, 1):
        phone.unlock(f"wrong-{left}")
        expect(phone.page.locator("[data-tries]")).to_contain_text(f"{left} 次")
    phone.unlock("wrong-0")

    expect(phone.page.get_by_text("这台设备上的内容已清除")).to_be_visible()
    assert phone.page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    phone.page.reload()
    expect(phone.page.get_by_text("这台设备上没有家访")).to_be_visible()


def test_signing_out_asks_and_wipes(phone: Phone, network: Flaky) -> None:
    asked: list[str] = []
    phone.sign_in()
    phone.take_along("赵小满")
    phone.unlock()
    phone.page.locator("[data-list]:visible").wait_for()
    network.only, network.bad, network.share = "/drafts", True, 1
    phone.write("赵小满", "电话", "还没有上传")
    phone.page.on("dialog", lambda dialog: asked.append(dialog.message))
    phone.page.goto(f"{network.address}/account/")
    expect(phone.page.get_by_text("有 1 条家访没有上传")).to_be_visible()

    phone.page.get_by_role("button", name="退出这台设备").last.click()
    phone.page.wait_for_url("**/account/sign-in*")

    assert any("1 条家访没有上传" in text for text in asked)
    assert phone.page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
