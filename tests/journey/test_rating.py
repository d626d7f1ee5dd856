"""One round driven by seven people through every state and every move, and through what each of them is refused on the way.

张建平 and 苏敏 run it, 吴正清 and 冯秀英 inspect, 孙立德 is the principal, 田静宜 and 高守真 hear the objection; others are called in where a
rule asks for one more. In every state the right person knocks with each move that belongs to another state, and the others with
those that belong to it. Time passes by moving the last days of the terms into the past. In the end the log is asked: the moves made
are exactly the declared ones.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update

from portal import clock, create_app
from portal.access import Role
from portal.accounts.models import Person
from portal.config import Settings
from portal.extensions import db
from portal.ratings import standing, states
from portal.ratings.models import Entry, Objection, Round, RoundState, RubricVersion, Sheet
from portal.ratings.standing import Appeal, LightCheck, Measure
from portal.ratings.windows import Window
from portal.schools.models import School
from portal.trail.models import TrailEntry
from tests.journey.people import TAKEN, Walker
from tests.journey.test_chain import Cast, day, panel_meets
from tests.ratings.building import appoint
from tests.support.browser import OpenContext
from tests.support.server import Portal

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
SHORT = RUBRIC.replace("seven_people", "short_one").replace("简明", "基地").split("    - {star: 5")[0]
SHORT += "    - {star: 1, min_total: 5}\n  below: 创建中\n"
CALLED_IN = {
    "田静宜": ("tianjingyi", Role.DISTRICT_STAFF), "高守真": ("gaoshouzhen", Role.DISTRICT_STAFF),
    "段青": ("duanqing", Role.DISTRICT_STAFF), "阮宁": ("ruanning", Role.DISTRICT_STAFF),
    "马守业": ("mashouye", Role.INSPECTOR),
}  # fmt: skip

HEADINGS = {403: "您当前的身份不能使用此页", 404: "这里没有您能查看的内容", 409: "现在不能这样操作"}
Form = tuple[str, str, dict[str, str]]
FORMS: dict[str, Form] = {
    "submit": ("principal", "{assessment}/submission", {"true": "y"}),
    "return": ("lead", "{entry}/return", {"reason": "再退一次"}),
    "accept": ("lead", "{entry}/acceptance", {}),
    "lock": ("first", "{sheet}/lock", {}),
    "agree": ("first", "{sheet}/handover", {}),
    "opine": ("lead", "{entry}/opinion", {"remark": "各项属实。"}),
    "answer": ("principal", "{assessment}/answer", {"agrees": "yes"}),
    "close": ("lead", "{entry}/hearing", {}),
    "reopen": ("lead", "{entry}/reopening", {"again-items": "A", "again-reason": "再核对。"}),
    "decide": ("lead", "{entry}/decision", {}),
    "rerun": ("lead", "{entry}/void", {"void-reason": "事后发现有关系。"}),
    "object": ("principal", "{assessment}/objection", {"objection-items": "B", "objection-text": "不对。"}),
}
"""How each move of a school is sent, and by whom."""
AFTERWARDS: dict[str, Form] = {
    "report": ("principal", "{assessment}/check-report", {"said_1": "照常。", "clean": "yes"}),
    "ask_again": ("lead", "{entry}/finding", {"finding-outcome": "ask", "finding-text": "何时？"}),
    "keep": ("lead", "{entry}/finding", {"finding-outcome": "keep", "finding-text": "属实。"}),
    "doubt": ("lead", "{entry}/finding", {"finding-outcome": "doubt", "finding-text": "不属实。"}),
    "respond": ("principal", "{assessment}/measure-answer", {"respond-text": "不是这样。"}),
    "go_on": ("lead", "{entry}/measures/hearing", {}),
    "take_back": ("lead", "{entry}/measures/withdrawal", {}),
    "settle": (
        "second",
        "{entry}/measures/settlement",
        {"settle-outcome": "settle", "settle-text": "属实。"},
    ),
    "drop": ("second", "{entry}/measures/settlement", {"settle-outcome": "drop", "settle-text": "不属实。"}),
    "appeal": ("principal", "{assessment}/measure-appeal", {"appeal-text": "签到表在第五格。"}),
    "withdraw_appeal": ("principal", "{assessment}/measure-appeal/withdrawal", {}),
    "uphold_appeal": ("tian", "{entry}/appeal", {"outcome": "uphold", "text": "核对过。"}),
    "grant_appeal": ("duan", "{entry}/appeal", {"outcome": "annul", "text": "签到表属实。"}),
}
"""The same for what comes after the decision."""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, town_in: Callable[[Path], Path]) -> Iterator[Portal]:
    """A served portal with a fresh rehearsal district."""
    folder = town_in(tmp_path_factory.mktemp("seven"))
    with Portal(folder, workers=1, settings={"PORTAL_PASSWORD_MEMORY_KIB": "64"}) as served:
        yield served


class Seven:
    """The people, and the round they are in."""

    def __init__(self, portal: Portal, open_context: OpenContext) -> None:
        settings = Settings(instance=portal.folder, database_url="", development=True, password_memory_kib=64)
        self.app = create_app(settings, TESTING=True)
        with self.inside():
            known = db.session.scalars(select(Person).where(Person.name == "张建平")).one().password_hash
            for name, (account, role) in CALLED_IN.items():
                appoint(name, role=role)
                own = {"account_name": account, "password_hash": known}
                db.session.execute(update(Person).where(Person.name == name).values(own))
            db.session.commit()
            self.begun = (
                db.session.scalar(select(TrailEntry.sequence).order_by(TrailEntry.sequence.desc())) or 0
            )
        self.cast = cast = Cast(portal, open_context)
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
        self.nobody = cast.visitor().open("/account/sign-in")
        self.round = self.entry = self.assessment = self.sheet = ""

    @property
    def duan(self) -> Walker:
        """Somebody who hears the last appeal; called in late."""
        return self.cast.at("duanqing", desk=True)

    @property
    def ruan(self) -> Walker:
        """Who countersigns the last appeal."""
        return self.cast.at("ruanning", desk=True)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Within, ``db.session`` is that of the served portal's database."""
        with self.app.test_request_context(method="POST"):
            yield
            db.session.remove()

    def passes(
        self, table: type[Entry | Round | Objection | LightCheck | Measure | Appeal], **columns: int
    ) -> None:
        """The days named are so many days from today in the round's rows; the calendar of their year is known."""
        with self.inside():
            key = self.entry.rpartition("/")[2]
            entry = db.session.scalars(select(Entry).where(Entry.public_id == key)).one()
            of = {Entry: Entry.id == entry.id, Round: Round.id == entry.round_id}
            mine = of.get(table, getattr(table, "entry_id", Entry.id) == entry.id)
            if "answer_due_on" in columns:
                mine = mine & (table.state == "open")  # type: ignore[union-attr]
            values = {name: clock.today() + timedelta(days=days) for name, days in columns.items()}
            db.session.execute(update(table).where(mine).values(values))
            db.session.execute(
                update(Window).where(Window.round_id == entry.round_id).values(provisional=False)
            )
            db.session.commit()

    def sent(self, form: Form) -> tuple[str, dict[str, str]]:
        """Address and fields of a form, about the present school."""
        _who, path, values = form
        places = {name: getattr(self, name) for name in ("entry", "assessment", "round", "sheet")}
        return path.format(**places), values

    def looks_around(
        self, state: str, forms: dict[str, Form], moves: tuple[states.Move | standing.Move, ...]
    ) -> None:
        """In a state, everybody is refused what is not theirs now, each with the page that says why."""
        now = {move.verb for move in moves if state in _starts(move)}
        wanted: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
        for verb, (who, *_rest) in forms.items():
            if verb not in now:
                wanted.setdefault(who, []).append((verb, (404, 409, 422)))
                continue
            others = {
                "lead": ("principal", "first"),
                "second": ("principal",),
                "principal": ("lead", "other"),
                "first": ("lead", "principal"),
            }
            for other in others.get(who, ("principal", "first")):
                wanted.setdefault(other, []).append((verb, (403,)))
            wanted.setdefault("nobody", []).append((verb, (TAKEN,)))  # To the sign-in.
        for who, verbs in wanted.items():
            answers = getattr(self, who).knocks([self.sent(forms[verb]) for verb, _may in verbs])
            for (verb, may), (status, heading) in zip(verbs, answers, strict=True):
                assert status in may, f"{state}: {who} tries to {verb}: {status} {heading}"
                assert heading == HEADINGS.get(status, heading), f"{state}, {verb}: {status} {heading}"

    def stands(self, state: str) -> None:
        """The school is in a state, and everything that does not belong to it is refused."""
        with self.inside():
            key = self.entry.rpartition("/")[2]
            assert db.session.scalar(select(Entry.state).where(Entry.public_id == key)) == state
        self.looks_around(state, FORMS, states.MOVES)


