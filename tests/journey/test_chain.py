"""The main job in a real browser, each step by its own person: from a course in the catalogue to a published star.

With ``PICTURES=<folder>`` every page of the way is photographed.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import clock
from tests.journey.people import Walker
from tests.ratings.test_journey import FORM
from tests.support.browser import DESKTOP, PHONE, OpenContext
from tests.support.server import Portal

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

COURSE = "陪孩子过好周末"
PURPOSE = "聊聊一诺的阅读和作息"
HOPES = "一诺愿意给同学讲故事，家里盼着他早点睡。"
SEALED = "孩子提到夜里怕黑，先观察两周。"
STEP = "晚上九点半关灯"
REMARK = "谢谢王老师，我们会坚持。"
NOTICE = "周六上午家委会开放日，请确认"
OPINION = "操场西边的灯坏了一周，放学时孩子看不清台阶。"
ANSWER = "灯已于今天修好，以后每周一检查一次。"
TREES = "周六上午去云溪河边认树"
TWICE = "今天的汤很好喝，谢谢食堂师傅。"
ROUND = "云溪县期中评星"
STAR_WORDS = ("一星", "二星", "三星", "四星", "五星")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, town_in: Callable[[Path], Path]) -> Iterator[Portal]:
    """A served portal with a fresh rehearsal district."""
    served = Portal(
        town_in(tmp_path_factory.mktemp("chain")), workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}
    )
    with served:
        yield served


class Cast:
    """Who walks, each with a browser of their own; people at a desk have a wide screen."""

    def __init__(self, portal: Portal, open_context: OpenContext) -> None:
        self.portal = portal
        self.open_context = open_context
        self.known: dict[str, Walker] = {}

    def at(self, account: str, *, desk: bool = False, **options: Any) -> Walker:
        """The person with this account, signed in."""
        if account not in self.known:
            context = self.open_context(DESKTOP if desk else PHONE, **options)
            self.known[account] = Walker(context, self.portal.address, account).sign_in(account)
        return self.known[account]

    def visitor(self) -> Walker:
        """Somebody who is not signed in."""
        return Walker(self.open_context(PHONE), self.portal.address)


@pytest.fixture
def cast(portal: Portal, open_context: OpenContext) -> Cast:
    return Cast(portal, open_context)


def day(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


def panel_meets(
    who: Walker, entry: str, present: tuple[str, ...] = ("张建平", "苏敏", "吴正清", "冯秀英")
) -> None:
    """Four of the district sit on the panel about a school, and all are for it."""
    who.open(entry).finds_no_button("发出初步意见").open(entry + "/panel").is_told("保存会议记录")
    options = who.page.locator("[name=chair] option").all()
    people = {one.inner_text(): one.get_attribute("value") for one in options}
    for name in present:
        who.page.locator(f"[name=present][value='{people[name]}']").check(force=True)
    who.page.locator("[name=chair]").select_option(label="张建平")
    who.fill(held_on=day(0), in_favour="4", text="逐项核对，建议按计算结果评定。").press("保存会议记录")


def soon(minutes: int) -> datetime:
    return clock.local(clock.now() + timedelta(minutes=minutes))


def wait_out_midnight() -> None:
    """The chain needs one day in China: near its end, let the next one begin."""
    here = clock.local(clock.now())
    if here.hour == 23 and here.minute >= 50:
        time.sleep((60 - here.minute) * 60)


def a_course_is_held(cast: Cast) -> None:
    office = cast.at("hejing")
    office.open("/courses/manage").follow("新建课程")
    office.fill(title=COURSE, topic="primary", form="place", is_public=True)
    office.fill(description="少安排、多陪伴：周末怎样过，孩子周一才有精神。").press("保存草稿").reads("草稿")
    plan = office.path
    office.follow("添加一讲").fill(title="留一段空白", text="每个周末留半天不安排，听孩子说。").press(
        "保存这一讲"
    )
    office.follow("添加场次")
    office.fill(day=day(0), begins="23:59", place="望溪小学报告厅", capacity="30", lesson_hours="2").press(
        "保存场次"
    )
    office.press("发布课程").reads("已发布")

    visitor = cast.visitor().open("/courses/").reads(COURSE).follow(COURSE)
    visitor.reads("留一段空白", "望溪小学报告厅", "登录后报名").finds_no_button("为全家报名")

    mother = cast.at("liwanqing").open("/courses/").follow(COURSE)
    mother.press("为全家报名").reads("您家（陈一诺和陈一帆）已报名")
    father = cast.at("chenshouchuan").open("/courses/").follow(COURSE)
    father.reads("您家（陈一诺和陈一帆）已由妈妈报名").finds_no_button("为全家报名")

    office.open(plan).follow("签到表").reads("陈一诺")
    office.choose("陈一诺").press("保存签到").reads("已到 1 户，报名 1 户")
    mother.open("/courses/mine").reads("全家的学习记录", COURSE, "2 课时")


def a_visit_is_made(cast: Cast) -> None:
    teacher = cast.at("wangxue").wear("班主任")
    teacher.open("/visits/").reads("待家访", "陈一诺").follow("陈一诺")
    teacher.follow("邀请").press("撤回邀请").follow("邀请家长")
    first, second = soon(10), soon(60 * 24)
    teacher.fill(purpose=PURPOSE, time_1=f"{first:%Y-%m-%dT%H:%M}", time_2=f"{second:%Y-%m-%dT%H:%M}")
    teacher.press("发出邀请").reads("等待答复")
    invitation = teacher.path

    mother = cast.at("liwanqing").open("/").reads(PURPOSE)
    mother.open(invitation).choose(f"{first:%H:%M}").press("就这样约").reads("已约好")

    teacher.open("/visits/").reads("已约好").follow("陈一诺").follow("记一次家访")
    teacher.fill(how="in_home", hopes=HOPES, note="书桌旁添了一盏灯。", sealed=SEALED)
    teacher.choose("孩子", "妈妈")
    teacher.fill(step_1_what=STEP, step_1_owner="school", step_1_due_on=day(0))
    teacher.press("提交家访记录").reads(HOPES, STEP, "待家长确认")
    visit = teacher.path

    mother.open("/").reads("确认一次家访").open(visit).reads(HOPES, STEP, "书桌旁添了一盏灯。")
    mother.reads_nothing_of(SEALED, "密封")
    mother.fill(body=REMARK).press("确认，是这样").reads(REMARK)
    mother.finds_no_button("确认，是这样").reads_nothing_of(SEALED, "密封")

    teacher.open(visit).reads("家长已确认", REMARK)
    teacher.open("/visits/follow-ups").follow(STEP).fill(line="连着三天做到了。").press("完成了")
    teacher.open(visit).reads("连着三天做到了。")
    mother.open(visit).reads("连着三天做到了。")


def a_notice_is_confirmed(cast: Cast) -> None:
    chair = cast.at("linyue").wear("家委会主任")
    chair.open("/notices/outbox").follow("写通知")
    chair.fill(title=NOTICE, body="周六上午九点，请到三(2)班教室坐坐，自愿参加。", act="请带上孩子的阅读卡。")
    chair.fill(due_on=day(3), level="confirm").press("保存，看看效果").reads("三(2)班", NOTICE)
    chair.press("发布").reads("已发布", "已送达", "已打开", "已确认")
    report = chair.path
    missing = chair.number_after("还有")
    assert (chair.number_after("已打开"), chair.number_after("已确认")) == (0, 0)

    mother = cast.at("liwanqing").open("/").reads(NOTICE)
    mother.open("/notices/").follow(NOTICE).press("确认收到").reads("您已在").finds_no_button("确认收到")

    elder = cast.at("zhouguilan").open("/").reads(NOTICE)
    elder.open("/notices/").follow(NOTICE)
    elder.page.wait_for_timeout(1000)

    chair.open(report)
    assert (chair.number_after("已打开"), chair.number_after("已确认")) == (2, 1)
    assert chair.number_after("还有") == missing - 1
    chair.press("只提醒还没回应的家长").reads("已提醒")
    chair.finds_no_button("只提醒还没回应的家长")
    elder.open("/").reads(NOTICE, "提醒过")
    mother.open("/").reads_nothing_of(NOTICE)


def an_opinion_is_answered(cast: Cast) -> None:
    mother = cast.at("liwanqing").open("/opinions/").follow("给学校提意见")
    mother.choose("陈一诺").fill(category="facilities", text=OPINION, naming="named").press("提交意见")
    mother.reads("意见已提交").follow("查看我的意见").reads(OPINION)
    opinion = mother.path

    office = cast.at("hejing").open("/").open("/opinions/").open(opinion).reads(OPINION, "李晚晴")
    office.follow("写答复").fill(text=ANSWER).press("发出答复").reads("已答复")

    mother.open("/").open(opinion).reads(ANSWER).press("有帮助").reads("谢谢").finds_no_button("有帮助")


def answer_items(person: Walker, button: str, **different: dict[str, Any]) -> None:
    """Every indicator form linked from the page at hand."""
    start = person.path
    links = person.page.locator("main a[href*='/items/']").evaluate_all(
        "all => all.map((one) => one.getAttribute('href'))"
    )
    for address in dict.fromkeys(links):
        item = address.rpartition("/")[2]
        if item in FORM:
            person.open(address)
            if person.page.get_by_role("button", name=button, exact=True).count():
                given = {**FORM[item], **different.get(item, {})}
                person.fill(**given)
                if person.page.locator("[name=evidence]").count():
                    person.fill(evidence="家校共育档案盒")
                person.press(button)
    person.open(start)


def a_star_is_published(cast: Cast) -> None:
    district = cast.at("zhangjianping", desk=True)
    district.open("/ratings/").follow("新建一轮评星")
    district.fill(name=ROUND, self_assessment_due_on=day(5), scoring_due_on=day(20)).choose("望溪小学")
    district.press("新建这一轮")
    round_page = district.path
    district.follow("望溪小学")
    for field, name in (("first", "吴正清"), ("second", "冯秀英"), ("third", "韩素云")):
        district.page.locator(f"[name={field}]").select_option(label=name)
    district.fill(lead="third", reason="只有这三位与学校没有关系。").press("确定评审").press(
        "开启本轮"
    ).reads("吴正清", "冯秀英")

    principal = cast.at("sunlide")
    principal.open("/").open("/ratings/").follow(ROUND)
    assessment = principal.path
    principal.follow("B1").reads(COURSE)
    principal.open(assessment).follow("C1").reads("陈一诺")
    principal.open(assessment).follow("C5").reads("陈一诺")
    principal.open(assessment)
    answer_items(principal, "保存这一项")
    principal.open(assessment + "/claim").fill(star="3", text="家访走得勤，课要再多开。").press("保存申报")
    principal.follow("检查全部内容").fill(true=True).press("提交自评").reads("已提交")

    district.open(round_page).follow("望溪小学").press("受理自评")
    entry = district.path

    first = cast.at("wuzhengqing", desk=True).open("/ratings/sheets").follow("望溪小学")
    first.fill(tie="none").press("继续")
    answer_items(first, "保存评分")
    first.press("锁定评分表")
    second = cast.at("fengxiuying", desk=True).open("/ratings/sheets").follow("望溪小学")
    second.fill(tie="none").press("继续")
    answer_items(second, "保存评分", D4={"points": "3"})
    second.press("锁定评分表").reads("有 1 项不一致").follow("查看不一致的地方")
    gaps = first.path + "/gaps"
    first.open(gaps + "/D4").fill(points="2", reason="一次征求意见没有公示结果。").press("提出这个分数")
    second.open(second.path).press("同意这个分数").press("提交一致意见")

    panel_meets(district, entry)
    district.open(entry).fill(remark="各项属实。").press("发出初步意见").reads("已发初步意见")
    principal.open(assessment).fill(agrees="yes").press("发出答复").reads("没有异议")
    other = cast.at("sumin", desk=True)
    district.open(entry).press("作出决定").reads("等待会签")
    other.open(entry).press("会签").reads("已决定")
    district.open(round_page).press("公布结果").reads("等待会签")
    other.open(round_page).press("会签").reads("已公布")

    visitor = cast.visitor().open("/stars/").follow("望溪小学")
    visitor.reads(clock.today().strftime("%Y年"), "有效期", "公示")


def test_the_chain_from_a_course_to_a_published_star(cast: Cast) -> None:
    wait_out_midnight()
    a_course_is_held(cast)
    a_visit_is_made(cast)
    a_notice_is_confirmed(cast)
    an_opinion_is_answered(cast)
    a_star_is_published(cast)


def test_a_parent_without_scripts_does_the_same(cast: Cast) -> None:
    """Taking a time, confirming a visit with a remark, and confirming a notice, with JavaScript off."""
    grandmother = cast.at("zhouguilan", java_script_enabled=False)
    teacher = cast.at("wangxue").wear("班主任").open("/visits/").follow("赵小满").follow("邀请家长")
    teacher.fill(purpose=PURPOSE, time_1=f"{soon(60 * 24):%Y-%m-%dT%H:%M}").press("发出邀请")
    grandmother.open("/").reads(PURPOSE).open(teacher.path).choose("电话").press("就这样约").reads(
        "已约好", "电话"
    )
    grandmother.open("/visits/family").follow("入户").fill(body="谢谢老师来家里坐。").press("确认，是这样")
    grandmother.reads("谢谢老师来家里坐。", "家长已确认").finds_no_button("确认，是这样")
    teacher.open("/visits/").follow("赵小满").reads("家长已确认", "已约好")

    grandmother.open("/notices/").follow(TREES).press("确认收到").reads("您已在")
    grandmother.finds_no_button("确认收到").open("/").reads_nothing_of(f"请确认：{TREES}")


def test_a_double_tap_does_nothing_twice(cast: Cast) -> None:
    """The very same form sent again gets the first answer; nothing is made twice."""
    mother = cast.at("fangqing").open("/opinions/new")
    mother.fill(category="canteen", text=TWICE)
    answers = [send_again(mother, "textarea[name=text]") for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert "/sent" in answers[0]
    mother.open("/opinions/")
    assert mother.seen.count("食堂") == 1

    chair = cast.at("linyue").wear("家委会主任").open("/notices/outbox").follow(TREES)
    before = chair.number_after("已确认")
    mother.open("/notices/").follow(TREES)
    button = "form[action$='/confirmations'] button"
    assert send_again(mother, button) == send_again(mother, button) == mother.page.url
    assert chair.open(chair.path).number_after("已确认") == before + 1


def send_again(person: Walker, control: str) -> str:
    """Send the form around a control without leaving the page; the address the portal answers with."""
    answered: str = person.page.locator(control).evaluate(
        """async (one) => {
          const body = new URLSearchParams(new FormData(one.form));
          return (await fetch(one.form.action, {method: "POST", body})).url;
        }"""
    )
    return answered
