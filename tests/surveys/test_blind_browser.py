"""A family fetches its pass in a real browser and answers with it; the server's log tells nothing of it."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from portal.surveys.models import Survey, SurveyBox, SurveyHousehold, SurveySchool
from tests.support.browser import PHONE, OpenContext
from tests.support.server import Portal
from tests.surveys.test_unlinkable import opened
from tests.visits.inside import inside

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
VECTOR = (Path(__file__).parent / "rfc9474.json").read_text(encoding="utf-8")
TRIED = """async (vector) => {
  const here = [...document.querySelectorAll("script[src]")].map((one) => one.src).find((src) => src.includes("app"));
  const scheme = await import(new URL("./modules/blind.js", here).href);
  const bytes = (hex) => Uint8Array.from(hex.match(/../g), (one) => parseInt(one, 16));
  const hex = (data) => Array.from(data, (one) => one.toString(16).padStart(2, "0")).join("");
  const n = bytes(vector.n.slice(2)), modulus = scheme.toNumber(n), away = bytes(vector.inv.slice(2));
  const cover = scheme.inverse(scheme.toNumber(away), modulus);
  const made = await scheme.blind(bytes(vector.input_msg), n, bytes(vector.salt), cover);
  const signature = await scheme.finish(bytes(vector.input_msg), n, bytes(vector.blind_sig), away);
  const forged = await scheme.finish(bytes(vector.msg), n, bytes(vector.blind_sig), away).then(() => "taken", () => "refused");
  return [hex(made.blinded), hex(made.away), hex(signature), forged];
}"""


@pytest.fixture
def portal(town_in: Callable[[Path], Path], tmp_path: Path) -> Iterator[Portal]:
    with Portal(
        town_in(tmp_path / "portal"), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}
    ) as served:
        yield served


def answers(portal: Portal, row_id: int) -> int:
    with inside(portal):
        return len(db.session.scalars(select(SurveyBox).where(SurveyBox.survey_school_id == row_id)).all())


def test_a_pass_from_the_account_to_the_answer(portal: Portal, open_context: OpenContext) -> None:
    with inside(portal):
        for survey in db.session.scalars(select(Survey).where(Survey.state == "open")):
            survey.state = "closed"
        row = opened(blind=True)
        row_id = row.id
    page = open_context(PHONE).new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{portal.address}/account/sign-in")
    vector = json.loads(VECTOR)
    blinded, away, signature, forged = page.evaluate(TRIED, vector)
    assert [blinded, away, signature, forged] == [
        vector["blinded_msg"], vector["inv"][2:], vector["sig"], "refused",
    ]  # fmt: skip

    page.fill("[name=name]", "liwanqing")
    page.fill("[name=password]", PASSWORD)
    page.locator("main").get_by_role("button", name="登录").first.click()
    page.goto(f"{portal.address}/surveys/mine")
    page.click("text=开始填写")
    page.click("text=领取凭证")
    page.click("text=用凭证填写")
    whole = re.compile(r"^[\w-]{22}\.[\w-]{86}\.[\w-]{342}$")
    expect(page.locator("[name=token]")).to_have_value(whole)
    assert page.url.endswith("#" + page.input_value("[name=token]")), "behind the #, where no server reads"
    page.check("[name=q12][value='5']", force=True)
    page.click("text=提交答卷")
    page.wait_for_selector("text=答卷已收到")
    assert answers(portal, row_id) == 1 and not wrong

    page.goto(f"{portal.address}/surveys/mine")
    page.click("text=重新填写")
    page.click("text=用凭证填写")
    page.click("text=长辈模式")
    expect(page.locator("html")).to_have_attribute("data-elder", "")
    expect(page.locator("[name=token]")).to_have_value(whole)
    page.check("[name=q12][value='1']", force=True)
    page.click("text=提交答卷")
    page.wait_for_selector("text=答卷已收到")
    assert answers(portal, row_id) == 1, "the same pass answers in place of what it answered before"
    log = portal.log.read_text(encoding="utf-8")
    assert "/q/" not in log and "answers." not in log and "refused" not in log
    page.request.post(f"{portal.address}/surveys/new")
    assert "refused" in portal.log.read_text(encoding="utf-8"), "the control: elsewhere a refusal is logged"
    with inside(portal):
        home = db.session.scalars(select(SurveyHousehold).where(SurveyHousehold.signature.is_not(None))).one()
        assert home.token is None and db.session.get_one(SurveySchool, row_id).modulus