def _starts(move: states.Move | standing.Move) -> tuple[str, ...]:
    return tuple(str(one) for one in (move.starts if isinstance(move, states.Move) else (move.start,)))


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
    lead.fill(lead="third").is_told("确定评审", "抽签")
    lead.fill(reason="只有这三位与学校没有关系。").press("确定评审").press("开启本轮").reads(
        "吴正清", "冯秀英"
    )


def the_school_assesses_itself(seven: Seven) -> None:
    lead, principal = seven.lead, seven.principal
    principal.open("/ratings/").follow(ROUND)
    seven.assessment = principal.path
    lead.open(seven.round).follow(SCHOOL)
    seven.entry = lead.path
    with seven.inside():
        key = seven.entry.rpartition("/")[2]
        wanted = select(Sheet.public_id).join(Entry).join(Person, Person.id == Sheet.person_id)
        own = wanted.where(Entry.public_id == key, Person.name == "吴正清")
        seven.sheet = f"/ratings/sheets/{db.session.scalars(own).one()}"
    seven.stands("self_assessing")
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
    seven.stands("submitted")
    lead.open(seven.entry).press("受理自评")
    principal.open(seven.assessment).finds_no_button("提交自评")
    assert principal.tries(seven.assessment + "/submission", true="y") == 409


