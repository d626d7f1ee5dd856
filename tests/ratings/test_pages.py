"""Bad inputs keep what was typed and say what to do; lists cost the same for one row and for many; stars stay plain."""

import pytest
from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.ratings.models import Answer, Entry, EntryState, Mark, Round, RoundState, Sheet
from portal.schools.models import School
from tests.ratings.building import countersigned, decided
from tests.ratings.test_journey import item_links, sheet_of, this_years_entry


def item(as_, name):
    entry = this_years_entry()
    client = as_("孙立德")
    return client.page(f"/ratings/assessments/{entry.public_id}/items/{name}")


@pytest.mark.parametrize(
    "typed", ["-1", "NaN", "很多", "1e308", "5.123", "", "99999999999999", "null", "[1]", "true"]
)
def test_a_number_that_cannot_be_is_refused_and_kept(as_, app, typed):
    page = item(as_, "E2").press("保存这一项", count=typed)
    assert page.status == 422
    assert "请填 0 或以上的数字" in page.text or "请回答这一项" in page.text
    assert page.fields(page.form_of("保存这一项"))["count"] == [typed]
    assert (
        db.session.scalar(
            select(Answer.id).where(Answer.item_id == "E2", Answer.entry_id == this_years_entry().id)
        )
        is None
    )


def test_a_part_larger_than_its_whole_is_refused_by_the_engine(as_, app):
    page = item(as_, "E1").press("保存这一项", numerator="25", denominator="24")
    assert page.status == 422
    assert page.all("p", class_="error")


def test_points_above_the_maximum_and_unknown_choices_are_refused(as_, app):
    page = item(as_, "D4").press("保存这一项", points="4")
    assert page.status == 422
    page = item(as_, "B6").press("保存这一项", level="national")
    assert page.status == 422
    page = item(as_, "A1").press("保存这一项", present=["head", "nonsense"])
    assert page.status == 422


def test_full_width_digits_are_numbers(as_, app):
    page = item(as_, "E2").press("保存这一项", count="２")
    assert page.status == 200
    row = db.session.scalars(
        select(Answer).where(Answer.item_id == "E2", Answer.entry_id == this_years_entry().id)
    ).one()
    assert row.facts == '{"count":2}'


def test_control_characters_in_the_proof_are_refused(as_, app):
    page = item(as_, "E2").press("保存这一项", count="1", evidence="档案\u202e盒")
    assert page.status == 422


@pytest.mark.parametrize("name", ["Z9", "C1", "F1", "C4", "A", "..%2f", "A1%00"])
def test_only_the_schools_own_indicators_open(as_, app, name):
    entry = this_years_entry()
    assert as_("孙立德").get(f"/ratings/assessments/{entry.public_id}/items/{name}").status_code == 404


def test_an_unfinished_self_assessment_is_not_submitted(as_, app):
    entry = this_years_entry()
    page = as_("孙立德").page(f"/ratings/assessments/{entry.public_id}/check")
    assert "还没有填" in page.text
    assert "提交自评" not in page.buttons


def test_nobody_changes_a_submitted_self_assessment(as_, app):
    page = item(as_, "E2")
    entry = this_years_entry()
    entry.state = EntryState.SUBMITTED
    entry.submitted_at = clock.now()
    db.session.commit()
    refused = page.press("保存这一项", count="1")
    assert refused.status == 409
    assert "谁也不能再改" in refused.text
    claim = as_("孙立德").send(f"/ratings/assessments/{entry.public_id}/claim", {})
    assert claim.status in (400, 409, 422)


