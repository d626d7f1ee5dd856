"""One round driven by seven people through every state, and through what each of them is refused on the way.

张建平 and 苏敏 run it, 吴正清 and 冯秀英 inspect, 孙立德 is the principal, 田静宜 and 高守真 hear the objection. Time passes by moving
the last days of the terms into the past, as nobody waits weeks for a test.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from portal import clock
from portal.accounts.models import Person
from portal.extensions import db
from portal.ratings.models import Entry, Objection, ObjectionState, Round
from tests.journey.test_chain import Cast, day, panel_meets
from tests.ratings.building import appoint
from tests.support.browser import OpenContext
from tests.support.server import Portal
from tests.visits.inside import inside

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SCHOOL = "望溪小学"
ROUND = "云溪县七人评星"
RUBRIC = """schema: 1
id: seven_people
title: 云溪县简明细则
total: {points: 10}
indicators:
  - {id: A, title: 家长学校办得怎样, points: 6, rule: {kind: judged, step: 1}}
  - {id: B, title: 意见办得怎样, points: 4, rule: {kind: judged, step: 1}}
vetoes:
  - {id: V1, title: 考评数据造假, effect: exclude}
result:
  kind: points_to_stars
  ranks:
    - {star: 5, min_total: 9}
    - {star: 4, min_total: 7}
    - {star: 3, min_total: 5}
  below: 创建中
"""
HEARERS = {"田静宜": "tianjingyi", "高守真": "gaoshouzhen"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, town_in: Callable[[Path], Path]) -> Iterator[Portal]:
    """A served portal with a fresh rehearsal district, and two more people in its office."""
    folder = town_in(tmp_path_factory.mktemp("seven"))
    with Portal(folder, workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}) as served:
        with inside(served):
            known = db.session.scalars(select(Person).where(Person.name == "张建平")).one().password_hash
            for name, account in HEARERS.items():
                appoint(name)
                own = {"account_name": account, "password_hash": known}
                db.session.execute(update(Person).where(Person.name == name).values(own))
            db.session.commit()
        yield served


class Seven:
    """The people, and the round they are in."""

    def __init__(self, portal: Portal, open_context: OpenContext) -> None:
        cast = Cast(portal, open_context)
        self.portal = portal
        self.lead, self.second, self.first, self.other, self.tian, self.gao = (
            cast.at(account, desk=True)
            for account in (
                "zhangjianping",
                "sumin",
                "wuzhengqing",
                "fengxiuying",
                "tianjingyi",
                "gaoshouzhen",
            )
        )
        self.principal = cast.at("sunlide")
        self.visitor = cast.visitor
        self.round = self.entry = self.assessment = ""

    def passes(self, table: type[Entry] | type[Round] | type[Objection], **columns: int) -> None:
        """The days named are so many days from today in the round's rows."""
        with inside(self.portal):
            key = self.entry.rpartition("/")[2]
            entry = db.session.scalars(select(Entry).where(Entry.public_id == key)).one()
            of_round = {Entry: Entry.id == entry.id, Round: Round.id == entry.round_id}
            waiting = (Objection.entry_id == entry.id) & (Objection.state == ObjectionState.OPEN)
            mine = of_round.get(table, waiting)
            values = {name: clock.today() + timedelta(days=days) for name, days in columns.items()}
            db.session.execute(update(table).where(mine).values(values))
            db.session.commit()


@pytest.fixture
def seven(portal: Portal, open_context: OpenContext) -> Seven:
    return Seven(portal, open_context)


def a_rubric_is_published(seven: Seven) -> None:
    lead, second = seven.lead, seven.second
    lead.open("/ratings/rubrics").follow("导入细则")
    lead.fill(text=RUBRIC.replace("points: 6", "points: 7")).is_told("检查并保存", "10")
    lead.fill(text=RUBRIC).press("检查并保存")
    rubric = lead.path
    lead.open("/ratings/rounds/new").finds_nothing("云溪县简明细则")
    lead.open(rubric).press("发布这份细则").reads("等待会签").finds_no_button("会签")
    assert lead.tries(rubric + "/publication/countersignature") in (404, 409)
    second.open(rubric).press("会签").reads("已发布").finds_no_button("发布这份细则")