def submit(seven: Seven) -> None:
    seven.principal.open(seven.assessment).follow("检查全部内容").is_told("提交自评")
    seven.principal.fill(true=True).press("提交自评").reads("已提交")


def two_people_score(seven: Seven) -> None:
    first, other = seven.first, seven.other
    sheets = []
    for person, points in ((first, {"A": "6", "B": "3"}), (other, {"A": "2", "B": "2"})):
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
    seven.stands("scoring")
    other.open(sheets[1]).press("锁定评分表").finds_nothing("不一致")
    seven.sheets = sheets
    a_third_scores(seven, "hansuyun", {"A": "4", "B": "3"})
    seven.stands("locked")
    agree(seven, "B", "3")
    seven.stands("agreed")


def a_third_scores(seven: Seven, account: str, points: dict[str, str]) -> Walker:
    """Somebody else of the team, who has seen neither sheet, scores what is asked of them."""
    third = seven.cast.at(account, desk=True).open("/ratings/sheets").follow(SCHOOL)
    sheet = third.path.removesuffix("/interest")
    third.fill(tie="none").press("继续")
    for item, value in points.items():
        if third.open(f"{sheet}/items/{item}").page.locator("main [name=points]").count():
            third.fill(points=value).press("保存评分")
    third.open(sheet).press("锁定评分表")
    return third


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
    seven.stands("opined")
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


def a_sheet_is_void_and_somebody_else_scores(seven: Seven) -> None:
    lead, second = seven.lead, seven.second
    seven.stands("heard")
    lead.open(seven.entry).open_details().is_told("签署作废")
    own = lead.page.get_by_label("冯秀英").get_attribute("value")
    lead.open_details().fill(**{"void-sheet": own or "", "void-reason": "其爱人上学期在该校代课。"})
    lead.press("签署作废").reads("等待会签").finds_no_button("会签")
    assert lead.tries(seven.entry + "/void/countersignature") in (404, 409)
    second.open(seven.entry).press("会签").reads("冯秀英", "作废")
    assert seven.other.opens(seven.sheets[1]) == 404
    lead.open(seven.entry).open_details().page.locator("[name='join-person']").select_option(label="马守业")
    lead.fill(**{"join-reason": "只有他与学校没有关系。"})
    lead.press("加入评审组")
    a_third_scores(seven, "mashouye", {"A": "5", "B": "2"})
    seven.other = seven.cast.at("mashouye", desk=True)
    seven.sheets[1] = seven.other.path
    seven.first.open(seven.sheets[0] + "/gaps")
    for item, points in (("A", "5"), ("B", "2")):
        if seven.first.opens(f"{seven.sheets[0]}/gaps/{item}") == 200:
            seven.first.open(f"{seven.sheets[0]}/gaps/{item}").fill(points=points, reason="重新看了签到表。")
            seven.first.press("提出这个分数")
            seven.other.does(f"{seven.sheets[1]}/gaps/{item}/agreement")
    seven.other.open(seven.sheets[1] + "/gaps").press("提交一致意见")
    panel_meets(lead, seven.entry, ("张建平", "苏敏", "吴正清", "韩素云"))
    lead.open(seven.entry).fill(remark="重新评分后略低。").press("发出初步意见")
    seven.principal.open(seven.assessment).fill(agrees="yes").press("发出答复").reads("没有异议")


