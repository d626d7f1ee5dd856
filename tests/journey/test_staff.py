"""People who work in a school, in a real browser: appointed, let in, standing in for each other, gone; pupils who come; the
year's report. Each step by its own person."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest

from portal import clock
from tests.journey.people import Walker
from tests.support.browser import DESKTOP, PHONE, OpenContext
from tests.support.server import Portal

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

NAME, NUMBER = "祝小满", "19900099902"
PASSWORD_OF_THEIR_OWN = "校门口的银杏叶黄了又绿我都记得"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, town_in: Callable[[Path], Path]) -> Iterator[Portal]:
    """A served portal with its jobs and a fresh rehearsal district."""
    served = Portal(
        town_in(tmp_path_factory.mktemp("staff")),
        workers=1,
        jobs=True,
        settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"},
    )
    with served:
        yield served


def day(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def is_let_in(principal: Walker, newcomer: Walker) -> str:
    """Appointed by hand, let in with a slip of paper; returns the page of the appointment."""
    principal.open("/appointments/new").fill(office="school_office", name=NAME, who=NUMBER)
    principal.fill(started_on=day(0), document="望小〔2026〕9号").press("确定任职").reads(NAME, "学校办公室")
    appointment = principal.path
    principal.follow("给一张开通单").press("生成开通单").reads(NAME)
    paper = principal.page.request.get(f"{principal.address}/appointments/newcomers/paper")
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(paper.body())).pages)
    number = re.search(r"\b[0-9A-Z]{3}-[0-9A-Z]{3}\b", text)
    code = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", text)
    assert number and code, text

    newcomer.open("/account/sign-in").open("/first-access").fill(number=number[0], code=code[0]).press("继续")
    newcomer.fill(new=PASSWORD_OF_THEIR_OWN).press("保存并登录")
    newcomer.open("/").reads(NAME).open("/contacts/reach/school").reads("三(2)班")
    return appointment


def goes(principal: Walker, newcomer: Walker, appointment: str) -> None:
    """From the minute the appointment ends, the open browser shows nothing of the school any more."""
    principal.open(appointment).follow("结束这项任职").fill(when="at_once").press("结束任职")
    newcomer.page.goto(newcomer.address + "/contacts/reach/school")
    newcomer.seen = newcomer.page.locator("body").inner_text()
    newcomer.reads_nothing_of("三(2)班")
    newcomer.open("/").reads_nothing_of("望溪小学")


def stands_in(teacher: Walker, colleague: Walker) -> None:
    """For some days a colleague has the class; taken back, it is gone at once."""
    teacher.open("/appointments/mine").follow("请同事代理")
    options = teacher.page.locator("[name=colleague] option").evaluate_all(
        "all => all.map((one) => [one.textContent, one.value])"
    )
    (value,) = [value for words, value in options if "邓宇" in words]
    teacher.fill(colleague=value, started_on=day(0), last_on=day(3)).press("确定代理").reads("邓宇")
    colleague.wear("班主任").open("/contacts/reach").reads("三(2)班")
    teacher.open("/appointments/mine").press("收回")
    colleague.page.goto(colleague.address + "/contacts/reach")
    colleague.seen = colleague.page.locator("body").inner_text()
    colleague.reads_nothing_of("从未登录")


def takes_a_pupil(office: Walker) -> None:
    """The new school answers for a class of its own."""
    office.open("/transfers").follow("沈知夏").reads("东塔小学", "是否接收这名学生")
    value = office.page.locator("[name=school_class] option", has_text="三(1)班").get_attribute("value")
    office.fill(school_class=value or "").press("接收到这个班").reads("已接收", "三(1)班")
    office.finds_no_button("接收到这个班")


def hands_over(district: Walker, principal: Walker) -> None:
    """Everything at once, and back."""
    district.open("/hand-overs").press("建立下一学年").reads("下一学年已建立")
    principal.open("/hand-over").reads("二(1)班", "29 名学生").follow("一(1)班").press("保存")
    principal.press("执行交接").reads("撤销交接").finds_no_button("执行交接")
    district.open("/hand-overs").reads("已执行")
    principal.press("撤销交接").finds_no_button("撤销交接")


def reports(district: Walker) -> None:
    """The yearly report on minors' data: one parcel of Word documents and a workbook, fetched once."""
    district.open("/privacy/audit").follow("制作文件")
    assert district.page.locator("[name=kind][value=audit_pack]").is_checked()
    district.fill(purpose="报送网信部门").press("申请导出")
    for _second in range(40):
        if district.page.get_by_role("button", name="领取文件").count():
            break
        district.page.wait_for_timeout(500)
        district.open("/privacy/exports")
    with district.page.expect_download() as fetching:
        district.page.get_by_role("button", name="领取文件").click()
    with zipfile.ZipFile(fetching.value.path()) as parcel:
        kinds = sorted({name.rpartition(".")[2] for name in parcel.namelist()})
    assert {"docx", "xlsx"} <= set(kinds)
    district.open("/privacy/exports").reads("已领取")


def test_people_who_work_in_a_school(portal: Portal, open_context: OpenContext) -> None:
    def at(account: str, screen=PHONE) -> Walker:
        context = open_context(screen, accept_downloads=True)
        return Walker(context, portal.address, account).sign_in(account)

    principal, newcomer = at("sunlide", DESKTOP), Walker(open_context(PHONE), portal.address)
    appointment = is_let_in(principal, newcomer)
    goes(principal, newcomer, appointment)
    stands_in(at("wangxue").wear("班主任"), at("dengyu"))
    takes_a_pupil(at("hejing"))
    district = at("zhangjianping", DESKTOP)
    hands_over(district, principal)
    reports(district)
