"""An inspector without a network, in a real browser: scores, a note, a killed browser, and all of it on the sheet on return."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.ratings.models import Entry, EntryState, Mark, Sheet
from portal.ratings.onsite import SheetNote
from portal.rehearsal.town import PASSWORD
from tests.support.flaky import Flaky
from tests.support.server import Portal
from tests.visits.inside import inside
from tests.visits.phones import CODE, Phone

pytestmark = pytest.mark.browser
NAME = "吴正清"
REASON = "现场看过家访本，十二份齐全"


class Tablet(Phone):
    """An inspector's device."""

    def begin(self, account: str) -> None:
        self.page.goto(f"{self.network.address}/account/sign-in")
        self.page.fill("[name=name]", account)
        self.page.fill("[name=password]", PASSWORD)
        self.page.get_by_role("button", name="登录").click()
        self.page.wait_for_url(f"{self.network.address}/")
        self.page.goto(f"{self.network.address}/ratings/kit/take")
        self.page.locator("form:visible [name=code]").wait_for()
        self.page.fill("[name=code]", CODE)
        self.page.fill("[name=again]", CODE)
        self.page.get_by_role("button", name="带上", exact=True).click()
        self.page.wait_for_url("**/ratings/kit")
        self.unlock()
        self.page.locator("[data-list]:visible").wait_for()

    def hand_in(self) -> None:
        self.page.get_by_role("button", name="保存并提交").click()
        self.page.locator("[data-list]:visible").wait_for()


@pytest.fixture
def portal(town_in: Callable[[Path], Path], tmp_path: Path) -> Iterator[Portal]:
    with Portal(
        town_in(tmp_path / "portal"), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}
    ) as served:
        yield served


@pytest.fixture
def network(portal: Portal) -> Iterator[Flaky]:
    with Flaky(("127.0.0.1", portal.port), seed=4, share=0.08) as flaky:
        yield flaky


@pytest.fixture
def tablet(chromium: Browser, network: Flaky, tmp_path: Path) -> Iterator[Tablet]:
    made = Tablet(chromium, tmp_path / "profile", network, patience=60_000)
    yield made
    made.kill()


def prepared(portal: Portal) -> str:
    """The newest sheet of the inspector is open for scoring; the account to sign in with."""
    with inside(portal):
        person = db.session.scalars(select(Person).where(Person.name == NAME)).one()
        sheet = db.session.scalars(
            select(Sheet)
            .where(Sheet.person_id == person.id, Sheet.locked_at.is_(None))
            .order_by(Sheet.id.desc())
        ).first()
        assert sheet is not None
        db.session.get_one(Entry, sheet.entry_id).state = EntryState.SCORING
        sheet.declared_at = clock.now()
        db.session.commit()
        return person.account_name or ""


def stands(portal: Portal) -> tuple[list[str], list[str]]:
    """Reasons of marks with this test's words, and texts of notes."""
    with inside(portal):
        reasons = db.session.scalars(select(Mark.reason).where(Mark.reason == REASON)).all()
        notes = db.session.scalars(select(SheetNote.text)).all()
        return list(reasons), list(notes)


def test_scores_and_notes_survive_a_killed_browser_and_come_once(
    tablet: Tablet, portal: Portal, network: Flaky
) -> None:
    tablet.begin(prepared(portal))
    network.off = True
    page = tablet.page
    page.locator("a.row", has_text="满分").first.click()
    page.locator("[data-fields] input:visible").first.wait_for()
    title = page.locator("[data-name]").inner_text()
    if page.locator("[data-fields] .choice:visible").count():
        page.locator("[data-fields] .choice label").first.click()
    else:
        page.locator("[data-fields] input").first.fill("1")
    page.get_by_label("原因").fill(REASON)
    tablet.hand_in()
    page.get_by_role("button", name="添加记录").first.click()
    page.locator(".choice label", has_text="访谈").first.click()
    page.fill("[name=held_on]", page.evaluate("new Date().toISOString().slice(0, 10)"))
    page.fill("[name=with_whom]", "班主任两位")
    page.fill("[name=text]", "都说家访前会先约时间")
    # The list comes once the text is kept; before that nobody was told that it is.
    page.get_by_role("button", name="全部指标").click()
    page.locator("[data-list]:visible").wait_for()
    tablet.kill()

    page = tablet.start()
    page.goto(f"{network.address}/ratings/kit")
    tablet.unlock()
    page.locator("[data-list]:visible").wait_for()
    expect(page.locator("[data-count]")).to_contain_text("2 条", timeout=tablet.patience)
    expect(page.locator("a.row", has_text=title)).to_contain_text("等网络", timeout=tablet.patience)
    page.locator("a.row", has_text="班主任两位").click()
    expect(page.locator("[name=text]")).to_have_value("都说家访前会先约时间", timeout=tablet.patience)
    tablet.hand_in()
    assert stands(portal) == ([], [])

    network.off, network.bad = False, True
    page.get_by_role("button", name="现在上传").click()
    expect(page.locator("[data-count]")).to_have_text("都已传到平台。", timeout=120_000)
    assert stands(portal) == ([REASON], ["都说家访前会先约时间"])

    network.off = True
    page.locator("a.row", has_text="班主任两位").click()
    page.fill("[name=with_whom]", "门卫师傅")
    page.locator("[name=text]").fill("这句还没写完")
    assert tablet.stolen(REASON, "都说家访前会先约时间", "门卫师傅", "这句还没写完", CODE) == []