def a_round_is_opened(seven: Seven) -> None:
    lead = seven.lead
    lead.open("/ratings/").follow("新建一轮评星")
    lead.fill(name=ROUND, self_assessment_due_on=day(-1), scoring_due_on=day(20)).choose(SCHOOL)
    ours = lead.page.locator("[name=rubric] option", has_text="云溪县简明细则").get_attribute("value")
    lead.fill(rubric=ours or "").is_told("新建这一轮")
    lead.fill(self_assessment_due_on=day(5)).press("新建这一轮").reads("还缺评审").finds_no_button("开启本轮")
    seven.round = lead.path
    lead.follow(SCHOOL)
    for field in ("first", "second"):
        lead.page.locator(f"[name={field}]").select_option(label="吴正清")
    lead.is_told("确定评审")
    lead.page.locator("[name=second]").select_option(label="冯秀英")
    lead.is_told("确定评审")
    lead.page.locator("[name=third]").select_option(label="韩素云")
    lead.fill(lead="third").press("确定评审").press("开启本轮").reads("吴正清", "冯秀英")


def the_school_assesses_itself(seven: Seven) -> None:
    lead, principal = seven.lead, seven.principal
    principal.open("/ratings/").follow(ROUND)
    seven.assessment = principal.path
    principal.follow("检查全部内容").reads("还没有填").open(seven.assessment)
    for item, points in (("A", "5"), ("B", "3")):
        where = f"{seven.assessment}/items/{item}"
        principal.open(where).fill(points="7").is_told("保存这一项")
        principal.fill(points=points, evidence="档案盒第三格").press("保存这一项")
    principal.open(seven.assessment + "/claim").fill(star="4", text="课开得勤。").press("保存申报")
    submit(seven)

    lead.open(seven.round).follow(SCHOOL)
    seven.entry = lead.path
    lead.open_details().is_told("退回学校")
    lead.open_details().fill(reason="B 项请写明哪几条意见。").press("退回学校")
    principal.open(seven.assessment).reads("B 项请写明哪几条意见。")
    principal.open(f"{seven.assessment}/items/B").fill(evidence="意见台账第 3 至 9 条").press("保存这一项")
    submit(seven)
    lead.open(seven.entry).finds_no_button("退回学校")
    assert lead.tries(seven.entry + "/return", reason="再退一次") == 409
    lead.press("受理自评")
    principal.open(seven.assessment).finds_no_button("提交自评")
    assert principal.tries(seven.assessment + "/submission", true="y") == 409


def submit(seven: Seven) -> None:
    seven.principal.open(seven.assessment).follow("检查全部内容").is_told("提交自评")
    seven.principal.fill(true=True).press("提交自评").reads("已提交")


def two_people_score(seven: Seven) -> None:
    first, other = seven.first, seven.other
    sheets = []
    for person, points in ((first, {"A": "5", "B": "3"}), (other, {"A": "3", "B": "3"})):
        person.open("/ratings/sheets").follow(SCHOOL)
        sheets.append(person.path.removesuffix("/interest"))
        assert person.tries(sheets[-1] + "/lock") == 409
        person.is_told("继续").fill(tie="none").press("继续")
        assert person.tries(person.path + "/lock") == 409
        for item, value in points.items():
            person.open(f"{sheets[-1]}/items/{item}").fill(points=value).press("保存评分")
    assert first.tries(sheets[1] + "/lock") == 404
    assert first.opens(sheets[1]) == 404
    first.open(sheets[0]).press("锁定评分表")
    assert first.tries(sheets[0] + "/items/A", points="6") == 409
    assert first.tries(sheets[0] + "/handover") == 409
    other.open(sheets[1]).press("锁定评分表").reads("有 1 项不一致")
    seven.sheets = sheets
    agree(seven, "A", "4")


def agree(seven: Seven, item: str, points: str) -> None:
    """Both inspectors find one value for an indicator and hand over."""
    first, other = seven.first, seven.other
    one, two = seven.sheets
    assert first.tries(one + "/handover") == 409
    first.open(f"{one}/gaps/{item}").fill(points=points).is_told("提出这个分数")
    first.fill(points=points, reason="看了签到表和照片。").press("提出这个分数")
    assert first.tries(f"{one}/gaps/{item}/agreement") == 409
    other.open(two + "/gaps").press("同意这个分数").press("提交一致意见")


def a_veto_waits_for_two(seven: Seven) -> None:
    lead, second = seven.lead, seven.second
    lead.open(seven.entry).open_details().is_told("记录否决")
    lead.fill(**{"veto-veto": "V1", "veto-reason": "有一份签到表笔迹相同。"}).press(
        "记录否决"
    ).finds_no_button("确认否决")
    assert lead.tries(seven.entry + "/opinion", remark="各项属实。") == 409
    second.open(seven.entry).press("不予采用").reads("不予采用")