def two_people_decide_and_publish(seven: Seven) -> None:
    lead, second = seven.lead, seven.second
    assert lead.tries(seven.round + "/publication") == 409
    assert lead.tries(seven.round + "/opening") == 409
    lead.open(seven.entry).press("作出决定").reads("等待会签").finds_no_button("会签")
    assert lead.tries(seven.entry + "/decision/countersignature") in (404, 409)
    lead.press("撤回签署").press("作出决定")
    for inspector in (seven.first, seven.other):
        assert inspector.tries(seven.entry + "/decision/countersignature") in (403, 404)
    second.open(seven.entry).press("会签").reads("已决定")
    seven.stands("decided")
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
    seven.duan.open(where).fill(outcome="uphold", text="只有五次签到。").press("答复学校")
    seven.ruan.open(where).press("会签")
    principal.open(seven.assessment).reads("只有五次签到。").open_details().fill(
        **{"objection-items": "A", "objection-text": "仍差一次。"}
    )
    principal.press("再次提出申诉").reads("第二次申诉").press("撤回异议")
    principal.finds_no_button("再次提出申诉")
    assert principal.tries(seven.assessment + "/objection/withdrawal") == 409


def schools_are_named(seven: Seven) -> None:
    lead, principal = seven.lead, seven.principal
    assert lead.tries(seven.round + "/naming") == 409
    seven.passes(Round, publicity_ends_on=-1)
    lead.open(seven.round).press("命名学校").reads("1 所学校已命名")
    assert principal.tries(seven.round + "/naming") == 403
    where = seven.entry + "/certificate.pdf"
    paper = principal.page.context.request.get(seven.cast.portal.address + where)
    assert paper.ok and seven.first.opens(where) == 403
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(paper.body())).pages)
    check = re.search(r"/stars/certificates/[\w-]{22}", text.replace("\n", ""))
    assert check, text
    seven.check = check[0]
    seven.visitor().open(seven.check).reads(SCHOOL, "核对无误", "有效")


def a_light_check(seven: Seven) -> None:
    lead, principal = seven.lead, seven.principal
    seven.looks_around("", AFTERWARDS, standing.MOVES)
    lead.open(seven.round + "/checks").fill(items=["A"], due_on=day(9)).press("请学校写复查报告")
    seven.looks_around("asked", AFTERWARDS, standing.MOVES)
    standing_page = seven.assessment + "/standing"
    principal.open(standing_page).is_told("发出报告")
    principal.fill(said_1="照常开课。", clean="yes").press("发出报告")
    seven.looks_around("reported", AFTERWARDS, standing.MOVES)
    lead.open(seven.entry + "/standing").fill(**{"finding-outcome": "ask", "finding-text": "几次？"})
    lead.press("保存结论")
    principal.open(standing_page).reads("几次？").fill(said_1="照常开课，六次。").press("发出报告")
    lead.open(seven.entry + "/standing").fill(**{"finding-outcome": "keep", "finding-text": "属实，保持。"})
    lead.press("保存结论")
    seven.visitor().open("/stars/").follow(SCHOOL).reads("属实，保持。").reads_nothing_of("照常开课")


