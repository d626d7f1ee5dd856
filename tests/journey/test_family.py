"""A family and what the school keeps of it, in a real browser: a mother joins with her slip, guards her account, corrects
what is wrong, fetches a copy, asks for deletion, and is kept away by a court order; each step by its own person."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pypdf
import pytest
from PIL import Image

from portal import clock
from tests.journey.people import Walker
from tests.support.browser import PHONE, OpenContext
from tests.support.server import Portal

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CHILD, NAME, ACCOUNT = "曹雨桐", "曹月华", "19900099901"
PASSWORD_OF_HER_OWN = "桐花开的时候我们一起去河边放风筝"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, town_in: Callable[[Path], Path]) -> Iterator[Portal]:
    """A served portal with its jobs and a fresh rehearsal district."""
    served = Portal(
        town_in(tmp_path_factory.mktemp("family")),
        workers=1,
        jobs=True,
        settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"},
    )
    with served:
        yield served


def printed_slip(teacher: Walker) -> tuple[str, str]:
    """The number and the code on the slip of the child, as read from the sheet of paper."""
    teacher.open("/join/class").reads(CHILD).follow(CHILD)
    teacher.press("生成加入单")
    paper = teacher.page.request.get(teacher.page.url + "/paper")
    assert paper.headers["content-type"] == "application/pdf"
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(paper.body())).pages)
    number = re.search(r"\b[0-9A-Z]{3}-[0-9A-Z]{3}\b", text)
    code = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", text)
    assert number and code, text
    return number[0], code[0]


def joins(mother: Walker, teacher: Walker) -> None:
    number, code = printed_slip(teacher)
    mother.open("/join/").fill(number=number, code=code).press("继续").reads("望溪小学")
    mother.reads_nothing_of(CHILD)
    mother.fill(relation="妈妈", name=NAME, phone=ACCOUNT, password=PASSWORD_OF_HER_OWN)
    mother.press("请班主任确认")

    teacher.open("/join/class").follow(NAME).reads(CHILD, "妈妈", "199****9901")
    teacher.fill(who="new").press("我认识，确认").reads(NAME)


def signs_in(person: Walker, account: str = ACCOUNT) -> Walker:
    person.open("/account/sign-in").fill(name=account, password=PASSWORD_OF_HER_OWN)
    return person.press("登录")


def guards_her_account(mother: Walker) -> list[str]:
    """An authenticator, tried at the next sign-in; returns the recovery codes on her paper."""
    mother.open("/account/authenticator").press("设置")
    seed = mother.page.locator(".qr-code code").inner_text().replace(" ", "")
    mother.fill(code=pyotp.TOTP(seed).now()).press("确认").reads("恢复码")
    kept = mother.page.locator(".codes code").all_inner_texts()
    assert len(set(kept)) == 10
    mother.follow("已经保存好，继续")
    mother.open("/account/").press("退出这台设备")
    signs_in(mother).reads_nothing_of(CHILD)
    mother.open("/contacts/mine")
    assert "/account/sign-in" in mother.path or "second-step" in mother.path
    signs_in(mother).fill(code=kept[0]).press("继续").reads(NAME)
    mother.open("/account/recovery-codes").reads("还剩 9 个恢复码")
    return kept


def corrects(mother: Walker, teacher: Walker) -> None:
    """The relation and the name: the class teacher takes the one and leaves the other."""
    mother.open("/contacts/mine").follow(CHILD)
    mother.fill(relation="姆妈", picks_up=False).press("发给学校")
    teacher.open("/contacts/requests").follow(f"{CHILD} · 孩子怎么称呼您").reads(CHILD, "妈妈", "姆妈").press(
        "同意更改"
    )
    teacher.open("/contacts/requests").follow(f"{CHILD} · 您可以接送孩子")
    teacher.fill(reason="请先到门卫处登记。").press("不更改")
    mother.open("/contacts/mine").reads("姆妈 " + NAME, "请先到门卫处登记。")


def fetches_a_copy(mother: Walker) -> None:
    """Made by the jobs within seconds, fetched once, opened without any tool."""
    mother.open("/privacy/copies").press("申请副本")
    for _second in range(40):
        if mother.page.get_by_role("button", name="领取副本").count():
            break
        mother.page.wait_for_timeout(500)
        mother.open("/privacy/copies")
    with mother.page.expect_download() as fetching:
        mother.page.get_by_role("button", name="领取副本").click()
    with zipfile.ZipFile(fetching.value.path()) as parcel:
        names = parcel.namelist()
        pages = "".join(parcel.read(name).decode() for name in names if name.endswith(".html"))
    assert NAME in pages and "姆妈" in pages and "+8619900099901" in pages.replace(" ", "")
    assert any(name.endswith(".json") for name in names)
    mother.open("/privacy/copies").reads("已领取")


def asks_for_deletion(mother: Walker, office: Walker) -> None:
    mother.open("/privacy/erasure/new").fill(what="part:phone").press("提交申请").reads("我的手机号")
    office.open("/privacy/requests").follow("我的手机号").reads(NAME)
    office.fill(decision="refuse", ground="", reply="先留着。")
    with office.page.expect_navigation():
        office.page.get_by_role("button", name="作出决定", exact=True).click()
    assert "依据" in office.page.locator("main .error").first.inner_text()
    office.fill(decision="grant", reply="已经删除。").press("作出决定")
    mother.open("/privacy/erasure").reads("已经删除。")
    mother.open("/account/").reads_nothing_of("9901")


def picture() -> bytes:
    """A page of the court's paper, as a phone photographs it."""
    page = io.BytesIO()
    Image.new("RGB", (200, 280), "white").save(page, "PNG")
    return page.getvalue()


def is_kept_away(mother: Walker, office: Walker, principal: Walker, pupil: str) -> None:
    """A court order, entered by the office, bites from the minute the principal approves it."""
    mother.open("/").open("/notices/").reads("通知")
    office.open(pupil).follow("登记法院限制").reads(CHILD)
    office.choose(NAME).fill(court="云溪县人民法院（演练）", number="(演练)民事裁定第9号")
    today = clock.today()
    office.fill(document=office.page.locator("[name=document]").first.get_attribute("value") or "")
    office.fill(issued_on=(today - timedelta(days=1)).isoformat(), from_on=today.isoformat())
    office.press("提交校长审批").reads("等待批准")
    order = office.path
    principal.open(order).finds_no_button("批准：与文书相符")
    office.open(order).attach("papers", "caiding.png", picture()).press("添加扫描件").reads("caiding.png")
    mother.open("/").reads_nothing_of("学校为您登记的孩子")
    mother.open("/contacts/mine").reads(CHILD)
    principal.open(order).reads(CHILD, "云溪县人民法院（演练）").press("批准：与文书相符").reads("生效中")
    for path in ("/", "/contacts/mine", "/privacy/consents", "/visits/family", "/notices/"):
        mother.open(path).reads_nothing_of(CHILD)


def test_a_family_and_its_data(portal: Portal, open_context: OpenContext) -> None:
    def at(account: str) -> Walker:
        return Walker(open_context(PHONE), portal.address, account).sign_in(account)

    teacher, office, principal = at("wangxue").wear("班主任"), at("hejing"), at("sunlide")
    mother = Walker(open_context(PHONE, accept_downloads=True), portal.address)
    joins(mother, teacher)
    signs_in(mother).reads(NAME)
    guards_her_account(mother)
    corrects(mother, teacher)
    fetches_a_copy(mother)
    asks_for_deletion(mother, office)
    pupil = teacher.open("/schools/class").follow(CHILD).path
    is_kept_away(mother, office, principal, pupil)
