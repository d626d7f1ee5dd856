"""Base schools, innovation schools and parent schools: shorter rounds of the same engine, from the application to the naming."""

import io
import re
from datetime import timedelta

import pytest
import time_machine
from pypdf import PdfReader
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.ratings import standing
from portal.ratings.concerns import Concern
from portal.ratings.models import Entry, EntryState, Round, RubricVersion, Sheet
from portal.schools.models import School
from tests.ratings.building import appoint, countersigned, opened

RUBRIC = """schema: 1
id: {id}
title: {{zh-Hans: {title}, en: Short procedure}}
total: {{points: 20}}
indicators:
  - id: A
    title: {{zh-Hans: 做法, en: Practice}}
    points: 20
    children:
      - id: A1
        title: {{zh-Hans: 有章程和计划, en: Charter and plan}}
        points: 8
        source: manual_with_evidence
        rule:
          kind: checklist
          components:
            - {{id: charter, what: {{zh-Hans: 章程, en: Charter}}, points: 4}}
            - {{id: plan, what: {{zh-Hans: 计划, en: Plan}}, points: 4}}
      - id: A2
        title: {{zh-Hans: 特色和成效, en: Effect}}
        points: 12
        source: manual_with_evidence
        rule: {{kind: judged}}
result:
  kind: points_to_stars
  ranks:
{ranks}
  below: {{zh-Hans: 未达到, en: Not reached}}
"""
KINDS = {
    "base": ("家校共育基地校考评细则", "    - {star: 1, min_total: 12}", "1", "基地校", "家校共育基地校"),
    "innovation": (
        "创新实践校评定细则",
        "    - {star: 1, min_total: 14}",
        "1",
        "创新实践校",
        "家校共育创新实践校",
    ),
    "parent_school": (
        "家长学校评估细则",
        "    - {star: 2, min_total: 18}\n    - {star: 1, min_total: 12}",
        "2",
        "优秀",
        "优秀家长学校",
    ),
}


def prepared(as_, kind, text=""):
    """A round of the kind with one school and two inspectors, opened; ``text``: another rubric than the kind's own."""
    title, ranks, *_rest = KINDS[kind]
    district = as_("张建平")
    text = text or RUBRIC.format(id=f"short_{kind}", title=title, ranks=ranks)
    page = district.page("/ratings/rubrics/new").press("检查并保存", text=text)
    page.press("发布这份细则")
    newest = db.session.scalar(select(RubricVersion.public_id).order_by(RubricVersion.id.desc()).limit(1))
    countersigned(as_, f"/ratings/rubrics/{newest}")
    form = district.page("/ratings/rounds/new")
    chosen = next(one.get("value") for one in form.all("option") if title in "".join(one.itertext()))
    school = db.session.scalar(select(School.public_id).where(School.name == "望溪小学"))
    later = (clock.today() + timedelta(days=20)).isoformat()
    page = form.press(
        "新建这一轮", programme=kind, rubric=chosen, schools=[school], self_assessment_due_on=later,
        scoring_due_on=later,
    )  # fmt: skip
    assert page.status == 200, page.text
    entry = db.session.scalars(select(Entry).order_by(Entry.id.desc())).first()
    inspectors = district.page(f"/ratings/entries/{entry.public_id}/inspectors")
    people = {"".join(one.itertext()): one.get("value") for one in inspectors.all("option")}
    inspectors.press("确定评审", first=people["吴正清"], second=people["冯秀英"])
    round_id = db.session.get(Round, entry.round_id).public_id
    district.page(f"/ratings/rounds/{round_id}").press("开启本轮")
    return entry, round_id


def applied(as_, entry, kind):
    """The school's application."""
    head, where = as_("孙立德"), f"/ratings/assessments/{entry.public_id}"
    head.page(f"{where}/items/A1").press("保存这一项", present=["charter", "plan"], evidence="档案盒一")
    head.page(f"{where}/items/A2").press("保存这一项", points="11", evidence="档案盒二")
    claim = head.page(f"{where}/claim")
    assert KINDS[kind][3] in claim.text and "一星" not in claim.text
    assert claim.press("保存申报", star="5").status == 422
    claim.press("保存申报", star=KINDS[kind][2], text="做法写在计划里。")
    page = head.page(f"{where}/check").press("提交自评", true="y")
    assert page.status == 200, page.text