def the_school_is_heard(seven: Seven) -> None:
    lead, principal = seven.lead, seven.principal
    panel_meets(lead, seven.entry)
    lead.open(seven.entry).fill(remark="各项属实。").press("发出初步意见").reads("已发初步意见")
    assert lead.tries(seven.entry + "/decision") == 409
    assert lead.tries(seven.entry + "/hearing") == 409
    principal.open(seven.assessment).fill(agrees="no").is_told("发出答复")
    principal.fill(agrees="no", text="A 项还有一次课没有算进去。").press("发出答复")
    assert principal.tries(seven.assessment + "/answer", agrees="yes") == 409
    lead.open(seven.entry).reads("A 项还有一次课没有算进去。").open_details().is_told("交两位评审重新核对")
    again = {"again-items": "A", "again-reason": "请核对第二次课。"}
    lead.open_details().fill(**again).press("交两位评审重新核对")
    agree(seven, "A", "5")
    panel_meets(lead, seven.entry)
    lead.open(seven.entry).fill(remark="补算一次课。").press("发出初步意见")
    assert lead.tries(seven.entry + "/hearing") == 409
    seven.passes(Entry, defence_due_on=-1)
    principal.open(seven.assessment).finds_no_button("发出答复")
    lead.open(seven.entry).press("学校未答复，继续").finds_no_button("交两位评审重新核对")


def two_people_decide_and_publish(seven: Seven) -> None:
    lead, second = seven.lead, seven.second
    assert lead.tries(seven.round + "/publication") == 409
    lead.open(seven.entry).press("作出决定").reads("等待会签").finds_no_button("会签")
    assert lead.tries(seven.entry + "/decision/countersignature") in (404, 409)
    lead.press("撤回签署").press("作出决定")
    for inspector in (seven.first, seven.other):
        assert inspector.tries(seven.entry + "/decision/countersignature") in (403, 404)
    second.open(seven.entry).press("会签").reads("已决定")
    school = seven.visitor().open("/stars/")
    assert ROUND not in school.seen
    lead.open(seven.round).press("公布结果").reads("等待会签")
    assert lead.tries(seven.round + "/publication/countersignature") in (404, 409)
    second.open(seven.round).press("会签").reads("已公布")
    seven.visitor().open("/stars/").follow(SCHOOL).reads("四星", "公示")


def others_hear_objection_and_appeal(seven: Seven) -> None:
    principal, tian, gao = seven.principal, seven.tian, seven.gao
    where = seven.entry + "/objection"
    principal.open(seven.assessment).open_details().is_told("提出异议")
    said = {"objection-items": "B", "objection-text": "第 9 条意见当天就答复了。"}
    principal.open_details().fill(**said).press("提出异议").reads("正在核查").finds_no_button("提出异议")
    for took_part in (seven.lead, seven.second, seven.first, seven.other):
        assert took_part.opens(where) in (403, 404)
    tian.open(where).is_told("答复学校")
    tian.fill(outcome="change", text="第 9 条属实。").is_told("答复学校")
    tian.open(where + "/B").fill(points="4").is_told("保存核查结果")
    tian.fill(points="4", reason="台账和短信记录一致。").press("保存核查结果")
    tian.open(where).fill(outcome="change", text="第 9 条属实，B 改为 4 分。").press("答复学校").reads(
        "等待会签"
    )
    assert tian.tries(where + "/countersignature") in (404, 409)
    gao.open(where).reads("第 9 条属实").press("会签")
    principal.open(seven.assessment).reads("9 分", "第 9 条属实，B 改为 4 分。")
    seven.visitor().open("/stars/").follow(SCHOOL).reads("原结果：四星").reads_nothing_of(
        "台账和短信记录一致"
    )

    principal.open_details().fill(**{"objection-items": "A", "objection-text": "A 项还差一次。"})
    principal.press("提出申诉")
    for took_part in (seven.lead, seven.second, tian, gao):
        assert took_part.opens(where) in (403, 404)
    principal.open(seven.assessment).finds_no_button("再次提出申诉")
    seven.passes(Objection, answer_due_on=-1)
    principal.open(seven.assessment).open_details().fill(
        **{"objection-items": "A", "objection-text": "仍差一次。"}
    )
    principal.press("再次提出申诉").reads("第二次申诉")
    seven.passes(Objection, answer_due_on=-1)
    principal.open(seven.assessment).finds_no_button("再次提出申诉")


def test_seven_people_and_one_round(seven: Seven) -> None:
    a_rubric_is_published(seven)
    a_round_is_opened(seven)
    the_school_assesses_itself(seven)
    two_people_score(seven)
    a_veto_waits_for_two(seven)
    the_school_is_heard(seven)
    two_people_decide_and_publish(seven)
    others_hear_objection_and_appeal(seven)