def test_an_inspector_never_sees_the_others_sheet_before_both_are_locked(as_, app):
    entry = this_years_entry()
    entry.state = EntryState.SCORING
    entry.submitted_at = clock.now()
    theirs = sheet_of(entry, "冯秀英")
    for sheet in (theirs, sheet_of(entry, "吴正清")):
        sheet.declared_at = clock.now()
    db.session.add(
        Mark(
            sheet_id=theirs.id,
            item_id="D4",
            facts='{"points":1}',
            reason="只有她知道的话",
            marked_at=clock.now(),
        )
    )
    db.session.commit()
    wu = as_("吴正清")
    assert wu.get(f"/ratings/sheets/{theirs.public_id}").status_code == 404
    own = sheet_of(entry, "吴正清")
    for address in (
        f"/ratings/sheets/{own.public_id}",
        *item_links(wu.page(f"/ratings/sheets/{own.public_id}")).values(),
    ):
        assert "只有她知道的话" not in wu.page(address).text
    assert wu.get(f"/ratings/sheets/{own.public_id}/gaps").status_code == 404
    assert "只有她知道的话" in as_("冯秀英").page(f"/ratings/sheets/{theirs.public_id}/items/D4").html, (
        "control"
    )


def test_a_broken_rubric_comes_back_with_its_lines(as_, app):
    district = as_("张建平")
    page = district.page("/ratings/rubrics/new")
    text = "schema: 1\nid: ours\ntitle: 我们的细则\ntotal: {points: 10}\nindicators:\n  - {id: A, points: 9, rule: {kind: binary}}\n"
    page = page.press("检查并保存", text=text)
    assert page.status == 422
    assert "第 " in page.text
    assert "9" in page.text
    assert page.fields(page.form_of("检查并保存"))["text"][0].strip() == text.strip()
    assert district.page("/ratings/rubrics/new").press("检查并保存", text=" ").status == 422
    for nasty in ("a: &x [*x, *x]", "!!python/object/apply:os.system ['id']", "\x00", "{" * 5000):
        assert district.page("/ratings/rubrics/new").press("检查并保存", text=nasty).status == 422


def test_a_pasted_rubric_is_kept_published_and_chosen(as_, app):
    district = as_("张建平")
    text = (
        "schema: 1\nid: ours\ntitle: 简明细则\ntotal: {points: 10}\nindicators:\n"
        "  - {id: A, title: 家访, points: 10, rule: {kind: binary}}\n"
        "result: {kind: points_to_stars, ranks: [{star: 5, min_total: 10}]}\n"
    )
    page = district.page("/ratings/rubrics/new").press("检查并保存", text=text)
    assert page.heading == "简明细则"
    page = countersigned(as_, page.press("发布这份细则").path)
    assert "已发布" in page.text
    assert "简明细则" in district.page("/ratings/rounds/new").text


def test_a_rubric_with_an_unknown_measure_cannot_be_rated_by(as_, app):
    district = as_("张建平")
    text = (
        "schema: 1\nid: ours\ntitle: 未来细则\ntotal: {points: 10}\nindicators:\n"
        "  - {id: A, title: 心电感应, points: 10, source: 'system:telepathy', rule: {kind: prorata, target: 3}}\n"
        "result: {kind: points_to_stars, ranks: [{star: 5, min_total: 10}]}\n"
    )
    page = district.page("/ratings/rubrics/new").press("检查并保存", text=text)
    assert "系统还算不了：telepathy" in page.text


def test_star_pages_show_what_is_published_and_nothing_before(as_, app):
    visitor = as_(None)
    page = visitor.page("/stars/")
    names = [name for name in ("东塔小学", "望溪小学", "南桥中学") if name in page.text]
    assert names == ["东塔小学", "望溪小学"]
    assert page.text.index("东塔小学") < page.text.index("望溪小学"), "by pinyin, never by stars"
    schools = dict(db.session.execute(select(School.name, School.public_id)).all())
    assert visitor.page(f"/stars/{schools['南桥中学']}").status == 404
    star = visitor.page(f"/stars/{schools['望溪小学']}")
    assert "四星 · 89 分" in star.text
    assert "为什么是四星" in star.text
    assert "公示已于" in star.text
    assert "系统记录" in star.text
    assert "学校自报，评审复核" in star.text
    assert (
        visitor.page("/stars/?q=wx").links.keys() & {"望溪小学"}
        or "望溪小学" in visitor.page("/stars/?q=wx").text
    )
    assert "东塔小学" not in visitor.page("/stars/?q=wx").text
    assert "没有找到学校" in visitor.page("/stars/?q=%25_%27").text
    assert visitor.page("/stars/?after=" + "x" * 2000).status == 200
    assert visitor.page("/stars/?after=:9999999999999999999").status == 200