def a_title_is_taken_away_and_given_back(seven: Seven) -> None:
    lead, second, principal = seven.lead, seven.second, seven.principal
    removal = {"measure-kind": "removal", "measure-reason": "签到表系补签。", "measure-to_star": ""}
    lead.does(seven.entry + "/measures", **removal)
    seven.looks_around("proposed", AFTERWARDS, standing.MOVES)
    did(seven, lead, "take_back")
    lead.does(seven.entry + "/measures", **removal)
    seven.passes(Measure, hearing_due_on=-1)
    assert lead.tries(seven.assessment + "/measure-answer", **{"respond-text": "x"}) == 403
    did(seven, lead, "go_on")
    did(seven, second, "drop")
    lead.open(seven.entry + "/standing").open_details().fill(**removal).press("提出")
    principal.open(seven.assessment + "/standing").fill(**{"respond-text": "没有补签。"}).press("发出答复")
    seven.looks_around("heard", AFTERWARDS, standing.MOVES)
    assert lead.tries(seven.entry + "/measures/settlement", **AFTERWARDS["settle"][2]) == 409, "proposed it"
    second.open(seven.entry + "/standing").fill(**AFTERWARDS["settle"][2]).press("作出决定")
    seven.visitor().open(seven.check).reads("已有新的记录")
    seven.looks_around("settled", AFTERWARDS, standing.MOVES)
    principal.open(seven.assessment + "/standing").open_details().fill(**{"appeal-text": "签到表在第五格。"})
    principal.press("对处理提出申诉")
    for took_part in (lead, second, seven.first):
        assert took_part.opens(seven.entry + "/appeal") in (403, 404)
    did(seven, seven.tian, "uphold_appeal")
    seven.gao.open(seven.entry + "/appeal").press("会签")
    did(seven, principal, "appeal")
    assert seven.tian.opens(seven.entry + "/appeal") == 404
    seven.duan.open(seven.entry + "/appeal").fill(**AFTERWARDS["grant_appeal"][2]).press("答复学校")
    assert seven.duan.tries(seven.entry + "/appeal/countersignature") in (404, 409)
    seven.ruan.open(seven.entry + "/appeal").press("会签")
    principal.open(seven.assessment + "/standing").reads("已撤销", "申诉成立")
    seven.visitor().open("/stars/").follow(SCHOOL).reads("有效")


def did(seven: Seven, who: Walker, verb: str) -> None:
    """Somebody makes a move after the decision whose page was looked at before."""
    path, values = seven.sent(AFTERWARDS[verb])
    who.does(path, **values)


def a_short_round(seven: Seven) -> None:
    """A base school: decided at once, and an objection nobody answers in time. The pages are those looked at above."""
    lead, second, principal = seven.lead, seven.second, seven.principal
    lead.does("/ratings/rubrics", text=SHORT)
    rubric = newest(seven, RubricVersion)
    lead.does(f"/ratings/rubrics/{rubric}/publication")
    second.does(f"/ratings/rubrics/{rubric}/publication/countersignature")
    with seven.inside():
        school = db.session.scalars(select(School.public_id).where(School.name == SCHOOL)).one()
        people = {person.name: str(person.public_id) for person in db.session.scalars(select(Person))}
    lead.does(
        "/ratings/rounds", programme="base", rubric=rubric, schools=school, self_assessment_due_on=day(5),
        scoring_due_on=day(9), name="", **year_of(lead),
    )  # fmt: skip
    seven.round = f"/ratings/rounds/{newest(seven, Round)}"
    key = newest(seven, Entry)
    seven.entry, seven.assessment = f"/ratings/entries/{key}", f"/ratings/assessments/{key}"
    lead.does(
        seven.entry + "/inspectors", first=people["吴正清"], second=people["冯秀英"], third="", fourth=""
    )
    lead.does(seven.round + "/opening")
    for item, points in (("A", "5"), ("B", "3")):
        principal.does(f"{seven.assessment}/items/{item}", points=points, evidence="档案盒第三格")
    principal.does(seven.assessment + "/claim", star="1", text="")
    principal.does(seven.assessment + "/submission", true="y")
    lead.does(seven.entry + "/acceptance")
    with seven.inside():
        of = select(Sheet.public_id).join(Entry).where(Entry.public_id == key).order_by(Sheet.id)
        sheets = [f"/ratings/sheets/{one}" for one in db.session.scalars(of)]
    inspectors = (seven.first, seven.cast.at("fengxiuying", desk=True))
    if seven.first.opens(sheets[0]) == 404:
        sheets.reverse()
    for person, sheet in zip(inspectors, sheets, strict=True):
        person.does(sheet + "/interest", tie="none")
        for item, points in (("A", "5"), ("B", "3")):
            person.does(f"{sheet}/items/{item}", points=points)
        person.does(sheet + "/lock")
    seven.first.does(sheets[0] + "/handover")
    assert lead.tries(seven.entry + "/opinion", remark="x") == 409, "a short procedure"
    lead.does(seven.entry + "/decision")
    second.does(seven.entry + "/decision/countersignature")
    lead.does(seven.round + "/publication")
    second.does(seven.round + "/publication/countersignature")
    said = {"objection-items": "A", "objection-text": "还差一次课。"}
    principal.does(seven.assessment + "/objection", **said)
    assert principal.tries(seven.assessment + "/objection", **said) == 409
    seven.passes(Objection, answer_due_on=-1)
    principal.does(seven.assessment + "/objection", **said)
    principal.does(seven.assessment + "/objection/withdrawal")
    seven.passes(Round, publicity_ends_on=-1)
    lead.does(seven.round + "/naming")
    lead.does(seven.round + "/checks", items="A", due_on=day(9))
    did(seven, principal, "report")
    did(seven, lead, "doubt")