def scored(as_, entry):
    for name in ("吴正清", "冯秀英"):
        client = as_(name)
        sheet = db.session.scalars(select(Sheet).where(Sheet.entry_id == entry.id).order_by(Sheet.id)).all()
        own = next(one for one in sheet if client.page(f"/ratings/sheets/{one.public_id}").status == 200)
        page = opened(client, own)
        for address in page.links.values():
            if re.search(r"/items/A\d$", address):
                form = client.page(address)
                typed = {"points": "11"} if address.endswith("A2") else {"present": ["charter", "plan"]}
                form.press("保存评分", **typed)
        page = client.page(f"/ratings/sheets/{own.public_id}").press("锁定评分表")
    client.page(f"/ratings/sheets/{own.public_id}/gaps").press("提交一致意见")


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_application_to_the_naming(as_, app, kind):
    entry, round_id = prepared(as_, kind)
    applied(as_, entry, kind)
    district, where = as_("张建平"), f"/ratings/entries/{entry.public_id}"
    district.page(where).press("受理自评")
    scored(as_, entry)
    page = district.page(where)
    assert "发出初步意见" not in page.buttons, "the procedure is short"
    assert KINDS[kind][3] in page.text
    assert "等待会签" in page.press("作出决定", remark="").text
    assert "作出决定" not in district.page(where).buttons, "somebody else goes on"
    countersigned(as_, where)
    assert db.session.get(Entry, entry.id, populate_existing=True).state == EntryState.DECIDED
    district.page(f"/ratings/rounds/{round_id}").press("公布结果")
    countersigned(as_, f"/ratings/rounds/{round_id}")
    paper = PdfReader(io.BytesIO(as_("孙立德").get(f"{where}/decision.pdf").data))
    said = "".join(paper.pages[0].extract_text().split())
    assert KINDS[kind][3] in said and "决定书" in said and "星级评定" not in said, said
    school = db.session.scalar(select(School.public_id).where(School.name == "望溪小学"))
    public = as_(None).page(f"/stars/{school}?kind={kind}")
    assert KINDS[kind][3] in public.text and "一星" not in public.text
    assert "望溪小学" in as_(None).page(f"/stars/?kind={kind}").text
    star = as_(None).page(f"/stars/{school}")
    assert "四星" in star.text, "the stars of the school stay as they are"
    assert "提出异议" in as_("孙立德").page(f"/ratings/assessments/{entry.public_id}").buttons
    if kind == "parent_school":
        others_object(as_, public, entry)
    round_ = db.session.get(Round, entry.round_id)
    with time_machine.travel(clock.instant_of(round_.publicity_ends_on + timedelta(days=1), 9), tick=False):
        page = as_("张建平").page(f"/ratings/rounds/{round_id}").press("命名学校")
        row = standing.present(db.session.get(Entry, entry.id))
        assert KINDS[kind][4] in row.content
        check = as_(None).page(f"/stars/certificates/{row.public_id}")
        assert KINDS[kind][4] in check.text and "核对无误" in check.text
        certificate = as_("孙立德").get(f"/ratings/entries/{entry.public_id}/certificate.pdf")
        assert certificate.status_code == 200
        assert KINDS[kind][4] in as_(None).page(f"/stars/{school}").text, "told beside the stars"
    years = {"base": 3, "innovation": 2, "parent_school": 1}[kind]
    assert round_.valid_until_on.year == round_.published_on.year + years