def test_an_unpublished_decision_stays_inside(as_, app):
    entry = db.session.scalars(
        select(Entry).join(Round, Round.id == Entry.round_id).where(Round.state == RoundState.PUBLISHED)
    ).first()
    round_ = db.session.get(Round, entry.round_id)
    round_.state = RoundState.OPEN
    db.session.commit()
    assert as_(None).page("/stars/").status == 200
    assert "望溪小学" not in as_(None).page("/stars/").text
    page = as_("孙立德").page(f"/ratings/assessments/{entry.public_id}")
    assert "四星 · 89 分" not in page.text


def test_lists_cost_the_same_for_one_row_and_for_many(as_, app, queries):
    school = db.session.scalars(select(School).where(School.name == "南桥中学")).one()
    past = db.session.scalars(select(Round).where(Round.state == RoundState.PUBLISHED)).one()
    model = db.session.scalars(select(Entry).where(Entry.round_id == past.id)).first()
    cost = {}
    addresses = {
        None: ["/stars/"],
        "张建平": ["/ratings/", f"/ratings/rounds/{past.public_id}"],
        "吴正清": ["/ratings/sheets"],
    }

    def measure(label):
        for who, paths in addresses.items():
            client = as_(who)
            for path in paths:
                client.page(path)
                with queries() as count:
                    assert client.page(path).status == 200
                cost.setdefault(path, {})[label] = len(count)

    measure("few")
    inspectors = db.session.scalars(select(Sheet.person_id).where(Sheet.entry_id == model.id)).all()
    for number in range(12):
        other = School(
            district_id=school.district_id,
            code=f"N{number}",
            name=f"新校{number}",
            name_pinyin=f"xin xiao {number:02}",
        )
        db.session.add(other)
        db.session.flush()
        entry = Entry(
            round_id=past.id,
            school_id=other.id,
            state="decided",
            result=model.result,
            inputs=model.inputs,
            star=3,
            total="70",
        )
        db.session.add(entry)
        db.session.flush()
        db.session.add_all(Sheet(entry_id=entry.id, person_id=person) for person in inspectors)
    db.session.commit()
    measure("many")
    assert {path: found["many"] for path, found in cost.items()} == {
        path: found["few"] for path, found in cost.items()
    }


def test_the_first_page_says_what_waits(as_, app):
    assert "完成自评" in as_("孙立德").page("/").text
    entry = this_years_entry()
    entry.state = EntryState.SUBMITTED
    db.session.commit()
    assert "审核自评材料" in as_("张建平").page("/").text
    entry = this_years_entry()
    entry.state = EntryState.SCORING
    db.session.commit()
    assert "给学校打分" in as_("冯秀英").page("/").text


def test_a_questioned_number_must_be_answered_before_the_decision(as_, app):
    entry = db.session.scalars(
        select(Entry).join(Round, Round.id == Entry.round_id).where(Round.state == RoundState.PUBLISHED)
    ).first()
    entry.state = EntryState.HEARD
    entry.defence_due_on = clock.today()
    sheet = db.session.scalars(select(Sheet).where(Sheet.entry_id == entry.id)).first()
    db.session.add(
        Mark(sheet_id=sheet.id, item_id="C1", reason="走访数与班级台账不符", marked_at=clock.now())
    )
    db.session.commit()
    page = as_("张建平").page(f"/ratings/entries/{entry.public_id}")
    assert "走访数与班级台账不符" in page.text
    refused = page.press("作出决定", remark="")
    assert refused.status == 422
    assert "请写明核实的情况" in refused.text
    page = decided(as_, entry, "已查，台账漏记一户。")
    assert "已决定" in page.text
    assert "台账漏记一户" in page.text