def silence_and_an_appeal_nobody_answers(seven: Seven) -> None:
    """Last year's result: no report of the light check comes, and no answer to the appeal."""
    lead, second, principal = seven.lead, seven.second, seven.principal
    with seven.inside():
        last = db.session.execute(
            select(Entry.public_id, Round.public_id)
            .join(Round, Round.id == Entry.round_id)
            .join(School, School.id == Entry.school_id)
            .where(School.name == SCHOOL, Round.state == RoundState.PUBLISHED)
            .order_by(Entry.id)
        ).first()
        assert last
    seven.entry, seven.assessment = f"/ratings/entries/{last[0]}", f"/ratings/assessments/{last[0]}"
    seven.round = f"/ratings/rounds/{last[1]}"
    lead.does(seven.round + "/naming")
    lead.does(seven.round + "/checks", items="C1", due_on=day(9))
    assert lead.tries(seven.entry + "/finding", **AFTERWARDS["doubt"][2]) == 409
    seven.passes(LightCheck, due_on=-1)
    did(seven, lead, "doubt")
    did(seven, principal, "respond")
    did(seven, second, "settle")
    did(seven, principal, "appeal")
    assert principal.tries(seven.assessment + "/measure-appeal", **AFTERWARDS["appeal"][2]) == 409
    seven.passes(Appeal, answer_due_on=-1)
    did(seven, principal, "appeal")
    did(seven, principal, "withdraw_appeal")
    assert principal.tries(seven.assessment + "/measure-appeal", **AFTERWARDS["appeal"][2]) == 409


def newest(seven: Seven, table: type[RubricVersion | Round | Entry]) -> str:
    """The address of the newest row of a table."""
    with seven.inside():
        return str(db.session.scalars(select(table.public_id).order_by(table.id.desc()).limit(1)).one())


def year_of(lead: Walker) -> dict[str, str]:
    """The school year as the form of a new round offers it."""
    field = lead.open("/ratings/rounds/new").page.locator("[name=year]")
    return {"year": field.input_value()} if field.count() else {}


def made(seven: Seven) -> set[tuple[str, str, str]]:
    """The moves that the log of this test knows: (verb, from, to)."""
    verbs = {f"rating.{move.verb}": move.verb for move in (*states.MOVES, *standing.MOVES)}
    with seven.inside():
        rows = db.session.execute(
            select(TrailEntry.action, TrailEntry.facts).where(
                TrailEntry.sequence > seven.begun, TrailEntry.action.in_(verbs)
            )
        ).all()
    return {(verbs[action], str(facts.get("before")), str(facts.get("after"))) for action, facts in rows}


ALSO = {("rerun", start, "scoring") for start in ("locked", "agreed", "opined")}
"""A sheet is made void once here, when the school was heard; from the other states in tests/ratings/test_walks.py."""


def test_seven_people_and_one_round(seven: Seven) -> None:
    a_rubric_is_published(seven)
    a_round_is_opened(seven)
    the_school_assesses_itself(seven)
    two_people_score(seven)
    a_veto_waits_for_two(seven)
    the_school_is_heard(seven)
    a_sheet_is_void_and_somebody_else_scores(seven)
    two_people_decide_and_publish(seven)
    others_hear_objection_and_appeal(seven)
    schools_are_named(seven)
    a_light_check(seven)
    a_title_is_taken_away_and_given_back(seven)
    a_short_round(seven)
    silence_and_an_appeal_nobody_answers(seven)
    declared = {
        (move.verb, start, str(move.to))
        for move in (*states.MOVES, *standing.MOVES)
        for start in _starts(move)
    }
    assert made(seven) == declared - ALSO