def others_object(as_, public, entry):
    """A parent and the head of another school object to this result, not to the stars; both are answered."""
    link = next(one for one in public.links.values() if one.endswith("/objection?kind=parent_school"))
    for name in ("李晚晴", "钱文博"):
        page = as_(name).page(link)
        assert "评估" in page.text
        page = page.press("提交异议", words="家长学校去年只上了两次课，课表上写的是六次。")
        assert page.status == 200 and "正在核查" in page.text
    found = db.session.scalars(select(Concern).order_by(Concern.id)).all()
    assert [one.entry_id for one in found] == [entry.id, entry.id]
    as_("李晚晴").page(link).press("收回")
    assert [db.session.get(Concern, one.id, populate_existing=True).state for one in found] == [
        "withdrawn",
        "open",
    ]
    appoint("程远")
    case = as_("程远", "district_staff").page(f"/ratings/concerns/{found[1].public_id}")
    answered = case.press(
        "答复", outcome="unfounded", gist="上年六次课的签到都在。", reply="谢谢，我们查了记录。"
    )
    assert answered.status == 200
    assert "不成立" in as_("钱文博").page(link).text


def test_stars_may_start_from_an_indicator_and_be_added_and_taken(as_, app):
    title, ranks, *_rest = KINDS["parent_school"]
    text = RUBRIC.format(id="short_adjusted", title=title, ranks=ranks)
    of_points = text[text.index("result:") :]
    adjusted = """result:
  kind: star_adjust
  ratings: [{id: charter, from_item: A1, min: 1, max: 2}, {id: effect, from_item: A2, min: 1, max: 2}]
  start: charter
  steps: [{when: {of: effect, eq: 2}, add: 1}]
  limits: [{min: 1, max: 2}]
"""
    graded = "grades: [{min_share: 0.9, star: 2}, {min_share: 0, star: 1}]"
    text = text.replace(
        "source: manual_with_evidence\n        rule: {kind: judged}",
        f"{graded}\n        rule: {{kind: judged}}",
    )
    text = text.replace(
        "source: manual_with_evidence\n",
        "grades: [{min_share: 0, star: 1}]\n        source: manual_with_evidence\n",
    )
    text = text.replace(of_points, adjusted)
    entry, _round = prepared(as_, "parent_school", text)
    version = db.session.scalars(select(RubricVersion).order_by(RubricVersion.id.desc())).first()
    page = as_("张建平").page(f"/ratings/rubrics/{version.public_id}")
    assert "从“有章程和计划”的星级算起。" in page.text
    assert "如果“特色和成效”等于 2：加 1 星。" in page.text and "最低 1 星。" in page.text
    applied(as_, entry, "parent_school")
    district, where = as_("张建平"), f"/ratings/entries/{entry.public_id}"
    district.page(where).press("受理自评")
    scored(as_, entry)
    district.page(where).press("作出决定", remark="")
    countersigned(as_, where)
    assert db.session.get(Entry, entry.id, populate_existing=True).star == 2, (
        "one, and one more for the effect"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [(("from_item: A2, ", ""), "取自哪个指标"), (("{of: effect, eq: 2}", "{fact: watched}"), "改写成否决项")],
)
def test_what_no_round_can_know_is_told(as_, app, change, words):
    text = """schema: 1
id: adjusted
title: 星级加减
total: {points: 10}
indicators: [{id: A1, title: 章程, points: 5, grades: [{min_share: 0, star: 1}], rule: {kind: judged}},
  {id: A2, title: 成效, points: 5, grades: [{min_share: 0, star: 1}], rule: {kind: judged}}]
result: {kind: star_adjust, start: charter, ratings: [{id: charter, from_item: A1}, {id: effect, from_item: A2, max: 5}],
  steps: [{when: {of: effect, eq: 2}, add: 1}], limits: [{min: 1, max: 5}]}
"""
    page = as_("张建平").page("/ratings/rubrics/new").press("检查并保存", text=text)
    assert page.status == 200 and words not in page.text, page.text
    page = as_("张建平").page("/ratings/rubrics/new").press("检查并保存", text=text.replace(*change))
    assert page.status == 200 and words in page.text, page.text


def test_an_unknown_kind_is_refused_and_an_unknown_list_shows_the_stars(as_, app):
    page = as_("张建平").page("/ratings/rounds/new").press("新建这一轮", programme="gold")
    assert page.status == 422
    assert "四星" in as_(None).page("/stars/?kind=gold").text
    school = db.session.scalar(select(School.public_id).where(School.name == "望溪小学"))
    assert as_(None).page(f"/stars/{school}?kind=base").status == 404
